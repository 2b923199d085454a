package trino

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Literals.

// stringLiteral keeps NUL, which DuckDB's parser does not take, out of the text.
func stringLiteral(s string) string {
	if strings.ContainsRune(s, 0) {
		parts := strings.Split(s, "\x00")
		for i := range parts {
			parts[i] = duck.Quote(parts[i])
		}
		return "(" + strings.Join(parts, " || chr(0) || ") + ")"
	}
	return duck.Quote(s)
}

func number(n *sql.Number) (string, *sql.Type) {
	text := n.Text
	switch n.Kind {
	case sql.Double:
		return "CAST(" + text + " AS DOUBLE)", types.Double
	case sql.Decimal:
		whole, fraction, _ := strings.Cut(text, ".")
		whole = strings.TrimLeft(whole, "0")
		p, s := len(whole)+len(fraction), len(fraction)
		if p > 38 {
			fault.Fail(n.Position, "INVALID_LITERAL", "Invalid decimal literal: %s", n.Text)
		}
		typ := &sql.Type{Name: "decimal", Params: []int{max(p, 1), s}}
		if whole == "" {
			whole = "0"
		}
		return fmt.Sprintf("CAST('%s.%s' AS %s)", whole, fraction, duck.Type(typ)), typ
	}
	v, ok := new(big.Int).SetString(text, 10)
	if !ok || !v.IsInt64() {
		fault.Fail(n.Position, "INVALID_LITERAL", "Invalid numeric literal: %s", n.Text)
	}
	if v.Int64() > 1<<31-1 {
		return v.String(), types.Bigint
	}
	return v.String(), types.Integer
}

func (t *translator) typedLiteral(x *sql.TypedLiteral) (string, *sql.Type) {
	typ := x.Type
	switch typ.Name {
	case "decimal":
		digits := strings.TrimLeft(strings.TrimSpace(x.Value), "+-")
		whole, fraction, _ := strings.Cut(digits, ".")
		typ = &sql.Type{Name: "decimal", Params: []int{max(len(whole)+len(fraction), 1), len(fraction)}}
	case "timestamp", "timestamp with time zone":
		if text, zone, ok := t.zonedLiteral(x.Value); ok { // a zone at the end makes another type
			return text, zone
		}
	case "ipaddress":
		text, err := udf.CanonicalIP(x.Value)
		if err != nil {
			fault.Fail(x.Position, "INVALID_LITERAL", "'%s' is not a valid IPADDRESS literal", x.Value)
		}
		return duck.Quote(text), typ
	case "json":
		return "CAST(trino_json_parse(" + stringLiteral(x.Value) + ") AS JSON)", typ
	}
	if types.Is(typ, "date", "time", "timestamp") && !dateOrTime(typ, x.Value) {
		fault.Fail(x.Position, "INVALID_LITERAL", "'%s' is not a valid %s literal", x.Value, strings.ToUpper(typ.Name))
	}
	return "CAST(" + stringLiteral(x.Value) + " AS " + duck.Type(typ) + ")", typ
}

func intervalOf(x *sql.Interval) *sql.Type {
	if x.From == "YEAR" || x.From == "MONTH" {
		return types.Named("interval year to month")
	}
	return types.DayToSecond
}

// interval computes the literal: months, or days and microseconds.
func (t *translator) interval(x *sql.Interval) string {
	bad := func() { fault.Fail(x.Position, "INVALID_LITERAL", "Invalid INTERVAL literal: '%s'", x.Value) }
	value := strings.TrimSpace(x.Value)
	sign := int64(1)
	if x.Negative {
		sign = -1
	}
	if rest, ok := strings.CutPrefix(value, "-"); ok {
		sign, value = -sign, rest
	}
	int64Of := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			bad()
		}
		return n
	}
	if x.From == "YEAR" || x.From == "MONTH" {
		years, months, ok := strings.Cut(value, "-")
		if ok != (x.To != "") {
			bad()
		}
		n := int64Of(years)
		if x.From == "YEAR" {
			n *= 12
		}
		if ok {
			n += int64Of(months)
		}
		return fmt.Sprintf("to_months(%d)", sign*n)
	}
	units := []struct {
		name   string
		micros int64
	}{{"DAY", 86_400_000_000}, {"HOUR", 3_600_000_000}, {"MINUTE", 60_000_000}, {"SECOND", 1_000_000}}
	if x.From == "WEEK" {
		return fmt.Sprintf("to_days(%d)", sign*7*int64Of(value))
	}
	fields := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ':' })
	var micros int64
	started := false
	for _, u := range units {
		if u.name == x.From {
			started = true
		}
		if !started {
			continue
		}
		if len(fields) == 0 {
			bad()
		}
		if u.name == "SECOND" {
			r, ok := new(big.Rat).SetString(fields[0])
			if !ok || len(fields[0]) > 20 || strings.ContainsAny(fields[0], "eE/") {
				bad()
			}
			r.Mul(r, big.NewRat(1_000_000, 1))
			micros += new(big.Int).Quo(r.Num(), r.Denom()).Int64()
		} else {
			micros += int64Of(fields[0]) * u.micros
		}
		fields = fields[1:]
		if u.name == x.To || x.To == "" {
			break
		}
	}
	if len(fields) != 0 {
		bad()
	}
	if micros%86_400_000_000 == 0 {
		return fmt.Sprintf("to_days(%d)", sign*micros/86_400_000_000)
	}
	return fmt.Sprintf("to_microseconds(%d)", sign*micros)
}
