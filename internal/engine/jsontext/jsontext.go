// Package jsontext reads JSON text in place: it validates a value, finds where it ends
// and, of an object, where its members lie, in one pass and without allocation. Splitting
// a record, finding its partition keys and filling its columns all work from that pass.
//
// What is accepted is RFC 8259 with valid UTF-8: exactly what encoding/json accepts, less
// invalid UTF-8 (which a Parquet string cannot hold) and less nesting beyond MaxDepth.
package jsontext

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest, the bound that Jackson has.
const MaxDepth = 1000

// Kind says what a JSON value is.
type Kind uint8

const (
	Invalid Kind = iota
	Null
	False
	True
	Integer // a number with neither fraction nor exponent
	Real    // any other number
	String
	Array
	Object
)

var kindNames = [...]string{"invalid", "null", "boolean", "boolean", "number", "number", "string", "array", "object"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// A SyntaxError says where text is not JSON, and why.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Reason, e.Offset)
}

func unexpected(b []byte, i int, want string) *SyntaxError {
	if i >= len(b) {
		return &SyntaxError{i, "unexpected end of input, " + want}
	}
	return &SyntaxError{i, fmt.Sprintf("unexpected character %q, %s", rune(b[i]), want)}
}

// SkipSpace returns the offset of the first byte from i on that is not white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// Skip validates the value that starts at i, where no white space may be, and returns the
// offset after it, its kind, and whether a string holds escapes.
func Skip(b []byte, i int) (end int, kind Kind, escaped bool, err error) {
	end, kind, escaped, se := skip(b, i, 0)
	if se != nil {
		return end, Invalid, false, se
	}
	return end, kind, escaped, nil
}

func skip(b []byte, i, depth int) (int, Kind, bool, *SyntaxError) {
	if i >= len(b) {
		return i, Invalid, false, unexpected(b, i, "want a value")
	}
	switch c := b[i]; c {
	case '"':
		end, escaped, se := skipString(b, i+1)
		return end, String, escaped, se
	case '{':
		end, se := skipObject(b, i+1, depth+1)
		return end, Object, false, se
	case '[':
		end, se := skipArray(b, i+1, depth+1)
		return end, Array, false, se
	case 't':
		if len(b)-i >= 4 && string(b[i:i+4]) == "true" {
			return i + 4, True, false, nil
		}
	case 'f':
		if len(b)-i >= 5 && string(b[i:i+5]) == "false" {
			return i + 5, False, false, nil
		}
	case 'n':
		if len(b)-i >= 4 && string(b[i:i+4]) == "null" {
			return i + 4, Null, false, nil
		}
	default:
		if c == '-' || c-'0' <= 9 {
			end, kind, se := skipNumber(b, i)
			return end, kind, false, se
		}
	}
	return i, Invalid, false, unexpected(b, i, "want a value")
}

func skipNumber(b []byte, i int) (int, Kind, *SyntaxError) {
	kind := Integer
	if b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b) || b[i]-'0' > 9:
		return i, Invalid, unexpected(b, i, "want a digit")
	case b[i] == '0':
		i++
	default:
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
		}
	}
	if i >= len(b) || b[i] != '.' && b[i]|0x20 != 'e' {
		return i, kind, nil
	}
	if b[i] == '.' {
		kind = Real
		i++
		if i >= len(b) || b[i]-'0' > 9 {
			return i, Invalid, unexpected(b, i, "want a digit")
		}
		for i++; len(b)-i >= 8 && digits(binary.LittleEndian.Uint64(b[i:])); i += 8 {
		}
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		kind = Real
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i >= len(b) || b[i]-'0' > 9 {
			return i, Invalid, unexpected(b, i, "want a digit")
		}
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
		}
	}
	return i, kind, nil
}

// digits reports whether x is eight digits.
func digits(x uint64) bool {
	return x&0xF0F0F0F0F0F0F0F0|(x+0x0606060606060606)&0xF0F0F0F0F0F0F0F0>>4 == 0x3333333333333333
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// marks has the high bit of each byte of x that ends a run of plain ASCII in a string, and may have those of bytes above
// the lowest of them.
func marks(x uint64) uint64 {
	q := x ^ ('"' * ones)
	s := x ^ ('\\' * ones)
	return ((q-ones)&^q | (s-ones)&^s | (x-' '*ones)&^x | x) & highs
}

// skipString returns the offset after the closing quote of the string whose content
// starts at i.
func skipString(b []byte, i int) (int, bool, *SyntaxError) {
	start := i
	escaped, high := false, false
	for {
		// Eight bytes at a time past what needs no look: no quote, backslash, control
		// character or byte beyond ASCII. The lowest flagged byte is exact.
		for len(b)-i >= 8 {
			flags := marks(binary.LittleEndian.Uint64(b[i:]))
			if flags != 0 {
				i += bits.TrailingZeros64(flags) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return i, false, &SyntaxError{i, "unexpected end of input in a string"}
		}
		switch c := b[i]; {
		case c == '"':
			if high && !utf8.Valid(b[start:i]) {
				return i, false, &SyntaxError{start, "invalid UTF-8 in a string"}
			}
			return i + 1, escaped, nil
		case c == '\\':
			escaped = true
			if i+1 >= len(b) {
				return i, false, &SyntaxError{i + 1, "unexpected end of input in a string"}
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := hex4(b, i+2); !ok {
					return i, false, &SyntaxError{i, "invalid \\u escape in a string"}
				}
				i += 6
			default:
				return i, false, &SyntaxError{i, fmt.Sprintf("invalid escape \\%c in a string", b[i+1])}
			}
		case c < ' ':
			return i, false, &SyntaxError{i, fmt.Sprintf("unescaped control character %#02x in a string", c)}
		case c >= utf8.RuneSelf:
			high = true
			for i++; i < len(b) && b[i] >= utf8.RuneSelf; i++ {
			}
		default:
			i++
		}
	}
}

func hex4(b []byte, i int) (rune, bool) {
	if len(b)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func skipArray(b []byte, i, depth int) (int, *SyntaxError) {
	if depth > MaxDepth {
		return i, &SyntaxError{i, "nested too deep"}
	}
	i = SkipSpace(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		end, _, _, se := skip(b, SkipSpace(b, i), depth)
		if se != nil {
			return end, se
		}
		i = SkipSpace(b, end)
		if i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == ']' {
			return i + 1, nil
		}
		return i, unexpected(b, i, "want ',' or ']'")
	}
}

func skipObject(b []byte, i, depth int) (int, *SyntaxError) {
	if depth > MaxDepth {
		return i, &SyntaxError{i, "nested too deep"}
	}
	i = SkipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		i = SkipSpace(b, i)
		if i >= len(b) || b[i] != '"' {
			return i, unexpected(b, i, "want a key")
		}
		end, _, se := skipString(b, i+1)
		if se != nil {
			return end, se
		}
		if i = SkipSpace(b, end); i >= len(b) || b[i] != ':' {
			return i, unexpected(b, i, "want ':'")
		}
		if end, _, _, se = skip(b, SkipSpace(b, i+1), depth); se != nil {
			return end, se
		}
		i = SkipSpace(b, end)
		if i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == '}' {
			return i + 1, nil
		}
		return i, unexpected(b, i, "want ',' or '}'")
	}
}
