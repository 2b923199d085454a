package schemarecord

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hamba/avro/v2"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Records in Avro become JSON objects, as if they had come as such: times and dates as text, decimals as numbers, bytes as text
// where they are that and in base64 where they are not.
//
// The library parses the schemas. Its decoder of values is not for records from outside: it takes zeros for what is not there,
// has no bound on how deep it goes, makes as many items of no bytes as an array says, and does not tell of which branch of a
// union a value is, so that dates and decimals in one cannot be told from others.

const (
	maxAvroDepth = 200  // how deep a value nests
	maxDecimal   = 1000 // bytes of a decimal, and its digits behind the point
)

var (
	errAvroTorn    = errors.New("the record ends before its values do, or they are not of its schema")
	errAvroBig     = fmt.Errorf("the record's values take more than %d bytes of memory, or nest deeper than %d", maxValues, maxAvroDepth)
	errAvroDecimal = fmt.Errorf("a decimal has more than %d bytes, or digits behind the point", maxDecimal)
)

// avroDecoder reads records by one schema.
type avroDecoder struct{ schema avro.Schema }

func newAvro(definition string) (*avroDecoder, error) {
	s, err := avro.ParseWithCache(definition, "", &avro.SchemaCache{})
	if err != nil {
		return nil, err
	}
	if s.Type() != avro.Record {
		return nil, fmt.Errorf("the schema is of the type %s, not a record", s.Type())
	}
	return &avroDecoder{s}, nil
}

func (a *avroDecoder) text(dst, payload []byte) ([]byte, error) {
	r := &avroRecord{payload, maxValues - len(payload)}
	return r.value(dst, len(dst)+MaxText, a.schema, 0)
}

// avroRecord is what is left of a record.
type avroRecord struct {
	b      []byte
	budget int // of values, most of which have bytes
}

// value takes a value and appends it; limit is how long dst may become.
func (r *avroRecord) value(dst []byte, limit int, s avro.Schema, depth int) ([]byte, error) {
	if ref, ok := s.(*avro.RefSchema); ok {
		s = ref.Schema()
	}
	if r.budget -= valueCost; r.budget < 0 || depth > maxAvroDepth {
		return dst, errAvroBig
	}
	if len(dst) > limit {
		return dst, errLong
	}
	switch s := s.(type) {
	case *avro.RecordSchema:
		if r.budget -= messageCost; r.budget < 0 {
			return dst, errAvroBig
		}
		dst = append(dst, '{')
		for i, f := range s.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = r.value(append(jsontext.AppendQuoted(dst, f.Name()), ':'), limit, f.Type(), depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case *avro.ArraySchema:
		dst = append(dst, '[')
		first := true
		err := r.items(func() (err error) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst, err = r.value(dst, limit, s.Items(), depth+1)
			return err
		})
		return append(dst, ']'), err
	case *avro.MapSchema:
		return r.entries(dst, limit, s.Values(), depth)
	case *avro.UnionSchema:
		n, err := r.long()
		if err != nil || n < 0 || n >= int64(len(s.Types())) {
			return dst, errAvroTorn
		}
		return r.value(dst, limit, s.Types()[n], depth+1)
	case *avro.EnumSchema:
		n, err := r.int()
		if err != nil || n < 0 || n >= int64(len(s.Symbols())) {
			return dst, errAvroTorn
		}
		return jsontext.AppendQuoted(dst, s.Symbols()[n]), nil
	}
	return r.scalar(dst, s)
}

// items takes the blocks of an array or a map.
func (r *avroRecord) items(item func() error) error {
	for {
		n, err := r.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 { // the block's size follows
			n = -n
			if _, err := r.long(); err != nil {
				return err
			}
		}
		if n < 0 || n > int64(r.budget/valueCost) {
			return errAvroBig
		}
		for range n {
			if err := item(); err != nil {
				return err
			}
		}
	}
}

// entries takes a map and appends it in the order of its keys. Of those with one key the last counts.
func (r *avroRecord) entries(dst []byte, limit int, s avro.Schema, depth int) ([]byte, error) {
	type entry struct {
		key      string
		from, to int
	}
	var (
		all  []entry
		text []byte
	)
	err := r.items(func() error {
		if r.budget -= valueCost; r.budget < 0 {
			return errAvroBig
		}
		key, err := r.block()
		if err != nil {
			return err
		}
		from := len(text)
		text, err = r.value(text, limit-len(dst), s, depth+1)
		all = append(all, entry{string(key), from, len(text)})
		return err
	})
	if err != nil {
		return dst, err
	}
	slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	first := true
	for i, e := range all {
		if i+1 < len(all) && all[i+1].key == e.key {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(jsontext.AppendQuoted(dst, e.key), ':'), text[e.from:e.to]...)
	}
	return append(dst, '}'), nil
}

const (
	avroTime     = "15:04:05.000000"
	avroDateTime = "2006-01-02 15:04:05.000000"
)

func (r *avroRecord) scalar(dst []byte, s avro.Schema) ([]byte, error) {
	var logical avro.LogicalType
	scale := 0
	if l, ok := s.(avro.LogicalTypeSchema); ok && l.Logical() != nil {
		logical = l.Logical().Type()
		if d, ok := l.Logical().(*avro.DecimalLogicalSchema); ok {
			scale = d.Scale()
		}
	}
	text := func(t time.Time, form string) []byte {
		return append(t.UTC().AppendFormat(append(dst, '"'), form), '"')
	}
	switch s.Type() {
	case avro.Null:
		return append(dst, "null"...), nil
	case avro.Boolean:
		b, err := r.take(1)
		if err != nil || b[0] > 1 {
			return dst, errAvroTorn
		}
		return strconv.AppendBool(dst, b[0] == 1), nil
	case avro.Int:
		n, err := r.int()
		switch {
		case err != nil:
			return dst, err
		case logical == avro.Date:
			return text(time.Unix(n*24*60*60, 0), time.DateOnly), nil
		case logical == avro.TimeMillis:
			return text(time.Time{}.Add(time.Duration(n)*time.Millisecond), avroTime), nil
		}
		return strconv.AppendInt(dst, n, 10), nil
	case avro.Long:
		n, err := r.long()
		switch {
		case err != nil:
			return dst, err
		case logical == avro.TimeMicros:
			return text(time.Time{}.Add(time.Duration(n)*time.Microsecond), avroTime), nil
		case logical == avro.TimestampMillis, logical == avro.LocalTimestampMillis:
			return text(time.UnixMilli(n), avroDateTime), nil
		case logical == avro.TimestampMicros, logical == avro.LocalTimestampMicros:
			return text(time.UnixMicro(n), avroDateTime), nil
		}
		return strconv.AppendInt(dst, n, 10), nil
	case avro.Float:
		b, err := r.take(4)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case avro.Double:
		b, err := r.take(8)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case avro.String:
		b, err := r.block()
		if err != nil {
			return dst, err
		}
		return jsontext.AppendQuoted(dst, string(b)), nil
	case avro.Bytes, avro.Fixed:
		var b []byte
		var err error
		if f, ok := s.(*avro.FixedSchema); ok {
			b, err = r.take(int64(f.Size()))
		} else {
			b, err = r.block()
		}
		switch {
		case err != nil:
			return dst, err
		case logical == avro.Decimal:
			return appendDecimal(dst, b, scale)
		case logical == avro.Duration && len(b) == 12:
			number := binary.LittleEndian.Uint32
			return jsontext.AppendQuoted(dst, fmt.Sprintf("%d months %d days %d milliseconds", number(b), number(b[4:]), number(b[8:]))), nil
		}
		return appendBytes(dst, b), nil
	}
	return dst, fmt.Errorf("a value of the type %s cannot be read", s.Type())
}

// appendDecimal appends a number of 10^-scale, which is in two's complement.
func appendDecimal(dst, b []byte, scale int) ([]byte, error) {
	if scale < 0 || scale > maxDecimal || len(b) > maxDecimal {
		return dst, errAvroDecimal
	}
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return append(dst, new(big.Rat).SetFrac(n, ten).FloatString(scale)...), nil
}

func (r *avroRecord) int() (int64, error) {
	n, err := r.long()
	if err == nil && n != int64(int32(n)) {
		err = errAvroTorn
	}
	return n, err
}

func (r *avroRecord) long() (int64, error) {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		return 0, errAvroTorn
	}
	r.b = r.b[n:]
	return v, nil
}

// block takes bytes behind their number.
func (r *avroRecord) block() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

func (r *avroRecord) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(r.b)) {
		return nil, errAvroTorn
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func appendBytes(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return jsontext.AppendQuoted(dst, string(b))
	}
	return jsontext.AppendQuoted(dst, base64.StdEncoding.EncodeToString(b))
}
