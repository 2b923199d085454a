package s3

import (
	"io"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/orcfile"
	"github.com/brookmere/brookmere/internal/engine/parquetrows"
)

// orcStripe is about how many bytes of values become a stripe: so many are in memory.
const orcStripe = 4 << 20

// orcKinds are the types of ORC's, and their names in Hive, which manifests have.
var orcKinds = map[parquetrows.Kind]struct {
	kind orcfile.Kind
	name string
}{
	parquetrows.String:    {orcfile.String, "string"},
	parquetrows.Bool:      {orcfile.Boolean, "boolean"},
	parquetrows.Int64:     {orcfile.Long, "bigint"},
	parquetrows.Timestamp: {orcfile.Timestamp, "timestamp"},
}

// orcSchema is the schema as manifests have it.
func orcSchema(columns []inventoryColumn) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = c.column + ":" + orcKinds[c.kind].name
	}
	return "struct<" + strings.Join(fields, ",") + ">"
}

// orcWriter writes rows of values, nil for none.
type orcWriter struct {
	out    *orcfile.Writer
	values []*orcfile.Values
	rows   int
	size   int // bytes of the rows that are not written
}

func newORCWriter(out io.Writer, columns []inventoryColumn) (*orcWriter, error) {
	types := []orcfile.Type{{Kind: orcfile.Struct}}
	w := &orcWriter{}
	for i, c := range columns {
		types[0].Children, types[0].Names = append(types[0].Children, i+1), append(types[0].Names, c.column)
		types = append(types, orcfile.Type{Kind: orcKinds[c.kind].kind})
		w.values = append(w.values, &orcfile.Values{})
	}
	var err error
	w.out, err = orcfile.NewWriter(out, types, "ZLIB")
	return w, err
}

// Write writes a row.
func (w *orcWriter) Write(row []any) error {
	for i, value := range row {
		v := w.values[i]
		v.Null = append(v.Null, value == nil)
		w.size += 9
		switch x := value.(type) {
		case string:
			v.Texts = append(v.Texts, []byte(x))
			w.size += len(x)
		case bool:
			v.Bools = append(v.Bools, x)
		case int64:
			v.Wholes = append(v.Wholes, x)
		case time.Time:
			v.Wholes = append(v.Wholes, x.UnixMicro())
		}
	}
	if w.rows++; w.size < orcStripe {
		return nil
	}
	return w.flush()
}

// flush writes the rows that are in memory.
func (w *orcWriter) flush() error {
	err := w.out.Write(w.rows, w.values)
	for _, v := range w.values {
		*v = orcfile.Values{}
	}
	w.rows, w.size = 0, 0
	return err
}

// Close ends the file.
func (w *orcWriter) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.out.Close()
}
