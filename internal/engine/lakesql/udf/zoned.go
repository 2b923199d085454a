package udf

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/javatime"
)

// What is done with moments on the clocks of a zone whose offset changes. Hours and less are added
// to and cut off the moment itself; days and more are so on the clocks, and what they show then is
// the moment with the offset of before, if there is one.

// wallOf is what the clocks of a zone show, as a time in UTC.
func wallOf(at time.Time, zone *time.Location) time.Time {
	t := at.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

var clockUnits = map[string]time.Duration{"millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour}

func zonedTrunc(unit string, at time.Time, zone *time.Location) time.Time {
	wall := wallOf(at, zone)
	if d, ok := clockUnits[unit]; ok {
		return at.Add(-wall.Sub(wall.Truncate(d)))
	}
	y, m, d := wall.Date()
	switch unit {
	case "week":
		d -= (int(wall.Weekday()) + 6) % 7
	case "month":
		d = 1
	case "quarter":
		m, d = (m-1)/3*3+1, 1
	case "year":
		m, d = 1, 1
	}
	return javatime.InstantNear(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), zone, at)
}

// maxStep bounds what is added, in any unit: more leaves the years that there are.
const maxStep = 1 << 40

func zonedAdd(unit string, n int64, at time.Time, zone *time.Location) (time.Time, error) {
	bad := argumentError("value out of range for %s", unit)
	if n > maxStep || n < -maxStep {
		return at, bad
	}
	if d, ok := clockUnits[unit]; ok {
		seconds := n * int64(d/time.Millisecond)
		return at.Add(time.Duration(seconds/1000*1000) * time.Millisecond).Add(time.Duration(seconds%1000) * time.Millisecond), nil
	}
	wall := wallOf(at, zone)
	switch unit {
	case "day":
		wall = wall.AddDate(0, 0, int(n))
	case "week":
		wall = wall.AddDate(0, 0, int(7*n))
	default:
		months := n * map[string]int64{"month": 1, "quarter": 3, "year": 12}[unit]
		y, m, d := wall.Date()
		first := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		wall = time.Date(first.Year(), first.Month(), min(d, last), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	}
	if y := wall.Year(); y < -290_000 || y > 290_000 {
		return at, bad
	}
	return javatime.InstantNear(wall, zone, at), nil
}

func init() {
	udfs["zoned_trunc"] = scalar{in: []duckdb.Type{text, instant, text}, out: instant, f: func(v []driver.Value) (any, error) {
		zone, err := Location(v[2].(string))
		if err != nil {
			return nil, err
		}
		return zonedTrunc(v[0].(string), v[1].(time.Time), zone), nil
	}}
	udfs["zoned_add"] = scalar{in: []duckdb.Type{text, whole, instant, text}, out: instant, f: func(v []driver.Value) (any, error) {
		zone, err := Location(v[3].(string))
		if err != nil {
			return nil, err
		}
		return zonedAdd(v[0].(string), v[1].(int64), v[2].(time.Time), zone)
	}}
	// What with_timezone gives: the moment with the offset that the zone has when the clocks of UTC
	// show the same, if there is one.
	udfs["zoned_same"] = scalar{in: []duckdb.Type{moment, text}, out: instant, f: func(v []driver.Value) (any, error) {
		zone, err := Location(v[1].(string))
		if err != nil {
			return nil, argumentError("'%s' is not a valid time zone", v[1])
		}
		return javatime.InstantNear(v[0].(time.Time), zone, v[0].(time.Time)), nil
	}}
	// The zones of what iso_timestamp and joda_parse read, which say what is wrong with a text.
	udfs["iso_zone"] = scalar{in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		if t, err := IsoTimestamp(s); err == nil {
			return t.Location().String(), nil
		}
		return "UTC", nil
	})}
	udfs["joda_zone"] = scalar{in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) {
		if p, err := Joda(v[1].(string)); err == nil {
			if t, err := p.Parse(v[0].(string)); err == nil {
				return t.Location().String(), nil
			}
		}
		return "UTC", nil
	}}
	udfs["interval_text"] = scalar{in: []duckdb.Type{whole}, out: text, f: func(v []driver.Value) (any, error) {
		ms, sign := v[0].(int64), ""
		if ms < 0 {
			ms, sign = -ms, "-"
		}
		return fmt.Sprintf("%s%d %02d:%02d:%02d.%03d", sign, ms/86_400_000, ms/3_600_000%24, ms/60_000%60, ms/1000%60, ms%1000), nil
	}}
	udfs["months_text"] = scalar{in: []duckdb.Type{whole}, out: text, f: func(v []driver.Value) (any, error) {
		m, sign := v[0].(int64), ""
		if m < 0 {
			m, sign = -m, "-"
		}
		return fmt.Sprintf("%s%d-%d", sign, m/12, m%12), nil
	}}
	udfs["joda_format_at"] = scalar{in: []duckdb.Type{instant, text, text}, out: text, f: func(v []driver.Value) (any, error) {
		p, err := Joda(v[1].(string))
		if err != nil {
			return nil, err
		}
		zone, err := Location(v[2].(string))
		if err != nil {
			return nil, err
		}
		return p.Format(v[0].(time.Time).In(zone)), nil
	}}
}
