package forest

import (
	"math"
	"math/rand/v2"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
)

func TestOutliersScoreHigh(t *testing.T) {
	f := New(Options{Dimensions: 2, Trees: 40, Decay: 1e-5})
	r := rand.New(rand.NewPCG(1, 2))
	usual, n := 0.0, 0
	lowest := math.Inf(1)
	for i := range 1000 {
		p := []float64{100 + r.NormFloat64()*10, 70 + r.NormFloat64()*5}
		odd := i > 300 && i%100 == 0
		if odd {
			p[1] = 130
		}
		s := f.Score(p)
		if i < 64 && s != 0 {
			t.Fatalf("score %g while learning", s)
		}
		if odd {
			lowest = min(lowest, s)
			e := f.Explain(p)
			sum := 0.0
			for _, a := range e {
				sum += a.High + a.Low
			}
			if math.Abs(sum-s) > 1e-9 {
				t.Fatalf("attributions sum to %g, the score is %g", sum, s)
			}
			// Later ones have their like in the sample.
			if i == 400 && e[1].High < e[0].High+e[0].Low {
				t.Errorf("attribution %v", e)
			}
		} else if i > 300 {
			usual += s
			n++
		}
		f.Update(p)
	}
	if usual /= float64(n); usual > 1.2 || lowest < 1.5*usual {
		t.Errorf("usual points score %.2f, odd ones %.2f at least", usual, lowest)
	}
}

func TestRestoredForestGoesOnEqually(t *testing.T) {
	o := Options{Dimensions: 2, Trees: 10, Sample: 64, Decay: 1e-4}
	f := New(o)
	r := rand.New(rand.NewPCG(3, 4))
	point := func() []float64 { return []float64{math.Floor(r.Float64() * 20), r.NormFloat64()} }
	for range 500 {
		f.Update(point())
	}
	g := New(o)
	ints, floats := f.State()
	if err := g.Restore(ints, floats); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		p := point()
		if a, b := f.Score(p), g.Score(p); a != b {
			t.Fatal(a, b)
		}
		f.Update(p)
		g.Update(p)
	}
	if err := New(o).Restore(ints[:len(ints)-1], floats); err == nil {
		t.Error("restored from less")
	}
	for range 300 { // damaged states are refused or work
		i := append([]int64(nil), ints...)
		i[r.IntN(len(i))] = int64(r.IntN(200) - 2)
		h := New(o)
		if h.Restore(i, floats) == nil {
			h.Score(point())
			h.Update(point())
		}
	}
}

func BenchmarkScoreAndUpdate(b *testing.B) {
	f := New(Options{Dimensions: 2, Decay: 1e-5})
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		p := []float64{r.NormFloat64(), r.NormFloat64()}
		f.Score(p)
		f.Update(p)
	}
}

// TestAgainstTheReference: points are ranked as AWS's own implementation ranks them.
func TestAgainstTheReference(t *testing.T) {
	b, err := os.ReadFile("testdata/scores.csv")
	if err != nil {
		t.Fatal(err)
	}
	f := New(Options{Dimensions: 3, Decay: 1e-5})
	var ours, theirs []float64
	var odd []bool
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		var n [5]float64
		for k, s := range strings.Split(line, ",") {
			if n[k], err = strconv.ParseFloat(s, 64); err != nil {
				t.Fatal(err)
			}
		}
		if i >= 400 {
			ours, theirs, odd = append(ours, f.Score(n[:3])), append(theirs, n[4]), append(odd, n[3] == 1)
		}
		f.Update(n[:3])
	}
	a, z := ranks(ours), ranks(theirs)
	mean := float64(len(a)-1) / 2
	var both, one float64
	for i := range a {
		both += (a[i] - mean) * (z[i] - mean)
		one += (a[i] - mean) * (a[i] - mean)
	}
	if r := both / one; r < 0.93 {
		t.Errorf("the rank correlation is %.3f", r)
	}
	// How likely an outlier ranks above another point.
	var sum, n float64
	for i, r := range a {
		if odd[i] {
			sum += r
			n++
		}
	}
	if auc := (sum - n*(n-1)/2) / (n * (float64(len(a)) - n)); auc < 0.99 {
		t.Errorf("outliers rank above others with a probability of %.4f", auc)
	}
}

// ranks are the places of numbers in their order, from 0.
func ranks(list []float64) []float64 {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return list[order[i]] < list[order[j]] })
	r := make([]float64, len(list))
	for place, i := range order {
		r[i] = float64(place)
	}
	return r
}
