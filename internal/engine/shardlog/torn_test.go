package shardlog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// blocks names the files in which the store keeps the shard's frames, in order.
func blocks(t *testing.T, dir string, s *Shard) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "nats/jetstream/*/streams/"+s.stream+"/msgs/*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

// loseSigns takes away what a server leaves that was stopped, or killed without a loss of
// power: by that the next one would know that the files were whole.
func loseSigns(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"manifest", "running"} {
		if err := os.Remove(filepath.Join(dir, "nats", name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTorn cuts the store's file in the middle of the last frame, as a power cut does to
// a frame that was not acknowledged, or leaves other bytes there: the frames before are
// read, nothing of the torn one is, and appends go on.
func TestTorn(t *testing.T) {
	const n = 10
	for _, c := range []struct {
		name  string
		index bool // the store's own index of the file is left
		tear  func(block []byte) []byte
	}{
		{"a byte is missing", false, func(b []byte) []byte { return b[:len(b)-1] }},
		{"a byte is missing, with the index", true, func(b []byte) []byte { return b[:len(b)-1] }},
		{"half is missing", false, func(b []byte) []byte { return b[:len(b)-60] }},
		{"half is zeros", false, func(b []byte) []byte { clear(b[len(b)-60:]); return b }},
		{"half is zeros, with the index", true, func(b []byte) []byte { clear(b[len(b)-60:]); return b }},
		{"zeros follow", false, func(b []byte) []byte { clear(b[len(b)-60:]); return append(b, make([]byte, 4096)...) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			l := start(t, dir, Options{})
			s := create(t, l, "s", ShardConfig{})
			var want []string
			for i := range n {
				want = append(want, fmt.Sprintf("record-%02d", i))
				put(t, s, want[i])
			}
			stop(t, l)
			loseSigns(t, dir)
			file := blocks(t, dir, s)[0]
			block, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, c.tear(block), 0o600); err != nil {
				t.Fatal(err)
			}
			if !c.index {
				if err := os.Remove(filepath.Join(filepath.Dir(file), "index.db")); err != nil {
					t.Fatal(err)
				}
			}
			l = start(t, dir, Options{})
			if s, err = l.Shard(t.Context(), "s"); err != nil {
				t.Fatal(err)
			}
			whole := want[:n-1]
			got, _ := readPast(t, s)
			equal(t, "after the tear", got, whole)
			put(t, s, "new")
			got, _ = readPast(t, s)
			equal(t, "after an append", got, append(whole[:n-1:n-1], "new"))
			stop(t, l)
			l = start(t, dir, Options{})
			if s, err = l.Shard(t.Context(), "s"); err != nil {
				t.Fatal(err)
			}
			got, _ = readPast(t, s)
			equal(t, "after another start", got, append(whole[:n-1:n-1], "new"))
		})
	}
}
