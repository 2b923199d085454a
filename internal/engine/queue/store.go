package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"
)

// Errors of the store. Others wrap what the disk said.
var (
	ErrFull     = errors.New("queue: the disk is full")
	ErrFailed   = errors.New("queue: the disk failed, the store must be opened again")
	ErrGone     = errors.New("queue: the queue is gone")
	ErrInFlight = errors.New("queue: too many messages are in flight")
	ErrVisible  = errors.New("queue: the message is not in flight")
	ErrHandle   = errors.New("queue: the handle is not of a message of the queue")
	ErrExpired  = errors.New("queue: the handle has expired")
	ErrTooLong  = errors.New("queue: a message is in flight for twelve hours at most")
)

// Options configure a store.
type Options struct {
	Dir     string
	FS      vfs.FS          // nil: the disk
	Clock   clockwork.Clock // nil: the real one
	NoSync  bool            // nothing needs to outlive the process
	MinFree int64           // bytes that the disk must have left for a Send; 0: 128 MiB, negative: no check
	OnError func(error)     // told of what goes wrong in the background
}

// Store is the messages of all queues. Its methods may be called from many goroutines.
type Store struct {
	o      Options
	db     *pebble.DB
	failed atomic.Pointer[error]

	mu     sync.Mutex
	queues map[uint64]*Queue

	stop   chan struct{}
	work   sync.WaitGroup
	closed bool

	freeMu sync.Mutex
	freeAt time.Time
	full   bool
}

// Open opens the store, or makes an empty one.
func Open(o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.MinFree == 0 {
		o.MinFree = 128 << 20
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	s := &Store{o: o, queues: map[uint64]*Queue{}, stop: make(chan struct{})}
	cache := pebble.NewCache(16 << 20)
	defer cache.Unref()
	po := &pebble.Options{
		FS: o.FS, Cache: cache, MemTableSize: 16 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 4, L0StopWritesThreshold: 24, MaxOpenFiles: 200,
		FormatMajorVersion: pebble.FormatNewest, Logger: storeLog{s},
		EventListener: &pebble.EventListener{BackgroundError: func(err error) { o.OnError(fmt.Errorf("queue: %w", err)) }},
	}
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(o.Dir, po)
	if err != nil {
		return nil, fmt.Errorf("queue: open %s: %w", o.Dir, err)
	}
	s.db = db
	s.work.Go(s.sweepAll)
	return s, nil
}

// Close ends the waits of receivers and closes the database. Other calls must have returned.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	s.work.Wait()
	if s.failure() != nil {
		return nil
	}
	return s.db.Close()
}

func (s *Store) failure() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *Store) fail(err error) {
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	if s.failed.CompareAndSwap(nil, &err) {
		s.o.OnError(err)
	}
}

// storeLog hears of what Pebble cannot go on after. It expects that Fatalf does not return.
type storeLog struct{ s *Store }

type fatal struct{}

func (storeLog) Infof(string, ...any)        {}
func (l storeLog) Errorf(f string, a ...any) { l.s.o.OnError(fmt.Errorf("queue: "+f, a...)) }
func (l storeLog) Fatalf(f string, a ...any) {
	err := fmt.Errorf(f, a...)
	if l.s.db == nil {
		log.Panic(err) // while opening
	}
	l.s.fail(err)
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		fr, more := frames.Next()
		if strings.HasSuffix(fr.Function, "queue.(*Store).guarded") {
			panic(fatal{})
		}
		if !more {
			runtime.Goexit() // a goroutine of Pebble's own
		}
	}
}

// guarded calls f, in which Pebble may give up.
func (s *Store) guarded(f func() error) (err error) {
	if err := s.failure(); err != nil {
		return err
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fatal:
			err = s.failure()
		default:
			panic(p)
		}
	}()
	return f()
}

// room tells whether the disk has room, asking it at most ten times a second.
func (s *Store) room() error {
	if s.o.MinFree < 0 {
		return nil
	}
	s.freeMu.Lock()
	defer s.freeMu.Unlock()
	if now := time.Now(); now.Sub(s.freeAt) > 100*time.Millisecond {
		u, err := s.o.FS.GetDiskUsage(s.o.Dir)
		s.freeAt, s.full = now, err == nil && u.AvailBytes < uint64(s.o.MinFree)
	}
	if s.full {
		return ErrFull
	}
	return nil
}

func (s *Store) now() int64 { return s.o.Clock.Now().UnixMilli() }

// apply makes a batch visible. The caller, which may hold the queue's lock, waits for what it returns
// when it has let go of that; nil has nothing to wait for.
func (s *Store) apply(b *pebble.Batch, sync bool) (*pebble.Batch, error) {
	if b.Empty() {
		return nil, b.Close()
	}
	if s.o.NoSync || !sync {
		err := s.db.Apply(b, pebble.NoSync)
		return nil, errors.Join(err, b.Close())
	}
	if err := s.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func synced(b *pebble.Batch) error {
	if b == nil {
		return nil
	}
	return errors.Join(b.SyncWait(), b.Close())
}

// barrier returns when everything that was applied is on disk.
func (s *Store) barrier() error {
	if s.o.NoSync {
		return nil
	}
	return s.db.LogData(nil, pebble.Sync)
}

// Queue opens a queue, of whose id the caller takes care, or changes its settings.
func (s *Store) Queue(id uint64, set Settings) (*Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[id]; q != nil {
		q.mu.Lock()
		q.set = set
		q.mu.Unlock()
		return q, nil
	}
	q := &Queue{s: s, id: id, set: set}
	if err := s.guarded(q.open); err != nil {
		return nil, err
	}
	s.queues[id] = q
	return q, nil
}

// Drop removes a queue and all that it has. Receivers that wait are told ErrGone.
func (s *Store) Drop(id uint64) error {
	s.mu.Lock()
	q := s.queues[id]
	delete(s.queues, id)
	s.mu.Unlock()
	if q != nil {
		q.mu.Lock()
		q.gone.Store(true)
		q.wake(len(q.waiters))
		q.mu.Unlock()
	}
	return s.guarded(func() error { return s.dropRange(prefix(id, 0), prefix(id, kindEnd)) })
}

func (s *Store) dropRange(from, to []byte) error {
	o := pebble.Sync
	if s.o.NoSync {
		o = pebble.NoSync
	}
	return s.db.DeleteRange(from, to, o)
}

// IDs lists the queues that have anything.
func (s *Store) IDs() (ids []uint64, err error) {
	err = s.guarded(func() error {
		it, err := s.db.NewIter(nil)
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok; {
			id := binary.BigEndian.Uint64(it.Key())
			ids = append(ids, id)
			ok = it.SeekGE(prefix(id, kindEnd))
		}
		return it.Error()
	})
	return ids, err
}

// get reads a row from r; nil, and no error, where there is none. The value is the caller's.
func get(r pebble.Reader, key []byte) ([]byte, error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append(make([]byte, 0, len(v)), v...), nil
}

func between(r pebble.Reader, from, to []byte) (*pebble.Iterator, error) {
	return r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
}
