package queue

import (
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Waiting is a message that can be received.
type Waiting struct {
	Sequence uint64
	Source   string // see Message
}

// Waiting lists up to n messages that can be received, of a FIFO queue the first of each group.
func (q *Queue) Waiting(n int) (list []Waiting, err error) {
	err = q.s.db.Guard(func() error {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.gone.Load() {
			return ErrGone
		}
		it, err := between(q.s.db, q.low, visibleKey(q.id, q.s.now()+1, 0))
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok && len(list) < n; ok = it.Next() {
			_, seq := visibleOf(it.Key())
			m, _, err := q.message(q.s.db, seq)
			if err != nil {
				return err
			}
			if m != nil {
				list = append(list, Waiting{seq, m.Source})
			}
		}
		return it.Error()
	})
	return list, err
}

// Move moves messages to another queue, where they are as if they were sent now, and returns how many
// were there to be moved.
func (q *Queue) Move(to *Queue, sequences []uint64) (moved int, err error) {
	err = q.s.db.Guard(func() error {
		moved, err = q.s.move(q, to, sequences, false)
		return err
	})
	return moved, err
}

// move moves messages, as dead letters those that are hidden, in one batch. Dead letters keep the time at
// which they were sent, in a standard queue.
func (s *Store) move(from, to *Queue, sequences []uint64, dead bool) (moved int, err error) {
	if from == to {
		return 0, nil
	}
	first, second := from, to
	if second.id < first.id {
		first, second = second, first
	}
	var wait *pebble.Batch
	err = func() error {
		first.mu.Lock()
		defer first.mu.Unlock()
		second.mu.Lock()
		defer second.mu.Unlock()
		if from.gone.Load() || to.gone.Load() {
			return ErrGone
		}
		now := s.now()
		b := s.db.NewIndexedBatch()
		for _, seq := range sequences {
			m, r, err := from.message(b, seq)
			if err != nil {
				return errorsClose(err, b)
			}
			if m == nil || !dead && r != nil && r.at > now {
				continue
			}
			if err := from.forget(b, seq, m, r); err != nil {
				return errorsClose(err, b)
			}
			m.Visible, m.Source = 0, ""
			if dead {
				m.Source = from.set.Load().Name
			}
			if !dead || to.set.Load().FIFO {
				m.Sent = now
			}
			if err := to.add(b, m); err != nil {
				return errorsClose(err, b)
			}
			moved++
		}
		if wait, err = s.apply(b, true); err != nil {
			return err
		}
		from.total -= int64(moved)
		to.total += int64(moved)
		if dead {
			from.flying = max(0, from.flying-int64(moved))
		}
		from.wake(1)
		to.wake(moved)
		return nil
	}()
	if err != nil {
		return 0, err
	}
	return moved, synced(wait)
}

// Purge removes all messages. Deduplication goes on.
func (q *Queue) Purge() error {
	return q.s.db.Guard(func() error {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.gone.Load() {
			return ErrGone
		}
		if err := q.s.dropRange(prefix(q.id, kindMessage), prefix(q.id, kindContents)); err != nil {
			return err
		}
		q.total, q.flying = 0, 0
		return nil
	})
}

// Counts are how many messages a queue has.
type Counts struct{ Visible, InFlight, Delayed int64 }

// Counts counts what is hidden, and takes the rest as visible.
func (q *Queue) Counts() (c Counts, err error) {
	err = q.s.db.Guard(func() error {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.gone.Load() {
			return ErrGone
		}
		now := q.s.now()
		delayed, inFlight, err := q.hidden(now)
		q.flying, q.counted = inFlight, now
		c = Counts{max(0, q.total-delayed-inFlight), inFlight, delayed}
		return err
	})
	return c, err
}

// Oldest is when the first of a queue's messages was sent; zero of an empty queue.
func (q *Queue) Oldest() (sent time.Time, err error) {
	err = q.s.db.Guard(func() error {
		if q.gone.Load() {
			return ErrGone
		}
		it, err := between(q.s.db, prefix(q.id, kindMessage), prefix(q.id, kindMessage+1))
		if err != nil {
			return err
		}
		if it.First() {
			if v := it.Value(); len(v) >= 9 {
				sent = time.UnixMilli(int64(binary.BigEndian.Uint64(v[1:])))
			}
		}
		return closing(it.Error(), it)
	})
	return sent, err
}

// hidden counts the messages that cannot be received at a time.
func (q *Queue) hidden(now int64) (delayed, inFlight int64, err error) {
	it, err := between(q.s.db, visibleKey(q.id, now+1, 0), prefix(q.id, kindVisible+1))
	if err != nil {
		return 0, 0, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		v := it.Value()
		switch {
		case q.set.Load().FIFO:
			g, err := q.group(q.s.db, string(v[1:]))
			if err != nil {
				return 0, 0, closing(err, it)
			}
			for _, f := range g.flight {
				if f.until > now {
					inFlight++
				}
			}
		case len(v) == 1 && v[0] == 1:
			delayed++
		default:
			inFlight++
		}
	}
	if err := closing(it.Error(), it); err != nil || !q.set.Load().FIFO {
		return delayed, inFlight, err
	}
	if it, err = between(q.s.db, prefix(q.id, kindMessage), prefix(q.id, kindMessage+1)); err != nil {
		return 0, 0, err
	}
	for ok := it.Last(); ok; ok = it.Prev() { // delays of a FIFO queue are those of its newest messages
		v := it.Value()
		if len(v) < 17 || int64(binary.BigEndian.Uint64(v[9:])) <= now {
			break
		}
		delayed++
	}
	return delayed, inFlight, closing(it.Error(), it)
}

func closing(err error, it *pebble.Iterator) error {
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	return err
}

// sweepEvery is how often what has expired is removed.
const sweepEvery = time.Minute

func (s *Store) sweepAll() {
	t := s.o.Clock.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.Chan():
		}
		s.mu.Lock()
		list := make([]*Queue, 0, len(s.queues))
		for _, q := range s.queues {
			list = append(list, q)
		}
		s.mu.Unlock()
		for _, q := range list {
			for more := true; more; {
				err := s.db.Guard(func() (err error) {
					more, err = q.sweep(1000)
					return err
				})
				if err != nil {
					s.o.OnError(err)
					break
				}
			}
		}
	}
}

// sweep removes up to n messages and as many deduplication ids that have expired.
func (q *Queue) sweep(n int) (more bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone.Load() {
		return false, nil
	}
	now := q.s.now()
	b := q.s.db.NewIndexedBatch()
	removed, err := q.sweepMessages(b, now, n)
	if err != nil {
		return false, errorsClose(err, b)
	}
	ended, err := q.sweepDedup(b, now, n)
	if err != nil {
		return false, errorsClose(err, b)
	}
	if _, err := q.s.apply(b, false); err != nil {
		return false, err
	}
	q.total -= int64(removed)
	return removed == n || ended == n, nil
}

func (q *Queue) sweepMessages(b *pebble.Batch, now int64, n int) (removed int, err error) {
	it, err := between(q.s.db, prefix(q.id, kindMessage), prefix(q.id, kindMessage+1))
	if err != nil {
		return 0, err
	}
	for ok := it.First(); ok && removed < n; ok = it.Next() {
		seq := binary.BigEndian.Uint64(it.Key()[9:])
		m, err := decodeMessage(it.Value())
		if err != nil {
			return removed, closing(err, it)
		}
		if !q.expired(m, now) {
			break
		}
		r, err := q.receipt(b, seq)
		if err != nil {
			return removed, closing(err, it)
		}
		if err := q.forget(b, seq, m, r); err != nil {
			return removed, closing(err, it)
		}
		removed++
	}
	return removed, closing(it.Error(), it)
}

func (q *Queue) sweepDedup(b *pebble.Batch, now int64, n int) (ended int, err error) {
	it, err := between(q.s.db, prefix(q.id, kindDedupEnd), dedupEndKey(q.id, now+1, ""))
	if err != nil {
		return 0, err
	}
	for ok := it.First(); ok && ended < n; ok = it.Next() {
		k := it.Key()
		text := string(k[17:])
		// It may have been sent again since.
		v, err := get(b, textKey(q.id, kindDedup, text))
		if err != nil {
			return ended, closing(err, it)
		}
		if len(v) >= 8 && int64(binary.BigEndian.Uint64(v)) <= now {
			if err := b.Delete(textKey(q.id, kindDedup, text), nil); err != nil {
				return ended, closing(err, it)
			}
		}
		if err := b.Delete(k, nil); err != nil {
			return ended, closing(err, it)
		}
		ended++
	}
	return ended, closing(it.Error(), it)
}

// Len is how many messages the queue has, those in flight and delayed included.
func (q *Queue) Len() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}
