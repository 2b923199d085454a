package trino

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Operators, with the types that Trino gives their results.

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
		return "(" + strings.Join(parts, " "+x.Op+" ") + ")", types.Boolean
	}
	if x.Op == "||" {
		if text, ok := t.longConcatenation(x, in); ok {
			return text, types.Varchar
		}
	}
	left, lt := t.expr(x.Left, in)
	right, rt := t.expr(x.Right, in)
	switch x.Op {
	case "=", "<>", "<", "<=", ">", ">=":
		if types.Is(lt, "ipaddress") && types.Is(rt, "ipaddress") {
			return "(" + addressBytes(left) + " " + x.Op + " " + addressBytes(right) + ")", types.Boolean
		}
		t.comparable(x, lt, rt)
		if l, ok := x.Left.(*sql.Row); ok && (x.Op == "=" || x.Op == "<>") {
			if r, ok := x.Right.(*sql.Row); ok && len(l.Items) == len(r.Items) { // field by field: a null makes it unknown
				var all sql.Expr
				for i := range l.Items {
					eq := &sql.Operation{Position: x.Position, Op: "=", Left: l.Items[i], Right: r.Items[i]}
					if all == nil {
						all = eq
					} else {
						all = &sql.Operation{Position: x.Position, Op: "AND", Left: all, Right: eq}
					}
				}
				text := t.text(all, in)
				if x.Op == "<>" {
					text = "(NOT " + text + ")"
				}
				return text, types.Boolean
			}
		}
		if (x.Op == "=" || x.Op == "<>") && nested(lt) && nested(rt) {
			text := equality(left, right, lt, rt, 0)
			switch {
			case x.Op == "<>":
				text = "(NOT " + text + ")"
			case t.asserted[x] && alike(lt, rt): // rows can be joined by it
				text = "(" + left + " = " + right + " AND " + text + ")"
			}
			return text, types.Boolean
		}
		if x.Op != "=" && x.Op != "<>" && types.Is(lt, "array") && types.Is(rt, "array") && !(complete(x.Left) && complete(x.Right)) {
			return orderOfArrays(x.Op, left, right), types.Boolean
		}
		if x.Op != "=" && x.Op != "<>" && types.Is(lt, "row") && types.Is(rt, "row") && len(lt.Fields) == len(rt.Fields) && !(complete(x.Left) && complete(x.Right)) {
			return orderOfRows(x.Op, left, right, lt, rt), types.Boolean
		}
		if types.Padded(lt, rt) {
			left, right = unpadded(left), unpadded(right)
		}
		return notANumber(x, left, right, lt, rt, t.keys[x]), types.Boolean
	case "||":
		return concatenate(x.Position, left, right, lt, rt)
	}
	return t.arithmetic(x, left, right, lt, rt)
}

// orderOfArrays compares arrays, which fails where one has a null that the order hangs on.
func orderOfArrays(op, left, right string) string {
	first := "list_filter(list_zip(__a.l, __a.r)[1:least(len(__a.l), len(__a.r))], lambda __e: __e[1] IS NULL OR __e[2] IS NULL OR __e[1] <> __e[2])[1]"
	return "list_transform([struct_pack(l := " + left + ", r := " + right + ")], lambda __a: CASE WHEN __a.l IS NULL OR __a.r IS NULL THEN NULL WHEN list_transform([" + first +
		"], lambda __f: __f IS NOT NULL AND (__f[1] IS NULL OR __f[2] IS NULL))[1] THEN " + duck.Raise("NOT_SUPPORTED", "'ARRAY comparison not supported for arrays with null elements'") +
		" ELSE __a.l " + op + " __a.r END)[1]"
}

// orderOfRows compares rows field by field, which fails where one has a null that the order hangs on.
func orderOfRows(op, left, right string, lt, rt *sql.Type) string {
	var b strings.Builder
	b.WriteString("list_transform([struct_pack(l := " + left + ", r := " + right + ")], lambda __a: CASE WHEN __a.l IS NULL OR __a.r IS NULL THEN NULL")
	for i := range lt.Fields {
		l, r := "__a.l."+duck.Ident(types.FieldName(lt, i)), "__a.r."+duck.Ident(types.FieldName(rt, i))
		b.WriteString(" WHEN " + l + " IS NULL OR " + r + " IS NULL THEN " + duck.Raise("NOT_SUPPORTED", "'ROW comparison not supported for fields with null elements'") +
			" WHEN " + l + " <> " + r + " THEN " + l + " " + op[:1] + " " + r)
	}
	return b.String() + fmt.Sprintf(" ELSE %t END)[1]", len(op) == 2)
}

// addressBytes is an address in the form that it is compared by.
func addressBytes(text string) string { return "trino_ip_bytes(" + text + ")" }

// notANumber writes a comparison in which NaN is not equal to, below or above anything, while
// to DuckDB it is equal to itself and above all numbers. key is for an equality that rows are joined
// by, whose result may be null where it is false: both its sides stay expressions of one relation,
// without which DuckDB does an outer join row by row.
func notANumber(x *sql.Operation, left, right string, lt, rt *sql.Type, key bool) string {
	plain := "(" + left + " " + x.Op + " " + right + ")"
	may := func(e sql.Expr, t *sql.Type, text string) bool {
		return types.Is(t, "double", "real") && !isLiteral(e) && len(text) < 2000 && !strings.Contains(text, "SELECT ")
	}
	l, r := may(x.Left, lt, left), may(x.Right, rt, right)
	switch x.Op {
	case ">", ">=":
		if !l {
			return plain
		}
		return "(" + plain + " AND NOT (isnan(" + left + ")" + present(x.Right, right) + "))"
	case "<", "<=":
		if !r {
			return plain
		}
		return "(" + plain + " AND NOT (isnan(" + right + ")" + present(x.Left, left) + "))"
	}
	if !l || !r {
		return plain
	}
	if key {
		return "(" + left + " = CASE WHEN NOT isnan(" + right + ") THEN " + right + " END)"
	}
	both := "(isnan(" + left + ") AND isnan(" + right + "))"
	if x.Op == "=" {
		return "(" + plain + " AND NOT " + both + ")"
	}
	return "(" + plain + " OR " + both + ")"
}

// present is the condition that a value is not null, where it may be that.
func present(e sql.Expr, text string) string {
	if isLiteral(e) {
		return ""
	}
	return " AND " + text + " IS NOT NULL"
}

// arithmetic is + - * / % with Trino's types.
func (t *translator) arithmetic(x *sql.Operation, left, right string, lt, rt *sql.Type) (string, *sql.Type) {
	plain := "(" + left + " " + x.Op + " " + right + ")"
	if lt != nil && rt != nil && !types.Is(lt, "unknown") && !types.Is(rt, "unknown") && !calculable(x.Op, lt, rt) {
		fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s", types.Text(lt), x.Op, types.Text(rt))
	}
	switch {
	case types.IsInterval(lt) && types.Is(rt, "date"), types.Is(lt, "date") && types.IsInterval(rt):
		days := "CAST(" + plain + " AS DATE)"
		interval, text, of := x.Right, right, rt
		if types.IsInterval(lt) {
			interval, text, of = x.Left, left, lt
		}
		if _, literal := interval.(*sql.Interval); of.Name == types.DayToSecond.Name && !(literal && strings.HasPrefix(text, "to_days(")) {
			return "CASE WHEN epoch_ms(" + text + ") % 86400000 <> 0 THEN " + duck.Raised("Cannot add hour, minutes or seconds to a date") + " ELSE " + days + " END", types.Date
		}
		return days, types.Date
	case types.IsInterval(lt) && (types.IsInterval(rt) || types.IsNumeric(rt)):
		if x.Op == "/" {
			return "(" + left + " * (1 / CAST(" + right + " AS DOUBLE)))", lt
		}
		return plain, lt
	case types.IsInterval(rt) && types.IsNumeric(lt):
		return plain, rt
	case types.IsInterval(rt) && types.Is(lt, "timestamp with time zone"):
		return t.zonedStep(left, x.Op, right, lt, rt), lt
	case types.IsInterval(lt) && types.Is(rt, "timestamp with time zone"):
		return t.zonedStep(right, "+", left, rt, lt), rt
	case types.IsInterval(rt):
		return plain, lt
	case types.IsInterval(lt):
		return plain, rt
	case x.Op == "-" && types.Is(lt, "date") && types.Is(rt, "date"):
		return "to_days(CAST(" + plain + " AS INTEGER))", types.DayToSecond
	case x.Op == "-" && types.Is(lt, "timestamp", "timestamp with time zone"):
		return plain, types.DayToSecond
	case x.Op == "-" && types.Is(lt, "time"):
		return "((DATE '1970-01-01' + " + left + ") - (DATE '1970-01-01' + " + right + "))", types.DayToSecond
	case x.Op == "/" || x.Op == "%":
		return t.division(x, left, right, lt, rt)
	}
	switch {
	case types.IsInteger(lt) && types.IsInteger(rt):
		return plain, types.Common(lt, rt)
	case types.Is(lt, "real") && types.Is(rt, "real"):
		return plain, lt
	case types.Is(lt, "double", "real") && types.IsNumeric(rt) || types.Is(rt, "double", "real") && types.IsNumeric(lt):
		return plain, types.Common(lt, rt)
	case (types.IsInteger(lt) || types.Is(lt, "decimal")) && (types.IsInteger(rt) || types.Is(rt, "decimal")):
		// Trino's result types; DuckDB fails for wide products.
		l, r := types.Digits(lt), types.Digits(rt)
		p1, s1, p2, s2 := l[0], l[1], r[0], r[1]
		if x.Op == "*" {
			if p1+p2 <= 38 {
				typ := types.Decimal(p1+p2, s1+s2)
				if p1 <= 18 && p2 <= 18 && p1+p2 > 18 { // wider than DuckDB would calculate
					return fmt.Sprintf("(CAST(%s AS DECIMAL(38,%d)) * CAST(%s AS DECIMAL(%d,%d)))", left, s1, right, p2, s2), typ
				}
				return plain, typ
			}
			typ := &sql.Type{Name: "decimal", Params: []int{38, s1 + s2}}
			if s1+s2 > 38 {
				fault.Fail(x.Position, "INVALID_FUNCTION_ARGUMENT", "DECIMAL scale must be in range [0, precision (38)]: %d", s1+s2)
			}
			// DuckDB multiplies as far as the digits of both types are 38: factors that fit less
			// are multiplied by it, others digit by digit.
			w := 19
			switch {
			case p1 <= 19:
				w = p1
			case p2 <= 19:
				w = 38 - p2
			}
			w = max(w, s1)
			v := max(38-w, s2)
			exact := fmt.Sprintf("CAST(trino_decimal_product(CAST(%s AS VARCHAR), CAST(%s AS VARCHAR)) AS %s)", left, right, duck.Type(typ))
			if w+v > 38 {
				return exact, typ
			}
			return fmt.Sprintf("coalesce(CAST(TRY_CAST(%s AS DECIMAL(%d,%d)) * TRY_CAST(%s AS DECIMAL(%d,%d)) AS %s), %s)", left, w, s1, right, v, s2, duck.Type(typ), exact), typ
		}
		s := max(s1, s2)
		p := min(38, max(p1-s1, p2-s2)+s+1)
		if p == 19 { // wider than DuckDB would calculate
			plain = fmt.Sprintf("(CAST(%s AS DECIMAL(19,%d)) %s %s)", left, s1, x.Op, right)
		}
		return plain, &sql.Type{Name: "decimal", Params: []int{p, s}}
	}
	return plain, nil
}

// comparable fails where Trino would not compare and DuckDB would: text with numbers, values that
// are never equal or have no order.
func (t *translator) comparable(x *sql.Operation, a, b *sql.Type) {
	has := types.Comparable
	if strings.ContainsAny(x.Op, "<>") && x.Op != "<>" {
		has = types.Orderable
	}
	if types.Apart(a, b) || !has(a) || !has(b) {
		fault.Fail(x.Position, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s", types.Text(a), x.Op, types.Text(b))
	}
}

// calculable reports whether Trino has an operator for the types.
func calculable(op string, a, b *sql.Type) bool {
	date := func(t *sql.Type) bool { return types.Is(t, "date", "time", "timestamp", "timestamp with time zone") }
	switch {
	case types.IsNumeric(a) && types.IsNumeric(b):
		return true
	case types.IsInterval(a) && types.IsInterval(b):
		return a.Name == b.Name && (op == "+" || op == "-")
	case types.IsInterval(a) && types.IsNumeric(b):
		return op == "*" || op == "/"
	case types.IsNumeric(a) && types.IsInterval(b):
		return op == "*"
	case date(a) && types.IsInterval(b):
		return op == "+" || op == "-"
	case types.IsInterval(a) && date(b):
		return op == "+"
	case date(a) && date(b):
		return op == "-" && (a.Name == b.Name || !types.Is(a, "time") && !types.Is(b, "time"))
	}
	return false
}

// concatenate is || of texts, bytes and arrays, to which an element may be joined.
func concatenate(at sql.Position, left, right string, lt, rt *sql.Type) (string, *sql.Type) {
	if dynamic(lt) || types.Is(rt, "array") && zonesDiffer(types.Element(rt), lt) {
		left, lt = inUTC(left, lt)
	}
	if dynamic(rt) || types.Is(lt, "array") && zonesDiffer(types.Element(lt), rt) {
		right, rt = inUTC(right, rt)
	}
	switch {
	case types.Is(lt, "array") && rt != nil && !types.Is(rt, "array", "unknown") && !types.Apart(types.Element(lt), rt):
		return "list_append(" + left + ", " + right + ")", types.ArrayOf(types.Common(types.Element(lt), rt))
	case types.Is(rt, "array") && lt != nil && !types.Is(lt, "array", "unknown") && !types.Apart(types.Element(rt), lt):
		return "list_prepend(" + left + ", " + right + ")", types.ArrayOf(types.Common(types.Element(rt), lt))
	case types.Is(lt, "array") && types.Is(types.Element(lt), "array") && types.Is(rt, "array") && !types.Is(types.Element(rt), "array"):
		return "list_append(" + left + ", " + right + ")", lt
	case types.Is(rt, "array") && types.Is(types.Element(rt), "array") && types.Is(lt, "array") && !types.Is(types.Element(lt), "array"):
		return "list_prepend(" + left + ", " + right + ")", rt
	case types.IsText(lt) && rt != nil && !types.IsText(rt) && !types.Is(rt, "unknown", "json", "uuid"), types.IsText(rt) && lt != nil && !types.IsText(lt) && !types.Is(lt, "unknown", "json", "uuid"),
		types.IsNumeric(lt) && types.IsNumeric(rt):
		fault.Fail(at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s, %s) for function concat. Expected: %s", types.Text(lt), types.Text(rt), expected(translations["concat"].Function))
	}
	typ := lt
	if types.IsText(lt) || types.IsText(rt) {
		typ = types.Varchar
	} else if lt != nil && rt != nil {
		typ = types.Common(lt, rt)
	}
	return "(" + left + " || " + right + ")", typ
}

// longChain is from how many operands on a chain of || is written as a tree of small depth:
// DuckDB takes tens of seconds for a chain of nine hundred.
const longChain = 16

// longConcatenation writes a long chain of texts.
func (t *translator) longConcatenation(x *sql.Operation, in *scope) (string, bool) {
	var operands []sql.Expr
	left := sql.Expr(x)
	for {
		o, ok := left.(*sql.Operation)
		if !ok || o.Op != "||" {
			operands = append(operands, left)
			break
		}
		operands, left = append(operands, o.Right), o.Left
	}
	if len(operands) < longChain {
		return "", false
	}
	texts := make([]string, len(operands))
	for i, o := range operands {
		text, typ := t.expr(o, in)
		if !types.IsText(typ) && !types.Is(typ, "unknown") {
			return "", false
		}
		texts[len(texts)-1-i] = text
	}
	var join func(texts []string) string
	join = func(texts []string) string {
		if len(texts) == 1 {
			return texts[0]
		}
		half := len(texts) / 2
		return "(" + join(texts[:half]) + " || " + join(texts[half:]) + ")"
	}
	return join(texts), true
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
	case types.Is(lt, "double", "real") || types.Is(rt, "double", "real"):
		// IEEE: by zero is infinity or not a number.
		typ, text = types.Double, "DOUBLE"
		if types.Is(types.Common(lt, rt), "real") {
			typ, text = types.Named("real"), "FLOAT"
		}
		l, r := "CAST("+left+" AS "+text+")", "CAST("+right+" AS "+text+")"
		switch {
		case nonZero(x.Right):
			return "(" + l + " " + op + " " + r + ")", typ
		case op == "%":
			return "CASE WHEN " + r + " = 0 AND " + l + " IS NOT NULL THEN CAST('NaN' AS " + text + ") ELSE " + l + " % " + r + " END", typ
		}
		return "CASE WHEN " + r + " = 0 THEN CASE WHEN isnan(" + l + ") OR " + l + " = 0 THEN CAST('NaN' AS " + text + ") WHEN (" + l + " > 0) = signbit(" + r + ") THEN CAST('-Infinity' AS " + text + ") WHEN " + l + " IS NOT NULL THEN CAST('Infinity' AS " + text + ") END ELSE " + l + " / " + r + " END", typ
	case types.IsInteger(lt) && types.IsInteger(rt):
		typ = types.Common(lt, rt)
		if op == "/" {
			op = "//"
		}
		text = "(" + left + " " + op + " " + right + ")"
	case types.IsNumeric(lt) && types.IsNumeric(rt):
		l, r := types.Digits(lt), types.Digits(rt)
		s := max(l[1], r[1])
		if op == "%" {
			typ = types.Decimal(min(38, min(l[0]-l[1], r[0]-r[1])+s), s)
			text = "CAST((" + left + " % " + right + ") AS " + duck.Type(typ) + ")"
			break
		}
		typ = types.Decimal(max(min(38, l[0]+r[1]+max(r[1]-l[1], 0)), s), s)
		text = decimalQuotient(left, right, l, r, typ)
	default:
		text = "(" + left + " " + op + " " + right + ")"
	}
	if nonZero(x.Right) {
		return text, typ
	}
	return "CASE WHEN " + right + " = 0" + present(x.Left, left) + " THEN __raise('DIVISION_BY_ZERO: Division by zero') WHEN " + right + " <> 0 THEN " + text + " END", typ
}

// decimalQuotient divides exactly, in whole numbers of the result's last digit, rounding
// halves away from zero; what does not fit 128 bits is divided digit by digit.
func decimalQuotient(left, right string, l, r [2]int, typ *sql.Type) string {
	p, s := typ.Params[0], typ.Params[1]
	if l[0]+s+r[1]+1 > 38 || r[0]+r[1]+1 > 38 || p+s+1 > 38 {
		return exactQuotient(left, right, s, typ)
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
		return "CAST(" + q + " AS " + duck.Type(typ) + ")"
	}
	return fmt.Sprintf("CAST(CAST(%s AS DECIMAL(%d,0)) * CAST('0.%s1' AS DECIMAL(%d,%d)) AS %s)", q, min(38-s-1, p), strings.Repeat("0", s-1), s+1, s, duck.Type(typ))
}

// exactQuotient divides numbers of any digits to a scale.
func exactQuotient(left, right string, scale int, typ *sql.Type) string {
	return fmt.Sprintf("CAST(trino_decimal_quotient(CAST(%s AS VARCHAR), CAST(%s AS VARCHAR), %d) AS %s)", left, right, scale, duck.Type(typ))
}

// logical fails unless an expression is boolean, where its type is known.
func (t *translator) logical(x sql.Expr, typ *sql.Type, what string) {
	if typ != nil && !types.Is(typ, "boolean", "unknown") {
		fault.Fail(x.Pos(), "TYPE_MISMATCH", "%s must evaluate to a boolean (actual: %s)", what, types.Text(typ))
	}
}

// isLiteral reports whether an expression is written as a value.
func isLiteral(e sql.Expr) bool {
	switch e := e.(type) {
	case *sql.TypedLiteral:
		return !floating(e.Type) || !strings.EqualFold(strings.TrimSpace(e.Value), "nan")
	case *sql.Number, *sql.String:
		return true
	case *sql.Unary:
		return e.Op != "NOT" && isLiteral(e.X)
	}
	return false
}
