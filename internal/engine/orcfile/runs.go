package orcfile

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Run-length encodings. Each reader gives one value after the other.

// eof makes an error of the end of a stream that ought to have more.
func eof(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrDamaged
	}
	return err
}

// byteRuns is the encoding of bytes: a count of 0 to 127 is of a run of three more, one of
// -1 to -128 of that many values.
type byteRuns struct {
	r     *bufio.Reader
	left  int
	equal bool
	value byte
}

func (b *byteRuns) next() (byte, error) {
	if b.left == 0 {
		h, err := b.r.ReadByte()
		if err != nil {
			return 0, eof(err)
		}
		if b.equal = h < 128; b.equal {
			b.left = int(h) + 3
			if b.value, err = b.r.ReadByte(); err != nil {
				return 0, eof(err)
			}
		} else {
			b.left = 256 - int(h)
		}
	}
	b.left--
	if b.equal {
		return b.value, nil
	}
	v, err := b.r.ReadByte()
	return v, eof(err)
}

// bits are booleans, the highest bit of a byte first.
type bits struct {
	bytes byteRuns
	left  int
	value byte
}

func (b *bits) next() (bool, error) {
	if b.left == 0 {
		v, err := b.bytes.next()
		if err != nil {
			return false, err
		}
		b.value, b.left = v, 8
	}
	b.left--
	return b.value>>b.left&1 == 1, nil
}

// numbers is an encoding of whole numbers.
type numbers interface{ next() (int64, error) }

func newNumbers(r *bufio.Reader, version2, signed bool) numbers {
	if r == nil {
		return nothing{}
	}
	if version2 {
		return &runs2{r: r, signed: signed}
	}
	return &runs1{r: r, signed: signed}
}

// nothing is a stream that is not there.
type nothing struct{}

func (nothing) next() (int64, error) { return 0, ErrDamaged }

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func varint(r *bufio.Reader, signed bool) (int64, error) {
	v, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, ErrDamaged
	}
	if signed {
		return zigzag(v), nil
	}
	return int64(v), nil
}

// runs1 is version 1: runs with a step, or literals.
type runs1 struct {
	r      *bufio.Reader
	signed bool
	left   int
	equal  bool
	value  int64
	step   int64
}

func (n *runs1) next() (int64, error) {
	if n.left == 0 {
		h, err := n.r.ReadByte()
		if err != nil {
			return 0, eof(err)
		}
		if n.equal = h < 128; n.equal {
			n.left = int(h) + 3
			step, err := n.r.ReadByte()
			if err != nil {
				return 0, eof(err)
			}
			n.step = int64(int8(step))
			if n.value, err = varint(n.r, n.signed); err != nil {
				return 0, err
			}
			n.value -= n.step
		} else {
			n.left = 256 - int(h)
		}
	}
	n.left--
	if n.equal {
		n.value += n.step
		return n.value, nil
	}
	return varint(n.r, n.signed)
}

// runs2 is version 2: short repeats, packed values, packed values with patches, and steps.
type runs2 struct {
	r      *bufio.Reader
	signed bool
	values [512]int64
	n, at  int
}

func (n *runs2) next() (int64, error) {
	if n.at == n.n {
		if err := n.fill(); err != nil {
			return 0, eof(err)
		}
	}
	n.at++
	return n.values[n.at-1], nil
}

// widths are the numbers of bits, by their codes.
var widths = [32]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32, 40, 48, 56, 64}

// fixedWidth is the least width that has a code.
func fixedWidth(n int) int {
	for _, w := range widths {
		if w >= n {
			return w
		}
	}
	return 64
}

func (n *runs2) fill() error {
	h, err := n.r.ReadByte()
	if err != nil {
		return err
	}
	n.at, n.n = 0, 0
	if h>>6 == 0 { // short repeat
		v, err := n.bigEndian(int(h>>3&7) + 1)
		if err != nil {
			return err
		}
		value := int64(v)
		if n.signed {
			value = zigzag(v)
		}
		count := int(h&7) + 3
		for i := range count {
			n.values[i] = value
		}
		n.n = count
		return nil
	}
	low, err := n.r.ReadByte()
	if err != nil {
		return err
	}
	width := widths[h>>1&31]
	count := (int(h&1)<<8 | int(low)) + 1
	switch h >> 6 {
	case 1:
		err = n.packed(count, width, func(i int, v uint64) {
			n.values[i] = int64(v)
			if n.signed {
				n.values[i] = zigzag(v)
			}
		})
	case 2:
		err = n.patched(count, width)
	case 3:
		if h>>1&31 == 0 {
			width = 0
		}
		err = n.steps(count, width)
	}
	n.n = count
	if err != nil {
		n.n = 0
	}
	return err
}

func (n *runs2) bigEndian(bytes int) (uint64, error) {
	var v uint64
	for range bytes {
		b, err := n.r.ReadByte()
		if err != nil {
			return 0, err
		}
		v = v<<8 | uint64(b)
	}
	return v, nil
}

// packed reads values of so many bits, which begin and end at bytes together.
func (n *runs2) packed(count, width int, set func(i int, v uint64)) error {
	var held byte
	left := 0
	for i := range count {
		var v uint64
		for need := width; need > 0; {
			if left == 0 {
				b, err := n.r.ReadByte()
				if err != nil {
					return err
				}
				held, left = b, 8
			}
			take := min(need, left)
			v = v<<take | uint64(held>>(left-take))&(1<<take-1)
			left -= take
			need -= take
		}
		set(i, v)
	}
	return nil
}

// patched reads values above a base, some of which have their highest bits in a list of patches.
func (n *runs2) patched(count, width int) error {
	a, err := n.r.ReadByte()
	if err != nil {
		return err
	}
	b, err := n.r.ReadByte()
	if err != nil {
		return err
	}
	bytes := int(a>>5) + 1
	patchWidth := widths[a&31]
	gapWidth := int(b>>5) + 1
	patches := int(b & 31)
	base, err := n.bigEndian(bytes)
	if err != nil {
		return err
	}
	low := int64(base)
	if sign := uint64(1) << (8*bytes - 1); base&sign != 0 {
		low = -int64(base &^ sign)
	}
	if err := n.packed(count, width, func(i int, v uint64) { n.values[i] = int64(v) }); err != nil {
		return err
	}
	at := 0
	bad := patchWidth+gapWidth > 64
	if bad {
		return ErrDamaged
	}
	err = n.packed(patches, fixedWidth(patchWidth+gapWidth), func(_ int, v uint64) {
		at += int(v >> patchWidth)
		if patch := v & (1<<patchWidth - 1); patch != 0 {
			if at >= count {
				bad = true
				return
			}
			n.values[at] |= int64(patch << width)
		}
	})
	if bad {
		return ErrDamaged
	}
	for i := range count {
		n.values[i] += low
	}
	return err
}

// steps reads a first value and what each adds to the one before it.
func (n *runs2) steps(count, width int) error {
	first, err := varint(n.r, n.signed)
	if err != nil {
		return err
	}
	step, err := varint(n.r, true)
	if err != nil {
		return err
	}
	n.values[0] = first
	if width == 0 {
		for i := 1; i < count; i++ {
			n.values[i] = n.values[i-1] + step
		}
		return nil
	}
	if count < 2 {
		return ErrDamaged
	}
	n.values[1] = first + step
	return n.packed(count-2, width, func(i int, v uint64) {
		if step < 0 {
			n.values[i+2] = n.values[i+1] - int64(v)
		} else {
			n.values[i+2] = n.values[i+1] + int64(v)
		}
	})
}
