// Package framestore keeps the frames of many shards in files that they share.
package framestore

import (
	"errors"
	"time"
)

var (
	// ErrSuspect is what Sync returns, with its cause, from a failed sync of a pack on until all frames of that
	// pack that were not durable before are durable elsewhere. Each further Sync tries that again.
	ErrSuspect = errors.New("framestore: a sync has failed: not known what is on disk")

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

	// NoSync leaves it to the system when frames get to the disk.
	NoSync bool

	// Now is the clock that frames expire by. Nil means time.Now.
	Now func() time.Time

	// Report is told of what goes wrong in the background. It may be nil, and must not call the Store.
	Report func(error)
}

// Frame is a frame that was read.
type Frame struct {
	Seq  uint64
	Data []byte // the caller's
}

// Store keeps the frames of many shards in files that they share. Its methods may be called at the same time,
// but the appends of one shard come one after the other.
type Store struct{}

// Open opens the store in the directory, which it makes if there is none, and reads which frames there are.
// Attach then has to be called for each shard there is, and Sweep after that.
func Open(dir string, o Options) (*Store, error) { return nil, errors.New("not implemented") }

// Shards returns the ids that there are frames of, in ascending order.
func (s *Store) Shards() []uint64 { return nil }

// Attach says that the shard exists, new or not, and that its frames before first are gone. Those
// older than maxAge expire; zero keeps them for ever.
func (s *Store) Attach(id, first uint64, maxAge time.Duration) {}

// Sweep forgets the frames of all shards that were not attached. It is called once, when all shards that there are at a start
// are attached.
func (s *Store) Sweep() {}

// Drop forgets a shard and its frames.
func (s *Store) Drop(id uint64) {}

// Append appends a frame of which the last record arrived at ms, in milliseconds since 1970. The shard must not have a frame
// of that sequence: it is beyond the last one, or in a hole. The frame may be used again when Append has returned. It
// is readable then, and durable after the next Sync. After an error nothing has happened.
func (s *Store) Append(id, seq uint64, ms int64, frame []byte) error { return nil }

// Sync makes durable what was appended before the call. Calls at the same time share the work.
func (s *Store) Sync() error { return nil }

// Bounds returns the sequences of a shard's first and last frame. Last is zero when there never was a frame. First is last+1 when
// none is left.
func (s *Store) Bounds(id uint64) (first, last uint64) { return 1, 0 }

// Has reports whether a frame of the sequence is there and can be read.
func (s *Store) Has(id, seq uint64) bool { return false }

// Read returns up to n frames from the first one at or after seq on, in ascending order: at least one if there is one, but no more than
// maxBytes together. A hole is passed over. It does not verify them.
func (s *Store) Read(id, seq uint64, n, maxBytes int) ([]Frame, error) { return nil, nil }

// Last returns the shard's last frame, also one that was trimmed or has expired, and whether there is one.
func (s *Store) Last(id uint64) (Frame, bool, error) { return Frame{}, false, nil }

// SeekTime returns the first sequence, from the first frame of Bounds on, of a frame whose last record arrived at ms or later. It is
// last+1 when there is none.
func (s *Store) SeekTime(id uint64, ms int64) uint64 { return 0 }

// Trim says that the frames before first are gone. The caller has written that down durably, and says it to Attach at the
// next start.
func (s *Store) Trim(id, first uint64) {}

// SetMaxAge changes how old the frames of a shard get. Zero keeps them for ever.
func (s *Store) SetMaxAge(id uint64, d time.Duration) {}

// Collect forgets frames that have expired, removes packs of which nothing is left, and compacts those of which less
// than half is. A goroutine of the store's calls it every ten seconds.
func (s *Store) Collect() error { return nil }

// Usage returns the bytes of all packs on disk, and their number.
func (s *Store) Usage() (bytes int64, packs int) { return 0, 0 }

// Close syncs and seals what is open, and ends the store's goroutine.
func (s *Store) Close() error { return nil }
