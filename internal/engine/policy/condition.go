package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Keys returns the values of a condition key of the request, by its name in lower case; none where the
// request does not have the key. A nil Keys has none.
type Keys func(key string) []string

func (k Keys) get(key string) []string {
	if k == nil {
		return nil
	}
	return k(key)
}

type setOperator uint8

const (
	noSet setOperator = iota
	forAnyValue
	forAllValues
)

// A condition is one operator on one key: "StringLike": {"s3:prefix": ["a/*", "b/*"]}.
type condition struct {
	set      setOperator
	ifExists bool
	negated  bool
	null     bool
	absent   []bool // of Null: whether the key has to be absent
	key      string // lower case
	values   []comparison
}

// A comparison is the right side of an operator, compiled: it reports whether a value of the request
// satisfies it. Negation is the condition's.
type comparison func(value string, keys Keys) bool

func (c *condition) holds(keys Keys) bool {
	values := keys.get(c.key)
	if c.null {
		for _, absent := range c.absent {
			if absent == (len(values) == 0) {
				return true
			}
		}
		return false
	}
	if len(values) == 0 {
		switch {
		case c.ifExists, c.set == forAllValues:
			return true
		case c.set == forAnyValue:
			return false
		}
		return c.negated
	}
	for _, v := range values {
		hit := c.any(v, keys)
		switch {
		case c.set == forAllValues && hit == c.negated:
			return false
		case c.set == forAnyValue && hit != c.negated:
			return true
		case c.set == noSet && hit:
			return !c.negated
		}
	}
	switch c.set {
	case forAllValues:
		return true
	case forAnyValue:
		return false
	}
	return c.negated
}

// any reports whether one of the policy's values matches.
func (c *condition) any(value string, keys Keys) bool {
	for _, compare := range c.values {
		if compare(value, keys) {
			return true
		}
	}
	return false
}

// An operator compiles a value of a policy; false where the value does not have the operator's type.
type operator struct {
	negated bool
	compile func(value string, variables bool) (comparison, bool)
}

// operators by their names without prefix and suffix.
var operators = map[string]operator{
	"StringEquals":              {false, stringEquals},
	"StringNotEquals":           {true, stringEquals},
	"StringEqualsIgnoreCase":    {false, stringFold},
	"StringNotEqualsIgnoreCase": {true, stringFold},
	"StringLike":                {false, stringLike},
	"StringNotLike":             {true, stringLike},
	"NumericEquals":             {false, numeric(func(a, b float64) bool { return a == b })},
	"NumericNotEquals":          {true, numeric(func(a, b float64) bool { return a == b })},
	"NumericLessThan":           {false, numeric(func(a, b float64) bool { return a < b })},
	"NumericLessThanEquals":     {false, numeric(func(a, b float64) bool { return a <= b })},
	"NumericGreaterThan":        {false, numeric(func(a, b float64) bool { return a > b })},
	"NumericGreaterThanEquals":  {false, numeric(func(a, b float64) bool { return a >= b })},
	"DateEquals":                {false, date(func(c int) bool { return c == 0 })},
	"DateNotEquals":             {true, date(func(c int) bool { return c == 0 })},
	"DateLessThan":              {false, date(func(c int) bool { return c < 0 })},
	"DateLessThanEquals":        {false, date(func(c int) bool { return c <= 0 })},
	"DateGreaterThan":           {false, date(func(c int) bool { return c > 0 })},
	"DateGreaterThanEquals":     {false, date(func(c int) bool { return c >= 0 })},
	"Bool":                      {false, boolean},
	"BinaryEquals":              {false, binary},
	"IpAddress":                 {false, ipAddress},
	"NotIpAddress":              {true, ipAddress},
	"ArnEquals":                 {false, arnLike},
	"ArnNotEquals":              {true, arnLike},
	"ArnLike":                   {false, arnLike},
	"ArnNotLike":                {true, arnLike},
}

// canonicalOperator finds an operator's name whatever its case.
var canonicalOperator = func() map[string]string {
	m := map[string]string{"null": "Null"}
	for name := range operators {
		m[strings.ToLower(name)] = name
	}
	return m
}()

// newCondition compiles an operator on a key. It returns false where there is no such operator, or a
// value is not of its type.
func newCondition(name, key string, values []string, variables bool) (condition, bool) {
	c := condition{key: strings.ToLower(key)}
	lower := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(lower, "foranyvalue:"); ok {
		c.set, lower = forAnyValue, rest
	} else if rest, ok := strings.CutPrefix(lower, "forallvalues:"); ok {
		c.set, lower = forAllValues, rest
	}
	if canonicalOperator[lower] == "" {
		lower, c.ifExists = strings.CutSuffix(lower, "ifexists")
	}
	canonical := canonicalOperator[lower]
	if canonical == "" {
		return c, false
	}
	if canonical == "Null" {
		c.null = true
		for _, v := range values {
			b, err := strconv.ParseBool(strings.ToLower(v))
			if err != nil {
				return c, false
			}
			c.absent = append(c.absent, b)
		}
		return c, !c.ifExists
	}
	op := operators[canonical]
	c.negated = op.negated
	for _, v := range values {
		compare, ok := op.compile(v, variables)
		if !ok {
			return c, false
		}
		if strings.HasPrefix(canonical, "String") && holdsARNs(c.key) {
			compare = anyPartition(v, compare)
		}
		c.values = append(c.values, compare)
	}
	return c, true
}

func stringEquals(value string, variables bool) (comparison, bool) {
	g := newGlob(value, variables, false, false)
	return func(v string, keys Keys) bool { return g.matches(v, keys, false) }, true
}

func stringFold(value string, variables bool) (comparison, bool) {
	g := newGlob(value, variables, false, true)
	return func(v string, keys Keys) bool { return g.matches(strings.ToLower(v), keys, true) }, true
}

func stringLike(value string, variables bool) (comparison, bool) {
	g := newGlob(value, variables, true, false)
	return func(v string, keys Keys) bool { return g.matches(v, keys, false) }, true
}

func arnLike(value string, variables bool) (comparison, bool) {
	p := newARNPattern(value, variables, false)
	return func(v string, keys Keys) bool { return p.matches(v, keys) }, true
}

func numeric(holds func(a, b float64) bool) func(string, bool) (comparison, bool) {
	return func(value string, _ bool) (comparison, bool) {
		b, err := strconv.ParseFloat(value, 64)
		if err != nil || b != b {
			return nil, false
		}
		return func(v string, _ Keys) bool {
			a, err := strconv.ParseFloat(v, 64)
			return err == nil && holds(a, b)
		}, true
	}
}

func date(holds func(int) bool) func(string, bool) (comparison, bool) {
	return func(value string, _ bool) (comparison, bool) {
		b, ok := parseDate(value)
		if !ok {
			return nil, false
		}
		return func(v string, _ Keys) bool {
			a, ok := parseDate(v)
			return ok && holds(a.Compare(b))
		}, true
	}
}

// dateForms are the forms of W3C's profile of ISO 8601.
var dateForms = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05", "2006-01-02", "2006-01", "2006", "20060102T150405Z",
}

// parseDate reads an ISO 8601 date, or seconds since 1970 (more than four digits; four are a year).
func parseDate(s string) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) != 4 {
		return time.Unix(n, 0), true
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func boolean(value string, _ bool) (comparison, bool) {
	lower := strings.ToLower(value)
	if lower != "true" && lower != "false" {
		return nil, false
	}
	return func(v string, _ Keys) bool { return strings.EqualFold(v, lower) }, true
}

// binary compares bytes, which both sides have in base64.
func binary(value string, _ bool) (comparison, bool) {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, false
	}
	want := string(b)
	return func(v string, _ Keys) bool {
		a, err := base64.StdEncoding.DecodeString(v)
		return err == nil && string(a) == want
	}, true
}

func ipAddress(value string, _ bool) (comparison, bool) {
	prefix, ok := parsePrefix(value)
	if !ok {
		return nil, false
	}
	return func(v string, _ Keys) bool {
		a, err := netip.ParseAddr(v)
		return err == nil && prefix.Contains(a.Unmap().WithZone(""))
	}, true
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}
