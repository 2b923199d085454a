package eventinput

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrTemplate is wrapped by the errors of templates that cannot be used, ErrTooLarge by that of one whose output is larger
// than it may be.
var (
	ErrTemplate = errors.New("eventinput: bad template")
	ErrTooLarge = errors.New("eventinput: the output is too large")
)

// VariableError is the error of a template with a variable that is not there. It wraps ErrTemplate.
type VariableError struct{ Name string }

func (e *VariableError) Error() string {
	return fmt.Sprintf("%v: there is no variable %s", ErrTemplate, e.Name)
}

// Unwrap returns ErrTemplate.
func (e *VariableError) Unwrap() error { return ErrTemplate }

// reserved begins the names of variables that are there without a path.
const reserved = "aws.events."

// Variables that are there without a path.
const (
	RuleARN   = reserved + "rule-arn"
	RuleName  = reserved + "rule-name"
	Ingestion = reserved + "event.ingestion-time"
	Event     = reserved + "event"      // without its detail
	WholeJSON = reserved + "event.json" // all of it
)

// Template is a compiled template. It is safe for concurrent use.
type Template struct {
	parts []part
	paths map[string]*Path
}

// part is a text, or a variable.
type part struct {
	text     string
	variable string // empty: text
	quoted   bool   // it is within quotes
}

// ParseTemplate compiles a template whose variables are at paths, by their names.
func ParseTemplate(paths map[string]string, text string) (*Template, error) {
	t := &Template{paths: make(map[string]*Path, len(paths))}
	for name, path := range paths {
		if strings.HasPrefix(strings.ToLower(name), "aws.") {
			return nil, fmt.Errorf("%w: the name %s is reserved", ErrTemplate, name)
		}
		p, err := ParsePath(path)
		if err != nil {
			return nil, err
		}
		t.paths[name] = p
	}
	if err := t.read(text); err != nil {
		return nil, err
	}
	return t, t.check()
}

// read takes the text apart. What is between < and > and is no name of variables is text.
func (t *Template) read(text string) error {
	from, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<':
			name, _, ok := strings.Cut(text[i+1:], ">")
			if !ok || !isName(name) {
				continue
			}
			if !t.has(name) {
				return &VariableError{name}
			}
			t.parts = append(t.parts, part{text: text[from:i]}, part{variable: name, quoted: quoted})
			i += len(name) + 1
			from = i + 1
		}
	}
	t.parts = append(t.parts, part{text: text[min(from, len(text)):]})
	return nil
}

// isName reports whether a text may be the name of a variable.
func isName(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.':
		default:
			return false
		}
	}
	return text != ""
}

func (t *Template) has(name string) bool {
	switch name {
	case RuleARN, RuleName, Ingestion, Event, WholeJSON:
		return true
	}
	return t.paths[name] != nil
}

// check refuses what would never be JSON.
func (t *Template) check() error {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.variable == "":
			b.WriteString(p.text)
		case p.quoted:
			b.WriteString("x")
		default:
			b.WriteString("{}") // which joins nothing beside it
		}
	}
	d := json.NewDecoder(strings.NewReader(b.String()))
	for n := 0; ; n++ {
		var v json.RawMessage
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case err != nil:
			return fmt.Errorf("%w: it is not JSON with its variables in place: %w", ErrTemplate, err)
		case n > 0 && v[0] != '"':
			return fmt.Errorf("%w: it is more than one value", ErrTemplate)
		}
	}
}

// Of is what a template is filled with besides the event.
type Of struct {
	RuleARN, RuleName string
	Ingested          string // when the event came
}

// Fill is the template with the values of an event, which is a JSON object, and may have up to limit bytes.
func (t *Template) Fill(event []byte, of Of, limit int) ([]byte, error) {
	var b bytes.Buffer
	values, doc := map[string]json.RawMessage{}, &value{raw: event}
	for _, p := range t.parts {
		piece := []byte(p.text)
		if p.variable != "" {
			v, ok := values[p.variable]
			if !ok {
				v = t.value(p.variable, doc, of)
				values[p.variable] = v
			}
			if piece = v; p.quoted {
				piece = inQuotes(v)
			}
		}
		if b.Len()+len(piece) > limit {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		b.Write(piece)
	}
	return b.Bytes(), nil
}

// value is the JSON of a variable.
func (t *Template) value(name string, doc *value, of Of) json.RawMessage {
	switch name {
	case RuleARN:
		return quote(of.RuleARN)
	case RuleName:
		return quote(of.RuleName)
	case Ingestion:
		return quote(of.Ingested)
	case WholeJSON:
		return doc.raw
	case Event:
		return withoutDetail(doc.raw)
	}
	if v, ok := t.paths[name].get(doc); ok {
		return v
	}
	return json.RawMessage(`""`)
}

func quote(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a text
	return b
}

// inQuotes is what a value is within the quotes of a text: what is in the quotes of a text, and JSON with its quotes
// escaped.
func inQuotes(v json.RawMessage) []byte {
	if v = bytes.TrimSpace(v); len(v) > 1 && v[0] == '"' {
		return v[1 : len(v)-1]
	}
	q := quote(string(v))
	return q[1 : len(q)-1]
}

// withoutDetail is an event without the member of that name, the others in their order. AWS has detailType in place of
// detail-type there. (Recordings of AWS.)
func withoutDetail(event []byte) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(event))
	if _, err := d.Token(); err != nil {
		return json.RawMessage(`{}`)
	}
	b := []byte{'{'}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			break
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			break
		}
		switch name {
		case "detail":
			continue
		case "detail-type":
			name = "detailType"
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, quote(fmt.Sprint(name))...), ':'), v...)
	}
	return append(b, '}')
}
