package queue

import (
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Outgoing is messages for one queue of a SendAll.
type Outgoing struct {
	To       *Queue
	Messages []*Message
}

// SendAll is Send to several queues of the store: all messages in one batch, so that a crash has all of them or
// none. Queues that are gone are left out. It does not tell what became of each message; duplicates are not added.
func (s *Store) SendAll(list []Outgoing) error {
	if err := s.room(); err != nil {
		return err
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Outgoing) int {
		switch { // the order in which move takes locks
		case a.To.id < b.To.id:
			return -1
		case a.To.id > b.To.id:
			return 1
		}
		return 0
	})
	return s.guarded(func() error {
		wait, duplicate, err := s.addAll(list)
		if err != nil {
			return err
		}
		if err := synced(wait); err != nil {
			return err
		}
		if wait == nil && duplicate {
			return s.barrier() // the first may not be on disk yet
		}
		return nil
	})
}

func (s *Store) addAll(list []Outgoing) (wait *pebble.Batch, duplicate bool, err error) {
	var locked []*Queue
	defer func() {
		for _, q := range locked {
			q.mu.Unlock()
		}
	}()
	b := s.db.NewIndexedBatch()
	added := map[*Queue]int{}
	for _, o := range list {
		q := o.To
		if len(locked) == 0 || locked[len(locked)-1] != q {
			q.mu.Lock()
			locked = append(locked, q)
		}
		if q.gone.Load() {
			continue
		}
		for _, m := range o.Messages {
			sent, err := q.known(b, m)
			if err != nil {
				return nil, false, errorsClose(err, b)
			}
			if sent != nil {
				duplicate = true
				continue
			}
			m.Sent = s.now()
			if err := q.add(b, m); err != nil {
				return nil, false, errorsClose(err, b)
			}
			if err := q.remember(b, m); err != nil {
				return nil, false, errorsClose(err, b)
			}
			added[q]++
		}
	}
	if wait, err = s.apply(b, true); err != nil {
		return nil, false, err
	}
	for q, n := range added {
		q.total += int64(n)
		q.wake(n)
	}
	return wait, duplicate, nil
}
