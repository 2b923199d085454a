package etl

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// csvLines reads rows of CSV. What it returns is good until the next call.
type csvLines interface{ Read() ([]string, error) }

// lines reads rows as the options say.
func (o ReadOptions) lines(in io.Reader) csvLines {
	comma := o.Delimiter
	if comma == 0 {
		comma = ','
	}
	if o.quote() == '"' && o.Escape == 0 {
		lines := csv.NewReader(in)
		lines.FieldsPerRecord, lines.LazyQuotes, lines.ReuseRecord = -1, true, true
		lines.Comma = comma
		return lines
	}
	return &quotedLines{in: bufio.NewReader(in), comma: comma, quote: o.quote(), escape: o.Escape}
}

// quotedLines reads CSV with other quotes than ", or with an escape character.
type quotedLines struct {
	in                   *bufio.Reader
	comma, quote, escape rune // quote -1, escape 0: none
	fields               []string
	field                strings.Builder
}

// Read implements csvLines. Empty lines are passed over.
func (l *quotedLines) Read() ([]string, error) {
	l.fields = l.fields[:0]
	l.field.Reset()
	begun, quoted := false, false // the row; within quotes
	start := true                 // of a field
	end := func() {
		l.fields = append(l.fields, l.field.String())
		l.field.Reset()
		start = true
	}
	for {
		r, _, err := l.in.ReadRune()
		if errors.Is(err, io.EOF) && begun {
			end()
			return l.fields, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case l.escape != 0 && r == l.escape:
			begun, start = true, false
			next, _, err := l.in.ReadRune()
			if errors.Is(err, io.EOF) {
				l.field.WriteRune(r)
				continue
			}
			if err != nil {
				return nil, err
			}
			l.field.WriteRune(escaped(next))
		case quoted && r == l.quote:
			next, _, err := l.in.ReadRune()
			if err == nil && next == l.quote {
				l.field.WriteRune(r) // doubled
				continue
			}
			if err == nil {
				err = l.in.UnreadRune()
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			quoted = false
		case quoted:
			l.field.WriteRune(r)
		case start && r == l.quote:
			begun, quoted, start = true, true, false
		case r == l.comma:
			begun = true
			end()
		case r == '\n':
			if !begun {
				continue
			}
			end()
			return l.fields, nil
		case r == '\r':
			next, _, err := l.in.ReadRune()
			if err == nil {
				err = l.in.UnreadRune()
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if next != '\n' {
				begun, start = true, false
				l.field.WriteRune(r)
			}
		default:
			begun, start = true, false
			l.field.WriteRune(r)
		}
	}
}

// escaped is what a character behind an escaper stands for.
func escaped(r rune) rune {
	switch r {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case '0':
		return 0
	}
	return r
}

// ParseRecordPath takes a JSON path that says where in an object its records are: members and [*], the elements of an
// array. "" and "$" are the object itself, which is no path.
func ParseRecordPath(path string) ([]string, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok && path != "" {
		return nil, fmt.Errorf("the JsonPath %q does not begin with $", path)
	}
	var steps []string
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "[*]"):
			steps, rest = append(steps, allElements), rest[3:]
		case strings.HasPrefix(rest, ".") && len(rest) > 1 && rest[1] != '.' && rest[1] != '[' && rest[1] != '*':
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			steps, rest = append(steps, rest[1:n+1]), rest[n+1:]
		default:
			return nil, fmt.Errorf("the JsonPath %q has what is not supported: it takes members and [*]", path)
		}
		if len(steps) > maxDepth {
			return nil, fmt.Errorf("the JsonPath has more than %d steps", maxDepth)
		}
	}
	return steps, nil
}

// allElements is the step of a path to each element of an array.
const allElements = "[*]"

// recordsAt takes what is at a path of each JSON value of a text, one after the other, until take is false.
func recordsAt(text []byte, path []string, take func([]byte) bool) {
	var rec jsontext.Record
	for rest := text; ; {
		rest = rest[jsontext.SkipSpace(rest, 0):]
		if len(rest) == 0 {
			return
		}
		n, err := rec.Parse(rest)
		if err != nil || n == 0 {
			take(rest) // what is no JSON is a corrupt record
			return
		}
		if !takeAt(rest[:n], rec.Kind, path, take) {
			return
		}
		rest = rest[n:]
	}
}

func takeAt(text []byte, kind jsontext.Kind, path []string, take func([]byte) bool) bool {
	if len(path) == 0 {
		return take(text)
	}
	if kind == jsontext.Array {
		steps := path[1:]
		if path[0] != allElements { // members of an array are those of its elements
			steps = path
		}
		for it := jsontext.Over(text); ; {
			lo, hi, kind, _, ok := it.Element()
			if !ok {
				return true
			}
			if !takeAt(text[lo:hi], kind, steps, take) {
				return false
			}
		}
	}
	if kind != jsontext.Object || path[0] == allElements {
		return true
	}
	for it := jsontext.Over(text); ; {
		m, ok := it.Member()
		if !ok {
			return true
		}
		name := string(text[m.KeyLo:m.KeyHi])
		if m.KeyEscaped {
			name = string(jsontext.AppendUnquoted(nil, text[m.KeyLo:m.KeyHi]))
		}
		if name == path[0] && !takeAt(text[m.Lo:m.Hi], m.Kind, path[1:], take) {
			return false
		}
	}
}
