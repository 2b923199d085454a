package shardlog

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// TestResting appends now and then to shards of which few have much, over kills and stops: all
// is where it was acknowledged, and those that got little have no streams.
func TestResting(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	const n = 12
	r := rand.New(rand.NewPCG(3, 12))
	clock := clockwork.NewFakeClockAt(time.Now())
	o := Options{restFrom: 2, SegmentBytes: 16 << 10, Clock: clock}
	open := func() *Log {
		o.Journal = broker.AppendsDir(filepath.Join(dir, "nats"))
		return start(t, dir, o)
	}
	l := open()
	type record struct {
		pos  Position
		data string
		time time.Time
	}
	want := make([][]record, n)
	name := func(i int) string { return fmt.Sprint("s/", i) }
	for i := range n {
		create(t, l, name(i), ShardConfig{})
	}
	check := func(i int) {
		t.Helper()
		s, err := l.Shard(ctx, name(i))
		if err != nil {
			t.Fatal(err)
		}
		var recs []Record
		for from := (Position{}); ; {
			before := len(recs)
			if recs, from, err = s.Read(ctx, from, ReadOptions{MaxRecords: 3}, recs); err != nil {
				t.Fatal(err)
			}
			if len(recs) == before {
				break
			}
		}
		if len(recs) != len(want[i]) {
			t.Fatalf("%s has %d records, acknowledged were %d", name(i), len(recs), len(want[i]))
		}
		for k, rec := range recs {
			if w := want[i][k]; rec.Position != w.pos || string(rec.Data) != w.data || !rec.Time.Equal(w.time) {
				t.Fatalf("%s: record %d is %q at %v of %v, want %q at %v of %v", name(i), k, rec.Data, rec.Position, rec.Time, w.data, w.pos, w.time)
			}
		}
		if rest, err := s.Backlog(ctx, Position{}); err != nil || rest.Records != uint64(len(recs)) {
			t.Fatalf("%s: rest %+v, %v; want %d", name(i), rest, err, len(recs))
		}
	}
	for round := range 12 {
		for range r.IntN(60) {
			i := r.IntN(n)
			if i > 2 && r.IntN(3) > 0 {
				i %= 3
			}
			s, err := l.Shard(ctx, name(i))
			if err != nil {
				t.Fatal(err)
			}
			data := fmt.Sprintf("%d.%d %0*d", i, len(want[i]), r.IntN(200), 0)
			if i == 0 {
				data += string(make([]byte, r.IntN(6000)))
			}
			pos, at := put(t, s, data)
			want[i] = append(want[i], record{pos, data, at})
			clock.Advance(time.Duration(r.IntN(400)) * time.Millisecond)
		}
		switch r.IntN(3) {
		case 0:
			l.front.sealDue()
		case 1:
			stop(t, l)
			l = open()
		case 2:
			to := t.TempDir()
			copyLive(t, filepath.Join(to, "nats"), filepath.Join(dir, "nats"))
			dir = to
			l = open()
		}
		for i := range n {
			if round%2 == 0 || r.IntN(2) == 0 {
				check(i)
			}
		}
	}
	stop(t, l)
	l = open()
	for i := range n {
		check(i)
	}
}

// TestManyRest gives more shards a record than rest: none gets a stream, by age, a close or a
// start.
func TestManyRest(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	// Records of one frame are near in time by the clock, and one shard alone does not rest for long.
	o := Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), restFrom: 1, SegmentBytes: 64 << 10, Clock: clockwork.NewFakeClockAt(time.Now())}
	l := start(t, dir, o)
	const n = 30
	for round := range 3 {
		for i := range n {
			name := fmt.Sprint("s/", i)
			if round == 0 {
				create(t, l, name, ShardConfig{})
			}
			s, err := l.Shard(ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, fmt.Sprint(round))
		}
		for _, s := range l.front.shards() { // all of them: with fewer, the old ones go
			s.mu.Lock()
			s.growing[0].began = time.Now().Add(-time.Hour)
			s.mu.Unlock()
		}
		l.front.sealDue()
		if k := streams(t, l); k != 0 {
			t.Errorf("round %d: %d streams", round, k)
		}
		stop(t, l)
		l = start(t, dir, o)
		if k := streams(t, l); k != 0 {
			t.Errorf("after round %d and a stop: %d streams", round, k)
		}
		if held := l.front.held.Load(); held <= 0 || held > n*100 {
			t.Errorf("%d bytes are held", held)
		}
	}
	for i := range n {
		s, err := l.Shard(ctx, fmt.Sprint("s/", i))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, s.name, all(t, s, Position{}, ReadOptions{}), []string{"0", "1", "2"})
	}
}

// TestRestingIsBounded lets more rest than a segment of the journal has room for: it is not
// written again and again, whatever is appended besides.
func TestRestingIsBounded(t *testing.T) {
	dir := t.TempDir()
	const segment = 16 << 10
	o := Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), restFrom: 2, SegmentBytes: segment}
	l := start(t, dir, o)
	const n = 150
	appended := 0
	for round := range 4 {
		for i := range n {
			name := fmt.Sprint("s/", i)
			if round == 0 {
				create(t, l, name, ShardConfig{})
			}
			s, err := l.Shard(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, string(make([]byte, 900)))
			appended += 1000
		}
	}
	s := create(t, l, "busy/0", ShardConfig{})
	for range 60 {
		put(t, s, string(make([]byte, 64<<10)))
		appended += 64 << 10
	}
	files, err := filepath.Glob(filepath.Join(o.Journal, "*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	slices.Sort(files)
	last, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(files[len(files)-1]), ".wal"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	// Segments of few streams are small; most here are larger.
	if most := uint64(appended/segment + 2*segments); last > most {
		t.Errorf("%d segments of the journal for %d bytes", last, appended)
	} else {
		t.Logf("%d segments, %d are allowed", last, most)
	}
}
