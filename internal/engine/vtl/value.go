package vtl

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// List is a mutable list. JSON says that it came from a JSON document: such a list prints as
// JSON, any other as Java's lists do.
type List struct {
	Items []any
	JSON  bool
}

// Map is a mutable map with text for keys, in the order in which they were put first.
type Map struct {
	keys   []string
	values map[string]any
}

// NewMap returns an empty map.
func NewMap() *Map { return &Map{values: map[string]any{}} }

// Len is the number of keys.
func (m *Map) Len() int { return len(m.keys) }

// Keys are the keys in their order; not to be changed.
func (m *Map) Keys() []string { return m.keys }

// Get returns the value of a key.
func (m *Map) Get(key string) (any, bool) {
	v, ok := m.values[key]
	return v, ok
}

// Put sets the value of a key.
func (m *Map) Put(key string, v any) {
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

// Delete removes a key.
func (m *Map) Delete(key string) {
	if _, ok := m.values[key]; !ok {
		return
	}
	delete(m.values, key)
	for i, k := range m.keys {
		if k == key {
			m.keys = append(m.keys[:i:i], m.keys[i+1:]...)
			return
		}
	}
}

// Object is a value with properties and methods of its own.
type Object interface {
	// Property returns $object.name; false where there is none, or it is null.
	Property(name string) (any, bool)
	// Call returns $object.method(args...); false where there is no such method for such
	// arguments. An error ends the run.
	Call(method string, args []any) (any, bool, error)
	// String is what the object prints as.
	String() string
}

// entry is an element of a map's entry set.
type entry struct {
	m   *Map
	key string
}

func (e entry) value() any { v, _ := e.m.Get(e.key); return v }

// text is a value as Velocity prints it: Java's toString. Values nested too deep, as those that
// hold themselves, and those over limit bytes end in ErrLimit.
func text(v any, limit int) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	var b printer
	b.limit = limit
	b.value(v, 0)
	if b.over {
		return "", ErrLimit
	}
	return b.String(), nil
}

type printer struct {
	strings.Builder
	limit int
	over  bool
}

// maxPrintDepth bounds the nesting of a value that is printed.
const maxPrintDepth = 200

func (b *printer) value(v any, depth int) {
	if depth > maxPrintDepth || b.Len() > b.limit {
		b.over = true
	}
	if b.over {
		return
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		b.WriteString(v)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int32:
		b.WriteString(strconv.FormatInt(int64(v), 10))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(javaDouble(v))
	case *List:
		if v.JSON {
			b.json(v, depth)
			return
		}
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			b.value(item, depth+1)
		}
		b.WriteByte(']')
	case *Map:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(k)
			b.WriteByte('=')
			b.value(v.values[k], depth+1)
		}
		b.WriteByte('}')
	case entry:
		b.WriteString(v.key)
		b.WriteByte('=')
		b.value(v.value(), depth+1)
	case Object:
		b.WriteString(v.String())
	}
}

func (b *printer) json(v any, depth int) {
	if depth > maxPrintDepth || b.Len() > b.limit {
		b.over = true
	}
	if b.over {
		return
	}
	switch v := v.(type) {
	case string:
		b.quoted(v)
	case *List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.json(item, depth+1)
		}
		b.WriteByte(']')
	case *Map:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			b.quoted(k)
			b.WriteByte(':')
			b.json(v.values[k], depth+1)
		}
		b.WriteByte('}')
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b.WriteString("null")
			return
		}
		b.WriteString(javaDouble(v))
	case entry, Object:
		s, _ := text(v, b.limit)
		b.quoted(s)
	default:
		b.value(v, depth)
	}
}

func (b *printer) quoted(s string) {
	const hex = "0123456789abcdef"
	b.WriteByte('"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b.WriteString(s[start:i])
		start = i + 1
		switch c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		default:
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	b.WriteString(s[start:])
	b.WriteByte('"')
}

// JSON is a value as a JSON text, without blanks. limit bounds it in bytes.
func JSON(v any, limit int) (string, error) {
	var b printer
	b.limit = limit
	b.json(v, 0)
	if b.over {
		return "", ErrLimit
	}
	return b.String(), nil
}

// FromJSON is the value of a JSON text, with the types that Jayway's JsonPath gives: whole
// numbers the smallest of Integer, Long and BigInteger, others Double. Duplicate names: the last
// one counts. Nesting over maxPrintDepth and a text that is not JSON are errors.
func FromJSON(text string) (any, error) {
	if !json.Valid(unsafeBytes(text)) {
		return nil, errJSON
	}
	d := decoder{text: text}
	return d.value(0)
}

// number is the value of a JSON number.
func number(s string) any {
	if !strings.ContainsAny(s, ".eE") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return integer(n)
		}
		if n, ok := new(big.Int).SetString(s, 10); ok {
			return n
		}
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// integer is a whole number as the smallest type that holds it.
func integer(n int64) any {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		return int32(n)
	}
	return n
}

// javaDouble formats a number as Java's Double.toString (JDK 19 and later, which print the
// shortest decimal): 1.0, 1.0E10, 1.0E-5.
func javaDouble(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		if math.Signbit(f) {
			return "-0.0"
		}
		return "0.0"
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	s := strconv.FormatFloat(f, 'e', -1, 64) // d.ddde+XX
	mantissa, exponent, _ := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}
