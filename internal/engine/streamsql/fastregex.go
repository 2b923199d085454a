package streamsql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// fastRegexLog is FAST_REGEX_LOG_PARSER. Its patterns are of a language of their own, and match
// the whole text or not at all; each repetition takes as little as it can.
func fastRegexLog(_ *compiler, x *sql.Call, args []string) ([]Column, func(string, []string) bool) {
	pattern, err := fastPattern(args[0])
	if err != nil {
		fail(x.Args[1], "", "The fast regular expression '%s' cannot be used: %v", args[0], err)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		fail(x.Args[1], "", "The fast regular expression '%s' cannot be used: %v", args[0], err)
	}
	n := re.NumSubexp()
	if n == 0 {
		fail(x.Args[1], "Put what is to become a column into parentheses.", "The fast regular expression '%s' has no groups", args[0])
	}
	return numberedColumns(n, fieldType), func(s string, into []string) bool {
		m := re.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		copy(into, m[1:])
		return true
	}
}

// maxFastInterval is how many numbers a numerical interval of a fast regular expression may have.
const maxFastInterval = 1000

// fastPattern rewrites a fast regular expression for Go: @ is any text, # none at all, "..." a
// text as it stands, <n-m> a number from n to m, () nothing. Intersections and named patterns
// are refused.
func fastPattern(p string) (string, error) {
	var out []byte
	var open []int
	atom := -1 // where what a repetition would repeat begins
	add := func(s string) { atom = len(out); out = append(out, s...) }
	for i := 0; i < len(p); {
		switch c := p[i]; c {
		case '\\':
			if i+1 == len(p) {
				return "", fmt.Errorf("it ends with a backslash")
			}
			_, size := utf8.DecodeRuneInString(p[i+1:])
			s := p[i+1 : i+1+size]
			if strings.Contains("dDwWsS", s) {
				add(`\` + s)
			} else {
				add(regexp.QuoteMeta(s))
			}
			i += 1 + size
			continue
		case '"':
			end := strings.IndexByte(p[i+1:], '"')
			if end < 0 {
				return "", fmt.Errorf("a quoted text has no end")
			}
			add("(?:" + regexp.QuoteMeta(p[i+1:i+1+end]) + ")")
			i += end + 2
			continue
		case '[':
			s, n, err := fastClass(p[i:])
			if err != nil {
				return "", err
			}
			add(s)
			i += n
			continue
		case '<':
			s, n, err := fastInterval(p[i:])
			if err != nil {
				return "", err
			}
			add(s)
			i += n
			continue
		case '(':
			if strings.HasPrefix(p[i:], "()") {
				add("(?:)")
				i += 2
				continue
			}
			open = append(open, len(out))
			out = append(out, c)
			atom = -1
		case ')':
			if len(open) == 0 {
				return "", fmt.Errorf("a parenthesis was not opened")
			}
			atom, open = open[len(open)-1], open[:len(open)-1]
			out = append(out, c)
		case '|':
			out = append(out, c)
			atom = -1
		case '*', '+', '?', '{':
			if atom < 0 {
				return "", fmt.Errorf("%c has nothing to repeat", c)
			}
			n := 1
			if c == '{' {
				end := strings.IndexByte(p[i:], '}')
				if end < 0 {
					return "", fmt.Errorf("{ has no end")
				}
				n = end + 1
			}
			// In parentheses of its own, so that a further repetition repeats it.
			out = append(out[:atom], "(?:"+string(out[atom:])+p[i:i+n]+")"...)
			i += n
			continue
		case '&':
			return "", fmt.Errorf("intersections are not supported")
		case '.':
			add("(?s:.)")
		case '@':
			add("(?s:.*)")
		case '#':
			add(`[^\x00-\x{10FFFF}]`)
		default:
			_, size := utf8.DecodeRuneInString(p[i:])
			add(regexp.QuoteMeta(p[i : i+size]))
			i += size
			continue
		}
		i++
	}
	if len(open) > 0 {
		return "", fmt.Errorf("a parenthesis has no end")
	}
	return `(?U)\A(?:` + string(out) + `)\z`, nil
}

// fastClass rewrites [...].
func fastClass(p string) (string, int, error) {
	out := "["
	i := 1
	if strings.HasPrefix(p[i:], "^") {
		out += "^"
		i++
	}
	for i < len(p) {
		_, size := utf8.DecodeRuneInString(p[i:])
		switch c := p[i]; {
		case c == ']':
			return out + "]", i + 1, nil
		case c == '\\' && i+1 < len(p):
			_, size = utf8.DecodeRuneInString(p[i+1:])
			size++
			if s := p[i+1 : i+size]; strings.Contains("dDwWsS", s) || s[0] < utf8.RuneSelf && !isWordByte(s[0]) {
				out += p[i : i+size]
			} else {
				out += s
			}
		case c == '[':
			out += `\[`
		default:
			out += p[i : i+size]
		}
		i += size
	}
	return "", 0, fmt.Errorf("a class has no end")
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// fastInterval rewrites <n-m>. Numbers of as many digits have leading zeros.
func fastInterval(p string) (string, int, error) {
	end := strings.IndexByte(p, '>')
	if end < 0 {
		return "", 0, fmt.Errorf("< has no end")
	}
	low, high, ok := strings.Cut(p[1:end], "-")
	n, err1 := strconv.Atoi(low)
	m, err2 := strconv.Atoi(high)
	if !ok || err1 != nil || err2 != nil {
		return "", 0, fmt.Errorf("%s: named patterns are not supported", p[:end+1])
	}
	if n < 0 || m < n || m-n >= maxFastInterval {
		return "", 0, fmt.Errorf("%s: an interval is of %d numbers at most", p[:end+1], maxFastInterval)
	}
	width := 0
	if len(low) == len(high) {
		width = len(low)
	}
	var all []string
	for ; n <= m; n++ {
		s := fmt.Sprintf("%0*d", width, n)
		if width == 0 {
			s = "0*" + s
		}
		all = append(all, s)
	}
	return "(?:" + strings.Join(all, "|") + ")", end + 1, nil
}
