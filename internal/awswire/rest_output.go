package awswire

import (
	"encoding/base64"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// REST protocols, the answer.

// encodeRest makes the answer of an output: status and headers of the members that are bound
// to them, and the body.
func (x *exchange) encodeRest(p *plan, v reflect.Value) error {
	x.bindHeaders(p, v)
	f := p.payload
	if f == nil {
		if len(p.fields) == 0 {
			return nil
		}
		return x.appendRestBody(p, v)
	}
	fv := v.Field(f.index)
	if absent(f.plan, fv) {
		return nil
	}
	switch f.plan.kind {
	case kindReader:
		x.stream = fv.Interface().(io.Reader)
	case kindBlob:
		x.response = append(x.response, deref(f.plan, fv).Bytes()...)
	case kindString:
		x.response = append(x.response, deref(f.plan, fv).String()...)
		x.contentType("text/plain")
	case kindUnion, kindDocument:
		out, err := x.h.planner.appendJSON(x.response, f.plan, fv, timeDefault)
		if err != nil {
			return err
		}
		x.response = out
	default:
		return x.appendRestBody(f.plan, deref(f.plan, fv))
	}
	return nil
}

func (x *exchange) appendRestBody(p *plan, v reflect.Value) error {
	out, err := x.h.planner.appendJSONStruct(x.response, p, v)
	if err == nil {
		x.response = out
	}
	return err
}

// contentType sets the type of the answer unless a member has.
func (x *exchange) contentType(typ string) {
	if x.w.Header().Get("Content-Type") == "" {
		x.w.Header().Set("Content-Type", typ)
	}
}

// bindHeaders sets the status and the headers of the members that are bound to them, of an
// output or an error.
func (x *exchange) bindHeaders(p *plan, v reflect.Value) {
	head := x.w.Header()
	for i := range p.bound {
		f := &p.bound[i]
		fv := v.Field(f.index)
		if !f.present(fv) {
			continue
		}
		name := f.member.WireName()
		switch f.member.Location {
		case "statusCode":
			if n := deref(f.plan, fv).Int(); n >= 200 && n < 600 {
				x.status = int(n)
			}
		case "header":
			if text, ok := headerText(f, fv); ok {
				head.Set(name, text)
			}
		case "headers":
			for _, k := range sortedKeys(fv) {
				head.Set(name+k.String(), headerSafe(fv.MapIndex(k).String()))
			}
		}
	}
}

// headerText is a value as a header has it.
func headerText(f *field, v reflect.Value) (string, bool) {
	if f.plan.kind == kindList {
		items := make([]string, v.Len())
		for i := range items {
			items[i] = scalarText(f.plan.elem, v.Index(i), timeHTTP)
		}
		return strings.Join(items, ", "), len(items) > 0
	}
	text := scalarText(f.plan, v, f.timeOr(timeHTTP))
	if f.member.JSONValue {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text, true
}

func scalarText(p *plan, v reflect.Value, tf timeFormat) string {
	v = deref(p, v)
	switch p.kind {
	case kindString:
		return headerSafe(v.String())
	case kindBool:
		return strconv.FormatBool(v.Bool())
	case kindInt:
		return strconv.FormatInt(v.Int(), 10)
	case kindFloat:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case kindBlob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case kindTime:
		t := v.Interface().(time.Time)
		switch tf {
		case timeISO:
			return formatISO(t)
		case timeEpoch:
			return string(appendEpoch(nil, t))
		}
		return t.UTC().Format(http.TimeFormat)
	}
	return ""
}

// headerSafe replaces what a header cannot hold: net/http would send nothing of it.
func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// writeStream answers with a body that is read as it is sent.
func (x *exchange) writeStream(status int) {
	if c, ok := x.stream.(io.Closer); ok {
		defer c.Close()
	}
	head := x.head(x.contentTypeOf())
	head.set(x.w.Header())
	x.w.WriteHeader(status)
	if _, err := io.Copy(x.w, x.stream); err != nil {
		panic(http.ErrAbortHandler) // the client must not take it for whole
	}
}

// contentTypeOf is the type of the answer: that which a member set, or the protocol's.
func (x *exchange) contentTypeOf() string {
	if x.protocol == RestJSON {
		if typ := x.w.Header().Get("Content-Type"); typ != "" {
			return typ
		}
	}
	return x.protocol.contentType()
}
