package streamsql

import "time"

// Rows are rows of one stream. They do not change.
type Rows struct {
	columns []Column
	n       int
}

// Len is how many there are.
func (r *Rows) Len() int { return r.n }

// Columns are those of the stream, without ROWTIME.
func (r *Rows) Columns() []Column { return r.columns }

// Rowtime is a row's ROWTIME.
func (r *Rows) Rowtime(row int) time.Time { return time.Time{} }

// Value is a value as Go has it: nil, bool, int64, float64, string, []byte or time.Time; a DECIMAL
// and an INTERVAL are strings.
func (r *Rows) Value(row, column int) any { return nil }

// AppendJSON appends a row as an object of its columns, in order, with timestamps as
// "2018-03-18 03:20:00.000".
func (r *Rows) AppendJSON(dst []byte, row int) []byte { return dst }

// AppendCSV appends a row as text between delimiters, without one at its end; an empty
// delimiter is a comma.
func (r *Rows) AppendCSV(dst []byte, row int, delimiter string) []byte { return dst }
