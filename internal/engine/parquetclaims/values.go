package parquetclaims

import (
	"encoding/binary"
	"errors"
	"math/bits"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"
)

// levels checks the levels of n values. Those of repetition tell where rows begin.
func (c *column) levels(b []byte, most uint, n int64, encoding format.Encoding, row bool) error {
	width := uint(bits.Len8(uint8(most)))
	if most > 255 {
		return ErrPages
	}
	switch encoding {
	case format.BitPacked:
		if 8*int64(len(b)) > int64(width)*(n+padding) {
			return ErrPages
		}
		if row {
			c.step(1, n) // rows may begin anywhere: at worst, nowhere
		}
		return nil
	case format.RLE:
	default:
		return ErrPages
	}
	left := n
	return hybrid(b, width, n, func(packed []byte, value byte, count int64) {
		if !row {
			return
		}
		count = min(count, left)
		left -= count
		if packed == nil {
			c.step(value, count)
			return
		}
		mask := byte(1<<width - 1)
		for i := range uint(count) {
			bit := i * width
			v := uint16(packed[bit/8])
			if next := bit/8 + 1; next < uint(len(packed)) {
				v |= uint16(packed[next]) << 8
			}
			c.step(byte(v>>(bit%8))&mask, 1)
		}
	})
}

// step goes on by so many values with a level of repetition.
func (c *column) step(level byte, count int64) {
	if count == 0 {
		return
	}
	if level == 0 {
		c.row = 1
	} else {
		c.row += count
	}
	c.longest = max(c.longest, c.row)
}

// hybrid checks that runs, of one value or of packed bits, are of n values.
func hybrid(b []byte, width uint, n int64, visit func(packed []byte, value byte, count int64)) error {
	if width > 32 {
		return ErrPages
	}
	room := uint64(n) + padding
	for len(b) > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 {
			return ErrPages
		}
		b = b[size:]
		count, bytes := head>>1, uint64(width+7)/8
		if count > room {
			return ErrPages
		}
		packed := head&1 != 0
		if packed {
			bytes = count * uint64(width)
			count *= 8
		}
		if count == 0 {
			continue
		}
		if count > room || bytes > uint64(len(b)) {
			return ErrPages
		}
		room -= count
		if visit != nil {
			if packed {
				visit(b[:bytes], 0, int64(count))
			} else {
				visit(nil, b[0], int64(count))
			}
		}
		b = b[bytes:]
	}
	return nil
}

// data checks the values of a page of n values, nulls among them, that has size bytes.
func (c *column) data(b []byte, encoding format.Encoding, n, size int64) error {
	decoded := int64(0) // bytes, beside those of the page
	switch encoding {
	case format.Plain:
		if c.kind == pq.ByteArray {
			decoded = 4*n + int64(len(b))
		}
	case plainDictionary, format.RLEDictionary:
		decoded = 4 * n
		if len(b) > 0 {
			if err := hybrid(b[1:], uint(b[0]), n, nil); err != nil {
				return err
			}
		}
	case format.RLE:
		if c.kind != pq.Boolean {
			return ErrPages
		}
		decoded = n
		if len(b) > 0 {
			of, _, err := prefixed(b)
			if err != nil {
				return err
			}
			if err := booleans(of, n); err != nil {
				return err
			}
		}
	case format.ByteStreamSplit:
		decoded = 2*int64(len(b)) + 8*n
	case format.DeltaBinaryPacked:
		width := byte(64)
		if c.kind == pq.Int32 {
			width = 32
		}
		if _, _, err := deltas(b, n, width); err != nil {
			return err
		}
		decoded = 8 * n
	case format.DeltaLengthByteArray: // the bytes are as they are, behind their lengths
		if _, _, err := deltas(b, n, 32); err != nil {
			return err
		}
		decoded = 8*n + int64(len(b))
	case format.DeltaByteArray: // a value has bytes of the one before
		total, err := prefixes(b, n)
		if err != nil {
			return err
		}
		decoded = 12*n + total
	default:
		return ErrPages
	}
	if c.kind == pq.FixedLenByteArray && encoding != format.Plain && encoding != plainDictionary && encoding != format.RLEDictionary {
		decoded += n * max(0, c.length) // room is made for nulls too
	}
	if c.rep > 0 {
		decoded += n
	}
	if c.def > 0 {
		decoded += n
	}
	c.page = max(c.page, size+decoded)
	return nil
}

// errBooleans is said of runs that the library reads wrongly: it repeats the byte of a run, not its bit, and begins what
// follows at the next byte.
var errBooleans = errors.New("a column of booleans that RLE encodes cannot be read")

func booleans(b []byte, n int64) error {
	wrong, within := false, false
	if err := hybrid(b, 1, n, func(packed []byte, value byte, count int64) {
		wrong = wrong || within || packed == nil && value != 0 && value != 0xff
		within = packed == nil && count%8 != 0
	}); err != nil {
		return err
	}
	if wrong {
		return errBooleans
	}
	return nil
}

// deltas checks that there are n numbers at most, of so many bits, and takes their bytes.
func deltas(b []byte, n int64, most byte) (of, rest []byte, err error) {
	w := walker{b: b}
	block, blocks, total := w.number(), w.number(), w.number()
	w.number() // the first
	if w.wrong || block == 0 || block > 65536 || blocks == 0 || blocks > block || total > uint64(n) {
		return nil, nil, ErrPages
	}
	each := block / blocks
	for left := int64(total) - 1; left > 0 && !w.wrong; {
		w.number() // the least
		if uint64(len(w.b)) < blocks {
			return nil, nil, ErrPages
		}
		widths := w.b[:blocks]
		w.skip(blocks)
		for _, width := range widths {
			if left <= 0 {
				break // what is not needed is not there
			}
			if width > most {
				return nil, nil, ErrPages
			}
			left -= int64(each)
			// Some writers end the last block where its values end.
			w.b = w.b[min(uint64(len(w.b)), each*uint64(width)/8):]
		}
		if each == 0 {
			return nil, nil, ErrPages
		}
	}
	if w.wrong {
		return nil, nil, ErrPages
	}
	return b[:len(b)-len(w.b)], w.b, nil
}

// prefixes is how long the values are in all whose lengths of prefixes and suffixes are there.
func prefixes(b []byte, n int64) (total int64, err error) {
	for range 2 {
		var of []byte
		if of, b, err = deltas(b, n, 32); err != nil {
			return 0, err
		}
		lengths, err := new(delta.BinaryPackedEncoding).DecodeInt32(nil, of)
		if err != nil {
			return 0, ErrPages
		}
		for _, l := range lengths {
			if l < 0 {
				return 0, ErrPages
			}
			total += int64(l)
		}
	}
	return total, nil
}
