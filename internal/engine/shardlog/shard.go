package shardlog

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

// Shard is one ordered log. Its methods may be called concurrently.
type Shard struct {
	log     *Log
	name    string
	stream  string
	subject string
	maker   string
	born    int64 // a number that tells this creation of the shard from every other, for journals
	writer  *writer
	reader  *reader

	opening sync.Mutex
	fetch   chan struct{} // held by the one that fetches frames

	configuring sync.Mutex // held while the configuration is changed or frames are removed

	mu     sync.Mutex
	opened bool
	err    error // why the shard takes no more appends
	maxAge time.Duration
	listed bool   // it is in the catalog
	form   int    // of its entry there
	packed bool   // its frames go to the log's packs, and it has no stream
	floor  uint64 // frames before it are gone, although the stream may hold some of them
	held   uint64 // the store has removed all frames before it

	// What is readable: frames first to last. The header of the first is read when it is
	// asked for.
	first       uint64
	firstHeader *header
	last        uint64
	lastHeader  header

	// Appends that the stream lacks; see front.
	growing    []*openFrame   // that take appends, the last of them, or wait for some under way
	pieces     int            // appends under way
	expect     int            // bytes that the next frame may come to, by the last one
	sealedAt   int64          // when the last one took no more, in Unix seconds
	sealed     []*sealedFrame // on their way to the stream
	stored     uint64         // the stream has all frames up to it
	flushing   bool
	generation uint64        // of the journal that has the last append
	flushed    chan struct{} // closed when a frame has come to the stream; nil when nobody waits

	// What is under way.
	queue      []*waiter
	queued     int // bytes
	inflight   []*sent
	next       header // where the next append goes on: of the last frame, with what is under way
	nextSeq    uint64 // and its sequence
	sending    bool
	recovering bool
	idle       chan struct{} // closed when nothing is under way; nil when nobody waits for that

	notify  chan struct{} // closed at the next commit; nil when nobody waits
	tipRead time.Time     // when a reader was last at the end

	// Fetches that go on where the last one ended take more and more, and then each next
	// one is made ahead. Those who hold fetch use these.
	fetchNext uint64
	window    int
	ahead     atomic.Uint64 // first frame of the window that was fetched ahead; 0: none was
}

var hashSeed = maphash.MakeSeed()

func (l *Log) newShard(name string, cfg *jetstream.StreamConfig) *Shard {
	floor, _ := strconv.ParseUint(cfg.Metadata[floorKey], 10, 64)
	stream := streamName(name)
	h := int(maphash.String(hashSeed, stream) >> 1)
	return &Shard{
		log:     l,
		name:    name,
		stream:  stream,
		subject: subjectPrefix + stream,
		maker:   cfg.Metadata[makerKey],
		born:    journal.Made(cfg.Metadata[makerKey]), // a shard of before has none
		writer:  l.writers[h%len(l.writers)],
		reader:  l.readers[h%len(l.readers)],
		maxAge:  cfg.MaxAge,
		floor:   floor,
		first:   1,
		fetch:   make(chan struct{}, 1),
	}
}

// Name is the name that the shard was made with.
func (s *Shard) Name() string { return s.name }

// open reads where the shard begins and ends, once.
func (s *Shard) open(ctx context.Context) error {
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	if opened {
		return nil
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	opened = s.opened
	s.mu.Unlock()
	if opened {
		return nil
	}
	first, last, err := s.bounds(ctx)
	if err != nil {
		return err
	}
	end, err := s.endHeader(ctx, first, last)
	if err != nil {
		return fmt.Errorf("shardlog: open shard %s: %w", s.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.first = first, max(first, min(s.floor, last+1))
	s.last, s.lastHeader = last, end
	s.next, s.nextSeq, s.stored = end, last, last
	s.opened = true
	return nil
}

// bounds asks the server for the sequences of the first and last frame. The first is
// last+1 when there is none.
func (s *Shard) bounds(ctx context.Context) (first, last uint64, err error) {
	if s.packed {
		return s.boundsInPacks()
	}
	str, err := s.log.js.Stream(ctx, s.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, 0, fmt.Errorf("%w: %s", ErrNoShard, s.name)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("shardlog: open shard %s: %w", s.name, err)
	}
	st := str.CachedInfo().State
	first, last = st.FirstSeq, st.LastSeq
	if st.Msgs == 0 {
		first = last + 1
	}
	return max(first, 1), last, nil
}

// endHeader is the header of the last frame, or of the last one before it that is whole.
func (s *Shard) endHeader(ctx context.Context, first, last uint64) (header, error) {
	if s.packed {
		return s.endInPacks(ctx, first, last)
	}
	return s.endBefore(ctx, first, last)
}

func (s *Shard) endBefore(ctx context.Context, first, last uint64) (header, error) {
	for seq := last; seq >= first && seq > 0; seq-- {
		f, err := s.load(ctx, seq)
		if err == nil && f != nil {
			return f.header, nil
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return header{}, err
		}
	}
	return header{}, nil
}

// end refuses appends from now on and wakes everyone.
func (s *Shard) end(err error) {
	s.mu.Lock()
	if !s.ended() {
		s.err = err
	}
	queue := s.queue
	s.queue, s.queued = nil, 0
	s.drop()
	s.wake()
	s.signalIdle()
	s.mu.Unlock()
	for _, w := range queue {
		w.fail(err)
	}
}

// ended reports whether the shard is deleted, or its log closed. Callers hold mu.
func (s *Shard) ended() bool { return errors.Is(s.err, ErrNoShard) || errors.Is(s.err, ErrClosed) }

// wake tells those who wait for records. Callers hold mu.
func (s *Shard) wake() {
	if s.notify != nil {
		close(s.notify)
		s.notify = nil
	}
}

// signalIdle tells drain when nothing is under way. Callers hold mu.
func (s *Shard) signalIdle() {
	if s.idle != nil && len(s.inflight) == 0 && len(s.queue) == 0 && !s.sending && !s.recovering && s.pieces == 0 &&
		!s.inMemory() && !s.flushing {
		close(s.idle)
		s.idle = nil
	}
}

// drain refuses new appends and waits for those under way, and for what is to go home.
func (s *Shard) drain(patience time.Duration) {
	s.mu.Lock()
	if s.err == nil {
		s.err = ErrClosed
	}
	idle := make(chan struct{})
	s.idle = idle
	s.fillAll()
	s.signalIdle()
	s.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(patience):
	}
}

// Wait returns when there is a record at or after the position, or the context ends.
func (s *Shard) Wait(ctx context.Context, from Position) error {
	for {
		s.mu.Lock()
		if s.ended() { // one that takes no more appends can be read
			defer s.mu.Unlock()
			return s.err
		}
		if from.Frame < s.last || from.Frame == s.last && from.Index < s.lastHeader.count {
			if s.first <= s.last {
				s.mu.Unlock()
				return nil
			}
		}
		if s.notify == nil {
			s.notify = make(chan struct{})
		}
		notify := s.notify
		s.mu.Unlock()
		var others <-chan time.Time
		if s.log.opts.Shared {
			others = time.After(pollShared)
		}
		select {
		case <-notify:
		case <-others:
			if err := s.refresh(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// changing is a time in which a stream's configuration has been changed.
const changing = time.Minute

// SetMaxAge changes the retention. Records that are older go at once, and those that have
// expired by the retention before stay away: where the oldest is then becomes part of the
// stream's configuration, in the same write, since the store forgets by age alone and after
// a kill finds again what it had forgotten.
func (s *Shard) SetMaxAge(ctx context.Context, d time.Duration) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.flushAll(ctx); err != nil { // what is removed is removed from the stream
		return err
	}
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	was, floor := s.maxAge, s.floor
	s.mu.Unlock()
	if d == was {
		return nil
	}
	if s.packed {
		return s.setAgeInPacks(ctx, was, d, floor)
	}
	oldest, aged := s.oldest()
	if aged {
		first, _, err := s.bounds(ctx)
		if err != nil {
			return err
		}
		p, err := s.seek(ctx, oldest)
		if err != nil {
			return err
		}
		floor = max(floor, first, p.Frame)
		// By the retention that comes, files that are gone would be missing: those that are,
		// and those that go before it has come.
		soon, err := s.seek(ctx, oldest+changing.Milliseconds())
		if err != nil {
			return err
		}
		if err := s.log.broker.Trimming(s.stream, max(floor, soon.Frame)); err != nil {
			return err
		}
	}
	if d > 0 && (was <= 0 || d < was) {
		// The store would do it in one go, and answer nobody meanwhile.
		p, err := s.seek(ctx, s.log.clock.Now().Add(-d).UnixMilli())
		if err == nil {
			err = s.purge(ctx, p.Frame)
		}
		if err != nil {
			return err
		}
	}
	err := s.log.broker.Changing(s.stream)
	var str jetstream.Stream
	if err == nil {
		str, err = s.log.js.UpdateStream(ctx, s.config(d, floor))
	}
	if err == nil && aged && (d <= 0 || d > was) {
		// Until then the store has forgotten by the earlier one, from then on it does not.
		if first := str.CachedInfo().State.FirstSeq; first > floor {
			floor = first
			if err = s.log.broker.Trimming(s.stream, floor); err == nil {
				_, err = s.log.js.UpdateStream(ctx, s.config(d, floor))
			}
		}
	}
	if err == nil {
		err = s.log.broker.Sync(s.stream)
	}
	if err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("%w: %s", ErrNoShard, s.name)
		}
		return fmt.Errorf("shardlog: change retention of shard %s: %w", s.name, err)
	}
	s.mu.Lock()
	s.maxAge, s.floor = d, floor
	s.beginAt(floor, nil)
	s.mu.Unlock()
	return s.purge(ctx, floor)
}

// TrimBefore removes whole frames before the position.
func (s *Shard) TrimBefore(ctx context.Context, p Position) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.flushAll(ctx); err != nil { // what is removed is removed from the stream
		return err
	}
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	seq := min(p.Frame, s.stored+1)
	s.mu.Unlock()
	return s.purge(ctx, seq)
}

// purgeStep is how many bytes are removed at a time: the store reads them first, about a
// sixth of a second a gigabyte, and the shard takes no appends meanwhile.
const purgeStep = 256 << 20

// purge removes the frames before the sequence from the store, durably: it writes down
// which they are before it answers. Callers hold configuring.
func (s *Shard) purge(ctx context.Context, seq uint64) error {
	s.mu.Lock()
	held := s.held
	seq = min(seq, s.stored+1)
	s.mu.Unlock()
	if seq <= held {
		return nil
	}
	if s.packed {
		return s.purgeInPacks(ctx, seq)
	}
	if err := s.log.broker.Trimming(s.stream, seq); err != nil {
		return err
	}
	str, err := s.log.js.Stream(ctx, s.stream)
	if err == nil {
		st := str.CachedInfo().State
		step := max(1, purgeStep/max(1, st.Bytes/max(1, st.Msgs)))
		for at := st.FirstSeq + step; at < seq && err == nil; at += step {
			err = str.Purge(ctx, jetstream.WithPurgeSequence(at))
		}
	}
	if err == nil {
		err = str.Purge(ctx, jetstream.WithPurgeSequence(seq))
	}
	if err == nil {
		err = s.log.broker.Sync(s.stream)
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w: %s", ErrNoShard, s.name)
	}
	if err != nil {
		return fmt.Errorf("shardlog: trim shard %s: %w", s.name, err)
	}
	s.mu.Lock()
	s.held = seq
	s.beginAt(seq, nil)
	s.mu.Unlock()
	return nil
}

// beginAt moves the first readable frame forward. Callers hold mu.
func (s *Shard) beginAt(seq uint64, h *header) {
	if seq > s.first {
		s.first, s.firstHeader = seq, h
	} else if seq == s.first && h != nil {
		s.firstHeader = h
	}
}
