package trino

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/javatime"
)

// TestNarrowed: what is left out of a range of times is what the texts leave out, and all of it
// where texts are in the order of times.
func TestNarrowed(t *testing.T) {
	from := time.Date(2023, 12, 30, 22, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 0, 70)
	texts := []*string{nil}
	for _, s := range []string{"", "2023", "2023-12-31", "2024-01-01 05", "2024-01-01 05:30", "2024-03", "20240102", "31/12/2023", "9"} {
		texts = append(texts, &s)
	}
	for _, format := range []string{"yyyy-MM-dd", "yyyy-MM-dd HH", "yyyy-MM-dd HH:mm", "yyyyMMdd", "dd/MM/yyyy", "yyyy-M-d", "MM-yyyy", "yyyy-MMM-dd", "yy-MM-dd"} {
		pattern, err := javatime.Compile(javatime.Java, format)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []int{1, 7} {
			for _, unit := range []string{"HOUR", "DAY", "WEEK", "MONTH"} {
				all := func(from, to time.Time, keep func(string) bool) (out []string) {
					for d := from; !d.After(to); d, _ = add(d, step, unit) {
						if s := pattern.Format(d); keep(s) {
							out = append(out, s)
						}
					}
					return out
				}
				for _, low := range texts {
					for _, high := range texts {
						in := func(s string) bool { return (low == nil || s >= *low) && (high == nil || s <= *high) }
						first, last := narrowed(pattern, from, to, step, unit, interval{low, high})
						if got, want := all(first, last, in), all(from, to, in); !slices.Equal(got, want) {
							t.Fatalf("%s by %d %s: %q, want %q", format, step, unit, got, want)
						}
						exact := all(first, last, func(string) bool { return true })
						if sortable(pattern) && unit != "MONTH" && len(exact) != len(all(from, to, in)) {
							t.Fatalf("%s by %d %s: %d values are left, want %d", format, step, unit, len(exact), len(all(from, to, in)))
						}
					}
				}
			}
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"a%", "abc", true}, {"a%c", "abcbc", true}, {"a%c", "abcb", false}, {"_", "é", true},
		{"%a%b%", "xxaxxb", true}, {"%a%b%", "xxbxxa", false}, {"2024/__/%", "2024/01/02", true}, {"a_", "a", false}, {"%%", "x", true}, {"%ab", "aab", true},
	} {
		if got := like([]rune(c.pattern), []rune(c.text)); got != c.want {
			t.Errorf("%q LIKE %q is %t", c.text, c.pattern, got)
		}
	}
}

// TestIntervals: what is in ranges that are put together, or are cut, is what is in one of them, or in both.
func TestIntervals(t *testing.T) {
	texts := []string{"", "a", "b", "c", "d", "e"}
	var all []interval
	for i := range texts {
		for j := range texts {
			all = append(all, interval{&texts[i], &texts[j]})
		}
		all = append(all, interval{low: &texts[i]}, interval{high: &texts[i]})
	}
	all = append(all, interval{})
	in := func(s string, r ...interval) bool {
		return slices.ContainsFunc(r, func(r interval) bool { return (r.low == nil || s >= *r.low) && (r.high == nil || s <= *r.high) })
	}
	for _, a := range all {
		for _, b := range all {
			or, and := joined(intervals{a, b}), joined(intervals{a}).and(joined(intervals{b}))
			for _, s := range []string{"", "a", "ab", "b", "bb", "c", "d", "e", "f"} {
				if in(s, or...) != in(s, a, b) || in(s, and...) != (in(s, a) && in(s, b)) {
					t.Fatalf("%q", s)
				}
			}
			if len(or) == 2 && (or[0].high == nil || or[1].low == nil || *or[0].high >= *or[1].low) {
				t.Fatal("ranges that overlap")
			}
		}
	}
}

func TestNarrowedWholes(t *testing.T) {
	halves := map[int64]*big.Rat{}
	for n := int64(-24); n < 30; n++ {
		halves[n] = big.NewRat(n, 2)
	}
	var want, got []int64
	for _, step := range []int64{1, 2, 3, 7} {
		for from := int64(-9); from < 5; from++ {
			for to := from; to < 12; to++ {
				for low := int64(-24); low < 30; low++ {
					for high := int64(-24); high < 30; high += 3 {
						l, h := halves[low], halves[high]
						want, got = want[:0], got[:0]
						for n := from; n <= to; n += step {
							if 2*n >= low && 2*n <= high {
								want = append(want, n)
							}
						}
						if first, last, ok := narrowedWholes(from, to, step, l, h); ok {
							for n := first; n <= last; n += step {
								got = append(got, n)
							}
						}
						if !slices.Equal(got, want) {
							t.Fatalf("%d to %d by %d, from %s to %s: %d, want %d", from, to, step, l, h, got, want)
						}
					}
				}
			}
		}
	}
	huge, _ := new(big.Rat).SetString("99999999999999999999")
	if first, last, ok := narrowedWholes(-1<<63, 1<<63-1, 1, new(big.Rat).Neg(huge), huge); !ok || first != -1<<63 || last != 1<<63-1 {
		t.Error(first, last, ok)
	}
	if _, _, ok := narrowedWholes(-1<<63, 1<<63-1, 1, huge, nil); ok {
		t.Error("there are numbers above")
	}
}
