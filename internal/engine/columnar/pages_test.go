package columnar

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// TestRowGroups has more rows than a row group takes, with columns whose pages end at
// different rows, all null for a while, and of one value.
func TestRowGroups(t *testing.T) {
	type row struct {
		N    *int64  `parquet:"n"`
		Text *string `parquet:"text"`
		Rare *bool   `parquet:"rare"`
	}
	s := Schema{{"n", mustType("bigint")}, {"text", mustType("string")}, {"rare", mustType("boolean")}}
	const rows = groupRows + 3*pageRows/2
	for _, o := range []Options{{}, {Dictionary: true}, {WriterVersion: V2, Codec: None}} {
		var out bytes.Buffer
		w, err := NewWriter(&out, s, o)
		if err != nil {
			t.Fatal(err)
		}
		var rec []byte
		for i := range rows {
			rec = fmt.Appendf(rec[:0], `{"n":%d`, i)
			if i/5000%2 == 0 {
				rec = fmt.Appendf(rec, `,"text":"the text of row number %d, which is not short"`, i%100)
			}
			if i%40_000 == 7 {
				rec = append(rec, `,"rare":true`...)
			}
			if err := w.WriteJSON(append(rec, '}')); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if g := f.RowGroups(); len(g) != 2 || g[0].NumRows() != groupRows {
			t.Fatalf("%+v: %d row groups, %d rows in the first", o, len(g), g[0].NumRows())
		}
		got := make([]row, rows)
		if n, err := parquet.NewGenericReader[row](bytes.NewReader(out.Bytes())).Read(got); n != rows || err != nil && err != io.EOF {
			t.Fatalf("%+v: read back %d rows: %v", o, n, err)
		}
		for i, r := range got {
			text := fmt.Sprintf("the text of row number %d, which is not short", i%100)
			if r.N == nil || *r.N != int64(i) || (r.Text != nil) != (i/5000%2 == 0) || r.Text != nil && *r.Text != text || (r.Rare != nil) != (i%40_000 == 7) {
				t.Fatalf("%+v: row %d is %+v", o, i, r)
			}
		}
	}
}

// TestAbort: a writer that was given up writes no more and keeps no goroutine at it.
func TestAbort(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, Schema{{"n", mustType("int")}}, Options{BlockSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 * batchRows {
		if err := w.WriteJSON([]byte(`{"n":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	w.Abort()
	n := out.Len() // a race, were it still written to
	if err := w.WriteJSON([]byte(`{"n":1}`)); err == nil {
		t.Error("a row was taken after Abort")
	}
	if err := w.Close(); err != nil || out.Len() != n {
		t.Errorf("Close after Abort: %v, %d bytes written", err, out.Len()-n)
	}
}

// TestPageMemory: what is used again is as good as new.
func TestPageMemory(t *testing.T) {
	var m pageMemory
	for _, size := range []int{1, 1 << minPageClass, 5000, 1 << 20} {
		b := m.Allocate(size)
		for i := range b {
			b[i] = 0xff
		}
		grown := m.Reallocate(3*size, b)
		if len(grown) != 3*size || !bytes.Equal(grown[:size], bytes.Repeat([]byte{0xff}, size)) || !zero(grown[size:]) {
			t.Fatalf("%d bytes did not grow as they should", size)
		}
		m.Free(grown)
		if again := m.Allocate(3*size - 1); len(again) != 3*size-1 || !zero(again) {
			t.Fatalf("%d bytes used again are not zero", size)
		}
	}
	for range 100 {
		m.Free(make([]byte, 1<<20))
	}
	if m.idle > maxIdlePages {
		t.Errorf("%d bytes are kept", m.idle)
	}
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
