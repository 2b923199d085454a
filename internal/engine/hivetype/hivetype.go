// Package hivetype is the type language of Hive that Glue columns are declared in:
// "struct<a:int,b:array<decimal(10,2)>>".
//
// What is kept: Parse(t.String()) gives back t. Names of types are read in any letter
// case and printed in lower case; names of struct fields are kept as written.
package hivetype

import "strconv"

// Kind says which of Hive's types a Type is.
type Kind uint8

const (
	Boolean Kind = iota + 1
	TinyInt
	SmallInt
	Int
	BigInt
	Float
	Double
	Decimal
	String
	Char
	Varchar
	Binary
	Date
	Timestamp
	Array
	Map
	Struct
)

// Hive's bounds on parameterized types.
const (
	MaxPrecision = 38
	MaxChar      = 255
	MaxVarchar   = 65535

	// DefaultPrecision is that of a bare "decimal"; its scale is 0.
	DefaultPrecision = 10

	// maxDepth keeps hostile input from exhausting the stack.
	maxDepth = 100
)

var kindNames = [...]string{
	Boolean: "boolean", TinyInt: "tinyint", SmallInt: "smallint", Int: "int", BigInt: "bigint",
	Float: "float", Double: "double", Decimal: "decimal", String: "string", Char: "char",
	Varchar: "varchar", Binary: "binary", Date: "date", Timestamp: "timestamp",
	Array: "array", Map: "map", Struct: "struct",
}

// String is the name of the kind as Hive spells it.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Type is a Hive type; for Array Elem is the element, for Map Key and Elem, for Struct
// Fields in order.
type Type struct {
	Kind             Kind
	Precision, Scale int // Decimal
	Length           int // Char, Varchar
	Key, Elem        *Type
	Fields           []Field
}

// Field is a named member of a struct type.
type Field struct {
	Name string
	Type *Type
}

// String is the canonical lower-case form that Glue shows.
func (t *Type) String() string { return string(t.append(nil)) }

func (t *Type) append(b []byte) []byte {
	if t == nil {
		return append(b, "<nil>"...)
	}
	b = append(b, t.Kind.String()...)
	switch t.Kind {
	case Decimal:
		b = append(b, '(')
		b = strconv.AppendInt(b, int64(t.Precision), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(t.Scale), 10)
		b = append(b, ')')
	case Char, Varchar:
		b = append(b, '(')
		b = strconv.AppendInt(b, int64(t.Length), 10)
		b = append(b, ')')
	case Array:
		b = append(b, '<')
		b = t.Elem.append(b)
		b = append(b, '>')
	case Map:
		b = append(b, '<')
		b = t.Key.append(b)
		b = append(b, ',')
		b = t.Elem.append(b)
		b = append(b, '>')
	case Struct:
		b = append(b, '<')
		for i, f := range t.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendName(b, f.Name)
			b = append(b, ':')
			b = f.Type.append(b)
		}
		b = append(b, '>')
	}
	return b
}

// appendName quotes a field name that could not be read back without.
func appendName(b []byte, name string) []byte {
	plain := name != "" && name[0] != ' ' && name[len(name)-1] != ' '
	for i := 0; i < len(name) && plain; i++ {
		switch c := name[i]; c {
		case ':', ',', '<', '>', '`', '\t', '\n', '\r':
			plain = false
		}
	}
	if plain {
		return append(b, name...)
	}
	b = append(b, '`')
	for i := 0; i < len(name); i++ {
		if name[i] == '`' {
			b = append(b, '`')
		}
		b = append(b, name[i])
	}
	return append(b, '`')
}

// Equal reports whether two types are the same, names of fields included.
func (t *Type) Equal(u *Type) bool {
	if t == nil || u == nil {
		return t == u
	}
	if t.Kind != u.Kind || t.Precision != u.Precision || t.Scale != u.Scale || t.Length != u.Length ||
		len(t.Fields) != len(u.Fields) || !t.Key.Equal(u.Key) || !t.Elem.Equal(u.Elem) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	return true
}

// Primitive reports whether the type holds a single value.
func (t *Type) Primitive() bool {
	return t.Kind != Array && t.Kind != Map && t.Kind != Struct
}
