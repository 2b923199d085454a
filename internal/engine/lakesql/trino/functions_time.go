package trino

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/javatime"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// A timestamp with a zone is an instant in DuckDB. The zone, which Trino keeps with each
// value, is part of the type here: its name, or behind DynamicZone the text of an
// expression, which must not leave the SELECT that it is in.
const DynamicZone = "\x00"

// packedZone marks a column of instants each with a zone of its own: a struct of both.
const packedZone = "\x01"

func Packed(t *sql.Type) bool { return t != nil && t.Zone == packedZone }

// packZone makes a value of a dynamic zone into one that may leave its SELECT.
func packZone(text string, t *sql.Type) (string, *sql.Type) {
	if t == nil || !strings.HasPrefix(t.Zone, DynamicZone) {
		return text, t
	}
	return "struct_pack(at := " + text + ", zone := " + t.Zone[1:] + ")", types.Zoned(packedZone)
}

// unpackZone undoes packZone, at a reference to such a column.
func unpackZone(text string, t *sql.Type) (string, *sql.Type) {
	if !Packed(t) {
		return text, t
	}
	return "(" + text + ").at", types.Zoned(DynamicZone + "(" + text + ").zone")
}

// local is a date or time without a zone: that on the clocks of its zone.
func (t *translator) local(text string, typ *sql.Type) string {
	if !types.Is(typ, "timestamp with time zone") {
		return text
	}
	zone := typ.Zone
	if rest, ok := strings.CutPrefix(zone, DynamicZone); ok {
		if len(text) > shortMoment {
			return "trino_local(" + text + ", " + rest + ")"
		}
		return "CASE WHEN " + rest + " = 'UTC' THEN timezone('UTC', " + text + ") ELSE trino_local(" + text + ", " + rest + ") END"
	}
	if zone == "" {
		zone = "UTC"
	}
	if ms, ok := fixedOffset(zone); ok {
		return fmt.Sprintf("(timezone('UTC', %s) + to_milliseconds(%d))", text, ms)
	}
	return "timezone(" + duck.Quote(zone) + ", " + text + ")"
}

// instant is the moment that a local time of the type's zone is.
func (t *translator) instant(text string, typ *sql.Type) string {
	zone := typ.Zone
	if rest, ok := strings.CutPrefix(zone, DynamicZone); ok {
		return "trino_instant(" + text + ", " + rest + ")"
	}
	if zone == "" {
		zone = "UTC"
	}
	if ms, ok := fixedOffset(zone); ok {
		return fmt.Sprintf("(timezone('UTC', %s) - to_milliseconds(%d))", text, ms)
	}
	if zone == "UTC" {
		return "timezone('UTC', " + text + ")"
	}
	return "trino_instant(" + text + ", " + duck.Quote(zone) + ")" // DuckDB takes the later one of two moments
}

// shifts reports whether a type's zone may change its offset, so that what its clocks show may be
// two moments, or none.
func shifts(typ *sql.Type) bool {
	if !types.Is(typ, "timestamp with time zone") || typ.Zone == "" || typ.Zone == "UTC" {
		return false
	}
	_, fixed := fixedOffset(typ.Zone)
	return !fixed
}

// fixedOffset is the milliseconds of a zone like +01:00.
func fixedOffset(zone string) (int64, bool) {
	if zone == "" || zone[0] != '+' && zone[0] != '-' {
		return 0, false
	}
	l, err := udf.Location(zone)
	if err != nil {
		return 0, false
	}
	_, seconds := time.Unix(0, 0).In(l).Zone()
	return int64(seconds) * 1000, true
}

// zone is the type that a zone argument makes.
func (c *invocation) zone(i int) *sql.Type {
	x := c.exprs[i]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		return types.Zoned(DynamicZone + c.args[i])
	}
	l, err := udf.Location(s.Value)
	if err != nil {
		fault.Fail(x.Pos(), "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid time zone", s.Value)
	}
	return types.Zoned(l.String())
}

var zonedText = regexp.MustCompile(`^\s*(\d{1,5}-\d{1,2}-\d{1,2}(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?)\s*([A-Za-z+-].*?)\s*$`)

// zonedLiteral reads a timestamp that ends in a zone.
func (t *translator) zonedLiteral(s string) (string, *sql.Type, bool) {
	m := zonedText.FindStringSubmatch(s)
	if m == nil {
		return "", nil, false
	}
	l, err := udf.Location(m[2])
	if err != nil {
		return "", nil, false
	}
	typ := types.Zoned(l.String())
	if wall, ok := wallTime(m[1]); ok && shifts(typ) && !javatime.IsShown(wall, l) {
		return "", nil, false
	}
	return t.instant("CAST("+duck.Quote(m[1])+" AS TIMESTAMP)", typ), typ, true
}

var wallFields = regexp.MustCompile(`^(\d+)-(\d+)-(\d+)(?:[ T](\d+):(\d+)(?::(\d+))?)?`)

// wallTime reads a date, and the time behind it, as that of UTC, to the second.
func wallTime(s string) (time.Time, bool) {
	m := wallFields.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // what is not there is 0
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC), true
}

const timeUnits = "millisecond second minute hour day week month quarter year"

// unit is the first argument, one of the units of time.
func (c *invocation) unit() string {
	u := strings.ToLower(c.constant(0))
	if !strings.Contains(" "+timeUnits+" ", " "+u+" ") {
		fault.Fail(c.exprs[0].Pos(), "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid Timestamp field", c.constant(0))
	}
	return u
}

// dateUnit fails for a unit that a date has not.
func (c *invocation) dateUnit(of *sql.Type) {
	if u := c.unit(); types.Is(of, "date") && strings.Contains(" millisecond second minute hour ", " "+u+" ") {
		fault.Fail(c.exprs[0].Pos(), "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid DATE field", u)
	}
}

// onClocks does something with the local time of argument i, and keeps its type.
func (c *invocation) onClocks(i int, format string) (string, *sql.Type) {
	typ := c.typ(i)
	text := fmt.Sprintf(format, c.local(c.args[i], typ))
	switch {
	case types.Is(typ, "date"):
		text = "CAST(" + text + " AS DATE)"
	case types.Is(typ, "timestamp with time zone"):
		text = c.instant(text, typ)
	}
	return text, typ
}

// intervalParts are the fields of an interval of days to seconds, whatever its parts are in
// DuckDB.
var intervalParts = map[string]string{
	"day": "CAST(epoch_ms($1) // 86400000 AS BIGINT)", "day_of_month": "CAST(epoch_ms($1) // 86400000 AS BIGINT)", "hour": "CAST(epoch_ms($1) // 3600000 % 24 AS BIGINT)",
	"minute": "CAST(epoch_ms($1) // 60000 % 60 AS BIGINT)", "second": "CAST(epoch_ms($1) // 1000 % 60 AS BIGINT)", "millisecond": "CAST(epoch_ms($1) % 1000 AS BIGINT)",
}

func timeFunctions() map[string]function {
	part := func(format string) function {
		return function{result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if parts := intervalParts[c.name]; parts != "" && types.Is(c.typ(0), "interval day to second") {
				return c.fill(parts), nil
			}
			if strings.Contains(" year quarter month week week_of_year day day_of_month day_of_week dow day_of_year doy year_of_week yow ", " "+c.name+" ") && types.Is(c.typ(0), "time") {
				fault.Fail(c.at, "TYPE_MISMATCH", "Cannot extract %s from %s", strings.ToUpper(c.name), types.Text(c.typ(0)))
			}
			return fmt.Sprintf(format, c.local(c.args[0], c.typ(0))), nil
		}}
	}
	now := func(as string, typ *sql.Type) function {
		return function{write: func(c *invocation) (string, *sql.Type) {
			return "CAST(" + duck.Quote(c.host.Now.Format("2006-01-02 15:04:05.000")) + " AS TIMESTAMP)" + as, typ
		}}
	}
	offset := func(unit int64, modulo string) function {
		return function{result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			return fmt.Sprintf("CAST((epoch_ms(%s) - epoch_ms(timezone('UTC', %s))) // %d%s AS BIGINT)", c.local(c.args[0], c.typ(0)), c.args[0], unit, modulo), nil
		}}
	}
	week, weekday := "week(%s)", "isodow(%s)"
	return map[string]function{
		"now": now("::TIMESTAMPTZ", types.Instant), "current_timestamp": now("::TIMESTAMPTZ", types.Instant),
		"localtimestamp": now("", types.Timestamp), "current_date": now("::DATE", types.Date), "current_time": now("::TIME", types.Named("time")), "localtime": now("::TIME", types.Named("time")),
		"current_timezone": {template: "'UTC'", result: "varchar"},
		"date": {result: "date", write: func(c *invocation) (string, *sql.Type) {
			return c.translator.castTo("CAST(", c.args[0], c.typ(0), types.Date), nil
		}},
		"year": part("year(%s)"), "quarter": part("quarter(%s)"), "month": part("month(%s)"), "week": part(week), "week_of_year": part(week),
		"day": part("day(%s)"), "day_of_month": part("day(%s)"), "day_of_week": part(weekday), "dow": part(weekday),
		"day_of_year": part("dayofyear(%s)"), "doy": part("dayofyear(%s)"), "year_of_week": part("isoyear(%s)"), "yow": part("isoyear(%s)"),
		"hour": part("hour(%s)"), "minute": part("minute(%s)"), "second": part("second(%s)"), "millisecond": part("(millisecond(%s) %% 1000)"),
		"timezone_hour": offset(3_600_000, ""), "timezone_minute": offset(60_000, " % 60"),
		"timezone": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			zone := "UTC"
			if t := c.typ(0); t != nil && t.Zone != "" {
				zone = t.Zone
			}
			if rest, ok := strings.CutPrefix(zone, DynamicZone); ok {
				return rest, nil
			}
			return duck.Quote(zone), nil
		}},
		"last_day_of_month": {result: "date", write: func(c *invocation) (string, *sql.Type) {
			return "last_day(" + c.local(c.args[0], c.typ(0)) + ")", nil
		}},
		"date_trunc": {write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(1), "time") {
				if !strings.Contains(" millisecond second minute hour ", " "+c.unit()+" ") {
					fault.Fail(c.exprs[0].Pos(), "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid TIME field", c.unit())
				}
				return "CAST(date_trunc(" + duck.Quote(c.unit()) + ", DATE '1970-01-01' + " + c.args[1] + ") AS TIME)", c.typ(1)
			}
			c.dateUnit(c.typ(1))
			if typ := c.typ(1); shifts(typ) {
				text := "trino_zoned_trunc(" + duck.Quote(c.unit()) + ", " + c.args[1] + ", " + zoneName(typ) + ")"
				if dynamic(typ) && len(c.args[1]) <= shortMoment {
					text = "CASE WHEN " + zoneName(typ) + " = 'UTC' THEN timezone('UTC', date_trunc(" + duck.Quote(c.unit()) + ", timezone('UTC', " + c.args[1] + "))) ELSE " + text + " END"
				}
				return text, typ
			}
			return c.onClocks(1, "date_trunc("+duck.Quote(c.unit())+", %s)")
		}},
		"date_add": {write: func(c *invocation) (string, *sql.Type) {
			u, n := c.unit(), c.args[1]
			step := map[string]string{"millisecond": "to_milliseconds(%s)", "second": "to_seconds(%s)", "minute": "to_minutes(%s)", "hour": "to_hours(%s)",
				"day": "to_days(CAST(%s AS INTEGER))", "week": "to_weeks(CAST(%s AS INTEGER))", "month": "to_months(CAST(%s AS INTEGER))",
				"quarter": "to_months(CAST(3 * (%s) AS INTEGER))", "year": "to_years(CAST(%s AS INTEGER))"}[u]
			c.dateUnit(c.typ(2))
			if typ := c.typ(2); shifts(typ) {
				return "trino_zoned_add(" + duck.Quote(u) + ", CAST(" + n + " AS BIGINT), " + c.args[2] + ", " + zoneName(typ) + ")", typ
			}
			return c.onClocks(2, "(%s + "+strings.ReplaceAll(fmt.Sprintf(step, n), "%", "%%")+")")
		}},
		"date_diff": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			a, b := c.typ(1), c.typ(2)
			if types.Is(a, "date") && types.Is(b, "date") {
				c.dateUnit(a)
			}
			if types.Is(a, "timestamp with time zone") && types.Is(b, "timestamp with time zone") {
				if b = a; strings.Contains(" millisecond second minute hour ", " "+c.unit()+" ") {
					a, b = types.Instant, types.Instant
				}
			}
			return fmt.Sprintf("date_sub(%s, %s, %s)", duck.Quote(c.unit()), c.local(c.args[1], a), c.local(c.args[2], b)), nil
		}},
		"from_unixtime": {write: func(c *invocation) (string, *sql.Type) {
			typ := types.Instant
			switch len(c.args) {
			case 2:
				typ = c.zone(1)
			case 3:
				h, ok := c.exprs[1].(*sql.Number)
				m, ok2 := c.exprs[2].(*sql.Number)
				if !ok || !ok2 {
					fault.Fail(c.at, "NOT_SUPPORTED", "Arguments 2 and 3 of function from_unixtime must be constants")
				}
				l, err := udf.Location("+" + fmt.Sprintf("%02s:%02s", h.Text, m.Text))
				if err != nil {
					fault.Fail(c.at, "INVALID_FUNCTION_ARGUMENT", "Invalid offset")
				}
				typ = types.Zoned(l.String())
			}
			return withZone(c.fill("to_timestamp(round($1, 3))"), typ), typ
		}},
		"to_unixtime":         {template: "epoch($1)", result: "double"},
		"from_unixtime_nanos": {template: "to_timestamp(CAST($1 AS DOUBLE) / 1e9)", result: "timestamp with time zone"},
		"from_iso8601_timestamp": {write: func(c *invocation) (string, *sql.Type) {
			if s, ok := c.literal(0); ok {
				typ := types.Instant
				if t, err := udf.IsoTimestamp(s); err == nil {
					typ = types.Zoned(t.Location().String())
				}
				return c.fill("trino_iso_timestamp($1)"), typ
			}
			return c.fill("trino_iso_timestamp($1)"), types.Zoned(DynamicZone + c.fill("(CASE WHEN suffix($1, 'Z') THEN 'UTC' ELSE trino_iso_zone($1) END)"))
		}},
		"from_iso8601_date": {template: "trino_iso_date($1)", result: "date"},
		"to_iso8601": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			switch t := c.typ(0); {
			case types.Is(t, "date"):
				return c.fill("CAST($1 AS VARCHAR)"), nil
			case types.Is(t, "timestamp with time zone") && (t.Zone == "" || t.Zone == "UTC"):
				return c.fill("strftime(timezone('UTC', $1), '%Y-%m-%dT%H:%M:%S.%gZ')"), nil
			case types.Is(t, "timestamp with time zone"):
				text := "trino_joda_format_at(" + c.args[0] + ", 'yyyy-MM-dd''T''HH:mm:ss.SSSZZ', " + zoneName(t) + ")"
				if dynamic(t) {
					text = "CASE WHEN " + zoneName(t) + " = 'UTC' THEN " + c.fill("strftime(timezone('UTC', $1), '%Y-%m-%dT%H:%M:%S.%gZ')") + " ELSE " + text + " END"
				}
				return text, nil
			}
			return c.fill("strftime($1, '%Y-%m-%dT%H:%M:%S.%g')"), nil
		}},
		"at_timezone": {write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(0), "timestamp") { // taken as UTC, the session's zone
				return withZone(c.fill("timezone('UTC', $1)"), c.zone(1)), c.zone(1)
			}
			return withZone(c.args[0], c.zone(1)), c.zone(1)
		}},
		"with_timezone": {write: func(c *invocation) (string, *sql.Type) {
			typ := c.zone(1)
			if shifts(typ) {
				return c.fill("trino_zoned_same(CAST($1 AS TIMESTAMP), " + zoneName(typ) + ")"), typ
			}
			return c.instant(c.fill("CAST($1 AS TIMESTAMP)"), typ), typ
		}},
		"to_milliseconds":        {template: "CAST(epoch_ms($1) AS BIGINT)", result: "bigint"},
		"parse_duration":         {template: "to_milliseconds(trino_duration_ms($1))", result: "interval day to second"},
		"human_readable_seconds": {template: "trino_human_readable_seconds(CAST($1 AS DOUBLE))", result: "varchar"},
		"date_format": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			text := c.local(c.args[0], c.typ(0))
			if s, ok := c.fast(udf.MySQL); ok {
				return "strftime(" + text + ", " + duck.Quote(s) + ")", nil
			}
			return "trino_mysql_format(CAST(" + text + " AS TIMESTAMP), " + c.args[1] + ")", nil
		}},
		"date_parse": {result: "timestamp", write: func(c *invocation) (string, *sql.Type) {
			if s, ok := c.fast(udf.MySQL); ok && strings.Contains(s, "%Y") { // of another year where there is none
				// DuckDB would pass over spaces, and take fewer digits.
				return "coalesce(CASE WHEN regexp_full_match(" + c.args[0] + ", " + duck.Quote(digitsOf(s)) + ") THEN try_strptime(" + c.args[0] + ", " + duck.Quote(s) + ") END, trino_mysql_parse(" + c.args[0] + ", " + c.args[1] + "))", nil
			}
			return "trino_mysql_parse(" + c.args[0] + ", " + c.args[1] + ")", nil
		}},
		"format_datetime": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			text := c.local(c.args[0], c.typ(0))
			if s, ok := c.fast(udf.Joda); ok {
				return "strftime(" + text + ", " + duck.Quote(s) + ")", nil
			}
			if t := c.typ(0); types.Is(t, "timestamp with time zone") {
				return "trino_joda_format_at(" + c.args[0] + ", " + c.args[1] + ", " + zoneName(t) + ")", nil
			}
			return "trino_joda_format(CAST(" + text + " AS TIMESTAMP), " + c.args[1] + ", 'UTC')", nil
		}},
		"to_char": {result: "varchar", write: func(c *invocation) (string, *sql.Type) { return c.teradata("format_datetime"), nil }},
		"to_date": {result: "date", write: func(c *invocation) (string, *sql.Type) {
			return "CAST(timezone('UTC', " + c.teradata("parse_datetime") + ") AS DATE)", nil
		}},
		"to_timestamp": {result: "timestamp", write: func(c *invocation) (string, *sql.Type) {
			return "timezone('UTC', " + c.teradata("parse_datetime") + ")", nil
		}},
		"parse_datetime": {write: func(c *invocation) (string, *sql.Type) {
			typ := types.Instant
			p, ok := c.compiled(udf.Joda)
			s, ok2 := c.literal(0)
			switch {
			case ok && ok2:
				if t, err := p.Parse(s); err == nil {
					typ = types.Zoned(t.Location().String())
				}
			case !ok || slices.ContainsFunc(p.Fields(), func(f javatime.Field) bool { return f.Letter == 'Z' || f.Letter == 'z' }):
				typ = types.Zoned(DynamicZone + "trino_joda_zone(" + c.args[0] + ", " + c.args[1] + ")")
			}
			return "trino_joda_parse(" + c.args[0] + ", " + c.args[1] + ")", typ
		}},
	}
}

// zonedStep is a moment with an interval added or taken off: days are of 24 hours, months are on
// the clocks of the zone.
func (t *translator) zonedStep(at, op, step string, typ, of *sql.Type) string {
	switch {
	case of.Name == types.DayToSecond.Name:
		return "timezone('UTC', timezone('UTC', " + at + ") " + op + " " + step + ")"
	case shifts(typ):
		return "trino_zoned_add('month', CAST(" + op + "(12 * year(" + step + ") + month(" + step + ")) AS BIGINT), " + at + ", " + zoneName(typ) + ")"
	}
	return t.instant("("+t.local(at, typ)+" "+op+" "+step+")", typ)
}

// zoneName is the zone of a type as an expression.
func zoneName(t *sql.Type) string {
	switch {
	case t == nil || t.Zone == "":
		return "'UTC'"
	case strings.HasPrefix(t.Zone, DynamicZone):
		return t.Zone[1:]
	}
	return duck.Quote(t.Zone)
}

// literal is the text of an argument that is a constant.
func (c *invocation) literal(i int) (string, bool) {
	x := c.exprs[i]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		return "", false
	}
	return s.Value, true
}

// compiled is the second argument's pattern, if it is constant.
func (c *invocation) compiled(compile func(string) (*javatime.Pattern, error)) (*javatime.Pattern, bool) {
	x := c.exprs[1]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		return nil, false
	}
	p, err := compile(s.Value)
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), ": ")
		fault.Fail(x.Pos(), "INVALID_FUNCTION_ARGUMENT", "%s", text)
	}
	return p, true
}

// digitsOf is a pattern of strftime's as a regular expression for texts that have all its digits.
func digitsOf(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteString(regexp.QuoteMeta(format[i : i+1]))
			continue
		}
		i++
		switch format[i] {
		case 'Y':
			b.WriteString("[0-9]{4}")
		case 'g', 'j':
			b.WriteString("[0-9]{3}")
		case 'A', 'B', 'b':
			b.WriteString("[A-Za-z]+")
		case '%':
			b.WriteString("%")
		default:
			b.WriteString("[0-9]{2}")
		}
	}
	return b.String()
}

// fast is the pattern as one of strftime's, if all of it has the same meaning there.
func (c *invocation) fast(compile func(string) (*javatime.Pattern, error)) (string, bool) {
	p, ok := c.compiled(compile)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, f := range p.Fields() {
		if f.Letter == 0 {
			b.WriteString(strings.ReplaceAll(f.Text, "%", "%%"))
			continue
		}
		s, ok := map[string]string{"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%g", "DDD": "%j", "EEEE": "%A", "MMMM": "%B", "MMM": "%b"}[strings.Repeat(string(f.Letter), f.Count)]
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

var literalForms = map[string]*regexp.Regexp{
	"date":      regexp.MustCompile(`^\s*[+-]?\d{1,6}-\d{1,2}-\d{1,2}\s*$`),
	"time":      regexp.MustCompile(`^(?:[01]?\d|2[0-3]):\d{2}(:\d{2}(\.\d{1,12})?)?$`),
	"timestamp": regexp.MustCompile(`^\s*[+-]?\d{1,6}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,12})?)?)?\s*$`),
}

// dateOrTime reports whether a literal's text has the form of its type.
func dateOrTime(typ *sql.Type, s string) bool {
	return literalForms[typ.Name] == nil || literalForms[typ.Name].MatchString(s)
}
