package trino

import (
	"math/big"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Pruning asks of each partition whether a row of it could pass the predicates on
// partition columns. It may say yes too often, never too seldom: what it cannot evaluate
// it takes to hold.

// conjuncts takes AND apart.
func conjuncts(x sql.Expr, list []sql.Expr) []sql.Expr {
	if x == nil {
		return list
	}
	if o, ok := x.(*sql.Operation); ok && o.Op == "AND" {
		return conjuncts(o.Right, conjuncts(o.Left, list))
	}
	return append(list, x)
}

// assert notes the parts of a condition that rows must meet: for them null is as good as false.
func (t *translator) assert(x sql.Expr) {
	for _, c := range conjuncts(x, nil) {
		t.asserted[c] = true
	}
}

// onConjuncts adds the conditions of inner joins, which hold for every row as WHERE does.
func onConjuncts(r sql.Relation, list []sql.Expr) []sql.Expr {
	j, ok := r.(*sql.Join)
	if !ok || j.Kind != "INNER" && j.Kind != "CROSS" {
		return list
	}
	return onConjuncts(j.Right, onConjuncts(j.Left, conjuncts(j.On, list)))
}

type truth int8

const (
	maybe truth = iota
	yes
	no
)

// pruner knows the values of one relation's partition columns.
type pruner struct {
	t        *translator
	relation string
	columns  []catalog.Column
	values   []string // nil: null or not known
	set      []bool
	folded   map[sql.Expr]foldedOperand
}

type foldedOperand struct {
	operand
	ok bool
}

// holds reports whether all predicates may hold.
func (p *pruner) holds(where []sql.Expr) bool {
	for _, x := range where {
		if p.truth(x) == no {
			return false
		}
	}
	return true
}

func (p *pruner) truth(x sql.Expr) truth {
	switch x := x.(type) {
	case *sql.Boolean:
		if x.Value {
			return yes
		}
		return no
	case *sql.Unary:
		if x.Op == "NOT" {
			return invert(p.truth(x.X))
		}
	case *sql.Operation:
		switch x.Op {
		case "AND":
			return both(p.truth(x.Left), p.truth(x.Right))
		case "OR":
			return invert(both(invert(p.truth(x.Left)), invert(p.truth(x.Right))))
		}
		return p.compare(x.Op, x.Left, x.Right)
	case *sql.Between:
		r := both(p.compare(">=", x.X, x.Low), p.compare("<=", x.X, x.High))
		if x.Not {
			r = invert(r)
		}
		return r
	case *sql.Like:
		v, ok := p.value(x.X)
		pattern, constant := p.likeText(x)
		if !ok || !constant || v.number != nil || !p.isText(x.X) {
			return maybe
		}
		r := no
		if like([]rune(pattern), []rune(v.text)) {
			r = yes
		}
		if x.Not {
			r = invert(r)
		}
		return r
	case *sql.In:
		if x.Query != nil {
			return maybe
		}
		r := no
		for _, y := range x.List {
			switch p.compare("=", x.X, y) {
			case yes:
				r = yes
			case maybe:
				if r == no {
					r = maybe
				}
			}
		}
		if x.Not {
			r = invert(r)
		}
		return r
	}
	return maybe
}

// isText reports whether an expression is a partition column whose values are texts as they are kept.
func (p *pruner) isText(x sql.Expr) bool {
	for _, c := range p.columns {
		if p.isColumn(x, c.Name) {
			return types.Is(hive.TypeOf(c.Type), "varchar")
		}
	}
	return false
}

func invert(t truth) truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return maybe
}

func both(a, b truth) truth {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return maybe
}

// operand is a constant of a predicate: text, or a number.
type operand struct {
	text   string
	number *big.Rat
}

func (p *pruner) compare(op string, x, y sql.Expr) truth {
	a, ok := p.value(x)
	if !ok {
		return maybe
	}
	b, ok := p.value(y)
	if !ok {
		return maybe
	}
	var c int
	switch {
	case a.number != nil && b.number != nil:
		c = a.number.Cmp(b.number)
	case a.number != nil || b.number != nil:
		return maybe
	default:
		c = strings.Compare(a.text, b.text)
	}
	var r bool
	switch op {
	case "=":
		r = c == 0
	case "<>":
		r = c != 0
	case "<":
		r = c < 0
	case "<=":
		r = c <= 0
	case ">":
		r = c > 0
	case ">=":
		r = c >= 0
	default:
		return maybe
	}
	if r {
		return yes
	}
	return no
}

// value evaluates an operand made of constants and partition columns.
func (p *pruner) value(x sql.Expr) (operand, bool) {
	switch x := x.(type) {
	case *sql.String:
		return operand{text: x.Value}, true
	case *sql.Number:
		if len(x.Text) > 40 || x.Kind == sql.Double {
			return operand{}, false
		}
		r, ok := new(big.Rat).SetString(x.Text)
		return operand{number: r}, ok
	case *sql.Unary:
		v, ok := p.value(x.X)
		if !ok || x.Op != "-" || v.number == nil {
			return operand{}, false
		}
		return operand{number: new(big.Rat).Neg(v.number)}, true
	case *sql.TypedLiteral:
		if x.Type.Name == "date" && len(x.Value) == 10 {
			return operand{text: x.Value}, true
		}
	case *sql.Parameter:
		if x.Index < len(p.t.request.Parameters) {
			if _, again := p.t.request.Parameters[x.Index].(*sql.Parameter); !again {
				return p.value(p.t.request.Parameters[x.Index])
			}
		}
	case *sql.Cast:
		v, ok := p.value(x.X)
		if !ok {
			return v, false
		}
		switch {
		case types.Is(x.Type, "varchar") && v.number == nil && len(x.Type.Params) == 0:
			return v, true
		case types.Is(x.Type, "varchar") && v.number.IsInt():
			return operand{text: v.number.Num().String()}, true
		case types.IsInteger(x.Type) && v.number != nil && v.number.IsInt():
			return v, true
		case types.IsInteger(x.Type) && v.number == nil:
			return integerOperand(v.text)
		case types.Is(x.Type, "date") && v.number == nil && isDate(v.text):
			return v, true
		}
	case *sql.Call:
		if x.Name.Last() == "concat" {
			var text string
			for _, a := range x.Args {
				v, ok := p.value(a)
				if !ok || v.number != nil {
					return p.fold(x)
				}
				text += v.text
			}
			return operand{text: text}, true
		}
		if x.Name.Last() == "date" && len(x.Args) == 1 {
			if v, ok := p.value(x.Args[0]); ok && v.number == nil && isDate(v.text) {
				return v, true
			}
		}
	case *sql.Operation:
		if x.Op != "||" {
			return p.fold(x)
		}
		a, ok := p.value(x.Left)
		b, ok2 := p.value(x.Right)
		return operand{text: a.text + b.text}, ok && ok2 && a.number == nil && b.number == nil
	case *sql.Name, *sql.Dereference:
		parts, rest := flatten(x)
		if rest != nil {
			return operand{}, false
		}
		name := parts[len(parts)-1].Lower()
		if len(parts) > 1 && parts[len(parts)-2].Lower() != p.relation {
			return operand{}, false
		}
		for i, c := range p.columns {
			if c.Name == name && p.set[i] {
				return partitionOperand(hive.TypeOf(c.Type), p.values[i])
			}
		}
		return operand{}, false
	}
	return p.fold(x)
}

// fold asks DuckDB what a constant expression is, such as one of current_date.
func (p *pruner) fold(x sql.Expr) (operand, bool) {
	if v, ok := p.folded[x]; ok {
		return v.operand, v.ok
	}
	if p.folded == nil {
		p.folded = map[sql.Expr]foldedOperand{}
	}
	v, ok := p.evaluate(x)
	p.folded[x] = foldedOperand{v, ok}
	return v, ok
}

func (p *pruner) evaluate(x sql.Expr) (v operand, ok bool) {
	if !constant(x) {
		return operand{}, false
	}
	defer func() {
		if r := recover(); r != nil { // a mistake: the query will say so
			if _, mistake := r.(*fault.Error); !mistake {
				panic(r)
			}
			ok = false
		}
	}()
	text, typ := p.t.expr(x, nil)
	if !types.IsInteger(typ) && !types.Is(typ, "varchar", "date") {
		return operand{}, false
	}
	var s string
	err := p.t.host.Query(p.t.ctx, "SELECT v FROM (SELECT CAST("+text+" AS VARCHAR) AS v) WHERE v IS NOT NULL", func(values []string) { s, ok = values[0], true })
	if err != nil {
		return operand{}, false
	}
	if ok && types.IsInteger(typ) {
		return integerOperand(s)
	}
	return operand{text: s}, ok
}

// constant reports whether an expression is made of constants and functions that pruning
// may run: none that draws lots, no query, no lambda.
func constant(x sql.Expr) bool {
	all := func(list ...sql.Expr) bool {
		for _, y := range list {
			if !constant(y) {
				return false
			}
		}
		return true
	}
	switch x := x.(type) {
	case *sql.String, *sql.Number, *sql.TypedLiteral, *sql.Interval, *sql.Boolean, *sql.Parameter:
		return true
	case *sql.Unary:
		return constant(x.X)
	case *sql.Operation:
		return all(x.Left, x.Right)
	case *sql.Cast:
		return constant(x.X)
	case *sql.Extract:
		return constant(x.X)
	case *sql.AtTimeZone:
		return all(x.X, x.Zone)
	case *sql.Call:
		f, ok := translations[x.Name.Last()]
		return ok && !f.Nondeterministic && f.aggregate == "" && x.Over == nil && all(x.Args...)
	}
	return false
}

func integerOperand(s string) (operand, bool) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || len(s) > 30 {
		return operand{}, false
	}
	return operand{number: new(big.Rat).SetInt(n)}, true
}

func isDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-'
}

func partitionOperand(t *sql.Type, v string) (operand, bool) {
	switch {
	case v == hive.DefaultPartition:
		return operand{}, false
	case types.IsInteger(t):
		return integerOperand(v)
	case types.Is(t, "varchar"):
		return operand{text: v}, true
	case types.Is(t, "date"):
		return operand{text: v}, isDate(v)
	}
	return operand{}, false
}
