package schemaguess

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrNone is returned for samples that are of no form that the package knows.
var ErrNone = errors.New("schemaguess: no schema fits the samples")

// Limits of what is looked at.
const (
	maxRows    = 1000
	maxColumns = 1000
	maxDepth   = 64
	maxName    = 100
	maxVarchar = 65535
)

// Schema is what Guess has found.
type Schema struct {
	CSV             bool
	RowPath         string // of JSON: "$", or the path of an array
	RowDelimiter    string // of CSV
	ColumnDelimiter string // of CSV
	Columns         []Column
	Rows            [][]string // the samples' rows, a text a column: "" where there is none
}

// Column is a column that was found.
type Column struct {
	Name    string
	Type    string // "VARCHAR(16)"
	Mapping string // of JSON: the path of the value below the row; of CSV: empty
}

// Guess infers a schema from the data of records. table says that the samples are of a file, whose
// first line of CSV may be a header whatever its values.
func Guess(records [][]byte, table bool) (*Schema, error) {
	if s := guessJSON(records); s != nil {
		return s, nil
	}
	if s := guessCSV(records, table); s != nil {
		return s, nil
	}
	return nil, ErrNone
}

// kind is what the values of a column can be, from the narrowest on.
type kind uint8

const (
	none kind = iota // no value was seen
	boolean
	integer
	bigint
	double
	date
	timestamp
	text
)

// shape is what is known of a column's values.
type shape struct {
	kind    kind
	longest int // characters
}

// see takes account of a value.
func (s *shape) see(k kind, value string) {
	s.longest = max(s.longest, utf8.RuneCountInString(value))
	switch {
	case k == none || s.kind == k:
	case s.kind == none:
		s.kind = k
	case s.kind >= integer && s.kind <= double && k >= integer && k <= double:
		s.kind = max(s.kind, k)
	case (s.kind == date || s.kind == timestamp) && (k == date || k == timestamp):
		s.kind = timestamp
	default:
		s.kind = text
	}
}

func (s shape) sqlType() string {
	switch s.kind {
	case boolean:
		return "BOOLEAN"
	case integer:
		return "INTEGER"
	case bigint:
		return "BIGINT"
	case double:
		return "DOUBLE"
	case date:
		return "DATE"
	case timestamp:
		return "TIMESTAMP"
	}
	n := 4
	for n < s.longest && n < maxVarchar {
		n *= 2
	}
	return fmt.Sprintf("VARCHAR(%d)", min(n, maxVarchar))
}

// numberKind is the kind of a number's text.
func numberKind(s string) kind {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n >= -1<<31 && n < 1<<31 {
			return integer
		}
		return bigint
	}
	return double
}

// textKind is the kind of a text: of one that is a time, or of any.
func textKind(s string) kind {
	if len(s) < len("2006-01-02") || len(s) > len("2006-01-02T15:04:05.999999999Z07:00") || s[4] != '-' {
		return text
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return date
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00"} {
		if _, err := time.Parse(layout, s); err == nil {
			return timestamp
		}
	}
	return text
}

// names makes the names of columns, each once.
type names map[string]bool

// add is the name for a column of the sample's name, the n-th from 1; longer is another for it that
// is tried when that is taken.
func (t names) add(name, longer string, n int) string {
	for _, candidate := range []string{clean(name, n), clean(longer, n), "COL_" + strconv.Itoa(n)} {
		if !t[candidate] {
			t[candidate] = true
			return candidate
		}
	}
	for i := 2; ; i++ {
		candidate := fmt.Sprintf("COL_%d_%d", n, i)
		if !t[candidate] {
			t[candidate] = true
			return candidate
		}
	}
}

// clean is a name as it may be.
func clean(name string, n int) string {
	var b strings.Builder
	letters := false
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			letters = true
			b.WriteRune(c)
		default:
			b.WriteByte('_')
		}
	}
	kept := b.String()
	if !letters {
		return "COL_" + strconv.Itoa(n)
	}
	if kept == name && len(name) <= maxName && (name[0] < '0' || name[0] > '9') && !reserved[strings.ToUpper(name)] {
		return name
	}
	kept = "COL_" + strings.Trim(kept, "_")
	return kept[:min(len(kept), maxName)]
}
