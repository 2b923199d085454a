package awswire

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// CBOR (RFC 8949) as the AWS SDK for Java writes it for Kinesis, application/x-amz-cbor-1.1:
// maps, lists and long texts of indefinite length, blobs as byte strings, and timestamps
// as tag 1 with an integer of milliseconds. RPC v2 CBOR differs in that a timestamp is
// seconds, mostly as a float.

type cborDecoder struct {
	data    []byte
	pos     int
	depth   int
	millis  bool // timestamps are milliseconds
	budget  budget
	planner *planner
}

// CBOR's major types.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

const cborBreak = 0xff

// cborHead is the start of a data item: its type and the number that goes with it.
type cborHead struct {
	major      byte
	info       byte
	arg        uint64
	indefinite bool
}

func decodeCBOR(b *planner, p *plan, data []byte, v reflect.Value, millis bool) error {
	if len(data) == 0 {
		return nil
	}
	d := &cborDecoder{data: data, millis: millis, planner: b, budget: newBudget(len(data))}
	h, err := d.head()
	if err != nil {
		return err
	}
	if h.major != cborMap {
		return d.mismatch(p, h)
	}
	if err := d.structure(p, h, v); err != nil {
		return err
	}
	if d.pos != len(d.data) {
		return errSyntax
	}
	return nil
}

// head reads the start of the next item; tags are dropped.
func (d *cborDecoder) head() (cborHead, error) {
	for {
		h, err := d.rawHead()
		if err != nil || h.major != cborTag {
			return h, err
		}
	}
}

func (d *cborDecoder) rawHead() (cborHead, error) {
	if d.pos >= len(d.data) {
		return cborHead{}, errSyntax
	}
	b := d.data[d.pos]
	d.pos++
	h := cborHead{major: b >> 5, info: b & 31}
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
	case h.info < 28:
		n := 1 << (h.info - 24)
		if len(d.data)-d.pos < n {
			return h, errSyntax
		}
		var wide [8]byte
		copy(wide[8-n:], d.data[d.pos:])
		h.arg = binary.BigEndian.Uint64(wide[:])
		d.pos += n
	case h.info == 31 && (h.major >= cborBytes && h.major <= cborMap):
		h.indefinite = true
	default:
		return h, errSyntax
	}
	return h, nil
}

func (d *cborDecoder) push() error {
	if d.depth++; d.depth > maxDepth {
		return serializationError("Nesting is deeper than " + strconv.Itoa(maxDepth) + " levels")
	}
	return nil
}

// more reports whether a container with this head has another item after i of them; it
// consumes the break.
func (d *cborDecoder) more(h cborHead, i uint64) (bool, error) {
	if !h.indefinite {
		return i < h.arg, nil
	}
	if d.pos >= len(d.data) {
		return false, errSyntax
	}
	if d.data[d.pos] == cborBreak {
		d.pos++
		return false, nil
	}
	return true, nil
}

func isNull(h cborHead) bool { return h.major == cborSimple && (h.info == 22 || h.info == 23) }

// bytes returns the content of a byte or text string; it may point into the data.
func (d *cborDecoder) bytes(h cborHead) ([]byte, error) {
	if !h.indefinite {
		if h.arg > uint64(len(d.data)-d.pos) {
			return nil, errSyntax
		}
		b := d.data[d.pos : d.pos+int(h.arg)]
		d.pos += int(h.arg)
		return b, nil
	}
	var out []byte
	for {
		more, err := d.more(h, 0)
		if err != nil || !more {
			return out, err
		}
		chunk, err := d.rawHead()
		if err != nil {
			return nil, err
		}
		if chunk.major != h.major || chunk.indefinite {
			return nil, errSyntax
		}
		b, err := d.bytes(chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
}

func (d *cborDecoder) text(h cborHead) ([]byte, error) {
	if h.major != cborText {
		return nil, errSyntax
	}
	b, err := d.bytes(h)
	if err == nil && !utf8.Valid(b) {
		err = errSyntax
	}
	return b, err
}

func (d *cborDecoder) value(p *plan, v reflect.Value) error {
	h, err := d.head()
	if err != nil || isNull(h) {
		return err
	}
	return d.item(p, h, v)
}

// item decodes the item with the head h, which is not null.
func (d *cborDecoder) item(p *plan, h cborHead, v reflect.Value) error {
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

func (d *cborDecoder) concrete(p *plan, h cborHead, v reflect.Value) error {
	switch p.kind {
	case kindString:
		if h.major != cborText {
			return d.mismatch(p, h)
		}
		s, err := d.text(h)
		if err != nil {
			return err
		}
		v.SetString(string(s))
		return nil
	case kindBlob:
		if h.major != cborBytes {
			return d.mismatch(p, h)
		}
		b, err := d.bytes(h)
		if err != nil {
			return err
		}
		v.SetBytes(append(make([]byte, 0, len(b)), b...))
		return nil
	case kindBool:
		if h.major != cborSimple || h.info != 20 && h.info != 21 {
			return d.mismatch(p, h)
		}
		v.SetBool(h.info == 21)
		return nil
	case kindInt:
		n, ok := cborInt(h)
		if !ok {
			if f, isFloat := cborFloat(h); isFloat && f >= math.MinInt64 && f < math.MaxInt64 {
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
		f, ok := cborNumber(h)
		if !ok {
			return d.mismatch(p, h)
		}
		v.SetFloat(f)
		return nil
	case kindTime:
		return d.timestamp(p, h, v)
	case kindList:
		if h.major != cborArray {
			return d.mismatch(p, h)
		}
		return d.list(p, h, v)
	case kindMap:
		if h.major != cborMap {
			return d.mismatch(p, h)
		}
		return d.mapping(p, h, v)
	case kindStruct:
		if h.major != cborMap {
			return d.mismatch(p, h)
		}
		return d.structure(p, h, v)
	case kindUnion:
		if h.major != cborMap {
			return d.mismatch(p, h)
		}
		return d.union(p, h, v)
	}
	return serializationError("A document is not supported here")
}

func (d *cborDecoder) timestamp(p *plan, h cborHead, v reflect.Value) error {
	if d.millis && h.major == cborText {
		// Hand-made requests have milliseconds in digits.
		b, err := d.text(h)
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
	n, ok := cborNumber(h)
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
	if i, isInt := cborInt(h); isInt {
		if d.millis {
			t = time.UnixMilli(i).UTC()
		} else {
			t = time.Unix(i, 0).UTC()
		}
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func cborInt(h cborHead) (int64, bool) {
	switch {
	case h.arg > math.MaxInt64:
		return 0, false
	case h.major == cborUint:
		return int64(h.arg), true
	case h.major == cborNegative:
		return -1 - int64(h.arg), true
	}
	return 0, false
}

func cborFloat(h cborHead) (float64, bool) {
	if h.major != cborSimple {
		return 0, false
	}
	switch h.info {
	case 25:
		return halfFloat(uint16(h.arg)), true
	case 26:
		return float64(math.Float32frombits(uint32(h.arg))), true
	case 27:
		return math.Float64frombits(h.arg), true
	}
	return 0, false
}

func cborNumber(h cborHead) (float64, bool) {
	switch h.major {
	case cborUint:
		return float64(h.arg), true
	case cborNegative:
		return -1 - float64(h.arg), true
	}
	return cborFloat(h)
}

func halfFloat(b uint16) float64 {
	exp, frac := int(b>>10&31), float64(b&1023)
	f := 0.0
	switch exp {
	case 0:
		f = math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		f = math.Inf(1)
	default:
		f = math.Ldexp(1024+frac, exp-25)
	}
	if b&0x8000 != 0 {
		f = -f
	}
	return f
}

// key reads the key of a map's next entry.
func (d *cborDecoder) key() ([]byte, error) {
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	return d.text(h)
}

func (d *cborDecoder) structure(p *plan, h cborHead, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	next := 0
	for n := uint64(0); ; n++ {
		more, err := d.more(h, n)
		if err != nil {
			return err
		}
		if !more {
			d.depth--
			return nil
		}
		key, err := d.key()
		if err != nil {
			return err
		}
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

func (d *cborDecoder) list(p *plan, h cborHead, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	size := 0
	if !h.indefinite {
		size = int(min(h.arg, maxPrealloc, uint64(len(d.data)-d.pos)))
	}
	if err := d.budget.charge(v.Type().Elem(), size); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), size, size))
	n := 0
	for i := uint64(0); ; i++ {
		more, err := d.more(h, i)
		if err != nil {
			return err
		}
		if !more {
			d.depth--
			v.SetLen(n)
			return nil
		}
		item, err := d.head()
		if err != nil {
			return err
		}
		if isNull(item) {
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
}

func (d *cborDecoder) mapping(p *plan, h cborHead, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	for i := uint64(0); ; i++ {
		more, err := d.more(h, i)
		if err != nil {
			return err
		}
		if !more {
			d.depth--
			return nil
		}
		k, err := d.key()
		if err != nil {
			return err
		}
		if err := d.budget.charge(entryType, 1); err != nil {
			return err
		}
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(string(k))
		item, err := d.head()
		if err != nil {
			return err
		}
		if isNull(item) {
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.item(p.elem, item, elem); err != nil {
			return err
		}
		m.SetMapIndex(key, elem)
	}
}

func (d *cborDecoder) union(p *plan, h cborHead, v reflect.Value) error {
	if err := d.push(); err != nil {
		return err
	}
	for i := uint64(0); ; i++ {
		more, err := d.more(h, i)
		if err != nil {
			return err
		}
		if !more {
			d.depth--
			return nil
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		m := p.union.byName[string(key)]
		if m == nil {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		item, err := d.head()
		if err != nil {
			return err
		}
		if isNull(item) {
			continue
		}
		if err := d.budget.charge(m.typ, 2); err != nil {
			return err
		}
		n := reflect.New(m.typ)
		if err := d.item(m.plan, item, n.Elem().FieldByName("Value")); err != nil {
			return err
		}
		v.Set(n)
	}
}

func (d *cborDecoder) skip() error {
	h, err := d.head()
	if err != nil {
		return err
	}
	return d.skipItem(h)
}

func (d *cborDecoder) skipItem(h cborHead) error {
	switch h.major {
	case cborBytes, cborText:
		_, err := d.bytes(h)
		return err
	case cborArray, cborMap:
		if err := d.push(); err != nil {
			return err
		}
		for i := uint64(0); ; i++ {
			more, err := d.more(h, i)
			if err != nil {
				return err
			}
			if !more {
				d.depth--
				return nil
			}
			if h.major == cborMap {
				if err := d.skip(); err != nil {
					return err
				}
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *cborDecoder) mismatch(p *plan, h cborHead) error {
	if err := d.skipItem(h); err != nil {
		return err
	}
	what := "NUMBER_VALUE"
	switch h.major {
	case cborMap:
		return serializationError("Start of structure or map found where not expected.")
	case cborArray:
		return serializationError("Start of list found where not expected")
	case cborText:
		what = "STRING_VALUE"
	case cborBytes:
		what = "BINARY_VALUE"
	case cborSimple:
		switch h.info {
		case 20:
			what = "FALSE_VALUE"
		case 21:
			what = "TRUE_VALUE"
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
