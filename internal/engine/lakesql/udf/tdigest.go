package udf

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"slices"

	"github.com/duckdb/duckdb-go/v2"
)

// T-digests (Dunning, "Computing extremely accurate quantiles using t-digests") as Trino keeps
// them. All numbers are little endian, and all but the count are doubles:
//
//	0 | least value | greatest value | compression | sum of weights | count, 4 bytes | means | weights
type tdigest struct {
	min, max, compression, total float64
	centroids                    []centroid
	room                         int // centroids that there may be before they are merged
	backwards, unmerged          bool
}

type centroid struct{ mean, weight float64 }

const (
	tdigestCompression = 100
	tdigestHeader      = 1 + 4*8 + 4
)

func newTDigest() *tdigest {
	return &tdigest{min: math.Inf(1), max: math.Inf(-1), compression: tdigestCompression}
}

// most is how many centroids there may be before they are merged.
func (d *tdigest) most() int { return int(6 * (2*d.compression + 10)) }

func (d *tdigest) add(value, weight float64) error {
	switch {
	case math.IsNaN(value):
		return argumentError("value is NaN")
	case math.IsInf(value, 0):
		return argumentError("value must be finite")
	case !(weight > 0):
		return argumentError("weight must be > 0")
	case math.IsInf(weight, 0):
		return argumentError("weight must be finite")
	}
	if len(d.centroids) >= d.most() {
		d.merge(2 * d.compression)
	}
	d.centroids = append(d.centroids, centroid{value, weight})
	d.total += weight
	d.min, d.max, d.unmerged = min(d.min, value), max(d.max, value), true
	d.room = max(d.room, len(d.centroids))
	return nil
}

func (d *tdigest) addAll(o *tdigest) {
	if len(d.centroids)+len(o.centroids) > d.room {
		d.merge(2 * d.compression)
		o.merge(2 * o.compression)
		d.room = max(d.room, len(d.centroids)+len(o.centroids))
	}
	d.centroids = append(d.centroids, o.centroids...)
	d.total += o.total
	d.min, d.max, d.unmerged = min(d.min, o.min), max(d.max, o.max), true
}

// merge makes one of neighbours as far as the scale of quantiles lets it, from the one end and
// the next time from the other.
func (d *tdigest) merge(compression float64) {
	if len(d.centroids) == 0 {
		return
	}
	slices.SortStableFunc(d.centroids, func(a, b centroid) int {
		switch {
		case a.mean < b.mean:
			return -1
		case a.mean > b.mean:
			return 1
		}
		return 0
	})
	if d.backwards {
		slices.Reverse(d.centroids)
	}
	normalizer := compression / (4*math.Log(d.total/compression) + 24)
	most := func(quantile float64) float64 { return quantile * (1 - quantile) / normalizer }
	out := d.centroids[:1]
	before, bound := 0.0, most(0)
	for _, c := range d.centroids[1:] {
		last := &out[len(out)-1]
		weight := last.weight + c.weight
		if weight <= d.total*min(bound, most(min((before+weight)/d.total, 1))) {
			last.mean += (c.mean - last.mean) * c.weight / weight
			last.weight = weight
			continue
		}
		before += last.weight
		bound = most(before / d.total)
		out = append(out, c)
	}
	if d.backwards {
		slices.Reverse(out)
	}
	d.centroids, d.backwards = out, !d.backwards
}

// valueAt is the value below which a share of the weights lies; NaN of an empty digest.
func (d *tdigest) valueAt(quantile float64) (float64, error) {
	if !(quantile >= 0 && quantile <= 1) {
		return 0, argumentError("quantiles should be in [0, 1] range")
	}
	if d.unmerged {
		d.merge(2 * d.compression)
		d.unmerged = false
	}
	c := d.centroids
	switch len(c) {
	case 0:
		return math.NaN(), nil
	case 1:
		return c[0].mean, nil
	}
	between := func(x, x0, y0, x1, y1 float64) float64 { return y0 + (x-x0)/(x1-x0)*(y1-y0) }
	at, last := quantile*d.total, c[len(c)-1]
	switch {
	case at < 1:
		return d.min, nil
	case at < c[0].weight/2:
		return between(at, 1, d.min, c[0].weight/2, c[0].mean), nil
	case at <= d.total-1 && d.total-at <= last.weight/2 && last.weight/2 > 1:
		return between(d.total-at, 1, d.max, last.weight/2, last.mean), nil
	case at >= d.total-1:
		return d.max, nil
	}
	so := c[0].weight / 2
	for i := 0; i+1 < len(c); i++ {
		left, right := c[i], c[i+1]
		width := (left.weight + right.weight) / 2
		if so+width <= at {
			so += width
			continue
		}
		offset := at - so
		switch { // a centroid of one sample is that sample
		case left.weight == 1 && offset < 0.5:
			return left.mean, nil
		case right.weight == 1 && offset >= left.weight/2:
			return right.mean, nil
		case left.weight == 1:
			return between(offset-0.5, 0, left.mean, right.weight/2, right.mean), nil
		case right.weight == 1:
			return between(offset, 0, left.mean, left.weight/2, right.mean), nil
		}
		return between(offset, 0, left.mean, width, right.mean), nil
	}
	if at <= d.total-1 && last.weight/2 > 1 {
		return between(d.total-at, 1, d.max, last.weight/2, last.mean), nil
	}
	return d.max, nil
}

func (d *tdigest) bytes() []byte {
	d.merge(d.compression)
	out := []byte{0}
	number := func(f float64) { out = binary.LittleEndian.AppendUint64(out, math.Float64bits(f)) }
	for _, f := range []float64{d.min, d.max, d.compression, d.total} {
		number(f)
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(len(d.centroids)))
	for _, c := range d.centroids {
		number(c.mean)
	}
	for _, c := range d.centroids {
		number(c.weight)
	}
	return out
}

func readTDigest(b []byte) (*tdigest, error) {
	bad := argumentError("Cannot deserialize T-digest")
	if len(b) < tdigestHeader || b[0] != 0 {
		return nil, bad
	}
	number := func(at int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b[at:])) }
	d := &tdigest{min: number(1), max: number(9), compression: number(17), total: number(25)}
	n := int(binary.LittleEndian.Uint32(b[33:]))
	if n > (len(b)-tdigestHeader)/16 || len(b) != tdigestHeader+16*n || !(d.compression >= 10 && d.compression <= 1e6) {
		return nil, bad
	}
	d.centroids, d.room = make([]centroid, n), n
	for i := range d.centroids {
		c := centroid{number(tdigestHeader + 8*i), number(tdigestHeader + 8*(n+i))}
		if math.IsNaN(c.mean) || !(c.weight > 0) {
			return nil, bad
		}
		d.centroids[i] = c
	}
	return d, nil
}

// tdigestBuild makes a digest of values and their weights.
var tdigestBuild = lists{scalar{in: []duckdb.Type{doubles, doubles}, out: bytesOf, f: func(v []driver.Value) (any, error) {
	values, weights := floats(v[0]), floats(v[1])
	d := newTDigest()
	for i, x := range values {
		if err := d.add(x, weights[i]); err != nil {
			return nil, err
		}
	}
	return d.bytes(), nil
}}}

var tdigestMerge = mergeOf(readTDigest)

func init() {
	udfs["tdigest_value"] = scalar{in: []duckdb.Type{bytesOf, real8}, out: real8, f: func(v []driver.Value) (any, error) {
		d, err := readTDigest(v[0].([]byte))
		if err != nil {
			return nil, err
		}
		return d.valueAt(v[1].(float64))
	}}
	udfs["tdigest_check"] = scalar{in: []duckdb.Type{bytesOf}, out: bytesOf, f: func(v []driver.Value) (any, error) {
		_, err := readTDigest(v[0].([]byte))
		return v[0], err
	}}
}
