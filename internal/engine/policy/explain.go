package policy

import (
	"encoding/json"
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

// Span returns where a statement begins and ends in the document's text: it begins behind the bracket of the list, or the
// end of the statement before it, and without a list behind its own brace, and it ends behind its brace. ok is false for
// a statement that the document does not have.
func (d *Document) Span(statement int) (begin, end Position, ok bool) {
	dec := json.NewDecoder(strings.NewReader(d.Text))
	if _, err := dec.Token(); err != nil {
		return begin, end, false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return begin, end, false
		}
		if name != "Statement" {
			if skip(dec) != nil {
				return begin, end, false
			}
			continue
		}
		open, err := dec.Token()
		if err != nil {
			return begin, end, false
		}
		from := dec.InputOffset()
		if open == json.Delim('{') {
			for dec.More() {
				if _, err := dec.Token(); err != nil || skip(dec) != nil {
					return begin, end, false
				}
			}
			if _, err := dec.Token(); err != nil || statement != 0 {
				return begin, end, false
			}
			return d.position(from), d.position(dec.InputOffset()), true
		}
		for i := 0; dec.More(); i++ {
			if skip(dec) != nil {
				return begin, end, false
			}
			if i == statement {
				return d.position(from), d.position(dec.InputOffset()), true
			}
			from = dec.InputOffset()
		}
		return begin, end, false
	}
	return begin, end, false
}

// skip reads a value.
func skip(dec *json.Decoder) error {
	var v json.RawMessage
	return dec.Decode(&v)
}

func (d *Document) position(offset int64) Position {
	before := d.Text[:offset]
	return Position{1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])}
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
