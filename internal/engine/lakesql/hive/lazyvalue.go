package hive

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hivetext"
)

// scalar writes the value of a text of LazySimpleSerDe's that does not nest, or null where it is
// none of the type.
func (n *nestedText) scalar(out *sinkNode, t *hivetype.Type, text []byte) {
	if t == nil {
		out.text(text)
		return
	}
	s := string(text)
	switch t.Kind {
	case hivetype.Boolean:
		if v, ok := hivetext.Boolean(s); ok {
			out.boolean(v)
			return
		}
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		if v, ok := hivetext.Whole(s, wholeBits(t.Kind)); ok {
			out.whole(v)
			return
		}
	case hivetype.Float:
		if v, ok := hivetext.Real(s, 32); ok {
			out.float(float32(v))
			return
		}
	case hivetype.Double:
		if v, ok := hivetext.Real(s, 64); ok {
			out.double(v)
			return
		}
	case hivetype.Decimal:
		if v, ok := hivetext.Decimal(s, t.Precision, t.Scale); ok {
			out.decimal(v)
			return
		}
	case hivetype.Date:
		if v, ok := hivetext.Date(s); ok {
			out.int(int32(floorDiv(v.Unix(), 86_400)))
			return
		}
	case hivetype.Timestamp:
		if v, ok := hivetext.Timestamp(s, n.formats); ok {
			out.long(floorDiv(v.UnixMicro()+500, 1000) * 1000) // to whole milliseconds
			return
		}
	case hivetype.Binary:
		out.text(hivetext.Binary(s))
		return
	case hivetype.Varchar, hivetype.Char:
		out.text(fitted(text, t))
		return
	default:
		out.text(text)
		return
	}
	out.null()
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func wholeBits(k hivetype.Kind) int {
	return map[hivetype.Kind]int{hivetype.TinyInt: 8, hivetype.SmallInt: 16, hivetype.Int: 32, hivetype.BigInt: 64}[k]
}

// fitted cuts text to the characters of a varchar or char, and fills the latter up with spaces.
func fitted(text []byte, t *hivetype.Type) []byte {
	count := 0
	for at := 0; at < len(text); count++ {
		if count == t.Length {
			return text[:at]
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	if t.Kind == hivetype.Char && count < t.Length {
		out := append(make([]byte, 0, len(text)+t.Length-count), text...)
		for ; count < t.Length; count++ {
			out = append(out, ' ')
		}
		return out
	}
	return text
}

// keyOf tells keys of a map apart by their values: 1 and 01 are one key to whole numbers. It is
// false for a text that is no value, whose entry is left out.
func (n *nestedText) keyOf(t *hivetype.Type, text []byte) (string, bool) {
	s := string(text)
	switch {
	case t.Kind == hivetype.Boolean:
		v, ok := hivetext.Boolean(s)
		return strconv.FormatBool(v), ok
	case integral(t):
		v, ok := hivetext.Whole(s, wholeBits(t.Kind))
		return strconv.FormatInt(v, 10), ok
	case t.Kind == hivetype.Float, t.Kind == hivetype.Double:
		v, ok := hivetext.Real(s, map[bool]int{true: 32, false: 64}[t.Kind == hivetype.Float])
		return strconv.FormatUint(math.Float64bits(v+0), 16), ok // zero has one sign
	case t.Kind == hivetype.Decimal:
		v, ok := hivetext.Decimal(s, t.Precision, t.Scale)
		return v.BigInt().String(), ok
	case t.Kind == hivetype.Date:
		v, ok := hivetext.Date(s)
		return strconv.FormatInt(v.Unix(), 10), ok
	case t.Kind == hivetype.Timestamp:
		v, ok := hivetext.Timestamp(s, n.formats)
		return strconv.FormatInt(floorDiv(v.UnixMicro()+500, 1000), 10), ok
	case t.Kind == hivetype.Binary:
		return string(hivetext.Binary(s)), true
	case t.Kind == hivetype.Varchar, t.Kind == hivetype.Char:
		return string(fitted(text, t)), true
	}
	return s, true
}

// oddField reports whether a field may be another value of a type to DuckDB than to
// LazySimpleSerDe. What neither reads is not odd.
func oddField(kind hivetype.Kind, field []byte) bool {
	if len(field) == 0 {
		return false
	}
	switch kind {
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		return oddWhole(field)
	case hivetype.Float, hivetype.Double: // Java trims more than DuckDB
		return oddNumber(field) || controls(field[0]) || controls(field[len(field)-1])
	case hivetype.Decimal:
		if oddNumber(field) {
			return true
		}
		return field[0] <= ' ' || field[len(field)-1] <= ' '
	case hivetype.Date, hivetype.Timestamp:
		return oddTime(kind, field)
	}
	return false
}

// controls reports whether a byte is a control character that is no space.
func controls(c byte) bool { return c < '\t' || c > '\r' && c < ' ' }

func oddWhole(field []byte) bool {
	digits := field
	if digits[0] == '-' || digits[0] == '+' {
		digits = digits[1:]
	}
	for i, c := range digits {
		if c-'0' > 9 {
			// A word, or a dash alone, is none to both.
			return i > 0 || c == '.' || c <= ' '
		}
	}
	return false
}

func oddTime(kind hivetype.Kind, field []byte) bool {
	switch c := field[0]; {
	case c|0x20 == 'e' || c|0x20 == 'i': // of epoch, infinity and inf
		return len(field) >= 3 && (field[1]|0x20 == 'p' || field[1]|0x20 == 'n')
	case c == '-' || c == '+' || c <= ' ':
		return len(field) > 1
	case c-'0' > 9, len(field) < 5:
		return false
	}
	if len(field) < 10 || !plainDate(field[:10]) {
		return true
	}
	rest := field[10:]
	if kind == hivetype.Date || len(rest) == 0 {
		return len(rest) > 0 || kind == hivetype.Timestamp
	}
	if len(rest) < 9 || rest[0] != ' ' && rest[0] != 'T' || rest[3] != ':' || rest[6] != ':' {
		return true
	}
	for _, at := range [...]int{1, 2, 4, 5, 7, 8} {
		if rest[at]-'0' > 9 {
			return true
		}
	}
	if string(rest[1:3]) > "23" || rest[4] > '5' || rest[7] > '5' {
		return true
	}
	fraction := rest[9:]
	if len(fraction) == 0 {
		return false
	}
	if fraction[0] != '.' || len(fraction) < 2 || len(fraction) > 10 {
		return true
	}
	for _, c := range fraction[1:] {
		if c-'0' > 9 {
			return true
		}
	}
	return false
}
