package firehose

import (
	"encoding/binary"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// sourceMark is a place in what was read of a Kinesis stream, and what was read from there
// on, as a progress document keeps it.
type sourceMark struct {
	Number  uint64            `json:"number"`           // of the next record
	Created time.Time         `json:"created,omitzero"` // the stream's creation
	Whole   bool              `json:"whole,omitempty"`  // the stream was made after the delivery stream: all of it is read
	Places  map[string]string `json:"places,omitempty"` // shard -> sequence number of its last record before
	Firsts  map[string]string `json:"firsts,omitempty"` // shard without one -> sequence number of its first record after
	Shards  []string          `json:"shards,omitempty"` // of Runs
	Runs    []byte            `json:"runs,omitempty"`   // varints, two for each: a place in Shards, from 1, or 0 for numbers without records; a count
}

// marks is a mark in memory.
type marks struct {
	number  uint64
	created time.Time
	whole   bool
	places  map[string]string
	firsts  map[string]string
	runs    []run
}

// run is a number of records that were read from one shard.
type run struct {
	shard string // "": there are no records of these numbers
	count int
	last  string   // sequence number of the last of them; "" when it is not known yet
	times []moment // of those that were read since the start
	bytes int      // of data; of those that were read since the start
}

// moment is when a record of a run, counted from 0, arrived at the source.
type moment struct {
	record int
	at     time.Time
}

// momentGap is how far the moments of a run are apart at least, so that they are few.
const momentGap = 100 * time.Millisecond

// saw notes when records arrived, the first of which is the n-th of the run.
func (r *run) saw(n int, records []types.Record) {
	for i := range records {
		at := aws.ToTime(records[i].ApproximateArrivalTimestamp)
		if k := len(r.times); !at.IsZero() && (k == 0 || at.Sub(r.times[k-1].at) >= momentGap) {
			r.times = append(r.times, moment{n + i, at})
		}
	}
}

// oldest is when the first record from a number on arrived, to momentGap; zero where that is not known.
func (m *marks) oldest(from uint64) (at time.Time) {
	number := m.number
	for _, r := range m.runs {
		end := number + uint64(r.count)
		if end > from {
			for _, t := range r.times {
				if !at.IsZero() && number+uint64(t.record) > from {
					break
				}
				at = t.at
			}
			if !at.IsZero() {
				return at
			}
		}
		number = end
	}
	return at
}

// dataSize is how many bytes of data records have.
func dataSize(records []types.Record) (n int) {
	for i := range records {
		n += len(records[i].Data)
	}
	return n
}

// bytesFrom is how many bytes the records from a number on have, about.
func (m *marks) bytesFrom(at uint64) (n uint64) {
	number := m.number
	for _, r := range m.runs {
		end := number + uint64(r.count)
		if at < end {
			n += uint64(r.bytes) * (end - max(at, number)) / uint64(r.count)
		}
		number = end
	}
	return n
}

func newMarks(c *sourceConfig) marks {
	return marks{number: 1, created: c.Created, places: make(map[string]string), firsts: make(map[string]string)}
}

// next is the number of the record after the runs.
func (m *marks) next() uint64 { return m.number + uint64(m.sum()) }

func (m *marks) sum() (n int) {
	for _, r := range m.runs {
		n += r.count
	}
	return n
}

// maxRun is how many records reads of the same shard are put together to: less of a run
// than all of it cannot be forgotten.
const maxRun = 4096

// add notes that records were read.
func (m *marks) add(shard string, records []types.Record) {
	count, last := len(records), aws.ToString(records[len(records)-1].SequenceNumber)
	if m.places[shard] == "" && m.firsts[shard] == "" {
		m.firsts[shard] = aws.ToString(records[0].SequenceNumber)
	}
	if n := len(m.runs); n > 0 && m.runs[n-1].shard == shard && m.runs[n-1].last != "" && m.runs[n-1].count+count <= maxRun {
		m.runs[n-1].saw(m.runs[n-1].count, records)
		m.runs[n-1].count += count
		m.runs[n-1].last = last
		m.runs[n-1].bytes += dataSize(records)
		return
	}
	r := run{shard: shard, count: count, last: last, bytes: dataSize(records)}
	r.saw(0, records)
	m.runs = append(m.runs, r)
}

// forget drops the runs that are before a number, and reports how many.
func (m *marks) forget(before uint64) (n int) {
	for _, r := range m.runs {
		if m.number+uint64(r.count) > before || r.shard != "" && r.last == "" {
			break
		}
		if r.shard != "" {
			m.places[r.shard] = r.last
			delete(m.firsts, r.shard)
		}
		m.number += uint64(r.count)
		n++
	}
	m.runs = append(m.runs[:0], m.runs[n:]...)
	return n
}

// another forgets a stream that is gone, for another of its name: what was read of the one
// cannot be read again.
func (m *marks) another(created time.Time) {
	*m = marks{number: m.number, created: created, whole: true, places: make(map[string]string), firsts: make(map[string]string)}
}

// has reports whether a shard is in the marks.
func (m *marks) has(shard string) bool {
	for _, r := range m.runs {
		if r.shard == shard {
			return true
		}
	}
	return false
}

func (m *marks) save() *sourceMark {
	s := &sourceMark{Number: m.number, Created: m.created, Whole: m.whole, Places: maps.Clone(m.places), Firsts: maps.Clone(m.firsts)}
	index := make(map[string]uint64)
	for _, r := range m.runs {
		var at uint64
		if r.shard != "" {
			if at = index[r.shard]; at == 0 {
				s.Shards = append(s.Shards, r.shard)
				at = uint64(len(s.Shards))
				index[r.shard] = at
			}
		}
		s.Runs = binary.AppendUvarint(s.Runs, at)
		s.Runs = binary.AppendUvarint(s.Runs, uint64(r.count))
	}
	return s
}

// open is the reverse of save; nil is the beginning.
func (s *sourceMark) open(c *sourceConfig) marks {
	if s == nil {
		return newMarks(c)
	}
	m := marks{number: s.Number, created: s.Created, whole: s.Whole, places: maps.Clone(s.Places), firsts: maps.Clone(s.Firsts)}
	if m.places == nil {
		m.places = make(map[string]string)
	}
	if m.firsts == nil {
		m.firsts = make(map[string]string)
	}
	for b := s.Runs; len(b) > 0; {
		at, n := binary.Uvarint(b)
		count, k := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || k <= 0 || at > uint64(len(s.Shards)) || count > 1<<40 {
			break // not what save wrote
		}
		b = b[n+k:]
		r := run{count: int(count)}
		if at > 0 {
			r.shard = s.Shards[at-1]
		}
		m.runs = append(m.runs, r)
	}
	return m
}
