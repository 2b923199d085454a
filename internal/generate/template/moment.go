package template

import (
	"strconv"
	"strings"
	"time"
)

// The formats that moment.js takes, in English. Facts: momentjs.com/docs/#/displaying/format/.

// momentTokens are the tokens of a format, longer ones before their beginnings.
var momentTokens = []string{
	"YYYYYY", "YYYYY", "YYYY", "YY", "Y", "gggg", "gg", "GGGG", "GG", "Qo", "Q",
	"MMMM", "MMM", "MM", "Mo", "M", "DDDD", "DDDo", "DDD", "DD", "Do", "D",
	"dddd", "ddd", "dd", "do", "d", "e", "E", "ww", "wo", "w", "WW", "Wo", "W",
	"HH", "H", "hh", "h", "kk", "k", "mm", "m", "ss", "s", "A", "a", "ZZ", "Z", "X", "x",
	"LTS", "LT", "LLLL", "LLL", "LL", "L", "llll", "lll", "ll", "l",
}

// momentLocal are the tokens that stand for formats of English.
var momentLocal = map[string]string{
	"LT": "h:mm A", "LTS": "h:mm:ss A", "L": "MM/DD/YYYY", "LL": "MMMM D, YYYY", "LLL": "MMMM D, YYYY h:mm A",
	"LLLL": "dddd, MMMM D, YYYY h:mm A", "l": "M/D/YYYY", "ll": "MMM D, YYYY", "lll": "MMM D, YYYY h:mm A", "llll": "ddd, MMM D, YYYY h:mm A",
}

// moment is a format that was read.
type moment []func(dst []byte, t time.Time) []byte

func parseMoment(format string) moment {
	var m moment
	text := func(s string) {
		m = append(m, func(dst []byte, _ time.Time) []byte { return append(dst, s...) })
	}
next:
	for format != "" {
		if format[0] == '[' {
			if end := strings.IndexByte(format, ']'); end > 0 {
				text(format[1:end])
				format = format[end+1:]
				continue
			}
		}
		if format[0] == '\\' && len(format) > 1 {
			text(format[1:2])
			format = format[2:]
			continue
		}
		if n := len(format) - len(strings.TrimLeft(format, "S")); n > 0 {
			n = min(n, 9)
			m = append(m, func(dst []byte, t time.Time) []byte { return appendPadded(dst, t.Nanosecond()/pow10(9-n), n) })
			format = format[n:]
			continue
		}
		for _, token := range momentTokens {
			if !strings.HasPrefix(format, token) {
				continue
			}
			if long, ok := momentLocal[token]; ok {
				m = append(m, parseMoment(long)...)
			} else {
				m = append(m, func(dst []byte, t time.Time) []byte { return appendToken(dst, token, t) })
			}
			format = format[len(token):]
			continue next
		}
		n := 1
		for n < len(format) && !strings.ContainsRune(`[\SYgGQMDdeEwWHhkmsAaZXxLl`, rune(format[n])) {
			n++
		}
		text(format[:n])
		format = format[n:]
	}
	return m
}

func (m moment) append(dst []byte, t time.Time) []byte {
	for _, f := range m {
		dst = f(dst, t)
	}
	return dst
}

func appendToken(dst []byte, token string, t time.Time) []byte {
	year, week := t.ISOWeek()
	localYear, localWeek := usWeek(t)
	switch token {
	case "YYYYYY":
		return appendPadded(append(dst, '+'), t.Year(), 6)
	case "YYYYY":
		return appendPadded(dst, t.Year(), 5)
	case "YYYY":
		return appendPadded(dst, t.Year(), 4)
	case "Y":
		return appendPadded(dst, t.Year(), 1)
	case "YY":
		return appendPadded(dst, t.Year()%100, 2)
	case "GGGG", "GG":
		return appendPadded(dst, year%pow10(len(token)), len(token))
	case "gggg", "gg":
		return appendPadded(dst, localYear%pow10(len(token)), len(token))
	case "Q", "Qo":
		return appendOrdinal(dst, token, (int(t.Month())+2)/3)
	case "MMMM":
		return append(dst, t.Month().String()...)
	case "MMM":
		return append(dst, t.Month().String()[:3]...)
	case "MM", "M", "Mo":
		return appendOrdinal(dst, token, int(t.Month()))
	case "DDDD":
		return appendPadded(dst, t.YearDay(), 3)
	case "DDD", "DDDo":
		return appendOrdinal(dst, token[2:], t.YearDay())
	case "DD", "D", "Do":
		return appendOrdinal(dst, token, t.Day())
	case "dddd":
		return append(dst, t.Weekday().String()...)
	case "ddd", "dd":
		return append(dst, t.Weekday().String()[:len(token)]...)
	case "d", "do", "e":
		return appendOrdinal(dst, token, int(t.Weekday()))
	case "E":
		return appendPadded(dst, (int(t.Weekday())+6)%7+1, 1)
	case "ww", "w", "wo":
		return appendOrdinal(dst, token, localWeek)
	case "WW", "W", "Wo":
		return appendOrdinal(dst, token, week)
	case "HH", "H":
		return appendPadded(dst, t.Hour(), len(token))
	case "hh", "h":
		return appendPadded(dst, (t.Hour()+11)%12+1, len(token))
	case "kk", "k":
		return appendPadded(dst, (t.Hour()+23)%24+1, len(token))
	case "mm", "m":
		return appendPadded(dst, t.Minute(), len(token))
	case "ss", "s":
		return appendPadded(dst, t.Second(), len(token))
	case "A":
		return t.AppendFormat(dst, "PM")
	case "a":
		return t.AppendFormat(dst, "pm")
	case "Z":
		return t.AppendFormat(dst, "-07:00")
	case "ZZ":
		return t.AppendFormat(dst, "-0700")
	case "X":
		return strconv.AppendInt(dst, t.Unix(), 10)
	default: // x
		return strconv.AppendInt(dst, t.UnixMilli(), 10)
	}
}

// usWeek is the week of the year as English has it: weeks begin on Sunday, and the first is the one with
// the first of January.
func usWeek(t time.Time) (year, week int) {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	saturday := day.AddDate(0, 0, 6-int(day.Weekday()))
	return saturday.Year(), (saturday.YearDay()-1)/7 + 1
}

// appendOrdinal appends a number for a token: with the ending of an ordinal where the token ends with o,
// else padded to the token's length.
func appendOrdinal(dst []byte, token string, n int) []byte {
	if !strings.HasSuffix(token, "o") {
		return appendPadded(dst, n, len(token))
	}
	dst = strconv.AppendInt(dst, int64(n), 10)
	switch {
	case n%100/10 == 1:
		return append(dst, "th"...)
	case n%10 == 1:
		return append(dst, "st"...)
	case n%10 == 2:
		return append(dst, "nd"...)
	case n%10 == 3:
		return append(dst, "rd"...)
	}
	return append(dst, "th"...)
}

// appendPadded appends a number of at least width digits.
func appendPadded(dst []byte, n, width int) []byte {
	for limit := pow10(width - 1); width > 1 && n < limit; width-- {
		dst = append(dst, '0')
		limit /= 10
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}
