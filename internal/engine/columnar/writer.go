// Package columnar turns JSON records into the typed columns of a Parquet file.
//
// A record is parsed straight into column buffers. If it does not fit the schema nothing
// of it is written and a *RecordError says why, so that the caller can put it elsewhere.
// What fits, and how a JSON value becomes a column's value, is what Firehose's two
// deserializers do: OpenX, which is lenient, and Hive, which is strict.
//
// # What is written
//
// Every column is optional. Arrays and maps take the three-level form of the Parquet
// format. string, char and varchar are STRING; tinyint and smallint are INT(8) and
// INT(16); decimal is a fixed-length DECIMAL as small as its precision allows, as Hive
// writes it; date is DATE. timestamp is INT96, which is what Hive, and so Firehose,
// writes: Athena, Hive, Spark, DuckDB and Arrow all read it as the same instant in UTC
// with nanoseconds, while readers differ on how they show an INT64 timestamp (Hive shifts
// one that is adjusted to UTC to its local zone, older Hive refuses it). The root of the
// schema is called hive_schema.
//
// Values are gathered by column for a few thousand rows and then encoded, while more are
// gathered, so that memory is that of the encoded row group and little more.
package columnar

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Error codes as Firehose writes them beside a record that could not be converted.
const (
	ParseError    = "DataFormatConversion.ParseError"    // the record is not JSON
	MalformedData = "DataFormatConversion.MalformedData" // it does not fit the schema
)

// A RecordError says why a record was not written.
type RecordError struct {
	Code   string
	Reason string // as Firehose words it, where that is known
	Column string // empty if it is not about one column
}

func (e *RecordError) Error() string {
	if e.Column != "" {
		return e.Code + ": column " + e.Column + ": " + e.Reason
	}
	return e.Code + ": " + e.Reason
}

const (
	// batchRows and batchBytes bound what is gathered before it is encoded.
	batchRows  = 1024
	batchBytes = 1 << 20
	// groupRows bounds a row group, which readers take as the unit of parallel work.
	groupRows = 1 << 18
	// pageRows bounds a page. One that fits the processor's cache is compressed where it
	// was made, and little memory waits for it to fill.
	pageRows = 2 * batchRows
)

// A Writer writes one Parquet file. It is not for use by several goroutines at once.
type Writer struct {
	opts Options

	// Of the goroutine that makes pages, while flight is not nil.
	file   *file.Writer
	group  file.BufferedRowGroupWriter // nil between row groups
	chunks []file.ColumnChunkWriter
	flight chan error
	paged  int          // rows in the open pages
	held   atomic.Int64 // bytes of memory in the open row group

	columns  []*node
	leaves   []*leaf
	top      fields
	row      int64 // of the record being written
	rows     int64
	batch    int // rows gathered and not yet encoded
	gathered int64
	encoding int64 // memory of the rows that the goroutine has
	inGroup  int64 // bytes encoded into the open row group, before compression
	grouped  int   // rows in the open row group
	written  counter
	err      error // of the sink; sticks

	record   jsontext.Record // for WriteJSON
	keys     *jsontext.Keys  // that byKey belongs to
	byKey    []int           // column of a key number, -1 if none, unresolved if not yet known
	scratch  []byte
	scratch2 []byte
	stack    []jsontext.Member
	formats  []timeFormat
}

const unresolved = -2

// NewWriter begins a file.
func NewWriter(out io.Writer, s Schema, opts Options) (*Writer, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	w := &Writer{opts: opts.withDefaults()}
	var err error
	if w.formats, err = parseTimeFormats(w.opts.TimestampFormats); err != nil {
		return nil, err
	}
	var list schema.FieldList
	for _, c := range s {
		n, sn, err := w.build(c.Name, c.Type, false, 0, 0)
		if err != nil {
			return nil, err
		}
		n.marks = make([]mark, len(n.leaves))
		w.columns = append(w.columns, n)
		list = append(list, sn)
	}
	w.top.init(&w.opts, w.columns)
	root, err := schema.NewGroupNode("hive_schema", parquet.Repetitions.Required, list, -1)
	if err != nil {
		return nil, fmt.Errorf("columnar: %w", err)
	}
	codec := compress.Codecs.Snappy
	switch w.opts.Codec {
	case None:
		codec = compress.Codecs.Uncompressed
	case GZIP:
		codec = compress.Codecs.Gzip
	case ZSTD:
		codec = compress.Codecs.Zstd
	}
	version := parquet.DataPageV1
	if w.opts.WriterVersion == V2 {
		version = parquet.DataPageV2
	}
	props := []parquet.WriterProperty{
		parquet.WithAllocator(&pages),
		parquet.WithCreatedBy("brookmere version 1"), // the form that parquet-mr parses
		parquet.WithCompression(codec),
		parquet.WithDataPageSize(w.opts.PageSize),
		parquet.WithDataPageVersion(version),
		parquet.WithDictionaryDefault(w.opts.Dictionary),
		parquet.WithDictionaryPageSizeLimit(w.opts.PageSize),
		parquet.WithBatchSize(batchRows),
	}
	sc := schema.NewSchema(root)
	for i := range w.leaves {
		// A dictionary that saves nothing in the first batch is given up there and then.
		props = append(props, parquet.WithDictionaryCostFallbackPath(sc.Column(i).ColumnPath(), true))
		// The order of INT96 is undefined, so its bounds would mean nothing.
		if w.leaves[i].physical == parquet.Types.Int96 {
			props = append(props, parquet.WithStatsPath(sc.Column(i).ColumnPath(), false))
		}
	}
	w.written.w = out
	w.file, err = file.NewParquetWriterWithError(&w.written, root, file.WithWriterProps(parquet.NewWriterProperties(props...)))
	if err != nil {
		return nil, fmt.Errorf("columnar: begin file: %w", err)
	}
	return w, nil
}

// counter counts what goes to the sink, and keeps a little back: a file that has no row
// group yet is four bytes, for which a sink should not need a block of memory.
type counter struct {
	w    io.Writer
	n    int64
	held []byte
}

const maxHeldBack = 64

func (c *counter) Write(b []byte) (int, error) {
	if len(c.held)+len(b) <= maxHeldBack {
		c.held = append(c.held, b...)
		c.n += int64(len(b))
		return len(b), nil
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (c *counter) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.w.Write(c.held)
	c.held = c.held[:0]
	return err
}

// WriteJSON writes a record, which is one JSON object with nothing but white space around
// it. A *RecordError means that it does not fit and that nothing of it was written; any
// other error is one of the sink, after which the file cannot be finished.
func (w *Writer) WriteJSON(rec []byte) error {
	n, err := w.record.Parse(rec)
	if err != nil {
		return malformed(err.Error())
	}
	if n = jsontext.SkipSpace(rec, n); n < len(rec) {
		return malformed(fmt.Sprintf("unexpected character %q after the record at offset %d", rec[n], n))
	}
	return w.WriteRecord(&w.record)
}

func malformed(reason string) error {
	return &RecordError{Code: ParseError, Reason: "Encountered malformed JSON. " + reason}
}

// WriteRecord is WriteJSON for a record that is parsed already.
func (w *Writer) WriteRecord(r *jsontext.Record) error {
	if w.err != nil {
		return w.err
	}
	if r.Kind != jsontext.Object {
		if r.Kind != jsontext.Array {
			return &RecordError{Code: MalformedData, Reason: "The input JSON contained a primitive at the top level. The top level must be an object or array."}
		}
		return &RecordError{Code: MalformedData, Reason: "Data does not match the schema. A JSON object is required."}
	}
	if w.keys != &r.Keys {
		w.keys, w.byKey = &r.Keys, w.byKey[:0]
	}
	w.row++
	there := 0
	for i := range r.Members {
		m := &r.Members[i]
		c := unresolved
		if uint(m.Key) < uint(len(w.byKey)) {
			c = w.byKey[m.Key]
		}
		if c == unresolved {
			c = w.resolve(r, m)
		}
		if c < 0 {
			continue
		}
		n := w.columns[c]
		if n.row == w.row { // a key that is there twice: the last counts
			n.undo()
			there--
			n.row = -1
		}
		if n.leaf == nil {
			for i, l := range n.leaves {
				n.marks[i] = l.mark()
			}
			n.row = w.row // so that what is half written is undone too
		}
		var reason string
		if m.Kind == jsontext.Null {
			n.absent(0, 0)
		} else if n.leaf != nil && n.leaf.plain(n.typ.Kind, r.Text[m.Lo:m.Hi], m) {
			// as most are
		} else if reason = w.value(n, r.Text[m.Lo:m.Hi], m.Kind, m.Escaped, 0); reason != "" {
			code := MalformedData
			if strings.HasPrefix(reason, duplicateKey) {
				code = ParseError
			}
			if w.opts.NullInvalid && code == MalformedData {
				if n.row == w.row { // what is half written of several leaves
					n.undo()
				}
				n.absent(0, 0)
				n.row = w.row
				there++
				continue
			}
			for _, n := range w.columns {
				if n.row == w.row {
					n.undo()
					n.row = -1
				}
			}
			return &RecordError{Code: code, Reason: reason, Column: n.name}
		}
		n.row = w.row
		there++
	}
	if there < len(w.columns) {
		for _, n := range w.columns {
			if n.row != w.row {
				n.absent(0, 0)
			}
		}
	}
	w.rows++
	w.batch++
	w.gathered += int64(len(r.Text))
	if w.batch >= batchRows || w.gathered >= batchBytes {
		return w.encode()
	}
	return nil
}

// undo takes back what the row being written put into a column.
func (n *node) undo() {
	if n.leaf != nil {
		n.leaf.undoLast()
		return
	}
	for i, l := range n.leaves {
		l.undo(n.marks[i])
	}
}

// absent writes that n is not there, in something of definition level def.
func (n *node) absent(rep, def int16) {
	for _, l := range n.leaves {
		l.absent(rep, def)
	}
}

// resolve finds the column of a member and remembers it by the number of its key.
func (w *Writer) resolve(r *jsontext.Record, m *jsontext.Member) int {
	w.scratch = r.AppendKey(w.scratch[:0], m)
	c := w.top.find(w.scratch)
	if m.Key < 0 {
		return c
	}
	for len(w.byKey) <= int(m.Key) {
		w.byKey = append(w.byKey, unresolved)
	}
	w.byKey[m.Key] = c
	return c
}

// encode hands what was gathered to a goroutine that makes pages of it, and gathers on.
func (w *Writer) encode() error {
	if w.err != nil || w.batch == 0 {
		return w.err
	}
	if err := w.awaitPage(); err != nil {
		return err
	}
	w.encoding = 0
	for _, l := range w.leaves {
		w.inGroup += l.size()
		w.encoding += l.capacity()
		l.swap()
	}
	rows := w.batch
	w.grouped += rows
	w.batch, w.gathered = 0, 0
	end := w.inGroup >= w.opts.BlockSize || w.grouped >= groupRows
	if end {
		w.inGroup, w.grouped = 0, 0
	}
	w.flight = make(chan error, 1)
	go func() { w.flight <- w.page(rows, end) }()
	return nil
}

// awaitPage waits for the goroutine of encode.
func (w *Writer) awaitPage() error {
	if w.flight != nil {
		if err := <-w.flight; err != nil && w.err == nil {
			w.err = err
		}
		w.flight = nil
	}
	return w.err
}

// page adds what was taken from the leaves to the open row group, and may end it.
func (w *Writer) page(rows int, end bool) error {
	if w.group == nil {
		group, err := w.file.AppendBufferedRowGroupChecked()
		if err != nil {
			return fmt.Errorf("columnar: begin row group: %w", err)
		}
		w.group = group
		w.chunks = w.chunks[:0]
		for i := range w.leaves {
			c, err := group.Column(i)
			if err != nil {
				return fmt.Errorf("columnar: begin column: %w", err)
			}
			w.chunks = append(w.chunks, c)
		}
	}
	w.paged += rows
	full := w.paged >= pageRows
	if full {
		w.paged = 0
	}
	var held int64
	for i, l := range w.leaves {
		if err := l.flush(w.chunks[i]); err != nil {
			return fmt.Errorf("columnar: encode: %w", err)
		}
		encoder := w.chunks[i].CurrentEncoder()
		open := encoder.EstimatedDataEncodedSize()
		l.page = max(l.page, open)
		// Not the pages of a dictionary: they are small, and arrow looks whether it is
		// worth its while until the first one ends. Nor one without a value, which arrow
		// may just have begun.
		if c, ok := w.chunks[i].(interface{ FlushCurrentPage() error }); ok && full && open > 0 && encoder.Encoding() != parquet.Encodings.PlainDict {
			if err := c.FlushCurrentPage(); err != nil {
				return fmt.Errorf("columnar: end page: %w", err)
			}
		}
		// Pages lie in memory that grows by doubling. The one in the making is there
		// three times: as values, with its levels, and compressed.
		held += w.chunks[i].TotalBytesWritten()*3/2 + 3*l.page
	}
	if end {
		return w.endGroup()
	}
	w.held.Store(held)
	return nil
}

func (w *Writer) endGroup() error {
	group := w.group
	w.group, w.paged = nil, 0
	clear(w.chunks)
	if err := group.Close(); err != nil {
		return fmt.Errorf("columnar: end row group: %w", err)
	}
	w.held.Store(0)
	return nil
}

// Flush ends the row group, hands it to the sink and lets go of its memory.
func (w *Writer) Flush() error {
	if err := w.encode(); err != nil {
		return err
	}
	if err := w.awaitPage(); err != nil {
		return err
	}
	w.inGroup, w.grouped = 0, 0
	if w.group != nil {
		if err := w.endGroup(); err != nil {
			w.err = err
			return err
		}
	}
	w.encoding = 0
	for _, l := range w.leaves {
		l.release()
	}
	return nil
}

// Abort gives the file up: when it returns nothing is written to the sink anymore.
func (w *Writer) Abort() {
	_ = w.awaitPage() // nobody wants the file
	if w.err == nil {
		w.err = errClosed
	}
}

// Close ends the file; the sink stays open. A file with no rows is a valid file.
func (w *Writer) Close() error {
	if errors.Is(w.err, errClosed) {
		return nil
	}
	if err := w.Flush(); err != nil {
		return err
	}
	err := w.file.Close()
	if err == nil {
		err = w.written.flush()
	}
	if err != nil {
		w.err = fmt.Errorf("columnar: end file: %w", err)
		return w.err
	}
	w.err = errClosed
	return nil
}

var errClosed = errors.New("columnar: file is closed")

// Rows is how many records were written.
func (w *Writer) Rows() int64 { return w.rows }

// Size is how many bytes went to the sink, or are about to.
func (w *Writer) Size() int64 { return w.written.n }

// Buffered is about how many bytes of memory the writer holds for rows that have not gone
// to the sink.
func (w *Writer) Buffered() int64 {
	n := w.held.Load() + w.encoding
	for _, l := range w.leaves {
		n += l.capacity()
	}
	return n
}
