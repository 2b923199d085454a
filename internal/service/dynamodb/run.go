package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/work"
)

// This file: what runs by itself. The crash rule: a step is told by the table's document
// until it is done, can be done again from its beginning, and is done again after a crash.

// pending is the steps that a table asks for, "" for none: its removal, its restore, the
// filling and removal of indexes.
func (d *table) pending() string {
	switch types.TableStatus(d.Status) {
	case types.TableStatusDeleting:
		return "remove"
	case types.TableStatusCreating:
		if d.Importing {
			return "" // its job's
		}
		return "fill"
	}
	var steps []string
	for _, x := range d.Indexes {
		if x.Status != string(types.IndexStatusActive) {
			steps = append(steps, fmt.Sprint(x.Status, x.ID))
		}
	}
	if d.Expiry.Building {
		steps = append(steps, "expiry "+d.Expiry.Attribute)
	}
	return strings.Join(steps, ",")
}

// copying is the streams that the table's changes are copied to, "" for none.
func (d *table) copying() string {
	var streams []string
	for _, k := range d.Kinesis {
		if k.Status == string(types.DestinationStatusActive) && d.Status == string(types.TableStatusActive) {
			streams = append(streams, k.Stream)
		}
	}
	return strings.Join(streams, ",")
}

// step does one step of a table. The document that it leaves asks for the next.
func (s *Service) step(ctx context.Context, j *work.Job[table]) error {
	d := j.Document()
	switch types.TableStatus(d.Status) {
	case types.TableStatusDeleting:
		return s.remove(ctx, d)
	case types.TableStatusCreating:
		return s.fill(ctx, d)
	}
	for _, x := range d.Indexes {
		switch types.IndexStatus(x.Status) {
		case types.IndexStatusCreating:
			return s.build(ctx, d, x.ID)
		case types.IndexStatusDeleting:
			return s.dropIndex(ctx, d, x.ID)
		}
	}
	if d.Expiry.Building {
		return s.buildExpiry(ctx, d)
	}
	return nil
}

// copy copies a table's changes into its streams, each at its own pace.
func (s *Service) copy(_ context.Context, j *work.Job[table]) error {
	d := j.Document()
	for _, k := range d.Kinesis {
		if k.Status == string(types.DestinationStatusActive) {
			j.Go(k.Stream, func(ctx context.Context) error { return s.copyAll(ctx, d, k.Stream) })
		}
	}
	return nil
}

// run makes the runners and starts them.
func (s *Service) run(ctx context.Context) error {
	events := work.Events{
		Failed: func(key work.Key, part string, err error, failures int, wait time.Duration) {
			s.log.Warn("work on a table failed", "key", key.String(), "part", part, "failures", failures, "again", wait, "error", err)
		},
		Undecodable: func(key work.Key, err error) {
			s.log.Error("a table's document cannot be read", "key", key.String(), "error", err)
		},
	}
	src := work.Documents[table](s.cfg.State, "dynamodb.table")
	s.steps = work.New(src, work.Hooks[table]{
		Runs: func(d *table) bool { return d.pending() != "" },
		Same: func(was, is *table) bool { return was.Store == is.Store && was.pending() == is.pending() },
		Run:  s.step,
	}, work.Options{Name: "dynamodb.step", Clock: s.clock, Owner: s.cfg.Owner, Events: events})
	s.copies = work.New(src, work.Hooks[table]{
		Runs: func(d *table) bool { return s.cfg.Kinesis != nil && d.copying() != "" },
		Same: func(was, is *table) bool { return was.Store == is.Store && was.copying() == is.copying() },
		Run:  s.copy,
	}, work.Options{Name: "dynamodb.copy", Clock: s.clock, Owner: s.cfg.Owner, Events: events})
	s.transfers = work.New(work.Documents[job](s.cfg.State, "dynamodb.job"), work.Hooks[job]{
		Runs: func(j *job) bool { return j.Status == "IN_PROGRESS" },
		Same: func(was, is *job) bool { return was.Status == is.Status },
		Run:  s.runJob,
	}, work.Options{Name: "dynamodb.job", Clock: s.clock, Owner: s.cfg.Owner, Events: events, Limit: 4})
	s.group = &work.Group{Clock: s.clock, Events: events}
	if err := s.steps.Start(ctx); err != nil {
		return err
	}
	if err := s.copies.Start(ctx); err != nil {
		return err
	}
	if err := s.transfers.Start(ctx); err != nil {
		return err
	}
	s.group.Every("sweep", s.cfg.SweepEvery, func(ctx context.Context) error { s.sweepOnce(ctx); return nil })
	return nil
}
