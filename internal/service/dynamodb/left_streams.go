package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// This file: the streams of tables that are gone. A table that is deleted leaves its streams,
// which can be read for a day: a document of its own, and its feed, without the items.
//
// The crash rule: the table is DELETING until the document is there, and removing its items
// and writing the document can be done again; so can dropping the feed before the document
// of a stream that nobody can read any more.

// leave removes the items of a table and keeps its streams.
func (s *Service) leave(ctx context.Context, d *table) error {
	if err := s.cfg.Items.DropItems(d.Store); err != nil {
		return fmt.Errorf("dynamodb: removing the items of %s: %w", d.arn(), err)
	}
	left := &table{
		Account: d.Account, Region: d.Region, Name: d.Name, ID: d.ID, Store: d.Store, Created: d.Created, Status: "DELETED",
		Attributes: d.Attributes, Hash: d.Hash, Range: d.Range,
	}
	for _, st := range d.Streams {
		st.Shards = append([]shard(nil), st.Shards...)
		left.Streams = append(left.Streams, st)
	}
	if left.streaming() {
		items, err := s.cfg.Items.Table(left.definition())
		if err != nil {
			return err
		}
		end, _ := items.FeedEnd() // no writer has the table any more
		left.newest().close(s.now(), end)
	}
	return s.left.Put(ctx, left, left.leftKey()...)
}

func (d *table) leftKey() []string { return []string{d.Account, d.Region, d.Name, d.storeKey()} }

// leftStream returns what is left of a deleted table of the name that had the stream of the
// label, nil for none.
func (s *Service) leftStream(account, region, name, label string) (*table, *stream, error) {
	for it, err := range s.left.List(account, region, name) {
		if err != nil {
			return nil, nil, err
		}
		if st := it.Value.stream(label); st != nil {
			return it.Value, st, nil
		}
	}
	return nil, nil, nil
}

// leftTables lists what is left of the deleted tables of a scope, but of those whose documents
// are still there.
func (s *Service) leftTables(account, region string) (out []*table, err error) {
	for it, err := range s.left.List(account, region) {
		if err != nil {
			return nil, err
		}
		d, err := s.tables.Get(it.Value.key()...)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
		if err == nil && d.Store == it.Value.Store {
			continue
		}
		out = append(out, it.Value)
	}
	return out, nil
}

// sweepLeft forgets the streams of deleted tables that cannot be read any more, and their
// changes.
func (s *Service) sweepLeft(ctx context.Context) error {
	all, err := s.left.All()
	for _, d := range all {
		if ctx.Err() != nil {
			return nil
		}
		err = errors.Join(err, s.sweepLeftOf(ctx, d))
	}
	return err
}

func (s *Service) sweepLeftOf(ctx context.Context, d *table) error {
	now := s.now()
	gone := func(d *table) bool {
		copied := *d
		copied.Streams = nil
		for _, st := range d.Streams {
			st.Shards = append([]shard(nil), st.Shards...)
			copied.Streams = append(copied.Streams, st)
		}
		copied.roll(now, 0)
		return len(copied.Streams) == 0
	}
	if !gone(d) {
		o, err := s.opened(d)
		if err != nil {
			return err
		}
		return o.items.TrimFeed(ctx, now.Add(-streamLife))
	}
	s.forget(d)
	if err := s.cfg.Items.Drop(d.Store); err != nil {
		return fmt.Errorf("dynamodb: removing the stream of %s: %w", d.arn(), err)
	}
	if err := s.left.Delete(ctx, d.leftKey()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}

// forget closes the items of a table.
func (s *Service) forget(d *table) {
	s.mu.Lock()
	delete(s.open, d.Store)
	s.mu.Unlock()
}
