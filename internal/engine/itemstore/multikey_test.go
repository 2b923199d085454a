package itemstore

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// TestKeysOfSeveralAttributes holds queries of an index whose keys are of two attributes each to
// what a look at every item says: which are in the index, which a query finds, and in what order.
func TestKeysOfSeveralAttributes(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db", NoSync: true})
	defer st.Close()
	tab := table(t, st, &Definition{
		ID: 1, Hash: KeyAttribute{"id", attr.TypeNumber},
		Indexes: []Index{{
			ID: 1, Hash: KeyAttribute{"a", attr.TypeString}, MoreHash: []KeyAttribute{{"b", attr.TypeNumber}},
			Range: KeyAttribute{"c", attr.TypeString}, MoreRange: []KeyAttribute{{"d", attr.TypeNumber}},
			Projection: ProjectKeys,
		}},
	})
	rng := rand.New(rand.NewPCG(1, 2))
	texts := []string{"\x00", "a", "a\x00", "ab", "b", "\xff"}
	numbers := []int{-100, -1, 0, 1, 2, 10}
	text := func() attr.Value { return s(texts[rng.IntN(len(texts))]) }
	number := func() attr.Value { return n(numbers[rng.IntN(len(numbers))]) }
	items := map[int]attr.Item{}
	for i := range 200 {
		id := i % 150 // some are put again
		it := attr.Item{"id": n(id), "a": s([]string{"x", "xy"}[rng.IntN(2)]), "b": n(rng.IntN(2)), "c": text(), "d": number(), "e": s("not held")}
		if i%7 == 0 {
			delete(it, []string{"a", "b", "c", "d"}[rng.IntN(4)])
		}
		items[id] = it
		if err := put(tab, it); err != nil {
			t.Fatal(err)
		}
	}
	less := func(x, y attr.Item) bool {
		for _, k := range []string{"c", "d", "id"} {
			if c, _ := attr.Compare(x[k], y[k]); c != 0 {
				return c < 0
			}
		}
		return false
	}
	for i := range 120 {
		hash := []attr.Value{s([]string{"x", "xy"}[i%2]), n(i / 2 % 2)}
		var equal []attr.Value
		on, value := "c", text
		if i%3 == 0 {
			equal, on, value = []attr.Value{text()}, "d", number
		}
		b := Bound{Op: []string{"", "=", "<", "<=", ">", ">=", "between", "begins_with"}[rng.IntN(8)], Low: value()}
		if b.Op == "between" {
			b.High = value()
		}
		if b.Op == "begins_with" && on == "d" {
			b.Op = "="
		}
		want := map[string]bool{}
		for id, it := range items {
			if it["a"] == nil || it["b"] == nil || it["c"] == nil || it["d"] == nil {
				continue
			}
			if attr.Equal(it["a"], hash[0]) && attr.Equal(it["b"], hash[1]) && (equal == nil || attr.Equal(it["c"], equal[0])) && b.Holds(it[on]) {
				want[fmt.Sprint(id)] = true
			}
		}
		reverse := i%2 == 1
		got := all(t, tab, tab.QueryKeys(1, hash, equal, b, reverse))
		for j, it := range got {
			if id := string(it["id"].(attr.Number)); !want[id] {
				t.Fatalf("%v %v %s %s %v: finds item %s", hash, equal, on, b.Op, b, id)
			}
			if it["e"] != nil || j > 0 && less(it, got[j-1]) != reverse {
				t.Fatalf("%v %v %s: %v after %v, reverse %v", hash, equal, b.Op, it, got[j-1], reverse)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%v %v %s %s %v: %d items, want %d", hash, equal, on, b.Op, b, len(got), len(want))
		}
		if len(got) > 3 { // goes on after an item
			rest := all(t, tab, tab.After(tab.QueryKeys(1, hash, equal, b, reverse), got[2]))
			if len(rest) != len(got)-3 || !attr.Equal(rest[0]["id"], got[3]["id"]) {
				t.Fatalf("after the third of %d are %d", len(got), len(rest))
			}
		}
	}
	counted, _ := tab.Count(1)
	scanned := 0
	for seg := range 5 {
		for _, it := range all(t, tab, tab.Scan(1, seg, 5)) {
			scanned++
			if !InSegment(seg, 5, it["a"], it["b"]) {
				t.Errorf("%v is in segment %d", it, seg)
			}
		}
	}
	if int64(scanned) != counted {
		t.Errorf("segments have %d items, the index %d", scanned, counted)
	}
}

// TestBackfillLeavesOutWhatIsNoKey has items whose values an index cannot have for keys, before
// the index is made and when they change later.
func TestBackfillLeavesOutWhatIsNoKey(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db", NoSync: true})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"id", attr.TypeNumber}})
	sizes := []int{0, 1, MaxRangeKey, MaxRangeKey + 1, MaxHashKey, MaxHashKey + 1}
	item := func(i, size int, more string) attr.Item {
		return attr.Item{"id": n(i), "g": s("all"), "x": s(strings.Repeat("x", size)), "more": s(more)}
	}
	for i, size := range sizes {
		if err := put(tab, item(i, size, "")); err != nil {
			t.Fatal(err)
		}
	}
	tab.Redefine(&Definition{ID: 1, Hash: KeyAttribute{"id", attr.TypeNumber}, Indexes: []Index{
		{ID: 1, Hash: KeyAttribute{"x", attr.TypeString}},
		{ID: 2, Hash: KeyAttribute{"g", attr.TypeString}, Range: KeyAttribute{"x", attr.TypeString}},
	}})
	for _, id := range []uint16{1, 2} {
		if err := tab.Backfill(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		t.Helper()
		for id, want := range map[uint16]int64{1: 4, 2: 2} {
			if items, _ := tab.Count(id); items != want {
				t.Errorf("%s index %d has %d items, want %d", when, id, items, want)
			}
		}
	}
	check("filled,")
	for i, size := range sizes {
		if err := put(tab, item(i, size, "changed")); err != nil {
			t.Fatal(err)
		}
	}
	check("after the items changed")
	for i := range sizes { // those that were no keys become some, and others stop to be
		if err := put(tab, item(i, []int{1, 0}[i%2], "")); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []uint16{1, 2} {
		if items, _ := tab.Count(id); items != 3 {
			t.Errorf("index %d has %d items, want 3", id, items)
		}
	}
}
