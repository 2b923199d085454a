package compact

import (
	"bytes"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Bounds of a row group: what is held of it in memory, and what a reader's thread gets.
const (
	groupBytes = 32 << 20
	groupRows  = 1 << 20
)

// batchLevels is how many values of a column are moved at a time.
const batchLevels = 8192

// smallFile is the size up to which a file is read as a whole.
const smallFile = 4 << 20

// mergeParquet writes the rows of the files, in their order, as one file of large row
// groups. It stops before a file whose schema or compression is another than the first's.
func mergeParquet(out io.Writer, files []Object) (n int, err error) {
	m := &parquetMerger{out: out}
	defer func() {
		if p := recover(); p != nil { // the library's way to report some damage
			n, err = 0, &sourceError{m.at, fmt.Errorf("read %s: %v", files[m.at].Key, p)}
		}
	}()
	for m.at = range files {
		same, err := m.add(files[m.at])
		if err != nil {
			return 0, err
		}
		if !same {
			break
		}
		n++
	}
	if err := m.endGroup(); err != nil {
		return 0, err
	}
	if m.file == nil {
		return 0, nil
	}
	return n, m.file.Close()
}

type parquetMerger struct {
	out    io.Writer
	at     int // the file that is read
	buf    []byte
	schema *schema.Schema
	codec  string
	file   *file.Writer
	group  file.BufferedRowGroupWriter // nil between row groups
	chunks []file.ColumnChunkWriter
	rows   int64 // in the group

	bools   batch[bool]
	int32s  batch[int32]
	int64s  batch[int64]
	int96s  batch[parquet.Int96]
	floats  batch[float32]
	doubles batch[float64]
	bytes   batch[parquet.ByteArray]
	fixed   batch[parquet.FixedLenByteArray]
}

// add appends the rows of a file; same is false, and nothing is done, if it is of another
// kind than those before.
func (m *parquetMerger) add(o Object) (same bool, err error) {
	bad := func(err error) error { return &sourceError{m.at, fmt.Errorf("read %s: %w", o.Key, err)} }
	f, err := o.open()
	if err != nil {
		return false, bad(err)
	}
	defer f.Close()
	var in parquet.ReaderAtSeeker = f
	if o.Size <= smallFile {
		m.buf = append(m.buf[:0], make([]byte, o.Size)...)
		if _, err := io.ReadFull(f, m.buf); err != nil {
			return false, bad(err)
		}
		in = bytes.NewReader(m.buf)
	}
	props := parquet.NewReaderProperties(nil)
	if o.Size > smallFile { // or a column of it would be read as a whole
		props.BufferedStreamEnabled, props.BufferSize = true, 256<<10
	}
	r, err := file.NewParquetReader(in, file.WithReadProps(props))
	if err != nil {
		return false, bad(err)
	}
	defer r.Close()
	if m.file == nil {
		if err := m.begin(r); err != nil {
			return false, bad(err)
		}
	} else if !r.MetaData().Schema.Equals(m.schema) || codecs(r.MetaData()) != m.codec && r.NumRows() > 0 {
		return false, nil
	}
	for g := range r.NumRowGroups() {
		if m.group == nil {
			if err := m.beginGroup(); err != nil {
				return false, err
			}
		}
		rg := r.RowGroup(g)
		for c := range m.chunks {
			from, err := rg.Column(c)
			if err != nil {
				return false, bad(err)
			}
			if err := m.move(from, m.chunks[c]); err != nil {
				return false, bad(err)
			}
		}
		m.rows += rg.NumRows()
		if m.full() {
			if err := m.endGroup(); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// begin begins the merged file in the manner of the first.
func (m *parquetMerger) begin(r *file.Reader) error {
	md := r.MetaData()
	m.schema, m.codec = md.Schema, codecs(md)
	props := []parquet.WriterProperty{
		parquet.WithCreatedBy("brookmere version 1"), // the form that parquet-mr parses
		parquet.WithDictionaryDefault(false),
		parquet.WithBatchSize(batchLevels),
		parquet.WithDataPageVersion(pageVersion(r)),
	}
	for i := range m.schema.NumColumns() {
		path := m.schema.Column(i).ColumnPath()
		// The order of INT96 is undefined, so its bounds would mean nothing.
		if m.schema.Column(i).PhysicalType() == parquet.Types.Int96 {
			props = append(props, parquet.WithStatsPath(path, false))
		}
		if r.NumRowGroups() == 0 {
			continue
		}
		chunk, err := md.RowGroup(0).ColumnChunk(i)
		if err != nil {
			return err
		}
		props = append(props, parquet.WithCompressionPath(path, chunk.Compression()))
		if dictionaries(md) {
			props = append(props, parquet.WithDictionaryPath(path, true), parquet.WithDictionaryCostFallbackPath(path, true))
		}
	}
	var err error
	m.file, err = file.NewParquetWriterWithError(m.out, m.schema.Root(), file.WithWriterProps(parquet.NewWriterProperties(props...)))
	return err
}

// codecs names the compression of each column.
func codecs(md *metadata.FileMetaData) string {
	if len(md.RowGroups) == 0 {
		return ""
	}
	var b []byte
	for i := range md.Schema.NumColumns() {
		if c, err := md.RowGroup(0).ColumnChunk(i); err == nil {
			b = append(b, byte(c.Compression()))
		}
	}
	return string(b)
}

// dictionaries reports whether the writer of the file was to try dictionaries.
func dictionaries(md *metadata.FileMetaData) bool {
	for i := range md.Schema.NumColumns() {
		if c, err := md.RowGroup(0).ColumnChunk(i); err == nil && c.HasDictionaryPage() {
			return true
		}
	}
	return false
}

func pageVersion(r *file.Reader) parquet.DataPageVersion {
	if r.NumRowGroups() == 0 {
		return parquet.DataPageV1
	}
	pages, err := r.RowGroup(0).GetColumnPageReader(0)
	for err == nil && pages.Next() {
		switch pages.Page().(type) {
		case *file.DataPageV1:
			return parquet.DataPageV1
		case *file.DataPageV2:
			return parquet.DataPageV2
		}
	}
	return parquet.DataPageV1
}

func (m *parquetMerger) beginGroup() (err error) {
	if m.group, err = m.file.AppendBufferedRowGroupChecked(); err != nil {
		return err
	}
	m.chunks = m.chunks[:0]
	for i := range m.schema.NumColumns() {
		c, err := m.group.Column(i)
		if err != nil {
			return err
		}
		m.chunks = append(m.chunks, c)
	}
	return nil
}

func (m *parquetMerger) full() bool {
	if m.rows >= groupRows {
		return true
	}
	var n int64
	for _, c := range m.chunks {
		n += c.TotalBytesWritten() + c.CurrentEncoder().EstimatedDataEncodedSize()
	}
	return n >= groupBytes
}

func (m *parquetMerger) endGroup() error {
	if m.group == nil {
		return nil
	}
	g := m.group
	m.group, m.rows = nil, 0
	clear(m.chunks)
	return g.Close()
}

// move appends a column of a row group to that of the merged file.
func (m *parquetMerger) move(from file.ColumnChunkReader, to file.ColumnChunkWriter) error {
	switch r := from.(type) {
	case *file.BooleanColumnChunkReader:
		return move(&m.bools, r, to.(*file.BooleanColumnChunkWriter), nil)
	case *file.Int32ColumnChunkReader:
		return move(&m.int32s, r, to.(*file.Int32ColumnChunkWriter), nil)
	case *file.Int64ColumnChunkReader:
		return move(&m.int64s, r, to.(*file.Int64ColumnChunkWriter), nil)
	case *file.Int96ColumnChunkReader:
		return move(&m.int96s, r, to.(*file.Int96ColumnChunkWriter), nil)
	case *file.Float32ColumnChunkReader:
		return move(&m.floats, r, to.(*file.Float32ColumnChunkWriter), nil)
	case *file.Float64ColumnChunkReader:
		return move(&m.doubles, r, to.(*file.Float64ColumnChunkWriter), nil)
	case *file.ByteArrayColumnChunkReader:
		return move(&m.bytes, r, to.(*file.ByteArrayColumnChunkWriter), bytes.Clone)
	case *file.FixedLenByteArrayColumnChunkReader:
		return move(&m.fixed, r, to.(*file.FixedLenByteArrayColumnChunkWriter), bytes.Clone)
	}
	return fmt.Errorf("no way to read a %T", from)
}

// batch is what has been read of a column and not been written.
type batch[T any] struct {
	values   []T
	def, rep []int16
	levels   int // of def and rep that are in use
	n        int // of values that are
}

type columnReader[T any] interface {
	HasNext() bool
	Err() error
	Descriptor() *schema.Column
	ReadBatchInPage(size int64, values []T, def, rep []int16) (levels int64, values2 int, err error)
}

type columnWriter[T any] interface {
	WriteBatch(values []T, def, rep []int16) (int64, error)
}

// move reads a column to its end and writes it. A row whose values repeat is written in one
// piece; what is kept of a page until its end is known is cloned, for a page does not
// outlive the next.
func move[T any](b *batch[T], r columnReader[T], w columnWriter[T], clone func([]byte) []byte) error {
	col := r.Descriptor()
	maxDef, repeats := col.MaxDefinitionLevel(), col.MaxRepetitionLevel() > 0
	b.levels, b.n = 0, 0
	for r.HasNext() {
		b.grow(b.levels + batchLevels)
		def, rep := b.def[b.levels:b.levels+batchLevels], b.rep[b.levels:b.levels+batchLevels]
		if maxDef == 0 {
			def = nil
		}
		if !repeats {
			rep = nil
		}
		levels, n, err := r.ReadBatchInPage(batchLevels, b.values[b.n:b.n+batchLevels], def, rep)
		if err != nil {
			return err
		}
		if levels == 0 && n == 0 {
			return fmt.Errorf("column %s ends early", col.Path())
		}
		if repeats && clone != nil {
			cloneAll(b.values[b.n:b.n+n], clone)
		}
		b.levels, b.n = b.levels+int(levels), b.n+n
		cut := b.levels
		if repeats {
			for cut--; cut > 0 && b.rep[cut] != 0; cut-- {
			}
		}
		if cut > 0 {
			if err := b.write(w, cut, maxDef, repeats); err != nil {
				return err
			}
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if b.levels > 0 {
		return b.write(w, b.levels, maxDef, repeats)
	}
	return nil
}

func cloneAll[T any](values []T, clone func([]byte) []byte) {
	switch v := any(values).(type) {
	case []parquet.ByteArray:
		for i := range v {
			v[i] = clone(v[i])
		}
	case []parquet.FixedLenByteArray:
		for i := range v {
			v[i] = clone(v[i])
		}
	}
}

func (b *batch[T]) grow(to int) {
	for len(b.def) < to {
		b.def = append(b.def, make([]int16, batchLevels)...)
		b.rep = append(b.rep, make([]int16, batchLevels)...)
		b.values = append(b.values, make([]T, batchLevels)...)
	}
}

// write writes the first levels and keeps the rest.
func (b *batch[T]) write(w columnWriter[T], levels int, maxDef int16, repeats bool) error {
	values := 0
	def, rep := b.def[:levels], b.rep[:levels]
	if maxDef == 0 {
		def, values = nil, levels
	}
	if !repeats {
		rep = nil
	}
	for _, d := range def {
		if d == maxDef {
			values++
		}
	}
	if _, err := w.WriteBatch(b.values[:values], def, rep); err != nil {
		return err
	}
	copy(b.def, b.def[levels:b.levels])
	copy(b.rep, b.rep[levels:b.levels])
	copy(b.values, b.values[values:b.n])
	b.levels -= levels
	b.n -= values
	return nil
}
