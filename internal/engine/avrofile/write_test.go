package avrofile

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// TestWriter reads the blocks of a file of each codec that is written.
func TestWriter(t *testing.T) {
	schema := []byte(`{"type":"record","name":"row","fields":[{"name":"a","type":"string"}]}`)
	blocks := [][]byte{bytes.Repeat([]byte("\x06abc"), 50_000), []byte("\x02x"), bytes.Repeat([]byte{0}, 1<<20)}
	for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
		var out bytes.Buffer
		w, err := NewWriter(&out, schema, codec)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range blocks {
			if err := w.Write(i+1, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := Open(&out)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.Codec != codec || !bytes.Equal(r.Schema, schema) {
			t.Errorf("codec %s, schema %s", r.Codec, r.Schema)
		}
		for i, want := range blocks {
			records, b, err := r.Next()
			if err != nil || records != int64(i+1) || !bytes.Equal(b, want) {
				t.Errorf("%s: block %d has %d records and %d bytes, %v", codec, i, records, len(b), err)
			}
		}
		if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the last block: %v", codec, err)
		}
	}
	if _, err := NewWriter(io.Discard, schema, "bzip2"); err == nil {
		t.Error("a codec that is not written was taken")
	}
}
