package schemarecord

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/hamba/avro/v2"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Records in Avro become JSON objects, as if they had come as such: times and dates as text, decimals as numbers, bytes as text where they are that and in base64 where they are not.

// Limits of one record: of a text in it, and of what an array or map takes.
const (
	maxAvroText  = 10 << 20
	maxAvroItems = 64 << 20
)

var avroAPI = avro.Config{MaxByteSliceSize: maxAvroText, MaxSliceAllocSize: maxAvroItems}.Freeze()

// avroDecoder reads records by one schema.
type avroDecoder struct{ schema avro.Schema }

func newAvro(definition string) (*avroDecoder, error) {
	s, err := avro.ParseWithCache(definition, "", &avro.SchemaCache{})
	if err != nil {
		return nil, err
	}
	if s.Type() != avro.Record {
		return nil, fmt.Errorf("the schema is of the type %s, not a record", s.Type())
	}
	return &avroDecoder{s}, nil
}

func (a *avroDecoder) text(dst, payload []byte) ([]byte, error) {
	if err := checkAvro(a.schema, payload); err != nil {
		return dst, err
	}
	var v any
	if err := avroAPI.Unmarshal(a.schema, payload, &v); err != nil {
		return dst, err
	}
	return appendAvro(dst, len(dst)+MaxText, a.schema, v, 0)
}

// maxAvroDepth bounds how deep a value nests.
const maxAvroDepth = 200

// appendAvro appends a value; limit is how long dst may become.
func appendAvro(dst []byte, limit int, s avro.Schema, v any, depth int) ([]byte, error) {
	if depth > maxAvroDepth {
		return dst, errAvroBig
	}
	if len(dst) > limit {
		return dst, errLong
	}
	if r, ok := s.(*avro.RefSchema); ok {
		s = r.Schema()
	}
	if v == nil {
		return append(dst, "null"...), nil
	}
	var err error
	switch s := s.(type) {
	case *avro.RecordSchema:
		m, ok := v.(map[string]any)
		if !ok {
			return dst, errAvroValue(s, v)
		}
		dst = append(dst, '{')
		for i, f := range s.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsontext.AppendQuoted(dst, f.Name()), ':')
			if dst, err = appendAvro(dst, limit, f.Type(), m[f.Name()], depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case *avro.ArraySchema:
		list, ok := v.([]any)
		if !ok {
			return dst, errAvroValue(s, v)
		}
		dst = append(dst, '[')
		for i, x := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendAvro(dst, limit, s.Items(), x, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *avro.MapSchema:
		m, ok := v.(map[string]any)
		if !ok {
			return dst, errAvroValue(s, v)
		}
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		dst = append(dst, '{')
		for i, k := range keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsontext.AppendQuoted(dst, k), ':')
			if dst, err = appendAvro(dst, limit, s.Values(), m[k], depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case *avro.UnionSchema:
		branch, x := avroBranch(s, v)
		if branch == nil {
			return dst, errAvroValue(s, v)
		}
		return appendAvro(dst, limit, branch, x, depth+1)
	}
	return appendAvroScalar(dst, s, v)
}

func errAvroValue(s avro.Schema, v any) error {
	return fmt.Errorf("a value of the type %s came as %T", s.Type(), v)
}

// avroBranch is the branch of a union that a value is of, and the value. The decoder gives some values as a map with the
// name of their branch as its only key.
func avroBranch(s *avro.UnionSchema, v any) (avro.Schema, any) {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		for name, x := range m {
			if branch, at := s.Types().Get(name); at >= 0 {
				return branch, x
			}
		}
	}
	for _, t := range s.Types() {
		if r, ok := t.(*avro.RefSchema); ok {
			t = r.Schema()
		}
		ok := false
		switch v.(type) {
		case map[string]any:
			ok = t.Type() == avro.Record || t.Type() == avro.Map
		case []any:
			ok = t.Type() == avro.Array
		default:
			_, err := appendAvroScalar(nil, t, v)
			ok = err == nil && t.Type() != avro.Record && t.Type() != avro.Map && t.Type() != avro.Array
		}
		if ok {
			return t, v
		}
	}
	return nil, nil
}

func appendAvroScalar(dst []byte, s avro.Schema, v any) ([]byte, error) {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float32:
		return appendFloat(dst, float64(v), 32), nil
	case float64:
		return appendFloat(dst, v, 64), nil
	case string:
		return jsontext.AppendQuoted(dst, v), nil
	case []byte:
		return appendBytes(dst, v), nil
	case time.Time:
		if l, ok := s.(avro.LogicalTypeSchema); ok && l.Logical() != nil && l.Logical().Type() == avro.Date {
			return append(v.UTC().AppendFormat(append(dst, '"'), time.DateOnly), '"'), nil
		}
		return append(v.UTC().AppendFormat(append(dst, '"'), "2006-01-02 15:04:05.000000"), '"'), nil
	case time.Duration:
		return append(time.Time{}.Add(v).AppendFormat(append(dst, '"'), "15:04:05.000000"), '"'), nil
	case *big.Rat:
		scale := 0
		if l, ok := s.(avro.LogicalTypeSchema); ok {
			if d, ok := l.Logical().(*avro.DecimalLogicalSchema); ok {
				scale = d.Scale()
			}
		}
		return append(dst, v.FloatString(min(max(scale, 0), 100))...), nil
	case avro.LogicalDuration:
		return jsontext.AppendQuoted(dst, fmt.Sprintf("%d months %d days %d milliseconds", v.Months, v.Days, v.Milliseconds)), nil
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Array && r.Type().Elem().Kind() == reflect.Uint8 { // a fixed
		b := make([]byte, r.Len())
		reflect.Copy(reflect.ValueOf(b), r)
		return appendBytes(dst, b), nil
	}
	return dst, errAvroValue(s, v)
}

func appendBytes(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return jsontext.AppendQuoted(dst, string(b))
	}
	return jsontext.AppendQuoted(dst, base64.StdEncoding.EncodeToString(b))
}
