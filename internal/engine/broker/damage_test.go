package broker_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/testdir"
)

var damages = flag.Int("damages", 200, "how often TestDamage damages a directory")

type thing struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// node is the log and the state on a directory.
type node struct {
	b   *broker.Broker
	s   *state.Store
	log *shardlog.Log
}

func open(ctx context.Context, dir string) (n node, err error) {
	if n.b, err = broker.Start(broker.Options{Dir: dir}); err != nil {
		return n, err
	}
	if n.s, err = state.Open(ctx, n.b, state.Options{}); err == nil {
		n.log, err = shardlog.Open(ctx, n.b, shardlog.Options{})
	}
	if err != nil {
		n.close()
	}
	return n, err
}

func (n node) close() {
	if n.log != nil {
		n.log.Close()
	}
	if n.s != nil {
		n.s.Close()
	}
	n.b.Close()
}

// contents are what was acknowledged.
type contents struct {
	docs   map[string]string
	shards map[string][]string
}

func fill(t *testing.T, n node) contents {
	t.Helper()
	ctx := t.Context()
	c := contents{map[string]string{}, map[string][]string{}}
	things := state.NewCollection[thing](n.s, "thing")
	for i := range 40 {
		k := fmt.Sprintf("k%02d", i)
		c.docs[k] = strings.Repeat(k, 1+i)
		if err := things.Put(ctx, &thing{i, c.docs[k]}, "eu", k); err != nil {
			t.Fatal(err)
		}
	}
	for k := range 5 { // gaps, as changes leave them
		if err := things.Delete(ctx, "eu", fmt.Sprintf("k%02d", 7*k)); err != nil {
			t.Fatal(err)
		}
		delete(c.docs, fmt.Sprintf("k%02d", 7*k))
	}
	for name, size := range map[string]int{"a/quiet": 20, "a/busy": 300, "b/large": 900 << 10} {
		s, err := n.log.CreateShard(ctx, name, shardlog.ShardConfig{MaxAge: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			var b shardlog.Batch
			r := fmt.Sprintf("%s-%02d", name, i)
			c.shards[name] = append(c.shards[name], r)
			b.Add([]byte(r), make([]byte, size))
			if _, _, err := s.Append(ctx, &b); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// verify opens the directory and compares it with what was acknowledged. It returns what
// the node tells of damage, and fails the test for what is missing without a word.
func (c contents) verify(t *testing.T, dir string) (told error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	n, err := open(ctx, dir)
	if err != nil {
		if ctx.Err() != nil {
			t.Errorf("the start hung: %v", err)
		}
		return err
	}
	defer n.close()
	things := state.NewCollection[thing](n.s, "thing")
	if err := n.s.Check(); err != nil {
		return err
	}
	have := map[string]bool{}
	for it, err := range things.List("eu") {
		if err != nil {
			return err
		}
		have[it.Key[1]] = true
		if it.Value.Text != c.docs[it.Key[1]] {
			t.Errorf("document %s is %q", it.Key[1], it.Value.Text)
		}
	}
	for k := range c.docs {
		if !have[k] {
			t.Errorf("document %s is lost without a word", k)
		}
	}
	for name, want := range c.shards {
		s, err := n.log.Shard(ctx, name)
		if err != nil {
			if errors.Is(err, shardlog.ErrNoShard) {
				t.Errorf("shard %s is lost without a word", name)
			}
			told = errors.Join(told, err)
			continue
		}
		var got []string
		faults := false
		for at := (shardlog.Position{}); ; {
			recs, next, err := s.Read(ctx, at, shardlog.ReadOptions{}, nil)
			for _, r := range recs {
				got = append(got, string(r.Key))
			}
			if err != nil {
				told, faults = errors.Join(told, err), true
				if !errors.Is(err, shardlog.ErrCorrupt) {
					if ctx.Err() != nil {
						t.Errorf("reading %s hung: %v", name, err)
					}
					break
				}
			}
			if err == nil && len(recs) == 0 {
				break
			}
			at = next
		}
		if !faults && !slices.Equal(got, want) {
			t.Errorf("shard %s has %d records of %d, without a word", name, len(got), len(want))
		}
		for _, r := range got {
			if !slices.Contains(want, r) {
				t.Errorf("shard %s has a record %q that nobody put", name, r)
			}
		}
		var b shardlog.Batch
		b.Add([]byte("after"), nil)
		if p, _, err := s.Append(ctx, &b); err != nil {
			told = errors.Join(told, err)
		} else if p.Frame != uint64(len(want)+1) {
			t.Errorf("shard %s goes on at %v after %d frames", name, p, len(want))
		}
	}
	return told
}

func filesBelow(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// damage does something to one file and says what.
func damage(t *testing.T, r *rand.Rand, dir string) string {
	t.Helper()
	all := filesBelow(t, dir)
	file := all[r.IntN(len(all))]
	rel, _ := filepath.Rel(dir, file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	what := "deleted"
	switch n := r.IntN(10); {
	case n < 6 && len(data) > 0:
		i := r.IntN(len(data))
		if r.IntN(2) == 0 { // heads and lengths are rare in large files
			i = r.IntN(min(len(data), 200))
		}
		data[i] ^= 1 << r.IntN(8)
		what, err = fmt.Sprintf("bit flipped in byte %d of %d", i, len(data)), os.WriteFile(file, data, 0o600)
	case n < 7 && len(data) > 0:
		i := r.IntN(len(data))
		what, err = fmt.Sprintf("cut to %d of %d", i, len(data)), os.Truncate(file, int64(i))
	default:
		err = os.Remove(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return rel + " " + what
}

// TestHalfRemoved starts on a directory where a kill has left some of a deleted stream's files.
func TestHalfRemoved(t *testing.T) {
	dir := t.TempDir()
	n, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	c := fill(t, n)
	n.close()
	streams := filepath.Join(dir, "jetstream", "$G", "streams")
	all, err := filepath.Glob(filepath.Join(streams, "shard-*"))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	// As the server does it: another name, and then one file after the other.
	gone := filepath.Join(streams, ".shard-gone")
	if err := os.CopyFS(gone, os.DirFS(all[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(gone, "meta.inf")); err != nil {
		t.Fatal(err)
	}
	if err := c.verify(t, dir); err != nil {
		t.Errorf("a stream that was being removed: %v", err)
	}
}

// TestEmptyLastBlock finds nothing wrong with a stream whose last block was begun, but has no
// message: a kill or a full disk leaves that.
func TestEmptyLastBlock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	n, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := fill(t, n)
	n.close()
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "shard-a*", "msgs", "1.blk"))
	if err != nil || len(blocks) != 2 {
		t.Fatal(blocks, err)
	}
	for _, b := range blocks {
		if err := os.WriteFile(filepath.Join(filepath.Dir(b), "2.blk"), make([]byte, 30), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "manifest")); err != nil {
		t.Fatal(err)
	}
	if err := want.verify(t, dir); err != nil {
		t.Error(err)
	}
}

// TestDamage damages the files of a node that was stopped, and of one that was killed. The
// node is healthy, or tells that it is not. It never hangs, and nothing is missing without a
// word.
func TestDamage(t *testing.T) {
	stopped, killed := filepath.Join(t.TempDir(), "stopped"), filepath.Join(t.TempDir(), "killed")
	n, err := open(t.Context(), stopped)
	if err != nil {
		t.Fatal(err)
	}
	want := fill(t, n)
	testdir.Copy(t, killed, stopped)
	n.close()
	times := *damages
	if testing.Short() {
		times = 20
	}
	var healthy, refused, told atomic.Int64
	t.Run("case", func(t *testing.T) {
		for i := range times {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel() // a case waits for the disk most of its time
				dir := filepath.Join(t.TempDir(), "d")
				from := stopped
				if i%4 == 3 {
					from = killed
				}
				if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
				r := rand.New(rand.NewPCG(uint64(i), 1))
				what := filepath.Base(from) + ": " + damage(t, r, dir)
				begin := time.Now()
				err := want.verify(t, dir)
				switch {
				case err == nil:
					healthy.Add(1)
				case errors.Is(err, broker.ErrDamaged):
					refused.Add(1)
				default:
					told.Add(1)
				}
				if took := time.Since(begin); t.Failed() || took > 10*time.Second || testing.Verbose() {
					t.Logf("%s: %v after %v", what, err, took.Round(time.Millisecond))
				}
			})
		}
	})
	t.Logf("%d healthy, %d refused, %d told later", healthy.Load(), refused.Load(), told.Load())
}
