package s3select

import (
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
)

// one makes an expression of another; what is absent stays so.
func one(e expr, f func(Value) (Value, error)) expr {
	return func(row Value) (Value, error) {
		v, err := e(row)
		if err != nil || v.absent() {
			return v, err
		}
		return f(v)
	}
}

var operators = map[string]func(a, b Value) (Value, error){
	"+": arithmetic("+", (*apd.Context).Add), "-": arithmetic("-", (*apd.Context).Sub), "*": arithmetic("*", (*apd.Context).Mul),
	"/": arithmetic("/", (*apd.Context).Quo), "%": arithmetic("%", (*apd.Context).Rem),
	"||": func(a, b Value) (Value, error) {
		if a.k != kindString || b.k != kindString {
			return Value{}, invalidArguments("||")
		}
		if len(a.s)+len(b.s) > MaxRecord {
			return Value{}, fail("OverMaxRecordSize", "The length of a value is more than the maximum of 1 MB.")
		}
		return text(a.s + b.s), nil
	},
}

func arithmetic(sign string, f func(*apd.Context, *apd.Decimal, *apd.Decimal, *apd.Decimal) (apd.Condition, error)) func(a, b Value) (Value, error) {
	return func(a, b Value) (Value, error) {
		x, ok := a.asNumber()
		y, also := b.asNumber()
		if !ok || !also {
			return Value{}, fail("InvalidDataType", "The SQL expression contains an invalid data type: %s is of numbers.", sign)
		}
		if (sign == "/" || sign == "%") && !y.isNaN() && compareNumbers(y, integer(0)) == 0 {
			return Value{}, fail("EvaluatorInvalidArguments", "The SQL expression divides by zero.")
		}
		if x.k == kindInt && y.k == kindInt {
			if n, ok := whole(sign, x.i, y.i); ok {
				return integer(n), nil
			}
			return Value{}, fail("IntegerOverflow", "Integer overflow or underflow in the SQL expression.")
		}
		if x.k == kindFloat || y.k == kindFloat {
			return float(floats(sign, x.float(), y.float())), nil
		}
		d := new(apd.Decimal)
		if _, err := f(numbers, d, x.dec(), y.dec()); err != nil {
			return Value{}, fail("NumberFormatError", "An error occurred while computing a number: %v", err)
		}
		if sign == "/" {
			d.Reduce(d)
		}
		return decimal(d), nil
	}
}

func whole(sign string, a, b int64) (int64, bool) {
	switch sign {
	case "/":
		return a / b, a != math.MinInt64 || b != -1
	case "%":
		if b == -1 {
			return 0, true
		}
		return a % b, true
	}
	x, y, z := big.NewInt(a), big.NewInt(b), new(big.Int)
	switch sign {
	case "+":
		z.Add(x, y)
	case "-":
		z.Sub(x, y)
	case "*":
		z.Mul(x, y)
	}
	return z.Int64(), z.IsInt64()
}

func floats(sign string, a, b float64) float64 {
	switch sign {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	}
	return math.Mod(a, b)
}

func castFailed(v Value, to string) error {
	s := v.String()
	if len(s) > 100 {
		s = s[:100]
	}
	return fail("CastFailed", "Attempt to convert from one data type to another using CAST failed in the SQL expression: %q to %s.", s, to)
}

var casts = func() map[string]func(Value) (Value, error) {
	toInt := func(v Value) (Value, error) {
		if v.k == kindBool {
			return integer(v.i), nil
		}
		n, ok := v.asNumber()
		if !ok {
			return n, castFailed(v, "INT")
		}
		switch n.k {
		case kindDecimal:
			d := new(apd.Decimal)
			c := numbers.WithPrecision(500)
			c.Rounding = apd.RoundDown
			if _, err := c.RoundToIntegralValue(d, n.x.dec); err != nil {
				return Value{}, castFailed(v, "INT")
			}
			i, err := d.Int64()
			if err != nil {
				return Value{}, castFailed(v, "INT")
			}
			return integer(i), nil
		case kindFloat:
			if f := math.Trunc(n.f); f >= -(1<<63) && f < 1<<63 {
				return integer(int64(f)), nil
			}
			return Value{}, castFailed(v, "INT")
		}
		return n, nil
	}
	toFloat := func(v Value) (Value, error) {
		n, ok := v.asNumber()
		if !ok {
			return n, castFailed(v, "FLOAT")
		}
		return float(n.float()), nil
	}
	toDecimal := func(v Value) (Value, error) {
		n, ok := v.asNumber()
		if f := n.f; !ok || n.k == kindFloat && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return n, castFailed(v, "DECIMAL")
		}
		return decimal(n.dec()), nil
	}
	toBool := func(v Value) (Value, error) {
		if v.isNumber() {
			return boolean(v.isNaN() || compareNumbers(v, integer(0)) != 0), nil
		}
		b, ok := v.asBool()
		if !ok {
			return b, castFailed(v, "BOOL")
		}
		return b, nil
	}
	toTime := func(v Value) (Value, error) {
		t, ok := v.asTime()
		if !ok {
			return t, castFailed(v, "TIMESTAMP")
		}
		return t, nil
	}
	toString := func(v Value) (Value, error) { return text(v.String()), nil }
	return map[string]func(Value) (Value, error){
		"int": toInt, "integer": toInt, "float": toFloat, "decimal": toDecimal, "numeric": toDecimal, "bool": toBool, "boolean": toBool,
		"timestamp": toTime, "string": toString, "varchar": toString, "char": toString,
	}
}()

type function struct {
	least, most int
	make        func(p *parser, args []expr) expr
}

// ofString is a function of one string.
func ofString(name string, f func(string) Value) function {
	return function{1, 1, func(_ *parser, args []expr) expr {
		return one(args[0], func(v Value) (Value, error) {
			if v.k != kindString {
				return Value{}, invalidArguments(name)
			}
			return f(v.s), nil
		})
	}}
}

var functions map[string]function

func init() { // they refer to the parser, which refers to them
	length := func(s string) Value { return integer(int64(utf8.RuneCountInString(s))) }
	functions = map[string]function{
		"LOWER":            ofString("LOWER", func(s string) Value { return text(strings.ToLower(s)) }),
		"UPPER":            ofString("UPPER", func(s string) Value { return text(strings.ToUpper(s)) }),
		"CHAR_LENGTH":      ofString("CHAR_LENGTH", length),
		"CHARACTER_LENGTH": ofString("CHARACTER_LENGTH", length),
		"UTCNOW": {0, 0, func(p *parser, _ []expr) expr {
			return constant(instant(p.now.UTC().Truncate(1e6), 6))
		}},
		"COALESCE": {1, 1000, func(_ *parser, args []expr) expr {
			return func(row Value) (Value, error) {
				for _, e := range args {
					if v, err := e(row); err != nil || !v.absent() {
						return v, err
					}
				}
				return null, nil
			}
		}},
		"NULLIF": {2, 2, func(_ *parser, args []expr) expr {
			same := comparing(args[0], args[1], "=")
			return func(row Value) (Value, error) {
				if v, err := same(row); err != nil || v.isTrue() {
					return null, err
				}
				return args[0](row)
			}
		}},
		"TO_STRING": {2, 2, func(_ *parser, args []expr) expr {
			return two(args[0], args[1], func(v, form Value) (Value, error) {
				t, ok := v.asTime()
				if !ok || form.k != kindString {
					return t, invalidArguments("TO_STRING")
				}
				s, err := pattern(form.s, t.x.t)
				return text(s), err
			})
		}},
		"TO_TIMESTAMP": {1, 1, func(_ *parser, args []expr) expr {
			return one(args[0], func(v Value) (Value, error) {
				t, ok := v.asTime()
				if !ok {
					return t, castFailed(v, "TIMESTAMP")
				}
				return t, nil
			})
		}},
	}
}

func dates(name, unit string, args []expr) expr {
	if name == "DATE_ADD" {
		return two(args[0], args[1], func(n, v Value) (Value, error) {
			count, ok := n.asNumber()
			t, also := v.asTime()
			if !ok || !also || count.k != kindInt {
				return t, invalidArguments(name)
			}
			return addTime(unit, count.i, t)
		})
	}
	return two(args[0], args[1], func(a, b Value) (Value, error) {
		x, ok := a.asTime()
		y, also := b.asTime()
		if !ok || !also {
			return x, invalidArguments(name)
		}
		return integer(diffTime(unit, x.x.t, y.x.t)), nil
	})
}

// trim reads TRIM([[LEADING|TRAILING|BOTH] [characters] FROM] text).
func (p *parser) trim() (expr, error) {
	side := "BOTH"
	for _, s := range []string{"LEADING", "TRAILING", "BOTH"} {
		if p.take(s) {
			side = s
			break
		}
	}
	cut := constant(text(" "))
	var err error
	var e expr
	if !p.peek().is("FROM") {
		if e, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.take("FROM") {
		if e != nil {
			cut = e
		}
		if e, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return two(cut, e, func(c, v Value) (Value, error) {
		if c.k != kindString || v.k != kindString {
			return Value{}, invalidArguments("TRIM")
		}
		s := v.s
		if side != "TRAILING" {
			s = strings.TrimLeft(s, c.s)
		}
		if side != "LEADING" {
			s = strings.TrimRight(s, c.s)
		}
		return text(s), nil
	}), p.want(")")
}

// substring reads SUBSTRING(text, begin [, length]) and SUBSTRING(text FROM begin [FOR length]).
func (p *parser) substring() (expr, error) {
	s, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.take(",") && !p.take("FROM") {
		return nil, fail("ParseExpectedArgumentDelimiter", "Did not find the expected argument delimiter in the SQL expression%s.", p.where())
	}
	begin, err := p.expression()
	if err != nil {
		return nil, err
	}
	length := constant(integer(math.MaxInt32))
	if p.take(",") || p.take("FOR") {
		if length, err = p.expression(); err != nil {
			return nil, err
		}
	}
	part := two(begin, length, func(b, l Value) (Value, error) { return listOf([]Value{b, l}), nil })
	return two(s, part, func(v, at Value) (Value, error) {
		b, ok := at.x.list[0].asNumber()
		l, also := at.x.list[1].asNumber()
		if v.k != kindString || !ok || !also || b.k != kindInt || l.k != kindInt || l.i < 0 {
			return Value{}, invalidArguments("SUBSTRING")
		}
		runes := []rune(v.s)
		n := int64(len(runes))
		from := min(max(b.i, math.MinInt32), math.MaxInt32) // places begin with 1; those before count for the length
		to := min(max(from+min(l.i, math.MaxInt32)-1, 0), n)
		from = min(max(from-1, 0), to)
		return text(string(runes[from:to])), nil
	}), p.want(")")
}

// maxLike bounds the product of the lengths of a text and of a pattern.
const maxLike = 1 << 28

// like matches text with a pattern of % and _, in time of the product of their lengths at most.
func like(s, pattern, escape string) (bool, error) {
	if utf8.RuneCountInString(escape) > 1 {
		return false, fail("LikeInvalidInputs", "Invalid argument given to the LIKE clause in the SQL expression: ESCAPE is one character.")
	}
	const any, single = -1, -2
	var p []rune
	for rs := []rune(pattern); len(rs) > 0; rs = rs[1:] {
		switch c := rs[0]; {
		case escape != "" && string(c) == escape:
			if rs = rs[1:]; len(rs) == 0 {
				return false, fail("LikeInvalidInputs", "Invalid argument given to the LIKE clause in the SQL expression: the pattern ends in its escape character.")
			}
			p = append(p, rs[0])
		case c == '%':
			p = append(p, any)
		case c == '_':
			p = append(p, single)
		default:
			p = append(p, c)
		}
	}
	t := []rune(s)
	if len(t)*len(p) > maxLike {
		return false, fail("LikeInvalidInputs", "Invalid argument given to the LIKE clause in the SQL expression: the pattern is too long for the text.")
	}
	i, j, star, mark := 0, 0, -1, 0
	for i < len(t) {
		switch {
		case j < len(p) && p[j] == any:
			star, mark = j, i
			j++
		case j < len(p) && (p[j] == single || p[j] == t[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false, nil
		}
	}
	for j < len(p) && p[j] == any {
		j++
	}
	return j == len(p), nil
}
