package awswire

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// Query protocol, the response: XML.

func (h *Handler) appendQueryResponse(dst []byte, op *boundOperation, p *plan, v reflect.Value, requestID string) ([]byte, error) {
	dst = append(dst, "<"+op.Name+"Response"...)
	if ns := h.model.XMLNamespace; ns != "" {
		dst = append(dst, ` xmlns="`+ns+`"`...)
	}
	dst = append(dst, '>')
	wrapper := ""
	if op.model != nil && op.model.Output != nil {
		wrapper = op.model.Wrapper
	}
	if wrapper != "" {
		dst = append(dst, "<"+wrapper+">"...)
	}
	dst, err := h.planner.appendXMLMembers(dst, p, v)
	if err != nil {
		return nil, err
	}
	if wrapper != "" {
		dst = append(dst, "</"+wrapper+">"...)
	}
	dst = append(dst, "<ResponseMetadata><RequestId>"+requestID+"</RequestId></ResponseMetadata></"+op.Name+"Response>"...)
	return dst, nil
}

// appendXMLFault appends the body of an error.
func (h *Handler) appendXMLFault(dst []byte, f fault, requestID string) []byte {
	who := "Sender"
	if f.server {
		who = "Receiver"
	}
	dst = append(dst, "<ErrorResponse"...)
	if ns := h.model.XMLNamespace; ns != "" {
		dst = append(dst, ` xmlns="`+ns+`"`...)
	}
	dst = append(dst, "><Error><Type>"+who+"</Type><Code>"...)
	dst = appendXMLText(dst, f.code)
	dst = append(dst, "</Code><Message>"...)
	dst = appendXMLText(dst, f.message)
	dst = append(dst, "</Message>"...)
	if f.value.IsValid() {
		p := h.planner.plan(f.value.Type(), f.shape)
		for i := range p.fields {
			fl := &p.fields[i]
			fv := f.value.Field(fl.index)
			if strings.EqualFold(fl.name, "message") || !fl.present(fv) {
				continue
			}
			if out, err := h.planner.appendXMLMember(dst, fl, fv); err == nil {
				dst = out
			}
		}
	}
	return append(dst, "</Error><RequestId>"+requestID+"</RequestId></ErrorResponse>"...)
}

func (b *planner) appendXMLMembers(dst []byte, p *plan, v reflect.Value) ([]byte, error) {
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if !f.present(fv) {
			continue
		}
		var err error
		if dst, err = b.appendXMLMember(dst, f, fv); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (b *planner) appendXMLMember(dst []byte, f *field, v reflect.Value) ([]byte, error) {
	name, flat := f.name, false
	if f.member != nil {
		name, flat = f.member.WireName(), f.member.Flattened || f.member.Shape.Flattened
	}
	switch {
	case flat && f.plan.kind == kindList:
		return b.appendXMLItems(dst, f.plan, v, name)
	case flat && f.plan.kind == kindMap:
		return b.appendXMLEntries(dst, f.plan, v, name)
	}
	return b.appendXMLElement(dst, f.plan, v, name, f.time)
}

func (b *planner) appendXMLElement(dst []byte, p *plan, v reflect.Value, name string, tf timeFormat) ([]byte, error) {
	dst = append(append(append(dst, '<'), name...), '>')
	dst, err := b.appendXMLValue(dst, p, v, tf)
	if err != nil {
		return nil, err
	}
	return append(append(append(dst, "</"...), name...), '>'), nil
}

func (b *planner) appendXMLValue(dst []byte, p *plan, v reflect.Value, tf timeFormat) ([]byte, error) {
	if p.ptr {
		if v.IsNil() {
			return dst, nil
		}
		v = v.Elem()
	}
	switch p.kind {
	case kindString:
		return appendXMLText(dst, v.String()), nil
	case kindBool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case kindInt:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case kindFloat:
		switch f := v.Float(); {
		case math.IsInf(f, 1):
			return append(dst, "Infinity"...), nil
		case math.IsInf(f, -1):
			return append(dst, "-Infinity"...), nil
		default:
			return strconv.AppendFloat(dst, f, 'g', -1, 64), nil
		}
	case kindBlob:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes()), nil
	case kindTime:
		t := v.Interface().(time.Time)
		if tf == timeEpoch {
			return appendEpoch(dst, t), nil
		}
		return append(dst, formatISO(t)...), nil
	case kindStruct:
		return b.appendXMLMembers(dst, p, v)
	case kindList:
		return b.appendXMLItems(dst, p, v, elemName(p.shape))
	case kindMap:
		return b.appendXMLEntries(dst, p, v, "entry")
	case kindUnion:
		if v.IsNil() {
			return dst, nil
		}
		u := reflect.Indirect(v.Elem())
		m, err := b.unionMemberFor(p, u.Type())
		if err != nil {
			return nil, err
		}
		return b.appendXMLElement(dst, m.plan, u.FieldByName("Value"), m.name, timeDefault)
	}
	return dst, nil
}

func elemName(s *model.Shape) string {
	if s != nil && s.Elem != nil && s.Elem.Wire != "" {
		return s.Elem.Wire
	}
	return "member"
}

func (b *planner) appendXMLItems(dst []byte, p *plan, v reflect.Value, name string) ([]byte, error) {
	var err error
	for i := range v.Len() {
		if dst, err = b.appendXMLElement(dst, p.elem, v.Index(i), name, timeDefault); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (b *planner) appendXMLEntries(dst []byte, p *plan, v reflect.Value, name string) ([]byte, error) {
	key, val := mapNames(p)
	var err error
	for _, k := range sortedKeys(v) {
		dst = append(append(append(dst, '<'), name...), '>')
		if dst, err = b.appendXMLElement(dst, p.key, k, key, timeDefault); err != nil {
			return nil, err
		}
		if dst, err = b.appendXMLElement(dst, p.elem, v.MapIndex(k), val, timeDefault); err != nil {
			return nil, err
		}
		dst = append(append(append(dst, "</"...), name...), '>')
	}
	return dst, nil
}

// appendXMLText escapes text; what XML 1.0 cannot hold becomes U+FFFD.
func appendXMLText(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r == '\r':
			dst = append(dst, "&#xD;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
