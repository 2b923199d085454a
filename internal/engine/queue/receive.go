package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Received is a message that was received.
type Received struct {
	Message
	Handle string
	Count  int   // how often it was received
	First  int64 // when it first was, in milliseconds
	Until  int64 // when it is visible again, in milliseconds
}

// Held is a message as a Receive left it.
type Held struct {
	Handle string
	Until  int64
}

// Again returns the messages of a Receive once more, with their handles and bodies as they were, and hides them for the time
// of visibility from now on. Where one of them has been deleted, changed or visible since, it returns none and changes nothing.
func (q *Queue) Again(held []Held, visibility time.Duration) (list []Received, err error) {
	err = q.change(func(b *pebble.Batch, now int64) error {
		type found struct {
			seq uint64
			r   *receipt
		}
		var all []found
		for _, x := range held {
			h, err := q.handle(x.Handle)
			if err != nil {
				list = nil
				return nil // it is another queue's
			}
			m, r, err := q.message(b, h.seq)
			if err != nil {
				return err
			}
			if m == nil || r == nil || r.mark != h.mark || r.count != h.count || r.at != x.Until || r.at <= now {
				list = nil
				return nil
			}
			m.Sequence = h.seq
			list = append(list, Received{Message: *m, Count: int(r.count), First: r.first, Handle: x.Handle})
			all = append(all, found{h.seq, r})
		}
		until := now + visibility.Milliseconds()
		for i, f := range all {
			until := min(until, f.r.received+longest.Milliseconds())
			if err := q.rehide(b, f.seq, f.r, until); err != nil {
				return err
			}
			list[i].Until = until
		}
		q.wake(1) // to wait for another time
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// deadFor is how long a dead letter is hidden while it is moved.
const deadFor = 30 * time.Second

// Receive takes up to n messages, which others do not get for the time of visibility. It waits for the
// first one, up to wait, as long as ctx lasts.
func (q *Queue) Receive(ctx context.Context, n int, visibility, wait time.Duration) ([]Received, error) {
	deadline := q.s.o.Clock.Now().Add(wait)
	for {
		var w chan struct{}
		list, next, err := q.take(n, visibility, &w, wait > 0)
		if err != nil || len(list) > 0 || w == nil {
			return list, err
		}
		ended := q.sleep(ctx, w, deadline, next)
		if ended {
			return nil, ctx.Err()
		}
		if !q.s.o.Clock.Now().Before(deadline) {
			wait = 0 // one more look
		}
	}
}

// leave takes a receiver off the list; one that was woken and does not look passes it on.
func (q *Queue) leave(w chan struct{}, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waiters {
		if q.waiters[i] == w {
			q.waiters = append(q.waiters[:i:i], q.waiters[i+1:]...)
			return
		}
	}
	if ended {
		q.wake(1)
	}
}

// take receives what is there. Where that is nothing and the caller wants to wait, w is woken when there is
// more, and next is when a hidden message comes back, 0 for none.
func (q *Queue) take(n int, visibility time.Duration, w *chan struct{}, waits bool) (list []Received, next int64, err error) {
	err = q.s.db.Guard(func() error {
		for {
			var dead []uint64
			var batch *pebble.Batch
			var to *Queue
			err := func() error {
				q.mu.Lock()
				defer q.mu.Unlock()
				if q.gone.Load() {
					return ErrGone
				}
				now := q.s.now()
				if err := q.checkFlying(now, n); err != nil {
					return err
				}
				to = q.set.Load().DeadLetter
				b := q.s.db.NewIndexedBatch()
				t := taking{q: q, b: b, now: now, until: now + visibility.Milliseconds(), n: n}
				low := q.low
				q.low = prefix(q.id, kindVisible+1) // touch lowers it to what is put back
				err := t.run(low)
				if err != nil {
					q.low = low
					return errorsClose(err, b)
				}
				if batch, err = q.s.apply(b, q.set.Load().FIFO); err != nil {
					q.low = low
					return err
				}
				q.touch(t.low)
				q.total -= t.expired
				q.flying += int64(len(t.list) + len(t.dead))
				list, dead, next = t.list, t.dead, t.next
				if len(list) == n {
					q.wake(1) // there may be more
				}
				if len(list) == 0 && len(dead) == 0 && waits {
					*w = make(chan struct{}, 1)
					q.waiters = append(q.waiters, *w)
				}
				return nil
			}()
			if err != nil {
				return err
			}
			if err := synced(batch); err != nil {
				return err
			}
			if len(dead) == 0 {
				return nil
			}
			// Of a dead letter queue that went in this moment, they come again.
			if _, err := q.s.move(q, to, dead, true); err != nil && !errors.Is(err, ErrGone) {
				return err
			}
			if len(list) > 0 {
				return nil
			}
		}
	})
	return list, next, err
}

// checkFlying refuses what would be one message too many in flight.
func (q *Queue) checkFlying(now int64, n int) error {
	most := int64(q.set.Load().InFlight)
	if most <= 0 || q.flying+int64(n) <= most {
		return nil
	}
	if now-q.counted >= 200 || q.flying >= most {
		_, inFlight, err := q.hidden(now)
		if err != nil {
			return err
		}
		q.flying, q.counted = inFlight, now
	}
	if q.flying >= most {
		return ErrInFlight
	}
	return nil
}

// taking is one look at the rows that are visible.
type taking struct {
	q          *Queue
	b          *pebble.Batch
	now, until int64
	n          int

	list    []Received
	dead    []uint64
	expired int64
	low     []byte
	next    int64
}

// run goes along the rows. Each is moved or removed, so that the next look begins behind it.
func (t *taking) run(low []byte) error {
	it, err := between(t.q.s.db, low, prefix(t.q.id, kindVisible+1))
	if err != nil {
		return err
	}
	defer it.Close()
	t.low = visibleKey(t.q.id, t.now+1, 0)
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()
		at, seq := visibleOf(key)
		if at > t.now {
			t.next = at
			t.low = append([]byte(nil), key...)
			break
		}
		if len(t.list) >= t.n || len(t.dead) >= 64 || t.expired >= 1000 {
			t.low = append([]byte(nil), key...)
			break
		}
		if t.q.set.Load().FIFO {
			err = t.group(string(it.Value()[1:]))
		} else {
			err = t.one(at, seq)
		}
		if err != nil {
			return err
		}
	}
	return it.Error()
}

func (t *taking) one(at int64, seq uint64) error {
	m, r, err := t.q.message(t.b, seq)
	if err != nil {
		return err
	}
	if m == nil {
		return t.b.Delete(visibleKey(t.q.id, at, seq), nil)
	}
	if t.q.expired(m, t.now) {
		t.expired++
		return t.q.forget(t.b, seq, m, r)
	}
	if err := t.b.Delete(visibleKey(t.q.id, at, seq), nil); err != nil {
		return err
	}
	until, err := t.receive(seq, m, r)
	if err != nil {
		return err
	}
	key := visibleKey(t.q.id, until, seq)
	t.q.touch(key)
	return t.b.Set(key, []byte{2}, nil)
}

// receive marks a message as received, or as a dead letter.
func (t *taking) receive(seq uint64, m *Message, r *receipt) (until int64, err error) {
	if r == nil {
		r = &receipt{first: t.now, mark: markOf(m.ID), group: m.Group}
	}
	r.at = t.until
	if set := t.q.set.Load(); set.MaxReceives > 0 && set.DeadLetter != nil && set.DeadLetter != t.q && !set.DeadLetter.gone.Load() && int(r.count) >= set.MaxReceives {
		r.at = t.now + deadFor.Milliseconds()
		t.dead = append(t.dead, seq)
	} else {
		r.count++
		r.received = t.now
		m.Sequence = seq
		t.list = append(t.list, Received{Message: *m, Count: int(r.count), First: r.first, Until: r.at, Handle: handle{t.q.id, seq, r.count, r.mark}.String()})
	}
	return r.at, t.b.Set(seqKey(t.q.id, kindReceipt, seq), r.encode(), nil)
}

// group takes messages of a group from its first one on.
func (t *taking) group(name string) error {
	g, err := t.q.group(t.b, name)
	if err != nil {
		return err
	}
	g.flight = nil // their time is over
	from := orderPrefix(t.q.id, name)
	it, err := between(t.q.s.db, from, append(from[:len(from)-1:len(from)-1], 1))
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok && len(t.list) < t.n && len(t.dead) < 64; ok = it.Next() {
		k := it.Key()
		seq := binary.BigEndian.Uint64(k[len(k)-8:])
		if int64(binary.BigEndian.Uint64(it.Value())) > t.now {
			break
		}
		m, r, err := t.q.message(t.b, seq)
		if err != nil {
			return err
		}
		if m == nil || t.q.expired(m, t.now) {
			t.expired++
			for _, key := range [...][]byte{k, seqKey(t.q.id, kindMessage, seq), seqKey(t.q.id, kindReceipt, seq)} {
				if err := t.b.Delete(key, nil); err != nil {
					return err
				}
			}
			continue
		}
		until, err := t.receive(seq, m, r)
		if err != nil {
			return err
		}
		g.flight = append(g.flight, flight{seq, until})
	}
	if err := it.Error(); err != nil {
		return err
	}
	return t.q.place(t.b, name, g)
}

// message reads a message and its receipt; nil for what is not there.
func (q *Queue) message(r pebble.Reader, seq uint64) (*Message, *receipt, error) {
	v, err := get(r, seqKey(q.id, kindMessage, seq))
	if err != nil || v == nil {
		return nil, nil, err
	}
	m, err := decodeMessage(v)
	if err != nil {
		return nil, nil, err
	}
	got, err := q.receipt(r, seq)
	return m, got, err
}

func (q *Queue) receipt(r pebble.Reader, seq uint64) (*receipt, error) {
	v, err := get(r, seqKey(q.id, kindReceipt, seq))
	if err != nil || v == nil {
		return nil, err
	}
	return decodeReceipt(v)
}

func (q *Queue) expired(m *Message, now int64) bool {
	keep := q.set.Load().Retention
	return keep > 0 && m.Sent+keep.Milliseconds() <= now
}

// change does something to messages in flight, and returns when it is on disk.
func (q *Queue) change(f func(b *pebble.Batch, now int64) error) error {
	return q.s.db.Guard(func() error {
		var wait *pebble.Batch
		err := func() (err error) {
			q.mu.Lock()
			defer q.mu.Unlock()
			if q.gone.Load() {
				return ErrGone
			}
			b := q.s.db.NewIndexedBatch()
			if err := f(b, q.s.now()); err != nil {
				return errorsClose(err, b)
			}
			wait, err = q.s.apply(b, true)
			return err
		}()
		if err != nil {
			return err
		}
		return synced(wait)
	})
}

// Delete removes messages that were received, and tells of each handle whether it could be. What is
// gone already, or was received again from a standard queue since, is not an error.
func (q *Queue) Delete(handles []string) ([]error, error) {
	errs := make([]error, len(handles))
	err := q.change(func(b *pebble.Batch, now int64) error {
		deleted := 0
		for i, text := range handles {
			h, err := q.handle(text)
			if err != nil {
				errs[i] = err
				continue
			}
			r, err := q.receipt(b, h.seq)
			if err != nil {
				return err
			}
			var m *Message
			if r == nil && !q.set.Load().FIFO {
				// A crash may have forgotten that it was received.
				if m, _, err = q.message(b, h.seq); err != nil {
					return err
				}
				if m != nil {
					r = &receipt{at: m.Visible, mark: markOf(m.ID)}
				}
			}
			switch {
			case r == nil:
				continue
			case r.mark != h.mark:
				errs[i] = ErrHandle
				continue
			case q.set.Load().FIFO && (r.at <= now || r.count != h.count):
				errs[i] = ErrExpired
				continue
			case r.count > h.count:
				continue
			}
			if err := q.forget(b, h.seq, m, r); err != nil {
				return err
			}
			deleted++
			if r.at > now {
				q.flying = max(0, q.flying-1)
			}
		}
		q.total -= int64(deleted)
		if q.set.Load().FIFO {
			q.wake(deleted) // of the next of the groups
		}
		return nil
	})
	return errs, err
}

// Change makes messages in flight visible after the times of timeouts, from now on.
func (q *Queue) Change(handles []string, timeouts []time.Duration) ([]error, error) {
	errs := make([]error, len(handles))
	err := q.change(func(b *pebble.Batch, now int64) error {
		for i, text := range handles {
			h, err := q.handle(text)
			if err != nil {
				errs[i] = err
				continue
			}
			r, err := q.receipt(b, h.seq)
			if err != nil {
				return err
			}
			at := now + timeouts[i].Milliseconds()
			switch {
			case r == nil || r.mark != h.mark:
				errs[i] = ErrHandle
				continue
			case r.at <= now || r.count != h.count:
				errs[i] = ErrVisible
				continue
			case at-r.received > longest.Milliseconds():
				errs[i] = ErrTooLong
				continue
			}
			if err := q.rehide(b, h.seq, r, at); err != nil {
				return err
			}
			q.wake(1) // to look again, or to wait for another time
		}
		return nil
	})
	return errs, err
}

func (q *Queue) rehide(b *pebble.Batch, seq uint64, r *receipt, at int64) error {
	old := r.at
	r.at = at
	if err := b.Set(seqKey(q.id, kindReceipt, seq), r.encode(), nil); err != nil {
		return err
	}
	if q.set.Load().FIFO {
		g, err := q.group(b, r.group)
		if err != nil {
			return err
		}
		g.land(seq)
		if at > q.s.now() {
			g.flight = append(g.flight, flight{seq, at})
		}
		return q.place(b, r.group, g)
	}
	if err := b.Delete(visibleKey(q.id, old, seq), nil); err != nil {
		return err
	}
	key := visibleKey(q.id, at, seq)
	q.touch(key)
	return b.Set(key, []byte{2}, nil)
}
