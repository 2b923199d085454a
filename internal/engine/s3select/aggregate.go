package s3select

import "math"

// aggregate is COUNT, SUM, AVG, MIN or MAX.
type aggregate struct {
	name  string
	of    expr // nil: COUNT(*)
	count int64
	value Value
}

// aggregate reads the argument of one.
func (p *parser) aggregate(name string) (expr, error) {
	if p.within {
		return nil, fail("UnsupportedSqlStructure", "We encountered an unsupported SQL structure. Check the SQL Reference: an aggregate is in the list alone, and not in another.")
	}
	g := &aggregate{name: name}
	if name == "COUNT" && p.take("*") {
		if err := p.want(")"); err != nil {
			return nil, err
		}
	} else {
		was := p.within
		p.within = true
		args, err := p.arguments(")")
		if err != nil {
			return nil, err
		}
		p.within = was
		if len(args) != 1 {
			return nil, fail("ParseNonUnaryAgregateFunctionCall", "Only one argument is supported for aggregate functions in the SQL expression.")
		}
		g.of = args[0]
	}
	p.q.groups = append(p.q.groups, g)
	return func(Value) (Value, error) { return g.result() }, nil
}

func (g *aggregate) add(row Value) error {
	if g.of == nil {
		g.count++
		return nil
	}
	v, err := g.of(row)
	if err != nil || v.absent() {
		return err
	}
	if g.name == "COUNT" {
		g.count++
		return nil
	}
	if g.name == "SUM" || g.name == "AVG" || v.k == kindString {
		n, ok := v.asNumber()
		switch {
		case ok:
			v = n
		case g.name == "SUM" || g.name == "AVG":
			return fail("InvalidDataType", "The SQL expression contains an invalid data type: %s is of numbers.", g.name)
		}
	}
	if g.count++; g.count == 1 {
		g.value = v
		return nil
	}
	switch g.name {
	case "SUM", "AVG":
		sum, err := operators["+"](g.value, v)
		if err != nil && v.k == kindInt {
			sum, err = operators["+"](decimal(g.value.dec()), v) // a sum that is too large for an integer
		}
		g.value = sum
		return err
	}
	if v.isNaN() || g.value.isNaN() { // which no other number is below or above
		g.value = float(math.NaN())
		return nil
	}
	c, ok := compare(v, g.value)
	if !ok {
		return fail("InvalidDataType", "The SQL expression contains an invalid data type: %s is of values that can be compared.", g.name)
	}
	if c < 0 == (g.name == "MIN") && c != 0 {
		g.value = v
	}
	return nil
}

func (g *aggregate) result() (Value, error) {
	switch {
	case g.name == "COUNT":
		return integer(g.count), nil
	case g.count == 0:
		return null, nil
	case g.name == "AVG":
		if g.value.k == kindFloat {
			return float(g.value.f / float64(g.count)), nil
		}
		return operators["/"](decimal(g.value.dec()), integer(g.count))
	}
	return g.value, nil
}
