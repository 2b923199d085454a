package loginsight

import (
	"bytes"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Event is an event that is queried.
type Event struct {
	Time, Ingested       int64 // milliseconds since 1970
	Message              string
	Stream, Log, Pointer string

	// Point makes the pointer when it is asked for, in place of Pointer. nil: that is it.
	Point func() string
}

func (e *Event) pointer() string {
	if e.Point != nil {
		return e.Point()
	}
	return e.Pointer
}

// row is an event on its way, or a row of results of stats, which has no event.
type row struct {
	event  *Event
	values map[string]value // that commands have made, by name
	looked bool             // for text
	text   []byte
	parsed bool
	json   value
	lambda map[string]value
}

func (r *row) set(name string, v value) {
	if r.values == nil {
		r.values = map[string]value{}
	}
	r.values[name] = v
}

// size is about how many bytes the row keeps.
func (r *row) size() int {
	n := 200
	if r.event != nil {
		n += len(r.event.Message)
	}
	for name, v := range r.values {
		n += len(name) + sizeOf(v)
	}
	return n
}

func (r *row) clone() *row {
	c := *r
	c.values = maps.Clone(r.values)
	return &c
}

func (r *row) get(name string) value {
	if v, ok := r.values[name]; ok {
		return v
	}
	for i := 0; i < len(name); i++ { // a path into what a command has made
		if name[i] == '.' {
			if v, ok := r.values[name[:i]]; ok {
				return path(v, name[i+1:])
			}
		}
	}
	if r.event == nil {
		return nil
	}
	if name != "" && name[0] == '@' {
		switch name {
		case "@timestamp":
			return stamp(r.event.Time)
		case "@ingestionTime":
			return stamp(r.event.Ingested)
		case "@message":
			return r.event.Message
		case "@logStream":
			return r.event.Stream
		case "@log":
			return r.event.Log
		case "@ptr":
			return r.event.pointer()
		}
		if v, ok := r.report()[name]; ok {
			return v
		}
	}
	return r.member(name)
}

// lacks reports that no member of the event is a text that stands plain, without reading the event: it has neither that in it
// nor anything escaped, and no command has made fields of it.
func (r *row) lacks(text string) bool {
	return r.event != nil && len(r.values) == 0 && !strings.Contains(r.event.Message, text) && strings.IndexByte(r.event.Message, '\\') < 0
}

// member is the value at a path in the event's JSON, of which nothing else is decoded where that can be helped.
func (r *row) member(name string) value {
	text := r.objectText()
	if text == nil || name == "" {
		return path(r.object(), name)
	}
	head, rest, _ := strings.Cut(name, ".")
	var whole, first jsontext.Member // the last of a name is the one that counts
	it := jsontext.Over(text)
	for m, ok := it.Member(); ok; m, ok = it.Member() {
		if m.KeyEscaped {
			return path(r.object(), name)
		}
		switch string(text[m.KeyLo:m.KeyHi]) {
		case name: // a name with dots, or without
			whole = m
		case head:
			first = m
		}
	}
	if whole.Kind != jsontext.Invalid {
		return decoded(text, &whole)
	}
	if first.Kind != jsontext.Invalid {
		return path(decoded(text, &first), rest)
	}
	return nil
}

// objectText is the text of the event's JSON object; nil, if it is none, or one that has to be decoded to know.
func (r *row) objectText() []byte {
	if !r.looked {
		r.looked = true
		m := strings.TrimSpace(r.event.Message)
		if strings.HasPrefix(m, "{") && !r.parsed {
			text := []byte(m)
			if end, kind, _, err := jsontext.Skip(text, 0); err == nil && kind == jsontext.Object {
				r.text = text[:end]
			}
		}
	}
	return r.text
}

// decoded is the value of a member.
func decoded(text []byte, m *jsontext.Member) value {
	raw := text[m.Lo:m.Hi]
	switch m.Kind {
	case jsontext.Null:
		return nil
	case jsontext.True, jsontext.False:
		return m.Kind == jsontext.True
	case jsontext.Integer, jsontext.Real:
		return json.Number(raw)
	case jsontext.String:
		if !m.Escaped {
			return string(raw[1 : len(raw)-1])
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// object is the event as JSON, nil if it is not an object.
func (r *row) object() value {
	if r.parsed {
		return r.json
	}
	r.parsed = true
	m := strings.TrimSpace(r.event.Message)
	if !strings.HasPrefix(m, "{") {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(m)))
	d.UseNumber()
	var o map[string]any
	if d.Decode(&o) == nil {
		r.json = o
	}
	return r.json
}

// report has what a line of Lambda's about an invocation tells.
func (r *row) report() map[string]value {
	if r.lambda != nil {
		return r.lambda
	}
	r.lambda = map[string]value{}
	m := r.event.Message
	kind, rest, ok := strings.Cut(m, " RequestId: ")
	if !ok || kind != "START" && kind != "END" && kind != "REPORT" {
		return r.lambda
	}
	id := strings.FieldsFunc(rest, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' })
	if len(id) == 0 {
		return r.lambda
	}
	r.lambda["@type"], r.lambda["@requestId"] = kind, id[0]
	for part := range strings.SplitSeq(rest, "\t") {
		label, v, ok := strings.Cut(part, ": ")
		if !ok {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(v), " ")
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue
		}
		if unit == "MB" {
			f *= 1_000_000
		}
		switch label {
		case "Duration":
			r.lambda["@duration"] = f
		case "Billed Duration":
			r.lambda["@billedDuration"] = f
		case "Memory Size":
			r.lambda["@memorySize"] = f
		case "Max Memory Used":
			r.lambda["@maxMemoryUsed"] = f
		case "Init Duration":
			r.lambda["@initDuration"] = f
		}
	}
	return r.lambda
}

// Fields are all fields of an event with their values, as a record shows them: members of JSON by their paths.
func Fields(e *Event) map[string]string {
	r := &row{event: e}
	out := map[string]string{}
	for _, name := range []string{"@timestamp", "@ingestionTime", "@message", "@logStream", "@log", "@ptr"} {
		out[name] = show(r.get(name))
	}
	for name, v := range r.report() {
		out[name] = show(v)
	}
	flatten(r.object(), "", out)
	return out
}

// maxFields bounds the members of an event that Fields tells.
const maxFields = 200

func flatten(v value, prefix string, out map[string]string) {
	each := func(name string, v value) {
		switch v.(type) {
		case map[string]any, []any:
			flatten(v, prefix+name+".", out)
		default:
			if len(out) < maxFields {
				out[prefix+name] = show(v)
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			each(name, v)
		}
	case []any:
		for i, v := range v {
			each(strconv.Itoa(i), v)
		}
	}
}
