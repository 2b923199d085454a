package itemstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: how many items a table and its indexes have, and their bytes.
//
// A write that reads what it replaces keeps the counts exact. Where many writes are under
// way, a put that has no other need of the item that it replaces does not read it: one of
// sampleOf does, and counts for all of them. Counts that have such puts are estimates until
// the table is counted again: when no more of them come, and at the latest after recountAfter.
// One that has few rows, of few bytes, is counted when somebody asks.
//
// Counts are saved each saveEvery and by Close. After a crash those that were saved are
// told until the table has been counted.

const (
	busyWrites   = 8 // writes that wait for their sync from which on puts are not exact
	sampleOf     = 16
	saveEvery    = 10 * time.Second
	recountAfter = 6 * time.Hour

	countAtOnce = 50_000   // rows of a table and its indexes that are counted for one who asks
	bytesAtOnce = 64 << 20 // bytes of them: a count reads them
)

// counts are those of a table.
type counts struct {
	of     sync.Map     // index ID to *count
	unread atomic.Int64 // reasons not to take the counts for exact: puts that read nothing, a crash

	saved []byte // by Table, keepCounts and Close, one after the other

	mu      sync.Mutex // taken before a table is shut: held while it is counted, and for what follows
	seen    int64      // unread when isCountDue last looked
	counted time.Time  // when the last count ended
	next    time.Time  // isCountDue asks for none before that
	small   time.Time  // the table had too many rows to be counted at once before that
}

// count is the items of a table or an index, and their bytes.
type count struct{ items, bytes atomic.Int64 }

func (t *Table) count(index uint16) *count {
	if c, ok := t.counts.of.Load(index); ok {
		return c.(*count)
	}
	c, _ := t.counts.of.LoadOrStore(index, new(count))
	return c.(*count)
}

// Count returns the items of the table (index 0) or of an index, and their bytes. They are
// estimates after many puts at the same time and after a crash, until the items have been
// counted: of a table that has few, at once.
func (t *Table) Count(index uint16) (items, bytes int64) {
	if t.counts.unread.Load() > 0 {
		t.countFew()
	}
	c := t.count(index)
	return max(0, c.items.Load()), max(0, c.bytes.Load())
}

// sample says how a put takes part in the counts: for how many puts it stands, 0 for one
// that does not read what it replaces.
func (s *Store) sample() int64 {
	switch {
	case s.inflight.Load() < busyWrites:
		return 1
	case rand.Uint32()%sampleOf == 0:
		return sampleOf
	}
	return 0
}

// loadCounts reads the counts that were saved. Where they may not be exact, the table is
// counted in the background.
func (t *Table) loadCounts() error {
	key := appendTable(nil, kindCount, t.Definition().ID)
	value, closer, err := t.s.db.Get(key)
	exact := false
	if err == nil {
		exact = len(value)%countBytes == 0
		for b := value; len(b) >= countBytes; b = b[countBytes:] {
			c := t.count(binary.BigEndian.Uint16(b))
			c.items.Store(int64(binary.BigEndian.Uint64(b[2:])))
			c.bytes.Store(int64(binary.BigEndian.Uint64(b[10:])))
		}
		closer.Close()
	} else if err != pebble.ErrNotFound {
		return err
	}
	if exact {
		return t.saveCounts(false)
	}
	t.counts.unread.Store(1)
	t.counts.seen = 1
	select {
	case t.s.count <- struct{}{}:
	default:
	}
	return nil
}

// countBytes are those of a count in the database: index(2) items(8) bytes(8).
const countBytes = 18

// saveCounts writes the counts, if they are not as they were last saved. Not exact ones end
// with a byte of their own.
func (t *Table) saveCounts(exact bool) error {
	var value []byte
	t.counts.of.Range(func(k, v any) bool {
		c := v.(*count)
		value = binary.BigEndian.AppendUint16(value, k.(uint16))
		value = binary.BigEndian.AppendUint64(value, uint64(c.items.Load()))
		value = binary.BigEndian.AppendUint64(value, uint64(c.bytes.Load()))
		return true
	})
	if !exact {
		value = append(value, 1)
	}
	if bytes.Equal(value, t.counts.saved) {
		return nil
	}
	t.counts.saved = value
	return t.s.db.Set(appendTable(nil, kindCount, t.Definition().ID), value, pebble.NoSync)
}

// keepCounts saves the counts from time to time, and counts the tables that need it, one
// after the other.
func (s *Store) keepCounts() {
	ticker := s.clock.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.count:
		case <-ticker.Chan():
		}
		if s.db.Failed() != nil {
			return // it takes nothing any more
		}
		s.mu.Lock()
		tables := slices.Collect(maps.Values(s.tables))
		s.mu.Unlock()
		for _, t := range tables {
			if t.isCountDue() {
				t.recount()
			}
			if s.db.Room() != nil {
				continue // counts are not what the last of the disk is for
			}
			err := t.undropped(func() error { return t.saveCounts(false) })
			if err != nil && s.db.Failed() == nil {
				s.opts.OnError(fmt.Errorf("itemstore: save counts: %w", err))
			}
		}
	}
}

// isCountDue reports whether a table is to be counted: its puts have come to rest, or it
// was long ago.
func (t *Table) isCountDue() bool {
	c, now := &t.counts, t.s.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	unread, seen := c.unread.Load(), c.seen
	c.seen = unread
	if unread == 0 || now.Before(c.next) {
		return false
	}
	if c.counted.IsZero() {
		c.counted = now
	}
	return unread == seen || now.Sub(c.counted) >= recountAfter
}

// undropped calls f, below Guard, unless the table is gone.
func (t *Table) undropped(f func() error) error {
	t.gate.RLock()
	defer t.gate.RUnlock()
	if t.dropped {
		return nil
	}
	return t.s.db.Guard(f)
}

// recount corrects the counts by what the table holds. A count that is stopped changes
// nothing.
func (t *Table) recount() {
	c := &t.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	started := t.s.clock.Now()
	if _, err := t.countRows(math.MaxInt, math.MaxInt); err != nil {
		t.s.opts.OnError(fmt.Errorf("itemstore: count: %w", err))
	}
	c.counted = t.s.clock.Now()
	c.next = c.counted.Add(20 * c.counted.Sub(started)) // a large table is not counted all the time
}

// countFew is recount for a table of no more than countAtOnce rows and bytesAtOnce bytes. It
// looks at others no more than each saveEvery.
func (t *Table) countFew() {
	c := &t.counts
	if !c.mu.TryLock() {
		return // it is being counted
	}
	defer c.mu.Unlock()
	now := t.s.clock.Now()
	if n := t.count(0); n.items.Load() > countAtOnce || n.bytes.Load() > bytesAtOnce || now.Before(c.small) {
		return
	}
	if all, err := t.countRows(countAtOnce, bytesAtOnce); err != nil || !all {
		c.small = now.Add(saveEvery)
	}
}

// countRows corrects the counts unless there are more than most rows, they have more than
// mostBytes, or the store closes: all is false then.
func (t *Table) countRows(most, mostBytes int) (all bool, err error) {
	err = t.s.db.Guard(func() error { all, err = t.countSnapshot(most, mostBytes); return err })
	return all, err
}

func (t *Table) countSnapshot(most, mostBytes int) (all bool, err error) {
	// No write is between its commit and the change of the counts while the gate is closed.
	reopen := t.shut()
	if t.dropped {
		reopen()
		return true, nil
	}
	snap := t.s.db.NewSnapshot()
	unread, before := t.counts.unread.Load(), map[uint16][2]int64{}
	t.counts.of.Range(func(k, v any) bool {
		c := v.(*count)
		before[k.(uint16)] = [2]int64{c.items.Load(), c.bytes.Load()}
		return true
	})
	reopen()
	defer snap.Close()

	start := appendTable(nil, kindRow, t.Definition().ID)
	it, err := snap.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: successor(start)})
	if err != nil {
		return false, err
	}
	defer it.Close()
	has := map[uint16][2]int64{}
	for id := range before {
		has[id] = [2]int64{}
	}
	n, read, began := 0, 0, time.Now()
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n > most {
			return false, nil
		}
		if n%4096 == 0 {
			select {
			case <-t.s.stop:
				return false, nil
			case <-time.After(max(time.Millisecond, time.Since(began))): // leaves others half of a processor and more
			}
			began = time.Now()
		}
		index := binary.BigEndian.Uint16(it.Key()[9:])
		if index == expiryIndex {
			break
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return false, err
		}
		if read += len(value); read > mostBytes {
			return false, nil
		}
		size, _ := attr.StoredSize(value)
		c := has[index]
		has[index] = [2]int64{c[0] + 1, c[1] + int64(size)}
	}
	if err := it.Error(); err != nil {
		return false, err
	}
	def := t.Definition()
	for id, n := range has {
		if id != 0 && def.index(id) == nil {
			continue
		}
		c := t.count(id)
		c.items.Add(n[0] - before[id][0])
		c.bytes.Add(n[1] - before[id][1])
	}
	t.counts.unread.Add(-unread)
	return true, nil
}

// saveAllCounts leaves the counts of all tables for the next Open.
func (s *Store) saveAllCounts() error {
	return s.db.Guard(func() error {
		for _, t := range s.tables {
			if err := t.saveCounts(t.counts.unread.Load() == 0); err != nil {
				return err
			}
		}
		return s.db.Barrier()
	})
}
