package logstore

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Query says what is searched.
type Query struct {
	Streams  map[uint64]bool // nil: all
	From, To int64           // times, To exclusive
	// After is where a search goes on: behind that key, or, with Backward, before it. nil: at the beginning.
	After    *Key
	Backward bool
	Limit    int // lines that are returned
	MaxBytes int // of them, Overhead included; at least one is returned
	// Contains are texts that a line must have, to pass blocks over.
	Contains [][]byte
	// Match says whether a line is one of those; it is called by several goroutines. nil: every line is.
	Match func(*Event) bool
	// Budget is how long to search at most before what was found by then is returned; 0: until the end.
	Budget time.Duration
}

// Result is a page of what was found.
type Result struct {
	Events []Event
	// Next is where to go on; nil: everything has been searched.
	Next *Key

	Scanned      int64 // lines
	ScannedBytes int64
}

// Search returns a page of lines in the order of their keys.
func (s *Store) Search(ctx context.Context, name string, q Query) (Result, error) {
	g := s.group(name)
	if err := g.catchUp(ctx); err != nil {
		return Result{}, err
	}
	sh, err := g.shardOf(ctx)
	if errors.Is(err, shardlog.ErrNoShard) {
		return Result{}, nil
	}
	if err != nil {
		return Result{}, err
	}
	c := &collector{q: &q, dir: 1}
	if q.Backward {
		c.dir = -1
	}
	segments := g.candidates(&q)
	began := time.Now() // the duration of work is measured by the system's clock
	workers := runtime.GOMAXPROCS(0)
	for i := 0; i < len(segments); {
		if c.beyond(&segments[i]) {
			break
		}
		n := min(workers, len(segments)-i)
		if err := c.scan(ctx, sh, segments[i:i+n]); err != nil {
			return Result{}, err
		}
		i += n
		if i < len(segments) && q.Budget > 0 && time.Since(began) > q.Budget {
			if r, ok := c.partial(&segments[i]); ok {
				return r, nil
			}
		}
	}
	return c.result(), nil
}

// candidates are the segments in which there may be something, by the time at which they begin.
func (g *group) candidates(q *Query) []segment {
	from, to := q.From, q.To
	if q.After != nil && q.Backward {
		to = min(to, q.After.Time+1)
	} else if q.After != nil {
		from = max(from, q.After.Time)
	}
	var out []segment
	g.mu.Lock()
	for _, s := range g.segments {
		if s.Last >= from && s.First < to && s.has(q.Streams) {
			out = append(out, s)
		}
	}
	g.mu.Unlock()
	slices.SortStableFunc(out, func(a, b segment) int {
		if q.Backward {
			return int(b.Last - a.Last)
		}
		return int(a.First - b.First)
	})
	return out
}

// collector keeps the first lines of those that it is given.
type collector struct {
	q   *Query
	dir int

	mu      sync.Mutex
	events  eventHeap
	bytes   int
	cut     *Key         // nothing from it on is kept
	bound   atomic.Int64 // the time of cut, for whoever looks without the lock
	bounded atomic.Bool

	scanned, scannedBytes atomic.Int64
}

// eventHeap has the last of its events on top.
type eventHeap struct {
	list []Event
	dir  int
}

func (h *eventHeap) Len() int           { return len(h.list) }
func (h *eventHeap) Less(i, j int) bool { return h.list[i].Compare(h.list[j].Key)*h.dir > 0 }
func (h *eventHeap) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *eventHeap) Push(x any)         { h.list = append(h.list, x.(Event)) }
func (h *eventHeap) Pop() any {
	e := h.list[len(h.list)-1]
	h.list[len(h.list)-1] = Event{}
	h.list = h.list[:len(h.list)-1]
	return e
}

// passed reports whether lines from first to last are all behind what is kept.
func (c *collector) passed(first, last int64) bool {
	if !c.bounded.Load() {
		return false
	}
	if c.dir > 0 {
		return first > c.bound.Load()
	}
	return last < c.bound.Load()
}

func (c *collector) beyond(s *segment) bool { return c.passed(s.First, s.Last) }

func (c *collector) wants(k Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut == nil || k.Compare(*c.cut)*c.dir < 0
}

// add keeps an event, whose text is copied.
func (c *collector) add(e *Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut != nil && e.Compare(*c.cut)*c.dir >= 0 {
		return
	}
	kept := *e
	kept.Text = bytes.Clone(e.Text)
	c.events.dir = c.dir
	heap.Push(&c.events, kept)
	c.bytes += len(kept.Text) + Overhead
	for c.events.Len() > c.q.Limit || c.bytes > c.q.MaxBytes && c.q.MaxBytes > 0 && c.events.Len() > 1 {
		out := heap.Pop(&c.events).(Event)
		c.bytes -= len(out.Text) + Overhead
		k := out.Key
		c.cut = &k
		c.bound.Store(k.Time)
		c.bounded.Store(true)
	}
}

func (c *collector) scan(ctx context.Context, sh *shardlog.Shard, segments []segment) error {
	errs := make([]error, len(segments))
	var wg sync.WaitGroup
	for i := range segments {
		wg.Go(func() { errs[i] = c.segment(ctx, sh, &segments[i]) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// segment looks at the blocks of a segment.
func (c *collector) segment(ctx context.Context, sh *shardlog.Shard, s *segment) error {
	var (
		recs []shardlog.Record
		buf  []byte
		b    block
	)
	for at := s.From; at.Compare(s.To) < 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		var next shardlog.Position
		recs, next, err = sh.Read(ctx, at, shardlog.ReadOptions{MaxBytes: segmentBytes}, recs[:0])
		if err != nil && !errors.Is(err, shardlog.ErrCorrupt) {
			return err
		}
		if err == nil && len(recs) == 0 {
			return nil
		}
		for i := range recs {
			r := &recs[i]
			if r.Position.Compare(s.To) >= 0 {
				break
			}
			if buf, err = c.block(r, buf, &b); err != nil {
				continue // it was told of when it came into the index
			}
		}
		at = next
	}
	return nil
}

func (c *collector) block(r *shardlog.Record, buf []byte, b *block) ([]byte, error) {
	h, err := parseHead(r.Data)
	if err != nil || len(r.Key) != 8 {
		return buf, cmpErr(err)
	}
	q := c.q
	stream := binary.BigEndian.Uint64(r.Key)
	if q.Streams != nil && !q.Streams[stream] || h.last < q.From || h.first >= q.To || c.passed(h.first, h.last) {
		return buf, nil
	}
	if q.After != nil && (c.dir > 0 && h.last < q.After.Time || c.dir < 0 && h.first > q.After.Time) {
		return buf, nil
	}
	if buf, err = h.open(buf, b); err != nil {
		return buf, err
	}
	c.scanned.Add(int64(h.lines))
	c.scannedBytes.Add(int64(h.length))
	for _, t := range q.Contains {
		if !bytes.Contains(b.all, t) {
			return buf, nil
		}
	}
	e := Event{Stream: stream, Arrived: h.arrived}
	for i, at := range b.times {
		if at < q.From || at >= q.To {
			continue
		}
		e.Key = Key{at, r.Position, uint32(i)}
		if q.After != nil && e.Compare(*q.After)*c.dir <= 0 || c.bounded.Load() && !c.wants(e.Key) {
			continue
		}
		e.Text = b.text(i)
		if q.Match == nil || q.Match(&e) {
			c.add(&e)
		}
	}
	return buf, nil
}

func (c *collector) sorted() []Event {
	slices.SortFunc(c.events.list, func(a, b Event) int { return a.Compare(b.Key) * c.dir })
	return c.events.list
}

func (c *collector) result() Result {
	r := Result{Events: c.sorted(), Scanned: c.scanned.Load(), ScannedBytes: c.scannedBytes.Load()}
	if c.cut != nil && len(r.Events) > 0 {
		k := r.Events[len(r.Events)-1].Key
		r.Next = &k
	}
	return r
}

// partial is what is certain while segments from next on have not been searched; false if that is no progress.
func (c *collector) partial(next *segment) (Result, bool) {
	// The key just before everything of the time at which the segment begins, or just behind it.
	frontier := Key{Time: next.First - 1, Block: shardlog.Position{Frame: 1<<60 - 1, Index: 1<<32 - 1}, Line: 9_999_999}
	if c.dir < 0 {
		frontier = Key{Time: next.Last + 1}
	}
	if c.q.After != nil && frontier.Compare(*c.q.After)*c.dir <= 0 || c.cut != nil && c.cut.Compare(frontier)*c.dir <= 0 {
		return Result{}, false
	}
	if c.dir > 0 && frontier.Time < c.q.From {
		return Result{}, false
	}
	events := c.sorted()
	n, _ := slices.BinarySearchFunc(events, frontier, func(e Event, k Key) int { return e.Compare(k) * c.dir })
	return Result{Events: events[:n], Next: &frontier, Scanned: c.scanned.Load(), ScannedBytes: c.scannedBytes.Load()}, true
}
