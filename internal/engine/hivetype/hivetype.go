// Package hivetype is the type language of Hive that Glue columns are declared in:
// "struct<a:int,b:array<decimal(10,2)>>".
//
// SKELETON: the owner writes the bodies and may add to the face, not take away.
package hivetype

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

// Type is a Hive type; for Array Elem is the element, for Map Key and Elem, for Struct
// Fields in order.
type Type struct {
	Kind             Kind
	Precision, Scale int // Decimal
	Length           int // Char, Varchar
	Key, Elem        *Type
	Fields           []Field
}

type Field struct {
	Name string
	Type *Type
}

// Parse reads a type in any letter case; "integer", "long", "numeric" and the like are
// taken as Hive and Glue take them. The error says at which offset and why.
func Parse(s string) (*Type, error) { panic("skeleton") }

// String is the canonical lower-case form that Glue shows.
func (t *Type) String() string { panic("skeleton") }
