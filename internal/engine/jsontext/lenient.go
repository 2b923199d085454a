package jsontext

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Lenient appends to dst the JSON of what org.json's lenient reader, which the OpenX SerDe is
// built on, makes of text: strings in single quotes or without any, "=" and "=>" for ":", ";" for
// ",", a comma before the end of an object or array, null for an element that is left out, numbers
// with a sign, leading zeros or 0x, and true, false and null in any letter case. Comments are not
// read. What follows the object or array is not looked at.
//
// Errors are *LenientError, with that reader's reasons and positions.
func Lenient(dst, text []byte) ([]byte, error) {
	r := lenient{text: text, out: dst}
	switch i := SkipSpace(text, 0); {
	case i < len(text) && text[i] == '[':
		r.clean()
		r.array(1)
	default:
		if r.clean() != '{' {
			r.fail("A JSONObject text must begin with '{'")
		}
		r.object(1)
	}
	if r.err != nil {
		return dst, r.err
	}
	return r.out, nil
}

// A LenientError says why Lenient cannot read a text. Index counts the UTF-16 units that were read.
type LenientError struct {
	Reason string
	Index  int
	Line   int // from 1
	Column int // from 1
}

func (e *LenientError) Error() string {
	return fmt.Sprintf("%s at %d [character %d line %d]", e.Reason, e.Index, e.Column, e.Line)
}

// lenient reads one character after the other, the last of which can be put back. After an error
// all characters are 0, which ends every loop.
type lenient struct {
	text []byte
	i    int // of the next character
	out  []byte
	err  error

	index, column, line int
	last                rune
	size                int // of last in bytes
	again               bool
	inKey               bool // within an object or array that is a key
}

func (r *lenient) fail(reason string) {
	if r.err == nil {
		r.err = &LenientError{Reason: reason, Index: r.index, Line: r.line + 1, Column: r.column + 1}
	}
}

// next is the next character; 0 at the end and after an error.
func (r *lenient) next() rune {
	if r.err != nil {
		return 0
	}
	c, size := r.last, r.size
	if r.again {
		r.again = false
	} else if r.i < len(r.text) {
		c, size = utf8.DecodeRune(r.text[r.i:])
		r.i += size
	} else {
		c, size = 0, 0
	}
	units := 1
	if c > 0xFFFF {
		units = 2
	}
	r.index += units
	switch {
	case r.last == '\r':
		r.line++
		if r.column = 0; c == '\n' {
			r.column = -1
		}
	case c == '\n':
		r.line++
		r.column = -1
	default:
		r.column += units
	}
	r.last, r.size = c, size
	return c
}

// back puts the last character back.
func (r *lenient) back() {
	r.again = true
	r.index--
	r.column--
}

// clean is the next character that is not white space.
func (r *lenient) clean() rune {
	for {
		if c := r.next(); c == 0 || c > ' ' {
			return c
		}
	}
}

func (r *lenient) object(depth int) {
	r.out = append(r.out, '{')
	for first := true; ; first = false {
		c := r.clean()
		switch c {
		case 0:
			r.fail("A JSONObject text must end with '}'")
			return
		case '}':
			r.out = append(r.out, '}')
			return
		}
		nests := c == '{' || c == '['
		if nests && r.inKey { // each would double the backslashes of those within it
			r.fail("Nested too deeply")
			return
		}
		r.back()
		if !first {
			r.out = append(r.out, ',')
		}
		at := len(r.out)
		r.inKey = r.inKey || nests
		r.value(depth)
		r.inKey = r.inKey && !nests
		if r.err != nil {
			return
		}
		if r.out[at] != '"' { // keys are texts, whatever they look like
			key := string(r.out[at:])
			r.out = AppendQuoted(r.out[:at], key)
		}
		switch r.clean() {
		case '=':
			if r.next() != '>' {
				r.back()
			}
		case ':':
		default:
			r.fail("Expected a ':' after a key")
			return
		}
		r.out = append(r.out, ':')
		r.value(depth)
		switch r.clean() {
		case ';', ',':
			if r.clean() == '}' {
				r.out = append(r.out, '}')
				return
			}
			r.back()
		case '}':
			r.out = append(r.out, '}')
			return
		default:
			r.fail("Expected a ',' or '}'")
			return
		}
	}
}

func (r *lenient) array(depth int) {
	r.out = append(r.out, '[')
	if r.clean() == ']' {
		r.out = append(r.out, ']')
		return
	}
	r.back()
	for first := true; ; first = false {
		if !first {
			r.out = append(r.out, ',')
		}
		c := r.clean()
		if r.back(); c == ',' {
			r.out = append(r.out, "null"...)
		} else {
			r.value(depth)
		}
		switch r.clean() {
		case ';', ',':
			if r.clean() == ']' {
				r.out = append(r.out, ']')
				return
			}
			r.back()
		case ']':
			r.out = append(r.out, ']')
			return
		default:
			r.fail("Expected a ',' or ']'")
			return
		}
	}
}

func (r *lenient) value(depth int) {
	if r.err != nil {
		return
	}
	c := r.clean()
	switch {
	case c == '"' || c == '\'':
		r.quoted(c)
		return
	case (c == '{' || c == '[') && depth >= MaxDepth:
		r.fail("Nested too deeply")
		return
	case c == '{':
		r.object(depth + 1)
		return
	case c == '[':
		r.array(depth + 1)
		return
	}
	start := r.i - r.size
	for c >= ' ' && !strings.ContainsRune(",:]}/\\\"[{;=#", c) {
		c = r.next()
	}
	end := r.i
	if c != 0 {
		end -= r.size
	}
	r.back()
	text := strings.Trim(string(r.text[start:max(start, end)]), " ")
	if text == "" {
		r.fail("Missing value")
		return
	}
	r.out = appendBare(r.out, text)
}

// quoted reads on to the end of a string.
func (r *lenient) quoted(quote rune) {
	var b []byte
	for {
		c := r.next()
		switch c {
		case 0, '\n', '\r':
			r.fail("Unterminated string")
			return
		case quote:
			r.out = AppendQuoted(r.out, b)
			return
		case '\\':
			if b = r.escaped(b); r.err != nil {
				return
			}
		default:
			b = utf8.AppendRune(b, c)
		}
	}
}

func (r *lenient) escaped(b []byte) []byte {
	switch c := r.next(); c {
	case 'b':
		return append(b, '\b')
	case 't', 'v':
		return append(b, '\t')
	case 'n':
		return append(b, '\n')
	case 'f':
		return append(b, '\f')
	case 'r':
		return append(b, '\r')
	case 'a':
		return append(b, '\a', '\t') // as that reader does
	case 'u':
		u, ok := r.hex()
		if !ok {
			return b
		}
		if u >= 0xD800 && u < 0xDC00 && strings.HasPrefix(string(r.text[r.i:min(len(r.text), r.i+2)]), `\u`) {
			r.next()
			r.next()
			low, ok := r.hex()
			if !ok {
				return b
			}
			if low >= 0xDC00 && low < 0xE000 {
				return utf8.AppendRune(b, (u-0xD800)<<10+(low-0xDC00)+0x10000)
			}
			return utf8.AppendRune(utf8.AppendRune(b, utf8.RuneError), low)
		}
		return utf8.AppendRune(b, u)
	case '"', '\'', '\\', '/':
		return append(b, byte(c))
	}
	r.fail("Illegal escape.")
	return b
}

func (r *lenient) hex() (rune, bool) {
	var digits [4]byte
	for i := range digits {
		c := r.next()
		if c == 0 {
			r.fail("Substring bounds error")
			return 0, false
		}
		digits[i] = '!'
		if c < utf8.RuneSelf {
			digits[i] = byte(c)
		}
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		r.fail("Illegal escape.")
	}
	return rune(n), err == nil
}

// appendBare appends a value that is written without quotes.
func appendBare(dst []byte, text string) []byte {
	for _, word := range []string{"true", "false", "null"} {
		if strings.EqualFold(text, word) {
			return append(dst, word...)
		}
	}
	if c := text[0]; c-'0' <= 9 || c == '.' || c == '-' || c == '+' {
		if end, kind, _, se := skip([]byte(text), 0, 0); se == nil && end == len(text) && (kind == Integer || kind == Real) {
			return append(dst, text...)
		}
		if n, ok := bareNumber(text); ok {
			return append(dst, n...)
		}
	}
	return AppendQuoted(dst, text)
}

// bareNumber gives the JSON of numbers that only Java writes so.
func bareNumber(text string) (string, bool) {
	if hex := strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X"); len(hex) < len(text) && hex != "" {
		if n, err := strconv.ParseInt(hex, 16, 32); err == nil {
			return strconv.FormatInt(n, 10), true
		}
	}
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" || strings.ContainsAny(digits, "_xXpPiInN") {
		return "", false
	}
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	}
	plain := strings.TrimRight(text, "fFdD")
	if len(text)-len(plain) > 1 {
		return "", false
	}
	if f, err := strconv.ParseFloat(plain, 64); errors.Is(err, strconv.ErrSyntax) || math.IsInf(f, 0) {
		return "", false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(plain), "e")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "+"), ".")
	sign := ""
	if whole, sign = strings.TrimPrefix(whole, "-"), whole[:len(whole)-len(strings.TrimPrefix(whole, "-"))]; whole == "" {
		whole = "0"
	}
	n, ok := new(big.Int).SetString(whole, 10)
	if !ok {
		return "", false
	}
	out := sign + n.String()
	if fraction != "" {
		out += "." + fraction
	}
	if exponent != "" {
		out += "e" + exponent
	}
	return out, true
}
