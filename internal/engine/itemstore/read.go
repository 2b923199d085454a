package itemstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// Get returns the stored form of an item, which must not be changed; found is false if there is none.
func (t *Table) Get(key attr.Item) (item []byte, found bool, err error) {
	var few [128]byte
	row, ok := t.Definition().rowKey(few[:0], key)
	if !ok {
		return nil, false, nil
	}
	hash := xxhash.Sum64(row)
	if item = t.s.hot.get(hash, row); item != nil {
		err = t.s.db.Failed()
	} else {
		item, err = t.s.find(hash, slices.Clone(row))
	}
	if err == nil {
		err = t.s.locks.at(hash).pending.Load().wait()
	}
	return item, item != nil, err
}

// find asks Pebble for the item of a row, nil for none, and keeps it among the hot ones.
func (s *Store) find(hash uint64, row []byte) (item []byte, err error) {
	seen := s.locks.at(hash).version.Load()
	err = s.db.Guard(func() error {
		value, closer, err := s.db.Get(row)
		if err == pebble.ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		r := &hotRow{slices.Concat(row, value), len(row)}
		item = r.item()
		s.keepHot(hash, seen, r)
		return closer.Close()
	})
	return item, err
}

// Read is one of the items that GetAll reads.
type Read struct {
	Table *Table
	Key   attr.Item
}

// GetAll reads items as of one moment: no write of several of them is seen in part. An
// item that is not there is nil. It waits for no write but for the sync of what it read.
func (s *Store) GetAll(reads []Read) ([][]byte, error) {
	rows := make([][]byte, len(reads))
	for i, r := range reads {
		rows[i], _ = r.Table.Definition().rowKey(nil, r.Key)
	}
	out := make([][]byte, len(reads))
	err := s.db.Guard(func() error {
		at := s.db.NewSnapshot()
		defer at.Close()
		for i, row := range rows {
			value, closer, err := at.Get(row)
			if err == pebble.ErrNotFound {
				continue
			}
			if err != nil {
				return err
			}
			out[i] = slices.Clone(value)
			closer.Close()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	read := make([]*stripe, len(rows))
	for i, row := range rows {
		read[i] = s.locks.of(row)
	}
	return out, newest(read).wait()
}

// Range is a part of a table or of one of its indexes, in the order of its keys.
type Range struct {
	Index    uint16 // 0: the table
	from, to []byte
	reverse  bool
}

// Scan returns the range of a segment of a table or index: 0 of 1 is all.
func (t *Table) Scan(index uint16, segment, of int) Range {
	prefix := appendIndex(nil, t.Definition().ID, index)
	r := Range{Index: index, from: prefix, to: successor(prefix)}
	at := func(n int) []byte {
		return binary.BigEndian.AppendUint32(slices.Clone(prefix), uint32((uint64(n)<<32+uint64(of)-1)/uint64(of)))
	}
	if segment > 0 {
		r.from = at(segment)
	}
	if segment+1 < of {
		r.to = at(segment + 1)
	}
	return r
}

// InSegment reports whether the item with the partition key, of one value or more, is of the
// segment of a scan.
func InSegment(segment, of int, hash ...attr.Value) bool {
	var code []byte
	for _, v := range hash {
		code = attr.AppendKey(code, v)
	}
	h := uint64(hashOf(code))
	return int(h*uint64(of)>>32) == segment
}

// Bound is a condition on a sort key. Exactly the members that the operator needs are set.
type Bound struct {
	Op        string // = < <= > >= between begins_with; empty: no condition
	Low, High attr.Value
}

// Holds reports whether a sort key is within the bound.
func (b Bound) Holds(v attr.Value) bool {
	low, ok := attr.Compare(v, b.Low)
	switch b.Op {
	case "":
		return true
	case "=":
		return ok && low == 0
	case "<":
		return ok && low < 0
	case "<=":
		return ok && low <= 0
	case ">":
		return ok && low > 0
	case ">=":
		return ok && low >= 0
	case "between":
		high, ok2 := attr.Compare(v, b.High)
		return ok && ok2 && low >= 0 && high <= 0
	}
	return v.Type() == b.Low.Type() && bytes.HasPrefix(attr.AppendKey(nil, v), attr.AppendKeyPrefix(nil, b.Low))
}

// Query returns the range of a partition key whose sort keys are within a bound.
func (t *Table) Query(index uint16, hash attr.Value, b Bound, reverse bool) Range {
	return t.QueryKeys(index, []attr.Value{hash}, nil, b, reverse)
}

// QueryKeys is Query in an index whose keys may be of several attributes: hash is the values
// of all of the partition key's, equal those of the first of the sort key's, and the bound is
// one on the attribute after these.
func (t *Table) QueryKeys(index uint16, hash, equal []attr.Value, b Bound, reverse bool) Range {
	prefix := appendPartition(nil, t.Definition().ID, index, hash...)
	for _, v := range equal {
		prefix = attr.AppendKey(prefix, v)
	}
	r := Range{Index: index, from: prefix, to: successor(prefix), reverse: reverse}
	code := func(v attr.Value) []byte { return attr.AppendKey(slices.Clone(prefix), v) }
	switch b.Op {
	case "=":
		r.from = code(b.Low)
		r.to = successor(r.from)
	case "<":
		r.to = code(b.Low)
	case "<=":
		r.to = successor(code(b.Low))
	case ">":
		r.from = successor(code(b.Low))
	case ">=":
		r.from = code(b.Low)
	case "between":
		r.from, r.to = code(b.Low), successor(code(b.High))
	case "begins_with":
		r.from = attr.AppendKeyPrefix(slices.Clone(prefix), b.Low)
		r.to = successor(r.from)
	}
	return r
}

// After returns what of the range comes after an item, in the range's direction. The item
// has the keys of the table and of the index, and need not be there.
func (t *Table) After(r Range, key attr.Item) Range {
	def := t.Definition()
	var row []byte
	if x := def.index(r.Index); x != nil {
		row, _ = def.indexKey(nil, x, key)
	} else {
		row, _ = def.rowKey(nil, key)
	}
	if r.reverse {
		if slices.Compare(row, r.to) < 0 {
			r.to = row
		}
		return r
	}
	if row = append(row, 0); slices.Compare(row, r.from) > 0 {
		r.from = row
	}
	return r
}

// Empty reports whether the range can hold nothing.
func (r Range) Empty() bool { return slices.Compare(r.from, r.to) >= 0 }

// Each calls visit with the stored form of each item of the range until it returns false.
// The items are of one moment. The bytes are valid during the call.
func (t *Table) Each(ctx context.Context, r Range, visit func(item []byte) (more bool, err error)) error {
	if r.Empty() {
		return nil
	}
	err := t.s.db.Guard(func() error {
		it, err := t.s.db.NewIter(&pebble.IterOptions{LowerBound: r.from, UpperBound: r.to})
		if err != nil {
			return err
		}
		defer it.Close()
		first, next := it.First, it.Next
		if r.reverse {
			first, next = it.Last, it.Prev
		}
		n := 0
		for ok := first(); ok; ok = next() {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			value, err := it.ValueAndErr()
			if err != nil {
				return err
			}
			if more, err := visit(value); err != nil || !more {
				return err
			}
		}
		return it.Error()
	})
	if err != nil {
		return err
	}
	return t.s.syncApplied()
}

// syncApplied waits until what is applied by now is on disk.
func (s *Store) syncApplied() error {
	if s.inflight.Load() == 0 || s.opts.NoSync {
		return nil
	}
	return s.sync(&commit{done: make(chan struct{})})
}
