package metricstore

import (
	"encoding/binary"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// resolution is how fine rows are, and for how long they are kept, in seconds.
type resolution struct{ width, block, kept int64 }

const day = 24 * 3600

// resolutions from the finest on; a row's key has the index.
var resolutions = [...]resolution{
	{1, 3600, 3 * 3600},
	{60, day, 15 * day},
	{300, 7 * day, 63 * day},
	{3600, 30 * day, 455 * day},
}

// Kept is how long anything is kept, in seconds.
const Kept = 455 * day

const (
	kindRow    = 'd'
	kindEvent  = 'e'
	kindMetric = 's'
)

func blockKey(res int, block int64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 24), kindRow, byte(res)), uint64(block))
}

// rowKey is the key of the row that has a time; without the unit.
func rowKey(res int, id uint64, at int64) []byte {
	r := resolutions[res]
	block := at - at%r.block
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(blockKey(res, block), id), uint32(at-block))
}

// rowOf reads the time and the unit of a key.
func rowOf(key []byte) (at int64, unit byte, ok bool) {
	if len(key) != 23 {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(key[2:])) + int64(binary.BigEndian.Uint32(key[18:])), key[22], true
}

// merger adds up rows.
var merger = &pebble.Merger{
	Name: "brookmere.metricstore.1",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		m := new(merging)
		return m, m.add(value)
	},
}

type merging struct{ sum Summary }

func (m *merging) add(value []byte) error {
	s, err := decodeSummary(value, true)
	if err != nil {
		return err
	}
	m.sum.Merge(&s)
	return nil
}

func (m *merging) MergeNewer(value []byte) error { return m.add(value) }
func (m *merging) MergeOlder(value []byte) error { return m.add(value) }

func (m *merging) Finish(bool) ([]byte, io.Closer, error) { return m.sum.append(nil), nil, nil }
