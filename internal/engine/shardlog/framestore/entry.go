package framestore

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	packMagic  = "BMPACK1\n"
	packHeader = 32

	entryMagic  = "BMP1"
	entryHeader = 40

	// Entries and the footer begin at multiples of it.
	alignment = 8

	maxFrame    = 64 << 20
	maxSequence = 1 << 62
	maxPack     = 16 << 30 // offsets are kept in 32 bits, in units of the alignment
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func align(n int64) int64 { return (n + alignment - 1) &^ (alignment - 1) }

// ref is where a frame stands in its pack.
type ref struct {
	at     uint32 // of its entry, in units of the alignment
	length uint32 // of the frame
	ms     int64
}

func (r ref) offset() int64 { return int64(r.at) * alignment }

// units are the bytes that the entry takes, in units of the alignment.
func (r ref) units() uint32 { return uint32(align(entryHeader+int64(r.length)) / alignment) }

// fits reports whether the entry is in a pack whose entries end there.
func (r ref) fits(end int64) bool {
	return r.length <= maxFrame && r.offset() >= packHeader && r.offset()+entryHeader+int64(r.length) <= end
}

// entry is what stands in front of a frame.
type entry struct {
	shard, seq uint64
	ms         int64
	length     uint32
}

// entryCRC is seeded with what no user knows, the pack's id, so that nothing in a frame passes for an entry.
func entryCRC(header []byte, id uint64, offset int64) uint32 {
	var seed [16]byte
	binary.LittleEndian.PutUint64(seed[:], id)
	binary.LittleEndian.PutUint64(seed[8:], uint64(offset))
	return crc32.Update(crc32.Checksum(seed[:], castagnoli), castagnoli, header[8:entryHeader])
}

func (e entry) put(b []byte, id uint64, offset int64) {
	le := binary.LittleEndian
	copy(b, entryMagic)
	le.PutUint64(b[8:], e.shard)
	le.PutUint64(b[16:], e.seq)
	le.PutUint64(b[24:], uint64(e.ms))
	le.PutUint32(b[32:], e.length)
	le.PutUint32(b[36:], 0)
	le.PutUint32(b[4:], entryCRC(b, id, offset))
}

// parseEntry reports whether a valid entry of the pack begins there. Its frame was not looked at.
func parseEntry(b []byte, id uint64, offset int64) (entry, bool) {
	if len(b) < entryHeader || string(b[:4]) != entryMagic {
		return entry{}, false
	}
	le := binary.LittleEndian
	if le.Uint32(b[4:]) != entryCRC(b, id, offset) {
		return entry{}, false
	}
	e := entry{le.Uint64(b[8:]), le.Uint64(b[16:]), int64(le.Uint64(b[24:])), le.Uint32(b[32:])}
	return e, e.length <= maxFrame && e.seq > 0 && e.seq < maxSequence
}

func putPackHeader(b []byte, id, number uint64) {
	le := binary.LittleEndian
	copy(b, packMagic)
	le.PutUint64(b[8:], id)
	le.PutUint64(b[16:], number)
	le.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
	le.PutUint32(b[28:], 0)
}

// parsePackHeader returns the id of the pack of that number.
func parsePackHeader(b []byte, number uint64) (id uint64, ok bool) {
	le := binary.LittleEndian
	if len(b) < packHeader || string(b[:8]) != packMagic || le.Uint32(b[24:]) != crc32.Checksum(b[:24], castagnoli) {
		return 0, false
	}
	return le.Uint64(b[8:]), le.Uint64(b[16:]) == number
}
