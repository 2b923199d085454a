package udf

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are part of the language, wherever it runs
	"unicode/utf8"
)

// The patterns of format_datetime and parse_datetime (Joda-Time's letters) and of
// date_format and date_parse (MySQL's), as one list of fields.

// TimePattern is a compiled format.
type TimePattern []patternField

// patternField is a letter of Joda-Time's, n times, or literal text where letter is 0.
type patternField struct {
	Letter byte
	N      int
	Text   string
}

const jodaLetters = "GCYxweEyDMdaKhHkmsSzZ"

// patterns keeps compiled patterns by their text, behind their kind.
var patterns struct {
	sync.Mutex
	m map[string]TimePattern
}

func cached(kind byte, text string, compile func(string) (TimePattern, error)) (TimePattern, error) {
	key := string(kind) + text
	patterns.Lock()
	defer patterns.Unlock()
	if p, ok := patterns.m[key]; ok {
		return p, nil
	}
	p, err := compile(text)
	if err != nil {
		return nil, err
	}
	if len(patterns.m) >= 256 || patterns.m == nil {
		patterns.m = map[string]TimePattern{}
	}
	patterns.m[key] = p
	return p, nil
}

func Joda(text string) (TimePattern, error) { return cached('j', text, compileJoda) }

func compileJoda(text string) (TimePattern, error) {
	var p TimePattern
	for i := 0; i < len(text); {
		ch, n := text[i], 1
		for i+n < len(text) && text[i+n] == ch {
			n++
		}
		switch {
		case ch == '\'':
			if n > 1 { // '' is a quote
				p = append(p, patternField{Text: "'"})
				i += 2
				continue
			}
			var b strings.Builder
			i++
			for {
				end := strings.IndexByte(text[i:], '\'')
				if end < 0 {
					b.WriteString(text[i:])
					i = len(text)
					break
				}
				b.WriteString(text[i : i+end])
				if i += end + 1; i < len(text) && text[i] == '\'' {
					b.WriteByte('\'')
					i++
					continue
				}
				break
			}
			p = append(p, patternField{Text: b.String()})
			continue
		case ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z':
			if strings.IndexByte(jodaLetters, ch) < 0 {
				return nil, argumentError("Illegal pattern component: %s", text[i:i+n])
			}
			p = append(p, patternField{Letter: ch, N: n})
		default:
			p = append(p, patternField{Text: text[i : i+n]})
		}
		i += n
	}
	if p == nil {
		return nil, argumentError("Invalid pattern specification")
	}
	return p, nil
}

func MySQL(text string) (TimePattern, error) { return cached('m', text, compileMySQL) }

// mysqlFields are MySQL's specifiers in Joda-Time's letters.
var mysqlFields = map[byte]string{'a': "E", 'b': "MMM", 'c': "M", 'd': "dd", 'e': "d", 'f': "SSSSSS", 'H': "HH", 'h': "hh", 'I': "hh", 'i': "mm",
	'j': "DDD", 'k': "H", 'l': "h", 'M': "MMMM", 'm': "MM", 'p': "a", 'r': "hh:mm:ss a", 'S': "ss", 's': "ss", 'T': "HH:mm:ss",
	'v': "ww", 'W': "EEEE", 'x': "xxxx", 'Y': "yyyy", 'y': "yy"}

func compileMySQL(text string) (TimePattern, error) {
	p := TimePattern{}
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			p = append(p, patternField{Text: text[i : i+1]})
			continue
		}
		i++
		f, ok := mysqlFields[text[i]]
		switch {
		case ok:
			inner, err := compileJoda(f)
			if err != nil {
				return nil, err
			}
			p = append(p, inner...)
		case strings.IndexByte("DUuVwX", text[i]) >= 0:
			return nil, argumentError("%%%c not supported in date format string", text[i])
		default:
			p = append(p, patternField{Text: text[i : i+1]})
		}
	}
	return p, nil
}

// format writes a time in its own zone.
func (p TimePattern) format(t time.Time) string {
	var b []byte
	number := func(v, width int) { b = fmt.Appendf(b, "%0*d", width, v) }
	for _, f := range p {
		switch f.Letter {
		case 0:
			b = append(b, f.Text...)
		case 'G':
			b = append(b, "AD"...)
		case 'C':
			number(t.Year()/100, f.N)
		case 'y', 'Y':
			if f.N == 2 {
				number(t.Year()%100, 2)
			} else {
				number(t.Year(), f.N)
			}
		case 'x':
			year, _ := t.ISOWeek()
			if f.N == 2 {
				year %= 100
			}
			number(year, f.N)
		case 'w':
			_, week := t.ISOWeek()
			number(week, f.N)
		case 'e':
			number((int(t.Weekday())+6)%7+1, f.N)
		case 'E':
			name := t.Weekday().String()
			if f.N < 4 {
				name = name[:3]
			}
			b = append(b, name...)
		case 'D':
			number(t.YearDay(), f.N)
		case 'M':
			switch {
			case f.N >= 4:
				b = append(b, t.Month().String()...)
			case f.N == 3:
				b = append(b, t.Month().String()[:3]...)
			default:
				number(int(t.Month()), f.N)
			}
		case 'd':
			number(t.Day(), f.N)
		case 'a':
			b = append(b, []string{"AM", "PM"}[t.Hour()/12]...)
		case 'K':
			number(t.Hour()%12, f.N)
		case 'h':
			number((t.Hour()+11)%12+1, f.N)
		case 'H':
			number(t.Hour(), f.N)
		case 'k':
			number((t.Hour()+23)%24+1, f.N)
		case 'm':
			number(t.Minute(), f.N)
		case 's':
			number(t.Second(), f.N)
		case 'S':
			digits := fmt.Sprintf("%03d000000", t.Nanosecond()/1e6) // Joda-Time knows milliseconds
			for len(digits) < f.N {
				digits += "0"
			}
			b = append(b, digits[:f.N]...)
		case 'z':
			b = append(b, zoneText(t.Location())...)
		case 'Z':
			switch {
			case f.N >= 3:
				b = append(b, zoneText(t.Location())...)
			case f.N == 2:
				b = append(b, t.Format("-07:00")...)
			default:
				b = append(b, t.Format("-0700")...)
			}
		}
	}
	return string(b)
}

func zoneText(l *time.Location) string { return l.String() }

// Parse reads a time; one without a zone is in UTC.
func (p TimePattern) Parse(s string) (time.Time, error) {
	bad := func(at int) (time.Time, error) {
		if at < len(s) {
			return time.Time{}, argumentError("Invalid format: \"%s\" is malformed at \"%s\"", s, s[at:])
		}
		return time.Time{}, argumentError("Invalid format: \"%s\" is too short", s)
	}
	year, month, day, yearDay := 1970, 1, 1, 0
	weekYear, week, weekDay := 0, 0, 0
	hour, minute, second, nanos := 0, 0, 0, 0
	half, pm := false, false
	zone := time.UTC
	i := 0
	number := func(most int, signed bool) (int, bool) {
		start := i
		if signed && i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		digits := i
		for i < len(s) && i-digits < most && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi(s[start:i])
		return n, err == nil
	}
	for k, f := range p {
		if f.Letter == 0 {
			if !strings.HasPrefix(s[i:], f.Text) {
				return bad(i)
			}
			i += len(f.Text)
			continue
		}
		start, ok, n := i, true, 0
		// A number right before another takes only its own digits.
		most := 9
		if k+1 < len(p) && strings.IndexByte("YxweyDdKhHkmsSMC", p[k+1].Letter) >= 0 && p[k+1].Letter != 0 && (p[k+1].Letter != 'M' || p[k+1].N < 3) {
			most = f.N
		} else if strings.IndexByte("dHhkKms", f.Letter) >= 0 || f.Letter == 'M' || f.Letter == 'w' {
			most = max(2, f.N)
		}
		switch f.Letter {
		case 'y', 'Y':
			if year, ok = number(most, true); ok && f.N == 2 && i-start == 2 {
				if year += 1900; year < 1970 {
					year += 100
				}
			}
		case 'x':
			weekYear, ok = number(most, false)
		case 'w':
			week, ok = number(most, false)
		case 'e':
			weekDay, ok = number(1, false)
		case 'D':
			yearDay, ok = number(max(3, f.N), false)
			ok = ok && yearDay >= 1 && yearDay <= 366
		case 'M':
			if f.N < 3 {
				month, ok = number(most, false)
				break
			}
			n, month = name(s[i:], monthNames)
			i += n
			ok = n > 0
		case 'E':
			n, _ = name(s[i:], dayNames)
			i += n
			ok = n > 0
		case 'd':
			day, ok = number(most, false)
		case 'a':
			n, half = 2, true
			ok = i+2 <= len(s) && (strings.EqualFold(s[i:i+2], "AM") || strings.EqualFold(s[i:i+2], "PM"))
			if ok {
				pm = strings.EqualFold(s[i:i+2], "PM")
				i += n
			}
		case 'H', 'k', 'h', 'K':
			hour, ok = number(most, false)
			ok = ok && hour <= 24 && (f.Letter != 'H' || hour <= 23) && (f.Letter != 'h' || hour >= 1 && hour <= 12)
			if f.Letter == 'k' {
				hour %= 24
			}
			if f.Letter == 'h' {
				hour %= 12
			}
		case 'm':
			minute, ok = number(most, false)
			ok = ok && minute <= 59
		case 's':
			second, ok = number(most, false)
			ok = ok && second <= 59
		case 'S':
			nanos, ok = number(9, false)
			for range 9 - (i - start) {
				nanos *= 10
			}
		case 'z', 'Z':
			end := i
			for end < len(s) && s[end] != ' ' && s[end] != ')' && s[end] != ']' && s[end] != ',' {
				end++
			}
			var err error
			if zone, err = Location(s[i:end]); err != nil || end == i {
				return bad(i)
			}
			i = end
		case 'G', 'C':
			return time.Time{}, argumentError("Parsing not supported: %c", f.Letter)
		}
		if !ok {
			return bad(start)
		}
	}
	if i < len(s) {
		return bad(i)
	}
	if half && pm {
		hour = hour%12 + 12
	}
	last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if month < 1 || month > 12 || day < 1 || day > last {
		return time.Time{}, argumentError("Cannot parse \"%s\": Value out of range", s)
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone)
	switch {
	case yearDay > 0:
		t = time.Date(year, 1, yearDay, hour, minute, second, nanos, zone)
	case week > 0:
		if weekYear == 0 {
			weekYear = year
		}
		d := isoWeekStart(weekYear, week).AddDate(0, 0, max(weekDay, 1)-1)
		t = time.Date(d.Year(), d.Month(), d.Day(), hour, minute, second, nanos, zone)
	}
	return t, nil
}

var monthNames = func() (names []string) {
	for m := time.January; m <= time.December; m++ {
		names = append(names, m.String())
	}
	return names
}()

var dayNames = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// name finds which name s begins with, whole or its first three letters; its length and number from 1.
func name(s string, names []string) (length, number int) {
	for i, n := range names {
		if len(s) >= len(n) && strings.EqualFold(s[:len(n)], n) {
			return len(n), i + 1
		}
	}
	for i, n := range names {
		if len(s) >= 3 && strings.EqualFold(s[:3], n[:3]) {
			return 3, i + 1
		}
	}
	return 0, 0
}

// isoWeekStart is the Monday of an ISO week.
func isoWeekStart(year, week int) time.Time {
	d := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	return d.AddDate(0, 0, -((int(d.Weekday())+6)%7)+7*(week-1))
}

var offsetText = regexp.MustCompile(`^(?:UTC|GMT|UT)?([+-])(\d{1,2}):?(\d{2})?$`)

// Location is a zone by its name or offset. Its String is what Trino shows.
func Location(zone string) (*time.Location, error) {
	switch strings.ToUpper(zone) {
	case "UTC", "Z", "GMT", "UT", "ETC/UTC", "ZULU":
		return time.UTC, nil
	}
	if m := offsetText.FindStringSubmatch(strings.ToUpper(zone)); m != nil {
		h, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		seconds := h*3600 + n*60
		if h > 14 || n > 59 {
			return nil, argumentError("'%s' is not a valid time zone", zone)
		}
		if m[1] == "-" {
			seconds = -seconds
		}
		if seconds == 0 {
			return time.UTC, nil
		}
		return time.FixedZone(fmt.Sprintf("%s%02d:%02d", m[1], h, n), seconds), nil
	}
	if zone == "" || zone == "Local" || !utf8.ValidString(zone) {
		return nil, argumentError("'%s' is not a valid time zone", zone)
	}
	l, err := time.LoadLocation(zone)
	if err != nil {
		return nil, argumentError("'%s' is not a valid time zone", zone)
	}
	return l, nil
}

var isoText = regexp.MustCompile(`^([+-]?\d{4})(?:-(?:(\d{2})(?:-(\d{2}))?|W(\d{2})(?:-([1-7]))?|(\d{3})))?(?:T(\d{2})?(?::?(\d{2}))?(?::?(\d{2}))?(?:[.,](\d{1,9})\d*)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$`)

// IsoTimestamp reads an ISO 8601 date, or date and time, in UTC if it names no zone.
func IsoTimestamp(s string) (time.Time, error) {
	m := isoText.FindStringSubmatch(s)
	bad := argumentError("Invalid format: \"%s\"", s)
	if m == nil {
		return time.Time{}, bad
	}
	n := func(i, absent int) int {
		if m[i] == "" {
			return absent
		}
		v, _ := strconv.Atoi(m[i])
		return v
	}
	zone := time.UTC
	if m[11] != "" {
		var err error
		if zone, err = Location(m[11]); err != nil {
			return time.Time{}, bad
		}
	}
	year, month, day := n(1, 0), n(2, 1), n(3, 1)
	nanos, _ := strconv.Atoi((m[10] + "000000000")[:9])
	if h := n(7, 0); h > 24 || n(8, 0) > 59 || n(9, 0) > 59 || month < 1 || month > 12 || day < 1 || day > time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return time.Time{}, bad
	}
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	switch {
	case m[4] != "":
		d = isoWeekStart(year, n(4, 1)).AddDate(0, 0, n(5, 1)-1)
	case m[6] != "":
		d = time.Date(year, 1, n(6, 1), 0, 0, 0, 0, time.UTC)
	}
	return time.Date(d.Year(), d.Month(), d.Day(), n(7, 0), n(8, 0), n(9, 0), nanos/1e6*1e6, zone), nil
}

func isoDate(s string) (time.Time, error) {
	if strings.Contains(s, "T") {
		return time.Time{}, argumentError("Invalid format: \"%s\"", s)
	}
	return IsoTimestamp(s)
}

// hiveTimestamp reads a timestamp by the first of Hive's timestamp.formats that fits, in
// UTC unless the text names a zone; nil if none does. The format millis is a number.
func hiveTimestamp(s, formats string) any {
	s = strings.TrimSpace(s)
	for _, f := range strings.Split(formats, ",") {
		f = strings.TrimSpace(f)
		if f == "millis" {
			if ms, err := strconv.ParseFloat(s, 64); err == nil && ms > -1e17 && ms < 1e17 {
				return time.UnixMilli(int64(ms)).UTC()
			}
			continue
		}
		p, err := Joda(f)
		if err != nil {
			continue
		}
		if t, err := p.Parse(s); err == nil {
			return t.UTC()
		}
	}
	return nil
}
