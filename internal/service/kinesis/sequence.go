package kinesis

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// A sequence number is a decimal number of 56 digits that begins with 49, of the layout
// that Kinesis itself uses since 2014 (186 bits, here from the most significant):
//
//	 2 bits  10
//	36 bits  when the shard was made, in seconds since 1970
//	 4 bits  the low bits of the shard's index
//	 1 bit   0
//	63 bits  47 bits of the position's frame, and the high 16 of its record index
//	 8 bits  the low bits of the record index
//	36 bits  when the record arrived, in seconds since 1970
//	32 bits  the shard's index
//	 4 bits  0010, the layout's version
//
// In a shard the first fields are constant, so sequence numbers grow as positions do. A
// record's index in its frame is below 2^24: a frame has no room for more.
type sequence struct {
	created uint64 // seconds
	shard   uint32
	frame   uint64 // 47 bits
	index   uint32 // 24 bits
	time    uint64 // seconds
}

// lastFrame, with lastIndex, is the position of a closed shard's ending sequence number.
const (
	lastFrame = 1<<47 - 1
	lastIndex = 1<<24 - 1
)

const secondsMask = 1<<36 - 1

// between, in the time of a number, makes it one between that of the record and of the next.
const between = 1 << 35

var errSequence = errors.New("kinesis: not a sequence number")

func (q sequence) position() shardlog.Position {
	if q.time&between != 0 {
		return q.after()
	}
	return shardlog.Position{Frame: q.frame, Index: q.index}
}

// after is the position behind the record.
func (q sequence) after() shardlog.Position {
	if q.frame == lastFrame {
		return shardlog.Position{Frame: math.MaxUint64}
	}
	return shardlog.Position{Frame: q.frame, Index: q.index + 1}
}

// words returns the number as three words, least significant first.
func (q sequence) words() (w0, w1, w2 uint64) {
	field := q.frame<<16 | uint64(q.index>>8) // 63 bits
	// Bit offsets from the bottom: version 0, shard 4, time 36, byte 72, field 80 (and a
	// zero bit at 143), nibble 144, created 148, and binary 10 at 184.
	w0 = 2 | uint64(q.shard)<<4 | (q.time&secondsMask)<<36
	w1 = (q.time&secondsMask)>>28 | uint64(q.index&0xff)<<8 | field<<16
	w2 = field>>48 | uint64(q.shard&0xf)<<16 | (q.created&secondsMask)<<20 | 2<<56
	return w0, w1, w2
}

// append appends the decimal digits.
func (q sequence) append(dst []byte) []byte {
	d := q.decimal()
	return d.append(dst)
}

func (q sequence) String() string { return string(q.append(make([]byte, 0, 56))) }

func parseSequence(s string) (sequence, error) {
	if len(s) != 56 {
		return sequence{}, errSequence
	}
	var w [4]uint64
	for len(s) > 0 {
		n := min(len(s), 19)
		var chunk, scale uint64 = 0, 1
		for i := range n {
			d := uint64(s[i] - '0')
			if d > 9 {
				return sequence{}, errSequence
			}
			chunk = chunk*10 + d
			scale *= 10
		}
		carry := chunk
		for i := range w {
			hi, lo := bits.Mul64(w[i], scale)
			var c uint64
			w[i], c = bits.Add64(lo, carry, 0)
			carry = hi + c
		}
		s = s[n:]
	}
	field := w[1]>>16 | w[2]<<48
	q := sequence{
		shard:   uint32(w[0] >> 4),
		time:    w[0]>>36 | w[1]&0xff<<28,
		index:   uint32(field&0xffff)<<8 | uint32(w[1]>>8)&0xff,
		frame:   field >> 16,
		created: w[2] >> 20 & secondsMask,
	}
	if w0, w1, w2 := q.words(); w[3] != 0 || field>>63 != 0 || w[0] != w0 || w[1] != w1 || w[2] != w2 {
		return sequence{}, errSequence
	}
	return q, nil
}

// firstLayout says that a number is of the layout that Kinesis began with: below 2^125, with
// the second of the shard's creation in the 36 bits below 2^124. Nothing gives out such
// numbers any more, but clients that put a first record begin with "0".
func firstLayout(number string) bool {
	const endOfTime = 16025175000 // seconds
	n, ok := new(big.Int).SetString(number, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 125 {
		return false
	}
	n.SetBit(n, 124, 0)
	return n.Rsh(n, 88).Uint64() < endOfTime
}

// shardID is the name of the shard with the index.
func shardID(index int) string { return fmt.Sprintf("shardId-%012d", index) }

func seconds(t time.Time) uint64 { return uint64(max(t.Unix(), 0)) }
