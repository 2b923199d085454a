package logpattern

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// term is a text or a regular expression.
type term struct {
	text string
	raw  []byte
	re   *regexp.Regexp
}

func (t *term) in(message []byte) bool {
	if t.re != nil {
		return t.re.Match(message)
	}
	return bytes.Contains(message, t.raw)
}

type termPattern struct{ all, none, any []term }

func (p *termPattern) match(message []byte) bool {
	for i := range p.none {
		if p.none[i].in(message) {
			return false
		}
	}
	for i := range p.all {
		if !p.all[i].in(message) {
			return false
		}
	}
	// Optional terms count only by themselves.
	if len(p.all)+len(p.none) > 0 || len(p.any) == 0 {
		return true
	}
	for i := range p.any {
		if p.any[i].in(message) {
			return true
		}
	}
	return false
}

func parseTerms(s string) (*termPattern, error) {
	p := new(termPattern)
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return p, nil
		}
		list := &p.all
		switch s[0] {
		case '-':
			list, s = &p.none, s[1:]
		case '?':
			list, s = &p.any, s[1:]
		}
		t, rest, err := parseTerm(s)
		if err != nil {
			return nil, err
		}
		s = rest
		if t.re == nil && t.text == "" {
			continue // "" is in every message
		}
		*list = append(*list, t)
	}
}

func parseTerm(s string) (t term, rest string, err error) {
	switch {
	case s == "" || unicode.IsSpace(firstRune(s)):
		return t, s, syntaxf("a term is missing behind - or ?")
	case s[0] == '"':
		t.text, rest, err = parseQuoted(s)
	case s[0] == '%':
		t.re, rest, err = parseRegexp(s)
	default:
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			end = len(s)
		}
		t.text, rest = s[:end], s[end:]
		if strings.ContainsFunc(t.text, func(r rune) bool { return !bareRune(r) }) {
			err = syntaxf("Invalid character(s) in term '%s'", t.text)
		}
	}
	t.raw = []byte(t.text)
	return t, rest, err
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// parseQuoted reads a text in double quotes, in which \" is a quote and \\ a backslash.
func parseQuoted(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", syntaxf("a quote is not closed")
}

// parseRegexp reads a regular expression between percent signs.
func parseRegexp(s string) (*regexp.Regexp, string, error) {
	end := 1
	for end < len(s) && s[end] != '%' {
		if s[end] == '\\' && end+1 < len(s) {
			end++
		}
		end++
	}
	if end >= len(s) {
		return nil, "", syntaxf("a regular expression is not closed by %%")
	}
	source := strings.ReplaceAll(s[1:end], `\%`, `%`)
	if source == "" {
		return nil, "", syntaxf("a regular expression is empty")
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, "", syntaxf("the regular expression %q: %v", source, err)
	}
	return re, s[end+1:], nil
}
