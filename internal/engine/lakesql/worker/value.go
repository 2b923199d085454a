package worker

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
	"github.com/duckdb/duckdb-go/v2"
)

// What DuckDB answers, as Athena shows it.

// describe gives the columns of a prepared statement.
func describe(s *duckdb.Stmt) ([]Column, []duckdb.TypeInfo, error) {
	n, err := s.ColumnCount()
	if err != nil {
		return nil, nil, err
	}
	columns, infos := make([]Column, n), make([]duckdb.TypeInfo, n)
	for i := range n {
		name, err := s.ColumnName(i)
		if err != nil {
			return nil, nil, err
		}
		info, err := s.ColumnTypeInfo(i)
		if err != nil {
			return nil, nil, err
		}
		infos[i] = info
		columns[i] = columnOf(name, info)
		columns[i].Trino = trinoOf(info)
	}
	return columns, infos, nil
}

// columnOf words a type as GetQueryResults does. Precision and scale as Athena
// gives them: of integers the digits, of varchar the longest length.
func columnOf(name string, info duckdb.TypeInfo) Column {
	c := Column{Name: name}
	switch info.InternalType() {
	case duckdb.TYPE_BOOLEAN:
		c.Type = "boolean"
	case duckdb.TYPE_TINYINT:
		c.Type, c.Precision = "tinyint", 3
	case duckdb.TYPE_SMALLINT, duckdb.TYPE_UTINYINT:
		c.Type, c.Precision = "smallint", 5
	case duckdb.TYPE_INTEGER, duckdb.TYPE_USMALLINT:
		c.Type, c.Precision = "integer", 10
	case duckdb.TYPE_BIGINT, duckdb.TYPE_UINTEGER, duckdb.TYPE_UBIGINT, duckdb.TYPE_HUGEINT, duckdb.TYPE_UHUGEINT:
		c.Type, c.Precision = "bigint", 19
	case duckdb.TYPE_FLOAT:
		c.Type, c.Precision = "float", 17
	case duckdb.TYPE_DOUBLE:
		c.Type, c.Precision = "double", 17
	case duckdb.TYPE_DECIMAL:
		c.Type = "decimal"
		if d, ok := info.Details().(*duckdb.DecimalDetails); ok {
			c.Precision, c.Scale = int(d.Width), int(d.Scale)
		}
	case duckdb.TYPE_DATE:
		c.Type = "date"
	case duckdb.TYPE_TIME, duckdb.TYPE_TIME_TZ:
		c.Type, c.Precision = "time", 3
	case duckdb.TYPE_TIMESTAMP, duckdb.TYPE_TIMESTAMP_S, duckdb.TYPE_TIMESTAMP_MS, duckdb.TYPE_TIMESTAMP_NS:
		c.Type, c.Precision = "timestamp", 3
	case duckdb.TYPE_TIMESTAMP_TZ:
		c.Type, c.Precision = "timestamp with time zone", 3
	case duckdb.TYPE_BLOB:
		c.Type, c.Precision = "varbinary", 1073741824
	case duckdb.TYPE_LIST, duckdb.TYPE_ARRAY:
		if c.Type = "array"; entriesOf(info) != nil {
			c.Type = "map"
		}
	case duckdb.TYPE_MAP:
		c.Type = "map"
	case duckdb.TYPE_STRUCT:
		c.Type = "row"
	case duckdb.TYPE_INTERVAL:
		c.Type = "interval day to second"
	case duckdb.TYPE_SQLNULL:
		c.Type = "unknown"
	default:
		c.Type, c.Precision, c.CaseSensitive = "varchar", math.MaxInt32, true
	}
	return c
}

// entriesOf are the key and the value of a map that comes as an array of its entries; nil of another type.
func entriesOf(info duckdb.TypeInfo) []duckdb.StructEntry {
	l, ok := info.Details().(*duckdb.ListDetails)
	if !ok {
		return nil
	}
	s, ok := l.Child.Details().(*duckdb.StructDetails)
	if !ok || len(s.Entries) != 2 || s.Entries[0].Name() != duck.MapKey || s.Entries[1].Name() != duck.MapValue {
		return nil
	}
	return s.Entries
}

// trinoOf is the type of DuckDB's in Trino's words.
func trinoOf(info duckdb.TypeInfo) *sql.Type {
	switch info.InternalType() {
	case duckdb.TYPE_DECIMAL:
		if d, ok := info.Details().(*duckdb.DecimalDetails); ok {
			return &sql.Type{Name: "decimal", Params: []int{int(d.Width), int(d.Scale)}}
		}
	case duckdb.TYPE_LIST:
		if e := entriesOf(info); e != nil {
			return types.MapOf(trinoOf(e[0].Info()), trinoOf(e[1].Info()))
		}
		if d, ok := info.Details().(*duckdb.ListDetails); ok {
			return types.ArrayOf(trinoOf(d.Child))
		}
	case duckdb.TYPE_MAP:
		if d, ok := info.Details().(*duckdb.MapDetails); ok {
			return &sql.Type{Name: "map", Args: []*sql.Type{trinoOf(d.Key), trinoOf(d.Value)}}
		}
	case duckdb.TYPE_STRUCT:
		t := &sql.Type{Name: "row"}
		if d, ok := info.Details().(*duckdb.StructDetails); ok {
			for _, f := range d.Entries {
				t.Fields = append(t.Fields, sql.RowField{Name: &sql.Identifier{Name: f.Name()}, Type: trinoOf(f.Info())})
			}
		}
		return t
	case duckdb.TYPE_FLOAT:
		return types.Named("real")
	}
	return types.Named(columnOf("", info).Type)
}

// appendValue writes a value as Athena's CSV and GetQueryResults show it.
func appendValue(b []byte, v any, info duckdb.TypeInfo) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case int8:
		return strconv.AppendInt(b, int64(v), 10)
	case int16:
		return strconv.AppendInt(b, int64(v), 10)
	case int32:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint8:
		return strconv.AppendUint(b, uint64(v), 10)
	case uint16:
		return strconv.AppendUint(b, uint64(v), 10)
	case uint32:
		return strconv.AppendUint(b, uint64(v), 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case *big.Int:
		return v.Append(b, 10)
	case float32:
		return appendFloat(b, float64(v), 32)
	case float64:
		return appendFloat(b, v, 64)
	case duckdb.Decimal:
		return appendDecimal(b, v)
	case time.Time:
		return appendTime(b, v, info)
	case []byte:
		if info.InternalType() == duckdb.TYPE_UUID && len(v) == 16 {
			id := duckdb.UUID(v)
			return append(b, id.String()...)
		}
		for i, c := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = fmt.Appendf(b, "%02x", c)
		}
		return b
	case []any:
		if e := entriesOf(info); e != nil {
			b = append(b, '{')
			for i, x := range v {
				entry, _ := x.(map[string]any)
				if i > 0 {
					b = append(b, ", "...)
				}
				b = append(appendValue(b, entry[duck.MapKey], e[0].Info()), '=')
				b = appendValue(b, entry[duck.MapValue], e[1].Info())
			}
			return append(b, '}')
		}
		var child duckdb.TypeInfo
		if l, ok := info.Details().(*duckdb.ListDetails); ok {
			child = l.Child
		}
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendValue(b, x, child)
		}
		return append(b, ']')
	case map[string]any:
		s, ok := info.Details().(*duckdb.StructDetails)
		if !ok {
			break
		}
		b = append(b, '{')
		for i, f := range s.Entries {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, f.Name()...), '=')
			b = appendValue(b, v[f.Name()], f.Info())
		}
		return append(b, '}')
	case duckdb.OrderedMap:
		m, ok := info.Details().(*duckdb.MapDetails)
		if !ok {
			break
		}
		b = append(b, '{')
		values := v.Values()
		for i, k := range v.Keys() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendValue(b, k, m.Key), '=')
			b = appendValue(b, values[i], m.Value)
		}
		return append(b, '}')
	case duckdb.UUID:
		return append(b, v.String()...)
	case duckdb.Interval:
		return appendInterval(b, v)
	}
	if text, err := json.Marshal(v); err == nil {
		return append(b, text...)
	}
	return fmt.Append(b, v)
}

// appendFloat writes as Java's Double.toString does: 0.1, 1.0E10, 1.0E-5, NaN.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		start := len(b)
		b = strconv.AppendFloat(b, f, 'f', -1, bits)
		if !strings.Contains(string(b[start:]), ".") {
			b = append(b, ".0"...)
		}
		return b
	}
	text := strconv.FormatFloat(f, 'e', -1, bits)
	mantissa, exponent, _ := strings.Cut(text, "e")
	b = append(b, mantissa...)
	if !strings.Contains(mantissa, ".") {
		b = append(b, ".0"...)
	}
	n, _ := strconv.Atoi(exponent)
	return strconv.AppendInt(append(b, 'E'), int64(n), 10)
}

func appendDecimal(b []byte, d duckdb.Decimal) []byte {
	digits := new(big.Int).Abs(d.Value).String()
	if d.Value.Sign() < 0 {
		b = append(b, '-')
	}
	scale := int(d.Scale)
	if scale == 0 {
		return append(b, digits...)
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	b = append(b, digits[:len(digits)-scale]...)
	return append(append(b, '.'), digits[len(digits)-scale:]...)
}

func appendTime(b []byte, t time.Time, info duckdb.TypeInfo) []byte {
	t = t.UTC()
	switch info.InternalType() {
	case duckdb.TYPE_DATE:
		return t.AppendFormat(b, "2006-01-02")
	case duckdb.TYPE_TIME, duckdb.TYPE_TIME_TZ:
		return t.AppendFormat(b, "15:04:05.000")
	case duckdb.TYPE_TIMESTAMP_TZ:
		return t.AppendFormat(b, "2006-01-02 15:04:05.000 UTC")
	}
	return t.AppendFormat(b, "2006-01-02 15:04:05.000")
}

// appendInterval writes Trino's two intervals: "1-2" years to months, "1 02:03:04.000" days to seconds.
func appendInterval(b []byte, v duckdb.Interval) []byte {
	if v.Months != 0 {
		m := int(v.Months)
		if m < 0 {
			b, m = append(b, '-'), -m
		}
		return fmt.Appendf(b, "%d-%d", m/12, m%12)
	}
	ms := v.Micros/1000 + int64(v.Days)*86_400_000
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	return fmt.Appendf(b, "%d %02d:%02d:%02d.%03d", ms/86_400_000, ms/3_600_000%24, ms/60_000%60, ms/1000%60, ms%1000)
}
