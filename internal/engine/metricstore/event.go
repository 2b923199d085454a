package metricstore

import (
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Events are dated entries of subjects, such as the history of an alarm. They are kept for 30 days.
const eventsKept = 30 * day

func eventKey(subject string) []byte {
	return append(append(append(make([]byte, 0, len(subject)+24), kindEvent), subject...), 0)
}

// Append keeps an event of a subject, which has no NUL. When it returns it is on disk.
func (s *Store) Append(subject string, at time.Time, data []byte) error {
	if err := s.db.Room(); err != nil {
		return err
	}
	key := binary.BigEndian.AppendUint64(eventKey(subject), uint64(at.UnixMilli()))
	key = binary.BigEndian.AppendUint64(key, s.events.Add(1))
	return s.db.Guard(func() error { return s.db.Set(key, data, s.db.Sync()) })
}

// Event is an entry of a subject.
type Event struct {
	At   time.Time
	ID   string // grows with the time; for pages
	Data []byte
}

// Events calls yield with the events of a subject between two times, both included, until it returns false: from the
// latest back, or, if forward, from the earliest on, and only what comes after the event of an ID, if that is not empty.
func (s *Store) Events(subject string, from, to time.Time, after string, forward bool, yield func(Event) bool) error {
	if oldest := s.o.Clock.Now().Add(-eventsKept * time.Second); from.Before(oldest) {
		from = oldest
	}
	lower := binary.BigEndian.AppendUint64(eventKey(subject), uint64(max(from.UnixMilli(), 0)))
	upper := binary.BigEndian.AppendUint64(eventKey(subject), uint64(max(to.UnixMilli()+1, 0)))
	prefix := len(upper) - 8
	if len(after) == 16 {
		at := append(eventKey(subject), after...)
		if forward && string(at) >= string(lower) {
			lower = append(at, 0)
		} else if !forward && string(at) < string(upper) {
			upper = at
		}
	}
	if string(lower) >= string(upper) {
		return nil
	}
	return s.db.Guard(func() error {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			return err
		}
		defer it.Close()
		next, ok := it.Prev, false
		if forward {
			next, ok = it.Next, it.First()
		} else {
			ok = it.Last()
		}
		for ; ok; ok = next() {
			id := string(it.Key()[prefix:])
			if len(id) != 16 {
				return ErrCorrupt
			}
			e := Event{time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(id)))).UTC(), id, append([]byte(nil), it.Value()...)}
			if !yield(e) {
				return nil
			}
		}
		return it.Error()
	})
}
