package javatime

import (
	"fmt"
	"strings"
	"time"
)

// Parse reads a time in the zone that the text names, or in UTC. Its errors are worded as the
// Java library's.
func (p *Pattern) Parse(s string) (time.Time, error) {
	if p.unread != nil {
		return time.Time{}, p.unread
	}
	var r reading
	f, ok := p.read([]byte(s), &r)
	if !ok {
		return time.Time{}, p.failed(s, f)
	}
	day, f, ok := p.resolve(&r)
	if !ok {
		return time.Time{}, p.failed(s, f)
	}
	zone := r.zone
	if zone == nil {
		zone = time.UTC
		if r.offset != 0 {
			zone = time.FixedZone(offsetName(r.offset), r.offset)
		}
	}
	y, m, d := date(day)
	return Instant(time.Date(y, m, d, r.hour, r.minute, r.second, r.nanos, time.UTC), zone), nil
}

// ParseInstant is Parse for many texts: it gives the moment in seconds from 1970 and
// nanoseconds, and does not say what is wrong.
func (p *Pattern) ParseInstant(s []byte) (seconds int64, nanos int, ok bool) {
	if p.unread != nil {
		return 0, 0, false
	}
	var r reading
	if _, ok := p.read(s, &r); !ok {
		return 0, 0, false
	}
	day, _, ok := p.resolve(&r)
	if !ok {
		return 0, 0, false
	}
	if r.zone != nil && r.zone != time.UTC {
		y, m, d := date(day)
		return Instant(time.Date(y, m, d, r.hour, r.minute, r.second, 0, time.UTC), r.zone).Unix(), r.nanos, true
	}
	return day*secondsPerDay + int64(r.hour*3600+r.minute*60+r.second-r.offset), r.nanos, true
}

// CanParse is nil, or says why nothing can be parsed by the pattern.
func (p *Pattern) CanParse() error { return p.unread }

func (p *Pattern) canParse() error {
	if p.optional {
		return fmt.Errorf("pattern %q: optional sections cannot be parsed", p.text)
	}
	unread := "GC"
	if p.dialect == Java {
		unread = "GYwWFecQqO"
	}
	for i := range p.fields {
		f := &p.fields[i]
		narrow := p.dialect == Java && (f.Count == 5 && strings.IndexByte("MLE", f.Letter) >= 0 || f.Letter == 'Z' && f.Count == 4)
		if f.Letter != 0 && strings.IndexByte(unread, f.Letter) >= 0 || narrow {
			return worded("Parsing not supported: %s", strings.Repeat(string(f.Letter), f.Count))
		}
	}
	return nil
}

// failure is why a text was not read: where it is malformed, or, with a field, which value
// is out of range.
type failure struct {
	at        int
	field     string
	value     int
	low, high int
}

func (p *Pattern) failed(s string, f failure) error {
	switch {
	case p.dialect == Java && f.field != "":
		return worded("Text '%s' could not be parsed: Invalid value for %s (valid values %d - %d): %d", s, f.field, f.low, f.high, f.value)
	case p.dialect == Java:
		return worded("Text '%s' could not be parsed at index %d", s, f.at)
	case f.field != "":
		return worded("Cannot parse \"%s\": Value %d for %s must be in the range [%d,%d]", s, f.value, f.field, f.low, f.high)
	case f.at >= len(s):
		return worded("Invalid format: \"%s\" is too short", s)
	case f.at == 0:
		return worded("Invalid format: \"%s\"", s)
	}
	return worded("Invalid format: \"%s\" is malformed at \"%s\"", s, s[f.at:])
}

// reading is what a text says.
type reading struct {
	set      letterSet // the letters that are read, by bit
	year     int
	month    int
	day      int
	yearDay  int
	weekYear int
	week     int
	weekday  int // of ISO 8601
	hour     int
	half     int // 12 for PM
	minute   int
	second   int
	nanos    int
	offset   int
	zone     *time.Location // instead of an offset
}

func (r *reading) has(letters letterSet) bool { return r.set&letters != 0 }

// letterSet has a bit a letter.
type letterSet uint64

func lettersOf(s string) (set letterSet) {
	for i := range len(s) {
		set |= 1 << (s[i] - 'A')
	}
	return set
}

var (
	yearLetters = lettersOf("yYux")
	dayLetters  = lettersOf("MdDweE")
	dateLetters = lettersOf("Md")
	weekLetters = lettersOf("xw")
	weekYears   = lettersOf("x")
	halfHours   = lettersOf("hK")
	fullHours   = lettersOf("Hk")
	halfLetters = lettersOf("a")
)

// limits are those of a number, with the names that the libraries have for the field.
type limits struct {
	low, high  int
	joda, java string
}

var ranges = map[byte]limits{
	'M': {1, 12, "monthOfYear", "MonthOfYear"}, 'L': {1, 12, "", "MonthOfYear"}, 'd': {1, 31, "dayOfMonth", "DayOfMonth"}, 'D': {1, 366, "dayOfYear", "DayOfYear"},
	'w': {1, 53, "weekOfWeekyear", ""}, 'e': {1, 7, "dayOfWeek", ""}, 'H': {0, 23, "hourOfDay", "HourOfDay"}, 'k': {1, 24, "clockhourOfDay", "ClockHourOfDay"},
	'h': {1, 12, "clockhourOfHalfday", "ClockHourOfAmPm"}, 'K': {0, 11, "hourOfHalfday", "HourOfAmPm"}, 'm': {0, 59, "minuteOfHour", "MinuteOfHour"},
	's': {0, 59, "secondOfMinute", "SecondOfMinute"}, 'n': {0, 999_999_999, "", "NanoOfSecond"}, 'A': {0, 86_399_999, "", "MilliOfDay"}, 'N': {0, 86_399_999_999_999, "", "NanoOfDay"},
}

// A reader is how the text of a field is read, as far as the pattern says it.
type reader struct {
	numeric   bool
	signed    bool
	low, high int // digits
	reserved  int // of Java's: digits that belong to the fields behind
	limits    *limits
}

// readers makes the readers of the fields.
func (p *Pattern) readers() []reader {
	out := make([]reader, len(p.fields))
	for k := len(p.fields) - 1; k >= 0; k-- {
		f, r := &p.fields[k], &out[k]
		r.numeric = p.numeric(f)
		if l, ok := ranges[f.Letter]; ok {
			r.limits = &l
		}
		followed := k+1 < len(p.fields) && out[k+1].numeric
		year := isYear(f.Letter)
		r.low, r.high = 1, max(2, f.Count)
		switch {
		case !r.numeric:
		case p.dialect == Java:
			r.low, r.high = f.javaWidth()
			r.signed = year && f.Count != 2
			for j := k + 1; r.low != r.high && j < len(p.fields) && out[j].numeric && out[j].low == out[j].high; j++ {
				r.reserved += out[j].low
			}
		case year && f.Count == 2 && (p.dialect == MySQL || followed):
			r.low, r.high = 2, 2
		case year:
			r.signed = true
			if r.high = max(9, f.Count); p.dialect == MySQL {
				r.high = 4
			} else if followed {
				r.high = f.Count
			}
		case f.Letter == 'S' && p.dialect == MySQL:
			r.high = 9
		case f.Letter == 'S' || f.Letter == 'e':
			r.high = f.Count
		case f.Letter == 'D':
			r.high = max(3, f.Count)
		}
	}
	return out
}

// numeric reports whether a field is written in digits.
func (p *Pattern) numeric(f *Field) bool {
	letters := "CxyYdhHmsSeDwkK"
	if p.dialect == Java {
		letters = "yuYdDhHkKmsSnANwWF"
	}
	return f.Letter != 0 && (strings.IndexByte(letters, f.Letter) >= 0 || (f.Letter == 'M' || f.Letter == 'L') && f.Count < 3)
}

func isYear(letter byte) bool {
	return letter == 'y' || letter == 'Y' || letter == 'u' || letter == 'x'
}

// read reads the fields one after the other.
func (p *Pattern) read(s []byte, r *reading) (failure, bool) {
	r.set = p.letters
	i := 0
	for k := range p.fields {
		f := &p.fields[k]
		start, n := i, 0
		switch {
		case f.Letter == 0:
			if n = p.literalAt(s[i:], f.Text); n < 0 {
				return failure{at: mismatch(s[i:], f.Text, p.dialect == Java) + i}, false
			}
			i += n
			continue
		case p.reads[k].numeric:
			v, used, ok := p.number(s[i:], k)
			if !ok {
				return failure{at: i}, false
			}
			i += used
			if bad, ok := r.take(f, p.reads[k].limits, v, used, p.dialect); !ok {
				return bad, false
			}
			continue
		case f.Letter == 'M' || f.Letter == 'L':
			r.month, n = p.name(s[i:], f, monthNames[:])
		case f.Letter == 'E':
			r.weekday, n = p.name(s[i:], f, dayNames[:])
		case f.Letter == 'a':
			r.half, n = p.half(s[i:])
		case p.dialect == Java:
			n = r.javaZone(s[i:], f)
		default:
			n = r.jodaZone(s[i:], f)
		}
		if n == 0 {
			return failure{at: start}, false
		}
		i += n
	}
	if i < len(s) {
		return failure{at: i}, false
	}
	return failure{}, true
}

// literalAt is the length of the literal that s begins with, -1 if it does not.
func (p *Pattern) literalAt(s []byte, literal string) int {
	if len(s) < len(literal) {
		return -1
	}
	if len(literal) == 1 && s[0] == literal[0] {
		return 1
	}
	if head := string(s[:len(literal)]); head == literal || p.dialect != Java && strings.EqualFold(head, literal) {
		return len(literal)
	}
	return -1
}

// mismatch is where s ceases to be a literal; Java tells of its beginning.
func mismatch(s []byte, literal string, java bool) (n int) {
	for !java && n < len(s) && n < len(literal) && (s[n] == literal[n] || letter(s[n]) && s[n]|0x20 == literal[n]|0x20) {
		n++
	}
	return n
}

// number reads the digits of field k.
func (p *Pattern) number(s []byte, k int) (v, used int, ok bool) {
	f, r := &p.fields[k], &p.reads[k]
	low, high, signed, year := r.low, r.high, r.signed, isYear(f.Letter)
	if r.reserved > 0 {
		digits := s
		if signed && len(s) > 0 && (s[0] == '-' || s[0] == '+') {
			digits = s[1:]
		}
		high = min(high, max(low, countDigits(digits)-r.reserved))
	}
	i, negative := 0, false
	if signed && len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i++
	}
	digits := i
	for i < len(s) && i-digits < high && s[i]-'0' <= 9 {
		if v = v*10 + int(s[i]-'0'); v > 1e17 {
			return 0, 0, false
		}
		i++
	}
	n := i - digits
	if n < low || year && v > 999_999_999 {
		return 0, 0, false
	}
	if p.dialect == Java && signed && f.Count >= 4 { // beyond its width a year has a sign
		if plus := digits > 0 && !negative; plus != (n > f.Count) && !negative {
			return 0, 0, false
		}
	} else if p.dialect == Java && digits > 0 && !negative {
		return 0, 0, false
	}
	if negative {
		v = -v
	}
	if f.Count == 2 && year && n == 2 && digits == 0 {
		switch {
		case p.dialect == Java:
			v += 2000
		case p.dialect == MySQL && v < 70, p.dialect == Joda && v < 46:
			v += 2000
		default:
			v += 1900
		}
	}
	return v, i, true
}

// javaWidth is how many digits a field of Java's has, at least and at most.
func (f *Field) javaWidth() (low, high int) {
	switch f.Letter {
	case 'u', 'y':
		if f.Count == 2 {
			return 2, 2
		}
		return f.Count, 19
	case 'n', 'N', 'A':
		return f.Count, 19
	case 'S':
		return f.Count, f.Count
	case 'D':
		if f.Count == 1 {
			return 1, 19
		}
		return f.Count, 3
	}
	if f.Count == 1 {
		return 1, 19
	}
	return f.Count, f.Count
}

func countDigits(s []byte) (n int) {
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// take takes the number v of so many digits for a field.
func (r *reading) take(f *Field, l *limits, v, digits int, d Dialect) (failure, bool) {
	if l != nil && (v < l.low || v > l.high) && !(d == Java && f.Letter == 'H' && v == 24) {
		name := l.joda
		if d == Java {
			name = l.java
		}
		return failure{field: name, value: v, low: l.low, high: l.high}, false
	}
	switch f.Letter {
	case 'y', 'Y', 'u':
		if v < 1 && (f.Letter == 'Y' || d == Java && f.Letter == 'y') {
			if d == Java {
				return failure{field: "YearOfEra", value: v, low: 1, high: 999_999_999}, false
			}
			return failure{field: "yearOfEra", value: v, low: 1, high: 292_278_993}, false
		}
		r.year = v
	case 'x':
		r.weekYear = v
	case 'M', 'L':
		r.month = v
	case 'd':
		r.day = v
	case 'D':
		r.yearDay = v
	case 'w':
		r.week = v
	case 'e':
		r.weekday = v
	case 'H':
		r.hour = v
	case 'k':
		r.hour = v % 24
	case 'h', 'K':
		r.hour = v % 12
	case 'm':
		r.minute = v
	case 's':
		r.second = v
	case 'S':
		for ; digits < 9; digits++ {
			v *= 10
		}
		for ; digits > 9; digits-- {
			v /= 10
		}
		if r.nanos = v; d != Java {
			r.nanos = v / 1e6 * 1e6
		}
	case 'n':
		r.nanos = v
	case 'A', 'N':
		if f.Letter == 'A' {
			v *= 1e6
		}
		r.nanos = v % 1e9
		v /= 1e9
		r.hour, r.minute, r.second = v/3600, v/60%60, v%60
	}
	return failure{}, true
}

var (
	monthNames [12]string
	dayNames   [7]string // from Monday on
)

func init() {
	for i := range monthNames {
		monthNames[i] = time.Month(i + 1).String()
	}
	for i := range dayNames {
		dayNames[i] = time.Weekday((i + 1) % 7).String()
	}
}

// name reads a name, whole or its first three letters: Java reads the one that the pattern
// says, the others either.
func (p *Pattern) name(s []byte, f *Field, names []string) (number, used int) {
	for _, short := range [2]bool{false, true} {
		if p.dialect == Java && short != (f.Count < 4) {
			continue
		}
		for i, name := range names {
			if short {
				name = name[:3]
			}
			if n := p.literalAt(s, name); n > 0 {
				return i + 1, n
			}
		}
	}
	return 0, 0
}

func (p *Pattern) half(s []byte) (half, used int) {
	if p.literalAt(s, "AM") > 0 {
		return 0, 2
	}
	if p.literalAt(s, "PM") > 0 {
		return 12, 2
	}
	return 0, 0
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

const secondsPerDay = 86400

// date is the date of a day counted from 1970-01-01.
func date(day int64) (int, time.Month, int) { return time.Unix(day*secondsPerDay, 0).UTC().Date() }

// EpochDay counts the days from 1970-01-01 to a date of the Gregorian calendar.
func EpochDay(year, month, day int) int64 {
	// Years counted from March, so that the leap day is the last; eras of 400 years.
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	ofEra := y - era*400
	ofYear := (153*(m-3)+2)/5 + int64(day) - 1
	return era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468
}

// weekdayOf is the day of the ISO week: 1970-01-01 was a Thursday.
func weekdayOf(day int64) int { return int(((day+3)%7+7)%7) + 1 }

// firstWeek is the Monday of a year's first week, in which January 4th always is.
func firstWeek(year int) int64 {
	fourth := EpochDay(year, 1, 4)
	return fourth - int64(weekdayOf(fourth)) + 1
}

// resolve makes the day, and puts right the hour.
func (p *Pattern) resolve(r *reading) (day int64, f failure, ok bool) {
	switch {
	case r.has(halfHours):
		r.hour = r.hour%12 + r.half
	case p.dialect == Java && r.has(halfLetters) && r.has(fullHours) && r.hour/12 != r.half/12:
		return day, failure{field: "AmPmOfDay", value: r.half / 12, low: r.hour / 12, high: r.hour / 12}, false
	}
	year, month, dayOfMonth := r.year, max(r.month, 1), max(r.day, 1)
	if !r.has(yearLetters) {
		year = 1970
		if p.dialect != Java && r.has(dayLetters) {
			year = 2000
		}
	}
	days := daysIn(year, month)
	if dayOfMonth > days {
		if p.dialect != Java {
			return day, failure{field: "dayOfMonth", value: dayOfMonth, low: 1, high: days}, false
		}
		dayOfMonth = days
	}
	day = EpochDay(year, month, dayOfMonth)
	switch {
	case r.yearDay > 0:
		if most := 337 + daysIn(year, 2); r.yearDay > most {
			name := ranges['D'].joda
			if p.dialect == Java {
				name = ranges['D'].java
			}
			return day, failure{field: name, value: r.yearDay, low: 1, high: most}, false
		}
		day = EpochDay(year, 1, r.yearDay)
	case r.has(weekLetters) && p.dialect != Java && !r.has(dateLetters):
		weekYear := r.weekYear
		if !r.has(weekYears) {
			if weekYear = year; EpochDay(year, 1, 1) < firstWeek(year) {
				weekYear--
			}
		}
		first := firstWeek(weekYear)
		if most := int(firstWeek(weekYear+1)-first) / 7; r.week > most {
			return day, failure{field: "weekOfWeekyear", value: r.week, low: 1, high: most}, false
		}
		day = first + int64(7*(max(r.week, 1)-1))
	}
	if r.weekday > 0 {
		if found := weekdayOf(day); p.dialect != Java {
			day += int64(r.weekday - found)
		} else if r.weekday != found {
			return day, failure{field: "DayOfWeek", value: r.weekday, low: found, high: found}, false
		}
	}
	if r.hour == 24 {
		if r.minute != 0 || r.second != 0 || r.nanos != 0 {
			return day, failure{field: "HourOfDay", value: 24, low: 0, high: 23}, false
		}
		day, r.hour = day+1, 0
	}
	return day, failure{}, true
}
