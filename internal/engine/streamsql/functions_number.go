package streamsql

import "math"

func floatFunction(do func(float64) float64) func(*frame, []value, []*compiled) value {
	return func(f *frame, a []value, _ []*compiled) value {
		r := do(a[0].float())
		if math.IsNaN(r) || math.IsInf(r, 0) {
			return f.fail(errOverflow)
		}
		return float(r)
	}
}

var double = returns(Double)

var numberFunctions = []scalarFunction{
	{Name: "ABS", Syntax: "ABS(number)", Doc: "A number without its sign.",
		params: []param{numeric}, result: sameAs(0), eval: func(_ *frame, a []value, args []*compiled) value {
			if args[0].t.isApprox() {
				return float(math.Abs(a[0].float()))
			}
			if a[0].i < 0 {
				return whole(-a[0].i)
			}
			return a[0]
		}},
	{Name: "CEIL|CEILING", Syntax: "CEIL(number) or CEIL(time TO unit)", Doc: "The least whole number that is not below a number; a time rounded up.",
		params: []param{numeric}, result: wholeOf, eval: rounder(math.Ceil, true)},
	{Name: "FLOOR", Syntax: "FLOOR(number) or FLOOR(time TO unit)", Doc: "The greatest whole number that is not above a number; a time rounded down.",
		params: []param{numeric}, result: wholeOf, eval: rounder(math.Floor, false)},
	{Name: "EXP", Syntax: "EXP(number)", Doc: "e to the power of a number.", params: []param{floating}, result: double, eval: floatFunction(math.Exp)},
	{Name: "LN", Syntax: "LN(number)", Doc: "The natural logarithm.", params: []param{floating}, result: double, eval: floatFunction(math.Log)},
	{Name: "LOG10", Syntax: "LOG10(number)", Doc: "The logarithm to base 10.", params: []param{floating}, result: double, eval: floatFunction(math.Log10)},
	{Name: "SQRT", Syntax: "SQRT(number)", Doc: "The square root.", params: []param{floating}, result: double, eval: floatFunction(math.Sqrt)},
	{Name: "SIN", Syntax: "SIN(number)", Doc: "The sine of an angle in radians.", params: []param{floating}, result: double, eval: floatFunction(math.Sin)},
	{Name: "COS", Syntax: "COS(number)", Doc: "The cosine of an angle in radians.", params: []param{floating}, result: double, eval: floatFunction(math.Cos)},
	{Name: "TAN", Syntax: "TAN(number)", Doc: "The tangent of an angle in radians.", params: []param{floating}, result: double, eval: floatFunction(math.Tan)},
	{Name: "ASIN", Syntax: "ASIN(number)", Doc: "The arc sine, in radians.", params: []param{floating}, result: double, eval: floatFunction(math.Asin)},
	{Name: "ACOS", Syntax: "ACOS(number)", Doc: "The arc cosine, in radians.", params: []param{floating}, result: double, eval: floatFunction(math.Acos)},
	{Name: "ATAN", Syntax: "ATAN(number)", Doc: "The arc tangent, in radians.", params: []param{floating}, result: double, eval: floatFunction(math.Atan)},
	{Name: "RADIANS", Syntax: "RADIANS(degrees)", Doc: "An angle in radians.", params: []param{floating}, result: double, eval: floatFunction(func(x float64) float64 { return x * math.Pi / 180 })},
	{Name: "DEGREES", Syntax: "DEGREES(radians)", Doc: "An angle in degrees.", params: []param{floating}, result: double, eval: floatFunction(func(x float64) float64 { return x * 180 / math.Pi })},
	{Name: "PI", Syntax: "PI", Doc: "The number pi.", result: double, eval: func(*frame, []value, []*compiled) value { return float(math.Pi) }},
	{Name: "ATAN2", Syntax: "ATAN2(y, x)", Doc: "The angle of a point, in radians.", params: []param{floating, floating}, result: double,
		eval: func(_ *frame, a []value, _ []*compiled) value { return float(math.Atan2(a[0].float(), a[1].float())) }},
	{Name: "POWER|POW", Syntax: "POWER(number, exponent)", Doc: "A number to a power.", params: []param{floating, floating}, result: double, eval: power},
	{Name: "SIGN", Syntax: "SIGN(number)", Doc: "-1, 0 or 1.", params: []param{floating}, result: returns(Integer), eval: func(_ *frame, a []value, _ []*compiled) value {
		return whole(int64(compare(Type{Kind: Double}, a[0], float(0))))
	}},
	{Name: "MOD", Syntax: "MOD(dividend, divisor)", Doc: "What a division leaves, with the sign of the dividend.",
		params: []param{numeric, numeric}, result: func(a []*compiled) Type { return arithmetic("%", dry(a[0].t), dry(a[1].t)).t }, eval: mod},
	{Name: "ROUND", Syntax: "ROUND(number [, digits])", Doc: "A number rounded, half away from zero.", params: []param{floating, integral}, optional: 1, result: double,
		eval: func(_ *frame, a []value, _ []*compiled) value { return float(roundTo(a, math.Round)) }},
	{Name: "TRUNCATE|TRUNC", Syntax: "TRUNCATE(number [, digits])", Doc: "A number cut off behind a digit.", params: []param{floating, integral}, optional: 1, result: double,
		eval: func(_ *frame, a []value, _ []*compiled) value { return float(roundTo(a, math.Trunc)) }},
	{Name: "GREATEST", Syntax: "GREATEST(number, ...)", Doc: "The greatest of numbers.", params: []param{floating}, variadic: true, result: double, eval: func(_ *frame, a []value, _ []*compiled) value {
		m := a[0].float()
		for _, v := range a {
			m = math.Max(m, v.float())
		}
		return float(m)
	}},
	{Name: "LEAST", Syntax: "LEAST(number, ...)", Doc: "The least of numbers.", params: []param{floating}, variadic: true, result: double, eval: func(_ *frame, a []value, _ []*compiled) value {
		m := a[0].float()
		for _, v := range a {
			m = math.Min(m, v.float())
		}
		return float(m)
	}},
}

// dry is an expression of a type, to ask for the type of a result.
func dry(t Type) *compiled {
	return &compiled{t: t, column: -1, eval: func(*frame) value { return null }}
}

func wholeOf(a []*compiled) Type {
	if a[0].t.Kind == Decimal {
		return Type{Kind: Decimal, Precision: 18}
	}
	return a[0].t
}

func rounder(do func(float64) float64, up bool) func(*frame, []value, []*compiled) value {
	return func(_ *frame, a []value, args []*compiled) value {
		t := args[0].t
		switch {
		case t.isApprox():
			return float(do(a[0].float()))
		case t.Kind == Decimal:
			p := powers[t.Scale]
			q := floorTo(a[0].i, p) / p
			if up && q*p != a[0].i {
				q++
			}
			return whole(q)
		}
		return a[0]
	}
}

func power(f *frame, a []value, _ []*compiled) value {
	r := math.Pow(a[0].float(), a[1].float())
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return f.fail(errOverflow)
	}
	return float(r)
}

func mod(f *frame, a []value, args []*compiled) value {
	x, y := args[0].t, args[1].t
	t := arithmetic("%", dry(x), dry(y)).t
	l, _ := cast(a[0], x, t, 0)
	r, _ := cast(a[1], y, t, 0)
	if t.isApprox() {
		if r.float() == 0 {
			return f.fail(errZero)
		}
		return float(math.Mod(l.float(), r.float()))
	}
	i, ok := integers("%", l.i, r.i)
	if !ok {
		return f.fail(errZero)
	}
	return whole(i)
}

func roundTo(a []value, do func(float64) float64) float64 {
	digits := int64(0)
	if len(a) > 1 {
		digits = min(max(a[1].i, -300), 300)
	}
	p := math.Pow10(int(digits))
	r := do(a[0].float()*p) / p
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return a[0].float()
	}
	return r
}

var nullFunctions = []scalarFunction{
	{Name: "COALESCE|IFNULL|NVL", Syntax: "COALESCE(value, ...)", Doc: "The first value that is not null.", params: []param{anyType}, variadic: true, result: sameAs(0)},
	{Name: "NULLIF", Syntax: "NULLIF(value, other)", Doc: "Null where the two are equal, otherwise the first.", params: []param{anyType, anyType}, result: sameAs(0)},
	{Name: "MONOTONIC", Syntax: "MONOTONIC(value)", Doc: "The value, and the word of the writer that it does not fall in the stream.", params: []param{anyType}, result: sameAs(0)},
}
