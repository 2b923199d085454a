package lakesql

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// scan becomes a subquery over the table's files that has the catalog's columns, typed.
func (t *translator) scan(at sql.Position, table *Table, alias string, in *scope) (string, []column) {
	var where []sql.Expr
	if in != nil {
		where = in.where
	}
	pieces := t.pieces(at, table, alias, where)
	var columns []column
	for _, c := range table.Columns {
		columns = append(columns, column{name: strings.ToLower(c.Name), typ: trinoType(c.Type)})
	}
	for _, c := range table.PartitionColumns {
		columns = append(columns, column{name: strings.ToLower(c.Name), typ: trinoType(c.Type)})
	}
	if t.path {
		columns = append(columns, column{name: "$path", typ: varcharType, hidden: true})
	}

	selects := t.host.Reader.Select(t.ctx, Scan{at, table, t.path, t.bare}, pieces)
	if selects == nil {
		items := make([]string, len(columns))
		for i, c := range columns {
			items[i] = "CAST(NULL AS " + duckType(c.typ) + ") AS " + ident(c.name)
		}
		if len(items) == 0 {
			fail(at, "HIVE_INVALID_METADATA", "Table '%s.%s' has no columns", table.Database, table.Name)
		}
		return "(SELECT " + strings.Join(items, ", ") + " WHERE false)", columns
	}
	return "(" + strings.Join(selects, " UNION ALL ") + ")", columns
}

// pieces lists the table's partitions that the predicates let through, with their files.
func (t *translator) pieces(at sql.Position, table *Table, alias string, where []sql.Expr) []Piece {
	var pieces []Piece
	add := func(values []string, location string, format Format) {
		if format.SerDe == "" {
			format = table.Format
		}
		files, err := t.request.Files.Files(t.ctx, location)
		if err != nil {
			panic(stop{fmt.Errorf("list %s: %w", location, err)})
		}
		for _, f := range files {
			if !filepath.IsAbs(f.Path) || filepath.Clean(f.Path) != f.Path || !strings.HasPrefix(f.Path, t.host.Dir+string(filepath.Separator)) {
				fail(at, "HIVE_CANNOT_OPEN_SPLIT", "Permission denied: %s", f.URI)
			}
			if t.read[f.Path] == "" {
				t.read[f.Path] = f.URI
				t.bytes += f.Size
			}
		}
		pieces = append(pieces, Piece{values, format, files})
	}
	if len(table.PartitionColumns) == 0 {
		if table.Location != "" {
			add(nil, table.Location, table.Format)
		}
		return pieces
	}
	p := &pruner{t: t, relation: alias, columns: lowerColumns(table.PartitionColumns)}
	all := make([]bool, len(p.columns))
	for i := range all {
		all[i] = true
	}
	if strings.EqualFold(table.Parameters["projection.enabled"], "true") {
		for _, values := range t.project(at, table, p, where) {
			add(values, projectedLocation(table, values), table.Format)
		}
		return pieces
	}
	partitions, err := t.request.Catalog.Partitions(t.ctx, table)
	if err != nil {
		panic(stop{fmt.Errorf("partitions of %s.%s: %w", table.Database, table.Name, err)})
	}
	for _, part := range partitions {
		if len(part.Values) != len(p.columns) {
			continue
		}
		p.values, p.set = part.Values, all
		if p.holds(where) {
			add(part.Values, part.Location, part.Format)
		}
	}
	return pieces
}

func lowerColumns(columns []Column) []Column {
	out := make([]Column, len(columns))
	for i, c := range columns {
		out[i] = Column{Name: strings.ToLower(c.Name), Type: c.Type, Comment: c.Comment}
	}
	return out
}
