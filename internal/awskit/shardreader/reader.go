package shardreader

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// Options of a Reader. The zero value reads everything that the stream has.
type Options struct {
	Clock clockwork.Clock // nil: the real one

	// Start is where the shards that there are at the first look begin: TrimHorizon, Latest
	// or AtTime.
	Start Start

	// Only reports which shards are read; nil: all. A shard is also read when a parent of it is.
	Only func(shard string) bool

	// Place, when it is set, says where a shard begins, in place of Start and of a stored
	// position: the caller keeps positions. It is called when the shard's turn may have come.
	Place func(shard ShardInfo) Place

	ReadBytes int           // what one read should bring, about; 0: 1 MiB
	MaxBytes  int           // of records in the hands of Run's functions, about; 0: 64 MiB
	PollWait  time.Duration // between reads of a shard at its tip; 0: 200 ms, for Kinesis allows five a second
	IdleWait  time.Duration // of one that has been there for a while; 0: one second
	ToldWait  time.Duration // of one whose Waiter tells when it has more; 0: two seconds
	LookWait  time.Duration // between looks at the stream's shards while none has ended; 0: 30 s
	MaxWait   time.Duration // the longest wait after failures; 0: 10 s

	// Gap is the least time between two reads of a shard to which records trickle. nil: 20 ms.
	Gap func(shards int) time.Duration

	Events Events
}

// Events are told by a Reader; nil ones are left out. They must not block.
type Events struct {
	// Failed: a read of a shard, or with shard "" a look at the stream, failed, and is
	// tried again after wait; failures counts those in a row. Throttling is not told.
	Failed func(shard string, err error, failures int, wait time.Duration)

	// Recovered: a read of a shard succeeded after some that failed.
	Recovered func(shard string)

	// Looked: a look at the stream succeeded.
	Looked func(Description)

	// Lost: records that were to be read next are no longer there.
	Lost func(shard string)

	// Recreated: the stream is another one of its name, and is read from its beginning.
	Recreated func(identity string)
}

func (e *Events) failed(shard string, err error, failures int, wait time.Duration) {
	if e.Failed != nil {
		e.Failed(shard, err, failures, wait)
	}
}

func (e *Events) lost(shard string) {
	if e.Lost != nil {
		e.Lost(shard)
	}
}

// maxRecords is the most that a read of either API may ask for.
const maxRecords = 10000

// Reader reads a stream. Its methods are for one goroutine, but for Wake, Behind and Close.
type Reader[R any] struct {
	s      Stream[R]
	o      Options
	waiter Waiter // nil: it does not tell
	pusher Pusher[R]

	identity string
	known    map[string]Place // where a shard is, or is to begin
	looked   bool             // known has every shard of the first look
	running  bool             // by Run
	cursors  []*cursor[R]     // in their order
	turn     int
	limit    int32
	look     time.Time // when to look at the stream
	looks    int       // in a row that failed
	doubt    atomic.Bool
	woken    chan struct{}

	mu     sync.Mutex
	behind map[string]time.Duration
	failed map[string]time.Time // when a shard was read last, of those whose reads fail

	ctx    context.Context // of what waits for arrivals, with the values of the first look's; nil before
	cancel context.CancelFunc
	closed bool
	wg     sync.WaitGroup
}

// New returns a Reader from a position on; nil: from Options.Start. Close ends it.
func New[R any](s Stream[R], from *Position, o Options) *Reader[R] {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	o.ReadBytes = cmp.Or(o.ReadBytes, 1<<20)
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<20)
	o.PollWait = cmp.Or(o.PollWait, 200*time.Millisecond)
	o.IdleWait = cmp.Or(o.IdleWait, time.Second)
	o.ToldWait = cmp.Or(o.ToldWait, 2*time.Second)
	o.LookWait = cmp.Or(o.LookWait, 30*time.Second)
	o.MaxWait = cmp.Or(o.MaxWait, 10*time.Second)
	if o.Gap == nil {
		o.Gap = func(int) time.Duration { return 20 * time.Millisecond }
	}
	r := &Reader[R]{s: s, o: o, known: make(map[string]Place), limit: 1000, woken: make(chan struct{}, 1), behind: make(map[string]time.Duration), failed: make(map[string]time.Time)}
	r.waiter, _ = s.(Waiter)
	r.pusher, _ = s.(Pusher[R])
	if from != nil {
		r.identity, r.looked = from.Identity, true
		for id, p := range from.Shards {
			r.known[id] = p
		}
	}
	return r
}

// Close ends what waits for arrivals.
func (r *Reader[R]) Close() {
	r.mu.Lock()
	r.closed = true
	if r.cancel != nil {
		r.cancel()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// Wake ends the pause of a Pause.
func (r *Reader[R]) Wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// Position is how far the reader has read: from here on it would read what it has not
// returned yet.
func (r *Reader[R]) Position() *Position {
	p := &Position{Identity: r.identity, Shards: make(map[string]Place, len(r.known))}
	for id, k := range r.known {
		p.Shards[id] = k
	}
	for _, c := range r.cursors {
		p.Shards[c.id] = c.place
	}
	return p
}

// Behind is how far what was read last of a shard is behind its tip, the most of all.
func (r *Reader[R]) Behind() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mostBehind()
}

// mostBehind is Behind for callers that hold mu.
func (r *Reader[R]) mostBehind() (most time.Duration) {
	for _, b := range r.behind {
		most = max(most, b)
	}
	return most
}

// Lag is the most that a shard can be behind its tip: as Behind, and of a shard whose reads fail or are throttled the
// time since it was read last besides, in which records may have come.
func (r *Reader[R]) Lag() (most time.Duration) {
	now := r.o.Clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	most = r.mostBehind()
	for shard, since := range r.failed {
		most = max(most, r.behind[shard]+now.Sub(since))
	}
	return most
}

// tellFailing is how many reads of a shard fail in a row before Lag counts the time that they take: one that is throttled
// now and then is soon read.
const tellFailing = 3

// setFailed notes that reads of a shard have failed since it was read last.
func (r *Reader[R]) setFailed(shard string, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[shard] = since
}

// setBehind notes how far a shard that was read, or is not read any more, is behind.
func (r *Reader[R]) setBehind(shard string, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, shard)
	if d > 0 {
		r.behind[shard] = d
	} else {
		delete(r.behind, shard)
	}
}

// Restart drops what is known of places and cursors, so that Options.Place is asked again.
// identity is that of the stream that they were of; "": it is not known.
func (r *Reader[R]) Restart(identity string) {
	r.identity = identity
	for _, c := range r.cursors {
		c.close()
	}
	r.cursors, r.look = nil, time.Time{}
	clear(r.known)
	r.mu.Lock()
	clear(r.behind)
	clear(r.failed)
	r.mu.Unlock()
}

// Look looks at the stream: it begins the shards whose turn has come and drops those that
// are gone. Poll does it when it is due.
func (r *Reader[R]) Look(ctx context.Context) error {
	if r.ctx == nil {
		r.mu.Lock()
		r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
		if r.closed {
			r.cancel()
		}
		r.mu.Unlock()
	}
	d, err := r.s.Describe(ctx)
	if err != nil {
		return err
	}
	switch {
	case d.Identity == "" || d.Identity == r.identity:
	case r.identity == "":
		r.identity = d.Identity
	default:
		r.looked = true // nothing of it is known: all of it is read
		r.Restart(d.Identity)
		if r.o.Events.Recreated != nil {
			r.o.Events.Recreated(d.Identity)
		}
	}
	listed := make(map[string]*ShardInfo, len(d.Shards))
	for i := range d.Shards {
		listed[d.Shards[i].ID] = &d.Shards[i]
	}
	r.first(d.Shards, listed)
	var now []*cursor[R]
	for i := range d.Shards {
		sh := &d.Shards[i]
		c := r.cursor(sh.ID)
		if c == nil {
			place, ok := r.placeOf(sh)
			if !ok || place.Ended || !place.Begun && r.waits(sh, listed) {
				continue
			}
			c = &cursor[R]{r: r, id: sh.ID, place: place}
			c.ctx, c.close = context.WithCancel(r.ctx)
		}
		now = append(now, c)
	}
	for _, c := range r.cursors {
		if listed[c.id] == nil {
			c.close()
			r.setBehind(c.id, 0)
		}
	}
	for id := range r.known {
		if listed[id] == nil {
			delete(r.known, id)
		}
	}
	slices.SortFunc(now, func(a, b *cursor[R]) int { return strings.Compare(a.id, b.id) })
	r.cursors = now
	r.look, r.looks = r.o.Clock.Now().Add(r.o.LookWait), 0
	r.doubt.Store(false)
	if r.o.Events.Looked != nil {
		r.o.Events.Looked(d)
	}
	return nil
}

// first gives the shards of the first look their places.
func (r *Reader[R]) first(shards []ShardInfo, listed map[string]*ShardInfo) {
	if r.looked || r.o.Place != nil {
		return
	}
	r.looked = true
	now := r.o.Clock.Now()
	for _, sh := range shards {
		var p Place
		switch r.o.Start.Kind {
		case Latest:
			p = Place{latest: true, From: now, Ended: sh.Closed}
		case AtTime:
			p = Place{From: r.o.Start.Time}
		}
		if r.o.Only != nil && !r.o.Only(sh.ID) && !r.chosen(sh.Parents, listed) {
			p.Ended = true
		}
		r.known[sh.ID] = p
	}
}

// chosen reports whether Only takes one of the shards or of those that they come from.
func (r *Reader[R]) chosen(ids []string, listed map[string]*ShardInfo) bool {
	for _, id := range ids {
		if sh := listed[id]; r.o.Only(id) || sh != nil && r.chosen(sh.Parents, listed) {
			return true
		}
	}
	return false
}

// placeOf is where a shard begins; false when it is not for this reader.
func (r *Reader[R]) placeOf(sh *ShardInfo) (Place, bool) {
	if r.o.Place != nil {
		return r.o.Place(*sh), true
	}
	p, ok := r.known[sh.ID]
	if ok || r.o.Only == nil || r.o.Only(sh.ID) {
		return p, true
	}
	// One that has come since: for this reader if a parent of it is.
	for _, id := range sh.Parents {
		c := r.cursor(id)
		if _, read := r.known[id]; c != nil || read && r.known[id].Begun {
			return p, true
		}
	}
	return p, false
}

// waits reports whether a parent of the shard is still to be read.
func (r *Reader[R]) waits(sh *ShardInfo, listed map[string]*ShardInfo) bool {
	for _, id := range sh.Parents {
		parent := listed[id]
		if parent == nil {
			continue
		}
		if c := r.cursor(id); c != nil {
			if !c.over {
				return true
			}
			continue
		}
		if place, ok := r.placeOf(parent); ok && !place.Ended {
			return true
		}
	}
	return false
}

func (r *Reader[R]) cursor(shard string) *cursor[R] {
	for _, c := range r.cursors {
		if c.id == shard {
			return c
		}
	}
	return nil
}

// Prepare looks at the stream when it is time; all: whatever time it is. It reports whether
// the shards can be read.
func (r *Reader[R]) Prepare(ctx context.Context, all bool) bool {
	now := r.o.Clock.Now()
	if r.doubt.Load() && r.looks == 0 {
		all = true
	}
	if !all && now.Before(r.look) {
		return !r.doubt.Load()
	}
	err := r.Look(ctx)
	if err == nil {
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	r.looks++
	wait := min(time.Duration(r.looks)*time.Second, r.o.MaxWait)
	r.look = now.Add(wait)
	r.o.Events.failed("", fmt.Errorf("look at the shards: %w", err), r.looks, wait)
	return !r.doubt.Load() && len(r.cursors) > 0
}

// Batch is a number of records of one shard, in their order.
type Batch[R any] struct {
	Shard   string
	Records []R
	Place   Place // after them
}

// Found is what a Poll found.
type Found int

const (
	Records Found = iota
	Nothing       // every shard has been asked and has no more
	Unsure        // some are to be asked again, or have children, or were not asked yet
	Failing       // some could not be asked
)

// Poll asks the shards whose time has come, in turn, until one has records; all: every one,
// whatever time it is, and also for new ones, so that Nothing is sure.
func (r *Reader[R]) Poll(ctx context.Context, all bool) (Batch[R], Found) {
	if !r.Prepare(ctx, all) {
		return Batch[R]{}, Failing
	}
	return r.Round(ctx, all)
}

// Round is Poll after Prepare.
func (r *Reader[R]) Round(ctx context.Context, all bool) (Batch[R], Found) {
	result := Nothing
	gap := r.o.Gap(len(r.cursors))
	for range r.cursors {
		r.turn = (r.turn + 1) % len(r.cursors)
		c := r.cursors[r.turn]
		if c.place.Ended || !all && r.o.Clock.Now().Before(c.next(gap)) {
			continue
		}
		records, err := r.get(ctx, c, r.limit)
		if err != nil {
			if r.doubt.Load() {
				return Batch[R]{}, Failing
			}
			result = Failing
			continue
		}
		if len(records) > 0 {
			return Batch[R]{c.id, records, c.place}, Records
		}
		if result == Nothing && !c.place.Ended && !c.atEnd {
			result = Unsure
		}
	}
	if result == Nothing && r.look.IsZero() {
		return Batch[R]{}, Unsure // a shard has ended, and others may begin
	}
	return Batch[R]{}, result
}

// get reads a shard once and notes what follows from that.
func (r *Reader[R]) get(ctx context.Context, c *cursor[R], limit int32) ([]R, error) {
	records, err := c.get(ctx, limit)
	if err != nil {
		if r.doubt.Load() {
			r.look = time.Time{}
		}
		return nil, err
	}
	if c.place.Ended {
		c.over, r.look = true, time.Time{} // its children's turn has come
	}
	if c.lost && len(records) > 0 {
		c.lost = false
		r.o.Events.lost(c.id)
	}
	if len(records) > 0 {
		r.limit = r.pace(records)
	}
	return records, nil
}

// pace is how many records like these make ReadBytes.
func (r *Reader[R]) pace(records []R) int32 {
	size := 0
	for i := range records {
		size += r.s.About(&records[i]).Size
	}
	return int32(min(max(r.o.ReadBytes*len(records)/max(size, 1), 1), maxRecords))
}

// Again reads the next records of a shard, up to so many: what was read of it before a
// restart. Prepare comes before it. found is Records; Nothing when the shard has none or is no longer there, or
// records of it are lost; Failing, or Unsure when it is to be asked again.
func (r *Reader[R]) Again(ctx context.Context, shard string, limit int) (Batch[R], Found) {
	c := r.cursor(shard)
	switch {
	case c == nil:
		return Batch[R]{}, Nothing
	case r.o.Clock.Now().Before(c.pause):
		return Batch[R]{}, Failing
	}
	was := c.place
	records, err := c.get(ctx, int32(min(limit, int(r.limit))))
	if r.doubt.Load() {
		r.look = time.Time{}
	}
	if c.place.Ended {
		c.over, r.look = true, time.Time{}
	}
	switch {
	case err != nil && !c.lost:
		return Batch[R]{}, Failing
	case c.lost || len(records) == 0 && (c.place.Ended || c.atEnd):
		if len(records) > 0 { // they are read in the shard's turn
			c.place = was
			c.place.First = ""
		}
		c.iterator, c.lost = "", false
		return Batch[R]{}, Nothing
	case len(records) == 0:
		return Batch[R]{}, Unsure
	}
	return Batch[R]{c.id, records, c.place}, Records
}

// Pause waits until a shard, or the stream, is to be asked again, or for Wake.
func (r *Reader[R]) Pause(ctx context.Context) error {
	now := r.o.Clock.Now()
	next := r.look
	gap := r.o.Gap(len(r.cursors))
	for _, c := range r.cursors {
		if t := c.next(gap); !c.place.Ended && t.Before(next) {
			next = t
		}
	}
	t := r.o.Clock.NewTimer(max(next.Sub(now), time.Millisecond))
	defer t.Stop()
	select {
	case <-t.Chan():
	case <-r.woken:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Next waits for records and returns them; its only error is that of ctx.
func (r *Reader[R]) Next(ctx context.Context) (Batch[R], error) {
	for {
		b, found := r.Poll(ctx, false)
		if found == Records {
			return b, nil
		}
		if err := ctx.Err(); err != nil {
			return Batch[R]{}, err
		}
		if found == Unsure {
			continue
		}
		if err := r.Pause(ctx); err != nil {
			return Batch[R]{}, err
		}
	}
}
