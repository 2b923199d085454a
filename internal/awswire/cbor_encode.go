package awswire

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"time"
)

func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

func appendCBORText(dst []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return append(appendCBORHead(dst, cborText, uint64(len(s))), s...)
}

func appendCBORInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendCBORHead(dst, cborNegative, uint64(-1-n))
	}
	return appendCBORHead(dst, cborUint, uint64(n))
}

func appendCBORFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, cborSimple<<5|27), math.Float64bits(f))
}

const cborNull = cborSimple<<5 | 22

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
			return append(dst, cborSimple<<5|21), nil
		}
		return append(dst, cborSimple<<5|20), nil
	case kindInt:
		return appendCBORInt(dst, v.Int()), nil
	case kindFloat:
		return appendCBORFloat(dst, v.Float()), nil
	case kindBlob:
		return append(appendCBORHead(dst, cborBytes, uint64(v.Len())), v.Bytes()...), nil
	case kindTime:
		dst = append(dst, cborTag<<5|1)
		t := v.Interface().(time.Time)
		if millis {
			return appendCBORInt(dst, t.UnixMilli()), nil
		}
		return appendCBORFloat(dst, float64(t.UnixMilli())/1000), nil
	case kindList:
		dst = appendCBORHead(dst, cborArray, uint64(v.Len()))
		for i := range v.Len() {
			if e := v.Index(i); absent(p.elem, e) {
				dst = append(dst, cborNull)
			} else if dst, err = b.appendCBOR(dst, p.elem, e, millis); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case kindMap:
		dst = appendCBORHead(dst, cborMap, uint64(v.Len()))
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
		dst = appendCBORText(appendCBORHead(dst, cborMap, 1), m.name)
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
	dst = appendCBORHead(dst, cborMap, n)
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
			return append(dst, cborSimple<<5|21)
		}
		return append(dst, cborSimple<<5|20)
	case []any:
		dst = appendCBORHead(dst, cborArray, uint64(len(v)))
		for _, e := range v {
			dst = appendCBORDocument(dst, e)
		}
		return dst
	case map[string]any:
		dst = appendCBORHead(dst, cborMap, uint64(len(v)))
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
	dst = appendCBORHead(dst, cborMap, n)
	dst = appendCBORText(appendCBORText(dst, "__type"), h.api.ErrorType(f.code, f.shape != nil))
	return append(dst, members...)
}
