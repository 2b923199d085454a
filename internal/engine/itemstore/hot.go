package itemstore

import (
	"bytes"
	"sync/atomic"
)

// This file: rows of tables that were read a moment ago, so that what many ask for is found without a search in
// Pebble's tables. Those of indexes are not here, nor what is read as of one moment (GetAll, Each).
//
// A row is in the slot that its hash says, in place of what was there. It is never older than what Pebble has:
//
//   - A writer empties the slot before it applies its batch, and counts up the version of its stripe when it has,
//     both under the stripe's lock.
//   - A reader fills the slot under the lock too, and only if the stripe has the version that it had before the reader
//     asked Pebble.
//
// A row that is here may wait for its sync, as in Pebble: who finds it waits for the stripe's pending commit.

const (
	hotSlots = 1 << 13
	hotBytes = 4 << 20  // of all rows; the heap grows by a multiple of them between collections
	hotItem  = 16 << 10 // bytes of an item beyond which it is not kept
)

// hot is the rows. Its methods may be called from many goroutines, those that change a row with its stripe locked.
type hot struct {
	slots [hotSlots]atomic.Pointer[hotRow]
	bytes atomic.Int64
}

// hotRow is not changed once it is in a slot.
type hotRow struct {
	data []byte // the key, then the item
	key  int    // bytes of the key
}

func (r *hotRow) item() []byte { return r.data[r.key:len(r.data):len(r.data)] }

// size is the bytes of memory that a row takes, about; 0 of none.
func (r *hotRow) size() int64 {
	if r == nil {
		return 0
	}
	return int64(len(r.data)) + 64
}

func (h *hot) slot(hash uint64) *atomic.Pointer[hotRow] { return &h.slots[hash/stripes%hotSlots] }

// get returns the item of a row, nil if it is not here.
func (h *hot) get(hash uint64, row []byte) []byte {
	if r := h.slot(hash).Load(); r != nil && bytes.Equal(r.data[:r.key], row) {
		return r.item()
	}
	return nil
}

// put makes r the row of its slot. Where there is no room for it the slot is left empty, which makes some.
func (h *hot) put(hash uint64, r *hotRow) {
	size := r.size()
	if h.bytes.Add(size) > hotBytes {
		h.bytes.Add(-size)
		r = nil
	}
	h.bytes.Add(-h.slot(hash).Swap(r).size())
}

// forget removes a row.
func (h *hot) forget(hash uint64, row []byte) {
	at := h.slot(hash)
	if r := at.Load(); r != nil && bytes.Equal(r.data[:r.key], row) && at.CompareAndSwap(r, nil) {
		h.bytes.Add(-r.size()) // else another row has come in its place
	}
}

// forgetHot removes all rows. What readers found before that is not kept either.
func (s *Store) forgetHot() {
	for i := range s.locks {
		l := &s.locks[i]
		l.mu.Lock()
		l.version.Add(1)
		l.mu.Unlock()
	}
	for i := range s.hot.slots {
		s.hot.bytes.Add(-s.hot.slots[i].Swap(nil).size())
	}
}

// keepHot keeps a row that was read since its stripe had the version seen. It does not wait.
func (s *Store) keepHot(hash uint64, seen uint32, r *hotRow) {
	l := s.locks.at(hash)
	if len(r.data)-r.key > hotItem || !l.mu.TryLock() {
		return
	}
	if l.version.Load() == seen {
		s.hot.put(hash, r)
	}
	l.mu.Unlock()
}
