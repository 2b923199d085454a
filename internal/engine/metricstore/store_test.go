package metricstore

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"
)

var began = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func open(t testing.TB, fs vfs.FS, clock clockwork.Clock) *Store {
	t.Helper()
	s, err := Open(Options{Dir: "metrics", FS: fs, Clock: clock, MinFree: -1, OnError: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(v float64) (s Summary) {
	s.Add(v, 1)
	return s
}

func metric(name string, dims ...Dimension) Metric {
	return Metric{Scope: "1/us", Namespace: "shop", Name: name, Dimensions: dims}
}

func read(t testing.TB, s *Store, m Metric, r Range) []Point {
	t.Helper()
	return readUnits(t, s, m, r, AnyUnit, true)
}

func readUnits(t testing.TB, s *Store, m Metric, r Range, unit int, merged bool) (points []Point) {
	t.Helper()
	if err := s.Read(&m, r, unit, merged, true, func(p *Point) bool { points = append(points, *p); return true }); err != nil {
		t.Fatal(err)
	}
	return points
}

func TestSamplesAreThereAfterAPowerLoss(t *testing.T) {
	clock, fs := clockwork.NewFakeClockAt(began), vfs.NewCrashableMem()
	s := open(t, fs, clock)
	at := began.Unix()
	for i := range 10 {
		if err := s.Write([]Sample{{Metric: metric("orders"), Time: at, Unit: 3, Summary: value(float64(i))}}); err != nil {
			t.Fatal(err)
		}
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, crashed, clock)
	defer s.Close()
	points := read(t, s, metric("orders"), Range{at - at%60, at + 60, 60})
	if len(points) != 1 || points[0].Count != 10 || points[0].Sum != 45 || points[0].Min != 0 || points[0].Max != 9 || len(points[0].Values) != 10 {
		t.Fatalf("got %+v", points)
	}
	if got := read(t, s, metric("other"), Range{at - 60, at + 60, 60}); got != nil {
		t.Errorf("another metric has %v", got)
	}
}

func TestResolutions(t *testing.T) {
	clock := clockwork.NewFakeClockAt(began)
	s := open(t, vfs.NewMem(), clock)
	defer s.Close()
	start := began.Truncate(24 * time.Hour).Unix()
	var samples []Sample
	for i := range int64(2 * 3600) {
		samples = append(samples, Sample{Metric: metric("m"), Time: start + 5*3600 + i, Second: true, Summary: value(1)})
	}
	if err := s.Write(samples); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ period, points, count int64 }{{1, 7200, 1}, {10, 720, 10}, {60, 120, 60}, {300, 24, 300}, {3600, 2, 3600}, {7200, 2, 3600}, {86400, 1, 7200}} {
		got := read(t, s, metric("m"), Range{start, start + 86400, c.period})
		if int64(len(got)) != c.points || int64(got[0].Count) != c.count {
			t.Errorf("period %d: %d points, the first of %v", c.period, len(got), got[0].Count)
		}
	}
	// A start within an hour reads finer rows.
	got := read(t, s, metric("m"), Range{start + 5*3600 + 120, start + 86400, 3600})
	if len(got) != 2 || got[0].Count != 3600 || got[1].Count != 3480 {
		t.Errorf("from 5:02: %v", got)
	}
	counts := func() (n []int) {
		for _, period := range []int64{1, 60, 300, 3600} {
			n = append(n, len(read(t, s, metric("m"), Range{start, start + 86400, period})))
		}
		return n
	}
	for _, c := range []struct {
		after time.Duration
		want  []int
	}{{4 * time.Hour, []int{0, 120, 24, 2}}, {16 * 24 * time.Hour, []int{0, 0, 24, 2}}, {64 * 24 * time.Hour, []int{0, 0, 0, 2}}, {456 * 24 * time.Hour, []int{0, 0, 0, 0}}} {
		clock.Advance(began.Add(c.after).Sub(clock.Now()))
		if err := s.Sweep(); err != nil {
			t.Fatal(err)
		}
		if got := counts(); !slices.Equal(got, c.want) {
			t.Errorf("after %v: %v, want %v", c.after, got, c.want)
		}
	}
	clock.Advance(2 * 24 * time.Hour)
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if err := s.List("1/us", Filter{}, "", func(m Metric) bool { t.Errorf("%v is still listed", m); return true }); err != nil {
		t.Fatal(err)
	}
	if err := s.Write([]Sample{{Metric: metric("m"), Time: clock.Now().Unix(), Summary: value(1)}}); err != nil {
		t.Fatal(err)
	}
	if n := len(list(t, s, Filter{}, "")); n != 1 {
		t.Errorf("a metric that was removed and is written again: %d are listed", n)
	}
}

func list(t testing.TB, s *Store, f Filter, after string) (names []string) {
	t.Helper()
	if err := s.List("1/us", f, after, func(m Metric) bool { names = append(names, m.Key()); return true }); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestList(t *testing.T) {
	clock := clockwork.NewFakeClockAt(began)
	s := open(t, vfs.NewMem(), clock)
	defer s.Close()
	a, b := Dimension{"host", "a"}, Dimension{"host", "b"}
	for _, m := range []Metric{metric("cpu", a), metric("cpu", b), metric("cpu", Dimension{"disk", "1"}, a), metric("mem", a), {Scope: "1/us", Namespace: "shop2", Name: "cpu"}, {Scope: "2/us", Namespace: "shop", Name: "cpu"}} {
		if err := s.Write([]Sample{{Metric: m, Time: began.Unix(), Summary: value(1)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		f    Filter
		want int
	}{{Filter{}, 5}, {Filter{Namespace: "shop"}, 4}, {Filter{Name: "cpu"}, 4}, {Filter{Namespace: "shop", Name: "cpu", Dimensions: []Dimension{a}}, 2},
		{Filter{AnyValue: []string{"disk"}}, 1}, {Filter{Namespace: "sho"}, 0}, {Filter{Since: began.Unix() + 1000}, 0}} {
		if got := list(t, s, c.f, ""); len(got) != c.want {
			t.Errorf("%+v: %q", c.f, got)
		}
	}
	all := list(t, s, Filter{}, "")
	for i, key := range all {
		if got := list(t, s, Filter{}, key); len(got) != len(all)-i-1 {
			t.Errorf("after %q: %q", key, got)
		}
	}
}

func TestUnitsAreApart(t *testing.T) {
	s := open(t, vfs.NewMem(), clockwork.NewFakeClockAt(began))
	defer s.Close()
	m := metric("m")
	for unit := range byte(3) {
		if err := s.Write([]Sample{{Metric: m, Time: began.Unix(), Unit: 2 - unit, Summary: value(1)}}); err != nil {
			t.Fatal(err)
		}
	}
	r := Range{began.Unix() - 9, began.Unix() + 51, 60}
	apart := readUnits(t, s, m, r, AnyUnit, false)
	if len(apart) != 3 || apart[0].Unit != 0 || apart[2].Unit != 2 {
		t.Errorf("apart: %v", apart)
	}
	one := readUnits(t, s, m, r, 1, false)
	if len(one) != 1 || one[0].Count != 1 {
		t.Errorf("one unit: %v", one)
	}
	if got := read(t, s, m, r); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("merged: %v", got)
	}
}

func TestPercentilesOfManyValues(t *testing.T) {
	var s Summary
	var all []float64
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		v := math.Exp(rnd.NormFloat64()*2) * 10
		all = append(all, v)
		s.Add(v, 1)
	}
	slices.Sort(all)
	for _, p := range []float64{1, 10, 50, 90, 99, 99.9} {
		st, err := ParseStatistic(fmt.Sprintf("p%v", p))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := st.Of(&s)
		want := all[int(p/100*float64(len(all)))-1]
		if math.Abs(got-want) > 0.06*want {
			t.Errorf("p%v: %v, want about %v", p, got, want)
		}
	}
	if len(s.Values) > maxValues || s.Count != 50_000 {
		t.Errorf("%d values, count %v", len(s.Values), s.Count)
	}
}

func TestStatistics(t *testing.T) {
	var s Summary
	for v := range 100 {
		s.Add(float64(v+1), 1)
	}
	for name, want := range map[string]float64{
		"SampleCount": 100, "Average": 50.5, "Sum": 5050, "Minimum": 1, "Maximum": 100, "p50": 50, "p99.9": 100, "p100": 100, "p0": 1,
		"tm90": 45.5, "TM(10%:90%)": 50.5, "TM(50:)": 75.5, "wm90": 49.95 + 0.1*0 + 0, "tc90": 90, "TC(10:20)": 10, "ts10": 55, "PR(:50)": 50, "PR(100:1000)": 1, "IQM": 50.5,
	} {
		st, err := ParseStatistic(name)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := st.Of(&s)
		if name == "wm90" {
			want = (4095 + 10*90) / 100.0
		}
		if !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, %v, want %v", name, got, ok, want)
		}
	}
	for _, bad := range []string{"", "sum", "p", "p101", "p-1", "TM(:)", "TM(10%:90)", "TM(90%:10%)", "PR(10%:20%)", "tm", "p99999999999999999999", "TM(1:2", "TM(101%:)"} {
		if _, err := ParseStatistic(bad); err == nil {
			t.Errorf("%q is a statistic", bad)
		}
	}
	set := Set(10, 100, 1, 20)
	s.Merge(&set)
	p, _ := ParseStatistic("p50")
	if _, ok := p.Of(&s); ok {
		t.Error("a percentile of a statistic set")
	}
	if s.Count != 110 || s.Sum != 5150 {
		t.Errorf("%v", s)
	}
}

func TestEvents(t *testing.T) {
	clock := clockwork.NewFakeClockAt(began)
	s := open(t, vfs.NewMem(), clock)
	defer s.Close()
	for i := range 5 {
		if err := s.Append("alarm", began.Add(time.Duration(i)*time.Minute), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	get := func(from, to time.Time, after string, forward bool) (got []byte, ids []string) {
		if err := s.Events("alarm", from, to, after, forward, func(e Event) bool {
			got, ids = append(got, e.Data...), append(ids, e.ID)
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return got, ids
	}
	back, ids := get(began, began.Add(time.Hour), "", false)
	if !slices.Equal(back, []byte{4, 3, 2, 1, 0}) {
		t.Errorf("back: %v", back)
	}
	if got, _ := get(began, began.Add(time.Hour), ids[1], false); !slices.Equal(got, []byte{2, 1, 0}) {
		t.Errorf("the second page back: %v", got)
	}
	if got, _ := get(began.Add(time.Minute), began.Add(3*time.Minute), "", true); !slices.Equal(got, []byte{1, 2, 3}) {
		t.Errorf("forward, of a time: %v", got)
	}
	if got, _ := get(began, began.Add(time.Hour), ids[3], true); !slices.Equal(got, []byte{2, 3, 4}) {
		t.Errorf("the second page forward: %v", got)
	}
	clock.Advance(30*24*time.Hour + 2*time.Minute)
	if got, _ := get(began, clock.Now(), "", true); !slices.Equal(got, []byte{2, 3, 4}) {
		t.Errorf("after 30 days: %v", got)
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
}

func TestFullDisk(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir(), Clock: clockwork.NewFakeClockAt(began), MinFree: math.MaxInt64})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write([]Sample{{Metric: metric("m"), Time: began.Unix(), Summary: value(1)}}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
}

// TestSummaryWithin: of any samples the count, the sum and the bounds are exact, and their distribution is of no more
// values than were asked for.
func TestSummaryWithin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"one":      func() float64 { return 7 },
		"alike":    func() float64 { return 1000 + random.Float64() },
		"positive": func() float64 { return math.Exp(20 * random.Float64()) },
		"any":      random.NormFloat64,
		"octaves":  func() float64 { return math.Ldexp(1, random.IntN(200)-100) },
	} {
		const most = 20
		var s Summary
		count, sum, least, greatest := 0.0, 0.0, math.Inf(1), math.Inf(-1)
		for range 3000 {
			v, n := draw(), float64(1+random.IntN(3))
			s.AddWithin(v, n, most)
			count, sum, least, greatest = count+n, sum+v*n, min(least, v), max(greatest, v)
		}
		if s.Count != count || s.Sum != sum || s.Min != least || s.Max != greatest {
			t.Errorf("%s: %v samples of the sum %v from %v to %v, want %v of %v from %v to %v", name, s.Count, s.Sum, s.Min, s.Max, count, sum, least, greatest)
		}
		total := 0.0
		for i, v := range s.Values {
			if total += v.N; i > 0 && v.V <= s.Values[i-1].V {
				t.Errorf("%s: value %v behind %v", name, v.V, s.Values[i-1].V)
			}
		}
		if len(s.Values) > most || total != count {
			t.Errorf("%s: %d values of %v samples, want at most %d of %v", name, len(s.Values), total, most, count)
		}
	}
}

// TestStoredSummaries: what is written of a summary is read again, whatever is known of its samples.
func TestStoredSummaries(t *testing.T) {
	var alike, two Summary
	for i := range 100 {
		alike.AddWithin(1000+float64(i)/1e6, 1, 1) // kept as one value, which is not the samples' mean
	}
	two.Add(1, 2)
	two.Add(3, 4)
	for name, s := range map[string]Summary{
		"one value": Set(3, 6, 2, 2), "one sample": Set(1, 5, 5, 5), "opaque": Set(3, 7, 1, 4), "two values": two, "alike": alike,
	} {
		b := s.append(nil)
		for _, values := range []bool{true, false} {
			got, err := decodeSummary(b, values)
			if err != nil || got.Count != s.Count || got.Sum != s.Sum || got.Min != s.Min || got.Max != s.Max || got.Opaque != s.Opaque {
				t.Errorf("%s became %+v (%v)", name, got, err)
			}
			if values && !slices.Equal(got.Values, s.Values) || !values && got.Values != nil {
				t.Errorf("%s: values %v, want %v if they are asked for: %v", name, got.Values, s.Values, values)
			}
		}
	}
}

func FuzzDecodeSummary(f *testing.F) {
	one, many, set := value(3), value(4), Set(3, 9, 1, 5)
	many.Add(7, 2)
	for _, s := range []Summary{one, many, set} {
		f.Add(s.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSummary(b, true)
		if err != nil || math.IsNaN(s.Sum+s.Min+s.Max+s.Count) {
			return
		}
		again, err := decodeSummary(s.append(nil), true)
		if err != nil || len(s.Values) != 1 && !reflect.DeepEqual(s, again) && !math.IsNaN(s.Sum) && !hasNaN(s.Values) {
			t.Errorf("%v became %v, %v", s, again, err)
		}
	})
}

func hasNaN(vs []Value) bool {
	return slices.ContainsFunc(vs, func(v Value) bool { return math.IsNaN(v.V) || math.IsNaN(v.N) })
}

func BenchmarkWrite(b *testing.B) {
	s, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var samples []Sample
	now := time.Now().Unix()
	for i := range 1000 {
		samples = append(samples, Sample{Metric: metric(fmt.Sprint("m", i)), Time: now, Summary: value(float64(i))})
	}
	for b.Loop() {
		if err := s.Write(samples); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "samples/s")
}
