package vtl

import (
	"math"
	"math/big"
)

func (l literal) eval(*run) (any, error) { return l.v, nil }

func (i interpolated) eval(r *run) (any, error) {
	s, err := r.capture(i.body)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (l listExpr) eval(r *run) (any, error) {
	out := &List{Items: make([]any, 0, len(l.items))}
	for _, x := range l.items {
		v, err := x.eval(r)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return out, r.made(16 * len(out.Items))
}

func (x rangeExpr) eval(r *run) (any, error) {
	from, err := x.from.eval(r)
	if err != nil {
		return nil, err
	}
	to, err := x.to.eval(r)
	if err != nil {
		return nil, err
	}
	a, ok1 := whole(from)
	b, ok2 := whole(to)
	if !ok1 || !ok2 {
		return nil, nil
	}
	n := b - a
	step := int64(1)
	if n < 0 {
		n, step = -n, -1
	}
	if n < 0 || n >= int64(r.limits.Steps) {
		return nil, ErrLimit
	}
	if err := r.made(16 * int(n+1)); err != nil {
		return nil, err
	}
	out := &List{Items: make([]any, 0, n+1)}
	for ; n >= 0; n-- {
		out.Items = append(out.Items, integer(a))
		a += step
	}
	return out, nil
}

func (m mapExpr) eval(r *run) (any, error) {
	out := NewMap()
	for i := range m.keys {
		k, err := m.keys[i].eval(r)
		if err != nil {
			return nil, err
		}
		name, err := r.text(k)
		if err != nil {
			return nil, err
		}
		v, err := m.values[i].eval(r)
		if err != nil {
			return nil, err
		}
		out.Put(name, v)
		if err := r.made(len(name) + 16); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (n not) eval(r *run) (any, error) {
	ok, err := r.holds(n.x)
	return !ok, err
}

func (ref *reference) eval(r *run) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	v, err := r.lookup(ref.name)
	if err != nil {
		return nil, err
	}
	for i := range ref.path {
		if v == nil {
			return nil, nil
		}
		if v, err = r.access(v, &ref.path[i]); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (r *run) access(v any, a *accessor) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	switch {
	case a.index != nil:
		key, err := a.index.eval(r)
		if err != nil {
			return nil, err
		}
		return r.element(v, key)
	case a.call:
		args := make([]any, len(a.args))
		for i, x := range a.args {
			var err error
			if args[i], err = x.eval(r); err != nil {
				return nil, err
			}
		}
		return r.call(v, a.name, args)
	}
	return r.property(v, a.name)
}

// element is v[key].
func (r *run) element(v, key any) (any, error) {
	switch v := v.(type) {
	case *List:
		if i, ok := position(key, len(v.Items)); ok {
			return v.Items[i], nil
		}
		if _, ok := whole(key); ok {
			return nil, outOfRange("get")
		}
	case *Map:
		name, err := r.text(key)
		if err != nil {
			return nil, err
		}
		out, _ := v.Get(name)
		return out, nil
	case Object:
		if name, ok := key.(string); ok {
			out, _, err := v.Call("get", []any{name})
			return out, err
		}
	}
	return nil, nil
}

// property is v.name: a key of a map, a property of an object, or what the getter of that name
// returns.
func (r *run) property(v any, name string) (any, error) {
	switch v := v.(type) {
	case *Map:
		if out, ok := v.Get(name); ok {
			return out, nil
		}
		if name == "empty" {
			return v.Len() == 0, nil
		}
		return nil, nil
	case Object:
		out, _ := v.Property(name)
		return out, nil
	case entry:
		switch name {
		case "key":
			return v.key, nil
		case "value":
			return v.value(), nil
		}
		return nil, nil
	}
	if name == "empty" {
		return r.call(v, "isEmpty", nil)
	}
	return nil, nil
}

func (b *binary) eval(r *run) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if b.op == opAnd || b.op == opOr { // the right side is not evaluated where the left decides
		ok, err := r.holds(b.l)
		if err != nil || ok == (b.op == opOr) {
			return ok, err
		}
		return r.holds(b.r)
	}
	left, err := b.l.eval(r)
	if err != nil {
		return nil, err
	}
	right, err := b.r.eval(r)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case opEQ:
		return r.equal(left, right)
	case opNE:
		eq, err := r.equal(left, right)
		return !eq, err
	case opLT, opLE, opGT, opGE:
		c, ok := compareNumbers(left, right)
		if !ok {
			return false, nil
		}
		switch b.op {
		case opLT:
			return c < 0, nil
		case opLE:
			return c <= 0, nil
		case opGT:
			return c > 0, nil
		}
		return c >= 0, nil
	}
	if b.op == opAdd {
		_, leftText := left.(string)
		_, rightText := right.(string)
		if leftText || rightText {
			l, err := r.term(b.l, left)
			if err != nil {
				return nil, err
			}
			rt, err := r.term(b.r, right)
			if err != nil {
				return nil, err
			}
			return l + rt, r.made(len(l) + len(rt))
		}
	}
	v := arithmetic(b.op, left, right)
	if n, ok := v.(*big.Int); ok {
		if err := r.made(n.BitLen() / 8); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// term is an operand of a concatenation; a reference to what is not there is its own source.
func (r *run) term(x expr, v any) (string, error) {
	if ref, ok := x.(*reference); ok && v == nil {
		return ref.source, nil
	}
	return r.text(v)
}

// equal compares as Velocity: numbers by value, equal classes by equals, others by what they
// print. Null equals null.
func (r *run) equal(a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	if c, ok := compareNumbers(a, b); ok {
		return c == 0, nil
	}
	if x, ok := a.(bool); ok {
		if y, ok := b.(bool); ok {
			return x == y, nil
		}
	}
	x, err := text(a, r.limits.Bytes)
	if err != nil {
		return false, err
	}
	y, err := text(b, r.limits.Bytes)
	if err != nil {
		return false, err
	}
	return x == y, r.made(min(len(x), len(y)) / 16)
}

func isNumber(v any) bool {
	switch v.(type) {
	case int32, int64, *big.Int, float64:
		return true
	}
	return false
}

func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func toBig(v any) *big.Int {
	if n, ok := v.(*big.Int); ok {
		return n
	}
	n, _ := whole(v)
	return big.NewInt(n)
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	}
	n, _ := whole(v)
	return float64(n)
}

// compareNumbers reports false where one of them is not a number.
func compareNumbers(a, b any) (int, bool) {
	if !isNumber(a) || !isNumber(b) {
		return 0, false
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, y := toFloat(a), toFloat(b)
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	return toBig(a).Cmp(toBig(b)), true
}

// maxBits bounds the result of a product of big integers.
const maxBits = 1 << 16

// arithmetic is nil where an operand is not a number, and for a division by zero. Whole numbers
// give the larger of the operands' types, or the next one that holds the result.
func arithmetic(op operator, a, b any) any {
	if !isNumber(a) || !isNumber(b) {
		return nil
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, y := toFloat(a), toFloat(b)
		switch op {
		case opAdd:
			return x + y
		case opSub:
			return x - y
		case opMul:
			return x * y
		case opDiv:
			if y == 0 {
				return nil
			}
			return x / y
		}
		if y == 0 {
			return nil
		}
		return math.Mod(x, y)
	}
	x, y := toBig(a), toBig(b)
	if x.BitLen()+y.BitLen() > maxBits || (op == opDiv || op == opMod) && y.Sign() == 0 {
		return nil
	}
	z := new(big.Int)
	switch op {
	case opAdd:
		z.Add(x, y)
	case opSub:
		z.Sub(x, y)
	case opMul:
		z.Mul(x, y)
	case opDiv:
		z.Quo(x, y)
	case opMod:
		z.Rem(x, y)
	}
	return narrow(z, a, b)
}

// narrow is z as the larger of the types of a and b, or a larger one if it does not fit.
func narrow(z *big.Int, a, b any) any {
	_, ba := a.(*big.Int)
	_, bb := b.(*big.Int)
	if ba || bb || !z.IsInt64() {
		return z
	}
	n := z.Int64()
	_, la := a.(int64)
	_, lb := b.(int64)
	if la || lb || n < math.MinInt32 || n > math.MaxInt32 {
		return n
	}
	return int32(n)
}
