package trino

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
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
		fault.Fail(r.Position, "TABLE_NOT_FOUND", "Table '%s.information_schema.%s' does not exist", t.catalogName(), name)
	}
	var columns []column
	for _, f := range fields {
		typ := types.Varchar
		if f == "ordinal_position" {
			typ = types.Bigint
		}
		columns = append(columns, column{name: f, typ: typ})
	}
	own := duck.Quote(t.catalogName())
	var rows []string
	add := func(values ...string) { rows = append(rows, "("+strings.Join(values, ", ")+")") }
	databases, err := t.request.Catalog.Databases(t.ctx)
	if err != nil {
		panic(fault.Stop(err))
	}
	for _, db := range databases {
		if name == "schemata" {
			add(own, duck.Quote(db))
			continue
		}
		names, err := t.request.Catalog.Tables(t.ctx, db)
		if err != nil {
			panic(fault.Stop(err))
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
				add(own, duck.Quote(db), duck.Quote(n), kind)
			case "views":
				if table.ViewSQL != "" {
					add(own, duck.Quote(db), duck.Quote(n), duck.Quote(table.ViewSQL))
				}
			default:
				const none = "CAST(NULL AS VARCHAR)"
				for i, c := range table.ViewColumns {
					typ := c.Type
					if known := typeOf(typ); known != nil {
						typ = known.String()
					}
					add(own, duck.Quote(db), duck.Quote(n), duck.Quote(strings.ToLower(c.Name)), strconv.Itoa(i+1), none, "'YES'", duck.Quote(typ), none, none)
				}
				if table.ViewSQL != "" {
					continue
				}
				for i, c := range append(append([]catalog.Column{}, table.Columns...), table.PartitionColumns...) {
					extra, comment := none, none
					if c.Comment != "" {
						comment = duck.Quote(c.Comment)
					}
					if i >= len(table.Columns) {
						extra = "'partition key'"
					}
					add(own, duck.Quote(db), duck.Quote(n), duck.Quote(strings.ToLower(c.Name)), strconv.Itoa(i+1), none, "'YES'", duck.Quote(typeName(c.Type)), comment, extra)
				}
			}
		}
	}
	list := columnList(columns)
	if rows == nil {
		items := make([]string, len(columns))
		for i, c := range columns {
			items[i] = "CAST(NULL AS " + duck.Type(c.typ) + ") AS " + duck.Ident(c.name)
		}
		return "(SELECT " + strings.Join(items, ", ") + " WHERE false)", columns
	}
	return "(SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS v" + list + ")", columns
}

// typeName is a column's type as information_schema has it.
func typeName(h *hivetype.Type) string { return hive.TypeOf(h).String() }

// partitions is a table's partitions as rows: "table$partitions".
func (t *translator) partitions(at sql.Position, table *catalog.Table, alias string, in *scope) (string, []column) {
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
			panic(fault.Stop(fmt.Errorf("partitions of %s.%s: %w", table.Database, table.Name, err)))
		}
		for _, x := range list {
			all = append(all, x.Values)
		}
	}
	columns, items := make([]column, len(p.columns)), make([]string, len(p.columns))
	for i, c := range p.columns {
		columns[i] = column{name: c.Name, typ: hive.TypeOf(c.Type)}
		items[i] = "CAST(" + duck.Ident(c.Name) + " AS " + duck.Type(columns[i].typ) + ") AS " + duck.Ident(c.Name)
	}
	// The first row is for the types of a list without any other.
	rows := []string{"(" + strings.TrimSuffix(strings.Repeat("NULL::VARCHAR, ", len(columns)), ", ") + ")"}
	for _, values := range all {
		if len(values) != len(columns) {
			continue
		}
		texts := make([]string, len(values))
		for i, v := range values {
			hive.NeedPartition(p.columns[i], v)
			if texts[i] = duck.Quote(hive.PartitionText(p.columns[i], v)); v == hive.DefaultPartition {
				texts[i] = "NULL"
			}
		}
		rows = append(rows, "("+strings.Join(texts, ", ")+")")
	}
	return "(SELECT " + strings.Join(items, ", ") + " FROM (VALUES " + strings.Join(rows, ", ") + ") AS p" + columnList(columns) + " OFFSET 1)", columns
}
