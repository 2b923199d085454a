package s3select

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"

	"github.com/cockroachdb/apd/v3"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/brookmere/brookmere/internal/engine/parquetclaims"
)

// maxRowGroup is how many bytes a row group may have without compression.
const maxRowGroup = 512 << 20

// parquet reads rows of Parquet: of columns that repeat, the last value. The reader trusts what it reads, so what it
// panics about is an error of the object's.
func (r *run) parquet(src Source) (err error) {
	if c := r.o.Input.Compression; c != "" && c != "NONE" {
		return fail("InvalidCompressionFormat", "Parquet is compressed by columns: CompressionType must be NONE.")
	}
	defer func() {
		if p := recover(); p != nil {
			err = fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again: %v", p)
		}
	}()
	if err := parquetclaims.Footer(src, src.Size()); err != nil {
		return fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again: %v", err)
	}
	file, err := pq.OpenFile(src, src.Size(), pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again: %v", err)
	}
	meta := file.Metadata()
	for i := range meta.RowGroups {
		var size int64
		for j := range meta.RowGroups[i].Columns {
			c := &meta.RowGroups[i].Columns[j].MetaData
			switch c.Codec {
			case format.Uncompressed, format.Snappy, format.Gzip, format.Zstd:
			default:
				return fail("ParquetUnsupportedCompressionCodec", "The specified Parquet compression codec is not supported: %s", c.Codec)
			}
			if c.TotalUncompressedSize < 0 || c.TotalCompressedSize < 0 || c.TotalCompressedSize > src.Size() {
				return fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again: the size of a column is wrong.")
			}
			size += c.TotalUncompressedSize
		}
		if size > maxRowGroup {
			return fail("OverMaxParquetBlockSize", "The Parquet file is above the max row group size of 512 MB.")
		}
	}
	root := file.Root()
	for i, group := range file.RowGroups() {
		columns := meta.RowGroups[i].Columns
		if r.o.Input.Ranged && len(columns) > 0 {
			at := columns[0].MetaData.DataPageOffset
			if d := columns[0].MetaData.DictionaryPageOffset; d > 0 && d < at {
				at = d
			}
			if at < r.o.Input.Begin || at > r.o.Input.End {
				continue
			}
		}
		for j := range columns {
			r.base.Scanned += columns[j].MetaData.TotalCompressedSize
			r.base.Processed += columns[j].MetaData.TotalUncompressedSize
		}
		if err := r.rowGroup(group, root); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) rowGroup(group pq.RowGroup, root *pq.Column) error {
	rows := group.Rows()
	defer rows.Close() // it is only read
	leaves := leavesOf(root)
	batch := make([]pq.Row, 64)
	for count := 0; ; count++ {
		n, err := rows.ReadRows(batch)
		if cerr := r.ctx.Err(); cerr != nil {
			return cerr
		}
		for _, row := range batch[:n] {
			last := make([]pq.Value, leaves)
			for _, v := range row {
				if c := v.Column(); c >= 0 && c < leaves {
					last[c] = v
				}
			}
			if rerr := r.row(structure(root, last)); rerr != nil {
				return rerr
			}
		}
		if count%256 == 255 && r.o.Tick != nil {
			if terr := r.o.Tick(r.progress()); terr != nil {
				return terr
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again: %v", err)
		case n == 0:
			return fail("ParquetParsingError", "Error parsing Parquet file. Please check the file and try again.")
		}
	}
}

func leavesOf(c *pq.Column) int {
	if c.Leaf() {
		return c.Index() + 1
	}
	most := 0
	for _, child := range c.Columns() {
		most = max(most, leavesOf(child))
	}
	return most
}

// structure is what a column and those below it have.
func structure(c *pq.Column, leaves []pq.Value) Value {
	if c.Leaf() {
		return parquetValue(c, leaves[c.Index()])
	}
	children := c.Columns()
	names, values := make([]string, len(children)), make([]Value, len(children))
	for i, child := range children {
		names[i], values[i] = child.Name(), structure(child, leaves)
	}
	return structOf(names, values)
}

func parquetValue(c *pq.Column, v pq.Value) Value {
	if v.IsNull() {
		return null
	}
	converted := c.Type().ConvertedType()
	var logical any
	if l := c.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.DecimalType:
		return parquetDecimal(v, l.Scale)
	case *format.DateType:
		return instant(time.Unix(int64(v.Int32())*86400, 0).UTC(), 3)
	case *format.TimestampType:
		unit := time.Microsecond
		if l.Unit.Value != nil {
			unit = l.Unit.Value.Duration()
		}
		per := int64(time.Second / unit)
		n := v.Int64()
		return instant(time.Unix(n/per, n%per*int64(unit)).UTC(), 6)
	}
	if converted != nil && *converted == deprecated.Date {
		return instant(time.Unix(int64(v.Int32())*86400, 0).UTC(), 3)
	}
	switch v.Kind() {
	case pq.Boolean:
		return boolean(v.Boolean())
	case pq.Int32:
		return integer(int64(v.Int32()))
	case pq.Int64:
		return integer(v.Int64())
	case pq.Int96:
		i := v.Int96()
		nanos := int64(uint64(i[0]) | uint64(i[1])<<32)
		return instant(time.Unix((int64(i[2])-2440588)*86400, nanos).UTC(), 6)
	case pq.Float:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v.Float()), 'g', -1, 32), 64) // the same digits
		return float(f)
	case pq.Double:
		return float(v.Double())
	}
	b := v.ByteArray()
	switch logical.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return text(string(b))
	case *format.UUIDType:
		if len(b) == 16 {
			return text(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
		}
	}
	if converted != nil && *converted == deprecated.UTF8 {
		return text(string(b))
	}
	return text(base64.StdEncoding.EncodeToString(b))
}

func parquetDecimal(v pq.Value, scale int32) Value {
	n := new(big.Int)
	switch v.Kind() {
	case pq.Int32:
		n.SetInt64(int64(v.Int32()))
	case pq.Int64:
		n.SetInt64(v.Int64())
	default:
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 { // negative, in two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
		}
	}
	if scale < 0 || scale > 38 {
		return null
	}
	d := new(apd.Decimal)
	d.Negative = n.Sign() < 0
	d.Coeff.SetMathBigInt(n.Abs(n))
	d.Exponent = -scale
	return decimal(d)
}
