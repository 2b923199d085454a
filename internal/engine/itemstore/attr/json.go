package attr

import (
	"encoding/base64"
	"unsafe"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// unsafeText views b as a string for a call that does not keep it.
func unsafeText(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// AppendStoredJSON appends the JSON form, {"name":{"S":"text"},...}, of a stored item,
// read where it stands.
func AppendStoredJSON(dst, b []byte) ([]byte, error) {
	r := stored{b: b}
	dst = r.appendAttributes(dst)
	return dst, r.err
}

func (r *stored) appendAttributes(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range r.count() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, r.bytes())
		dst = r.appendJSON(append(dst, ':'))
		if r.err != nil {
			return dst
		}
	}
	return append(dst, '}')
}

func (r *stored) appendJSON(dst []byte) []byte {
	switch t := r.tag(); t {
	case 'S':
		return append(jsontext.AppendQuoted(append(dst, `{"S":`...), r.bytes()), '}')
	case 'N':
		return append(append(append(dst, `{"N":"`...), r.bytes()...), `"}`...)
	case 'B':
		dst = append(dst, `{"B":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, r.bytes())
		return append(dst, `"}`...)
	case 'T':
		return append(dst, `{"BOOL":true}`...)
	case 'F':
		return append(dst, `{"BOOL":false}`...)
	case '0':
		return append(dst, `{"NULL":true}`...)
	case 'L':
		if r.depth++; r.depth > maxStoredDepth {
			r.fail()
			return dst
		}
		dst = append(dst, `{"L":[`...)
		for i := range r.count() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst = r.appendJSON(dst); r.err != nil {
				return dst
			}
		}
		r.depth--
		return append(dst, "]}"...)
	case 'M':
		if r.depth++; r.depth > maxStoredDepth {
			r.fail()
			return dst
		}
		dst = r.appendAttributes(append(dst, `{"M":`...))
		r.depth--
		return append(dst, '}')
	case 's', 'n', 'b':
		switch t {
		case 's':
			dst = append(dst, `{"SS":[`...)
		case 'n':
			dst = append(dst, `{"NS":[`...)
		case 'b':
			dst = append(dst, `{"BS":[`...)
		}
		for i := range r.count() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if e := r.bytes(); t == 'b' {
				dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), e), '"')
			} else {
				dst = jsontext.AppendQuoted(dst, e)
			}
		}
		return append(dst, "]}"...)
	}
	r.fail()
	return dst
}

// AppendJSON appends the JSON form of an item.
func AppendJSON(dst []byte, item Item) []byte {
	dst, err := AppendStoredJSON(dst, AppendItem(nil, item))
	if err != nil {
		panic(err) // it was written a moment ago
	}
	return dst
}
