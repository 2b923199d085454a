package awswire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// maxPrealloc bounds the elements that a list grows by at once.
const maxPrealloc = 1024

// budget bounds what a body of tiny elements can blow up to in memory: containers and
// structs are charged their Go size, texts and blobs are about as large as in the body.
type budget int64

func newBudget(body int) budget { return budget(32<<20 + 6*int64(body)) }

// entryType stands for the cost of a map's entry.
var entryType = reflect.TypeFor[[10]uint64]()

func (b *budget) charge(t reflect.Type, n int) error {
	if *b -= budget(t.Size()) * budget(n); *b < 0 {
		return serializationError("The request holds too many elements")
	}
	return nil
}

func serializationError(message string) error {
	return &smithy.GenericAPIError{Code: "SerializationException", Message: message, Fault: smithy.FaultClient}
}

// jsonDecoder decodes one JSON text into the SDK's types, without a tree in between.
// Strings and blobs are copied out of data.
type jsonDecoder struct {
	scan.JSON
	budget  budget
	planner *planner
}

var errSyntax = serializationError("")

// scanError words what the scanner found, as AWS does: it does not say where.
func scanError(err error) error {
	if e, ok := err.(*scan.Error); ok {
		if e.Reason == scan.TooDeep {
			return serializationError("Nesting is deeper than " + strconv.Itoa(scan.MaxDepth) + " levels")
		}
		return errSyntax
	}
	return err
}

// decodeJSON decodes a request body, an object, into the struct v.
func decodeJSON(b *planner, p *plan, data []byte, v reflect.Value) error {
	d := &jsonDecoder{JSON: scan.JSON{Data: data, Half: b.half}, planner: b, budget: newBudget(len(data))}
	if d.End() {
		return nil // nothing is taken for an empty object
	}
	if d.Peek() != '{' {
		return scanError(d.mismatch(p))
	}
	if err := d.object(p, v); err != nil {
		return scanError(err)
	}
	if !d.End() {
		return errSyntax
	}
	return nil
}

// value decodes the next value into v, a settable value of type p.typ.
func (d *jsonDecoder) value(p *plan, v reflect.Value) error {
	if isNull, err := d.Null(); isNull || err != nil {
		return err
	}
	if p.ptr {
		if err := d.budget.charge(p.typ.Elem(), 1); err != nil {
			return err
		}
		n := reflect.New(p.typ.Elem())
		if err := d.concrete(p, n.Elem()); err != nil {
			return err
		}
		v.Set(n)
		return nil
	}
	return d.concrete(p, v)
}

func (d *jsonDecoder) concrete(p *plan, v reflect.Value) error {
	c := d.Peek()
	switch p.kind {
	case kindString:
		if c != '"' {
			return d.mismatch(p)
		}
		s, err := d.Text()
		if err != nil {
			return err
		}
		v.SetString(p.read(string(s)))
		return nil
	case kindBlob:
		if c != '"' {
			return d.mismatch(p)
		}
		return d.blob(v)
	case kindBool:
		switch {
		case c == 't' && d.Literal("true"):
			v.SetBool(true)
			return nil
		case c == 'f' && d.Literal("false"):
			v.SetBool(false)
			return nil
		case c == '"' && d.planner.newer:
			if ok, err := d.boolean(v); ok || err != nil {
				return err
			}
		}
		return d.mismatch(p)
	case kindInt:
		if c != '-' && (c < '0' || c > '9') {
			return d.mismatch(p)
		}
		s, err := d.Number()
		if err != nil {
			return err
		}
		if d.planner.newer {
			setNearest(v, s)
			return nil
		}
		return setInt(v, s)
	case kindFloat:
		return d.float(p, v, c)
	case kindTime:
		return d.timestamp(p, v, c)
	case kindList:
		if c != '[' {
			return d.mismatch(p)
		}
		return d.list(p, v)
	case kindMap:
		if c != '{' {
			return d.mismatch(p)
		}
		return d.mapping(p, v)
	case kindStruct:
		if c != '{' {
			return d.mismatch(p)
		}
		return d.object(p, v)
	case kindUnion:
		if c != '{' {
			return d.mismatch(p)
		}
		return d.union(p, v)
	case kindDocument:
		return d.document(p, v)
	}
	return d.mismatch(p)
}

func (d *jsonDecoder) blob(v reflect.Value) error {
	// What has no escape, which is nearly every blob, is decoded where it stands.
	start := d.Pos
	text, ok := d.Quoted()
	if !ok {
		return errSyntax
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		d.Pos = start
		var err error
		if text, err = d.Text(); err != nil {
			return err
		}
	}
	out := make([]byte, scan.DecodedLen(len(text)))
	n, ok := scan.DecodeBase64(out, text)
	if !ok { // padding may leave bits over
		if d.planner.newer {
			return newerBlob(text)
		}
		var err error
		n, err = base64.StdEncoding.Decode(out, text)
		if err != nil || bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
			return serializationError("Invalid base64 in a blob")
		}
	}
	v.SetBytes(out[:n])
	return nil
}

func (d *jsonDecoder) object(p *plan, v reflect.Value) error {
	if err := d.Open('{'); err != nil {
		return err
	}
	next := 0
	for first := true; ; first = false {
		key, more, err := d.Member(first)
		if err != nil || !more {
			return err
		}
		// Clients write members in one order, so the next is mostly the one after the last.
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
}

func (d *jsonDecoder) list(p *plan, v reflect.Value) error {
	if err := d.Open('['); err != nil {
		return err
	}
	n := 0
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for first := true; ; first = false {
		more, err := d.Element(first)
		if err != nil {
			return err
		}
		if !more {
			v.SetLen(n)
			return nil
		}
		if isNull, err := d.Null(); err != nil {
			return err
		} else if isNull {
			continue
		}
		if n == v.Cap() {
			v.Grow(max(4, min(n, maxPrealloc)))
			if err := d.budget.charge(v.Type().Elem(), v.Cap()-n); err != nil {
				return err
			}
			v.SetLen(v.Cap())
		}
		if err := d.value(p.elem, v.Index(n)); err != nil {
			return inside(p.elem, err)
		}
		n++
	}
}

func (d *jsonDecoder) mapping(p *plan, v reflect.Value) error {
	if err := d.Open('{'); err != nil {
		return err
	}
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	for first := true; ; first = false {
		k, more, err := d.Member(first)
		if err != nil || !more {
			return err
		}
		if err := d.budget.charge(entryType, 1); err != nil {
			return err
		}
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(string(k))
		if isNull, err := d.Null(); err != nil {
			return err
		} else if isNull {
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(p.elem, elem); err != nil {
			return inside(p.elem, err)
		}
		m.SetMapIndex(key, elem)
	}
}

func (d *jsonDecoder) union(p *plan, v reflect.Value) error {
	if len(p.union.byName) == 0 {
		return serializationError(p.typ.Name() + " is not supported")
	}
	if err := d.Open('{'); err != nil {
		return err
	}
	set := false
	for first := true; ; first = false {
		key, more, err := d.Member(first)
		if err != nil {
			return err
		}
		if !more {
			if !set && p.union.empty.IsValid() {
				v.Set(p.union.empty)
			}
			return nil
		}
		if isNull, err := d.Null(); err != nil {
			return err
		} else if isNull {
			continue
		}
		m := p.union.byName[string(key)]
		if m == nil {
			if err := d.Skip(); err != nil {
				return err
			}
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
		if err := d.value(m.plan, n.Elem().FieldByName("Value")); err != nil {
			return err
		}
		v.Set(n)
	}
}

// twoMembers is the error for a union with more than one member.
func twoMembers(p *plan) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: "Supplied " + p.typ.Name() + " has more than one datatypes set, must contain exactly one of the supported datatypes", Fault: smithy.FaultClient}
}

func (d *jsonDecoder) document(p *plan, v reflect.Value) error {
	d.Space()
	start := d.Pos
	if err := d.Skip(); err != nil {
		return err
	}
	spec, ok := d.planner.documents[p.typ]
	if !ok {
		return serializationError("A document is not supported here")
	}
	if err := d.budget.charge(entryType, d.Pos-start); err != nil {
		return err
	}
	var doc any
	if err := json.Unmarshal(d.Data[start:d.Pos], &doc); err != nil {
		return errSyntax
	}
	v.Set(reflect.ValueOf(spec.make(doc)))
	return nil
}

func (d *jsonDecoder) float(p *plan, v reflect.Value, c byte) error {
	if c == '"' {
		s, err := d.Text()
		if err != nil {
			return err
		}
		switch string(s) {
		case "NaN":
			v.SetFloat(math.NaN())
		case "Infinity":
			v.SetFloat(math.Inf(1))
		case "-Infinity":
			v.SetFloat(math.Inf(-1))
		default:
			return serializationError("STRING_VALUE cannot be converted to " + wordFor(p))
		}
		return nil
	}
	if c != '-' && (c < '0' || c > '9') {
		return d.mismatch(p)
	}
	s, err := d.Number()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(unsafeString(s), 64)
	if err != nil {
		return serializationError("Number out of range")
	}
	v.SetFloat(f)
	return nil
}

func (d *jsonDecoder) timestamp(p *plan, v reflect.Value, c byte) error {
	if c == '"' { // not AWS's form, but ISO 8601 is what some clients write
		s, err := d.Text()
		if err != nil {
			return err
		}
		t, err := parseTimestamp(string(s))
		if err != nil {
			return serializationError("STRING_VALUE cannot be converted to Date")
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
	if c != '-' && (c < '0' || c > '9') {
		return d.mismatch(p)
	}
	s, err := d.Number()
	if err != nil {
		return err
	}
	t, ok := epochSeconds(s)
	if !ok {
		return serializationError("Timestamp out of range")
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

// mismatch words, as AWS does, that the next value is not of p's kind. Text that is no
// JSON at all stays a syntax error.
func (d *jsonDecoder) mismatch(p *plan) error {
	c := d.Peek()
	start := d.Pos
	if err := d.Skip(); err != nil {
		return err
	}
	d.Pos = start
	if d.planner.newer {
		return d.newerMismatch(p, c)
	}
	var what string
	switch {
	case c == '{':
		return serializationError("Start of structure or map found where not expected.")
	case c == '[':
		return serializationError("Start of list found where not expected")
	case c == '"':
		what = "STRING_VALUE"
	case c == 't':
		what = "TRUE_VALUE"
	case c == 'f':
		what = "FALSE_VALUE"
	case c == 'n':
		what = "NULL_VALUE"
	default:
		what = "NUMBER_VALUE"
	}
	switch p.kind {
	case kindList, kindMap, kindStruct, kindUnion:
		return serializationError("Unexpected field type")
	}
	return serializationError(what + " cannot be converted to " + wordFor(p))
}

func wordFor(p *plan) string {
	switch p.kind {
	case kindString:
		return "String"
	case kindBlob:
		return "ByteBuffer"
	case kindBool:
		return "Boolean"
	case kindInt:
		if p.shape != nil && p.shape.Type == "long" {
			return "Long"
		}
		return "Integer"
	case kindFloat:
		if p.shape != nil && p.shape.Type == "float" {
			return "Float"
		}
		return "Double"
	case kindTime:
		return "Date"
	}
	return "Object"
}

// setInt sets an integer field from a JSON number; a fraction is cut off, as AWS does.
func setInt(v reflect.Value, s []byte) error {
	n, err := strconv.ParseInt(unsafeString(s), 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(unsafeString(s), 64)
		if err != nil || f < math.MinInt64 || f >= math.MaxInt64 {
			return serializationError("Number out of range")
		}
		n = int64(f)
	}
	if v.OverflowInt(n) {
		return serializationError("Number out of range")
	}
	v.SetInt(n)
	return nil
}

// unsafeString views b as a string for a call that does not keep it.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
