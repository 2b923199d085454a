// Package hive writes DuckDB's SELECTs over the files of a table in the formats and SerDes of
// Hive, and the text that Hive writes. Files of one format are read together.
//
// Every file is read as its SerDe says: a column by name or by place, typed as the table
// declares it. A reader (parquet.go, json.go, text.go, regex.go) gives a SELECT whose columns
// are the table's, the partition columns and the hidden ones added by added (read.go).
package hive

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Piece is the files of one partition, or of a table without partitions.
type Piece struct {
	Values []string // of the partition columns
	Format catalog.Format
	Files  []catalog.File
	// Columns are the table's with the types that the partition's files are read by; nil: the table's.
	Columns []catalog.Column
}

// DefaultPartition is how Hive writes the null of a partition column.
const DefaultPartition = "__HIVE_DEFAULT_PARTITION__"

// Reader writes the SELECTs over the files of one query, and holds what it unpacked for it.
// Close ends it.
type Reader struct {
	Footers     *Footers     // of Parquet files
	Conversions *Conversions // of files that DuckDB does not read
	// Unpacked are the URIs of the objects that were unpacked, by the paths of what they became.
	Unpacked map[string]string
	// Read are the bytes that are read of files whose format stores columns apart, by path.
	Read map[string]int64

	mu     sync.Mutex
	held   []*conversion
	copies map[string]string // the files that data was read of, by the paths of their copies
}

// Close ends the use of what was converted for the query.
func (r *Reader) Close() {
	for _, e := range r.held {
		r.Conversions.release(e)
	}
	r.held = nil
}

// Scan is what is read of a table.
type Scan struct {
	Position sql.Position // of the table's name in the statement
	Table    *catalog.Table
	Hidden   []string // of HiddenColumns, those that are asked for
	Bare     bool     // of the rows only their number is asked for
	// Asked reports whether a column of the table may be asked for; the others may have any value.
	// nil: all are.
	Asked func(column string) bool
}

// asks reports whether a column may be asked for.
func (s Scan) asks(column string) bool { return !s.Bare && (s.Asked == nil || s.Asked(column)) }

// reads notes that so many bytes of a file are read.
func (r *Reader) reads(path string, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Read == nil {
		r.Read = map[string]int64{}
	}
	if from := r.copies[path]; from != "" {
		path = from
	}
	r.Read[path] = max(r.Read[path], bytes)
}

// scan is a Scan that a Reader is writing.
type scan struct {
	*Reader
	Scan
	ctx    context.Context
	format string // that files were converted from; empty: they are as they were
}

// Select gives the SELECTs whose UNION ALL is the table's rows: its columns, typed and named
// in lower case, then its partition columns, then the hidden ones that are asked for. None: the
// pieces have no files. It fails by panics that fault.Catch turns into errors.
func (r *Reader) Select(ctx context.Context, s Scan, pieces []Piece) []string {
	// Pieces of the same format are read together.
	var order []string
	groups := map[string][]Piece{}
	for _, p := range pieces {
		if len(p.Files) == 0 {
			continue
		}
		key := p.Format.SerDe + "\x00" + p.Format.InputFormat + "\x00" + fmt.Sprint(p.Format.SerDeParams)
		for _, c := range p.Columns {
			key += "\x00" + c.Type.String()
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], p)
	}
	var selects []string
	for _, key := range order {
		one := &scan{Reader: r, Scan: s, ctx: ctx}
		selects = append(selects, one.coerced(one.opened(groups[key]))...)
	}
	return selects
}

// read writes the SELECTs over the pieces of one format.
func (s *scan) read(pieces []Piece) []string {
	at, table, format := s.Position, s.Table, pieces[0].Format
	class := format.SerDe[strings.LastIndexByte(format.SerDe, '.')+1:]
	s.checkInput(format)
	switch {
	case format.InputFormat == cloudTrailInput || class == "CloudTrailSerde":
		return s.readJSON(s.cloudTrail(pieces))
	case strings.Contains(class, "Parquet") || class == "" && strings.Contains(format.InputFormat, "Parquet"):
		return s.readParquet(pieces)
	case class == "AvroSerDe":
		return s.readAvro(pieces)
	case class == "OrcSerde":
		return s.readORC(pieces)
	}
	pieces = s.unpacked(pieces)
	switch {
	case strings.EqualFold(class, "JsonSerDe"), strings.EqualFold(class, "HiveJsonSerDe"):
		return s.readJSON(pieces)
	case class == "RegexSerDe":
		return s.readRegex(pieces)
	case class == "GrokSerDe":
		return s.readGrok(pieces)
	case class == "OpenCSVSerde":
		return s.readText(pieces, true)
	case class == "LazySimpleSerDe", class == "", class == "MultiDelimitSerDe":
		return s.readText(pieces, false)
	}
	fault.Fail(at, "NOT_SUPPORTED", "SerDe %s of table %s.%s is not supported", format.SerDe, table.Database, table.Name)
	return nil
}

// fileList is the files of pieces as a DuckDB list. The characters of patterns in names
// are put in brackets, so that they stand for themselves.
func fileList(pieces []Piece) string {
	escape := strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")
	var b strings.Builder
	b.WriteByte('[')
	n := 0
	for _, p := range pieces {
		for _, f := range p.Files {
			if n > 0 {
				b.WriteString(", ")
			}
			n++
			b.WriteString(duck.Quote(escape.Replace(f.Path)))
		}
	}
	return b.String() + "]"
}

// joinedFiles is how many files make it worth to join what differs by file, where a list
// constant would be copied for each chunk of rows.
const joinedFiles = 100

// perFile builds the expressions that have a value for each file of a reader's list.
type perFile struct {
	files int
	join  []string // select items of the joined relation, for many files
}

// expr is an expression that has one of the given values for each file.
func (p *perFile) expr(values []string, null []bool, typ string) string {
	same := true
	for i := range values {
		same = same && values[i] == values[0] && null[i] == null[0]
	}
	literal := func(i int) string {
		if null[i] {
			return "NULL"
		}
		return duck.Quote(values[i])
	}
	if same {
		return "CAST(" + literal(0) + " AS " + typ + ")"
	}
	parts := make([]string, len(values))
	for i := range values {
		parts[i] = literal(i)
	}
	list := "CAST([" + strings.Join(parts, ", ") + "] AS " + typ + "[])"
	if p.files <= joinedFiles {
		return list + "[CAST(file_index AS BIGINT) + 1]"
	}
	name := fmt.Sprintf("__file_value%d", len(p.join))
	p.join = append(p.join, "unnest("+list+") AS "+name)
	return name
}

// source is the reader, joined with what differs by file.
func (p *perFile) source(reader string) string {
	if p.join == nil {
		return reader
	}
	return fmt.Sprintf("%s JOIN (SELECT unnest(range(%d)) AS __file_number, %s) ON CAST(file_index AS BIGINT) = __file_number", reader, p.files, strings.Join(p.join, ", "))
}

// added is the select items of partition columns and hidden columns.
func (s *scan) added(pieces []Piece) ([]string, *perFile) {
	per := &perFile{}
	for _, p := range pieces {
		per.files += len(p.Files)
	}
	var items []string
	for i, c := range s.Table.PartitionColumns {
		var values []string
		var null []bool
		for _, p := range pieces {
			NeedPartition(c, p.Values[i])
			for range p.Files {
				values = append(values, PartitionText(c, p.Values[i]))
				null = append(null, p.Values[i] == DefaultPartition)
			}
		}
		items = append(items, per.expr(values, null, duck.Type(TypeOf(c.Type)))+" AS "+duck.Ident(strings.ToLower(c.Name)))
	}
	for _, name := range s.hidden() {
		var values []string
		var null []bool
		for _, p := range pieces {
			for _, f := range p.Files {
				v := s.hiddenValue(name, p, f)
				values, null = append(values, v), append(null, v == "")
			}
		}
		items = append(items, per.expr(values, null, duck.Type(HiddenType(name)))+" AS "+duck.Ident(name))
	}
	return items, per
}

// PartitionText is a value of a partition as its column has it: a char(n) with the spaces at its end.
func PartitionText(c catalog.Column, value string) string {
	if c.Type.Kind == hivetype.Char {
		value = strings.TrimRight(value, " ")
	}
	if missing := c.Type.Length - utf8.RuneCountInString(value); c.Type.Kind == hivetype.Char && missing > 0 {
		return value + strings.Repeat(" ", missing)
	}
	return value
}

// NeedPartition fails where a value of a partition is not one of its column.
func NeedPartition(c catalog.Column, value string) {
	if !validPartition(c.Type, value) {
		panic(fault.Stop(&fault.Error{Name: "HIVE_INVALID_PARTITION_VALUE", Message: fmt.Sprintf("Invalid partition value '%s' for %s partition key: %s", value, strings.ToUpper(types.Text(TypeOf(c.Type))), strings.ToLower(c.Name))}))
	}
}

// validPartition reports whether a value may be one of a partition column: where that has whole
// numbers, DuckDB would round others, what is not a day is one error everywhere, and texts are not
// cut, by which partitions would be one.
func validPartition(t *hivetype.Type, value string) bool {
	switch {
	case value == DefaultPartition:
		return true
	case t.Kind == hivetype.Char:
		return utf8.RuneCountInString(strings.TrimRight(value, " ")) <= t.Length
	case t.Kind == hivetype.Varchar:
		return utf8.RuneCountInString(value) <= t.Length
	}
	if t.Kind == hivetype.Date {
		_, err := time.Parse("2006-1-2", value)
		return err == nil
	}
	bits := map[hivetype.Kind]int{hivetype.TinyInt: 8, hivetype.SmallInt: 16, hivetype.Int: 32, hivetype.BigInt: 64}[t.Kind]
	if bits == 0 {
		return true
	}
	_, err := strconv.ParseInt(value, 10, bits)
	return err == nil
}
