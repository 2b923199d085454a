package awswire

import (
	"encoding/base64"
	"io"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// REST protocols, the request: members are in the path, the query string, headers and the
// body, which is the payload member or an object of what is bound nowhere else.

var (
	readerType     = reflect.TypeFor[io.Reader]()
	readCloserType = reflect.TypeFor[io.ReadCloser]()
)

// decodeRest reads the input of a request.
func (x *exchange) decodeRest(p *plan, raw []byte, v reflect.Value) error {
	if err := x.decodeRestBody(p, raw, v); err != nil {
		return err
	}
	query := x.r.URL.Query()
	labels := map[string]string{}
	n := 0
	for _, s := range x.routed.segments {
		if s.label {
			labels[s.text] = x.labels[n]
			n++
		}
	}
	for i := range p.bound {
		f := &p.bound[i]
		fv, name := v.Field(f.index), f.member.WireName()
		var err error
		switch f.member.Location {
		case "uri":
			err = setText(f.plan, fv, labels[name], f.timeOr(timeISO), name)
		case "querystring":
			err = setQuery(f, fv, query, name)
		case "header":
			err = setHeader(f, fv, x.r.Header.Values(name), name)
		case "headers":
			setPrefixed(fv, x.r.Header, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) decodeRestBody(p *plan, raw []byte, v reflect.Value) error {
	f := p.payload
	if f == nil {
		if len(p.fields) == 0 {
			return nil
		}
		return decodeJSON(x.h.planner, p, raw, v)
	}
	fv := v.Field(f.index)
	switch f.plan.kind {
	case kindReader:
		fv.Set(reflect.ValueOf(x.r.Body))
	case kindBlob:
		if len(raw) > 0 {
			fv.SetBytes(append([]byte(nil), raw...))
		}
	case kindString:
		if len(raw) > 0 {
			return setText(f.plan, fv, string(raw), timeDefault, f.name)
		}
	default:
		if len(raw) == 0 {
			return nil
		}
		if f.plan.ptr {
			fv.Set(reflect.New(f.plan.typ.Elem()))
			fv = fv.Elem()
		}
		return decodeJSON(x.h.planner, f.plan, raw, fv)
	}
	return nil
}

// timeOr is the form of a timestamp where the model sets none.
func (f *field) timeOr(def timeFormat) timeFormat {
	if f.time == timeDefault {
		return def
	}
	return f.time
}

func setQuery(f *field, v reflect.Value, query url.Values, name string) error {
	switch f.plan.kind {
	case kindList:
		values := query[name]
		if len(values) == 0 {
			return nil
		}
		return setList(f, v, values, timeISO, name)
	case kindMap: // what the query string holds besides
		v.Set(reflect.MakeMap(v.Type()))
		for k, values := range query {
			e := reflect.New(v.Type().Elem()).Elem()
			if f.plan.elem.kind == kindList {
				e.Set(reflect.ValueOf(values))
			} else if err := setText(f.plan.elem, e, values[0], timeDefault, k); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), e)
		}
		return nil
	}
	if !query.Has(name) {
		return nil
	}
	return setText(f.plan, v, query.Get(name), f.timeOr(timeISO), name)
}

func setHeader(f *field, v reflect.Value, values []string, name string) error {
	if len(values) == 0 {
		return nil
	}
	if f.plan.kind == kindList {
		var all []string
		for _, value := range values {
			for item := range strings.SplitSeq(value, ",") {
				all = append(all, strings.TrimSpace(item))
			}
		}
		return setList(f, v, all, timeHTTP, name)
	}
	text := strings.Join(values, ",")
	if f.member.JSONValue {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return serializationError("Invalid base64 in the header " + name)
		}
		text = string(decoded)
	}
	return setText(f.plan, v, text, f.timeOr(timeHTTP), name)
}

func setList(f *field, v reflect.Value, values []string, tf timeFormat, name string) error {
	list := reflect.MakeSlice(v.Type(), len(values), len(values))
	for i, value := range values {
		if err := setText(f.plan.elem, list.Index(i), value, tf, name); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// setPrefixed gathers the headers that begin with a prefix.
func setPrefixed(v reflect.Value, head http.Header, prefix string) {
	m := reflect.MakeMap(v.Type())
	for name, values := range head {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			m.SetMapIndex(reflect.ValueOf(strings.ToLower(name[len(prefix):])), reflect.ValueOf(strings.Join(values, ",")))
		}
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}

// setText sets a scalar from its text in a path, query string or header.
func setText(p *plan, v reflect.Value, text string, tf timeFormat, name string) error {
	if p.ptr {
		fresh := reflect.New(p.typ.Elem())
		v.Set(fresh)
		v = fresh.Elem()
	}
	bad := func(what string) error {
		return serializationError("Value of " + strconv.Quote(name) + " is not " + what)
	}
	switch p.kind {
	case kindString:
		v.SetString(text)
	case kindBool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return bad("a boolean")
		}
		v.SetBool(b)
	case kindInt:
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return bad("an integer")
		}
		v.SetInt(i)
	case kindFloat:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) {
			return bad("a number")
		}
		v.SetFloat(f)
	case kindBlob:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return bad("base64")
		}
		v.SetBytes(b)
	case kindTime:
		t, ok := time.Time{}, false
		if tf == timeEpoch {
			t, ok = epochSeconds([]byte(text))
		}
		if !ok {
			var err error
			if t, err = parseTimestamp(text); err != nil {
				return bad("a timestamp")
			}
		}
		v.Set(reflect.ValueOf(t))
	default:
		return bad("supported")
	}
	return nil
}
