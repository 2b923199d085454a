package orcfile

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// TestRuns reads what is written of runs, steps, literals and values at the edges of both.
func TestRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, signed := range []bool{false, true} {
		for range 200 {
			var v []int64
			for len(v) < 1000 {
				switch n, at := 1+random.IntN(300), random.Int64(); random.IntN(4) {
				case 0:
					for range n {
						v = append(v, at)
					}
				case 1:
					step := random.Int64N(300) - 150
					for i := range n {
						v = append(v, at+int64(i)*step)
					}
				case 2:
					for range n {
						v = append(v, random.Int64()>>random.IntN(64))
					}
				case 3:
					v = append(v, -1<<63, 1<<63-1, 0, 1, 2, 2, 2)
				}
			}
			if !signed {
				for i := range v {
					v[i] &= 1<<62 - 1
				}
			}
			r := newNumbers(bufio.NewReader(bytes.NewReader(appendNumbers(nil, v, signed))), false, signed)
			for i, want := range v {
				if got, err := r.next(); err != nil || got != want {
					t.Fatalf("value %d of %v: %d, %v, want %d", i, v[max(0, i-3):i+1], got, err, want)
				}
			}
		}
	}
	for n := range 400 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.IntN(3) * random.IntN(2))
		}
		r := byteRuns{r: bufio.NewReader(bytes.NewReader(appendBytes(nil, b)))}
		for i, want := range b {
			if got, err := r.next(); err != nil || got != want {
				t.Fatalf("byte %d of %v: %d, %v", i, b, got, err)
			}
		}
	}
}

// TestWriter reads a file of each compression that is written in two stripes.
func TestWriter(t *testing.T) {
	types := []Type{{Kind: Struct, Children: []int{1, 2, 3, 5}, Names: []string{"n", "s", "l", "d"}}, {Kind: Long}, {Kind: Varchar, Length: 9}, {Kind: List, Children: []int{4}}, {Kind: Timestamp}, {Kind: Decimal, Precision: 38, Scale: 2}}
	const rows = 30_000
	for compression := range compressions {
		var out bytes.Buffer
		w, err := NewWriter(&out, types, strings.ToLower(compression))
		if err != nil {
			t.Fatal(err)
		}
		n, s, l, d := &Values{}, &Values{}, &Values{}, &Values{}
		times := &Values{}
		for i := range rows {
			n.Null = append(n.Null, i%7 == 0)
			if i%7 != 0 {
				n.Wholes = append(n.Wholes, int64(i)*1_000_003)
			}
			s.Null, s.Texts = append(s.Null, false), append(s.Texts, []byte(strings.Repeat("é", i%9)))
			l.Null, l.Lengths = append(l.Null, false), append(l.Lengths, int64(i%3))
			for range i % 3 {
				times.Null, times.Wholes = append(times.Null, false), append(times.Wholes, int64(i-rows/2)*86_400_123_000)
			}
			d.Null, d.Decimals = append(d.Null, false), append(d.Decimals, decimal128.FromI64(int64(i-rows/2)))
		}
		l.Kids = []*Values{times}
		for range 2 {
			if err := w.Write(rows, []*Values{n, s, l, d}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatalf("%s: %v", compression, err)
		}
		if len(f.Stripes) != 2 || f.Stripes[1].Rows != rows || f.Types[2].Length != 9 || f.Types[5].Precision != 38 || !slices.Equal(f.Types[0].Names, types[0].Names) {
			t.Fatalf("%s: %+v, %+v", compression, f.Stripes, f.Types)
		}
		for _, stripe := range f.Stripes {
			c, err := f.Columns(stripe, []int{1, 2, 3, 5})
			if err != nil {
				t.Fatal(err)
			}
			stamp := 0
			for i := range rows {
				if there, err := c[0].Present(); err != nil || there != !n.Null[i] {
					t.Fatalf("%s: row %d is there: %v, %v", compression, i, there, err)
				} else if there {
					if v, err := c[0].Whole(); err != nil || v != int64(i)*1_000_003 {
						t.Fatalf("%s: row %d: %d, %v", compression, i, v, err)
					}
				}
				if v, err := c[1].Text(); err != nil || string(v) != string(s.Texts[i]) {
					t.Fatalf("%s: row %d: %q, %v", compression, i, v, err)
				}
				if v, err := c[2].Length(); err != nil || v != int64(i%3) {
					t.Fatalf("%s: row %d: %d elements, %v", compression, i, v, err)
				}
				for range i % 3 {
					if v, err := c[2].Kids[0].Time(); err != nil || v != times.Wholes[stamp] {
						t.Fatalf("%s: row %d: %d, %v, want %d", compression, i, v, err, times.Wholes[stamp])
					}
					stamp++
				}
				if v, err := c[3].Decimal(); err != nil || v.Int64() != int64(i-rows/2) {
					t.Fatalf("%s: row %d: %v, %v", compression, i, v, err)
				}
			}
		}
	}
}

// TestWriterRefuses names what a file cannot hold.
func TestWriterRefuses(t *testing.T) {
	if _, err := NewWriter(&bytes.Buffer{}, []Type{{Kind: Struct}}, "LZO"); err == nil {
		t.Error("a compression that is not written was taken")
	}
	w, err := NewWriter(&bytes.Buffer{}, []Type{{Kind: Struct, Children: []int{1}, Names: []string{"t"}}, {Kind: Timestamp}}, "NONE")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*Values{{Null: []bool{false}, Wholes: []int64{-500_000}}, {Null: []bool{false}}, {Null: []bool{true, true}}, {Null: []bool{false}, Texts: [][]byte{nil}}} {
		if err := w.Write(1, []*Values{v}); err == nil {
			t.Errorf("%+v was written", v)
		}
	}
}
