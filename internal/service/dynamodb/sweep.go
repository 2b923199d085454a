package dynamodb

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// sweepOnce does what time asks for: it deletes items that have expired, rolls and trims
// streams, forgets old tokens, and ends what a crash left half begun.
func (s *Service) sweepOnce(ctx context.Context) {
	tables, err := s.tables.All()
	if err != nil {
		s.log.Error("a table's document cannot be read", "error", err)
	}
	for _, d := range tables {
		if ctx.Err() != nil {
			return
		}
		if d.Status != string(types.TableStatusActive) {
			if err := s.orphan(ctx, d); err != nil && ctx.Err() == nil {
				s.log.Error("a table whose import did not begin", "table", d.arn(), "error", err)
			}
			continue
		}
		if err := s.sweepTable(ctx, d); err != nil && ctx.Err() == nil {
			s.log.Error("sweep of a table", "table", d.arn(), "error", err)
		}
	}
	if err := s.sweepLeft(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("sweep of the streams of deleted tables", "error", err)
	}
	if err := s.forgetJobs(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("sweep of exports and imports", "error", err)
	}
	if err := s.cfg.Items.SweepTokens(); err != nil {
		s.log.Error("sweep of tokens", "error", err)
	}
}

// jobLife is how long exports and imports are told of after their end.
const jobLife = 90 * 24 * time.Hour

// forgetJobs removes the documents of exports and imports that ended long ago.
func (s *Service) forgetJobs(ctx context.Context) error {
	jobs, err := s.jobs.All()
	for _, j := range jobs {
		if j.Ended.IsZero() || s.now().Sub(j.Ended) < jobLife {
			continue
		}
		if e := s.jobs.Delete(ctx, j.Account, j.Region, j.ID); e != nil && !errors.Is(e, state.ErrNotFound) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (s *Service) sweepTable(ctx context.Context, d *table) error {
	o, err := s.opened(d)
	if err != nil {
		return err
	}
	if d.Expiry.Enabled && !d.Expiry.Building {
		if _, err := o.items.Expire(ctx); err != nil {
			return err
		}
	}
	now := s.now()
	next, _ := o.items.FeedEnd()
	copied := *d
	copied.Streams = nil
	for _, st := range d.Streams {
		st.Shards = append([]shard(nil), st.Shards...)
		copied.Streams = append(copied.Streams, st)
	}
	if copied.roll(now, next) {
		if _, err := s.modify(ctx, d, func(d *table) error { d.roll(now, next); return nil }); err != nil {
			return err
		}
	}
	return o.items.TrimFeed(ctx, now.Add(-d.feedLife()))
}

// feedLife is how long the feed of a table keeps changes.
func (d *table) feedLife() time.Duration {
	if !d.Recovery.Since.IsZero() {
		return max(streamLife, time.Duration(d.Recovery.Days)*24*time.Hour)
	}
	return streamLife
}
