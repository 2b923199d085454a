package udf

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Numbers in JSON. What reads a scalar out of a text gives the number as it is written there;
// what makes a JSON value of a text keeps whole numbers of any length and turns the others into
// doubles, so that 1.10 is 1.1 and 1e2 is 100.0.

// jsonNumberText is the text of the number that a path finds in a document, as it is written.
func jsonNumberText(v []driver.Value) (any, error) {
	n, ok := numberAt(v[0].(string), v[1].(string))
	if !ok {
		return nil, nil
	}
	return string(n), nil
}

// jsonNumber is the number that a path finds in a document, as a JSON value.
func jsonNumber(v []driver.Value) (any, error) {
	n, ok := numberAt(v[0].(string), v[1].(string))
	if !ok {
		return nil, nil
	}
	return canonicalNumber(n), nil
}

// canonicalNumber is a number as a JSON value has it.
func canonicalNumber(n json.Number) string {
	if !strings.ContainsAny(string(n), ".eE") {
		return string(n)
	}
	f, err := n.Float64()
	if err != nil { // beyond a double
		return map[bool]string{true: `"-Infinity"`, false: `"Infinity"`}[f < 0]
	}
	return javaDouble(f)
}

// javaDouble is a finite number as Java writes a double: decimal from 0.001 to ten millions,
// with an exponent beyond, and always with a fraction.
func javaDouble(f float64) string {
	if a := math.Abs(f); f != 0 && (a < 1e-3 || a >= 1e7) {
		return scientific(f, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// numberAt finds a number by a path of DuckDB's: $.a."b c"[0].
func numberAt(document, path string) (json.Number, bool) {
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	rest, ok := strings.CutPrefix(path, "$")
	for ok && rest != "" {
		var key string
		if key, rest, ok = cutStep(rest); ok {
			ok = descendTo(d, key)
		}
	}
	if !ok {
		return "", false
	}
	token, err := d.Token()
	n, is := token.(json.Number)
	return n, is && err == nil
}

// cutStep cuts the first step off a path: the name of a member or the place of an element.
func cutStep(path string) (key, rest string, ok bool) {
	switch {
	case strings.HasPrefix(path, `."`):
		return strings.Cut(path[2:], `"`)
	case path[0] == '.':
		end := strings.IndexAny(path[1:], ".[")
		if end < 0 {
			end = len(path) - 1
		}
		return path[1 : 1+end], path[1+end:], end > 0
	case path[0] == '[':
		return strings.Cut(path[1:], "]")
	}
	return "", "", false
}

// descendTo moves to the first member of a name, or to the element at a place.
func descendTo(d *json.Decoder, key string) bool {
	token, err := d.Token()
	if err != nil || token != json.Delim('{') && token != json.Delim('[') {
		return false
	}
	var skipped json.RawMessage
	if token == json.Delim('[') {
		n, err := strconv.Atoi(key)
		for ; err == nil && n > 0 && d.More(); n-- {
			err = d.Decode(&skipped)
		}
		return err == nil && n == 0 && d.More()
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		if name == key {
			return true
		}
		if err := d.Decode(&skipped); err != nil {
			return false
		}
	}
	return false
}

// canonicalJSON is a document without white space, with its keys in order and its numbers as a
// JSON value has them.
func canonicalJSON(s string) (string, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("more than one value")
	}
	var b bytes.Buffer
	if err := writeCanonical(&b, v); err != nil {
		return "", err
	}
	return b.String(), nil
}

func writeCanonical(b *bytes.Buffer, v any) error {
	switch x := v.(type) {
	case json.Number:
		b.WriteString(canonicalNumber(x))
	case []any:
		b.WriteByte('[')
		for i, e := range x {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeCanonical(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeCanonical(b, k); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeCanonical(b, x[k]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if err := e.Encode(x); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the line break
	}
	return nil
}
