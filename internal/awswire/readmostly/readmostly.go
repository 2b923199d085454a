// Package readmostly has a map for what is found once and asked for again and again. To read it costs no lock and writes no
// memory, so that many goroutines may ask at once; to add to it costs a copy of all.
package readmostly

import (
	"cmp"
	"maps"
	"sync"
	"sync/atomic"
)

// DefaultLimit is how many entries a Map has whose Limit is zero.
const DefaultLimit = 256

// Map is a map of at most Limit entries, which starts over when it is full. Its methods may be called by many goroutines.
// The zero value is ready to use.
type Map[K comparable, V any] struct {
	Limit int // set before the first use

	adding sync.Mutex
	now    atomic.Pointer[map[K]V]
}

// Get returns what is kept of a key.
func (m *Map[K, V]) Get(k K) (v V, ok bool) {
	if now := m.now.Load(); now != nil {
		v, ok = (*now)[k]
	}
	return v, ok
}

// Put keeps a value. One that is kept of the key already is replaced.
func (m *Map[K, V]) Put(k K, v V) {
	m.adding.Lock()
	defer m.adding.Unlock()
	next := map[K]V{}
	if now := m.now.Load(); now != nil {
		if _, has := (*now)[k]; has || len(*now) < cmp.Or(m.Limit, DefaultLimit) {
			next = maps.Clone(*now)
		}
	}
	next[k] = v
	m.now.Store(&next)
}
