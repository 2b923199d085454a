package template

import (
	"fmt"
	"time"
)

var dateMethods = map[string]maker{
	"now": formatted(func(s *Source) time.Time { return s.now }, "YYYY-MM-DDTHH:mm:ssZ"),
	"utc": formatted(func(s *Source) time.Time { return s.now.UTC() }, "YYYY-MM-DDTHH:mm:ss[Z]"),
	// simTime is the generator's simulated time: here each record's own.
	"simTime": formatted(func(s *Source) time.Time { return s.now }, "YYYY-MM-DDTHH:mm:ssZ"),
	"past":    past(-1),
	"future":  past(1),
	"recent":  days(-1),
	"soon":    days(1),
	"between": between,
	"month":   named(12, 3, func(i int) string { return time.Month(i + 1).String() }),
	"weekday": named(7, 3, func(i int) string { return time.Weekday(i).String() }),
}

// formatted gives a time in a format of moment.js.
func formatted(at func(*Source) time.Time, otherwise string) maker {
	return func(a arguments) (appender, error) {
		format := otherwise
		if f := a.text(0); f != "" {
			format = f
		}
		m := parseMoment(format)
		return func(s *Source, dst []byte) []byte { return m.append(dst, at(s)) }, nil
	}
}

// past gives a time of the last (sign -1) or the next years, one unless its argument says more.
func past(sign int) maker { return within(sign, 365*24*time.Hour, 100) }

// days gives a time of the last or the next days.
func days(sign int) maker { return within(sign, 24*time.Hour, 36500) }

func within(sign int, unit time.Duration, limit float64) maker {
	return func(a arguments) (appender, error) {
		n := a.number(0, 1)
		if n <= 0 || n > limit {
			return nil, fmt.Errorf("%v: want more than 0 and at most %v", n, limit)
		}
		width := int64(n * float64(unit/time.Millisecond))
		return func(s *Source, dst []byte) []byte {
			ms := 1000 + s.rng.Int64N(max(1, width-999)) // at least a second away, as in faker.js
			return appendDate(dst, s.now.Add(time.Duration(int64(sign)*ms)*time.Millisecond))
		}, nil
	}
}

// between gives a time between two, which are texts of ISO 8601.
func between(a arguments) (appender, error) {
	from, err := parseDate(a.text(0))
	if err != nil {
		return nil, err
	}
	to, err := parseDate(a.text(1))
	if err != nil {
		return nil, err
	}
	if to.Before(from) {
		return nil, fmt.Errorf("%s is before %s", quoted(a.at(1)), quoted(a.at(0)))
	}
	return func(s *Source, dst []byte) []byte {
		ms := s.rng.Int64N(to.UnixMilli() - from.UnixMilli() + 1)
		return appendDate(dst, time.UnixMilli(from.UnixMilli()+ms).In(s.now.Location()))
	}, nil
}

func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`%s is not a time: want two, as "2026-01-01","2026-12-31T12:00:00Z"`, quoted(text))
}

// appendDate appends a time as JavaScript makes text of a Date.
func appendDate(dst []byte, t time.Time) []byte {
	dst = t.AppendFormat(dst, "Mon Jan 02 2006 15:04:05 GMT-0700")
	zone, _ := t.Zone()
	if zone == "UTC" {
		zone = "Coordinated Universal Time"
	}
	return append(append(append(dst, " ("...), zone...), ')')
}

// named gives one of n names; short ones where the argument says {"abbr":true}.
func named(n, short int, name func(int) string) maker {
	return func(a arguments) (appender, error) {
		o, _ := a.at(0).(map[string]any)
		abbr := o["abbr"] == true
		return func(s *Source, dst []byte) []byte {
			text := name(s.rng.IntN(n))
			if abbr {
				text = text[:short]
			}
			return append(dst, text...)
		}, nil
	}
}
