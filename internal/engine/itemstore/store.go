package itemstore

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/pebblestore"
)

// Errors of the store. Others wrap what the disk said.
var (
	ErrFull     = pebblestore.ErrFull
	ErrFailed   = pebblestore.ErrFailed
	ErrClosed   = errors.New("itemstore: closed")
	ErrDropped  = errors.New("itemstore: the table is gone")
	ErrConflict = errors.New("itemstore: another transaction holds an item")
	ErrToken    = errors.New("itemstore: the token was used for another request")
	ErrRepeated = errors.New("itemstore: the request was done before")
)

// Conflict is an ErrConflict that says which operation of a Write waited in vain.
type Conflict struct {
	Op int // its index; the number of operations where another Write with the same token is under way
}

func (Conflict) Error() string { return ErrConflict.Error() }

// Is makes a Conflict an ErrConflict.
func (Conflict) Is(target error) bool { return target == ErrConflict }

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
	db    *pebblestore.DB
	clock clockwork.Clock

	inflight atomic.Int64 // writes that are applied and not synced
	locks    locks
	hot      hot
	syncs    syncs
	gates    sync.Mutex // held by who closes the gate of a table: see Table.shut

	mu     sync.Mutex
	tables map[uint64]*Table
	work   sync.WaitGroup
	stop   chan struct{}
	count  chan struct{} // has one where a table is to be counted at once
	closed bool
}

// Open opens the store, or makes an empty one.
func Open(o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	db, err := pebblestore.Open(pebblestore.Options{
		Name: "itemstore", Dir: o.Dir, FS: o.FS, NoSync: o.NoSync, MinFree: o.MinFree, OnError: o.OnError, CacheBytes: o.CacheBytes,
		Tune: func(po *pebble.Options) {
			po.MemTableSize, po.LBaseMaxBytes, po.MaxOpenFiles = 32<<20, 128<<20, 500
			po.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
			for i := range po.Levels {
				po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
				po.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
				po.Levels[i].BlockSize, po.Levels[i].IndexBlockSize = 16<<10, 256<<10
			}
		},
	})
	if err != nil {
		return nil, err
	}
	s := &Store{opts: o, db: db, clock: o.Clock, tables: map[uint64]*Table{}, stop: make(chan struct{}), count: make(chan struct{}, 1)}
	s.work.Go(s.keepCounts)
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
	if s.db.Failed() != nil {
		return nil // the database takes nothing any more
	}
	if err := s.saveAllCounts(); err != nil {
		s.opts.OnError(err)
	}
	return s.db.Close()
}
