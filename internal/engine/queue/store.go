package queue

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/pebblestore"
)

// Errors of the store. Others wrap what the disk said.
var (
	ErrFull     = pebblestore.ErrFull
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
	o  Options
	db *pebblestore.DB

	mu     sync.Mutex
	queues map[uint64]*Queue

	stop   chan struct{}
	work   sync.WaitGroup
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
		Name: "queue", Dir: o.Dir, FS: o.FS, NoSync: o.NoSync, MinFree: o.MinFree, OnError: o.OnError, CacheBytes: 16 << 20,
		Tune: func(po *pebble.Options) {
			po.MemTableSize = 16 << 20
			for i := range po.Levels {
				po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, db: db, queues: map[uint64]*Queue{}, stop: make(chan struct{})}
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
	return s.db.Close()
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

// Queue opens a queue, of whose id the caller takes care, or changes its settings.
func (s *Store) Queue(id uint64, set Settings) (*Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[id]; q != nil {
		q.mu.Lock() // what is under way goes by one or the other
		q.set.Store(&set)
		q.mu.Unlock()
		return q, nil
	}
	q := &Queue{s: s, id: id}
	q.set.Store(&set)
	if err := s.db.Guard(q.open); err != nil {
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
	return s.db.Guard(func() error { return s.dropRange(prefix(id, 0), prefix(id, kindEnd)) })
}

func (s *Store) dropRange(from, to []byte) error {
	return s.db.DeleteRange(from, to, s.db.Sync())
}

// IDs lists the queues that have anything.
func (s *Store) IDs() (ids []uint64, err error) {
	err = s.db.Guard(func() error {
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
