package kinesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// begin puts an ACTIVE stream into the status and the change into its document, and makes
// the change: at once, or after the configured delay in the background.
func (s *Service) begin(ctx context.Context, d *stream, status types.StreamStatus, c change, f func(*stream) error) (*stream, error) {
	c.ID, c.Due = newStreamID(), s.now().Add(s.cfg.ControlDelay)
	d, err := s.modify(ctx, d, func(d *stream) error {
		if err := f(d); err != nil {
			return err
		}
		d.Status, d.Pending = status, &c
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, s.finish(ctx, d)
}

// streamKind is the kind of the documents of streams.
const streamKind = "kinesis.stream"

// run makes what runs by itself; Start starts it.
func (s *Service) run() {
	events := work.Events{
		Failed: func(key work.Key, part string, err error, _ int, wait time.Duration) {
			s.log.Error("kinesis: a change of a stream failed and is tried again", "stream", key, "part", part, "error", err, "wait", wait)
		},
		Undecodable: func(key work.Key, err error) {
			s.log.Error("kinesis: the document of a stream cannot be read", "stream", key, "error", err)
		},
	}
	s.changes = work.New(work.Documents[stream](s.cfg.State, streamKind), work.Hooks[stream]{
		Runs: func(d *stream) bool { return d.Pending != nil },
		Same: func(was, is *stream) bool {
			return was.ID == is.ID && was.Pending.ID == is.Pending.ID && was.Pending.Kind == is.Pending.Kind
		},
		Run: func(ctx context.Context, j *work.Job[stream]) error {
			d := j.Document()
			if wait := d.Pending.Due.Sub(s.clock.Now()); wait > 0 {
				return work.RunAfter(wait)
			}
			return s.applyPending(ctx, d)
		},
	}, work.Options{Name: streamKind, Clock: s.clock, Owner: s.cfg.Owner, Backoff: work.Backoff{First: 100 * time.Millisecond, Max: 5 * time.Second}, Events: events})
	s.group = &work.Group{Clock: s.clock, Events: events}
}

// finish returns when the pending change of a stream has been made, or at once where it is
// due later. A client that hangs up does not stop it: it is decided and written down.
func (s *Service) finish(ctx context.Context, d *stream) error {
	if s.cfg.ControlDelay > 0 {
		s.changes.Refresh(d.key()...)
		return nil
	}
	return s.changes.Await(ctx, d.key()...)
}

// applyPending makes the pending change of the stream, from whatever step it had come to.
func (s *Service) applyPending(ctx context.Context, d *stream) error {
	switch d.Pending.Kind {
	case changeCreate:
		if err := s.createShards(ctx, d, d.Shards); err != nil {
			return err
		}
		return s.endPending(ctx, d, func(*stream) {})
	case changeDelete:
		return s.remove(ctx, d)
	case changeRetention:
		return s.applyRetention(ctx, d)
	case changeSplit, changeMerge, changeScale:
		return s.applyReshard(ctx, d)
	}
	return s.endPending(ctx, d, func(*stream) {})
}

// endPending writes the end of the pending change.
func (s *Service) endPending(ctx context.Context, d *stream, f func(*stream)) error {
	_, err := s.modifyAny(ctx, d, func(d *stream) error {
		if d.Pending == nil {
			return nil // done by another try
		}
		f(d)
		d.Status, d.Pending = types.StreamStatusActive, nil
		return nil
	})
	return err
}

// createShards makes the shards in the log, those that are not there yet.
func (s *Service) createShards(ctx context.Context, d *stream, shards []shard) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range shards {
		name := d.logName(shards[i].Index)
		g.Go(func() error {
			_, err := s.cfg.Log.CreateShard(ctx, name, shardlog.ShardConfig{MaxAge: d.retention()})
			if err != nil && !errors.Is(err, shardlog.ErrShardExists) {
				return fmt.Errorf("kinesis: making %s: %w", name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// remove deletes the stream's records and then its document.
func (s *Service) remove(ctx context.Context, d *stream) error {
	r := s.runtime(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.view.Store(nil)
	if err := s.deleteShards(ctx, d, d.Shards); err != nil {
		return err
	}
	err := s.streams.Delete(ctx, d.key()...)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("kinesis: deleting the document of %s: %w", d.arn(), err)
	}
	s.runtimes.Delete(d.ID)
	return nil
}

func (s *Service) deleteShards(ctx context.Context, d *stream, shards []shard) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range shards {
		name := d.logName(shards[i].Index)
		g.Go(func() error {
			err := s.cfg.Log.DeleteShard(ctx, name)
			if err != nil && !errors.Is(err, shardlog.ErrNoShard) {
				return fmt.Errorf("kinesis: deleting %s: %w", name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// sweepEvery is how often expired shards are looked for.
const sweepEvery = 10 * time.Minute

// sweepShards removes closed shards whose records have all expired, and looks whether
// on-demand streams have more than they need.
func (s *Service) sweepShards(ctx context.Context) {
	for it, err := range s.streams.List() {
		if err != nil {
			s.log.Error("kinesis: a stream is not looked after", "stream", it.Key, "error", err)
			continue
		}
		d := it.Value
		s.watchIdle(d)
		if err := s.sweep(ctx, d); err != nil && ctx.Err() == nil {
			s.log.Error("kinesis: removing expired shards failed", "stream", d.arn(), "error", err)
		}
	}
}

func (s *Service) sweep(ctx context.Context, d *stream) error {
	now := s.clock.Now()
	var gone []shard
	for i := range d.Shards {
		if d.expired(&d.Shards[i], now) {
			gone = append(gone, d.Shards[i])
		}
	}
	if len(gone) == 0 || d.Pending != nil {
		return nil
	}
	// The records first: the document still names what a restart in between has to remove.
	if err := s.deleteShards(ctx, d, gone); err != nil {
		return err
	}
	_, err := s.modify(ctx, d, func(d *stream) error {
		d.Shards = slices.DeleteFunc(d.Shards, func(sh shard) bool {
			return slices.ContainsFunc(gone, func(g shard) bool { return g.Index == sh.Index })
		})
		return nil
	})
	return err
}
