package awswire

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

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
