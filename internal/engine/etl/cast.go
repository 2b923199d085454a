package etl

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// cast makes a value one of another type, as Spark's CAST does: what cannot be converted is
// nil, and ok false.
func cast(v any, t *hivetype.Type) (_ any, ok bool) {
	if v == nil {
		return nil, true
	}
	switch t.Kind {
	case hivetype.String, hivetype.Char, hivetype.Varchar:
		return textOf(v), true
	case hivetype.Boolean:
		switch v := v.(type) {
		case bool:
			return v, true
		case int64:
			return v != 0, true
		case float64:
			return v != 0, true
		case string:
			switch strings.ToLower(strings.TrimSpace(v)) {
			case "true", "t", "yes", "y", "1":
				return true, true
			case "false", "f", "no", "n", "0":
				return false, true
			}
		}
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		n, ok := toInt(v)
		if bits := map[hivetype.Kind]uint{hivetype.TinyInt: 8, hivetype.SmallInt: 16, hivetype.Int: 32}[t.Kind]; ok && bits > 0 {
			if n < -1<<(bits-1) || n >= 1<<(bits-1) {
				return nil, false
			}
		}
		if ok {
			return n, true
		}
	case hivetype.Float, hivetype.Double:
		if f, ok := toFloat(v); ok {
			if t.Kind == hivetype.Float {
				f = float64(float32(f))
			}
			return f, true
		}
	case hivetype.Decimal:
		return toDecimal(v, t)
	case hivetype.Date:
		if at, ok := toTime(v); ok {
			return at.Format(time.DateOnly), true
		}
	case hivetype.Timestamp:
		if at, ok := toTime(v); ok {
			return at.Format("2006-01-02 15:04:05.999999999"), true
		}
	case hivetype.Binary:
		return textOf(v), true
	case hivetype.Array:
		if list, ok := v.([]any); ok {
			out := make([]any, len(list))
			for i := range list {
				out[i], _ = cast(list[i], t.Elem)
			}
			return out, true
		}
	case hivetype.Map, hivetype.Struct:
		if o, ok := v.(Object); ok {
			return o, true
		}
	}
	return nil, false
}

func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		if v >= -1<<63 && v < 1<<63 {
			return int64(v), true
		}
	case json.Number:
		return toInt(string(v))
	case string:
		s := strings.TrimSpace(v)
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, true
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return toInt(f)
		}
	}
	return 0, false
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		n, _ := toInt(v)
		return float64(n), true
	case json.Number:
		return toFloat(string(v))
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

// maxDecimalText bounds the text that a decimal is parsed from: one with an exponent is as long
// as that says.
const maxDecimalText = 100

// toRat is the number of a value that is no larger than a decimal, exactly.
func toRat(v any) (*big.Rat, bool) {
	text := strings.TrimSpace(textOf(v))
	f, ok := toFloat(v)
	if !ok || len(text) > maxDecimalText || math.Abs(f) >= 1e39 {
		return nil, false
	}
	if math.Abs(f) < 1e-60 { // zero, or so small that its exponent is long work
		digits, _, _ := strings.Cut(strings.ToLower(text), "e")
		return new(big.Rat), f == 0 && !strings.ContainsAny(digits, "123456789")
	}
	return new(big.Rat).SetString(text)
}

func toDecimal(v any, t *hivetype.Type) (any, bool) {
	r, ok := toRat(v)
	if !ok {
		return nil, false
	}
	out := r.FloatString(t.Scale)
	digits := strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(out), "0")
	if len(digits) > t.Precision {
		return nil, false
	}
	return out, true
}

var timeForms = []string{
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly, "2006-1-2",
}

func toTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case int64: // seconds, as Spark casts
		return time.Unix(v, 0).UTC(), v > -1<<40 && v < 1<<40
	case float64:
		if math.Abs(v) > 1<<40 {
			return time.Time{}, false
		}
		return time.UnixMicro(int64(v * 1e6)).UTC(), true
	case string:
		s := strings.TrimSpace(v)
		for _, form := range timeForms {
			if at, err := time.Parse(form, s); err == nil {
				return at.UTC(), true
			}
		}
	}
	return time.Time{}, false
}
