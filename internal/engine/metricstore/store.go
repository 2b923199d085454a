package metricstore

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/pebblestore"
)

// Errors of the store. Others wrap what the disk said.
var (
	ErrFull   = pebblestore.ErrFull
	ErrFailed = pebblestore.ErrFailed
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
	o  Options
	db *pebblestore.DB

	metrics metricCache
	events  atomic.Uint64 // numbers them

	stop   chan struct{}
	work   sync.WaitGroup
	mu     sync.Mutex
	closed bool
}

// Open opens the store, or makes an empty one.
func Open(o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	db, err := pebblestore.Open(pebblestore.Options{
		Name: "metricstore", Dir: o.Dir, FS: o.FS, NoSync: o.NoSync, MinFree: o.MinFree, OnError: o.OnError,
		Tune: func(po *pebble.Options) { po.Merger = merger },
	})
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, db: db, stop: make(chan struct{})}
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
	return s.db.Close()
}

func (s *Store) now() int64 { return s.o.Clock.Now().Unix() }
