package work

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// Leases is the Owner of one of several processes that work on one store. Each key is run by one
// of them at a time; what a process leaves behind when it dies, another takes up.
//
// # Documents
//
//	worker.process/ID   a process that lives: it writes its document again every TTL/6
//	worker.lease/KEY    who has the key; gone when nobody has
//
// The epoch of a lease is the revision of its document: the revisions of a store grow over all
// its documents, so that one which comes later is greater, whoever had the key between.
//
// # Who is dead
//
// No clocks are compared. A process that could not write its document for 2/3 of TTL gives its
// leases up. Another that has watched the document for a whole TTL without a change removes it,
// at the revision that it has seen, and takes leases after that alone: a process whose document is
// gone holds nothing, and comes back under another ID. One that is closed removes its own.
//
// What holds a process up between its last look at a lease and a write (a pause of the machine)
// is not ended by a lease: that is what the work's own compare-and-swap is for.
type Leases struct {
	store *state.Store
	clock clockwork.Clock
	ttl   time.Duration

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	id      string // of this process; "": it has none at the moment
	rev     uint64 // of its document
	held    map[string]*heldLease
	undone  map[string]uint64          // leases to give back, whose removal has failed: key -> revision
	seen    map[string]sighting        // other processes, as long as somebody waits for them
	waiters map[string][]chan struct{} // by key, closed when its lease has changed; "": when a process has gone, or come
}

type heldLease struct {
	rev   uint64
	users int // of this process; given back when there are none
	lost  chan struct{}
	over  bool // lost is closed
}

// sighting is a revision of a process's document, and when this process saw it first.
type sighting struct {
	rev uint64
	at  time.Time
}

// LeaseOptions configure Leases. The zero value works.
type LeaseOptions struct {
	Clock clockwork.Clock // nil: the real one

	// TTL is after how long without a sign of life a process's work goes to others. It should be
	// well above the time in which a cluster finds a new leader. Zero: 30 s.
	TTL time.Duration
}

type processDoc struct {
	Beat uint64 `json:"beat"`
}

type leaseDoc struct {
	Process string `json:"process"`
}

const (
	processKind = "worker.process"
	leaseKind   = "worker.lease"
)

// Share makes this process one of those that work on a store. Close ends that.
func Share(ctx context.Context, s *state.Store, o LeaseOptions) (*Leases, error) {
	l := &Leases{
		store: s, clock: o.Clock, ttl: o.TTL,
		held: map[string]*heldLease{}, undone: map[string]uint64{}, seen: map[string]sighting{}, waiters: map[string][]chan struct{}{},
	}
	if l.clock == nil {
		l.clock = clockwork.NewRealClock()
	}
	if l.ttl == 0 {
		l.ttl = 30 * time.Second
	}
	// So that a check of the store tells of documents that cannot be read.
	state.NewCollection[processDoc](s, processKind)
	state.NewCollection[leaseDoc](s, leaseKind)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for kind, changed := range map[string]func(state.Event){processKind: l.processChanged, leaseKind: l.leaseChanged} {
		if err := s.Watch(l.ctx, state.Key{kind}, changed); err != nil {
			l.cancel()
			return nil, fmt.Errorf("work: watch leases: %w", err)
		}
	}
	if err := l.appear(ctx); err != nil {
		l.cancel()
		return nil, fmt.Errorf("work: share the store: %w", err)
	}
	l.wg.Go(l.live)
	return l, nil
}

// Close gives all leases up: others take over at once. Nothing of the work may be running any more.
func (l *Leases) Close(ctx context.Context) error {
	l.cancel()
	l.wg.Wait()
	l.mu.Lock()
	id, rev := l.id, l.rev
	l.vanish()
	l.mu.Unlock()
	if id == "" {
		return nil
	}
	err := l.store.Delete(ctx, state.Key{processKind, id}, rev)
	if errors.Is(err, state.ErrNotFound) || errors.Is(err, state.ErrConflict) {
		return nil // another has done so
	}
	return err
}

// appear makes the document of this process, under a new ID.
func (l *Leases) appear(ctx context.Context) error {
	id := rand.Text()
	rev, err := l.store.Create(ctx, state.Key{processKind, id}, encoded(processDoc{}))
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.id, l.rev = id, rev
	l.wakeAll()
	l.mu.Unlock()
	return nil
}

// vanish gives up every lease. Callers hold mu.
func (l *Leases) vanish() {
	l.id, l.rev = "", 0
	for _, h := range l.held {
		h.end()
	}
	clear(l.held)
	clear(l.undone)
	l.wakeAll()
}

func (h *heldLease) end() {
	if !h.over {
		h.over = true
		close(h.lost)
	}
}

// live writes signs of life until the context ends.
func (l *Leases) live() {
	tick := l.clock.NewTicker(l.ttl / 6)
	defer tick.Stop()
	// A write that hangs must not keep leases alive.
	watchdog := l.clock.AfterFunc(2*l.ttl/3, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.vanish()
	})
	defer func() { watchdog.Stop() }()
	for beat := uint64(1); ; beat++ {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.Chan():
		}
		began := l.clock.Now()
		l.mu.Lock()
		id, rev := l.id, l.rev
		l.mu.Unlock()
		var err error
		if id != "" {
			rev, err = l.store.Update(l.ctx, state.Key{processKind, id}, encoded(processDoc{beat}), rev)
			l.mu.Lock()
			switch {
			case err == nil && l.id == id:
				l.rev = rev
			case errors.Is(err, state.ErrNotFound), errors.Is(err, state.ErrConflict):
				// Another has called it dead. (Nobody else changes the document.)
				l.vanish()
				id = ""
			}
			l.mu.Unlock()
		}
		if id == "" {
			err = l.appear(l.ctx)
		}
		if err == nil {
			watchdog.Reset(2*l.ttl/3 - l.clock.Since(began))
			l.giveBack()
		}
	}
}

// giveBack removes leases that were released when that could not be written.
func (l *Leases) giveBack() {
	l.mu.Lock()
	undone := l.undone
	l.undone = map[string]uint64{}
	l.mu.Unlock()
	for key, rev := range undone {
		l.drop(key, rev)
	}
}

// drop removes a lease's document, later if it cannot be done now.
func (l *Leases) drop(key string, rev uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 10*time.Second)
	defer cancel()
	err := l.store.Delete(ctx, state.Key{leaseKind, key}, rev)
	if err == nil || errors.Is(err, state.ErrNotFound) || errors.Is(err, state.ErrConflict) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.undone[key] = rev
}

// Acquire waits until this process has the key.
func (l *Leases) Acquire(ctx context.Context, key string, elsewhere func()) (Lease, error) {
	for {
		changed := l.waiter(key)
		lease, ok, wait, err := l.try(ctx, key)
		if ok || err != nil {
			l.forgo(key, changed)
			return lease, err
		}
		if elsewhere != nil && wait != conflictWait {
			elsewhere()
			elsewhere = nil
		}
		timer := l.clock.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.Chan():
		case <-ctx.Done():
			err = ctx.Err()
		case <-l.ctx.Done():
			err = ErrClosed
		}
		timer.Stop()
		l.forgo(key, changed)
		if err != nil {
			return Lease{}, err
		}
	}
}

// conflictWait is how long to wait for a change that a store has not brought yet.
const conflictWait = 100 * time.Millisecond

// try takes the key if it is free, or reports how long to wait at most before the next try.
func (l *Leases) try(ctx context.Context, key string) (lease Lease, ok bool, wait time.Duration, err error) {
	l.mu.Lock()
	id := l.id
	if h := l.held[key]; h != nil {
		defer l.mu.Unlock()
		return l.use(key, h), true, 0, nil
	}
	l.mu.Unlock()
	if id == "" {
		return lease, false, l.ttl, nil // it is told when that changes
	}
	name, value := state.Key{leaseKind, key}, encoded(leaseDoc{id})
	doc, err := l.store.Get(name)
	var rev uint64
	switch {
	case errors.Is(err, state.ErrNotFound):
		rev, err = l.store.Create(ctx, name, value)
	case err != nil:
		return lease, false, 0, err
	default:
		var d leaseDoc
		if err := json.Unmarshal(doc.Value, &d); err != nil {
			return lease, false, 0, fmt.Errorf("work: the lease of %s cannot be read: %w", key, err)
		}
		if d.Process != id {
			alive, err := l.alive(ctx, d.Process)
			if alive > 0 || err != nil {
				return lease, false, alive, err
			}
		}
		rev, err = l.store.Update(ctx, name, value, doc.Revision)
	}
	if errors.Is(err, state.ErrExists) || errors.Is(err, state.ErrConflict) || errors.Is(err, state.ErrNotFound) {
		return lease, false, conflictWait, nil
	}
	if err != nil {
		return lease, false, 0, fmt.Errorf("work: take the lease of %s: %w", key, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[key]
	switch {
	case l.id != id: // it was called dead meanwhile: this lease is nobody's
		return lease, false, conflictWait, nil
	case h != nil && h.rev > rev: // of another call of this process, which came later
	default:
		if h != nil {
			h.end()
		}
		h = &heldLease{rev: rev, lost: make(chan struct{})}
		l.held[key] = h
	}
	return l.use(key, h), true, 0, nil
}

// use counts one who has a lease. Callers hold mu.
func (l *Leases) use(key string, h *heldLease) Lease {
	h.users++
	return Lease{Epoch: h.rev, Lost: h.lost, Release: sync.OnceFunc(func() { l.release(key, h) })}
}

func (l *Leases) release(key string, h *heldLease) {
	l.mu.Lock()
	h.users--
	last := h.users == 0 && l.held[key] == h
	if last {
		delete(l.held, key)
	}
	l.mu.Unlock()
	if last {
		l.drop(key, h.rev)
	}
}

// alive tells for how long a process is to be taken for alive: 0 when it is dead, and cannot
// come back.
func (l *Leases) alive(ctx context.Context, id string) (time.Duration, error) {
	name := state.Key{processKind, id}
	doc, err := l.store.Get(name)
	if errors.Is(err, state.ErrNotFound) {
		l.mu.Lock()
		delete(l.seen, id)
		l.mu.Unlock()
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	now := l.clock.Now()
	l.mu.Lock()
	at, ok := l.seen[id]
	if !ok || at.rev != doc.Revision {
		at = sighting{doc.Revision, now}
		l.seen[id] = at
	}
	l.mu.Unlock()
	if left := l.ttl - now.Sub(at.at); left > 0 {
		return left, nil
	}
	err = l.store.Delete(ctx, name, doc.Revision)
	if errors.Is(err, state.ErrConflict) {
		return conflictWait, nil // it lives
	}
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	return 0, err
}

func (l *Leases) waiter(key string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := make(chan struct{})
	l.waiters[key] = append(l.waiters[key], c)
	return c
}

func (l *Leases) forgo(key string, c chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := slices.DeleteFunc(l.waiters[key], func(w chan struct{}) bool { return w == c })
	if l.waiters[key] = rest; len(rest) == 0 {
		delete(l.waiters, key)
	}
}

// wake lets those try again who wait for a key. Callers hold mu.
func (l *Leases) wake(key string) {
	for _, c := range l.waiters[key] {
		close(c)
	}
	delete(l.waiters, key)
}

func (l *Leases) wakeAll() {
	for key := range l.waiters {
		l.wake(key)
	}
}

// processChanged is told of the signs of life of all processes.
func (l *Leases) processChanged(e state.Event) {
	if e.Value != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if id := e.Key[len(e.Key)-1]; id == l.id {
		l.vanish()
	}
	l.wakeAll()
}

// leaseChanged is told of the leases of all processes.
func (l *Leases) leaseChanged(e state.Event) {
	key := e.Key[len(e.Key)-1]
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[key]; h != nil && e.Revision > h.rev {
		h.end()
		delete(l.held, key)
	}
	l.wake(key)
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // these are plain structs
	}
	return b
}
