package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
