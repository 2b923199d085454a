package hive

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
)

// TestParquetValuesOfPages reads texts of a column that has many pages, which share memory, and refuses more of them than there is room for.
func TestParquetValuesOfPages(t *testing.T) {
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{schema.NewByteArrayNode("a", parquet.Repetitions.Optional, -1)}, -1)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := file.NewParquetWriter(&b, root, file.WithWriterProps(parquet.NewWriterProperties(
		parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(1000), parquet.WithBatchSize(10), parquet.WithCompression(compress.Codecs.Snappy))))
	g, err := w.AppendRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	c, err := g.NextColumn()
	if err != nil {
		t.Fatal(err)
	}
	const rows = 10_000
	var texts []parquet.ByteArray
	var levels []int16
	for i := range rows {
		if levels = append(levels, int16(min(i%10, 1))); i%10 > 0 {
			texts = append(texts, parquet.ByteArray(fmt.Sprintf("text of row %d", i)))
		}
	}
	if _, err := c.(*file.ByteArrayColumnChunkWriter).WriteBatch(texts, levels, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := file.NewParquetReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := newParquetValues(f, []catalog.Column{{Name: "a", Type: &hivetype.Type{Kind: hivetype.String}}})
	if err != nil {
		t.Fatal(err)
	}
	p.max = rows*valueSize + 1000
	if _, _, err := p.read(0); !errors.Is(err, errGroup) {
		t.Errorf("texts without room: %v", err)
	}
	p.max = maxGroup
	n, columns, err := p.read(0)
	if err != nil || n != rows || len(columns[0].Null) != rows || len(columns[0].Texts) != len(texts) {
		t.Fatalf("%d rows, %d texts, %v", n, len(columns[0].Texts), err)
	}
	for i, null := range columns[0].Null {
		if null != (i%10 == 0) {
			t.Fatalf("row %d: null is %v", i, null)
		}
	}
	for i, v := range columns[0].Texts {
		if string(v) != string(texts[i]) {
			t.Fatalf("text %d is %q, not %q", i, v, texts[i])
		}
	}
}
