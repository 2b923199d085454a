package columnar

import (
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// A leaf gathers the values of one Parquet column until there are enough to encode.
type leaf struct {
	physical       parquet.Type
	length         int // of FixedLenByteArray
	maxDef, maxRep int16

	gathered
	encoding *gathered // taken away by swap
	page     int64     // size of the largest page
}

// gathered are the levels and the values of some rows. Those of byte arrays lie one after
// the other, without a pointer for each that the garbage collector would follow.
type gathered struct {
	def, rep []int16
	bools    []bool
	i32      []int32
	i64      []int64
	i96      []parquet.Int96
	f32      []float32
	f64      []float64
	bytes    []byte
	ends     []uint32 // in bytes, of what has no fixed length
}

// spares are empty gathered, by physical type, for all writers.
var spares [8]sync.Pool

// maxSpare bounds what is kept: a few rows of very long values leave nothing behind.
const maxSpare = 1 << 20

func (l *leaf) spare() *gathered {
	if g, ok := spares[l.physical].Get().(*gathered); ok {
		return g
	}
	return new(gathered)
}

func (l *leaf) recycle(g *gathered) {
	if g.capacity() <= maxSpare {
		g.truncate()
		spares[l.physical].Put(g)
	}
}

// addBytes adds a copy of a byte array.
func (l *leaf) addBytes(b []byte) {
	l.bytes = append(l.bytes, b...)
	l.ends = append(l.ends, uint32(len(l.bytes)))
}

// present adds the levels of a value.
func (l *leaf) present(rep int16) {
	l.def = append(l.def, l.maxDef)
	if l.maxRep > 0 {
		l.rep = append(l.rep, rep)
	}
}

// absent adds the levels of a value that is not there.
func (l *leaf) absent(rep, def int16) {
	l.def = append(l.def, def)
	if l.maxRep > 0 {
		l.rep = append(l.rep, rep)
	}
}

func (l *leaf) values() int {
	switch l.physical {
	case parquet.Types.Boolean:
		return len(l.bools)
	case parquet.Types.Int32:
		return len(l.i32)
	case parquet.Types.Int64:
		return len(l.i64)
	case parquet.Types.Int96:
		return len(l.i96)
	case parquet.Types.Float:
		return len(l.f32)
	case parquet.Types.Double:
		return len(l.f64)
	case parquet.Types.ByteArray:
		return len(l.ends)
	}
	return len(l.bytes) / l.length
}

func (l *leaf) mark() mark { return mark{len(l.def), l.values()} }

// undo takes back what was added after the mark.
func (l *leaf) undo(m mark) {
	l.def = l.def[:m.levels]
	if l.maxRep > 0 {
		l.rep = l.rep[:m.levels]
	}
	switch n := m.values; l.physical {
	case parquet.Types.Boolean:
		l.bools = l.bools[:n]
	case parquet.Types.Int32:
		l.i32 = l.i32[:n]
	case parquet.Types.Int64:
		l.i64 = l.i64[:n]
	case parquet.Types.Int96:
		l.i96 = l.i96[:n]
	case parquet.Types.Float:
		l.f32 = l.f32[:n]
	case parquet.Types.Double:
		l.f64 = l.f64[:n]
	case parquet.Types.ByteArray:
		l.ends = l.ends[:n]
		if n == 0 {
			l.bytes = l.bytes[:0]
		} else {
			l.bytes = l.bytes[:l.ends[n-1]]
		}
	default:
		l.bytes = l.bytes[:n*l.length]
	}
}

// undoLast takes back the last value of a column that does not repeat.
func (l *leaf) undoLast() {
	m := l.mark()
	m.levels--
	if l.def[m.levels] == l.maxDef {
		m.values--
	}
	l.undo(m)
}

func (g *gathered) size() int64 {
	return int64(2*len(g.def) + 2*len(g.rep) + len(g.bools) + 4*len(g.i32) + 8*len(g.i64) +
		12*len(g.i96) + 4*len(g.f32) + 8*len(g.f64) + len(g.bytes) + 4*len(g.ends))
}

// capacity is how many bytes of memory are held.
func (g *gathered) capacity() int64 {
	return int64(2*cap(g.def) + 2*cap(g.rep) + cap(g.bools) + 4*cap(g.i32) + 8*cap(g.i64) +
		12*cap(g.i96) + 4*cap(g.f32) + 8*cap(g.f64) + cap(g.bytes) + 4*cap(g.ends))
}

// truncate empties g and keeps its memory.
func (g *gathered) truncate() {
	g.def, g.rep = g.def[:0], g.rep[:0]
	g.bools, g.i32, g.i64, g.i96, g.f32, g.f64 = g.bools[:0], g.i32[:0], g.i64[:0], g.i96[:0], g.f32[:0], g.f64[:0]
	g.bytes, g.ends = g.bytes[:0], g.ends[:0]
}

// release lets go of the memory of an empty leaf.
func (l *leaf) release() {
	g := l.gathered
	l.recycle(&g)
	l.gathered = gathered{}
}

// swap takes what was gathered away, to be encoded while more is.
func (l *leaf) swap() {
	l.encoding = l.spare()
	l.gathered, *l.encoding = *l.encoding, l.gathered
}

// flush encodes what was taken away.
func (l *leaf) flush(c file.ColumnChunkWriter) (err error) {
	g := l.encoding
	l.encoding = nil
	def, rep := g.def, g.rep
	if l.maxDef == 0 {
		def = nil
	}
	if l.maxRep == 0 {
		rep = nil
	}
	switch c := c.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = c.WriteBatch(g.bools, def, rep)
	case *file.Int32ColumnChunkWriter:
		_, err = c.WriteBatch(g.i32, def, rep)
	case *file.Int64ColumnChunkWriter:
		_, err = c.WriteBatch(g.i64, def, rep)
	case *file.Int96ColumnChunkWriter:
		_, err = c.WriteBatch(g.i96, def, rep)
	case *file.Float32ColumnChunkWriter:
		_, err = c.WriteBatch(g.f32, def, rep)
	case *file.Float64ColumnChunkWriter:
		_, err = c.WriteBatch(g.f64, def, rep)
	case *file.ByteArrayColumnChunkWriter:
		values := byteArrays.Get().(*[]parquet.ByteArray)
		var start uint32
		for _, end := range g.ends {
			*values = append(*values, g.bytes[start:end:end])
			start = end
		}
		_, err = c.WriteBatch(*values, def, rep)
		clear(*values)
		*values = (*values)[:0]
		byteArrays.Put(values)
	case *file.FixedLenByteArrayColumnChunkWriter:
		var values []parquet.FixedLenByteArray
		for at := 0; at < len(g.bytes); at += l.length {
			values = append(values, g.bytes[at:at+l.length:at+l.length])
		}
		_, err = c.WriteBatch(values, def, rep)
	default:
		err = fmt.Errorf("columnar: no way to write a %T", c)
	}
	l.recycle(g)
	return err
}

// byteArrays are what arrow takes byte arrays in.
var byteArrays = sync.Pool{New: func() any { return new([]parquet.ByteArray) }}
