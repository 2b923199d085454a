package udf

import (
	"database/sql/driver"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// specifier is %[argument$][flags][width][.precision]conversion of Java's Formatter.
var specifier = regexp.MustCompile(`%(?:(\d+)\$)?([-#+ 0,(<]*)(\d+)?(?:\.(\d+))?([tT]?[a-zA-Z%])`)

// javaFormat writes arguments by a format of Java's Formatter. The arguments come as
// text; kinds has a letter for each: i integer, n decimal, f floating, b boolean, d date
// or timestamp, s anything else.
func javaFormat(format, kinds string, args []driver.Value) (any, error) {
	var b strings.Builder
	next := 0
	for {
		loc := specifier.FindStringSubmatchIndex(format)
		if loc == nil {
			if i := strings.IndexByte(format, '%'); i >= 0 {
				return nil, argumentError("Invalid format string: %s (UnknownFormatConversion: '%%')", format)
			}
			b.WriteString(format)
			return b.String(), nil
		}
		if i := strings.IndexByte(format[:loc[0]], '%'); i >= 0 {
			return nil, argumentError("Invalid format string: %s", format)
		}
		group := func(i int) string {
			if loc[2*i] < 0 {
				return ""
			}
			return format[loc[2*i]:loc[2*i+1]]
		}
		b.WriteString(format[:loc[0]])
		flags, conversion := group(2), group(5)
		width, _ := strconv.Atoi(group(3))
		if width > 10_000 {
			return nil, argumentError("Invalid format string: width %d", width)
		}
		var out string
		switch conversion {
		case "%":
			out = "%"
		case "n":
			out = "\n"
		default:
			at := next
			if n, err := strconv.Atoi(group(1)); err == nil {
				at = n - 1
			} else {
				next++
			}
			if at < 0 || at >= len(args) {
				return nil, argumentError("Invalid format string: %s (MissingFormatArgument: Format specifier '%s')", format, format[loc[0]:loc[1]])
			}
			if args[at] == nil {
				out = "null"
				break
			}
			kind := byte('s')
			if at < len(kinds) {
				kind = kinds[at]
			}
			var ok bool
			if out, ok = convertArgument(conversion, flags, width, group(4), kind, args[at].(string)); !ok {
				return nil, argumentError("Invalid format string: %s (IllegalFormatConversion: %s != %s)", format, conversion, map[byte]string{'i': "java.lang.Long", 'n': "java.math.BigDecimal", 'f': "java.lang.Double", 'b': "java.lang.Boolean", 'd': "java.time.LocalDateTime", 's': "java.lang.String"}[kind])
			}
		}
		if n := len([]rune(out)); n < width {
			pad := strings.Repeat(" ", width-n)
			if strings.Contains(flags, "-") {
				out += pad
			} else {
				out = pad + out
			}
		}
		b.WriteString(out)
		format = format[loc[1]:]
	}
}

func convertArgument(conversion, flags string, width int, precision string, kind byte, v string) (string, bool) {
	p, hasPrecision := 6, precision != ""
	if hasPrecision {
		p, _ = strconv.Atoi(precision)
		if p > 10_000 {
			return "", false
		}
	}
	switch conversion {
	case "s", "S":
		if hasPrecision && p < len([]rune(v)) {
			v = string([]rune(v)[:p])
		}
		if conversion == "S" {
			v = strings.ToUpper(v)
		}
		return v, true
	case "b", "B":
		if kind != 'b' {
			v = "true"
		}
		if conversion == "B" {
			v = strings.ToUpper(v)
		}
		return v, true
	case "d":
		return decorate(v, flags, width), kind == 'i'
	case "x", "X", "o":
		n, err := strconv.ParseInt(v, 10, 64)
		base := 16
		if conversion == "o" {
			base = 8
		}
		out := strconv.FormatUint(uint64(n), base)
		if conversion == "X" {
			out = strings.ToUpper(out)
		}
		if strings.Contains(flags, "0") && len(out) < width {
			out = strings.Repeat("0", width-len(out)) + out
		}
		return out, err == nil && kind == 'i'
	case "f":
		if kind != 'f' && kind != 'n' {
			return "", false
		}
		if r, ok := new(big.Rat).SetString(v); ok {
			return decorate(r.FloatString(p), flags, width), true
		}
		return v, true // NaN, Infinity
	case "e", "E":
		f, err := strconv.ParseFloat(v, 64)
		out := strconv.FormatFloat(f, conversion[0]|0x20, p, 64)
		if conversion == "E" {
			out = strings.ToUpper(out)
		}
		return decorate(out, flags, width), err == nil && (kind == 'f' || kind == 'n')
	case "c":
		return v, kind == 's' && len([]rune(v)) == 1
	}
	if conversion[0] == 't' && len(conversion) == 2 && kind == 'd' {
		t, err := time.Parse("2006-01-02 15:04:05.999999", v)
		if err != nil {
			if t, err = time.Parse("2006-01-02", v); err != nil {
				return "", false
			}
		}
		layout, ok := map[byte]string{'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "2", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon",
			'H': "15", 'k': "15", 'I': "03", 'l': "3", 'M': "04", 'S': "05", 'L': "000", 'p': "pm", 'T': "15:04:05", 'R': "15:04", 'F': "2006-01-02", 'D': "01/02/06", 'j': "002"}[conversion[1]]
		return t.Format(layout), ok
	}
	return "", false
}

// decorate applies the flags of numbers: sign, groups, zeros, parentheses.
func decorate(v, flags string, width int) string {
	negative := strings.HasPrefix(v, "-")
	v = strings.TrimPrefix(v, "-")
	if strings.Contains(flags, ",") {
		digits, rest, dot := strings.Cut(v, ".")
		var b strings.Builder
		for i, c := range digits {
			if i > 0 && (len(digits)-i)%3 == 0 {
				b.WriteByte(',')
			}
			b.WriteRune(c)
		}
		if v = b.String(); dot {
			v += "." + rest
		}
	}
	sign, end := "", ""
	switch {
	case negative && strings.Contains(flags, "("):
		sign, end = "(", ")"
	case negative:
		sign = "-"
	case strings.Contains(flags, "+"):
		sign = "+"
	case strings.Contains(flags, " "):
		sign = " "
	}
	if n := len(sign) + len(v) + len(end); strings.Contains(flags, "0") && n < width {
		v = strings.Repeat("0", width-n) + v
	}
	return sign + v + end
}
