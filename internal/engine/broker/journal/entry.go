package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// Entry is a message that the store has taken, or without data a mark.
type Entry struct {
	Stream  string // 1 byte to 64 KiB - 1
	Born    int64  // when the stream was made, in nanoseconds since 1970
	Subject string // at most 64 KiB - 1
	Seq     uint64
	Data    []byte
	Known   uint64 // a generation that has entries of the stream, by Add; 0: none is known
}

// cutEntry says that a generation ends at an offset of its segment, whatever stands there.
func cutEntry(generation uint64, offset int64) Entry { return Entry{Seq: generation, Born: offset} }

// isCut reports whether an entry is such a one: it is of no stream.
func (e *Entry) isCut() bool { return e.Stream == "" && e.Subject == "" && len(e.Data) == 0 }

const (
	entryHeader = 36

	// MaxEntry is the most that an entry may take.
	MaxEntry = 48 << 20
)

var (
	le     = binary.LittleEndian
	crcTab = crc32.MakeTable(crc32.Castagnoli)
)

func (e *Entry) size() int {
	return entryHeader + len(e.Stream) + len(e.Subject) + len(e.Data)
}

// appendTo appends the entry as it stands in a segment of the generation.
func (e *Entry) appendTo(b []byte, generation uint64) []byte {
	at := len(b)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(e.size()))
	b = le.AppendUint64(b, generation)
	b = le.AppendUint64(b, e.Seq)
	b = le.AppendUint64(b, uint64(e.Born))
	b = le.AppendUint16(b, uint16(len(e.Stream)))
	b = le.AppendUint16(b, uint16(len(e.Subject)))
	b = append(b, e.Stream...)
	b = append(b, e.Subject...)
	b = append(b, e.Data...)
	le.PutUint32(b[at:], crc32.Checksum(b[at+4:], crcTab))
	return b
}

// length reads how long the entry is that begins with b, at least a header of it. It is
// false for what is none of the generation.
func length(b []byte, generation uint64) (int, bool) {
	n := int64(le.Uint32(b[4:]))
	least := entryHeader + int64(le.Uint16(b[32:])) + int64(le.Uint16(b[34:]))
	return int(n), le.Uint64(b[8:]) == generation && n >= least && n <= MaxEntry
}

// parse reads an entry of the length that was told. Its data is that of b.
func parse(b []byte) (Entry, bool) {
	if crc32.Checksum(b[4:], crcTab) != le.Uint32(b) {
		return Entry{}, false
	}
	stream := entryHeader + int(le.Uint16(b[32:]))
	subject := stream + int(le.Uint16(b[34:]))
	return Entry{
		Stream:  string(b[entryHeader:stream]),
		Born:    int64(le.Uint64(b[24:])),
		Subject: string(b[stream:subject]),
		Seq:     le.Uint64(b[16:]),
		Data:    b[subject:],
	}, true
}
