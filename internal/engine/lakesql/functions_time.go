package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

func timeFunctions() map[string]function {
	part := func(text string) function { return function{min: 1, max: 1, template: text, result: "bigint"} }
	keep := func(text string, typ *sql.Type) (string, *sql.Type) {
		if is(typ, "date") {
			return "CAST(" + text + " AS DATE)", typ
		}
		return text, typ
	}
	unit := func(c *invocation, allowed string) string {
		u := strings.ToLower(c.constant(0))
		if !strings.Contains(" "+allowed+" ", " "+u+" ") {
			fail(c.at, "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid unit", c.constant(0))
		}
		return u
	}
	const units = "millisecond second minute hour day week month quarter year"
	return map[string]function{
		"now": {template: "now()", result: "timestamp with time zone"}, "current_timestamp": {max: 1, template: "now()", result: "timestamp with time zone"},
		"localtimestamp": {max: 1, template: "CAST(now() AS TIMESTAMP)", result: "timestamp"},
		"current_date":   {template: "CAST(now() AS DATE)", result: "date"},
		"current_time":   {max: 1, template: "CAST(CAST(now() AS TIMESTAMP) AS TIME)", result: "time"}, "localtime": {max: 1, template: "CAST(CAST(now() AS TIMESTAMP) AS TIME)", result: "time"},
		"current_timezone": {template: "'UTC'", result: "varchar"},
		"date":             {min: 1, max: 1, template: "CAST($1 AS DATE)", result: "date"},
		"year":             part("year($1)"), "quarter": part("quarter($1)"), "month": part("month($1)"), "week": part("week($1)"), "week_of_year": part("week($1)"),
		"day": part("day($1)"), "day_of_month": part("day($1)"), "day_of_week": part("isodow($1)"), "dow": part("isodow($1)"),
		"day_of_year": part("dayofyear($1)"), "doy": part("dayofyear($1)"), "year_of_week": part("isoyear($1)"), "yow": part("isoyear($1)"),
		"hour": part("hour($1)"), "minute": part("minute($1)"), "second": part("second($1)"), "millisecond": part("(millisecond($1) % 1000)"),
		"timezone_hour": part("timezone_hour($1)"), "timezone_minute": part("timezone_minute($1)"),
		"last_day_of_month": {min: 1, max: 1, template: "last_day($1)", result: "date"},
		"date_trunc": {min: 2, max: 2, write: func(c *invocation) (string, *sql.Type) {
			return keep(fmt.Sprintf("date_trunc(%s, %s)", quote(unit(c, units)), c.args[1]), c.typ(1))
		}},
		"date_add": {min: 3, max: 3, write: func(c *invocation) (string, *sql.Type) {
			u, n := unit(c, units), c.args[1]
			step := map[string]string{"millisecond": "to_milliseconds(%s)", "second": "to_seconds(%s)", "minute": "to_minutes(%s)", "hour": "to_hours(%s)",
				"day": "to_days(CAST(%s AS INTEGER))", "week": "to_weeks(CAST(%s AS INTEGER))", "month": "to_months(CAST(%s AS INTEGER))",
				"quarter": "to_months(CAST(3 * (%s) AS INTEGER))", "year": "to_years(CAST(%s AS INTEGER))"}[u]
			return keep("("+c.args[2]+" + "+fmt.Sprintf(step, n)+")", c.typ(2))
		}},
		"date_diff": {min: 3, max: 3, result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			return fmt.Sprintf("date_sub(%s, %s, %s)", quote(unit(c, units)), c.args[1], c.args[2]), nil
		}},
		"from_unixtime":          {min: 1, max: 2, result: "timestamp with time zone", template: "to_timestamp($1)"},
		"to_unixtime":            {min: 1, max: 1, template: "epoch($1)", result: "double"},
		"from_unixtime_nanos":    {min: 1, max: 1, template: "to_timestamp($1 / 1e9)", result: "timestamp with time zone"},
		"from_iso8601_timestamp": {min: 1, max: 1, template: "CAST($1 AS TIMESTAMPTZ)", result: "timestamp with time zone"},
		"from_iso8601_date":      {min: 1, max: 1, template: "CAST($1 AS DATE)", result: "date"},
		"to_iso8601": {min: 1, max: 1, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			switch {
			case is(c.typ(0), "date"):
				return c.fill("CAST($1 AS VARCHAR)"), nil
			case is(c.typ(0), "timestamp with time zone"):
				return c.fill("strftime($1 AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')"), nil
			}
			return c.fill("strftime($1, '%Y-%m-%dT%H:%M:%S.%g')"), nil
		}},
		"at_timezone": {min: 2, max: 2, write: func(c *invocation) (string, *sql.Type) {
			if is(c.typ(0), "timestamp") { // taken as UTC, the session's zone
				return c.fill("timezone($2, timezone('UTC', $1))"), timestampType
			}
			return c.fill("timezone($2, $1)"), timestampType
		}},
		"with_timezone":   {min: 2, max: 2, template: "timezone($2, CAST($1 AS TIMESTAMP))", result: "timestamp with time zone"},
		"to_milliseconds": {min: 1, max: 1, template: "CAST(epoch_ms($1) AS BIGINT)", result: "bigint"},
		"date_format": {min: 2, max: 2, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			return "strftime(" + local(c) + ", " + quote(mysqlFormat(c)) + ")", nil
		}},
		"date_parse": {min: 2, max: 2, result: "timestamp", write: func(c *invocation) (string, *sql.Type) {
			return "strptime(" + c.args[0] + ", " + quote(mysqlFormat(c)) + ")", nil
		}},
		"format_datetime": {min: 2, max: 2, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			return "strftime(" + local(c) + ", " + quote(jodaFormat(c, false)) + ")", nil
		}},
		"parse_datetime": {min: 2, max: 2, result: "timestamp with time zone", write: func(c *invocation) (string, *sql.Type) {
			return "CAST(strptime(" + c.args[0] + ", " + quote(jodaFormat(c, true)) + ") AS TIMESTAMPTZ)", nil
		}},
	}
}

// local is the first argument without a zone, which strftime wants.
func local(c *invocation) string {
	if is(c.typ(0), "timestamp with time zone") {
		return "timezone('UTC', " + c.args[0] + ")"
	}
	return c.args[0]
}

// mysqlFormat turns a format of MySQL's into strftime's.
func mysqlFormat(c *invocation) string {
	format := c.constant(1)
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		s, ok := map[byte]string{'a': "%a", 'b': "%b", 'c': "%-m", 'd': "%d", 'e': "%-d", 'f': "%f", 'H': "%H", 'h': "%I", 'I': "%I", 'i': "%M",
			'j': "%j", 'k': "%-H", 'l': "%-I", 'M': "%B", 'm': "%m", 'p': "%p", 'r': "%I:%M:%S %p", 'S': "%S", 's': "%S", 'T': "%H:%M:%S",
			'v': "%V", 'W': "%A", 'x': "%G", 'Y': "%Y", 'y': "%y", '%': "%%"}[format[i]]
		if !ok {
			if strings.IndexByte("DUuVwX", format[i]) >= 0 {
				fail(c.exprs[1].Pos(), "INVALID_FUNCTION_ARGUMENT", "%%%c not supported in date format string", format[i])
			}
			s = string(format[i])
		}
		b.WriteString(s)
	}
	return b.String()
}

// jodaFormat turns a pattern of Joda-Time's into strftime's.
func jodaFormat(c *invocation, parse bool) string {
	format := c.constant(1)
	var b strings.Builder
	for i := 0; i < len(format); {
		ch := format[i]
		n := 1
		for i+n < len(format) && format[i+n] == ch {
			n++
		}
		switch {
		case ch == '\'':
			end := strings.IndexByte(format[i+1:], '\'')
			switch {
			case end < 0:
				fail(c.exprs[1].Pos(), "INVALID_FUNCTION_ARGUMENT", "Invalid format: unterminated quote")
			case end == 0:
				b.WriteByte('\'')
			default:
				b.WriteString(strings.ReplaceAll(format[i+1:i+1+end], "%", "%%"))
			}
			i += end + 2
			continue
		case ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z':
			pick := func(short, long string, from int) string {
				if n >= from {
					return long
				}
				return short
			}
			s := ""
			switch ch {
			case 'y', 'Y':
				s = "%Y"
				if n == 2 {
					s = "%y"
				}
			case 'x':
				s = "%G"
			case 'w':
				s = "%V"
			case 'M':
				s = pick(pick(pick("%-m", "%m", 2), "%b", 3), "%B", 4)
			case 'd':
				s = pick("%-d", "%d", 2)
			case 'D':
				s = pick("%-j", "%j", 3)
			case 'E':
				s = pick("%a", "%A", 4)
			case 'e':
				s = "%u"
			case 'H':
				s = pick("%-H", "%H", 2)
			case 'h':
				s = pick("%-I", "%I", 2)
			case 'm':
				s = pick("%-M", "%M", 2)
			case 's':
				s = pick("%-S", "%S", 2)
			case 'S':
				s = pick("%g", "%f", 4)
			case 'a':
				s = "%p"
			case 'Z':
				s = "+00:00"
				if n == 1 {
					s = "+0000"
				}
				if n >= 3 {
					s = "UTC"
				}
				if parse {
					s = "%z"
				}
			case 'z':
				s = "UTC"
			}
			if s == "" {
				fail(c.exprs[1].Pos(), "INVALID_FUNCTION_ARGUMENT", "Illegal pattern component: %s", format[i:i+n])
			}
			b.WriteString(s)
		case ch == '%':
			b.WriteString(strings.Repeat("%%", n))
		default:
			b.WriteString(format[i : i+n])
		}
		i += n
	}
	return b.String()
}
