package itemstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// Projection says what of an item an index holds.
type Projection uint8

// The projections. Keys of the table and of the index are always held.
const (
	ProjectAll Projection = iota
	ProjectKeys
	ProjectInclude // and the attributes that the index names
)

// Index is a secondary index.
type Index struct {
	ID         uint16 // of 1 to 65,534, another for every index that the table ever had
	Hash       KeyAttribute
	Range      KeyAttribute   // without a name: none
	MoreHash   []KeyAttribute // what follows Hash in a partition key of several attributes
	MoreRange  []KeyAttribute // what follows Range in a sort key of several attributes
	Projection Projection
	Include    []string
}

// Definition is what the store must know of a table. It is not changed once given to the
// store.
type Definition struct {
	ID      uint64 // another for every table that ever was
	Hash    KeyAttribute
	Range   KeyAttribute // without a name: none
	Indexes []Index

	Expiry string // attribute by which items expire; empty: they do not
	Feed   bool   // changes are recorded
}

// index returns the index of the ID, nil for none.
func (d *Definition) index(id uint16) *Index {
	for i := range d.Indexes {
		if d.Indexes[i].ID == id {
			return &d.Indexes[i]
		}
	}
	return nil
}

// Key returns the attributes of an item that are its key in the table.
func (d *Definition) Key(item attr.Item) attr.Item {
	key := attr.Item{d.Hash.Name: item[d.Hash.Name]}
	if d.Range.Name != "" {
		key[d.Range.Name] = item[d.Range.Name]
	}
	return key
}

// Project returns what an index holds of an item.
func (d *Definition) Project(x *Index, item attr.Item) attr.Item {
	if x.Projection == ProjectAll {
		return item
	}
	out := d.Key(item)
	for _, keys := range [][]KeyAttribute{{x.Hash, x.Range}, x.MoreHash, x.MoreRange} {
		for _, k := range keys {
			if v, ok := item[k.Name]; ok {
				out[k.Name] = v
			}
		}
	}
	if x.Projection == ProjectInclude {
		for _, name := range x.Include {
			if v, ok := item[name]; ok {
				out[name] = v
			}
		}
	}
	return out
}

// Table is a table of a store.
type Table struct {
	s *Store

	// gate is held shared by writers from the look at the definition to the application
	// of their batch, so that none of an older one is under way after Redefine.
	gate    sync.RWMutex
	dropped bool // guarded by gate
	def     atomic.Pointer[Definition]

	feed   feed
	counts counts
}

// Table returns the table of the definition. The first call for an ID reads where its feed
// and counts are; the definition of later calls is not looked at: see Redefine.
func (s *Store) Table(def *Definition) (*Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[def.ID]; t != nil {
		return t, nil
	}
	if s.closed {
		return nil, ErrClosed
	}
	t := &Table{s: s}
	t.def.Store(def)
	err := s.db.Guard(func() error {
		if err := t.openFeed(); err != nil {
			return err
		}
		return t.loadCounts()
	})
	if err != nil {
		return nil, fmt.Errorf("itemstore: open table %x: %w", def.ID, err)
	}
	s.tables[def.ID] = t
	return t, nil
}

// Definition returns the table's definition as of now.
func (t *Table) Definition() *Definition { return t.def.Load() }

// Redefine gives the table a definition of the same ID and keys. When it returns, all
// writes follow the new one.
func (t *Table) Redefine(def *Definition) {
	defer t.shut()()
	t.def.Store(def)
}

// shut waits for the writers of the table and keeps others out until the function that it
// returns is called. Only one table of a store is shut at a time: writers hold the gates of
// several tables, in no order, so that two that are shut could wait for each other's.
func (t *Table) shut() (reopen func()) {
	t.s.gates.Lock()
	t.gate.Lock()
	return func() {
		t.gate.Unlock()
		t.s.gates.Unlock()
	}
}

// Drop removes all that the store has of a table. Writes that come later fail with
// ErrDropped.
func (s *Store) Drop(id uint64) error { return s.drop(id, true) }

// DropItems is Drop, but for the table's feed: a Table of the same ID that is asked for later
// reads what changed, and has no items.
func (s *Store) DropItems(id uint64) error { return s.drop(id, false) }

func (s *Store) drop(id uint64, feed bool) error {
	s.mu.Lock()
	t := s.tables[id]
	s.mu.Unlock()
	if t != nil {
		reopen := t.shut()
		t.dropped = true
		reopen()
		// Only now: a Table that is opened from here on finds where the feed of the last writer ends.
		s.mu.Lock()
		delete(s.tables, id)
		s.mu.Unlock()
	}
	defer s.forgetHot()
	return s.db.Guard(func() error {
		b := s.db.NewBatch()
		defer b.Close()
		kinds := []byte{kindRow}
		if feed {
			kinds = append(kinds, kindFeed)
			b.Delete(appendTable(nil, kindTrimmed, id), nil)
		}
		for _, kind := range kinds {
			start := appendTable(nil, kind, id)
			b.DeleteRange(start, successor(start), nil)
		}
		b.Delete(appendTable(nil, kindCount, id), nil)
		return b.Commit(s.db.Sync())
	})
}

// DropIndex removes the rows of an index that is not in the table's definition any more.
func (t *Table) DropIndex(id uint16) error {
	t.counts.of.Delete(id)
	start := appendIndex(nil, t.Definition().ID, id)
	return t.s.db.Guard(func() error { return t.s.db.DeleteRange(start, successor(start), t.s.db.Sync()) })
}

// backfillBatch is how many items Backfill looks at between two looks at ctx.
const backfillBatch = 256

// Backfill fills the rows of an index that the definition has since a moment ago, or of
// the expiry index. It may be done again after a crash. Items whose attributes do not fit the
// index's keys are left out.
func (t *Table) Backfill(ctx context.Context, id uint16) error {
	from := appendIndex(nil, t.Definition().ID, 0)
	end := successor(from)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var keys []attr.Item
		var last []byte
		err := t.rows(from, end, func(key, value []byte) (bool, error) {
			item, err := attr.ParseItem(value)
			if err != nil {
				return false, err
			}
			keys = append(keys, t.Definition().Key(item))
			last = slices.Clone(key)
			return len(keys) < backfillBatch, nil
		})
		if err != nil {
			return fmt.Errorf("itemstore: backfill: %w", err)
		}
		for _, key := range keys {
			if err := t.fill(id, key); err != nil {
				return fmt.Errorf("itemstore: backfill: %w", err)
			}
		}
		if len(keys) < backfillBatch {
			return t.s.db.Guard(func() error { return t.s.db.LogData(nil, t.s.db.Sync()) })
		}
		from = append(last, 0)
	}
}

// BackfillExpiry fills the index of the items that expire.
func (t *Table) BackfillExpiry(ctx context.Context) error { return t.Backfill(ctx, expiryIndex) }

// DropExpiry removes the index of the items that expire.
func (t *Table) DropExpiry() error { return t.DropIndex(expiryIndex) }

// fill writes the row of one item in an index, as the item is now.
func (t *Table) fill(id uint16, key attr.Item) error {
	t.gate.RLock()
	defer t.gate.RUnlock()
	def := t.Definition()
	row, _ := def.rowKey(nil, key)
	l := t.s.locks.of(row)
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.s.db.Guard(func() error {
		value, closer, err := t.s.db.Get(row)
		if err == pebble.ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		item, err := attr.ParseItem(value)
		closer.Close()
		if err != nil {
			return err
		}
		if id == expiryIndex {
			if k, ok := def.expiryKey(nil, item); ok {
				return t.s.db.Set(k, row, pebble.NoSync)
			}
			return nil
		}
		x := def.index(id)
		if x == nil {
			return nil
		}
		k, ok := def.indexKey(nil, x, item)
		if !ok || !x.holds(item) {
			return nil
		}
		projected := attr.AppendItem(nil, def.Project(x, item))
		if _, closer, err := t.s.db.Get(k); err == nil {
			return closer.Close() // written by an update since
		}
		size, _ := attr.StoredSize(projected)
		c := t.count(id)
		c.items.Add(1)
		c.bytes.Add(int64(size))
		return t.s.db.Set(k, projected, pebble.NoSync)
	})
}

// rows calls visit for the rows of a range, in order, until it returns false. key and
// value are valid during the call.
func (t *Table) rows(from, end []byte, visit func(key, value []byte) (bool, error)) error {
	return t.s.db.Guard(func() error {
		it, err := t.s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: end})
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			if more, err := visit(it.Key(), value); err != nil || !more {
				return err
			}
		}
		return it.Error()
	})
}
