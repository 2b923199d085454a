package dynamodb

import (
	"slices"
	"strconv"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// scanner reads JSON of requests. Its methods return false for anything that is not of the
// form that they expect; the request is then read again by the generic codec, which says
// what is wrong with it, if anything is.
type scanner struct {
	scan.JSON
	depth int    // of lists and maps of values
	whole string // a copy of Data, for keep
}

// maxWhole is how long a request is at most whose texts are kept as parts of one copy of it.
const maxWhole = 16 << 10

// keep returns a text that was read as a string that may be kept. Those of one request are parts
// of one string where it is short.
func (d *scanner) keep(b []byte) string {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(d.Data)))
	if len(d.Data) > maxWhole || at >= uintptr(len(d.Data)) { // a text with escapes lies elsewhere
		return string(b)
	}
	if d.whole == "" {
		d.whole = string(d.Data)
	}
	return d.whole[at:][:len(b)]
}

// object reads an object, whose members f reads. A name is valid until the next string is read.
func (d *scanner) object(f func(name []byte) bool) bool {
	if d.Open('{') != nil {
		return false
	}
	for first := true; ; first = false {
		name, more, err := d.Member(first)
		if err != nil || !more {
			return err == nil
		}
		if len(name) > 255 || !f(name) {
			return false
		}
	}
}

// array reads an array, whose elements f reads.
func (d *scanner) array(f func() bool) bool {
	if d.Open('[') != nil {
		return false
	}
	for first := true; ; first = false {
		if more, err := d.Element(first); err != nil || !more {
			return err == nil
		}
		if !f() {
			return false
		}
	}
}

// string reads a string; the bytes are valid until the next one is read.
func (d *scanner) string() ([]byte, bool) {
	d.Space()
	s, err := d.Text()
	return s, err == nil
}

func (d *scanner) text(to **string) bool {
	b, ok := d.string()
	if !ok || *to != nil {
		return false
	}
	s := d.keep(b)
	*to = &s
	return true
}

func (d *scanner) literal(s string) bool {
	d.Space()
	return d.Literal(s)
}

func (d *scanner) boolean(to **bool) bool {
	v := d.literal("true")
	if !v && !d.literal("false") || *to != nil {
		return false
	}
	*to = &v
	return true
}

func (d *scanner) integer(to **int32) bool {
	d.Space()
	b, err := d.Number()
	if err != nil || *to != nil {
		return false
	}
	n, err := strconv.ParseInt(string(b), 10, 32)
	v := int32(n)
	*to = &v
	return err == nil
}

func enum[E ~string](d *scanner, to *E, set ...E) bool {
	b, ok := d.string()
	if !ok || *to != "" || !slices.Contains(set, E(b)) {
		return false
	}
	*to = E(b)
	return true
}

func (d *scanner) consumed(to *types.ReturnConsumedCapacity) bool {
	return enum(d, to, types.ReturnConsumedCapacityNone, types.ReturnConsumedCapacityTotal, types.ReturnConsumedCapacityIndexes)
}

func (d *scanner) names(to *map[string]string) bool {
	if *to != nil {
		return false
	}
	m := map[string]string{}
	*to = m
	return d.object(func(b []byte) bool {
		name := d.keep(b)
		b, ok := d.string()
		if _, twice := m[name]; twice || len(b) > maxName {
			return false
		}
		m[name] = d.keep(b)
		return ok
	})
}

func (d *scanner) values(to *map[string]types.AttributeValue) bool {
	if *to != nil {
		return false
	}
	item, ok := d.item()
	if !ok {
		return false // parts of the item may be missing
	}
	*to = itemToSDK(item)
	return true
}

// item reads an item or a key.
func (d *scanner) item() (attr.Item, bool) {
	item := attr.Item{}
	ok := d.object(func(b []byte) bool {
		name := d.keep(b)
		v, ok := d.value()
		if _, twice := item[name]; twice || name == "" {
			return false
		}
		item[name] = v
		return ok
	})
	return item, ok
}

// value reads {"S":"text"} and its like.
func (d *scanner) value() (v attr.Value, ok bool) {
	n := 0
	ok = d.object(func(kind []byte) (ok bool) {
		n++
		v, ok = d.payload(attr.Type(kind))
		return ok
	})
	return v, ok && n == 1
}

func (d *scanner) payload(kind attr.Type) (attr.Value, bool) {
	switch kind {
	case attr.TypeString:
		b, ok := d.string()
		return attr.String(d.keep(b)), ok
	case attr.TypeNumber:
		b, ok := d.string()
		if !ok {
			return nil, false
		}
		n, err := attr.ParseNumber(d.keep(b))
		return n, err == nil
	case attr.TypeBinary:
		b, ok := d.binary()
		return attr.Binary(b), ok
	case attr.TypeBool:
		if d.literal("true") {
			return attr.Bool(true), true
		}
		return attr.Bool(false), d.literal("false")
	case attr.TypeNull:
		return attr.Null{}, d.literal("true")
	case attr.TypeList:
		if d.depth++; d.depth > maxDepth {
			return nil, false
		}
		list := attr.List{}
		ok := d.array(func() bool {
			v, ok := d.value()
			list = append(list, v)
			return ok
		})
		d.depth--
		return list, ok
	case attr.TypeMap:
		if d.depth++; d.depth > maxDepth {
			return nil, false
		}
		m, ok := d.item()
		d.depth--
		return m, ok
	case attr.TypeStringSet, attr.TypeNumberSet, attr.TypeBinarySet:
		return d.set(kind)
	}
	return nil, false
}

func (d *scanner) binary() ([]byte, bool) {
	b, ok := d.string()
	if !ok {
		return nil, false
	}
	out := make([]byte, scan.DecodedLen(len(b)))
	n, ok := scan.DecodeBase64(out, b)
	return out[:n], ok
}

func (d *scanner) set(kind attr.Type) (attr.Value, bool) {
	var texts []string
	var blobs [][]byte
	ok := d.array(func() bool {
		if kind == attr.TypeBinarySet {
			b, ok := d.binary()
			blobs = append(blobs, b)
			return ok
		}
		b, ok := d.string()
		texts = append(texts, d.keep(b))
		return ok
	})
	if !ok {
		return nil, false
	}
	var v attr.Value
	var err error
	switch kind {
	case attr.TypeStringSet:
		v, err = stringSet(texts)
	case attr.TypeNumberSet:
		v, err = numberSet(texts)
	default:
		v, err = binarySet(blobs)
	}
	return v, err == nil
}
