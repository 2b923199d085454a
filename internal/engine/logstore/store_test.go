package logstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// opened is a store and what is below it.
type opened struct {
	*Store
	broker *broker.Broker
	log    *shardlog.Log
}

func start(t testing.TB, dir string, clock clockwork.Clock) *opened {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := shardlog.Open(t.Context(), b, shardlog.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Log: l, Dir: filepath.Join(dir, "index"), Clock: clock, Failed: func(group string, err error) { t.Errorf("%s: %v", group, err) }})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := &opened{s, b, l}
	t.Cleanup(func() { o.stop(t) })
	return o
}

func (o *opened) stop(t testing.TB) {
	if o.broker == nil {
		return
	}
	if err := o.Close(context.Background()); err != nil {
		t.Error(err)
	}
	o.log.Close()
	o.broker.Close()
	o.broker = nil
}

const begin = 1_700_000_000_000

func text(events []Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = fmt.Sprintf("%d/%d %s", e.Time-begin, e.Stream, e.Text)
	}
	return out
}

// pages reads a search page by page.
func (o *opened) pages(t *testing.T, q Query) []string {
	t.Helper()
	var all []string
	for {
		r, err := o.Search(t.Context(), "g", q)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Events) > q.Limit {
			t.Fatalf("%d events of at most %d", len(r.Events), q.Limit)
		}
		all = append(all, text(r.Events)...)
		if r.Next == nil {
			return all
		}
		q.After = r.Next
	}
}

// Searches of any kind find what a plain list has, also after restarts with and without the index's file.
func TestSearchFindsWhatWasPut(t *testing.T) {
	dir := t.TempDir()
	clock := clockwork.NewFakeClockAt(time.UnixMilli(begin))
	o := start(t, dir, clock)
	r := rand.New(rand.NewPCG(1, 2))
	type entry struct {
		at     int64
		stream uint64
		text   string
	}
	var all []entry
	n := 0
	putSome := func(puts int) {
		for range puts {
			stream := uint64(1 + r.IntN(40))
			at := int64(begin + r.IntN(10_000))
			var lines []Line
			for range 1 + r.IntN(30) {
				at += int64(r.IntN(50))
				line := fmt.Sprintf("line %06d %s", n, bytes.Repeat([]byte("x"), r.IntN(300)))
				n++
				lines = append(lines, Line{at, line})
				all = append(all, entry{at, stream, line})
			}
			if err := o.Put(t.Context(), "g", stream, 0, lines); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func() {
		t.Helper()
		for range 10 {
			q := Query{From: begin + int64(r.IntN(5000)), To: begin + 5000 + int64(r.IntN(8000)), Limit: 1 + r.IntN(2000), Backward: r.IntN(2) == 0, MaxBytes: 1 << r.IntN(22)}
			if r.IntN(2) == 0 {
				q.Budget = 1 // of everything but the first step, too much
			}
			if r.IntN(2) == 0 {
				q.Streams = map[uint64]bool{uint64(1 + r.IntN(45)): true, 2: true}
			}
			term := []byte(fmt.Sprintf("%d", r.IntN(100)))
			if r.IntN(2) == 0 {
				q.Contains = [][]byte{term}
				q.Match = func(e *Event) bool { return bytes.Contains(e.Text, term) }
			}
			var want []entry
			for _, e := range all {
				if e.at >= q.From && e.at < q.To && (q.Streams == nil || q.Streams[e.stream]) && (q.Match == nil || bytes.Contains([]byte(e.text), term)) {
					want = append(want, e)
				}
			}
			slices.SortStableFunc(want, func(a, b entry) int { return int(a.at - b.at) })
			if q.Backward {
				slices.Reverse(want)
			}
			got := o.pages(t, q)
			if len(got) != len(want) {
				t.Fatalf("%+v: %d events, want %d", q, len(got), len(want))
			}
			for i, e := range want {
				if w := fmt.Sprintf("%d/%d %s", e.at-begin, e.stream, e.text); w != got[i] {
					t.Fatalf("%+v: event %d is %.60q, want %.60q", q, i, got[i], w)
				}
			}
		}
		info, err := o.Info(t.Context(), "g")
		if err != nil || info.Lines != int64(len(all)) {
			t.Fatalf("%d lines, %v; want %d", info.Lines, err, len(all))
		}
	}
	putSome(60)
	check()
	putSome(50)
	o.stop(t)
	o = start(t, dir, clock) // the file covers a part
	check()
	o.stop(t)
	files, _ := filepath.Glob(filepath.Join(dir, "index", "*"))
	if len(files) != 1 {
		t.Fatalf("files of indexes: %v", files)
	}
	if err := os.WriteFile(files[0], []byte(`{"form":1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	o = start(t, dir, clock)
	putSome(20)
	check()
}

func TestRetention(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.UnixMilli(begin))
	o := start(t, t.TempDir(), clock)
	for i := range 3 {
		if err := o.Put(t.Context(), "g", 1, 24*time.Hour, []Line{{clock.Now().UnixMilli(), fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(12 * time.Hour)
	}
	q := Query{To: 1 << 50, Limit: 10}
	if got := o.pages(t, q); len(got) != 2 {
		t.Errorf("after a day and a half: %q", got)
	}
	if err := o.SetRetention(t.Context(), "g", 0); err != nil {
		t.Fatal(err)
	}
	clock.Advance(1000 * time.Hour)
	if got := o.pages(t, q); len(got) != 2 {
		t.Errorf("without a retention: %q", got)
	}
	if err := o.Remove(t.Context(), "g"); err != nil {
		t.Fatal(err)
	}
	if got := o.pages(t, q); len(got) != 0 {
		t.Errorf("after the removal: %q", got)
	}
}

func FuzzBlock(f *testing.F) {
	f.Add(appendBlock(nil, begin, []Line{{begin, "a"}, {begin + 5, ""}, {begin + 5, "ccc"}}))
	f.Add(appendBlock(nil, begin, []Line{{begin, string(bytes.Repeat([]byte("text "), 200))}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHead(data)
		if err != nil {
			return
		}
		var b block
		if _, err := h.open(nil, &b); err != nil {
			return
		}
		for i := range b.times {
			_ = b.text(i)
		}
	})
}

// BenchmarkFilter looks for a term in a million lines of 100 bytes.
func BenchmarkFilter(b *testing.B) {
	o := start(b, b.TempDir(), nil)
	now := time.Now().UnixMilli()
	lines := make([]Line, 1000)
	stored := 0
	for k := range 1000 {
		for i := range lines {
			lines[i] = Line{now + int64(k*1000+i), fmt.Sprintf("2026-11-28T12:00:%02d.%03dZ INFO request %08d from 10.0.%d.%d took %d ms, status 200, path /api/v1/orders", k%60, i, k*1000+i, k%256, i%256, (k*7+i)%1000)}
			stored += len(lines[i].Text)
		}
		if err := o.Put(b.Context(), "g", uint64(k%8), 0, lines); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(stored))
	term := []byte("request 00999999 ")
	for b.Loop() {
		r, err := o.Search(b.Context(), "g", Query{To: 1 << 50, Limit: 100, Contains: [][]byte{term}, Match: func(e *Event) bool { return bytes.Contains(e.Text, term) }})
		if err != nil || len(r.Events) != 1 {
			b.Fatal(len(r.Events), err)
		}
	}
}

// BenchmarkPut puts a hundred lines at once.
func BenchmarkPut(b *testing.B) {
	o := start(b, b.TempDir(), nil)
	now := time.Now().UnixMilli()
	lines := make([]Line, 100)
	for i := range lines {
		lines[i] = Line{now, fmt.Sprintf("INFO request %08d took %d ms, status 200, path /api/v1/orders/%d", i, i*7%1000, i*31)}
	}
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := o.Put(b.Context(), "g", 1, 0, lines); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "lines/s")
}
