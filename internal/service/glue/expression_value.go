package glue

import (
	"cmp"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The values of expressions. Partition values are text; the type of their key says what
// they stand for: a whole number, a decimal, a date, a timestamp or the text itself. Keys
// of other types cannot be filtered by.

// valueKinds are the types that are not compared as text, with the name of their kind.
var valueKinds = map[string]string{"bigint": "Integral", "decimal": "Decimal", "date": "Date", "timestamp": "Timestamp"}

// valueType folds the types that are compared alike into one.
func valueType(typ string) string {
	base, _, _ := strings.Cut(strings.ToLower(typ), "(")
	switch base = strings.TrimSpace(base); base {
	case "tinyint", "smallint", "int", "integer", "bigint", "long":
		return "bigint"
	case "decimal", "numeric":
		return "decimal"
	case "", "string", "char", "varchar":
		return "string"
	}
	return base
}

func unknownType(typ string) error { return invalidInput("Unknown type : '%s'", typ) }

// value is one that compares with others of its type.
type value struct {
	number int64
	ratio  *big.Rat // of a decimal
	text   string
}

func (v value) compare(o value) int {
	if v.ratio != nil && o.ratio != nil {
		return v.ratio.Cmp(o.ratio)
	}
	return cmp.Or(cmp.Compare(v.number, o.number), strings.Compare(v.text, o.text))
}

// decimalText has few enough digits, and a small enough exponent, to be worked with.
var (
	decimalText   = regexp.MustCompile(`^[+-]?([0-9]{1,100}(\.[0-9]{0,100})?|\.[0-9]{1,100})([eE][+-]?[0-9]{1,3})?$`)
	timestampText = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?$`)
)

// valueError says, in Glue's words, that a text is not a value of a type.
type valueError string

func (e valueError) Error() string { return string(e) }

// parseValue reads a value of a type that valueType returned.
func parseValue(typ, text string) (value, error) {
	switch typ {
	case "string":
		return value{text: text}, nil
	case "bigint":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return value{}, valueError(`"` + text + `" is not an integer.`)
		}
		return value{number: n}, nil
	case "decimal":
		if decimalText.MatchString(text) {
			if r, ok := new(big.Rat).SetString(text); ok {
				return value{ratio: r}, nil
			}
		}
		return value{}, valueError(text + " is not a decimal.")
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return value{}, valueError(text + " is not a date.")
		}
		return value{text: text}, nil
	case "timestamp":
		m := timestampText.FindStringSubmatch(text)
		if m != nil {
			if t, err := time.Parse(time.DateTime, m[1]); err == nil {
				return value{number: t.Unix(), text: (m[2] + "000000000")[:9]}, nil
			}
		}
		return value{}, valueError("Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff] " + text + " is not a timestamp.")
	}
	return value{}, unknownType(typ)
}
