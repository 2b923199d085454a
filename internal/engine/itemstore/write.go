package itemstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// ErrUnchanged is what Decide returns for an item that stays as it is.
var ErrUnchanged = errors.New("itemstore: unchanged")

// Op is a change of one item.
type Op struct {
	Table *Table
	Key   attr.Item // the key's attributes; others are not looked at

	// Decide is called with the keys locked: with the item as it is, nil if there is none,
	// it returns what it is to be, nil for gone. ErrUnchanged leaves it as it is. Another
	// error leaves all items of the Write as they are. It must not change old, and may be
	// called for every Op of a Write though another has failed.
	Decide func(old attr.Item) (attr.Item, error)

	// Blind says that Decide does not look at old, which may then be nil.
	Blind bool

	// Sized says that the result must have the size of the old item, also of a blind Op: else
	// a put among many may leave it 0.
	Sized bool

	// Expired marks the change as one of expiry, in the feed.
	Expired bool
}

// Result is what an Op did.
type Result struct {
	Old, New attr.Item // Old is nil, too, where a blind Op did not need it
	OldSize  int       // bytes of the old item, 0 for none: see Op.Sized
	NewSize  int
	Indexes  []IndexChange // indexes whose rows were changed
	Err      error         // of Decide
}

// IndexChange is what a write did to an index: the bytes of the row before and after, 0
// for none. Moved says that they are of different keys: two writes.
type IndexChange struct {
	ID               uint16
	OldSize, NewSize int
	Moved            bool
}

// WriteOptions are choices of a Write.
type WriteOptions struct {
	// Token, where not empty, makes the Write happen once: a second one with the same
	// Token and Digest within TokenLife fails with ErrRepeated, one with another Digest
	// with ErrToken. Token names the owner too.
	Token  string
	Digest []byte

	// Patience bounds the wait for the locks of keys that others hold, after which the
	// Write fails with a Conflict. Zero: no bound.
	Patience time.Duration
}

// TokenLife is how long a token is remembered.
const TokenLife = 10 * time.Minute

// ErrRefused says that a Decide refused: Results tell which and why.
var ErrRefused = errors.New("itemstore: an operation was refused")

// Write applies the operations, all or none. No two may be of one item. The results are
// in the order of the operations, also with ErrRefused.
func (s *Store) Write(ops []Op, o WriteOptions) ([]Result, error) {
	if err := s.db.Failed(); err != nil {
		return nil, err
	}
	if err := s.db.Room(); err != nil {
		return nil, err
	}
	w := writer{s: s, ops: ops, o: o, results: make([]Result, len(ops)), scratch: scratches.Get().(*scratch)}
	c, err := w.prepareAndApply()
	w.scratch.free()
	if w.commit != nil {
		w.sync()
	}
	if c != nil {
		// Refusals, too, are of a state that must be on disk.
		if werr := c.wait(); werr != nil {
			return nil, werr
		}
	}
	return w.results, err
}

// writer is a Write under way.
type writer struct {
	s       *Store
	ops     []Op
	o       WriteOptions
	results []Result
	rows    [][]byte
	batch   *pebble.Batch
	feeds   []feedMark
	deltas  []delta
	weight  int64 // of the changes to counts that follow
	scratch *scratch
	commit  *commit   // its own, applied and not synced
	held    []*stripe // those of the commit
}

// scratch is memory for the stored forms of an item, which the batch copies.
type scratch struct{ before, after []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// free gives the memory to other Writes.
func (s *scratch) free() {
	if cap(s.before)+cap(s.after) <= 64<<10 {
		scratches.Put(s)
	}
}

type feedMark struct {
	f        *feed
	sequence uint64
}

type delta struct {
	c            *count
	items, bytes int64
}

// prepareAndApply returns the commit to wait for: its own, or that of another's write that
// a refusal depends on.
func (w *writer) prepareAndApply() (*commit, error) {
	for i := range w.ops {
		t := w.ops[i].Table
		if i == 0 || t != w.ops[i-1].Table {
			if !w.seenTable(i) {
				t.gate.RLock()
				defer t.gate.RUnlock()
				if t.dropped {
					return nil, ErrDropped
				}
			}
		}
		row, ok := t.Definition().rowKey(make([]byte, 0, 64), w.ops[i].Key)
		if !ok {
			return nil, fmt.Errorf("itemstore: the key does not fit the table")
		}
		w.rows = append(w.rows, row)
	}
	rows := w.rows
	if w.o.Token != "" {
		rows = append(rows[:len(rows):len(rows)], tokenKey(w.o.Token))
	}
	held, busy := w.s.locks.set(rows, w.o.Patience)
	if busy >= 0 {
		return nil, Conflict{busy}
	}
	defer unlock(held)
	pending := newest(held)
	if err := w.checkToken(); err != nil {
		return pending, err
	}
	w.batch = w.s.db.NewBatch()
	decided := false
	defer func() {
		if !decided { // a panic: the feeds must not wait for what will not come
			w.abandon()
		}
	}()
	refused := false
	err := w.s.db.Guard(func() error {
		for i := range w.ops {
			if err := w.decide(i); err != nil {
				return err
			}
			refused = refused || w.results[i].Err != nil
		}
		return nil
	})
	decided = true
	if err == nil && refused {
		err = ErrRefused
	}
	if err != nil || w.batch.Empty() {
		w.abandon()
		return pending, err
	}
	if w.o.Token != "" {
		value := binary.BigEndian.AppendUint64(nil, uint64(w.s.clock.Now().UnixMilli()))
		w.batch.Set(tokenKey(w.o.Token), append(value, w.o.Digest...), nil)
	}
	return w.apply(held)
}

// seenTable reports whether an earlier operation is of the table of operation i.
func (w *writer) seenTable(i int) bool {
	for j := range i {
		if w.ops[j].Table == w.ops[i].Table {
			return true
		}
	}
	return false
}

// newest returns a commit that waits for those of all stripes.
func newest(held []*stripe) *commit {
	var all []*commit
	for _, s := range held {
		c := s.pending.Load()
		if c == nil {
			continue
		}
		select {
		case <-c.done:
		default:
			all = append(all, c)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	joint := &commit{done: make(chan struct{})}
	go func() {
		for _, c := range all {
			joint.err = errors.Join(joint.err, c.wait())
		}
		close(joint.done)
	}()
	return joint
}

func (w *writer) abandon() {
	for _, m := range w.feeds {
		m.f.finish(m.sequence)
	}
	w.batch.Close()
}

// apply puts the batch into the database's memory and its log. The caller calls sync when the
// locks are free again.
func (w *writer) apply(held []*stripe) (*commit, error) {
	c := &commit{done: make(chan struct{})}
	w.s.inflight.Add(1)
	// Before the batch can be read: who reads it finds the commit to wait for. It is synced after those before it.
	before := make([]*commit, len(held))
	for i, s := range held {
		before[i] = s.pending.Swap(c)
	}
	for _, row := range w.rows {
		w.s.hot.forget(xxhash.Sum64(row), row)
	}
	err := w.s.db.Guard(func() error { return w.s.db.Apply(w.batch, pebble.NoSync) })
	for _, s := range held {
		s.version.Add(1)
	}
	if err != nil {
		w.s.inflight.Add(-1)
		for i, s := range held {
			s.pending.Store(before[i])
		}
		close(c.done)
		for _, m := range w.feeds {
			m.f.finish(m.sequence)
		}
		return nil, err
	}
	w.batch.Close()
	for _, d := range w.deltas {
		d.c.items.Add(d.items)
		d.c.bytes.Add(d.bytes)
	}
	w.commit, w.held = c, held
	return c, nil
}

// sync waits for the sync of what apply applied, and tells those who wait for it.
func (w *writer) sync() {
	var err error
	if w.s.opts.NoSync {
		close(w.commit.done)
	} else {
		err = w.s.sync(w.commit)
	}
	if err == nil {
		for _, s := range w.held { // nobody need look at it any more
			s.pending.CompareAndSwap(w.commit, nil)
		}
	}
	w.s.inflight.Add(-1)
	for _, m := range w.feeds {
		m.f.finish(m.sequence)
	}
}

// putUnread adds a put to the batch that does not look at what it replaces.
func (w *writer) putUnread(i int, now attr.Item) (err error) {
	r := &w.results[i]
	after := attr.AppendItem(w.scratch.after[:0], now)
	w.scratch.after = after
	if r.NewSize, err = attr.StoredSize(after); err != nil {
		return err
	}
	r.New = now
	w.batch.Set(w.rows[i], after, nil)
	return nil
}

// decide reads one item, asks what it is to be, and adds the change to the batch.
func (w *writer) decide(i int) error {
	op, row, r := &w.ops[i], w.rows[i], &w.results[i]
	def := op.Table.Definition()
	needOld := !op.Blind || len(def.Indexes) > 0 || def.Feed || def.Expiry != ""
	w.weight = 1
	if !needOld && !op.Sized {
		if now, err := op.Decide(nil); err == nil && now != nil {
			if w.weight = w.s.sample(); w.weight != 1 {
				op.Table.counts.unread.Add(1)
			}
			if w.weight == 0 {
				return w.putUnread(i, now)
			}
		}
	}
	var old attr.Item
	var before []byte
	value, closer, err := w.s.db.Get(row)
	switch {
	case err == nil:
		r.OldSize, err = attr.StoredSize(value)
		if err == nil && needOld {
			old, err = attr.ParseItem(value)
			before = append(w.scratch.before[:0], value...)
			w.scratch.before = before
		}
		closer.Close()
		if err != nil {
			return fmt.Errorf("itemstore: read item: %w", err)
		}
	case err != pebble.ErrNotFound:
		return fmt.Errorf("itemstore: read item: %w", err)
	}
	r.Old = old
	now, err := op.Decide(old)
	if err == ErrUnchanged {
		r.New, r.NewSize = old, r.OldSize
		return nil
	}
	if err != nil {
		r.Err = err
		return nil
	}
	existed := r.OldSize > 0
	if !existed && now == nil {
		return nil
	}
	r.New = now
	var after []byte
	if now != nil {
		after = attr.AppendItem(w.scratch.after[:0], now)
		w.scratch.after = after
		if r.NewSize, err = attr.StoredSize(after); err != nil {
			return err
		}
		if old != nil && bytes.Equal(before, after) {
			return nil // nothing changes: no row, no record
		}
		w.batch.Set(row, after, nil)
	} else {
		w.batch.Delete(row, nil)
	}
	w.account(op.Table.count(0), existed, now != nil, r.OldSize, r.NewSize)
	for j := range def.Indexes {
		w.index(op.Table, def, &def.Indexes[j], old, now, r)
	}
	if def.Expiry != "" {
		w.expiry(def, row, old, now)
	}
	if def.Feed {
		w.record(op, def, old, now, before, after)
	}
	return nil
}

func (w *writer) account(c *count, before, after bool, oldSize, newSize int) {
	d := delta{c: c, bytes: w.weight * int64(newSize-oldSize)}
	if before {
		d.items -= w.weight
	}
	if after {
		d.items += w.weight
	}
	w.deltas = append(w.deltas, d)
}

// index changes the row of an item in one index.
func (w *writer) index(t *Table, def *Definition, x *Index, old, now attr.Item, r *Result) {
	var oldKey, newKey []byte
	var had, has bool
	var oldRow, newRow []byte
	change := IndexChange{ID: x.ID}
	if old != nil && x.holds(old) {
		if oldKey, had = def.indexKey(nil, x, old); had {
			oldRow = attr.AppendItem(nil, def.Project(x, old))
			change.OldSize, _ = attr.StoredSize(oldRow)
		}
	}
	if now != nil && x.holds(now) {
		if newKey, has = def.indexKey(nil, x, now); has {
			newRow = attr.AppendItem(nil, def.Project(x, now))
			change.NewSize, _ = attr.StoredSize(newRow)
		}
	}
	if !had && !has {
		return
	}
	if had && has && bytes.Equal(oldKey, newKey) && bytes.Equal(oldRow, newRow) {
		return
	}
	if had && (!has || !bytes.Equal(oldKey, newKey)) {
		w.batch.Delete(oldKey, nil)
		change.Moved = has
	}
	if has {
		w.batch.Set(newKey, newRow, nil)
	}
	w.account(t.count(x.ID), had, has, change.OldSize, change.NewSize)
	r.Indexes = append(r.Indexes, change)
}

func (w *writer) expiry(def *Definition, row []byte, old, now attr.Item) {
	var oldKey, newKey []byte
	var had, has bool
	if old != nil {
		oldKey, had = def.expiryKey(nil, old)
	}
	if now != nil {
		newKey, has = def.expiryKey(nil, now)
	}
	if had && has && bytes.Equal(oldKey, newKey) {
		return
	}
	if had {
		w.batch.Delete(oldKey, nil)
	}
	if has {
		w.batch.Set(newKey, row, nil)
	}
}

func tokenKey(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return append([]byte{kindToken}, sum[:]...)
}

func (w *writer) checkToken() error {
	if w.o.Token == "" {
		return nil
	}
	return w.s.db.Guard(func() error {
		value, closer, err := w.s.db.Get(tokenKey(w.o.Token))
		if err == pebble.ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		defer closer.Close()
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(value)))
		switch {
		case w.s.clock.Now().Sub(at) >= TokenLife:
			return nil
		case bytes.Equal(value[8:], w.o.Digest):
			return ErrRepeated
		}
		return ErrToken
	})
}

// SweepTokens forgets the tokens that are older than TokenLife.
func (s *Store) SweepTokens() error {
	return s.db.Guard(func() error {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindToken}, UpperBound: []byte{kindToken + 1}})
		if err != nil {
			return err
		}
		defer it.Close()
		cut := s.clock.Now().Add(-TokenLife).UnixMilli()
		b := s.db.NewBatch()
		defer b.Close()
		for ok := it.First(); ok && b.Len() < 1<<20; ok = it.Next() {
			if v, err := it.ValueAndErr(); err == nil && int64(binary.BigEndian.Uint64(v)) < cut {
				b.Delete(it.Key(), nil)
			}
		}
		return errors.Join(it.Error(), b.Commit(pebble.NoSync))
	})
}
