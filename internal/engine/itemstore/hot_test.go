package itemstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// valueOf is the number v of an item, -1 for none.
func valueOf(t testing.TB, tab *Table, key attr.Item) int {
	t.Helper()
	b, found, err := tab.Get(key)
	if err != nil {
		t.Error(err)
	}
	if !found {
		return -1
	}
	v, err := attr.StoredValue(b, "v")
	if err != nil {
		t.Error(err)
	}
	at, _ := strconv.Atoi(string(v.(attr.Number)))
	return at
}

// Keys of few stripes and slots are counted up and read at the same time: nobody reads less than was
// acknowledged before, or less than what he has read.
func TestReadsAreNeverOlderThanWhatWasAcknowledged(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "items"})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	const keys, writes = 8, 300
	var acked [keys]atomic.Int64
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for k := range keys {
		key := attr.Item{"k": s(fmt.Sprint(k))}
		acked[k].Store(-1)
		writers.Go(func() {
			for i := range writes {
				if err := put(tab, attr.Item{"k": key["k"], "v": n(i)}); err != nil {
					t.Error(err)
				}
				acked[k].Store(int64(i))
			}
		})
		for range 3 {
			readers.Go(func() {
				last := -1
				for {
					least := max(last, int(acked[k].Load()))
					if last = valueOf(t, tab, key); last < least {
						t.Errorf("read %d after %d", last, least)
						return
					}
					if last == writes-1 {
						return
					}
				}
			})
		}
		readers.Go(func() { // by a snapshot, then by itself
			for {
				select {
				case <-done:
					return
				default:
				}
				all, err := st.GetAll([]Read{{tab, key}})
				if err != nil || all[0] == nil {
					continue
				}
				v, _ := attr.StoredValue(all[0], "v")
				least, _ := strconv.Atoi(string(v.(attr.Number)))
				if got := valueOf(t, tab, key); got < least {
					t.Errorf("read %d after a snapshot of %d", got, least)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func TestWhatIsGoneIsNotRead(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "items"})
	defer st.Close()
	def := &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}, Feed: true}
	tab := table(t, st, def)
	key := attr.Item{"k": s("a")}
	write := func(v int) {
		t.Helper()
		if err := put(tab, attr.Item{"k": s("a"), "v": n(v)}); err != nil {
			t.Fatal(err)
		}
	}
	reads := func(want int) {
		t.Helper()
		for range 3 {
			if got := valueOf(t, tab, key); got != want {
				t.Errorf("read %d, want %d", got, want)
			}
		}
	}
	write(1)
	reads(1)
	if _, err := st.Write([]Op{{Table: tab, Key: key, Decide: func(attr.Item) (attr.Item, error) { return nil, nil }}}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	reads(-1)
	write(2)
	reads(2)
	refused := errors.New("refused")
	if _, err := st.Write([]Op{{Table: tab, Key: key, Decide: func(attr.Item) (attr.Item, error) { return nil, refused }}}, WriteOptions{}); !errors.Is(err, ErrRefused) {
		t.Fatal(err)
	}
	reads(2)
	if err := st.DropItems(1); err != nil {
		t.Fatal(err)
	}
	reads(-1)
	tab = table(t, st, def)
	reads(-1)
	write(3)
	from := tab
	tab = table(t, st, &Definition{ID: 2, Hash: def.Hash})
	reads(-1)
	if err := tab.RestoreFrom(context.Background(), from); err != nil {
		t.Fatal(err)
	}
	reads(3)
}

// A reader that was slow comes with what was there before a write.
func TestWhatWasReadBeforeAWriteIsNotKept(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "items"})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	key := attr.Item{"k": s("a")}
	row, _ := tab.Definition().rowKey(nil, key)
	hash := xxhash.Sum64(row)
	seen := st.locks.at(hash).version.Load()
	old := &hotRow{slices.Concat(row, attr.AppendItem(nil, attr.Item{"k": s("a"), "v": n(1)})), len(row)}
	if err := put(tab, attr.Item{"k": s("a"), "v": n(2)}); err != nil {
		t.Fatal(err)
	}
	st.keepHot(hash, seen, old)
	if got := valueOf(t, tab, key); got != 2 {
		t.Errorf("read %d, want 2", got)
	}
	seen = st.locks.at(hash).version.Load()
	if err := st.Drop(1); err != nil {
		t.Fatal(err)
	}
	st.keepHot(hash, seen, old)
	if got := valueOf(t, tab, key); got != -1 {
		t.Errorf("read %d of a table that is gone", got)
	}
}

func TestHotRowsAreBounded(t *testing.T) {
	st := open(t, Options{FS: vfs.NewMem(), Dir: "items"})
	defer st.Close()
	tab := table(t, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	pad := s(strings.Repeat("x", hotItem-100))
	for i := range 2 * hotBytes / hotItem {
		key := attr.Item{"k": s(fmt.Sprint(i))}
		if err := put(tab, attr.Item{"k": key["k"], "v": n(i), "pad": pad}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := valueOf(t, tab, key); got != i {
				t.Fatalf("read %d, want %d", got, i)
			}
		}
	}
	var held int64
	for i := range st.hot.slots {
		held += st.hot.slots[i].Load().size()
	}
	if held != st.hot.bytes.Load() || held > hotBytes || held < hotBytes/4 {
		t.Errorf("%d bytes are held, %d are counted, the limit is %d", held, st.hot.bytes.Load(), hotBytes)
	}
	if err := st.Drop(1); err != nil {
		t.Fatal(err)
	}
	if got := st.hot.bytes.Load(); got != 0 {
		t.Errorf("%d bytes are counted of nothing", got)
	}
}

func BenchmarkGet(b *testing.B) {
	st := open(b, Options{Dir: b.TempDir(), NoSync: true})
	defer st.Close()
	tab := table(b, st, &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}})
	pad := s(string(make([]byte, 350)))
	const items = 300_000
	key := func(i int) attr.Item { return attr.Item{"k": s(fmt.Sprint(i))} }
	l := tab.Loader()
	for i := range items {
		if err := l.Put(context.Background(), attr.Item{"k": s(fmt.Sprint(i)), "pad": pad}); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil {
		b.Fatal(err)
	}
	for _, of := range []int{1000, items} {
		keys := make([]attr.Item, of)
		for i := range keys {
			keys[i] = key(i * 7919 % items)
		}
		b.Run(fmt.Sprint(of), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 1) % of
				if _, found, err := tab.Get(keys[i]); !found || err != nil {
					b.Fatal(found, err)
				}
			}
		})
	}
}
