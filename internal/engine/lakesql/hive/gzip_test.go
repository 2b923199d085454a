package hive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// TestGzipEnd: what comes behind a member of gzip is another, zeros, or the error of the file.
func TestGzipEnd(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte("a"))
	z.Close()
	member := b.Bytes()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		behind io.Reader
		want   string
		err    error
	}{
		"nothing":        {bytes.NewReader(nil), "a", nil},
		"zeros":          {bytes.NewReader(make([]byte, 70)), "a", nil},
		"another":        {bytes.NewReader(member), "aa", nil},
		"others":         {bytes.NewReader([]byte("text that is none")), "a", gzip.ErrHeader},
		"an error":       {iotest.ErrReader(broken), "a", broken},
		"half of one":    {bytes.NewReader(member[:5]), "a", io.ErrUnexpectedEOF},
		"zeros, another": {io.MultiReader(bytes.NewReader(make([]byte, 3)), bytes.NewReader(member)), "aa", nil},
	} {
		r, err := newGzipReader(bufio.NewReader(io.MultiReader(bytes.NewReader(member), c.behind)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
