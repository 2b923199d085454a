package udf

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"
)

// What a cast of JSON to rows has to do before DuckDB can: Trino takes an array for a row, by the
// order of its elements, and an object by the names of its members, in any letter case; what is
// missing is null and what is left over is not looked at.

// JSONShape is what a value is to be, as far as rows go. The zero value is anything.
type JSONShape struct {
	Names  []string     `json:"n,omitempty"` // of a row's fields
	Bare   bool         `json:"b,omitempty"` // a row's fields have no names of their own: an object is not one
	Fields []*JSONShape `json:"f,omitempty"` // of a row, nil where there is no row inside
	Elem   *JSONShape   `json:"e,omitempty"` // of an array's elements or a map's values
	Scalar string       `json:"s,omitempty"` // varchar or decimal, of a value that holds no others
}

// Text is the shape as the function takes it.
func (s *JSONShape) Text() string {
	b, _ := json.Marshal(s)
	return string(b)
}

var shapes struct {
	sync.Mutex
	m map[string]*JSONShape
}

func shapeOf(text string) (*JSONShape, error) {
	shapes.Lock()
	defer shapes.Unlock()
	if s := shapes.m[text]; s != nil {
		return s, nil
	}
	s := new(JSONShape)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, err
	}
	if len(shapes.m) >= 256 || shapes.m == nil {
		shapes.m = map[string]*JSONShape{}
	}
	shapes.m[text] = s
	return s, nil
}

// jsonShapeUDF takes a shape and a document, and gives the document with its rows as objects that
// have all fields and no others. What is not as the shape says stays as it is, or is a text that says
// what is wrong with it: neither can be cast.
func jsonShapeUDF(v []driver.Value) (any, error) {
	s, err := shapeOf(v[0].(string))
	if err != nil {
		return nil, err
	}
	if s.Elem != nil && s.Elem.Scalar != "" && plainValues(v[1].(string)) {
		return v[1], nil
	}
	var wrong error
	out := s.apply([]byte(v[1].(string)), &wrong)
	return string(out), wrong
}

// plainValues reports whether all values of an array or an object are texts, small whole numbers, truths
// and nulls, which are read as they are.
func plainValues(doc string) bool {
	const smallDigits = 15
	open, digits := 0, 0
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			for i++; i < len(doc) && doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
		case c == '[' || c == '{':
			if open++; open > 1 {
				return false
			}
		case c-'0' <= 9:
			if digits++; digits > smallDigits {
				return false
			}
			continue
		case c == '.' || (c == 'e' || c == 'E') && digits > 0:
			return false
		}
		digits = 0
	}
	return true
}

// scalar writes a number so that DuckDB reads the value that Trino has: a text has that of the double
// where it has a fraction or an exponent, a decimal has all its digits.
func (s *JSONShape) scalar(doc []byte, wrong *error) []byte {
	switch {
	case len(doc) == 0:
		return doc
	case s.Scalar == "varchar" && (doc[0] == '{' || doc[0] == '['):
		*wrong = errors.New("INVALID_CAST_ARGUMENT: Unexpected token when cast to varchar: " + string(doc[:1]))
		return doc
	case doc[0] != '-' && doc[0]-'0' > 9:
		return doc
	case s.Scalar == "decimal":
		return jsonName(string(doc))
	}
	return jsonName(jsonDouble(string(doc)))
}

// jsonDouble is the text of a number as Trino casts it: a whole one as it is written, of others the double's.
func jsonDouble(number string) string {
	if !strings.ContainsAny(number, ".eE") {
		return number
	}
	f, _ := strconv.ParseFloat(number, 64) // out of range it is infinite, as in Java
	return scientific(f, 64)
}

func (s *JSONShape) apply(doc []byte, wrong *error) []byte {
	doc = bytes.TrimSpace(doc)
	if s != nil && s.Scalar != "" {
		return s.scalar(doc, wrong)
	}
	if s == nil || len(doc) == 0 || doc[0] != '[' && doc[0] != '{' {
		return doc
	}
	var array []json.RawMessage
	if doc[0] == '[' {
		if json.Unmarshal(doc, &array) != nil {
			return doc
		}
	}
	switch {
	case s.Names != nil && doc[0] == '[' && len(array) != len(s.Names):
		return doc
	case s.Names != nil && doc[0] == '{' && s.Bare:
		return jsonName("a row without names is made of an array")
	case s.Names != nil:
		fields := array
		if doc[0] == '{' {
			var members map[string]json.RawMessage
			if json.Unmarshal(doc, &members) != nil {
				return doc
			}
			folded := make(map[string]json.RawMessage, len(members))
			twice := make(map[string]bool)
			for name, value := range members {
				name = strings.ToLower(name)
				twice[name] = folded[name] != nil
				folded[name] = value
			}
			fields = make([]json.RawMessage, len(s.Names))
			for i, name := range s.Names {
				name = strings.ToLower(name)
				if twice[name] {
					return jsonName("Duplicate field: " + name)
				}
				fields[i] = folded[name]
			}
		}
		out := []byte{'{'}
		for i, name := range s.Names {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, jsonName(name)...), ':')
			if fields[i] == nil {
				out = append(out, "null"...)
			} else {
				out = append(out, s.Fields[i].apply(fields[i], wrong)...)
			}
		}
		return append(out, '}')
	case s.Elem != nil && doc[0] == '[':
		out := []byte{'['}
		for i, e := range array {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, s.Elem.apply(e, wrong)...)
		}
		return append(out, ']')
	case s.Elem != nil:
		var members map[string]json.RawMessage
		if json.Unmarshal(doc, &members) != nil {
			return doc
		}
		out := []byte{'{'}
		for i, name := range slices.Sorted(maps.Keys(members)) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(append(out, jsonName(name)...), ':'), s.Elem.apply(members[name], wrong)...)
		}
		return append(out, '}')
	}
	return doc
}

// jsonName is a text, as the name of a member, in JSON.
func jsonName(name string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(name) // a text is always written
	return bytes.TrimRight(b.Bytes(), "\n")
}

func init() {
	udfs["json_double"] = scalar{in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) { return jsonDouble(s), nil })}
}
