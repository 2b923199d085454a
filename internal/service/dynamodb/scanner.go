package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// scanner reads JSON of requests. Its methods return false for anything that is not of the
// form that they expect; the request is then read again by the generic codec, which says
// what is wrong with it, if anything is.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

func (d *scanner) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// next takes a byte of punctuation.
func (d *scanner) next(c byte) bool {
	d.space()
	if d.pos < len(d.data) && d.data[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

func (d *scanner) end() bool {
	d.space()
	return d.pos == len(d.data)
}

// object reads an object, whose members f reads.
func (d *scanner) object(f func(name string) bool) bool {
	if !d.next('{') {
		return false
	}
	if d.next('}') {
		return true
	}
	for {
		name, ok := d.string()
		if !ok || len(name) > 255 || !d.next(':') || !f(string(name)) {
			return false
		}
		if d.next('}') {
			return true
		}
		if !d.next(',') {
			return false
		}
	}
}

// array reads an array, whose elements f reads.
func (d *scanner) array(f func() bool) bool {
	if !d.next('[') {
		return false
	}
	if d.next(']') {
		return true
	}
	for {
		if !f() {
			return false
		}
		if d.next(']') {
			return true
		}
		if !d.next(',') {
			return false
		}
	}
}

// string reads a string; the bytes are valid as long as the request's.
func (d *scanner) string() ([]byte, bool) {
	if !d.next('"') {
		return nil, false
	}
	start := d.pos
	n := bytes.IndexByte(d.data[start:], '"')
	if n < 0 {
		return nil, false
	}
	s := d.data[start : start+n]
	if bytes.IndexByte(s, '\\') < 0 {
		d.pos = start + n + 1
		for _, c := range s {
			if c < ' ' {
				return nil, false
			}
		}
		return s, utf8.Valid(s)
	}
	for i := start; i < len(d.data); i++ {
		switch d.data[i] {
		case '\\':
			i++
		case '"':
			d.pos = i + 1
			var out string
			raw := d.data[start-1 : i+1]
			if !utf8.Valid(raw) || json.Unmarshal(raw, &out) != nil || bytes.Contains(raw, []byte(`\u`)) {
				return nil, false // what \u stands for is the generic codec's to say
			}
			return []byte(out), true
		}
	}
	return nil, false
}

func (d *scanner) text(to **string) bool {
	b, ok := d.string()
	if !ok || *to != nil {
		return false
	}
	s := string(b)
	*to = &s
	return true
}

func (d *scanner) literal(s string) bool {
	d.space()
	if bytes.HasPrefix(d.data[d.pos:], []byte(s)) {
		d.pos += len(s)
		return true
	}
	return false
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
	d.space()
	start := d.pos
	for d.pos < len(d.data) && (d.data[d.pos] >= '0' && d.data[d.pos] <= '9' || d.data[d.pos] == '-') {
		d.pos++
	}
	n, err := strconv.ParseInt(string(d.data[start:d.pos]), 10, 32)
	if err != nil || *to != nil || d.pos < len(d.data) && (d.data[d.pos] == '.' || d.data[d.pos] == 'e' || d.data[d.pos] == 'E') {
		return false
	}
	v := int32(n)
	*to = &v
	return true
}

func enum[E ~string](d *scanner, to *E, set ...E) bool {
	b, ok := d.string()
	if !ok || *to != "" || !slices.Contains(set, E(b)) {
		return false
	}
	*to = E(b)
	return true
}

func (d *scanner) names(to *map[string]string) bool {
	if *to != nil {
		return false
	}
	m := map[string]string{}
	*to = m
	return d.object(func(name string) bool {
		b, ok := d.string()
		if _, twice := m[name]; twice {
			return false
		}
		m[name] = string(b)
		return ok
	})
}

func (d *scanner) values(to *map[string]types.AttributeValue) bool {
	if *to != nil {
		return false
	}
	item, ok := d.item()
	*to = itemToSDK(item)
	return ok
}

// item reads an item or a key.
func (d *scanner) item() (attr.Item, bool) {
	item := attr.Item{}
	ok := d.object(func(name string) bool {
		v, ok := d.value()
		if _, twice := item[name]; twice {
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
	ok = d.object(func(kind string) (ok bool) {
		n++
		v, ok = d.payload(kind)
		return ok
	})
	return v, ok && n == 1
}

func (d *scanner) payload(kind string) (attr.Value, bool) {
	switch attr.Type(kind) {
	case attr.TypeString:
		b, ok := d.string()
		return attr.String(b), ok
	case attr.TypeNumber:
		b, ok := d.string()
		if !ok {
			return nil, false
		}
		n, err := attr.ParseNumber(string(b))
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
		return d.set(attr.Type(kind))
	}
	return nil, false
}

func (d *scanner) binary() ([]byte, bool) {
	b, ok := d.string()
	if !ok {
		return nil, false
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Strict().Decode(out, b)
	return out[:n], err == nil
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
		texts = append(texts, string(b))
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

// appendText appends a name as JSON.
func appendText(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string
	}
	return append(dst, b...)
}
