package hive

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hamba/avro/v2"

	"github.com/brookmere/brookmere/internal/engine/avrofile"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// Avro files are turned into Parquet: the columns of the table that a file has, by the schema
// that the file was written by. The table's avro.schema.literal, if there is one, says which
// columns there are, their names in older files (aliases), and what they have where a file is
// without them (defaults).

// readAvro reads Avro object containers.
func (s *scan) readAvro(pieces []Piece) []string {
	params := pieces[0].Format.SerDeParams
	if params["avro.schema.url"] != "" && params["avro.schema.literal"] == "" {
		fault.Fail(s.Position, "NOT_SUPPORTED", "avro.schema.url of table %s.%s is not supported, use avro.schema.literal", s.Table.Database, s.Table.Name)
	}
	var given *avro.RecordSchema
	literal := params["avro.schema.literal"]
	if literal != "" {
		parsed, err := parseAvro(literal)
		var ok bool
		if given, ok = parsed.(*avro.RecordSchema); err == nil && !ok {
			err = errors.New("it is not the schema of a record")
		}
		if err != nil {
			fault.Fail(s.Position, "HIVE_INVALID_METADATA", "avro.schema.literal of table %s.%s: %v", s.Table.Database, s.Table.Name, err)
		}
	}
	return s.readAs("Avro", pieces, "avro "+literal+"\x00"+s.columnNames(), func(f catalog.File, out *os.File) error {
		in, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		defer in.Close()
		return s.convertAvro(in, out, given)
	})
}

// columnNames is the columns that may be asked for, with their types.
func (s *scan) columnNames() string {
	var b strings.Builder
	for i, c := range s.Table.Columns {
		if s.asks(c.Name) {
			fmt.Fprintf(&b, "%d %q %s,", i, strings.ToLower(c.Name), c.Type)
		}
	}
	return b.String()
}

func parseAvro(text string) (schema avro.Schema, err error) {
	defer func() {
		if v := recover(); v != nil { // of hostile schemas
			schema, err = nil, fmt.Errorf("the schema cannot be read: %v", v)
		}
	}()
	return avro.ParseWithCache(text, "", &avro.SchemaCache{})
}

// convertAvro writes the table's columns of a file.
func (s *scan) convertAvro(in io.Reader, out io.Writer, given *avro.RecordSchema) error {
	file, err := avrofile.Open(in)
	if err != nil {
		return err
	}
	defer file.Close()
	parsed, err := parseAvro(string(file.Schema))
	if err != nil {
		return fmt.Errorf("the schema of the file: %w", err)
	}
	written, ok := parsed.(*avro.RecordSchema)
	if !ok {
		return errors.New("the schema of the file is not that of a record")
	}
	var columns []avroField
	for _, c := range s.Table.Columns {
		if s.asks(c.Name) {
			columns = append(columns, avroField{name: strings.ToLower(c.Name), typ: c.Type})
		}
	}
	record, err := compileRecord(written, given, columns)
	if err != nil {
		return err
	}
	rows, err := newSink(s.ctx, out, record.fields)
	if err != nil {
		return err
	}
	d := &avroDecoder{}
	next := record.decoder(rows.columns)
	if len(record.fields) == 0 {
		rest := next
		next = func(d *avroDecoder) error { rows.columns[0].null(); return rest(d) }
	}
	for {
		n, block, err := file.Next()
		if err == io.EOF {
			return rows.close()
		}
		if err != nil {
			return err
		}
		for d.b = block; n > 0; n-- {
			before := len(d.b)
			if err := next(d); err != nil {
				return err
			}
			if err := d.moved(before); err != nil {
				return err
			}
			if err := rows.row(); err != nil {
				return err
			}
		}
		if len(d.b) > 0 {
			return avrofile.ErrDamaged
		}
	}
}

// findAvro finds a field by its name, or else by its name in any letter case.
func findAvro(s *avro.RecordSchema, name string) *avro.Field {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, f := range s.Fields() {
			if same(f.Name(), name) {
				return f
			}
		}
	}
	return nil
}

// writtenAs finds the field of the schema that a file was written by for one of the schema that it
// is read by.
func writtenAs(written *avro.RecordSchema, f *avro.Field) *avro.Field {
	for _, w := range written.Fields() {
		if w.Name() == f.Name() {
			return w
		}
	}
	for _, w := range written.Fields() {
		if slices.Contains(f.Aliases(), w.Name()) {
			return w
		}
	}
	return findAvro(written, f.Name())
}

// unreferenced is a schema itself where it is named by another.
func unreferenced(s avro.Schema) avro.Schema {
	if r, ok := s.(*avro.RefSchema); ok {
		return r.Schema()
	}
	return s
}

// only is the one schema of a union besides null, or s where that is not a union.
func only(s avro.Schema) avro.Schema {
	u, ok := unreferenced(s).(*avro.UnionSchema)
	if !ok {
		return unreferenced(s)
	}
	var out avro.Schema
	for _, t := range u.Types() {
		if t.Type() == avro.Null {
			continue
		}
		if out != nil {
			return nil
		}
		out = unreferenced(t)
	}
	return out
}
