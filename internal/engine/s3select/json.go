package s3select

import (
	"bufio"
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// json reads documents of JSON, one after the other; of lines too, where only the size differs.
func (r *run) json(in *bufio.Reader, from int64) error {
	o := r.o.Input
	if o.Lines {
		c := &csvReader{in: in, form: CSV{Record: "\n", Quote: `"`, Escape: `"`}, at: from}
		if o.Ranged && o.Begin > 0 {
			if _, err := c.line(); err != nil { // what began before the range
				return ignoreEnd(r.broken(err))
			}
		}
		for {
			if o.Ranged && c.at > o.End {
				return nil
			}
			line, err := c.line()
			if err != nil {
				return ignoreEnd(r.broken(err))
			}
			if err := r.documents(bytes.NewReader(line), MaxRecord); err != nil {
				return err
			}
		}
	}
	return r.documents(in, MaxDocument)
}

// documents takes each of what in has.
func (r *run) documents(in io.Reader, most int) error {
	limited := &allowance{r: in}
	d := stdjson.NewDecoder(limited)
	for {
		limited.left = most
		var raw stdjson.RawMessage
		if err := d.Decode(&raw); err != nil {
			var e *Error
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case errors.As(err, &e):
				return e
			}
			if syntax := (*stdjson.SyntaxError)(nil); errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) && (r.o.Input.Compression == "" || r.o.Input.Compression == "NONE") {
				return fail("JSONParsingError", "Encountered an error parsing the JSON file. Check the file and try again: %v", err)
			}
			return r.broken(err)
		}
		if !utf8.Valid(raw) {
			return fail("InvalidTextEncoding", "Invalid encoding type. Only UTF-8 encoding is supported.")
		}
		p := jsonReader{b: raw}
		if err := r.row(p.value()); err != nil {
			return err
		}
	}
}

// allowance fails where a document is too long.
type allowance struct {
	r    io.Reader
	left int
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, fail("OverMaxRecordSize", "The length of a record in the input or result is greater than the maximum.")
	}
	n, err := a.r.Read(p[:min(len(p), a.left+1)])
	a.left -= n
	return n, err
}

// jsonReader reads a document that is known to be valid.
type jsonReader struct {
	b []byte
	i int
}

func (p *jsonReader) skip() {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\t' || p.b[p.i] == '\n' || p.b[p.i] == '\r') {
		p.i++
	}
}

func (p *jsonReader) value() Value {
	p.skip()
	switch c := p.b[p.i]; c {
	case '{':
		var names []string
		var values []Value
		for p.i++; p.more('}'); {
			names = append(names, p.text())
			p.skip()
			p.i++ // the colon
			values = append(values, p.value())
		}
		return structOf(names, values)
	case '[':
		var list []Value
		for p.i++; p.more(']'); {
			list = append(list, p.value())
		}
		return listOf(list)
	case '"':
		return text(p.text())
	case 't':
		p.i += 4
		return boolean(true)
	case 'f':
		p.i += 5
		return boolean(false)
	case 'n':
		p.i += 4
		return null
	}
	from := p.i
	for p.i < len(p.b) && (p.b[p.i] >= '0' && p.b[p.i] <= '9' || strings.IndexByte("+-.eE", p.b[p.i]) >= 0) {
		p.i++
	}
	s := string(p.b[from:p.i])
	v, ok := number(s)
	if !ok {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && f == 0 {
			return text(s)
		}
		v = float(f)
	}
	if v.k != kindInt {
		v.s = s // as it was written
	}
	return v
}

// more reports whether there is another element before end, behind which it goes.
func (p *jsonReader) more(end byte) bool {
	p.skip()
	if p.b[p.i] == end {
		p.i++
		return false
	}
	if p.b[p.i] == ',' {
		p.i++
		p.skip()
	}
	return true
}

func (p *jsonReader) text() string {
	p.skip()
	from := p.i
	escaped := false
	for p.i++; p.b[p.i] != '"'; p.i++ {
		if p.b[p.i] == '\\' {
			escaped = true
			p.i++
		}
	}
	p.i++
	if !escaped {
		return string(p.b[from+1 : p.i-1])
	}
	var s string
	_ = stdjson.Unmarshal(p.b[from:p.i], &s) // it is valid
	return s
}
