package queue

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Settings are those of a queue.
type Settings struct {
	FIFO          bool
	Retention     time.Duration
	InFlight      int    // messages that may be in flight
	MaxReceives   int    // after which a message is a dead letter; 0: never
	DeadLetter    *Queue // where it goes
	Name          string // what a dead letter's Source is
	PerGroupDedup bool   // deduplication ids are of a group, not of the queue
}

// dedupFor is how long a deduplication id is remembered.
const dedupFor = 5 * time.Minute

// longest is how long a message can be in flight.
const longest = 12 * time.Hour

// Queue is one queue of a store.
type Queue struct {
	s  *Store
	id uint64

	mu      sync.Mutex
	set     atomic.Pointer[Settings] // not changed, but replaced
	gone    atomic.Bool
	last    uint64 // sequence number
	total   int64  // messages
	flying  int64  // in flight, at most
	counted int64  // when flying was exact
	low     []byte // no row of kindVisible is before it
	waiters []chan struct{}
}

// open finds out where the queue stands.
func (q *Queue) open() error {
	q.low = prefix(q.id, kindVisible)
	kind := byte(kindVisible)
	if q.set.Load().FIFO {
		kind = kindOrder
	}
	it, err := between(q.s.db, prefix(q.id, kind), prefix(q.id, kind+1))
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		q.total++
	}
	if err := it.Close(); err != nil {
		return err
	}
	if it, err = between(q.s.db, prefix(q.id, kindMessage), prefix(q.id, kindMessage+1)); err != nil {
		return err
	}
	if it.Last() {
		q.last = binary.BigEndian.Uint64(it.Key()[9:])
	}
	if err := it.Close(); err != nil {
		return err
	}
	_, inFlight, err := q.hidden(q.s.now())
	q.flying = inFlight
	return err
}

// touch says that there is a row of kindVisible at key.
func (q *Queue) touch(key []byte) {
	if string(key) < string(q.low) {
		q.low = key
	}
}

// wake lets up to n receivers look.
func (q *Queue) wake(n int) {
	for ; n > 0 && len(q.waiters) > 0; n-- {
		q.waiters[0] <- struct{}{} // it has room
		q.waiters = q.waiters[1:]
	}
}

// Sent is what has become of a message that was sent.
type Sent struct {
	ID        string
	Sequence  uint64
	Duplicate bool
}

// Send adds messages, all or none, and returns when they are on disk. A message of a FIFO queue whose Dedup
// was sent in the last five minutes is not added: the answer is that of the first.
func (q *Queue) Send(list []*Message) ([]Sent, error) {
	if err := q.s.db.Room(); err != nil {
		return nil, err
	}
	var out []Sent
	err := q.s.db.Guard(func() error {
		var wait *pebble.Batch
		duplicate := false
		err := func() (err error) {
			q.mu.Lock()
			defer q.mu.Unlock()
			if q.gone.Load() {
				return ErrGone
			}
			b := q.s.db.NewIndexedBatch()
			out = make([]Sent, 0, len(list))
			added := 0
			for _, m := range list {
				sent, err := q.known(b, m)
				if err != nil {
					return errorsClose(err, b)
				}
				if sent != nil {
					duplicate = true
					out = append(out, *sent)
					continue
				}
				m.Sent = q.s.now()
				if err := q.add(b, m); err != nil {
					return errorsClose(err, b)
				}
				if err := q.remember(b, m); err != nil {
					return errorsClose(err, b)
				}
				added++
				out = append(out, Sent{ID: m.ID, Sequence: m.Sequence})
			}
			if wait, err = q.s.apply(b, true); err != nil {
				return err
			}
			q.total += int64(added)
			q.wake(added)
			return nil
		}()
		if err != nil {
			return err
		}
		if err := synced(wait); err != nil {
			return err
		}
		if wait == nil && duplicate {
			return q.s.db.Barrier() // the first may not be on disk yet
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func errorsClose(err error, b *pebble.Batch) error {
	_ = b.Close() // nothing was written
	return err
}

func (q *Queue) dedupText(m *Message) string {
	if q.set.Load().PerGroupDedup {
		return m.Group + "\x00" + m.Dedup
	}
	return m.Dedup
}

// known returns the answer for a message that was sent before; nil for none.
func (q *Queue) known(r pebble.Reader, m *Message) (*Sent, error) {
	if !q.set.Load().FIFO || m.Dedup == "" {
		return nil, nil
	}
	v, err := get(r, textKey(q.id, kindDedup, q.dedupText(m)))
	if err != nil || v == nil {
		return nil, err
	}
	if len(v) < 16 {
		return nil, errCorrupt
	}
	if int64(binary.BigEndian.Uint64(v)) <= q.s.now() {
		return nil, nil
	}
	return &Sent{ID: string(v[16:]), Sequence: binary.BigEndian.Uint64(v[8:]), Duplicate: true}, nil
}

func (q *Queue) remember(b *pebble.Batch, m *Message) error {
	if !q.set.Load().FIFO || m.Dedup == "" {
		return nil
	}
	text := q.dedupText(m)
	until := q.s.now() + dedupFor.Milliseconds()
	v := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(until)), m.Sequence)
	if err := b.Set(textKey(q.id, kindDedup, text), append(v, m.ID...), nil); err != nil {
		return err
	}
	return b.Set(dedupEndKey(q.id, until, text), nil, nil)
}

// add puts a message behind the others. It sets the Sequence.
func (q *Queue) add(b *pebble.Batch, m *Message) error {
	now := q.s.now()
	q.last = max(q.last+1, uint64(now)<<20)
	m.Sequence = q.last
	m.Visible = max(m.Visible, now)
	if err := b.Set(seqKey(q.id, kindMessage, m.Sequence), appendMessage(nil, m), nil); err != nil {
		return err
	}
	if q.set.Load().FIFO {
		at := binary.BigEndian.AppendUint64(nil, uint64(m.Visible))
		if err := b.Set(binary.BigEndian.AppendUint64(orderPrefix(q.id, m.Group), m.Sequence), at, nil); err != nil {
			return err
		}
		g, err := q.group(b, m.Group)
		if err != nil || g.seq != 0 {
			return err // it has its row
		}
		return q.place(b, m.Group, g)
	}
	key := visibleKey(q.id, m.Visible, m.Sequence)
	q.touch(key)
	kind := byte(0)
	if m.Visible > now {
		kind = 1
	}
	return b.Set(key, []byte{kind}, nil)
}

// group reads a group's state; one that has no messages is empty.
func (q *Queue) group(r pebble.Reader, name string) (*group, error) {
	v, err := get(r, textKey(q.id, kindGroup, name))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return &group{}, nil
	}
	return decodeGroup(v)
}

// place writes a group whose messages or flights have changed, and its row: at its first message, for
// when that can be received.
func (q *Queue) place(b *pebble.Batch, name string, g *group) error {
	if g.seq != 0 {
		if err := b.Delete(visibleKey(q.id, g.at, g.seq), nil); err != nil {
			return err
		}
	}
	from := orderPrefix(q.id, name)
	it, err := between(b, from, append(from[:len(from)-1:len(from)-1], 1))
	if err != nil {
		return err
	}
	g.seq = 0
	if it.First() {
		k := it.Key()
		g.seq, g.at = binary.BigEndian.Uint64(k[len(k)-8:]), int64(binary.BigEndian.Uint64(it.Value()))
	}
	if err := it.Close(); err != nil {
		return err
	}
	if g.seq == 0 {
		return b.Delete(textKey(q.id, kindGroup, name), nil)
	}
	for _, f := range g.flight {
		g.at = max(g.at, f.until)
	}
	key := visibleKey(q.id, g.at, g.seq)
	q.touch(key)
	if err := b.Set(key, append([]byte{0}, name...), nil); err != nil {
		return err
	}
	return b.Set(textKey(q.id, kindGroup, name), g.encode(), nil)
}

// forget removes a message; what is its receipt, nil for one that was never received.
func (q *Queue) forget(b *pebble.Batch, seq uint64, m *Message, r *receipt) error {
	name := ""
	if r != nil {
		name = r.group
	} else {
		name = m.Group
	}
	for _, kind := range [...]byte{kindMessage, kindReceipt} {
		if err := b.Delete(seqKey(q.id, kind, seq), nil); err != nil {
			return err
		}
	}
	if !q.set.Load().FIFO {
		at := int64(0)
		if r != nil {
			at = r.at
		} else {
			at = m.Visible
		}
		return b.Delete(visibleKey(q.id, at, seq), nil)
	}
	if err := b.Delete(binary.BigEndian.AppendUint64(orderPrefix(q.id, name), seq), nil); err != nil {
		return err
	}
	g, err := q.group(b, name)
	if err != nil {
		return err
	}
	g.land(seq)
	return q.place(b, name, g)
}

// land takes a message out of flight.
func (g *group) land(seq uint64) {
	for i, f := range g.flight {
		if f.seq == seq {
			g.flight = append(g.flight[:i:i], g.flight[i+1:]...)
			return
		}
	}
}

// handle is a receipt handle, as the consumer has it.
type handle struct {
	id, seq uint64
	count   uint32
	mark    uint32
}

func markOf(id string) uint32 { return crc32.ChecksumIEEE([]byte(id)) }

func (h handle) String() string {
	b := []byte{1}
	b = binary.BigEndian.AppendUint64(b, h.id)
	b = binary.BigEndian.AppendUint64(b, h.seq)
	b = binary.BigEndian.AppendUint32(b, h.count)
	b = binary.BigEndian.AppendUint32(b, h.mark)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

func (q *Queue) handle(text string) (handle, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 29 || b[0] != 1 || crc32.ChecksumIEEE(b[:25]) != binary.BigEndian.Uint32(b[25:]) {
		return handle{}, ErrHandle
	}
	h := handle{binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:]), binary.BigEndian.Uint32(b[17:]), binary.BigEndian.Uint32(b[21:])}
	if h.id != q.id {
		return h, ErrHandle
	}
	return h, nil
}
