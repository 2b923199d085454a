package awswire

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

func appendCBORText(dst []byte, s string) []byte {
	return scan.AppendText(dst, strings.ToValidUTF8(s, "\uFFFD"))
}

func appendCBORInt(dst []byte, n int64) []byte {
	if n < 0 {
		return scan.AppendHead(dst, scan.Negative, uint64(-1-n))
	}
	return scan.AppendHead(dst, scan.Uint, uint64(n))
}

func appendCBORFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, scan.Simple<<5|27), math.Float64bits(f))
}

const cborNull = scan.Simple<<5 | 22

func (b *planner) appendCBOR(dst []byte, p *plan, v reflect.Value, millis bool) ([]byte, error) {
	if p.ptr {
		v = v.Elem()
	}
	var err error
	switch p.kind {
	case kindString:
		return appendCBORText(dst, v.String()), nil
	case kindBool:
		if v.Bool() {
			return append(dst, scan.Simple<<5|21), nil
		}
		return append(dst, scan.Simple<<5|20), nil
	case kindInt:
		return appendCBORInt(dst, v.Int()), nil
	case kindFloat:
		return appendCBORFloat(dst, v.Float()), nil
	case kindBlob:
		return append(scan.AppendHead(dst, scan.Bytes, uint64(v.Len())), v.Bytes()...), nil
	case kindTime:
		dst = append(dst, scan.Tag<<5|1)
		t := v.Interface().(time.Time)
		if millis {
			return appendCBORInt(dst, t.UnixMilli()), nil
		}
		return appendCBORFloat(dst, float64(t.UnixMilli())/1000), nil
	case kindList:
		dst = scan.AppendHead(dst, scan.Array, uint64(v.Len()))
		for i := range v.Len() {
			if e := v.Index(i); absent(p.elem, e) {
				dst = append(dst, cborNull)
			} else if dst, err = b.appendCBOR(dst, p.elem, e, millis); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case kindMap:
		dst = scan.AppendHead(dst, scan.Map, uint64(v.Len()))
		for _, k := range sortedKeys(v) {
			dst = appendCBORText(dst, k.String())
			if e := v.MapIndex(k); absent(p.elem, e) {
				dst = append(dst, cborNull)
			} else if dst, err = b.appendCBOR(dst, p.elem, e, millis); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case kindStruct:
		return b.appendCBORStruct(dst, p, v, millis)
	case kindUnion:
		v = reflect.Indirect(v.Elem())
		m, err := b.unionMemberFor(p, v.Type())
		if err != nil {
			return nil, err
		}
		dst = appendCBORText(scan.AppendHead(dst, scan.Map, 1), m.name)
		val := v.FieldByName("Value")
		if absent(m.plan, val) {
			return append(dst, cborNull), nil
		}
		return b.appendCBOR(dst, m.plan, val, millis)
	case kindDocument:
		doc, err := cborDocument(v.Interface())
		if err != nil {
			return nil, err
		}
		return appendCBORDocument(dst, doc), nil
	}
	return append(dst, cborNull), nil
}

func (b *planner) appendCBORStruct(dst []byte, p *plan, v reflect.Value, millis bool) ([]byte, error) {
	n := uint64(0)
	for i := range p.fields {
		if p.fields[i].present(v.Field(p.fields[i].index)) {
			n++
		}
	}
	dst = scan.AppendHead(dst, scan.Map, n)
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if !f.present(fv) {
			continue
		}
		var err error
		if dst, err = b.appendCBOR(appendCBORText(dst, f.name), f.plan, fv, millis); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendCBORDocument(dst []byte, doc any) []byte {
	switch v := doc.(type) {
	case string:
		return appendCBORText(dst, v)
	case float64:
		return appendCBORFloat(dst, v)
	case bool:
		if v {
			return append(dst, scan.Simple<<5|21)
		}
		return append(dst, scan.Simple<<5|20)
	case []any:
		dst = scan.AppendHead(dst, scan.Array, uint64(len(v)))
		for _, e := range v {
			dst = appendCBORDocument(dst, e)
		}
		return dst
	case map[string]any:
		dst = scan.AppendHead(dst, scan.Map, uint64(len(v)))
		for k, e := range v {
			dst = appendCBORDocument(appendCBORText(dst, k), e)
		}
		return dst
	}
	return append(dst, cborNull)
}

// appendCBORFault appends the body of an error.
func (h *Handler) appendCBORFault(dst []byte, f fault, millis bool) []byte {
	name := h.messageMember
	var members []byte
	n := uint64(1)
	if f.value.IsValid() {
		p := h.planner.plan(f.value.Type(), f.shape)
		for i := range p.fields {
			fl := &p.fields[i]
			if strings.EqualFold(fl.name, "message") {
				name = fl.name
				continue
			}
			fv := f.value.Field(fl.index)
			if !fl.present(fv) {
				continue
			}
			if out, err := h.planner.appendCBOR(appendCBORText(members, fl.name), fl.plan, fv, millis); err == nil {
				members = out
				n++
			}
		}
	}
	if f.message != "" {
		members = appendCBORText(appendCBORText(members, name), f.message)
		n++
	}
	dst = scan.AppendHead(dst, scan.Map, n)
	dst = appendCBORText(appendCBORText(dst, "__type"), h.api.ErrorType(f.code, f.shape != nil))
	return append(dst, members...)
}
