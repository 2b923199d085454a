package framestore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

var (
	// ErrSuspect is what Sync returns, with its cause, from a failed sync of a pack on until all frames of that
	// pack that were not durable before are durable elsewhere. Each further Sync tries that again.
	ErrSuspect = errors.New("framestore: a sync has failed: not known what is on disk")

	// ErrNoShard is what Append returns for a shard that is not attached, or was dropped.
	ErrNoShard = errors.New("framestore: no such shard")

	// ErrClosed is what everything returns that needs the disk after Close.
	ErrClosed = errors.New("framestore: closed")
)

// Options are those of a Store.
type Options struct {
	// PackBytes is the size from which on a pack is full. Zero means 64 MiB. A frame that is
	// larger gets a pack of its own.
	PackBytes int64

	// Verify reports whether a frame is whole: nil if it is. It must be set, must not keep the frame, and is
	// called from several goroutines at a time.
	Verify func(seq uint64, frame []byte) error

	// Fsync makes what was written to a file durable. Nil is fdatasync.
	Fsync func(*os.File) error

	// NoSync leaves it to the system when frames get to the disk.
	NoSync bool

	// Now is the clock that frames expire by. Nil means time.Now.
	Now func() time.Time

	// Report is told of what goes wrong in the background. It may be nil, and must not call the Store.
	Report func(error)

	disk  disk // zero: the real one
	quiet bool // does nothing in the background
}

// Frame is a frame that was read.
type Frame struct {
	Seq  uint64
	Data []byte // the caller's
}

// Store keeps the frames of many shards in files that they share. Its methods may be called at the same time,
// but the appends of one shard come one after the other.
type Store struct {
	dir  string
	o    Options
	disk disk

	// Locks, in the order in which they are taken.
	collecting sync.Mutex   // held by who compacts
	syncing    sync.Mutex   // held by who syncs, heals or seals
	appending  sync.Mutex   // held by who writes to the active pack
	mu         sync.RWMutex // guards the index; not held while the disk is used

	flights sync.Mutex
	next    *flight // the sync that has not begun yet
	done    bool    // there is no sync any more; with syncing

	number   uint64            // the highest of a pack; with appending
	header   [entryHeader]byte // of the entry that is written; with appending
	active   *pack             // with appending and mu
	packs    []*pack           // by key; nil: was removed
	sealedTo int               // those before it are sealed, or were removed
	shards   map[uint64]*shard
	garbage  []string // files that could not be removed
	closed   bool     // with appending and mu
	files    files
	ends     bool     // there is a file of that name,
	short    []uint64 // and these shards have not reached what it says, at the start

	rotated     chan struct{} // a pack may be full
	stop, ended chan struct{}
}

// Open opens the store in the directory, which it makes if there is none, and reads which frames there are. ErrChanged
// says that packs are missing that were there at the last Close.
// Attach then has to be called for each shard there is, and Sweep after that. One Store at a time may have a directory.
func Open(dir string, o Options) (*Store, error) {
	if o.Verify == nil {
		return nil, errors.New("framestore: Options.Verify is not set")
	}
	if o.PackBytes < 0 || o.PackBytes > maxPack/2 {
		return nil, fmt.Errorf("framestore: PackBytes is %d, must be 0 to %d", o.PackBytes, int64(maxPack/2))
	}
	o.PackBytes = cmp.Or(o.PackBytes, 64<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.disk.sync == nil {
		o.disk.sync = o.Fsync
	}
	s := &Store{
		dir: dir, o: o, disk: o.disk.orDefault(), shards: make(map[uint64]*shard),
		rotated: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := s.makeDir(); err != nil {
		return nil, fmt.Errorf("framestore: %w", err)
	}
	err := s.begin()
	if err == nil {
		err = s.load()
	}
	if err == nil {
		err = s.loadEnds()
	}
	if err != nil {
		for _, p := range s.packs {
			if p.file != nil {
				p.file.Close()
			}
		}
		return nil, err
	}
	// What is left of the run before. Where that fails, Sync says so.
	if err := s.Sync(); err != nil {
		s.report(err)
	}
	if o.quiet {
		close(s.ended)
	} else {
		go s.loop()
	}
	return s, nil
}

// makeDir makes the directory durably, if there is none.
func (s *Store) makeDir() error {
	if _, err := os.Stat(s.dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil || s.o.NoSync {
		return err
	}
	return s.disk.syncDir(filepath.Dir(s.dir))
}

func (s *Store) report(err error) {
	if s.o.Report != nil {
		s.o.Report(err)
	}
}

// Shards returns the ids that there are frames of, or that are attached, in ascending order.
func (s *Store) Shards() []uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.shards))
}

// Attach says that the shard exists, new or not, and that its frames before first are gone. Those
// older than maxAge expire; zero keeps them for ever. No other shard ever had the id.
func (s *Store) Attach(id, first uint64, maxAge time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shards[id]
	if sh == nil {
		sh = &shard{}
		s.shards[id] = sh
	}
	sh.attached = true
	sh.maxAge = milliseconds(maxAge)
	sh.first = max(sh.first, first)
	s.forget(sh, sh.first)
}

// milliseconds is at least one of an age that is not zero.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return max(d.Milliseconds(), 1)
}

// Sweep forgets the frames of all shards that were not attached. It is called once, when all shards that there are at a start
// are attached.
func (s *Store) Sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, sh := range s.shards {
		if !sh.attached {
			s.drop(id)
		}
	}
	s.dropEnds()
}

// Drop forgets a shard and its frames. The caller has written that down durably: at the next start they may be there again,
// until Sweep.
func (s *Store) Drop(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
}

// Append appends a frame of which the last record arrived at ms, in milliseconds since 1970. The shard must be attached, and not have a frame
// of that sequence: it is beyond the last one, or in a hole; before the first of Bounds it is gone at once. The frame may be used again when Append has returned. It
// is readable then, and durable after the next Sync. After an error nothing has happened.
func (s *Store) Append(id, seq uint64, ms int64, frame []byte) error {
	if seq == 0 || seq >= maxSequence {
		return fmt.Errorf("framestore: shard %d: sequence %d is out of range", id, seq)
	}
	if len(frame) > maxFrame {
		return fmt.Errorf("framestore: shard %d: a frame of %d bytes is longer than %d", id, len(frame), maxFrame)
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	s.mu.RLock()
	sh := s.shards[id]
	var err error
	switch {
	case s.closed:
		err = ErrClosed
	case sh == nil || !sh.attached:
		err = fmt.Errorf("%w: %d is not attached", ErrNoShard, id)
	case sh.has(seq):
		err = fmt.Errorf("framestore: shard %d has a frame of sequence %d", id, seq)
	}
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	p, r, err := s.write(entry{id, seq, ms, uint32(len(frame))}, frame)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.end += int64(r.units()) * alignment
	if s.shards[id] == sh { // was not dropped meanwhile
		s.add(id, sh, p, seq, r)
	}
	return nil
}

// Bounds returns the sequences of a shard's first and last frame. Last is zero when there never was a frame, and otherwise
// also counts frames that are gone. First is last+1 when none is left.
func (s *Store) Bounds(id uint64) (first, last uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sh := s.shards[id]
	if sh == nil {
		return 1, 0
	}
	return sh.bounds()
}

// Has reports whether a frame of the sequence is there and can be read.
func (s *Store) Has(id, seq uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sh := s.shards[id]
	return sh != nil && seq >= sh.first && sh.has(seq)
}

// Skip says that there were frames of the shard up to a sequence, whether they are lost or not: the next one is to be behind
// that. It is known until Close.
func (s *Store) Skip(id, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.shards[id]; sh != nil {
		sh.last = max(sh.last, last)
	}
}

// Lacks reports whether there is no frame of the sequence, and nothing says that it is gone.
func (s *Store) Lacks(id, seq uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sh := s.shards[id]
	return sh != nil && seq >= sh.first && !sh.has(seq)
}

// Trim says that the frames before first are gone. The caller has written that down durably, and says it to Attach at the
// next start.
func (s *Store) Trim(id, first uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.shards[id]; sh != nil {
		sh.first = max(sh.first, first)
		s.forget(sh, sh.first)
	}
}

// SetMaxAge changes how old the frames of a shard get. Zero keeps them for ever. What has expired before does not come back.
func (s *Store) SetMaxAge(id uint64, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.shards[id]; sh != nil {
		sh.maxAge = milliseconds(d)
	}
}

// Usage returns the bytes of all packs on disk, and their number.
func (s *Store) Usage() (bytes int64, packs int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.packs {
		if p != nil {
			bytes += p.bytes()
			packs++
		}
	}
	return bytes, packs
}

// Durable returns, by the name of its file, how many bytes of each pack are durable: those before them were synced.
func (s *Store) Durable() map[string]int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bytes := map[string]int64{}
	for _, p := range s.packs {
		switch {
		case p == nil:
		case p.sealed:
			bytes[filepath.Base(p.path)] = p.footer.at
		default:
			bytes[filepath.Base(p.path)] = p.synced
		}
	}
	return bytes
}

// Close syncs and seals what is open, ends the store's goroutine and writes the manifest. Its error is that of Sync.
func (s *Store) Close() error {
	s.appending.Lock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.appending.Unlock()
		return ErrClosed
	}
	s.closed = true
	s.mu.Unlock()
	s.appending.Unlock()
	close(s.stop)
	<-s.ended
	s.collecting.Lock()
	defer s.collecting.Unlock()
	s.syncing.Lock()
	defer s.syncing.Unlock()
	var err error
	for {
		s.appending.Lock()
		s.mu.Lock()
		s.active = nil
		s.mu.Unlock()
		s.appending.Unlock()
		if err = s.syncAll(); err != nil || s.active == nil {
			break // otherwise it has healed something
		}
	}
	s.done = true
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.unsealed() {
		p.file.Close()
	}
	s.files.close()
	if err == nil && !s.o.NoSync {
		if failed := s.writeManifest(); failed != nil {
			s.report(fmt.Errorf("framestore: the next start will not notice missing packs: %w", failed))
		}
	}
	return err
}
