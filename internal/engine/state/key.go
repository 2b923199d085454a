package state

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Key names a document: segments of any UTF-8, escaped by the store. By custom the
// first is the kind ("kinesis.stream"), then account, region and name.
type Key []string

// maxKey bounds the escaped key, which is part of the bucket's subjects.
const maxKey = 4096

func (k Key) String() string { return strings.Join(k, "/") }

// sortKey is a string that orders as the segments do, one after the other: each ends
// in 00 01, and a zero byte within is 00 FF. So a prefix of segments is a prefix of bytes.
func (k Key) sortKey() string {
	n := 0
	for _, s := range k {
		n += len(s) + 2
	}
	return string(k.appendSort(make([]byte, 0, n)))
}

// appendSort appends the sortKey; those of the parts of a key, one after the other, are that of the whole.
func (k Key) appendSort(b []byte) []byte {
	for _, s := range k {
		for {
			i := strings.IndexByte(s, 0)
			if i < 0 {
				break
			}
			b = append(append(b, s[:i]...), "\x00\xff"...)
			s = s[i+1:]
		}
		b = append(append(b, s...), "\x00\x01"...)
	}
	return b
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

// escape is the key in the bucket's alphabet.
func (k Key) escape() (string, error) {
	if len(k) == 0 {
		return "", fmt.Errorf("%w: no segments", ErrKey)
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i, s := range k {
		if i > 0 {
			b.WriteByte('.')
		}
		if s == "" {
			b.WriteByte('_')
		}
		for j := range len(s) {
			if c := s[j]; plain(c) {
				b.WriteByte(c)
			} else {
				b.WriteByte('=')
				b.WriteByte(digits[c>>4])
				b.WriteByte(digits[c&15])
			}
		}
	}
	if b.Len() > maxKey {
		return "", fmt.Errorf("%w: %d bytes escaped, more than %d", ErrKey, b.Len(), maxKey)
	}
	return b.String(), nil
}

// unescape undoes escape. Only what escape writes is taken.
func unescape(name string) (Key, error) {
	var k Key
	for seg := range strings.SplitSeq(name, ".") {
		if seg == "_" {
			k = append(k, "")
			continue
		}
		var b strings.Builder
		for i := 0; i < len(seg); i++ {
			c := seg[i]
			if plain(c) {
				b.WriteByte(c)
				continue
			}
			var raw [1]byte
			if c != '=' || i+2 >= len(seg) || seg[i+1:i+3] != strings.ToUpper(seg[i+1:i+3]) {
				return nil, fmt.Errorf("%w: %q", ErrKey, name)
			}
			if _, err := hex.Decode(raw[:], []byte(seg[i+1:i+3])); err != nil || plain(raw[0]) {
				return nil, fmt.Errorf("%w: %q", ErrKey, name)
			}
			b.WriteByte(raw[0])
			i += 2
		}
		if b.Len() == 0 {
			return nil, fmt.Errorf("%w: %q", ErrKey, name)
		}
		k = append(k, b.String())
	}
	return k, nil
}
