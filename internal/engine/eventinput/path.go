// Package eventinput makes what the targets of a rule get of an event: a part of it by a JSON path, or a template with
// values of it, the dialect of EventBridge.
//
// A path is $, and steps: .name, ['name'], [2], and .* or [*] for all elements, whose result is an array. A template is
// JSON, or several texts in quotes, with variables as <name>. Within quotes a variable is the text of its value, without
// quotes of its own; elsewhere it is the value as JSON. A value that is not there is an empty text.
package eventinput

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ErrPath is wrapped by the errors of paths that cannot be used.
var ErrPath = errors.New("eventinput: bad path")

// maxSteps bounds the steps of a path.
const maxSteps = 64

// Path is a compiled path. It is safe for concurrent use.
type Path struct {
	steps []step
	many  bool // it has a step to all elements: the result is an array
}

// step leads from a value to others.
type step struct {
	name  string
	index int
	kind  byte // n (name), i (index), * (all)
}

// ParsePath compiles a path.
func ParsePath(text string) (*Path, error) {
	bad := func(why string) (*Path, error) { return nil, fmt.Errorf("%w: %q: %s", ErrPath, text, why) }
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return bad("it does not begin with $")
	}
	p := new(Path)
	for rest != "" {
		if len(p.steps) == maxSteps {
			return bad(fmt.Sprintf("it has more than %d steps", maxSteps))
		}
		var s step
		var why string
		if s, rest, why = readStep(rest); why != "" {
			return bad(why)
		}
		p.steps, p.many = append(p.steps, s), p.many || s.kind == '*'
	}
	return p, nil
}

// readStep takes a step off a path, or says why there is none.
func readStep(text string) (s step, rest, why string) {
	if text[0] == '.' {
		end := strings.IndexAny(text[1:], ".[")
		if end < 0 {
			end = len(text) - 1
		}
		name := text[1 : 1+end]
		switch {
		case name == "":
			return s, "", "a name is missing"
		case name == "*":
			return step{kind: '*'}, text[1+end:], ""
		case strings.ContainsAny(name, "]'\"()?@, \t\r\n"):
			return s, "", fmt.Sprintf("%q is not a name", name)
		}
		return step{kind: 'n', name: name}, text[1+end:], ""
	}
	if text[0] != '[' {
		return s, "", fmt.Sprintf("%q is neither a name nor an index", text)
	}
	if len(text) > 1 && (text[1] == '\'' || text[1] == '"') {
		name, after, ok := strings.Cut(text[2:], text[1:2])
		if !ok || !strings.HasPrefix(after, "]") {
			return s, "", "a quote or a bracket is not closed"
		}
		return step{kind: 'n', name: name}, after[1:], ""
	}
	inner, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		return s, "", "a bracket is not closed"
	}
	if inner == "*" {
		return step{kind: '*'}, rest, ""
	}
	n, err := strconv.Atoi(inner)
	if err != nil || n < 0 || inner[0] == '+' {
		return s, "", fmt.Sprintf("%q is not an index", inner)
	}
	return step{kind: 'i', index: n}, rest, ""
}

// value is one of a document, whose members or elements are read when a path asks for them, and once for all paths.
type value struct {
	raw    json.RawMessage
	read   bool
	object map[string]*value
	list   []*value
}

// open reads the members or the elements of a value that has any.
func (v *value) open() {
	if v.read {
		return
	}
	v.read = true
	switch text := bytes.TrimSpace(v.raw); {
	case len(text) == 0:
	case text[0] == '{':
		var m map[string]json.RawMessage
		if json.Unmarshal(text, &m) != nil {
			return
		}
		v.object = make(map[string]*value, len(m))
		for name, raw := range m {
			v.object[name] = &value{raw: raw}
		}
	case text[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil {
			return
		}
		for _, raw := range list {
			v.list = append(v.list, &value{raw: raw})
		}
	}
}

// Get returns the value, as it is written, that the path leads to in a JSON document; false for none.
func (p *Path) Get(doc []byte) (json.RawMessage, bool) { return p.get(&value{raw: doc}) }

func (p *Path) get(doc *value) (json.RawMessage, bool) {
	found := []*value{doc}
	for _, s := range p.steps {
		var next []*value
		for _, v := range found {
			next = s.from(v, next)
		}
		if found = next; len(found) == 0 {
			return nil, false
		}
	}
	if !p.many {
		return found[0].raw, true
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for i, v := range found {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(v.raw)
	}
	b.WriteByte(']')
	return b.Bytes(), true
}

// from adds what the step leads to.
func (s step) from(v *value, to []*value) []*value {
	v.open()
	switch s.kind {
	case 'n':
		if e, ok := v.object[s.name]; ok {
			to = append(to, e)
		}
	case 'i':
		if s.index < len(v.list) {
			to = append(to, v.list[s.index])
		}
	case '*':
		to = append(to, v.list...)
		for _, name := range slices.Sorted(maps.Keys(v.object)) {
			to = append(to, v.object[name])
		}
	}
	return to
}

// Text is a value as a text: that of a text without its quotes, otherwise its JSON.
func Text(v json.RawMessage) string {
	var s string
	if len(v) > 0 && v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}
