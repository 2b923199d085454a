package awswire

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	smithydocument "github.com/aws/smithy-go/document"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// appendJSON appends v, a value of type p.typ that is there (not nil).
func (b *planner) appendJSON(dst []byte, p *plan, v reflect.Value, tf timeFormat) ([]byte, error) {
	if p.ptr {
		v = v.Elem()
	}
	switch p.kind {
	case kindString:
		return scan.AppendQuoted(dst, []byte(v.String())), nil
	case kindBool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case kindInt:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case kindFloat:
		return appendJSONFloat(dst, v.Float()), nil
	case kindBlob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"'), nil
	case kindTime:
		return appendJSONTime(dst, v.Interface().(time.Time), tf), nil
	case kindList:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if e := v.Index(i); absent(p.elem, e) {
				dst = append(dst, "null"...)
			} else if dst, err = b.appendJSON(dst, p.elem, e, timeDefault); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case kindMap:
		dst = append(dst, '{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = scan.AppendQuoted(dst, []byte(k.String()))
			dst = append(dst, ':')
			var err error
			if e := v.MapIndex(k); absent(p.elem, e) {
				dst = append(dst, "null"...)
			} else if dst, err = b.appendJSON(dst, p.elem, e, timeDefault); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case kindStruct:
		return b.appendJSONStruct(dst, p, v)
	case kindUnion:
		v = reflect.Indirect(v.Elem())
		m, err := b.unionMemberFor(p, v.Type())
		if err != nil {
			return nil, err
		}
		dst = append(dst, '{')
		dst = append(dst, m.quoted...)
		val := v.FieldByName("Value")
		if absent(m.plan, val) {
			dst = appendJSONEmpty(dst, m.plan)
		} else if dst, err = b.appendJSON(dst, m.plan, val, timeDefault); err != nil {
			return nil, err
		}
		return append(dst, '}'), nil
	case kindDocument:
		return appendJSONDocument(dst, v.Interface())
	}
	return append(dst, "null"...), nil
}

func (b *planner) appendJSONStruct(dst []byte, p *plan, v reflect.Value) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if !f.present(fv) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, f.quoted...)
		var err error
		if dst, err = b.appendJSON(dst, f.plan, fv, f.time); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// present reports whether a member is written. What the SDK does not point to is always
// there, but for the empty text of an enum, which is not a value of it.
func (f *field) present(v reflect.Value) bool {
	return f.always || !absent(f.plan, v)
}

// absent reports whether v, of type p.typ, holds no value.
func absent(p *plan, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return p.typ.PkgPath() != "" && v.Len() == 0 // an enum
	}
	return false
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	return keys
}

func appendJSONEmpty(dst []byte, p *plan) []byte {
	switch p.kind {
	case kindList:
		return append(dst, "[]"...)
	case kindMap, kindStruct:
		return append(dst, "{}"...)
	case kindBlob, kindString:
		return append(dst, `""`...)
	}
	return append(dst, "null"...)
}

func appendJSONDocument(dst []byte, doc any) ([]byte, error) {
	if m, ok := doc.(smithydocument.Marshaler); ok {
		text, err := m.MarshalSmithyDocument()
		if err != nil {
			return nil, err
		}
		return append(dst, text...), nil
	}
	text, err := json.Marshal(doc)
	return append(dst, text...), err
}

func appendJSONFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// appendJSONTime writes epoch seconds with the milliseconds, as AWS's services do.
func appendJSONTime(dst []byte, t time.Time, tf timeFormat) []byte {
	switch tf {
	case timeISO:
		return append(append(append(dst, '"'), formatISO(t)...), '"')
	case timeHTTP:
		return append(append(append(dst, '"'), t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")...), '"')
	}
	return appendEpoch(dst, t)
}

func appendEpoch(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst = append(dst, '-')
		ms = -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return dst
}

func formatISO(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}
