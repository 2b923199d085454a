package shardlog

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

var (
	ErrNoShard     = errors.New("shardlog: no such shard")
	ErrShardExists = errors.New("shardlog: shard exists")
	ErrTrimmed     = errors.New("shardlog: position is before the oldest record")
	ErrFull        = errors.New("shardlog: storage is full") // nothing was appended; try again
	ErrCorrupt     = errors.New("shardlog: frame is corrupt")
	ErrTooLarge    = errors.New("shardlog: batch exceeds the frame limit")
	ErrEmpty       = errors.New("shardlog: batch is empty")
	ErrName        = errors.New("shardlog: bad shard name")
	ErrClosed      = errors.New("shardlog: closed")
)

// Position is a place in a shard: the record at Index of frame Frame, or the first one
// after it. The zero Position is before every record. Positions grow in a shard.
type Position struct {
	Frame uint64 // JetStream sequence of the frame's message, from 1
	Index uint32 // record within the frame, from 0
}

// Compare orders positions as cmp.Compare does.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Frame, q.Frame); c != 0 {
		return c
	}
	return cmp.Compare(p.Index, q.Index)
}

func (p Position) String() string { return fmt.Sprintf("%d/%d", p.Frame, p.Index) }

// Record is one record as it was appended. Key and Data alias a buffer that is shared
// with other readers: they must not be changed, and may be kept.
type Record struct {
	Position Position
	Time     time.Time // arrival, to the millisecond; never before that of an earlier record of the shard
	Key      []byte
	Data     []byte
}
