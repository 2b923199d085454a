package storeindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/minio/highwayhash"
)

var le = binary.LittleEndian

const (
	recordHeader = 22
	checksumSize = highwayhash.Size64

	hasHeader   = 1 << 31 // of a length
	isErased    = 1 << 63 // of a sequence
	isTombstone = 1 << 62

	maxRecord = 32 << 20 // as the server has it
	maxBlock  = 64 << 20 // more than any that the server writes: messages are at most 32 MiB
)

// block is a block file, and what is in it.
type block struct {
	stream *stream
	number uint32
	file   string

	bytes               uint64 // of messages
	first, last         uint64 // sequences
	firstTime, lastTime int64
	removed             []uint64 // sequences of tombstones
}

// record is the beginning of a record.
type record struct {
	length   int64
	sequence uint64 // with its marks
	time     int64
	subject  []byte
	header   bool
}

// parse reads the beginning of a record, up to its subject, which may be cut short. It is
// false for what cannot be one.
func parse(b []byte) (r record, ok bool) {
	if len(b) < recordHeader {
		return r, false
	}
	length := le.Uint32(b)
	n := int64(le.Uint16(b[20:]))
	r = record{length: int64(length &^ hasHeader), sequence: le.Uint64(b[4:]), time: int64(le.Uint64(b[12:])), header: length&hasHeader != 0}
	least := recordHeader + n + checksumSize
	if r.header {
		least += 4
	}
	r.subject = b[recordHeader:min(int64(len(b)), recordHeader+n)]
	return r, r.length >= least && r.length <= maxRecord
}

// walker reads a file from record to record: little where records are long, much at once
// where they are short.
type walker struct {
	buf  []byte // of the file, from at on
	at   int64
	read int // how much was read the last time
}

const (
	leastRead = 512
	mostRead  = 256 << 10
	nearby    = 4 << 10 // what costs less to read than another read does
)

// peek returns n bytes at an offset, or what there is of them.
func (w *walker) peek(f *os.File, off int64, n int) ([]byte, error) {
	if i := off - w.at; i >= 0 && i+int64(n) <= int64(len(w.buf)) {
		return w.buf[i : i+int64(n)], nil
	}
	if end := w.at + int64(len(w.buf)); off >= w.at && off < end+nearby {
		w.read = min(4*max(w.read, n), mostRead)
	} else {
		w.read = max(leastRead, n)
	}
	if cap(w.buf) < w.read {
		w.buf = make([]byte, w.read)
	}
	m, err := f.ReadAt(w.buf[:w.read], off)
	w.buf, w.at = w.buf[:m], off
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("storeindex: %w", err)
	}
	return w.buf[:min(m, n)], nil
}

// walk goes over the records of the block. With from, messages before it do not count.
func (b *block) walk(w *walker, from uint64) error {
	f, err := os.Open(b.file)
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	w.buf, w.at = w.buf[:0], 0
	b.bytes, b.first, b.last, b.removed = 0, 0, 0, nil
	subject := []byte(b.stream.subject)
	for off := int64(0); off < info.Size(); {
		head, err := w.peek(f, off, recordHeader+len(subject))
		if err != nil {
			return err
		}
		r, ok := parse(head)
		if !ok || off+r.length > info.Size() {
			return errUnclear
		}
		off += r.length
		if r.sequence&isTombstone != 0 {
			b.removed = append(b.removed, r.sequence&^isTombstone)
			continue
		}
		if r.sequence == 0 || r.sequence&isErased != 0 || !bytes.Equal(r.subject, subject) || b.last > 0 && r.sequence != b.last+1 {
			return errUnclear
		}
		b.last, b.lastTime = r.sequence, r.time
		if r.sequence < from {
			continue
		}
		if b.first == 0 {
			b.first, b.firstTime = r.sequence, r.time
		}
		b.bytes += uint64(r.length)
	}
	if b.first == 0 && len(b.removed) == 0 {
		return errUnclear
	}
	return nil
}

// verify reads the block with its checksums, cuts off a record at the end that is not
// whole, and returns the last checksum.
func (b *block) verify() (end [checksumSize]byte, err error) {
	f, err := os.OpenFile(b.file, os.O_RDWR, 0)
	if err != nil {
		return end, fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBlock))
	if err != nil {
		return end, fmt.Errorf("storeindex: %w", err)
	}
	if len(data) == maxBlock {
		return end, errUnclear
	}
	whole, err := b.whole(data)
	if err != nil {
		return end, err
	}
	if whole == 0 {
		return end, errUnclear
	}
	if whole < len(data) {
		if err := errors.Join(f.Truncate(int64(whole)), f.Sync()); err != nil {
			return end, fmt.Errorf("storeindex: cut off a torn message: %w", err)
		}
	}
	copy(end[:], data[whole-checksumSize:])
	return end, nil
}

// hash is that of the block's records.
func (b *block) hash() (hash.Hash64, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", b.stream.name, b.number))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		return nil, fmt.Errorf("storeindex: %w", err)
	}
	return h, nil
}

// whole is where the last record ends whose checksum holds. One before it whose checksum
// does not hold has changed since it was written; readers are told of that.
func (b *block) whole(data []byte) (int, error) {
	h, err := b.hash()
	if err != nil {
		return 0, err
	}
	whole := 0
	for off := 0; off < len(data); {
		r, ok := parse(data[off:])
		if !ok || r.length > int64(len(data)-off) {
			break
		}
		rec := data[off : off+int(r.length)]
		off += int(r.length)
		if checksumHolds(h, r, rec) {
			whole = off
		}
	}
	return whole, nil
}

// checksumHolds reports whether the record is what was written.
func checksumHolds(h hash.Hash64, r record, rec []byte) bool {
	body := rec[recordHeader+len(r.subject) : len(rec)-checksumSize]
	if r.header {
		body = body[4:]
	}
	h.Reset()
	h.Write(rec[4:20])
	h.Write(r.subject)
	h.Write(body)
	var sum [checksumSize]byte
	return bytes.Equal(h.Sum(sum[:0]), rec[len(rec)-checksumSize:])
}
