package attr

import (
	"bytes"
	"slices"
	"strings"
)

// Type is the type of a value, by DynamoDB's descriptor.
type Type string

// The types of values.
const (
	TypeString    Type = "S"
	TypeNumber    Type = "N"
	TypeBinary    Type = "B"
	TypeBool      Type = "BOOL"
	TypeNull      Type = "NULL"
	TypeList      Type = "L"
	TypeMap       Type = "M"
	TypeStringSet Type = "SS"
	TypeNumberSet Type = "NS"
	TypeBinarySet Type = "BS"
)

// Value is one of the types below. Values are not changed once made: what changes an item
// makes new ones.
type Value interface{ Type() Type }

// The values. A Number is in its plain form, as ParseNumber returns it. Sets hold no value
// twice and are in order: bytes by bytes, numbers by value.
type (
	String    string
	Binary    []byte
	Bool      bool
	Null      struct{}
	List      []Value
	Map       map[string]Value
	StringSet []string
	NumberSet []Number
	BinarySet [][]byte
)

// Item is the attributes of an item by name.
type Item = Map

func (String) Type() Type    { return TypeString }
func (Number) Type() Type    { return TypeNumber }
func (Binary) Type() Type    { return TypeBinary }
func (Bool) Type() Type      { return TypeBool }
func (Null) Type() Type      { return TypeNull }
func (List) Type() Type      { return TypeList }
func (Map) Type() Type       { return TypeMap }
func (StringSet) Type() Type { return TypeStringSet }
func (NumberSet) Type() Type { return TypeNumberSet }
func (BinarySet) Type() Type { return TypeBinarySet }

// Equal reports whether two values are the same: of one type, sets in any order.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case String:
		b, ok := b.(String)
		return ok && a == b
	case Number:
		b, ok := b.(Number)
		return ok && a == b
	case Binary:
		b, ok := b.(Binary)
		return ok && bytes.Equal(a, b)
	case Bool:
		b, ok := b.(Bool)
		return ok && a == b
	case Null:
		_, ok := b.(Null)
		return ok
	case List:
		b, ok := b.(List)
		return ok && slices.EqualFunc(a, b, Equal)
	case Map:
		b, ok := b.(Map)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case StringSet:
		b, ok := b.(StringSet)
		return ok && sameSet(a, b, func(s string) string { return s })
	case NumberSet:
		b, ok := b.(NumberSet)
		return ok && sameSet(a, b, func(n Number) string { return string(n) })
	case BinarySet:
		b, ok := b.(BinarySet)
		return ok && sameSet(a, b, func(x []byte) string { return string(x) })
	}
	return a == nil && b == nil
}

func sameSet[T any](a, b []T, key func(T) string) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[string]bool, len(a))
	for _, v := range a {
		in[key(v)] = true
	}
	for _, v := range b {
		if !in[key(v)] {
			return false
		}
	}
	return true
}

// Compare orders two strings, numbers or binaries of one type; ok is false for other pairs.
func Compare(a, b Value) (order int, ok bool) {
	switch a := a.(type) {
	case String:
		if b, ok := b.(String); ok {
			return strings.Compare(string(a), string(b)), true
		}
	case Number:
		if b, ok := b.(Number); ok {
			return a.Compare(b), true
		}
	case Binary:
		if b, ok := b.(Binary); ok {
			return bytes.Compare(a, b), true
		}
	}
	return 0, false
}

// Size is the bytes that DynamoDB counts for an item.
func Size(item Item) int {
	n := 0
	for name, v := range item {
		n += len(name) + ValueSize(v)
	}
	return n
}

// ValueSize is the bytes that DynamoDB counts for a value.
func ValueSize(v Value) int {
	switch v := v.(type) {
	case String:
		return len(v)
	case Number:
		return v.Size()
	case Binary:
		return len(v)
	case Bool, Null:
		return 1
	case List:
		n := 3
		for _, e := range v {
			n += 1 + ValueSize(e)
		}
		return n
	case Map:
		n := 3
		for k, e := range v {
			n += 1 + len(k) + ValueSize(e)
		}
		return n
	case StringSet:
		n := 0
		for _, e := range v {
			n += len(e)
		}
		return n
	case NumberSet:
		n := 0
		for _, e := range v {
			n += e.Size()
		}
		return n
	case BinarySet:
		n := 0
		for _, e := range v {
			n += len(e)
		}
		return n
	}
	return 0
}

// Depth is the levels of lists and maps in a value: 0 for a scalar.
func Depth(v Value) int {
	deepest := 0
	switch v := v.(type) {
	case List:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	case Map:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	default:
		return 0
	}
	return deepest + 1
}
