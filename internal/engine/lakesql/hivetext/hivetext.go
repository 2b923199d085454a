// Package hivetext reads values from text as Hive's SerDes do: LazySimpleSerDe whole numbers,
// reals, decimals and binary, and the dates and timestamps of all of them. A text that is not a
// value of the type gives false, which is null to a query.
package hivetext

import (
	"encoding/base64"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/brookmere/brookmere/internal/engine/javatime"
)

// trim takes away what Java's String.trim does.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// Whole reads a whole number of so many bits. Digits behind a point are left out; spaces and
// exponents are not numbers.
func Whole(s string, bits int) (int64, bool) {
	digits, fraction, _ := strings.Cut(s, ".")
	for _, c := range []byte(fraction) {
		if c-'0' > 9 {
			return 0, false
		}
	}
	sign := strings.TrimPrefix(digits, "+")
	if len(sign) == len(digits) {
		sign = strings.TrimPrefix(digits, "-")
	}
	if sign == "" { // .5 is zero, and a sign alone is nothing
		return 0, strings.Contains(s, ".")
	}
	if sign[0]-'0' > 9 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, bits)
	return n, err == nil
}

var realText = regexp.MustCompile(`^([+-]?)(NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[dDfF]?$`)

// Real reads what Java's Double.parseDouble does, hexadecimal numbers aside; bits are 32 or 64.
func Real(s string, bits int) (float64, bool) {
	m := realText.FindStringSubmatch(trim(s))
	if m == nil || (m[2] == "NaN" || m[2] == "Infinity") && m[0] != m[1]+m[2] {
		return 0, false
	}
	if m[2] == "NaN" {
		m[1] = ""
	}
	v, err := strconv.ParseFloat(m[1]+m[2], bits)
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange { // infinite, or zero
		err = nil
	}
	return v, err == nil
}

var decimalText = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$`)

// Decimal reads a decimal, rounded half up to its scale; one that has too many digits is none.
func Decimal(s string, precision, scale int) (decimal128.Num, bool) {
	m := decimalText.FindStringSubmatch(s)
	if m == nil || m[2]+m[3] == "" {
		return decimal128.Num{}, false
	}
	exponent := int64(0)
	if m[4] != "" {
		var err error
		if exponent, err = strconv.ParseInt(m[4], 10, 32); err != nil {
			return decimal128.Num{}, false
		}
	}
	digits := strings.TrimLeft(m[2]+m[3], "0")
	shift := int64(scale) + exponent - int64(len(m[3]))
	up := false
	switch {
	case digits == "":
		return decimal128.Num{}, true
	case int64(len(digits))+shift > int64(precision):
		return decimal128.Num{}, false
	case int64(len(digits))+shift < 0:
		digits = ""
	case shift >= 0:
		digits += strings.Repeat("0", int(shift))
	default:
		cut := len(digits) + int(shift)
		up, digits = digits[cut] >= '5', digits[:cut]
	}
	v, _ := new(big.Int).SetString("0"+digits, 10)
	if up {
		v.Add(v, big.NewInt(1))
	}
	if m[1] == "-" {
		v.Neg(v)
	}
	n := decimal128.FromBigInt(v)
	return n, n.FitsInPrecision(int32(precision))
}

// Boolean reads true and false in any letter case.
func Boolean(s string) (value, ok bool) {
	value = strings.EqualFold(s, "true")
	return value, value || strings.EqualFold(s, "false")
}

// Binary reads base64, of either alphabet and with or without its padding; a text with another
// character is its bytes.
func Binary(s string) []byte {
	kept := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		switch {
		case c == '-':
			kept = append(kept, '+')
		case c == '_':
			kept = append(kept, '/')
		case c == '+' || c == '/' || c-'0' <= 9 || c-'a' < 26 || c-'A' < 26:
			kept = append(kept, c)
		case c == '=' || c == ' ' || c == '\n' || c == '\r' || c == '\t':
		default:
			return []byte(s)
		}
	}
	if len(kept)%4 == 1 { // six bits that are no byte
		kept = kept[:len(kept)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(kept)))
	n, _ := base64.RawStdEncoding.Decode(out, kept)
	return out[:n]
}

const dateText = `([+-]?[0-9]{1,10})-([+-]?[0-9]{1,9})-([+-]?[0-9]{1,9})`

var (
	datePattern = regexp.MustCompile(`^` + dateText + `$`)
	timePattern = regexp.MustCompile(`^` + dateText + ` ([+-]?[0-9]{1,9}):([+-]?[0-9]{1,9}):([+-]?[0-9]{1,9})(?:\.([0-9]{0,9}))?$`)
	isoPattern  = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{0,9}))?)?$`)
)

// number is a number of a pattern's, zero where there is none.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// maxYear bounds years, as what keeps times does.
const maxYear = 290_000

// moment is the time of parts, some of which may be beyond their ends: the 33rd of January is
// the second of February.
func moment(parts []string) (time.Time, bool) {
	var n [6]int
	for i := range min(len(parts), len(n)) {
		n[i] = number(parts[i])
	}
	if n[0] > maxYear || n[0] < -maxYear || n[1] > 12*maxYear || n[1] < -12*maxYear || n[2] > 366*maxYear || n[2] < -366*maxYear {
		return time.Time{}, false
	}
	nanos := 0
	if len(parts) > 6 {
		nanos = number((parts[6] + "000000000")[:9])
	}
	// The month is whole before the days are counted: time.Date does it so too.
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], nanos, time.UTC)
	return t, t.Year() <= maxYear && t.Year() >= -maxYear
}

// Date reads a date: what is in front of the first space, yyyy-[m]m-[d]d.
func Date(s string) (time.Time, bool) {
	s, _, _ = strings.Cut(trim(s), " ")
	m := datePattern.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	return moment(m[1:])
}

// Formats are the patterns of timestamp.formats.
type Formats []*javatime.Pattern

// ParseFormats reads the property: patterns of Joda-Time's between commas, and millis, which is
// nil here. A backslash takes its meaning from a comma. Patterns that are none are left out.
func ParseFormats(text string) Formats {
	var out Formats
	var one strings.Builder
	end := func() {
		f := strings.TrimSpace(one.String())
		one.Reset()
		if strings.EqualFold(f, "millis") {
			out = append(out, nil)
		} else if p, err := javatime.Compile(javatime.Joda, f); err == nil && f != "" {
			out = append(out, p)
		}
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			one.WriteByte(text[i])
		case text[i] == ',':
			end()
		default:
			one.WriteByte(text[i])
		}
	}
	end()
	return out
}

var millisText = regexp.MustCompile(`^(-?[0-9]+)(\.[0-9]+)?$`)

// Timestamp reads a timestamp by the first of some formats that fits, else as yyyy-[m]m-[d]d
// [h]h:[m]m:[s]s[.f], else as ISO 8601 writes it without a zone. Less than eight bytes are none.
func Timestamp(s string, formats Formats) (time.Time, bool) {
	if len(s) < 8 {
		return time.Time{}, false
	}
	s = trim(s)
	for _, p := range formats {
		if p == nil {
			m := millisText.FindStringSubmatch(s)
			if m == nil {
				continue
			}
			if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && n > -1e16 && n < 1e16 {
				t := time.UnixMilli(n).UTC()
				return t, t.Year() <= maxYear && t.Year() >= -maxYear
			}
			continue
		}
		if t, err := p.Parse(s); err == nil {
			t = t.UTC()
			return t, t.Year() <= maxYear && t.Year() >= -maxYear
		}
	}
	if m := timePattern.FindStringSubmatch(s); m != nil {
		return moment(m[1:])
	}
	m := isoPattern.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	t, ok := moment(m[1:])
	// What is beyond its end has moved another part.
	return t, ok && t.Day() == number(m[3]) && int(t.Month()) == number(m[2]) && t.Hour() == number(m[4]) && t.Minute() == number(m[5]) && t.Second() == number(m[6])
}
