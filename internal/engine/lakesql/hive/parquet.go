package hive

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
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
			if ok && a.typ == typ && (c.Type.Kind == hivetype.Varchar || c.Type.Kind == hivetype.Char) {
				items = append(items, cut(duck.Ident(a.name), TypeOf(c.Type))+" AS "+duck.Ident(name))
			} else if ok && a.typ == typ {
				items = append(items, duck.Ident(a.name)+" AS "+duck.Ident(name)) // a cast, even to the same type, costs
			} else if ok {
				items = append(items, "TRY_CAST("+duck.Ident(a.name)+" AS "+typ+") AS "+duck.Ident(name))
			} else {
				items = append(items, "CAST(NULL AS "+typ+") AS "+duck.Ident(name))
			}
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

func columnTypes(table *catalog.Table) string {
	var b strings.Builder
	for _, c := range table.Columns {
		b.WriteString(c.Type.String() + ",")
	}
	return b.String()
}
