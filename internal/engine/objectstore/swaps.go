package objectstore

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// swaps knows which objects are on their way out, and in, by Replace, and who still reads
// the bucket as it was before. Its zero value, with a clock, knows of none.
//
// Each swap that is committed begins a generation of the store. A reader sees the store of
// one generation, the latest when it begins: an object that a later one brings is hidden
// from it, an object that a later one takes away is still there.
type swaps struct {
	clock clockwork.Clock
	some  atomic.Int64 // swaps in the maps; most stores have none

	mu         sync.RWMutex
	generation int64
	made       map[objectName]*swap // what is hidden from readers of earlier generations
	taken      map[objectName]*swap // what is hidden from readers of later ones, or guarded
	aside      map[objectName]string
	pins       map[int64]int       // readers under way, by generation
	leases     map[int64]time.Time // until when a listing may be continued
	changed    chan struct{}       // closed and recreated when a pin goes
}

type objectName struct{ bucket, key string }

// listLease is how long the next page of a listing has the generation of the first.
const listLease = time.Minute

// unpublished is the generation of what is not committed.
const unpublished = math.MaxInt64

// A view is the store as of a generation. It is to be released.
type view struct {
	w          *swaps
	generation int64
}

// view begins a reader of the present generation.
func (w *swaps) view() view {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pin(w.generation)
}

// resume begins a reader that goes on from an earlier one's generation.
func (w *swaps) resume(generation int64) view {
	w.mu.Lock()
	defer w.mu.Unlock()
	if generation > w.generation { // of another time
		generation = w.generation
	}
	return w.pin(generation)
}

func (w *swaps) pin(generation int64) view {
	if w.pins == nil {
		w.pins = make(map[int64]int)
	}
	w.pins[generation]++
	return view{w, generation}
}

func (v view) release() {
	w := v.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pins[v.generation]--; w.pins[v.generation] == 0 {
		delete(w.pins, v.generation)
		w.wake()
	}
}

// lease keeps the generation for whoever continues a listing in a moment.
func (v view) lease() {
	w := v.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leases == nil {
		w.leases = make(map[int64]time.Time)
	}
	w.leases[v.generation] = w.clock.Now().Add(listLease)
}

// wake has those look again who wait for readers to end. The caller holds mu.
func (w *swaps) wake() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// waitReaders returns when nobody reads a generation before that of s any more; false if
// s ends before that, or ctx.
func (w *swaps) waitReaders(ctx context.Context, s *swap) bool {
	for {
		changed, lease := w.readBefore(s.Generation)
		if changed == nil {
			return ctx.Err() == nil
		}
		timer := w.clock.NewTimer(lease)
		select {
		case <-changed:
		case <-timer.Chan():
		case <-s.done:
		case <-ctx.Done():
		}
		timer.Stop()
		select {
		case <-s.done:
			return false
		case <-ctx.Done():
			return false
		default:
		}
	}
}

// readBefore returns nil if there are no readers of generations before g. Else they may
// be gone when the channel is closed or the time has passed.
func (w *swaps) readBefore(g int64) (changed <-chan struct{}, lease time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, read := w.clock.Now(), false
	lease = listLease
	for old, end := range w.leases {
		if !end.After(now) {
			delete(w.leases, old)
		} else if old < g {
			lease, read = min(lease, end.Sub(now)), true
		}
	}
	for p := range w.pins {
		read = read || p < g
	}
	if !read {
		return nil, 0
	}
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.changed, lease
}

// hides reports whether the view leaves out an object that is there. The caller looks for
// the object's file after that, not before: so one that is neither hidden nor gone is
// what the view is to show.
func (v view) hides(bucket, key string) bool {
	w := v.w
	if w.some.Load() == 0 {
		return false
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	name := objectName{bucket, key}
	if s := w.made[name]; s != nil && s.generation > v.generation {
		return true
	}
	s := w.taken[name]
	return s != nil && s.generation <= v.generation
}

// hides is that of a view of the present generation.
func (w *swaps) hides(bucket, key string) bool {
	if w.some.Load() == 0 {
		return false
	}
	w.mu.RLock()
	g := w.generation
	w.mu.RUnlock()
	return view{w, g}.hides(bucket, key)
}

// pending reports whether an object is there that is not published yet.
func (w *swaps) pending(bucket, key string) bool {
	if w.some.Load() == 0 {
		return false
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	s := w.made[objectName{bucket, key}]
	return s != nil && s.generation == unpublished
}

// standIn is the key under which an object that was taken away can still be read.
func (w *swaps) standIn(bucket, key string) (string, bool) {
	if w.some.Load() == 0 {
		return "", false
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	k, ok := w.aside[objectName{bucket, key}]
	return k, ok
}

// of is the swap that takes the object away, or is about to.
func (w *swaps) of(bucket, key string) *swap {
	if w.some.Load() == 0 {
		return nil
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.taken[objectName{bucket, key}]
}

// in are the swaps of a bucket.
func (w *swaps) in(bucket string) []*swap {
	if w.some.Load() == 0 {
		return nil
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	found := make(map[*swap]bool)
	for _, m := range []map[objectName]*swap{w.made, w.taken} {
		for name, s := range m {
			if name.bucket == bucket {
				found[s] = true
			}
		}
	}
	list := make([]*swap, 0, len(found))
	for s := range found {
		list = append(list, s)
	}
	return list
}

// guard takes the sources of s, unless another swap has one of them.
func (w *swaps) guard(s *swap, sources []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range sources {
		if w.taken[objectName{s.Bucket, key}] != nil {
			return false
		}
	}
	if w.taken == nil {
		w.taken, w.made, w.aside = make(map[objectName]*swap), make(map[objectName]*swap), make(map[objectName]string)
	}
	for _, key := range sources {
		w.taken[objectName{s.Bucket, key}] = s
	}
	w.some.Add(1)
	return true
}

// narrow lets go of the sources that s does not take after all, and hides what it makes.
func (w *swaps) narrow(s *swap, sources []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keep := make(map[string]bool, len(s.Sources))
	for _, key := range s.Sources {
		keep[key] = true
	}
	for _, key := range sources {
		if !keep[key] {
			delete(w.taken, objectName{s.Bucket, key})
		}
	}
	w.made[objectName{s.Bucket, s.Key}] = s
}

// commit begins the generation of s.
func (w *swaps) commit(s *swap, generation int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.generation = generation
	w.generation = max(w.generation, generation)
}

// next is a generation after all others, also those of earlier processes.
func (w *swaps) next() int64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return max(w.generation+1, w.clock.Now().UnixNano())
}

// stepAside reports where the sources of s are to be found from now on.
func (w *swaps) stepAside(s *swap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, key := range s.Sources {
		w.aside[objectName{s.Bucket, key}] = s.asideKey(i)
	}
}

// release forgets what s hides: nobody reads what was before, and its sources are where
// nobody lists them.
func (w *swaps) release(s *swap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unhide(s)
}

func (w *swaps) unhide(s *swap) {
	if name := (objectName{s.Bucket, s.Key}); w.made[name] == s {
		delete(w.made, name)
	}
	for _, key := range s.guarded {
		if name := (objectName{s.Bucket, key}); w.taken[name] == s {
			delete(w.taken, name)
		}
	}
}

// forget takes s out of all maps.
func (w *swaps) forget(s *swap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unhide(s)
	for i, key := range s.Sources {
		if name := (objectName{s.Bucket, key}); w.aside[name] == s.asideKey(i) {
			delete(w.aside, name)
		}
	}
	w.some.Add(-1)
}

// clear forgets all swaps. The views that there are stay valid.
func (w *swaps) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made, w.taken, w.aside, w.leases = nil, nil, nil, nil
	w.some.Store(0)
	w.wake()
}
