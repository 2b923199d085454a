package etl

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Column is a column of a frame.
type Column struct {
	Name string
	Type *hivetype.Type
}

// Object is the value of a struct: members in order.
type Object []Member

// Member is one member of an Object.
type Member struct {
	Name  string
	Value any
}

// Get returns the value of a member, nil if there is none.
func (o Object) Get(name string) any {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value
		}
	}
	for i := range o {
		if strings.EqualFold(o[i].Name, name) {
			return o[i].Value
		}
	}
	return nil
}

// Frame is columns and rows. A frame is not changed once another step has seen it.
type Frame struct {
	Columns []Column

	rows [][]any  // a value a column
	text [][]byte // of a frame that is still text: JSON objects; nil otherwise
	told bool     // Columns were given: the texts may have other members, and values of other types
}

// NewFrame returns a frame of rows that have a value a column.
func NewFrame(columns []Column, rows [][]any) *Frame { return &Frame{Columns: columns, rows: rows} }

// Len is how many rows there are.
func (f *Frame) Len() int {
	if f.text != nil {
		return len(f.text)
	}
	return len(f.rows)
}

// Slice is the frame of rows lo to hi.
func (f *Frame) Slice(lo, hi int) *Frame {
	s := &Frame{Columns: f.Columns, told: f.told}
	if f.text != nil {
		s.text = f.text[lo:hi]
	} else {
		s.rows = f.rows[lo:hi]
	}
	return s
}

// Column is the index of a column by its name, in any case where none has just that; -1: none.
func (f *Frame) Column(name string) int {
	if i := slices.IndexFunc(f.Columns, func(c Column) bool { return c.Name == name }); i >= 0 {
		return i
	}
	return slices.IndexFunc(f.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}

// Rows are the values, parsed if need be. They must not be changed.
func (f *Frame) Rows() [][]any {
	if f.text == nil {
		return f.rows
	}
	index := make(map[string]int, len(f.Columns))
	for i, c := range f.Columns {
		index[strings.ToLower(c.Name)] = i
	}
	rows := make([][]any, len(f.text))
	var rec jsontext.Record
	var name []byte
	for i, text := range f.text {
		row := make([]any, len(f.Columns))
		rows[i] = row
		if _, err := rec.Parse(text); err != nil || rec.Kind != jsontext.Object {
			continue // it was parsed before
		}
		for j := range rec.Members {
			m := &rec.Members[j]
			name = rec.AppendKey(name[:0], m)
			if c, ok := index[strings.ToLower(string(name))]; ok {
				row[c] = conform(valueOf(rec.Value(m), m.Kind, m.Escaped), f.Columns[c].Type)
				if f.told {
					row[c], _ = cast(row[c], f.Columns[c].Type)
				}
			}
		}
	}
	return rows
}

// valueOf is the value of JSON text.
func valueOf(text []byte, kind jsontext.Kind, escaped bool) any {
	switch kind {
	case jsontext.True:
		return true
	case jsontext.False:
		return false
	case jsontext.Integer:
		if n, ok := jsontext.Int(text); ok {
			return n
		}
		return json.Number(text)
	case jsontext.Real:
		return jsontext.Float(text)
	case jsontext.String:
		return unquote(text, escaped)
	case jsontext.Array:
		list := []any{}
		for it := jsontext.Over(text); ; {
			lo, hi, kind, escaped, ok := it.Element()
			if !ok {
				return list
			}
			list = append(list, valueOf(text[lo:hi], kind, escaped))
		}
	case jsontext.Object:
		o := Object{}
		for it := jsontext.Over(text); ; {
			m, ok := it.Member()
			if !ok {
				return o
			}
			name := string(text[m.KeyLo:m.KeyHi])
			if m.KeyEscaped {
				name = string(jsontext.AppendUnquoted(nil, text[m.KeyLo:m.KeyHi]))
			}
			o = append(o, Member{name, valueOf(text[m.Lo:m.Hi], m.Kind, m.Escaped)})
		}
	}
	return nil
}

func unquote(text []byte, escaped bool) string {
	text = text[1 : len(text)-1]
	if escaped {
		return string(jsontext.AppendUnquoted(nil, text))
	}
	return string(text)
}

// conform makes a value of JSON one of a column's type.
func conform(v any, t *hivetype.Type) any {
	switch t.Kind {
	case hivetype.String, hivetype.Char, hivetype.Varchar:
		switch v := v.(type) {
		case nil, string:
			return v
		default:
			return textOf(v)
		}
	case hivetype.Double, hivetype.Float:
		switch v := v.(type) {
		case int64:
			return float64(v)
		case json.Number:
			f, _ := v.Float64()
			return f
		}
	case hivetype.Decimal:
		switch v.(type) {
		case nil, string:
			return v
		default:
			return textOf(v)
		}
	case hivetype.Array:
		if list, ok := v.([]any); ok {
			for i := range list {
				list[i] = conform(list[i], t.Elem)
			}
		}
	case hivetype.Struct:
		if o, ok := v.(Object); ok {
			for i := range o {
				for _, f := range t.Fields {
					if strings.EqualFold(f.Name, o[i].Name) {
						o[i].Value = conform(o[i].Value, f.Type)
					}
				}
			}
		}
	}
	return v
}

// textOf is a value as text: a string as it is, anything else as JSON.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(appendJSON(nil, v))
}

// appendJSON appends a value as JSON.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case json.Number:
		return append(b, v...)
	case string:
		return appendString(b, v)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, m.Name), ':')
			b = appendJSON(b, m.Value)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendFloat appends a number; JSON has none for what is not finite.
func appendFloat(b []byte, v float64) []byte {
	if v != v || v > maxFloat || v < -maxFloat {
		return append(b, "null"...)
	}
	at := len(b)
	b = strconv.AppendFloat(b, v, 'g', -1, 64)
	for _, c := range b[at:] {
		if c == '.' || c == 'e' {
			return b
		}
	}
	return append(b, ".0"...)
}

const maxFloat = 0x1p1023 * (1 + (1 - 0x1p-52))

func appendString(b []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, _ := json.Marshal(s) // what is not UTF-8 becomes U+FFFD
	return append(b, quoted...)
}

// appendRow appends a row as a JSON object, without the columns that skip names and without
// those that have no value.
func (f *Frame) appendRow(b []byte, row []any, skip []bool) []byte {
	b = append(b, '{')
	first := true
	for i, v := range row {
		if v == nil || skip != nil && skip[i] {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, f.Columns[i].Name), ':')
		b = appendJSON(b, v)
	}
	return append(b, '}')
}

// size is about how many bytes a value holds.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return 16 + len(v)
	case []any:
		n := 24
		for _, e := range v {
			n += 16 + size(e)
		}
		return n
	case Object:
		n := 24
		for _, m := range v {
			n += 32 + size(m.Value)
		}
		return n
	}
	return 8
}

// Bytes is about how many bytes the rows hold.
func (f *Frame) Bytes() int64 {
	n := int64(0)
	for _, t := range f.text {
		n += int64(len(t)) + 24
	}
	for _, row := range f.rows {
		n += 24
		for _, v := range row {
			n += 16 + int64(size(v))
		}
	}
	return n
}
