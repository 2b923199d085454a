package itemstore

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
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"
)

// Errors of the store. Others wrap what the disk said.
var (
	ErrFull     = errors.New("itemstore: the disk is full")
	ErrFailed   = errors.New("itemstore: the disk failed, the store must be opened again")
	ErrClosed   = errors.New("itemstore: closed")
	ErrDropped  = errors.New("itemstore: the table is gone")
	ErrConflict = errors.New("itemstore: another transaction holds an item")
	ErrToken    = errors.New("itemstore: the token was used for another request")
	ErrRepeated = errors.New("itemstore: the request was done before")
)

// Options configure a store.
type Options struct {
	Dir   string          // of the database
	FS    vfs.FS          // nil: the disk
	Clock clockwork.Clock // nil: the real one

	// CacheBytes holds blocks of the database in memory. Zero: 64 MiB.
	CacheBytes int64

	// MinFree is the bytes that the disk must have left for a write; ErrFull below that.
	// Zero: 128 MiB. Negative: no check.
	MinFree int64

	// NoSync acknowledges writes before they are on disk.
	NoSync bool

	// OnError is told of what goes wrong in the background. Nil is silence.
	OnError func(error)
}

// Store is the items of all tables. Its methods may be called from many goroutines.
type Store struct {
	opts  Options
	db    *pebble.DB
	clock clockwork.Clock

	failed   atomic.Pointer[error]
	inflight atomic.Int64 // writes that are applied and not synced
	free     freeSpace
	locks    locks

	mu     sync.Mutex
	tables map[uint64]*Table
	work   sync.WaitGroup
	stop   chan struct{}
	closed bool
}

// Open opens the store, or makes an empty one.
func Open(o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.MinFree == 0 {
		o.MinFree = 128 << 20
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	s := &Store{opts: o, clock: o.Clock, tables: map[uint64]*Table{}, stop: make(chan struct{})}
	s.free = freeSpace{fs: o.FS, dir: o.Dir, min: o.MinFree}
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	po := &pebble.Options{
		FS:                          o.FS,
		Cache:                       cache,
		MemTableSize:                32 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               128 << 20,
		MaxOpenFiles:                500,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLogger{s},
		EventListener: &pebble.EventListener{BackgroundError: func(err error) {
			o.OnError(fmt.Errorf("itemstore: %w", err))
		}},
	}
	po.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		po.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
		po.Levels[i].BlockSize = 16 << 10
	}
	db, err := pebble.Open(o.Dir, po)
	if err != nil {
		return nil, fmt.Errorf("itemstore: open %s: %w", o.Dir, err)
	}
	s.db = db
	return s, nil
}

// Close waits for background work and closes the database. Calls that are under way must
// have returned.
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
		return nil // the database takes nothing any more, and may hold its locks
	}
	if err := s.saveCounts(); err != nil {
		s.opts.OnError(err)
	}
	return s.db.Close()
}

// failure is the error of a store that does not work any more.
func (s *Store) failure() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *Store) fail(err error) {
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	if s.failed.CompareAndSwap(nil, &err) {
		s.opts.OnError(err)
	}
}

// pebbleLogger hears of what Pebble cannot go on after. Pebble expects that Fatalf does
// not return: below apply it panics, which apply recovers from; a goroutine of Pebble's
// own ends.
type pebbleLogger struct{ s *Store }

type fatal struct{ err error }

func (pebbleLogger) Infof(string, ...any) {}
func (l pebbleLogger) Errorf(format string, a ...any) {
	l.s.opts.OnError(fmt.Errorf("itemstore: "+format, a...))
}

func (l pebbleLogger) Fatalf(format string, a ...any) {
	err := fmt.Errorf(format, a...)
	if l.s.db == nil {
		log.Panic(err) // while opening
	}
	l.s.fail(err)
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "itemstore.(*Store).guarded") {
			panic(fatal{err})
		}
		if !more {
			runtime.Goexit()
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

// freeSpace tells whether the disk has room, asking it at most ten times a second.
type freeSpace struct {
	fs   vfs.FS
	dir  string
	min  int64
	mu   sync.Mutex
	at   time.Time
	full bool
}

func (f *freeSpace) check() error {
	if f.min < 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.at) > 100*time.Millisecond {
		u, err := f.fs.GetDiskUsage(f.dir)
		f.at, f.full = now, err == nil && u.AvailBytes < uint64(f.min)
	}
	if f.full {
		return ErrFull
	}
	return nil
}

func (s *Store) writeOptions() *pebble.WriteOptions {
	if s.opts.NoSync {
		return pebble.NoSync
	}
	return pebble.Sync
}
