package itemstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// Change is a record of a table's feed: an item before and after, nil for none.
type Change struct {
	Sequence uint64 // grows in the feed
	Time     time.Time
	Expired  bool
	Keys     attr.Item
	Old, New attr.Item
}

// feed numbers the changes of a table and tells up to where they can be read.
type feed struct {
	mu      sync.Mutex
	next    uint64
	base    uint64 // all below are on disk, or were never written
	done    []bool // from base on
	changed chan struct{}
}

// begin takes the next sequence number; finish must follow.
func (f *feed) begin() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.next
	f.next++
	f.done = append(f.done, false)
	return n
}

func (f *feed) finish(sequence uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done[sequence-f.base] = true
	n := 0
	for n < len(f.done) && f.done[n] {
		n++
	}
	if n == 0 {
		return
	}
	f.base += uint64(n)
	f.done = f.done[:copy(f.done, f.done[n:])]
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// FeedEnd returns the sequence number that the first change from now on has at the least:
// all below can be read. The channel is closed when that has grown.
func (t *Table) FeedEnd() (next uint64, grown <-chan struct{}) {
	f := &t.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.base, f.changed
}

func feedKey(table, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(appendTable(nil, kindFeed, table), sequence)
}

// openFeed finds the number after the last record's.
func (t *Table) openFeed() error {
	id := t.Definition().ID
	next := uint64(1)
	if v, closer, err := t.s.db.Get(appendTable(nil, kindTrimmed, id)); err == nil {
		next = binary.BigEndian.Uint64(v) + 1
		closer.Close()
	} else if err != pebble.ErrNotFound {
		return err
	}
	start := appendTable(nil, kindFeed, id)
	it, err := t.s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: successor(start)})
	if err != nil {
		return err
	}
	defer it.Close()
	if it.Last() {
		next = max(next, binary.BigEndian.Uint64(it.Key()[9:])+1)
	}
	t.feed.next, t.feed.base = next, next
	return it.Error()
}

// record adds a change record to the batch:
//
//	version(1)=1 flags(1) time(8, ms) { length stored-item } x3: keys, old, new
//
// A length is an unsigned varint, 0 for no item.
func (w *writer) record(op *Op, def *Definition, old, now attr.Item, before, after []byte) {
	source := now
	if source == nil {
		source = old
	}
	b := []byte{1, 0}
	if op.Expired {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(w.s.clock.Now().UnixMilli()))
	if old == nil {
		before = nil
	}
	for _, part := range [][]byte{attr.AppendItem(nil, def.Key(source)), before, after} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	n := op.Table.feed.begin()
	w.feeds = append(w.feeds, feedMark{&op.Table.feed, n})
	w.batch.Set(feedKey(def.ID, n), b, nil)
}

// parseChange reads a change record.
func parseChange(sequence uint64, b []byte) (Change, error) {
	c := Change{Sequence: sequence}
	if len(b) < 10 || b[0] != 1 {
		return c, fmt.Errorf("itemstore: malformed change record %d", sequence)
	}
	c.Expired = b[1]&1 != 0
	c.Time = time.UnixMilli(int64(binary.BigEndian.Uint64(b[2:]))).UTC()
	b = b[10:]
	for _, to := range []*attr.Item{&c.Keys, &c.Old, &c.New} {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return c, fmt.Errorf("itemstore: malformed change record %d", sequence)
		}
		b = b[k:]
		if n > 0 {
			item, err := attr.ParseItem(b[:n])
			if err != nil {
				return c, fmt.Errorf("itemstore: change record %d: %w", sequence, err)
			}
			*to = item
		}
		b = b[n:]
	}
	return c, nil
}

// Changes calls visit with the changes from a sequence number on, up to the end of what
// can be read, until it returns false. size is the bytes of the record.
func (t *Table) Changes(ctx context.Context, from uint64, visit func(c Change, size int) (more bool)) error {
	end, _ := t.FeedEnd()
	if from >= end {
		return nil
	}
	id := t.Definition().ID
	n := 0
	return t.rows(feedKey(id, from), feedKey(id, end), func(key, value []byte) (bool, error) {
		if n++; n%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		c, err := parseChange(binary.BigEndian.Uint64(key[9:]), value)
		if err != nil {
			return false, err
		}
		return visit(c, len(value)), nil
	})
}

// ChangesBetween calls visit with the changes of a time (inclusive) to another (exclusive), in
// their order.
func (t *Table) ChangesBetween(ctx context.Context, from, to time.Time, visit func(Change) error) error {
	id := t.Definition().ID
	end, _ := t.FeedEnd()
	first, last := from.UnixMilli(), to.UnixMilli()
	n := 0
	return t.rows(feedKey(id, 0), feedKey(id, end), func(key, value []byte) (bool, error) {
		if n++; n%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if len(value) >= 10 {
			if at := int64(binary.BigEndian.Uint64(value[2:])); at < first || at >= last {
				return true, nil
			}
		}
		c, err := parseChange(binary.BigEndian.Uint64(key[9:]), value)
		if err != nil {
			return false, err
		}
		return true, visit(c)
	})
}

// FirstChange returns the number and time of the oldest change that the feed has; ok is
// false for none.
func (t *Table) FirstChange() (sequence uint64, at time.Time, ok bool, err error) {
	id := t.Definition().ID
	end, _ := t.FeedEnd()
	err = t.rows(feedKey(id, 0), feedKey(id, end), func(key, value []byte) (bool, error) {
		c, err := parseChange(binary.BigEndian.Uint64(key[9:]), value)
		sequence, at, ok = c.Sequence, c.Time, err == nil
		return false, err
	})
	return sequence, at, ok, err
}

// TrimFeed removes the changes of before a time.
func (t *Table) TrimFeed(ctx context.Context, before time.Time) error {
	id := t.Definition().ID
	end, _ := t.FeedEnd()
	var last uint64
	ms := uint64(before.UnixMilli())
	err := t.rows(feedKey(id, 0), feedKey(id, end), func(key, value []byte) (bool, error) {
		if len(value) < 10 || binary.BigEndian.Uint64(value[2:]) >= ms {
			return false, nil
		}
		last = binary.BigEndian.Uint64(key[9:])
		return ctx.Err() == nil, nil
	})
	if err != nil || last == 0 {
		return err
	}
	return t.s.db.Guard(func() error {
		b := t.s.db.NewBatch()
		defer b.Close()
		b.Set(appendTable(nil, kindTrimmed, id), binary.BigEndian.AppendUint64(nil, last), nil)
		b.DeleteRange(feedKey(id, 0), feedKey(id, last+1), nil)
		return b.Commit(t.s.db.Sync())
	})
}

// Undo calls put and remove, newest change first, for what undoes the changes after a
// time: an item as it was before, or the key of one that was not there.
func (t *Table) Undo(ctx context.Context, after time.Time, put, remove func(attr.Item) error) error {
	id := t.Definition().ID
	end, _ := t.FeedEnd()
	return t.s.db.Guard(func() error {
		it, err := t.s.db.NewIter(&pebble.IterOptions{LowerBound: feedKey(id, 0), UpperBound: feedKey(id, end)})
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.Last(); ok; ok = it.Prev() {
			if err := ctx.Err(); err != nil {
				return err
			}
			value, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			c, err := parseChange(binary.BigEndian.Uint64(it.Key()[9:]), slices.Clone(value))
			if err != nil {
				return err
			}
			if !c.Time.After(after) {
				return nil
			}
			if c.Old != nil {
				err = put(c.Old)
			} else {
				err = remove(c.Keys)
			}
			if err != nil {
				return err
			}
		}
		return it.Error()
	})
}
