package scan

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func FuzzBase64(f *testing.F) {
	for _, seed := range []string{"", "aGVsbG8gd29ybGQgYW5kIG1vcmU=", "aGVsbG9=", "aGVs\nbG8="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := base64.StdEncoding.Strict().DecodeString(s)
		if strings.ContainsAny(s, "\r\n") {
			err = errors.New("white space")
		}
		dst := make([]byte, DecodedLen(len(s)))
		n, ok := DecodeBase64(dst, []byte(s))
		if ok != (err == nil) || ok && !bytes.Equal(dst[:n], want) {
			t.Errorf("DecodeBase64(%q) = %q, %v; want %q, %v", s, dst[:n], ok, want, err)
		}
		if got := string(AppendBase64([]byte("x"), []byte(s))); got != "x"+base64.StdEncoding.EncodeToString([]byte(s)) {
			t.Errorf("AppendBase64(%q) = %q", s, got)
		}
	})
}

func BenchmarkBase64(b *testing.B) {
	src := bytes.Repeat([]byte{0x5a, 0xa5, 0x11, 0xfe}, 50)
	text := AppendBase64(nil, src)
	for _, bm := range []struct {
		name string
		f    func(dst []byte)
	}{
		{"append", func(dst []byte) { AppendBase64(dst[:0], src) }},
		{"append/std", func(dst []byte) { base64.StdEncoding.AppendEncode(dst[:0], src) }},
		{"decode", func(dst []byte) { DecodeBase64(dst, text) }},
		{"decode/std", func(dst []byte) { base64.StdEncoding.Decode(dst, text) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			dst := make([]byte, 300)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				bm.f(dst)
			}
		})
	}
}
