package policy

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Match is a statement that decided about a request, in the policy of a name.
type Match struct {
	Policy string
	Source Source
	*Document
	*Statement
}

// Matching returns the statements that decide a request as Evaluate does: of a denial every Deny that applies, of an
// allowed request every Allow; none where nothing allows it.
func Matching(r *Request, p *Policies) (Decision, []Match) {
	d := Evaluate(r, p)
	if !d.Allowed && !d.Explicit {
		return d, nil
	}
	e := evaluation{r: r, action: strings.ToLower(r.Action)}
	var all []Match
	add := func(source Source, n *Named) {
		for _, s := range n.Statements {
			if s.Allow == d.Allowed && (source != SourceResource || s.grants(&r.Principal) != notNamed) && e.applies(s) {
				all = append(all, Match{n.Name, source, n.Document, s})
			}
		}
	}
	if p.Resource != nil {
		add(SourceResource, p.Resource)
	}
	for i := range p.Identity {
		add(SourceIdentity, &p.Identity[i])
	}
	if p.Boundary != nil && !d.Allowed {
		add(SourceBoundary, p.Boundary)
	}
	return d, all
}

// Position is a place in the text of a document; lines and columns, which are characters, count from one.
type Position struct{ Line, Column int }

// Span is where a statement begins and ends.
type Span struct{ Begin, End Position }

// Spans returns where the statements, by their index, are in the document's text: one begins behind the bracket of the
// list, or the end of the statement before it, and without a list behind its own brace, and it ends behind its brace.
func (d *Document) Spans() []Span {
	var spans []Span
	place := counter{text: d.Text, at: Position{1, 1}}
	dec := json.NewDecoder(strings.NewReader(d.Text))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil
		}
		if name != "Statement" {
			if skip(dec) != nil {
				return nil
			}
			continue
		}
		open, err := dec.Token()
		if err != nil {
			return nil
		}
		begin := place.to(dec.InputOffset())
		if open == json.Delim('{') {
			for dec.More() {
				if _, err := dec.Token(); err != nil || skip(dec) != nil {
					return nil
				}
			}
			if _, err := dec.Token(); err != nil {
				return nil
			}
			return []Span{{begin, place.to(dec.InputOffset())}}
		}
		for dec.More() {
			if skip(dec) != nil {
				return spans
			}
			end := place.to(dec.InputOffset())
			spans = append(spans, Span{begin, end})
			begin = end
		}
		return spans
	}
	return nil
}

// counter finds positions in a text, one behind the other.
type counter struct {
	text   string
	offset int
	at     Position
}

func (c *counter) to(offset int64) Position {
	passed := c.text[c.offset:offset]
	if i := strings.LastIndexByte(passed, '\n'); i >= 0 {
		c.at = Position{c.at.Line + strings.Count(passed, "\n"), 1}
		passed = passed[i+1:]
	}
	c.at.Column += utf8.RuneCountInString(passed)
	c.offset = int(offset)
	return c.at
}

// skip reads a value.
func skip(dec *json.Decoder) error {
	var v json.RawMessage
	return dec.Decode(&v)
}

// ContextKeys returns the condition keys that the document asks for, as it writes them and in its order: those of
// conditions and of policy variables. One that it writes in several ways is there once.
func (d *Document) ContextKeys() []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range d.Statements {
		for _, key := range s.keys {
			if lower := strings.ToLower(key); !seen[lower] {
				seen[lower] = true
				all = append(all, key)
			}
		}
	}
	return all
}

// Principals returns the ARNs of users, roles and their sessions that the document names, as it writes them.
func (d *Document) Principals() []string {
	var all []string
	for _, s := range d.Statements {
		all = append(all, s.principals.written...)
	}
	return all
}

// HasNotPrincipal reports whether a statement names those whom it is not for.
func (d *Document) HasNotPrincipal() bool {
	return slices.ContainsFunc(d.Statements, func(s *Statement) bool { return s.notPrincipal })
}

// variablesIn are the names of the policy variables in a text.
func variablesIn(text string) []string {
	var all []string
	for {
		_, rest, ok := strings.Cut(text, "${")
		inner, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return all
		}
		name, _, _ := strings.Cut(inner, ",")
		if name = strings.TrimSpace(name); strings.Contains(name, ":") {
			all = append(all, name)
		}
		text = after
	}
}
