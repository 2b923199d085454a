package attr

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Number is a decimal of up to 38 digits in its plain form: no exponent, no zeros that say
// nothing, no sign of zero. So equal numbers are equal texts.
type Number string

// What ParseNumber finds wrong with a text.
var (
	ErrNotNumber = errors.New("attr: not a number")
	ErrOverflow  = errors.New("attr: magnitude above 9.99e125")
	ErrUnderflow = errors.New("attr: magnitude below 1e-130")
	ErrPrecision = errors.New("attr: more than 38 significant digits")
)

const (
	maxDigits    = 38
	maxMagnitude = 126  // digits before the point
	minMagnitude = -129 // zeros after the point, as a negative number of digits before it
)

// ParseNumber reads a decimal, with or without an exponent.
func ParseNumber(s string) (Number, error) {
	if plainInteger(s) {
		return Number(s), nil
	}
	i, negative := 0, false
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		negative = s[i] == '-'
		i++
	}
	var digits []byte
	point, seen, any := 0, false, false
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if seen {
				return "", ErrNotNumber
			}
			seen = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		any = true
		if len(digits) == 0 && c == '0' { // leading zero
			if seen {
				point--
			}
			continue
		}
		digits = append(digits, c)
		if !seen {
			point++
		}
	}
	if !any {
		return "", ErrNotNumber
	}
	if i < len(s) {
		e, ok := exponent(s[i:])
		if !ok {
			return "", ErrNotNumber
		}
		point += int(min(max(e, -math.MaxInt32), math.MaxInt32)) // beyond them all are too large
	}
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	switch {
	case len(digits) == 0 && point+1 > maxMagnitude: // a zero has the size that it is written with
		return "", ErrOverflow
	case len(digits) == 0 && point+1 < minMagnitude:
		return "", ErrUnderflow
	case len(digits) == 0:
		return "0", nil
	case point > maxMagnitude:
		return "", ErrOverflow
	case point < minMagnitude:
		return "", ErrUnderflow
	case len(digits) > maxDigits:
		return "", ErrPrecision
	}
	return Number(plain(negative, digits, point)), nil
}

// plainInteger says that s is in the plain form already, a short integer.
func plainInteger(s string) bool {
	t := s
	if t != "" && t[0] == '-' {
		t = t[1:]
		if t == "0" {
			return false
		}
	}
	if t == "" || len(t) > maxDigits || t[0] == '0' && len(t) > 1 {
		return false
	}
	for i := range len(t) {
		if t[i] < '0' || t[i] > '9' {
			return false
		}
	}
	return true
}

// exponent reads "e10", "E-5"; one that does not fit 64 bits is none.
func exponent(s string) (int64, bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	n, err := strconv.ParseInt(s[1:], 10, 64)
	return n, err == nil
}

// Error32 is what is wrong with a text that ParseNumber refuses with err, as those parts of
// DynamoDB tell it that hold exponents and the digits after the point in 32 bits: a larger
// one is not a number, and the magnitude of one that fits may wrap.
func Error32(s string, err error) error {
	mantissa, e := s, int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 && !errors.Is(err, ErrNotNumber) {
		mantissa, e = s[:i], 0
		var ok bool
		if e, ok = exponent(s[i:]); !ok || e != int64(int32(e)) {
			return ErrNotNumber
		}
	}
	if errors.Is(err, ErrNotNumber) {
		return err
	}
	whole, fraction, _ := strings.Cut(strings.TrimLeft(mantissa, "+-"), ".")
	scale := int64(len(fraction)) - e
	if scale != int64(int32(scale)) {
		return ErrNotNumber
	}
	precision := max(1, len(strings.TrimLeft(whole+fraction, "0")))
	switch m := int32(int64(precision) - scale); {
	case m > maxMagnitude:
		return ErrOverflow
	case m < minMagnitude:
		return ErrUnderflow
	}
	return ErrPrecision
}

func plain(negative bool, digits []byte, point int) string {
	var b strings.Builder
	b.Grow(len(digits) + max(point, -point) + 3)
	if negative {
		b.WriteByte('-')
	}
	switch {
	case point <= 0:
		b.WriteString("0.")
		for range -point {
			b.WriteByte('0')
		}
		b.Write(digits)
	case point >= len(digits):
		b.Write(digits)
		for range point - len(digits) {
			b.WriteByte('0')
		}
	default:
		b.Write(digits[:point])
		b.WriteByte('.')
		b.Write(digits[point:])
	}
	return b.String()
}

// parts takes a plain form apart: value = 0.digits * 10^point, digits without zeros at
// either end. Zero has no digits.
func (n Number) parts() (negative bool, digits string, point int) {
	s := string(n)
	if s != "" && s[0] == '-' {
		negative, s = true, s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "0" {
		whole = ""
	}
	point = len(whole)
	digits = whole + fraction
	if whole == "" {
		trimmed := strings.TrimLeft(fraction, "0")
		point = len(trimmed) - len(fraction)
		digits = trimmed
	}
	return negative, strings.TrimRight(digits, "0"), point
}

// Compare orders numbers by value.
func (n Number) Compare(m Number) int {
	a, b := string(n), string(m)
	na, nb := a != "" && a[0] == '-', b != "" && b[0] == '-'
	switch {
	case na && !nb:
		return -1
	case !na && nb:
		return 1
	case na:
		return comparePlain(b[1:], a[1:])
	}
	return comparePlain(a, b)
}

func comparePlain(a, b string) int {
	wa, fa, _ := strings.Cut(a, ".")
	wb, fb, _ := strings.Cut(b, ".")
	if len(wa) != len(wb) {
		if len(wa) < len(wb) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(wa, wb); c != 0 {
		return c
	}
	return strings.Compare(fa, fb)
}

// Size is the bytes that DynamoDB counts for the number: one for each two digits, aligned
// to the point, one for the exponent, one for a minus.
func (n Number) Size() int {
	s := string(n)
	if s == "0" {
		return 1
	}
	size := 1
	if s[0] == '-' {
		size, s = 2, s[1:]
	}
	whole, fraction, ok := strings.Cut(s, ".")
	if ok {
		if whole == "0" {
			whole = ""
			for strings.HasPrefix(fraction, "00") {
				fraction = fraction[2:]
			}
		}
		size += (len(whole)+1)/2 + (len(fraction)+1)/2
	} else {
		for strings.HasSuffix(whole, "00") {
			whole = whole[:len(whole)-2]
		}
		size += (len(whole) + 1) / 2
	}
	return min(size, 21)
}

var exact = apd.BaseContext.WithPrecision(400)

// Add is n + m; the errors are those of ParseNumber.
func (n Number) Add(m Number) (Number, error) { return n.with(m, exact.Add) }

// Sub is n - m; the errors are those of ParseNumber.
func (n Number) Sub(m Number) (Number, error) { return n.with(m, exact.Sub) }

func (n Number) with(m Number, f func(d, x, y *apd.Decimal) (apd.Condition, error)) (Number, error) {
	var x, y, d apd.Decimal
	if _, _, err := x.SetString(string(n)); err != nil {
		return "", ErrNotNumber
	}
	if _, _, err := y.SetString(string(m)); err != nil {
		return "", ErrNotNumber
	}
	if _, err := f(&d, &x, &y); err != nil {
		return "", ErrNotNumber
	}
	return ParseNumber(d.Text('f'))
}
