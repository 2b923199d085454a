package etl

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// object is one in memory.
type object struct{ *bytes.Reader }

// TestBombs reads small objects that are large uncompressed, or small texts of very many rows: each ends
// with ErrTooLarge before it has taken much more memory than the limit.
func TestBombs(t *testing.T) {
	const limit, text = 16 << 20, 64 << 20
	packed := func(zst bool, what string) []byte {
		var b bytes.Buffer
		part := []byte(strings.Repeat(what, (1<<20)/len(what)))
		if zst {
			z, err := zstd.NewWriter(&b)
			if err != nil {
				t.Fatal(err)
			}
			for n := 0; n < text; n += len(part) {
				_, _ = z.Write(part)
			}
			z.Close()
			return b.Bytes()
		}
		z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		for n := 0; n < text; n += len(part) {
			_, _ = z.Write(part)
		}
		z.Close()
		return b.Bytes()
	}
	for _, tt := range []struct {
		name, format string
		data         []byte
	}{
		{"a.json.gz", "json", packed(false, `{"a":1}`)},
		{"a.json.zst", "json", packed(true, `{"a":1}`)},
		{"blank.json.gz", "json", packed(false, " ")},
		{"one.json.gz", "json", packed(false, "[")},
		{"a.csv.gz", "csv", packed(false, "1,2\n")},
		{"wide.csv.zst", "csv", packed(true, ",")},
		{"empty.json", "json", bytes.Repeat([]byte("{}"), limit/8)},
		{"elements.json", "json", []byte("[" + strings.Repeat("{},", limit/8) + "{}]")},
		{"narrow.csv", "csv", bytes.Repeat([]byte("1\n"), limit/8)},
		{"commas.csv", "csv", bytes.Repeat([]byte(strings.Repeat(",", 1000)+"\n"), limit/4000)},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := NewReader(ReadOptions{Format: tt.format, MaxBytes: limit})
		err := r.Add(tt.name, object{bytes.NewReader(tt.data)}, nil)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, errLongRow) {
			t.Errorf("%s of %d bytes: %v", tt.name, len(tt.data), err)
		}
		// All that was allocated, what is free again included.
		most := uint64(12 * limit)
		if errors.Is(err, errLongRow) {
			most = 300 * maxRow // fields, in memory that grows by doubling
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > most {
			t.Errorf("%s: %d MiB for a limit of %d MiB", tt.name, took>>20, limit>>20)
		}
	}
}

// TestGraphOfManySteps: steps that double what they are given end with ErrTooLarge, and a long chain of steps does not hold
// the frames that no later step wants.
func TestGraphOfManySteps(t *testing.T) {
	var lines []string
	for range 1000 {
		lines = append(lines, `{"a":1,"b":"text"}`)
	}
	source := frame(t, lines...)
	rows, err := SelectFields{Paths: [][]string{{"a"}, {"b"}}}.Apply(t.Context(), []*Frame{source})
	if err != nil {
		t.Fatal(err)
	}
	limit := Limits{Bytes: rows[0].Bytes() * 3 / 2}
	chain := func(n int, do Transform, inputs int) error {
		nodes, last := []Node{{ID: "s"}}, "s"
		for i := range n {
			id := fmt.Sprint("n", i)
			nodes = append(nodes, Node{ID: id, Inputs: slices.Repeat([]string{last}, inputs), Do: do})
			last = id
		}
		g, err := NewGraph(append(nodes, Node{ID: "t", Inputs: []string{last}}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.Run(t.Context(), map[string]*Frame{"s": source}, limit)
		return err
	}
	if err := chain(40, Union{}, 2); !errors.Is(err, ErrTooLarge) {
		t.Errorf("40 unions: %v", err)
	}
	if err := chain(100, SelectFields{Paths: [][]string{{"a"}, {"b"}}}, 1); err != nil {
		t.Errorf("a chain: %v", err)
	}
	// Frames that later steps want count together.
	nodes, all := []Node{{ID: "s"}}, []string{}
	for i := range 4 {
		id := fmt.Sprint("n", i)
		nodes, all = append(nodes, Node{ID: id, Inputs: []string{"s"}, Do: RenameField{From: []string{"a"}, To: []string{id}}}), append(all, id)
	}
	for _, id := range all {
		nodes = append(nodes, Node{ID: "z" + id, Inputs: []string{id}})
	}
	g, err := NewGraph(nodes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Run(t.Context(), map[string]*Frame{"s": source}, limit); !errors.Is(err, ErrTooLarge) {
		t.Errorf("four frames at once: %v", err)
	}
}
