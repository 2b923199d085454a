// Package parquetclaims checks what a Parquet file says of itself before a library reads the file that allocates by
// what it is told: a footer of twenty bytes may claim lists of two thousand million elements, and what comes of that is
// no error but the end of the process. Footer checks the footer, the numbers of rows in it too, Group the pages of a row group that is to be read.
package parquetclaims

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	// maxFooter is the length of the longest footer that is read, in bytes.
	maxFooter = 64 << 20
	// maxElements is how many elements the lists of a footer may have in all.
	maxElements = 4_000_000
	maxDepth    = 32
)

// ErrFalse is what is said of claims that cannot be true.
var ErrFalse = errors.New("the file does not have what its footer says")

// Footer checks the footer of a file of so many bytes.
func Footer(src io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return ErrFalse
	}
	if _, err := io.ReadFull(io.NewSectionReader(src, size-8, 8), end[:]); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if string(end[4:]) != "PAR1" || n > size-12 || n > maxFooter {
		return ErrFalse
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(src, size-8-n, n), b); err != nil {
		return err
	}
	w := walker{b: b}
	w.structure(0)
	if w.wrong || w.rows != w.inGroups {
		return ErrFalse
	}
	return nil
}

// Fields of the footer and of its row groups, and the depth that the fields of a row group have.
const (
	rowsField  = 3 // of the footer and of a row group: how many rows there are
	groupField = 4 // of the footer
	groupDepth = 2
)

// walker walks over a structure in Thrift's compact protocol.
type walker struct {
	b        []byte
	elements int
	wrong    bool

	fields         [maxDepth + 1]int64 // where the walk is: the field by depth
	rows, inGroups int64               // of the file, and of all its row groups
}

// counts takes a number of rows, if it is one: it cannot be negative.
func (w *walker) counts(v uint64, depth int) {
	n := int64(v>>1) ^ -int64(v&1)
	switch {
	case w.fields[depth] != rowsField:
		return
	case depth == 0:
		w.rows = n
	case depth == groupDepth && w.fields[0] == groupField:
		if w.inGroups += n; w.inGroups < 0 {
			n = -1
		}
	default:
		return
	}
	if n < 0 {
		w.fail()
	}
}

func (w *walker) fail() { w.wrong, w.b = true, nil }

func (w *walker) skip(n uint64) {
	if n > uint64(len(w.b)) {
		w.fail()
		return
	}
	w.b = w.b[n:]
}

func (w *walker) next() byte {
	if len(w.b) == 0 {
		w.fail()
		return 0
	}
	c := w.b[0]
	w.b = w.b[1:]
	return c
}

func (w *walker) number() uint64 {
	v, n := binary.Uvarint(w.b)
	if n <= 0 {
		w.fail()
		return 0
	}
	w.b = w.b[n:]
	return v
}

func (w *walker) structure(depth int) {
	if depth > maxDepth {
		w.fail()
		return
	}
	w.fields[depth] = 0
	for !w.wrong {
		head := w.next()
		if head == 0 {
			return
		}
		if delta := int64(head >> 4); delta != 0 {
			w.fields[depth] += delta
		} else {
			field := w.number()
			w.fields[depth] = int64(field>>1) ^ -int64(field&1)
		}
		if kind := head & 0xf; kind != 1 && kind != 2 { // true and false have no more bytes
			w.value(kind, depth)
		}
	}
}

// value walks over what is not a boolean. Parquet's footers have no maps, and no lists of booleans.
func (w *walker) value(kind byte, depth int) {
	switch kind {
	case 3:
		w.next()
	case 4, 5, 6:
		if n := w.number(); depth <= groupDepth {
			w.counts(n, depth)
		}
	case 7:
		w.skip(8)
	case 8:
		w.skip(w.number())
	case 9:
		head := w.next()
		count := uint64(head >> 4)
		if count == 15 {
			count = w.number()
		}
		if count > uint64(len(w.b)) || w.elements+int(count) > maxElements {
			w.fail()
			return
		}
		w.elements += int(count)
		for range count {
			if w.wrong {
				return
			}
			w.value(head&0xf, depth+1)
		}
	case 12:
		w.structure(depth + 1)
	default:
		w.fail()
	}
}
