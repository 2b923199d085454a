package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// resultWriter writes one result: begin, its rows, end.
type resultWriter interface {
	begin([]types.ColumnInfo) error
	row([]types.Datum) error
	end() error
}

var resultFormats = map[string]func(io.Writer) resultWriter{
	"table":   func(w io.Writer) resultWriter { return &tableWriter{out: bufio.NewWriter(w)} },
	"csv":     func(w io.Writer) resultWriter { return &csvResult{out: csv.NewWriter(w)} },
	"json":    func(w io.Writer) resultWriter { return &jsonResult{out: bufio.NewWriter(w)} },
	"parquet": func(w io.Writer) resultWriter { return &parquetResult{out: w} },
}

// tableBatch rows are lined up together, so that memory does not grow with the result.
const tableBatch = 1000

// tableWriter lines columns up: numbers to the right, everything else to the left.
type tableWriter struct {
	out     *bufio.Writer
	columns []types.ColumnInfo
	rows    [][]string
	widths  []int
	headed  bool
}

func (t *tableWriter) begin(columns []types.ColumnInfo) error {
	t.columns, t.widths = columns, make([]int, len(columns))
	for i, c := range columns {
		t.widths[i] = utf8.RuneCountInString(aws.ToString(c.Name))
	}
	return nil
}

var visible = strings.NewReplacer("\n", "⏎", "\r", "", "\t", " ")

func (t *tableWriter) row(data []types.Datum) error {
	row := make([]string, len(t.columns))
	for i := range row {
		row[i] = "NULL"
		if i < len(data) && data[i].VarCharValue != nil {
			row[i] = visible.Replace(*data[i].VarCharValue)
		}
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(row[i]))
	}
	if t.rows = append(t.rows, row); len(t.rows) == tableBatch {
		return t.flush()
	}
	return nil
}

func (t *tableWriter) flush() error {
	line := func(row []string, right func(int) bool) {
		for i, v := range row {
			if i > 0 {
				t.out.WriteString(" | ")
			}
			space := strings.Repeat(" ", max(0, t.widths[i]-utf8.RuneCountInString(v)))
			switch {
			case right(i):
				t.out.WriteString(space + v)
			case i == len(row)-1:
				t.out.WriteString(v)
			default:
				t.out.WriteString(v + space)
			}
		}
		t.out.WriteByte('\n')
	}
	if !t.headed {
		t.headed = true
		names, rules := make([]string, len(t.columns)), make([]string, len(t.columns))
		for i, c := range t.columns {
			names[i], rules[i] = aws.ToString(c.Name), strings.Repeat("-", t.widths[i])
		}
		line(names, func(int) bool { return false })
		fmt.Fprintln(t.out, strings.Join(rules, "-+-"))
	}
	for _, r := range t.rows {
		line(r, func(i int) bool { return isNumber(aws.ToString(t.columns[i].Type)) })
	}
	t.rows = t.rows[:0]
	return t.out.Flush()
}

func (t *tableWriter) end() error { return t.flush() }

func isNumber(typ string) bool {
	switch typ {
	case "tinyint", "smallint", "integer", "bigint", "float", "double", "decimal":
		return true
	}
	return false
}

type csvResult struct {
	out    *csv.Writer
	record []string
}

func (c *csvResult) begin(columns []types.ColumnInfo) error {
	c.record = make([]string, len(columns))
	for i, col := range columns {
		c.record[i] = aws.ToString(col.Name)
	}
	return c.out.Write(c.record)
}

func (c *csvResult) row(data []types.Datum) error {
	clear(c.record)
	for i := range min(len(data), len(c.record)) {
		c.record[i] = aws.ToString(data[i].VarCharValue)
	}
	return c.out.Write(c.record)
}

func (c *csvResult) end() error {
	c.out.Flush()
	return c.out.Error()
}

// jsonResult writes an object a line: numbers and booleans as such, all else as text.
type jsonResult struct {
	out     *bufio.Writer
	columns []types.ColumnInfo
	names   [][]byte
}

func (j *jsonResult) begin(columns []types.ColumnInfo) error {
	j.columns = columns
	for _, c := range columns {
		name, err := json.Marshal(aws.ToString(c.Name))
		if err != nil {
			return err
		}
		j.names = append(j.names, name)
	}
	return nil
}

func (j *jsonResult) row(data []types.Datum) error {
	for i, name := range j.names {
		j.out.WriteByte("{,"[min(i, 1)])
		j.out.Write(name)
		j.out.WriteByte(':')
		var value []byte
		switch typ := aws.ToString(j.columns[i].Type); {
		case i >= len(data) || data[i].VarCharValue == nil:
			value = []byte("null")
		case (isNumber(typ) || typ == "boolean") && json.Valid([]byte(*data[i].VarCharValue)):
			value = []byte(*data[i].VarCharValue)
		default:
			var err error
			if value, err = json.Marshal(*data[i].VarCharValue); err != nil {
				return err
			}
		}
		j.out.Write(value)
	}
	_, err := j.out.WriteString("}\n")
	return err
}

func (j *jsonResult) end() error { return j.out.Flush() }
