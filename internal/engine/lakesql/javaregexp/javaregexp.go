// Package javaregexp matches Java's regular expressions.
//
// What RE2 has is matched in linear time by Go's package regexp. The rest (lookaround,
// references to groups, possessive quantifiers, atomic groups) is matched by backtracking, with
// a limit on the time of each match (Timeout).
package javaregexp

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
)

// Timeout bounds the time of a match that backtracks.
const Timeout = time.Second

// maxLength bounds a pattern.
const maxLength = 64 << 10

// ErrTimeout is a match that would take longer than Timeout.
var ErrTimeout = errors.New("the regular expression takes too long to match")

// Regexp is a compiled pattern. It is safe for use by many goroutines.
type Regexp struct {
	linear *regexp.Regexp
	back   *regexp2.Regexp
	groups int
}

// Compile compiles a pattern that is to match the whole of a text.
func Compile(pattern string, ignoreCase bool) (*Regexp, error) {
	if len(pattern) > maxLength {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", maxLength)
	}
	flags := ""
	if ignoreCase {
		flags = "(?i)"
	}
	if out, missing := duck.Pattern(pattern); missing == "" {
		if re, err := regexp.Compile(flags + `\A(?:` + out + `)\z`); err == nil {
			return &Regexp{linear: re, groups: re.NumSubexp()}, nil
		}
	}
	out, groups, _, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile(flags+`\A(?:`+out+`)\z`, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("not a regular expression: %s", pattern)
	}
	re.MatchTimeout = Timeout
	return &Regexp{back: re, groups: groups}, nil
}

// Groups is the number of groups.
func (r *Regexp) Groups() int { return r.groups }

// Match returns what the groups of a match of the whole text have, nil for those that take no
// part; nil if there is no match.
func (r *Regexp) Match(s string) ([]*string, error) {
	out := make([]*string, r.groups)
	if r.linear != nil {
		m := r.linear.FindStringSubmatchIndex(s)
		if m == nil {
			return nil, nil
		}
		for i := range out {
			if m[2*i+2] >= 0 {
				part := s[m[2*i+2]:m[2*i+3]]
				out[i] = &part
			}
		}
		return out, nil
	}
	m, err := r.back.FindStringMatch(s)
	if err != nil {
		return nil, ErrTimeout
	}
	if m == nil {
		return nil, nil
	}
	for i := range out {
		if g := m.GroupByNumber(i + 1); g != nil && len(g.Captures) > 0 {
			part := g.String()
			out[i] = &part
		}
	}
	return out, nil
}

// classes are Java's names of POSIX classes, as what stands between brackets.
var classes = map[string]string{
	"Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9", "Upper": "A-Z", "Lower": "a-z", "Punct": "!-/:-@\\[-`{-~", "Space": `\t\n\v\f\r `,
	"Blank": `\t `, "Cntrl": `\x00-\x1f\x7f`, "XDigit": "0-9a-fA-F", "Graph": "!-~", "Print": " -~", "ASCII": `\x00-\x7f`,
	"IsAlphabetic": `\p{L}`, "IsDigit": `\p{Nd}`, "IsLetter": `\p{L}`, "IsUppercase": `\p{Lu}`, "IsLowercase": `\p{Ll}`, "IsWhite_Space": `\s`,
}

const horizontal = `\t\u00A0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000 `

// translate rewrites a pattern for the package that backtracks, whose language is that of .NET.
// Groups with names become groups with numbers: .NET counts them behind all others.
func translate(p string) (string, int, map[string]int, error) {
	p, missing := duck.Classes(p)
	if missing != "" {
		return "", 0, nil, fmt.Errorf("%s is not supported", missing)
	}
	var out []byte
	var open []int // where the groups that are open begin
	names := map[string]int{}
	groups, atom := 0, -1 // atom is where what a quantifier would repeat begins
	add := func(s string) { atom = len(out); out = append(out, s...) }
	for i := 0; i < len(p); {
		rest := p[i:]
		switch c := p[i]; {
		case strings.HasPrefix(rest, `\Q`):
			text, after, _ := strings.Cut(rest[2:], `\E`)
			for _, r := range text {
				add(regexp2.Escape(string(r)))
			}
			i = len(p) - len(after)
			continue
		case c == '\\':
			s, n, err := escape(rest, false, names)
			if err != nil {
				return "", 0, nil, err
			}
			add(s)
			i += n
			continue
		case c == '[':
			s, n, err := class(rest)
			if err != nil {
				return "", 0, nil, err
			}
			add(s)
			i += n
			continue
		case c == '(':
			open = append(open, len(out))
			switch {
			case strings.HasPrefix(rest, "(?<") && !strings.HasPrefix(rest, "(?<=") && !strings.HasPrefix(rest, "(?<!"):
				end := strings.IndexByte(rest, '>')
				if end < 0 {
					return "", 0, nil, errors.New("a group's name has no end")
				}
				groups++
				names[rest[3:end]] = groups
				out = append(out, '(')
				i += end + 1
				continue
			case !strings.HasPrefix(rest, "(?"):
				groups++
			}
			out = append(out, c)
		case c == ')':
			if len(open) == 0 {
				return "", 0, nil, errors.New("unmatched )")
			}
			atom = open[len(open)-1]
			open = open[:len(open)-1]
			out = append(out, c)
		case strings.IndexByte("*+?{", c) >= 0 && atom >= 0:
			n := 1
			if c == '{' {
				end := strings.IndexByte(rest, '}')
				if end < 0 {
					return "", 0, nil, errors.New("unclosed counted closure")
				}
				n = end + 1
			}
			quantifier := rest[:n]
			if i+n < len(p) && p[i+n] == '+' { // possessive
				inner := string(out[atom:])
				out = append(out[:atom], "(?>"+inner+quantifier+")"...)
				n++
			} else {
				out = append(out, quantifier...)
				if i+n < len(p) && p[i+n] == '?' {
					out = append(out, '?')
					n++
				}
			}
			i += n
			atom = -1
			continue
		default:
			add(p[i : i+1])
			if c >= 0x80 { // the rest of a character
				for i+1 < len(p) && p[i+1] >= 0x80 && p[i+1] < 0xC0 {
					i++
					out = append(out, p[i])
				}
			}
		}
		i++
	}
	return string(out), groups, names, nil
}

// escape rewrites what a backslash begins; in is within a class.
func escape(s string, in bool, names map[string]int) (string, int, error) {
	if len(s) < 2 {
		return "", 0, errors.New(`a pattern ends in \`)
	}
	wrap := func(set string) string {
		if in {
			return set
		}
		return "[" + set + "]"
	}
	switch d := s[1]; d {
	case 'h':
		return wrap(horizontal), 2, nil
	case 'R':
		return `(?>\r\n|[\n\v\f\r\u0085\u2028\u2029])`, 2, nil
	case 'e':
		return `\x1b`, 2, nil
	case 'X', 'N':
		return "", 0, fmt.Errorf(`\%c is not supported`, d)
	case 'x':
		if strings.HasPrefix(s, `\x{`) {
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return "", 0, errors.New(`\x{ has no end`)
			}
			n, err := strconv.ParseUint(s[3:end], 16, 32)
			if err != nil || n > 0xffff {
				return "", 0, fmt.Errorf("%s is not supported", s[:end+1])
			}
			return fmt.Sprintf(`\u%04x`, n), end + 1, nil
		}
	case 'k':
		end := strings.IndexByte(s, '>')
		if !strings.HasPrefix(s, `\k<`) || end < 0 || names[s[3:end]] == 0 {
			return "", 0, errors.New(`\k names no group`)
		}
		return fmt.Sprintf(`(?:\%d)`, names[s[3:end]]), end + 1, nil
	case 'p', 'P':
		end := strings.IndexByte(s, '}')
		if !strings.HasPrefix(s[2:], "{") || end < 0 {
			break
		}
		name := s[3:end]
		set, ok := classes[name]
		switch {
		case ok && d == 'p':
			return wrap(set), end + 1, nil
		case ok && !in:
			return "[^" + set + "]", end + 1, nil
		case ok || strings.HasPrefix(name, "java"):
			return "", 0, fmt.Errorf("%s is not supported", s[:end+1])
		}
		return `\` + string(d) + "{" + strings.TrimPrefix(name, "Is") + "}", end + 1, nil
	}
	n := 2
	if s[1] >= 0x80 {
		for n < len(s) && s[n] >= 0x80 && s[n] < 0xC0 {
			n++
		}
	}
	return s[:n], n, nil
}

// class rewrites [...].
func class(s string) (string, int, error) {
	out := []byte{'['}
	i := 1
	if strings.HasPrefix(s[i:], "^") {
		out = append(out, '^')
		i++
	}
	for first := true; i < len(s); first = false {
		switch c := s[i]; {
		case c == ']' && !first:
			return string(append(out, ']')), i + 1, nil
		case c == ']':
			out = append(out, `\]`...)
		case c == '[':
			return "", 0, errors.New("a class within a class is not supported")
		case strings.HasPrefix(s[i:], "&&"):
			return "", 0, errors.New("the intersection of classes is not supported")
		case c == '\\':
			text, n, err := escape(s[i:], true, nil)
			if err != nil {
				return "", 0, err
			}
			out = append(out, text...)
			i += n
			continue
		default:
			out = append(out, c)
		}
		i++
	}
	return "", 0, errors.New("a class has no end")
}
