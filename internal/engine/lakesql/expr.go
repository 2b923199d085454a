package lakesql

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

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
		return stringLiteral(x.Value), varcharType
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
		base, typ := t.expr(x.Base, in)
		index, _ := t.expr(x.Index, in)
		if is(typ, "row") {
			if n, ok := x.Index.(*sql.Number); ok {
				if i, err := strconv.Atoi(n.Text); err == nil && i >= 1 && i <= len(typ.Fields) {
					return "(" + base + ")." + ident(fieldName(typ, i-1)), typ.Fields[i-1].Type
				}
			}
		}
		return "(" + base + ")[" + index + "]", element(typ)
	case *sql.Call:
		return t.call(x, in)
	case *sql.Unary:
		text, typ := t.expr(x.X, in)
		return "(" + x.Op + " " + text + ")", typ
	case *sql.Operation:
		return t.operation(x, in)
	case *sql.Quantified:
		text, _ := t.query(x.Query, in)
		return "(" + t.text(x.X, in) + " " + x.Op + " " + x.Quantifier + " (" + text + "))", booleanType
	case *sql.Between:
		return "(" + t.text(x.X, in) + not(x.Not) + " BETWEEN " + t.text(x.Low, in) + " AND " + t.text(x.High, in) + ")", booleanType
	case *sql.In:
		if x.Query != nil {
			text, _ := t.query(x.Query, in)
			return "(" + t.text(x.X, in) + not(x.Not) + " IN (" + text + "))", booleanType
		}
		list := make([]string, len(x.List))
		for i, y := range x.List {
			list[i] = t.text(y, in)
		}
		return "(" + t.text(x.X, in) + not(x.Not) + " IN (" + strings.Join(list, ", ") + "))", booleanType
	case *sql.Like:
		text := "(" + t.text(x.X, in) + not(x.Not) + " LIKE " + t.text(x.Pattern, in)
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
		var typ *sql.Type
		for i, item := range x.Items {
			var it *sql.Type
			parts[i], it = t.expr(item, in)
			if i == 0 || is(typ, "unknown") {
				typ = it
			} else if !is(it, "unknown") {
				typ = common(typ, it)
			}
		}
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
	case "timestamp":
		// A zone at the end makes another type.
		if len(x.Value) > 10 && (strings.ContainsAny(x.Value[10:], "+-") || strings.ContainsFunc(x.Value[10:], func(r rune) bool { return r >= 'A' && r <= 'Z' && r != 'T' || r >= 'a' && r <= 'z' })) {
			typ = instantType
		}
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
			parts = append(parts, t.text(e, in))
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
		return "(" + left + " || " + right + ")", lt
	}
	plain := "(" + left + " " + x.Op + " " + right + ")"
	switch {
	case isInterval(lt) && is(rt, "date"), is(lt, "date") && isInterval(rt):
		return "CAST(" + plain + " AS DATE)", dateType
	case isInterval(rt):
		return plain, lt
	case isInterval(lt):
		return plain, rt
	case x.Op == "-" && is(lt, "date") && is(rt, "date"):
		return "to_days(CAST" + plain + " AS INTEGER)", intervalType
	case x.Op == "-" && is(lt, "timestamp", "timestamp with time zone"):
		return plain, intervalType
	case x.Op == "/" || x.Op == "%":
		return t.division(x, left, right, lt, rt)
	}
	switch {
	case isInteger(lt) && isInteger(rt):
		if is(lt, "bigint") || is(rt, "bigint") {
			return plain, bigintType
		}
		return plain, integerType
	case is(lt, "double") || is(rt, "double"):
		return plain, doubleType
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
			w := max(38-p2, s1+1)
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
	text := func(t *sql.Type) bool { return is(t, "varchar", "char") }
	other := func(t *sql.Type) bool {
		return isInteger(t) || is(t, "double", "real", "decimal", "boolean", "date", "timestamp", "timestamp with time zone")
	}
	if text(a) && other(b) || other(a) && text(b) {
		fail(x.Position, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s", a, x.Op, b)
	}
}

// division keeps Trino's rules: of integers it is whole, by zero it fails, of decimals it
// is a decimal, rounded.
func (t *translator) division(x *sql.Operation, left, right string, lt, rt *sql.Type) (string, *sql.Type) {
	var typ *sql.Type
	exact := func(t *sql.Type) bool { return isInteger(t) || is(t, "decimal") }
	op := x.Op
	switch {
	case isInteger(lt) && isInteger(rt):
		typ = integerType
		if is(lt, "bigint") || is(rt, "bigint") {
			typ = bigintType
		}
		if op == "/" {
			op = "//"
		}
	case is(lt, "double", "real") || is(rt, "double", "real"):
		// IEEE: by zero is infinity or not a number.
		if op == "/" {
			l, r := "CAST("+left+" AS DOUBLE)", "CAST("+right+" AS DOUBLE)"
			if n, ok := x.Right.(*sql.Number); ok && strings.ContainsAny(n.Text, "123456789") {
				return "(" + l + " / " + r + ")", doubleType
			}
			return "CASE WHEN " + r + " = 0 THEN CASE WHEN " + l + " > 0 THEN CAST('Infinity' AS DOUBLE) WHEN " + l + " < 0 THEN CAST('-Infinity' AS DOUBLE) ELSE CAST('NaN' AS DOUBLE) END ELSE " + l + " / " + r + " END", doubleType
		}
		return "(" + left + " % " + right + ")", doubleType
	}
	text := "(" + left + " " + op + " " + right + ")"
	if op == "/" && exact(lt) && exact(rt) {
		l, r := decimalOf(lt), decimalOf(rt)
		s := max(l[1], r[1])
		p := min(38, l[0]+r[1]+max(r[1]-l[1], 0))
		typ = &sql.Type{Name: "decimal", Params: []int{max(p, s), s}}
		text = fmt.Sprintf("CAST(round(CAST(%s AS DOUBLE) / CAST(%s AS DOUBLE), %d) AS %s)", left, right, s, duckType(typ))
	}
	if n, ok := x.Right.(*sql.Number); ok && strings.ContainsAny(n.Text, "123456789") || t.try > 0 {
		return text, typ
	}
	return "CASE WHEN " + right + " = 0 THEN error('Division by zero') ELSE " + text + " END", typ
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

func (t *translator) caseExpr(c *sql.Case, in *scope) (string, *sql.Type) {
	var b strings.Builder
	b.WriteString("CASE")
	if c.Operand != nil {
		b.WriteString(" " + t.text(c.Operand, in))
	}
	var typ *sql.Type
	for i, w := range c.Whens {
		then, tt := t.expr(w.Then, in)
		if i == 0 {
			typ = tt
		} else {
			typ = common(typ, tt)
		}
		b.WriteString(" WHEN " + t.text(w.Cond, in) + " THEN " + then)
	}
	if c.Else != nil {
		text, et := t.expr(c.Else, in)
		typ = common(typ, et)
		b.WriteString(" ELSE " + text)
	}
	return b.String() + " END", typ
}

func (t *translator) cast(c *sql.Cast, in *scope) (string, *sql.Type) {
	text, from := t.expr(c.X, in)
	verb := "CAST("
	if c.Try || t.try > 0 {
		verb = "TRY_CAST("
	}
	to := c.Type
	if to.Name == "decimal" && len(to.Params) < 2 {
		to = &sql.Type{Name: "decimal", Params: append(append([]int{}, to.Params...), []int{38, 0}[len(to.Params):]...)}
	}
	duckType(to) // fails for a type that there is none of
	if is(to, "varchar", "char") {
		switch {
		case is(from, "timestamp"):
			text = "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
		case is(from, "timestamp with time zone"):
			text = "strftime(" + text + " AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%g UTC')"
		case is(from, "json"):
			text = "json_extract_string(" + text + ", '$')"
		case is(from, "varbinary"):
			text = "decode(" + text + ")"
		}
	}
	if is(to, "json") && !is(from, "json") {
		return "to_json(" + text + ")", to
	}
	out := convert(verb, text, from, to, 0)
	if len(to.Params) == 1 && is(to, "varchar", "char") {
		out = fmt.Sprintf("substr(%s, 1, %d)", out, to.Params[0])
	}
	return out, to
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
