package kinesis

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLocate finds the shards of keys in streams that were split evenly, and of which a small
// part was split again and again.
func TestLocate(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	for _, n := range []int{1, 2, 31, 32, 33, 1000, 10_000} {
		for _, narrow := range []uint{0, 30, 60} {
			v := new(view)
			for i := range n {
				k := hashKey{r.Uint64() >> narrow, r.Uint64()}
				if narrow == 0 {
					k.hi = ^uint64(0) / uint64(n) * uint64(i)
				}
				if i == 0 {
					k = hashKey{}
				}
				v.starts = append(v.starts, k)
			}
			slices.SortFunc(v.starts, hashKey.compare)
			v.index()
			check := func(k hashKey) {
				t.Helper()
				i := v.locate(k)
				if v.starts[i].compare(k) > 0 || i+1 < n && v.starts[i+1].compare(k) <= 0 {
					t.Fatalf("%d shards, narrow %d: %v is said to be in %d", n, narrow, k, i)
				}
			}
			for i := range v.starts {
				check(v.starts[i])
				if i > 0 {
					check(v.starts[i].prev())
				}
			}
			for range 1000 {
				check(hashKey{r.Uint64() >> narrow, r.Uint64()})
			}
			check(maxHashKey)
		}
	}
}
