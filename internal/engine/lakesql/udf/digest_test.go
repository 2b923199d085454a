package udf

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// TestQDigest: values are told by the rank of their upper end, as Trino's tests have it, and digests are
// the same whether they are read back or not.
func TestQDigest(t *testing.T) {
	d := newQDigest(0.01)
	for i := range 10 {
		if err := d.add(int64(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	for q, want := range map[float64]int64{0: 0, 0.1: 1, 0.2: 2, 0.5: 5, 0.9: 9, 1: 9} {
		if got, err := d.valueAt(q); err != nil || got != want {
			t.Errorf("value at %v: %d, %v, want %d", q, got, err, want)
		}
	}
	if q, ok := d.quantileAt(5); !ok || q != 0.5 {
		t.Errorf("quantile at 5: %v, %v", q, ok)
	}
	if _, ok := d.quantileAt(10); ok {
		t.Error("a quantile beyond all values")
	}
	if _, err := d.valueAt(1.5); err == nil {
		t.Error("a share of 1.5")
	}
	random := rand.New(rand.NewPCG(1, 2))
	whole, parts := newQDigest(0.01), newQDigest(0.01)
	for range 20 {
		part := newQDigest(0.01)
		for range 500 {
			v := random.Int64N(1000) - 300
			whole.add(v, 1)
			part.add(v, 1)
		}
		read, err := readQDigest(part.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read.bytes(), part.bytes()) {
			t.Fatal("a digest is another one when it is read")
		}
		parts.addAll(read)
	}
	for _, d := range []*qdigest{whole, parts} {
		for _, q := range []float64{0.01, 0.25, 0.5, 0.75, 0.99} {
			if v, _ := d.valueAt(q); math.Abs(float64(v)-(q*1000-300)) > 45 {
				t.Errorf("value at %v: %d", q, v)
			}
		}
		if len(d.bytes()) > 60_000 {
			t.Errorf("a digest of %d bytes", len(d.bytes()))
		}
	}
	for _, f := range []float64{-1.5, 0, 2e10, math.Inf(-1)} {
		if got := math.Float64frombits(uint64(sortable(sortable(int64(math.Float64bits(f)))))); got != f {
			t.Errorf("%v comes back as %v", f, got)
		}
	}
}

// TestTDigest: few values are told exactly, many nearly.
func TestTDigest(t *testing.T) {
	d := newTDigest()
	for _, v := range []float64{1, 2, 3, 4} {
		if err := d.add(v, 1); err != nil {
			t.Fatal(err)
		}
	}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1: 4} {
		if got, err := d.valueAt(q); err != nil || got != want {
			t.Errorf("value at %v: %v, %v, want %v", q, got, err, want)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	whole, parts := newTDigest(), newTDigest()
	for range 20 {
		part := newTDigest()
		for range 1000 {
			v := random.NormFloat64()
			whole.add(v, 1)
			part.add(v, 1)
		}
		read, err := readTDigest(part.bytes())
		if err != nil {
			t.Fatal(err)
		}
		parts.addAll(read)
	}
	for _, d := range []*tdigest{whole, parts} {
		for q, want := range map[float64]float64{0.01: -2.326, 0.25: -0.674, 0.5: 0, 0.9: 1.2816, 0.999: 3.09} {
			if got, _ := d.valueAt(q); math.Abs(got-want) > 0.15 {
				t.Errorf("value at %v: %v, want about %v", q, got, want)
			}
		}
		if read, err := readTDigest(d.bytes()); err != nil || read.total != 20_000 || len(read.centroids) > 120 {
			t.Errorf("%v, %d centroids of %v", err, len(read.centroids), read.total)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		if newTDigest().add(v, 1) == nil {
			t.Errorf("%v is taken", v)
		}
	}
}

func FuzzDigests(f *testing.F) {
	q, d := newQDigest(0.01), newTDigest()
	for i := range 100 {
		q.add(int64(i*i), 1)
		d.add(float64(i), 2)
	}
	f.Add(q.bytes())
	f.Add(d.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := readQDigest(b); err == nil {
			q.valueAt(0.5)
			q.quantileAt(3)
			if again, err := readQDigest(b); err == nil {
				q.addAll(again)
			}
			if _, err := readQDigest(q.bytes()); err != nil {
				t.Errorf("what was written cannot be read: %v", err)
			}
		}
		if d, err := readTDigest(b); err == nil {
			d.valueAt(0.5)
			if again, err := readTDigest(b); err == nil {
				d.addAll(again)
			}
			d.bytes()
		}
	})
}
