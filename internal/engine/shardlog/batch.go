package shardlog

import (
	"encoding/binary"
	"math"
)

// Batch collects records for one Append, already in the frame's encoding, so that a
// decoder writes each record once. The zero value is ready; Reset keeps the memory.
type Batch struct {
	buf     []byte // room for a frame header, then records
	count   int
	payload int
	open    int  // where the record that Reserve began is, 0 when none
	bad     bool // a record that no frame can hold was added
}

// Reset empties the batch.
func (b *Batch) Reset() {
	if cap(b.buf) > 0 {
		b.buf = b.buf[:headerSize]
	}
	b.count, b.payload, b.open, b.bad = 0, 0, 0, false
}

// BatchBytes is how many bytes of memory a batch takes with so many records, and bytes of keys
// and data.
func BatchBytes(records, payload int) int { return headerSize + records*recordHeader + payload }

// Use empties the batch and has it keep its records in the memory, from its beginning, as long
// as they fit. That is the caller's again when the batch is used no more.
func (b *Batch) Use(memory []byte) {
	if len(memory) < headerSize {
		panic("shardlog: Use of too little memory")
	}
	*b = Batch{buf: memory[:headerSize]}
}

// Len is the number of records.
func (b *Batch) Len() int { return b.count }

// Size is the bytes of keys and data in the batch.
func (b *Batch) Size() int { return b.payload }

// grow makes room for n bytes at the end.
func (b *Batch) grow(n int) {
	if b.buf == nil {
		b.buf = make([]byte, headerSize, max(4096, headerSize+n))
	}
	if need := len(b.buf) + n; need > cap(b.buf) {
		buf := make([]byte, len(b.buf), max(need, 2*cap(b.buf)))
		copy(buf, b.buf)
		b.buf = buf
	}
}

// Add copies a record into the batch. A record that is too large is found by Append.
func (b *Batch) Add(key, data []byte) {
	if len(key) > MaxKey || len(data) > MaxFrame {
		b.bad = true
		return
	}
	b.grow(recordHeader + len(key) + len(data))
	b.buf = binary.LittleEndian.AppendUint16(b.buf, uint16(len(key)))
	b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(len(data)))
	b.buf = append(b.buf, key...)
	b.buf = append(b.buf, data...)
	b.count++
	b.payload += len(key) + len(data)
}

// Reserve adds a record with room for up to max bytes of data and returns that room, to
// be decoded into in place; Commit(n) says how many bytes of it were used, and must come
// before the next call.
func (b *Batch) Reserve(key []byte, max int) []byte {
	if len(key) > MaxKey || max < 0 || max > math.MaxInt32 {
		panic("shardlog: Reserve of an impossible size")
	}
	if b.open != 0 {
		panic("shardlog: Reserve before Commit")
	}
	b.grow(recordHeader + len(key) + max)
	b.open = len(b.buf)
	b.buf = binary.LittleEndian.AppendUint16(b.buf, uint16(len(key)))
	b.buf = binary.LittleEndian.AppendUint32(b.buf, 0)
	b.buf = append(b.buf, key...)
	return b.buf[len(b.buf) : len(b.buf)+max : len(b.buf)+max]
}

// Commit ends the record that Reserve began, with the first n bytes of the room as its
// data. A negative n takes the record back.
func (b *Batch) Commit(n int) {
	if b.open == 0 {
		panic("shardlog: Commit without Reserve")
	}
	open := b.open
	b.open = 0
	if n < 0 {
		b.buf = b.buf[:open]
		return
	}
	b.payload += len(b.buf) - open - recordHeader + n
	b.buf = b.buf[:len(b.buf)+n]
	binary.LittleEndian.PutUint32(b.buf[open+2:], uint32(n))
	b.count++
}

// check says why the batch cannot be appended.
func (b *Batch) check(limit int) error {
	switch {
	case b.open != 0:
		panic("shardlog: Append before Commit")
	case b.bad || len(b.buf) > limit:
		return ErrTooLarge
	case b.count == 0:
		return ErrEmpty
	}
	return nil
}
