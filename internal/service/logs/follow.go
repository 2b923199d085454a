package logs

import (
	"context"
	"errors"

	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// followBytes is how much of a group a filter reads at once, as it is stored.
const followBytes = 256 << 10

// follow reads the log of a group for the filter of an id, from a position or where it was left, until ctx ends. A
// position is written down when take has returned nil for what was before it: so take may see blocks again, after an
// error or a crash, and never misses any.
func (s *Service) follow(ctx context.Context, group, id string, from shardlog.Position, take func(context.Context, []logstore.Block) error) error {
	switch p, err := s.positions.Get(id); {
	case err == nil:
		from = p.position()
	case !errors.Is(err, state.ErrNotFound):
		return err
	}
	for {
		blocks, next, err := s.store.Read(ctx, group, from, followBytes)
		if err != nil {
			return err
		}
		if len(blocks) == 0 {
			if err := s.store.Wait(ctx, group, next); err != nil {
				return err
			}
			continue
		}
		if err := take(ctx, blocks); err != nil {
			return err
		}
		p := positionOf(next)
		if err := s.positions.Put(ctx, &p, id); err != nil {
			return err
		}
		from = next
	}
}
