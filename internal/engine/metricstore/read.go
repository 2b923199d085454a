package metricstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Range is a time that is read, in seconds: periods from Start on, up to and without End.
type Range struct{ Start, End, Period int64 }

// Point is the samples of a metric in a period.
type Point struct {
	Start int64 // seconds
	Unit  byte
	Summary
}

// AnyUnit reads samples of all units.
const AnyUnit = -1

// Read calls yield with the points of a metric that have samples, by growing time, those of one time by unit; merged makes
// one of them. It ends when yield returns false. The point is yield's no longer when that returns. Values of distributions
// are read if asked for. In a period that is not of whole minutes, or from a start that is not, samples that were not written
// by the second are of the second at which their minute begins.
func (s *Store) Read(m *Metric, r Range, unit int, merged, values bool, yield func(*Point) bool) error {
	if r.Period <= 0 || r.End <= r.Start {
		return nil
	}
	res := 0
	for i, f := range resolutions {
		if r.Period%f.width == 0 && r.Start%f.width == 0 {
			res = i
		}
	}
	return s.db.Guard(func() error {
		k, err := s.find(m.key())
		if errors.Is(err, pebble.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.read(k.id, res, r, unit, merged, values, yield)
	})
}

func (s *Store) read(id uint64, res int, r Range, unit int, merged, values bool, yield func(*Point) bool) error {
	f := resolutions[res]
	from, to := max(r.Start, s.now()-f.kept, 0), min(r.End, s.now()+day)
	if from >= to {
		return nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: blockKey(res, from-from%f.block), UpperBound: blockKey(res, to+f.block)})
	if err != nil {
		return err
	}
	defer it.Close()
	var open []Point // of one time, by unit
	flush := func() bool {
		for i := range open {
			if !yield(&open[i]) {
				return false
			}
		}
		open = open[:0]
		return true
	}
	for block := from - from%f.block; block < to; block += f.block {
		first := max(block, from+(f.width-from%f.width)%f.width) // a row that began before is not in it whole
		prefix := binary.BigEndian.AppendUint64(blockKey(res, block), id)
		for ok := it.SeekGE(rowKey(res, id, first)); ok && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
			at, u, ok := rowOf(it.Key())
			if !ok {
				return ErrCorrupt
			}
			if at >= to {
				break
			}
			if unit != AnyUnit && int(u) != unit {
				continue
			}
			sum, err := decodeSummary(it.Value(), values)
			if err != nil {
				return err
			}
			if merged {
				u = 0
			}
			start := r.Start + (at-r.Start)/r.Period*r.Period
			if len(open) > 0 && open[0].Start != start && !flush() {
				return nil
			}
			open = add(open, start, u, &sum)
		}
		if err := it.Error(); err != nil {
			return err
		}
	}
	flush()
	return nil
}

// add adds samples to the point of their unit.
func add(open []Point, start int64, unit byte, sum *Summary) []Point {
	i, found := slices.BinarySearchFunc(open, unit, func(p Point, u byte) int { return int(p.Unit) - int(u) })
	if found {
		open[i].Merge(sum)
		return open
	}
	return slices.Insert(open, i, Point{start, unit, *sum})
}
