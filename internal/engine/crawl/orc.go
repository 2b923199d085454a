package crawl

import (
	"context"
	"io"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/orcfile"
)

// ORC: package orcfile reads the footer, which has the tree of types and the stripes with their numbers of rows.
// A file whose footer it cannot read (damaged, encrypted, in LZO) has no columns and is Unknown.

var orcMagic = []byte("ORC")

// maxORCTypes bounds the types of a file's columns; what is behind is text.
const maxORCTypes = 5000

// orcFile reads a file's footer; false if it has none that can be read. head is the whole file if small.
func orcFile(ctx context.Context, src Source, f *file, head []byte) (bool, error) {
	in := &partReader{ctx: ctx, src: src, key: f.Key, size: f.Size, start: f.Size}
	if int64(len(head)) >= f.Size {
		in.part, in.start = head[:f.Size], 0
	}
	o, err := orcfile.Open(in, f.Size)
	if in.failed != nil {
		return false, in.failed
	}
	if err != nil {
		return false, nil
	}
	rows := uint64(0)
	for _, s := range o.Stripes {
		if rows += s.Rows; s.Rows > 1<<62 || rows > 1<<62 {
			return false, nil
		}
	}
	budget := maxORCTypes
	root := orcHive(o.Types, 0, 0, &budget)
	if len(root.Fields) == 0 {
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

// partReader is a file of which the end is read as far as it is asked for.
type partReader struct {
	ctx    context.Context
	src    Source
	key    string
	size   int64
	part   []byte // of the file, from start to its end
	start  int64
	failed error // of the source
}

// ReadAt reads from the part that is there, which it makes larger first where it has to.
func (r *partReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	if off < r.start {
		start := min(off, max(0, r.size-tailSize))
		if r.size-start > maxFooter+tailSize {
			return 0, io.ErrUnexpectedEOF
		}
		part, err := readPart(r.ctx, r.src, r.key, start, r.size-start)
		if err != nil {
			r.failed = err
			return 0, err
		}
		if int64(len(part)) < r.size-start { // the object is another one now
			return 0, io.ErrUnexpectedEOF
		}
		r.part, r.start = part, start
	}
	n := copy(p, r.part[off-r.start:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var orcKinds = map[orcfile.Kind]hivetype.Kind{
	orcfile.Boolean: hivetype.Boolean, orcfile.Byte: hivetype.TinyInt, orcfile.Short: hivetype.SmallInt, orcfile.Int: hivetype.Int,
	orcfile.Long: hivetype.BigInt, orcfile.Float: hivetype.Float, orcfile.Double: hivetype.Double, orcfile.String: hivetype.String,
	orcfile.Binary: hivetype.Binary, orcfile.Timestamp: hivetype.Timestamp, orcfile.Date: hivetype.Date, orcfile.TimestampInstant: hivetype.Timestamp,
}

// orcHive is the Hive type of a column; a struct at the root.
func orcHive(types []orcfile.Type, at, depth int, budget *int) *hivetype.Type {
	if *budget--; depth > maxJSONDepth || *budget < 0 {
		return stringType
	}
	t := types[at]
	child := func(i int) *hivetype.Type { return orcHive(types, t.Children[i], depth+1, budget) }
	switch t.Kind {
	case orcfile.List:
		return &hivetype.Type{Kind: hivetype.Array, Elem: child(0)}
	case orcfile.Map:
		return &hivetype.Type{Kind: hivetype.Map, Key: child(0), Elem: child(1)}
	case orcfile.Struct:
		s := &hivetype.Type{Kind: hivetype.Struct}
		for i, name := range t.Names {
			s.Fields = append(s.Fields, hivetype.Field{Name: columnName(name), Type: child(i)})
		}
		return s
	case orcfile.Decimal:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: t.Precision, Scale: t.Scale}
	case orcfile.Varchar:
		if t.Length > 0 && t.Length <= hivetype.MaxVarchar {
			return &hivetype.Type{Kind: hivetype.Varchar, Length: t.Length}
		}
		return stringType
	case orcfile.Char:
		if t.Length > 0 && t.Length <= hivetype.MaxChar {
			return &hivetype.Type{Kind: hivetype.Char, Length: t.Length}
		}
		return stringType
	}
	if kind, ok := orcKinds[t.Kind]; ok {
		return &hivetype.Type{Kind: kind}
	}
	return stringType
}
