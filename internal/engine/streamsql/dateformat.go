package streamsql

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Formats of Java's SimpleDateFormat, in UTC.

// run is a run of one letter of a format, or text between.
type run struct {
	letter byte // 0: text
	n      int
	text   string
}

func formatRuns(format string) []run {
	var runs []run
	lit := func(s string) {
		if k := len(runs); k > 0 && runs[k-1].letter == 0 {
			runs[k-1].text += s
			return
		}
		runs = append(runs, run{text: s})
	}
	for i := 0; i < len(format); {
		c := format[i]
		switch {
		case c == '\'':
			if i+1 < len(format) && format[i+1] == '\'' {
				lit("'")
				i += 2
				continue
			}
			end := i + 1
			var b strings.Builder
			for end < len(format) {
				if format[end] == '\'' {
					if end+1 < len(format) && format[end+1] == '\'' {
						b.WriteByte('\'')
						end += 2
						continue
					}
					break
				}
				b.WriteByte(format[end])
				end++
			}
			lit(b.String())
			i = end + 1
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(format) && format[i+n] == c {
				n++
			}
			runs = append(runs, run{letter: c, n: n})
			i += n
		default:
			lit(string(c))
			i++
		}
	}
	return runs
}

// parseFormat reads a text by a format; what is missing is that of 1970-01-01 00:00:00.
func parseFormat(format, s string) (int64, bool) {
	year, month, day := 1970, 1, 1
	var hour, minute, second, milli, offset int64
	pm, hour12, doy := false, false, 0
	runs := formatRuns(format)
	for k, r := range runs {
		if r.letter == 0 {
			// Blanks of the format match any blanks.
			want := r.text
			if strings.TrimSpace(want) == "" {
				t := strings.TrimLeft(s, " ")
				if t == s && s != "" {
					return 0, false
				}
				s = t
				continue
			}
			if !strings.HasPrefix(s, want) {
				return 0, false
			}
			s = s[len(want):]
			continue
		}
		name := func(names []string) int {
			for i, n := range names {
				for _, w := range []string{n, n[:3]} {
					if len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) {
						s = s[len(w):]
						return i + 1
					}
				}
			}
			return 0
		}
		number := func() (int64, bool) {
			s = strings.TrimLeft(s, " ")
			neg := strings.HasPrefix(s, "-")
			if neg {
				s = s[1:]
			}
			most := 18
			if k+1 < len(runs) && runs[k+1].letter != 0 { // digits of the next field follow at once
				most = r.n
			}
			n, rest, ok := digits(s, 1, most)
			s = rest
			if neg {
				n = -n
			}
			return n, ok
		}
		switch r.letter {
		case 'M', 'L':
			if r.n >= 3 {
				if month = name(monthNames); month == 0 {
					return 0, false
				}
				continue
			}
		case 'E':
			if name(dayNames) == 0 {
				return 0, false
			}
			continue
		case 'a':
			if len(s) < 2 {
				return 0, false
			}
			pm = strings.EqualFold(s[:2], "PM")
			if !pm && !strings.EqualFold(s[:2], "AM") {
				return 0, false
			}
			hour12 = true
			s = s[2:]
			continue
		case 'z', 'Z', 'X':
			o, rest, ok := parseZone(s)
			if !ok {
				return 0, false
			}
			offset, s = o, rest
			continue
		case 'G':
			if len(s) < 2 {
				return 0, false
			}
			s = s[2:]
			continue
		}
		before := s
		n, ok := number()
		if !ok {
			return 0, false
		}
		switch r.letter {
		case 'y', 'Y', 'u':
			year = int(n)
			if r.n == 2 && len(before)-len(s) == 2 {
				if year += 2000; year > 2060 {
					year -= 100
				}
			}
		case 'M', 'L':
			month = int(n)
		case 'd':
			day = int(n)
		case 'D':
			doy = int(n)
		case 'H':
			hour = n
		case 'k':
			hour = n % 24
		case 'h':
			hour, hour12 = n, hour12 || n == 12 && strings.ContainsRune(format, 'a')
		case 'K':
			hour, hour12 = n, true
		case 'm':
			minute = n
		case 's':
			second = n
		case 'S':
			milli = n
			if len(before)-len(s) > 3 { // parts of a second beyond milliseconds
				for range len(before) - len(s) - 3 {
					milli /= 10
				}
			}
		case 'F', 'w', 'W':
		default:
			return 0, false
		}
	}
	if hour12 {
		hour %= 12
		if pm {
			hour += 12
		}
	}
	if year < -999999 || year > 999999 || month < -1000 || month > 1000 || day < -1000 || day > 1000 {
		return 0, false
	}
	for _, n := range []int64{hour, minute, second, milli} {
		if n > 1e9 || n < -1e9 {
			return 0, false
		}
	}
	if doy > 0 {
		month, day = 1, doy
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.UnixMilli() + hour*msHour + minute*msMinute + second*msSecond + milli - offset, true
}

var monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
var dayNames = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func parseZone(s string) (offset int64, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	switch {
	case strings.HasPrefix(s, "Z"):
		return 0, s[1:], true
	case strings.HasPrefix(s, "UTC"), strings.HasPrefix(s, "GMT"):
		if s = s[3:]; s == "" || s[0] != '+' && s[0] != '-' {
			return 0, s, true
		}
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		n := 0
		for n < len(s) && unicode.IsUpper(rune(s[n])) {
			n++
		}
		zones := map[string]int64{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "CET": 1, "CEST": 2}
		h, ok := zones[s[:n]]
		return h * msHour, s[n:], ok
	}
	neg := s[0] == '-'
	h, rest, ok := digits(s[1:], 2, 2)
	if !ok {
		return 0, "", false
	}
	m, rest, _ := digits(strings.TrimPrefix(rest, ":"), 0, 2)
	offset = h*msHour + m*msMinute
	if neg {
		offset = -offset
	}
	return offset, rest, true
}

// writeFormat writes a time by a format.
func writeFormat(format string, ms int64) string {
	t := time.UnixMilli(ms).UTC()
	var b []byte
	for _, r := range formatRuns(format) {
		n := -1
		switch r.letter {
		case 0:
			b = append(b, r.text...)
			continue
		case 'y', 'Y', 'u':
			if n = t.Year(); r.n == 2 {
				n %= 100
			}
		case 'M', 'L':
			n = int(t.Month())
			if r.n == 3 {
				b = append(b, monthNames[n-1][:3]...)
				continue
			} else if r.n > 3 {
				b = append(b, monthNames[n-1]...)
				continue
			}
		case 'd':
			n = t.Day()
		case 'D':
			n = t.YearDay()
		case 'F':
			n = (t.Day()-1)/7 + 1
		case 'w':
			_, n = t.ISOWeek()
		case 'W':
			n = (t.Day()+int(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC).Weekday())-1)/7 + 1
		case 'E':
			d := dayNames[(int(t.Weekday())+6)%7]
			if r.n <= 3 {
				d = d[:3]
			}
			b = append(b, d...)
			continue
		case 'a':
			b = append(b, []string{"AM", "PM"}[t.Hour()/12]...)
			continue
		case 'H':
			n = t.Hour()
		case 'k':
			if n = t.Hour(); n == 0 {
				n = 24
			}
		case 'K':
			n = t.Hour() % 12
		case 'h':
			if n = t.Hour() % 12; n == 0 {
				n = 12
			}
		case 'm':
			n = t.Minute()
		case 's':
			n = t.Second()
		case 'S':
			n = t.Nanosecond() / 1e6
		case 'z':
			b = append(b, "UTC"...)
			continue
		case 'Z':
			b = append(b, "+0000"...)
			continue
		case 'X':
			b = append(b, 'Z')
			continue
		case 'G':
			b = append(b, "AD"...)
			continue
		default:
			b = append(b, strings.Repeat(string(r.letter), r.n)...)
			continue
		}
		digits := strconv.Itoa(n)
		for range r.n - len(digits) {
			b = append(b, '0')
		}
		b = append(b, digits...)
	}
	return string(b)
}
