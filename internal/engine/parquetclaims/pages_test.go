package parquetclaims

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// page is a page with its header.
type page struct {
	format.PageHeader
	data []byte
}

func bytesOf(t testing.TB, v any) []byte {
	b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chunk is a file of one column with pages as they are given; sizes of 0 are those of the data.
func chunk(t testing.TB, leaf format.SchemaElement, codec format.CompressionCodec, values int64, pages ...page) []byte {
	b := []byte("PAR1")
	for _, p := range pages {
		if p.CompressedPageSize == 0 {
			p.CompressedPageSize = int32(len(p.data))
		}
		if p.UncompressedPageSize == 0 {
			p.UncompressedPageSize = int32(len(p.data))
		}
		b = append(append(b, bytesOf(t, &p.PageHeader)...), p.data...)
	}
	leaf.Name = "a"
	meta := format.ColumnMetaData{
		Type: leaf.Type.V, Encoding: []format.Encoding{format.Plain}, PathInSchema: []string{"a"}, Codec: codec,
		NumValues: values, TotalUncompressedSize: int64(len(b) - 4), TotalCompressedSize: int64(len(b) - 4), DataPageOffset: 4,
	}
	footer := bytesOf(t, &format.FileMetaData{
		Version: 1, NumRows: values, Schema: []format.SchemaElement{{Name: "root", NumChildren: thrift.New(int32(1))}, leaf},
		RowGroups: []format.RowGroup{{Columns: []format.ColumnChunk{{MetaData: meta}}, NumRows: values}},
	})
	b = append(b, footer...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(footer))), "PAR1"...)
}

func leaf(kind pq.Kind, repetition format.FieldRepetitionType) format.SchemaElement {
	return format.SchemaElement{Type: thrift.New(format.Type(kind)), RepetitionType: thrift.New(repetition)}
}

func dataPage(n int32, encoding format.Encoding, data ...[]byte) page {
	return page{format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: n, Encoding: encoding, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
	})}, bytes.Join(data, nil)}
}

func dictionary(n int32, data []byte) page {
	return page{format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: n})}, data}
}

// run is so many times a value, as the hybrid encoding has it.
func run(n uint64, value byte) []byte { return append(binary.AppendUvarint(nil, n<<1), value) }

func packed(n uint64, b ...byte) []byte { return append(binary.AppendUvarint(nil, n<<1|1), b...) }

func withLength(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// equal is n equal numbers, as differences.
func equal(n int, v int64) []byte {
	b := binary.AppendUvarint(binary.AppendUvarint(nil, 65536), 1)
	b = binary.AppendVarint(binary.AppendUvarint(b, uint64(n)), v)
	for left := n - 1; left > 0; left -= 65536 {
		b = append(b, 0, 0)
	}
	return b
}

func gzipped(n int) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	part := make([]byte, 1<<20)
	for ; n > 0; n -= len(part) {
		w.Write(part)
	}
	w.Close()
	return b.Bytes()
}

func zstandard(n int) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	defer w.Close()
	return w.EncodeAll(make([]byte, n), nil)
}

// groups opens a file and checks its groups as those do that read it.
func groups(t testing.TB, b []byte) error {
	if err := check(b); err != nil {
		return err
	}
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)), pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	for i := range f.RowGroups() {
		if n, err := Group(t.Context(), f, i, 64); err != nil {
			return err
		} else if n < 1 || n > 64 {
			return fmt.Errorf("%d rows at a time", n)
		}
	}
	return nil
}

// TestHostilePages checks small files of which the library would make much memory.
func TestHostilePages(t *testing.T) {
	number, optional := leaf(pq.Int32, format.Required), leaf(pq.Int32, format.Optional)
	text, repeated := leaf(pq.ByteArray, format.Required), leaf(pq.Int32, format.Repeated)
	sized := func(p page, packed, unpacked int32) page {
		p.CompressedPageSize, p.UncompressedPageSize = packed, unpacked
		return p
	}
	fixed := leaf(pq.FixedLenByteArray, format.Required)
	fixed.TypeLength = thrift.New(int32(1 << 30))
	one := make([]byte, 4)
	const many, g, u, z = 1 << 28, format.Gzip, format.Uncompressed, format.Zstd
	plain := dataPage(1, format.Plain, one)
	v2 := page{format.PageHeader{Type: format.DataPageV2, DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{NumValues: 8, NumRows: 8, DefinitionLevelsByteLength: 6})}, run(many, 1)}
	v2.data = append(v2.data, 0)
	both := plain
	both.DictionaryPageHeader = thrift.New(format.DictionaryPageHeader{NumValues: many})
	deltas := dataPage(60000, format.DeltaByteArray, equal(60000, 60000), equal(60000, 0))
	var zeroPages []page
	for range 5 {
		zeroPages = append(zeroPages, dataPage(1<<20, format.RLEDictionary, withLength(run(1<<20, 1)), withLength(run(1<<20, 1)), []byte{0}, run(1<<20, 0)[:4]))
	}
	for what, b := range map[string][]byte{
		"packed size":             chunk(t, number, u, 1, sized(plain, 1<<30, 4)),
		"unpacked size":           chunk(t, number, g, 1, sized(plain, 4, 1<<30)),
		"negative size":           chunk(t, number, g, 1, sized(plain, -1, 4)),
		"dictionary size":         chunk(t, number, g, 1, sized(dictionary(1, one), 4, 1<<30)),
		"gzip":                    chunk(t, number, g, 1, sized(dataPage(1, format.Plain, gzipped(64<<20)), 0, 4)),
		"zstd":                    chunk(t, number, z, 1, sized(dataPage(1, format.Plain, zstandard(64<<20)), 0, 4)),
		"snappy":                  chunk(t, number, format.Snappy, 1, sized(dataPage(1, format.Plain, binary.AppendUvarint(nil, many)), 0, 4)),
		"no lz4":                  chunk(t, number, format.Lz4Raw, 1, sized(dataPage(1, format.Plain, []byte("\xff\xff\xff")), 0, 4)),
		"values of a page":        chunk(t, optional, u, many, dataPage(many, format.Plain, withLength(run(many, 0)))),
		"values of a chunk":       chunk(t, text, u, 1, dataPage(many, format.Plain, one)),
		"values of a dictionary":  chunk(t, text, u, 1, dictionary(many, one)),
		"a run of levels":         chunk(t, optional, u, 1, dataPage(1, format.Plain, withLength(run(many, 1)), one)),
		"a run of levels, V2":     chunk(t, optional, u, 8, v2),
		"a run of a dictionary":   chunk(t, number, u, 1, dictionary(1, one), dataPage(1, format.RLEDictionary, []byte{1}, run(many, 0))),
		"bits of no width":        chunk(t, number, u, 1, dictionary(1, one), dataPage(1, format.RLEDictionary, []byte{0}, packed(many/32))),
		"a run of booleans":       chunk(t, leaf(pq.Boolean, format.Required), u, 1, dataPage(1, format.RLE, withLength(run(8*many, 0)))),
		"a run of numbers":        chunk(t, number, u, 1, dataPage(1, format.RLE, run(many/4, 0))),
		"differences":             chunk(t, number, u, 1, dataPage(1, format.DeltaBinaryPacked, equal(many/4, 0)[:12])),
		"lengths":                 chunk(t, text, u, 1, dataPage(1, format.DeltaLengthByteArray, equal(many/4, 0)[:12])),
		"prefixes":                chunk(t, text, u, 60000, deltas),
		"values of fixed length":  chunk(t, fixed, u, 1, dataPage(1, format.ByteStreamSplit, one)),
		"a page of two kinds":     chunk(t, number, u, 1, both),
		"a row of many values":    chunk(t, repeated, u, 5<<20, append([]page{dictionary(1, one)}, zeroPages...)...),
		"a page behind the chunk": chunk(t, number, u, 1, plain, sized(plain, 5, 5)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := groups(t, b)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrPages) && !errors.Is(err, ErrFalse) && !errors.Is(err, errTooMuch) {
			t.Errorf("%s: %v", what, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 || len(b) > 1<<20 {
			t.Errorf("%s: %d bytes were allocated for a file of %d", what, n, len(b))
		}
	}
	if err := groups(t, chunk(t, number, u, 1, plain)); err != nil {
		t.Error(err)
	}
}

type inner struct {
	K *string  `parquet:"k"`
	L []string `parquet:"l,list"`
}

type wide struct {
	I  int32            `parquet:"i,delta"`
	D  *float64         `parquet:"d,split"`
	B  bool             `parquet:"b"`
	S  string           `parquet:"s,dict"`
	U  string           `parquet:"u,delta"`
	X  [16]byte         `parquet:"x,uuid"`
	N  *string          `parquet:"n,dict"`
	R  []int64          `parquet:"r"`
	In inner            `parquet:"in"`
	M  map[string]int64 `parquet:"m"`
}

// TestPages checks files as they are written.
func TestPages(t *testing.T) {
	rows := make([]wide, 3000)
	for i := range rows {
		s := fmt.Sprintf("text %d", i%50)
		rows[i] = wide{I: int32(i), B: i%3 == 0, S: s, U: fmt.Sprintf("prefix/%06d", i), R: make([]int64, i%5), M: map[string]int64{s: 1}}
		if i%4 == 0 {
			f := float64(i)
			rows[i].D, rows[i].In = &f, inner{K: &s, L: []string{s, "", strings.Repeat("x", i)}}
		}
	}
	for _, version := range []int{1, 2} {
		for _, codec := range []pq.WriterOption{pq.Compression(&pq.Uncompressed), pq.Compression(&pq.Snappy), pq.Compression(&pq.Gzip), pq.Compression(&pq.Zstd), pq.Compression(&pq.Brotli)} {
			var b bytes.Buffer
			if err := pq.Write(&b, rows, codec, pq.DataPageVersion(version), pq.PageBufferSize(4000), pq.MaxRowsPerRowGroup(1700)); err != nil {
				t.Fatal(err)
			}
			if err := groups(t, b.Bytes()); err != nil {
				t.Errorf("%v, %d: %v", codec, version, err)
			}
		}
	}
}

// TestLZ4: what the library would read wrongly is refused.
func TestLZ4(t *testing.T) {
	type row struct {
		A int64 `parquet:"a"`
	}
	for _, step := range []int64{0, 0x123456789abcdef} {
		rows := make([]row, 2000)
		for i := range rows {
			rows[i].A = int64(i) * int64(i) * step
		}
		var b bytes.Buffer
		if err := pq.Write(&b, rows, pq.Compression(&pq.Lz4Raw)); err != nil {
			t.Fatal(err)
		}
		if err := groups(t, b.Bytes()); (err != nil) != (step != 0) || err != nil && err != errLZ4 {
			t.Errorf("%d: %v", step, err)
		}
	}
}

func TestBooleans(t *testing.T) {
	for what, tt := range map[string]struct {
		data []byte
		want error
	}{
		"bits":              {packed(3, 1, 2, 3), nil},
		"false":             {append(run(16, 0), packed(1, 5)...), nil},
		"true":              {run(24, 1), errBooleans},
		"less than a byte":  {append(run(9, 0), packed(1, 5)...), errBooleans},
		"less, at the end":  {append(packed(1, 5), run(9, 0)...), nil},
		"the library's own": {run(24, 0xff), nil},
	} {
		b := chunk(t, leaf(pq.Boolean, format.Required), format.Uncompressed, 24, dataPage(24, format.RLE, withLength(tt.data)))
		if err := groups(t, b); err != tt.want {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLongHeader(t *testing.T) {
	p := dataPage(1, format.Plain, make([]byte, 4))
	p.DataPageHeader.V.Statistics.MaxValue = make([]byte, 200_000)
	if err := groups(t, chunk(t, leaf(pq.Int32, format.Required), format.Uncompressed, 2, p, p)); err != nil {
		t.Error(err)
	}
}

// FuzzPages checks pages, and reads with the library what is found to be good: it takes no more than was granted.
func FuzzPages(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x03\x01abcd"), uint8(1), uint8(0), uint8(0), int32(1), int32(10))
	f.Add(bytes.Join([][]byte{{2, 0, 0, 0}, run(9, 1), equal(9, 1), equal(9, 0)}, nil), uint8(6), uint8(7), uint8(0), int32(9), int32(0))
	f.Add(bytes.Join([][]byte{{2, 0, 0, 0}, run(9, 1), {1}, run(9, 0)}, nil), uint8(1), uint8(8), uint8(0), int32(9), int32(0))
	f.Fuzz(func(t *testing.T, data []byte, kind, encoding, codec uint8, values, size int32) {
		p := dataPage(values, format.Encoding(encoding%10), data)
		p.UncompressedPageSize = size
		l := leaf(pq.Kind(kind%8), format.FieldRepetitionType(codec/8%3))
		l.TypeLength = thrift.New(int32(codec))
		b := chunk(t, l, format.CompressionCodec(codec%8), int64(values), dictionary(1, make([]byte, 64)), p)
		if groups(t, b) != nil {
			return
		}
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		defer func() {
			_ = recover() // those that read are ready for that
			var after runtime.MemStats
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 2*maxHeld {
				t.Errorf("%d bytes were allocated", after.TotalAlloc-before.TotalAlloc)
			}
		}()
		file, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		pages := file.RowGroups()[0].ColumnChunks()[0].Pages()
		defer pages.Close()
		for {
			if _, err := pages.ReadPage(); err != nil {
				return
			}
		}
	})
}
