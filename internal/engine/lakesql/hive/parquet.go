package hive

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// readParquet reads files of the same schema together: columns are found by name in any
// case, those that a file does not have are null.
func (s *scan) readParquet(pieces []Piece) []string {
	table := s.Table
	options := ""
	if !strings.Contains(strings.ToLower(columnTypes(table)), "binary") {
		options = ", binary_as_string=true"
	}
	var out []string
	for _, g := range s.bySchema(pieces) {
		actual := map[string]parquetColumn{}
		for _, c := range g.columns {
			if lower := strings.ToLower(c.name); actual[lower].name == "" {
				actual[lower] = c
			}
		}
		fine := s.finer(g, s.micros(g))
		read := &parquetRead{strings: options != ""}
		byIndex := s.format == "" && strings.EqualFold(g.pieces[0].Format.SerDeParams["parquet.column.index.access"], "true")
		var items []string
		asked := map[string]bool{} // of the file's columns
		for i, c := range table.Columns {
			name, typ := strings.ToLower(c.Name), duck.Type(TypeOf(c.Type))
			a, ok := actual[name]
			if byIndex {
				if a, ok = (parquetColumn{}), i < len(g.columns); ok {
					a = g.columns[i]
				}
			}
			value := duck.Ident(a.name)
			read.column = name
			if ok && s.asks(name) {
				asked[a.name] = true
			}
			switch {
			case !ok:
				items = append(items, "CAST(NULL AS "+typ+") AS "+duck.Ident(name))
				continue
			case a.nested != nil:
				text, _, same := read.nested(value, a.nested, c.Type, 0)
				if value = text; !same {
					value = s.incompatible(g, a, c, typ)
				}
			case !fits(a, c.Type):
				value = s.incompatible(g, a, c, typ)
			default:
				value = read.leaf(value, a, c.Type, fine[a.name])
			}
			items = append(items, value+" AS "+duck.Ident(name))
		}
		s.readsColumns(g, asked)
		added, per := s.added(g.pieces)
		items = append(items, added...)
		if s.Bare && len(s.Hidden) == 0 {
			items, per = []string{"1"}, &perFile{}
		}
		out = append(out, "SELECT "+strings.Join(items, ", ")+" FROM "+per.source("read_parquet("+fileList(g.pieces)+", hive_partitioning=false"+options+")"))
	}
	return out
}

// readsColumns notes the bytes of some columns in files.
func (s *scan) readsColumns(g schemaGroup, columns map[string]bool) {
	if s.format != "" { // what the files were converted from is noted where that is done
		return
	}
	for _, p := range g.pieces {
		for _, f := range p.Files {
			total := int64(0)
			for i, size := range g.sizes[f.Path] {
				if columns[g.columns[i].name] {
					total += size
				}
			}
			s.reads(f.Path, total)
		}
	}
}

// parquetRead is how DuckDB is told to read some files.
type parquetRead struct {
	column  string // the one that is read
	strings bool   // bytes that are not said to be text are read as that
}

// leaf is a value that is not nested, whose type fits that of the table's, as that. finer: a
// time may have digits beyond milliseconds.
func (g *parquetRead) leaf(value string, a parquetColumn, t *hivetype.Type, finer bool) string {
	typ := duck.Type(TypeOf(t))
	if a.typ == "BLOB" && typ == "VARCHAR" {
		if !g.strings {
			value = "trino_from_utf8(" + value + ", '\uFFFD')"
		}
		a.typ = typ
	}
	switch {
	case a.typ == "VARCHAR" && typ == "BLOB":
		return "encode(" + value + ")"
	case t.Kind == hivetype.Timestamp && (a.typ != typ || a.physical == "INT96" || finer):
		return millis("CAST(" + value + " AS TIMESTAMP)")
	case a.typ == typ && (t.Kind == hivetype.Varchar || t.Kind == hivetype.Char):
		return cut(value, TypeOf(t))
	case a.typ == typ: // a cast, even to the same type, costs
		return value
	case a.typ != "" && (t.Kind == hivetype.Decimal || narrower(t, a.typ)):
		return "CASE WHEN " + value + " IS NOT NULL THEN coalesce(TRY_CAST(" + value + " AS " + typ + "), " + duck.Raise("HIVE_BAD_DATA", duck.Quote("Value out of range for type "+t.String()+" of column "+g.column+": ")+" || "+value) + ") END"
	case t.Kind == hivetype.Varchar || t.Kind == hivetype.Char:
		return cut("TRY_CAST("+value+" AS "+typ+")", TypeOf(t))
	}
	return "TRY_CAST(" + value + " AS " + typ + ")"
}

// micros is the columns of a group of files whose times may have digits beyond milliseconds,
// and are compared by what their footers say of them as long as they have not.
func (s *scan) micros(g schemaGroup) []string {
	if s.Bare || !slices.ContainsFunc(s.Table.Columns, func(c catalog.Column) bool { return c.Type.Kind == hivetype.Timestamp }) {
		return nil
	}
	var out []string
	for _, a := range g.columns {
		if a.typ == "TIMESTAMP" && a.physical == "INT64" && len(out) < 60 {
			out = append(out, a.name)
		}
	}
	return out
}

// millis rounds to the precision that timestamps have in tables.
func millis(value string) string {
	return "date_trunc('millisecond', " + value + " + INTERVAL 500 MICROSECOND)"
}

// narrower reports whether whole numbers of a type of DuckDB's may be out of the range of t.
func narrower(t *hivetype.Type, from string) bool {
	wide := map[hivetype.Kind]int{hivetype.TinyInt: 1, hivetype.SmallInt: 2, hivetype.Int: 4, hivetype.BigInt: 8}[t.Kind]
	bytes, ok := map[string]int{"TINYINT": 1, "SMALLINT": 2, "INTEGER": 4, "BIGINT": 8, "UTINYINT": 2, "USMALLINT": 4, "UINTEGER": 8}[from]
	return wide > 0 && (!ok || bytes > wide)
}

// fits reports whether values of a file's column are values of the table's: as written, or in
// a type that may become the other when a table's schema is changed.
func fits(a parquetColumn, t *hivetype.Type) bool {
	integer := strings.HasSuffix(a.typ, "INT") || a.typ == "INTEGER" || a.typ == "UINTEGER"
	switch t.Kind {
	case hivetype.Boolean:
		return a.typ == "BOOLEAN"
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		return integer || strings.HasSuffix(a.typ, ",0)")
	case hivetype.Float:
		return a.typ == "FLOAT"
	case hivetype.Double:
		return a.typ == "FLOAT" || a.typ == "DOUBLE"
	case hivetype.Decimal:
		return integer || strings.HasPrefix(a.typ, "DECIMAL")
	case hivetype.Date:
		return a.typ == "DATE"
	case hivetype.Timestamp:
		return strings.HasPrefix(a.typ, "TIMESTAMP")
	case hivetype.String, hivetype.Varchar, hivetype.Char, hivetype.Binary:
		return a.typ != "" && (a.physical == "BYTE_ARRAY" || a.physical == "FIXED_LEN_BYTE_ARRAY") && !strings.HasPrefix(a.typ, "DECIMAL")
	}
	return a.typ == ""
}

// incompatible fails where a column is read whose values are of another type than the table's.
func (s *scan) incompatible(g schemaGroup, a parquetColumn, c catalog.Column, typ string) string {
	kind := a.physical
	if a.typ == "" {
		kind = "GROUP"
	}
	format := s.format
	if format == "" {
		format = "parquet"
	}
	text := duck.Quote(fmt.Sprintf("Field %s's type %s in %s file %s is incompatible with type %s defined in table schema", strings.ToLower(a.name), kind, format, g.pieces[0].Files[0].URI, types.Text(TypeOf(c.Type))))
	return "CAST(CASE WHEN " + duck.Ident(a.name) + " IS NOT NULL THEN " + duck.Raise("HIVE_BAD_DATA", text) + " END AS " + typ + ")"
}

func columnTypes(table *catalog.Table) string {
	var b strings.Builder
	for _, c := range table.Columns {
		b.WriteString(c.Type.String() + ",")
	}
	return b.String()
}
