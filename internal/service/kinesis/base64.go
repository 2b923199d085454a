package kinesis

import (
	"bytes"
	"encoding/base64"
	"slices"

	fast "github.com/segmentio/asm/base64"
)

// appendBase64 appends the standard base64 of src, with padding.
func appendBase64(dst, src []byte) []byte {
	n, size := len(dst), base64.StdEncoding.EncodedLen(len(src))
	dst = slices.Grow(dst, size)[:n+size]
	fast.StdEncoding.Encode(dst[n:], src)
	return dst
}

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

var strictBase64 = base64.StdEncoding.Strict()

// decodeBase64 decodes standard base64 with padding, and no white space, to dst, which has
// room for decodedLen(len(src)). It is stricter than both libraries, which skip line breaks.
func decodeBase64(dst, src []byte) (n int, ok bool) {
	if len(src)%4 != 0 {
		return 0, false
	}
	if len(src) == 0 {
		return 0, true
	}
	// The last group may be padded. The bits that padding leaves over must be zero.
	whole := len(src) - 4
	n, err := fast.StdEncoding.Decode(dst[:whole/4*3], src[:whole])
	if err != nil || n != whole/4*3 {
		return 0, false
	}
	last, err := strictBase64.Decode(dst[n:], src[whole:])
	if err != nil || last == 0 {
		return 0, false
	}
	return n + last, true
}
