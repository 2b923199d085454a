package s3select

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxColumns of a record of CSV.
const maxColumns = 1024

// csv reads records of CSV.
func (r *run) csv(in *bufio.Reader, from int64) error {
	o := r.o.Input
	c := &csvReader{in: in, form: o.CSV, quoted: o.QuotedLines, comments: o.Comments, at: from}
	if o.Ranged && o.Begin > 0 {
		if _, err := c.line(); err != nil { // what began before the range
			return ignoreEnd(r.broken(err))
		}
	}
	whole := !o.Ranged || o.Begin == 0
	c.lead = whole
	var names []string
	if whole && (o.Header == "USE" || o.Header == "IGNORE") {
		fields, err := c.record()
		if err != nil {
			return ignoreEnd(r.broken(err))
		}
		if o.Header == "USE" {
			names = headers(fields)
		}
	}
	if o.Header == "USE" && !whole { // the names are before the range
		head := &csvReader{in: bufio.NewReader(io.NewSectionReader(r.src, 0, r.src.Size())), form: o.CSV, comments: o.Comments, lead: true}
		fields, err := head.record()
		if err != nil {
			return ignoreEnd(r.broken(err))
		}
		names = headers(fields)
	}
	fixed := names != nil
	for {
		if o.Ranged && c.at > o.End {
			return nil
		}
		fields, err := c.record()
		if err != nil {
			return ignoreEnd(r.broken(err))
		}
		if !fixed && len(fields) != len(names) {
			names = make([]string, len(fields))
			for i := range names {
				names[i] = "_" + strconv.Itoa(i+1)
			}
		}
		columns := names
		for fixed && len(fields) < len(names) { // of a short record the last columns are not there
			fields = append(fields, Value{})
		}
		if fixed && len(fields) > len(names) {
			columns = names[:len(names):len(names)]
			for i := len(names); i < len(fields); i++ {
				columns = append(columns, "_"+strconv.Itoa(i+1))
			}
		}
		if err := r.row(structOf(columns, fields)); err != nil {
			return err
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func headers(fields []Value) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.s
	}
	return names
}

type csvReader struct {
	in       *bufio.Reader
	form     CSV
	quoted   bool
	comments string
	lead     bool // the next line is the first of the object
	at       int64
	buf      []byte
	seen     int  // bytes of buf that were looked at for quotes
	within   bool // quotes
}

// line reads up to a record delimiter, which is cut off.
func (c *csvReader) line() ([]byte, error) {
	c.buf, c.seen, c.within = c.buf[:0], 0, false
	last := c.form.Record[len(c.form.Record)-1]
	for {
		part, err := c.in.ReadSlice(last)
		c.at += int64(len(part))
		if c.buf = append(c.buf, part...); len(c.buf) > MaxRecord+len(c.form.Record) {
			return nil, fail("OverMaxRecordSize", "The length of a record in the input or result is greater than the maxCharsPerRecord limit of 1 MB.")
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(c.buf) > 0:
			return c.buf, nil
		case err != nil:
			return nil, err
		}
		if bytes.HasSuffix(c.buf, []byte(c.form.Record)) && !(c.quoted && c.open()) {
			return c.buf[:len(c.buf)-len(c.form.Record)], nil
		}
	}
}

// open reports whether what was read ends within quotes.
func (c *csvReader) open() bool {
	q, e := c.form.Quote[0], c.form.Escape[0]
	for ; c.seen < len(c.buf); c.seen++ {
		switch b := c.buf[c.seen]; {
		case c.within && b == e && e != q:
			c.seen++
		case b == q: // doubled, it ends and begins again
			c.within = !c.within
		}
	}
	return c.within
}

// record reads a record; empty lines and comments are none.
func (c *csvReader) record() ([]Value, error) {
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if c.lead {
			line, c.lead = bytes.TrimPrefix(line, []byte("\ufeff")), false
		}
		if len(line) == 0 || c.comments != "" && bytes.HasPrefix(line, []byte(c.comments)) {
			continue
		}
		if !utf8.Valid(line) {
			return nil, fail("InvalidTextEncoding", "Invalid encoding type. Only UTF-8 encoding is supported.")
		}
		return c.fields(string(line))
	}
}

// fields takes a line apart.
func (c *csvReader) fields(line string) (fields []Value, err error) {
	quote, escape := c.form.Quote[0], c.form.Escape[0]
	for {
		if len(fields) == maxColumns {
			return nil, fail("OverMaxColumn", "The number of columns in the result is greater than the maximum allowable number of columns.")
		}
		if line == "" || line[0] != quote {
			field, rest, more := strings.Cut(line, c.form.Field)
			fields = append(fields, text(field))
			if line = rest; !more {
				return fields, nil
			}
			continue
		}
		var b strings.Builder
		i, closed := 1, false
		for i < len(line) {
			ch := line[i]
			if ch == escape && i+1 < len(line) && (line[i+1] == quote || escape != quote && line[i+1] == escape) {
				b.WriteByte(line[i+1])
				i += 2
				continue
			}
			i++
			if ch == quote {
				closed = true
				break
			}
			b.WriteByte(ch)
		}
		if !closed {
			return nil, fail("CSVUnescapedQuote", "A quoted field of the CSV file does not end. Check the file and try again.")
		}
		// What follows the quotes is of the field as well.
		field, rest, more := strings.Cut(line[i:], c.form.Field)
		b.WriteString(field)
		fields = append(fields, text(b.String()))
		if line = rest; !more {
			return fields, nil
		}
	}
}
