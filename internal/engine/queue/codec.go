package queue

import (
	"encoding/binary"
	"errors"
)

var errCorrupt = errors.New("queue: a row cannot be read")

// Message is what is sent. Body, Extra and Source mean nothing to the package.
type Message struct {
	ID     string // unique
	Body   []byte
	Extra  []byte // what comes with the body
	Sender string
	Group  string // FIFO; without a NUL
	Dedup  string // FIFO; without a NUL
	Source string // of a dead letter: where it was

	Sent    int64 // milliseconds; set by Send
	Visible int64 // from when on it can be received; Send takes what is earlier than now as now

	Sequence uint64 // set by Send
}

// appendMessage appends the stored form of m.
func appendMessage(b []byte, m *Message) []byte {
	b = append(b, 1) // form
	b = binary.BigEndian.AppendUint64(b, uint64(m.Sent))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Visible))
	for _, s := range [...]string{m.ID, m.Sender, m.Group, m.Dedup, m.Source} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, s := range [...][]byte{m.Extra, m.Body} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// decodeMessage reads the stored form. The message has no bytes of b.
func decodeMessage(b []byte) (*Message, error) {
	if len(b) < 17 || b[0] != 1 {
		return nil, errCorrupt
	}
	m := &Message{Sent: int64(binary.BigEndian.Uint64(b[1:])), Visible: int64(binary.BigEndian.Uint64(b[9:]))}
	b = b[17:]
	take := func() ([]byte, bool) {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return nil, false
		}
		s := b[w : w+int(n)]
		b = b[w+int(n):]
		return s, true
	}
	for _, to := range [...]*string{&m.ID, &m.Sender, &m.Group, &m.Dedup, &m.Source} {
		s, ok := take()
		if !ok {
			return nil, errCorrupt
		}
		*to = string(s)
	}
	for _, to := range [...]*[]byte{&m.Extra, &m.Body} {
		s, ok := take()
		if !ok {
			return nil, errCorrupt
		}
		if len(s) > 0 {
			*to = append([]byte(nil), s...)
		}
	}
	if len(b) != 0 {
		return nil, errCorrupt
	}
	return m, nil
}

// receipt is what receiving has done to a message.
type receipt struct {
	at       int64 // visible again
	first    int64 // received
	received int64 // last
	count    uint32
	mark     uint32 // of the message's id
	group    string
}

func (r *receipt) encode() []byte {
	b := make([]byte, 0, 32+len(r.group))
	for _, v := range [...]int64{r.at, r.first, r.received} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	b = binary.BigEndian.AppendUint32(b, r.count)
	b = binary.BigEndian.AppendUint32(b, r.mark)
	return append(b, r.group...)
}

func decodeReceipt(b []byte) (*receipt, error) {
	if len(b) < 32 {
		return nil, errCorrupt
	}
	u := binary.BigEndian.Uint64
	return &receipt{int64(u(b)), int64(u(b[8:])), int64(u(b[16:])), binary.BigEndian.Uint32(b[24:]), binary.BigEndian.Uint32(b[28:]), string(b[32:])}, nil
}

// group is the state of a message group.
type group struct {
	at     int64 // of its row
	seq    uint64
	flight []flight
}

// flight is a message in flight.
type flight struct {
	seq   uint64
	until int64
}

func (g *group) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(g.at))
	b = binary.BigEndian.AppendUint64(b, g.seq)
	for _, f := range g.flight {
		b = binary.BigEndian.AppendUint64(b, f.seq)
		b = binary.BigEndian.AppendUint64(b, uint64(f.until))
	}
	return b
}

func decodeGroup(b []byte) (*group, error) {
	if len(b) < 16 || len(b)%16 != 0 {
		return nil, errCorrupt
	}
	u := binary.BigEndian.Uint64
	g := &group{at: int64(u(b)), seq: u(b[8:])}
	for b = b[16:]; len(b) > 0; b = b[16:] {
		g.flight = append(g.flight, flight{u(b), int64(u(b[8:]))})
	}
	return g, nil
}

// Kinds of keys, in their order.
const (
	kindMessage  = 'b'
	kindOrder    = 'o'
	kindGroup    = 'q'
	kindReceipt  = 's'
	kindVisible  = 'v'
	kindContents = 'w' // below it is what a purge removes
	kindDedup    = 'x'
	kindDedupEnd = 'y'
	kindEnd      = 'z'
)

func prefix(id uint64, kind byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 48), id), kind)
}

func seqKey(id uint64, kind byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(prefix(id, kind), seq)
}

func visibleKey(id uint64, at int64, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(prefix(id, kindVisible), uint64(at)), seq)
}

func orderPrefix(id uint64, group string) []byte {
	return append(append(prefix(id, kindOrder), group...), 0)
}

func textKey(id uint64, kind byte, text string) []byte { return append(prefix(id, kind), text...) }

func dedupEndKey(id uint64, at int64, text string) []byte {
	return append(binary.BigEndian.AppendUint64(prefix(id, kindDedupEnd), uint64(at)), text...)
}

// visibleOf reads a key made by visibleKey.
func visibleOf(key []byte) (at int64, seq uint64) {
	return int64(binary.BigEndian.Uint64(key[9:])), binary.BigEndian.Uint64(key[17:])
}
