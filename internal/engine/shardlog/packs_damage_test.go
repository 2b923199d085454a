package shardlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// damagedLog makes a log with two shards, s and other, of n frames of one record each, a second apart, and stops it.
func damagedLog(t *testing.T, n int, clock *clockwork.FakeClock) (dir string, o func(string) Options) {
	t.Helper()
	dir = t.TempDir()
	o = func(dir string) Options {
		o := packOptions(dir)
		o.packBytes = 8 << 10
		o.Clock = clock
		return o
	}
	l := start(t, dir, o(dir))
	shards := []*Shard{create(t, l, "s", ShardConfig{}), create(t, l, "other", ShardConfig{})}
	for i := 1; i <= n; i++ {
		for _, s := range shards {
			put(t, s, damagedRecord(s.name, i))
			if err := s.flushAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(time.Second)
	}
	stop(t, l)
	return dir, o
}

func damagedRecord(shard string, i int) string {
	return fmt.Sprintf("%s-%03d %s", shard, i, strings.Repeat("x", 900))
}

// packOf finds the pack that has the record, and where.
func packOf(t *testing.T, dir, record string) (path string, data []byte, at int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "nats/packs/*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(data, []byte(record)); at >= 0 {
			return f, data, at
		}
	}
	t.Fatal("no pack has " + record[:10])
	return "", nil, 0
}

// checkLost holds a shard of n frames, which the caller has damaged, against those that are lost: everything ends, readers
// are told, and get the others.
func checkLost(t *testing.T, s *Shard, n int, lost []int, began time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var want []string
	for i := 1; i <= n; i++ {
		if !slices.Contains(lost, i) {
			want = append(want, damagedRecord(s.name, i))
		}
	}
	var got []string
	var told []int
	for from := (Position{1, 0}); ; {
		recs, next, err := s.Read(ctx, from, ReadOptions{}, nil)
		switch {
		case errors.Is(err, ErrCorrupt):
			if next.Compare(from) <= 0 || !strings.Contains(err.Error(), fmt.Sprintf("at %d", from.Frame)) {
				t.Fatalf("at %v: %v, go on at %v", from, err, next)
			}
			for ; from.Frame < next.Frame; from.Frame++ {
				told = append(told, int(from.Frame))
			}
		case err != nil:
			t.Fatal(err)
		}
		for _, r := range recs {
			got = append(got, string(r.Data))
		}
		if err == nil && len(recs) == 0 {
			break
		}
		from = next
	}
	if !slices.Equal(told, lost) {
		t.Errorf("%s: readers were told of %d, lost are %d", s.name, told, lost)
	}
	equal(t, s.name, got, want)
	for i := 1; i <= n; i++ {
		at := Position{uint64(i), 0}
		if err := s.Wait(ctx, at); err != nil {
			t.Fatalf("wait at %v: %v", at, err)
		}
		// What comes before the first whole frame is lost is not known to be there.
		first := i
		for slices.Contains(lost, first) {
			first++
		}
		b, err := s.Backlog(ctx, at)
		if err != nil || first <= n && (b.Records == 0 || b.Records > uint64(n-first+1)) {
			t.Errorf("backlog at %v: %+v, %v", at, b, err)
		}
		p, err := s.Seek(ctx, began.Add(time.Duration(i-1)*time.Second))
		if err != nil || p.Frame > uint64(i) && !slices.Contains(lost, i) {
			t.Errorf("seek to %d: %v, %v", i, p, err)
		}
	}
	in, err := s.Info(ctx)
	if err != nil || in.End.Frame < uint64(n+1) {
		t.Errorf("info %+v, %v", in, err)
	}
}

// TestPacksDecayed changes bytes of frames in packs that have a footer: readers are told where, and go on behind; what asks for
// places and sums ends, and the check of the packs tells of the same.
func TestPacksDecayed(t *testing.T) {
	const n = 40
	for name, lost := range map[string][]int{
		"the first": {1}, "in the middle": {20}, "a row": {11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}, "the last": {n}, "the last ones": {n - 1, n},
		"here and there": {1, 3, 20, 39},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now().Truncate(time.Millisecond)
			clock := clockwork.NewFakeClockAt(began)
			dir, o := damagedLog(t, n, clock)
			for _, i := range lost {
				path, data, at := packOf(t, dir, damagedRecord("s", i))
				data[at+5+i] ^= 4
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			damage, warnings, err := CheckPacks(o(dir).Journal)
			if err != nil || len(damage) > 0 || len(warnings) == 0 {
				t.Fatalf("%v, %v, %v", damage, warnings, err)
			}
			l := start(t, dir, o(dir))
			told, err := l.LostFrames(t.Context(), warnings)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for _, f := range told {
				sum += int(f.last-f.first) + 1
				if !strings.Contains(f.Consequence, "of the shard s:") || !strings.Contains(f.File, "packs/0000") {
					t.Error(f)
				}
			}
			if sum != len(lost) {
				t.Errorf("%d lost: %v", len(lost), told)
			}
			checkLost(t, shardOf(t, l, "s"), n, lost, began)
			checkLost(t, shardOf(t, l, "other"), n, nil, began)
			if err := l.packs.Collect(); err != nil {
				t.Error(err)
			}
			s := shardOf(t, l, "s")
			if p, _ := put(t, s, "behind"); p.Frame != n+1 {
				t.Errorf("goes on at %v", p)
			}
			// Those of a shard that has no use for them are nothing to tell of.
			if err := s.TrimBefore(t.Context(), Position{n + 1, 0}); err != nil {
				t.Fatal(err)
			}
			if told, err := l.LostFrames(t.Context(), warnings); err != nil || len(told) > 0 {
				t.Errorf("trimmed: %v, %v", told, err)
			}
		})
	}
}

// TestPacksMissing removes packs: after a stop the next start refuses that, until it is accepted; after a kill it
// goes on. Either way readers are told what is missing, and no sequence is given out again.
func TestPacksMissing(t *testing.T) {
	const n = 40
	for name, c := range map[string]struct{ record int }{"in the middle": {20}, "the end": {n}} {
		t.Run(name, func(t *testing.T) {
			began := time.Now().Truncate(time.Millisecond)
			clock := clockwork.NewFakeClockAt(began)
			dir, o := damagedLog(t, n, clock)
			path, data, _ := packOf(t, dir, damagedRecord("s", c.record))
			lost := map[string][]int{}
			for _, s := range []string{"s", "other"} {
				for i := 1; i <= n; i++ {
					if bytes.Contains(data, []byte(damagedRecord(s, i))) {
						lost[s] = append(lost[s], i)
					}
				}
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			b := startBroker(t, dir)
			if l, err := Open(t.Context(), b, o(dir)); !errors.Is(err, ErrPacksChanged) || !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Fatal(l, err)
			}
			b.Close()
			damage, _, err := CheckPacks(o(dir).Journal)
			if err != nil || len(damage) != 1 || !strings.Contains(damage[0].String(), filepath.Base(path)+": the file is missing: ") {
				t.Fatal(damage, err)
			}
			saved := t.TempDir()
			if err := RepairPacks(o(dir).Journal, saved); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(saved, "packs/manifest")); err != nil {
				t.Error(err)
			}
			var l *Log
			for round := range 3 {
				l = start(t, dir, o(dir))
				for s, lost := range lost {
					if round == 0 {
						checkLost(t, shardOf(t, l, s), n, lost, began)
					}
					if p, _ := put(t, shardOf(t, l, s), "behind"); p.Frame != uint64(n+1+round) {
						t.Errorf("%s goes on at %v", s, p)
					}
					if _, corrupt := readPast(t, shardOf(t, l, s)); corrupt == 0 {
						t.Errorf("round %d: readers of %s are not told", round, s)
					}
				}
				told, err := l.LostFrames(t.Context(), nil)
				if err != nil || len(told) != len(lost) {
					t.Errorf("%v, %v", told, err)
				}
				stop(t, l)
			}
		})
	}
}

// TestPacksAllMissing: shards of which nothing is left go on where they were, and the check says so until they have frames.
func TestPacksAllMissing(t *testing.T) {
	const n = 5
	dir, o := damagedLog(t, n, clockwork.NewFakeClockAt(time.Now()))
	files, err := filepath.Glob(filepath.Join(dir, "nats/packs/*.pack"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := RepairPacks(o(dir).Journal, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		l := start(t, dir, o(dir))
		told, err := l.LostFrames(t.Context(), nil)
		if err != nil || len(told) != 2-round {
			t.Errorf("round %d: %v, %v", round, told, err)
		}
		s := shardOf(t, l, "s")
		if in, err := s.Info(t.Context()); err != nil || in.End.Frame != uint64(n+1+round) || in.Records != uint64(round) {
			t.Errorf("round %d: %+v, %v", round, in, err)
		}
		if p, _ := put(t, s, "behind"); p.Frame != uint64(n+1+round) {
			t.Errorf("round %d: goes on at %v", round, p)
		}
		stop(t, l)
	}
}

// TestPacksMissingAfterKill: without a manifest it is the journal that knows of frames behind those that are there, of some of them
// or of parts. Each record is there, or readers are told of its frame, or the log's owner is.
func TestPacksMissingAfterKill(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	var reports atomic.Int64
	o := func(dir string) Options {
		o := packOptions(dir)
		o.SegmentBytes = 16 << 10
		o.packBytes = 64 << 10
		o.Report = func(error) { reports.Add(1) }
		return o
	}
	l := start(t, dir, o(dir))
	s := create(t, l, "s", ShardConfig{})
	at := map[Position]string{}
	for i := range 400 {
		text := fmt.Sprint(i, " ", strings.Repeat("x", 4<<10))
		p, _ := put(t, s, text)
		at[p] = text
		if i%4 == 3 {
			if err := s.flushAll(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, _ := put(t, s, "in memory")
	at[p] = "in memory"
	for kept := range 6 {
		dir2 := t.TempDir()
		copyLive(t, filepath.Join(dir2, "nats"), filepath.Join(dir, "nats"))
		files, err := filepath.Glob(filepath.Join(dir2, "nats/packs/*.pack"))
		if err != nil || len(files) < 6 {
			t.Fatal(files, err)
		}
		for i, f := range files {
			if i != kept && i != 2*kept+1 {
				if err := os.Remove(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		reports.Store(0)
		for round := range 3 {
			l := start(t, dir2, o(dir2))
			s := shardOf(t, l, "s")
			have := map[Position]string{}
			told := map[uint64]bool{}
			in, err := s.Info(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for from := (Position{}); ; {
				recs, next, err := s.Read(ctx, from, ReadOptions{}, nil)
				if errors.Is(err, ErrCorrupt) {
					for ; from.Frame < next.Frame; from.Frame++ {
						told[from.Frame] = true
					}
				} else if err != nil {
					t.Fatal(err)
				} else if len(recs) == 0 {
					break
				}
				for _, r := range recs {
					have[r.Position] = string(r.Data)
				}
				from = next
			}
			for p, text := range at {
				if got, ok := have[p]; ok && got != text || !ok && !told[p.Frame] && reports.Load() == 0 && p.Frame >= in.Oldest.Frame {
					t.Errorf("kept %d, round %d: %v holds %.10q, acknowledged was %.10q", kept, round, p, got, text)
				}
			}
			if have[p] != "in memory" {
				t.Errorf("kept %d, round %d: what the journal has is lost", kept, round)
			}
			big := strings.Repeat("x", directBytes)
			for _, text := range []string{"behind", big, "behind"} {
				if q, _ := put(t, s, text); q.Compare(p) <= 0 {
					t.Errorf("goes on at %v, was at %v", q, p)
				}
			}
			stop(t, l)
		}
	}
}

// TestPacksDirectoryMissing refuses a start without the directory, after which sequences would begin again.
func TestPacksDirectoryMissing(t *testing.T) {
	dir, o := damagedLog(t, 3, clockwork.NewFakeClock())
	packs := filepath.Join(dir, "nats/packs")
	if err := os.Rename(packs, packs+".away"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b := startBroker(t, dir)
		if l, err := Open(t.Context(), b, o(dir)); !errors.Is(err, ErrPacksChanged) || !strings.Contains(err.Error(), packs) {
			t.Fatal(l, err)
		}
		b.Close()
	}
	if err := os.Rename(packs+".away", packs); err != nil {
		t.Fatal(err)
	}
	l := start(t, dir, o(dir))
	if got := all(t, shardOf(t, l, "s"), Position{}, ReadOptions{}); len(got) != 3 {
		t.Errorf("%d records", len(got))
	}
}

// TestPacksOfAClosedLog: a start after a stop finds nothing to tell of, whatever has been removed before.
func TestPacksOfAClosedLog(t *testing.T) {
	dir := t.TempDir()
	journal := broker.AppendsDir(filepath.Join(dir, "nats"))
	for round := range 5 {
		l := start(t, dir, packOptions(dir))
		s, err := l.Shard(t.Context(), "s")
		if err != nil {
			s = create(t, l, "s", ShardConfig{})
		}
		for range 10 {
			p, _ := put(t, s, strings.Repeat("x", 150<<10))
			if round%2 == 1 {
				if err := s.TrimBefore(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := l.packs.Collect(); err != nil {
			t.Fatal(err)
		}
		stop(t, l)
		if damage, warnings, err := CheckPacks(journal); err != nil || len(damage)+len(warnings) > 0 {
			t.Fatalf("round %d: %v, %v, %v", round, damage, warnings, err)
		}
	}
}
