package logstore

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Block is what was put at once.
type Block struct {
	Position shardlog.Position
	Stream   uint64
	Arrived  int64
	Lines    []Line
}

// Key is the key of a line of the block.
func (b *Block) Key(i int) Key { return Key{b.Lines[i].Time, b.Position, uint32(i)} }

// Read returns blocks in the order in which they were put, from a position on, of about so many bytes as they are
// stored, and where to go on. None means that there are no more yet. What cannot be read is passed over, and told
// to Options.Failed.
func (s *Store) Read(ctx context.Context, name string, from shardlog.Position, bytes int) ([]Block, shardlog.Position, error) {
	g := s.group(name)
	sh, err := g.shardOf(ctx)
	if errors.Is(err, shardlog.ErrNoShard) {
		return nil, from, nil
	}
	if err != nil {
		return nil, from, err
	}
	for {
		recs, next, err := sh.Read(ctx, from, shardlog.ReadOptions{MaxBytes: bytes}, nil)
		if errors.Is(err, shardlog.ErrCorrupt) {
			s.o.Failed(name, err)
			from = next
			continue
		}
		if err != nil {
			return nil, from, err
		}
		blocks := make([]Block, 0, len(recs))
		for i := range recs {
			h, err := parseHead(recs[i].Data)
			var b block
			if err == nil && len(recs[i].Key) == 8 {
				_, err = h.open(nil, &b)
			}
			if err != nil || len(recs[i].Key) != 8 {
				s.o.Failed(name, cmpErr(err))
				continue
			}
			out := Block{Position: recs[i].Position, Stream: binary.BigEndian.Uint64(recs[i].Key), Arrived: h.arrived, Lines: make([]Line, len(b.times))}
			for k, at := range b.times {
				out.Lines[k] = Line{at, string(b.text(k))}
			}
			blocks = append(blocks, out)
		}
		if len(blocks) == 0 && len(recs) > 0 {
			from = next
			continue
		}
		return blocks, next, nil
	}
}

// Wait returns when there is a block at or behind the position, or the context ends. Of a group that nothing was
// put into it returns shardlog.ErrNoShard at once.
func (s *Store) Wait(ctx context.Context, name string, from shardlog.Position) error {
	sh, err := s.group(name).shardOf(ctx)
	if err != nil {
		return err
	}
	return sh.Wait(ctx, from)
}
