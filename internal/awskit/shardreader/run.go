package shardreader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Run calls read for every shard whose turn has come, each in a goroutine of its own, until
// ctx ends or one of them fails; read returns nil when Shard.Next has returned io.EOF and
// it is done with all of the shard's records, and only then are the shard's children
// begun. When the stream is another one of its name, the contexts of all end with
// ErrRecreated and the new stream is read.
//
// With a store, Run goes on from the position that it holds, and Shard.Commit changes it.
// until says when Run returns nil: Forever, or at the Tip: when all that was there is read.
func (r *Reader[R]) Run(ctx context.Context, store Store, until Until, read func(ctx context.Context, s *Shard[R]) error) error {
	r.running = true
	if store != nil {
		p, err := store.Load(ctx)
		if err != nil {
			return fmt.Errorf("load the position: %w", err)
		}
		if p != nil {
			r.identity, r.looked = p.Identity, true
			for id, place := range p.Shards {
				r.known[id] = place
			}
		}
	}
	for {
		again, err := r.runStream(ctx, store, until, read)
		if !again {
			return err
		}
	}
}

// Until says how long Run goes on.
type Until int

const (
	Forever Until = iota
	Tip           // until every shard has been read to its end or to its newest record
)

// ErrRecreated is why the context of a shard's function ends when the stream was created again.
var ErrRecreated = errors.New("shardreader: the stream was deleted and created again")

// errGone is why it ends when the shard has expired with its records.
var errGone = errors.New("shardreader: the shard is no longer in the stream")

// run is one Run of one stream.
type run[R any] struct {
	r      *Reader[R]
	store  Store
	until  Until
	budget *semaphore.Weighted
	bytes  int64
	looked chan struct{} // holds a token when the stream is to be looked at

	mu     sync.Mutex
	saving sync.Mutex
	places map[string]Place // that are committed
	saved  uint64           // changes of places that the store has
	change uint64           // changes of places
}

// runStream runs one stream; again when another took its place.
func (r *Reader[R]) runStream(ctx context.Context, store Store, until Until, read func(context.Context, *Shard[R]) error) (again bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u := &run[R]{r: r, store: store, until: until, bytes: int64(r.o.MaxBytes), looked: make(chan struct{}, 1), places: make(map[string]Place)}
	u.budget = semaphore.NewWeighted(u.bytes)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	running := make(map[string]context.CancelCauseFunc)
	done := make(chan string, 64)
	identity := r.identity
	finished := make(map[string]bool)
	r.look = time.Time{}
	for {
		for !r.Prepare(ctx, false) || r.doubt.Load() {
			if err := ctx.Err(); err != nil {
				return false, context.Cause(ctx)
			}
			if err := r.sleep(ctx, max(r.look.Sub(r.o.Clock.Now()), time.Millisecond), nil); err != nil {
				return false, context.Cause(ctx)
			}
		}
		if identity != "" && r.identity != identity {
			for _, stop := range running {
				stop(ErrRecreated)
			}
			for range running {
				<-done
			}
			return true, nil
		}
		identity = r.identity
		if err := u.pin(ctx); err != nil {
			return false, err
		}
		now := make(map[string]bool)
		for _, c := range r.cursors {
			now[c.id] = true
			if running[c.id] != nil || finished[c.id] {
				continue
			}
			shardCtx, stop := context.WithCancelCause(ctx)
			running[c.id] = stop
			s := newShard(shardCtx, u, c)
			wg.Go(func() {
				defer stop(nil)
				err := read(shardCtx, s)
				s.release()
				if err != nil && shardCtx.Err() == nil {
					cancel(err)
				}
				if err == nil && shardCtx.Err() == nil && s.ended {
					err = s.finish(shardCtx)
					if err != nil {
						cancel(err)
					}
				}
				select {
				case done <- s.ID:
				case <-ctx.Done():
				}
			})
		}
		for id, stop := range running {
			if !now[id] {
				stop(errGone)
			}
		}
		if until == Tip && len(running) == 0 {
			return false, nil
		}
		select {
		case id := <-done:
			delete(running, id)
			finished[id] = true
			if c := r.cursor(id); c != nil {
				u.mu.Lock()
				c.over = u.places[id].Ended
				u.mu.Unlock()
			}
			r.look = time.Time{}
		case <-u.looked:
			r.look = time.Time{}
		case <-r.o.Clock.After(max(r.look.Sub(r.o.Clock.Now()), time.Millisecond)):
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// pin writes down where shards begin before any is read.
func (u *run[R]) pin(ctx context.Context) error {
	p := u.r.known
	u.mu.Lock()
	fresh := len(u.places) == 0 && len(p) > 0
	for id, place := range p {
		if _, ok := u.places[id]; !ok {
			u.places[id] = place
		}
	}
	for id := range u.places {
		if _, ok := p[id]; !ok && u.r.cursor(id) == nil {
			delete(u.places, id)
		}
	}
	if fresh {
		u.change++
	}
	u.mu.Unlock()
	return u.save(ctx)
}

// save stores the places unless a call that began later has done so.
func (u *run[R]) save(ctx context.Context) error {
	u.mu.Lock()
	want := u.change
	u.mu.Unlock()
	if u.store == nil {
		return nil
	}
	u.saving.Lock()
	defer u.saving.Unlock()
	if u.saved >= want {
		return nil
	}
	u.mu.Lock()
	at, p := u.change, (&Position{Identity: u.r.identity, Shards: u.places}).clone()
	u.mu.Unlock()
	if err := u.store.Save(ctx, p); err != nil {
		return fmt.Errorf("save the position: %w", err)
	}
	u.saved = at
	return nil
}

// Shard is a shard in the hands of a function of Run, in one goroutine.
type Shard[R any] struct {
	ID string

	u        *run[R]
	c        *cursor[R]
	ctx      context.Context // of the function
	place    Place           // behind what Next has returned
	held     int64           // bytes of the budget
	size     int64           // bytes of records in hand
	estimate int64
	limit    int32
	ended    bool
	tip      bool
	left     []R            // of the last page, not returned yet
	pages    chan pushed[R] // of a subscription; nil: none
}

// pushed is what a subscription yields.
type pushed[R any] struct {
	page Page[R]
	err  error
}

func newShard[R any](ctx context.Context, u *run[R], c *cursor[R]) *Shard[R] {
	return &Shard[R]{ID: c.id, ctx: ctx, u: u, c: c, place: c.place, limit: 1000, estimate: min(int64(u.r.o.ReadBytes), u.bytes)}
}

// Place is where the shard is read on: behind what Next has returned.
func (s *Shard[R]) Place() Place { return s.place }

// Limits are those of one batch. Zero values mean none.
type Limits struct {
	Records int
	Bytes   int           // unless one record has more
	Window  time.Duration // how long to gather after the first record
}

// Next returns the next records of the shard, at least one, when the limits are reached: with
// no Window, what there is. It returns io.EOF at the end of a closed shard, and at the tip
// when Run goes until there; else its only errors are those of ctx. The records are good
// until the next call.
func (s *Shard[R]) Next(ctx context.Context, l Limits) ([]R, error) {
	if len(s.left) == 0 {
		s.release()
	}
	var batch []R
	var size int
	var until time.Time
	for {
		// What is at hand.
		n := 0
		for n < len(s.left) {
			about := s.u.r.s.About(&s.left[n])
			if len(batch)+n > 0 && (l.Records > 0 && len(batch)+n >= l.Records || l.Bytes > 0 && size+about.Size > l.Bytes) {
				return s.give(append(batch, s.left[:n]...), n), nil
			}
			size += about.Size
			n++
		}
		if n > 0 {
			if batch == nil && l.Window == 0 {
				return s.give(s.left[:n:n], n), nil
			}
			batch = append(batch, s.left[:n]...)
			s.left = nil
			if until.IsZero() {
				until = s.u.r.o.Clock.Now().Add(l.Window)
			}
			if l.Records > 0 && len(batch) >= l.Records || l.Bytes > 0 && size >= l.Bytes {
				return s.give(batch, 0), nil
			}
		}
		if len(batch) > 0 && (s.ended || l.Window == 0 || !s.u.r.o.Clock.Now().Before(until)) {
			return s.give(batch, 0), nil
		}
		if s.ended {
			return nil, io.EOF
		}
		wctx, cancel := ctx, func() {}
		if len(batch) > 0 {
			wctx, cancel = s.windowed(ctx, until)
		}
		err := s.fetch(wctx)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && len(batch) == 0 && !errors.Is(err, errTip):
			return nil, err
		case errors.Is(err, errTip):
			s.ended, s.tip = true, true
		}
	}
}

// give returns a batch; n of it are the first of what is left.
func (s *Shard[R]) give(batch []R, n int) []R {
	s.left = s.left[min(n, len(s.left)):]
	s.place.After, s.place.First, s.place.Begun = s.u.r.s.About(&batch[len(batch)-1]).Sequence, "", true
	s.place.latest = false
	return batch
}

// windowed is a context that ends when the window does.
func (s *Shard[R]) windowed(ctx context.Context, until time.Time) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	t := s.u.r.o.Clock.AfterFunc(until.Sub(s.u.r.o.Clock.Now()), cancel)
	return ctx, func() { t.Stop(); cancel() }
}

// errTip: all that was there has been read.
var errTip = errors.New("shardreader: at the tip")

// fetch brings the next records into left, waiting for them. Errors of the API are tried
// again.
func (s *Shard[R]) fetch(ctx context.Context) error {
	for {
		records, err := s.page(ctx)
		if ctx.Err() != nil {
			// The cursor is behind what came in the moment that ctx ended: it is kept.
			s.left = records
			return ctx.Err()
		}
		r := s.u.r
		if err != nil {
			if r.doubt.Load() {
				s.lookAgain()
			}
			if err := r.sleep(ctx, max(s.c.pause.Sub(r.o.Clock.Now()), time.Millisecond), nil); err != nil {
				return err
			}
			continue
		}
		if s.c.lost && len(records) > 0 {
			s.c.lost = false
			r.o.Events.lost(s.ID)
		}
		if len(records) > 0 {
			s.left = records
			return nil
		}
		switch {
		case s.c.place.Ended:
			s.ended = true
			return nil
		case s.u.until == Tip && s.c.atEnd:
			return errTip
		}
	}
}

// CaughtUp reads on without waiting for records, and reports whether there is none that Next has not returned. What it
// finds is what Next returns. Its errors are those of ctx; where the API fails there may be more. Of records that are
// pushed it knows those that have come.
func (s *Shard[R]) CaughtUp(ctx context.Context) (bool, error) {
	if len(s.left) > 0 {
		return false, nil
	}
	s.release()
	pushes := s.u.r.pusher != nil && s.u.until != Tip
	if wait := s.c.pause.Sub(s.u.r.o.Clock.Now()); wait > 0 {
		if err := s.u.r.sleep(ctx, wait, nil); err != nil {
			return false, err
		}
	}
	for !s.ended {
		var records []R
		var err error
		switch {
		case !pushes:
			records, err = s.c.get(ctx, s.limit)
			s.note(records)
		case s.pages == nil:
			s.subscribe()
			return false, nil
		default:
			select {
			case p, ok := <-s.pages:
				if !ok || p.err != nil {
					s.pages = nil
					if p.err != nil {
						s.c.failed(p.err)
					}
					return false, nil
				}
				records = s.c.took(p.page)
				s.note(records)
			default:
				return s.c.atEnd, nil
			}
		}
		s.left = records
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case err != nil:
			if s.u.r.doubt.Load() {
				s.lookAgain()
			}
			return false, nil
		case len(records) > 0:
			return false, nil
		case s.c.place.Ended:
			s.ended = true
		case s.c.atEnd && !pushes:
			return true, nil
		}
	}
	return true, nil
}

// page reads once, or takes the next page that is pushed. It waits while the shard is at
// its tip.
func (s *Shard[R]) page(ctx context.Context) ([]R, error) {
	r := s.u.r
	if r.pusher != nil && s.u.until != Tip {
		return s.pushed(ctx)
	}
	if gap := s.c.next(r.o.Gap(1)).Sub(r.o.Clock.Now()); gap > 0 {
		if err := s.await(ctx, gap); err != nil {
			return nil, err
		}
	}
	if s.held == 0 {
		if err := s.u.budget.Acquire(ctx, s.estimate); err != nil {
			return nil, err
		}
		s.held = s.estimate
	}
	records, err := s.c.get(ctx, s.limit)
	s.note(records)
	return records, err
}

// await waits at the tip for more records, or for the time to ask.
func (s *Shard[R]) await(ctx context.Context, d time.Duration) error {
	r := s.u.r
	s.hold(s.size) // no more than is in hand
	if r.waiter == nil || s.c.iterator == "" || s.c.pause.After(r.o.Clock.Now()) || s.c.soon {
		return r.sleep(ctx, d, nil)
	}
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	told := make(chan struct{})
	go func() {
		defer close(told)
		if r.waiter.WaitForRecords(wctx, s.c.iterator) != nil {
			<-wctx.Done()
		}
	}()
	err := r.sleep(ctx, d, told)
	cancel()
	<-told
	return err
}

// sleep waits for a time or a channel.
func (r *Reader[R]) sleep(ctx context.Context, d time.Duration, c <-chan struct{}) error {
	t := r.o.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.Chan():
	case <-c:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// note takes account of the size of what came.
func (s *Shard[R]) note(records []R) {
	if len(records) == 0 {
		return
	}
	var size int64
	for i := range records {
		size += int64(s.u.r.s.About(&records[i]).Size)
	}
	s.limit = int32(min(max(int64(s.u.r.o.ReadBytes)*int64(len(records))/max(size, 1), 1), maxRecords))
	s.size += size
	s.hold(s.size)
}

// hold takes so much of the budget, or less where there is not so much.
func (s *Shard[R]) hold(size int64) {
	size = min(size, s.u.bytes)
	switch more := size - s.held; {
	case more < 0:
		s.u.budget.Release(-more)
		s.held = size
	case more > 0 && s.u.budget.TryAcquire(more):
		s.held = size
	}
}

// release notes that no records are in hand.
func (s *Shard[R]) release() {
	s.size = 0
	s.hold(0)
}

// pushed takes the next page of the subscription, or begins one.
func (s *Shard[R]) pushed(ctx context.Context) ([]R, error) {
	r := s.u.r
	if s.pages == nil {
		if wait := s.c.pause.Sub(r.o.Clock.Now()); wait > 0 {
			if err := r.sleep(ctx, wait, nil); err != nil {
				return nil, err
			}
		}
		s.subscribe()
	}
	select {
	case p, ok := <-s.pages:
		if !ok { // the subscription is over
			s.pages = nil
			return nil, nil
		}
		if p.err != nil {
			s.pages = nil
			return nil, s.c.failed(p.err)
		}
		s.c.failures, s.c.pause = 0, time.Time{}
		records := s.c.took(p.page)
		s.note(records)
		return records, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// subscribe begins a subscription. One page waits until the shard's function asks for more.
func (s *Shard[R]) subscribe() {
	pages, at := make(chan pushed[R]), s.c.start()
	s.c.check = s.c.place.After != ""
	s.pages = pages
	s.u.r.wg.Go(func() {
		defer close(pages)
		for page, err := range s.u.r.pusher.Subscribe(s.ctx, s.ID, at) {
			select {
			case pages <- pushed[R]{page, err}:
			case <-s.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
}

// lookAgain has the stream looked at soon: it may be another one.
func (s *Shard[R]) lookAgain() {
	select {
	case s.u.looked <- struct{}{}:
	default:
	}
}

// CommitTo notes that the records up to a place are done with, which Place returned earlier,
// and returns when that is stored.
func (s *Shard[R]) CommitTo(ctx context.Context, p Place) error {
	s.u.mu.Lock()
	s.u.places[s.ID] = p
	s.u.change++
	s.u.mu.Unlock()
	return s.u.save(ctx)
}

// finish notes that the shard is done with.
func (s *Shard[R]) finish(ctx context.Context) error {
	p := s.place
	p.Ended = !s.tip
	return s.CommitTo(ctx, p)
}
