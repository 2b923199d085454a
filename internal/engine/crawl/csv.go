package crawl

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// CSV, as Glue's built-in classifier sees it: fields parted by comma, bar, tab,
// semicolon or Ctrl-A, the same number, at least two, on every line. The first line is a
// header when all its fields are text that would do for names, no two the same, and some
// column is not text below it. Without one the columns are col0, col1 and so on. Whole
// numbers are bigint; dates and times are text. Values in quotes are for OpenCSVSerde, which
// does not take an empty value as a number: a column that has one is text there.

const maxCSVColumns = 2000

func csvFile(f *file, text []byte, complete bool) bool {
	text, ok := plainText(text)
	if !ok {
		return false
	}
	for _, delimiter := range []byte(",|\t;\x01") {
		rows, quoted := splitCSV(text, delimiter, '"', complete)
		if len(rows) == 0 || len(rows[0]) < 2 || len(rows[0]) > maxCSVColumns {
			continue
		}
		if !uniform(rows) {
			continue
		}
		f.format.Classification, f.format.Delimiter, f.format.Quoted = CSV, delimiter, quoted
		f.columns, f.format.Header = csvColumns(rows)
		if quoted {
			blanksAreText(f.columns, rows)
		}
		f.records = int64(len(rows))
		if f.format.Header {
			f.records--
		}
		return true
	}
	return false
}

// blanksAreText makes text of the columns that have an empty value in some row.
func blanksAreText(columns Columns, rows [][]string) {
	for _, r := range rows {
		for i, field := range r {
			if strings.TrimSpace(field) == "" {
				columns[i].Type = stringType
			}
		}
	}
}

// uniform says whether all rows have as many fields.
func uniform(rows [][]string) bool {
	for _, r := range rows {
		if len(r) != len(rows[0]) {
			return false
		}
	}
	return true
}

// lastRune is where the last, perhaps broken, character of b begins.
func lastRune(b []byte) int {
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if utf8.FullRune(b[len(b)-i:]) {
				return len(b)
			}
			return len(b) - i
		}
	}
	return len(b)
}

// splitCSV cuts text into rows; the last, unless complete, may be cut off and is left out.
func splitCSV(text []byte, delimiter, quote byte, complete bool) (rows [][]string, quoted bool) {
	var row []string
	var field []byte
	open := false
	flush := func() {
		row = append(row, string(field))
		field = field[:0]
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case open && c == quote && i+1 < len(text) && text[i+1] == quote:
			field = append(field, quote)
			i++
		case open && c == quote:
			open = false
		case open:
			field = append(field, c)
		case c == quote && len(field) == 0:
			open, quoted = true, true
		case c == delimiter:
			flush()
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		case c == '\n':
			flush()
			if len(row) > 1 || row[0] != "" {
				rows = append(rows, row)
			}
			row = nil
		default:
			field = append(field, c)
		}
	}
	if open {
		return nil, false
	}
	if complete && (len(field) > 0 || len(row) > 0) {
		flush()
		rows = append(rows, row)
	}
	return rows, quoted
}

// csvType is the type of a field, nil for an empty one. LazySimpleSerDe reads a whole number or a boolean
// with spaces around it as null: the number is a double, which it reads, and the boolean text.
func csvType(s string) *hivetype.Type {
	spaced := s
	s = strings.TrimSpace(s)
	if s == "" {
		return nil
	}
	t := spacelessType(s)
	switch {
	case len(s) == len(spaced) || t == doubleType:
		return t
	case t == bigintType && len(s) <= 15:
		return doubleType
	}
	return stringType
}

func spacelessType(s string) *hivetype.Type {
	if c := s[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		if _, err := strconv.ParseInt(s, 10, 64); err == nil {
			return bigintType
		}
		if _, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "xX_pPiInN") {
			return doubleType
		}
	}
	if strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
		return booleanType
	}
	return stringType
}

func csvColumns(rows [][]string) (Columns, bool) {
	types := make([]*hivetype.Type, len(rows[0]))
	for _, r := range rows[1:] {
		for i, field := range r {
			types[i] = merge(types[i], csvType(field))
		}
	}
	header := len(rows) > 1
	seen := make(map[string]bool)
	texts := true // all columns below are text
	for i, name := range rows[0] {
		n := columnName(name)
		if csvType(strings.TrimSpace(name)) != stringType && (n != "" || i < len(rows[0])-1) || seen[n] || len(n) > 150 {
			header = false
		}
		seen[n] = true
		if types[i] != nil && types[i] != stringType {
			texts = false
		}
	}
	header = header && !texts
	columns := make(Columns, len(types))
	for i := range columns {
		name := "col" + itoa(i)
		if header {
			if n := columnName(rows[0][i]); n != "" {
				name = n
			}
		} else {
			types[i] = merge(types[i], csvType(rows[0][i]))
		}
		columns[i] = Column{name, types[i]}
	}
	return columns, header
}
