// Package shardlog is a sharded, durable log over JetStream.
//
// SKELETON: the face that services are written against. The owner replaces the bodies,
// adds the frame format's specification here, and may add to the face, not take away.
package shardlog

import (
	"context"
	"errors"
	"time"
)

var (
	ErrNoShard     = errors.New("shardlog: no such shard")
	ErrShardExists = errors.New("shardlog: shard exists")
	ErrTrimmed     = errors.New("shardlog: position is before the oldest record")
	ErrFull        = errors.New("shardlog: storage is full") // nothing was appended; try again
	ErrCorrupt     = errors.New("shardlog: frame is corrupt")
	ErrTooLarge    = errors.New("shardlog: batch exceeds the frame limit")
	ErrClosed      = errors.New("shardlog: closed")
)

// Position is a place in a shard: the record at Index of frame Frame, or the first one
// after it. The zero Position is before every record. Positions grow in a shard.
type Position struct {
	Frame uint64 // JetStream sequence of the frame's message, from 1
	Index uint32 // record within the frame, from 0
}

// Compare orders positions as cmp.Compare does.
func (p Position) Compare(q Position) int { panic("skeleton") }

// Record is one record as it was appended. Key and Data alias a buffer that is shared
// with other readers: they must not be changed, and may be kept.
type Record struct {
	Position Position
	Time     time.Time // arrival, to the millisecond; never before that of an earlier record of the shard
	Key      []byte
	Data     []byte
}

// Batch collects records for one Append, already in the frame's encoding, so that a
// decoder writes each record once. The zero value is ready; Reset keeps the memory.
type Batch struct{ _ int }

func (b *Batch) Reset()   { panic("skeleton") }
func (b *Batch) Len() int { panic("skeleton") } // records

// Size is the bytes of keys and data in the batch.
func (b *Batch) Size() int { panic("skeleton") }

// Add copies a record into the batch.
func (b *Batch) Add(key, data []byte) { panic("skeleton") }

// Reserve adds a record with room for up to max bytes of data and returns that room, to
// be decoded into in place; Commit(n) says how many bytes of it were used, and must come
// before the next call.
func (b *Batch) Reserve(key []byte, max int) []byte { panic("skeleton") }
func (b *Batch) Commit(n int)                       { panic("skeleton") }

// Log holds shards by name.
type Log struct{ _ int }

// ShardConfig says how long a shard keeps its records.
type ShardConfig struct {
	MaxAge time.Duration // 0: for ever
}

// CreateShard makes an empty shard, durable when it returns. Names are any non-empty
// UTF-8 up to 512 bytes; "/" separates a common prefix (stream) from the rest.
// ErrShardExists if there is one.
func (l *Log) CreateShard(ctx context.Context, name string, cfg ShardConfig) (*Shard, error) {
	panic("skeleton")
}

// Shard returns an existing shard; ErrNoShard.
func (l *Log) Shard(ctx context.Context, name string) (*Shard, error) { panic("skeleton") }

// Shards lists the names with the prefix, sorted.
func (l *Log) Shards(ctx context.Context, prefix string) ([]string, error) { panic("skeleton") }

// DeleteShard removes a shard and its records; ErrNoShard.
func (l *Log) DeleteShard(ctx context.Context, name string) error { panic("skeleton") }

// Shard is one ordered log. Its methods may be called concurrently.
type Shard struct{ _ int }

// Append makes the batch durable (fsync) and returns the position of its first record;
// the others follow at Index+1, Index+2... Concurrent appends share one frame and one
// fsync. When it returns an error other than a context's, nothing of the batch is or
// will be readable. The batch is free for reuse on return. An empty batch is an error.
func (s *Shard) Append(ctx context.Context, b *Batch) (Position, time.Time, error) {
	panic("skeleton")
}

// ReadOptions limits a Read. A zero field means no limit of its kind, but never more
// than 16 MiB at once; at least one record is returned when there is one.
type ReadOptions struct {
	MaxRecords int
	MaxBytes   int // of Key and Data
}

// Read returns the records from the position on, and the position after the last of
// them. No records and no error: from is the end. dst is appended to (may be nil).
// A position before the oldest record reads from the oldest. ErrCorrupt names a frame
// that fails its checksum; the returned next skips it.
func (s *Shard) Read(ctx context.Context, from Position, o ReadOptions, dst []Record) (recs []Record, next Position, err error) {
	panic("skeleton")
}

// Wait returns when there is a record at or after the position, or the context ends.
func (s *Shard) Wait(ctx context.Context, from Position) error { panic("skeleton") }

// Seek returns the position of the first record that arrived at or after t, or End.
func (s *Shard) Seek(ctx context.Context, t time.Time) (Position, error) { panic("skeleton") }

// Info is a shard's state without its records.
type Info struct {
	Oldest     Position  // first readable record; equal to End when empty
	End        Position  // where the next record will be at or after
	LastTime   time.Time // arrival of the newest record; zero when empty
	OldestTime time.Time
	Records    uint64
	Bytes      uint64
}

func (s *Shard) Info(ctx context.Context) (Info, error) { panic("skeleton") }

// SetMaxAge changes the retention; records that are older go at once.
func (s *Shard) SetMaxAge(ctx context.Context, d time.Duration) error { panic("skeleton") }

// TrimBefore removes whole frames before the position.
func (s *Shard) TrimBefore(ctx context.Context, p Position) error { panic("skeleton") }
