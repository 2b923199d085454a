package vtl

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// unsafeBytes are the bytes of a text, which must not be changed.
func unsafeBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// decoder makes values of a text that is JSON. Texts without escapes share its memory.
type decoder struct {
	text string
	at   int
}

func (d *decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxPrintDepth {
		return nil, ErrLimit
	}
	d.space()
	switch c := d.text[d.at]; c {
	case '{':
		m := NewMap()
		for d.at++; ; d.at++ { // behind the brace, and behind each comma
			if d.space(); d.text[d.at] == '}' {
				d.at++
				return m, nil
			}
			name := d.quoted()
			d.space()
			d.at++ // the colon
			v, err := d.value(depth + 1)
			if err != nil {
				return nil, err
			}
			m.Put(name, v)
			if d.space(); d.text[d.at] == '}' {
				d.at++
				return m, nil
			}
		}
	case '[':
		l := &List{JSON: true}
		for d.at++; ; d.at++ {
			if d.space(); d.text[d.at] == ']' {
				d.at++
				return l, nil
			}
			v, err := d.value(depth + 1)
			if err != nil {
				return nil, err
			}
			l.Items = append(l.Items, v)
			if d.space(); d.text[d.at] == ']' {
				d.at++
				return l, nil
			}
		}
	case '"':
		return d.quoted(), nil
	case 't':
		d.at += len("true")
		return true, nil
	case 'f':
		d.at += len("false")
		return false, nil
	case 'n':
		d.at += len("null")
		return nil, nil
	}
	start := d.at
	for d.at < len(d.text) && strings.IndexByte("+-.0123456789eE", d.text[d.at]) >= 0 {
		d.at++
	}
	return number(d.text[start:d.at]), nil
}

// quoted is the text between quotes.
func (d *decoder) quoted() string {
	start, plain := d.at, true
	for d.at++; d.text[d.at] != '"'; d.at++ {
		if d.text[d.at] == '\\' {
			plain = false
			d.at++
		}
	}
	d.at++
	if s := d.text[start+1 : d.at-1]; plain && utf8.ValidString(s) {
		return s
	}
	var s string
	_ = json.Unmarshal(unsafeBytes(d.text[start:d.at]), &s) // it has been found to be JSON
	return s
}
