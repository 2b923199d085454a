package itemstore

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

var plain = &Definition{ID: 11, Hash: KeyAttribute{"k", attr.TypeString}}

// uncounting ends the goroutine that keeps a store's counts: the test does its work.
func uncounting(st *Store) *Store {
	close(st.stop)
	st.work.Wait()
	st.stop = make(chan struct{})
	return st
}

// near fails where a count is not about what is wanted.
func near(t *testing.T, what string, got, want int64) {
	t.Helper()
	if got < want/2 || got > want*2 {
		t.Errorf("%s: %d, want about %d", what, got, want)
	}
}

// TestCountsAmongManyPuts puts items twice while many writes are under way, when puts do
// not read what they replace: the counts are near at once, and exact when the puts have ended.
func TestCountsAmongManyPuts(t *testing.T) {
	st := uncounting(open(t, Options{FS: vfs.NewMem(), Dir: "db"}))
	defer st.Close()
	tab := table(t, st, plain)
	tab.recount()
	st.inflight.Add(busyWrites)
	puts := func() {
		for i := range 4000 {
			if err := put(tab, attr.Item{"k": s(fmt.Sprintf("%04d", i)), "v": n(7)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	puts()
	near(t, "items", tab.count(0).items.Load(), 4000)
	near(t, "bytes", tab.count(0).bytes.Load(), 4000*8)
	puts()
	near(t, "items that were put twice", tab.count(0).items.Load(), 4000)
	near(t, "bytes that were put twice", tab.count(0).bytes.Load(), 4000*8)
	st.inflight.Add(-busyWrites)
	if tab.isCountDue() {
		t.Error("a table is counted while there may be more puts")
	}
	if !tab.isCountDue() {
		t.Error("a table is not counted when its puts have ended")
	}
	tab.recount()
	items, bytes := tab.Count(0)
	if items != 4000 || bytes != 4000*8 {
		t.Errorf("%d items of %d bytes, want 4000 of 32000", items, bytes)
	}
	for range 2 {
		if tab.isCountDue() {
			t.Error("a table is counted again without a reason")
		}
	}
	for i := range 100 {
		if err := remove(tab, attr.Item{"k": s(fmt.Sprintf("%04d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if items, _ = tab.Count(0); items != 3900 {
		t.Errorf("%d items, want 3900", items)
	}
}

// TestCountsOfFewItems: a table of few rows is counted when somebody asks, one of many is not.
func TestCountsOfFewItems(t *testing.T) {
	st := uncounting(open(t, Options{FS: vfs.NewMem(), Dir: "db", Clock: clockwork.NewFakeClock()}))
	defer st.Close()
	tab := table(t, st, plain)
	st.inflight.Add(busyWrites)
	defer st.inflight.Add(-busyWrites)
	for i := range 100 {
		if err := put(tab, attr.Item{"k": s(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	if items, _ := tab.Count(0); items != 100 {
		t.Errorf("%d items, want 100", items)
	}
	if all, err := tab.countRows(99, math.MaxInt); all || err != nil {
		t.Errorf("a hundred rows were counted where 99 may be: %v", err)
	}
	if all, err := tab.countRows(100, 500); all || err != nil {
		t.Errorf("rows of more than 500 bytes were counted: %v", err)
	}
	if items, _ := tab.Count(0); items != 100 {
		t.Errorf("%d items after counts that ended early, want 100", items)
	}
	tab.counts.small = st.clock.Now().Add(saveEvery)
	if err := put(tab, attr.Item{"k": s("more")}); err != nil {
		t.Fatal(err)
	}
	unread := tab.counts.unread.Load()
	if tab.Count(0); tab.counts.unread.Load() != unread {
		t.Error("a table that had many rows a moment ago was counted")
	}
}

// TestCountsOfLargeItems: a table of few rows of many bytes is not read for one who asks.
func TestCountsOfLargeItems(t *testing.T) {
	st := uncounting(open(t, Options{FS: vfs.NewMem(), Dir: "db", Clock: clockwork.NewFakeClock()}))
	defer st.Close()
	tab := table(t, st, plain)
	tab.recount()
	st.inflight.Add(busyWrites)
	defer st.inflight.Add(-busyWrites)
	large := s(strings.Repeat("x", 400<<10))
	for i := range bytesAtOnce/(400<<10) + 1 {
		if err := put(tab, attr.Item{"k": s(fmt.Sprint(i)), "v": large}); err != nil {
			t.Fatal(err)
		}
	}
	unread := tab.counts.unread.Load()
	if tab.Count(0); unread == 0 || tab.counts.unread.Load() != unread {
		t.Errorf("%d puts were not read, then %d: the table was counted", unread, tab.counts.unread.Load())
	}
	tab.recount()
	if items, _ := tab.Count(0); items != bytesAtOnce/(400<<10)+1 {
		t.Errorf("%d items", items)
	}
}

// TestSizesAmongManyPuts: a put that must tell the size of what it replaced reads it.
func TestSizesAmongManyPuts(t *testing.T) {
	st := uncounting(open(t, Options{FS: vfs.NewMem(), Dir: "db"}))
	defer st.Close()
	tab := table(t, st, plain)
	item := attr.Item{"k": s("a"), "v": n(7)}
	st.inflight.Add(busyWrites)
	defer st.inflight.Add(-busyWrites)
	for range 100 {
		r, err := st.Write([]Op{{Table: tab, Key: item, Blind: true, Sized: true, Decide: func(attr.Item) (attr.Item, error) { return item, nil }}}, WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := tab.Count(0); r[0].NewSize != attr.Size(item) || want != 1 {
			t.Fatalf("%+v, %d items", r[0], want)
		}
	}
}

// TestCountsAfterACrash: those that were saved are told until the table has been counted.
func TestCountsAfterACrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	st := uncounting(open(t, Options{FS: mem, Dir: "db"}))
	defer st.Close()
	tab := table(t, st, plain)
	for i := range 100 {
		if i == 90 {
			if err := tab.saveCounts(false); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(tab, attr.Item{"k": s(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	again := uncounting(open(t, Options{FS: mem.CrashClone(vfs.CrashCloneCfg{}), Dir: "db"}))
	defer again.Close()
	tab = table(t, again, plain)
	if items := tab.count(0).items.Load(); items != 90 {
		t.Errorf("before the count there are %d items, want the 90 that were saved", items)
	}
	if !tab.isCountDue() {
		t.Error("the table is not counted after a crash")
	}
	tab.recount()
	if items, _ := tab.Count(0); items != 100 {
		t.Errorf("%d items, want 100", items)
	}
}

// TestCountsAfterClose: exact ones stay so, and nothing is counted.
func TestCountsAfterClose(t *testing.T) {
	mem := vfs.NewMem()
	st := uncounting(open(t, Options{FS: mem, Dir: "db"}))
	tab := table(t, st, plain)
	for i := range 10 {
		if err := put(tab, attr.Item{"k": s(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	tab.recount()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = uncounting(open(t, Options{FS: mem, Dir: "db"}))
	defer st.Close()
	tab = table(t, st, plain)
	if items, _ := tab.Count(0); items != 10 || tab.isCountDue() {
		t.Errorf("%d items, want 10 that are not counted again", items)
	}
}

// TestCountsAmongTransactions counts two tables all the time while writers change both, in
// either order: nobody waits for ever, and the counts are right.
func TestCountsAmongTransactions(t *testing.T) {
	st := uncounting(open(t, Options{FS: vfs.NewMem(), Dir: "db"}))
	defer st.Close()
	other := *plain
	other.ID++
	tabs := []*Table{table(t, st, plain), table(t, st, &other)}
	var writers, counters sync.WaitGroup
	var ended atomic.Bool
	for w := range 4 {
		writers.Go(func() {
			for i := range 200 {
				item := attr.Item{"k": s(fmt.Sprint(w, "-", i))}
				op := func(at int) Op {
					return Op{Table: tabs[at], Key: item, Blind: true, Decide: func(attr.Item) (attr.Item, error) { return item, nil }}
				}
				if _, err := st.Write([]Op{op(w % 2), op(1 - w%2)}, WriteOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, tab := range tabs {
		counters.Go(func() {
			for !ended.Load() {
				tab.recount()
			}
		})
	}
	writers.Wait()
	ended.Store(true)
	counters.Wait()
	for _, tab := range tabs {
		if items, _ := tab.Count(0); items != 800 {
			t.Errorf("%d items, want 800", items)
		}
	}
}
