package s3select

import (
	"bufio"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// writer encodes rows.
type writer struct {
	w      *bufio.Writer
	o      Output
	record string
	buf    []byte
}

func newWriter(to io.Writer, o Output) *writer {
	o.CSV = o.CSV.orDefaults()
	return &writer{w: bufio.NewWriterSize(to, 64<<10), o: o, record: o.CSV.Record}
}

func (w *writer) flush() error { return w.w.Flush() }

// all writes what "*" is of a row.
func (w *writer) all(v Value) error {
	if v.k == kindStruct {
		return w.row(v.x.names, v.x.list)
	}
	return w.row([]string{"_1"}, []Value{v})
}

func (w *writer) row(names []string, values []Value) error {
	b := w.buf[:0]
	if w.o.JSON {
		b = appendJSON(b, structOf(names, values))
	} else {
		for i, v := range values {
			if i > 0 {
				b = append(b, w.o.CSV.Field...)
			}
			b = w.field(b, v.String())
		}
	}
	b = append(b, w.record...)
	if w.buf = b; len(b) > MaxRecord+len(w.record) {
		return fail("OverMaxRecordSize", "The length of a record in the input or result is greater than the maxCharsPerRecord limit of 1 MB.")
	}
	_, err := w.w.Write(b)
	return err
}

func (w *writer) field(b []byte, s string) []byte {
	c := w.o.CSV
	if !w.o.AlwaysQuote && !strings.Contains(s, c.Field) && !strings.Contains(s, c.Record) && !strings.Contains(s, c.Quote) && !strings.ContainsAny(s, "\r\n") {
		return append(b, s...)
	}
	b = append(b, c.Quote...)
	s = strings.ReplaceAll(s, c.Quote, c.Escape+c.Quote)
	return append(append(b, s...), c.Quote...)
}

func appendJSON(b []byte, v Value) []byte {
	switch v.k {
	case kindMissing, kindNull:
		return append(b, "null"...)
	case kindList:
		b = append(b, '[')
		for i, e := range v.x.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case kindStruct:
		b = append(b, '{')
		some := false
		for i, e := range v.x.list {
			if e.k == kindMissing {
				continue
			}
			if some {
				b = append(b, ',')
			}
			some = true
			b = append(jsontext.AppendQuoted(b, v.x.names[i]), ':')
			b = appendJSON(b, e)
		}
		return append(b, '}')
	case kindString, kindTime:
		return jsontext.AppendQuoted(b, v.String())
	case kindFloat:
		if v.s != "" {
			return append(b, v.s...)
		}
		if math.IsNaN(v.f) || math.IsInf(v.f, 0) {
			return append(b, "null"...)
		}
		return strconv.AppendFloat(b, v.f, 'g', -1, 64)
	}
	return append(b, v.String()...)
}
