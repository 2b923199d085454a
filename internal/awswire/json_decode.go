package awswire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/aws/smithy-go"
)

// maxDepth bounds the nesting of a request. DynamoDB's own limit, 32 levels of
// attribute, is 64 of JSON.
const maxDepth = 128

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
	data    []byte
	pos     int
	depth   int
	scratch []byte // unescaped text, reused
	budget  budget
	planner *planner
}

var errSyntax = serializationError("")

// decodeJSON decodes a request body, an object, into the struct v.
func decodeJSON(b *planner, p *plan, data []byte, v reflect.Value) error {
	d := &jsonDecoder{data: data, planner: b, budget: newBudget(len(data))}
	d.space()
	if d.pos == len(d.data) {
		return nil // nothing is taken for an empty object
	}
	if d.data[d.pos] != '{' {
		return d.mismatch(p)
	}
	if err := d.object(p, v); err != nil {
		return err
	}
	d.space()
	if d.pos != len(d.data) {
		return errSyntax
	}
	return nil
}

func (d *jsonDecoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, 0 at the end.
func (d *jsonDecoder) peek() byte {
	d.space()
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

func (d *jsonDecoder) push() error {
	if d.depth++; d.depth > maxDepth {
		return serializationError("Nesting is deeper than " + strconv.Itoa(maxDepth) + " levels")
	}
	return nil
}

func (d *jsonDecoder) literal(s string) bool {
	if len(d.data)-d.pos >= len(s) && string(d.data[d.pos:d.pos+len(s)]) == s {
		d.pos += len(s)
		return true
	}
	return false
}

// null consumes a null if one comes next.
func (d *jsonDecoder) null() (bool, error) {
	if d.peek() != 'n' {
		return false, nil
	}
	if !d.literal("null") {
		return false, errSyntax
	}
	return true, nil
}

// value decodes the next value into v, a settable value of type p.typ.
func (d *jsonDecoder) value(p *plan, v reflect.Value) error {
	if isNull, err := d.null(); isNull || err != nil {
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
	c := d.peek()
	switch p.kind {
	case kindString:
		if c != '"' {
			return d.mismatch(p)
		}
		s, err := d.text()
		if err != nil {
			return err
		}
		v.SetString(string(s))
		return nil
	case kindBlob:
		if c != '"' {
			return d.mismatch(p)
		}
		return d.blob(v)
	case kindBool:
		switch {
		case c == 't' && d.literal("true"):
			v.SetBool(true)
			return nil
		case c == 'f' && d.literal("false"):
			v.SetBool(false)
			return nil
		}
		return d.mismatch(p)
	case kindInt:
		if c != '-' && (c < '0' || c > '9') {
			return d.mismatch(p)
		}
		s, err := d.number()
		if err != nil {
			return err
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
	text := d.data[d.pos+1:]
	end := bytes.IndexByte(text, '"')
	if end < 0 {
		return errSyntax
	}
	text = text[:end]
	if bytes.IndexByte(text, '\\') < 0 {
		d.pos += end + 2
	} else {
		var err error
		if text, err = d.text(); err != nil {
			return err
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil || bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		return serializationError("Invalid base64 in a blob")
	}
	v.SetBytes(out[:n])
	return nil
}

func (d *jsonDecoder) object(p *plan, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	d.pos++ // {
	next := 0
	for first := true; ; first = false {
		key, done, err := d.key(first)
		if err != nil {
			return err
		}
		if done {
			d.depth--
			return nil
		}
		// Clients write members in one order, so the next is mostly the one after the last.
		i, ok := next, next < len(p.fields) && p.fields[next].name == string(key)
		if !ok {
			i, ok = p.index[string(key)]
		}
		if !ok {
			if err := d.skip(); err != nil {
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

// key reads up to the value of the next member of an object, or its end.
func (d *jsonDecoder) key(first bool) (key []byte, done bool, err error) {
	c := d.peek()
	if c == '}' {
		d.pos++
		return nil, true, nil
	}
	if !first {
		if c != ',' {
			return nil, false, errSyntax
		}
		d.pos++
		c = d.peek()
	}
	if c != '"' {
		return nil, false, errSyntax
	}
	if key, err = d.text(); err != nil {
		return nil, false, err
	}
	if d.peek() != ':' {
		return nil, false, errSyntax
	}
	d.pos++
	return key, false, nil
}

func (d *jsonDecoder) list(p *plan, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	d.pos++ // [
	n := 0
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for first := true; ; first = false {
		c := d.peek()
		if c == ']' {
			d.pos++
			d.depth--
			v.SetLen(n)
			return nil
		}
		if !first {
			if c != ',' {
				return errSyntax
			}
			d.pos++
		}
		if isNull, err := d.null(); err != nil {
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
			return err
		}
		n++
	}
}

func (d *jsonDecoder) mapping(p *plan, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	d.pos++ // {
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	for first := true; ; first = false {
		k, done, err := d.key(first)
		if err != nil {
			return err
		}
		if done {
			d.depth--
			return nil
		}
		if err := d.budget.charge(entryType, 1); err != nil {
			return err
		}
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(string(k))
		if isNull, err := d.null(); err != nil {
			return err
		} else if isNull {
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(p.elem, elem); err != nil {
			return err
		}
		m.SetMapIndex(key, elem)
	}
}

func (d *jsonDecoder) union(p *plan, v reflect.Value) error {
	if len(p.union.byName) == 0 {
		return serializationError(p.typ.Name() + " is not supported")
	}
	if err := d.push(); err != nil {
		return err
	}
	d.pos++ // {
	set := false
	for first := true; ; first = false {
		key, done, err := d.key(first)
		if err != nil {
			return err
		}
		if done {
			d.depth--
			return nil
		}
		if isNull, err := d.null(); err != nil {
			return err
		} else if isNull {
			continue
		}
		m := p.union.byName[string(key)]
		if m == nil {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		if set {
			return &smithy.GenericAPIError{Code: "ValidationException", Message: "Supplied " + p.typ.Name() + " has more than one datatypes set, must contain exactly one of the supported datatypes", Fault: smithy.FaultClient}
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

func (d *jsonDecoder) document(p *plan, v reflect.Value) error {
	d.space()
	start := d.pos
	if err := d.skip(); err != nil {
		return err
	}
	spec, ok := d.planner.documents[p.typ]
	if !ok {
		return serializationError("A document is not supported here")
	}
	if err := d.budget.charge(entryType, d.pos-start); err != nil {
		return err
	}
	var doc any
	if err := json.Unmarshal(d.data[start:d.pos], &doc); err != nil {
		return errSyntax
	}
	v.Set(reflect.ValueOf(spec.make(doc)))
	return nil
}

func (d *jsonDecoder) float(p *plan, v reflect.Value, c byte) error {
	if c == '"' {
		s, err := d.text()
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
	s, err := d.number()
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
		s, err := d.text()
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
	s, err := d.number()
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

// number consumes a number by JSON's grammar.
func (d *jsonDecoder) number() ([]byte, error) {
	start := d.pos
	digits := func() bool {
		from := d.pos
		for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
			d.pos++
		}
		return d.pos > from
	}
	if d.data[d.pos] == '-' {
		d.pos++
	}
	if d.pos < len(d.data) && d.data[d.pos] == '0' {
		d.pos++
	} else if !digits() {
		return nil, errSyntax
	}
	if d.pos < len(d.data) && d.data[d.pos] == '.' {
		d.pos++
		if !digits() {
			return nil, errSyntax
		}
	}
	if d.pos < len(d.data) && (d.data[d.pos] == 'e' || d.data[d.pos] == 'E') {
		d.pos++
		if d.pos < len(d.data) && (d.data[d.pos] == '+' || d.data[d.pos] == '-') {
			d.pos++
		}
		if !digits() {
			return nil, errSyntax
		}
	}
	return d.data[start:d.pos], nil
}

// text consumes a string. The result is valid until the next call.
func (d *jsonDecoder) text() ([]byte, error) {
	d.pos++ // "
	start := d.pos
	ascii := true
	for i := start; i < len(d.data); i++ {
		switch c := d.data[i]; {
		case c == '"':
			d.pos = i + 1
			s := d.data[start:i]
			if !ascii && !utf8.Valid(s) {
				return nil, errSyntax
			}
			return s, nil
		case c == '\\':
			return d.escaped(start, i)
		case c < ' ':
			return nil, errSyntax
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, errSyntax
}

func (d *jsonDecoder) escaped(start, i int) ([]byte, error) {
	out := append(d.scratch[:0], d.data[start:i]...)
	for i < len(d.data) {
		c := d.data[i]
		switch {
		case c == '"':
			d.pos = i + 1
			d.scratch = out
			if !utf8.Valid(out) {
				return nil, errSyntax
			}
			return out, nil
		case c < ' ':
			return nil, errSyntax
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i+1 >= len(d.data) {
			return nil, errSyntax
		}
		i += 2
		switch e := d.data[i-1]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := d.hex4(i)
			if !ok {
				return nil, errSyntax
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+1 < len(d.data) && d.data[i] == '\\' && d.data[i+1] == 'u' {
					low, _ = d.hex4(i + 2)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, errSyntax
		}
	}
	return nil, errSyntax
}

func (d *jsonDecoder) hex4(i int) (rune, bool) {
	if i+4 > len(d.data) {
		return -1, false
	}
	var r rune
	for _, c := range d.data[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return -1, false
		}
	}
	return r, true
}

// skip consumes a value of any kind, checking its grammar.
func (d *jsonDecoder) skip() error {
	switch c := d.peek(); {
	case c == '"':
		_, err := d.text()
		return err
	case c == '{':
		if err := d.push(); err != nil {
			return err
		}
		d.pos++
		for first := true; ; first = false {
			_, done, err := d.key(first)
			if err != nil {
				return err
			}
			if done {
				d.depth--
				return nil
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	case c == '[':
		if err := d.push(); err != nil {
			return err
		}
		d.pos++
		for first := true; ; first = false {
			c := d.peek()
			if c == ']' {
				d.pos++
				d.depth--
				return nil
			}
			if !first {
				if c != ',' {
					return errSyntax
				}
				d.pos++
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	case c == '-' || c >= '0' && c <= '9':
		_, err := d.number()
		return err
	case c == 't' && d.literal("true"), c == 'f' && d.literal("false"), c == 'n' && d.literal("null"):
		return nil
	}
	return errSyntax
}

// mismatch words, as AWS does, that the next value is not of p's kind. Text that is no
// JSON at all stays a syntax error.
func (d *jsonDecoder) mismatch(p *plan) error {
	c := d.peek()
	start := d.pos
	if err := d.skip(); err != nil {
		return err
	}
	d.pos = start
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

// maxEpoch is the end of the year 9999, beyond which times cannot be written back.
const maxEpoch = 253402300800

// epochSeconds reads a decimal number of seconds exactly, to the nanosecond where it is
// written without an exponent.
func epochSeconds(s []byte) (time.Time, bool) {
	f, err := strconv.ParseFloat(unsafeString(s), 64)
	if err != nil || f < -maxEpoch || f > maxEpoch*1000 {
		return time.Time{}, false
	}
	neg := false
	var whole, frac, scale int64 = 0, 0, 1e9
	point := false
	for i, c := range s {
		switch {
		case i == 0 && c == '-':
			neg = true
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			return floatSeconds(f), true
		case !point:
			whole = whole*10 + int64(c-'0')
		case scale > 1:
			scale /= 10
			frac += int64(c-'0') * scale
		}
	}
	if neg {
		whole, frac = -whole, -frac
	}
	return time.Unix(whole, frac).UTC(), true
}

// floatSeconds is the time at f seconds, to the microsecond, which is what a float64
// can tell of the present.
func floatSeconds(f float64) time.Time {
	whole, frac := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(frac*1e6))*1000).UTC()
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "20060102T150405Z", "2006-01-02", time.RFC1123}

func parseTimestamp(s string) (time.Time, error) {
	var err error
	for _, layout := range timeLayouts {
		var t time.Time
		if t, err = time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}
