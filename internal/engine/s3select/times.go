package s3select

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Times have a precision: of 2007T it is the year. Those without an offset are of UTC.

// layouts of times, by precision.
var layouts = []struct {
	layout    string
	precision int
}{
	{"2006T", 1}, {"2006-01T", 2}, {"2006-01-02", 3}, {"2006-01-02T", 3}, {"2006-01-02T15:04Z07:00", 4},
	{"2006-01-02T15:04:05Z07:00", 5}, {"2006-01-02T15:04:05", 5},
}

func instant(t time.Time, precision int) Value {
	return Value{k: kindTime, x: &rest{t: t, precision: precision}}
}

func parseTime(s string) (Value, bool) {
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l.layout, s, time.UTC); err == nil {
			p := l.precision
			if t.Nanosecond() != 0 || strings.Contains(s, ".") {
				p = 6
			}
			return instant(t, p), true
		}
	}
	return Value{}, false
}

func formatTime(v Value) string {
	layout := [...]string{1: "2006T", 2: "2006-01T", 3: "2006-01-02T", 4: "2006-01-02T15:04Z07:00", 5: "2006-01-02T15:04:05Z07:00", 6: "2006-01-02T15:04:05.999999999Z07:00"}
	return v.x.t.Format(layout[v.x.precision])
}

var units = map[string]int{"year": 1, "month": 2, "day": 3, "hour": 4, "minute": 4, "second": 5}

var secondsOf = map[string]int64{"day": 86400, "hour": 3600, "minute": 60, "second": 1}

func addTime(unit string, n int64, v Value) (Value, error) {
	const most = 1_000_000_000_000 // seconds of more than the years that there are
	if n > most || n < -most {
		return Value{}, fail("EvaluatorInvalidArguments", "The quantity of DATE_ADD is out of range.")
	}
	t := v.x.t
	switch unit {
	case "year", "month":
		if n > 120_000 || n < -120_000 {
			return Value{}, fail("EvaluatorInvalidArguments", "The quantity of DATE_ADD is out of range.")
		}
		months := int(n)
		if unit == "year" {
			months *= 12
		}
		// The day of the month stays, where the month has it.
		first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
		last := first.AddDate(0, 1, -1).Day()
		t = first.AddDate(0, 0, min(t.Day(), last)-1)
	default: // by seconds, since a Duration has no more than 292 years
		t = time.Unix(t.Unix()+n*secondsOf[unit], int64(t.Nanosecond())).In(t.Location())
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return Value{}, fail("EvaluatorInvalidTimestampFormatPattern", "The year of a time must be 1 to 9999.")
	}
	return instant(t, max(v.x.precision, units[unit])), nil
}

func diffTime(unit string, a, b time.Time) int64 {
	switch unit {
	case "year", "month":
		from, to, sign := a, b.In(a.Location()), int64(1)
		if to.Before(from) {
			from, to, sign = to, from, -1
		}
		months := int64(to.Year()-from.Year())*12 + int64(to.Month()-from.Month())
		if to.AddDate(0, -int(months), 0).Before(from) {
			months--
		}
		if unit == "year" {
			months /= 12
		}
		return sign * months
	}
	seconds := b.Unix() - a.Unix()
	return seconds / secondsOf[unit]
}

func extract(unit string, t time.Time) (int64, bool) {
	_, offset := t.Zone()
	switch unit {
	case "year":
		return int64(t.Year()), true
	case "month":
		return int64(t.Month()), true
	case "day":
		return int64(t.Day()), true
	case "hour":
		return int64(t.Hour()), true
	case "minute":
		return int64(t.Minute()), true
	case "second":
		return int64(t.Second()), true
	case "timezone_hour":
		return int64(offset / 3600), true
	case "timezone_minute":
		return int64(offset % 3600 / 60), true
	}
	return 0, false
}

// pattern writes a time by a pattern of letters, or reads one where in is not nil.
func pattern(p string, t time.Time) (string, error) {
	var b strings.Builder
	for i := 0; i < len(p); {
		c, n := p[i], 1
		for i+n < len(p) && p[i+n] == c {
			n++
		}
		word := p[i : i+n]
		i += n
		if c == '\'' {
			end := strings.IndexByte(p[i:], '\'')
			if end < 0 {
				return "", fail("EvaluatorUnterminatedTimestampFormatPatternToken", "Time stamp format pattern contains an unterminated token.")
			}
			b.WriteString(p[i : i+end])
			i += end + 1
			continue
		}
		if c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			b.WriteString(word)
			continue
		}
		hour := t.Hour() % 12
		if hour == 0 {
			hour = 12
		}
		switch word {
		case "y":
			b.WriteString(strconv.Itoa(t.Year()))
		case "yy":
			fmt.Fprintf(&b, "%02d", t.Year()%100)
		case "yyyy":
			fmt.Fprintf(&b, "%04d", t.Year())
		case "M":
			b.WriteString(strconv.Itoa(int(t.Month())))
		case "MM":
			fmt.Fprintf(&b, "%02d", t.Month())
		case "MMM":
			b.WriteString(t.Month().String()[:3])
		case "MMMM":
			b.WriteString(t.Month().String())
		case "MMMMM":
			b.WriteString(t.Month().String()[:1])
		case "d":
			b.WriteString(strconv.Itoa(t.Day()))
		case "dd":
			fmt.Fprintf(&b, "%02d", t.Day())
		case "a":
			b.WriteString(t.Format("PM"))
		case "h":
			b.WriteString(strconv.Itoa(hour))
		case "hh":
			fmt.Fprintf(&b, "%02d", hour)
		case "H":
			b.WriteString(strconv.Itoa(t.Hour()))
		case "HH":
			fmt.Fprintf(&b, "%02d", t.Hour())
		case "m":
			b.WriteString(strconv.Itoa(t.Minute()))
		case "mm":
			fmt.Fprintf(&b, "%02d", t.Minute())
		case "s":
			b.WriteString(strconv.Itoa(t.Second()))
		case "ss":
			fmt.Fprintf(&b, "%02d", t.Second())
		case "X":
			b.WriteString(zone(t, "Z07"))
		case "XX", "XXXX":
			b.WriteString(t.Format("Z0700"))
		case "XXX", "XXXXX":
			b.WriteString(t.Format("Z07:00"))
		case "x":
			b.WriteString(zone(t, "-07"))
		case "xx", "xxxx":
			b.WriteString(t.Format("-0700"))
		case "xxx", "xxxxx":
			b.WriteString(t.Format("-07:00"))
		case "n":
			b.WriteString(strconv.Itoa(t.Nanosecond()))
		default:
			if c != 'S' || n > 9 {
				return "", fail("EvaluatorInvalidTimestampFormatPatternToken", "Time stamp format pattern contains an invalid token: %s", word)
			}
			fmt.Fprintf(&b, "%s", fmt.Sprintf("%09d", t.Nanosecond())[:n])
		}
	}
	return b.String(), nil
}

func zone(t time.Time, layout string) string {
	if _, offset := t.Zone(); offset%3600 != 0 {
		layout += "00"
	}
	return t.Format(layout)
}
