package itemstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// maxExpiredAge is how old a time may be for an item to expire by it: what is older is
// taken for a mistake, as DynamoDB does.
const maxExpiredAge = 5 * 365 * 24 * time.Hour

// Expire deletes the items whose time has come, and returns how many.
func (t *Table) Expire(ctx context.Context) (n int, err error) {
	def := t.Definition()
	if def.Expiry == "" {
		return 0, nil
	}
	now := t.s.clock.Now()
	prefix := appendIndex(nil, def.ID, expiryIndex)
	from := binary.BigEndian.AppendUint64(slices.Clone(prefix), uint64(max(0, now.Add(-maxExpiredAge).Unix())))
	to := binary.BigEndian.AppendUint64(slices.Clone(prefix), uint64(max(0, now.Unix())))
	for ctx.Err() == nil {
		var rows [][]byte
		err := t.rows(from, to, func(key, row []byte) (bool, error) {
			rows = append(rows, slices.Clone(row))
			from = append(slices.Clone(key), 0)
			return len(rows) < backfillBatch, nil
		})
		if err != nil {
			return n, fmt.Errorf("itemstore: expire: %w", err)
		}
		for _, row := range rows {
			gone, err := t.expire(row, now)
			if err != nil {
				return n, fmt.Errorf("itemstore: expire: %w", err)
			}
			if gone {
				n++
			}
		}
		if len(rows) < backfillBatch {
			break
		}
	}
	return n, ctx.Err()
}

func (t *Table) expire(row []byte, now time.Time) (gone bool, err error) {
	var key attr.Item
	err = t.s.db.Guard(func() error {
		value, closer, err := t.s.db.Get(row)
		if err != nil {
			return err
		}
		defer closer.Close()
		item, err := attr.ParseItem(value)
		if err == nil {
			key = t.Definition().Key(item)
		}
		return err
	})
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = t.s.Write([]Op{{Table: t, Key: key, Expired: true, Decide: func(old attr.Item) (attr.Item, error) {
		n, ok := old[t.Definition().Expiry].(attr.Number)
		if at, whole := seconds(n); !ok || !whole || at >= now.Unix() {
			return nil, ErrUnchanged
		}
		gone = true
		return nil, nil
	}}}, WriteOptions{})
	return gone, err
}
