package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// ErrMissingShards is a stream that names shards of which the log has nothing.
var ErrMissingShards = errors.New("kinesis: shards of streams are missing in the log")

// Check holds streams and shards against each other: whether each stream has the shards
// that it names, and which shards of the log belong to no stream. The first is an error,
// the second are returned: they are kept, since their stream may be what was lost. Shards
// that are being made or removed do not count.
func (s *Service) Check(ctx context.Context) (strays []string, err error) {
	all, err := s.streams.All()
	if err != nil {
		return nil, fmt.Errorf("kinesis: read the streams: %w", err)
	}
	names, err := s.cfg.Log.Shards(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("kinesis: list the shards: %w", err)
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	known := make(map[string]bool, len(all)) // prefixes of names
	now := s.clock.Now()
	var missing []string
	for _, d := range all {
		known[d.Account+"/"+d.Region+"/"+d.ID] = true
		if d.Pending != nil {
			continue
		}
		for i := range d.Shards {
			sh := &d.Shards[i]
			if !there[d.logName(sh.Index)] && !d.expired(sh, now) {
				missing = append(missing, sh.id()+" of "+d.arn())
			}
		}
	}
	for _, n := range names {
		part := strings.Split(n, "/")
		if len(part) == 4 && isAccount(part[0]) && !known[strings.Join(part[:3], "/")] {
			strays = append(strays, n)
		}
	}
	if len(missing) > 0 {
		return strays, fmt.Errorf("%w: %s", ErrMissingShards, strings.Join(missing, ", "))
	}
	return strays, nil
}

// isAccount reports whether the first part of a shard's name is an account, as those of streams are: other
// services put a word of their own there.
func isAccount(part string) bool {
	return len(part) == 12 && strings.Trim(part, "0123456789") == ""
}

// removeStray removes a shard that belongs to no stream if it has no records: a kill soon after
// its stream was deleted may leave its name in the log. One that has some is kept, as are all where other
// nodes make shards of streams that this one does not know yet.
func (s *Service) removeStray(ctx context.Context, name string) error {
	if _, alone := s.cfg.Owner.(work.Mine); !alone {
		s.log.Error("kinesis: a shard of the log belongs to no stream and is kept", "shard", name)
		return nil
	}
	log, err := s.cfg.Log.Shard(ctx, name)
	if err == nil {
		var info shardlog.Info
		if info, err = log.Info(ctx); err == nil && info.Oldest != info.End {
			s.log.Error("kinesis: a shard of the log belongs to no stream and is kept", "shard", name, "records", info.Records)
			return nil
		}
	}
	if err == nil {
		err = s.cfg.Log.DeleteShard(ctx, name)
	}
	if err != nil && !errors.Is(err, shardlog.ErrNoShard) {
		return fmt.Errorf("kinesis: remove shard %s, which belongs to no stream: %w", name, err)
	}
	return nil
}
