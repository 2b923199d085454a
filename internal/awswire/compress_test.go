package awswire

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"
)

func TestAcceptedEncoding(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"", ""}, {"identity", ""}, {"br", ""}, {"zstd", ""}, {"x-gzip", ""}, {"identity;q=0", ""}, {"*;q=0", ""},
		{"gzip, deflate", "gzip"}, {"br, identity, deflate, gzip", "deflate"}, {"GZIP, identity", "gzip"}, {"dog, gzip ,, cat", "gzip"},
		{"gzip;q=0.8, deflate;q=0.5", "gzip"}, {"br, gzip;q=0, deflate; q = 0.5 , identity;q=0", "deflate"},
		{"*", "gzip"}, {"*, deflate;q=0.5", "gzip"}, {"*, deflate", "deflate"}, {"*, identity", "gzip"}, {"*, gzip;q=0.5", "deflate"},
		{"gzip ;q=0", ""}, {"*;q=0.5,identity", "gzip"}, {"gzip;q=0.5,identity;q=0.8", "gzip"}, {"br;q=0.8,identity;q=0.5,*;q=0", ""},
		{`"gzip"`, ""}, {"gzip br", ""}, {"gzip:q=1", ""}, {"deflate;q=0.5, gzip;q=31", "gzip"}, {"gzip;q=31,deflate;q=51", "gzip"},
		{"deflate;q=0.5, gzip;q=0.2", "deflate"}, {"deflate;q=0.5, gzip;q=1;q=0.2", "gzip"}, {"deflate;q=0.5,gzip;q=0.", "deflate"},
		{"deflate;q=0.5,gzip;q=0.x", "gzip"}, {"deflate;q=-0.5,gzip;q=0.2", "gzip"}, {"gzip;nq=1;q=0 ", ""}, {"gzip;q=0, gzip;q=1, gzip;q=0", "gzip"},
		{"br,identity;q=0.5,gzip;q=0.0001", "gzip"}, {"gzip;q=NaN", "gzip"},
	} {
		if got := acceptedEncoding([]string{"br", c.header}); got != c.want {
			t.Errorf("%q: %q, want %q", c.header, got, c.want)
		}
	}
	if got := acceptedEncoding(nil); got != "" {
		t.Errorf("without the header: %q", got)
	}
}

func FuzzAcceptedEncoding(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=1")
	f.Fuzz(func(t *testing.T, header string) {
		if got := acceptedEncoding([]string{header}); got != "" && got != "gzip" && got != "deflate" {
			t.Errorf("%q", got)
		}
	})
}

func TestCompressed(t *testing.T) {
	body := []byte(strings.Repeat("an answer, ", 5000))
	readers := map[string]func(io.Reader) (io.Reader, error){
		"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"deflate": func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
	}
	for how, open := range readers {
		for range 2 { // the second by an encoder that was used
			out := compressed(how, body)
			r, err := open(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, body) || len(out) > len(body)/10 {
				t.Errorf("%s: %d bytes of %d, %v", how, len(out), len(body), err)
			}
		}
	}
}
