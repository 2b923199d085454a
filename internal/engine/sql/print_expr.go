package sql

import "strings"

// Precedences: an operand that binds weaker than its place is put in parentheses.
const (
	precOr = iota + 1
	precAnd
	precNot
	precPredicate
	precConcat
	precSum
	precProduct
	precSign
	precZone
	tightest
)

func precedence(x Expr) int {
	switch x := x.(type) {
	case *Lambda:
		return precOr
	case *Operation:
		switch x.Op {
		case "OR":
			return precOr
		case "AND":
			return precAnd
		case "||":
			return precConcat
		case "+", "-":
			return precSum
		case "*", "/", "%":
			return precProduct
		}
		return precPredicate
	case *Unary:
		if x.Op == "NOT" {
			return precNot
		}
		return precSign
	case *Quantified, *Between, *In, *Like, *IsNull, *IsDistinct:
		return precPredicate
	case *AtTimeZone:
		return precZone
	}
	return tightest
}

// expr writes x where at least the given precedence is needed.
func (w *printer) expr(x Expr, least int) {
	if precedence(x) < least {
		w.text("(")
		w.bare(x)
		w.text(")")
		return
	}
	w.bare(x)
}

func not(b bool) string {
	if b {
		return "NOT "
	}
	return ""
}

func (w *printer) bare(x Expr) {
	switch x := x.(type) {
	case Extended:
		w.text(x.SQL(Print))
	case *Null:
		w.text("NULL")
	case *Boolean:
		w.text([]string{"FALSE", "TRUE"}[boolInt(x.Value)])
	case *Number:
		w.text(x.Text)
	case *String:
		w.text(quoteString(x.Value))
	case *Binary:
		w.text(printBinary(x.Value))
	case *TypedLiteral:
		w.typ(x.Type)
		w.text(" ", quoteString(x.Value))
	case *Interval:
		w.text("INTERVAL ")
		if x.Negative {
			w.text("-")
		}
		w.text(quoteString(x.Value), " ", x.From)
		if x.To != "" {
			w.text(" TO ", x.To)
		}
	case *Parameter:
		w.text("?")
	case *Name:
		w.ident(x.Ident)
	case *Dereference:
		if _, ok := x.Base.(*Number); ok {
			w.text("(")
			w.bare(x.Base)
			w.text(")")
		} else {
			w.expr(x.Base, tightest)
		}
		w.text(".")
		w.ident(x.Field)
	case *Subscript:
		w.expr(x.Base, tightest)
		w.text("[")
		w.expr(x.Index, 0)
		w.text("]")
	case *Call:
		w.call(x)
	case *Unary:
		w.text(x.Op)
		if x.Op == "NOT" {
			w.text(" ")
			w.expr(x.X, precNot)
			return
		}
		w.expr(x.X, precSign+boolInt(isSigned(x.X))) // - -x, never --x
	case *Operation:
		prec := precedence(x)
		w.expr(x.Left, prec)
		w.text(" ", x.Op, " ")
		w.expr(x.Right, prec+1)
	case *Quantified:
		w.expr(x.X, precPredicate)
		w.text(" ", x.Op, " ", x.Quantifier, " (")
		w.query(x.Query)
		w.text(")")
	case *Between:
		w.expr(x.X, precPredicate)
		w.text(" ", not(x.Not), "BETWEEN ")
		if x.Symmetric {
			w.text("SYMMETRIC ")
		}
		w.expr(x.Low, precConcat)
		w.text(" AND ")
		w.expr(x.High, precConcat)
	case *In:
		w.expr(x.X, precPredicate)
		w.text(" ", not(x.Not), "IN (")
		if x.Query != nil {
			w.query(x.Query)
		} else {
			w.list(x.List)
		}
		w.text(")")
	case *Like:
		w.expr(x.X, precPredicate)
		w.text(" ", not(x.Not), "LIKE ")
		w.expr(x.Pattern, precConcat)
		if x.Escape != nil {
			w.text(" ESCAPE ")
			w.expr(x.Escape, precConcat)
		}
	case *IsNull:
		w.expr(x.X, precPredicate)
		w.text(" IS ", not(x.Not), "NULL")
	case *IsDistinct:
		w.expr(x.Left, precPredicate)
		w.text(" IS ", not(x.Not), "DISTINCT FROM ")
		w.expr(x.Right, precConcat)
	case *Exists:
		w.text("EXISTS (")
		w.query(x.Query)
		w.text(")")
	case *Subquery:
		w.text("(")
		w.query(x.Query)
		w.text(")")
	case *Case:
		w.caseExpr(x)
	case *Cast:
		w.text([]string{"CAST(", "TRY_CAST("}[boolInt(x.Try)])
		w.expr(x.X, 0)
		w.text(" AS ")
		w.typ(x.Type)
		w.text(")")
	case *Extract:
		w.text("EXTRACT(", x.Field, " FROM ")
		w.expr(x.X, 0)
		w.text(")")
	case *AtTimeZone:
		w.expr(x.X, precZone)
		w.text(" AT TIME ZONE ")
		w.expr(x.Zone, tightest)
	case *Row:
		w.text("ROW(")
		w.list(x.Items)
		w.text(")")
	case *Array:
		w.text("ARRAY[")
		w.list(x.Items)
		w.text("]")
	case *JSONQuery:
		w.jsonQuery(x)
	case *JSONConstructor:
		w.jsonConstructor(x)
	case *Lambda:
		if len(x.Params) == 1 {
			w.ident(x.Params[0])
		} else {
			w.idents(x.Params)
		}
		w.text(" -> ")
		w.expr(x.Body, 0)
	}
}

func isSigned(x Expr) bool {
	u, ok := x.(*Unary)
	return ok && u.Op != "NOT"
}

func (w *printer) caseExpr(c *Case) {
	w.text("CASE")
	if c.Operand != nil {
		w.text(" ")
		w.expr(c.Operand, 0)
	}
	for _, when := range c.Whens {
		w.text(" WHEN ")
		w.expr(when.Cond, 0)
		w.text(" THEN ")
		w.expr(when.Then, 0)
	}
	if c.Else != nil {
		w.text(" ELSE ")
		w.expr(c.Else, 0)
	}
	w.text(" END")
}

func (w *printer) call(c *Call) {
	if len(c.Name.Parts) == 1 && (c.NoParens || Reserved(c.Name.Parts[0].Name)) {
		w.text(c.Name.Parts[0].Name)
	} else {
		w.name(c.Name)
	}
	if c.NoParens && c.Args == nil {
		return
	}
	w.text("(")
	if c.Distinct {
		w.text("DISTINCT ")
	}
	if c.Star {
		w.text("*")
	}
	if s, ok := lastString(c.Args); ok && strings.EqualFold(c.Name.Last(), "normalize") && len(c.Args) == 2 {
		w.expr(c.Args[0], 0)
		w.text(", ", s)
	} else {
		w.list(c.Args)
	}
	w.orderBy(" ORDER BY ", c.OrderBy)
	if c.Overflow != "" {
		w.text(" ON OVERFLOW ", c.Overflow)
	}
	w.text(")")
	if c.WithinGroup != nil {
		w.orderBy(" WITHIN GROUP (ORDER BY ", c.WithinGroup)
		w.text(")")
	}
	if c.Filter != nil {
		w.text(" FILTER (WHERE ")
		w.expr(c.Filter, 0)
		w.text(")")
	}
	if c.Nulls != "" {
		w.text(" ", c.Nulls, " NULLS")
	}
	if c.Over != nil {
		w.text(" OVER ")
		w.window(c.Over)
	}
}

func lastString(args []Expr) (string, bool) {
	if len(args) == 0 {
		return "", false
	}
	s, ok := args[len(args)-1].(*String)
	if !ok {
		return "", false
	}
	return s.Value, true
}
