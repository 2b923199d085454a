package crawl

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// ORC: the end of a file has a postscript that says how long the footer before it is and
// how it is compressed; the footer has the tree of types and the number of rows.
// Footers in LZO or LZ4 are not read: such a file has no columns and is Unknown.

var orcMagic = []byte("ORC")

const maxORCTypes = 5000

// orcFile reads a file's footer; false if it has none that can be read.
func orcFile(ctx context.Context, src Source, f *file, head []byte) (bool, error) {
	tail := head
	if int64(len(head)) < f.Size {
		var err error
		start := max(0, f.Size-tailSize)
		if tail, err = readPart(ctx, src, f.Key, start, f.Size-start); err != nil {
			return false, err
		}
	}
	if len(tail) == 0 {
		return false, nil
	}
	size := int(tail[len(tail)-1])
	if size+1 > len(tail) {
		return false, nil
	}
	var length, compression uint64
	ok := orcFields(tail[len(tail)-1-size:len(tail)-1], func(field protowire.Number, v uint64, _ []byte) bool {
		switch field {
		case 1:
			length = v
		case 2:
			compression = v
		}
		return true
	})
	if !ok || length == 0 || length > maxFooter || int64(length) > f.Size {
		return false, nil
	}
	need := int64(length) + int64(size) + 1
	if need > f.Size {
		return false, nil
	}
	if need > int64(len(tail)) {
		var err error
		if tail, err = readPart(ctx, src, f.Key, f.Size-need, need); err != nil {
			return false, err
		}
	}
	if int64(len(tail)) < need {
		return false, nil
	}
	footer, err := orcDecompress(tail[int64(len(tail))-need:len(tail)-1-size], compression)
	if err != nil {
		return false, nil
	}
	var types []orcType
	rows := uint64(0)
	ok = orcFields(footer, func(field protowire.Number, v uint64, b []byte) bool {
		switch field {
		case 4:
			t, ok := readORCType(b)
			types = append(types, t)
			return ok && len(types) <= maxORCTypes
		case 6:
			rows = v
		}
		return true
	})
	if !ok || len(types) == 0 || types[0].kind != 12 || rows > 1<<62 {
		return false, nil
	}
	budget := maxORCTypes
	root := orcHive(types, 0, 0, &budget)
	if root == nil || len(root.Fields) == 0 {
		return false, nil
	}
	seen := make(map[string]bool)
	for _, field := range root.Fields {
		if !seen[field.Name] {
			seen[field.Name] = true
			f.columns = append(f.columns, Column(field))
		}
	}
	f.format.Classification, f.records = ORC, int64(rows)
	return true, nil
}

// orcFields calls do for each field of a message: a number, or bytes.
func orcFields(b []byte, do func(protowire.Number, uint64, []byte) bool) bool {
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		var v uint64
		var inner []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			inner, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(field, typ, b)
		}
		if n < 0 || !do(field, v, inner) {
			return false
		}
		b = b[n:]
	}
	return true
}

// orcDecompress undoes the compression of a footer: chunks with a head of three bytes.
func orcDecompress(b []byte, compression uint64) ([]byte, error) {
	if compression == 0 {
		return b, nil
	}
	var out bytes.Buffer
	for len(b) > 0 {
		if len(b) < 3 {
			return nil, io.ErrUnexpectedEOF
		}
		head := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		n := head >> 1
		if n > len(b)-3 {
			return nil, io.ErrUnexpectedEOF
		}
		chunk := b[3 : 3+n]
		b = b[3+n:]
		left := int64(maxFooter - out.Len())
		switch {
		case head&1 == 1:
			out.Write(chunk)
		case compression == 1:
			if _, err := io.Copy(&out, io.LimitReader(flate.NewReader(bytes.NewReader(chunk)), left)); err != nil {
				return nil, err
			}
		case compression == 2:
			size, err := snappy.DecodedLen(chunk)
			if err != nil || int64(size) > left {
				return nil, errORC
			}
			text, err := snappy.Decode(nil, chunk)
			if err != nil {
				return nil, err
			}
			out.Write(text)
		case compression == 5:
			z, err := zstd.NewReader(bytes.NewReader(chunk), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFooter))
			if err != nil {
				return nil, err
			}
			_, err = io.Copy(&out, io.LimitReader(z, left))
			z.Close()
			if err != nil {
				return nil, err
			}
		default:
			return nil, errORC
		}
		if out.Len() >= maxFooter {
			return nil, errORC
		}
	}
	return out.Bytes(), nil
}

var errORC = errors.New("this ORC footer cannot be read")

type orcType struct {
	kind                     uint64
	children                 []uint64
	names                    []string
	length, precision, scale int
}

func readORCType(b []byte) (orcType, bool) {
	var t orcType
	ok := orcFields(b, func(field protowire.Number, v uint64, inner []byte) bool {
		switch field {
		case 1:
			t.kind = v
		case 2:
			if inner == nil {
				t.children = append(t.children, v)
			}
			for len(inner) > 0 {
				child, n := protowire.ConsumeVarint(inner)
				if n < 0 {
					return false
				}
				t.children = append(t.children, child)
				inner = inner[n:]
			}
		case 3:
			t.names = append(t.names, string(inner))
		case 4:
			t.length = int(v & 0xffff)
		case 5:
			t.precision = int(v & 0xff)
		case 6:
			t.scale = int(v & 0xff)
		}
		return true
	})
	return t, ok
}

var orcKinds = map[uint64]hivetype.Kind{
	0: hivetype.Boolean, 1: hivetype.TinyInt, 2: hivetype.SmallInt, 3: hivetype.Int, 4: hivetype.BigInt, 5: hivetype.Float,
	6: hivetype.Double, 7: hivetype.String, 8: hivetype.Binary, 9: hivetype.Timestamp, 15: hivetype.Date, 18: hivetype.Timestamp,
}

// orcHive is the Hive type of a node of the tree; children come after their parents.
func orcHive(types []orcType, at uint64, depth int, budget *int) *hivetype.Type {
	if *budget--; at >= uint64(len(types)) || depth > maxJSONDepth || *budget < 0 {
		return stringType
	}
	t := types[at]
	child := func(i int) *hivetype.Type {
		if i >= len(t.children) || t.children[i] <= at {
			return stringType
		}
		return orcHive(types, t.children[i], depth+1, budget)
	}
	switch t.kind {
	case 10:
		return &hivetype.Type{Kind: hivetype.Array, Elem: child(0)}
	case 11:
		return &hivetype.Type{Kind: hivetype.Map, Key: child(0), Elem: child(1)}
	case 12:
		s := &hivetype.Type{Kind: hivetype.Struct}
		for i, name := range t.names {
			s.Fields = append(s.Fields, hivetype.Field{Name: columnName(name), Type: child(i)})
		}
		return s
	case 14:
		if t.precision >= 1 && t.precision <= 38 && t.scale <= t.precision {
			return &hivetype.Type{Kind: hivetype.Decimal, Precision: t.precision, Scale: t.scale}
		}
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: 38, Scale: 18}
	case 16:
		if t.length > 0 && t.length <= hivetype.MaxVarchar {
			return &hivetype.Type{Kind: hivetype.Varchar, Length: t.length}
		}
		return stringType
	case 17:
		if t.length > 0 && t.length <= hivetype.MaxChar {
			return &hivetype.Type{Kind: hivetype.Char, Length: t.length}
		}
		return stringType
	}
	if kind, ok := orcKinds[t.kind]; ok {
		return &hivetype.Type{Kind: kind}
	}
	return stringType
}
