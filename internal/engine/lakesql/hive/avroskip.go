package hive

import (
	"fmt"

	"github.com/hamba/avro/v2"

	"github.com/brookmere/brookmere/internal/engine/avrofile"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// skipAvro reads over a value.
func skipAvro(s avro.Schema, records map[*avro.RecordSchema]*func(*avroDecoder) error, depth int) (func(*avroDecoder) error, error) {
	s = unreferenced(s)
	if depth > maxAvroDepth {
		return nil, avrofile.ErrDamaged
	}
	fixed := func(n int64) func(*avroDecoder) error {
		return func(d *avroDecoder) error { _, err := d.bytes(n); return err }
	}
	switch w := s.(type) {
	case *avro.UnionSchema:
		steps := make([]func(*avroDecoder) error, len(w.Types()))
		for i, t := range w.Types() {
			var err error
			if steps[i], err = skipAvro(t, records, depth+1); err != nil {
				return nil, err
			}
		}
		return func(d *avroDecoder) error {
			at, err := d.long()
			if err == nil && (at < 0 || at >= int64(len(steps))) {
				err = avrofile.ErrDamaged
			}
			if err != nil {
				return err
			}
			return steps[at](d)
		}, nil
	case *avro.RecordSchema:
		if known := records[w]; known != nil { // a record in itself
			return func(d *avroDecoder) error {
				if d.depth++; d.depth > maxAvroNested {
					return avrofile.ErrDamaged
				}
				defer func() { d.depth-- }()
				return (*known)(d)
			}, nil
		}
		var all func(*avroDecoder) error
		records[w] = &all
		steps := make([]func(*avroDecoder) error, len(w.Fields()))
		for i, f := range w.Fields() {
			var err error
			if steps[i], err = skipAvro(f.Type(), records, depth+1); err != nil {
				return nil, err
			}
		}
		all = func(d *avroDecoder) error {
			for _, step := range steps {
				if err := step(d); err != nil {
					return err
				}
			}
			return nil
		}
		return all, nil
	case *avro.ArraySchema:
		item, err := skipAvro(w.Items(), records, depth+1)
		return func(d *avroDecoder) error { return d.blocks(func() error { return item(d) }) }, err
	case *avro.MapSchema:
		item, err := skipAvro(w.Values(), records, depth+1)
		return func(d *avroDecoder) error {
			return d.blocks(func() error {
				if _, err := d.prefixed(); err != nil {
					return err
				}
				return item(d)
			})
		}, err
	case *avro.FixedSchema:
		return fixed(int64(w.Size())), nil
	}
	switch s.Type() {
	case avro.Null:
		return fixed(0), nil
	case avro.Boolean:
		return fixed(1), nil
	case avro.Float:
		return fixed(4), nil
	case avro.Double:
		return fixed(8), nil
	case avro.String, avro.Bytes:
		return func(d *avroDecoder) error { _, err := d.prefixed(); return err }, nil
	}
	return func(d *avroDecoder) error { _, err := d.long(); return err }, nil
}

// maxAvroNested bounds how deep a record is in itself.
const maxAvroNested = 10_000

// defaultAvro is a column that a file does not have: what the schema that it is read by says.
func defaultAvro(f *avro.Field, typ *hivetype.Type) (avroNode, error) {
	s := unreferenced(f.Type())
	if !f.HasDefault() {
		return avroNode{}, fmt.Errorf("the file does not have the field %s, which has no default", f.Name())
	}
	if u, ok := s.(*avro.UnionSchema); ok { // a default is of the first one's type
		s = unreferenced(u.Types()[0])
	}
	v := f.Default()
	if v == nil || s.Type() == avro.Null {
		return avroNode{}, nil
	}
	n, err := compileAvro(s, nil, typ, 0)
	if err != nil || n.typ == nil {
		return n, err
	}
	encoded, err := avro.DefaultConfig.Marshal(s, v)
	if err != nil {
		return n, fmt.Errorf("the default of the field %s: %w", f.Name(), err)
	}
	decode := n.decode
	n.decode = func(to *sinkNode) func(*avroDecoder) error {
		next := decode(to)
		return func(d *avroDecoder) error {
			one := &avroDecoder{b: encoded}
			return next(one)
		}
	}
	return n, nil
}
