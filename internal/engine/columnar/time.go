package columnar

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// An instant is a point in time in UTC.
type instant struct {
	seconds int64
	nanos   int64 // 0 up to a second
}

const (
	secondsPerDay = 86400
	julianEpoch   = 2440588 // Julian day of 1970-01-01
	minSecond     = -62135596800
	maxSecond     = 253402300799 // year 9999
)

func (t instant) days() int32 {
	days := t.seconds / secondsPerDay
	if t.seconds%secondsPerDay < 0 {
		days--
	}
	return int32(days)
}

func (t instant) int96() (v parquet.Int96) {
	days := t.days()
	nanos := (t.seconds-int64(days)*secondsPerDay)*1e9 + t.nanos
	binary.LittleEndian.PutUint64(v[:8], uint64(nanos))
	binary.LittleEndian.PutUint32(v[8:], uint32(days+julianEpoch))
	return v
}

// daysFrom is the number of days from 1970-01-01 to a date of the Gregorian calendar.
func daysFrom(year, month, day int) int64 {
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

// digits reads a number of low to high digits; it returns -1 if they are not there.
func digits(s []byte, low, high int) (n, used int) {
	for used < len(s) && used < high && s[used]-'0' <= 9 {
		n = n*10 + int(s[used]-'0')
		used++
	}
	if used < low {
		return -1, 0
	}
	return n, used
}

// date reads yyyy-[m]m-[d]d, or yyyy-mm-dd if strict.
func date(s []byte, strict bool) (days int64, used int, ok bool) {
	low := 1
	if strict {
		low = 2
	}
	year, n := digits(s, 4, 4)
	if year < 1 || n >= len(s) || s[n] != '-' {
		return 0, 0, false
	}
	used = n + 1
	month, n := digits(s[used:], low, 2)
	if used += n; month < 1 || month > 12 || used >= len(s) || s[used] != '-' {
		return 0, 0, false
	}
	used++
	day, n := digits(s[used:], low, 2)
	if day < 1 || day > daysIn(year, month) {
		return 0, 0, false
	}
	return daysFrom(year, month, day), used + n, true
}

func parseDate(s []byte) (int32, bool) {
	days, used, ok := date(s, false)
	return int32(days), ok && used == len(s)
}

// clock reads hh:mm:ss[.f] with up to nine digits of fraction, one-digit parts too
// unless strict.
func clock(s []byte, strict bool) (t instant, used int, ok bool) {
	low := 1
	if strict {
		low = 2
	}
	for i, limit := range [3]int{24, 60, 60} {
		if i > 0 {
			if used >= len(s) || s[used] != ':' {
				return t, 0, false
			}
			used++
		}
		v, n := digits(s[used:], low, 2)
		if v < 0 || v >= limit {
			return t, 0, false
		}
		t.seconds = t.seconds*60 + int64(v)
		used += n
	}
	if used < len(s) && s[used] == '.' {
		used++
		v, n := digits(s[used:], 1, 9)
		if v < 0 {
			return t, 0, false
		}
		used += n
		for ; n < 9; n++ {
			v *= 10
		}
		t.nanos = int64(v)
	}
	return t, used, true
}

// dateTime reads the two forms that timestamps have in JSON: yyyy-mm-ddThh:mm:ss[.f][Z]
// and yyyy-[m]m-[d]d [h]h:[m]m:[s]s[.f], both in UTC.
func dateTime(s []byte, iso bool) (instant, bool) {
	i := 0
	for i < len(s) && s[i] != 'T' && s[i] != ' ' {
		i++
	}
	if i == len(s) {
		return instant{}, false
	}
	strict := s[i] == 'T'
	if strict && !iso {
		return instant{}, false
	}
	days, used, ok := date(s[:i], strict)
	if !ok || used != i {
		return instant{}, false
	}
	t, used, ok := clock(s[i+1:], strict)
	rest := s[i+1+used:]
	if !ok || len(rest) > 0 && !(strict && string(rest) == "Z") {
		return instant{}, false
	}
	t.seconds += days * secondsPerDay
	return t, true
}

// textTime reads a timestamp written as a string.
func (w *Writer) textTime(s []byte) (instant, bool) {
	if t, ok := w.customTime(s); ok {
		return t, true
	}
	if w.opts.SerDe == Hive {
		return dateTime(s, false)
	}
	if t, ok := dateTime(s, true); ok {
		return t, true
	}
	if f, ok := javaDouble(s); !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		return instant{}, false
	}
	return epoch(s)
}

// numberTime reads a timestamp written as a number.
func (w *Writer) numberTime(b []byte) (instant, bool) {
	if w.opts.SerDe == Hive {
		return w.customTime(b) // only a format says what a number means
	}
	return epoch(b)
}

// epoch reads seconds since 1970, or, from 10^12 on, milliseconds. Digits beyond the
// nanosecond are cut off.
func epoch(s []byte) (instant, bool) {
	if n, ok := jsontext.Int(s); ok && len(s) < 18 && plainInt(s) {
		if n > -1e12 && n < 1e12 {
			return checked(instant{n, 0})
		}
		return checked(fromMillis(n))
	}
	hi, lo, ok := scaled(s, 30, 9)
	if !ok {
		return instant{}, false
	}
	neg := int64(hi) < 0
	if neg {
		lo, hi = -lo, ^hi
		if lo == 0 {
			hi++
		}
	}
	// Now the magnitude in billionths of a unit.
	whole, rest, ok := div1e9(hi, lo)
	if !ok {
		return instant{}, false
	}
	t := instant{int64(whole), int64(rest)}
	if whole >= 1e12 {
		t = instant{int64(whole / 1000), int64(whole%1000)*1e6 + int64(rest/1000)}
	}
	if neg {
		t.seconds = -t.seconds
		if t.nanos > 0 {
			t.seconds--
			t.nanos = 1e9 - t.nanos
		}
	}
	return checked(t)
}

func plainInt(s []byte) bool {
	for i, c := range s {
		if c-'0' > 9 && !(i == 0 && c == '-') {
			return false
		}
	}
	return len(s) > 0
}

func fromMillis(n int64) instant {
	s, ms := n/1000, n%1000
	if ms < 0 {
		s--
		ms += 1000
	}
	return instant{s, ms * 1e6}
}

func checked(t instant) (instant, bool) {
	return t, t.seconds >= minSecond && t.seconds <= maxSecond
}

// div1e9 divides by 10^9; not ok if the quotient is beyond what a time can be.
func div1e9(hi, lo uint64) (q, r uint64, ok bool) {
	if hi >= 1e9 {
		return 0, 0, false
	}
	q, r = bitsDiv(hi, lo)
	return q, r, q < 1<<62
}

// A timeFormat is a pattern of Joda-Time, taken apart.
type timeFormat struct {
	millis bool
	parts  []timePart
}

type timePart struct {
	letter  byte // 0 for a literal
	count   int
	literal string
	fixed   bool // a number of exactly count digits, because another follows
}

func parseTimeFormats(patterns []string) ([]timeFormat, error) {
	var out []timeFormat
	for _, p := range patterns {
		f, err := parseTimeFormat(p)
		if err != nil {
			return nil, fmt.Errorf("columnar: timestamp format %q: %w", p, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func parseTimeFormat(p string) (f timeFormat, err error) {
	if p == "millis" {
		return timeFormat{millis: true}, nil
	}
	literal := func(s string) {
		if n := len(f.parts); n > 0 && f.parts[n-1].letter == 0 {
			f.parts[n-1].literal += s
		} else {
			f.parts = append(f.parts, timePart{literal: s})
		}
	}
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\'':
			end := i + 1
			var text strings.Builder
			for ; ; end++ {
				if end >= len(p) {
					return f, fmt.Errorf("quote at %d does not end", i)
				}
				if p[end] == '\'' {
					if end+1 < len(p) && p[end+1] == '\'' {
						end++
					} else {
						break
					}
				}
				text.WriteByte(p[end])
			}
			if end == i+1 {
				literal("'")
			} else {
				literal(text.String())
			}
			i = end + 1
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := i + 1
			for n < len(p) && p[n] == c {
				n++
			}
			if !strings.ContainsRune("yYxMdDHhkKmsSaEzZ", rune(c)) {
				return f, fmt.Errorf("letter %q at %d means nothing here", c, i)
			}
			f.parts = append(f.parts, timePart{letter: c, count: n - i})
			i = n
		default:
			literal(string(c))
			i++
		}
	}
	for i := range f.parts {
		f.parts[i].fixed = i+1 < len(f.parts) && f.parts[i].numeric() && f.parts[i+1].numeric()
	}
	return f, nil
}

func (p *timePart) numeric() bool {
	return strings.IndexByte("yYxdDHhkKmsS", p.letter) >= 0 && p.letter != 0 || p.letter == 'M' && p.count < 3
}

// customTime tries the formats that were configured.
func (w *Writer) customTime(s []byte) (instant, bool) {
	for i := range w.formats {
		if t, ok := w.formats[i].parse(s); ok {
			return t, true
		}
	}
	return instant{}, false
}

func (f *timeFormat) parse(s []byte) (instant, bool) {
	if f.millis {
		n, ok := jsontext.Int(s)
		if !ok || !plainInt(s) {
			return instant{}, false
		}
		return checked(fromMillis(n))
	}
	year, month, day, yearDay := 1970, 1, 1, 0
	hour, half, minute, second, offset := 0, -1, 0, 0, 0
	var nanos int64
	for i := range f.parts {
		p := &f.parts[i]
		if p.letter == 0 {
			if len(s) < len(p.literal) || string(s[:len(p.literal)]) != p.literal {
				return instant{}, false
			}
			s = s[len(p.literal):]
			continue
		}
		if !p.numeric() {
			n := 0
			switch p.letter {
			case 'M':
				month, n = monthName(s)
			case 'E':
				n = dayName(s)
			case 'a':
				if len(s) >= 2 && s[1]|0x20 == 'm' && (s[0]|0x20 == 'a' || s[0]|0x20 == 'p') {
					half, n = 0, 2
					if s[0]|0x20 == 'p' {
						half = 12
					}
				}
			case 'z', 'Z':
				offset, n = zone(s)
			}
			if n == 0 {
				return instant{}, false
			}
			s = s[n:]
			continue
		}
		low, high := 1, 9
		if p.fixed {
			low, high = p.count, p.count
		}
		v, n := digits(s, low, high)
		if v < 0 {
			return instant{}, false
		}
		s = s[n:]
		switch p.letter {
		case 'y', 'Y', 'x':
			if p.count == 2 && n == 2 {
				// Joda-Time's pivot moves with the clock; this one stands still.
				if v += 1900; v < 1950 {
					v += 100
				}
			}
			year = v
		case 'M':
			month = v
		case 'd':
			day = v
		case 'D':
			yearDay = v
		case 'H':
			hour = v
		case 'k':
			hour = v % 24
		case 'h', 'K':
			hour = v % 12
			if half < 0 {
				half = 0
			}
		case 'm':
			minute = v
		case 's':
			second = v
		case 'S':
			for ; n < 9; n++ {
				v *= 10
			}
			nanos = int64(v)
		}
	}
	if half == 12 {
		hour = hour%12 + 12
	}
	if len(s) > 0 || year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 || yearDay > 366 {
		return instant{}, false
	}
	days := daysFrom(year, month, day)
	if yearDay > 0 {
		days = daysFrom(year, 1, 1) + int64(yearDay) - 1
	}
	return checked(instant{days*secondsPerDay + int64(hour)*3600 + int64(minute)*60 + int64(second) - int64(offset), nanos})
}

func monthName(s []byte) (month, used int) {
	for m := time.January; m <= time.December; m++ {
		for _, name := range [2]string{m.String(), m.String()[:3]} {
			if len(s) >= len(name) && strings.EqualFold(string(s[:len(name)]), name) {
				return int(m), len(name)
			}
		}
	}
	return 0, 0
}

func dayName(s []byte) (used int) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		for _, name := range [2]string{d.String(), d.String()[:3]} {
			if len(s) >= len(name) && strings.EqualFold(string(s[:len(name)]), name) {
				return len(name)
			}
		}
	}
	return 0
}

// zone reads Z, UTC, GMT, +hh:mm or +hhmm.
func zone(s []byte) (offset, used int) {
	for _, name := range [...]string{"UTC", "GMT", "Z"} {
		if len(s) >= len(name) && string(s[:len(name)]) == name {
			return 0, len(name)
		}
	}
	if len(s) < 5 || s[0] != '+' && s[0] != '-' {
		return 0, 0
	}
	h, n := digits(s[1:], 2, 2)
	if h < 0 || h > 18 {
		return 0, 0
	}
	used = 1 + n
	if s[used] == ':' {
		used++
	}
	m, n := digits(s[used:], 2, 2)
	if m < 0 || m > 59 {
		return 0, 0
	}
	offset = h*3600 + m*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, used + n
}
