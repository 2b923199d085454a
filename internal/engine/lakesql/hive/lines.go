package hive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Reading the lines of text, and writing their fields as texts for DuckDB.

// lineEnd is where the first line break of b is, or its length.
func lineEnd(b []byte) int {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		end = len(b)
	}
	if cr := bytes.IndexByte(b[:end], '\r'); cr >= 0 {
		return cr
	}
	return end
}

// plainText reports whether lines are what DuckDB reads as Hive does, their fields aside.
func plainText(block []byte) bool {
	if !utf8.Valid(block) || bytes.IndexByte(block, 0) >= 0 || block[0] == '\n' || bytes.Contains(block, []byte("\n\n")) {
		return false
	}
	if n := bytes.Count(block, []byte("\r")); n > 0 {
		broken := bytes.Count(block, []byte("\r\n"))
		return n == broken && bytes.Count(block, []byte("\n")) <= n+1 && block[0] != '\r' && !bytes.Contains(block, []byte("\n\r"))
	}
	return true
}

// textRules say how a line is divided into fields.
type textRules struct {
	delim, quote, escape byte // zero: there is none
	null                 string
	columns              int
	open                 bool            // OpenCSV's rules; otherwise LazySimpleSerDe's
	rest                 bool            // the last column takes what is left of the line
	whole                bool            // a line is one field
	split                string          // a delimiter beyond ASCII, in place of delim
	kinds                []hivetype.Kind // of columns whose values DuckDB and Java may read otherwise; zero: of text
}

// plain reports whether DuckDB divides the lines of a block as the rules do.
func (t *textRules) plain(block []byte) bool {
	if !plainText(block) {
		return false
	}
	switch {
	case t.whole:
		return !bytes.Contains(block, []byte(wholeLine))
	case t.escape != 0 && bytes.IndexByte(block, t.escape) >= 0, t.rest, t.split != "":
		return false
	case t.oddFields(block):
		return false
	case !t.open || t.quote == 0:
		return true
	}
	return t.quotesAreRegular(block)
}

// oddFields reports whether a field may be another value to DuckDB than to the SerDe.
func (t *textRules) oddFields(block []byte) bool {
	for len(block) > 0 {
		line := block
		if end := bytes.IndexByte(block, '\n'); end >= 0 {
			line, block = block[:end], block[end+1:]
		} else {
			block = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		for column := 0; column < len(t.kinds); column++ {
			field := line
			end := bytes.IndexByte(line, t.delim)
			if end >= 0 {
				field, line = line[:end], line[end+1:]
			}
			switch kind := t.kinds[column]; {
			case t.open && kind == hivetype.Double && oddNumber(field), !t.open && oddField(kind, field):
				return true
			}
			if end < 0 {
				break
			}
		}
	}
	return false
}

// oddNumber reports whether a number begins as one and has a letter other than e, or an
// underscore, or is in words.
func oddNumber(field []byte) bool {
	field = bytes.TrimLeft(field, ` "'+-`)
	if len(field) == 0 {
		return false
	}
	switch c := field[0] | 0x20; {
	case c == 'i' || c == 'n':
		word := bytes.ToLower(field[:min(3, len(field))])
		return string(word) == "inf" || string(word) == "nan"
	case field[0] != '.' && field[0]-'0' > 9:
		return false
	}
	for _, c := range field {
		if c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' && c|0x20 != 'e' {
			return true
		}
	}
	return false
}

// quotesAreRegular reports whether every quote opens or closes a whole field of its line.
func (t *textRules) quotesAreRegular(block []byte) bool {
	open := false
	last := 0
	for i := 0; ; i++ {
		next := bytes.IndexByte(block[i:], t.quote)
		if next < 0 {
			return !open
		}
		i += next
		if !open {
			if i > 0 && block[i-1] != t.delim && block[i-1] != '\n' {
				return false
			}
			open, last = true, i
			continue
		}
		if bytes.IndexByte(block[last:i], '\n') >= 0 {
			return false
		}
		if i+1 < len(block) && block[i+1] != t.delim && block[i+1] != '\n' && block[i+1] != '\r' {
			return false
		}
		open = false
	}
}

// fields divides a line; set is told the fields in order, nil for null.
func (t *textRules) fields(line []byte, set func(i int, field []byte)) {
	switch {
	case t.whole:
		set(0, line)
	case t.open:
		if t.split != "" {
			line = bytes.ReplaceAll(line, []byte(t.split), []byte{t.delim})
		}
		t.openFields(line, set)
	default:
		t.rawFields(line, func(i int, field []byte) { t.lazy(i, field, set) })
	}
}

// rawFields divides a line of LazySimpleSerDe's, and leaves its fields as they are written.
func (t *textRules) rawFields(line []byte, set func(i int, field []byte)) {
	if t.split != "" {
		for i := 0; i < t.columns; i++ {
			field, rest, more := bytes.Cut(line, []byte(t.split))
			set(i, field)
			if !more {
				return
			}
			line = rest
		}
		return
	}
	start, n := 0, 0
	for i := 0; i <= len(line) && n < t.columns; i++ {
		switch {
		case i == len(line):
		case t.escape != 0 && line[i] == t.escape && i+1 < len(line):
			i++
			continue
		case line[i] != t.delim || t.rest && n == t.columns-1:
			continue
		}
		set(n, line[start:i])
		start = i + 1
		n++
	}
}

// lazy hands out a field of LazySimpleSerDe's: null is told by the text as it is written.
func (t *textRules) lazy(i int, field []byte, set func(int, []byte)) {
	if string(field) == t.null {
		return
	}
	field = t.unescaped(field)
	if field == nil {
		field = []byte{}
	}
	set(i, field)
}

// unescaped is a field without the characters that escape others.
func (t *textRules) unescaped(field []byte) []byte {
	if t.escape == 0 || bytes.IndexByte(field, t.escape) < 0 {
		return field
	}
	out := make([]byte, 0, len(field))
	for j := 0; j < len(field); j++ {
		if field[j] == t.escape && j+1 < len(field) {
			j++
		}
		out = append(out, field[j])
	}
	return out
}

// openFields divides a line as OpenCSV does. A field whose quote stays open is not there, nor
// is what would come after it: a record is a line.
func (t *textRules) openFields(line []byte, set func(i int, field []byte)) {
	field := make([]byte, 0, len(line))
	n := 0
	quoted, within := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		next := i + 1
		inside := (quoted || within) && next < len(line)
		switch {
		case c == t.escape && t.escape != 0:
			if inside && (line[next] == t.quote || line[next] == t.escape) {
				field = append(field, line[next])
				i++
			}
		case c == t.quote && t.quote != 0:
			if inside && line[next] == t.quote {
				field = append(field, c)
				i++
				continue
			}
			if i > 2 && line[i-1] != t.delim && next < len(line) && line[next] != t.delim {
				if len(field) > 0 && len(bytes.TrimSpace(field)) == 0 {
					field = field[:0] // spaces before a quote
				} else {
					field = append(field, c)
				}
			}
			quoted = !quoted
			within = !within
		case c == t.delim && !quoted:
			set(n, field)
			n++
			field = field[len(field):]
			within = false
		default:
			field = append(field, c)
			within = true
		}
	}
	if !quoted {
		set(n, field)
	}
}

// convert writes the fields of lines as columns of text, c0 and on.
func (t *textRules) convert(lines *lineReader, out io.Writer) error {
	w, err := newTexts(out, t.columns)
	if err != nil {
		return err
	}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return w.close()
		}
		if err != nil {
			return err
		}
		t.fields(line, w.set)
		if err := w.end(); err != nil {
			return err
		}
	}
}

// texts writes rows of texts to a Parquet file.
type texts struct {
	file   *file.Writer
	values [][]parquet.ByteArray
	levels [][]int16
	memory []byte // of the values
	rows   int
}

// What is gathered for a row group.
const (
	textRows  = 64 << 10
	textBytes = 8 << 20
)

func newTexts(out io.Writer, columns int) (*texts, error) {
	var list schema.FieldList
	for i := range columns {
		n, err := schema.NewPrimitiveNodeLogical(fmt.Sprintf("c%d", i), parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	root, err := schema.NewGroupNode("lines", parquet.Repetitions.Required, list, -1)
	if err != nil {
		return nil, err
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(false), parquet.WithStats(false))
	w, err := file.NewParquetWriterWithError(out, root, file.WithWriterProps(props))
	if err != nil {
		return nil, err
	}
	return &texts{file: w, values: make([][]parquet.ByteArray, columns), levels: make([][]int16, columns)}, nil
}

// set gives the row at hand a value.
func (w *texts) set(i int, field []byte) {
	if i >= len(w.values) || len(w.levels[i]) > w.rows {
		return
	}
	start := len(w.memory)
	w.memory = append(w.memory, field...)
	w.values[i] = append(w.values[i], parquet.ByteArray(w.memory[start:]))
	w.levels[i] = append(w.levels[i], 1)
}

// end ends the row at hand; columns without a value are null.
func (w *texts) end() error {
	w.rows++
	for i := range w.levels {
		if len(w.levels[i]) < w.rows {
			w.levels[i] = append(w.levels[i], 0)
		}
	}
	if w.rows < textRows && len(w.memory) < textBytes {
		return nil
	}
	return w.flush()
}

func (w *texts) flush() error {
	if w.rows == 0 {
		return nil
	}
	group, err := w.file.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for i := range w.values {
		column, err := group.NextColumn()
		if err != nil {
			return err
		}
		if _, err := column.(*file.ByteArrayColumnChunkWriter).WriteBatch(w.values[i], w.levels[i], nil); err != nil {
			return err
		}
		if err := column.Close(); err != nil {
			return err
		}
		w.values[i], w.levels[i] = w.values[i][:0], w.levels[i][:0]
	}
	w.memory, w.rows = w.memory[:0], 0
	return group.Close()
}

func (w *texts) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.file.Close()
}
