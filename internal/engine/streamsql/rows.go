package streamsql

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Rows are rows of one stream. They do not change.
type Rows struct {
	columns []Column
	b       *batch
}

// Len is how many there are.
func (r *Rows) Len() int { return r.b.n }

// Columns are those of the stream, without ROWTIME.
func (r *Rows) Columns() []Column { return r.columns }

// Rowtime is a row's ROWTIME.
func (r *Rows) Rowtime(row int) time.Time { return time.UnixMilli(r.b.time[row]).UTC() }

// Value is a value as Go has it: nil, bool, int64, float64, string, []byte or time.Time; a DECIMAL
// and an INTERVAL are strings.
func (r *Rows) Value(row, column int) any {
	v, t := r.b.cols[column].at(row), r.columns[column].Type
	switch {
	case v.null:
		return nil
	case t.isString():
		return v.s
	case t.Kind == Varbinary:
		return []byte(v.s)
	case t.Kind == Boolean:
		return v.i != 0
	case t.isInteger():
		return v.i
	case t.isApprox():
		return v.float()
	case t.isTime():
		return time.UnixMilli(v.i).UTC()
	}
	return string(appendText(nil, t, v))
}

// bytes is about how much memory the rows take.
func (r *Rows) bytes() int {
	n := 8 * r.b.n
	for i := range r.b.cols {
		n += 8 * len(r.b.cols[i].ints)
		for _, s := range r.b.cols[i].strs {
			n += 16 + len(s)
		}
	}
	return n
}

// AppendJSON appends a row as an object of its columns, in order, with timestamps as
// "2018-03-18 03:20:00.000".
func (r *Rows) AppendJSON(dst []byte, row int) []byte {
	dst = append(dst, '{')
	for i, c := range r.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(dst, c.Name)
		dst = append(dst, ':')
		v, t := r.b.cols[i].at(row), c.Type
		switch {
		case v.null:
			dst = append(dst, "null"...)
		case t.isString():
			dst = jsontext.AppendQuoted(dst, v.s)
		case t.Kind == Varbinary:
			dst = append(dst, '"')
			dst = base64.StdEncoding.AppendEncode(dst, []byte(v.s))
			dst = append(dst, '"')
		case t.Kind == Boolean:
			dst = strconv.AppendBool(dst, v.i != 0)
		case t.isInteger():
			dst = strconv.AppendInt(dst, v.i, 10)
		case t.Kind == Decimal:
			dst = appendDecimal(dst, v.i, t.Scale)
		case t.isApprox():
			if f := v.float(); math.IsNaN(f) || math.IsInf(f, 0) {
				dst = append(dst, "null"...) // JSON has no such number
			} else if t.Kind == Real {
				dst = appendFloat(dst, f, 32)
			} else {
				dst = appendFloat(dst, f, 64)
			}
		default:
			dst = append(dst, '"')
			dst = appendText(dst, t, v)
			dst = append(dst, '"')
		}
	}
	return append(dst, '}')
}

// AppendCSV appends a row as text between delimiters, without one at its end; an empty
// delimiter is a comma. Text that holds the delimiter, a quote or a line's end is quoted.
func (r *Rows) AppendCSV(dst []byte, row int, delimiter string) []byte {
	if delimiter == "" {
		delimiter = ","
	}
	for i, c := range r.columns {
		if i > 0 {
			dst = append(dst, delimiter...)
		}
		v, t := r.b.cols[i].at(row), c.Type
		switch {
		case v.null:
		case t.isString() && (strings.Contains(v.s, delimiter) || strings.ContainsAny(v.s, "\"\r\n")):
			dst = append(dst, '"')
			dst = append(dst, strings.ReplaceAll(v.s, `"`, `""`)...)
			dst = append(dst, '"')
		case t.Kind == Varbinary:
			dst = base64.StdEncoding.AppendEncode(dst, []byte(v.s))
		case t.Kind == Boolean:
			dst = strconv.AppendBool(dst, v.i != 0)
		default:
			dst = appendText(dst, t, v)
		}
	}
	return dst
}
