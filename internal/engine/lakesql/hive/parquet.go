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
		byIndex := strings.EqualFold(g.pieces[0].Format.SerDeParams["parquet.column.index.access"], "true")
		var items []string
		for i, c := range table.Columns {
			name, typ := strings.ToLower(c.Name), duck.Type(TypeOf(c.Type))
			a, ok := actual[name]
			if byIndex {
				if a, ok = (parquetColumn{}), i < len(g.columns); ok {
					a = g.columns[i]
				}
			}
			value := duck.Ident(a.name)
			switch {
			case !ok:
				items = append(items, "CAST(NULL AS "+typ+") AS "+duck.Ident(name))
				continue
			case !fits(a, c.Type):
				value = s.incompatible(g, a, c, typ)
			case c.Type.Kind == hivetype.Timestamp && (a.typ != typ || a.physical == "INT96" || fine[a.name]):
				value = millis("CAST(" + value + " AS TIMESTAMP)")
			case a.typ == typ && (c.Type.Kind == hivetype.Varchar || c.Type.Kind == hivetype.Char):
				value = cut(value, TypeOf(c.Type))
			case a.typ == typ: // a cast, even to the same type, costs
			case a.typ != "" && (c.Type.Kind == hivetype.Decimal || narrower(c.Type, a.typ)):
				value = "CASE WHEN " + value + " IS NOT NULL THEN coalesce(TRY_CAST(" + value + " AS " + typ + "), " + duck.Raise("HIVE_BAD_DATA", duck.Quote("Value out of range for type "+c.Type.String()+" of column "+name+": ")+" || "+value) + ") END"
			case strings.Contains(typ, "TIMESTAMP"):
				value = "CAST(TRY_CAST(" + value + " AS " + strings.ReplaceAll(typ, "TIMESTAMP", "TIMESTAMP_MS") + ") AS " + typ + ")"
			case c.Type.Kind == hivetype.Varchar || c.Type.Kind == hivetype.Char:
				value = cut("TRY_CAST("+value+" AS "+typ+")", TypeOf(c.Type))
			default:
				value = "TRY_CAST(" + value + " AS " + typ + ")"
			}
			items = append(items, value+" AS "+duck.Ident(name))
		}
		added, per := s.added(g.pieces)
		items = append(items, added...)
		if s.Bare && !s.Path {
			items, per = []string{"1"}, &perFile{}
		}
		out = append(out, "SELECT "+strings.Join(items, ", ")+" FROM "+per.source("read_parquet("+fileList(g.pieces)+", hive_partitioning=false"+options+")"))
	}
	return out
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
	text := duck.Quote(fmt.Sprintf("Field %s's type %s in parquet file %s is incompatible with type %s defined in table schema", strings.ToLower(a.name), kind, g.pieces[0].Files[0].URI, types.Text(TypeOf(c.Type))))
	return "CAST(CASE WHEN " + duck.Ident(a.name) + " IS NOT NULL THEN " + duck.Raise("HIVE_BAD_DATA", text) + " END AS " + typ + ")"
}

func columnTypes(table *catalog.Table) string {
	var b strings.Builder
	for _, c := range table.Columns {
		b.WriteString(c.Type.String() + ",")
	}
	return b.String()
}
