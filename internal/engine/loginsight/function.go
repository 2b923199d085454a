package loginsight

import (
	"encoding/json"
	"io"
	"math"
	"net/netip"
	"strings"
	"time"
)

// function is a function of one row.
type function struct {
	min, max int // arguments; max -1: any number
	eval     func(args []value) value
}

func ofText(f func(string) value) function {
	return function{1, 1, func(a []value) value {
		if a[0] == nil {
			return nil
		}
		return f(show(a[0]))
	}}
}

func ofNumber(f func(float64) float64) function {
	return function{1, 1, func(a []value) value {
		x, ok := num(a[0])
		if !ok {
			return nil
		}
		return finite(f(x))
	}}
}

func trim(f func(string, string) string) function {
	return function{1, 2, func(a []value) value {
		if a[0] == nil {
			return nil
		}
		cut := " \t\r\n"
		if len(a) == 2 {
			cut = show(a[1])
		}
		return f(show(a[0]), cut)
	}}
}

func extreme(sign float64) function {
	return function{1, -1, func(a []value) value {
		var best value
		for _, v := range a {
			if x, ok := num(v); ok {
				if b, is := best.(float64); !is || (x-b)*sign > 0 {
					best = x
				}
			}
		}
		return best
	}}
}

func address(want func(netip.Addr) bool) function {
	return function{1, 1, func(a []value) value {
		ip, err := netip.ParseAddr(show(a[0]))
		return err == nil && want(ip)
	}}
}

func subnet(want func(netip.Addr) bool) function {
	return function{2, 2, func(a []value) value {
		ip, err := netip.ParseAddr(show(a[0]))
		net, bad := netip.ParsePrefix(show(a[1]))
		return err == nil && bad == nil && want(ip) && net.Contains(ip)
	}}
}

func anyAddr(netip.Addr) bool { return true }

var functions = map[string]function{
	"abs": ofNumber(math.Abs), "ceil": ofNumber(math.Ceil), "floor": ofNumber(math.Floor), "log": ofNumber(math.Log), "sqrt": ofNumber(math.Sqrt),
	"greatest": extreme(1), "least": extreme(-1),
	"strlen":  ofText(func(s string) value { return float64(len([]rune(s))) }),
	"toupper": ofText(func(s string) value { return strings.ToUpper(s) }), "tolower": ofText(func(s string) value { return strings.ToLower(s) }),
	"trim": trim(strings.Trim), "ltrim": trim(strings.TrimLeft), "rtrim": trim(strings.TrimRight),
	"concat": {1, -1, func(a []value) value {
		var b strings.Builder
		for _, v := range a {
			text := show(v)
			if b.Len()+len(text) > maxText {
				return nil
			}
			b.WriteString(text)
		}
		return b.String()
	}},
	"substr": {2, 3, func(a []value) value {
		if a[0] == nil {
			return nil
		}
		s := []rune(show(a[0]))
		from, ok := num(a[1])
		if !ok {
			return nil
		}
		at := int(min(max(from, 0), float64(len(s))))
		end := len(s)
		if len(a) == 3 {
			n, ok := num(a[2])
			if !ok {
				return nil
			}
			end = at + int(min(max(n, 0), float64(len(s)-at)))
		}
		return string(s[at:end])
	}},
	"replace": {3, 3, func(a []value) value {
		if a[0] == nil {
			return nil
		}
		s, old, with := show(a[0]), show(a[1]), show(a[2])
		if n := strings.Count(s, old); n*len(with) > maxText {
			return nil
		}
		return strings.ReplaceAll(s, old, with)
	}},
	"strcontains": {2, 2, func(a []value) value { return a[0] != nil && strings.Contains(show(a[0]), show(a[1])) }},
	"isempty":     {1, 1, func(a []value) value { return a[0] == nil || show(a[0]) == "" }},
	"isblank":     {1, 1, func(a []value) value { return a[0] == nil || strings.TrimSpace(show(a[0])) == "" }},
	"ispresent":   {1, 1, func(a []value) value { return a[0] != nil }},
	"coalesce": {1, -1, func(a []value) value {
		for _, v := range a {
			if v != nil {
				return v
			}
		}
		return nil
	}},
	"jsonparse": {1, 1, func(a []value) value {
		text, ok := a[0].(string)
		if !ok {
			return a[0] // what is structured, or missing, stays as it is
		}
		return structure(text)
	}},
	"jsonstringify": {1, 1, func(a []value) value {
		switch a[0].(type) {
		case nil:
			return nil
		case string:
			b, err := json.Marshal(a[0])
			if err != nil {
				return nil
			}
			return string(b)
		}
		return show(a[0])
	}},
	"unmask": {1, 1, func(a []value) value { return a[0] }}, // nothing is masked
	"frommillis": {1, 1, func(a []value) value {
		if f, ok := num(a[0]); ok && math.Abs(f) < 1e15 {
			return stamp(f)
		}
		return nil
	}},
	"tomillis": {1, 1, func(a []value) value {
		if f, ok := num(a[0]); ok {
			return f
		}
		if t, err := time.Parse(timeForm, show(a[0])); err == nil {
			return float64(t.UnixMilli())
		}
		return nil
	}},
	"isvalidip": address(anyAddr), "isvalidipv4": address(netip.Addr.Is4), "isvalidipv6": address(netip.Addr.Is6),
	"isipinsubnet": subnet(anyAddr), "isipv4insubnet": subnet(netip.Addr.Is4), "isipv6insubnet": subnet(netip.Addr.Is6),
}

// structure is the map or list that a text is as JSON; nil: it is none.
func structure(text string) value {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil
	}
	return v
}

// maxText bounds a text that a function makes, in bytes.
const maxText = 4 << 20

// periods are the units of periods, in milliseconds; below zero: in months.
var periods = map[string]int64{
	"ms": 1, "msec": 1, "millisecond": 1, "milliseconds": 1, "s": 1000, "sec": 1000, "second": 1000, "seconds": 1000, "m": 60_000, "min": 60_000, "minute": 60_000, "minutes": 60_000,
	"h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000, "hours": 3_600_000, "d": 86_400_000, "day": 86_400_000, "days": 86_400_000,
	"w": 604_800_000, "week": 604_800_000, "weeks": 604_800_000,
	"mo": -1, "mon": -1, "month": -1, "months": -1, "q": -3, "qtr": -3, "quarter": -3, "quarters": -3, "y": -12, "yr": -12, "year": -12, "years": -12,
}

// period reads "5m" or "1 hour".
func (p *parser) period() (int64, error) {
	if p.tok.kind != number {
		return 0, p.unexpected("a period")
	}
	n := p.tok.num
	if err := p.advance(); err != nil {
		return 0, err
	}
	unit, ok := periods[strings.ToLower(p.tok.text)]
	if !ok || p.tok.kind != name || n < 1 || n > 1e6 || n != math.Trunc(n) {
		return 0, p.unexpected("a period such as 5m")
	}
	return int64(n) * unit, p.advance()
}

// floor is the beginning of the period that a time is in, and end that of the next. Weeks begin on Mondays, months are
// counted from the year 0.
func floorTime(at, period int64) int64 {
	if period < 0 {
		t := time.UnixMilli(at).UTC()
		n := int64(t.Year())*12 + int64(t.Month()) - 1
		return monthTime(n - n%-period)
	}
	const week, monday = 604_800_000, 345_600_000
	offset := int64(0)
	if period%week == 0 {
		offset = monday
	}
	at -= offset
	r := at % period
	if r < 0 {
		r += period
	}
	return at - r + offset
}

// monthTime is the beginning of a month, by how many there are before it since the year 0.
func monthTime(n int64) int64 {
	return time.Date(int(n/12), time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

func endTime(begin, period int64) int64 {
	if period < 0 {
		t := time.UnixMilli(begin).UTC()
		return monthTime(int64(t.Year())*12 + int64(t.Month()) - 1 - period)
	}
	return begin + period
}

// call reads the arguments of a function.
func (p *parser) call(t token) (*expr, error) {
	from := t.at
	fname := strings.ToLower(t.text)
	if err := p.symbol("("); err != nil {
		return nil, err
	}
	switch fname {
	case "bin", "datefloor", "dateceil":
		at := fieldExpr("@timestamp")
		if fname != "bin" {
			e, err := p.expression()
			if err != nil {
				return nil, err
			}
			if err := p.symbol(","); err != nil {
				return nil, err
			}
			at = e
		}
		d, err := p.period()
		if err != nil {
			return nil, err
		}
		if err := p.symbol(")"); err != nil {
			return nil, err
		}
		return &expr{name: p.since(from), sub: []*expr{at}, eval: func(r *row) value {
			f, ok := num(at.eval(r))
			if !ok || f < -62e12 || f > 1e14 { // years 5 to 5138
				return nil
			}
			b := floorTime(int64(f), d)
			if fname == "dateceil" && b < int64(f) {
				b = endTime(b, d)
			}
			return stamp(b)
		}}, nil
	case "now":
		now := float64(p.now / 1000)
		return constant(now, "now()"), p.symbol(")")
	}
	args, star, err := p.arguments(fname)
	if err != nil {
		return nil, err
	}
	column := p.since(from)
	if a, ok := aggregates[fname]; ok && a.only && !p.inStats && !p.q.hasPtr {
		return fieldExpr(column), nil // a column of the stats before, as in "sort count(*)"
	}
	if a, ok := aggregates[fname]; ok && (a.only || p.inStats) {
		if !p.inStats || p.inAgg {
			return nil, syntaxf(t.at, "%s can be in stats alone", t.text)
		}
		c := &aggCall{make: a.make, star: star}
		if star != (len(args) == 0) || !star && len(args) != max(a.args, 1) || star && fname != "count" {
			return nil, syntaxf(t.at, "%s takes another number of arguments", t.text)
		}
		c.args = args
		return &expr{name: column, agg: c, eval: func(r *row) value { return r.values[c.key()] }}, nil
	}
	f, ok := functions[fname]
	if !ok {
		return nil, syntaxf(t.at, "the function %s is not supported", t.text)
	}
	if star || len(args) < f.min || f.max >= 0 && len(args) > f.max {
		return nil, syntaxf(t.at, "%s takes another number of arguments", t.text)
	}
	return &expr{name: column, sub: args, eval: func(r *row) value {
		vs := make([]value, len(args))
		for i, a := range args {
			vs[i] = a.eval(r)
		}
		return f.eval(vs)
	}}, nil
}

// arguments reads what is up to the closing parenthesis; star: that is a *.
func (p *parser) arguments(fname string) (args []*expr, star bool, err error) {
	if p.isSymbol("*") {
		if err := p.advance(); err != nil {
			return nil, false, err
		}
		return nil, true, p.symbol(")")
	}
	if p.isSymbol(")") {
		return nil, fname == "count", p.advance()
	}
	if a, ok := aggregates[fname]; ok && p.inStats && a.only {
		was := p.inAgg
		p.inAgg = true
		defer func() { p.inAgg = was }()
	}
	for {
		e, err := p.expression()
		if err != nil {
			return nil, false, err
		}
		args = append(args, e)
		if p.isSymbol(",") {
			if err := p.advance(); err != nil {
				return nil, false, err
			}
			continue
		}
		return args, false, p.symbol(")")
	}
}
