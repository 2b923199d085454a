package duck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes rewrites the classes of a Java pattern that have others within them, or are the intersection of
// several ([a-z&&[^aeiou]]), as plain ones, which name the same characters. What is not empty in missing
// names something in such a class that has no plain form.
func Classes(p string) (out, missing string) {
	if !strings.Contains(p, "[") {
		return p, ""
	}
	var b strings.Builder
	for i := 0; i < len(p); {
		switch {
		case strings.HasPrefix(p[i:], `\Q`):
			end := strings.Index(p[i:], `\E`)
			if end < 0 {
				return b.String() + p[i:], ""
			}
			b.WriteString(p[i : i+end+2])
			i += end + 2
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i += 2
		case p[i] == '[':
			c := &classReader{p: p, i: i + 1}
			set := c.class(0)
			switch {
			case c.bad != "" && c.composed:
				return "", c.bad
			case c.bad != "": // the engine below says what is wrong with it
				return b.String() + p[i:], ""
			case c.composed:
				b.WriteString(set.String())
			default:
				b.WriteString(p[i:c.i])
			}
			i = c.i
		default:
			b.WriteByte(p[i])
			i++
		}
	}
	return b.String(), ""
}

// runes is a set of characters: the ends of ranges, in order, which do not touch.
type runes [][2]rune

func rangesOf(list [][2]rune) runes {
	slices.SortFunc(list, func(a, b [2]rune) int { return int(a[0]) - int(b[0]) })
	var out runes
	for _, r := range list {
		if n := len(out); n > 0 && r[0] <= out[n-1][1]+1 {
			out[n-1][1] = max(out[n-1][1], r[1])
			continue
		}
		out = append(out, r)
	}
	return out
}

func (s runes) not() runes {
	var out runes
	next := rune(0)
	for _, r := range s {
		if r[0] > next {
			out = append(out, [2]rune{next, r[0] - 1})
		}
		next = r[1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, [2]rune{next, unicode.MaxRune})
	}
	return out
}

func (s runes) and(t runes) runes { return rangesOf(append(s.not(), t.not()...)).not() }

// String is the set as a class, in words that RE2 and .NET's expressions share.
func (s runes) String() string {
	s = s.and(runes{{0xD800, 0xDFFF}}.not()) // which no text has
	if len(s) == 0 {
		return `[^\x00-\x{10FFFF}]`
	}
	var b strings.Builder
	b.WriteByte('[')
	write := func(r rune) {
		switch {
		case r < 0x80 && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z'):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	for _, r := range s {
		write(r[0])
		if r[1] > r[0] {
			b.WriteByte('-')
			write(r[1])
		}
	}
	b.WriteByte(']')
	return b.String()
}

// classReader reads one class and those within it.
type classReader struct {
	p        string
	i        int
	composed bool   // it has classes within it, or an intersection
	bad      string // why it cannot be read
}

// maxClassDepth bounds how deep classes lie in each other.
const maxClassDepth = 20

func (c *classReader) fail(why string) runes {
	if c.bad == "" {
		c.bad = why
	}
	return nil
}

// class reads what follows a [, to the ] that ends it.
func (c *classReader) class(depth int) runes {
	if depth > maxClassDepth {
		return c.fail("class within a class")
	}
	negated := strings.HasPrefix(c.p[c.i:], "^")
	if negated {
		c.i++
	}
	var whole runes    // what stands before the last &&
	var part [][2]rune // what stands after it
	both, some := false, false
	join := func() {
		if some {
			if set := rangesOf(part); both {
				whole = whole.and(set)
			} else {
				whole = set
			}
			both = true
		}
		part, some = nil, false
	}
	for c.bad == "" {
		rest := c.p[c.i:]
		switch {
		case rest == "":
			return c.fail("a class without an end")
		case rest[0] == ']' && (some || both):
			c.i++
			join()
			if negated {
				return whole.not()
			}
			return whole
		case strings.HasPrefix(rest, "[:") && strings.Contains(rest, ":]"):
			end := strings.Index(rest, ":]")
			name := rest[2:end]
			inverse := strings.HasPrefix(name, "^")
			set, ok := posixSets[strings.TrimPrefix(name, "^")]
			if !ok {
				return c.fail("class [:" + name + ":]")
			}
			if inverse {
				set = set.not()
			}
			part, some = append(part, set...), true
			c.i += end + 2
		case rest[0] == '[':
			c.composed = true
			c.i++
			part, some = append(part, c.class(depth+1)...), true
		case strings.HasPrefix(rest, "&&"):
			c.composed = true
			c.i += 2
			join()
		default:
			from, set := c.one()
			some = true
			if set != nil {
				part = append(part, set...)
				continue
			}
			to := from
			if after := c.p[c.i:]; len(after) > 1 && after[0] == '-' && after[1] != ']' && after[1] != '[' && !strings.HasPrefix(after[1:], "&&") {
				c.i++
				if to, set = c.one(); set != nil || to < from {
					return c.fail("range in a class")
				}
			}
			part = append(part, [2]rune{from, to})
		}
	}
	return nil
}

// one reads a character, or what an escape names.
func (c *classReader) one() (rune, runes) {
	rest := c.p[c.i:]
	if rest[0] != '\\' {
		r, n := utf8.DecodeRuneInString(rest)
		c.i += n
		return r, nil
	}
	if len(rest) < 2 {
		return 0, c.fail("a pattern that ends in \\")
	}
	c.i += 2
	switch d := rest[1]; d {
	case 'd', 'w', 's', 'h', 'v':
		return 0, escapeSets[d]
	case 'D', 'W', 'S', 'H', 'V':
		return 0, escapeSets[d+'a'-'A'].not()
	case 't', 'n', 'r', 'f', 'a', 'e':
		return map[byte]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': 7, 'e': 0x1b}[d], nil
	case 'x', 'u', '0':
		digits, base, n := rest[2:], 16, 2
		switch {
		case d == 'x' && strings.HasPrefix(digits, "{"):
			end := strings.IndexByte(digits, '}')
			if end < 0 {
				return 0, c.fail(`\x{`)
			}
			c.i += 2
			digits, n = digits[1:], end-1
		case d == 'u':
			n = 4
		case d == '0':
			base, n = 8, 0
			for n < 3 && n < len(digits) && digits[n] >= '0' && digits[n] <= '7' {
				n++
			}
		}
		if n > len(digits) {
			return 0, c.fail(rest)
		}
		v, err := strconv.ParseUint(digits[:n], base, 32)
		if err != nil || v > unicode.MaxRune {
			return 0, c.fail(rest[:2])
		}
		c.i += n
		return rune(v), nil
	case 'p', 'P':
		name, n := "", 0
		if strings.HasPrefix(rest[2:], "{") {
			if n = strings.IndexByte(rest, '}') - 1; n > 0 {
				name = rest[3 : n+1]
			}
		} else if len(rest) > 2 {
			name, n = rest[2:3], 1
		}
		set := property(name)
		if set == nil {
			return 0, c.fail(`\` + string(d) + "{" + name + "}")
		}
		c.i += n
		if d == 'P' {
			set = set.not()
		}
		return 0, set
	default:
		if d >= 'a' && d <= 'z' || d >= 'A' && d <= 'Z' || d >= '1' && d <= '9' {
			return 0, c.fail(rest[:2] + " in a class")
		}
		r, n := utf8.DecodeRuneInString(rest[1:])
		c.i += n - 1
		return r, nil
	}
}

var escapeSets = map[byte]runes{
	'd': {{'0', '9'}}, 'w': {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 's': {{'\t', '\r'}, {' ', ' '}},
	'h': {{'\t', '\t'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}},
	'v': {{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}},
}

// posixSets are the classes of POSIX, of ASCII.
var posixSets = map[string]runes{
	"alpha": {{'A', 'Z'}, {'a', 'z'}}, "digit": {{'0', '9'}}, "alnum": {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, "upper": {{'A', 'Z'}}, "lower": {{'a', 'z'}},
	"punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, "space": {{'\t', '\r'}, {' ', ' '}}, "blank": {{'\t', '\t'}, {' ', ' '}},
	"cntrl": {{0, 0x1f}, {0x7f, 0x7f}}, "xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, "graph": {{'!', '~'}}, "print": {{' ', '~'}}, "ascii": {{0, 0x7f}},
	"word": {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
}

// property is the characters that \p{name} stands for; nil for a name that is not known.
func property(name string) runes {
	if posix, ok := posixClasses[name]; ok {
		return posixSets[strings.Trim(posix, "[:]")]
	}
	name = strings.TrimPrefix(name, "Is")
	table := unicode.Categories[name]
	if table == nil {
		table = unicode.Scripts[name]
	}
	if table == nil {
		return nil
	}
	var list [][2]rune
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			list = append(list, [2]rune{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			list = append(list, [2]rune{r, r})
		}
	}
	for _, r := range table.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return rangesOf(list)
}
