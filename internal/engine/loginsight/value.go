package loginsight

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// A value is nil (missing), a string, a float64, a bool, a stamp, a json.Number, or a map or slice of JSON.
type value any

// stamp is a time in milliseconds since 1970.
type stamp int64

const timeForm = "2006-01-02 15:04:05.000"

// show is a value as results have it.
func show(v value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	case stamp:
		return time.UnixMilli(int64(v)).UTC().Format(timeForm)
	case json.Number:
		return string(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// valueCost is about what a value takes besides its text, in bytes.
const valueCost = 48

// sizeOf is about how many bytes a value takes.
func sizeOf(v value) int {
	n := valueCost
	switch v := v.(type) {
	case string:
		n += len(v)
	case json.Number:
		n += len(v)
	case map[string]any:
		for name, m := range v {
			n += len(name) + valueCost + sizeOf(m)
		}
	case []any:
		for _, m := range v {
			n += sizeOf(m)
		}
	}
	return n
}

// num is a value as a number.
func num(v value) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case stamp:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// truth is a value as a condition.
func truth(v value) bool {
	switch v := v.(type) {
	case bool:
		return v
	case nil:
		return false
	case string:
		return v != "" && v != "0" && v != "false"
	}
	f, ok := num(v)
	return !ok || f != 0
}

// compare orders two values: as numbers where both are, else as texts. Missing ones come first.
func compare(a, b value) int {
	if a == nil || b == nil {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		}
		return 1
	}
	x, ok := num(a)
	y, also := num(b)
	if ok && also {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return strings.Compare(show(a), show(b))
}

// path is a member of JSON by its path.
func path(v value, p string) value {
	for p != "" {
		switch m := v.(type) {
		case map[string]any:
			if found, ok := m[p]; ok { // a name with dots
				return found
			}
			head, rest, _ := strings.Cut(p, ".")
			found, ok := m[head]
			if !ok {
				return nil
			}
			v, p = found, rest
		case []any:
			head, rest, _ := strings.Cut(p, ".")
			i, err := strconv.Atoi(head)
			if err != nil || i < 0 || i >= len(m) {
				return nil
			}
			v, p = m[i], rest
		default:
			return nil
		}
	}
	return v
}
