package scan

import (
	"encoding/base64"
	"slices"

	fast "github.com/segmentio/asm/base64"
)

var strict = base64.StdEncoding.Strict()

// AppendBase64 appends the standard base64 of src, with padding.
func AppendBase64(dst, src []byte) []byte {
	n, size := len(dst), base64.StdEncoding.EncodedLen(len(src))
	dst = slices.Grow(dst, size)[:n+size]
	fast.StdEncoding.Encode(dst[n:], src)
	return dst
}

// DecodedLen is the most bytes that n letters of base64 decode to.
func DecodedLen(n int) int { return (n + 3) / 4 * 3 }

// DecodeBase64 decodes standard base64 to dst, which has room for DecodedLen(len(src)). It
// wants padding, zeros in the bits that padding leaves over, and no white space: libraries
// skip line breaks.
func DecodeBase64(dst, src []byte) (n int, ok bool) {
	if len(src)%4 != 0 {
		return 0, false
	}
	if len(src) == 0 {
		return 0, true
	}
	whole := len(src) - 4 // the last group may be padded
	n, err := fast.StdEncoding.Decode(dst[:whole/4*3], src[:whole])
	if err != nil || n != whole/4*3 {
		return 0, false
	}
	last, err := strict.Decode(dst[n:], src[whole:])
	if err != nil || last == 0 {
		return 0, false
	}
	return n + last, true
}
