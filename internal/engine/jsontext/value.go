package jsontext

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// AppendQuoted appends a text as a string of JSON, in quotes. What is no UTF-8 becomes U+FFFD, byte by byte.
func AppendQuoted[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := plain(s); i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
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
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// plain is how many bytes at the beginning of a text are plain ASCII, to the last eight of them.
func plain[T string | []byte](s T) (n int) {
	if len(s) < 8 {
		return 0
	}
	b := unsafe.Slice(*(**byte)(unsafe.Pointer(&s)), len(s)) // both kinds begin with where their bytes are
	for len(b)-n >= 8 && marks(binary.LittleEndian.Uint64(b[n:])) == 0 {
		n += 8
	}
	return n
}

// AppendUnquoted appends to dst what a valid string stands for, given its text without
// the quotes. Halves of surrogate pairs become U+FFFD.
func AppendUnquoted(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' {
			run := i
			for i++; i < len(s) && s[i] != '\\'; i++ {
			}
			dst = append(dst, s[run:i]...)
			continue
		}
		if i+1 >= len(s) {
			return dst
		}
		switch c = s[i+1]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(s, i+2)
			i += 6
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low, ok = hex4(s, i+2)
				}
				if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
		i += 2
	}
	return dst
}

// Int returns the value of an Integer, and whether an int64 holds it.
func Int(b []byte) (int64, bool) {
	i, neg := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, neg = 1, true
	}
	if len(b)-i > 18 {
		n, err := strconv.ParseInt(unsafe.String(unsafe.SliceData(b), len(b)), 10, 64)
		return n, err == nil
	}
	var n int64
	for _, c := range b[i:] {
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, len(b) > i
}

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Float returns the value of a number, correctly rounded; it is infinite if it is beyond
// what a float64 holds.
func Float(b []byte) float64 {
	// A mantissa of up to 2^53 and a power of ten of up to 10^22 are exact as float64, so
	// that their quotient is rounded once, and correctly.
	var mantissa uint64
	i, digits, point := 0, 0, -1
	if len(b) > 0 && b[0] == '-' {
		i = 1
	}
	for ; i < len(b); i++ {
		if point >= 0 && len(b)-i >= 8 && digits <= 11 {
			if n, ok := eightDigits(b[i:]); ok {
				mantissa = mantissa*1e8 + n
				digits += 8
				i += 7
				continue
			}
		}
		c := b[i]
		if c-'0' <= 9 {
			if digits++; digits > 19 {
				return slowFloat(b)
			}
			mantissa = mantissa*10 + uint64(c-'0')
		} else if c == '.' {
			point = i
		} else {
			return slowFloat(b)
		}
	}
	scale := 0
	if point >= 0 {
		scale = len(b) - point - 1
	}
	var f float64
	switch {
	case mantissa <= 1<<53:
		f = float64(mantissa)
		if scale > 0 {
			f /= pow10[scale]
		}
	case scale > 0:
		f = quotient(mantissa, scale)
	default:
		f = float64(mantissa) // rounds correctly
	}
	if b[0] == '-' {
		f = -f
	}
	return f
}

// eightDigits is the number that the first eight bytes of b write, if they are digits.
func eightDigits(b []byte) (uint64, bool) {
	x := binary.LittleEndian.Uint64(b)
	if !digits(x) {
		return 0, false
	}
	// Digits become pairs, pairs fours, and fours eight.
	x -= '0' * ones
	x = x*10 + x>>8
	return ((x&0x000000FF000000FF)*(100+1000000<<32) + (x>>16&0x000000FF000000FF)*(1+10000<<32)) >> 32, true
}

var intPow10 = [...]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// quotient is m over 10^scale, rounded once. Random numbers as languages print them have
// 16 or 17 digits, and dividing integers is faster than what serves every float.
func quotient(m uint64, scale int) float64 {
	d := intPow10[scale]
	lm, ld := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m <<= lm
	q, rest := bits.Div64(m>>1, m<<63, d<<ld) // 63 or 64 bits, times 2^(ld-lm-63)
	drop := bits.Len64(q) - 53
	low := q & (1<<drop - 1)
	q >>= drop
	if half := uint64(1) << (drop - 1); low > half || low == half && (rest != 0 || q&1 != 0) {
		q++
	}
	return float64(q) * math.Float64frombits(uint64(1023+drop+ld-lm-63)<<52)
}

func slowFloat(b []byte) float64 {
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// AppendCompact appends a valid value to dst without the white space between its tokens,
// and with the keys of its objects in lower case if fold is set (letters that are written
// as escapes aside).
func AppendCompact(dst, b []byte, fold bool) []byte {
	for i := 0; i < len(b); {
		switch c := b[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			end, _, se := skipString(b, i+1)
			if se != nil {
				return append(dst, b[i:]...)
			}
			token := b[i:end]
			if next := SkipSpace(b, end); fold && next < len(b) && b[next] == ':' {
				token = bytes.ToLower(token)
			}
			dst = append(dst, token...)
			i = end
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
