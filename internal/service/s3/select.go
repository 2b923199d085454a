package s3

import (
	"context"
	"io"
	"strconv"

	"github.com/brookmere/brookmere/internal/awswire/eventstream"
)

// Selection is a statement over one object.
type Selection struct {
	Expression string
	Path       string // of the object's file
	Size       int64
	// Input and Output are the formats: "CSV", "JSON", "Parquet"; with the elements of the
	// request by their names, "FieldDelimiter".
	Input, Output               string
	InputOptions, OutputOptions map[string]string
	Compression                 string // NONE, GZIP, BZIP2
}

// Selector runs statements of SelectObjectContent.
type Selector interface {
	// Select writes what the statement yields, encoded. Errors that are of the client's making
	// are smithy.APIErrors.
	Select(ctx context.Context, s Selection, out io.Writer) error
}

var selectShape = parseShape("SelectObjectContentRequest{Expression ExpressionType:SQL RequestProgress?{Enabled?:bool} " +
	"InputSerialization{CompressionType?:NONE|GZIP|BZIP2 CSV?{FileHeaderInfo?:USE|IGNORE|NONE Comments? QuoteEscapeCharacter? RecordDelimiter? FieldDelimiter? QuoteCharacter? AllowQuotedRecordDelimiter?:bool} JSON?{Type?:DOCUMENT|LINES} Parquet?} " +
	"OutputSerialization{CSV?{QuoteFields?:ALWAYS|ASNEEDED QuoteEscapeCharacter? RecordDelimiter? FieldDelimiter? QuoteCharacter?} JSON?{RecordDelimiter?}} ScanRange?{Start?:int End?:int}}")

// selectContent is SelectObjectContent.
func (c *call) selectContent() error {
	if c.s.cfg.Selector == nil {
		return errNotImplemented
	}
	doc, err := c.document(selectShape)
	if err != nil {
		return err
	}
	if doc.get("ScanRange") != nil {
		return errNotImplemented.with("Header", "ScanRange")
	}
	info, f, err := c.found(true)
	if f != nil {
		defer f.Close() // it is only opened
	}
	if err != nil {
		return err
	}
	if err := c.readable(&info); err != nil {
		return err
	}
	if info.Prop(propKeyMD5) != "" {
		return errNotImplemented
	}
	in, out := doc.get("InputSerialization"), doc.get("OutputSerialization")
	s := Selection{Expression: doc.text("Expression"), Path: info.File, Size: info.Size, Compression: in.text("CompressionType")}
	if s.Input, s.InputOptions = format(in, "CSV", "JSON", "Parquet"); s.Input == "" {
		return invalidRequest("The InputSerialization must name exactly one of CSV, JSON and Parquet.")
	}
	if s.Output, s.OutputOptions = format(out, "CSV", "JSON"); s.Output == "" {
		return invalidRequest("The OutputSerialization must name exactly one of CSV and JSON.")
	}
	c.w.Header().Set("Content-Type", "application/octet-stream")
	records := &recordWriter{c: c}
	if err := c.s.cfg.Selector.Select(c.ctx, s, records); err != nil {
		e, known := errorOf(err, c.bucket, c.key)
		if !known {
			c.s.log.Error("s3: select", "bucket", c.bucket, "key", c.key, "error", err)
		}
		if !records.begun {
			return e
		}
		return records.event("error", "", nil, map[string]string{":error-code": e.Code, ":error-message": e.Message})
	}
	n := strconv.FormatInt(info.Size, 10)
	stats := el("Stats", leaf("BytesScanned", n), leaf("BytesProcessed", n), leaf("BytesReturned", strconv.FormatInt(records.n, 10)))
	if err := records.event("event", "Stats", []byte(xmlHeader(stats.plain())), map[string]string{":content-type": "text/xml"}); err != nil {
		return nil // the client has gone
	}
	_ = records.event("event", "End", nil, nil) // the client has gone if this fails
	return nil
}

func format(n *node, names ...string) (string, map[string]string) {
	found, options := "", map[string]string{}
	for _, name := range names {
		if f := n.get(name); f != nil {
			if found != "" {
				return "", nil
			}
			found = name
			for _, k := range f.Kids {
				options[k.Name] = k.Text
			}
		}
	}
	return found, options
}

// recordWriter sends what is written as events of records.
type recordWriter struct {
	c     *call
	n     int64
	begun bool
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
	_, err = w.c.w.Write(frame)
	return err
}
