package javatime

import (
	"strconv"
	"time"
)

// civil is a time taken apart.
type civil struct {
	t                         time.Time
	year, day                 int
	month                     time.Month
	hour, minute, second, nan int
}

func civilOf(t time.Time) civil {
	c := civil{t: t, nan: t.Nanosecond()}
	c.year, c.month, c.day = t.Date()
	c.hour, c.minute, c.second = t.Clock()
	return c
}

// week is the week of the year, and its year, as Americans count: weeks begin on Sunday
// and the first is that of January 1st. Those are Java's in the locale that AWS runs in.
func (c *civil) week() (year, week int) {
	yearDay := c.t.YearDay() - 1
	first := (int(c.t.Weekday()) - yearDay%7 + 7) % 7 // weekday of January 1st
	week = (yearDay+first)/7 + 1
	// The days from here to Saturday may reach the next January 1st.
	if saturday := c.t.AddDate(0, 0, 6-int(c.t.Weekday())); saturday.Year() > c.year {
		return c.year + 1, 1
	}
	return c.year, week
}

func pad(dst []byte, n, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	digits := 1
	for m := n; m >= 10; m /= 10 {
		digits++
	}
	for ; digits < width; digits++ {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// name appends a name of Java's in the short, full or one-letter form that the count asks for.
func name(dst []byte, full string, count int) []byte {
	switch count {
	case 4:
		return append(dst, full...)
	case 5:
		return append(dst, full[:1]...)
	}
	return append(dst, full[:3]...)
}

// java appends what a letter of Java's is of the time.
func (c *civil) java(dst []byte, f *Field) []byte {
	switch f.Letter {
	case 'u', 'y':
		dst = appendYear(dst, c.year, f.Count)
	case 'Y':
		year, _ := c.week()
		dst = appendYear(dst, year, f.Count)
	case 'M', 'L':
		if f.Count <= 2 {
			dst = pad(dst, int(c.month), f.Count)
		} else {
			dst = name(dst, c.month.String(), f.Count)
		}
	case 'Q', 'q':
		dst = appendQuarter(dst, (int(c.month)-1)/3, f.Count)
	case 'd':
		dst = pad(dst, c.day, f.Count)
	case 'D':
		dst = pad(dst, c.t.YearDay(), f.Count)
	case 'w':
		_, week := c.week()
		dst = pad(dst, week, f.Count)
	case 'W':
		first := (int(c.t.Weekday()) - (c.day-1)%7 + 7) % 7
		dst = pad(dst, (c.day-1+first)/7+1, 1)
	case 'F':
		dst = pad(dst, (c.day-1)%7+1, 1)
	case 'E':
		dst = name(dst, c.t.Weekday().String(), f.Count)
	case 'e', 'c':
		if f.Count <= 2 {
			dst = pad(dst, int(c.t.Weekday())+1, f.Count)
		} else {
			dst = name(dst, c.t.Weekday().String(), f.Count)
		}
	case 'a':
		dst = append(dst, "AP"[c.hour/12], 'M')
	case 'h':
		dst = pad(dst, (c.hour+11)%12+1, f.Count)
	case 'K':
		dst = pad(dst, c.hour%12, f.Count)
	case 'k':
		dst = pad(dst, (c.hour+23)%24+1, f.Count)
	case 'H':
		dst = pad(dst, c.hour, f.Count)
	case 'm':
		dst = pad(dst, c.minute, f.Count)
	case 's':
		dst = pad(dst, c.second, f.Count)
	case 'S':
		n := c.nan
		for range 9 - f.Count {
			n /= 10
		}
		dst = pad(dst, n, f.Count)
	case 'n':
		dst = pad(dst, c.nan, f.Count)
	case 'A':
		dst = pad(dst, ((c.hour*60+c.minute)*60+c.second)*1000+c.nan/1e6, f.Count)
	case 'N':
		dst = pad(dst, ((c.hour*60+c.minute)*60+c.second)*1e9+c.nan, f.Count)
	case 'G':
		dst = append(dst, [6]string{1: "AD", "AD", "AD", "Anno Domini", "A"}[f.Count]...)
	default:
		dst = appendZone(dst, c.t, f)
	}
	return dst
}

func appendYear(dst []byte, year, count int) []byte {
	if count == 2 {
		return pad(dst, max(year, -year)%100, 2)
	}
	return pad(dst, year, count)
}

func appendQuarter(dst []byte, q, count int) []byte {
	switch count {
	case 3:
		dst = append(dst, 'Q')
	case 4:
		dst = append(dst, [4]string{"1st", "2nd", "3rd", "4th"}[q]...)
		return append(dst, " quarter"...)
	}
	if count > 2 {
		count = 1
	}
	return pad(dst, q+1, count)
}

func appendZone(dst []byte, t time.Time, f *Field) []byte {
	abbreviation, offset := t.Zone()
	switch f.Letter {
	case 'V':
		if id := t.Location().String(); id != "UTC" {
			return append(dst, id...)
		}
		return append(dst, 'Z')
	case 'z':
		return append(dst, abbreviation...)
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	h, m, s := offset/3600, offset/60%60, offset%60
	switch f.Letter {
	case 'O': // GMT+8, GMT+08:00
		if dst = append(dst, "GMT"...); offset == 0 {
			return dst
		}
		dst = append(dst, sign)
		if f.Count == 4 {
			return pad(append(pad(dst, h, 2), ':'), m, 2)
		}
		if dst = pad(dst, h, 1); m > 0 {
			dst = pad(append(dst, ':'), m, 2)
		}
		return dst
	case 'X':
		if offset == 0 {
			return append(dst, 'Z')
		}
	case 'Z':
		if f.Count == 4 {
			return appendZone(dst, t, &Field{Letter: 'O', Count: 4})
		}
		if f.Count == 5 && offset == 0 {
			return append(dst, 'Z')
		}
	}
	colon := f.Letter == 'Z' && f.Count == 5 || f.Letter != 'Z' && (f.Count == 3 || f.Count == 5)
	dst = pad(append(dst, sign), h, 2)
	if f.Letter != 'Z' && f.Count == 1 && m == 0 {
		return dst
	}
	if colon {
		dst = append(dst, ':')
	}
	dst = pad(dst, m, 2)
	if s > 0 && (f.Letter != 'Z' && f.Count > 3 || f.Letter == 'Z' && f.Count == 5) {
		if colon {
			dst = append(dst, ':')
		}
		dst = pad(dst, s, 2)
	}
	return dst
}

// joda appends what a letter of Joda-Time's is of the time.
func (c *civil) joda(dst []byte, f *Field) []byte {
	switch f.Letter {
	case 'G':
		if c.year <= 0 {
			return append(dst, "BC"...)
		}
		return append(dst, "AD"...)
	case 'C':
		return pad(dst, c.yearOfEra()/100, f.Count)
	case 'y':
		return appendYear(dst, c.year, f.Count)
	case 'Y':
		return appendYear(dst, c.yearOfEra(), f.Count)
	case 'x':
		year, _ := c.t.ISOWeek()
		return appendYear(dst, year, f.Count)
	case 'w':
		_, week := c.t.ISOWeek()
		return pad(dst, week, f.Count)
	case 'e':
		return pad(dst, isoWeekday(c.t.Weekday()), f.Count)
	case 'E':
		return text(dst, c.t.Weekday().String(), f.Count)
	case 'M':
		if f.Count < 3 {
			return pad(dst, int(c.month), f.Count)
		}
		return text(dst, c.month.String(), f.Count)
	case 'D':
		return pad(dst, c.t.YearDay(), f.Count)
	case 'S': // Joda-Time knows milliseconds
		n := c.nan / 1e6
		for i := range f.Count {
			switch i {
			case 0:
				dst = append(dst, byte('0'+n/100))
			case 1:
				dst = append(dst, byte('0'+n/10%10))
			case 2:
				dst = append(dst, byte('0'+n%10))
			default:
				dst = append(dst, '0')
			}
		}
		return dst
	case 'z', 'Z':
		switch {
		case f.Letter == 'z' && f.Count < 4:
			if name, seconds := c.t.Zone(); !letter(name[0]) { // a zone without letters of its own
				return append(dst, offsetName(seconds)...)
			} else {
				return append(dst, name...)
			}
		case f.Letter == 'z' || f.Count > 2: // the long names of zones are not known
			return append(dst, c.t.Location().String()...)
		case f.Count == 2:
			return c.t.AppendFormat(dst, "-07:00")
		}
		return c.t.AppendFormat(dst, "-0700")
	}
	return c.java(dst, f) // the others are the same
}

func (c *civil) yearOfEra() int {
	if c.year <= 0 {
		return 1 - c.year
	}
	return c.year
}

func isoWeekday(d time.Weekday) int { return (int(d)+6)%7 + 1 }

// text appends a name of Joda-Time's: short, or whole from four letters on.
func text(dst []byte, full string, count int) []byte {
	if count < 4 {
		full = full[:3]
	}
	return append(dst, full...)
}
