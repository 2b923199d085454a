package storeindex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// makeBlocks makes a stream of blocks 1, 2..., without a server.
func makeBlocks(t testing.TB, blocks ...[]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s")
	if err := os.MkdirAll(filepath.Join(dir, "msgs"), 0o700); err != nil {
		t.Fatal(err)
	}
	meta, err := json.Marshal(server.FileStreamInfo{StreamConfig: server.StreamConfig{Name: "s", Subjects: []string{"x"}, Storage: server.FileStorage}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"meta.inf": meta, "msgs/index.db": []byte("of before")}
	for i, data := range blocks {
		files[fmt.Sprintf("msgs/%d.blk", i+1)] = data
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sequences are those of the records in the blocks that a stream has.
func sequences(t testing.TB, dir string) (all []uint64) {
	t.Helper()
	for i := 1; ; i++ {
		data, err := os.ReadFile(filepath.Join(dir, "msgs", fmt.Sprintf("%d.blk", i)))
		if err != nil {
			return all
		}
		for len(data) > 0 {
			r, ok := parse(data)
			if !ok || r.length > int64(len(data)) {
				return append(all, 0) // not a record
			}
			all, data = append(all, r.sequence), data[r.length:]
		}
	}
}

func TestMend(t *testing.T) {
	zeros := make([]byte, len(example(1)))
	changed := func(seq uint64) []byte {
		b := example(seq)
		b[recordHeader+3] ^= 1
		return b
	}
	// Blocks 1, 2 and 3. Records are made for block 2, so that the checksums of the others
	// do not hold: those have to be before the sequence.
	for _, c := range []struct {
		name   string
		from   uint64
		blocks [][]byte
		want   []uint64
		index  bool // is kept
	}{
		{"whole", 2, [][]byte{example(1), slices.Concat(example(2), example(3))}, []uint64{1, 2, 3}, true},
		{"nothing to mend", 9, [][]byte{example(1), slices.Concat(example(2), changed(3))}, []uint64{1, 2, 3}, true},
		{"torn", 2, [][]byte{example(1), slices.Concat(example(2), example(3)[:20])}, []uint64{1, 2}, false},
		{"zeros", 2, [][]byte{example(1), slices.Concat(example(2), zeros, example(4))}, []uint64{1, 2}, false},
		{"changed", 2, [][]byte{example(1), slices.Concat(example(2), changed(3), example(4))}, []uint64{1, 2}, false},
		{"changed at the beginning of a block", 2, [][]byte{example(1), changed(2), example(3)}, []uint64{1}, false},
		{"missing", 2, [][]byte{example(1), slices.Concat(example(2), example(4)), example(5)}, []uint64{1, 2}, false},
		{"end of a block missing", 3, [][]byte{example(1), example(2), example(4)}, []uint64{1, 2}, false},
		{"old damage", 3, [][]byte{slices.Concat(example(1), zeros), example(3)}, []uint64{1, 0}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := makeBlocks(t, c.blocks...)
			if err := Mend(dir, c.from); err != nil {
				t.Fatal(err)
			}
			if got := sequences(t, dir); !slices.Equal(got, c.want) {
				t.Errorf("left %v, want %v", got, c.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "msgs", indexFile)); (err == nil) != c.index {
				t.Errorf("the index: %v", err)
			}
		})
	}
}

// FuzzMend mends any bytes: what is left is a beginning of what there was.
func FuzzMend(f *testing.F) {
	f.Add([]byte{}, []byte{}, uint64(1))
	f.Add(example(1), append(example(2), example(3)...), uint64(2))
	f.Add(example(1), append(example(2), example(3|isTombstone)...), uint64(2))
	f.Add(example(1), append(example(2), make([]byte, 40)...), uint64(2))
	f.Fuzz(func(t *testing.T, one, two []byte, from uint64) {
		dir := makeBlocks(t, one, two)
		if err := Mend(dir, from); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(filepath.Join(dir, "msgs", "1.blk"))
		b, _ := os.ReadFile(filepath.Join(dir, "msgs", "2.blk"))
		if !bytes.HasPrefix(slices.Concat(one, two), slices.Concat(a, b)) {
			t.Fatal("what is left is not what there was")
		}
	})
}
