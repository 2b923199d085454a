package itemstore

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// TestAFailingDisk lets syncs of the log fail at some moment: writers get an error, none
// hangs, the store says so from then on, and what was acknowledged before is there when the
// disk works again.
func TestAFailingDisk(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var broken atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileWrite) {
			return errors.New("the disk is broken")
		}
		return nil
	}))
	var told atomic.Int32
	st := open(t, Options{FS: fs, Dir: "db", OnError: func(error) { told.Add(1) }})
	def := &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}, Feed: true}
	tab := table(t, st, def)
	var acked sync.Map
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				if err := put(tab, attr.Item{"k": s(id), "v": n(i)}); err != nil {
					if !errors.Is(err, ErrFailed) {
						t.Errorf("a write on a broken disk: %v, want ErrFailed", err)
					}
					return
				}
				acked.Store(id, true)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	broken.Store(true)
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("writers hang on a broken disk")
	}
	if _, _, err := tab.Get(attr.Item{"k": s("0-0")}); !errors.Is(err, ErrFailed) {
		t.Errorf("a read after the failure: %v, want ErrFailed", err)
	}
	if told.Load() == 0 {
		t.Error("nobody was told")
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	broken.Store(false)
	st = open(t, Options{FS: mem.CrashClone(vfs.CrashCloneCfg{}), Dir: "db"})
	defer st.Close()
	tab = table(t, st, def)
	lost := 0
	acked.Range(func(id, _ any) bool {
		if _, found, err := tab.Get(attr.Item{"k": s(id.(string))}); err != nil || !found {
			lost++
		}
		return true
	})
	if lost > 0 {
		t.Errorf("%d acknowledged items are lost", lost)
	}
}

// The log is changed for another while writes wait for their sync: what was acknowledged is there after a crash.
func TestACrashAfterTheLogChanged(t *testing.T) {
	mem := vfs.NewCrashableMem()
	st := open(t, Options{FS: mem, Dir: "db"})
	defer st.Close()
	def := &Definition{ID: 1, Hash: KeyAttribute{"k", attr.TypeString}}
	tab := table(t, st, def)
	pad := s(strings.Repeat("x", 100<<10))
	var acked sync.Map
	var next atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1); i <= 400; i = next.Add(1) { // 40 MB, more than a memtable
				id := fmt.Sprint(i)
				if err := put(tab, attr.Item{"k": s(id), "pad": pad}); err != nil {
					t.Error(err)
				}
				acked.Store(id, true)
			}
		})
	}
	var clones []*vfs.MemFS
	var had []int
	for range 3 {
		at := next.Load()
		for next.Load() < min(at+100, 400) {
			runtime.Gosched()
		}
		n := 0
		acked.Range(func(any, any) bool { n++; return true })
		clones, had = append(clones, mem.CrashClone(vfs.CrashCloneCfg{})), append(had, n)
	}
	wg.Wait()
	clones, had = append(clones, mem.CrashClone(vfs.CrashCloneCfg{})), append(had, 400)
	for i, fs := range clones {
		again := open(t, Options{FS: fs, Dir: "db"})
		n := 0
		tab := table(t, again, def)
		for id := range 400 {
			if _, found, err := tab.Get(attr.Item{"k": s(fmt.Sprint(id + 1))}); err != nil {
				t.Error(err)
			} else if found {
				n++
			}
		}
		if n < had[i] {
			t.Errorf("crash %d: %d items are there, %d were acknowledged", i, n, had[i])
		}
		again.Close()
	}
}
