package logpattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest pattern, in bytes.
const MaxLength = 1024

// ErrSyntax is wrapped by every error of Parse, whose text is meant for whoever wrote the pattern.
var ErrSyntax = errors.New("invalid filter pattern")

func syntaxf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

// Pattern is a parsed pattern. It may be used by many goroutines at once.
type Pattern struct {
	text  string
	terms *termPattern
	json  *jsonPattern
	space *spacePattern
}

// Parse reads a pattern.
func Parse(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, syntaxf("it is longer than %d bytes", MaxLength)
	}
	if !utf8.ValidString(text) {
		return nil, syntaxf("it is not UTF-8")
	}
	p := &Pattern{text: text}
	trimmed := strings.TrimSpace(text)
	var err error
	switch {
	case strings.HasPrefix(trimmed, "{"):
		p.json, err = parseJSON(trimmed)
	case strings.HasPrefix(trimmed, "["):
		p.space, err = parseSpace(trimmed)
	default:
		p.terms, err = parseTerms(trimmed)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// String is the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// All says that the pattern matches everything.
func (p *Pattern) All() bool {
	return p.terms != nil && len(p.terms.all)+len(p.terms.none)+len(p.terms.any) == 0
}

// Required are texts that every message which matches has in it, for a quick look at many messages at once.
func (p *Pattern) Required() []string {
	if p.terms == nil {
		return nil
	}
	var r []string
	for _, t := range p.terms.all {
		if t.re == nil && t.text != "" {
			r = append(r, t.text)
		}
	}
	return r
}

// Match reports whether a message matches.
func (p *Pattern) Match(message []byte) bool {
	switch {
	case p.json != nil:
		return p.json.match(message)
	case p.space != nil:
		_, ok := p.space.match(message)
		return ok
	}
	return p.terms.match(message)
}

// Extract reports whether a message matches, and the values that the pattern names: of a JSON pattern by
// selector ("$.a"), of fields by name ("$status", "$3" for one without a name).
func (p *Pattern) Extract(message []byte) (values map[string]string, ok bool) {
	switch {
	case p.json != nil:
		if !p.json.match(message) {
			return nil, false
		}
		values = map[string]string{}
		for _, s := range p.json.selectors {
			if v, ok := s.first(message); ok {
				values[s.text] = v
			}
		}
		return values, true
	case p.space != nil:
		return p.space.match(message)
	}
	return map[string]string{}, p.terms.match(message)
}

// Value is what a reference ("$.latency", "$size") stands for in a message that matches; false if there is none.
func (p *Pattern) Value(message []byte, reference string) (string, bool) {
	switch {
	case p.json != nil:
		s, rest, err := parseSelector(reference)
		if err != nil || rest != "" {
			return "", false
		}
		return s.first(message)
	case p.space != nil:
		values, ok := p.space.match(message)
		if !ok {
			return "", false
		}
		v, ok := values[reference]
		return v, ok
	}
	return "", false
}

// bareRune reports whether a rune may be in a bare term.
func bareRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// Terms says that the pattern is one of terms, which names no fields.
func (p *Pattern) Terms() bool { return p.terms != nil }

// Space says that the pattern is one of fields of a line.
func (p *Pattern) Space() bool { return p.space != nil }
