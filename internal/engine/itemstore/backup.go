package itemstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/pebblestore"
)

// Backup keeps the table as it is in dir, which must not exist: a checkpoint of the
// database, restricted to the table. It shares files with the database and takes little
// room until those are compacted away.
func (t *Table) Backup(dir string) error {
	start := appendIndex(nil, t.Definition().ID, 0)
	return t.s.db.Guard(func() error {
		err := t.s.db.Checkpoint(dir, pebble.WithFlushedWAL(),
			pebble.WithRestrictToSpans([]pebble.CheckpointSpan{{Start: start, End: successor(start)}}))
		if err != nil {
			return fmt.Errorf("itemstore: backup: %w", err)
		}
		return nil
	})
}

// RestoreBackup loads the items of table id, from a backup in dir, into t.
func (t *Table) RestoreBackup(ctx context.Context, dir string, id uint64) error {
	db, err := pebblestore.OpenReadOnly(pebblestore.Options{Name: "itemstore: backup", Dir: dir, FS: t.s.opts.FS, OnError: t.s.opts.OnError})
	if err != nil {
		return err
	}
	err = db.Guard(func() error { return t.load(ctx, db, id) })
	return errors.Join(err, db.Close())
}

// RestoreFrom loads the items of another table, as they are, into t.
func (t *Table) RestoreFrom(ctx context.Context, from *Table) error {
	return t.s.db.Guard(func() error {
		snap := t.s.db.NewSnapshot()
		defer snap.Close()
		return t.load(ctx, snap, from.Definition().ID)
	})
}

// loadBatch is the bytes that load puts into one batch.
const loadBatch = 1 << 20

func (t *Table) load(ctx context.Context, from pebble.Reader, id uint64) error {
	start := appendIndex(nil, id, 0)
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: successor(start)})
	if err != nil {
		return fmt.Errorf("itemstore: load: %w", err)
	}
	defer it.Close()
	l := t.Loader()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("itemstore: load: %w", err)
		}
		item, err := attr.ParseItem(value)
		if err != nil {
			return fmt.Errorf("itemstore: load: %w", err)
		}
		if err := l.Put(ctx, item); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("itemstore: load: %w", err)
	}
	return l.Flush()
}

// Loader puts many items into a table, in batches that are atomic each. It is for one
// goroutine.
type Loader struct {
	t    *Table
	ops  []Op
	keys map[string]bool
	size int
}

// Loader returns a new Loader of the table.
func (t *Table) Loader() *Loader { return &Loader{t: t, keys: map[string]bool{}} }

// Put adds an item. It is there when Flush has returned, at the latest.
func (l *Loader) Put(ctx context.Context, item attr.Item) error {
	return l.add(ctx, item, item)
}

// Remove adds the deletion of an item.
func (l *Loader) Remove(ctx context.Context, key attr.Item) error { return l.add(ctx, key, nil) }

func (l *Loader) add(ctx context.Context, key, item attr.Item) error {
	return l.op(ctx, attr.Size(item), Op{Table: l.t, Key: key, Blind: true, Decide: func(attr.Item) (attr.Item, error) { return item, nil }})
}

// Change adds a change of an item, which decide makes of what is there, of about size bytes.
func (l *Loader) Change(ctx context.Context, key attr.Item, size int, decide func(attr.Item) (attr.Item, error)) error {
	return l.op(ctx, size, Op{Table: l.t, Key: key, Decide: decide})
}

func (l *Loader) op(ctx context.Context, size int, op Op) error {
	row, ok := l.t.Definition().rowKey(nil, op.Key)
	if !ok {
		return fmt.Errorf("itemstore: load: an item has not the table's key")
	}
	if l.keys[string(row)] {
		if err := l.Flush(); err != nil {
			return err
		}
	}
	l.keys[string(row)] = true
	l.ops = append(l.ops, op)
	if l.size += size + len(row); l.size < loadBatch && len(l.ops) < 1024 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Flush()
}

// Flush makes the items that were added durable.
func (l *Loader) Flush() error {
	if len(l.ops) == 0 {
		return nil
	}
	_, err := l.t.s.Write(l.ops, WriteOptions{})
	clear(l.keys)
	l.ops, l.size = nil, 0
	return err
}
