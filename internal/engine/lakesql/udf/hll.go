package udf

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/duckdb/duckdb-go/v2"
)

// HyperLogLog sketches in the layout that Trino stores, of 4096 buckets (Heule, Nunkesser and
// Hall, "HyperLogLog in Practice"). All numbers are little endian.
//
//	sparse: 2 | bits of a bucket's number | entries, 2 bytes | entries of 4 bytes, sorted
//	dense:  3 | bits | baseline | 4 bits a bucket above the baseline, even ones in the high bits |
//	        overflows, 2 bytes | their buckets, 2 bytes each | their values, 1 byte each
//
// An entry is the first 26 bits of a hash, and in 6 bits how many zeros follow them. The hash is
// the first half of MurmurHash3's of 128 bits.
type sketch struct {
	bits    int
	entries []uint32 // sorted; nil where it is dense
	buckets []byte   // what is above them; nil where it is sparse
}

const (
	hllBits     = 12
	prefixBits  = 26
	sparseTag   = 2
	denseTag    = 3
	denseTagOld = 1
	maxSparse   = 520 // entries, beyond which the dense form is the smaller
)

// hashed is the entry of a value in bytes.
func hashed(b []byte) int64 {
	h, _ := murmur(b)
	zeros := bits.LeadingZeros64(h<<prefixBits | 1<<(prefixBits-1))
	return int64(h>>(64-prefixBits)<<6 | uint64(zeros))
}

// murmur is MurmurHash3 of 128 bits, in its two halves.
func murmur(b []byte) (h1, h2 uint64) {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	n := uint64(len(b))
	mix1 := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	mix2 := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	for len(b) >= 16 {
		h1 = (bits.RotateLeft64(h1^mix1(binary.LittleEndian.Uint64(b)), 27)+h2)*5 + 0x52dce729
		h2 = (bits.RotateLeft64(h2^mix2(binary.LittleEndian.Uint64(b[8:])), 31)+h1)*5 + 0x38495ab5
		b = b[16:]
	}
	var tail [16]byte
	copy(tail[:], b)
	h2 ^= mix2(binary.LittleEndian.Uint64(tail[8:]))
	h1 ^= mix1(binary.LittleEndian.Uint64(tail[:]))
	h1, h2 = h1^n, h2^n
	h1 += h2
	h2 += h1
	last := func(k uint64) uint64 {
		k ^= k >> 33
		k *= 0xff51afd7ed558ccd
		k ^= k >> 33
		k *= 0xc4ceb9fe1a85ec53
		return k ^ k>>33
	}
	h1, h2 = last(h1), last(h2)
	h1 += h2
	return h1, h2 + h1
}

// sparse is a sketch of entries in any order.
func sparse(entries []uint32) *sketch {
	slices.Sort(entries)
	out := entries[:0]
	for _, e := range entries {
		if n := len(out); n > 0 && out[n-1]>>6 == e>>6 {
			out[n-1] = e // of those with one bucket the last has most zeros
			continue
		}
		out = append(out, e)
	}
	s := &sketch{bits: hllBits, entries: out}
	if len(out) > maxSparse {
		return s.dense()
	}
	return s
}

// dense is the sketch in dense form.
func (s *sketch) dense() *sketch {
	if s.buckets != nil {
		return s
	}
	d := &sketch{bits: s.bits, buckets: make([]byte, 1<<s.bits)}
	for _, e := range s.entries {
		zeros := bits.LeadingZeros32(e << s.bits)
		if rest := prefixBits - s.bits; zeros >= rest {
			zeros = rest + int(e&63)
		}
		at := e >> (32 - s.bits)
		d.buckets[at] = max(d.buckets[at], byte(zeros+1))
	}
	return d
}

func (s *sketch) merge(o *sketch) (*sketch, error) {
	switch {
	case s.bits != o.bits:
		return nil, argumentError("Cannot merge HLLs with different number of buckets: %d vs %d", 1<<s.bits, 1<<o.bits)
	case s.buckets == nil && o.buckets == nil:
		out := sparse(slices.Concat(s.entries, o.entries))
		out.bits = s.bits
		return out, nil
	}
	a, b := s.dense(), o.dense()
	for i, v := range b.buckets {
		a.buckets[i] = max(a.buckets[i], v)
	}
	return a, nil
}

// cardinality is about how many different values there are. The sparse form counts its buckets
// (linear counting), as does the dense one while more than two fifths of its buckets are empty;
// beyond that is the estimate that needs no table of corrections (Ertl, "New cardinality
// estimation algorithms for HyperLogLog sketches"), which is as near as Trino's, not the same.
func (s *sketch) cardinality() int64 {
	linear := func(zero, total float64) int64 { return int64(math.Round(total * math.Log(total/zero))) }
	if s.buckets == nil {
		total := float64(int64(1) << prefixBits)
		return linear(total-float64(len(s.entries)), total)
	}
	m := float64(len(s.buckets))
	q := 64 - s.bits
	counts := make([]float64, q+2)
	for _, v := range s.buckets {
		counts[min(int(v), q+1)]++
	}
	if counts[0] > 0.4*m {
		return linear(counts[0], m)
	}
	z := m * tau(1-counts[q+1]/m)
	for k := q; k >= 1; k-- {
		z = 0.5 * (z + counts[k])
	}
	z += m * sigma(counts[0]/m)
	return int64(math.Round(m * m / (2 * math.Ln2 * z)))
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}

func (s *sketch) bytes() []byte {
	if s.buckets == nil {
		out := binary.LittleEndian.AppendUint16([]byte{sparseTag, byte(s.bits)}, uint16(len(s.entries)))
		for _, e := range s.entries {
			out = binary.LittleEndian.AppendUint32(out, e)
		}
		return out
	}
	baseline := slices.Min(s.buckets)
	out := []byte{denseTag, byte(s.bits), baseline}
	var places, over []byte
	for i := 0; i < len(s.buckets); i += 2 {
		var pair byte
		for j := i; j < i+2; j++ {
			delta := s.buckets[j] - baseline
			if delta > 15 {
				places, over = binary.LittleEndian.AppendUint16(places, uint16(j)), append(over, delta-15)
				delta = 15
			}
			pair = pair<<4 | delta
		}
		out = append(out, pair)
	}
	return slices.Concat(binary.LittleEndian.AppendUint16(out, uint16(len(over))), places, over)
}

// readSketch reads a sketch in the layouts above, and in the dense one that came before.
func readSketch(b []byte) (*sketch, error) {
	bad := argumentError("Cannot deserialize HyperLogLog")
	if len(b) < 4 || b[1] < 1 || b[1] > 16 {
		return nil, bad
	}
	s := &sketch{bits: int(b[1])}
	switch b[0] {
	case sparseTag:
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if len(b) != 4+4*n {
			return nil, bad
		}
		for i := range n {
			s.entries = append(s.entries, binary.LittleEndian.Uint32(b[4+4*i:]))
		}
		if !slices.IsSorted(s.entries) {
			return nil, bad
		}
		return s, nil
	case denseTag, denseTagOld:
		m := 1 << s.bits
		if len(b) < 3+m/2+2 {
			return nil, bad
		}
		s.buckets = make([]byte, m)
		for i := range m {
			delta := b[3+i/2]
			if i%2 == 0 {
				delta >>= 4
			}
			s.buckets[i] = b[2] + delta&15
		}
		rest := b[3+m/2:]
		n := int(binary.LittleEndian.Uint16(rest))
		rest = rest[2:]
		if b[0] == denseTagOld { // one overflow, or -1
			if len(rest) != 1 {
				return nil, bad
			}
			if n < m {
				s.buckets[n] += rest[0]
			}
			return s, nil
		}
		if len(rest) != 3*n {
			return nil, bad
		}
		for i := range n {
			at := int(binary.LittleEndian.Uint16(rest[2*i:]))
			if at >= m {
				return nil, bad
			}
			s.buckets[at] += rest[2*n+i]
		}
		return s, nil
	}
	return nil, bad
}

// listed is a function of a list.
type listed struct {
	of, out duckdb.Type
	f       func(list []any) (any, error)
}

func (l listed) Config() duckdb.ScalarFuncConfig {
	list, err := duckdb.NewListInfo(typeInfo(l.of))
	if err != nil {
		panic(err) // lists are there
	}
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{list}, ResultTypeInfo: typeInfo(l.out)}
}

func (l listed) Executor() duckdb.ScalarFuncExecutor {
	return scalar{f: func(v []driver.Value) (any, error) {
		list, _ := v[0].([]any)
		return l.f(list)
	}}.Executor()
}

// hllBuild makes a sketch of entries, hllMerge one of sketches.
var hllBuild = listed{of: whole, out: bytesOf, f: func(list []any) (any, error) {
	entries := make([]uint32, 0, len(list))
	for _, v := range list {
		n, _ := v.(int64)
		entries = append(entries, uint32(n))
	}
	return sparse(entries).bytes(), nil
}}

var hllMerge = listed{of: bytesOf, out: bytesOf, f: func(list []any) (any, error) {
	var all *sketch
	for _, v := range list {
		b, _ := v.([]byte)
		s, err := readSketch(b)
		if err == nil && all != nil {
			s, err = all.merge(s)
		}
		if err != nil {
			return nil, err
		}
		all = s
	}
	if all == nil {
		return nil, nil
	}
	return all.bytes(), nil
}}

func init() {
	udfs["hll_long"] = scalar{in: []duckdb.Type{whole}, out: whole, f: func(v []driver.Value) (any, error) {
		return hashed(binary.LittleEndian.AppendUint64(nil, uint64(v[0].(int64)))), nil
	}}
	udfs["hll_double"] = scalar{in: []duckdb.Type{real8}, out: whole, f: func(v []driver.Value) (any, error) {
		f := v[0].(float64)
		if math.IsNaN(f) {
			f = math.Float64frombits(0x7ff8000000000000) // the one that Java has
		}
		return hashed(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))), nil
	}}
	udfs["hll_text"] = scalar{in: []duckdb.Type{text}, out: whole, f: func(v []driver.Value) (any, error) { return hashed([]byte(v[0].(string))), nil }}
	udfs["hll_bytes"] = scalar{in: []duckdb.Type{bytesOf}, out: whole, f: bytes1(func(b []byte) any { return hashed(b) })}
	udfs["hll_cardinality"] = scalar{in: []duckdb.Type{bytesOf}, out: whole, f: func(v []driver.Value) (any, error) {
		s, err := readSketch(v[0].([]byte))
		if err != nil {
			return nil, err
		}
		return s.cardinality(), nil
	}}
	udfs["hll_check"] = scalar{in: []duckdb.Type{bytesOf}, out: bytesOf, f: func(v []driver.Value) (any, error) {
		_, err := readSketch(v[0].([]byte))
		return v[0], err
	}}
}
