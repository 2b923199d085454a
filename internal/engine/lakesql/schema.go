package lakesql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// informationSchema answers information_schema's relations from the catalog.
func (t *translator) informationSchema(r *sql.Table, name string) (string, []column) {
	fields := map[string][]string{
		"schemata": {"catalog_name", "schema_name"},
		"tables":   {"table_catalog", "table_schema", "table_name", "table_type"},
		"columns":  {"table_catalog", "table_schema", "table_name", "column_name", "ordinal_position", "column_default", "is_nullable", "data_type", "comment", "extra_info"},
		"views":    {"table_catalog", "table_schema", "table_name", "view_definition"},
	}[name]
	if fields == nil {
		fail(r.Position, "TABLE_NOT_FOUND", "Table '%s.information_schema.%s' does not exist", t.catalogName(), name)
	}
	var columns []column
	for _, f := range fields {
		typ := varcharType
		if f == "ordinal_position" {
			typ = bigintType
		}
		columns = append(columns, column{name: f, typ: typ})
	}
	own := quote(t.catalogName())
	var rows []string
	add := func(values ...string) { rows = append(rows, "("+strings.Join(values, ", ")+")") }
	databases, err := t.request.Catalog.Databases(t.ctx)
	if err != nil {
		panic(stop{err})
	}
	for _, db := range databases {
		if name == "schemata" {
			add(own, quote(db))
			continue
		}
		names, err := t.request.Catalog.Tables(t.ctx, db)
		if err != nil {
			panic(stop{err})
		}
		for _, n := range names {
			table, err := t.request.Catalog.Table(t.ctx, db, n)
			if err != nil {
				continue // dropped meanwhile
			}
			switch name {
			case "tables":
				kind := "'BASE TABLE'"
				if table.ViewSQL != "" {
					kind = "'VIEW'"
				}
				add(own, quote(db), quote(n), kind)
			case "views":
				if table.ViewSQL != "" {
					add(own, quote(db), quote(n), quote(table.ViewSQL))
				}
			default:
				for i, c := range append(append([]Column{}, table.Columns...), table.PartitionColumns...) {
					const none = "CAST(NULL AS VARCHAR)"
					extra, comment := none, none
					if c.Comment != "" {
						comment = quote(c.Comment)
					}
					if i >= len(table.Columns) {
						extra = "'partition key'"
					}
					add(own, quote(db), quote(n), quote(strings.ToLower(c.Name)), strconv.Itoa(i+1), none, "'YES'", quote(typeName(c.Type)), comment, extra)
				}
			}
		}
	}
	list := columnList(columns)
	if rows == nil {
		items := make([]string, len(columns))
		for i, c := range columns {
			items[i] = "CAST(NULL AS " + duckType(c.typ) + ") AS " + ident(c.name)
		}
		return "(SELECT " + strings.Join(items, ", ") + " WHERE false)", columns
	}
	return "(SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS v" + list + ")", columns
}

// typeName is a column's type as information_schema has it.
func typeName(h *hivetype.Type) string { return trinoType(h).String() }

// partitions is a table's partitions as rows: "table$partitions".
func (t *translator) partitions(at sql.Position, table *Table, alias string, in *scope) (string, []column) {
	p := &pruner{t: t, relation: alias, columns: lowerColumns(table.PartitionColumns)}
	var all [][]string
	if strings.EqualFold(table.Parameters["projection.enabled"], "true") {
		var where []sql.Expr
		if in != nil {
			where = in.where
		}
		all = t.project(at, table, p, where)
	} else {
		list, err := t.request.Catalog.Partitions(t.ctx, table)
		if err != nil {
			panic(stop{fmt.Errorf("partitions of %s.%s: %w", table.Database, table.Name, err)})
		}
		for _, x := range list {
			all = append(all, x.Values)
		}
	}
	columns, items := make([]column, len(p.columns)), make([]string, len(p.columns))
	for i, c := range p.columns {
		columns[i] = column{name: c.Name, typ: trinoType(c.Type)}
		items[i] = "CAST(" + ident(c.Name) + " AS " + duckType(columns[i].typ) + ") AS " + ident(c.Name)
	}
	// The first row is for the types of a list without any other.
	rows := []string{"(" + strings.TrimSuffix(strings.Repeat("NULL::VARCHAR, ", len(columns)), ", ") + ")"}
	for _, values := range all {
		if len(values) != len(columns) {
			continue
		}
		texts := make([]string, len(values))
		for i, v := range values {
			if texts[i] = quote(v); v == defaultPartition {
				texts[i] = "NULL"
			}
		}
		rows = append(rows, "("+strings.Join(texts, ", ")+")")
	}
	return "(SELECT " + strings.Join(items, ", ") + " FROM (VALUES " + strings.Join(rows, ", ") + ") AS p" + columnList(columns) + " OFFSET 1)", columns
}
