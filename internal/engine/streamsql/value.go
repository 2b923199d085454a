package streamsql

import (
	"math"
	"strings"
)

// value is a value of a type that the reader knows: whole numbers, unscaled decimals, booleans (0
// and 1), times and intervals (milliseconds; DATE and TIMESTAMP since 1970, TIME since midnight) and
// months are i; REAL and DOUBLE are their bits in i; text and bytes are s.
type value struct {
	i    int64
	s    string
	null bool
}

var null = value{null: true}

func float(f float64) value    { return value{i: int64(math.Float64bits(f))} }
func (v value) float() float64 { return math.Float64frombits(uint64(v.i)) }
func text(s string) value      { return value{s: s} }
func whole(i int64) value      { return value{i: i} }

func boolean(b bool) value {
	if b {
		return value{i: 1}
	}
	return value{}
}

func (t Type) isText() bool {
	return t.Kind == Char || t.Kind == Varchar || t.Kind == Varbinary
}
func (t Type) isString() bool   { return t.Kind == Char || t.Kind == Varchar }
func (t Type) isInteger() bool  { return t.Kind >= TinyInt && t.Kind <= BigInt }
func (t Type) isApprox() bool   { return t.Kind == Real || t.Kind == Double }
func (t Type) isNumeric() bool  { return t.Kind >= TinyInt && t.Kind <= Double }
func (t Type) isTime() bool     { return t.Kind == Date || t.Kind == Time || t.Kind == Timestamp }
func (t Type) isInterval() bool { return t.Kind == IntervalDay || t.Kind == IntervalYear }

// vector is a column of a batch.
type vector struct {
	isText bool
	ints   []int64
	strs   []string
	nulls  []bool // nil: no value is null
}

func (v *vector) at(i int) value {
	if v.nulls != nil && v.nulls[i] {
		return null
	}
	if v.isText {
		return value{s: v.strs[i]}
	}
	return value{i: v.ints[i]}
}

func (v *vector) len() int {
	if v.isText {
		return len(v.strs)
	}
	return len(v.ints)
}

func (v *vector) push(x value) {
	if x.null {
		if v.nulls == nil {
			v.nulls = make([]bool, v.len(), max(v.len()+1, 8))
		}
		v.nulls = append(v.nulls, true)
	} else if v.nulls != nil {
		v.nulls = append(v.nulls, false)
	}
	if v.isText {
		v.strs = append(v.strs, x.s)
	} else {
		v.ints = append(v.ints, x.i)
	}
}

// batch are rows of one shape: their ROWTIMEs and their columns. A batch that was handed on does
// not change.
type batch struct {
	n    int
	time []int64
	cols []vector
}

func newBatch(types []Type) *batch {
	b := &batch{cols: make([]vector, len(types))}
	for i, t := range types {
		b.cols[i].isText = t.isText()
	}
	return b
}

// grow makes room for n rows.
func (b *batch) grow(n int) {
	b.time = make([]int64, 0, n)
	for i := range b.cols {
		if b.cols[i].isText {
			b.cols[i].strs = make([]string, 0, n)
		} else {
			b.cols[i].ints = make([]int64, 0, n)
		}
	}
}

// push appends a row.
func (b *batch) push(time int64, row []value) {
	b.time = append(b.time, time)
	for i := range b.cols {
		b.cols[i].push(row[i])
	}
	b.n++
}

// pushFrom appends a row of a batch of the same shape.
func (b *batch) pushFrom(from *batch, i int) {
	b.time = append(b.time, from.time[i])
	for c := range b.cols {
		b.cols[c].push(from.cols[c].at(i))
	}
	b.n++
}

// row reads a row into a slice that has room for it.
func (b *batch) row(i int, into []value) {
	for c := range b.cols {
		into[c] = b.cols[c].at(i)
	}
}

// pick are the rows of a batch at the given places, in that order.
func (b *batch) pick(rows []int) *batch {
	if len(rows) == b.n {
		return b
	}
	p := &batch{n: len(rows), time: make([]int64, len(rows)), cols: make([]vector, len(b.cols))}
	for j, i := range rows {
		p.time[j] = b.time[i]
	}
	for c := range b.cols {
		from, to := &b.cols[c], &p.cols[c]
		to.isText = from.isText
		if from.isText {
			to.strs = make([]string, len(rows))
			for j, i := range rows {
				to.strs[j] = from.strs[i]
			}
		} else {
			to.ints = make([]int64, len(rows))
			for j, i := range rows {
				to.ints[j] = from.ints[i]
			}
		}
		if from.nulls != nil {
			to.nulls = make([]bool, len(rows))
			for j, i := range rows {
				to.nulls[j] = from.nulls[i]
			}
		}
	}
	return p
}

// row is about what a kept row costs in memory, in bytes.
func rowBytes(row []value) int64 {
	n := int64(64)
	for _, v := range row {
		n += 32 + int64(len(v.s))
	}
	return n
}

// compare orders two values of one type, none of which is null.
func compare(t Type, a, b value) int {
	switch {
	case t.Kind == Char:
		return strings.Compare(strings.TrimRight(a.s, " "), strings.TrimRight(b.s, " "))
	case t.isText():
		return strings.Compare(a.s, b.s)
	case t.isApprox():
		x, y := a.float(), b.float()
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	switch {
	case a.i < b.i:
		return -1
	case a.i > b.i:
		return 1
	}
	return 0
}

var powers = [19]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// appendKey appends a value so that different values, and null, give different bytes.
func appendKey(dst []byte, t Type, v value) []byte {
	if v.null {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	if t.isText() {
		s := v.s
		if t.Kind == Char {
			s = strings.TrimRight(s, " ")
		}
		n := len(s)
		dst = append(dst, byte(n), byte(n>>8), byte(n>>16))
		return append(dst, s...)
	}
	u := uint64(v.i)
	if t.isApprox() && v.float() == 0 {
		u = 0 // -0
	}
	return append(dst, byte(u), byte(u>>8), byte(u>>16), byte(u>>24), byte(u>>32), byte(u>>40), byte(u>>48), byte(u>>56))
}
