package schemaguess

import (
	"bytes"
	"encoding/csv"
	"strings"
	"unicode/utf8"
)

// guessCSV is the schema of lines of fields; nil if the samples are none.
func guessCSV(records [][]byte, table bool) *Schema {
	data := bytes.Join(records, []byte("\n"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil
	}
	for _, delimiter := range []rune{',', '\t', '|', ';'} {
		rows := fields(data, delimiter)
		if rows == nil {
			continue
		}
		return csvSchema(rows, string(delimiter), table)
	}
	return nil
}

// fields are the fields of all lines; nil unless every line has the same number of them, two at least.
func fields(data []byte, delimiter rune) [][]string {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.LazyQuotes, r.TrimLeadingSpace = delimiter, true, delimiter != '\t'
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 || len(rows[0]) < 2 || len(rows[0]) > maxColumns {
		return nil
	}
	return rows[:min(len(rows), maxRows)]
}

func csvSchema(rows [][]string, delimiter string, table bool) *Schema {
	s := &Schema{CSV: true, RowDelimiter: "\n", ColumnDelimiter: delimiter}
	shapes := shapesOf(rows)
	header := false
	if len(rows) > 1 && allNames(rows[0]) {
		without := shapesOf(rows[1:])
		header = table
		for i := range shapes {
			if without[i].kind != shapes[i].kind { // the first line alone is text there
				header = true
			}
		}
		if header {
			shapes = without
		}
	}
	taken := names{}
	for i, sh := range shapes {
		name := ""
		if header {
			name = rows[0][i]
		}
		s.Columns = append(s.Columns, Column{Name: taken.add(name, name, i+1), Type: sh.sqlType()})
	}
	s.Rows = rows
	return s
}

func shapesOf(rows [][]string) []shape {
	shapes := make([]shape, len(rows[0]))
	for _, row := range rows {
		for i, v := range row {
			shapes[i].see(fieldKind(v), v)
		}
	}
	return shapes
}

// fieldKind is the kind of a field, which is text whatever it says.
func fieldKind(s string) kind {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return none
	case strings.EqualFold(s, "true"), strings.EqualFold(s, "false"):
		return boolean
	case isNumber(s):
		return numberKind(s)
	}
	return textKind(s)
}

// isNumber says whether a field is a decimal number: no NaN, no hexadecimal.
func isNumber(s string) bool {
	digits := 0
	for i, c := range strings.TrimLeft(s, "+-") {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.', i > 0 && strings.ContainsRune("eE+-", c):
		default:
			return false
		}
	}
	return digits > 0 && strings.Count(s, ".") <= 1 && len(s) < 64
}

// allNames says whether the fields of a line could be names of columns.
func allNames(row []string) bool {
	seen := map[string]bool{}
	for _, f := range row {
		f = strings.TrimSpace(f)
		if f == "" || fieldKind(f) != text || seen[f] || len(f) > maxName {
			return false
		}
		seen[f] = true
	}
	return true
}
