package streamsql

import (
	"strconv"
	"strings"
	"time"
)

const (
	msSecond = 1000
	msMinute = 60 * msSecond
	msHour   = 60 * msMinute
	msDay    = 24 * msHour
)

// unitNames are the units of intervals; a Type's Precision is the place of its first unit here.
var unitNames = [...]string{"", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "QUARTER"}

func unitIndex(name string) int {
	for i, u := range unitNames {
		if u == name {
			return i
		}
	}
	return 0
}

// unitOf is a unit of an interval type, in milliseconds or months.
func unitOf(t Type) int64 {
	switch unitNames[t.Precision] {
	case "YEAR":
		return 12
	case "MONTH":
		return 1
	case "QUARTER":
		return 3
	case "WEEK":
		return 7 * msDay
	case "DAY":
		return msDay
	case "HOUR":
		return msHour
	case "MINUTE":
		return msMinute
	case "SECOND":
		return msSecond
	}
	return 1
}

func floorTo(i, unit int64) int64 {
	m := i % unit
	if m < 0 {
		m += unit
	}
	return i - m
}

// floorTime rounds a time down to a unit.
func floorTime(ms int64, unit string) int64 {
	switch unit {
	case "SECOND":
		return floorTo(ms, msSecond)
	case "MINUTE":
		return floorTo(ms, msMinute)
	case "HOUR":
		return floorTo(ms, msHour)
	case "DAY":
		return floorTo(ms, msDay)
	case "WEEK": // weeks begin on Sunday
		return floorTo(ms+4*msDay, 7*msDay) - 4*msDay
	}
	t := time.UnixMilli(ms).UTC()
	month := t.Month()
	switch unit {
	case "YEAR":
		month = 1
	case "QUARTER":
		month -= (month - 1) % 3
	}
	return time.Date(t.Year(), month, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

// ceilTime rounds a time up to a unit.
func ceilTime(ms int64, unit string) int64 {
	f := floorTime(ms, unit)
	if f == ms {
		return ms
	}
	switch unit {
	case "YEAR":
		return addMonths(f, 12)
	case "QUARTER":
		return addMonths(f, 3)
	case "MONTH":
		return addMonths(f, 1)
	}
	return f + unitOf(Type{Precision: unitIndex(unit)})
}

// addMonths moves a time by months; the day is the last of its month where there is no such day.
func addMonths(ms, months int64) int64 {
	t := time.UnixMilli(ms).UTC()
	m := int64(t.Year())*12 + int64(t.Month()) - 1 + months
	y, mo := m/12, m%12
	if mo < 0 {
		y, mo = y-1, mo+12
	}
	last := time.Date(int(y), time.Month(mo+2), 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(int(y), time.Month(mo+1), min(t.Day(), last), 0, 0, 0, 0, time.UTC).UnixMilli() + ms - floorTo(ms, msDay)
}

func appendDate(dst []byte, ms int64) []byte {
	y, m, d := time.UnixMilli(ms).UTC().Date()
	dst = pad(dst, y, 4)
	dst = pad(append(dst, '-'), int(m), 2)
	return pad(append(dst, '-'), d, 2)
}

func pad(dst []byte, n, width int) []byte {
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	limit := 1
	for range width - 1 {
		limit *= 10
	}
	for limit > 1 && n < limit {
		dst = append(dst, '0')
		limit /= 10
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

func appendClock(dst []byte, ms int64) []byte {
	dst = pad(dst, int(ms/msHour), 2)
	dst = pad(append(dst, ':'), int(ms/msMinute%60), 2)
	return pad(append(dst, ':'), int(ms/msSecond%60), 2)
}

// appendTimestamp writes "2018-03-18 03:20:00.000".
func appendTimestamp(dst []byte, ms int64) []byte {
	day := floorTo(ms, msDay)
	dst = append(appendDate(dst, day), ' ')
	dst = appendClock(dst, ms-day)
	return pad(append(dst, '.'), int((ms-day)%1000), 3)
}

func appendInterval(dst []byte, t Type, n int64) []byte {
	sign := byte('+')
	if n < 0 {
		sign, n = '-', -n
	}
	dst = append(dst, sign)
	if t.Kind == IntervalYear {
		if unitNames[t.Precision] == "MONTH" {
			return strconv.AppendInt(dst, n, 10)
		}
		dst = strconv.AppendInt(dst, n/12, 10)
		return pad(append(dst, '-'), int(n%12), 2)
	}
	seconds := func(dst []byte, n int64) []byte {
		dst = pad(dst, int(n/msSecond%60), 2)
		if n%1000 != 0 {
			dst = pad(append(dst, '.'), int(n%1000), 3)
		}
		return dst
	}
	switch unitNames[t.Precision] {
	case "SECOND":
		dst = strconv.AppendInt(dst, n/msSecond, 10)
		if n%1000 != 0 {
			dst = pad(append(dst, '.'), int(n%1000), 3)
		}
		return dst
	case "MINUTE":
		dst = strconv.AppendInt(dst, n/msMinute, 10)
		if n%msMinute == 0 {
			return dst
		}
		return seconds(append(dst, ':'), n)
	case "HOUR":
		dst = strconv.AppendInt(dst, n/msHour, 10)
		if n%msHour == 0 {
			return dst
		}
	default:
		dst = strconv.AppendInt(dst, n/msDay, 10)
		if n%msDay == 0 && unitNames[t.Precision] == "DAY" {
			return dst
		}
		dst = pad(append(dst, ' '), int(n/msHour%24), 2)
	}
	dst = pad(append(dst, ':'), int(n/msMinute%60), 2)
	return seconds(append(dst, ':'), n)
}

// parseInterval reads the text of an interval literal: "5", "1 12:30", "00:01", "1-6", by its units.
func parseInterval(s, from, to string) (int64, bool) {
	neg := false
	s = strings.TrimSpace(s)
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	var n int64
	var ok bool
	switch {
	case from == "YEAR" && to == "MONTH":
		y, m, found := strings.Cut(s, "-")
		if !found {
			m = "0"
		}
		a, err1 := strconv.ParseInt(y, 10, 32)
		b, err2 := strconv.ParseInt(m, 10, 32)
		n, ok = a*12+b, err1 == nil && err2 == nil && b < 12
	case from == "YEAR", from == "MONTH", from == "QUARTER":
		a, err := strconv.ParseInt(s, 10, 32)
		n, ok = a*unitOf(Type{Precision: unitIndex(from)}), err == nil
	case to == "" || to == from:
		unit := unitOf(Type{Precision: unitIndex(from)})
		if strings.ContainsAny(s, " :") {
			n, ok = parseDayTime(s, from)
			break
		}
		w, frac, has := strings.Cut(s, ".")
		a, err := strconv.ParseInt(w, 10, 64)
		ok = err == nil && a >= 0 && a < 1e9
		n = a * unit
		if has && ok {
			f, err := strconv.ParseFloat("0."+frac, 64)
			ok = err == nil
			n += int64(f*float64(unit) + 0.5)
		}
	default:
		n, ok = parseDayTime(s, from)
	}
	if neg {
		n = -n
	}
	return n, ok
}

// parseDayTime reads "d h:m:s.f" beginning with a unit.
func parseDayTime(s, from string) (int64, bool) {
	var n int64
	if from == "DAY" || from == "WEEK" {
		d, rest, found := strings.Cut(s, " ")
		a, err := strconv.ParseInt(strings.TrimSpace(d), 10, 32)
		if err != nil || a < 0 {
			return 0, false
		}
		n = a * msDay
		if !found {
			return n, true
		}
		s, from = strings.TrimSpace(rest), "HOUR"
	}
	units := map[string][]int64{"HOUR": {msHour, msMinute, msSecond}, "MINUTE": {msMinute, msSecond}, "SECOND": {msSecond}}[from]
	for i, part := range strings.Split(s, ":") {
		if i >= len(units) {
			return 0, false
		}
		f, err := strconv.ParseFloat(part, 64)
		if err != nil || f < 0 || f > 1e9 {
			return 0, false
		}
		n += int64(f*float64(units[i]) + 0.5)
	}
	return n, true
}

// parseTime reads a date, a time or a timestamp of the usual forms: with a blank or a T between
// the two, with or without parts of a second, with or without a zone, which is taken into account.
func parseTime(s string, k Kind) (int64, bool) {
	if k == Time {
		ms, rest, ok := parseClock(s)
		if !ok || rest != "" {
			if full, ok := parseTime(s, Timestamp); ok {
				return full - floorTo(full, msDay), true
			}
			return 0, false
		}
		return ms, true
	}
	y, rest, ok := digits(s, 4, 4)
	if !ok {
		return 0, false
	}
	var m, d int64
	sep := byte('-')
	if rest != "" && rest[0] == '/' {
		sep = '/'
	}
	if m, rest, ok = after(rest, sep, 2); !ok {
		return 0, false
	}
	if d, rest, ok = after(rest, sep, 2); !ok {
		return 0, false
	}
	if m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, false
	}
	t := time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)
	if t.Day() != int(d) {
		return 0, false
	}
	ms := t.UnixMilli()
	if rest == "" {
		return ms, true
	}
	if rest[0] != ' ' && rest[0] != 'T' && rest[0] != 't' {
		return 0, false
	}
	clock, rest, ok := parseClock(strings.TrimLeft(rest[1:], " "))
	if !ok {
		return 0, false
	}
	ms += clock
	rest = strings.TrimLeft(rest, " ")
	switch {
	case rest == "", rest == "Z", rest == "z", rest == "UTC", rest == "GMT":
	case rest[0] == '+', rest[0] == '-':
		h, more, ok := digits(rest[1:], 2, 2)
		if !ok {
			return 0, false
		}
		more = strings.TrimPrefix(more, ":")
		var min int64
		if more != "" {
			if min, more, ok = digits(more, 2, 2); !ok || more != "" {
				return 0, false
			}
		}
		offset := h*msHour + min*msMinute
		if rest[0] == '-' {
			offset = -offset
		}
		ms -= offset
	default:
		return 0, false
	}
	if k == Date {
		ms = floorTo(ms, msDay)
	}
	return ms, true
}

func parseClock(s string) (ms int64, rest string, ok bool) {
	h, rest, ok := digits(s, 1, 2)
	if !ok || h > 23 {
		return 0, "", false
	}
	m, rest, ok := after(rest, ':', 2)
	if !ok || m > 59 {
		return 0, "", false
	}
	ms = h*msHour + m*msMinute
	if rest == "" || rest[0] != ':' {
		return ms, rest, true
	}
	sec, rest, ok := after(rest, ':', 2)
	if !ok || sec > 59 {
		return 0, "", false
	}
	ms += sec * msSecond
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		n, scale := 1, int64(100)
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			ms += int64(rest[n]-'0') * scale
			scale /= 10
			n++
		}
		rest = rest[n:]
	}
	return ms, rest, true
}

func digits(s string, least, most int) (n int64, rest string, ok bool) {
	i := 0
	for i < len(s) && i < most && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int64(s[i]-'0')
		i++
	}
	return n, s[i:], i >= least
}

func after(s string, sep byte, most int) (n int64, rest string, ok bool) {
	if s == "" || s[0] != sep {
		return 0, s, false
	}
	return digits(s[1:], 1, most)
}
