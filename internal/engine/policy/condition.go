package policy

import (
	"encoding/base64"
	"net/netip"
	"regexp"
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
	ofDates  bool
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

// IsOperator reports whether policies have a condition operator of this name, in any case, whatever it compares.
func IsOperator(name string) bool {
	lower := strings.ToLower(name)
	for _, set := range []string{"foranyvalue:", "forallvalues:"} {
		if rest, ok := strings.CutPrefix(lower, set); ok {
			lower = rest
			break
		}
	}
	return canonicalOperator[lower] != "" || canonicalOperator[strings.TrimSuffix(lower, "ifexists")] != ""
}

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
	c.negated, c.ofDates = op.negated, strings.HasPrefix(canonical, "Date")
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

// isoDate is a date of ISO 8601 in the forms that IAM reads: what is smaller than the year may be left out, and in a zone what is
// smaller than the hours. Years have a sign where they are before the first.
var isoDate = regexp.MustCompile(`^(-?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[Tt](?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?)?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$`)

// basicDate is the form of signatures.
const basicDate = "20060102T150405Z"

// Years and seconds that IAM reads.
const (
	minYear, maxYear = -292275054, 292278993
	lastSecond       = int64(1) << 55 // of what is compared: later than any year
)

// parseDate reads an ISO 8601 date, or seconds since 1970 (more than four digits; four are a year).
func parseDate(s string) (time.Time, bool) {
	if !strings.ContainsAny(s, "tT-") && len(s) != 4 {
		n, err := strconv.ParseInt(s, 10, 64)
		return time.Unix(min(n, lastSecond), 0), err == nil && n >= 0 && s[0] != '+'
	}
	if t, err := time.Parse(basicDate, s); err == nil {
		return t, true
	}
	m := isoDate.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	ok := true
	part := func(i, least, most int) int {
		if m[i] == "" {
			return least
		}
		n, err := strconv.Atoi(m[i])
		ok = ok && err == nil && n >= least && n <= most
		return n
	}
	year, month, day := part(1, minYear, maxYear), part(2, 1, 12), part(3, 1, 31)
	hour, minute, second := part(4, 0, 23), part(5, 0, 59), part(6, 0, 59)
	nanoseconds, _ := strconv.Atoi((m[7] + "000000000")[:9])
	zone := 0
	if z := m[8]; len(z) > 1 {
		hours, _ := strconv.Atoi(z[1:3])
		minutes := 0
		if rest := strings.TrimPrefix(z[3:], ":"); rest != "" {
			minutes, _ = strconv.Atoi(rest)
		}
		ok = ok && hours <= 23 && minutes <= 59
		if zone = hours*3600 + minutes*60; z[0] == '-' {
			zone = -zone
		}
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanoseconds, time.FixedZone("", zone)), ok
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
