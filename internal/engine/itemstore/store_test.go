package itemstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

func s(v string) attr.Value { return attr.String(v) }
func n(v int) attr.Value    { return attr.Number(strconv.Itoa(v)) }

var orders = &Definition{
	ID:    7,
	Hash:  KeyAttribute{"customer", attr.TypeString},
	Range: KeyAttribute{"order", attr.TypeNumber},
	Indexes: []Index{
		{ID: 1, Hash: KeyAttribute{"status", attr.TypeString}, Range: KeyAttribute{"amount", attr.TypeNumber}},
		{ID: 2, Hash: KeyAttribute{"customer", attr.TypeString}, Range: KeyAttribute{"amount", attr.TypeNumber}, Projection: ProjectKeys},
	},
	Expiry: "expires",
	Feed:   true,
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.MinFree == 0 {
		o.MinFree = -1
	}
	st, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func table(t testing.TB, st *Store, d *Definition) *Table {
	t.Helper()
	tab, err := st.Table(d)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func put(tab *Table, item attr.Item) error {
	_, err := tab.s.Write([]Op{{Table: tab, Key: item, Blind: true, Decide: func(attr.Item) (attr.Item, error) { return item, nil }}}, WriteOptions{})
	return err
}

func remove(tab *Table, key attr.Item) error {
	_, err := tab.s.Write([]Op{{Table: tab, Key: key, Decide: func(attr.Item) (attr.Item, error) { return nil, nil }}}, WriteOptions{})
	return err
}

func all(t testing.TB, tab *Table, r Range) []attr.Item {
	t.Helper()
	var out []attr.Item
	err := tab.Each(context.Background(), r, func(b []byte) (bool, error) {
		item, err := attr.ParseItem(b)
		out = append(out, item)
		return true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestQueriesAndIndexes(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db"})
	defer st.Close()
	tab := table(t, st, orders)
	for i := range 100 {
		item := attr.Item{"customer": s(fmt.Sprint("c", i%3)), "order": n(i - 50), "status": s([]string{"open", "paid"}[i%2]), "note": s("x")}
		if i%5 != 0 {
			item["amount"] = n(i * 7 % 100)
		}
		if err := put(tab, item); err != nil {
			t.Fatal(err)
		}
	}
	got := all(t, tab, tab.Query(0, s("c1"), Bound{Op: "between", Low: n(-20), High: n(3)}, false))
	last := -1000
	for _, it := range got {
		v, _ := strconv.Atoi(string(it["order"].(attr.Number)))
		if v < -20 || v > 3 || v <= last {
			t.Fatalf("order %d after %d", v, last)
		}
		last = v
	}
	if len(got) != 8 {
		t.Errorf("%d orders between -20 and 3, want 8", len(got))
	}
	if got := all(t, tab, tab.Query(1, s("open"), Bound{Op: ">=", Low: n(50)}, true)); len(got) == 0 || got[0]["note"] == nil {
		t.Errorf("index by status: %v", got)
	}
	sparse := all(t, tab, tab.Scan(1, 0, 1))
	if len(sparse) != 80 {
		t.Errorf("index has %d rows, want 80: items without the key are not in it", len(sparse))
	}
	if items, _ := tab.Count(0); items != 100 {
		t.Errorf("count %d, want 100", items)
	}
	total := 0
	for seg := range 7 {
		for _, it := range all(t, tab, tab.Scan(0, seg, 7)) {
			if !InSegment(seg, 7, it["customer"]) {
				t.Errorf("%v is not of segment %d", it, seg)
			}
			total++
		}
	}
	if total != 100 {
		t.Errorf("segments hold %d items, want 100", total)
	}
	// After goes on behind an item, present or not, both ways.
	for _, reverse := range []bool{false, true} {
		r := tab.Query(0, s("c1"), Bound{}, reverse)
		whole := all(t, tab, r)
		var paged []attr.Item
		for {
			rest := all(t, tab, r)
			if len(rest) == 0 {
				break
			}
			paged = append(paged, rest[0])
			r = tab.After(r, rest[0])
		}
		if len(paged) != len(whole) {
			t.Errorf("reverse %v: %d items by pages, %d at once", reverse, len(paged), len(whole))
		}
	}
}

// TestPowerLoss writes with a model beside, takes the power away at any moment, and checks
// that what was acknowledged is there, with its index rows and its change records.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		fs := vfs.NewCrashableMem()
		st := open(t, Options{FS: fs, Dir: "db"})
		tab := table(t, st, orders)
		var mu sync.Mutex
		acked := map[int]int{} // order to the least version that must be there
		var crashed atomic.Bool
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for w := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for v := 1; ; v++ {
					select {
					case <-stop:
						return
					default:
					}
					i := w*10 + v%10
					err := put(tab, attr.Item{"customer": s("c"), "order": n(i), "status": s("open"), "amount": n(v), "twin": n(v)})
					mu.Lock()
					if err == nil && !crashed.Load() {
						acked[i] = v
					}
					mu.Unlock()
				}
			}()
		}
		time.Sleep(time.Duration(20+rng.IntN(60)) * time.Millisecond)
		mu.Lock()
		crashed.Store(true)
		want := map[int]int{}
		for k, v := range acked {
			want[k] = v
		}
		after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		mu.Unlock()
		close(stop)
		wg.Wait()
		st.Close()

		st = open(t, Options{FS: after, Dir: "db"})
		tab = table(t, st, orders)
		items := all(t, tab, tab.Scan(0, 0, 1))
		byOrder := map[int]int{}
		for _, it := range items {
			o, _ := strconv.Atoi(string(it["order"].(attr.Number)))
			v, _ := strconv.Atoi(string(it["amount"].(attr.Number)))
			byOrder[o] = v
		}
		for o, v := range want {
			if byOrder[o] < v {
				t.Errorf("seed %d: order %d is at version %d, %d was acknowledged", seed, o, byOrder[o], v)
			}
		}
		if rows := all(t, tab, tab.Scan(1, 0, 1)); len(rows) != len(items) {
			t.Errorf("seed %d: %d items, %d index rows", seed, len(items), len(rows))
		}
		seen := map[int]int{}
		err := tab.Changes(context.Background(), 0, func(c Change, _ int) bool {
			o, _ := strconv.Atoi(string(c.New["order"].(attr.Number)))
			v, _ := strconv.Atoi(string(c.New["amount"].(attr.Number)))
			if v <= seen[o] {
				t.Errorf("seed %d: order %d: version %d after %d in the feed", seed, o, v, seen[o])
			}
			seen[o] = v
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		for o, v := range byOrder {
			if seen[o] != v {
				t.Errorf("seed %d: order %d: item at version %d, feed at %d", seed, o, v, seen[o])
			}
		}
		st.Close()
	}
}

func TestTransactionsAreAllOrNothing(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db"})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	const accounts = 5
	for i := range accounts {
		if err := put(tab, attr.Item{"k": s(fmt.Sprint(i)), "v": n(100)}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 2))
			for range 200 {
				a, b := rng.IntN(accounts), rng.IntN(accounts)
				if a == b {
					continue
				}
				add := func(by attr.Number) func(attr.Item) (attr.Item, error) {
					return func(old attr.Item) (attr.Item, error) {
						v, _ := old["v"].(attr.Number).Add(by)
						if v.Compare("0") < 0 {
							return nil, errors.New("too little")
						}
						return attr.Item{"k": old["k"], "v": v}, nil
					}
				}
				_, err := st.Write([]Op{
					{Table: tab, Key: attr.Item{"k": s(fmt.Sprint(a))}, Decide: add("-30")},
					{Table: tab, Key: attr.Item{"k": s(fmt.Sprint(b))}, Decide: add("30")},
				}, WriteOptions{})
				if err != nil && !errors.Is(err, ErrRefused) {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		var reads []Read
		for i := range accounts {
			reads = append(reads, Read{tab, attr.Item{"k": s(fmt.Sprint(i))}})
		}
		got, err := st.GetAll(reads)
		if err != nil {
			t.Fatal(err)
		}
		sum := attr.Number("0")
		for _, b := range got {
			v, _ := attr.StoredValue(b, "v")
			sum, _ = sum.Add(v.(attr.Number))
		}
		if sum != "500" {
			t.Fatalf("the accounts hold %s, want 500", sum)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// TestConflicts has a write hold an item: other writes of it give up and say which item it is, readers go on.
func TestConflicts(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db"})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	if err := put(tab, attr.Item{"k": s("held"), "v": n(1)}); err != nil {
		t.Fatal(err)
	}
	op := func(key string, decide func(attr.Item) (attr.Item, error)) Op {
		return Op{Table: tab, Key: attr.Item{"k": s(key)}, Decide: decide}
	}
	same := func(old attr.Item) (attr.Item, error) { return old, ErrUnchanged }
	holds, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := st.Write([]Op{op("held", func(attr.Item) (attr.Item, error) {
			close(holds)
			<-release
			return attr.Item{"k": s("held"), "v": n(2)}, nil
		})}, WriteOptions{Token: "token"})
		if err != nil {
			t.Error(err)
		}
	})
	<-holds
	got, err := st.GetAll([]Read{{tab, attr.Item{"k": s("other")}}, {tab, attr.Item{"k": s("held")}}})
	if err != nil || got[0] != nil {
		t.Fatal(got, err)
	}
	if v, err := attr.StoredValue(got[1], "v"); v != n(1) {
		t.Errorf("a read while the item is written: %v, %v", v, err)
	}
	for _, c := range []struct {
		ops   []Op
		token string
		want  Conflict
	}{
		{[]Op{op("held", same), op("x", same)}, "", Conflict{0}},
		{[]Op{op("x", same), op("y", same), op("held", same)}, "", Conflict{2}},
		{[]Op{op("x", same), op("y", same)}, "token", Conflict{2}},
	} {
		_, err := st.Write(c.ops, WriteOptions{Patience: time.Millisecond, Token: c.token})
		if conflict, ok := err.(Conflict); !ok || conflict != c.want || !errors.Is(err, ErrConflict) {
			t.Errorf("%d operations, token %q: %v, want %v", len(c.ops), c.token, err, c.want)
		}
	}
	close(release)
	wg.Wait()
}

// TestFeedAfterAPanic has a Decide panic behind another one's change: the feed goes on.
func TestFeedAfterAPanic(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db"})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}, Feed: true})
	func() {
		defer func() { recover() }()
		st.Write([]Op{
			{Table: tab, Key: attr.Item{"k": s("a")}, Decide: func(attr.Item) (attr.Item, error) { return attr.Item{"k": s("a")}, nil }},
			{Table: tab, Key: attr.Item{"k": s("b")}, Decide: func(attr.Item) (attr.Item, error) { panic("a fault") }},
		}, WriteOptions{})
	}()
	if err := put(tab, attr.Item{"k": s("c")}); err != nil {
		t.Fatal(err)
	}
	var keys []attr.Value
	if err := tab.Changes(t.Context(), 0, func(c Change, _ int) bool { keys = append(keys, c.Keys["k"]); return true }); err != nil || len(keys) != 1 || keys[0] != s("c") {
		t.Errorf("the feed has %v, %v", keys, err)
	}
}

func TestTokensMakeAWriteHappenOnce(t *testing.T) {
	clock := clockwork.NewFakeClock()
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db", Clock: clock})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	count := func(digest string) error {
		_, err := st.Write([]Op{{Table: tab, Key: attr.Item{"k": s("a")}, Decide: func(old attr.Item) (attr.Item, error) {
			v, _ := old["v"].(attr.Number)
			v, _ = attr.Number("0" + v).Add("1")
			if old == nil {
				v = "1"
			}
			return attr.Item{"k": s("a"), "v": v}, nil
		}}}, WriteOptions{Token: "t", Digest: []byte(digest)})
		return err
	}
	if err := count("x"); err != nil {
		t.Fatal(err)
	}
	if err := count("x"); !errors.Is(err, ErrRepeated) {
		t.Errorf("again: %v", err)
	}
	if err := count("y"); !errors.Is(err, ErrToken) {
		t.Errorf("another request: %v", err)
	}
	clock.Advance(TokenLife)
	if err := count("y"); err != nil {
		t.Errorf("after its life: %v", err)
	}
	if err := st.SweepTokens(); err != nil {
		t.Error(err)
	}
}

func TestExpiryBackfillBackupAndUndo(t *testing.T) {
	ctx := context.Background()
	clock := clockwork.NewFakeClockAt(time.Unix(1_700_000_000, 0))
	st := open(t, Options{FS: vfs.NewMem(), Dir: "db", Clock: clock})
	defer st.Close()
	plain := &Definition{ID: 3, Hash: KeyAttribute{"k", attr.TypeString}, Feed: true}
	tab := table(t, st, plain)
	for i := range 600 {
		if err := put(tab, attr.Item{"k": s(fmt.Sprint(i)), "g": s(fmt.Sprint(i % 4)), "at": n(1_700_000_000 + i)}); err != nil {
			t.Fatal(err)
		}
	}
	with := *plain
	with.Indexes = []Index{{ID: 1, Hash: KeyAttribute{"g", attr.TypeString}}}
	with.Expiry = "at"
	tab.Redefine(&with)
	if err := errors.Join(tab.Backfill(ctx, 1), tab.BackfillExpiry(ctx)); err != nil {
		t.Fatal(err)
	}
	if got := all(t, tab, tab.Query(1, s("2"), Bound{}, false)); len(got) != 150 {
		t.Errorf("the new index has %d of a group, want 150", len(got))
	}
	if err := tab.Backup("backup"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(100 * time.Second)
	moment := clock.Now()
	clock.Advance(time.Second)
	if n, err := tab.Expire(ctx); err != nil || n != 101 {
		t.Errorf("%d expired, %v; want 101", n, err)
	}
	if err := remove(tab, attr.Item{"k": s("599")}); err != nil {
		t.Fatal(err)
	}
	if items, _ := tab.Count(1); items != 498 {
		t.Errorf("the index counts %d, want 498", items)
	}
	again := table(t, st, &Definition{ID: 4, Hash: plain.Hash})
	if err := again.RestoreBackup(ctx, "backup", 3); err != nil {
		t.Fatal(err)
	}
	if got := all(t, again, again.Scan(0, 0, 1)); len(got) != 600 {
		t.Errorf("restored %d items, want 600", len(got))
	}
	before := table(t, st, &Definition{ID: 5, Hash: plain.Hash})
	if err := before.RestoreFrom(ctx, tab); err != nil {
		t.Fatal(err)
	}
	l := before.Loader()
	err := tab.Undo(ctx, moment, func(i attr.Item) error { return l.Put(ctx, i) }, func(k attr.Item) error { return l.Remove(ctx, k) })
	if err := errors.Join(err, l.Flush()); err != nil {
		t.Fatal(err)
	}
	if items, _ := before.Count(0); items != 600 {
		t.Errorf("as of before the expiry there are %d items, want 600", items)
	}
	clock.Advance(time.Hour)
	if err := tab.TrimFeed(ctx, clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := tab.FirstChange(); ok || err != nil {
		t.Errorf("a trimmed feed has a change (%v)", err)
	}
	if err := st.Drop(3); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkPut(b *testing.B) {
	for _, c := range []int{1, 64} {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			st := open(b, Options{Dir: b.TempDir()})
			defer st.Close()
			tab := table(b, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
			pad := s(string(make([]byte, 350)))
			var i atomic.Int64
			b.SetParallelism(c / 2)
			if c == 1 {
				b.SetParallelism(1)
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := put(tab, attr.Item{"k": s(fmt.Sprint(i.Add(1))), "pad": pad, "amount": n(5)}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkHotKey(b *testing.B) {
	st := open(b, Options{Dir: b.TempDir()})
	defer st.Close()
	tab := table(b, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := st.Write([]Op{{Table: tab, Key: attr.Item{"k": s("hot")}, Decide: func(old attr.Item) (attr.Item, error) {
				v, ok := old["v"].(attr.Number)
				if !ok {
					v = "0"
				}
				v, err := v.Add("1")
				return attr.Item{"k": s("hot"), "v": v}, err
			}}}, WriteOptions{})
			if err != nil {
				b.Error(err)
			}
		}
	})
}
