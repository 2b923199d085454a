package shardlog

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"time"
)

const (
	frameMagic   = "BMF1"
	partsMagic   = "BMF2" // a frame whose records arrived at several times
	partSize     = 12
	headerSize   = 48
	recordHeader = 6

	// MaxKey is the longest key of a record.
	MaxKey = math.MaxUint16

	// MaxFrame is the most bytes of a frame: what a batch with its record headers, and the
	// frame header, may come to.
	MaxFrame = 24 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a frame's header without what is computed from the records.
type header struct {
	count         uint32
	length        uint32
	time          int64
	stamp         uint64
	recordsBefore uint64
	bytesBefore   uint64

	begin int64 // arrival of the first records; time is that of the last ones
}

// payload is the bytes of keys and data in the frame.
func (h *header) payload() uint64 { return uint64(h.length) - recordHeader*uint64(h.count) }

func (h *header) records() uint64 { return h.recordsBefore + uint64(h.count) }
func (h *header) bytes() uint64   { return h.bytesBefore + h.payload() }

// seal writes the header of a frame whose records are in place already.
func (h *header) seal(frame []byte) { h.sealAs(frame, false) }

// sealAs is seal for a frame with or without parts behind its records.
func (h *header) sealAs(frame []byte, parts bool) {
	le := binary.LittleEndian
	copy(frame, frameMagic)
	if parts {
		copy(frame, partsMagic)
	}
	le.PutUint32(frame[8:], h.count)
	le.PutUint32(frame[12:], h.length)
	le.PutUint64(frame[16:], uint64(h.time))
	le.PutUint64(frame[24:], h.stamp)
	le.PutUint64(frame[32:], h.recordsBefore)
	le.PutUint64(frame[40:], h.bytesBefore)
	le.PutUint32(frame[4:], crc32.Checksum(frame[8:], castagnoli))
}

// frame is a verified frame: its checksum holds and every record lies within.
type frame struct {
	header
	seq uint64
	buf []byte

	// Where the record of each 64th index begins, so that a read in the middle of a frame
	// does not walk over all records before it.
	marks []uint32

	parts   []part // none: all records arrived at the header's time
	growing bool   // more records may come to it
}

// part is where records begin that arrived at another time than those before.
type part struct {
	index uint32
	time  int64
}

// appendParts appends the table of parts to a frame's records. One alone has none.
func (f *frame) appendParts(buf []byte) []byte {
	if len(f.parts) < 2 {
		return buf
	}
	for _, p := range f.parts {
		buf = binary.LittleEndian.AppendUint32(buf, p.index)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(p.time))
	}
	return binary.LittleEndian.AppendUint32(buf, uint32(len(f.parts)))
}

// parseParts verifies the table and returns it with the bytes that it takes.
func (f *frame) parseParts() (size int, ok bool) {
	le := binary.LittleEndian
	if len(f.buf) < headerSize+4 {
		return 0, false
	}
	n := int64(le.Uint32(f.buf[len(f.buf)-4:]))
	size64 := n*partSize + 4
	if n < 2 || n > int64(f.count) || size64 > int64(len(f.buf)-headerSize) {
		return 0, false
	}
	table := f.buf[len(f.buf)-int(size64):]
	f.parts = make([]part, n)
	for i := range f.parts {
		p := part{le.Uint32(table[i*partSize:]), int64(le.Uint64(table[i*partSize+4:]))}
		if i == 0 && p.index != 0 || i > 0 && (p.index <= f.parts[i-1].index || p.time < f.parts[i-1].time) || p.index >= f.count {
			return 0, false
		}
		f.parts[i] = p
	}
	return int(size64), f.parts[n-1].time == f.time
}

// arrivalOf is when the record of an index arrived.
func (f *frame) arrivalOf(index uint32) int64 {
	if len(f.parts) == 0 {
		return f.time
	}
	i, found := slices.BinarySearchFunc(f.parts, index, func(p part, index uint32) int { return cmp.Compare(p.index, index) })
	if !found {
		i--
	}
	return f.parts[i].time
}

// since is the index of the first record that arrived at ms or later; count when none did.
func (f *frame) since(ms int64) uint32 {
	if f.time < ms {
		return f.count
	}
	for _, p := range f.parts {
		if p.time >= ms {
			return p.index
		}
	}
	return 0
}

// recordSize is the bytes of the key and data of the record that begins there.
func recordSize(b []byte) int {
	return int(binary.LittleEndian.Uint16(b)) + int(binary.LittleEndian.Uint32(b[2:]))
}

const markEvery = 64

// decodeFrame verifies a frame. The result aliases buf.
func decodeFrame(seq uint64, buf []byte) (*frame, error) {
	corrupt := func(what string) error {
		return fmt.Errorf("%w: at %d: %s", ErrCorrupt, seq, what)
	}
	if len(buf) < headerSize {
		return nil, corrupt("shorter than a header")
	}
	if string(buf[:3]) != frameMagic[:3] {
		return nil, corrupt("not a frame")
	}
	if buf[3] != frameMagic[3] && buf[3] != partsMagic[3] {
		return nil, corrupt(fmt.Sprintf("version %q is not known", buf[3]))
	}
	le := binary.LittleEndian
	if le.Uint32(buf[4:]) != crc32.Checksum(buf[8:], castagnoli) {
		return nil, corrupt("checksum does not match")
	}
	f := &frame{seq: seq, buf: buf, header: header{
		count:         le.Uint32(buf[8:]),
		length:        le.Uint32(buf[12:]),
		time:          int64(le.Uint64(buf[16:])),
		stamp:         le.Uint64(buf[24:]),
		recordsBefore: le.Uint64(buf[32:]),
		bytesBefore:   le.Uint64(buf[40:]),
	}}
	f.begin = f.time
	end := len(buf)
	if buf[3] == partsMagic[3] {
		size, ok := f.parseParts()
		if !ok {
			return nil, corrupt("parts do not match")
		}
		end -= size
		f.begin = f.parts[0].time
	}
	if uint64(f.length) != uint64(end-headerSize) {
		return nil, corrupt("length does not match")
	}
	if f.count == 0 || uint64(f.count)*recordHeader > uint64(f.length) {
		return nil, corrupt("count does not match")
	}
	f.marks = make([]uint32, 0, (f.count+markEvery-1)/markEvery)
	off := headerSize
	for i := range f.count {
		if i%markEvery == 0 {
			f.marks = append(f.marks, uint32(off))
		}
		if end-off < recordHeader {
			return nil, corrupt("records do not fill it")
		}
		n := uint64(recordHeader) + uint64(le.Uint16(buf[off:])) + uint64(le.Uint32(buf[off+2:]))
		if n > uint64(end-off) {
			return nil, corrupt("records do not fill it")
		}
		off += int(n)
	}
	if off != end {
		return nil, corrupt("records do not fill it")
	}
	return f, nil
}

// offset is where the record of an index that is in the frame begins.
func (f *frame) offset(index uint32) int {
	le := binary.LittleEndian
	off := int(f.marks[index/markEvery])
	for at := index / markEvery * markEvery; at < index; at++ {
		off += recordHeader + int(le.Uint16(f.buf[off:])) + int(le.Uint32(f.buf[off+2:]))
	}
	return off
}

// read appends records from index on to dst until the limits, and returns the index of
// the next one. The first record is taken whatever its size if force is set.
func (f *frame) read(index uint32, maxRecords, maxBytes int, force bool, dst []Record) ([]Record, uint32, int) {
	if index >= f.count {
		return dst, index, 0
	}
	le := binary.LittleEndian
	off, at := f.offset(index), index
	bytes := 0
	ms := f.arrivalOf(at)
	arrival := time.UnixMilli(ms).UTC()
	for ; at < f.count && maxRecords > 0; at++ {
		k, d := int(le.Uint16(f.buf[off:])), int(le.Uint32(f.buf[off+2:]))
		if bytes+k+d > maxBytes && !force {
			break
		}
		force = false
		off += recordHeader
		if f.parts != nil {
			if now := f.arrivalOf(at); now != ms {
				ms, arrival = now, time.UnixMilli(now).UTC()
			}
		}
		dst = append(dst, Record{
			Position: Position{f.seq, at},
			Time:     arrival,
			Key:      f.buf[off : off+k : off+k],
			Data:     f.buf[off+k : off+k+d : off+k+d],
		})
		off += k + d
		bytes += k + d
		maxRecords--
	}
	return dst, at, bytes
}
