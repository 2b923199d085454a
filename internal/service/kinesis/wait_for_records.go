package kinesis

import (
	"context"
	"errors"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// WaitForRecords returns when the shard has something to read from an iterator on. It is no
// operation of the API: a neighbour in this process need not poll. That the shard has been
// closed it does not tell.
func (s *Service) WaitForRecords(ctx context.Context, iterator string) error {
	it, err := s.openIterator([]byte(iterator))
	if err != nil {
		return err
	}
	caller := awswire.CallerFrom(ctx)
	if it.account != caller.Account || it.region != caller.Region {
		return invalid("Invalid ShardIterator.")
	}
	d, err := s.streams.Get(it.account, it.region, it.name)
	if errors.Is(err, state.ErrNotFound) || err == nil && (d.ID != it.stream || d.shard(it.shard, s.clock.Now()) == nil) {
		return noShard(shardID(it.shard), it.name, it.account)
	}
	if err != nil {
		return err
	}
	v, err := s.viewOf(ctx, s.runtime(d), d)
	if err != nil {
		return logError(err)
	}
	log := v.logs[it.shard]
	if log == nil { // it has expired this moment
		return noShard(shardID(it.shard), it.name, it.account)
	}
	if err := log.Wait(ctx, it.at); err != nil && !errors.Is(err, shardlog.ErrCorrupt) {
		return logError(err)
	}
	return nil
}
