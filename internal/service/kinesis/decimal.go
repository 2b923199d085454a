package kinesis

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// A decimal is a sequence number's 56 digits: the first 8, and three times 16.
type decimal [4]uint64

const e16 = 1e16

func (q sequence) decimal() decimal {
	w0, w1, w2 := q.words()
	// Two divisions by 10^16 leave the low 16 digits and the next 16; the quotient of both is
	// below 2^186 / 10^32, so that the third leaves the first 8 digits.
	w2, r := w2/e16, w2%e16
	w1, r = bits.Div64(r, w1, e16)
	w0, d3 := bits.Div64(r, w0, e16)
	w1, r = bits.Div64(w2, w1, e16)
	w0, d2 := bits.Div64(r, w0, e16)
	d0, d1 := bits.Div64(w1, w0, e16)
	return decimal{d0, d1, d2, d3}
}

// next makes it the number of the next record of the frame that came in the same second:
// the record's index begins at bit 72.
func (d *decimal) next() {
	const high, low = 472236, 6482869645213696 // 2^72
	d[3] += low
	d[2] += high
	if d[3] >= e16 {
		d[3] -= e16
		d[2]++
	}
	if d[2] >= e16 {
		d[2] -= e16
		if d[1]++; d[1] == e16 {
			d[1] = 0
			d[0]++
		}
	}
}

func (d *decimal) append(dst []byte) []byte {
	const e8 = 1e8
	dst = append(dst, "00000000000000000000000000000000000000000000000000000000"...)
	b := (*[56]byte)(dst[len(dst)-56:])
	binary.LittleEndian.PutUint64(b[0:], eightDigits(d[0]))
	binary.LittleEndian.PutUint64(b[8:], eightDigits(d[1]/e8))
	binary.LittleEndian.PutUint64(b[16:], eightDigits(d[1]%e8))
	binary.LittleEndian.PutUint64(b[24:], eightDigits(d[2]/e8))
	binary.LittleEndian.PutUint64(b[32:], eightDigits(d[2]%e8))
	binary.LittleEndian.PutUint64(b[40:], eightDigits(d[3]/e8))
	binary.LittleEndian.PutUint64(b[48:], eightDigits(d[3]%e8))
	return dst
}

// eightDigits is the text of a number below 10^8, the first digit in the lowest byte. It
// divides in all lanes of a word at once: two of four digits, then four of two, then
// eight of one, each quotient by a product and a shift that are exact for the lane.
func eightDigits(v uint64) uint64 {
	v = v/10000 | v%10000<<32
	q := v * 10486 >> 20 & 0x7f_0000007f
	v = q | (v-q*100)<<16
	q = v * 103 >> 10 & 0xf_000f_000f_000f
	v = q | (v-q*10)<<8
	return v | 0x3030303030303030
}

// numbering gives the sequence numbers of a shard's records, in their order. The number
// after another of its frame and second takes an addition in place of three divisions.
type numbering struct {
	shard sequence // what all have in common
	last  shardlog.Position
	time  uint64 // seconds; of the last, like number
	num   decimal
}

func (n *numbering) append(dst []byte, at shardlog.Position, arrived time.Time) []byte {
	t := seconds(arrived)
	if n.num != (decimal{}) && at.Frame == n.last.Frame && at.Index == n.last.Index+1 && t == n.time {
		n.num.next()
	} else {
		q := n.shard
		q.frame, q.index, q.time = at.Frame, at.Index, t
		n.num = q.decimal()
	}
	n.last, n.time = at, t
	return n.num.append(dst)
}
