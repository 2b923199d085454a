package worker

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func newPool(t *testing.T, memory, data int64) *Pool {
	p, err := Start(Settings{Dir: t.TempDir(), TempDir: t.TempDir(), Memory: memory, DataLimit: data, Threads: 2, Slots: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// one returns the only value of a statement.
func one(t *testing.T, p *Pool, text string) (string, error) {
	r, err := p.Run(t.Context(), Call{Text: text})
	if err != nil {
		return "", err
	}
	defer r.Close()
	out := ""
	for r.Next() {
		out += r.Row()[0].Text
	}
	return out, r.Err()
}

// TestAlone: a statement that is run again by itself holds none of the others, and leaves nothing.
func TestAlone(t *testing.T) {
	p := newPool(t, 256<<20, 0)
	if err := p.lone.Acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	// Its rows are not read, so that it does not end. Those that are sorted do not find room in memory.
	r, _, err := p.run(t.Context(), Call{Text: "SELECT hash(range) h, repeat('x', 100) FROM range(4000000) ORDER BY h"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.secondSpill()); err != nil {
		t.Errorf("it does not spill: %v", err)
	}
	for i := range 4 {
		want := strconv.Itoa(i)
		if got, err := one(t, p, "SELECT "+want); err != nil || got != want {
			t.Errorf("another statement: %q, %v", got, err)
		}
	}
	r.Close()
	if p.second != nil {
		t.Error("its process goes on")
	}
	if _, err := os.Stat(p.secondSpill()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what it spilled stays: %v", err)
	}
	if !p.lone.TryAcquire(1) {
		t.Error("no other could be run by itself")
	}
}

// TestGiveBack: memory that statements have had is there for those that follow.
func TestGiveBack(t *testing.T) {
	p := newPool(t, 256<<20, 1088<<20) // as an engine of so much memory has
	for range 3 {
		got, err := one(t, p, "SELECT count(*) FROM (SELECT DISTINCT range, repeat('x', 100 + range % 10) FROM range(3000000))")
		if err != nil || got != "3000000" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := one(t, p, "SELECT len(list(repeat('x', 100000))) FROM range(20000)"); !outOfMemory(err) && !errors.Is(err, ErrMemory) {
			t.Errorf("a statement that needs 2 GB: %v", err)
		}
	}
}
