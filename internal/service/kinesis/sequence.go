package kinesis

import (
	"errors"
	"fmt"
	"math"
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

var errSequence = errors.New("kinesis: not a sequence number")

func (q sequence) position() shardlog.Position {
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

// A decimal is a sequence number's digits: the first 18, the next 19 and the last 19.
type decimal struct{ high, middle, low uint64 }

const e19 = 1e19

func (q sequence) decimal() decimal {
	w0, w1, w2 := q.words()
	// Two divisions by 10^19 leave the low 19 digits, the middle 19, and the first 18. The
	// top words of the quotients are 0: 2^186 is below 2^128 * 10^19 and below 2^64 * 10^38.
	w1, r := bits.Div64(w2, w1, e19)
	w0, low := bits.Div64(r, w0, e19)
	high, middle := bits.Div64(w1, w0, e19)
	return decimal{high, middle, low}
}

// next makes it the number of the next record of the frame that came at the same time: the
// record's index begins at bit 72.
func (d *decimal) next() {
	const middle, low = 472, 2366482869645213696 // 2^72
	d.low += low
	d.middle += middle
	if d.low >= e19 {
		d.low -= e19
		d.middle++
	}
	if d.middle >= e19 {
		d.middle -= e19
		d.high++
	}
}

func (d *decimal) append(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, "00000000000000000000000000000000000000000000000000000000"...)
	digits := dst[n:]
	// By halves, which do not wait for each other.
	const e10 = 1e10
	putDigits(digits[46:56], d.low%e10)
	putDigits(digits[37:46], d.low/e10)
	putDigits(digits[27:37], d.middle%e10)
	putDigits(digits[18:27], d.middle/e10)
	putDigits(digits[8:18], d.high%e10)
	putDigits(digits[:8], d.high/e10)
	return dst
}

const digitPairs = "0001020304050607080910111213141516171819" +
	"2021222324252627282930313233343536373839" +
	"4041424344454647484950515253545556575859" +
	"6061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"

// putDigits fills b with the last digits of v.
func putDigits(b []byte, v uint64) {
	i := len(b)
	for i >= 2 {
		p := v % 100 * 2
		v /= 100
		b[i-1], b[i-2] = digitPairs[p+1], digitPairs[p]
		i -= 2
	}
	if i == 1 {
		b[0] = byte('0' + v%10)
	}
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

// shardID is the name of the shard with the index.
func shardID(index int) string { return fmt.Sprintf("shardId-%012d", index) }

func seconds(t time.Time) uint64 { return uint64(max(t.Unix(), 0)) }
