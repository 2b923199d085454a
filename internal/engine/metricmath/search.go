package metricmath

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// SearchTerms is what a SEARCH looks for.
type SearchTerms struct {
	Namespace  string   // empty: any
	Dimensions []string // that a metric has, and no others; nil with an empty Namespace: any
	root       term
}

// term is "and", "or" or "not" of others, or a word that the metric has, in any name or in that of one key.
type term struct {
	op    string
	terms []term
	key   string // "MetricName", "Namespace" or a dimension; empty: any
	text  string
	exact bool
}

// ParseSearch reads the first argument of SEARCH.
func ParseSearch(text string) (*SearchTerms, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("the search is longer than %d characters", maxLength)
	}
	s := &SearchTerms{}
	rest := strings.TrimSpace(text)
	if strings.HasPrefix(rest, "{") {
		schema, after, ok := strings.Cut(rest[1:], "}")
		if !ok {
			return nil, errors.New("the schema of the search does not end")
		}
		p := &searchParser{rest: schema}
		for i := 0; ; i++ {
			p.skip()
			if p.rest == "" {
				break
			}
			w, err := p.word(",")
			if err != nil {
				return nil, err
			}
			if i == 0 {
				s.Namespace = w
			} else {
				s.Dimensions = append(s.Dimensions, w)
			}
			p.skip()
			p.rest = strings.TrimPrefix(p.rest, ",")
		}
		if s.Namespace == "" {
			return nil, errors.New("the schema of the search has no namespace")
		}
		slices.Sort(s.Dimensions)
		rest = after
	}
	p := &searchParser{rest: rest}
	root, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.rest != "" {
		return nil, fmt.Errorf("unexpected %q in the search", p.rest[:1])
	}
	s.root = root
	return s, nil
}

type searchParser struct{ rest string }

func (p *searchParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// word takes a quoted text, or what is up to a space or one of some characters.
func (p *searchParser) word(stops string) (string, error) {
	p.skip()
	if strings.HasPrefix(p.rest, `"`) {
		w, after, ok := strings.Cut(p.rest[1:], `"`)
		if !ok {
			return "", errors.New("a quoted text of the search does not end")
		}
		p.rest = after
		return w, nil
	}
	n := strings.IndexAny(p.rest, " \t\r\n\""+stops)
	if n < 0 {
		n = len(p.rest)
	}
	if n == 0 {
		return "", errors.New("a word of the search is missing")
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w, nil
}

func (p *searchParser) keyword(w string) bool {
	p.skip()
	if !strings.HasPrefix(p.rest, w) {
		return false
	}
	if after := p.rest[len(w):]; after != "" && !strings.ContainsAny(after[:1], " \t\r\n(") {
		return false
	}
	p.rest = p.rest[len(w):]
	return true
}

func (p *searchParser) or(depth int) (term, error) {
	t, err := p.and(depth)
	for err == nil && p.keyword("OR") {
		var right term
		right, err = p.and(depth)
		t = term{op: "or", terms: []term{t, right}}
	}
	return t, err
}

func (p *searchParser) and(depth int) (term, error) {
	all := term{op: "and"}
	for {
		p.keyword("AND")
		p.skip()
		if p.rest == "" || p.rest[0] == ')' {
			return all, nil
		}
		if before := p.rest; p.keyword("OR") {
			p.rest = before
			return all, nil
		}
		t, err := p.one(depth)
		if err != nil {
			return all, err
		}
		all.terms = append(all.terms, t)
	}
}

func (p *searchParser) one(depth int) (term, error) {
	if depth > maxDepth {
		return term{}, errors.New("the search is nested too deep")
	}
	if p.keyword("NOT") {
		t, err := p.one(depth + 1)
		return term{op: "not", terms: []term{t}}, err
	}
	p.skip()
	if strings.HasPrefix(p.rest, "(") {
		p.rest = p.rest[1:]
		t, err := p.or(depth + 1)
		if p.skip(); err == nil && !strings.HasPrefix(p.rest, ")") {
			err = errors.New("a parenthesis of the search is not closed")
		}
		if err == nil {
			p.rest = p.rest[1:]
		}
		return t, err
	}
	quoted := strings.HasPrefix(p.rest, `"`)
	w, err := p.word("()=:")
	if err != nil {
		return term{}, err
	}
	if p.rest == "" || p.rest[0] != '=' && p.rest[0] != ':' {
		return term{text: w, exact: quoted}, nil
	}
	exact := p.rest[0] == '='
	p.rest = p.rest[1:]
	if p.skip(); strings.HasPrefix(p.rest, "(") { // Name=("a" OR "b")
		p.rest = p.rest[1:]
		t, err := p.or(depth + 1)
		if p.skip(); err == nil && !strings.HasPrefix(p.rest, ")") {
			err = errors.New("a parenthesis of the search is not closed")
		}
		if err != nil {
			return t, err
		}
		p.rest = p.rest[1:]
		t.of(w, exact)
		return t, nil
	}
	q := strings.HasPrefix(p.rest, `"`)
	v, err := p.word("()")
	return term{key: w, text: v, exact: exact || q}, err
}

// of makes the words of a term those of a key.
func (t *term) of(key string, exact bool) {
	for i := range t.terms {
		t.terms[i].of(key, exact)
	}
	if t.op == "" && t.key == "" {
		t.key, t.exact = key, t.exact || exact
	}
}

// Takes reports whether a metric is one that is looked for. dimensions are names and values by turns.
func (s *SearchTerms) Takes(namespace, name string, dimensions []string) bool {
	if s.Namespace != "" {
		if namespace != s.Namespace || len(dimensions) != 2*len(s.Dimensions) {
			return false
		}
		for i, d := range s.Dimensions { // both by name
			if dimensions[2*i] != d {
				return false
			}
		}
	}
	return s.root.takes(namespace, name, dimensions)
}

func (t *term) takes(namespace, name string, dimensions []string) bool {
	switch t.op {
	case "and":
		for i := range t.terms {
			if !t.terms[i].takes(namespace, name, dimensions) {
				return false
			}
		}
		return true
	case "or":
		return t.terms[0].takes(namespace, name, dimensions) || t.terms[1].takes(namespace, name, dimensions)
	case "not":
		return !t.terms[0].takes(namespace, name, dimensions)
	}
	try := func(key, value string) bool {
		if t.key != "" && t.key != key {
			return false
		}
		if t.exact {
			return value == t.text
		}
		return hasWords(value, t.text)
	}
	if try("MetricName", name) || try("Namespace", namespace) {
		return true
	}
	for i := 0; i+1 < len(dimensions); i += 2 {
		if try(dimensions[i], dimensions[i+1]) || t.key == "" && !t.exact && hasWords(dimensions[i], t.text) {
			return true
		}
	}
	return false
}

// hasWords reports whether all words of what is looked for are words of a value: parts between changes of case, digits and
// punctuation count as words, and so does the value.
func hasWords(value, wanted string) bool {
	if strings.EqualFold(value, wanted) {
		return true
	}
	have := words(value)
	for _, w := range words(wanted) {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return wanted != ""
}

func words(s string) (out []string) {
	for _, piece := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		out = append(out, strings.ToLower(piece))
		begin := 0
		runes := []rune(piece)
		for i := 1; i < len(runes); i++ {
			was, is := runes[i-1], runes[i]
			digits := unicode.IsDigit(was) != unicode.IsDigit(is)
			capital := unicode.IsUpper(is) && (!unicode.IsUpper(was) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
			if digits || capital {
				out = append(out, strings.ToLower(string(runes[begin:i])))
				begin = i
			}
		}
		if begin > 0 {
			out = append(out, strings.ToLower(string(runes[begin:])))
		}
	}
	return out
}
