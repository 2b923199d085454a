// Package cron reads the cron expressions of AWS schedules and reports when they are due.
//
// An expression is cron(minutes hours day-of-month month day-of-week year), in UTC. A
// field is a list of values, ranges (1-5), steps (0/15, 10-30/5) or *; months and days
// of the week have names too (JAN, SUN), and the week begins with 1 on Sunday. One of the
// two day fields is ?, the other decides. A day of the month may be L, the last, or 15W,
// the working day next to the 15th; a day of the week 6L, the last Friday, or 6#3, the
// third.
package cron

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Expression is a parsed schedule.
type Expression struct {
	minutes, hours, days, months, weekdays uint64 // a bit a value
	years                                  [4]uint64
	anyDay, anyWeekday                     bool // the field is ?

	lastDay     bool // L
	lastWorking bool // LW
	working     uint64
	lastOf      uint64 // 6L, by day of the week
	nth         [8]uint64
}

const firstYear, lastYear = 1970, 2199 // those that AWS takes

var monthNames = map[string]int{
	"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}

var dayNames = map[string]int{"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}

// Parse reads "cron(0 12 * * ? *)".
func Parse(text string) (*Expression, error) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "cron(")
	if ok {
		inner, ok = strings.CutSuffix(inner, ")")
	}
	fields := strings.Fields(inner)
	if !ok || len(fields) != 6 {
		return nil, fmt.Errorf("cron: %q is not cron(minutes hours day-of-month month day-of-week year)", text)
	}
	e := new(Expression)
	var err error
	fail := func(name, field string) (*Expression, error) {
		return nil, fmt.Errorf("cron: %q: bad %s %q", text, name, field)
	}
	if e.minutes, err = set(fields[0], 0, 59, nil); err != nil {
		return fail("minutes", fields[0])
	}
	if e.hours, err = set(fields[1], 0, 23, nil); err != nil {
		return fail("hours", fields[1])
	}
	if e.months, err = set(fields[3], 1, 12, monthNames); err != nil {
		return fail("month", fields[3])
	}
	e.anyDay, e.anyWeekday = fields[2] == "?", fields[4] == "?"
	if e.anyDay == e.anyWeekday {
		return nil, fmt.Errorf("cron: %q: one of day-of-month and day-of-week has to be ?", text)
	}
	if !e.anyDay && !e.parseDays(fields[2]) {
		return fail("day-of-month", fields[2])
	}
	if !e.anyWeekday && !e.parseWeekdays(strings.ToUpper(fields[4])) {
		return fail("day-of-week", fields[4])
	}
	if !e.parseYears(fields[5]) {
		return fail("year", fields[5])
	}
	return e, nil
}

func (e *Expression) parseDays(field string) bool {
	var plain []string
	for part := range strings.SplitSeq(strings.ToUpper(field), ",") {
		switch {
		case part == "L":
			e.lastDay = true
		case part == "LW":
			e.lastWorking = true
		case strings.HasSuffix(part, "W"):
			n, err := strconv.Atoi(part[:len(part)-1])
			if err != nil || n < 1 || n > 31 {
				return false
			}
			e.working |= 1 << n
		default:
			plain = append(plain, part)
		}
	}
	if len(plain) == 0 {
		return true
	}
	var err error
	e.days, err = set(strings.Join(plain, ","), 1, 31, nil)
	return err == nil
}

func (e *Expression) parseWeekdays(field string) bool {
	var plain []string
	for part := range strings.SplitSeq(field, ",") {
		if day, nth, ok := strings.Cut(part, "#"); ok {
			d, err := value(day, 1, 7, dayNames)
			n, err2 := strconv.Atoi(nth)
			if err != nil || err2 != nil || n < 1 || n > 5 {
				return false
			}
			e.nth[d] |= 1 << n
			continue
		}
		if part == "L" {
			plain = append(plain, "7")
			continue
		}
		if day, ok := strings.CutSuffix(part, "L"); ok {
			d, err := value(day, 1, 7, dayNames)
			if err != nil {
				return false
			}
			e.lastOf |= 1 << d
			continue
		}
		plain = append(plain, part)
	}
	if len(plain) == 0 {
		return true
	}
	var err error
	e.weekdays, err = set(strings.Join(plain, ","), 1, 7, dayNames)
	return err == nil
}

func (e *Expression) parseYears(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		from, to, step, err := span(part, firstYear, lastYear, nil)
		if err != nil {
			return false
		}
		for y := from; y <= to; y += step {
			e.years[(y-firstYear)/64] |= 1 << ((y - firstYear) % 64)
		}
	}
	return true
}

func (e *Expression) year(y int) bool {
	return y >= firstYear && y <= lastYear && e.years[(y-firstYear)/64]>>((y-firstYear)%64)&1 == 1
}

func value(s string, low, high int, names map[string]int) (int, error) {
	if n, ok := names[strings.ToUpper(s)]; ok {
		return n, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("cron: bad value %q", s)
	}
	return n, nil
}

// span is a part of a list: from, to and step.
func span(part string, low, high int, names map[string]int) (from, to, step int, err error) {
	body, every, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(every); err != nil || step < 1 || step > high {
			return 0, 0, 0, fmt.Errorf("cron: bad step %q", part)
		}
	}
	first, last, ranged := strings.Cut(body, "-")
	switch {
	case body == "*":
		return low, high, step, nil
	case ranged:
		if from, err = value(first, low, high, names); err == nil {
			to, err = value(last, low, high, names)
		}
		if err == nil && from > to {
			err = fmt.Errorf("cron: bad range %q", part)
		}
	default:
		from, err = value(body, low, high, names)
		to = from
		if stepped {
			to = high
		}
	}
	return from, to, step, err
}

func set(field string, low, high int, names map[string]int) (uint64, error) {
	var bits uint64
	for part := range strings.SplitSeq(field, ",") {
		from, to, step, err := span(part, low, high, names)
		if err != nil {
			return 0, err
		}
		for v := from; v <= to; v += step {
			bits |= 1 << v
		}
	}
	return bits, nil
}

// Next returns the first time after t at which the schedule is due, the zero time if
// there is none.
func (e *Expression) Next(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	hour, minute := t.Hour(), t.Minute()
	// Day by day: the years bound it.
	for day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC); day.Year() <= lastYear; {
		if !e.year(day.Year()) {
			day, hour, minute = time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0
			continue
		}
		if e.months>>day.Month()&1 == 0 {
			day, hour, minute = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC), 0, 0
			continue
		}
		if e.onDay(day) {
			for ; hour < 24; hour, minute = hour+1, 0 {
				if e.hours>>hour&1 == 0 {
					continue
				}
				if left := e.minutes >> minute; left != 0 {
					return day.Add(time.Duration(hour)*time.Hour + time.Duration(minute+bits.TrailingZeros64(left))*time.Minute)
				}
			}
		}
		day, hour, minute = day.AddDate(0, 0, 1), 0, 0
	}
	return time.Time{}
}

// onDay says whether the day fields hold for a date.
func (e *Expression) onDay(day time.Time) bool {
	last := daysIn(day)
	if e.anyDay {
		d := int(day.Weekday()) + 1
		return e.weekdays>>d&1 == 1 || e.nth[d]>>((day.Day()-1)/7+1)&1 == 1 || e.lastOf>>d&1 == 1 && day.Day()+7 > last
	}
	if e.days>>day.Day()&1 == 1 || e.lastDay && day.Day() == last {
		return true
	}
	if e.lastWorking && day.Day() == workingDay(day, last, last) {
		return true
	}
	for n := 1; e.working != 0 && n <= last; n++ {
		if e.working>>n&1 == 1 && day.Day() == workingDay(day, n, last) {
			return true
		}
	}
	return false
}

func daysIn(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// workingDay is the day from Monday to Friday that is next to the n-th, in the same month.
func workingDay(day time.Time, n, last int) int {
	switch time.Date(day.Year(), day.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}
