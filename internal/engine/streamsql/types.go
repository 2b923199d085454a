package streamsql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Kind is the sort of an SQL type.
type Kind uint8

// The kinds of types. Null is the type of NULL alone.
const (
	Null Kind = iota
	Boolean
	TinyInt
	SmallInt
	Integer
	BigInt
	Decimal
	Real
	Double
	Char
	Varchar
	Varbinary
	Date
	Time
	Timestamp
	IntervalDay  // day to second, in milliseconds
	IntervalYear // year to month, in months
)

var kindNames = [...]string{"NULL", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "REAL", "DOUBLE", "CHAR", "VARCHAR", "VARBINARY",
	"DATE", "TIME", "TIMESTAMP", "INTERVAL DAY TO SECOND", "INTERVAL YEAR TO MONTH"}

func (k Kind) String() string { return kindNames[k] }

// Type is an SQL type. Length is that of CHAR, VARCHAR (in characters) and VARBINARY (in
// bytes), 0 for none given; Precision (1 to 18) and Scale are those of DECIMAL.
type Type struct {
	Kind             Kind
	Length           int
	Precision, Scale int
}

func (t Type) String() string {
	switch {
	case t.Kind == Decimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case t.Length > 0:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Length)
	}
	return t.Kind.String()
}

// maxLength is the longest CHAR, VARCHAR or VARBINARY.
const maxLength = 65535

// ParseType reads a type as a column is declared with: "VARCHAR(16)", "DECIMAL(8,2)".
func ParseType(text string) (Type, error) {
	x, err := sql.Options{Dialect: sql.Streaming}.ParseType(text)
	if err != nil {
		return Type{}, err
	}
	return typeOf(x)
}

var kindsByName = map[string]Kind{"boolean": Boolean, "tinyint": TinyInt, "smallint": SmallInt, "integer": Integer, "int": Integer, "bigint": BigInt,
	"decimal": Decimal, "dec": Decimal, "numeric": Decimal, "real": Real, "float": Double, "double": Double, "char": Char, "character": Char,
	"varchar": Varchar, "varbinary": Varbinary, "binary": Varbinary, "date": Date, "time": Time, "timestamp": Timestamp,
	"interval day to second": IntervalDay, "interval year to month": IntervalYear}

func typeOf(x *sql.Type) (Type, error) {
	k, ok := kindsByName[x.Name]
	if !ok {
		return Type{}, &Error{x.Position, fmt.Sprintf("unknown type %s", strings.ToUpper(x.Name)), "Types are BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, DOUBLE, CHAR, VARCHAR, BINARY, VARBINARY, DATE, TIME, TIMESTAMP and INTERVAL."}
	}
	t := Type{Kind: k}
	switch k {
	case IntervalDay, IntervalYear:
		t.Precision, t.Scale = unitIndex(x.Units[0]), unitIndex(x.Units[1])
	case Decimal:
		t.Precision = 18
		if len(x.Params) > 0 {
			t.Precision = x.Params[0]
		}
		if len(x.Params) > 1 {
			t.Scale = x.Params[1]
		}
		if t.Precision < 1 || t.Precision > 18 || t.Scale < 0 || t.Scale > t.Precision {
			return t, &Error{x.Position, fmt.Sprintf("DECIMAL(%d,%d) is out of range", t.Precision, t.Scale), "The precision is 1 to 18, the scale 0 to the precision."}
		}
	case Char, Varchar, Varbinary:
		if k == Char || x.Name == "binary" {
			t.Length = 1
		}
		if len(x.Params) > 0 {
			if t.Length = x.Params[0]; t.Length < 1 || t.Length > maxLength {
				return t, &Error{x.Position, fmt.Sprintf("%s(%d) is out of range", k, t.Length), fmt.Sprintf("A length is 1 to %d.", maxLength)}
			}
		}
	}
	return t, nil
}

// Column is a column of a stream.
type Column struct {
	Name string
	Type Type
}
