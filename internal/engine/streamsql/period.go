package streamsql

import (
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// period compiles a comparison of two periods into those of their bounds.
//
// The predicates of SQL:2011 are here, and STRICTLY before those whose periods it parts: they
// then neither begin nor end together. What the reference shows in pictures alone (LEADS, LAGS)
// is refused.
func (c *compiler) period(x *dialect.Period) *compiled {
	start, end := c.bounds(x, x.Start, x.End)
	if x.Instant != nil {
		t := c.instant(x.Instant)
		return both(c.compare(x, "<=", start, t), c.compare(x, "<", t, end))
	}
	otherStart, otherEnd := c.bounds(x, x.OtherStart, x.OtherEnd)
	is := func(op string, l, r *compiled) *compiled { return c.compare(x, op, l, r) }
	switch x.Predicate {
	case "CONTAINS":
		return both(is("<=", start, otherStart), is(">=", end, otherEnd))
	case "STRICTLY CONTAINS":
		return both(is("<", start, otherStart), is(">", end, otherEnd))
	case "OVERLAPS":
		return both(is("<", start, otherEnd), is("<", otherStart, end))
	case "STRICTLY OVERLAPS":
		apart := both(is("<>", start, otherStart), is("<>", end, otherEnd))
		return both(both(is("<", start, otherEnd), is("<", otherStart, end)), apart)
	case "EQUALS":
		return both(is("=", start, otherStart), is("=", end, otherEnd))
	case "PRECEDES":
		return is("<=", end, otherStart)
	case "STRICTLY PRECEDES":
		return is("<", end, otherStart)
	case "IMMEDIATELY PRECEDES":
		return is("=", end, otherStart)
	case "SUCCEEDS":
		return is(">=", start, otherEnd)
	case "STRICTLY SUCCEEDS":
		return is(">", start, otherEnd)
	case "IMMEDIATELY SUCCEEDS":
		return is("=", start, otherEnd)
	}
	fail(x, "Compare the starts and the ends of the periods.", "%s is not supported", x.Predicate)
	return nil
}

// bounds compiles a period; its second part is its end, or how long it is.
func (c *compiler) bounds(at sql.Expr, start, end sql.Expr) (*compiled, *compiled) {
	from := c.instant(start)
	to := c.compile(end)
	if to.t.isInterval() {
		to = timeArithmetic("+", from, to)
	}
	if to == nil || !to.t.isTime() {
		fail(at, "", "A period is (start, end) or (start, interval)")
	}
	return from, to
}

// instant compiles a DATE, TIME or TIMESTAMP.
func (c *compiler) instant(x sql.Expr) *compiled {
	v := c.compile(x)
	if !v.t.isTime() {
		fail(x, "", "A period begins and ends with a DATE, TIME or TIMESTAMP, not %s", v.t)
	}
	return v
}
