package hive

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/orcfile"
)

// parquetValues reads the row groups of a Parquet file that DuckDB wrote of columns of known types.
type parquetValues struct {
	file    *file.Reader
	columns []*parquetNode
	leaves  []*parquetNode
	max     int // bytes of memory that a row group may take
	room    int // those that are left for the one that is read
}

// maxGroup is how many bytes of memory the values of a row group may take. Those of a file may be
// few: it has equal texts once.
const maxGroup = 1 << 30

// valueSize is about what a value takes beside its text: itself, its levels and its place.
const valueSize = 32

var errGroup = &fault.Error{Name: "EXCEEDED_LOCAL_MEMORY_LIMIT", Message: "Query exceeded per-node memory limit: rows are too large for a stripe of ORC or a block of Avro"}

// parquetNode is a column, or what a column is made of.
type parquetNode struct {
	typ    *hivetype.Type
	def    int16 // from this definition level on it is not null
	rep    int16 // of an array or map: the repetition level of a further element
	kids   []*parquetNode
	leaves []*parquetNode // below it, itself if it does not nest

	// Of one that does not nest, for the row group that is read:
	defs, reps []int16
	all        orcfile.Values // those that are not null
}

func newParquetValues(f *file.Reader, columns []catalog.Column) (*parquetValues, error) {
	p := &parquetValues{file: f, max: maxGroup}
	root := f.MetaData().Schema.Root()
	if root.NumFields() != len(columns) {
		return nil, fmt.Errorf("a file has %d columns, not %d", root.NumFields(), len(columns))
	}
	for i, c := range columns {
		n, err := p.node(root.Field(i), c.Type, 0, 0)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		p.columns = append(p.columns, n)
	}
	return p, nil
}

// node is a node of the schema, below one of the levels.
func (p *parquetValues) node(s schema.Node, t *hivetype.Type, def, rep int16) (*parquetNode, error) {
	if s.RepetitionType() == parquet.Repetitions.Optional {
		def++
	}
	n := &parquetNode{typ: t, def: def, rep: rep + 1}
	kid := func(s schema.Node, t *hivetype.Type, def, rep int16) error {
		k, err := p.node(s, t, def, rep)
		if err == nil {
			n.kids, n.leaves = append(n.kids, k), append(n.leaves, k.leaves...)
		}
		return err
	}
	group, nests := s.(*schema.GroupNode)
	unfit := fmt.Errorf("%s of a file is not of type %s", s.Name(), t)
	switch t.Kind {
	case hivetype.Struct:
		if !nests || group.NumFields() != len(t.Fields) {
			return nil, unfit
		}
		for i, f := range t.Fields {
			if err := kid(group.Field(i), f.Type, def, rep); err != nil {
				return nil, err
			}
		}
	case hivetype.Array, hivetype.Map:
		if !nests || group.NumFields() != 1 || group.Field(0).RepetitionType() != parquet.Repetitions.Repeated {
			return nil, unfit
		}
		entry, ok := group.Field(0).(*schema.GroupNode)
		of := []*hivetype.Type{t.Elem}
		if t.Kind == hivetype.Map {
			of = []*hivetype.Type{t.Key, t.Elem}
		}
		if !ok || entry.NumFields() != len(of) {
			return nil, unfit
		}
		for i, t := range of {
			if err := kid(entry.Field(i), t, def+1, rep+1); err != nil {
				return nil, err
			}
		}
	default:
		if nests {
			return nil, unfit
		}
		n.leaves = []*parquetNode{n}
		p.leaves = append(p.leaves, n)
	}
	return n, nil
}

// read is a row group.
func (p *parquetValues) read(group int) (rows int, columns []*orcfile.Values, err error) {
	g := p.file.RowGroup(group)
	p.room = p.max
	for i, leaf := range p.leaves {
		column, err := g.Column(i)
		if err != nil {
			return 0, nil, err
		}
		if err := leaf.load(column, p.take); err != nil {
			return 0, nil, err
		}
	}
	for _, n := range p.columns {
		places := make([][]int, len(n.leaves))
		for i, leaf := range n.leaves {
			for at, r := range leaf.reps {
				if r == 0 {
					places[i] = append(places[i], at)
				}
			}
		}
		v, err := n.values(places)
		if err != nil {
			return 0, nil, err
		}
		columns = append(columns, v)
	}
	return int(g.NumRows()), columns, nil
}

// values are the values of a node, which begin at places of the levels of each of its leaves.
func (n *parquetNode) values(places [][]int) (*orcfile.Values, error) {
	out := &orcfile.Values{}
	if n.kids == nil {
		*out = n.all
	}
	out.Null = make([]bool, len(places[0]))
	for k, at := range places[0] {
		out.Null[k] = n.leaves[0].defs[at] < n.def
	}
	if n.kids == nil {
		return out, nil
	}
	inner := make([][]int, len(places)) // of what is below, where this is not null
	for i, leaf := range n.leaves {
		for k, at := range places[i] {
			if out.Null[k] {
				continue
			}
			if n.typ.Kind == hivetype.Struct {
				inner[i] = append(inner[i], at)
				continue
			}
			length := int64(0)
			if leaf.defs[at] > n.def { // it is not empty
				inner[i], length = append(inner[i], at), 1
				for at++; at < len(leaf.reps) && leaf.reps[at] >= n.rep; at++ {
					if leaf.reps[at] == n.rep {
						inner[i], length = append(inner[i], at), length+1
					}
				}
			}
			if i == 0 {
				out.Lengths = append(out.Lengths, length)
			}
		}
	}
	first := 0
	for _, k := range n.kids {
		v, err := k.values(inner[first : first+len(k.leaves)])
		if err != nil {
			return nil, err
		}
		first += len(k.leaves)
		out.Kids = append(out.Kids, v)
	}
	return out, nil
}

// take makes room for bytes of values.
func (p *parquetValues) take(bytes int) error {
	if p.room -= bytes; p.room < 0 {
		return errGroup
	}
	return nil
}

// valuesAtOnce is how many values are read from a column at a time.
const valuesAtOnce = 8 << 10

// load reads a column of a row group, as long as there is room for what it takes.
func (n *parquetNode) load(column file.ColumnChunkReader, take func(int) error) error {
	n.defs, n.reps, n.all = n.defs[:0], n.reps[:0], orcfile.Values{}
	switch c := column.(type) {
	case *file.BooleanColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, nil, func(v bool) { n.all.Bools = append(n.all.Bools, v) })
	case *file.Int32ColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, nil, func(v int32) { n.whole(int64(v)) })
	case *file.Int64ColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, nil, n.whole)
	case *file.Float32ColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, nil, func(v float32) { n.all.Reals = append(n.all.Reals, float64(v)) })
	case *file.Float64ColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, nil, func(v float64) { n.all.Reals = append(n.all.Reals, v) })
	case *file.ByteArrayColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, func(v parquet.ByteArray) int { return len(v) }, func(v parquet.ByteArray) {
			n.all.Texts = append(n.all.Texts, append([]byte{}, v...))
		})
	case *file.FixedLenByteArrayColumnChunkReader:
		return loaded(n, c, c.ReadBatchInPage, take, nil, func(v parquet.FixedLenByteArray) {
			var high int64
			var low uint64
			if len(v) > 0 && v[0] >= 0x80 {
				high, low = -1, 1<<64-1
			}
			for _, b := range v {
				high, low = high<<8|int64(low>>56), low<<8|uint64(b)
			}
			n.all.Decimals = append(n.all.Decimals, decimal128.New(high, low))
		})
	}
	return fmt.Errorf("a column of a file is of the type %T", column)
}

func (n *parquetNode) whole(v int64) {
	if n.typ.Kind == hivetype.Decimal {
		n.all.Decimals = append(n.all.Decimals, decimal128.FromI64(v))
		return
	}
	n.all.Wholes = append(n.all.Wholes, v)
}

// loaded appends the levels and the values of a column. What is read at a time is of one page: texts
// are in memory that the next page takes. size is that of a value beyond valueSize; nil: none.
func loaded[T any](n *parquetNode, c file.ColumnChunkReader, read func(int64, []T, []int16, []int16) (int64, int, error), take func(int) error, size func(T) int, add func(T)) error {
	values, defs, reps := make([]T, valuesAtOnce), make([]int16, valuesAtOnce), make([]int16, valuesAtOnce)
	d := c.Descriptor()
	for c.HasNext() {
		total, some, err := read(valuesAtOnce, values, defs, reps)
		if err != nil {
			return err
		}
		if d.MaxDefinitionLevel() == 0 {
			clear(defs)
		}
		if d.MaxRepetitionLevel() == 0 {
			clear(reps)
		}
		if total == 0 {
			break
		}
		if err := take(int(total) * valueSize); err != nil {
			return err
		}
		n.defs, n.reps = append(n.defs, defs[:total]...), append(n.reps, reps[:total]...)
		for _, v := range values[:some] {
			if size != nil {
				if err := take(size(v)); err != nil {
					return err
				}
			}
			add(v)
		}
	}
	return c.Err()
}
