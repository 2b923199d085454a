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

// Read returns the points of a metric that have samples, by growing time, those of one time by unit; merged makes one of
// them. Values of distributions are read if asked for. A period that is not of whole minutes is of samples that were
// written by the second, and so is the start.
func (s *Store) Read(m *Metric, r Range, unit int, merged, values bool) ([]Point, error) {
	if r.Period <= 0 || r.End <= r.Start {
		return nil, nil
	}
	res := 0
	for i, f := range resolutions {
		if r.Period%f.width == 0 && r.Start%f.width == 0 {
			res = i
		}
	}
	var out []Point
	err := s.guarded(func() error {
		k, err := s.find(m.key())
		if errors.Is(err, pebble.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = s.read(k.id, res, r, unit, merged, values)
		return err
	})
	return out, err
}

func (s *Store) read(id uint64, res int, r Range, unit int, merged, values bool) (out []Point, err error) {
	f := resolutions[res]
	from, to := max(r.Start, s.now()-f.kept, 0), min(r.End, s.now()+day)
	if from >= to {
		return nil, nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: blockKey(res, from-from%f.block), UpperBound: blockKey(res, to+f.block)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for block := from - from%f.block; block < to; block += f.block {
		first := max(block, from+(f.width-from%f.width)%f.width) // a row that began before is not in it whole
		prefix := binary.BigEndian.AppendUint64(blockKey(res, block), id)
		for ok := it.SeekGE(rowKey(res, id, first)); ok && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
			at, u, ok := rowOf(it.Key())
			if !ok {
				return nil, ErrCorrupt
			}
			if at >= to {
				break
			}
			if unit != AnyUnit && int(u) != unit {
				continue
			}
			sum, err := decodeSummary(it.Value(), values)
			if err != nil {
				return nil, err
			}
			if merged {
				u = 0
			}
			out = add(out, r.Start+(at-r.Start)/r.Period*r.Period, u, &sum)
		}
		if err := it.Error(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add adds samples to the point of their period and unit, which is among the last.
func add(out []Point, start int64, unit byte, sum *Summary) []Point {
	for i := len(out) - 1; i >= 0 && out[i].Start == start; i-- {
		if out[i].Unit == unit {
			out[i].Merge(sum)
			return out
		}
	}
	i := len(out)
	for i > 0 && out[i-1].Start == start && out[i-1].Unit > unit {
		i--
	}
	return slices.Insert(out, i, Point{start, unit, *sum})
}
