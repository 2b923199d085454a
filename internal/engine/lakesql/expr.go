package lakesql

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// text is expr without the type.
func (t *translator) text(x sql.Expr, in *scope) string {
	s, _ := t.expr(x, in)
	return s
}

// expr translates an expression; what it returns can stand as an operand anywhere.
func (t *translator) expr(x sql.Expr, in *scope) (string, *sql.Type) {
	switch x := x.(type) {
	case *sql.Null:
		return "NULL", unknownType
	case *sql.Boolean:
		return strconv.FormatBool(x.Value), booleanType
	case *sql.Number:
		return number(x)
	case *sql.String:
		return stringLiteral(x.Value), varcharOf(utf8.RuneCountInString(x.Value))
	case *sql.Binary:
		var b strings.Builder
		for _, c := range x.Value {
			fmt.Fprintf(&b, `\x%02X`, c)
		}
		return "'" + b.String() + "'::BLOB", binaryType
	case *sql.TypedLiteral:
		return t.typedLiteral(x)
	case *sql.Interval:
		return t.interval(x), intervalOf(x)
	case *sql.Parameter:
		if x.Index >= len(t.request.Parameters) {
			fail(x.Position, "INVALID_PARAMETER_USAGE", "Incorrect number of parameters: expected %d but found %d", x.Index+1, len(t.request.Parameters))
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
			return "(NOT " + text + ")", booleanType
		}
		if typ != nil && !isNumeric(typ) && !isInterval(typ) && !is(typ, "unknown") {
			fail(x.Position, "TYPE_MISMATCH", "Cannot negate %s", typeText(typ))
		}
		return "(" + x.Op + " " + text + ")", typ
	case *sql.Operation:
		return t.operation(x, in)
	case *sql.Quantified:
		text, _ := t.query(x.Query, in)
		return "(" + t.text(x.X, in) + " " + x.Op + " " + x.Quantifier + " (" + text + "))", booleanType
	case *sql.Between:
		text, typ := t.expr(x.X, in)
		low, lt := t.expr(x.Low, in)
		high, ht := t.expr(x.High, in)
		if apart(typ, lt) || apart(typ, ht) {
			fail(x.Position, "TYPE_MISMATCH", "Cannot check if %s is BETWEEN %s and %s", typeText(typ), typeText(lt), typeText(ht))
		}
		return "(" + text + not(x.Not) + " BETWEEN " + low + " AND " + high + ")", booleanType
	case *sql.In:
		left, typ := t.expr(x.X, in)
		if x.Query != nil {
			text, columns := t.query(x.Query, in)
			if len(columns) == 1 && apart(typ, columns[0].typ) {
				fail(x.Position, "TYPE_MISMATCH", "value and result of subquery must be of the same type for IN expression: %s vs %s", typeText(typ), typeText(columns[0].typ))
			}
			return "(" + left + not(x.Not) + " IN (" + text + "))", booleanType
		}
		list := make([]string, len(x.List))
		types := []*sql.Type{typ}
		for i, y := range x.List {
			var u *sql.Type
			list[i], u = t.expr(y, in)
			if apart(typ, u) {
				fail(x.Position, "TYPE_MISMATCH", "IN value and list items must be the same type or coercible to a common type. Cannot find common type between %s and %s, all types (without duplicates): %s", typeText(typ), typeText(u), typeList(append(types, u)))
			}
			types = append(types, u)
		}
		return "(" + left + not(x.Not) + " IN (" + strings.Join(list, ", ") + "))", booleanType
	case *sql.Like:
		left, typ := t.expr(x.X, in)
		if typ != nil && !isText(typ) && !is(typ, "unknown") {
			fail(x.X.Pos(), "TYPE_MISMATCH", "Left side of LIKE expression must evaluate to a varchar (actual: %s)", typeText(typ))
		}
		text := "(" + left + not(x.Not) + " LIKE " + t.text(x.Pattern, in)
		if x.Escape != nil {
			text += " ESCAPE " + t.text(x.Escape, in)
		}
		return text + ")", booleanType
	case *sql.IsNull:
		return "(" + t.text(x.X, in) + " IS" + not(x.Not) + " NULL)", booleanType
	case *sql.IsDistinct:
		return "(" + t.text(x.Left, in) + " IS" + not(x.Not) + " DISTINCT FROM " + t.text(x.Right, in) + ")", booleanType
	case *sql.Exists:
		text, _ := t.query(x.Query, in)
		return "EXISTS (" + text + ")", booleanType
	case *sql.Subquery:
		text, columns := t.query(x.Query, in)
		if len(columns) != 1 {
			fail(x.Position, "NOT_SUPPORTED", "Multiple columns returned by subquery are not yet supported. Found %d", len(columns))
		}
		return "(" + text + ")", columns[0].typ
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
			fail(x.Position, "SYNTAX_ERROR", "Invalid EXTRACT field: %s", x.Field)
		}
		return t.function(x.Position, f, []sql.Expr{x.X}, in)
	case *sql.AtTimeZone:
		return t.function(x.Position, "at_timezone", []sql.Expr{x.X, x.Zone}, in)
	case *sql.Row:
		typ := &sql.Type{Name: "row"}
		parts := make([]string, len(x.Items))
		for i, item := range x.Items {
			text, it := t.expr(item, in)
			parts[i] = fmt.Sprintf("field%d := %s", i, text)
			if it == nil {
				it = named("unknown")
			}
			typ.Fields = append(typ.Fields, sql.RowField{Type: it})
		}
		return "struct_pack(" + strings.Join(parts, ", ") + ")", typ
	case *sql.Array:
		parts := make([]string, len(x.Items))
		var types []*sql.Type
		for i, item := range x.Items {
			var it *sql.Type
			parts[i], it = t.expr(item, in)
			types = append(types, it)
		}
		typ := together(x.Position, "All ARRAY elements", types)
		if typ == nil || is(typ, "unknown") {
			return "[" + strings.Join(parts, ", ") + "]", named("array")
		}
		return "[" + strings.Join(parts, ", ") + "]", arrayOf(typ)
	case *sql.Lambda:
		fail(x.Position, "SYNTAX_ERROR", "Lambda expression should always be used inside a function")
	}
	panic(fmt.Sprintf("lakesql: unknown expression %T", x))
}

func not(n bool) string {
	if n {
		return " NOT"
	}
	return ""
}

// stringLiteral keeps NUL, which DuckDB's parser does not take, out of the text.
func stringLiteral(s string) string {
	if strings.ContainsRune(s, 0) {
		parts := strings.Split(s, "\x00")
		for i := range parts {
			parts[i] = quote(parts[i])
		}
		return "(" + strings.Join(parts, " || chr(0) || ") + ")"
	}
	return quote(s)
}

func number(n *sql.Number) (string, *sql.Type) {
	text := n.Text
	switch n.Kind {
	case sql.Double:
		return "CAST(" + text + " AS DOUBLE)", doubleType
	case sql.Decimal:
		whole, fraction, _ := strings.Cut(text, ".")
		whole = strings.TrimLeft(whole, "0")
		p, s := len(whole)+len(fraction), len(fraction)
		if p > 38 {
			fail(n.Position, "INVALID_LITERAL", "Invalid decimal literal: %s", n.Text)
		}
		typ := &sql.Type{Name: "decimal", Params: []int{max(p, 1), s}}
		if whole == "" {
			whole = "0"
		}
		return fmt.Sprintf("CAST('%s.%s' AS %s)", whole, fraction, duckType(typ)), typ
	}
	v, ok := new(big.Int).SetString(text, 10)
	if !ok || !v.IsInt64() {
		fail(n.Position, "INVALID_LITERAL", "Invalid numeric literal: %s", n.Text)
	}
	if v.Int64() > 1<<31-1 {
		return v.String(), bigintType
	}
	return v.String(), integerType
}

func (t *translator) typedLiteral(x *sql.TypedLiteral) (string, *sql.Type) {
	typ := x.Type
	switch typ.Name {
	case "decimal":
		digits := strings.TrimLeft(strings.TrimSpace(x.Value), "+-")
		whole, fraction, _ := strings.Cut(digits, ".")
		typ = &sql.Type{Name: "decimal", Params: []int{max(len(whole)+len(fraction), 1), len(fraction)}}
	case "timestamp", "timestamp with time zone":
		if text, zone, ok := t.zonedLiteral(x.Value); ok { // a zone at the end makes another type
			return text, zone
		}
	case "json":
		return "CAST(trino_json_parse(" + stringLiteral(x.Value) + ") AS JSON)", typ
	}
	if is(typ, "date", "time", "timestamp") && !dateOrTime(typ, x.Value) {
		fail(x.Position, "INVALID_LITERAL", "'%s' is not a valid %s literal", x.Value, strings.ToUpper(typ.Name))
	}
	return "CAST(" + stringLiteral(x.Value) + " AS " + duckType(typ) + ")", typ
}

func intervalOf(x *sql.Interval) *sql.Type {
	if x.From == "YEAR" || x.From == "MONTH" {
		return named("interval year to month")
	}
	return intervalType
}

// interval computes the literal: months, or days and microseconds.
func (t *translator) interval(x *sql.Interval) string {
	bad := func() { fail(x.Position, "INVALID_LITERAL", "Invalid INTERVAL literal: '%s'", x.Value) }
	value := strings.TrimSpace(x.Value)
	sign := int64(1)
	if x.Negative {
		sign = -1
	}
	if rest, ok := strings.CutPrefix(value, "-"); ok {
		sign, value = -sign, rest
	}
	int64Of := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			bad()
		}
		return n
	}
	if x.From == "YEAR" || x.From == "MONTH" {
		years, months, ok := strings.Cut(value, "-")
		if ok != (x.To != "") {
			bad()
		}
		n := int64Of(years)
		if x.From == "YEAR" {
			n *= 12
		}
		if ok {
			n += int64Of(months)
		}
		return fmt.Sprintf("to_months(%d)", sign*n)
	}
	units := []struct {
		name   string
		micros int64
	}{{"DAY", 86_400_000_000}, {"HOUR", 3_600_000_000}, {"MINUTE", 60_000_000}, {"SECOND", 1_000_000}}
	if x.From == "WEEK" {
		return fmt.Sprintf("to_days(%d)", sign*7*int64Of(value))
	}
	fields := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ':' })
	var micros int64
	started := false
	for _, u := range units {
		if u.name == x.From {
			started = true
		}
		if !started {
			continue
		}
		if len(fields) == 0 {
			bad()
		}
		if u.name == "SECOND" {
			r, ok := new(big.Rat).SetString(fields[0])
			if !ok || len(fields[0]) > 20 || strings.ContainsAny(fields[0], "eE/") {
				bad()
			}
			r.Mul(r, big.NewRat(1_000_000, 1))
			micros += new(big.Int).Quo(r.Num(), r.Denom()).Int64()
		} else {
			micros += int64Of(fields[0]) * u.micros
		}
		fields = fields[1:]
		if u.name == x.To || x.To == "" {
			break
		}
	}
	if len(fields) != 0 {
		bad()
	}
	if micros%86_400_000_000 == 0 {
		return fmt.Sprintf("to_days(%d)", sign*micros/86_400_000_000)
	}
	return fmt.Sprintf("to_microseconds(%d)", sign*micros)
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
			fail(x.Pos(), "AMBIGUOUS_NAME", "Column '%s' is ambiguous", c.name)
		}
		if c == nil {
			names := make([]string, len(parts))
			for i, p := range parts {
				names[i] = p.Lower()
			}
			fail(x.Pos(), "COLUMN_NOT_FOUND", "Column '%s' cannot be resolved", strings.Join(names, "."))
		}
		typ = c.typ
		text = ident(c.name)
		if used == 2 {
			text = ident(c.relation) + "." + text
		}
		parts = parts[used:]
	}
	for _, p := range parts {
		field := p.Lower()
		text = "(" + text + ")." + ident(field)
		var ft *sql.Type
		if is(typ, "row") {
			found := false
			for i := range typ.Fields {
				if fieldName(typ, i) == field {
					ft, found = typ.Fields[i].Type, true
				}
			}
			if !found {
				fail(p.Position, "COLUMN_NOT_FOUND", "Column '%s' cannot be resolved", field)
			}
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

// ambiguous reports whether another relation of the column's scope has one of its name.
func ambiguous(c *column, in *scope) bool {
	for s := in; s != nil; s = s.parent {
		own, others := false, false
		for i := range s.columns {
			if o := &s.columns[i]; o == c {
				own = true
			} else if o.name == c.name && o.relation != c.relation && !o.hidden {
				others = true
			}
		}
		if own {
			return others
		}
	}
	return false
}

func (t *translator) operation(x *sql.Operation, in *scope) (string, *sql.Type) {
	if x.Op == "AND" || x.Op == "OR" {
		// Long chains lean left; they are written flat.
		var parts []string
		var walk func(e sql.Expr)
		walk = func(e sql.Expr) {
			if o, ok := e.(*sql.Operation); ok && o.Op == x.Op {
				walk(o.Left)
				walk(o.Right)
				return
			}
			text, typ := t.expr(e, in)
			t.logical(e, typ, "Logical expression term")
			parts = append(parts, text)
		}
		walk(x)
		return "(" + strings.Join(parts, " "+x.Op+" ") + ")", booleanType
	}
	left, lt := t.expr(x.Left, in)
	right, rt := t.expr(x.Right, in)
	switch x.Op {
	case "=", "<>", "<", "<=", ">", ">=":
		t.comparable(x, lt, rt)
		return "(" + left + " " + x.Op + " " + right + ")", booleanType
	case "||":
		return concatenate(x.Position, left, right, lt, rt)
	}
	return t.arithmetic(x, left, right, lt, rt)
}

// arithmetic is + - * / % with Trino's types.
func (t *translator) arithmetic(x *sql.Operation, left, right string, lt, rt *sql.Type) (string, *sql.Type) {
	plain := "(" + left + " " + x.Op + " " + right + ")"
	if lt != nil && rt != nil && !is(lt, "unknown") && !is(rt, "unknown") && !calculable(x.Op, lt, rt) {
		fail(x.Position, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s", typeText(lt), x.Op, typeText(rt))
	}
	switch {
	case isInterval(lt) && is(rt, "date"), is(lt, "date") && isInterval(rt):
		return "CAST(" + plain + " AS DATE)", dateType
	case isInterval(lt) && (isInterval(rt) || isNumeric(rt)):
		if x.Op == "/" {
			return "(" + left + " * (1 / CAST(" + right + " AS DOUBLE)))", lt
		}
		return plain, lt
	case isInterval(rt) && isNumeric(lt):
		return plain, rt
	case isInterval(rt) && is(lt, "timestamp with time zone"):
		return t.instant("("+t.local(left, lt)+" "+x.Op+" "+right+")", lt), lt
	case isInterval(lt) && is(rt, "timestamp with time zone"):
		return t.instant("("+t.local(right, rt)+" + "+left+")", rt), rt
	case isInterval(rt):
		return plain, lt
	case isInterval(lt):
		return plain, rt
	case x.Op == "-" && is(lt, "date") && is(rt, "date"):
		return "to_days(CAST(" + plain + " AS INTEGER))", intervalType
	case x.Op == "-" && is(lt, "timestamp", "timestamp with time zone"):
		return plain, intervalType
	case x.Op == "/" || x.Op == "%":
		return t.division(x, left, right, lt, rt)
	}
	switch {
	case isInteger(lt) && isInteger(rt):
		return plain, common(lt, rt)
	case is(lt, "real") && is(rt, "real"):
		return plain, lt
	case is(lt, "double", "real") && isNumeric(rt) || is(rt, "double", "real") && isNumeric(lt):
		return plain, common(lt, rt)
	case (isInteger(lt) || is(lt, "decimal")) && (isInteger(rt) || is(rt, "decimal")):
		// Trino's result types; DuckDB fails for wide products.
		l, r := decimalOf(lt), decimalOf(rt)
		p1, s1, p2, s2 := l[0], l[1], r[0], r[1]
		if x.Op == "*" {
			if p1+p2 <= 38 {
				return plain, &sql.Type{Name: "decimal", Params: []int{p1 + p2, s1 + s2}}
			}
			typ := &sql.Type{Name: "decimal", Params: []int{38, s1 + s2}}
			// The factors shrink to what fits; values too wide for that fail.
			w := 19
			switch {
			case p1 <= 19:
				w = p1
			case p2 <= 19:
				w = 38 - p2
			}
			w = max(w, s1)
			return fmt.Sprintf("CAST(CAST(%s AS DECIMAL(%d,%d)) * CAST(%s AS DECIMAL(%d,%d)) AS %s)", left, w, s1, right, max(38-w, s2), s2, duckType(typ)), typ
		}
		s := max(s1, s2)
		p := min(38, max(p1-s1, p2-s2)+s+1)
		return plain, &sql.Type{Name: "decimal", Params: []int{p, s}}
	}
	return plain, nil
}

// comparable fails where Trino would not compare and DuckDB would: text with numbers.
func (t *translator) comparable(x *sql.Operation, a, b *sql.Type) {
	if apart(a, b) {
		fail(x.Position, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s", typeText(a), x.Op, typeText(b))
	}
}

// calculable reports whether Trino has an operator for the types.
func calculable(op string, a, b *sql.Type) bool {
	date := func(t *sql.Type) bool { return is(t, "date", "time", "timestamp", "timestamp with time zone") }
	switch {
	case isNumeric(a) && isNumeric(b):
		return true
	case isInterval(a) && isInterval(b):
		return a.Name == b.Name && (op == "+" || op == "-")
	case isInterval(a) && isNumeric(b):
		return op == "*" || op == "/"
	case isNumeric(a) && isInterval(b):
		return op == "*"
	case date(a) && isInterval(b):
		return op == "+" || op == "-"
	case isInterval(a) && date(b):
		return op == "+"
	case date(a) && date(b):
		return op == "-" && (a.Name == b.Name || !is(a, "time") && !is(b, "time"))
	}
	return false
}

// concatenate is || of texts, bytes and arrays, to which an element may be joined.
func concatenate(at sql.Position, left, right string, lt, rt *sql.Type) (string, *sql.Type) {
	switch {
	case is(lt, "array") && rt != nil && !is(rt, "array", "unknown") && !apart(element(lt), rt):
		return "list_append(" + left + ", " + right + ")", arrayOf(common(element(lt), rt))
	case is(rt, "array") && lt != nil && !is(lt, "array", "unknown") && !apart(element(rt), lt):
		return "list_prepend(" + left + ", " + right + ")", arrayOf(common(element(rt), lt))
	case is(lt, "array") && is(element(lt), "array") && is(rt, "array") && !is(element(rt), "array"):
		return "list_append(" + left + ", " + right + ")", lt
	case isText(lt) && rt != nil && !isText(rt) && !is(rt, "unknown", "json", "uuid"), isText(rt) && lt != nil && !isText(lt) && !is(lt, "unknown", "json", "uuid"),
		isNumeric(lt) && isNumeric(rt):
		fail(at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s, %s) for function concat. Expected: concat(char(x), char(y)), concat(array(E), E) E, concat(E, array(E)) E, concat(array(E)) E, concat(varchar), concat(varbinary)", typeText(lt), typeText(rt))
	}
	typ := lt
	if isText(lt) || isText(rt) {
		typ = varcharType
	} else if lt != nil && rt != nil {
		typ = common(lt, rt)
	}
	return "(" + left + " || " + right + ")", typ
}

// nonZero reports whether an expression is a number other than zero.
func nonZero(x sql.Expr) bool {
	n, ok := x.(*sql.Number)
	return ok && strings.ContainsAny(n.Text, "123456789")
}

// division keeps Trino's rules: of integers it is whole, by zero it fails, of decimals it
// is a decimal, rounded.
func (t *translator) division(x *sql.Operation, left, right string, lt, rt *sql.Type) (string, *sql.Type) {
	var typ *sql.Type
	op := x.Op
	text := ""
	switch {
	case is(lt, "double", "real") || is(rt, "double", "real"):
		// IEEE: by zero is infinity or not a number.
		typ, text = doubleType, "DOUBLE"
		if is(lt, "real") && is(rt, "real") {
			typ, text = lt, "FLOAT"
		}
		l, r := "CAST("+left+" AS "+text+")", "CAST("+right+" AS "+text+")"
		switch {
		case nonZero(x.Right):
			return "(" + l + " " + op + " " + r + ")", typ
		case op == "%":
			return "CASE WHEN " + r + " = 0 THEN CAST('NaN' AS " + text + ") ELSE " + l + " % " + r + " END", typ
		}
		return "CASE WHEN " + r + " = 0 THEN CASE WHEN " + l + " > 0 THEN CAST('Infinity' AS " + text + ") WHEN " + l + " < 0 THEN CAST('-Infinity' AS " + text + ") ELSE CAST('NaN' AS " + text + ") END ELSE " + l + " / " + r + " END", typ
	case isInteger(lt) && isInteger(rt):
		typ = common(lt, rt)
		if op == "/" {
			op = "//"
		}
		text = "(" + left + " " + op + " " + right + ")"
	case isNumeric(lt) && isNumeric(rt):
		l, r := decimalOf(lt), decimalOf(rt)
		s := max(l[1], r[1])
		if op == "%" {
			typ = decimalType(min(38, min(l[0]-l[1], r[0]-r[1])+s), s)
			text = "CAST((" + left + " % " + right + ") AS " + duckType(typ) + ")"
			break
		}
		typ = decimalType(max(min(38, l[0]+r[1]+max(r[1]-l[1], 0)), s), s)
		text = decimalQuotient(left, right, l, r, typ)
	default:
		text = "(" + left + " " + op + " " + right + ")"
	}
	if nonZero(x.Right) {
		return text, typ
	}
	return "CASE WHEN " + right + " = 0 THEN __raise('DIVISION_BY_ZERO: Division by zero') ELSE " + text + " END", typ
}

// decimalQuotient divides exactly, in whole numbers of the result's last digit, rounding
// halves away from zero; what does not fit 128 bits is divided as floating point.
func decimalQuotient(left, right string, l, r [2]int, typ *sql.Type) string {
	p, s := typ.Params[0], typ.Params[1]
	if l[0]+s+r[1]+1 > 38 || r[0]+r[1]+1 > 38 || p+s+1 > 38 {
		return fmt.Sprintf("CAST(round(CAST(%s AS DOUBLE) / CAST(%s AS DOUBLE), %d) AS %s)", left, right, s, duckType(typ))
	}
	shifted := func(x string, of [2]int, digits int) string {
		x = fmt.Sprintf("CAST(%s AS DECIMAL(%d,%d))", x, of[0], of[1])
		if digits > 0 {
			x = fmt.Sprintf("%s * CAST(1%s AS DECIMAL(%d,0))", x, strings.Repeat("0", digits), digits+1)
		}
		return "CAST(" + x + " AS HUGEINT)"
	}
	q := "trino_quotient(" + shifted(left, l, s+r[1]) + ", " + shifted(right, r, r[1]) + ")"
	if s == 0 {
		return "CAST(" + q + " AS " + duckType(typ) + ")"
	}
	return fmt.Sprintf("CAST(CAST(%s AS DECIMAL(%d,0)) * CAST('0.%s1' AS DECIMAL(%d,%d)) AS %s)", q, min(38-s-1, p), strings.Repeat("0", s-1), s+1, s, duckType(typ))
}

func decimalOf(t *sql.Type) [2]int {
	switch t.Name {
	case "decimal":
		if len(t.Params) == 2 {
			return [2]int{t.Params[0], t.Params[1]}
		}
		return [2]int{38, 0}
	case "tinyint":
		return [2]int{3, 0}
	case "smallint":
		return [2]int{5, 0}
	case "integer":
		return [2]int{10, 0}
	}
	return [2]int{19, 0}
}

// logical fails unless an expression is boolean, where its type is known.
func (t *translator) logical(x sql.Expr, typ *sql.Type, what string) {
	if typ != nil && !is(typ, "boolean", "unknown") {
		fail(x.Pos(), "TYPE_MISMATCH", "%s must evaluate to a boolean (actual: %s)", what, typeText(typ))
	}
}

// subscript is base[index]: of an array from 1, of a map by key, of a row by place. What
// is not there fails.
func (t *translator) subscript(x *sql.Subscript, in *scope) (string, *sql.Type) {
	base, typ := t.expr(x.Base, in)
	index, it := t.expr(x.Index, in)
	switch {
	case is(typ, "row"):
		if n, ok := x.Index.(*sql.Number); ok {
			i, err := strconv.Atoi(n.Text)
			if err == nil && i >= 1 && i <= len(typ.Fields) {
				return "(" + base + ")." + ident(fieldName(typ, i-1)), typ.Fields[i-1].Type
			}
			fail(x.Index.Pos(), "INVALID_FUNCTION_ARGUMENT", "Subscript expression index out of bounds: %s", n.Text)
		}
		fail(x.Index.Pos(), "EXPRESSION_NOT_CONSTANT", "Subscript expression on ROW requires a constant index")
	case is(typ, "array"):
		if it != nil && !isInteger(it) && !is(it, "unknown") {
			fail(x.Position, "TYPE_MISMATCH", "Cannot use %s for subscript of %s", typeText(it), typeText(typ))
		}
		at := raise("INVALID_FUNCTION_ARGUMENT", "'Array subscript must be less than or equal to array length: ' || "+index+" || ' > ' || len("+base+")")
		check := "CASE WHEN " + index + " > len(" + base + ") THEN " + at
		if !nonZero(x.Index) {
			check += " WHEN " + index + " = 0 THEN " + raise("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'") + " WHEN " + index + " < 0 THEN " + raise("INVALID_FUNCTION_ARGUMENT", "'Array subscript is negative: ' || "+index)
		}
		return "(" + base + ")[" + check + " ELSE " + index + " END]", element(typ)
	case is(typ, "map"):
		if len(typ.Args) == 2 && apart(typ.Args[0], it) {
			fail(x.Position, "TYPE_MISMATCH", "Cannot use %s for subscript of %s", typeText(it), typeText(typ))
		}
		return "CASE WHEN NOT map_contains(" + base + ", " + index + ") THEN " + raise("INVALID_FUNCTION_ARGUMENT", "'Key not present in map: ' || CAST("+index+" AS VARCHAR)") + " ELSE (" + base + ")[" + index + "] END", element(typ)
	case typ != nil && !is(typ, "unknown"):
		fail(x.Position, "TYPE_MISMATCH", "Cannot use %s for subscript of %s", typeText(it), typeText(typ))
	}
	return "(" + base + ")[" + index + "]", nil
}

func (t *translator) caseExpr(c *sql.Case, in *scope) (string, *sql.Type) {
	var b strings.Builder
	b.WriteString("CASE")
	var operand *sql.Type
	if c.Operand != nil {
		var text string
		text, operand = t.expr(c.Operand, in)
		b.WriteString(" " + text)
	}
	var types []*sql.Type
	for _, w := range c.Whens {
		cond, ct := t.expr(w.Cond, in)
		if c.Operand == nil {
			t.logical(w.Cond, ct, "CASE WHEN clause")
		} else if apart(operand, ct) {
			fail(w.Cond.Pos(), "TYPE_MISMATCH", "CASE operand type does not match WHEN clause operand type: %s vs %s", typeText(operand), typeText(ct))
		}
		then, tt := t.expr(w.Then, in)
		types = append(types, tt)
		b.WriteString(" WHEN " + cond + " THEN " + then)
	}
	if c.Else != nil {
		text, et := t.expr(c.Else, in)
		types = append(types, et)
		b.WriteString(" ELSE " + text)
	}
	return b.String() + " END", together(c.Position, "All CASE results", types)
}

func (t *translator) cast(c *sql.Cast, in *scope) (string, *sql.Type) {
	text, from := t.expr(c.X, in)
	verb := "CAST("
	if c.Try {
		verb = "TRY_CAST("
	}
	to := c.Type
	if to.Name == "decimal" && len(to.Params) < 2 {
		to = &sql.Type{Name: "decimal", Params: append(append([]int{}, to.Params...), []int{38, 0}[len(to.Params):]...)}
	}
	duckType(to) // fails for a type that there is none of
	if s, ok := c.X.(*sql.String); ok && is(to, "timestamp with time zone") {
		if text, typ, ok := t.zonedLiteral(s.Value); ok {
			return text, typ
		}
	}
	if !castable(from, to) {
		fail(c.Position, "TYPE_MISMATCH", "Cannot cast %s to %s", typeText(from), typeText(to))
	}
	if is(to, "timestamp with time zone") && is(from, "timestamp with time zone") {
		return text, from
	}
	return t.castTo(verb, text, from, to), to
}

// castable reports whether Trino has a cast.
func castable(from, to *sql.Type) bool {
	date := func(t *sql.Type) bool { return is(t, "date", "time", "timestamp", "timestamp with time zone") }
	switch {
	case from == nil || is(from, "unknown", "json") || is(to, "json"):
		return true
	case isNumeric(from) || is(from, "boolean"):
		return isNumeric(to) || is(to, "boolean") || isText(to)
	case date(from):
		return date(to) && !(is(from, "date") && is(to, "time")) && !(is(from, "time") && is(to, "date")) || isText(to)
	case is(from, "array", "map", "row"):
		return from.Name == to.Name
	case is(from, "varbinary"):
		return is(to, "varbinary", "uuid")
	}
	return true
}

// castTo casts with Trino's meaning; verb is CAST( or TRY_CAST(.
func (t *translator) castTo(verb, text string, from, to *sql.Type) string {
	try := verb == "TRY_CAST("
	otherwise := func(message string) string { // of a value that cannot be cast
		if try {
			return "NULL"
		}
		return raise("INVALID_CAST_ARGUMENT", message)
	}
	switch {
	case isText(to):
		out := ""
		switch {
		case is(from, "json"):
			out = "json_extract_string(" + text + ", '$')"
		case is(from, "timestamp with time zone"):
			out = "strftime(" + t.local(text, from) + ", '%Y-%m-%d %H:%M:%S.%g') || ' ' || " + zoneName(from)
		default:
			out = castText(verb, text, from)
		}
		if len(to.Params) == 1 {
			return fmt.Sprintf("substr(%s, 1, %d)", out, to.Params[0])
		}
		return out
	case is(to, "json"):
		if is(from, "json") {
			return text
		}
		return "to_json(" + jsonOf(text, from, 0) + ")"
	case isText(from) && isInteger(to):
		// Digits only: DuckDB would round 1.5 and take 1e3.
		name := map[string]string{"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}[to.Name]
		return "CASE WHEN " + text + " IS NULL THEN NULL WHEN regexp_full_match(" + text + ", '[+-]?[0-9]+') AND TRY_CAST(" + text + " AS " + duckType(to) + ") IS NOT NULL THEN TRY_CAST(" + text + " AS " + duckType(to) + ") ELSE " +
			otherwise("'Cannot cast ''' || "+text+" || ''' to "+name+"'") + " END"
	case isText(from) && is(to, "date", "timestamp", "boolean", "double", "real") && !try:
		message := "'Value cannot be cast to " + typeText(to) + ": ' || " + text
		if !is(to, "date", "timestamp") {
			message = "'Cannot cast ''' || " + text + " || ''' to " + strings.ToUpper(to.Name) + "'"
		}
		return "CASE WHEN TRY_CAST(" + text + " AS " + duckType(to) + ") IS NULL AND " + text + " IS NOT NULL THEN " + otherwise(message) + " ELSE TRY_CAST(" + text + " AS " + duckType(to) + ") END"
	case is(from, "timestamp with time zone") && is(to, "date", "timestamp", "time"):
		return verb + t.local(text, from) + " AS " + duckType(to) + ")"
	case is(from, "double", "real") && isInteger(to):
		return verb + "round(" + text + ") AS " + duckType(to) + ")" // halves away from zero
	case is(from, "timestamp", "date") && is(to, "timestamp with time zone"):
		return "timezone('UTC', CAST(" + text + " AS TIMESTAMP))"
	}
	return convert(verb, text, from, to, 0)
}

// castText writes a value of a type as Trino's cast to varchar does.
func castText(verb, text string, from *sql.Type) string {
	switch {
	case is(from, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case is(from, "double"):
		return "trino_double_text(" + text + ")"
	case is(from, "real"):
		return "trino_real_text(CAST(" + text + " AS DOUBLE))"
	case is(from, "varbinary"):
		return "decode(" + text + ")"
	}
	return verb + text + " AS VARCHAR)"
}

// jsonOf readies a value for to_json, which writes timestamps in its own way.
func jsonOf(text string, t *sql.Type, depth int) string {
	switch {
	case is(t, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case is(t, "array") && is(element(t), "timestamp", "array"):
		p := fmt.Sprintf("__json%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + jsonOf(p, element(t), depth+1) + ")"
	}
	return text
}

// convert casts text, whose rows Trino matches by place and DuckDB by name.
func convert(verb, text string, from, to *sql.Type, depth int) string {
	plain := verb + text + " AS " + duckType(to) + ")"
	switch {
	case is(from, "row") && is(to, "row") && len(from.Fields) == len(to.Fields) && len(to.Fields) > 0:
		parts := make([]string, len(to.Fields))
		for i := range parts {
			parts[i] = ident(fieldName(to, i)) + " := " + convert(verb, "("+text+")."+ident(fieldName(from, i)), from.Fields[i].Type, to.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NULL THEN NULL ELSE struct_pack(" + strings.Join(parts, ", ") + ") END"
	case is(from, "array") && is(to, "array") && is(element(from), "row", "array") && len(to.Args) == 1:
		p := fmt.Sprintf("cast%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + convert(verb, p, element(from), element(to), depth+1) + ")"
	}
	return plain
}
