package parquetclaims

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// maxPage is how many bytes a page may have, compressed and without compression: more than the 100,000,000 at
	// which DuckDB ends a page, which are the longest that a writer makes by itself.
	maxPage = 128 << 20
	// maxValues is how many values a page may have. A page of nulls, or of one value again and again, has as many
	// as its row group has rows, in a few bytes.
	maxValues = 16 << 20
	// maxHeld is how many bytes the pages that are held at once may have, unpacked: of each column of a row group a
	// dictionary and the longest page.
	maxHeld = 512 << 20
	// maxRow is how many values a row may have in columns that repeat. A value takes 24 bytes.
	maxRow = 4 << 20
	// maxHeader is the length of the longest header of a page, in bytes.
	maxHeader = 16 << 20
	// padding is how many values more than it has a page may encode: of bits, writers fill the last group.
	padding = 512
	// plainDictionary is how the encodings of dictionaries, and of pages that point into them, were named at first.
	plainDictionary format.Encoding = 2
)

// ErrPages is what is said of pages that are not what their headers say.
var ErrPages = errors.New("a page of the file does not have what its header says")

// errTooMuch is what is said of pages that would take too much memory.
var errTooMuch = errors.New("the pages of a row group take too much memory")

// errLZ4 is said of pages that the library unpacks to a buffer that it then forgets: it reads what was in memory before.
var errLZ4 = errors.New("pages that LZ4_RAW does not make three times smaller cannot be read")

// Group checks the pages of a row group of a file whose footer is checked, with all that the library would make room
// for when it reads them: the sizes in their headers, what they unpack to, their numbers of values, and the runs and
// lengths that their encodings tell. It returns how many rows may be read at a time, from 1 to most. Pages are
// unpacked one by one to check them, so a group that is read is unpacked twice.
func Group(ctx context.Context, f *pq.File, group, most int) (rows int, err error) {
	defer func() {
		if p := recover(); p != nil { // the library's decoder of lengths
			rows, err = 0, ErrPages
		}
	}()
	meta := f.Metadata()
	g := &meta.RowGroups[group]
	leaves := leavesOf(f.Root(), nil)
	if len(g.Columns) != len(leaves) {
		return 0, ErrFalse
	}
	var held, longest int64
	p := &pages{f: f, br: bufio.NewReaderSize(nil, window)}
	for i, leaf := range leaves {
		c := &column{
			pages: p, meta: &g.Columns[i].MetaData, kind: leaf.Type().Kind(), length: int64(leaf.Type().Length()),
			rep: uint(leaf.MaxRepetitionLevel()), def: uint(leaf.MaxDefinitionLevel()),
			codec: meta.RowGroups[0].Columns[i].MetaData.Codec, // the library unpacks all groups by that
		}
		if c.meta.NumValues < 0 || c.rep == 0 && c.meta.NumValues > g.NumRows {
			return 0, ErrFalse
		}
		if err := c.check(ctx); err != nil {
			return 0, err
		}
		longest += c.longest
		if held += c.page + c.dictionary; held > maxHeld || longest > maxRow {
			return 0, errTooMuch
		}
	}
	return max(1, min(most, int(maxRow/max(1, longest)))), nil
}

func leavesOf(c *pq.Column, to []*pq.Column) []*pq.Column {
	if c.Leaf() {
		return append(to, c)
	}
	for _, child := range c.Columns() {
		to = leavesOf(child, to)
	}
	return to
}

// pages is what the columns of a group are read with.
type pages struct {
	f                *pq.File
	br               *bufio.Reader
	packed, unpacked []byte
}

// column is the chunk of a column.
type column struct {
	*pages
	meta     *format.ColumnMetaData
	codec    format.CompressionCodec
	kind     pq.Kind
	length   int64 // of a value of fixed length
	rep, def uint  // the highest levels

	values           int64 // in the pages so far
	page, dictionary int64 // bytes of the longest
	row, longest     int64 // values of the row that is being read, and of the longest
}

// check walks over the pages from where the library begins to where it ends.
func (c *column) check(ctx context.Context) error {
	at := c.meta.DataPageOffset
	if c.meta.DictionaryPageOffset != 0 {
		at = c.meta.DictionaryPageOffset
	}
	end := at + c.meta.TotalCompressedSize
	if at < 0 || c.meta.TotalCompressedSize < 0 || end < at || end > c.f.Size() {
		return ErrFalse
	}
	c.seek(at, end)
	for at < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		var h format.PageHeader
		n, err := c.header(&h, at, end)
		if err != nil {
			return err
		}
		at += n
		size := int64(h.CompressedPageSize)
		if size < 0 || size > end-at || h.UncompressedPageSize < 0 {
			return ErrPages
		}
		if size > maxPage || h.UncompressedPageSize > maxPage {
			return errTooMuch
		}
		c.packed = sized(c.packed, size)
		if _, err := io.ReadFull(c.br, c.packed); err != nil {
			return err
		}
		at += size
		if err := c.one(&h); err != nil {
			return err
		}
	}
	return nil
}

func (c *column) seek(at, end int64) { c.br.Reset(io.NewSectionReader(c.f, at, end-at)) }

// sized is b, or a new slice, with n bytes.
func sized(b []byte, n int64) []byte {
	if int64(cap(b)) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// window is how much is read at first of a chunk to see a header.
const window = 64 << 10

// header reads the header at an offset, and tells its length. The reader of the column stands behind it then.
func (c *column) header(h *format.PageHeader, at, end int64) (int64, error) {
	for size := int64(512); ; size *= 8 {
		size = min(size, maxHeader)
		var b []byte
		var err error
		if size <= window {
			b, err = c.br.Peek(int(min(size, end-at)))
		} else {
			b = make([]byte, min(size, end-at))
			_, err = io.ReadFull(io.NewSectionReader(c.f, at, int64(len(b))), b)
		}
		if err != nil {
			return 0, err
		}
		w := walker{b: b}
		if w.structure(0); w.wrong {
			if size >= end-at || size == maxHeader {
				return 0, ErrPages
			}
			continue
		}
		n := len(b) - len(w.b)
		in := bytes.NewReader(b[:n])
		var protocol thrift.CompactProtocol
		if err := thrift.NewDecoder(protocol.NewReader(in)).Decode(h); err != nil || in.Len() > 0 {
			return 0, ErrPages
		}
		if size > window {
			c.seek(at+int64(n), end)
		} else if _, err := c.br.Discard(n); err != nil {
			return 0, err
		}
		return int64(n), nil
	}
}

// one checks a page that is read.
func (c *column) one(h *format.PageHeader) error {
	d, v1, v2 := h.DictionaryPageHeader, h.DataPageHeader, h.DataPageHeaderV2
	if d.Valid != (h.Type == format.DictionaryPage) || v1.Valid != (h.Type == format.DataPage) || v2.Valid != (h.Type == format.DataPageV2) || !d.Valid && !v1.Valid && !v2.Valid {
		return ErrPages
	}
	limit := int64(h.UncompressedPageSize)
	switch {
	case d.Valid:
		return c.dictionaryPage(&d.V, limit)
	case v1.Valid:
		return c.pageV1(&v1.V, limit)
	}
	return c.pageV2(&v2.V, limit)
}

func (c *column) dictionaryPage(h *format.DictionaryPageHeader, limit int64) error {
	b, err := c.unpack(c.packed, limit)
	if err != nil {
		return err
	}
	if h.Encoding != format.Plain && h.Encoding != plainDictionary {
		return ErrPages
	}
	// A dictionary has no nulls: its values are all there, a text with its length.
	n, bits := int64(h.NumValues), 8*c.width()
	if c.kind == pq.Boolean {
		bits = 1
	}
	if n < 0 || n > maxValues || bits < 0 || n*bits > 8*int64(len(b)) {
		return ErrPages
	}
	c.dictionary = max(c.dictionary, 2*int64(len(b))+4*n)
	return nil
}

// width is how many bytes a value has at least.
func (c *column) width() int64 {
	switch c.kind {
	case pq.Boolean:
		return 1
	case pq.Int64, pq.Double:
		return 8
	case pq.Int96:
		return 12
	case pq.FixedLenByteArray:
		return c.length
	}
	return 4
}

func (c *column) count(n int64) error {
	c.values += max(0, n)
	switch {
	case n < 0 || c.values > c.meta.NumValues:
		return ErrPages
	case n > maxValues:
		return errTooMuch
	}
	return nil
}

func (c *column) pageV1(h *format.DataPageHeader, limit int64) error {
	n := int64(h.NumValues)
	if err := c.count(n); err != nil {
		return err
	}
	b, err := c.unpack(c.packed, limit)
	if err != nil {
		return err
	}
	size := max(limit, int64(len(b)))
	for _, l := range []struct {
		most     uint
		encoding format.Encoding
		row      bool
	}{{c.rep, h.RepetitionLevelEncoding, true}, {c.def, h.DefinitionLevelEncoding, false}} {
		if l.most == 0 {
			continue
		}
		var levels []byte
		if levels, b, err = prefixed(b); err != nil {
			return err
		}
		if err := c.levels(levels, l.most, n, l.encoding, l.row); err != nil {
			return err
		}
	}
	return c.data(b, h.Encoding, n, size)
}

func (c *column) pageV2(h *format.DataPageHeaderV2, limit int64) error {
	n, b := int64(h.NumValues), c.packed
	if err := c.count(n); err != nil {
		return err
	}
	if h.NumNulls < 0 || int64(h.NumNulls) > n || h.NumRows < 0 || int64(h.NumRows) > n {
		return ErrPages
	}
	for _, l := range []struct {
		most   uint
		length int32
		row    bool
	}{{c.rep, h.RepetitionLevelsByteLength, true}, {c.def, h.DefinitionLevelsByteLength, false}} {
		if l.length < 0 || int(l.length) > len(b) {
			return ErrPages
		}
		levels := b[:l.length]
		b = b[l.length:]
		if l.most == 0 {
			continue
		}
		if err := c.levels(levels, l.most, n, format.RLE, l.row); err != nil {
			return err
		}
	}
	if !h.IsCompressed.Valid || h.IsCompressed.V {
		var err error
		if b, err = c.unpack(b, limit); err != nil {
			return err
		}
	}
	return c.data(b, h.Encoding, n, max(limit, int64(len(c.packed))))
}

// prefixed takes bytes with their length before them.
func prefixed(b []byte) (of, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, ErrPages
	}
	n := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24
	if b = b[4:]; n > uint64(len(b)) {
		return nil, nil, ErrPages
	}
	return b[:n], b[n:], nil
}

// unpack is what bytes unpack to, if these are no more than limit.
func (c *column) unpack(b []byte, limit int64) ([]byte, error) {
	if c.codec == format.Uncompressed {
		return b, nil
	}
	c.unpacked = sized(c.unpacked, limit)
	n, err := decompress(c.codec, c.unpacked, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPages, err)
	}
	if c.codec == format.Lz4Raw && n > 0 && 3*int64(len(b)) > limit {
		return nil, errLZ4
	}
	return c.unpacked[:n], nil
}
