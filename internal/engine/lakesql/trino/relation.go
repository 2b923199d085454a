package trino

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// What stands in FROM.

func columnList(columns []column) string {
	names := make([]string, 0, len(columns))
	for _, c := range columns {
		if !c.hidden {
			names = append(names, duck.Ident(c.name))
		}
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// rename gives columns the names of an alias list.
func (t *translator) rename(at sql.Position, columns []column, names []sql.Identifier) []column {
	var out []column
	for _, c := range columns {
		if c.hidden {
			continue
		}
		out = append(out, c)
	}
	if len(out) != len(names) {
		fault.Fail(at, "MISMATCHED_COLUMN_ALIASES", "Column alias list has %d entries but relation has %d columns", len(names), len(out))
	}
	for i := range out {
		out[i].name, out[i].label = names[i].Lower(), names[i].Name
	}
	return out
}

// relation translates a relation of FROM and adds its columns to the scope.
func (t *translator) relation(r sql.Relation, in *scope) string {
	t.worked(r.Pos())
	defer func() { wide(r.Pos(), in.columns) }()
	switch r := r.(type) {
	case *sql.Table:
		text, columns := t.table(r, "", in)
		in.columns = append(in.columns, columns...)
		return text + " AS " + duck.Ident(r.Name.Last())
	case *sql.AliasedRelation:
		return t.aliased(r, in)
	case *sql.SampledRelation:
		return t.relation(r.Relation, in) + " TABLESAMPLE " + strings.ToLower(r.Method) + "(" + t.text(r.Percent, nil) + " PERCENT)"
	case *sql.SubqueryRelation:
		text, columns := t.subquery(r, in)
		in.columns = append(in.columns, columns...)
		return text
	case *sql.Unnest:
		text, columns := t.unnest(r, nil, in)
		in.columns = append(in.columns, columns...)
		return text
	case *sql.Join:
		left := t.relation(r.Left, in)
		start := len(in.columns)
		right := t.relation(r.Right, in)
		if _, ok := r.Right.(*sql.Join); ok {
			right = "(" + right + ")"
		}
		left, right = withoutUnequal(r, left, right, in.columns[:start], in.columns[start:])
		left, right = joinedInUTC(r, left, right, in.columns[:start], in.columns[start:])
		kind := r.Kind + " JOIN "
		if r.Natural {
			kind = "NATURAL " + kind
			for j := len(in.columns) - 1; j >= start; j-- { // shared columns appear once
				for i := range start {
					if in.columns[i].name == in.columns[j].name {
						sharedText(r.Position, in.columns[i], in.columns[j])
						in.columns = append(in.columns[:j:j], in.columns[j+1:]...)
						break
					}
				}
			}
		}
		text := left + " " + kind + right
		switch {
		case r.On != nil:
			t.assert(r.On)
			for _, c := range conjuncts(r.On, nil) {
				if o, ok := c.(*sql.Operation); ok && o.Op == "=" {
					t.keys[o] = true
				}
			}
			text += " ON " + t.text(r.On, in)
		case r.Using != nil:
			names := make([]string, len(r.Using))
			for i, id := range r.Using {
				names[i] = duck.Ident(id.Lower())
				for j := start; j < len(in.columns); j++ {
					if in.columns[j].name == id.Lower() {
						for k := range in.columns[:start] {
							if in.columns[k].name == id.Lower() {
								sharedText(r.Position, in.columns[k], in.columns[j])
								in.columns[k].typ = types.Common(in.columns[k].typ, in.columns[j].typ)
							}
						}
						in.columns = append(in.columns[:j:j], in.columns[j+1:]...)
						break
					}
				}
			}
			for _, id := range r.Using {
				if name := id.Lower(); !slices.Contains(in.using, name) {
					in.using = append(in.using, name)
				}
			}
			text += " USING (" + strings.Join(names, ", ") + ")"
		}
		return text
	}
	panic(fmt.Sprintf("lakesql: unknown relation %T", r))
}

// unequal is a join by names of values that DuckDB takes for equal to themselves and Trino does not: NaN, and
// arrays, maps and rows with nulls or NaN in them.
const unequal = "__raise('NOT_SUPPORTED: FULL JOIN by names of NaN, or of values with nulls in them, is not supported: join them ON a.x = b.x')"

// withoutUnequal leaves out, of the side of a join by names that gives rows only to those that it meets, rows
// with a value to be joined by that is not equal to itself: they meet none. A FULL JOIN, which gives rows of
// both sides, fails where its right side has one. It is done to tables and subqueries.
func withoutUnequal(r *sql.Join, left, right string, ours, theirs []column) (string, string) {
	var tests []string
	for _, a := range ours {
		using := func(id sql.Identifier) bool { return id.Lower() == a.name }
		for _, b := range theirs {
			if a.name != b.name || !own(a.typ, b.typ) || !r.Natural && !slices.ContainsFunc(r.Using, using) {
				continue
			}
			name := duck.Ident(a.name)
			test := "(" + name + " IS NULL OR " + equality(name, name, a.typ, a.typ, 0) + ")"
			if r.Kind == "FULL" {
				test = "CASE WHEN " + test + " THEN true ELSE CAST(" + unequal + " AS BOOLEAN) END"
			}
			if !slices.Contains(tests, test) {
				tests = append(tests, test)
			}
		}
	}
	if tests == nil {
		return left, right
	}
	without := func(r sql.Relation, text string) (string, bool) {
		name := relationName(r)
		if name == "" {
			return text, false
		}
		return "(SELECT * FROM " + text + " WHERE " + strings.Join(tests, " AND ") + ") AS " + duck.Ident(name), true
	}
	done := false
	if r.Kind == "INNER" || r.Kind == "LEFT" || r.Kind == "FULL" {
		right, done = without(r.Right, right)
	}
	if r.Kind == "RIGHT" || r.Kind == "INNER" && !done {
		left, _ = without(r.Left, left)
	}
	return left, right
}

// relationName is the name of a table or a subquery; empty for other relations, and for those without one.
func relationName(r sql.Relation) string {
	switch r := r.(type) {
	case *sql.Table:
		return r.Name.Last()
	case *sql.AliasedRelation:
		switch of := r.Relation.(type) {
		case *sql.Table:
			return r.Alias.Lower()
		case *sql.SubqueryRelation:
			if !of.Lateral {
				return r.Alias.Lower()
			}
		}
	}
	return ""
}

func (t *translator) subquery(r *sql.SubqueryRelation, in *scope) (string, []column) {
	outer := in.parent
	prefix := ""
	if r.Lateral {
		outer, prefix = in, "LATERAL "
	}
	text, columns := t.query(r.Query, outer)
	return prefix + "(" + text + ")", columns
}

func (t *translator) aliased(r *sql.AliasedRelation, in *scope) string {
	alias := r.Alias.Lower()
	var text string
	var columns []column
	switch rel := r.Relation.(type) {
	case *sql.Table:
		text, columns = t.table(rel, alias, in)
	case *sql.SubqueryRelation:
		text, columns = t.subquery(rel, in)
	case *sql.Unnest:
		text, columns = t.unnest(rel, r.Columns, in)
	default:
		inner := &scope{parent: in.parent, where: in.where}
		text, columns = "(SELECT * FROM "+t.relation(rel, inner)+")", inner.columns
	}
	text += " AS " + duck.Ident(alias)
	if r.Columns != nil {
		columns = t.rename(r.Position, columns, r.Columns)
		text += columnList(columns)
	}
	for _, c := range columns {
		c.relation = alias
		in.columns = append(in.columns, c)
	}
	return text
}

// unnest becomes a lateral subquery with DuckDB's unnest in its select list, where several
// run side by side, the short ones padded with nulls, as Trino's do.
func (t *translator) unnest(u *sql.Unnest, aliases []sql.Identifier, in *scope) (string, []column) {
	wanted := len(aliases)
	if u.Ordinality {
		wanted--
	}
	var inner, outer, lengths []string
	var columns []column
	add := func(text string, typ *sql.Type, name string) {
		if name == "" || aliases != nil {
			name = t.unnamed()
		}
		outer = append(outer, text+" AS "+duck.Ident(name))
		columns = append(columns, column{name: name, typ: typ})
	}
	texts, typs := make([]string, len(u.Exprs)), make([]*sql.Type, len(u.Exprs))
	whole := 0 // columns where rows stay what they are
	for i, x := range u.Exprs {
		texts[i], typs[i] = t.expr(x, in)
		if whole++; types.Is(typs[i], "map") {
			whole++
		}
	}
	// Rows are taken apart, unless the aliases are as many as there are rows (and not only then
	// as many as there are fields, as for rows of one field): Athena's way.
	asRows := aliases != nil && wanted == whole
	for i := range u.Exprs {
		text, typ := texts[i], typs[i]
		source := fmt.Sprintf("u%d", i)
		lengths = append(lengths, "coalesce(len("+text+"), 0)")
		switch {
		case types.Is(typ, "map") || typ == nil && len(u.Exprs) == 1 && wanted == 2:
			lengths[i] = "coalesce(cardinality(" + text + "), 0)"
			inner = append(inner, "unnest(map_keys("+text+")) AS "+source+"k", "unnest(map_values("+text+")) AS "+source+"v")
			var k, v *sql.Type
			if typ != nil {
				k, v = typ.Args[0], typ.Args[1]
			}
			add(source+"k", k, "")
			add(source+"v", v, "")
		case types.Is(types.Element(typ), "row") && !asRows:
			inner = append(inner, "unnest("+text+") AS "+source)
			for j, f := range types.Element(typ).Fields {
				name := ""
				if f.Name != nil {
					name = f.Name.Lower()
				}
				add(source+"."+duck.Ident(types.FieldName(types.Element(typ), j)), f.Type, name)
			}
		default:
			inner = append(inner, "unnest("+text+") AS "+source)
			add(source, types.Element(typ), "")
		}
	}
	if u.Ordinality {
		inner = append(inner, "unnest(range(1, 1 + greatest("+strings.Join(lengths, ", ")+"))) AS ord")
		add("CAST(ord AS BIGINT)", types.Bigint, "")
	}
	return "LATERAL (SELECT " + strings.Join(outer, ", ") + " FROM (SELECT " + strings.Join(inner, ", ") + "))", columns
}

// table resolves a name: a common table expression, the information schema, a view or a table.
func (t *translator) table(r *sql.Table, alias string, in *scope) (string, []column) {
	name, database := r.Name.Last(), r.Name.Qualifier()
	if alias == "" {
		alias = name
	}
	if database == "" {
		for i := len(t.ctes) - 1; i >= 0; i-- {
			if columns, ok := t.ctes[i][name]; ok {
				unversioned(r)
				if len(columns) > 0 && columns[0].step != "" {
					return duck.Ident(columns[0].step), relabel(columns, alias)
				}
				return duck.Ident(name), relabel(columns, alias)
			}
		}
		database = t.database
	}
	if c := r.Name.Catalog(); c != "" && c != t.catalogName() {
		fault.Fail(r.Position, "CATALOG_NOT_FOUND", "Catalog '%s' does not exist", c)
	}
	if database == "" {
		fault.Fail(r.Position, "MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set")
	}
	t.tables[[2]string{database, name}] = true
	if database == "information_schema" {
		unversioned(r)
		text, columns := t.informationSchema(r, name)
		return text, relabel(columns, alias)
	}
	base, ofPartitions := strings.CutSuffix(name, "$partitions")
	table, err := t.request.Catalog.Table(t.ctx, database, base)
	switch {
	case errors.Is(err, catalog.ErrNoDatabase):
		fault.Fail(r.Position, "SCHEMA_NOT_FOUND", "Schema '%s' does not exist", database)
	case errors.Is(err, catalog.ErrNoTable):
		fault.Fail(r.Position, "TABLE_NOT_FOUND", "Table '%s.%s.%s' does not exist", t.catalogName(), database, name)
	case err != nil:
		panic(fault.Stop(err))
	}
	unversioned(r)
	if ofPartitions {
		if len(table.PartitionColumns) == 0 {
			fault.Fail(r.Position, "TABLE_NOT_FOUND", "Table '%s.%s.%s' does not exist", t.catalogName(), database, name)
		}
		text, columns := t.partitions(r.Position, table, alias, in)
		return text, relabel(columns, alias)
	}
	if table.ViewSQL != "" {
		text, columns := t.view(r.Position, table)
		return text, relabel(columns, alias)
	}
	text, columns := t.scan(r.Position, table, alias, in)
	return text, relabel(columns, alias)
}

// unversioned refuses FOR TIMESTAMP or VERSION AS OF: no relation keeps what it was.
func unversioned(r *sql.Table) {
	if r.Version != nil {
		fault.Fail(r.Version.Position, "NOT_SUPPORTED", "This connector does not support versioned tables")
	}
}

func (t *translator) catalogName() string {
	if t.request.CatalogName != "" {
		return strings.ToLower(t.request.CatalogName)
	}
	return "awsdatacatalog"
}

func relabel(columns []column, relation string) []column {
	out := make([]column, len(columns))
	for i, c := range columns {
		c.relation, c.step = relation, ""
		out[i] = c
	}
	return out
}

// view puts a view's query in the place of its name, in a world of its own.
func (t *translator) view(at sql.Position, v *catalog.Table) (string, []column) {
	key := v.Database + "." + v.Name
	for _, name := range t.views {
		if name == key {
			fault.Fail(at, "VIEW_IS_RECURSIVE", "View '%s' is recursive", key)
		}
	}
	if len(t.views) >= maxViews {
		fault.Fail(at, "NOT_SUPPORTED", "Views are nested more than %d deep", maxViews)
	}
	s, err := sql.Parse(v.ViewSQL)
	if err != nil {
		fault.Fail(at, "INVALID_VIEW", "Failed parsing stored view '%s': %v", key, err)
	}
	q, ok := s.(*sql.Query)
	if !ok {
		fault.Fail(at, "INVALID_VIEW", "Stored view '%s' is not a query", key)
	}
	ctes, lambdas, database, hidden, asked := t.ctes, t.lambdas, t.database, t.hidden, t.asked
	t.ctes, t.lambdas, t.database, t.hidden, t.asked, t.bare = nil, nil, strings.ToLower(v.Database), hiddenColumns(q), askedColumns(q), false
	t.views = append(t.views, key)
	t.work += viewWork
	defer func() {
		t.ctes, t.lambdas, t.database, t.hidden, t.asked = ctes, lambdas, database, hidden, asked
		t.views = t.views[:len(t.views)-1]
		if p := recover(); p != nil {
			if e, ok := p.(*fault.Error); ok && e.Name != "VIEW_IS_RECURSIVE" && e.Name != "VIEW_IS_STALE" && e.Name != "STACK_OVERFLOW" {
				fault.Fail(at, "INVALID_VIEW", "Failed analyzing stored view '%s': line %d:%d: %s", key, e.Line, e.Column, e.Message)
			}
			panic(p)
		}
	}()
	text, columns := t.query(q, nil)
	if why := stale(v.ViewColumns, columns); why != "" {
		fault.Fail(at, "VIEW_IS_STALE", "View 'awsdatacatalog.%s.%s' is stale or in invalid state: %s", v.Database, v.Name, why)
	}
	// Columns without a name have one by their place.
	names := make([]column, len(columns))
	for i, c := range columns {
		if strings.HasPrefix(c.name, Unnamed) {
			c.name = fmt.Sprintf("_col%d", i)
		}
		names[i] = c
	}
	return "(SELECT * FROM (" + text + ") AS v" + columnList(names) + ")", names
}
