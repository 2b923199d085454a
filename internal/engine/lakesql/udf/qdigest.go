package udf

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/duckdb/duckdb-go/v2"
)

// Quantile digests (Shrivastava and others, "Medians and Beyond: New Aggregation Techniques for
// Sensor Networks") as Trino keeps them: a tree of ranges of whole numbers, each of which is as
// wide as a power of two. All numbers are little endian:
//
//	0 | greatest error, a double | 0, a double | 0 | least value | greatest value | count, 4 bytes | nodes
//
// A node follows those below it, left and right: 6 bits of its level, less one unless it is a leaf,
// and two bits that tell whether it has a right and a left one below it; its weight, a double; a
// value in its range, with its sign turned around.
type qdigest struct {
	err      float64
	min, max int64
	total    float64
	root     *qnode
	nodes    int
}

type qnode struct {
	bits        uint64 // of a value, in unsigned order
	level       int
	weight      float64
	left, right *qnode
}

const (
	qdigestHeader = 1 + 5*8 + 4
	qdigestNode   = 1 + 2*8
	maxQNodes     = 1 << 20
	almostNothing = 1e-5 // a weight that is as good as none
)

func newQDigest(err float64) *qdigest {
	return &qdigest{err: err, min: math.MaxInt64, max: math.MinInt64}
}

func valueBits(v int64) uint64   { return uint64(v) ^ 1<<63 }
func bitsValue(b uint64) int64   { return int64(b ^ 1<<63) }
func (n *qnode) mask() uint64    { return math.MaxUint64 >> (64 - n.level) } // of level 0 nothing
func (n *qnode) upper() int64    { return bitsValue(n.bits | n.mask()) }
func (n *qnode) lower() int64    { return bitsValue(n.bits &^ n.mask()) }
func (n *qnode) leaf() bool      { return n.left == nil && n.right == nil }
func right(b uint64, l int) bool { return b>>(l-1)&1 == 1 }

func sameTree(a, b uint64, level int) bool { return level == 64 || a>>level == b>>level }

func (d *qdigest) node(b uint64, level int, weight float64) *qnode {
	d.nodes++
	d.total += weight
	return &qnode{bits: b, level: level, weight: weight}
}

// siblings puts a node above two whose ranges have nothing in common.
func (d *qdigest) siblings(a, b *qnode) *qnode {
	parent := d.node(a.bits, 64-bits.LeadingZeros64(a.bits^b.bits), 0)
	if parent.left, parent.right = a, b; right(a.bits, parent.level) {
		parent.left, parent.right = b, a
	}
	return parent
}

// factor is the share of all weights, as a divisor, that a node must have to be kept.
func (d *qdigest) factor() int64 {
	if d.root == nil {
		return 1
	}
	return max(int64(min(float64(d.root.level+1)/d.err, math.MaxInt32)), 1)
}

func (d *qdigest) add(value int64, weight float64) error {
	if !(weight > 0) {
		return argumentError("weight must be > 0")
	}
	d.min, d.max = min(d.min, value), max(d.max, value)
	before := d.total
	if weight >= almostNothing {
		d.insert(valueBits(value), weight)
	}
	if f := d.factor(); int64(before)/f != int64(d.total)/f {
		d.compress()
	}
	return nil
}

func (d *qdigest) insert(b uint64, weight float64) {
	at := &d.root
	for {
		n := *at
		switch {
		case n == nil:
			*at = d.node(b, 0, weight)
			return
		case !sameTree(b, n.bits, n.level):
			*at = d.siblings(n, d.node(b, 0, weight))
			return
		case n.level == 0:
			n.weight += weight
			d.total += weight
			return
		case right(b, n.level):
			at = &n.right
		default:
			at = &n.left
		}
	}
}

// compress gives the weights of light nodes to those above them.
func (d *qdigest) compress() {
	bound := math.Floor(d.total / float64(d.factor()))
	var visit func(n *qnode)
	visit = func(n *qnode) {
		if n == nil || n.leaf() {
			return
		}
		visit(n.left)
		visit(n.right)
		var left, right float64
		if n.left != nil {
			left = n.left.weight
		}
		if n.right != nil {
			right = n.right.weight
		}
		light := n.weight+left+right < bound
		if n.left != nil && (light || left < almostNothing) {
			n.left = d.remove(n.left)
			n.weight += left
		}
		if n.right != nil && (light || right < almostNothing) {
			n.right = d.remove(n.right)
			n.weight += right
		}
	}
	visit(d.root)
	if d.root != nil && d.root.weight < almostNothing {
		d.root = d.remove(d.root)
	}
}

// remove takes a node away, and gives what stands in its place: itself without a weight where it has two below it.
func (d *qdigest) remove(n *qnode) *qnode {
	if n.left != nil && n.right != nil {
		n.weight = 0
		return n
	}
	d.nodes--
	if n.left != nil {
		return n.left
	}
	return n.right
}

func (d *qdigest) addAll(o *qdigest) {
	d.root = d.join(d.root, o.root)
	d.min, d.max = min(d.min, o.min), max(d.max, o.max)
	d.compress()
}

func (d *qdigest) copied(n *qnode) *qnode {
	if n == nil {
		return nil
	}
	out := d.node(n.bits, n.level, n.weight)
	out.left, out.right = d.copied(n.left), d.copied(n.right)
	return out
}

func (d *qdigest) join(n, o *qnode) *qnode {
	switch {
	case o == nil:
		return n
	case n == nil:
		return d.copied(o)
	case !sameTree(n.bits, o.bits, max(n.level, o.level)):
		return d.siblings(n, d.copied(o))
	case n.level > o.level:
		if right(o.bits, n.level) {
			n.right = d.join(n.right, o)
		} else {
			n.left = d.join(n.left, o)
		}
		return n
	case n.level < o.level:
		var left, other *qnode
		if right(n.bits, o.level) {
			left, other = d.copied(o.left), d.join(n, o.right)
		} else {
			left, other = d.join(n, o.left), d.copied(o.right)
		}
		out := d.node(o.bits, o.level, o.weight)
		out.left, out.right = left, other
		return out
	}
	d.total += o.weight
	n.weight += o.weight
	n.left = d.join(n.left, o.left)
	n.right = d.join(n.right, o.right)
	return n
}

// each visits the nodes, those below before the one above, until visit says that it is enough.
func (n *qnode) each(visit func(n *qnode) bool) bool {
	return n == nil || n.left.each(visit) && n.right.each(visit) && visit(n)
}

// valueAt is a value that a share of the weights does not exceed, within the greatest error.
func (d *qdigest) valueAt(quantile float64) (int64, error) {
	if !(quantile >= 0 && quantile <= 1) {
		return 0, argumentError("Quantile should be within bounds [0, 1], was: %s", scientific(quantile, 64))
	}
	out, sum := d.max, 0.0
	d.root.each(func(n *qnode) bool {
		if sum += n.weight; sum > quantile*d.total {
			out = min(n.upper(), d.max)
			return false
		}
		return true
	})
	return out, nil
}

// quantileAt is the share of the weights that lie below a value; false of a value beyond all.
func (d *qdigest) quantileAt(value int64) (float64, bool) {
	least, most := d.min, d.max
	d.root.each(func(n *qnode) bool {
		if n.weight >= almostNothing {
			least = max(least, n.lower())
			return false
		}
		return true
	})
	if d.total == 0 || value < least || value > most {
		return 0, false
	}
	sum := 0.0
	d.root.each(func(n *qnode) bool {
		if value <= n.upper() {
			return false
		}
		sum += n.weight
		return true
	})
	return sum / d.total, true
}

func (d *qdigest) bytes() []byte {
	d.compress()
	out := []byte{0}
	number := func(n uint64) { out = binary.LittleEndian.AppendUint64(out, n) }
	for _, n := range []uint64{math.Float64bits(d.err), 0, 0, uint64(d.min), uint64(d.max)} {
		number(n)
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(d.nodes))
	d.root.each(func(n *qnode) bool {
		head := byte(max(n.level-1, 0)) << 2
		if n.left != nil {
			head |= 1
		}
		if n.right != nil {
			head |= 2
		}
		out = append(out, head)
		number(math.Float64bits(n.weight))
		number(n.bits)
		return true
	})
	return out
}

func readQDigest(b []byte) (*qdigest, error) {
	bad := argumentError("Cannot deserialize quantile digest")
	if len(b) < qdigestHeader || b[0] != 0 {
		return nil, bad
	}
	number := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	d := &qdigest{err: math.Float64frombits(number(1)), min: int64(number(25)), max: int64(number(33))}
	n := int(binary.LittleEndian.Uint32(b[41:]))
	if n > maxQNodes || len(b) != qdigestHeader+n*qdigestNode || !(d.err >= 0 && d.err <= 1) {
		return nil, bad
	}
	var stack []*qnode
	pop := func() *qnode {
		if len(stack) == 0 {
			return nil
		}
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return top
	}
	for i := range n {
		at := qdigestHeader + i*qdigestNode
		node := d.node(number(at+9), int(b[at]>>2), math.Float64frombits(number(at+1)))
		hasLeft, hasRight := b[at]&1 != 0, b[at]&2 != 0
		if hasLeft || hasRight {
			node.level++
		}
		if hasRight {
			node.right = pop()
		}
		if hasLeft {
			node.left = pop()
		}
		if !(node.weight >= 0) || math.IsInf(node.weight, 0) || (node.left != nil) != hasLeft || (node.right != nil) != hasRight || !below(node, node.left) || !below(node, node.right) {
			return nil, bad
		}
		stack = append(stack, node)
	}
	if d.root = pop(); len(stack) > 0 {
		return nil, bad
	}
	return d, nil
}

// below reports whether a node can be below another one: trees are no deeper than their levels.
func below(n, child *qnode) bool {
	return child == nil || child.level < n.level && sameTree(n.bits, child.bits, n.level)
}

// qdigestBuild makes a digest of whole numbers, their weights, and the error that there may be.
var qdigestBuild = lists{scalar{in: []duckdb.Type{longs, doubles, real8}, out: bytesOf, f: func(v []driver.Value) (any, error) {
	accuracy := v[2].(float64)
	if !(accuracy > 0 && accuracy < 1) {
		return nil, argumentError("Percentile accuracy must be exclusively between 0 and 1, was %s", scientific(accuracy, 64))
	}
	values, weights := integers(v[0]), floats(v[1])
	d := newQDigest(accuracy)
	for i, x := range values {
		if err := d.add(x, weights[i]); err != nil {
			return nil, err
		}
	}
	return d.bytes(), nil
}}}

var qdigestMerge = mergeOf(readQDigest)

// mergeOf makes one digest of several, in the form in which they are stored; null of none.
func mergeOf[D interface {
	comparable
	addAll(D)
	bytes() []byte
}](read func([]byte) (D, error)) listed {
	return listed{of: bytesOf, out: bytesOf, f: func(list []any) (any, error) {
		var all, none D
		for _, v := range list {
			b, _ := v.([]byte)
			d, err := read(b)
			if err != nil {
				return nil, err
			}
			if all == none {
				all = d
				continue
			}
			all.addAll(d)
		}
		if all == none {
			return nil, nil
		}
		return all.bytes(), nil
	}}
}

// sortable is a floating point number as a whole one in the same order, and back.
func sortable(b int64) int64 { return b ^ b>>63&math.MaxInt64 }

func init() {
	udfs["sortable"] = scalar{in: []duckdb.Type{real8}, out: whole, f: func(v []driver.Value) (any, error) {
		return sortable(int64(math.Float64bits(v[0].(float64)))), nil
	}}
	udfs["unsortable"] = scalar{in: []duckdb.Type{whole}, out: real8, f: func(v []driver.Value) (any, error) {
		return math.Float64frombits(uint64(sortable(v[0].(int64)))), nil
	}}
	udfs["sortable_real"] = scalar{in: []duckdb.Type{real8}, out: whole, f: func(v []driver.Value) (any, error) {
		b := int32(math.Float32bits(float32(v[0].(float64))))
		return int64(b ^ b>>31&math.MaxInt32), nil
	}}
	udfs["unsortable_real"] = scalar{in: []duckdb.Type{whole}, out: real8, f: func(v []driver.Value) (any, error) {
		b := int32(v[0].(int64))
		return float64(math.Float32frombits(uint32(b ^ b>>31&math.MaxInt32))), nil
	}}
	udfs["qdigest_value"] = scalar{in: []duckdb.Type{bytesOf, real8}, out: whole, f: func(v []driver.Value) (any, error) {
		d, err := readQDigest(v[0].([]byte))
		if err != nil {
			return nil, err
		}
		return d.valueAt(v[1].(float64))
	}}
	udfs["qdigest_quantile"] = scalar{in: []duckdb.Type{bytesOf, whole}, out: real8, f: func(v []driver.Value) (any, error) {
		d, err := readQDigest(v[0].([]byte))
		if err != nil {
			return nil, err
		}
		if q, ok := d.quantileAt(v[1].(int64)); ok {
			return q, nil
		}
		return nil, nil
	}}
	udfs["qdigest_check"] = scalar{in: []duckdb.Type{bytesOf}, out: bytesOf, f: func(v []driver.Value) (any, error) {
		_, err := readQDigest(v[0].([]byte))
		return v[0], err
	}}
}
