// Package orcfile reads ORC files: their types, and the values of columns one after the other; and
// writes them.
//
// A file ends with the length of its postscript, one byte; the postscript says how long the
// footer before it is and how all is compressed; the footer has the tree of types and where the
// stripes are. A stripe has streams (of a column: which of its values are there, the values,
// their lengths, a dictionary) and a footer that says where each is and how it is encoded.
// Whatever is compressed comes in chunks, each behind three bytes with its length.
//
// Read are all encodings (direct and dictionary, of both versions) and the compressions none,
// zlib, snappy, lz4 and zstd; written are direct encodings of the first version. Lengths that a file claims are checked before memory is taken.
package orcfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is a type of ORC's.
type Kind uint8

// The types, by their numbers in files.
const (
	Boolean Kind = iota
	Byte
	Short
	Int
	Long
	Float
	Double
	String
	Binary
	Timestamp
	List
	Map
	Struct
	Union
	Decimal
	Date
	Varchar
	Char
	TimestampInstant
)

// Type is a node of the tree of types. Its column is its place among all.
type Type struct {
	Kind             Kind
	Children         []int // columns
	Names            []string
	Precision, Scale int
	Length           int // of Varchar and Char, in characters; zero where the file does not say it
}

// Limits of a file.
const (
	maxFooter = 64 << 20
	maxTypes  = 50_000
	maxChunk  = 64 << 20
	maxText   = 256 << 20 // of a value, and of a dictionary
	maxEntry  = 10 << 20  // entries of a dictionary
)

// What is wrong with a file.
var (
	ErrNotORC  = errors.New("the file is not an ORC file")
	ErrDamaged = errors.New("the ORC file is damaged")
)

// File is a file that is open.
type File struct {
	Types   []Type
	Stripes []Stripe

	r           io.ReaderAt
	compression uint64
	chunk       int64
}

// Stripe is a part of a file's rows.
type Stripe struct {
	Rows                        uint64
	offset, index, data, footer uint64
}

// fields calls do for each field of a message: a number, or bytes.
func fields(b []byte, do func(field protowire.Number, v uint64, inner []byte) error) error {
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return ErrDamaged
		}
		b = b[n:]
		var v uint64
		var inner []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			inner, n = protowire.ConsumeBytes(b)
			if inner == nil {
				inner = []byte{}
			}
		default:
			n = protowire.ConsumeFieldValue(field, typ, b)
		}
		if n < 0 {
			return ErrDamaged
		}
		if err := do(field, v, inner); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// Open reads the end of a file of so many bytes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	tail := make([]byte, min(size, 16<<10))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(tail) < 4 {
		return nil, ErrNotORC
	}
	n := int(tail[len(tail)-1])
	if n+1 > len(tail) {
		return nil, ErrNotORC
	}
	f := &File{r: r, chunk: 256 << 10}
	var length uint64
	magic := ""
	err := fields(tail[len(tail)-1-n:len(tail)-1], func(field protowire.Number, v uint64, inner []byte) error {
		switch field {
		case 1:
			length = v
		case 2:
			f.compression = v
		case 3:
			f.chunk = int64(v)
		case 8000:
			magic = string(inner)
		}
		return nil
	})
	if err != nil || magic != "ORC" {
		return nil, ErrNotORC
	}
	if f.compression > 5 || f.compression == 3 {
		return nil, fmt.Errorf("compression %s of ORC is not supported", map[uint64]string{3: "lzo", 6: "brotli"}[f.compression])
	}
	if length == 0 || length > maxFooter || int64(length)+int64(n)+1 > size || f.chunk <= 0 || f.chunk > maxChunk {
		return nil, ErrDamaged
	}
	footer, err := f.all(uint64(size)-uint64(n)-1-length, length)
	if err != nil {
		return nil, err
	}
	err = fields(footer, func(field protowire.Number, v uint64, b []byte) error {
		switch field {
		case 3:
			var s Stripe
			err := fields(b, func(field protowire.Number, v uint64, _ []byte) error {
				if to := map[protowire.Number]*uint64{1: &s.offset, 2: &s.index, 3: &s.data, 4: &s.footer, 5: &s.Rows}[field]; to != nil {
					*to = v
				}
				return nil
			})
			if err != nil {
				return err
			}
			if max(s.offset, s.index, s.data, s.footer) > uint64(size) || s.offset+s.index+s.data+s.footer > uint64(size) || s.footer > maxFooter {
				return ErrDamaged
			}
			f.Stripes = append(f.Stripes, s)
		case 4:
			t, err := readType(b)
			if f.Types = append(f.Types, t); err != nil || len(f.Types) > maxTypes {
				return ErrDamaged
			}
		case 10:
			if len(b) > 0 {
				return errors.New("encryption of ORC is not supported")
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(f.Types) == 0 || f.Types[0].Kind != Struct {
		return nil, ErrDamaged
	}
	for i, t := range f.Types { // children come after their parents, so that there is an end
		for _, c := range t.Children {
			if c <= i || c >= len(f.Types) {
				return nil, ErrDamaged
			}
		}
		want := map[Kind]int{List: 1, Map: 2, Struct: len(t.Names), Union: len(t.Children)}[t.Kind]
		if len(t.Children) != want || t.Kind > TimestampInstant {
			return nil, ErrDamaged
		}
	}
	return f, nil
}

func readType(b []byte) (Type, error) {
	var t Type
	err := fields(b, func(field protowire.Number, v uint64, inner []byte) error {
		switch field {
		case 1:
			if v > 255 {
				return ErrDamaged
			}
			t.Kind = Kind(v)
		case 2:
			if inner == nil {
				t.Children = append(t.Children, int(v&(1<<31-1)))
			}
			for len(inner) > 0 {
				child, n := protowire.ConsumeVarint(inner)
				if n < 0 {
					return ErrDamaged
				}
				t.Children = append(t.Children, int(child&(1<<31-1)))
				inner = inner[n:]
			}
		case 3:
			t.Names = append(t.Names, string(inner))
		case 4:
			t.Length = int(v & (1<<31 - 1))
		case 5:
			t.Precision = int(v & 0xff)
		case 6:
			t.Scale = int(v & 0xff)
		}
		return nil
	})
	if t.Kind == Decimal && (t.Precision < 1 || t.Precision > 38 || t.Scale > t.Precision) {
		t.Precision, t.Scale = 38, 18
	}
	return t, err
}

// all reads a part of the file, decompressed.
func (f *File) all(offset, length uint64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(f.stream(offset, length), maxFooter+1))
	if err == nil && len(b) > maxFooter {
		err = ErrDamaged
	}
	return b, err
}

// stream is a part of the file, decompressed.
func (f *File) stream(offset, length uint64) *bufio.Reader {
	in := io.NewSectionReader(f.r, int64(offset), int64(length))
	if f.compression == 0 {
		return bufio.NewReaderSize(in, 32<<10)
	}
	return bufio.NewReaderSize(&chunks{in: bufio.NewReaderSize(in, 32<<10), compression: f.compression, limit: int(f.chunk)}, 4<<10)
}

// The kinds of streams.
const (
	present    = 0
	data       = 1
	length     = 2
	dictionary = 3
	secondary  = 5
	rowIndex   = 6
)

// opened is a stripe whose footer was read.
type opened struct {
	*File
	streams   map[[2]uint64][2]uint64 // by column and kind: offset and length
	encodings []encoding
	zone      *time.Location
}

type encoding struct{ kind, size uint64 }

func (f *File) open(s Stripe) (*opened, error) {
	b, err := f.all(s.offset+s.index+s.data, s.footer)
	if err != nil {
		return nil, err
	}
	o := &opened{File: f, streams: map[[2]uint64][2]uint64{}, zone: time.UTC}
	at := s.offset
	err = fields(b, func(field protowire.Number, _ uint64, inner []byte) error {
		switch field {
		case 1:
			var kind, column, length uint64
			err := fields(inner, func(field protowire.Number, v uint64, _ []byte) error {
				if to := map[protowire.Number]*uint64{1: &kind, 2: &column, 3: &length}[field]; to != nil {
					*to = v
				}
				return nil
			})
			if err != nil {
				return err
			}
			if length > s.index+s.data || at+length > s.offset+s.index+s.data {
				return ErrDamaged
			}
			o.streams[[2]uint64{column, kind}] = [2]uint64{at, length}
			at += length
		case 2:
			var e encoding
			err := fields(inner, func(field protowire.Number, v uint64, _ []byte) error {
				switch field {
				case 1:
					e.kind = v
				case 2:
					e.size = v
				}
				return nil
			})
			if o.encodings = append(o.encodings, e); err != nil || len(o.encodings) > maxTypes {
				return ErrDamaged
			}
		case 3:
			zone, err := time.LoadLocation(string(inner))
			if err != nil {
				return fmt.Errorf("the time zone %q of an ORC file is not known", inner)
			}
			o.zone = zone
		}
		return nil
	})
	if err == nil && len(o.encodings) < len(f.Types) {
		err = ErrDamaged
	}
	return o, err
}

// find is a stream of a column; nil if there is none.
func (o *opened) find(column int, kind uint64) *bufio.Reader {
	s, ok := o.streams[[2]uint64{uint64(column), kind}]
	if !ok {
		return nil
	}
	return o.stream(s[0], s[1])
}
