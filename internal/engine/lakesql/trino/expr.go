package trino

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// text is expr without the type.
func (t *translator) text(x sql.Expr, in *scope) string {
	s, _ := t.expr(x, in)
	return s
}

// expr translates an expression; what it returns can stand as an operand anywhere.
func (t *translator) expr(x sql.Expr, in *scope) (string, *sql.Type) {
	t.worked(x.Pos())
	if t.depth++; t.depth > maxDepth {
		tooLarge(x.Pos())
	}
	text, typ := t.anyExpr(x, in)
	t.depth--
	if hasMap(typ) && in.isKey(x) {
		text = inOrder(text, typ, 0)
	}
	if dynamic(typ) && in.zoneKey(x) {
		typ = types.Zoned(DynamicZone + "any_value(" + zoneName(typ) + ")")
	}
	if len(text) > maxExpr {
		fault.Fail(x.Pos(), "NOT_SUPPORTED", "The expression is nested too deeply")
	}
	return text, typ
}

func (t *translator) anyExpr(x sql.Expr, in *scope) (string, *sql.Type) {
	switch x := x.(type) {
	case *sql.Null:
		return "NULL", types.Unknown
	case *sql.Boolean:
		return strconv.FormatBool(x.Value), types.Boolean
	case *sql.Number:
		return number(x)
	case *sql.String:
		return stringLiteral(x.Value), types.VarcharOf(utf8.RuneCountInString(x.Value))
	case *sql.Binary:
		var b strings.Builder
		for _, c := range x.Value {
			fmt.Fprintf(&b, `\x%02X`, c)
		}
		return "'" + b.String() + "'::BLOB", types.Varbinary
	case *sql.TypedLiteral:
		return t.typedLiteral(x)
	case *sql.Interval:
		return t.interval(x), intervalOf(x)
	case *sql.Parameter:
		if x.Index >= len(t.request.Parameters) {
			fault.Fail(x.Position, "INVALID_PARAMETER_USAGE", "Incorrect number of parameters: expected %d but found %d", x.Index+1, len(t.request.Parameters))
		}
		text, typ := t.expr(t.request.Parameters[x.Index], nil)
		return "(" + text + ")", typ
	case *sql.Name, *sql.Dereference:
		return t.reference(x, in)
	case *sql.Subscript:
		return t.subscript(x, in)
	case *sql.Call:
		return t.call(x, in)
	case *sql.Unary:
		text, typ := t.expr(x.X, in)
		if x.Op == "NOT" {
			t.logical(x.X, typ, "Value of logical NOT expression")
			return "(NOT " + text + ")", types.Boolean
		}
		if typ != nil && !types.IsNumeric(typ) && !types.IsInterval(typ) && !types.Is(typ, "unknown") {
			fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot negate %s", types.Text(typ))
		}
		return "(" + x.Op + " " + text + ")", typ
	case *sql.Operation:
		return t.operation(x, in)
	case *sql.Quantified:
		left, lt := t.expr(x.X, in)
		text, typ := instants(t.rowQuery(x.Query, in))
		if types.Is(lt, "row") && !types.Is(typ, "row") { // of one column
			text, typ = t.columnRow(text, typ)
		}
		t.comparable(&sql.Operation{Position: x.Position, Op: x.Op}, lt, typ)
		if types.Is(lt, "row") {
			left, lt = duck.Convert("CAST(", left, lt, typ, 0), typ
		}
		if own(lt, typ) {
			switch {
			case x.Op == "=" && x.Quantifier != "ALL":
				return inQuery(left, text, lt, typ, t.asserted[x]), types.Boolean
			case x.Op == "<>" && x.Quantifier == "ALL":
				return "(NOT " + inQuery(left, text, lt, typ, false) + ")", types.Boolean
			}
		}
		if types.Padded(lt, typ) {
			left, text = unpadded(left), unpaddedQuery(text)
		}
		return "(" + left + " " + x.Op + " " + x.Quantifier + " (" + text + "))", types.Boolean
	case *sql.Between:
		text, typ := t.expr(x.X, in)
		low, lt := t.expr(x.Low, in)
		high, ht := t.expr(x.High, in)
		if types.Is(typ, "ipaddress") && types.Is(lt, "ipaddress") && types.Is(ht, "ipaddress") {
			return "(" + addressBytes(text) + not(x.Not) + " BETWEEN " + addressBytes(low) + " AND " + addressBytes(high) + ")", types.Boolean
		}
		if types.Apart(typ, lt) || types.Apart(typ, ht) || !types.Orderable(typ) || !types.Orderable(lt) || !types.Orderable(ht) {
			fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot check if %s is BETWEEN %s and %s", types.Text(typ), types.Text(lt), types.Text(ht))
		}
		if types.Padded(typ, lt) || types.Padded(typ, ht) {
			text, low, high = unpadded(text), unpadded(low), unpadded(high)
		}
		if types.IsNumeric(typ) && floating(ht) && !isLiteral(x.High) { // which may be NaN, above all to DuckDB
			return "(" + not(x.Not) + " (" + text + " BETWEEN " + low + " AND " + high + " AND NOT (isnan(" + high + ")" + present(x.X, text) + ")))", types.Boolean
		}
		return "(" + text + not(x.Not) + " BETWEEN " + low + " AND " + high + ")", types.Boolean
	case *sql.In:
		left, typ := t.expr(x.X, in)
		t.comparable(&sql.Operation{Position: x.Position, Op: "="}, typ, typ)
		if x.Query != nil {
			text, column := instants(t.rowQuery(x.Query, in))
			if types.Is(typ, "row") && !types.Is(column, "row") {
				text, column = t.columnRow(text, column)
			}
			if types.Apart(typ, column) || types.Is(typ, "row") && len(typ.Fields) != len(column.Fields) {
				fault.Fail(x.Position, "TYPE_MISMATCH", "value and result of subquery must be of the same type for IN expression: %s vs %s", types.Text(typ), types.Text(column))
			}
			if types.Is(typ, "row") {
				left, typ = duck.Convert("CAST(", left, typ, column, 0), column
			}
			if own(typ, column) {
				in := inQuery(left, text, typ, column, t.asserted[x] && !x.Not)
				if x.Not {
					in = "(NOT " + in + ")"
				}
				return in, types.Boolean
			}
			if types.Padded(typ, column) {
				left, text = unpadded(left), unpaddedQuery(text)
			}
			return "(" + left + not(x.Not) + " IN (" + text + "))", types.Boolean
		}
		padded, other := false, false
		list := make([]string, len(x.List))
		typs := []*sql.Type{typ}
		for i, y := range x.List {
			var u *sql.Type
			list[i], u = t.expr(y, in)
			if types.Apart(typ, u) {
				fault.Fail(x.Position, "TYPE_MISMATCH", "IN value and list items must be the same type or coercible to a common type. Cannot find common type between %s and %s, all types (without duplicates): %s", types.Text(typ), types.Text(u), types.List(append(typs, u)))
			}
			typs = append(typs, u)
			padded = padded || types.Padded(typ, u)
			other = other || own(typ, u)
		}
		if other {
			text := inList(x, left, list, typs, t.asserted[x] && !x.Not)
			if x.Not {
				text = "(NOT " + text + ")"
			}
			return text, types.Boolean
		}
		if padded {
			left = unpadded(left)
			for i := range list {
				list[i] = unpadded(list[i])
			}
		}
		return "(" + left + not(x.Not) + " IN (" + strings.Join(list, ", ") + "))", types.Boolean
	case *sql.Like:
		left, typ := t.expr(x.X, in)
		if typ != nil && !types.IsText(typ) && !types.Is(typ, "unknown") {
			fault.Fail(x.X.Pos(), "TYPE_MISMATCH", "Left side of LIKE expression must evaluate to a varchar (actual: %s)", types.Text(typ))
		}
		text := "(" + left + not(x.Not) + " LIKE " + t.text(x.Pattern, in)
		if x.Escape != nil {
			text += " ESCAPE " + t.text(x.Escape, in)
		}
		return text + ")", types.Boolean
	case *sql.IsNull:
		return "(" + t.text(x.X, in) + " IS" + not(x.Not) + " NULL)", types.Boolean
	case *sql.IsDistinct:
		left, lt := t.expr(x.Left, in)
		right, rt := t.expr(x.Right, in)
		if !types.Comparable(lt) || !types.Comparable(rt) {
			fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot apply operator: %s IS DISTINCT FROM %s", types.Text(lt), types.Text(rt))
		}
		if types.Padded(lt, rt) {
			left, right = unpadded(left), unpadded(right)
		}
		return "(" + inOrder(left, lt, 0) + " IS" + not(x.Not) + " DISTINCT FROM " + inOrder(right, rt, 0) + ")", types.Boolean
	case *sql.Exists:
		text, _ := t.query(x.Query, in)
		return "EXISTS (" + text + ")", types.Boolean
	case *sql.Subquery:
		text, typ := t.rowQuery(x.Query, in)
		return unpackZone("("+text+")", typ)
	case *sql.Case:
		return t.caseExpr(x, in)
	case *sql.Cast:
		return t.cast(x, in)
	case *sql.Extract:
		f, ok := map[string]string{"DOW": "day_of_week", "DAY_OF_WEEK": "day_of_week", "DOY": "day_of_year", "DAY_OF_YEAR": "day_of_year",
			"YOW": "year_of_week", "YEAR_OF_WEEK": "year_of_week", "YEAR": "year", "QUARTER": "quarter", "MONTH": "month", "WEEK": "week",
			"DAY": "day", "DAY_OF_MONTH": "day", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
			"TIMEZONE_HOUR": "timezone_hour", "TIMEZONE_MINUTE": "timezone_minute"}[x.Field]
		if !ok {
			fault.Fail(x.Position, "SYNTAX_ERROR", "Invalid EXTRACT field: %s", x.Field)
		}
		return t.function(x.Position, f, []sql.Expr{x.X}, in)
	case *sql.AtTimeZone:
		return t.function(x.Position, "at_timezone", []sql.Expr{x.X, x.Zone}, in)
	case *sql.Row:
		typ := &sql.Type{Name: "row"}
		parts := make([]string, len(x.Items))
		for i, item := range x.Items {
			text, it := t.expr(item, in)
			if it == nil {
				it = types.Named("unknown")
			}
			if dynamic(it) {
				text, it = inUTC(text, it)
			}
			f := sql.RowField{Type: it}
			if i < len(x.Names) {
				f.Name = &x.Names[i]
			}
			typ.Fields = append(typ.Fields, f)
			parts[i] = duck.Ident(types.FieldName(typ, i)) + " := " + text
		}
		return "struct_pack(" + strings.Join(parts, ", ") + ")", typ
	case *sql.Array:
		parts := make([]string, len(x.Items))
		var typs []*sql.Type
		for i, item := range x.Items {
			var it *sql.Type
			parts[i], it = t.expr(item, in)
			typs = append(typs, it)
		}
		allInUTC(parts, typs)
		typ := together(x.Position, "All ARRAY elements", typs)
		return "[" + strings.Join(parts, ", ") + "]", types.ArrayOf(typ)
	case *sql.JSONQuery:
		return t.jsonQuery(x, in)
	case *sql.JSONConstructor:
		return t.jsonConstructor(x, in)
	case *sql.Lambda:
		fault.Fail(x.Position, "SYNTAX_ERROR", "Lambda expression should always be used inside a function")
	}
	panic(fmt.Sprintf("lakesql: unknown expression %T", x))
}

func not(n bool) string {
	if n {
		return " NOT"
	}
	return ""
}

// rowQuery is a query as a value: one of several columns gives a row.
func (t *translator) rowQuery(q *sql.Query, in *scope) (string, *sql.Type) {
	text, columns := t.query(q, in)
	if len(columns) == 1 {
		return text, columns[0].typ
	}
	typ := &sql.Type{Name: "row"}
	names, fields, values := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i := range columns {
		values[i] = fmt.Sprintf("c%d", i)
	}
	zonedRow(values, columns)
	for i, c := range columns {
		f := sql.RowField{Type: c.typ}
		if !strings.HasPrefix(c.name, Unnamed) {
			f.Name = &sql.Identifier{Name: c.name}
		}
		if f.Type == nil {
			f.Type = types.Unknown
		}
		typ.Fields = append(typ.Fields, f)
		names[i] = fmt.Sprintf("c%d", i)
		fields[i] = duck.Ident(types.FieldName(typ, i)) + " := " + values[i]
	}
	return "SELECT struct_pack(" + strings.Join(fields, ", ") + ") FROM (" + text + ") AS q(" + strings.Join(names, ", ") + ")", typ
}

// columnRow makes the one column of a query a row of one field.
func (t *translator) columnRow(text string, typ *sql.Type) (string, *sql.Type) {
	if typ == nil {
		typ = types.Unknown
	}
	return "SELECT struct_pack(field0 := c0) FROM (" + text + ") AS q(c0)", types.RowOf(typ)
}

// flatten takes a.b.c apart; rest is the base that is not a name, if there is one.
func flatten(x sql.Expr) (parts []sql.Identifier, rest sql.Expr) {
	switch x := x.(type) {
	case *sql.Name:
		return []sql.Identifier{x.Ident}, nil
	case *sql.Dereference:
		parts, rest = flatten(x.Base)
		return append(parts, x.Field), rest
	}
	return nil, x
}

// reference translates a name with dots: a column, its fields, a lambda's parameter.
func (t *translator) reference(x sql.Expr, in *scope) (string, *sql.Type) {
	parts, rest := flatten(x)
	var text string
	var typ *sql.Type
	switch {
	case rest != nil:
		text, typ = t.expr(rest, in)
	default:
		if p, ok := t.parameter(parts[0].Lower()); ok {
			text, typ, parts = p.text, p.typ, parts[1:]
			break
		}
		// database.table.column, catalog.database.table.column
		if len(parts) > 3 && parts[0].Lower() == t.catalogName() && t.tables[[2]string{parts[1].Lower(), parts[2].Lower()}] {
			parts = parts[2:]
		} else if len(parts) > 2 && t.tables[[2]string{parts[0].Lower(), parts[1].Lower()}] {
			parts = parts[1:]
		}
		c, used := lookup(parts, in)
		if c != nil && used == 1 && ambiguous(c, in) {
			fault.Fail(x.Pos(), "AMBIGUOUS_NAME", "Column '%s' is ambiguous", c.name)
		}
		if c == nil {
			names := make([]string, len(parts))
			for i, p := range parts {
				names[i] = p.Lower()
			}
			fault.Fail(x.Pos(), "COLUMN_NOT_FOUND", "Column '%s' cannot be resolved", strings.Join(names, "."))
		}
		text, typ = duck.Ident(c.name), c.typ
		if used == 2 || c.relation != "" && correlated(c, in) {
			text = duck.Ident(c.relation) + "." + text
		}
		text, typ = unpackZone(text, typ)
		parts = parts[used:]
	}
	for _, p := range parts {
		field := p.Lower()
		text = "(" + text + ")." + duck.Ident(field)
		var ft *sql.Type
		if types.Is(typ, "row") {
			found := false
			for i := range typ.Fields {
				if types.FieldName(typ, i) == field {
					ft, found = typ.Fields[i].Type, true
				}
			}
			if !found {
				fault.Fail(p.Position, "COLUMN_NOT_FOUND", "Column '%s' cannot be resolved", field)
			}
		} else if typ != nil && !types.Is(typ, "unknown") {
			fault.Fail(p.Position, "TYPE_MISMATCH", "Expression %s is not of type ROW", sql.Print(x))
		}
		typ = ft
	}
	return text, typ
}

func (t *translator) parameter(name string) (param, bool) {
	for i := len(t.lambdas) - 1; i >= 0; i-- {
		if p, ok := t.lambdas[i][name]; ok {
			return p, true
		}
	}
	return param{}, false
}

// lookup finds the column that a dotted name begins with, and how many parts name it.
func lookup(parts []sql.Identifier, in *scope) (*column, int) {
	first := parts[0].Lower()
	for s := in; s != nil; s = s.parent {
		if len(parts) > 1 {
			second := parts[1].Lower()
			for i := range s.columns {
				if c := &s.columns[i]; c.relation == first && c.name == second {
					return c, 2
				}
			}
		}
		for i := range s.columns {
			if c := &s.columns[i]; c.name == first {
				return c, 1
			}
		}
	}
	return nil, 0
}

// correlated reports whether a column is of a query around the one of the scope, where no
// alias of this one may hide it.
func correlated(c *column, in *scope) bool {
	own := false
	for s := in; s != nil; s = s.parent {
		hides := false
		for i := range s.columns {
			if &s.columns[i] == c {
				return own
			}
			hides = hides || s.columns[i].relation == c.relation
		}
		if hides {
			return false
		}
		own = own || s.block
	}
	return false
}

// ambiguous reports whether the column's scope has another one of its name, in its relation or in another.
func ambiguous(c *column, in *scope) bool {
	for s := in; s != nil; s = s.parent {
		own, others := false, false
		for i := range s.columns {
			if o := &s.columns[i]; o == c {
				own = true
			} else if o.name == c.name && (o.relation != c.relation || c.relation != "") && !o.hidden {
				others = true
			}
		}
		if own {
			return others
		}
	}
	return false
}

// subscript is base[index]: of an array from 1, of a map by key, of a row by place. What
// is not there fails.
func (t *translator) subscript(x *sql.Subscript, in *scope) (string, *sql.Type) {
	base, typ := t.expr(x.Base, in)
	index, it := t.expr(x.Index, in)
	switch {
	case types.Is(typ, "row"):
		if n, ok := x.Index.(*sql.Number); ok {
			i, err := strconv.Atoi(n.Text)
			if err == nil && i >= 1 && i <= len(typ.Fields) {
				return "(" + base + ")." + duck.Ident(types.FieldName(typ, i-1)), typ.Fields[i-1].Type
			}
			fault.Fail(x.Index.Pos(), "INVALID_FUNCTION_ARGUMENT", "Subscript expression index out of bounds: %s", n.Text)
		}
		fault.Fail(x.Index.Pos(), "EXPRESSION_NOT_CONSTANT", "Subscript expression on ROW requires a constant index")
	case types.Is(typ, "array"):
		if it != nil && !types.IsInteger(it) && !types.Is(it, "unknown") {
			fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot use %s for subscript of %s", types.Text(it), types.Text(typ))
		}
		at := duck.Raise("INVALID_FUNCTION_ARGUMENT", "'Array subscript must be less than or equal to array length: ' || "+index+" || ' > ' || len("+base+")")
		check := "CASE WHEN " + index + " > len(" + base + ") THEN " + at
		if !nonZero(x.Index) {
			check += " WHEN " + index + " = 0 THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'") + " WHEN " + index + " < 0 THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'Array subscript is negative: ' || "+index)
		}
		return "(" + base + ")[" + check + " ELSE " + index + " END]", types.Element(typ)
	case types.Is(typ, "map"):
		if len(typ.Args) == 2 && types.Apart(typ.Args[0], it) {
			fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot use %s for subscript of %s", types.Text(it), types.Text(typ))
		}
		if len(typ.Args) == 2 {
			index = asChar(index, it, typ.Args[0])
		}
		return "CASE WHEN NOT map_contains(" + base + ", " + index + ") THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'Key not present in map: ' || CAST("+index+" AS VARCHAR)") + " ELSE (" + base + ")[" + index + "] END", types.Element(typ)
	case typ != nil && !types.Is(typ, "unknown"):
		fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot use %s for subscript of %s", types.Text(it), types.Text(typ))
	}
	return "(" + base + ")[" + index + "]", nil
}

func (t *translator) caseExpr(c *sql.Case, in *scope) (string, *sql.Type) {
	var b strings.Builder
	b.WriteString("CASE")
	var operand *sql.Type
	var subject, drawn string
	if c.Operand != nil {
		subject, operand = t.expr(c.Operand, in)
		if strings.Contains(subject, "random()") && in != nil {
			switch { // DuckDB draws it anew for each WHEN
			case rowwise(c) && t.inBlock(c, in):
				drawn, subject = subject, "__drawn"
			case len(c.Whens) > 1:
				fault.Fail(c.Position, "NOT_SUPPORTED", "CASE of a random operand is not supported here: name the operand as a column of a subquery, and compare that")
			}
		}
		t.comparable(&sql.Operation{Position: c.Operand.Pos(), Op: "="}, operand, operand)
		if types.Is(operand, "char") {
			subject = unpadded(subject)
		}
		switch {
		case nested(operand):
		case floating(operand) && slices.ContainsFunc(c.Whens, func(w sql.When) bool { return !isLiteral(w.Cond) }):
			b.WriteString(" nullif(" + subject + ", CAST('NaN' AS DOUBLE))") // which no case is equal to
		default:
			b.WriteString(" " + subject)
		}
	}
	zones := b.String()
	var typs []*sql.Type
	for _, w := range c.Whens {
		cond, ct := t.expr(w.Cond, in)
		if c.Operand == nil {
			t.logical(w.Cond, ct, "CASE WHEN clause")
		} else if types.Apart(operand, ct) {
			fault.Fail(w.Cond.Pos(), "TYPE_MISMATCH", "CASE operand type does not match WHEN clause operand type: %s vs %s", types.Text(operand), types.Text(ct))
		}
		if types.Is(operand, "char") && types.IsText(ct) {
			cond = unpadded(cond)
		}
		if nested(operand) {
			cond = equal(c.Operand, w.Cond, subject, cond, operand, ct)
		}
		then, tt := t.expr(w.Then, in)
		typs = append(typs, tt)
		b.WriteString(" WHEN " + cond + " THEN " + then)
		zones += " WHEN " + cond + " THEN " + zoneName(tt)
	}
	if c.Else != nil {
		text, et := t.expr(c.Else, in)
		typs = append(typs, et)
		b.WriteString(" ELSE " + text)
		zones += " ELSE " + zoneName(et)
	}
	text := b.String() + " END"
	typ := together(c.Position, "All CASE results", typs)
	if zonesDiffer(typs...) {
		if drawn != "" || strings.Contains(text, "random()") {
			fault.Fail(c.Position, "NOT_SUPPORTED", "CASE of a random operand whose results have time zones of their own is not supported")
		}
		typ = types.Zoned(DynamicZone + zones + " END")
	}
	if drawn != "" {
		text = "list_transform([" + drawn + "], lambda __drawn: " + text + ")[1]"
	}
	return text, typ
}

// inBlock reports whether all columns that a CASE compares and gives are of its own block: those of a query
// around it are nothing that a lambda can name.
func (t *translator) inBlock(c *sql.Case, in *scope) bool {
	outer := in
	for outer != nil && !outer.block {
		outer = outer.parent
	}
	if outer == nil || outer.parent == nil {
		return true
	}
	own := func(id sql.Identifier) bool {
		for s := in; s != outer.parent; s = s.parent {
			if slices.ContainsFunc(s.columns, func(c column) bool { return c.name == id.Lower() || c.relation == id.Lower() }) {
				return true
			}
		}
		return slices.ContainsFunc(t.lambdas, func(scope map[string]param) bool { _, ok := scope[id.Lower()]; return ok })
	}
	ok := true
	see := func(n sql.Node) bool {
		if name, is := n.(*sql.Name); is {
			ok = ok && own(name.Ident)
		}
		return ok
	}
	walkBranches(c, see)
	return ok
}

// walkBranches goes over what a CASE compares its operand with, and what it gives.
func walkBranches(c *sql.Case, see func(sql.Node) bool) {
	for _, w := range c.Whens {
		sql.Walk(w.Cond, see)
		sql.Walk(w.Then, see)
	}
	if c.Else != nil {
		sql.Walk(c.Else, see)
	}
}

// rowwise reports whether what a CASE compares and gives can stand in a lambda: nothing in it is a query, an
// aggregate or a window function.
func rowwise(c *sql.Case) bool {
	ok := true
	see := func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Query:
			ok = false
		case *sql.Call:
			ok = ok && n.Over == nil && translations[n.Name.Last()].aggregate == ""
		}
		return ok
	}
	walkBranches(c, see)
	return ok
}
