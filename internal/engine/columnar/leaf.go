package columnar

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// A leaf gathers the values of one Parquet column until there are enough to encode.
type leaf struct {
	physical       parquet.Type
	length         int // of FixedLenByteArray
	maxDef, maxRep int16

	gathered
	other gathered // being encoded, or ready to be gathered in
}

// gathered are the levels and the values of some rows.
type gathered struct {
	def, rep []int16
	bools    []bool
	i32      []int32
	i64      []int64
	i96      []parquet.Int96
	f32      []float32
	f64      []float64
	byteArr  []parquet.ByteArray
	fixed    []parquet.FixedLenByteArray

	arena []byte // what byteArr and fixed point into; a full one is left to them
	bytes int    // in byteArr and fixed
}

const arenaSize = 32 << 10

// hold returns a copy of b that lasts until the leaf is flushed.
func (l *leaf) hold(b []byte) []byte {
	if len(b) > cap(l.arena)-len(l.arena) {
		if len(b) > arenaSize/4 {
			l.bytes += len(b)
			return append([]byte(nil), b...)
		}
		l.arena = make([]byte, 0, arenaSize)
	}
	at := len(l.arena)
	l.arena = append(l.arena, b...)
	l.bytes += len(b)
	return l.arena[at:len(l.arena):len(l.arena)]
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
		return len(l.byteArr)
	}
	return len(l.fixed)
}

func (l *leaf) mark() mark { return mark{len(l.def), l.values(), l.bytes} }

// undo takes back what was added after the mark.
func (l *leaf) undo(m mark) {
	l.def = l.def[:m.levels]
	if l.maxRep > 0 {
		l.rep = l.rep[:m.levels]
	}
	l.bytes = m.bytes
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
		l.byteArr = l.byteArr[:n]
	default:
		l.fixed = l.fixed[:n]
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
	return int64(g.bytes + 2*len(g.def) + 2*len(g.rep) + len(g.bools) + 4*len(g.i32) + 8*len(g.i64) +
		12*len(g.i96) + 4*len(g.f32) + 8*len(g.f64) + 24*len(g.byteArr) + 24*len(g.fixed))
}

// capacity is about how many bytes of memory are held.
func (g *gathered) capacity() int64 {
	return int64(g.bytes+cap(g.arena)-len(g.arena)) + int64(2*cap(g.def)+2*cap(g.rep)+cap(g.bools)+4*cap(g.i32)+8*cap(g.i64)+
		12*cap(g.i96)+4*cap(g.f32)+8*cap(g.f64)+24*cap(g.byteArr)+24*cap(g.fixed))
}

// truncate empties g and keeps its memory.
func (g *gathered) truncate() {
	g.def, g.rep = g.def[:0], g.rep[:0]
	g.bools, g.i32, g.i64, g.i96, g.f32, g.f64 = g.bools[:0], g.i32[:0], g.i64[:0], g.i96[:0], g.f32[:0], g.f64[:0]
	g.byteArr, g.fixed = g.byteArr[:0], g.fixed[:0]
	g.arena, g.bytes = g.arena[:0], 0
}

// release lets go of the memory of an empty leaf.
func (l *leaf) release() {
	l.gathered, l.other = gathered{}, gathered{}
}

// swap takes what was gathered away, to be encoded while more is.
func (l *leaf) swap() { l.gathered, l.other = l.other, l.gathered }

// flush encodes what was taken away.
func (l *leaf) flush(c file.ColumnChunkWriter) (err error) {
	g := &l.other
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
		_, err = c.WriteBatch(g.byteArr, def, rep)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = c.WriteBatch(g.fixed, def, rep)
	default:
		err = fmt.Errorf("columnar: no way to write a %T", c)
	}
	clear(g.byteArr)
	clear(g.fixed)
	g.truncate()
	return err
}
