package crawl

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// JSON: objects one after the other, on lines or not. An object that is one array has,
// as in Glue, a single column "array". Whole numbers are int, or bigint where one does
// not fit; text is string, whatever it looks like.

// maxJSONDepth and maxJSONFields bound what nesting a type is made of.
const (
	maxJSONDepth  = 30
	maxJSONFields = 2000
)

var errNotJSON = errors.New("not JSON records")

func jsonFile(f *file, text []byte, complete bool) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var s schema
	s.index = make(map[string]int)
	records := int64(0)
	for {
		t, err := jsonValue(d, 0)
		if err != nil {
			if err == io.EOF || !complete && records > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			if t == nil || records > 0 || complete || !errors.Is(err, io.ErrUnexpectedEOF) {
				return false
			}
			// The first record goes beyond what was read: what there is of it will do.
		}
		switch {
		case t == nil:
			return false
		case t.Kind == hivetype.Struct:
			for _, c := range t.Fields {
				s.add(Column(c))
			}
		case t.Kind == hivetype.Array:
			s.add(Column{"array", t})
		default:
			return false
		}
		records++
		if err != nil {
			break
		}
	}
	if records == 0 || len(s.columns) == 0 {
		return false
	}
	f.format.Classification, f.columns, f.records = JSON, s.columns, records
	return true
}

// jsonValue reads a value and gives its type, nil for null. With an error it gives what
// was known by then.
func jsonValue(d *json.Decoder, depth int) (*hivetype.Type, error) {
	if depth > maxJSONDepth {
		return nil, errNotJSON
	}
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := tok.(type) {
	case json.Delim:
		if v == '{' {
			return jsonObject(d, depth)
		}
		if v != '[' {
			return nil, errNotJSON
		}
		t := &hivetype.Type{Kind: hivetype.Array}
		for d.More() {
			e, err := jsonValue(d, depth+1)
			t.Elem = merge(t.Elem, e)
			if err != nil {
				return t, unexpected(err)
			}
		}
		_, err := d.Token()
		return t, unexpected(err)
	case string:
		return stringType, nil
	case bool:
		return booleanType, nil
	case json.Number:
		return numberType(string(v)), nil
	}
	return nil, nil
}

// unexpected is the end of the text within a value.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func jsonObject(d *json.Decoder, depth int) (*hivetype.Type, error) {
	t := &hivetype.Type{Kind: hivetype.Struct}
	index := make(map[string]int)
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return t, unexpected(err)
		}
		key, ok := tok.(string)
		if !ok {
			return t, errNotJSON
		}
		name := strings.ToLower(key)
		v, err := jsonValue(d, depth+1)
		if i, ok := index[name]; ok {
			t.Fields[i].Type = merge(t.Fields[i].Type, v)
		} else if name != "" { // a column has a name
			if len(t.Fields) >= maxJSONFields {
				return t, errNotJSON
			}
			index[name] = len(t.Fields)
			t.Fields = append(t.Fields, hivetype.Field{Name: name, Type: v})
		}
		if err != nil {
			return t, unexpected(err)
		}
	}
	_, err := d.Token()
	return t, unexpected(err)
}

func numberType(s string) *hivetype.Type {
	if strings.ContainsAny(s, ".eE") {
		return doubleType
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return doubleType
	case n >= -1<<31 && n < 1<<31:
		return intType
	}
	return bigintType
}
