package vtl

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// Regular expressions are Java's, run by an engine that backtracks; each match may take matchTime.
const (
	matchTime  = 200 * time.Millisecond
	maxPattern = 10_000 // bytes
)

func compile(method, pattern string) (*regexp2.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, ErrLimit
	}
	re, err := regexp2.Compile(pattern, regexp2.None)
	if err != nil {
		return nil, &CallError{method, "the regular expression is not valid"}
	}
	re.MatchTimeout = matchTime
	return re, nil
}

// Pattern is a regular expression of Java's that a whole text is held against.
type Pattern struct{ re *regexp2.Regexp }

// CompilePattern compiles a pattern with flags of Java's: i, s, m, x, and d, u and U, which say what holds anyway.
func CompilePattern(pattern, flags string) (*Pattern, error) {
	options, end := "", `)\z`
	for _, c := range flags {
		switch c {
		case 'i', 's', 'm':
			options += string(c)
		case 'x':
			options, end = options+"x", "\n"+end // behind a comment that the line may end with
		case 'd', 'u', 'U':
		default:
			return nil, &CallError{"=~", "the flag " + string(c) + " is not known"}
		}
	}
	if _, err := compile("=~", pattern); err != nil { // by itself: it does not end what is put around it
		return nil, err
	}
	re, err := compile("=~", `\A(?`+options+`:`+pattern+end)
	if err != nil {
		return nil, err
	}
	return &Pattern{re}, nil
}

// Whole reports whether the pattern matches the whole of a text. ErrLimit: it takes too long to say.
func (p *Pattern) Whole(text string) (bool, error) {
	ok, err := p.re.MatchString(text)
	if err != nil {
		return false, ErrLimit
	}
	return ok, nil
}

func (r *run) matches(s, pattern string) (any, error) {
	re, err := compile("matches", `\A(?:`+pattern+`)\z`)
	if err != nil {
		return nil, err
	}
	ok, err := re.MatchString(s)
	if err != nil {
		return nil, ErrLimit
	}
	return ok, nil
}

// find calls f with each match until it returns false. A match is a step.
func (r *run) find(re *regexp2.Regexp, s []rune, f func(m *regexp2.Match) bool) error {
	m, err := re.FindRunesMatch(s)
	for ; err == nil && m != nil; m, err = re.FindNextMatch(m) {
		if err := r.step(); err != nil {
			return err
		}
		if !f(m) {
			return nil
		}
	}
	if err != nil {
		return ErrLimit
	}
	return nil
}

// replace replaces the first n matches, all for -1. In the replacement $1 is a group and a
// backslash takes the next character as it is.
func (r *run) replace(s, pattern, with string, n int) (any, error) {
	re, err := compile("replaceAll", pattern)
	if err != nil {
		return nil, err
	}
	runes := []rune(s)
	var b strings.Builder
	at, valid := 0, true
	var limit error
	err = r.find(re, runes, func(m *regexp2.Match) bool {
		b.WriteString(string(runes[at:m.Index]))
		at = m.Index + m.Length
		valid = expand(&b, with, m)
		if b.Len() > r.limits.Bytes-r.bytes {
			limit = ErrLimit
		}
		n--
		return valid && n != 0 && limit == nil
	})
	switch {
	case err != nil:
		return nil, err
	case limit != nil:
		return nil, limit
	case !valid:
		return nil, &CallError{"replaceAll", "the replacement is not valid"}
	}
	b.WriteString(string(runes[at:]))
	return b.String(), r.made(b.Len())
}

func expand(b *strings.Builder, with string, m *regexp2.Match) bool {
	for i := 0; i < len(with); i++ {
		switch c := with[i]; c {
		case '\\':
			if i++; i == len(with) {
				return false
			}
			b.WriteByte(with[i])
		case '$':
			if i+1 < len(with) && with[i+1] == '{' {
				end := strings.IndexByte(with[i:], '}')
				if end < 0 {
					return false
				}
				g := m.GroupByName(with[i+2 : i+end])
				if g == nil {
					return false
				}
				b.WriteString(g.String())
				i += end
				continue
			}
			if i+1 == len(with) || !isDigit(with[i+1]) {
				return false
			}
			i++
			n := int(with[i] - '0')
			if n >= m.GroupCount() {
				return false
			}
			for i+1 < len(with) && isDigit(with[i+1]) && n*10+int(with[i+1]-'0') < m.GroupCount() {
				i++
				n = n*10 + int(with[i]-'0')
			}
			b.WriteString(m.GroupByNumber(n).String())
		default:
			b.WriteByte(c)
		}
	}
	return true
}

// split is String.split: at most limit pieces if it is positive, without empty ones at the end if
// it is zero.
func (r *run) split(s, pattern string, limit int) (any, error) {
	re, err := compile("split", pattern)
	if err != nil {
		return nil, err
	}
	runes := []rune(s)
	out := &List{}
	at := 0
	err = r.find(re, runes, func(m *regexp2.Match) bool {
		if limit > 0 && len(out.Items) == limit-1 {
			return false
		}
		if m.Length == 0 && (m.Index == 0 || m.Index == len(runes)) || at == 0 && m.Index+m.Length == 0 {
			return true
		}
		out.Items = append(out.Items, string(runes[at:m.Index]))
		at = m.Index + m.Length
		return len(out.Items)*16 < r.limits.Bytes
	})
	if err != nil {
		return nil, err
	}
	out.Items = append(out.Items, string(runes[at:]))
	if limit == 0 {
		for len(out.Items) > 1 && out.Items[len(out.Items)-1] == "" {
			out.Items = out.Items[:len(out.Items)-1]
		}
	}
	return out, r.made(16*len(out.Items) + len(s))
}
