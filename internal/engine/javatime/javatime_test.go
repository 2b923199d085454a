package javatime

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestAsJavaSays runs what the Java libraries said, a line each: parse, pattern, text, instant
// or error; format, pattern, time, zone, text. The files are of java.time in Java 17 and of
// Joda-Time 2.12.7, where what a text does not say is that of 1970.
func TestAsJavaSays(t *testing.T) {
	for file, d := range map[string]Dialect{"java.txt": Java, "joda.txt": Joda} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			got := ""
			p, err := Compile(d, f[1])
			switch {
			case err != nil:
				got = "error: " + err.Error()
			case f[0] == "parse":
				at, err := p.Parse(f[2])
				if got = at.UTC().Format("2006-01-02T15:04:05.000Z"); err != nil {
					got = "error: " + err.Error()
				}
				if s, n, ok := p.ParseInstant([]byte(f[2])); ok != (err == nil) || ok && !time.Unix(s, int64(n)).Equal(at) {
					t.Errorf("%s of %q: the instant is %d.%09d, %v, the time %s, %v", f[1], f[2], s, n, ok, at, err)
				}
			case f[0] == "format":
				zone, err := Location(f[3])
				if err != nil {
					t.Fatal(err)
				}
				at, err := time.Parse(time.RFC3339Nano, f[2])
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				got = p.Format(at.In(zone))
			}
			want := f[len(f)-1]
			if at, err := time.Parse(time.RFC3339Nano, want); err == nil && f[0] == "parse" {
				want = at.UTC().Format("2006-01-02T15:04:05.000Z")
			}
			if f[0] == "parse" && !strings.HasPrefix(want, "error") && !strings.Contains(want, ".") {
				want = strings.TrimSuffix(want, "Z") + ".000Z" // of a year that Go does not read
			}
			if want == "error" && strings.HasPrefix(got, "error: ") {
				continue
			}
			if got != want {
				t.Errorf("%s: %s\ngot %s", file, line, got)
			}
		}
	}
}

// TestMySQL: what Trino's date_format and date_parse do, which its documentation lists.
func TestMySQL(t *testing.T) {
	at := time.Date(2024, 3, 5, 19, 8, 9, 42_123_456, time.UTC)
	for pattern, want := range map[string]string{
		"%Y-%m-%d %H:%i:%s": "2024-03-05 19:08:09", "%a %b %c %e": "Tue Mar 3 5", "%f": "042000", "%h %I %k %l %p": "07 07 19 7 PM", "%j %M %r": "065 March 07:08:09 PM",
		"%T %v %W %x %y": "19:08:09 10 Tuesday 2024 24", "%% %q x%": "% q x%", "": "",
	} {
		p, err := Compile(MySQL, pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Format(at); got != want {
			t.Errorf("%q formats %q, want %q", pattern, got, want)
		}
	}
	for _, c := range [][3]string{
		{"%Y-%m-%d", "2024-03-05", "2024-03-05T00:00:00Z"}, {"%Y%m%d", "20240305", "2024-03-05T00:00:00Z"}, {"%y", "70", "1970-01-01T00:00:00Z"}, {"%y", "69", "2069-01-01T00:00:00Z"}, {"%y", "5", ""},
		{"%f", "1234567", "1970-01-01T00:00:00.123Z"}, {"%Y", "12024", ""}, {"%c/%e", "3/5", "2000-03-05T00:00:00Z"}, {"%r", "07:08:09 pm", "1970-01-01T19:08:09Z"}, {"%x-%v", "2021-01", "2021-01-04T00:00:00Z"},
	} {
		p, err := Compile(MySQL, c[0])
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Parse(c[1])
		if s := got.Format(time.RFC3339Nano); err == nil && s != c[2] || err != nil && c[2] != "" {
			t.Errorf("%s of %q: %s, %v, want %s", c[0], c[1], s, err, c[2])
		}
	}
	if _, err := Compile(MySQL, "%U"); err == nil || err.Error() != "%U not supported in date format string" {
		t.Errorf("%%U: %v", err)
	}
}

// TestRoundTrip: what a pattern that says all of a time writes, it reads.
func TestRoundTrip(t *testing.T) {
	berlin, err := Location("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		d       Dialect
		pattern string
	}{
		{Java, "uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS XXXXX"}, {Java, "yyyyMMddHHmmssSSSx"}, {Java, "EEEE, d. MMMM y hh:mm:ss a n VV"}, {Java, "D/y A Z"},
		{Joda, "yyyy-MM-dd'T'HH:mm:ss.SSSZZ"}, {Joda, "EEE d MMMM y K:m:s.SSS a ZZZ"}, {Joda, "xxxx-'W'ww-e k:mm:ss SSS Z"}, {Joda, "yyyyDDD HHmmssSSS Z"},
	} {
		p, err := Compile(c.d, c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2000 {
			at := time.UnixMilli(int64(i) * 2_712_345_678).In(berlin)
			s := p.Format(at)
			if got, err := p.Parse(s); err != nil || !got.Equal(at) && p.Format(got) != s { // an hour that comes twice is one of both
				t.Fatalf("%s wrote %s of %s and read %s, %v", c.pattern, s, at, got, err)
			}
		}
	}
}

// TestWeeks checks the American weeks against a walk through the days.
func TestWeeks(t *testing.T) {
	year, week := 2000, 1
	for d := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC); d.Year() < 2060; d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Sunday {
			week++
			if sat := d.AddDate(0, 0, 6); sat.Year() > year {
				year, week = sat.Year(), 1
			}
		}
		c := civilOf(d)
		if y, w := c.week(); y != year || w != week {
			t.Fatalf("%s is in week %d of %d, want %d of %d", d.Format(time.DateOnly), w, y, week, year)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"yyyy-MM-dd HH:mm:ss.SSS", "EEE MMM d", "yyMMdd", "'a''b", "xxxx-ww-e", "%Y%m%d %T", "D/A N n", "X x ZZZ z VV", "[y]", "yyyyyyyyyyyyyyyyyyyMM"} {
		f.Add(s, "2024-01-02 03:04:05.678", int64(1_700_000_000_123))
	}
	f.Fuzz(func(t *testing.T, pattern, text string, ms int64) {
		if len(pattern) > 200 || ms < -62135596800000 || ms > 253402300799999 {
			return
		}
		for d := Java; d <= MySQL; d++ {
			p, err := Compile(d, pattern)
			if err != nil {
				continue
			}
			at, err := p.Parse(text)
			s, n, ok := p.ParseInstant([]byte(text))
			if ok != (err == nil) || ok && (s != at.Unix() || n != at.Nanosecond()) {
				t.Errorf("%s of %q: instant %d.%d %v, time %s, %v", pattern, text, s, n, ok, at, err)
			}
			p.Format(time.UnixMilli(ms).UTC())
		}
	})
}

func BenchmarkParseInstant(b *testing.B) {
	p, err := Compile(Joda, "yyyy-MM-dd HH:mm:ss.SSS")
	if err != nil {
		b.Fatal(err)
	}
	text := []byte("2024-05-06 07:08:09.123")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := p.ParseInstant(text); !ok {
			b.Fatal("not read")
		}
	}
}
