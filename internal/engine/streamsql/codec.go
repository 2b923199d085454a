package streamsql

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"sort"
)

// encoder writes a snapshot: whole numbers as varints, text behind its length, and a checksum.
type encoder struct {
	w   io.Writer
	crc uint32
	buf []byte
	err error
}

const encoderBuffer = 64 << 10

func newEncoder(w io.Writer) *encoder { return &encoder{w: w, buf: make([]byte, 0, 2*encoderBuffer)} }

func (e *encoder) flush() {
	e.crc = crc32.Update(e.crc, crc32.IEEETable, e.buf)
	if e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

func (e *encoder) int(i int64) {
	e.buf = binary.AppendVarint(e.buf, i)
	if len(e.buf) >= encoderBuffer {
		e.flush()
	}
}

// raw appends a text without its length.
func (e *encoder) raw(s string) {
	e.buf = append(e.buf, s...)
	if len(e.buf) >= encoderBuffer {
		e.flush()
	}
}

func (e *encoder) bool(b bool) {
	i := int64(0)
	if b {
		i = 1
	}
	e.int(i)
}

func (e *encoder) str(s string) {
	e.int(int64(len(s)))
	e.raw(s)
}

func (e *encoder) float(f float64) { e.int(int64(math.Float64bits(f))) }

func (e *encoder) ints(list []int64) {
	e.int(int64(len(list)))
	for _, i := range list {
		e.int(i)
	}
}

func (e *encoder) floats(list []float64) {
	e.int(int64(len(list)))
	for _, f := range list {
		e.float(f)
	}
}

func (e *encoder) bools(list []bool) {
	e.int(int64(len(list)))
	for _, b := range list {
		e.bool(b)
	}
}

func (e *encoder) strs(list []string) {
	e.int(int64(len(list)))
	for _, s := range list {
		e.str(s)
	}
}

// value writes a value of a type.
func (e *encoder) value(t Type, v value) {
	e.bool(v.null)
	switch {
	case v.null:
	case t.isText():
		e.str(v.s)
	default:
		e.int(v.i)
	}
}

func (e *encoder) row(types []Type, row []value) {
	for i, t := range types {
		e.value(t, row[i])
	}
}

// close ends a snapshot.
func (e *encoder) close() error {
	e.flush()
	if e.err == nil {
		_, e.err = e.w.Write(binary.LittleEndian.AppendUint32(nil, e.crc))
	}
	return e.err
}

// decoder reads what encoder wrote. It remembers its first failure, and gives zeroes from then on.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) int() int64 {
	i, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad = true
		d.b = nil
		return 0
	}
	d.b = d.b[n:]
	return i
}

// count is a number of things that take a byte at least.
func (d *decoder) count() int {
	n := d.int()
	if n < 0 || n > int64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) bool() bool { return d.int() != 0 }

func (d *decoder) str() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) float() float64 { return math.Float64frombits(uint64(d.int())) }

func (d *decoder) ints() []int64 {
	list := make([]int64, d.count())
	for i := range list {
		list[i] = d.int()
	}
	return list
}

func (d *decoder) floats() []float64 {
	list := make([]float64, d.count())
	for i := range list {
		list[i] = d.float()
	}
	return list
}

func (d *decoder) bools() []bool {
	list := make([]bool, d.count())
	for i := range list {
		list[i] = d.bool()
	}
	return list
}

func (d *decoder) strs() []string {
	list := make([]string, d.count())
	for i := range list {
		list[i] = d.str()
	}
	return list
}

func (d *decoder) value(t Type) value {
	switch {
	case d.bool():
		return null
	case t.isText():
		return text(d.str())
	}
	return whole(d.int())
}

func (d *decoder) row(types []Type) []value {
	row := make([]value, len(types))
	for i, t := range types {
		row[i] = d.value(t)
	}
	return row
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
