package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Line is a line to be put.
type Line struct {
	Time int64 // milliseconds since 1970
	Text string
}

const (
	formPlain = 1
	formZstd  = 2
	// minCompressed is the length from which a payload is compressed.
	minCompressed = 256
	// maxPayload bounds a payload, and so what a block takes when it is read.
	maxPayload = 16 << 20
)

var errBlock = errors.New("logstore: a block is malformed")

var (
	encoders = sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // options are constant
		}
		return e
	}}
	decoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPayload))
		if err != nil {
			panic(err)
		}
		return d
	}}
)

// appendBlock appends the block of lines, which are in order of time and arrived then.
func appendBlock(dst []byte, arrived int64, lines []Line) []byte {
	n := 0
	for i := range lines {
		n += len(lines[i].Text)
	}
	payload := make([]byte, 0, n+len(lines)*6)
	last := lines[0].Time
	for i := range lines {
		payload = binary.AppendUvarint(payload, uint64(lines[i].Time-last))
		payload = binary.AppendUvarint(payload, uint64(len(lines[i].Text)))
		last = lines[i].Time
	}
	for i := range lines {
		payload = append(payload, lines[i].Text...)
	}
	head := func(form byte) {
		dst = append(dst, form)
		dst = binary.AppendUvarint(dst, uint64(len(lines)))
		dst = binary.AppendVarint(dst, lines[0].Time)
		dst = binary.AppendUvarint(dst, uint64(last-lines[0].Time))
		dst = binary.AppendVarint(dst, arrived-last)
		dst = binary.AppendUvarint(dst, uint64(len(payload)))
	}
	if len(payload) < minCompressed {
		head(formPlain)
		return append(dst, payload...)
	}
	head(formZstd)
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return e.EncodeAll(payload, dst)
}

// head is what a block says of itself.
type head struct {
	form        byte
	lines       int
	first, last int64
	arrived     int64
	length      int
	payload     []byte
}

func parseHead(b []byte) (h head, err error) {
	if len(b) < 1 || b[0] != formPlain && b[0] != formZstd {
		return h, fmt.Errorf("%w: an unknown form", errBlock)
	}
	h.form = b[0]
	b = b[1:]
	var bad bool
	uvarint := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			bad = true
			return 0
		}
		b = b[n:]
		return v
	}
	lines := uvarint()
	varint := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			bad = true
			return 0
		}
		b = b[n:]
		return v
	}
	first := varint()
	span := uvarint()
	delay := varint()
	length := uvarint()
	if bad || delay > 1<<52 || delay < -1<<52 || lines == 0 || length > maxPayload || lines > length || span > 1<<52 || first > 1<<52 || first < -1<<52 {
		return h, fmt.Errorf("%w: a bad head", errBlock)
	}
	h.lines, h.first, h.last, h.length, h.payload = int(lines), first, first+int64(span), int(length), b
	h.arrived = h.last + delay
	return h, nil
}

// block is a block that has been opened.
type block struct {
	times []int64
	ends  []int // of the texts in all
	all   []byte
}

func (b *block) text(i int) []byte {
	from := 0
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.all[from:b.ends[i]:b.ends[i]]
}

// open opens a block; buf and into are memory to be used again.
func (h *head) open(buf []byte, into *block) ([]byte, error) {
	p := h.payload
	if h.form == formZstd {
		d := decoders.Get().(*zstd.Decoder)
		var err error
		buf, err = d.DecodeAll(p, buf[:0])
		decoders.Put(d)
		if err != nil {
			return buf, fmt.Errorf("%w: %v", errBlock, err)
		}
		p = buf
	}
	if len(p) != h.length {
		return buf, fmt.Errorf("%w: %d bytes in place of %d", errBlock, len(p), h.length)
	}
	into.times, into.ends = into.times[:0], into.ends[:0]
	at, end := h.first, 0
	for range h.lines {
		d, n := binary.Uvarint(p)
		if n <= 0 || d > 1<<52 {
			return buf, fmt.Errorf("%w: it ends among its lengths", errBlock)
		}
		p = p[n:]
		l, n := binary.Uvarint(p)
		if n <= 0 || l > maxPayload {
			return buf, fmt.Errorf("%w: it ends among its lengths", errBlock)
		}
		p = p[n:]
		at, end = at+int64(d), end+int(l)
		into.times, into.ends = append(into.times, at), append(into.ends, end)
	}
	if end != len(p) || at != h.last {
		return buf, fmt.Errorf("%w: its lengths do not add up", errBlock)
	}
	into.all = p
	return buf, nil
}
