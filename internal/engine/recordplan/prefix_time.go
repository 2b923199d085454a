package recordplan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A datePattern is a pattern of Java's DateTimeFormatter in its English locale, taken
// apart. What Java refuses is refused, and so are pad modifiers.
type datePattern []dateField

type dateField struct {
	letter  byte // 0 for a literal
	count   int
	literal string
}

// mostLetters is how often Java lets a letter be repeated.
var mostLetters = map[byte]int{
	'G': 5, 'u': 19, 'y': 19, 'Y': 19, 'D': 3, 'M': 5, 'L': 5, 'd': 2, 'Q': 5, 'q': 5, 'w': 2, 'W': 1,
	'E': 5, 'e': 5, 'c': 5, 'F': 1, 'a': 1, 'h': 2, 'K': 2, 'k': 2, 'H': 2, 'm': 2, 's': 2, 'S': 9,
	'A': 19, 'n': 19, 'N': 19, 'z': 4, 'O': 4, 'X': 5, 'x': 5, 'Z': 5, 'V': 2,
}

func parseDatePattern(s string) (p datePattern, err error) {
	literal := func(text string) {
		if n := len(p); n > 0 && p[n-1].letter == 0 {
			p[n-1].literal += text
		} else {
			p = append(p, dateField{literal: text})
		}
	}
	optional := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'':
			end := i + 1
			var text strings.Builder
			for ; ; end++ {
				if end >= len(s) {
					return nil, fmt.Errorf("pattern %q: quote at %d does not end", s, i)
				}
				if s[end] == '\'' {
					if end+1 < len(s) && s[end+1] == '\'' {
						end++
					} else {
						break
					}
				}
				text.WriteByte(s[end])
			}
			if end == i+1 {
				literal("'")
			} else {
				literal(text.String())
			}
			i = end + 1
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := i + 1
			for n < len(s) && s[n] == c {
				n++
			}
			most := mostLetters[c]
			if most == 0 {
				return nil, fmt.Errorf("pattern %q: unknown pattern letter %q", s, c)
			}
			count := n - i
			if count > most || c == 'O' && count != 1 && count != 4 || c == 'V' && count != 2 || c == 'c' && count == 2 {
				return nil, fmt.Errorf("pattern %q: %d pattern letters %q", s, count, c)
			}
			p = append(p, dateField{letter: c, count: count})
			i = n
		case c == '[': // optional, and all fields of a time are there
			optional++
			i++
		case c == ']' && optional > 0:
			optional--
			i++
		case strings.IndexByte("]{}#", c) >= 0:
			return nil, fmt.Errorf("pattern %q: reserved character %q", s, c)
		default:
			literal(string(c))
			i++
		}
	}
	return p, nil
}

// civil is a time taken apart once for all the patterns of a prefix.
type civil struct {
	set                       bool
	t                         time.Time
	year, day                 int
	month                     time.Month
	hour, minute, second, nan int
}

func civilOf(t time.Time) civil {
	c := civil{set: true, t: t, nan: t.Nanosecond()}
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

// name appends a name in the short, full or one-letter form that the count asks for.
func name(dst []byte, full string, count int) []byte {
	switch count {
	case 4:
		return append(dst, full...)
	case 5:
		return append(dst, full[:1]...)
	}
	return append(dst, full[:3]...)
}

func (p datePattern) append(dst []byte, c *civil) []byte {
	for i := range p {
		f := &p[i]
		switch f.letter {
		case 0:
			dst = append(dst, f.literal...)
		case 'u', 'y':
			dst = appendYear(dst, c.year, f.count)
		case 'Y':
			year, _ := c.week()
			dst = appendYear(dst, year, f.count)
		case 'M', 'L':
			if f.count <= 2 {
				dst = pad(dst, int(c.month), f.count)
			} else {
				dst = name(dst, c.month.String(), f.count)
			}
		case 'Q', 'q':
			dst = appendQuarter(dst, (int(c.month)-1)/3, f.count)
		case 'd':
			dst = pad(dst, c.day, f.count)
		case 'D':
			dst = pad(dst, c.t.YearDay(), f.count)
		case 'w':
			_, week := c.week()
			dst = pad(dst, week, f.count)
		case 'W':
			first := (int(c.t.Weekday()) - (c.day-1)%7 + 7) % 7
			dst = pad(dst, (c.day-1+first)/7+1, 1)
		case 'F':
			dst = pad(dst, (c.day-1)%7+1, 1)
		case 'E':
			dst = name(dst, c.t.Weekday().String(), f.count)
		case 'e', 'c':
			if f.count <= 2 {
				dst = pad(dst, int(c.t.Weekday())+1, f.count)
			} else {
				dst = name(dst, c.t.Weekday().String(), f.count)
			}
		case 'a':
			dst = append(dst, "AP"[c.hour/12], 'M')
		case 'h':
			dst = pad(dst, (c.hour+11)%12+1, f.count)
		case 'K':
			dst = pad(dst, c.hour%12, f.count)
		case 'k':
			dst = pad(dst, (c.hour+23)%24+1, f.count)
		case 'H':
			dst = pad(dst, c.hour, f.count)
		case 'm':
			dst = pad(dst, c.minute, f.count)
		case 's':
			dst = pad(dst, c.second, f.count)
		case 'S':
			n := c.nan
			for range 9 - f.count {
				n /= 10
			}
			dst = pad(dst, n, f.count)
		case 'n':
			dst = pad(dst, c.nan, f.count)
		case 'A':
			dst = pad(dst, ((c.hour*60+c.minute)*60+c.second)*1000+c.nan/1e6, f.count)
		case 'N':
			dst = pad(dst, ((c.hour*60+c.minute)*60+c.second)*1e9+c.nan, f.count)
		case 'G':
			dst = append(dst, [6]string{1: "AD", "AD", "AD", "Anno Domini", "A"}[f.count]...)
		default:
			dst = appendZone(dst, c.t, f)
		}
	}
	return dst
}

func appendYear(dst []byte, year, count int) []byte {
	if count == 2 {
		return pad(dst, year%100, 2)
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

func appendZone(dst []byte, t time.Time, f *dateField) []byte {
	abbreviation, offset := t.Zone()
	switch f.letter {
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
	switch f.letter {
	case 'O': // GMT+8, GMT+08:00
		if dst = append(dst, "GMT"...); offset == 0 {
			return dst
		}
		dst = append(dst, sign)
		if f.count == 4 {
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
		if f.count == 4 {
			return appendZone(dst, t, &dateField{letter: 'O', count: 4})
		}
		if f.count == 5 && offset == 0 {
			return append(dst, 'Z')
		}
	}
	colon := f.letter == 'Z' && f.count == 5 || f.letter != 'Z' && (f.count == 3 || f.count == 5)
	dst = pad(append(dst, sign), h, 2)
	if f.letter != 'Z' && f.count == 1 && m == 0 {
		return dst
	}
	if colon {
		dst = append(dst, ':')
	}
	dst = pad(dst, m, 2)
	if s > 0 && (f.letter != 'Z' && f.count > 3 || f.letter == 'Z' && f.count == 5) {
		if colon {
			dst = append(dst, ':')
		}
		dst = pad(dst, s, 2)
	}
	return dst
}
