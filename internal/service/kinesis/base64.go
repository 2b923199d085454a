package kinesis

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// base64Pairs are the two letters of twelve bits, the first of them in the high byte.
var base64Pairs = func() (t [1 << 12]uint16) {
	for v := range t {
		t[v] = uint16(base64Letters[v>>6])<<8 | uint16(base64Letters[v&63])
	}
	return t
}()

// appendBase64 appends the standard base64 of src, with padding, about twice as fast as
// encoding/base64: six bytes at a time, by two letters.
func appendBase64(dst, src []byte) []byte {
	dst = slices.Grow(dst, base64.StdEncoding.EncodedLen(len(src)))
	out := dst[len(dst):cap(dst)]
	t := &base64Pairs
	n := 0
	for len(src) >= 8 && len(out)-n >= 8 {
		v := binary.BigEndian.Uint64(src)
		binary.BigEndian.PutUint64(out[n:], uint64(t[v>>52])<<48|uint64(t[v>>40&0xfff])<<32|uint64(t[v>>28&0xfff])<<16|uint64(t[v>>16&0xfff]))
		src = src[6:]
		n += 8
	}
	return base64.StdEncoding.AppendEncode(dst[:len(dst)+n], src)
}

// base64Bad marks what is no letter of base64 in the tables below, above a group's 24 bits.
const base64Bad = 1 << 31

// base64Tables give the bits of a letter at each place of a group of four, shifted so that
// the four or-ed together are the group's three bytes.
var base64Tables = func() (t [4][256]uint32) {
	for place := range t {
		for c := range t[place] {
			t[place][c] = base64Bad
		}
		for v, c := range []byte(base64Letters) {
			t[place][c] = uint32(v) << (18 - 6*place)
		}
	}
	return t
}()

// decodedLen is the most bytes that n letters of base64 decode to.
func decodedLen(n int) int { return (n + 3) / 4 * 3 }

// decodeData is decodeBase64 for what lies between the quotes of a JSON string. Slashes may
// be escaped in it, as PHP does.
func decodeData(dst, src []byte) (n int, ok bool) {
	if n, ok = decodeBase64(dst, src); ok {
		return n, ok
	}
	return decodeBase64(dst, bytes.ReplaceAll(src, []byte(`\/`), []byte("/")))
}

// decodeBase64 decodes standard base64 with padding, and no white space, to dst, which has
// room for decodedLen(len(src)). It is stricter than encoding/base64 and, as it checks
// once a group, about twice as fast.
func decodeBase64(dst, src []byte) (n int, ok bool) {
	if len(src)%4 != 0 {
		return 0, false
	}
	if len(src) == 0 {
		return 0, true
	}
	t := &base64Tables
	// Two groups at a time, while a store of eight bytes stays within what they decode to.
	for len(src) >= 16 && len(dst)-n >= 8 {
		a := t[0][src[0]] | t[1][src[1]] | t[2][src[2]] | t[3][src[3]]
		b := t[0][src[4]] | t[1][src[5]] | t[2][src[6]] | t[3][src[7]]
		if (a|b)&base64Bad != 0 {
			return 0, false
		}
		binary.BigEndian.PutUint64(dst[n:], uint64(a)<<40|uint64(b)<<16)
		src = src[8:]
		n += 6
	}
	for len(src) > 4 {
		a := t[0][src[0]] | t[1][src[1]] | t[2][src[2]] | t[3][src[3]]
		if a&base64Bad != 0 {
			return 0, false
		}
		dst[n], dst[n+1], dst[n+2] = byte(a>>16), byte(a>>8), byte(a)
		src = src[4:]
		n += 3
	}
	// The last group may be padded. The bits that padding leaves over must be zero.
	size := 3
	c2, c3 := src[2], src[3]
	if c3 == '=' {
		size, c3 = 2, 'A'
		if c2 == '=' {
			size, c2 = 1, 'A'
		}
	}
	a := t[0][src[0]] | t[1][src[1]] | t[2][c2] | t[3][c3]
	if a&base64Bad != 0 || a<<(8+8*size) != 0 {
		return 0, false
	}
	for i := range size {
		dst[n+i] = byte(a >> (16 - 8*i))
	}
	return n + size, true
}
