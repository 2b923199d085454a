package orcfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/big"
	"time"
)

// Column gives the values of a column in a stripe, or of what a column is made of, in order. For
// each value, Present comes first; if it says yes, the method for the type follows.
type Column struct {
	*Type
	Kids []*Column // of a list its elements, of a map its keys and values, of a struct its fields

	present *bits // nil: all are
	raw     *bufio.Reader
	bools   *bits
	bytes   *byteRuns
	numbers numbers // values, or places in the dictionary
	lengths numbers
	second  numbers // nanoseconds, or scales
	words   [][]byte
	text    []byte
	base    int64 // seconds that times count from
	zone    *time.Location
}

// maxDepth bounds how types nest.
const maxDepth = 100

// Columns opens columns of a stripe, by their places in File.Types.
func (f *File) Columns(s Stripe, columns []int) ([]*Column, error) {
	o, err := f.open(s)
	if err != nil {
		return nil, err
	}
	out := make([]*Column, len(columns))
	for i, c := range columns {
		if out[i], err = o.column(c, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Bytes is how many bytes, compressed, the file has of columns and what they are made of.
func (f *File) Bytes(columns []int) (int64, error) {
	wanted := make([]bool, len(f.Types))
	for _, c := range columns {
		wanted[c] = true
	}
	for i, t := range f.Types { // children come after their parents
		for _, c := range t.Children {
			wanted[c] = wanted[c] || wanted[i]
		}
	}
	total := uint64(0)
	for _, s := range f.Stripes {
		if len(columns) == 0 {
			break
		}
		o, err := f.open(s)
		if err != nil {
			return 0, err
		}
		for of, place := range o.streams {
			if of[0] < uint64(len(wanted)) && wanted[of[0]] && of[1] < rowIndex {
				total += place[1]
			}
		}
	}
	return int64(total), nil
}

func (o *opened) column(at, depth int) (*Column, error) {
	if depth > maxDepth {
		return nil, ErrDamaged
	}
	c := &Column{Type: &o.Types[at], zone: time.UTC}
	if r := o.find(at, present); r != nil {
		c.present = &bits{bytes: byteRuns{r: r}}
	}
	e := o.encodings[at]
	if e.kind > 3 {
		return nil, ErrDamaged
	}
	version2 := e.kind >= 2
	values := o.find(at, data)
	switch c.Kind {
	case Boolean:
		c.bools = &bits{bytes: byteRuns{r: some(values)}}
	case Byte, Union:
		c.bytes = &byteRuns{r: some(values)}
	case Short, Int, Long, Date:
		c.numbers = newNumbers(values, version2, true)
	case Float, Double:
		c.raw = some(values)
	case Binary, String, Varchar, Char:
		c.lengths = newNumbers(o.find(at, length), version2, false)
		if e.kind&1 == 0 {
			c.raw = some(values)
			break
		}
		c.numbers = newNumbers(values, version2, false)
		if err := c.dictionary(some(o.find(at, dictionary)), e.size); err != nil {
			return nil, err
		}
	case Timestamp, TimestampInstant:
		c.numbers = newNumbers(values, version2, true)
		c.second = newNumbers(o.find(at, secondary), version2, false)
		if c.Kind == Timestamp {
			c.zone = o.zone
		}
		c.base = time.Date(2015, 1, 1, 0, 0, 0, 0, c.zone).Unix()
	case Decimal:
		c.raw = some(values)
		c.second = newNumbers(o.find(at, secondary), version2, true)
	case List, Map:
		c.lengths = newNumbers(o.find(at, length), version2, false)
	}
	if c.Kind == Union {
		return c, nil
	}
	for _, k := range c.Children {
		kid, err := o.column(k, depth+1)
		if err != nil {
			return nil, err
		}
		c.Kids = append(c.Kids, kid)
	}
	return c, nil
}

// some is a stream, or one without bytes.
func some(r *bufio.Reader) *bufio.Reader {
	if r == nil {
		return bufio.NewReader(empty{})
	}
	return r
}

type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.EOF }

// dictionary reads the words of a dictionary.
func (c *Column) dictionary(r *bufio.Reader, size uint64) error {
	if size > maxEntry {
		return ErrDamaged
	}
	total := 0
	for range size {
		n, err := c.lengths.next()
		if err != nil {
			return err
		}
		if n < 0 || n > maxText || total+int(n) > maxText {
			return ErrDamaged
		}
		total += int(n)
		word, err := text(r, nil, int(n))
		if err != nil {
			return err
		}
		c.words = append(c.words, word)
	}
	return nil
}

// text reads so many bytes behind b.
func text(r *bufio.Reader, b []byte, n int) ([]byte, error) {
	for n > 0 {
		part := min(n, 1<<20)
		start := len(b)
		b = append(b, make([]byte, part)...)
		if _, err := io.ReadFull(r, b[start:]); err != nil {
			return nil, eof(err)
		}
		n -= part
	}
	return b, nil
}

// Present reports whether the next value is not null.
func (c *Column) Present() (bool, error) {
	if c.present == nil {
		return true, nil
	}
	return c.present.next()
}

// Bool is the next value of a Boolean column.
func (c *Column) Bool() (bool, error) { return c.bools.next() }

// Whole is the next value of a column of whole numbers, of Date in days since 1970.
func (c *Column) Whole() (int64, error) {
	if c.bytes != nil {
		b, err := c.bytes.next()
		return int64(int8(b)), err
	}
	return c.numbers.next()
}

// Real is the next value of a Float or Double column.
func (c *Column) Real() (float64, error) {
	var b [8]byte
	if c.Kind == Float {
		if _, err := io.ReadFull(c.raw, b[:4]); err != nil {
			return 0, eof(err)
		}
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[:4]))), nil
	}
	if _, err := io.ReadFull(c.raw, b[:]); err != nil {
		return 0, eof(err)
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b[:])), nil
}

// Text is the next value of a column of texts or bytes, good until the one after it.
func (c *Column) Text() ([]byte, error) {
	if c.numbers != nil {
		n, err := c.numbers.next()
		if err == nil && (n < 0 || n >= int64(len(c.words))) {
			err = ErrDamaged
		}
		if err != nil {
			return nil, err
		}
		return c.words[n], nil
	}
	n, err := c.lengths.next()
	if err == nil && (n < 0 || n > maxText) {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	c.text, err = text(c.raw, c.text[:0], int(n))
	return c.text, err
}

// Length is the number of elements or entries of the next value of a List or Map column.
func (c *Column) Length() (int64, error) {
	n, err := c.lengths.next()
	if err == nil && n < 0 {
		err = ErrDamaged
	}
	return n, err
}

// Time is the next value of a column of times, in microseconds: since 1970 by the clocks of where
// the file was written, or for TimestampInstant in UTC. What is less is cut off.
func (c *Column) Time() (int64, error) {
	seconds, err := c.numbers.next()
	if err != nil {
		return 0, err
	}
	n, err := c.second.next()
	if err != nil {
		return 0, err
	}
	nanos := n >> 3
	if zeros := n & 7; zeros > 0 {
		for range zeros + 1 {
			nanos *= 10
		}
	}
	if nanos < -999_999_999 || nanos > 999_999_999 { // some writers have negative ones before 1970
		return 0, ErrDamaged
	}
	if seconds += c.base; seconds < 0 && nanos > 999_999 {
		seconds--
	}
	if seconds < -1<<40 || seconds > 1<<40 {
		return 0, errors.New("a time in the ORC file is out of range")
	}
	if c.zone != time.UTC {
		_, offset := time.Unix(seconds, 0).In(c.zone).Zone()
		seconds += int64(offset)
	}
	return seconds*1_000_000 + (nanos+1e9)/1000 - 1e6, nil
}

// Decimal is the next value of a Decimal column without its point, with the scale of the type.
func (c *Column) Decimal() (*big.Int, error) {
	v := new(big.Int)
	var bytes []byte
	for {
		b, err := c.raw.ReadByte()
		if err != nil {
			return nil, eof(err)
		}
		if bytes = append(bytes, b); len(bytes) > 20 {
			return nil, ErrDamaged
		}
		if b < 0x80 {
			break
		}
	}
	for i := len(bytes) - 1; i >= 0; i-- {
		v.Lsh(v, 7)
		v.Or(v, big.NewInt(int64(bytes[i]&0x7f)))
	}
	odd := v.Bit(0) == 1
	if v.Rsh(v, 1); odd {
		v.Not(v)
	}
	scale, err := c.second.next()
	if err != nil {
		return nil, err
	}
	if scale < -100 || scale > 100 {
		return nil, ErrDamaged
	}
	switch by := int64(c.Scale) - scale; {
	case by > 0:
		v.Mul(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(by), nil))
	case by < 0: // a file has no more digits than its type, but for zeros
		v.Quo(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(-by), nil))
	}
	return v, nil
}
