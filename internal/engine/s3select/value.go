package s3select

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
)

type kind uint8

const (
	kindMissing kind = iota // what is not there at all
	kindNull
	kindBool
	kindInt
	kindDecimal
	kindFloat
	kindString
	kindTime
	kindList
	kindStruct
)

// Value of an expression; the zero Value is MISSING.
type Value struct {
	k kind
	i int64 // of an integer; 1: true
	f float64
	s string // of a string; of a number, how it was written, if that matters
	x *rest
}

// rest is what few values have.
type rest struct {
	dec       *apd.Decimal
	t         time.Time
	precision int // of a time: how many of year, month, day, minute, second, fraction it has
	list      []Value
	names     []string // of a structure's values
}

var null = Value{k: kindNull}

func boolean(b bool) Value {
	if b {
		return Value{k: kindBool, i: 1}
	}
	return Value{k: kindBool}
}
func integer(i int64) Value        { return Value{k: kindInt, i: i} }
func text(s string) Value          { return Value{k: kindString, s: s} }
func float(f float64) Value        { return Value{k: kindFloat, f: f} }
func decimal(d *apd.Decimal) Value { return Value{k: kindDecimal, x: &rest{dec: d}} }
func listOf(l []Value) Value       { return Value{k: kindList, x: &rest{list: l}} }
func structOf(names []string, values []Value) Value {
	return Value{k: kindStruct, x: &rest{names: names, list: values}}
}

func (v Value) isTrue() bool   { return v.k == kindBool && v.i == 1 }
func (v Value) absent() bool   { return v.k <= kindNull }
func (v Value) isNumber() bool { return v.k >= kindInt && v.k <= kindFloat }

// numbers of 38 digits; exponents are bounded, since sums write them out.
var numbers = func() *apd.Context {
	c := apd.BaseContext.WithPrecision(38)
	c.MaxExponent, c.MinExponent = 400, -400
	c.Traps = apd.DefaultTraps &^ (apd.Inexact | apd.Rounded | apd.Subnormal | apd.Underflow)
	return c
}()

// number reads a number.
func number(s string) (Value, bool) {
	if s == "" || len(s) > 500 {
		return Value{}, false
	}
	if c := s[len(s)-1]; c < '0' || c > '9' {
		return Value{}, false // "NaN", "Infinity", "1."
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return integer(i), true
	}
	d, _, err := numbers.NewFromString(s)
	if err != nil || d.Form != apd.Finite {
		return Value{}, false
	}
	return decimal(d), true
}

// asNumber is a value as a number: a string that is one counts.
func (v Value) asNumber() (Value, bool) {
	if v.k == kindString {
		return number(strings.TrimSpace(v.s))
	}
	return v, v.isNumber()
}

func (v Value) dec() *apd.Decimal {
	switch v.k {
	case kindInt:
		return apd.New(v.i, 0)
	case kindDecimal:
		return v.x.dec
	}
	d := new(apd.Decimal)
	if _, err := d.SetFloat64(v.f); err != nil {
		return new(apd.Decimal)
	}
	return d
}

func (v Value) float() float64 {
	switch v.k {
	case kindInt:
		return float64(v.i)
	case kindDecimal:
		f, _ := v.x.dec.Float64() // one too large is infinite
		return f
	}
	return v.f
}

func (v Value) isNaN() bool { return v.k == kindFloat && math.IsNaN(v.f) }

// compareNumbers compares two numbers that are not NaN.
func compareNumbers(a, b Value) int {
	switch {
	case a.k == kindInt && b.k == kindInt:
		return order(a.i, b.i)
	case a.k == kindFloat || b.k == kindFloat:
		return order(a.float(), b.float())
	}
	return a.dec().Cmp(b.dec())
}

func order[T int64 | float64](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// compare orders two values; false where they cannot be.
func compare(a, b Value) (int, bool) {
	switch {
	case a.isNumber() || b.isNumber():
		x, ok := a.asNumber()
		y, also := b.asNumber()
		if !ok || !also || x.isNaN() || y.isNaN() {
			return 0, false
		}
		return compareNumbers(x, y), true
	case a.k == kindTime || b.k == kindTime:
		x, ok := a.asTime()
		y, also := b.asTime()
		if !ok || !also {
			return 0, false
		}
		return x.x.t.Compare(y.x.t), true
	case a.k == kindBool || b.k == kindBool:
		x, ok := a.asBool()
		y, also := b.asBool()
		if !ok || !also {
			return 0, false
		}
		return order(x.i, y.i), true
	case a.k == kindString && b.k == kindString:
		return strings.Compare(a.s, b.s), true
	}
	return 0, false
}

func (v Value) asBool() (Value, bool) {
	if v.k == kindString {
		switch strings.ToLower(v.s) {
		case "true":
			return boolean(true), true
		case "false":
			return boolean(false), true
		}
	}
	return v, v.k == kindBool
}

func (v Value) asTime() (Value, bool) {
	if v.k == kindString {
		return parseTime(v.s)
	}
	return v, v.k == kindTime
}

// String is a value as CSV has it.
func (v Value) String() string {
	switch v.k {
	case kindBool:
		return strconv.FormatBool(v.i == 1)
	case kindInt:
		return strconv.FormatInt(v.i, 10)
	case kindDecimal:
		if v.s != "" {
			return v.s
		}
		if e := v.x.dec.Exponent; e > 0 || e < -40 {
			return v.x.dec.String()
		}
		return v.x.dec.Text('f')
	case kindFloat:
		if v.s != "" {
			return v.s
		}
		if math.IsNaN(v.f) || math.IsInf(v.f, 0) {
			return ""
		}
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case kindString:
		return v.s
	case kindTime:
		return formatTime(v)
	case kindList, kindStruct:
		return string(appendJSON(nil, v))
	}
	return ""
}
