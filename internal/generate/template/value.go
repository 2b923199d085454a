package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// arguments are what a method is called with: values of JSON as encoding/json has them.
type arguments []any

// parseArguments reads what stands between the parentheses: one value of JSON, several with commas
// between, or a string. A number of JSON that none of ours can be is an error: as a string it would stand for no argument.
func parseArguments(text string) (arguments, error) {
	var (
		one     any
		several []any
		beyond  *json.UnmarshalTypeError
	)
	err := json.Unmarshal([]byte(text), &one)
	if err == nil {
		return arguments{one}, nil
	}
	if !errors.As(err, &beyond) {
		if err = json.Unmarshal([]byte("["+text+"]"), &several); err == nil {
			return several, nil
		}
	}
	if errors.As(err, &beyond) {
		return nil, fmt.Errorf("the %s is out of range", beyond.Value)
	}
	return arguments{text}, nil
}

func (a arguments) at(i int) any {
	if i < len(a) {
		return a[i]
	}
	return nil
}

// number is argument i as a number, or otherwise where it is absent, zero (as faker's || has it) or none.
func (a arguments) number(i int, otherwise float64) float64 {
	if n, ok := a.at(i).(float64); ok && n != 0 {
		return n
	}
	return otherwise
}

func (a arguments) text(i int) string {
	s, _ := a.at(i).(string)
	return s
}

// count is argument i as a number of things to make, at most limit.
func (a arguments) count(i, otherwise, limit int) (int, error) {
	n := a.number(i, float64(otherwise))
	if n < 0 || n > float64(limit) {
		return 0, fmt.Errorf("%v is more than can be made: 0 to %d", n, limit)
	}
	return int(n), nil
}

// appendValue appends a value of JSON as JavaScript makes text of it.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case float64:
		return appendNumber(dst, v)
	case []any:
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if e != nil {
				dst = appendValue(dst, e)
			}
		}
		return dst
	default:
		return append(dst, "[object Object]"...)
	}
}

// appendNumber appends a number as JavaScript does: without an exponent from 1e-6 up to 1e21.
func appendNumber(dst []byte, n float64) []byte {
	switch abs := math.Abs(n); {
	case n == math.Trunc(n) && abs < 1<<53:
		return strconv.AppendInt(dst, int64(n), 10)
	case math.IsNaN(n):
		return append(dst, "NaN"...)
	case math.IsInf(n, 0):
		return append(dst, strings.TrimPrefix(strconv.FormatFloat(n, 'f', -1, 64), "+")+"inity"...)
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(dst, n, 'f', -1, 64)
	}
	s := strconv.FormatFloat(n, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	return append(dst, mantissa+"e"+exponent[:1]+strings.TrimLeft(exponent[1:], "0")...)
}
