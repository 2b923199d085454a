package udf

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/javatime"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hivetext"
)

// patterns keeps compiled patterns by their text, behind their dialect.
var patterns struct {
	sync.Mutex
	m map[string]*javatime.Pattern
}

func cached(d javatime.Dialect, text string) (*javatime.Pattern, error) {
	key := string(rune(d)) + text
	patterns.Lock()
	defer patterns.Unlock()
	if p, ok := patterns.m[key]; ok {
		return p, nil
	}
	p, err := javatime.Compile(d, text)
	if err != nil {
		return nil, argumentError("%w", err)
	}
	if len(patterns.m) >= 256 || patterns.m == nil {
		patterns.m = map[string]*javatime.Pattern{}
	}
	patterns.m[key] = p
	return p, nil
}

// Joda is a pattern of format_datetime and parse_datetime.
func Joda(text string) (*javatime.Pattern, error) { return cached(javatime.Joda, text) }

// MySQL is a pattern of date_format and date_parse.
func MySQL(text string) (*javatime.Pattern, error) { return cached(javatime.MySQL, text) }

func parseTime(p *javatime.Pattern, s string) (time.Time, error) {
	t, err := p.Parse(s)
	if err != nil {
		return t, argumentError("%w", err)
	}
	return t, nil
}

// isoWeekStart is the Monday of an ISO week.
func isoWeekStart(year, week int) time.Time {
	d := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	return d.AddDate(0, 0, -((int(d.Weekday())+6)%7)+7*(week-1))
}

// Location is a zone by its name or offset. Its String is what Trino shows.
func Location(zone string) (*time.Location, error) {
	l, err := javatime.Location(zone)
	if err != nil {
		return nil, argumentError("%w", err)
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

// formats keeps what timestamp.formats of tables were parsed into.
var formats struct {
	sync.Mutex
	m map[string]hivetext.Formats
}

// hiveTimestamp reads a timestamp of a text file's by a table's timestamp.formats, or as Hive does
// without them; nil if it is none.
func hiveTimestamp(s, property string) any {
	formats.Lock()
	f, ok := formats.m[property]
	if !ok {
		f = hivetext.ParseFormats(property)
		if len(formats.m) >= 256 || formats.m == nil {
			formats.m = map[string]hivetext.Formats{}
		}
		formats.m[property] = f
	}
	formats.Unlock()
	if t, ok := hivetext.Timestamp(s, f); ok {
		return t
	}
	return nil
}

// hiveDate reads a date of a text file's; nil if it is none.
func hiveDate(s string) (any, error) {
	if t, ok := hivetext.Date(s); ok {
		return t, nil
	}
	return nil, nil
}
