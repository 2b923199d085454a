package schemarecord

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"
)

var (
	errAvroTorn = errors.New("the record ends before its values do, or they are not of its schema")
	errAvroBig  = fmt.Errorf("the record's values take more than %d bytes of memory, or nest deeper than %d", maxValues, maxAvroDepth)
)

// avroWalk goes over a record before it is decoded: the decoder takes zeros for what is not there, has no bound on how deep it
// goes, and makes as many items of no bytes as an array says.
type avroWalk struct {
	b      []byte
	budget int
}

func checkAvro(s avro.Schema, payload []byte) error {
	w := &avroWalk{payload, maxValues - len(payload)}
	return w.value(s, 0)
}

func (w *avroWalk) value(s avro.Schema, depth int) error {
	if r, ok := s.(*avro.RefSchema); ok {
		s = r.Schema()
	}
	if w.budget -= valueCost; w.budget < 0 || depth > maxAvroDepth {
		return errAvroBig
	}
	switch s := s.(type) {
	case *avro.RecordSchema:
		if w.budget -= messageCost; w.budget < 0 {
			return errAvroBig
		}
		for _, f := range s.Fields() {
			if err := w.value(f.Type(), depth+1); err != nil {
				return err
			}
		}
		return nil
	case *avro.ArraySchema:
		return w.items(s.Items(), false, depth)
	case *avro.MapSchema:
		return w.items(s.Values(), true, depth)
	case *avro.UnionSchema:
		n, err := w.number(binary.MaxVarintLen64)
		if err != nil {
			return err
		}
		if n < 0 || n >= int64(len(s.Types())) {
			return errAvroTorn
		}
		return w.value(s.Types()[n], depth+1)
	case *avro.EnumSchema:
		n, err := w.number(binary.MaxVarintLen32)
		if err == nil && (n < 0 || n >= int64(len(s.Symbols()))) {
			err = errAvroTorn
		}
		return err
	case *avro.FixedSchema:
		return w.skip(int64(s.Size()))
	}
	switch s.Type() {
	case avro.Null:
		return nil
	case avro.Boolean:
		if len(w.b) > 0 && w.b[0] > 1 {
			return errAvroTorn
		}
		return w.skip(1)
	case avro.Int:
		_, err := w.number(binary.MaxVarintLen32)
		return err
	case avro.Long:
		_, err := w.number(binary.MaxVarintLen64)
		return err
	case avro.Float:
		return w.skip(4)
	case avro.Double:
		return w.skip(8)
	case avro.String, avro.Bytes:
		return w.block()
	}
	return fmt.Errorf("a value of the type %s cannot be read", s.Type())
}

// items goes over the blocks of an array, or of a map.
func (w *avroWalk) items(s avro.Schema, named bool, depth int) error {
	for {
		n, err := w.number(binary.MaxVarintLen64)
		if err != nil || n == 0 {
			return err
		}
		if n < 0 { // the block's size follows
			n = -n
			if _, err := w.number(binary.MaxVarintLen64); err != nil {
				return err
			}
		}
		if n < 0 || n > int64(w.budget/valueCost) {
			return errAvroBig
		}
		for range n {
			if named {
				if w.budget -= valueCost; w.budget < 0 {
					return errAvroBig
				}
				if err := w.block(); err != nil {
					return err
				}
			}
			if err := w.value(s, depth+1); err != nil {
				return err
			}
		}
	}
}

// number takes a number of at most size bytes.
func (w *avroWalk) number(size int) (int64, error) {
	v, n := binary.Varint(w.b)
	if n <= 0 || n > size {
		return 0, errAvroTorn
	}
	w.b = w.b[n:]
	return v, nil
}

// block takes bytes behind their number.
func (w *avroWalk) block() error {
	n, err := w.number(binary.MaxVarintLen64)
	if err != nil {
		return err
	}
	return w.skip(n)
}

func (w *avroWalk) skip(n int64) error {
	if n < 0 || n > int64(len(w.b)) {
		return errAvroTorn
	}
	w.b = w.b[n:]
	return nil
}
