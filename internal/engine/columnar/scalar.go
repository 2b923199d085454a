package columnar

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// noMatch is how Firehose begins to say that a value does not fit its column; what
// follows is the text of a Java exception.
const noMatch = "Data does not match the schema. "

func forInput(b []byte) string {
	if len(b) > 200 {
		b = b[:200]
	}
	return noMatch + "For input string: \"" + strings.ToValidUTF8(string(b), "\uFFFD") + "\""
}

func outOfRange(b []byte, t *hivetype.Type) string {
	if len(b) > 200 {
		b = b[:200]
	}
	return fmt.Sprintf("%sValue %s is out of range for type %s", noMatch, b, t)
}

// plain adds a value of the type that its column has, of those that need no thought. It is
// a shorter way to what value does.
func (l *leaf) plain(t hivetype.Kind, b []byte, m *jsontext.Member) bool {
	switch {
	case t == hivetype.Double && (m.Kind == jsontext.Real || m.Kind == jsontext.Integer):
		f := jsontext.Float(b)
		if math.IsInf(f, 0) {
			return false
		}
		l.f64 = append(l.f64, f)
	case t == hivetype.String && m.Kind == jsontext.String && !m.Escaped:
		l.addBytes(b[1 : len(b)-1])
	case t == hivetype.BigInt && m.Kind == jsontext.Integer:
		n, ok := jsontext.Int(b)
		if !ok {
			return false
		}
		l.i64 = append(l.i64, n)
	case t == hivetype.Int && m.Kind == jsontext.Integer:
		n, ok := jsontext.Int(b)
		if !ok || int64(int32(n)) != n {
			return false
		}
		l.i32 = append(l.i32, int32(n))
	default:
		return false
	}
	l.def = append(l.def, l.maxDef)
	return true
}

// scalar adds a value that is not null to a leaf and returns why it cannot.
func (w *Writer) scalar(l *leaf, t *hivetype.Type, b []byte, kind jsontext.Kind, escaped bool) string {
	switch kind {
	case jsontext.String:
		if w.opts.SerDe == Hive {
			switch t.Kind {
			case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float, hivetype.Double:
				if t.Kind >= hivetype.Float && isNoNumber(b[1:len(b)-1]) {
					break
				}
				return noMatch + "Current token (VALUE_STRING) not numeric, can not use numeric value accessors"
			case hivetype.Boolean:
				return noMatch + "Current token (VALUE_STRING) not of boolean type"
			}
		}
		return w.text(l, t, b[1:len(b)-1], escaped)
	case jsontext.Object, jsontext.Array:
		switch t.Kind {
		case hivetype.String, hivetype.Char, hivetype.Varchar:
			if w.opts.SerDe == OpenX || w.opts.ObjectText {
				w.scratch = jsontext.AppendCompact(w.scratch[:0], b, w.folds())
				return l.addText(t, w.scratch)
			}
			return "One or more fields have incorrect format. Exception when validating field (root)"
		}
		return fmt.Sprintf("%sA JSON %s cannot be %s", noMatch, kind, t)
	}
	switch t.Kind {
	case hivetype.Boolean:
		if kind != jsontext.True && kind != jsontext.False {
			return forInput(b)
		}
		l.bools = append(l.bools, kind == jsontext.True)
		return ""
	case hivetype.String, hivetype.Char, hivetype.Varchar:
		return l.addText(t, b)
	}
	if kind == jsontext.True || kind == jsontext.False {
		return forInput(b)
	}
	switch t.Kind {
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		if kind == jsontext.Integer {
			n, ok := jsontext.Int(b)
			if !ok {
				return outOfRange(b, t)
			}
			return l.addInt(t, n, b)
		}
		f := math.Trunc(jsontext.Float(b)) // as Jackson's getIntValue
		if w.opts.SerDe == OpenX && f != jsontext.Float(b) {
			return forInput(b)
		}
		if !(f >= -(1<<63) && f < 1<<63) {
			return outOfRange(b, t)
		}
		return l.addInt(t, int64(f), b)
	case hivetype.Float, hivetype.Double:
		return l.addFloat(t, jsontext.Float(b), b, false)
	case hivetype.Decimal:
		return l.addDecimal(t, b)
	case hivetype.Timestamp:
		ts, ok := w.numberTime(b)
		if !ok {
			return forInput(b)
		}
		l.i96 = append(l.i96, w.moment(ts).int96())
		return ""
	}
	return forInput(b)
}

// text adds what a JSON string, or the key of a map, stands for.
func (w *Writer) text(l *leaf, t *hivetype.Type, s []byte, escaped bool) string {
	if escaped {
		w.scratch2 = jsontext.AppendUnquoted(w.scratch2[:0], s)
		s = w.scratch2
	}
	switch t.Kind {
	case hivetype.String, hivetype.Char, hivetype.Varchar:
		return l.addText(t, s)
	case hivetype.Binary:
		if w.opts.SerDe == Hive { // whose bytes are the text's own
			l.addBytes(s)
			return ""
		}
		return l.addBinary(s)
	case hivetype.Date:
		days, ok := parseDate(s)
		if !ok {
			if ts, some := w.customTime(s); some {
				days, ok = ts.days(), true
			}
		}
		if !ok {
			return forInput(s)
		}
		l.i32 = append(l.i32, days)
		return ""
	case hivetype.Timestamp:
		ts, ok := w.textTime(s)
		if !ok {
			return forInput(s)
		}
		l.i96 = append(l.i96, w.moment(ts).int96())
		return ""
	case hivetype.Boolean:
		switch {
		case len(s) == 4 && bytes.EqualFold(s, []byte("true")):
			l.bools = append(l.bools, true)
		case len(s) == 5 && bytes.EqualFold(s, []byte("false")):
			l.bools = append(l.bools, false)
		default:
			return forInput(s)
		}
		return ""
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		digits := bytes.TrimSpace(s)
		number := unsafe.String(unsafe.SliceData(digits), len(digits))
		n, err := strconv.ParseInt(number, 10, 64)
		if w.opts.SerDe == OpenX && len(digits) > 1 && digits[0] == '0' {
			n, err = javaInt(number)
		}
		if err != nil {
			return forInput(s)
		}
		return l.addInt(t, n, digits)
	case hivetype.Float, hivetype.Double:
		number := bytes.TrimSpace(s)
		f, ok := javaDouble(number)
		if !ok {
			return forInput(s)
		}
		return l.addFloat(t, f, number, true)
	case hivetype.Decimal:
		return l.addDecimal(t, bytes.TrimSpace(s))
	}
	return forInput(s)
}

// isNoNumber reports whether a text is one of those that Jackson writes for what no number of JSON is.
func isNoNumber(s []byte) bool {
	return string(s) == "NaN" || string(s) == "Infinity" || string(s) == "-Infinity"
}

// javaInt reads the digits that the OpenX SerDe takes behind a zero: 0x1F is hexadecimal, 017 octal where
// it can be, and 019 is 19.
func javaInt(s string) (int64, error) {
	if s[1] == 'x' || s[1] == 'X' {
		return strconv.ParseInt(s[2:], 16, 64)
	}
	if n, err := strconv.ParseInt(s[1:], 8, 64); err == nil && s[1]-'0' <= 9 {
		return n, nil
	}
	return strconv.ParseInt(s, 10, 64)
}

// javaDouble reads what Java's Double.parseDouble reads, less its hexadecimal form.
func javaDouble(s []byte) (float64, bool) {
	switch string(s) {
	case "NaN", "+NaN", "-NaN":
		return math.NaN(), true
	case "Infinity", "+Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	for _, c := range s {
		if c-'0' > 9 && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), 64)
	return f, err == nil
}

func (l *leaf) addInt(t *hivetype.Type, n int64, b []byte) string {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	switch t.Kind {
	case hivetype.TinyInt:
		low, high = math.MinInt8, math.MaxInt8
	case hivetype.SmallInt:
		low, high = math.MinInt16, math.MaxInt16
	case hivetype.Int:
		low, high = math.MinInt32, math.MaxInt32
	default:
		l.i64 = append(l.i64, n)
		return ""
	}
	if n < low || n > high {
		return outOfRange(b, t)
	}
	l.i32 = append(l.i32, int32(n))
	return ""
}

// addFloat refuses a number that overflowed; an infinity that was written as such is one.
func (l *leaf) addFloat(t *hivetype.Type, f float64, b []byte, infinite bool) string {
	if math.IsInf(f, 0) && !infinite {
		return outOfRange(b, t)
	}
	if t.Kind == hivetype.Double {
		l.f64 = append(l.f64, f)
		return ""
	}
	if math.IsInf(float64(float32(f)), 0) && !math.IsInf(f, 0) {
		return outOfRange(b, t)
	}
	l.f32 = append(l.f32, float32(f))
	return ""
}

// addText cuts char and varchar to their length in characters; char is held without the
// spaces at its end, as Hive holds it.
func (l *leaf) addText(t *hivetype.Type, s []byte) string {
	if t.Kind != hivetype.String {
		if len(s) > t.Length && utf8.RuneCount(s) > t.Length {
			at := 0
			for range t.Length {
				_, n := utf8.DecodeRune(s[at:])
				at += n
			}
			s = s[:at]
		}
		if t.Kind == hivetype.Char {
			s = bytes.TrimRight(s, " ")
		}
	}
	l.addBytes(s)
	return ""
}

// addBinary decodes base64, with or without padding.
func (l *leaf) addBinary(s []byte) string {
	enc := base64.StdEncoding
	if len(s)%4 != 0 {
		enc = base64.RawStdEncoding
	}
	out, err := enc.AppendDecode(l.bytes, s)
	if err != nil {
		return noMatch + "A binary column takes base64: " + err.Error()
	}
	l.bytes = out
	l.ends = append(l.ends, uint32(len(out)))
	return ""
}
