// Package trino translates statements of Athena's SQL, which is Trino's, into DuckDB's.
//
// The translation goes tree by tree and gives each expression its text and its type of
// Trino's. Only text that is written here and in the packages duck and hive reaches DuckDB:
// names are quoted, literals are quoted, functions come from one table (functions.go). What
// cannot be translated is refused by name and position; what is of no known type is left to
// DuckDB to decide.
package trino

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// maxViews bounds how deep views may use views.
const maxViews = 16

// Unnamed begins the names given to columns without one, until their place is known.
const Unnamed = "__unnamed__"

// translator turns one statement into DuckDB's text. What it cannot go on with, it fails
// with by fault.Fail; Translate catches that.
type translator struct {
	ctx      context.Context
	host     Host
	request  Request
	database string
	ctes     []map[string][]column
	lambdas  []map[string]param
	lists    []string           // what the lambdas around run over: the lengths of it multiply
	tables   map[[2]string]bool // database and name of the tables met, for names with both
	read     map[string]string  // URI by path of the files
	sizes    map[string]int64   // of the files, by path
	columns  int                // Unnamed ones so far
	views    []string
	hidden   []string                 // the hidden columns that are asked for
	asked    func(column string) bool // what may be asked of tables; nil: all
	bare     bool                     // of the rows of tables only their number is asked for
	try      int                      // depth of TRY
	depth    int                      // of expressions
	work     int                      // see worked
	sets     int                      // depth of set operations
	nested   int                      // depth of arrays, maps and rows that are cast
	keys     map[*sql.Operation]bool  // the equalities that rows are joined by
	asserted map[sql.Expr]bool        // see assert
}

// column is one that a name may stand for.
type column struct {
	relation, name string
	typ            *sql.Type
	hidden         bool
	label          string // the name as written, where that differs
	exact          bool   // DuckDB gives it the very type
	step           string // of the first column of a recursive table: what it is called in this step
}

type param struct {
	text string
	typ  *sql.Type
}

// scope is the columns that expressions see.
type scope struct {
	columns []column
	using   []string   // the columns that joins share, in their order
	where   []sql.Expr // conjuncts that hold for every row, for pruning
	parent  *scope
	grouped map[string]bool // see groupsBy
	merged  bool            // DISTINCT makes equal rows of it one
	raw     int             // what is of rows, not of groups, is translated: see rowwise
	block   bool            // of a SELECT: what is further out is of the query around it
}

// Host is what a translation asks of the engine that its text will run in.
type Host struct {
	Now    time.Time // current_timestamp, in UTC
	Dir    string    // the directory that all files must be below, absolute
	Reader *hive.Reader
	// Query runs a statement of DuckDB's without tables, for constants. Its rows have no nulls.
	Query func(ctx context.Context, text string, row func(values []string)) error
}

// Plan is a statement in DuckDB's words.
type Plan struct {
	Text    string
	Columns []Output          // of the result; nil for EXPLAIN
	Files   map[string]string // URIs of the files that it reads, by path
	Bytes   int64             // read of those: in formats by columns, of the columns that are asked for
}

// Output is a column of a result, as far as the translation knows it.
type Output struct {
	Name string    // what it is called; begins with Unnamed where the statement has no name for it
	Type *sql.Type // nil where it is not known
}

// Translate turns a query, or the EXPLAIN of one, into a plan. Its errors are those of the
// catalog, of the files, and *fault.Error.
func Translate(ctx context.Context, r Request, host Host) (plan *Plan, err error) {
	t := &translator{ctx: ctx, host: host, request: r, database: strings.ToLower(r.Database), tables: map[[2]string]bool{}, read: map[string]string{}, sizes: map[string]int64{}, keys: map[*sql.Operation]bool{}, asserted: map[sql.Expr]bool{}}
	defer fault.Catch(&err)
	plan = &Plan{Files: t.read}
	switch s := r.Statement.(type) {
	case *sql.Query:
		t.hidden, t.asked = hiddenColumns(s), askedColumns(s)
		text, columns := t.query(s, nil)
		plan.Text = t.shown(text, columns)
		for _, c := range columns {
			if c.label == "" {
				c.label = c.name
			}
			plan.Columns = append(plan.Columns, Output{c.label, c.typ})
		}
	case *sql.Explain:
		q, ok := s.Statement.(*sql.Query)
		if !ok {
			fault.Fail(s.Position, "NOT_SUPPORTED", "EXPLAIN takes a query")
		}
		t.hidden, t.asked = hiddenColumns(q), askedColumns(q)
		text, _ := t.query(q, nil)
		plan.Text = "EXPLAIN " + text
		if s.Analyze {
			plan.Text = "EXPLAIN ANALYZE " + text
		}
	default:
		return nil, &fault.Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("%T is not a query", r.Statement)}
	}
	for path, size := range t.sizes {
		if part, ok := host.Reader.Read[path]; ok {
			size = min(size, part)
		}
		plan.Bytes += size
	}
	return plan, nil
}

// hiddenColumns are the columns about the file of a row that a query names.
func hiddenColumns(q *sql.Query) []string {
	text := strings.ToLower(sql.Print(q))
	var out []string
	for _, name := range hive.HiddenColumns {
		if strings.Contains(text, `"`+name+`"`) {
			out = append(out, name)
		}
	}
	return out
}

// shown turns what the driver cannot show as it should: JSON is text, and numbers have
// the type that Trino gives them.
func (t *translator) shown(text string, columns []column) string {
	found := false
	items, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("c%d", i)
		if c.label != "" {
			c.name = c.label
		}
		items[i] = names[i] + " AS " + duck.Ident(c.name)
		switch {
		case Packed(c.typ):
			at, typ := unpackZone(names[i], c.typ)
			items[i] = t.castTo("CAST(", at, typ, types.Varchar) + " AS " + duck.Ident(c.name)
		case keyed(c.typ) || zonesWithin(c.typ):
			items[i] = t.entries(names[i], c.typ, 0) + " AS " + duck.Ident(c.name)
		case opaque(c.typ):
			items[i] = "CAST(" + names[i] + " AS " + duck.Type(legible(c.typ)) + ") AS " + duck.Ident(c.name)
		case types.IsNumeric(c.typ) && !c.exact && (!types.Is(c.typ, "decimal") || len(c.typ.Params) == 2):
			items[i] = "CAST(" + names[i] + " AS " + duck.Type(c.typ) + ") AS " + duck.Ident(c.name)
		default:
			continue
		}
		found = true
	}
	if found {
		return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") AS q(" + strings.Join(names, ", ") + ")"
	}
	return text
}

// keyed reports whether there is a map in a type whose keys hold other values, which the driver does not read.
func keyed(t *sql.Type) bool {
	if t == nil {
		return false
	}
	return types.Is(t, "map") && len(t.Args) == 2 && nested(t.Args[0]) || slices.ContainsFunc(t.Args, keyed) || slices.ContainsFunc(t.Fields, func(f sql.RowField) bool { return keyed(f.Type) })
}

// entries is a value with its maps as arrays of their entries, which the worker shows as maps.
func (t *translator) entries(text string, typ *sql.Type, depth int) string {
	p := fmt.Sprintf("__s%d", depth)
	switch {
	case types.Is(typ, "map") && len(typ.Args) == 2:
		return "list_transform(map_entries(" + text + "), lambda " + p + ": struct_pack(" + duck.Ident(duck.MapKey) + " := " + t.entries(p+".key", typ.Args[0], depth+1) + ", " + duck.Ident(duck.MapValue) + " := " + t.entries(p+".value", typ.Args[1], depth+1) + "))"
	case types.Is(typ, "array") && len(typ.Args) == 1:
		return "list_transform(" + text + ", lambda " + p + ": " + t.entries(p, typ.Args[0], depth+1) + ")"
	case types.Is(typ, "row") && len(typ.Fields) > 0:
		fields := make([]string, len(typ.Fields))
		for i, f := range typ.Fields {
			name := duck.Ident(types.FieldName(typ, i))
			fields[i] = name + " := " + t.entries(p+"."+name, f.Type, depth+1)
		}
		return "list_transform([" + text + "], lambda " + p + ": CASE WHEN " + p + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END)[1]"
	case types.Is(typ, "json", "uuid"):
		return "CAST(" + text + " AS VARCHAR)"
	case zoned(typ) && depth > 0:
		return t.castTo("CAST(", text, typ, types.Varchar)
	}
	return text
}

// opaque reports whether the driver cannot hand out values of a type as they are.
func opaque(t *sql.Type) bool {
	if t == nil {
		return false
	}
	return types.Is(t, "json", "uuid") || slices.ContainsFunc(t.Args, opaque) || slices.ContainsFunc(t.Fields, func(f sql.RowField) bool { return opaque(f.Type) })
}

// legible is a type with text for what is opaque.
func legible(t *sql.Type) *sql.Type {
	if types.Is(t, "json", "uuid") {
		return types.Varchar
	}
	out := *t
	out.Args, out.Fields = slices.Clone(t.Args), slices.Clone(t.Fields)
	for i, a := range out.Args {
		out.Args[i] = legible(a)
	}
	for i, f := range out.Fields {
		out.Fields[i].Type = legible(f.Type)
	}
	return &out
}

func (t *translator) query(q *sql.Query, outer *scope) (string, []column) {
	var b strings.Builder
	if q.With != nil {
		t.ctes = append(t.ctes, map[string][]column{})
		defer func() { t.ctes = t.ctes[:len(t.ctes)-1] }()
		b.WriteString("WITH ")
		for i, c := range q.With.Queries {
			if i > 0 {
				b.WriteString(", ")
			}
			t.commonTable(&b, c, q.With.Recursive, outer)
		}
		b.WriteByte(' ')
	}
	text, columns, s := t.body(q.Body, outer)
	if _, ok := q.Body.(*sql.Query); ok && (q.OrderBy != nil || q.Limit != nil || q.Offset != nil) {
		text = "SELECT * FROM " + text + " AS q" + columnList(columns)
	}
	if _, ok := q.Body.(*sql.SetOperation); ok && q.OrderBy != nil && slices.ContainsFunc(columns, func(c column) bool { return types.Is(c.typ, "ipaddress") || Packed(c.typ) }) {
		text = "SELECT * FROM (" + text + ") AS q" + columnList(columns) // sorted by more than the name of a column
	}
	if q.WithTies {
		text = t.withTies(q, text, columns, s, outer)
	}
	b.WriteString(text)
	if q.OrderBy != nil {
		if s == nil {
			s = &scope{parent: outer}
		}
		keys := slices.Clone(q.OrderBy)
		for i, k := range keys {
			at, ok := place(k.Expr, columns)
			if !ok {
				continue
			}
			if !types.Orderable(columns[at].typ) {
				notOrderable(k.Expr, "ORDER BY", columns[at].typ)
			}
			if types.Is(columns[at].typ, "ipaddress") || Packed(columns[at].typ) { // which is not sorted by its text
				keys[i].Expr = &sql.Name{Position: k.Expr.Pos(), Ident: sql.Identifier{Position: k.Expr.Pos(), Name: columns[at].name, Quoted: true}}
			}
		}
		b.WriteString(" ORDER BY " + t.orderBy(keys, "ORDER BY", &scope{columns: columns, parent: s}))
	}
	if q.Limit != nil && !q.WithTies {
		n, _ := t.expr(q.Limit, outer)
		b.WriteString(" LIMIT " + n)
	}
	if q.Offset != nil {
		n, _ := t.expr(q.Offset, outer)
		b.WriteString(" OFFSET " + n)
	}
	if b.Len() > maxText {
		tooLarge(q.Position)
	}
	wide(q.Position, columns)
	return b.String(), columns
}

func (t *translator) commonTable(b *strings.Builder, c sql.CommonTable, recursive bool, outer *scope) {
	name := c.Name.Lower()
	ctes := t.ctes[len(t.ctes)-1]
	if set, ok := c.Query.Body.(*sql.SetOperation); ok && recursive && refersTo(set.Right, name) {
		if c.Columns == nil {
			fault.Fail(c.Position, "MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query")
		}
		ctes[name] = t.recursion(b, c, set, outer)
		return
	}
	text, columns := t.query(c.Query, outer)
	b.WriteString(duck.Ident(name))
	if c.Columns != nil {
		columns = t.rename(c.Position, columns, c.Columns)
		b.WriteString(columnList(columns))
	}
	b.WriteString(" AS (" + text + ")")
	for i := range columns {
		columns[i].relation = name
	}
	ctes[name] = columns
}

// body translates a query's body; the scope is that of a SELECT, for its ORDER BY.
func (t *translator) body(b sql.QueryBody, outer *scope) (string, []column, *scope) {
	switch b := b.(type) {
	case *sql.Query:
		text, columns := t.query(b, outer)
		return "(" + text + ")", columns, nil
	case *sql.Select:
		return t.selectBlock(b, outer)
	case *sql.TableQuery:
		text, columns := t.table(&sql.Table{Position: b.Position, Name: b.Name}, "", nil)
		return "SELECT * FROM " + text, columns, nil
	case *sql.SetOperation:
		if t.sets++; t.sets > maxSets {
			tooLarge(b.Position)
		}
		defer func() { t.sets-- }()
		left, columns, _ := t.body(b.Left, outer)
		right, other, _ := t.body(b.Right, outer)
		if len(columns) != len(other) {
			fault.Fail(b.Position, "TYPE_MISMATCH", "%s query has different number of fields: %d, %d", b.Op, len(columns), len(other))
		}
		out, chars, pack := make([]column, len(columns)), make([]*sql.Type, len(columns)), make([]bool, len(columns))
		for i, c := range columns {
			if types.Apart(c.typ, other[i].typ) {
				fault.Fail(b.Position, "TYPE_MISMATCH", "column %d in %s query has incompatible types: %s, %s", i+1, b.Op, types.Text(c.typ), types.Text(other[i].typ))
			}
			if !b.All && !types.Comparable(c.typ) {
				what := strings.ToUpper(b.Op)
				if what == "UNION" {
					what = "UNION DISTINCT"
				}
				fault.Fail(b.Position, "TYPE_MISMATCH", "Type %s is not comparable and therefore cannot be used in %s", types.Text(c.typ), what)
			}
			out[i] = column{name: c.name, label: c.label, typ: types.Common(c.typ, other[i].typ)}
			if pack[i] = zonesDiffer(c.typ, other[i].typ); pack[i] {
				out[i].typ = types.Zoned(packedZone)
			}
			if chars[i] = commonChar(c.typ, other[i].typ); chars[i] != nil {
				out[i].typ = chars[i]
			}
		}
		left, right = paddedQuery(left, columns, chars), paddedQuery(right, other, chars)
		left, right = zonedQuery(left, columns, pack), zonedQuery(right, other, pack)
		if !b.All {
			left, right = inOrderQuery(left, columns), inOrderQuery(right, other)
		}
		op := b.Op
		if anyPacked(out) && !b.All {
			if !strings.EqualFold(op, "UNION") {
				fault.Fail(b.Position, "NOT_SUPPORTED", "%s of timestamps with time zones of their own is not supported: convert them by AT TIME ZONE 'UTC'", op)
			}
			return distinctZoned("("+left+") UNION ALL ("+right+")", out), out, nil
		}
		if b.All {
			op += " ALL"
		}
		return "(" + left + ") " + op + " (" + right + ")", out, nil
	case *sql.Values:
		return t.values(b, outer)
	}
	panic(fmt.Sprintf("lakesql: unknown query body %T", b))
}

func (t *translator) values(v *sql.Values, outer *scope) (string, []column, *scope) {
	rows := make([]string, len(v.Rows))
	all, typed := make([][]string, len(v.Rows)), make([][]*sql.Type, len(v.Rows))
	var columns []column
	for i, x := range v.Rows {
		texts, typs := t.valuesRow(x, outer)
		all[i], typed[i] = texts, typs
		for j, typ := range typs {
			if i == 0 {
				columns = append(columns, column{name: t.unnamed(), typ: typ})
			} else if j < len(columns) {
				columns[j].typ = types.Common(columns[j].typ, typ)
			}
		}
		if len(texts) != len(columns) {
			fault.Fail(x.Pos(), "TYPE_MISMATCH", "Values rows have mismatched sizes: %d vs %d", len(columns), len(texts))
		}
	}
	for j := range columns {
		column := make([]*sql.Type, len(v.Rows))
		for i := range typed {
			if j < len(typed[i]) {
				column[i] = typed[i][j]
			}
		}
		if !zonesDiffer(column...) {
			continue
		}
		columns[j].typ = types.Zoned(packedZone)
		for i := range all {
			if j < len(all[i]) && !Packed(typed[i][j]) {
				zone := "'UTC'"
				if zoned(typed[i][j]) {
					zone = zoneName(typed[i][j])
				}
				all[i][j] = "struct_pack(at := CAST(" + all[i][j] + " AS TIMESTAMPTZ), zone := " + zone + ")"
			}
		}
	}
	for i, texts := range all {
		for j, c := range columns { // chars are as long as the longest
			if types.Is(c.typ, "char") && types.Padded(c.typ, typed[i][j]) {
				texts[j] = fmt.Sprintf("rpad(%s, %d, ' ')", texts[j], c.typ.Params[0])
			}
		}
		rows[i] = "(" + strings.Join(texts, ", ") + ")"
	}
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS v" + columnList(columns), columns, nil
}

// valuesRow is the fields of one row of VALUES, which may be any expression of a row type.
func (t *translator) valuesRow(x sql.Expr, outer *scope) (texts []string, typs []*sql.Type) {
	items := []sql.Expr{x}
	if r, ok := x.(*sql.Row); ok {
		items = r.Items
	}
	for _, item := range items {
		text, typ := t.expr(item, outer)
		text, typ = packZone(text, typ)
		texts, typs = append(texts, text), append(typs, typ)
	}
	if _, ok := x.(*sql.Row); ok || !types.Is(typs[0], "row") {
		return texts, typs
	}
	row, typ := texts[0], typs[0]
	texts, typs = nil, nil
	for i, f := range typ.Fields {
		texts, typs = append(texts, "("+row+")."+duck.Ident(types.FieldName(typ, i))), append(typs, f.Type)
	}
	return texts, typs
}

func (t *translator) unnamed() string {
	t.columns++
	return fmt.Sprintf("%s%d", Unnamed, t.columns)
}
