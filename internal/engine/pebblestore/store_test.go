package pebblestore

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// told counts what OnError is told.
type told struct{ n atomic.Int32 }

func (c *told) hear(error) { c.n.Add(1) }

func mustOpen(t *testing.T, o Options) *DB {
	t.Helper()
	o.Name, o.Dir, o.MinFree = "test", "db", -1
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *DB) put(key string) error {
	return d.Guard(func() error { return d.Set([]byte(key), []byte("v"), d.Sync()) })
}

// inTime fails where f takes for ever.
func inTime(t *testing.T, f func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); f() }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it hangs")
	}
}

// breaking is a disk whose operations on files fail from some moment on.
func breaking(mem vfs.FS, broken *atomic.Bool, suffix string, kinds ...errorfs.OpKind) vfs.FS {
	return errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !broken.Load() || !strings.HasSuffix(op.Path, suffix) {
			return nil
		}
		for _, k := range kinds {
			if op.Kind == k {
				return errors.New("the disk is broken")
			}
		}
		return nil
	}))
}

// TestTheLogFails lets writes and syncs of the log fail while there are writers: each is told
// ErrFailed, so is whoever calls later, and what was acknowledged is there afterwards.
func TestTheLogFails(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var broken atomic.Bool
	var heard told
	d := mustOpen(t, Options{FS: breaking(mem, &broken, ".log", errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileWrite), OnError: heard.hear})
	var acked sync.Map
	var writers sync.WaitGroup
	var some atomic.Int32
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d", w, i)
				if err := d.put(key); err != nil {
					if !errors.Is(err, ErrFailed) || !strings.HasPrefix(err.Error(), "test: the disk failed") {
						t.Errorf("a write on a broken disk: %v, want ErrFailed", err)
					}
					return
				}
				acked.Store(key, true)
				if some.Add(1) == 100 {
					broken.Store(true)
				}
			}
		})
	}
	inTime(t, writers.Wait)
	if err := d.Guard(func() error { t.Error("a failed database is called"); return nil }); !errors.Is(err, ErrFailed) {
		t.Errorf("after the failure: %v, want ErrFailed", err)
	}
	if heard.n.Load() == 0 {
		t.Error("nobody was told")
	}
	inTime(t, func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	d = mustOpen(t, Options{FS: mem.CrashClone(vfs.CrashCloneCfg{})})
	defer d.Close()
	acked.Range(func(key, _ any) bool {
		err := d.Guard(func() error {
			_, c, err := d.Get([]byte(key.(string)))
			if err == nil {
				c.Close()
			}
			return err
		})
		if err != nil {
			t.Errorf("%s was acknowledged: %v", key, err)
		}
		return true
	})
}

// TestAFileIsDamaged: what is read of a damaged table is an error, never an absence.
func TestAFileIsDamaged(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, Options{FS: mem})
	for i := range 1000 {
		if err := d.put(fmt.Sprintf("%04d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Guard(d.Flush); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := mem.List("db")
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		f, err := mem.OpenReadWrite(mem.PathJoin("db", name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("damage"), 10); err != nil {
			t.Fatal(err)
		}
		f.Close()
		damaged++
	}
	if damaged == 0 {
		t.Fatal("no table was written")
	}
	d = mustOpen(t, Options{FS: mem})
	inTime(t, func() {
		err := d.Guard(func() error {
			_, _, err := d.Get([]byte("0001"))
			return err
		})
		if err == nil || errors.Is(err, pebble.ErrNotFound) {
			t.Errorf("a damaged table answers %v", err)
		}
		d.Close()
	})
}

// TestOpeningFails: a disk that cannot be read while the database is opened is an error too.
func TestOpeningFails(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpOpen, errorfs.OpFileRead, errorfs.OpFileReadAt, errorfs.OpList} {
		mem := vfs.NewMem()
		d := mustOpen(t, Options{FS: mem})
		if err := d.put("k"); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		var broken atomic.Bool
		broken.Store(true)
		inTime(t, func() {
			d, err := Open(Options{Name: "test", Dir: "db", FS: breaking(mem, &broken, "", kind), MinFree: -1})
			if err == nil {
				d.Close() // it did not need what is broken
			} else if !strings.HasPrefix(err.Error(), "test: open db: ") {
				t.Error(err)
			}
		})
	}
}

// TestGivingUpBelowAnother: a database that gives up below another's Guard is the one that
// failed.
func TestGivingUpBelowAnother(t *testing.T) {
	a, b := mustOpen(t, Options{FS: vfs.NewMem()}), mustOpen(t, Options{FS: vfs.NewMem()})
	defer b.Close()
	err := b.Guard(func() error {
		logger{a}.Fatalf("%s", "gives up")
		return nil
	})
	if !errors.Is(err, ErrFailed) || a.Failed() == nil || b.Failed() != nil {
		t.Errorf("%v, a: %v, b: %v", err, a.Failed(), b.Failed())
	}
	// A panic of another sort goes on.
	func() {
		defer func() {
			if p := recover(); p != "bug" {
				t.Errorf("recovered %v", p)
			}
		}()
		b.Guard(func() error { panic("bug") })
	}()
	// A goroutine without a Guard, such as Pebble's own, ends.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		logger{b}.Fatalf("%s", "gives up")
		t.Error("Fatalf returns")
	}()
	<-ended
	if b.Failed() == nil {
		t.Error("b has not failed")
	}
}

func TestRoom(t *testing.T) {
	d, err := Open(Options{Name: "test", Dir: t.TempDir(), MinFree: math.MaxInt64, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Room(); !errors.Is(err, ErrFull) || err.Error() != "test: the disk is full" {
		t.Error(err)
	}
}

func TestOpenReadOnly(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, Options{FS: mem})
	if err := d.put("k"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReadOnly(Options{Name: "test", Dir: "db", FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.put("l"); !errors.Is(err, pebble.ErrReadOnly) {
		t.Errorf("a write: %v", err)
	}
}

// TestTheCacheHoldsBlocks reads what a flush has written: the memory of memtables is not that of
// blocks, so what was read once is read from memory.
func TestTheCacheHoldsBlocks(t *testing.T) {
	d := mustOpen(t, Options{FS: vfs.NewMem(), CacheBytes: 1 << 20})
	defer d.Close()
	value := []byte(strings.Repeat("v", 1<<10))
	err := d.Guard(func() error {
		for i := range 256 {
			value[0] = byte(i)
			if err := d.Set(fmt.Appendf(nil, "%03d", i), value, pebble.NoSync); err != nil {
				return err
			}
		}
		return d.Flush()
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func() {
		for i := range 256 {
			_, closer, err := d.Get(fmt.Appendf(nil, "%03d", i))
			if err != nil {
				t.Fatal(err)
			}
			closer.Close()
		}
	}
	read()
	before := d.Metrics().BlockCache.Misses
	read()
	if after := d.Metrics().BlockCache.Misses; after > before {
		t.Errorf("%d blocks were read again", after-before)
	}
}
