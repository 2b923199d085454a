package columnar

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/parquet"

	"github.com/brookmere/brookmere/internal/engine/javatime"
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
	return javatime.EpochDay(year, month, day), used + n, true
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

// dateTime reads the forms that timestamps have in JSON: yyyy-[m]m-[d]d [h]h:[m]m:[s]s[.f] in
// UTC and, if iso, yyyy-mm-ddThh:mm:ss[.f] too, and Z or an offset behind either.
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
	if !ok {
		return instant{}, false
	}
	t.seconds += days * secondsPerDay
	if len(rest) > 0 && string(rest) != "Z" {
		east, ok := offset(rest)
		if !ok {
			return instant{}, false
		}
		t.seconds -= east
	}
	return t, iso || len(rest) == 0
}

// offset reads the seconds by which clocks are ahead of UTC: +hh:mm, +hhmm or +hh.
func offset(s []byte) (int64, bool) {
	sign := int64(1)
	switch s[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	hours, used := digits(s[1:], 2, 2)
	rest := s[1+used:]
	minutes := 0
	if hours >= 0 && len(rest) > 0 {
		if rest[0] == ':' {
			rest = rest[1:]
		}
		if minutes, used = digits(rest, 2, 2); used != len(rest) {
			return 0, false
		}
	}
	if hours < 0 || hours > 18 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	return sign * int64(hours*3600+minutes*60), true
}

// moment is an instant as it is written.
func (w *Writer) moment(t instant) instant {
	if !w.opts.Millis {
		return t
	}
	if t.nanos = (t.nanos + 500_000) / 1_000_000 * 1_000_000; t.nanos >= 1e9 {
		t.seconds++
		t.nanos -= 1e9
	}
	return t
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

// A timeFormat is one of the formats that were configured.
type timeFormat struct {
	millis  bool
	pattern *javatime.Pattern
}

func parseTimeFormats(patterns []string) ([]timeFormat, error) {
	var out []timeFormat
	for _, text := range patterns {
		if text == "millis" {
			out = append(out, timeFormat{millis: true})
			continue
		}
		p, err := javatime.Compile(javatime.Joda, text)
		if err == nil {
			err = p.CanParse()
		}
		if err != nil {
			return nil, fmt.Errorf("columnar: timestamp format %q: %w", text, err)
		}
		out = append(out, timeFormat{pattern: p})
	}
	return out, nil
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
	seconds, nanos, ok := f.pattern.ParseInstant(s)
	if !ok {
		return instant{}, false
	}
	return checked(instant{seconds, int64(nanos)})
}
