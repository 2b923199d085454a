package streamsql

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

func (c *compiler) unary(x *sql.Unary) *compiled {
	if x.Op == "NOT" {
		return negate(true, c.condition(x.X, "NOT"))
	}
	v := c.compile(x.X)
	if !v.t.isNumeric() && !v.t.isInterval() && v.t.Kind != Null {
		fail(x, "", "Cannot apply '%s' to arguments of type '%s<%s>'", x.Op, x.Op, v.t)
	}
	if x.Op == "+" {
		return v
	}
	e, t := v.eval, v.t
	return fold(&compiled{t: t, constant: v.constant, column: -1, key: "neg(" + v.key + ")", eval: func(f *frame) value {
		x := e(f)
		switch {
		case x.null:
			return null
		case t.isApprox():
			return float(-x.float())
		}
		return value{i: -x.i}
	}})
}

func (c *compiler) operation(x *sql.Operation) *compiled {
	switch x.Op {
	case "AND":
		return both(c.condition(x.Left, "AND"), c.condition(x.Right, "AND"))
	case "OR":
		return either(c.condition(x.Left, "OR"), c.condition(x.Right, "OR"))
	case "=", "<>", "<", "<=", ">", ">=":
		if l, ok := x.Left.(*sql.Row); ok {
			return c.compareRows(x, x.Op, l, x.Right)
		}
		return c.compare(x, x.Op, c.compile(x.Left), c.compile(x.Right))
	case "||":
		return c.concat(x)
	}
	l, r := c.compile(x.Left), c.compile(x.Right)
	if v := timeArithmetic(x.Op, l, r); v != nil {
		return v
	}
	// Text is read as a number beside a number.
	if l.t.isString() && r.t.isNumeric() {
		l = convert(l, Type{Kind: Double})
	} else if r.t.isString() && l.t.isNumeric() {
		r = convert(r, Type{Kind: Double})
	}
	if l.t.Kind == Null && r.t.isNumeric() {
		l = convert(l, r.t)
	} else if r.t.Kind == Null && l.t.isNumeric() {
		r = convert(r, l.t)
	}
	if !l.t.isNumeric() || !r.t.isNumeric() {
		fail(x, "", "Cannot apply '%s' to arguments of type '<%s> %s <%s>'", x.Op, l.t, x.Op, r.t)
	}
	return arithmetic(x.Op, l, r)
}

func (c *compiler) concat(x *sql.Operation) *compiled {
	l, r := c.compile(x.Left), c.compile(x.Right)
	for _, v := range []**compiled{&l, &r} {
		if !(*v).t.isText() {
			if !canCast((*v).t, Type{Kind: Varchar}) {
				fail(x, "", "Cannot apply '||' to arguments of type '<%s> || <%s>'", l.t, r.t)
			}
			*v = convert(*v, Type{Kind: Varchar})
		}
	}
	le, re := l.eval, r.eval
	t := Type{Kind: Varchar}
	if l.t.Length > 0 && r.t.Length > 0 {
		t.Length = min(l.t.Length+r.t.Length, maxLength)
	}
	return fold(&compiled{t: t, constant: l.constant && r.constant, column: -1, key: "||(" + l.key + "," + r.key + ")", eval: func(f *frame) value {
		a := le(f)
		if a.null {
			return null
		}
		b := re(f)
		if b.null {
			return null
		}
		if len(a.s)+len(b.s) > longestText {
			return f.fail(errTooLong)
		}
		return value{s: a.s + b.s}
	}})
}

var errOverflow = &rowError{errorNumericRange, "Value out of range: the result of the arithmetic does not fit its type"}
var errZero = &rowError{errorDivision, "Division by zero"}

// arithmetic is + - * / % of two numbers.
func arithmetic(op string, l, r *compiled) *compiled {
	t, _ := common(l.t, r.t)
	out := &compiled{constant: l.constant && r.constant, column: -1, key: op + "(" + l.key + "," + r.key + ")"}
	if op != "%" {
		out.rising = l.rising && r.constant || op == "+" && l.constant && r.rising
		if (op == "*" || op == "/") && out.rising {
			f := &frame{}
			v := r.eval(f)
			out.rising = !v.null && toFloat(v, r.t) > 0
		}
	}
	switch {
	case t.isApprox():
		l, r = convert(l, t), convert(r, t)
		le, re := l.eval, r.eval
		single := t.Kind == Real
		out.t = t
		out.eval = func(f *frame) value {
			a := le(f)
			if a.null {
				return null
			}
			b := re(f)
			if b.null {
				return null
			}
			x, y := a.float(), b.float()
			switch op {
			case "+":
				x += y
			case "-":
				x -= y
			case "*":
				x *= y
			default:
				if y == 0 {
					return f.fail(errZero)
				}
				if op == "/" {
					x /= y
				} else {
					x = math.Mod(x, y)
				}
			}
			if math.IsInf(x, 0) {
				return f.fail(errOverflow)
			}
			if single {
				x = float64(float32(x))
			}
			return float(x)
		}
	case t.Kind == Decimal:
		decimalArithmetic(out, op, l, r)
	default:
		out.t = Type{Kind: max(t.Kind, Integer)}
		k, le, re := out.t.Kind, l.eval, r.eval
		out.eval = func(f *frame) value {
			a := le(f)
			if a.null {
				return null
			}
			b := re(f)
			if b.null {
				return null
			}
			i, ok := integers(op, a.i, b.i)
			if !ok && b.i == 0 && (op == "/" || op == "%") {
				return f.fail(errZero)
			}
			if !ok || !inRange(k, i) {
				return f.fail(errOverflow)
			}
			return value{i: i}
		}
	}
	return fold(out)
}

// integers computes; false where the result does not fit, or there is none.
func integers(op string, a, b int64) (int64, bool) {
	switch op {
	case "+":
		s := a + b
		return s, (a^s)&(b^s) >= 0
	case "-":
		s := a - b
		return s, (a^b)&(a^s) >= 0
	case "*":
		hi, lo := bits.Mul64(magnitude(a), magnitude(b))
		neg := (a < 0) != (b < 0)
		if hi != 0 || lo > 1<<63 || lo == 1<<63 && !neg {
			return 0, false
		}
		if neg {
			return -int64(lo), true
		}
		return int64(lo), true
	case "/":
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a / b, true
	}
	if b == 0 {
		return 0, false
	}
	if b == -1 {
		return 0, true
	}
	return a % b, true
}

func decimalArithmetic(out *compiled, op string, l, r *compiled) {
	a, b := asDecimal(l.t), asDecimal(r.t)
	le, re := l.eval, r.eval
	t := Type{Kind: Decimal}
	switch op {
	case "+", "-":
		t.Scale = max(a.Scale, b.Scale)
		t.Precision = min(18, 1+t.Scale+max(a.Precision-a.Scale, b.Precision-b.Scale))
	case "*":
		t.Scale = a.Scale + b.Scale
		t.Precision = min(18, a.Precision+b.Precision)
		if over := a.Precision + b.Precision - 18; over > 0 {
			t.Scale = min(18, max(t.Scale-over, min(t.Scale, 6)))
		}
	case "/":
		whole := a.Precision - a.Scale + b.Scale
		t.Scale = max(a.Scale, min(max(6, a.Scale+b.Precision+1), 18-whole))
		t.Scale = max(0, min(t.Scale, 18))
		t.Precision = min(18, max(1, whole+t.Scale))
	default:
		t.Scale = max(a.Scale, b.Scale)
		t.Precision = 18
	}
	out.t = t
	limit := powers[t.Precision]
	out.eval = func(f *frame) value {
		x := le(f)
		if x.null {
			return null
		}
		y := re(f)
		if y.null {
			return null
		}
		i, j := x.i, y.i
		var ok bool
		switch op {
		case "*":
			if drop := a.Scale + b.Scale - t.Scale; drop > 0 {
				i, ok = mulDiv(i, j, powers[drop])
			} else {
				i, ok = integers("*", i, j)
			}
		case "/":
			if j == 0 {
				return f.fail(errZero)
			}
			if shift := t.Scale + b.Scale - a.Scale; shift >= 0 && shift <= 18 {
				i, ok = mulDiv(i, powers[shift], j)
			} else {
				q := toFloat(x, a) / toFloat(y, b) * float64(powers[t.Scale])
				i, ok = int64(q), math.Abs(q) < 1e18
			}
		default:
			i, ok = rescale(i, a.Scale, t.Scale)
			k, ok2 := rescale(j, b.Scale, t.Scale)
			if op == "%" && k == 0 {
				return f.fail(errZero)
			}
			var ok3 bool
			i, ok3 = integers(op, i, k)
			ok = ok && ok2 && ok3
		}
		if !ok || i >= limit || i <= -limit {
			return f.fail(errOverflow)
		}
		return value{i: i}
	}
}

// timeArithmetic is what has a time or an interval on one side; nil where none has.
func timeArithmetic(op string, l, r *compiled) *compiled {
	if op == "+" && l.t.isInterval() && r.t.isTime() {
		l, r = r, l
	}
	if op == "*" && l.t.isNumeric() && r.t.isInterval() {
		l, r = r, l
	}
	le, re := l.eval, r.eval
	out := &compiled{t: l.t, constant: l.constant && r.constant, column: -1, key: op + "(" + l.key + "," + r.key + ")"}
	binary := func(do func(f *frame, a, b int64) int64) *compiled {
		out.eval = func(f *frame) value {
			a := le(f)
			if a.null {
				return null
			}
			b := re(f)
			if b.null {
				return null
			}
			return value{i: do(f, a.i, b.i)}
		}
		return fold(out)
	}
	plus := op == "+"
	switch {
	case (plus || op == "-") && l.t.isTime() && r.t.isInterval():
		out.rising = l.rising && r.constant
		kind, months := l.t.Kind, r.t.Kind == IntervalYear
		return binary(func(_ *frame, a, b int64) int64 {
			if !plus {
				b = -b
			}
			switch {
			case months:
				return addMonths(a, b)
			case kind == Time:
				s := (a + b) % msDay
				if s < 0 {
					s += msDay
				}
				return s
			case kind == Date:
				return floorTo(a+b, msDay)
			}
			return a + b
		})
	case op == "-" && l.t.isTime() && r.t.isTime():
		out.t = Type{Kind: IntervalDay, Precision: unitIndex("DAY")}
		out.rising = l.rising && r.constant
		return binary(func(_ *frame, a, b int64) int64 { return a - b })
	case (plus || op == "-") && l.t.isInterval() && r.t.Kind == l.t.Kind:
		out.t.Precision = min(l.t.Precision, r.t.Precision)
		out.rising = l.rising && r.constant
		return binary(func(_ *frame, a, b int64) int64 {
			if plus {
				return a + b
			}
			return a - b
		})
	case (op == "*" || op == "/") && l.t.isInterval() && r.t.isNumeric():
		if l.rising && r.constant {
			v := r.eval(&frame{})
			out.rising = !v.null && toFloat(v, r.t) > 0
		}
		exact, t := r.t.isInteger(), r.t
		return binary(func(f *frame, a, b int64) int64 {
			y := toFloat(value{i: b}, t)
			switch {
			case op == "*" && exact:
				return a * b
			case op == "*":
				return int64(math.Round(float64(a) * y))
			case y == 0:
				f.fail(errZero)
				return 0
			case exact:
				return a / b
			}
			return int64(float64(a) / y)
		})
	case l.t.isInterval() && r.t.isInterval() && op == "/":
		out.t = Type{Kind: BigInt}
		return binary(func(f *frame, a, b int64) int64 {
			if b == 0 {
				f.fail(errZero)
				return 0
			}
			return a / b
		})
	}
	return nil
}

// difference is (x - y) unit: an interval in that unit.
func (c *compiler) difference(x *dialect.Difference) *compiled {
	v := c.compile(x.X)
	t := Type{Kind: IntervalDay, Precision: unitIndex(x.From)}
	if x.From == "YEAR" || x.From == "MONTH" {
		t.Kind = IntervalYear
	}
	if v.t.Kind != IntervalDay {
		fail(x, "", "An interval is the difference of two times, and not of type %s", v.t)
	}
	e := v.eval
	unit := unitOf(t)
	last := x.To
	if last == "" {
		last = x.From
	}
	smallest := int64(1)
	if last != "SECOND" {
		smallest = unitOf(Type{Precision: unitIndex(last)})
	}
	months := t.Kind == IntervalYear
	out := &compiled{t: t, constant: v.constant, rising: v.rising, column: -1, key: fmt.Sprintf("difference(%s,%s,%s)", v.key, x.From, x.To)}
	out.eval = func(f *frame) value {
		a := e(f)
		if a.null {
			return null
		}
		if months { // of 30 days, as the difference of two times knows none
			return value{i: a.i / (30 * msDay) / unit * unit}
		}
		return value{i: a.i / smallest * smallest}
	}
	return fold(out)
}

// round is FLOOR(x TO unit), or CEIL.
func (c *compiler) round(x *dialect.Round) *compiled {
	v := c.compile(x.X)
	if !v.t.isTime() && v.t.Kind != IntervalDay {
		fail(x, "FLOOR(x TO unit) takes a TIMESTAMP, a DATE, a TIME or an INTERVAL.", "Cannot apply 'FLOOR' to arguments of type 'FLOOR(<%s> TO <%s>)'", v.t, x.Unit)
	}
	e, unit, ceil, clock := v.eval, x.Unit, x.Ceil, v.t.Kind == Time || v.t.Kind == IntervalDay
	step := unitOf(Type{Precision: unitIndex(unit)})
	simple := unit == "SECOND" || unit == "MINUTE" || unit == "HOUR" || unit == "DAY"
	if clock && !simple {
		fail(x, "", "A %s has no %s", v.t, unit)
	}
	out := &compiled{t: v.t, constant: v.constant, rising: v.rising, column: -1, key: fmt.Sprintf("floor(%t,%s,%s)", ceil, v.key, unit)}
	out.eval = func(f *frame) value {
		a := e(f)
		switch {
		case a.null:
			return null
		case !simple && ceil:
			return value{i: ceilTime(a.i, unit)}
		case !simple:
			return value{i: floorTime(a.i, unit)}
		}
		r := floorTo(a.i, step)
		if ceil && r != a.i {
			r += step
		}
		return value{i: r}
	}
	return fold(out)
}

// step is STEP(x BY interval), and of numbers.
func (c *compiler) step(x *dialect.Step) *compiled {
	v, by := c.compile(x.X), c.compile(x.By)
	if !by.constant {
		fail(x.By, "", "STEP takes a constant interval")
	}
	size := by.eval(&frame{})
	if size.null || size.i <= 0 {
		fail(x.By, "", "STEP takes an interval greater than 0")
	}
	e, n := v.eval, size.i
	out := &compiled{t: v.t, constant: v.constant, rising: v.rising, column: -1, key: fmt.Sprintf("step(%s,%s)", v.key, by.key)}
	switch {
	case v.t.isTime() && by.t.Kind == IntervalDay, v.t.isInteger() && by.t.isInteger(), v.t.Kind == IntervalDay && by.t.Kind == IntervalDay:
		out.eval = func(f *frame) value {
			a := e(f)
			if a.null {
				return null
			}
			return value{i: floorTo(a.i, n)}
		}
	case v.t.isTime() && by.t.Kind == IntervalYear:
		out.eval = func(f *frame) value {
			a := e(f)
			if a.null {
				return null
			}
			y, m, _ := time.UnixMilli(a.i).UTC().Date()
			months := floorTo(int64(y)*12+int64(m)-1, n)
			return value{i: addMonths(floorTime(a.i, "MONTH"), months-(int64(y)*12+int64(m)-1))}
		}
	default:
		fail(x, "STEP takes a TIMESTAMP and an INTERVAL.", "Cannot apply 'STEP' to arguments of type 'STEP(<%s> BY <%s>)'", v.t, by.t)
	}
	return fold(out)
}

func (c *compiler) extract(x *sql.Extract) *compiled {
	v := c.compile(x.X)
	if !v.t.isTime() && !v.t.isInterval() {
		fail(x, "", "Cannot apply 'EXTRACT' to arguments of type 'EXTRACT(<%s> FROM <%s>)'", x.Field, v.t)
	}
	switch x.Field {
	case "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "DOY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "EPOCH":
	default:
		fail(x, "", "EXTRACT has no field %s", x.Field)
	}
	e, t, field := v.eval, v.t, x.Field
	result := Type{Kind: BigInt}
	if field == "SECOND" { // with its milliseconds
		result = Type{Kind: Decimal, Precision: 5, Scale: 3}
	}
	return fold(&compiled{t: result, constant: v.constant, rising: v.rising && field == "YEAR", column: -1, key: "extract(" + field + "," + v.key + ")", eval: func(f *frame) value {
		a := e(f)
		if a.null {
			return null
		}
		if field == "SECOND" {
			if t.Kind == IntervalYear {
				return value{}
			}
			if t.Kind != IntervalDay {
				return value{i: (a.i%msMinute + msMinute) % msMinute}
			}
			return value{i: a.i % msMinute}
		}
		return value{i: extract(field, a.i, t)}
	}})
}

func extract(field string, n int64, t Type) int64 {
	if t.Kind == IntervalYear {
		switch field {
		case "YEAR":
			return n / 12
		case "MONTH":
			return n % 12
		}
		return 0
	}
	switch field {
	case "EPOCH":
		return n / 1000
	}
	if t.Kind == IntervalDay {
		switch field {
		case "DAY":
			return n / msDay
		case "HOUR":
			return n / msHour % 24
		case "MINUTE":
			return n / msMinute % 60
		case "SECOND":
			return n / msSecond % 60
		case "MILLISECOND":
			return n % 1000
		}
		return 0
	}
	at := time.UnixMilli(n).UTC()
	switch field {
	case "YEAR":
		return int64(at.Year())
	case "QUARTER":
		return int64(at.Month()-1)/3 + 1
	case "MONTH":
		return int64(at.Month())
	case "WEEK":
		_, w := at.ISOWeek()
		return int64(w)
	case "DAY":
		return int64(at.Day())
	case "DOW":
		return int64(at.Weekday()) + 1
	case "DOY":
		return int64(at.YearDay())
	case "HOUR":
		return int64(at.Hour())
	case "MINUTE":
		return int64(at.Minute())
	case "SECOND":
		return int64(at.Second())
	}
	return int64(at.Nanosecond() / 1e6)
}
