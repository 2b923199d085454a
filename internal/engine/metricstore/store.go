package metricstore

import (
	"errors"
	"fmt"
	"log"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"
)

// Errors of the store. Others wrap what the disk said.
var (
	ErrFull   = errors.New("metricstore: the disk is full")
	ErrFailed = errors.New("metricstore: the disk failed, the store must be opened again")
)

// Options configure a store.
type Options struct {
	Dir     string
	FS      vfs.FS          // nil: the disk
	Clock   clockwork.Clock // nil: the real one
	NoSync  bool            // nothing needs to outlive the process
	MinFree int64           // bytes that the disk must have left for a Write; 0: 128 MiB, negative: no check
	OnError func(error)     // told of what goes wrong in the background
}

// Store is the samples of all metrics. Its methods may be called from many goroutines.
type Store struct {
	o      Options
	db     *pebble.DB
	failed atomic.Pointer[error]

	metrics metricCache
	events  atomic.Uint64 // numbers them

	stop   chan struct{}
	work   sync.WaitGroup
	mu     sync.Mutex
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
	s := &Store{o: o, stop: make(chan struct{})}
	cache := pebble.NewCache(8 << 20)
	defer cache.Unref()
	db, err := pebble.Open(o.Dir, &pebble.Options{
		FS: o.FS, Cache: cache, MemTableSize: 8 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 4, L0StopWritesThreshold: 24, MaxOpenFiles: 200, Merger: merger,
		FormatMajorVersion: pebble.FormatNewest, Logger: storeLog{s},
		EventListener: &pebble.EventListener{BackgroundError: func(err error) { o.OnError(fmt.Errorf("metricstore: %w", err)) }},
	})
	if err != nil {
		return nil, fmt.Errorf("metricstore: open %s: %w", o.Dir, err)
	}
	s.db = db
	s.events.Store(uint64(time.Now().UnixNano())) // later than those of the process before
	s.work.Go(s.sweepAll)
	return s, nil
}

// Close closes the database. Other calls must have returned.
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

// storeLog hears of what Pebble cannot go on after. It expects that Fatalf does not return.
type storeLog struct{ s *Store }

type fatal struct{}

func (storeLog) Infof(string, ...any)        {}
func (l storeLog) Errorf(f string, a ...any) { l.s.o.OnError(fmt.Errorf("metricstore: "+f, a...)) }
func (l storeLog) Fatalf(f string, a ...any) {
	err := fmt.Errorf(f, a...)
	if l.s.db == nil {
		log.Panic(err) // while opening
	}
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	if l.s.failed.CompareAndSwap(nil, &err) {
		l.s.o.OnError(err)
	}
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		fr, more := frames.Next()
		if strings.HasSuffix(fr.Function, "metricstore.(*Store).guarded") {
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

func (s *Store) sync() *pebble.WriteOptions {
	if s.o.NoSync {
		return pebble.NoSync
	}
	return pebble.Sync
}

func (s *Store) now() int64 { return s.o.Clock.Now().Unix() }
