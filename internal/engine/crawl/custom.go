package crawl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// A Classifier reports whether an object's text is of a format that a user has described,
// and its columns. Those of a crawl are asked in order before the built-in ones.
type Classifier interface {
	// classify sets the file's format, columns and records, and reports true, if the text
	// is of the format. complete says that text is all of the object.
	classify(f *file, text []byte, complete bool) bool
}

// HeaderOption says whether CSV begins with a line of names.
type HeaderOption uint8

const (
	HeaderUnknown HeaderOption = iota // told from the lines
	HeaderPresent
	HeaderAbsent
)

// CSVOptions describe a CSV format. The zero value is that of a format with commas.
type CSVOptions struct {
	Delimiter    string // one character, comma when empty
	Quote        string // one character, double quote when empty
	Header       HeaderOption
	Columns      []string // names, whatever the header says
	Types        []string // Glue's names of types, by column; may be empty
	SingleColumn bool     // one column is CSV too
	KeepSpace    bool     // blanks around a value belong to it
	SerDe        string   // carried along into Format
}

type csvClassifier struct {
	CSVOptions
	delimiter, quote byte
	types            []*hivetype.Type
}

// customTypes are the type names of CSV classifiers.
var customTypes = map[string]hivetype.Kind{
	"BINARY": hivetype.Binary, "BOOLEAN": hivetype.Boolean, "DATE": hivetype.Date, "DOUBLE": hivetype.Double,
	"FLOAT": hivetype.Float, "INT": hivetype.Int, "LONG": hivetype.BigInt, "SHORT": hivetype.SmallInt,
	"STRING": hivetype.String, "TIMESTAMP": hivetype.Timestamp, "BYTE": hivetype.TinyInt, "BIGINT": hivetype.BigInt,
}

// NewCSV returns the classifier of a CSV format.
func NewCSV(o CSVOptions) (Classifier, error) {
	c := &csvClassifier{CSVOptions: o, delimiter: ',', quote: '"'}
	for _, ch := range []struct {
		name, text string
		to         *byte
	}{{"delimiter", o.Delimiter, &c.delimiter}, {"quote symbol", o.Quote, &c.quote}} {
		switch {
		case ch.text == "":
		case len(ch.text) != 1:
			return nil, fmt.Errorf("the %s %q is not one ASCII character", ch.name, ch.text)
		default:
			*ch.to = ch.text[0]
		}
	}
	if c.delimiter == c.quote {
		return nil, errors.New("delimiter and quote symbol are the same")
	}
	seen := make(map[string]bool)
	for _, name := range o.Columns {
		if n := columnName(name); n == "" || seen[n] {
			return nil, fmt.Errorf("the heading %q is empty or there twice", name)
		} else {
			seen[n] = true
		}
	}
	if len(o.Types) > 0 && len(o.Columns) > 0 && len(o.Types) != len(o.Columns) {
		return nil, fmt.Errorf("there are %d data types for %d headings", len(o.Types), len(o.Columns))
	}
	for _, t := range o.Types {
		name := strings.ToUpper(strings.TrimSpace(t))
		if name == "DECIMAL" {
			c.types = append(c.types, &hivetype.Type{Kind: hivetype.Decimal, Precision: 38, Scale: 18})
			continue
		}
		kind, ok := customTypes[name]
		if !ok {
			return nil, fmt.Errorf("there is no data type %q", t)
		}
		c.types = append(c.types, &hivetype.Type{Kind: kind})
	}
	return c, nil
}

func (c *csvClassifier) classify(f *file, text []byte, complete bool) bool {
	text, ok := plainText(text)
	if !ok {
		return false
	}
	rows, quoted := splitCSV(text, c.delimiter, c.quote, complete)
	if len(rows) == 0 || len(rows[0]) > maxCSVColumns || len(rows[0]) < 2 && !c.SingleColumn || !uniform(rows) {
		return false
	}
	if len(c.Columns) > 0 && len(c.Columns) != len(rows[0]) || len(c.types) > 0 && len(c.types) != len(rows[0]) {
		return false
	}
	if c.Header == HeaderPresent && len(c.Columns) > 0 {
		// The names are those of the file, or another file is meant.
		for i, name := range c.Columns {
			if columnName(name) != columnName(rows[0][i]) {
				return false
			}
		}
	}
	columns, header := csvColumns(rows)
	switch c.Header {
	case HeaderPresent:
		columns, header = csvTyped(rows[1:], len(rows[0])), true
		for i, name := range rows[0] {
			if n := columnName(name); n != "" {
				columns[i].Name = n
			}
		}
	case HeaderAbsent:
		columns, header = csvTyped(rows, len(rows[0])), false
	}
	seen := make(map[string]bool)
	for i := range columns {
		if len(c.Columns) > 0 {
			columns[i].Name = columnName(c.Columns[i])
		}
		if len(c.types) > 0 {
			columns[i].Type = c.types[i]
		}
		if seen[columns[i].Name] {
			columns[i].Name += "_" + itoa(i)
		}
		seen[columns[i].Name] = true
	}
	f.format = Format{
		Classification: CSV, Compression: f.format.Compression, Delimiter: c.delimiter, Quote: c.quote,
		Quoted: quoted || c.CSVOptions.Quote != "", Header: header, SerDe: c.SerDe,
	}
	f.columns, f.records = columns, int64(len(rows))
	if header {
		f.records--
	}
	return true
}

// csvTyped are the columns of rows without a header.
func csvTyped(rows [][]string, n int) Columns {
	columns := make(Columns, n)
	for i := range columns {
		columns[i].Name = "col" + itoa(i)
	}
	for _, r := range rows {
		for i, field := range r {
			columns[i].Type = merge(columns[i].Type, csvType(field))
		}
	}
	return columns
}

// plainText is text without a byte order mark, if it is text.
func plainText(text []byte) ([]byte, bool) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	return text, utf8.Valid(text[:lastRune(text)]) && bytes.IndexByte(text, 0) < 0
}

// jsonClassifier takes the rows of JSON from where a path leads.
type jsonClassifier struct {
	path  string
	steps []string // a member's name, or "" for the elements of an array
}

// NewJSON returns the classifier of JSON whose rows are where path leads: "$", "$[*]",
// "$.rows[*]", "$['rows'][0].item".
func NewJSON(path string) (Classifier, error) {
	c := &jsonClassifier{path: path}
	rest, ok := strings.CutPrefix(strings.TrimSpace(path), "$")
	if !ok {
		return nil, fmt.Errorf("the JSON path %q does not begin with $", path)
	}
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`):
			end := strings.Index(rest, rest[1:2]+"]")
			if end < 2 {
				return nil, fmt.Errorf("the JSON path %q has a bracket that is not closed", path)
			}
			c.steps = append(c.steps, strings.ToLower(rest[2:end]))
			rest = rest[end+2:]
		case rest[0] == '[':
			inner, after, ok := strings.Cut(rest[1:], "]")
			if _, err := strconv.ParseUint(inner, 10, 31); !ok || inner != "*" && err != nil {
				return nil, fmt.Errorf("the JSON path %q has an index that is neither a number nor *", path)
			}
			c.steps = append(c.steps, "")
			rest = after
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			name := rest[1:end]
			if name == "" {
				return nil, fmt.Errorf("the JSON path %q has a step without a name", path)
			}
			if name == "*" {
				name = ""
			}
			c.steps = append(c.steps, strings.ToLower(name))
			rest = rest[end:]
		default:
			return nil, fmt.Errorf("the JSON path %q is not understood at %q", path, rest)
		}
	}
	if len(c.steps) > maxJSONDepth {
		return nil, fmt.Errorf("the JSON path %q is too long", path)
	}
	return c, nil
}

func (c *jsonClassifier) classify(f *file, text []byte, complete bool) bool {
	t, records := jsonTypes(text, complete)
	last := "array"
	for _, step := range c.steps {
		switch {
		case t == nil:
			return false
		case step == "" && t.Kind == hivetype.Array:
			t = t.Elem
		case step != "" && t.Kind == hivetype.Struct:
			last = step
			var found *hivetype.Type
			for _, field := range t.Fields {
				if field.Name == step {
					found = field.Type
				}
			}
			t = found
		default:
			return false
		}
	}
	switch {
	case t == nil:
		return false
	case t.Kind != hivetype.Struct:
		f.columns = Columns{{last, t}}
	case len(t.Fields) == 0:
		return false
	default:
		f.columns = nil
		for _, field := range t.Fields {
			f.columns = append(f.columns, Column(field))
		}
	}
	f.format = Format{Classification: JSON, Compression: f.format.Compression, Path: c.path}
	f.records = records
	return true
}

// jsonTypes is the type that all values of text have together, nil if it is not JSON.
func jsonTypes(text []byte, complete bool) (*hivetype.Type, int64) {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return nil, 0
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all *hivetype.Type
	records := int64(0)
	for {
		t, err := jsonValue(d, 0)
		switch {
		case err == io.EOF:
			return all, records
		case err != nil && (complete || !errors.Is(err, io.ErrUnexpectedEOF)):
			return nil, 0
		}
		all = merge(all, t)
		records++
		if err != nil {
			return all, records // what was read ends within it
		}
	}
}
