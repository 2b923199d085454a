package columnar

import (
	"bytes"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// fields finds the fields of a struct, or the columns of a table, by JSON key.
type fields struct {
	sensitive, dots bool
	byKey           map[string]int
	folded          []byte
	expected        []expectedKey // of a nested object, in the order of the last one
}

type expectedKey struct {
	text  string
	field int
}

func (f *fields) init(o *Options, kids []*node) {
	f.sensitive, f.dots = o.CaseSensitive, o.DotsInKeys
	f.byKey = make(map[string]int, len(kids))
	for i, n := range kids {
		key := n.name
		for name, mapped := range o.Mappings {
			if name == n.name || !f.sensitive && strings.EqualFold(name, n.name) {
				key = mapped
			}
		}
		f.byKey[string(f.fold([]byte(key)))] = i
	}
}

// fold brings a key to the form in which keys are compared.
func (f *fields) fold(key []byte) []byte {
	f.folded = f.folded[:0]
	for _, c := range key {
		switch {
		case c == '.' && f.dots:
			c = '_'
		case f.sensitive:
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c >= 0x80:
			f.folded = append(f.folded[:0], bytes.ToLower(key)...)
			if f.dots {
				for i := range f.folded {
					if f.folded[i] == '.' {
						f.folded[i] = '_'
					}
				}
			}
			return f.folded
		}
		f.folded = append(f.folded, c)
	}
	return f.folded
}

// find returns the field with a key, or -1.
func (f *fields) find(key []byte) int {
	if i, ok := f.byKey[string(f.fold(key))]; ok {
		return i
	}
	return -1
}

// at is find for the i-th key of a nested object, without escapes.
func (f *fields) at(i int, key []byte) int {
	if i < len(f.expected) && string(key) == f.expected[i].text {
		return f.expected[i].field
	}
	k := f.find(key)
	if e := (expectedKey{string(key), k}); i < len(f.expected) {
		f.expected[i] = e
	} else if i == len(f.expected) && i < 1000 {
		f.expected = append(f.expected, e)
	}
	return k
}

// value writes a value that is not null, and returns why it cannot be. The levels of
// what it wrote before finding that out are undone by the caller.
func (w *Writer) value(n *node, b []byte, kind jsontext.Kind, escaped bool, rep int16) (reason string) {
	switch n.typ.Kind {
	case hivetype.Struct:
		return w.structValue(n, b, kind, rep)
	case hivetype.Array:
		return w.arrayValue(n, b, kind, escaped, rep)
	case hivetype.Map:
		return w.mapValue(n, b, kind, rep)
	}
	if reason = w.scalar(n.leaf, n.typ, b, kind, escaped); reason == "" {
		n.leaf.present(rep)
	}
	return reason
}

// orNull writes a value that may be null.
func (w *Writer) orNull(n *node, b []byte, kind jsontext.Kind, escaped bool, rep int16) (reason string) {
	if kind == jsontext.Null {
		n.absent(rep, n.def-1)
		return ""
	}
	return w.value(n, b, kind, escaped, rep)
}

func (w *Writer) structValue(n *node, b []byte, kind jsontext.Kind, rep int16) string {
	if kind != jsontext.Object {
		if w.opts.SerDe == Hive {
			return "Data does not match the schema. java.io.IOException: Start of Object expected"
		}
		if kind != jsontext.Array {
			return notObject(b, kind)
		}
		// OpenX takes an array for the fields in order.
		it := jsontext.Over(b)
		for _, kid := range n.kids {
			lo, hi, kind, escaped, ok := it.Element()
			if !ok {
				kind = jsontext.Null
			}
			if reason := w.orNull(kid, b[lo:hi], kind, escaped, rep); reason != "" {
				return reason
			}
		}
		return ""
	}
	// The last of several members with one key counts, so members are found first and
	// written after, in a part of the stack that is this call's own.
	base := len(w.stack)
	for range n.kids {
		w.stack = append(w.stack, jsontext.Member{Kind: jsontext.Null})
	}
	it := jsontext.Over(b)
	for i := 0; ; i++ {
		m, ok := it.Member()
		if !ok {
			break
		}
		var k int
		if m.KeyEscaped {
			w.scratch = jsontext.AppendUnquoted(w.scratch[:0], b[m.KeyLo:m.KeyHi])
			k = n.fields.find(w.scratch)
		} else {
			k = n.fields.at(i, b[m.KeyLo:m.KeyHi])
		}
		if k >= 0 {
			if w.opts.RefuseDuplicates && w.stack[base+k].Hi > 0 {
				w.stack = w.stack[:base]
				return duplicateKey + `"` + n.kids[k].name + `"`
			}
			w.stack[base+k] = m
		}
	}
	for k, kid := range n.kids {
		m := w.stack[base+k]
		if reason := w.orNull(kid, b[m.Lo:m.Hi], m.Kind, m.Escaped, rep); reason != "" {
			w.stack = w.stack[:base]
			return reason
		}
	}
	w.stack = w.stack[:base]
	return ""
}

func (w *Writer) arrayValue(n *node, b []byte, kind jsontext.Kind, escaped bool, rep int16) string {
	elem := n.kids[0]
	if kind != jsontext.Array {
		if w.opts.SerDe == Hive {
			return "Data does not match the schema. java.io.IOException: Start of Array expected"
		}
		// OpenX takes a lone value for an array of one.
		return w.value(elem, b, kind, escaped, rep)
	}
	it := jsontext.Over(b)
	for first := true; ; first = false {
		lo, hi, kind, escaped, ok := it.Element()
		if !ok {
			if first {
				n.absent(rep, n.def)
			}
			return ""
		}
		if !first {
			rep = n.rep
		}
		if reason := w.orNull(elem, b[lo:hi], kind, escaped, rep); reason != "" {
			return reason
		}
	}
}

func (w *Writer) mapValue(n *node, b []byte, kind jsontext.Kind, rep int16) string {
	if kind != jsontext.Object {
		return "Data does not match the schema. java.io.IOException: Start of Object expected"
	}
	base := len(w.stack)
	it := jsontext.Over(b)
	for {
		m, ok := it.Member()
		if !ok {
			break
		}
		w.stack = append(w.stack, m)
	}
	entries := w.stack[base:]
	w.lastWins(b, entries)
	key, value := n.kids[0], n.kids[1]
	reason, first := "", true
	for _, m := range entries {
		if m.Kind == jsontext.Invalid {
			if w.opts.RefuseDuplicates {
				reason = duplicateKey + `"` + string(w.keyName(b, &m)) + `"`
				break
			}
			continue
		}
		if reason = w.mapKey(key, b, &m, rep); reason != "" {
			break
		}
		if reason = w.orNull(value, b[m.Lo:m.Hi], m.Kind, m.Escaped, rep); reason != "" {
			break
		}
		first, rep = false, n.rep
	}
	if first && reason == "" {
		n.absent(rep, n.def)
	}
	w.stack = w.stack[:base]
	return reason
}

// mapKey writes a key of a map, which JSON has only as a string.
func (w *Writer) mapKey(key *node, b []byte, m *jsontext.Member, rep int16) string {
	name, escaped := b[m.KeyLo:m.KeyHi], m.KeyEscaped
	if w.folds() && !lowerASCII(name) {
		name, escaped = w.keyName(b, m), false
	}
	reason := w.text(key.leaf, key.typ, name, escaped)
	if reason == "" {
		key.leaf.present(rep)
	}
	return reason
}

// lastWins marks as Invalid the entries of a map whose key comes again: readers of
// Parquet demand that keys are unique.
func (w *Writer) lastWins(b []byte, entries []jsontext.Member) {
	if len(entries) <= 16 {
		for i := range entries {
			for j := i + 1; j < len(entries); j++ {
				if w.sameKey(b, &entries[i], &entries[j]) {
					entries[i].Kind = jsontext.Invalid
					break
				}
			}
		}
		return
	}
	last := make(map[string]int, len(entries))
	for i := range entries {
		name := string(w.keyName(b, &entries[i]))
		if j, ok := last[name]; ok {
			entries[j].Kind = jsontext.Invalid
		}
		last[name] = i
	}
}

// folds reports whether keys are put into lower case, all of them, before they are read: so
// OpenX makes them match columns.
func (w *Writer) folds() bool {
	return w.opts.SerDe == OpenX && !w.opts.CaseSensitive && !w.opts.KeepCase
}

func (w *Writer) keyName(b []byte, m *jsontext.Member) []byte {
	name := b[m.KeyLo:m.KeyHi]
	if m.KeyEscaped {
		name = jsontext.AppendUnquoted(nil, name)
	}
	if w.folds() {
		name = bytes.ToLower(name)
	}
	return name
}

func (w *Writer) sameKey(b []byte, x, y *jsontext.Member) bool {
	k, l := b[x.KeyLo:x.KeyHi], b[y.KeyLo:y.KeyHi]
	if x.KeyEscaped || y.KeyEscaped || w.folds() && !(lowerASCII(k) && lowerASCII(l)) {
		return bytes.Equal(w.keyName(b, x), w.keyName(b, y))
	}
	return bytes.Equal(k, l)
}

// lowerASCII reports whether a key as it is written is its lower case for certain.
func lowerASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c == '\\' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// duplicateKey begins the reason where a key of an object is there twice and must not be.
const duplicateKey = "Duplicate key "

// notObject is what OpenX says of a value in the place of an object.
func notObject(b []byte, kind jsontext.Kind) string {
	class := "java.lang.String"
	switch kind {
	case jsontext.Integer:
		class = "java.lang.Long"
	case jsontext.Real:
		class = "java.lang.Double"
	case jsontext.True, jsontext.False:
		class = "java.lang.Boolean"
	case jsontext.String:
		b = b[1 : len(b)-1]
	}
	if len(b) > 200 {
		b = b[:200]
	}
	return noMatch + "Data is not JSONObject  but " + class + " with value " + strings.ToValidUTF8(string(b), "\uFFFD")
}
