package crawl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/orcfile"
)

// failingSource fails from the given call of Open on.
type failingSource struct {
	mapSource
	after int
	calls int
}

var errSource = errors.New("the source is gone")

func (s *failingSource) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if s.calls++; s.calls > s.after {
		return nil, errSource
	}
	return s.mapSource.Open(ctx, key, offset, length)
}

// largeORC is a file that is more than a head and has a footer that is more than a tail.
func largeORC(t *testing.T, columns int, compression string) []byte {
	t.Helper()
	types := []orcfile.Type{{Kind: orcfile.Struct}}
	var values []*orcfile.Values
	for i := range columns {
		kind, v := orcfile.Long, &orcfile.Values{Null: make([]bool, 1), Wholes: []int64{1}}
		if i == 0 {
			kind, v = orcfile.Binary, &orcfile.Values{Null: make([]bool, 1), Texts: [][]byte{make([]byte, headSize)}}
		}
		types[0].Children, types[0].Names = append(types[0].Children, i+1), append(types[0].Names, fmt.Sprintf("%s_%04d", strings.Repeat("c", 60), i))
		types, values = append(types, orcfile.Type{Kind: kind}), append(values, v)
	}
	var b bytes.Buffer
	w, err := orcfile.NewWriter(&b, types, compression)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(1, values), w.Write(1, values), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLargeORC(t *testing.T) {
	const columns = 1500
	src := &failingSource{mapSource: mapSource{"x/f.orc": largeORC(t, columns, "none")}, after: 3} // head, tail, footer
	tables, err := Run(t.Context(), src, "x/", "b", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := tables[0]; got.Format.Classification != ORC || len(got.Columns) != columns || got.Records != 2 {
		t.Errorf("%s, %d columns, %d records", got.Format.Classification, len(got.Columns), got.Records)
	}
	if src.calls != 3 {
		t.Errorf("%d reads", src.calls)
	}
	for after := range 3 {
		src := &failingSource{mapSource: src.mapSource, after: after}
		if tables, err := Run(t.Context(), src, "x/", "b", Options{}); !errors.Is(err, errSource) {
			t.Errorf("a source that fails after %d reads: %v, %v", after, tables, err)
		}
	}
}

func TestORCCompressions(t *testing.T) {
	for _, c := range []string{"none", "zlib", "snappy", "lz4", "zstd"} {
		tables, err := Run(t.Context(), mapSource{"x/f.orc": largeORC(t, 100, c)}, "x/", "b", Options{})
		if err != nil || len(tables) != 1 || tables[0].Format.Classification != ORC || len(tables[0].Columns) != 100 {
			t.Errorf("%s: %+v (%v)", c, tables, err)
		}
	}
}

// TestBrokenORC: a file that is cut or changed anywhere in its end is Unknown, or what it was.
func TestBrokenORC(t *testing.T) {
	whole := mapSource{"x/f.orc": largeORC(t, 3, "none")}["x/f.orc"]
	whole = append([]byte("ORC"), whole[len(whole)-400:]...)
	for i := 3; i < len(whole); i++ {
		for _, b := range [][]byte{whole[:i], append(append(bytes.Clone(whole[:i]), whole[i]^0xff), whole[i+1:]...)} {
			if _, err := Run(t.Context(), mapSource{"x/f.orc": b}, "x/", "b", Options{}); err != nil {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
}
