package attr

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrStored says that bytes are not an item's stored form.
var ErrStored = errors.New("attr: malformed stored item")

// AppendItem appends an item's stored form.
func AppendItem(dst []byte, item Item) []byte {
	return appendAttributes(dst, item)
}

func appendAttributes(dst []byte, m Map) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	var few [16]string
	names := few[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		dst = appendText(dst, name)
		dst = appendValue(dst, m[name])
	}
	return dst
}

func appendText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendValue(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case String:
		return appendText(append(dst, 'S'), string(v))
	case Number:
		return appendText(append(dst, 'N'), string(v))
	case Binary:
		return appendText(append(dst, 'B'), []byte(v))
	case Bool:
		if v {
			return append(dst, 'T')
		}
		return append(dst, 'F')
	case Null:
		return append(dst, '0')
	case List:
		dst = binary.AppendUvarint(append(dst, 'L'), uint64(len(v)))
		for _, e := range v {
			dst = appendValue(dst, e)
		}
		return dst
	case Map:
		return appendAttributes(append(dst, 'M'), v)
	case StringSet:
		dst = binary.AppendUvarint(append(dst, 's'), uint64(len(v)))
		for _, e := range v {
			dst = appendText(dst, e)
		}
		return dst
	case NumberSet:
		dst = binary.AppendUvarint(append(dst, 'n'), uint64(len(v)))
		for _, e := range v {
			dst = appendText(dst, string(e))
		}
		return dst
	case BinarySet:
		dst = binary.AppendUvarint(append(dst, 'b'), uint64(len(v)))
		for _, e := range v {
			dst = appendText(dst, e)
		}
		return dst
	}
	panic("attr: a value of no type")
}

// stored reads a stored form.
type stored struct {
	b     []byte
	err   error
	depth int
}

// maxStoredDepth bounds nesting; DynamoDB's own limit is 32.
const maxStoredDepth = 64

func (r *stored) fail() { r.err, r.b = ErrStored, nil }

func (r *stored) count() int {
	n, k := binary.Uvarint(r.b)
	if k <= 0 || n > uint64(len(r.b)) { // every element takes a byte at least
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return int(n)
}

func (r *stored) bytes() []byte {
	n := r.count()
	if n > len(r.b) {
		r.fail()
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *stored) tag() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	t := r.b[0]
	r.b = r.b[1:]
	return t
}

// ParseItem reads an item's stored form. What it returns keeps no reference to b.
func ParseItem(b []byte) (Item, error) {
	r := stored{b: b}
	item := r.attributes()
	if r.err == nil && len(r.b) > 0 {
		r.fail()
	}
	if r.err != nil {
		return nil, r.err
	}
	return item, nil
}

func (r *stored) attributes() Map {
	n := r.count()
	m := make(Map, min(n, 1024))
	for range n {
		if r.err != nil {
			return nil
		}
		name := string(r.bytes())
		m[name] = r.value()
	}
	return m
}

func (r *stored) value() Value {
	switch r.tag() {
	case 'S':
		return String(r.bytes())
	case 'N':
		return Number(r.bytes())
	case 'B':
		return Binary(slices.Clone(r.bytes()))
	case 'T':
		return Bool(true)
	case 'F':
		return Bool(false)
	case '0':
		return Null{}
	case 'L':
		if r.depth++; r.depth > maxStoredDepth {
			r.fail()
			return nil
		}
		n := r.count()
		l := make(List, 0, min(n, 1024))
		for range n {
			if r.err != nil {
				return nil
			}
			l = append(l, r.value())
		}
		r.depth--
		return l
	case 'M':
		if r.depth++; r.depth > maxStoredDepth {
			r.fail()
			return nil
		}
		m := r.attributes()
		r.depth--
		return m
	case 's':
		var set StringSet
		for range r.count() {
			set = append(set, string(r.bytes()))
		}
		return set
	case 'n':
		var set NumberSet
		for range r.count() {
			set = append(set, Number(r.bytes()))
		}
		return set
	case 'b':
		var set BinarySet
		for range r.count() {
			set = append(set, slices.Clone(r.bytes()))
		}
		return set
	}
	r.fail()
	return nil
}

// StoredSize is the bytes that DynamoDB counts for an item in its stored form.
func StoredSize(b []byte) (int, error) {
	r := stored{b: b}
	n := 0
	for range r.count() {
		n += len(r.bytes()) + r.size()
		if r.err != nil {
			return 0, r.err
		}
	}
	return n, r.err
}

func (r *stored) size() int {
	switch t := r.tag(); t {
	case 'S', 'B':
		return len(r.bytes())
	case 'N':
		return numberSize(r.bytes())
	case 'T', 'F', '0':
		return 1
	case 'L', 'M':
		if r.depth++; r.depth > maxStoredDepth {
			r.fail()
			return 0
		}
		n := 3
		for range r.count() {
			n++
			if t == 'M' {
				n += len(r.bytes())
			}
			n += r.size()
			if r.err != nil {
				return 0
			}
		}
		r.depth--
		return n
	case 's', 'b', 'n':
		n := 0
		for range r.count() {
			if b := r.bytes(); t == 'n' {
				n += numberSize(b)
			} else {
				n += len(b)
			}
		}
		return n
	}
	r.fail()
	return 0
}

func numberSize(b []byte) int {
	if len(b) == 0 {
		return 1
	}
	return Number(unsafeText(b)).Size()
}

// StoredValue finds one attribute in a stored item without reading the others; nil if the
// item has none of the name.
func StoredValue(b []byte, name string) (Value, error) {
	r := stored{b: b}
	for range r.count() {
		n := r.bytes()
		if r.err != nil {
			return nil, r.err
		}
		if string(n) == name {
			v := r.value()
			return v, r.err
		}
		r.size()
	}
	return nil, r.err
}
