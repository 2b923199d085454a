package udf

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

func ofRange(from, to int) *sketch {
	var entries []uint32
	for i := from; i < to; i++ {
		entries = append(entries, uint32(hashed(binary.LittleEndian.AppendUint64(nil, uint64(i)))))
	}
	return sparse(entries)
}

func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, 500, 1000, 5000, 20_000, 200_000} {
		s := ofRange(0, n)
		if got := s.cardinality(); math.Abs(float64(got)-float64(n)) > 0.05*float64(n) {
			t.Errorf("%d: %d", n, got)
		}
		again, err := readSketch(s.bytes())
		if err != nil || !bytes.Equal(again.bytes(), s.bytes()) || again.cardinality() != s.cardinality() {
			t.Errorf("%d: read back as %v, %v", n, again, err)
		}
	}
	// However values are spread over sketches, their merger is the same.
	for _, cut := range []int{0, 300, 3000} {
		a, err := ofRange(0, cut).merge(ofRange(cut/2, 5000))
		if err != nil || !bytes.Equal(a.bytes(), ofRange(0, 5000).bytes()) {
			t.Errorf("merged at %d: %v, %v", cut, a.cardinality(), err)
		}
	}
	if _, err := ofRange(0, 1).merge(&sketch{bits: 4}); err == nil {
		t.Error("sketches of other sizes are merged")
	}
}

func FuzzSketch(f *testing.F) {
	f.Add(ofRange(0, 10).bytes())
	f.Add(ofRange(0, 1000).bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readSketch(b)
		if err != nil {
			return
		}
		s.cardinality()
		if _, err := s.merge(s); err != nil {
			t.Error(err)
		}
		s.bytes()
	})
}
