package orcfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"google.golang.org/protobuf/encoding/protowire"
)

// writeChunk is how many bytes of a stream are compressed together.
const writeChunk = 256 << 10

// epoch is 2015, which the seconds of times count from.
const epoch = 1_420_070_400

// errEve is of times that readers of ORC take for others: they subtract a second of those with a
// fraction before 1970, by which there is none for the last.
var errEve = errors.New("ORC has no time within the last second of 1969")

// compressions are the numbers of what a Writer compresses by.
var compressions = map[string]uint64{"NONE": 0, "ZLIB": 1, "SNAPPY": 2, "LZ4": 4, "ZSTD": 5}

// Writer writes a file: batches of rows, each of which becomes a stripe, and what is said of all
// at the end. Values are encoded directly (of the first version: no dictionaries), which all
// readers take. A Writer is used by one goroutine; what it holds is one batch.
type Writer struct {
	out         io.Writer
	types       []Type
	compression uint64
	at          uint64
	stripes     []Stripe
	rows        uint64
	values      []uint64 // by column: how many are not null
	nulls       []bool   // whether there is one
	zstd        *zstd.Encoder
	flate       *flate.Writer
}

// NewWriter begins a file of rows of the first type, a Struct. The compression is NONE, ZLIB,
// SNAPPY, LZ4 or ZSTD.
func NewWriter(out io.Writer, types []Type, compression string) (*Writer, error) {
	codec, ok := compressions[strings.ToUpper(compression)]
	if !ok {
		return nil, fmt.Errorf("compression %s of ORC is not supported", compression)
	}
	if len(types) == 0 || types[0].Kind != Struct || len(types) > maxTypes {
		return nil, errors.New("the first type of an ORC file is a struct")
	}
	w := &Writer{out: out, types: types, compression: codec, values: make([]uint64, len(types)), nulls: make([]bool, len(types))}
	if codec == 5 {
		var err error
		if w.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
	}
	return w, w.put([]byte("ORC"))
}

func (w *Writer) put(b []byte) error {
	n, err := w.out.Write(b)
	w.at += uint64(n)
	return err
}

// stripe is one that is being written.
type stripe struct {
	*Writer
	streams []stream
}

type stream struct {
	kind, column uint64
	data         []byte
}

func (s *stripe) add(column int, kind uint64, data []byte) {
	s.streams = append(s.streams, stream{kind, uint64(column), data})
}

// Values are the values of a column, or of what a column is made of, for the rows of a batch: there
// is one for each time that what it is part of is not null.
type Values struct {
	Null []bool // which of them are null; the others are in one of the following, in order

	Bools    []bool
	Wholes   []int64 // of whole numbers; days since 1970 of Date; microseconds since 1970 of Timestamp
	Reals    []float64
	Texts    [][]byte
	Decimals []decimal128.Num // without the point, with the scale of the type
	Lengths  []int64          // of a List the elements, of a Map the entries
	Kids     []*Values        // of a Struct its fields, of a List its elements, of a Map its keys and its values
}

// Write writes a batch of rows, whose columns are those of the first type.
func (w *Writer) Write(rows int, columns []*Values) error {
	if rows == 0 {
		return nil
	}
	root := w.types[0]
	if len(columns) != len(root.Children) {
		return fmt.Errorf("a batch has %d columns, not %d", len(columns), len(root.Children))
	}
	s := &stripe{Writer: w}
	w.values[0] += uint64(rows)
	for i, c := range root.Children {
		if len(columns[i].Null) != rows {
			return fmt.Errorf("column %s has %d values for %d rows", root.Names[i], len(columns[i].Null), rows)
		}
		if err := s.column(c, columns[i]); err != nil {
			return fmt.Errorf("column %s: %w", root.Names[i], err)
		}
	}
	info := Stripe{offset: w.at, Rows: uint64(rows)}
	var footer []byte
	for _, one := range s.streams {
		packed, err := w.pack(one.data)
		if err != nil {
			return err
		}
		if err := w.put(packed); err != nil {
			return err
		}
		info.data += uint64(len(packed))
		footer = inner(footer, 1, number(number(number(nil, 1, one.kind), 2, one.column), 3, uint64(len(packed))))
	}
	for range w.types {
		footer = inner(footer, 2, number(nil, 1, 0))
	}
	packed, err := w.pack(inner(footer, 3, []byte("UTC")))
	if err != nil {
		return err
	}
	info.footer = uint64(len(packed))
	w.stripes, w.rows = append(w.stripes, info), w.rows+info.Rows
	return w.put(packed)
}

// Close ends the file.
func (w *Writer) Close() error {
	if w.zstd != nil {
		defer w.zstd.Close()
	}
	footer := number(number(nil, 1, 3), 2, w.at)
	for _, s := range w.stripes {
		footer = inner(footer, 3, number(number(number(number(number(nil, 1, s.offset), 2, s.index), 3, s.data), 4, s.footer), 5, s.Rows))
	}
	for _, t := range w.types {
		m := number(nil, 1, uint64(t.Kind))
		for _, c := range t.Children {
			m = number(m, 2, uint64(c))
		}
		for _, name := range t.Names {
			m = inner(m, 3, []byte(name))
		}
		if t.Length > 0 {
			m = number(m, 4, uint64(t.Length))
		}
		if t.Kind == Decimal {
			m = number(number(m, 5, uint64(t.Precision)), 6, uint64(t.Scale))
		}
		footer = inner(footer, 4, m)
	}
	footer = number(footer, 6, w.rows)
	for i := range w.types {
		m := number(nil, 1, w.values[i])
		if w.nulls[i] {
			m = number(m, 10, 1)
		}
		footer = inner(footer, 7, m)
	}
	packed, err := w.pack(number(footer, 8, 0)) // without indexes
	if err != nil {
		return err
	}
	end := number(number(number(nil, 1, uint64(len(packed))), 2, w.compression), 3, writeChunk)
	end = inner(end, 4, []byte{0, 12})
	end = inner(number(end, 5, 0), 8000, []byte("ORC"))
	return w.put(append(append(packed, end...), byte(len(end))))
}

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func inner(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

// pack compresses a stream in chunks.
func (w *Writer) pack(b []byte) ([]byte, error) {
	if w.compression == 0 {
		return b, nil
	}
	var out []byte
	for len(b) > 0 {
		part := b[:min(len(b), writeChunk)]
		b = b[len(part):]
		small, err := w.compress(part)
		if err != nil {
			return nil, err
		}
		head := len(small) << 1
		if len(small) == 0 || len(small) >= len(part) {
			small, head = part, len(part)<<1|1
		}
		out = append(out, byte(head), byte(head>>8), byte(head>>16))
		out = append(out, small...)
	}
	return out, nil
}

// compress is a chunk, smaller; empty where it does not get smaller.
func (w *Writer) compress(b []byte) ([]byte, error) {
	switch w.compression {
	case 1:
		var out bytes.Buffer
		if w.flate == nil {
			var err error
			if w.flate, err = flate.NewWriter(&out, flate.DefaultCompression); err != nil {
				return nil, err
			}
		} else {
			w.flate.Reset(&out)
		}
		if _, err := w.flate.Write(b); err != nil {
			return nil, err
		}
		err := w.flate.Close()
		return out.Bytes(), err
	case 2:
		return snappy.Encode(nil, b), nil
	case 4:
		out := make([]byte, lz4.CompressBlockBound(len(b)))
		n, err := new(lz4.Compressor).CompressBlock(b, out)
		return out[:n], err
	}
	return w.zstd.EncodeAll(b, nil), nil
}

// column writes the values of a column, and what they are made of.
func (s *stripe) column(id int, v *Values) error {
	t := s.types[id]
	there := 0
	for _, null := range v.Null {
		if !null {
			there++
		}
	}
	s.values[id] += uint64(there)
	if there < len(v.Null) {
		s.nulls[id] = true
		s.add(id, present, appendBits(v.Null, false))
	}
	have := map[Kind]int{Boolean: len(v.Bools), Float: len(v.Reals), Double: len(v.Reals), String: len(v.Texts), Varchar: len(v.Texts), Char: len(v.Texts), Binary: len(v.Texts),
		Byte: len(v.Wholes), Short: len(v.Wholes), Int: len(v.Wholes), Long: len(v.Wholes), Date: len(v.Wholes), Timestamp: len(v.Wholes), Decimal: len(v.Decimals),
		List: len(v.Lengths), Map: len(v.Lengths), Struct: there}
	if n, ok := have[t.Kind]; !ok || n != there || len(v.Kids) != len(t.Children) {
		return fmt.Errorf("%d values do not fit the type %d with %d that are not null", n, t.Kind, there)
	}
	switch t.Kind {
	case Boolean:
		s.add(id, data, appendBits(v.Bools, true))
	case Byte:
		b := make([]byte, len(v.Wholes))
		for i, x := range v.Wholes {
			b[i] = byte(x)
		}
		s.add(id, data, appendBytes(nil, b))
	case Short, Int, Long, Date:
		s.add(id, data, appendNumbers(nil, v.Wholes, true))
	case Float:
		b := make([]byte, 0, 4*len(v.Reals))
		for _, x := range v.Reals {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		}
		s.add(id, data, b)
	case Double:
		b := make([]byte, 0, 8*len(v.Reals))
		for _, x := range v.Reals {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		s.add(id, data, b)
	case String, Varchar, Char, Binary:
		lengths := make([]int64, len(v.Texts))
		for i, x := range v.Texts {
			lengths[i] = int64(len(x))
		}
		s.add(id, data, bytes.Join(v.Texts, nil))
		s.add(id, length, appendNumbers(nil, lengths, false))
	case Timestamp:
		return s.times(id, v.Wholes)
	case Decimal:
		s.decimals(id, v.Decimals)
	case List, Map:
		s.add(id, length, appendNumbers(nil, v.Lengths, false))
	}
	for i, c := range t.Children {
		if err := s.column(c, v.Kids[i]); err != nil {
			return err
		}
	}
	return nil
}

// times writes times by the clocks of UTC.
func (s *stripe) times(id int, micros []int64) error {
	seconds, nanos := make([]int64, len(micros)), make([]int64, len(micros))
	for i, v := range micros {
		sec, rest := v/1e6, v%1e6
		if rest < 0 {
			sec, rest = sec-1, rest+1e6
		}
		n := rest * 1000
		if sec < 0 && n > 999_999 { // readers subtract it again
			if sec++; sec == 0 {
				return errEve
			}
		}
		seconds[i] = sec - epoch
		zeros := int64(0)
		if n != 0 && n%100 == 0 {
			for n, zeros = n/100, 1; n%10 == 0 && zeros < 7; zeros++ {
				n /= 10
			}
		}
		nanos[i] = n<<3 | zeros
	}
	s.add(id, data, appendNumbers(nil, seconds, true))
	s.add(id, secondary, appendNumbers(nil, nanos, false))
	return nil
}

func (s *stripe) decimals(id int, v []decimal128.Num) {
	var b []byte
	scales := make([]int64, len(v))
	mask, low := big.NewInt(0x7f), new(big.Int)
	for i, x := range v {
		n := x.BigInt()
		if n.Sign() < 0 {
			n.Not(n).Lsh(n, 1).SetBit(n, 0, 1)
		} else {
			n.Lsh(n, 1)
		}
		for {
			d := byte(low.And(n, mask).Uint64())
			if n.Rsh(n, 7); n.Sign() == 0 {
				b = append(b, d)
				break
			}
			b = append(b, d|0x80)
		}
		scales[i] = int64(s.types[id].Scale)
	}
	s.add(id, data, b)
	s.add(id, secondary, appendNumbers(nil, scales, true))
}
