package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/parquet-go/parquet-go"
)

// parquetResult writes columns of the result's types; arrays, maps and rows as text.
type parquetResult struct {
	out     io.Writer
	names   []string
	parse   []func(string) (parquet.Value, error)
	writer  *parquet.GenericWriter[any]
	pending []parquet.Row
}

// parquetBatch is how many rows are handed over at once.
const parquetBatch = 256

// ordered is a group whose fields keep the order of the result's columns.
type ordered struct {
	parquet.Group
	names []string
}

func (g ordered) Fields() []parquet.Field {
	byName := make(map[string]parquet.Field, len(g.names))
	for _, f := range g.Group.Fields() {
		byName[f.Name()] = f
	}
	fields := make([]parquet.Field, len(g.names))
	for i, n := range g.names {
		fields[i] = byName[n]
	}
	return fields
}

func (p *parquetResult) begin(columns []types.ColumnInfo) error {
	group := parquet.Group{}
	for _, c := range columns {
		name := aws.ToString(c.Name)
		if group[name] != nil {
			return fmt.Errorf("--output parquet: two columns are named %s: give one another name with AS", name)
		}
		node, parse := parquetColumn(c)
		group[name] = parquet.Optional(node)
		p.names, p.parse = append(p.names, name), append(p.parse, parse)
	}
	p.writer = parquet.NewGenericWriter[any](p.out, parquet.NewSchema("result", ordered{group, p.names}), parquet.Compression(&parquet.Zstd))
	return nil
}

func integer(s string) (parquet.Value, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return parquet.Int64Value(n), err
}

func small(s string) (parquet.Value, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	return parquet.Int32Value(int32(n)), err
}

// parquetColumn is how a column is stored, and how its values are read.
func parquetColumn(c types.ColumnInfo) (parquet.Node, func(string) (parquet.Value, error)) {
	switch aws.ToString(c.Type) {
	case "boolean":
		return parquet.Leaf(parquet.BooleanType), func(s string) (parquet.Value, error) {
			v, err := strconv.ParseBool(s)
			return parquet.BooleanValue(v), err
		}
	case "tinyint":
		return parquet.Int(8), small
	case "smallint":
		return parquet.Int(16), small
	case "integer":
		return parquet.Int(32), small
	case "bigint":
		return parquet.Int(64), integer
	case "float":
		return parquet.Leaf(parquet.FloatType), func(s string) (parquet.Value, error) {
			v, err := strconv.ParseFloat(s, 32)
			return parquet.FloatValue(float32(v)), err
		}
	case "double":
		return parquet.Leaf(parquet.DoubleType), func(s string) (parquet.Value, error) {
			v, err := strconv.ParseFloat(s, 64)
			return parquet.DoubleValue(v), err
		}
	case "decimal":
		if c.Precision > 0 && c.Precision <= 38 {
			return parquetDecimal(int(c.Precision), int(c.Scale))
		}
	case "date":
		return parquet.Date(), func(s string) (parquet.Value, error) {
			t, err := time.Parse(time.DateOnly, s)
			return parquet.Int32Value(int32(t.Unix() / 86400)), err
		}
	case "timestamp":
		return parquet.TimestampAdjusted(parquet.Microsecond, false), func(s string) (parquet.Value, error) {
			t, err := time.Parse(time.DateTime, s) // takes any fraction
			return parquet.Int64Value(t.UnixMicro()), err
		}
	case "varbinary":
		return parquet.Leaf(parquet.ByteArrayType), func(s string) (parquet.Value, error) {
			b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
			return parquet.ByteArrayValue(b), err
		}
	}
	return parquet.String(), func(s string) (parquet.Value, error) { return parquet.ByteArrayValue([]byte(s)), nil }
}

// decimalBytes holds any decimal of 38 digits.
const decimalBytes = 16

func parquetDecimal(precision, scale int) (parquet.Node, func(string) (parquet.Value, error)) {
	unscaled := func(s string) (*big.Int, error) {
		whole, fraction, _ := strings.Cut(s, ".")
		if len(fraction) > scale {
			return nil, fmt.Errorf("%q has more than %d digits behind the point", s, scale)
		}
		n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", scale-len(fraction)), 10)
		if !ok {
			return nil, fmt.Errorf("%q is not a decimal", s)
		}
		return n, nil
	}
	if precision <= 18 {
		return parquet.Decimal(scale, precision, parquet.Int64Type), func(s string) (parquet.Value, error) {
			n, err := unscaled(s)
			if err != nil {
				return parquet.Value{}, err
			}
			return parquet.Int64Value(n.Int64()), nil
		}
	}
	return parquet.Decimal(scale, precision, parquet.FixedLenByteArrayType(decimalBytes)), func(s string) (parquet.Value, error) {
		n, err := unscaled(s)
		if err != nil {
			return parquet.Value{}, err
		}
		if n.Sign() < 0 { // two's complement
			n.Add(n, new(big.Int).Lsh(big.NewInt(1), decimalBytes*8))
		}
		return parquet.FixedLenByteArrayValue(n.FillBytes(make([]byte, decimalBytes))), nil
	}
}

func (p *parquetResult) row(data []types.Datum) error {
	row := make(parquet.Row, len(p.parse))
	for i, parse := range p.parse {
		if i >= len(data) || data[i].VarCharValue == nil {
			row[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		v, err := parse(*data[i].VarCharValue)
		if err != nil {
			return fmt.Errorf("column %s: %w", p.names[i], err)
		}
		row[i] = v.Level(0, 1, i)
	}
	if p.pending = append(p.pending, row); len(p.pending) == parquetBatch {
		return p.flush()
	}
	return nil
}

func (p *parquetResult) flush() error {
	_, err := p.writer.WriteRows(p.pending)
	p.pending = p.pending[:0]
	return err
}

func (p *parquetResult) end() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.writer.Close()
}
