package lakesql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// maxWritePartitions is how many partitions a statement may write, Athena's limit.
const maxWritePartitions = 100

// WriteRequest is a query whose rows go into files: CREATE TABLE AS, INSERT, UNLOAD.
type WriteRequest struct {
	Request
	Format      string // "PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE", in any letter case
	Compression string // "GZIP", "SNAPPY", "ZSTD", "NONE"...; empty: GZIP, of ORC ZLIB, of Avro DEFLATE
	Delimiter   string // between the fields of TEXTFILE; empty: as the SerDe's properties say, else \x01

	// Reader is the SerDe that will read the files, Parameters the properties of its table.
	Reader     Format
	Parameters map[string]string

	// PartitionBy names the partition columns, which are the last columns of the query (or
	// of Columns). They are not in the files.
	PartitionBy []string

	// BucketBy names the columns whose Hive hash says which of Buckets files a row goes into.
	BucketBy []string
	Buckets  int

	// Columns is, for INSERT, all of the table's columns, the partition columns last; the
	// query's columns take their types. Empty: the columns are the query's own.
	Columns []Column
	// Insert names the columns of Columns that the query gives, in its order; the others
	// are null. Empty: all of them.
	Insert []string

	// MaxFileBytes parts what has no partitions into files of about this size; zero: one file.
	MaxFileBytes int64
}

// WrittenFile is one of the files of a Written.
type WrittenFile struct {
	Path            string   // in the engine's temporary directory, until Written.Close
	PartitionValues []string // as Hive writes them, by PartitionBy
	Bucket          int      // from 0, where there are buckets
	Bytes           int64
}

// Written is what a Write made. Close removes its files.
type Written struct {
	Columns []Column // of the files and, last, of the partitions: what a table over them declares
	Files   []WrittenFile
	Rows    int64
	Stats   Stats

	dir string
}

// Close removes the files.
func (w *Written) Close() error { return os.RemoveAll(w.dir) }

// Write runs a query and puts its rows into files of the temporary directory. No row: no
// file. The result must be closed.
func (e *Engine) Write(ctx context.Context, r WriteRequest) (_ *Written, err error) {
	if e.scratch == "" {
		return nil, errors.New("lakesql: write: the engine has no temporary directory")
	}
	if _, ok := r.Statement.(*sql.Query); !ok {
		return nil, &Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("%T is not a query", r.Statement)}
	}
	options, err := r.options()
	if err != nil {
		return nil, err
	}
	form, err := hive.FormOf(r.Reader.SerDe, r.Delimiter, r.Reader.SerDeParams, r.Parameters)
	if err != nil {
		return nil, err
	}
	defer r.Snapshot()()
	p, err := e.plan(ctx, r.Request)
	if err != nil {
		return nil, err
	}
	defer p.close()
	result, err := e.schema(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, c := range p.Columns {
		if t := c.Type; len(r.Columns) == 0 && types.Is(t, "timestamp") && len(t.Params) == 1 && t.Params[0] != 3 {
			return nil, &Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("Incorrect timestamp precision for timestamp(%d); the configured precision is MILLISECONDS; column name: %s", t.Params[0], c.Name)}
		}
	}
	columns, items, err := r.target(result)
	if err != nil {
		return nil, err
	}
	body, partitions := r.rows(form, columns, items)
	if r.Buckets > 0 {
		bucket, err := r.bucket(columns, items)
		if err != nil {
			return nil, err
		}
		body, partitions = append(body, bucket+" AS __bucket"), append(partitions, "__bucket")
	}
	if partitions != nil {
		options += ", PARTITION_BY (" + strings.Join(partitions, ", ") + ")"
	} else if r.MaxFileBytes > 0 {
		options += fmt.Sprintf(", FILE_SIZE_BYTES %d", r.MaxFileBytes)
	}
	if err := os.MkdirAll(e.scratch, 0o750); err != nil {
		return nil, fmt.Errorf("lakesql: write: %w", err)
	}
	dir, err := os.MkdirTemp(e.scratch, "write-")
	if err != nil {
		return nil, fmt.Errorf("lakesql: write: %w", err)
	}
	w := &Written{Columns: columns, Stats: Stats{Files: len(p.Files), BytesScanned: p.Bytes}, dir: dir}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	names := make([]string, len(result))
	for i := range names {
		names[i] = fmt.Sprintf("q%d", i)
	}
	text := "COPY (SELECT " + strings.Join(body, ", ") + " FROM (" + p.Text + ") AS q(" + strings.Join(names, ", ") + ")) TO " + duck.Quote(filepath.Join(dir, "rows")) + " (" + options + ")"
	again := func() error { return os.RemoveAll(filepath.Join(dir, "rows")) } // COPY goes into no directory that has files
	rows, err := e.worker.Run(ctx, worker.Call{Text: text, Execute: true, Again: again})
	if err != nil {
		return nil, p.outward(queryError(ctx, err))
	}
	rows.Close()
	w.Rows = rows.Affected
	w.Stats.Rows = w.Rows
	if w.Rows == 0 {
		return w, nil
	}
	if err := w.collect(len(partitions), r.Buckets > 0); err != nil {
		return nil, err
	}
	return w, r.rewrite(ctx, w)
}

// rewrite turns the files, which are Parquet, into the format where DuckDB does not write that.
func (r *WriteRequest) rewrite(ctx context.Context, w *Written) error {
	compressions := hive.WriteCompressions[r.format()]
	if compressions == nil {
		return nil
	}
	columns := w.Columns[:len(w.Columns)-len(r.PartitionBy)]
	for i := range w.Files {
		f := &w.Files[i]
		to := f.Path + ".rewritten"
		if err := hive.Rewrite(ctx, f.Path, to, r.format(), strings.ToUpper(cmp.Or(r.Compression, compressions[0])), columns); err != nil {
			return err
		}
		info, err := os.Stat(to)
		if err != nil {
			return fmt.Errorf("lakesql: write: %w", err)
		}
		if err := os.Remove(f.Path); err != nil {
			return fmt.Errorf("lakesql: write: %w", err)
		}
		f.Path, f.Bytes = to, info.Size()
	}
	return nil
}

// collect lists the files below dir and reads their partition values off their paths.
func (w *Written) collect(partitions int, buckets bool) error {
	seen := map[string]bool{}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := WrittenFile{Path: path, Bytes: info.Size()}
		if partitions > 0 {
			folder := filepath.Dir(path)
			seen[folder] = true
			parts := strings.Split(folder, "/")
			for _, p := range parts[len(parts)-partitions:] {
				_, v, _ := strings.Cut(p, "=")
				if v, err = url.PathUnescape(v); err != nil {
					return fmt.Errorf("partition folder %q: %w", p, err)
				}
				f.PartitionValues = append(f.PartitionValues, v)
			}
			if last := len(f.PartitionValues) - 1; buckets {
				if f.Bucket, err = strconv.Atoi(f.PartitionValues[last]); err != nil {
					return fmt.Errorf("bucket folder %q: %w", folder, err)
				}
				f.PartitionValues = f.PartitionValues[:last]
			}
		}
		w.Files = append(w.Files, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("lakesql: write: %w", err)
	}
	if len(seen) > maxWritePartitions {
		return &Error{Name: "HIVE_TOO_MANY_OPEN_PARTITIONS", Message: fmt.Sprintf("Exceeded limit of %d open writers for partitions/buckets", maxWritePartitions)}
	}
	return nil
}

func (r *WriteRequest) format() string { return strings.ToUpper(r.Format) }

// options is what COPY is told of the form of the files.
func (r *WriteRequest) options() (string, error) {
	codec := strings.ToLower(r.Compression)
	switch codec {
	case "":
		codec = "gzip"
	case "none", "uncompressed":
		codec = "uncompressed"
	}
	var allowed string
	options := "FORMAT csv, HEADER false, DELIMITER '', QUOTE '', ESCAPE '', NULLSTR ''"
	switch r.format() {
	case "PARQUET":
		options, allowed = "FORMAT parquet", " gzip snappy zstd uncompressed "
	case "ORC", "AVRO": // which the files are turned into
		if c := strings.ToUpper(r.Compression); c != "" && !slices.Contains(hive.WriteCompressions[r.format()], c) {
			return "", &Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("Compression %s is not supported for files of format %s", c, r.format())}
		}
		return "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 20480", nil // one group is in memory, of at most hive.maxGroup
	case "JSON", "TEXTFILE":
		allowed = " gzip zstd uncompressed "
	default:
		return "", &Error{Name: "NOT_SUPPORTED", Message: "Writing files of format " + r.format() + " is not supported"}
	}
	if !strings.Contains(allowed, " "+codec+" ") {
		return "", &Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("Compression %s is not supported for files of format %s", strings.ToUpper(codec), r.format())}
	}
	if codec == "uncompressed" && r.format() != "PARQUET" {
		codec = "none"
	}
	return options + ", COMPRESSION " + codec, nil
}

// target is the columns to write, and for each the text of its value in terms of q0, q1...
func (r *WriteRequest) target(result []ResultColumn) ([]Column, []string, error) {
	if len(r.Columns) == 0 {
		columns, items := make([]Column, len(result)), make([]string, len(result))
		seen := map[string]bool{}
		for i, c := range result {
			name := strings.ToLower(c.Name)
			if seen[name] {
				return nil, nil, &Error{Name: "DUPLICATE_COLUMN_NAME", Position: r.Statement.Pos(), Message: fmt.Sprintf("Column name '%s' specified more than once", name)}
			}
			seen[name] = true
			if c.FullType == "unknown" {
				return nil, nil, &Error{Name: "COLUMN_TYPE_UNKNOWN", Position: r.Statement.Pos(), Message: "Column type is unknown at position " + fmt.Sprint(i+1)}
			}
			if c.Hive == nil {
				return nil, nil, &Error{Name: "NOT_SUPPORTED", Message: "Unsupported Hive type: " + c.FullType}
			}
			columns[i] = Column{Name: name, Type: c.Hive}
			items[i] = fmt.Sprintf("CAST(q%d AS %s)", i, duck.Type(hive.TypeOf(c.Hive)))
		}
		n := len(columns) - len(r.PartitionBy)
		for i, p := range r.PartitionBy {
			if n < 1 || columns[n+i].Name != strings.ToLower(p) {
				return nil, nil, &Error{Name: "HIVE_COLUMN_ORDER_MISMATCH", Message: fmt.Sprintf("Partition keys must be the last columns in the table and in the same order as the table properties: %v", r.PartitionBy)}
			}
		}
		return columns, items, nil
	}
	items := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		items[i] = "CAST(NULL AS " + duck.Type(hive.TypeOf(c.Type)) + ")"
	}
	into := r.Insert
	if len(into) == 0 {
		for _, c := range r.Columns {
			into = append(into, c.Name)
		}
	}
	mismatch := len(into) != len(result)
	var have, want []string
	for i, name := range into {
		at := -1
		for j, c := range r.Columns {
			if strings.EqualFold(c.Name, name) {
				at = j
			}
		}
		if at < 0 {
			return nil, nil, &Error{Name: "COLUMN_NOT_FOUND", Message: "Insert column name does not exist in target table: " + name}
		}
		to := hive.TypeOf(r.Columns[at].Type)
		want = append(want, to.String())
		if i < len(result) {
			mismatch = mismatch || !types.Insertable(result[i].typ, to)
			items[at] = whole(fmt.Sprintf("q%d", i), result[i].typ, to)
		}
	}
	for _, c := range result {
		have = append(have, c.FullType)
	}
	if mismatch {
		return nil, nil, &Error{Name: "TYPE_MISMATCH", Position: r.Statement.Pos(), Message: fmt.Sprintf("Insert query has mismatched column types: Table: [%s], Query: [%s]", strings.Join(want, ", "), strings.Join(have, ", "))}
	}
	return r.Columns, items, nil
}

// whole is a value as one of the type that it is written as. Text that is too long fails, unless it is spaces that are too
// much.
func whole(value string, from, to *sql.Type) string {
	text := duck.Convert("CAST(", value, from, to, 0)
	if !types.Is(to, "varchar", "char") || len(to.Params) != 1 || !types.Is(from, "varchar", "char") || from.String() == to.String() {
		return text
	}
	if types.Is(to, "varchar") {
		text = fmt.Sprintf("substr(%s, 1, %d)", text, to.Params[0])
	}
	raise := duck.Raise("INVALID_CAST_ARGUMENT", duck.Quote(fmt.Sprintf("Cannot truncate non-space characters when casting from %s to %s on INSERT", types.Text(from), types.Text(to))))
	return fmt.Sprintf("CASE WHEN length(rtrim(%s, ' ')) > %d THEN %s ELSE %s END", value, to.Params[0], raise, text)
}

// rows is the select items of what COPY writes, and the names of the partition columns
// among them.
func (r *WriteRequest) rows(form hive.Form, columns []Column, items []string) (body, partitions []string) {
	n := len(columns) - len(r.PartitionBy)
	switch r.format() {
	case "PARQUET", "ORC", "AVRO":
		for i := range n {
			body = append(body, items[i]+" AS "+duck.Ident(columns[i].Name))
		}
	case "JSON": // a line is made here, so that COPY need not know JSON
		fields := make([]string, n)
		for i := range n {
			fields[i] = duck.Ident(columns[i].Name) + " := " + form.JSONValue(items[i], hive.TypeOf(columns[i].Type), 0)
		}
		body = []string{"CAST(to_json(struct_pack(" + strings.Join(fields, ", ") + ")) AS VARCHAR) AS line"}
	default:
		typs := make([]*sql.Type, n)
		for i := range n {
			typs[i] = hive.TypeOf(columns[i].Type)
		}
		body = []string{form.Line(items[:n], typs) + " AS line"}
	}
	for i := range r.PartitionBy {
		name := fmt.Sprintf("__partition%d", i)
		body = append(body, "coalesce(nullif("+hive.Form{}.Text(items[n+i], hive.TypeOf(columns[n+i].Type))+", ''), "+duck.Quote(hive.DefaultPartition)+") AS "+name)
		partitions = append(partitions, name)
	}
	return body, partitions
}
