package streamsql

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The names of errors in error_stream.
const (
	errorNumericRange = "NUMERIC_VALUE_OUT_OF_RANGE"
	errorInvalidValue = "INVALID_CHARACTER_VALUE"
	errorDivision     = "DIVISION_BY_ZERO"
	errorCoercion     = "COERCION_ERROR"
	errorFormat       = "DESERIALIZATION_ERROR"
	errorArgument     = "INVALID_ARGUMENT"
	errorInvalidTime  = "INVALID_DATETIME_FORMAT"
)

// longestText is how long a text of an expression may become, in bytes.
const longestText = 1 << 20

// longestInterval is how many units an interval that is cast from a number may have.
const longestInterval = 1_000_000_000

var errTooLong = &rowError{errorArgument, "The text would be longer than 1,048,576 bytes"}

// rowError is why an expression has no value for a row; nil: it has.
type rowError struct{ name, message string }

func inRange(k Kind, i int64) bool {
	switch k {
	case TinyInt:
		return i == int64(int8(i))
	case SmallInt:
		return i == int64(int16(i))
	case Integer:
		return i == int64(int32(i))
	}
	return true
}

func outOfRange(what string, t Type) *rowError {
	return &rowError{errorNumericRange, "Value '" + what + "' is out of range for type " + t.String()}
}

// canCast reports whether values of one type can be cast to another at all.
func canCast(from, to Type) bool {
	switch {
	case from.Kind == Null, from.Kind == to.Kind:
		return true
	case from.isNumeric():
		return to.isNumeric() || to.isString() || to.isInterval() && !from.isApprox()
	case from.isString():
		return to.Kind != Null
	case from.Kind == Varbinary:
		return false
	case from.Kind == Date:
		return to.isString() || to.Kind == Timestamp
	case from.Kind == Time:
		return to.isString() || to.Kind == Timestamp
	case from.Kind == Timestamp:
		return to.isString() || to.Kind == Date || to.Kind == Time
	case from.isInterval():
		return to.isString() || to.isInteger() || to.Kind == Decimal
	case from.Kind == Boolean:
		return to.isString()
	}
	return false
}

// sameRepresentation reports whether a cast leaves every value as it is.
func sameRepresentation(from, to Type) bool {
	switch {
	case from.Kind == Null:
		return true
	case from.isText() && to.Kind == Varchar || from.Kind == Varbinary && to.Kind == Varbinary:
		return to.Length == 0 || from.Length > 0 && from.Length <= to.Length
	case from.isInteger() && to.isInteger():
		return from.Kind <= to.Kind
	case from.isInterval():
		return from.Kind == to.Kind
	case from.Kind == Real && to.Kind == Double:
		return true
	}
	return from == to && from.Kind != Char
}

// cast changes a value's type. Numbers are rounded to whole numbers half away from zero, and
// text is cut to the length of its type.
func cast(v value, from, to Type, now int64) (value, *rowError) {
	if v.null {
		return null, nil
	}
	switch {
	case to.isText():
		s := v.s
		if !from.isText() {
			s = string(appendText(nil, from, v))
			if to.Length > 0 && len(s) > to.Length {
				return null, &rowError{errorCoercion, "Value '" + s + "' does not fit " + to.String()}
			}
		}
		return value{s: fit(s, to)}, nil
	case from.isString():
		return parse(v.s, to)
	case to.isInteger():
		i := v.i
		switch {
		case from.isApprox():
			f := math.Round(v.float())
			if math.IsNaN(f) || f < -(1<<63) || f >= 1<<63 {
				return null, outOfRange(formatFloat(v.float(), 64), to)
			}
			i = int64(f)
		case from.Kind == Decimal:
			i, _ = rescale(v.i, from.Scale, 0)
		case from.isInterval():
			i = v.i / unitOf(from)
		}
		if !inRange(to.Kind, i) {
			return null, outOfRange(strconv.FormatInt(i, 10), to)
		}
		return value{i: i}, nil
	case to.Kind == Decimal:
		i, scale := v.i, 0
		switch {
		case from.isApprox():
			return floatToDecimal(v.float(), to)
		case from.Kind == Decimal:
			scale = from.Scale
		case from.isInterval():
			i, scale = v.i*1000/unitOf(from), 3
		}
		i, ok := rescale(i, scale, to.Scale)
		if !ok || i >= powers[to.Precision] || i <= -powers[to.Precision] {
			return null, outOfRange(string(appendText(nil, from, v)), to)
		}
		return value{i: i}, nil
	case to.isApprox():
		f := toFloat(v, from)
		if to.Kind == Real {
			g := float32(f)
			if math.IsInf(float64(g), 0) && !math.IsInf(f, 0) {
				return null, outOfRange(formatFloat(f, 64), to)
			}
			f = float64(g)
		}
		return float(f), nil
	case to.Kind == Timestamp:
		if from.Kind == Time {
			return value{i: floorTo(now, msDay) + v.i}, nil
		}
		return v, nil
	case to.Kind == Date:
		return value{i: floorTo(v.i, msDay)}, nil
	case to.Kind == Time:
		return value{i: v.i - floorTo(v.i, msDay)}, nil
	case to.isInterval() && from.isNumeric():
		i, _ := rescale(v.i, from.Scale, 0)
		if i > longestInterval || i < -longestInterval {
			return null, outOfRange(string(appendText(nil, from, v)), to)
		}
		return value{i: i * unitOf(to)}, nil
	}
	return v, nil
}

func fit(s string, t Type) string {
	if t.Length == 0 {
		return s
	}
	if t.Kind == Varbinary {
		return s[:min(len(s), t.Length)]
	}
	if len(s) > t.Length {
		n := 0
		for i := range s {
			if n++; n > t.Length {
				return s[:i]
			}
		}
	}
	if t.Kind == Char {
		if n := utf8.RuneCountInString(s); n < t.Length {
			return s + strings.Repeat(" ", t.Length-n)
		}
	}
	return s
}

func toFloat(v value, t Type) float64 {
	switch {
	case t.isApprox():
		return v.float()
	case t.Kind == Decimal:
		return float64(v.i) / float64(powers[t.Scale])
	}
	return float64(v.i)
}

func floatToDecimal(f float64, t Type) (value, *rowError) {
	x := f * float64(powers[t.Scale])
	if math.IsNaN(x) || math.Abs(x) >= float64(powers[t.Precision]) {
		return null, outOfRange(formatFloat(f, 64), t)
	}
	return value{i: int64(math.Round(x))}, nil
}

// rescale changes an unscaled decimal's scale, rounding half away from zero.
func rescale(i int64, from, to int) (int64, bool) {
	switch {
	case to > from:
		p := powers[to-from]
		r := i * p
		return r, r/p == i
	case to < from:
		p := powers[from-to]
		q, m := i/p, i%p
		if m*2 >= p || -m*2 >= p {
			if i < 0 {
				q--
			} else {
				q++
			}
		}
		return q, true
	}
	return i, true
}

// mulDiv is a*b/c rounded toward zero; false where the result does not fit.
func mulDiv(a, b, c int64) (int64, bool) {
	neg := (a < 0) != (b < 0) != (c < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	d := magnitude(c)
	if d == 0 || hi >= d {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, d)
	if q > math.MaxInt64 {
		return 0, false
	}
	if neg {
		return -int64(q), true
	}
	return int64(q), true
}

func magnitude(i int64) uint64 {
	if i < 0 {
		return uint64(-i)
	}
	return uint64(i)
}

// parse reads text as a value of another type.
func parse(s string, t Type) (value, *rowError) {
	s = strings.TrimSpace(s)
	bad := func(name string) (value, *rowError) {
		return null, &rowError{name, "'" + s + "' is not a valid " + t.String()}
	}
	switch {
	case t.Kind == Boolean:
		switch strings.ToUpper(s) {
		case "TRUE", "1", "YES", "T", "Y", "ON":
			return boolean(true), nil
		case "FALSE", "0", "NO", "F", "N", "OFF":
			return boolean(false), nil
		case "UNKNOWN":
			return null, nil
		}
		return bad(errorInvalidValue)
	case t.isInteger():
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			f, ferr := strconv.ParseFloat(s, 64)
			if ferr != nil || math.IsNaN(f) || math.IsInf(f, 0) {
				return bad(errorInvalidValue)
			}
			return cast(float(f), Type{Kind: Double}, t, 0)
		}
		if !inRange(t.Kind, i) {
			return null, outOfRange(s, t)
		}
		return value{i: i}, nil
	case t.Kind == Decimal:
		i, scale, ok := parseDecimal(s)
		if !ok {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return bad(errorInvalidValue)
			}
			return floatToDecimal(f, t)
		}
		return cast(value{i: i}, Type{Kind: Decimal, Precision: 18, Scale: scale}, t, 0)
	case t.isApprox():
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return bad(errorInvalidValue)
		}
		return cast(float(f), Type{Kind: Double}, t, 0)
	case t.isTime():
		ms, ok := parseTime(s, t.Kind)
		if !ok {
			return bad(errorInvalidTime)
		}
		return value{i: ms}, nil
	case t.isInterval():
		ms, ok := parseInterval(s, unitNames[t.Precision], unitNames[t.Scale])
		if !ok {
			return bad(errorInvalidTime)
		}
		return value{i: ms}, nil
	}
	return bad(errorInvalidValue)
}

// parseDecimal reads digits with a point, of 18 digits at most.
func parseDecimal(s string) (i int64, scale int, ok bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	digits, point := 0, -1
	for j := 0; j < len(s); j++ {
		switch c := s[j]; {
		case c == '.' && point < 0:
			point = j
		case c >= '0' && c <= '9':
			if digits > 0 || c != '0' {
				if digits++; digits > 18 {
					return 0, 0, false
				}
			}
			i = i*10 + int64(c-'0')
		default:
			return 0, 0, false
		}
	}
	if s == "" || s == "." {
		return 0, 0, false
	}
	if point >= 0 {
		if scale = len(s) - point - 1; scale > 18 {
			return 0, 0, false
		}
	}
	if neg {
		i = -i
	}
	return i, scale, true
}

// appendText appends a value as CAST to VARCHAR writes it.
func appendText(dst []byte, t Type, v value) []byte {
	if v.null {
		return dst
	}
	switch {
	case t.isText():
		return append(dst, v.s...)
	case t.Kind == Boolean:
		if v.i != 0 {
			return append(dst, "TRUE"...)
		}
		return append(dst, "FALSE"...)
	case t.isInteger():
		return strconv.AppendInt(dst, v.i, 10)
	case t.Kind == Decimal:
		return appendDecimal(dst, v.i, t.Scale)
	case t.Kind == Real:
		return appendFloat(dst, v.float(), 32)
	case t.Kind == Double:
		return appendFloat(dst, v.float(), 64)
	case t.Kind == Date:
		return appendDate(dst, v.i)
	case t.Kind == Time:
		return appendClock(dst, v.i)
	case t.Kind == Timestamp:
		return appendTimestamp(dst, v.i)
	case t.isInterval():
		return appendInterval(dst, t, v.i)
	}
	return dst
}

func appendDecimal(dst []byte, i int64, scale int) []byte {
	if scale == 0 {
		return strconv.AppendInt(dst, i, 10)
	}
	u := magnitude(i)
	if i < 0 {
		dst = append(dst, '-')
	}
	p := uint64(powers[scale])
	dst = strconv.AppendUint(dst, u/p, 10)
	dst = append(dst, '.')
	frac := strconv.FormatUint(u%p, 10)
	for range scale - len(frac) {
		dst = append(dst, '0')
	}
	return append(dst, frac...)
}

// appendFloat writes a float as Java does: with a point, or an exponent behind an E.
func appendFloat(dst []byte, f float64, size int) []byte {
	a := math.Abs(f)
	if f == 0 || a >= 1e-3 && a < 1e7 {
		n := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, size)
		for _, c := range dst[n:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, '.', '0')
	}
	if math.IsInf(f, 1) {
		return append(dst, "Infinity"...)
	} else if math.IsInf(f, -1) {
		return append(dst, "-Infinity"...)
	} else if math.IsNaN(f) {
		return append(dst, "NaN"...)
	}
	s := strconv.FormatFloat(f, 'E', -1, size)
	mantissa, exp, _ := strings.Cut(s, "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	e, _ := strconv.Atoi(exp)
	return append(dst, mantissa+"E"+strconv.Itoa(e)...)
}

func formatFloat(f float64, size int) string { return string(appendFloat(nil, f, size)) }
