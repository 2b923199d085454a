package awswire

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// CBOR (RFC 8949) as the AWS SDK for Java writes it for Kinesis, application/x-amz-cbor-1.1:
// maps, lists and long texts of indefinite length, blobs as byte strings, and timestamps
// as tag 1 with an integer of milliseconds. RPC v2 CBOR differs in that a timestamp is
// seconds, mostly as a float.

type cborDecoder struct {
	scan.CBOR
	millis  bool // timestamps are milliseconds
	budget  budget
	planner *planner
}

func decodeCBOR(b *planner, p *plan, data []byte, v reflect.Value, millis bool) error {
	if len(data) == 0 {
		return nil
	}
	d := &cborDecoder{CBOR: scan.CBOR{Data: data}, millis: millis, planner: b, budget: newBudget(len(data))}
	h, err := d.Head()
	if err != nil {
		return scanError(err)
	}
	if h.Major != scan.Map {
		return scanError(d.mismatch(p, h))
	}
	if err := d.structure(p, h, v); err != nil {
		return scanError(err)
	}
	if !d.End() {
		return errSyntax
	}
	return nil
}

func (d *cborDecoder) value(p *plan, v reflect.Value) error {
	h, err := d.Head()
	if err != nil || h.IsNull() {
		return err
	}
	return d.item(p, h, v)
}

// item decodes the item with the head h, which is not null.
func (d *cborDecoder) item(p *plan, h scan.Head, v reflect.Value) error {
	if p.ptr {
		if err := d.budget.charge(p.typ.Elem(), 1); err != nil {
			return err
		}
		n := reflect.New(p.typ.Elem())
		if err := d.concrete(p, h, n.Elem()); err != nil {
			return err
		}
		v.Set(n)
		return nil
	}
	return d.concrete(p, h, v)
}

func (d *cborDecoder) concrete(p *plan, h scan.Head, v reflect.Value) error {
	switch p.kind {
	case kindString:
		if h.Major != scan.Text {
			return d.mismatch(p, h)
		}
		s, err := d.Text(h)
		if err != nil {
			return err
		}
		v.SetString(p.read(string(s)))
		return nil
	case kindBlob:
		if h.Major != scan.Bytes {
			return d.mismatch(p, h)
		}
		b, err := d.Bytes(h)
		if err != nil {
			return err
		}
		v.SetBytes(append(make([]byte, 0, len(b)), b...))
		return nil
	case kindBool:
		yes, ok := h.Bool()
		if !ok {
			return d.mismatch(p, h)
		}
		v.SetBool(yes)
		return nil
	case kindInt:
		n, ok := h.Int()
		if !ok {
			if f, isFloat := h.Float(); isFloat && f >= math.MinInt64 && f < math.MaxInt64 {
				n, ok = int64(f), true
			}
		}
		if !ok {
			return d.mismatch(p, h)
		}
		if v.OverflowInt(n) {
			return serializationError("Number out of range")
		}
		v.SetInt(n)
		return nil
	case kindFloat:
		f, ok := h.Number()
		if !ok {
			return d.mismatch(p, h)
		}
		v.SetFloat(f)
		return nil
	case kindTime:
		return d.timestamp(p, h, v)
	case kindList:
		if h.Major != scan.Array {
			return d.mismatch(p, h)
		}
		return d.list(p, h, v)
	case kindMap:
		if h.Major != scan.Map {
			return d.mismatch(p, h)
		}
		return d.mapping(p, h, v)
	case kindStruct:
		if h.Major != scan.Map {
			return d.mismatch(p, h)
		}
		return d.structure(p, h, v)
	case kindUnion:
		if h.Major != scan.Map {
			return d.mismatch(p, h)
		}
		return d.union(p, h, v)
	}
	return serializationError("A document is not supported here")
}

func (d *cborDecoder) timestamp(p *plan, h scan.Head, v reflect.Value) error {
	if d.millis && h.Major == scan.Text {
		// Hand-made requests have milliseconds in digits.
		b, err := d.Text(h)
		if err != nil {
			return err
		}
		ms, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil || ms < -maxEpoch || ms > maxEpoch*1000 {
			return serializationError("Timestamp out of range")
		}
		v.Set(reflect.ValueOf(time.UnixMilli(ms).UTC()))
		return nil
	}
	n, ok := h.Number()
	if !ok {
		return d.mismatch(p, h)
	}
	if d.millis {
		n /= 1000
	}
	if math.IsNaN(n) || n < -maxEpoch || n > maxEpoch*1000 {
		return serializationError("Timestamp out of range")
	}
	t := floatSeconds(n)
	if i, isInt := h.Int(); isInt {
		if d.millis {
			t = time.UnixMilli(i).UTC()
		} else {
			t = time.Unix(i, 0).UTC()
		}
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func (d *cborDecoder) structure(p *plan, h scan.Head, v reflect.Value) error {
	if err := d.Enter(); err != nil {
		return err
	}
	next := 0
	for left := h.Len(); d.More(&left); {
		key, err := d.Name()
		if err != nil {
			return err
		}
		i, ok := next, next < len(p.fields) && p.fields[next].name == string(key)
		if !ok {
			i, ok = p.index[string(key)]
		}
		if !ok {
			if err := d.Skip(); err != nil {
				return err
			}
			continue
		}
		next = i + 1
		f := &p.fields[i]
		if err := d.value(f.plan, v.Field(f.index)); err != nil {
			return err
		}
	}
	d.Leave()
	return nil
}

func (d *cborDecoder) list(p *plan, h scan.Head, v reflect.Value) error {
	if err := d.Enter(); err != nil {
		return err
	}
	size := 0
	if !h.Indefinite {
		size = int(min(h.Arg, maxPrealloc, uint64(len(d.Data)-d.Pos)))
	}
	if err := d.budget.charge(v.Type().Elem(), size); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), size, size))
	n := 0
	for left := h.Len(); d.More(&left); {
		item, err := d.Head()
		if err != nil {
			return err
		}
		if item.IsNull() {
			continue
		}
		if n == v.Cap() {
			v.Grow(max(4, min(n, maxPrealloc)))
			if err := d.budget.charge(v.Type().Elem(), v.Cap()-n); err != nil {
				return err
			}
		}
		v.SetLen(v.Cap())
		if err := d.item(p.elem, item, v.Index(n)); err != nil {
			return err
		}
		n++
	}
	v.SetLen(n)
	d.Leave()
	return nil
}

func (d *cborDecoder) mapping(p *plan, h scan.Head, v reflect.Value) error {
	if err := d.Enter(); err != nil {
		return err
	}
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	for left := h.Len(); d.More(&left); {
		k, err := d.Name()
		if err != nil {
			return err
		}
		if err := d.budget.charge(entryType, 1); err != nil {
			return err
		}
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(string(k))
		item, err := d.Head()
		if err != nil {
			return err
		}
		if item.IsNull() {
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.item(p.elem, item, elem); err != nil {
			return err
		}
		m.SetMapIndex(key, elem)
	}
	d.Leave()
	return nil
}

func (d *cborDecoder) union(p *plan, h scan.Head, v reflect.Value) error {
	if len(p.union.byName) == 0 {
		return serializationError(p.typ.Name() + " is not supported")
	}
	if err := d.Enter(); err != nil {
		return err
	}
	set := false
	for left := h.Len(); d.More(&left); {
		key, err := d.Name()
		if err != nil {
			return err
		}
		m := p.union.byName[string(key)]
		if m == nil {
			if err := d.Skip(); err != nil {
				return err
			}
			continue
		}
		item, err := d.Head()
		if err != nil {
			return err
		}
		if item.IsNull() {
			continue
		}
		if set {
			return twoMembers(p)
		}
		set = true
		if err := d.budget.charge(m.typ, 2); err != nil {
			return err
		}
		n := reflect.New(m.typ)
		if err := d.item(m.plan, item, n.Elem().FieldByName("Value")); err != nil {
			return err
		}
		v.Set(n)
	}
	if !set && p.union.empty.IsValid() {
		v.Set(p.union.empty)
	}
	d.Leave()
	return nil
}

func (d *cborDecoder) mismatch(p *plan, h scan.Head) error {
	if err := d.SkipItem(h); err != nil {
		return err
	}
	what := "NUMBER_VALUE"
	switch h.Major {
	case scan.Map:
		return serializationError("Start of structure or map found where not expected.")
	case scan.Array:
		return serializationError("Start of list found where not expected")
	case scan.Text:
		what = "STRING_VALUE"
	case scan.Bytes:
		what = "BINARY_VALUE"
	case scan.Simple:
		switch yes, ok := h.Bool(); {
		case ok && yes:
			what = "TRUE_VALUE"
		case ok:
			what = "FALSE_VALUE"
		}
	}
	switch p.kind {
	case kindList, kindMap, kindStruct, kindUnion:
		return serializationError("Unexpected field type")
	}
	return serializationError(what + " cannot be converted to " + wordFor(p))
}

// cborDocument is a document value as CBOR can write it.
func cborDocument(doc any) (any, error) {
	text, err := appendJSONDocument(nil, doc)
	if err != nil {
		return nil, err
	}
	var v any
	return v, json.Unmarshal(text, &v)
}
