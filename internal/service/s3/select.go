package s3

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/eventstream"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/s3select"
)

// SelectObjectContent: a statement over one object, whose answer is a stream of events. What is wrong before the first
// of them is an answer of its own, later an event.

var selectShape = parseShape("SelectObjectContentRequest{Expression? ExpressionType? RequestProgress?{Enabled?:bool} " +
	"InputSerialization?{CompressionType? CSV?{FileHeaderInfo? Comments? QuoteEscapeCharacter? RecordDelimiter? FieldDelimiter? QuoteCharacter? AllowQuotedRecordDelimiter?:bool} JSON?{Type?} Parquet?} " +
	"OutputSerialization?{CSV?{QuoteFields? QuoteEscapeCharacter? RecordDelimiter? FieldDelimiter? QuoteCharacter?} JSON?{RecordDelimiter?}} ScanRange?{Start?:int End?:int}}")

// selectContent is SelectObjectContent.
func (c *call) selectContent() error {
	if c.header("Range") != "" {
		return fault(400, "UnsupportedRangeHeader", "Range header is not supported for this operation.")
	}
	doc, err := c.document(selectShape)
	if err != nil {
		return err
	}
	in, out, err := selectFormats(doc)
	if err != nil {
		return err
	}
	query, err := s3select.Parse(doc.text("Expression"), in, c.s.clock.Now())
	if err != nil {
		return selectError(err)
	}
	info, f, err := c.found(true)
	if f != nil {
		defer f.Close() // it is only opened
	}
	if err != nil {
		return err
	}
	key, err := c.readKey(&info, "X-Amz-Server-Side-Encryption-Customer-")
	if err != nil {
		return err
	}
	if err := c.readable(&info); err != nil {
		return err
	}
	if err := c.keyReads(c.b, c.key, &info); err != nil {
		return err
	}
	src := objectSource{f: f, info: &info, key: key}
	if n := doc.get("ScanRange"); n != nil {
		if err := scanRange(n, &in, src.Size()); err != nil {
			return err
		}
	}
	c.w.Header().Set("Content-Type", "application/octet-stream")
	records := &recordWriter{c: c}
	records.last = c.s.clock.Now()
	progress := doc.text("RequestProgress", "Enabled") == "true"
	tick := func(p s3select.Progress) error {
		now := c.s.clock.Now()
		if !records.begun || now.Sub(records.last) < time.Second {
			return nil
		}
		if !progress {
			return records.event("event", "Cont", nil, nil)
		}
		return records.counts("Progress", p)
	}
	p, err := query.Run(c.ctx, src, s3select.Options{Input: in, Output: out, Tick: tick}, records)
	if err != nil {
		e, known := errorOf(selectError(err), c.bucket, c.key)
		if !known && !records.failed {
			c.s.log.Error("s3: select", "bucket", c.bucket, "key", c.key, "error", err)
		}
		if records.failed || c.ctx.Err() != nil {
			return nil // the client has gone
		}
		if !records.begun {
			return e
		}
		return records.event("error", "", nil, map[string]string{":error-code": e.Code, ":error-message": e.Message})
	}
	if progress {
		err = records.counts("Progress", p)
	}
	if err == nil {
		err = records.counts("Stats", p)
	}
	if err == nil {
		_ = records.event("event", "End", nil, nil) // the client has gone if this fails
	}
	return nil
}

// selectError is the answer to what is wrong with a statement or an object.
func selectError(err error) error {
	if e, ok := err.(*s3select.Error); ok {
		return fault(400, e.Code, e.Message)
	}
	return err
}

func selectFormats(doc *node) (in s3select.Input, out s3select.Output, err error) {
	for _, name := range []string{"Expression", "ExpressionType", "InputSerialization", "OutputSerialization"} {
		if doc.get(name) == nil {
			return in, out, fault(400, "MissingRequiredParameter", "The SelectRequest entity is missing a required parameter. Check the service documentation and try again: "+name)
		}
	}
	if doc.text("ExpressionType") != "SQL" {
		return in, out, fault(400, "InvalidExpressionType", "The ExpressionType value is not valid. Only SQL expressions are supported.")
	}
	from, to := doc.get("InputSerialization"), doc.get("OutputSerialization")
	formats, answers := present(from, "CSV", "JSON", "Parquet"), present(to, "CSV", "JSON")
	switch {
	case len(formats) > 1 || len(answers) > 1:
		return in, out, fault(400, "ObjectSerializationConflict", "InputSerialization and OutputSerialization can specify only one format each.")
	case len(formats) == 0:
		return in, out, fault(400, "InvalidDataSource", "Invalid data source type. One of CSV, JSON, and Parquet must be given.")
	case len(answers) == 0:
		return in, out, invalidRequest("The OutputSerialization must name one of CSV and JSON.")
	}
	in.Format, out.JSON = formats[0], answers[0] == "JSON"
	switch in.Compression = from.text("CompressionType"); in.Compression {
	case "", "NONE", "GZIP", "BZIP2":
	default:
		return in, out, fault(400, "InvalidCompressionFormat", "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.")
	}
	if n := from.get("CSV"); n != nil {
		in.CSV = csvForm(n)
		in.Header, in.Comments, in.QuotedLines = n.text("FileHeaderInfo"), n.text("Comments"), n.text("AllowQuotedRecordDelimiter") == "true"
		switch in.Header {
		case "", "NONE", "USE", "IGNORE":
		default:
			return in, out, fault(400, "InvalidFileHeaderInfo", "The FileHeaderInfo value is not valid. Only NONE, USE, and IGNORE are supported.")
		}
	}
	if n := from.get("JSON"); n != nil {
		switch n.text("Type") {
		case "LINES":
			in.Lines = true
		case "DOCUMENT":
		default:
			return in, out, fault(400, "InvalidJsonType", "The JsonType value is not valid. Only DOCUMENT and LINES are supported.")
		}
	}
	if n := to.get("CSV"); n != nil {
		out.CSV = csvForm(n)
		switch n.text("QuoteFields") {
		case "ALWAYS":
			out.AlwaysQuote = true
		case "", "ASNEEDED":
		default:
			return in, out, fault(400, "InvalidQuoteFields", "The QuoteFields value is not valid. Only ALWAYS and ASNEEDED are supported.")
		}
	}
	if n := to.get("JSON"); n != nil {
		out.CSV.Record = n.text("RecordDelimiter")
	}
	for _, f := range []s3select.CSV{in.CSV, out.CSV} {
		if len(f.Quote) > 1 || len(f.Escape) > 1 || len(f.Field) > 8 || len(f.Record) > 8 {
			return in, out, fault(400, "InvalidRequestParameter", "The value of a parameter in SelectRequest element is not valid. Check the service API documentation and try again.")
		}
	}
	return in, out, nil
}

func csvForm(n *node) s3select.CSV {
	return s3select.CSV{Field: n.text("FieldDelimiter"), Record: n.text("RecordDelimiter"), Quote: n.text("QuoteCharacter"), Escape: n.text("QuoteEscapeCharacter")}
}

// present are those of some elements that are there.
func present(n *node, names ...string) (found []string) {
	for _, name := range names {
		if n.get(name) != nil {
			found = append(found, name)
		}
	}
	return found
}

// scanRange reads a range: its begin alone is to the end of the object, its end alone is so many bytes before that.
func scanRange(n *node, in *s3select.Input, size int64) error {
	number := func(name string) int64 {
		v, err := strconv.ParseInt(n.text(name), 10, 64)
		if err != nil {
			return -1 // more than there can be
		}
		return v
	}
	in.Ranged = true
	switch from, to := n.get("Start") != nil, n.get("End") != nil; {
	case from && to:
		in.Begin, in.End = number("Start"), number("End")
	case from:
		in.Begin, in.End = number("Start"), max(size-1, number("Start"))
	case to:
		if in.End = size - 1; number("End") >= 0 {
			in.Begin = max(size-number("End"), 0)
		} else {
			in.Begin = -1
		}
		in.End = max(in.End, in.Begin)
	default:
		in.Ranged = false
	}
	if in.Ranged && (in.Begin < 0 || in.End < in.Begin || in.Begin > 0 && in.Begin >= size) {
		return fault(400, "InvalidScanRange", "The value of a parameter in ScanRange element is not valid. Check the service API documentation and try again.")
	}
	return nil
}

// objectSource is an object's data as its client has it.
type objectSource struct {
	f    objectstore.Data
	info *objectstore.Info
	key  *customerKey
}

func (o objectSource) Size() int64 { return sizeOf(o.info) }

func (o objectSource) ReadAt(p []byte, at int64) (int, error) {
	if o.key == nil {
		return o.f.ReadAt(p, at)
	}
	n := min(int64(len(p)), o.Size()-at)
	if n <= 0 {
		return 0, io.EOF
	}
	r, err := o.key.open(o.f, o.info, at, n)
	if err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(r, p[:n]); err != nil {
		return 0, err
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// recordWriter sends what is written as events of records.
type recordWriter struct {
	c      *call
	n      int64
	begun  bool
	failed bool      // the client has gone
	last   time.Time // when it was told something
}

// maxRecords is how many bytes of records an event has.
const maxRecords = 64 << 10

func (w *recordWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), maxRecords)
		if err := w.event("event", "Records", p[:n], map[string]string{":content-type": "application/octet-stream"}); err != nil {
			return 0, err
		}
		w.n += int64(n)
		p = p[n:]
	}
	return total, nil
}

func (w *recordWriter) event(kind, name string, payload []byte, headers map[string]string) error {
	w.begun = true
	all := []eventstream.Header{{Name: ":message-type", Value: kind}}
	if name != "" {
		all = append(all, eventstream.Header{Name: ":event-type", Value: name})
	}
	for k, v := range headers {
		all = append(all, eventstream.Header{Name: k, Value: v})
	}
	frame, err := eventstream.Append(nil, all, func(b []byte) ([]byte, error) { return append(b, payload...), nil })
	if err != nil {
		return err
	}
	if _, err = w.c.w.Write(frame); err != nil {
		w.failed = true
		return err
	}
	if w.last = w.c.s.clock.Now(); name != "Records" {
		_ = http.NewResponseController(w.c.w).Flush() // what cannot be flushed comes later
	}
	return nil
}

// counts sends an event of what was read and sent.
func (w *recordWriter) counts(name string, p s3select.Progress) error {
	n := el(name, leaf("BytesScanned", strconv.FormatInt(p.Scanned, 10)), leaf("BytesProcessed", strconv.FormatInt(p.Processed, 10)), leaf("BytesReturned", strconv.FormatInt(w.n, 10)))
	return w.event("event", name, []byte(xmlHeader(n.plain())), map[string]string{":content-type": "text/xml"})
}
