package scan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Text takes a string, which must stand right at the position, and undoes its escapes. The
// result is UTF-8, and valid until the next call of Text or Member. Half a surrogate pair
// becomes Half.
func (s *JSON) Text() ([]byte, error) {
	if !s.at('"') {
		return nil, s.wrong()
	}
	start := s.Pos + 1
	i, ascii := stop(s.Data, start)
	switch {
	case i == len(s.Data):
		return nil, fail(i, Truncated)
	case s.Data[i] == '\\':
		return s.escaped(start, i)
	case s.Data[i] != '"':
		return nil, fail(i, Malformed)
	}
	text := s.Data[start:i:i]
	if !ascii && !utf8.Valid(text) {
		return nil, fail(start, BadText)
	}
	s.Pos = i + 1
	return text, nil
}

// Plain skips white space and takes a string of UTF-8 without escapes. The result is valid
// as long as the text.
func (s *JSON) Plain() ([]byte, bool) {
	if !s.Take('"') {
		return nil, false
	}
	i, ascii := stop(s.Data, s.Pos)
	if i == len(s.Data) || s.Data[i] != '"' {
		return nil, false
	}
	text := s.Data[s.Pos:i:i]
	s.Pos = i + 1
	return text, ascii || utf8.Valid(text)
}

// Quoted skips white space and returns what lies between two quotes, unchecked. The result
// is valid as long as the text.
func (s *JSON) Quoted() ([]byte, bool) {
	if !s.Take('"') {
		return nil, false
	}
	n := bytes.IndexByte(s.Data[s.Pos:], '"')
	if n < 0 {
		return nil, false
	}
	text := s.Data[s.Pos : s.Pos+n : s.Pos+n]
	s.Pos += n + 1
	return text, true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stop returns where from i on the first quote, backslash or control character is, len(b) if
// nowhere, and whether all before it is ASCII.
func stop(b []byte, i int) (at int, ascii bool) {
	ascii = true
	for ; len(b)-i >= 8; i += 8 {
		// Eight bytes at once. Of the bits that mark bytes, the lowest is right; higher ones
		// may be the borrow of a lower.
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^ones*'"', x^ones*'\\'
		found := ((x-ones*' ')&^x | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if found != 0 {
			n := bits.TrailingZeros64(found)
			return i + n/8, ascii && x&highs&(1<<n-1) == 0
		}
		if x&highs != 0 {
			ascii = false
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"' || c == '\\' || c < ' ':
			return i, ascii
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return i, ascii
}

// escaped reads on from i, the first backslash of a string that begins at start.
func (s *JSON) escaped(start, i int) ([]byte, error) {
	out := append(s.scratch[:0], s.Data[start:i]...)
	for {
		from := i
		i, _ = stop(s.Data, i)
		out = append(out, s.Data[from:i]...)
		if i == len(s.Data) {
			return nil, fail(i, Truncated)
		}
		if s.Data[i] == '"' {
			s.scratch = out
			if !utf8.Valid(out) {
				return nil, fail(start, BadText)
			}
			s.Pos = i + 1
			return out, nil
		}
		if s.Data[i] != '\\' {
			return nil, fail(i, Malformed)
		}
		if i++; i == len(s.Data) {
			return nil, fail(i, Truncated)
		}
		e := s.Data[i]
		i++
		switch e {
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
			r, ok := hex4(s.Data[i:])
			if !ok {
				return nil, fail(i, Malformed)
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if rest := s.Data[i:]; len(rest) >= 2 && rest[0] == '\\' && rest[1] == 'u' {
					low, _ = hex4(rest[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				} else if s.Half != 0 {
					r = s.Half
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, fail(i-1, Malformed)
		}
	}
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return -1, false
	}
	var r rune
	for _, c := range b[:4] {
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

// AppendQuoted appends text as a JSON string. What is not UTF-8 becomes U+FFFD, a byte each.
func AppendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		n, ascii := stop(text, 0)
		if plain := text[:n]; ascii || utf8.Valid(plain) {
			dst = append(dst, plain...)
		} else {
			for len(plain) > 0 {
				r, size := utf8.DecodeRune(plain)
				dst = utf8.AppendRune(dst, r)
				plain = plain[size:]
			}
		}
		if n == len(text) {
			return append(dst, '"')
		}
		switch c := text[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		text = text[n+1:]
	}
}
