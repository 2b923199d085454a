// Package jsonpath evaluates the path language of SQL/JSON: lax $.a[*] ? (@.b > 1).size().
//
// Documents keep the order of their keys and the text of their numbers.
package jsonpath

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Object is a JSON object whose keys keep their order; of equal keys the last counts.
type Object struct {
	keys   []string
	values map[string]any
}

// Values are nil, bool, json.Number, string, []any and *Object.

// maxDepth bounds the nesting of documents and paths.
const maxDepth = 200

var errTrailing = errors.New("more than one value")

// Decode reads one document.
func Decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return v, nil
}

func decode(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		o := &Object{values: map[string]any{}}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, ok := k.(string)
			if !ok {
				return nil, errors.New("key is not a string")
			}
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			if _, ok := o.values[key]; !ok {
				o.keys = append(o.keys, key)
			}
			o.values[key] = v
		}
		_, err := d.Token()
		return o, err
	}
	return t, nil
}

// Map is the object's values by key.
func (o *Object) Map() map[string]any { return o.values }

// Encode writes a value as JSON without white space.
func Encode(v any) string {
	var b bytes.Buffer
	encode(&b, v)
	return b.String()
}

func encode(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			encode(b, x)
		}
		b.WriteByte(']')
	case *Object:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			encode(b, k)
			b.WriteByte(':')
			encode(b, v.values[k])
		}
		b.WriteByte('}')
	default:
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if e.Encode(v) == nil {
			b.Truncate(b.Len() - 1) // its newline
		}
	}
}
