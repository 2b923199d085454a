package etl

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/brookmere/brookmere/internal/engine/crawl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/parquetclaims"
)

// parquetNode puts values together from the leaves below a column, by their levels.
type parquetNode struct {
	name     string
	typ      *hivetype.Type
	lo, hi   int // leaves below
	def      int // level at which the value is there
	optional bool

	list  bool // a list whose element is kids[0], a map of kids[0] to kids[1]
	rep   int  // level at which the next element comes
	inner int  // definition level at which there is an element
	kids  []*parquetNode
	leaf  func(pq.Value) any
}

// parquetTree is the node of a column. A group that repeats is the list of itself.
func parquetTree(c *pq.Column, next *int) (*parquetNode, error) {
	if c.Depth() > maxDepth {
		return nil, errors.New("columns nest too deep")
	}
	if c.Repeated() {
		elem, err := parquetPlain(c, next)
		if err != nil {
			return nil, err
		}
		elem.optional = false
		return &parquetNode{
			name: c.Name(), typ: &hivetype.Type{Kind: hivetype.Array, Elem: elem.typ}, lo: elem.lo, hi: elem.hi,
			list: true, rep: c.MaxRepetitionLevel(), inner: c.MaxDefinitionLevel(), kids: []*parquetNode{elem},
		}, nil
	}
	return parquetPlain(c, next)
}

func parquetPlain(c *pq.Column, next *int) (*parquetNode, error) {
	n := &parquetNode{name: c.Name(), lo: *next, def: c.MaxDefinitionLevel(), optional: c.Optional()}
	if c.Leaf() {
		*next++
		n.hi, n.typ = *next, crawl.ParquetLeaf(c)
		n.leaf = parquetValue(c, n.typ)
		return n, nil
	}
	children := c.Columns()
	var logical any
	if lt := c.Type().LogicalType(); lt != nil {
		logical = lt.Value
	}
	_, isList := logical.(*format.ListType)
	_, isMap := logical.(*format.MapType)
	if (isList || isMap) && len(children) == 1 && children[0].Repeated() {
		r := children[0]
		n.list, n.rep, n.inner = true, r.MaxRepetitionLevel(), r.MaxDefinitionLevel()
		of := r.Columns()
		if isList && (r.Leaf() || len(of) != 1) {
			of = nil
			elem, err := parquetPlain(r, next)
			if err != nil {
				return nil, err
			}
			elem.optional = false
			n.kids = append(n.kids, elem)
		}
		for _, k := range of {
			kid, err := parquetTree(k, next)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, kid)
		}
		n.hi = *next
		if isList && len(n.kids) == 1 {
			n.typ = &hivetype.Type{Kind: hivetype.Array, Elem: n.kids[0].typ}
			return n, nil
		}
		if isMap && len(n.kids) == 2 {
			n.typ = &hivetype.Type{Kind: hivetype.Map, Key: n.kids[0].typ, Elem: n.kids[1].typ}
			return n, nil
		}
		return nil, fmt.Errorf("the column %q is neither a list nor a map", c.Name())
	}
	n.typ = &hivetype.Type{Kind: hivetype.Struct}
	for _, k := range children {
		kid, err := parquetTree(k, next)
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
		n.typ.Fields = append(n.typ.Fields, hivetype.Field{Name: kid.name, Type: kid.typ})
	}
	n.hi = *next
	if len(children) == 0 {
		return nil, fmt.Errorf("the column %q has no fields", c.Name())
	}
	return n, nil
}

var errLevels = errors.New("the levels of a row do not fit its columns")

// read takes the next value from the leaves.
func (n *parquetNode) read(leaves [][]pq.Value) (any, error) {
	for i := n.lo; i < n.hi; i++ {
		if len(leaves[i]) == 0 {
			return nil, errLevels
		}
	}
	level := leaves[n.lo][0].DefinitionLevel()
	switch {
	case n.leaf != nil:
		v := leaves[n.lo][0]
		leaves[n.lo] = leaves[n.lo][1:]
		if v.IsNull() {
			return nil, nil
		}
		return n.leaf(v), nil
	case n.optional && level < n.def:
		n.skip(leaves)
		return nil, nil
	case n.list:
		return n.readList(leaves, level)
	}
	o := make(Object, 0, len(n.kids))
	for _, k := range n.kids {
		v, err := k.read(leaves)
		if err != nil {
			return nil, err
		}
		if v != nil {
			o = append(o, Member{k.name, v})
		}
	}
	return o, nil
}

func (n *parquetNode) skip(leaves [][]pq.Value) {
	for i := n.lo; i < n.hi; i++ {
		leaves[i] = leaves[i][1:]
	}
}

func (n *parquetNode) readList(leaves [][]pq.Value, level int) (any, error) {
	list, entries := []any{}, Object{}
	if level < n.inner {
		n.skip(leaves)
	} else {
		for {
			v, err := n.kids[0].read(leaves)
			if err != nil {
				return nil, err
			}
			if len(n.kids) == 2 {
				value, err := n.kids[1].read(leaves)
				if err != nil {
					return nil, err
				}
				entries = append(entries, Member{textOf(v), value})
			} else {
				list = append(list, v)
			}
			if rest := leaves[n.lo]; len(rest) == 0 || rest[0].RepetitionLevel() != n.rep {
				break
			}
		}
	}
	if len(n.kids) == 2 {
		return entries, nil
	}
	return list, nil
}

// parquetValue is how values of a column that are there are taken.
func parquetValue(c *pq.Column, t *hivetype.Type) func(pq.Value) any {
	unit := time.Millisecond
	if lt := c.Type().LogicalType(); lt != nil {
		if ts, ok := lt.Value.(*format.TimestampType); ok {
			switch ts.Unit.Value.(type) {
			case *format.MicroSeconds:
				unit = time.Microsecond
			case *format.NanoSeconds:
				unit = time.Nanosecond
			}
		}
	} else if ct := c.Type().ConvertedType(); ct != nil && *ct == deprecated.TimestampMicros {
		unit = time.Microsecond
	}
	kind := c.Type().Kind()
	return func(v pq.Value) any {
		switch t.Kind {
		case hivetype.Decimal:
			return unscaled(v, kind, t.Scale)
		case hivetype.Date:
			return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly)
		case hivetype.Timestamp:
			return parquetTime(v, kind, unit).Format("2006-01-02 15:04:05.999999999")
		case hivetype.Binary:
			return base64.StdEncoding.EncodeToString(v.ByteArray())
		}
		switch kind {
		case pq.Boolean:
			return v.Boolean()
		case pq.Int32:
			return int64(v.Int32())
		case pq.Int64:
			return v.Int64()
		case pq.Float:
			return float64(v.Float())
		case pq.Double:
			return v.Double()
		}
		return string(v.ByteArray())
	}
}

func parquetTime(v pq.Value, kind pq.Kind, unit time.Duration) time.Time {
	if kind == pq.Int96 {
		const julianEpoch = 2440588
		n := v.Int96()
		nanos := binary.LittleEndian.Uint64(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, n[0]), n[1]))
		return time.Unix((int64(n[2])-julianEpoch)*86400, int64(nanos)).UTC()
	}
	n := v.Int64()
	each := int64(time.Second / unit)
	return time.Unix(n/each, n%each*int64(unit)).UTC()
}

func unscaled(v pq.Value, kind pq.Kind, scale int) any {
	n := new(big.Int)
	switch kind {
	case pq.Int32:
		n.SetInt64(int64(v.Int32()))
	case pq.Int64:
		n.SetInt64(v.Int64())
	default:
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 { // two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	scaled := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(min(scale, 64))), nil))
	return scaled.FloatString(scale)
}

// readParquet reads a file whole, limit bytes of rows at most. A file that is damaged in a way
// that the library does not expect is an error, never a panic.
func readParquet(in io.ReaderAt, length, limit int64) (f *Frame, err error) {
	defer func() {
		if v := recover(); v != nil {
			f, err = nil, fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	if err := parquetclaims.Footer(in, length); err != nil {
		return nil, err
	}
	pf, err := pq.OpenFile(in, length, pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	f = &Frame{}
	var nodes []*parquetNode
	leaves := 0
	for _, c := range pf.Root().Columns() {
		n, err := parquetTree(c, &leaves)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		f.Columns = append(f.Columns, Column{n.name, n.typ})
	}
	values := make([][]pq.Value, leaves)
	held := int64(0)
	for _, g := range pf.RowGroups() {
		if err := readGroup(g, nodes, values, f, &held, limit); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func readGroup(g pq.RowGroup, nodes []*parquetNode, values [][]pq.Value, f *Frame, held *int64, limit int64) error {
	rows := g.Rows()
	defer rows.Close()
	buffer := make([]pq.Row, 256)
	for {
		n, err := rows.ReadRows(buffer)
		for _, r := range buffer[:n] {
			for i := range values {
				values[i] = nil
			}
			r.Range(func(column int, v []pq.Value) bool {
				if column < len(values) {
					values[column] = v
				}
				return true
			})
			row := make([]any, len(nodes))
			*held += 24
			for i, node := range nodes {
				v, err := node.read(values)
				if err != nil {
					return err
				}
				row[i] = v
				*held += 16 + int64(size(v))
			}
			if *held > limit {
				return ErrTooLarge
			}
			f.rows = append(f.rows, row)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrNoProgress
		}
	}
}
