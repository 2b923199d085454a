// Package pebblestore opens a Pebble database that fails as one part of a node should: by
// errors, and without ending the process.
//
// # When the disk fails
//
// Pebble gives up on what it cannot go on after (a write or sync of its log that failed, a
// file that is not as it was written) by calling its logger's Fatalf, which must not return
// and by default ends the process. Here it marks the database as failed, tells OnError, and
// ends what Pebble was doing: below Guard, which then returns ErrFailed, by a panic that Guard
// recovers from; in a goroutine of Pebble's own, by ending that. A database that failed takes
// no calls any more, since Pebble may hold its locks; it is to be opened again, and its log
// then says what was acknowledged. So every call of the database is made below Guard.
//
// What Pebble tries again (the writing of a table from memory) it tries until it succeeds, and
// OnError is told of each failure. Open, which may have such a table to write, waits so too.
//
// # Bounds
//
// Memory is the cache, four memtables, and the files that are open at the same time. Writes
// are held up where compactions do not keep up. Room tells, before a write, whether the disk
// has MinFree bytes left: Pebble itself cannot go on without room.
//
// # What is durable when
//
// A write with Sync is on disk when it returns. Barrier waits for all that was applied before
// without a sync. With NoSync neither waits: nothing needs to outlive the process.
package pebblestore

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Errors of a database. Others wrap what the disk said.
var (
	ErrFull   = errors.New("the disk is full")
	ErrFailed = errors.New("the disk failed, the store must be opened again")
)

// Options configure a database.
type Options struct {
	Name    string      // of the store, before its errors
	Dir     string      // of the database
	FS      vfs.FS      // nil: the disk
	NoSync  bool        // nothing needs to outlive the process
	MinFree int64       // bytes that the disk must have left for Room; 0: 128 MiB, negative: no check
	OnError func(error) // told of what goes wrong in the background; nil: silence

	CacheBytes int64                 // blocks in memory; 0: 8 MiB
	Tune       func(*pebble.Options) // changes what a store needs to be otherwise; may be nil
}

// DB is a database. Its methods, and Pebble's, may be called from many goroutines, Pebble's
// below Guard.
type DB struct {
	*pebble.DB
	o      Options
	failed atomic.Pointer[error]

	freeMu sync.Mutex
	freeAt time.Time
	full   bool
}

// Open opens a database, or makes an empty one.
func Open(o Options) (*DB, error) {
	if o.MinFree == 0 {
		o.MinFree = 128 << 20
	}
	return open(o, func(po *pebble.Options) {
		po.MemTableSize, po.MemTableStopWritesThreshold = 8<<20, 4
		po.L0CompactionThreshold, po.L0StopWritesThreshold = 4, 24
	})
}

// OpenReadOnly opens a database that nothing writes, such as a checkpoint.
func OpenReadOnly(o Options) (*DB, error) {
	return open(o, func(po *pebble.Options) { po.ReadOnly = true })
}

func open(o Options, set func(*pebble.Options)) (*DB, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 8 << 20
	}
	d := &DB{o: o}
	po := &pebble.Options{
		FS: o.FS, MaxOpenFiles: 200, FormatMajorVersion: pebble.FormatNewest, Logger: logger{d},
		EventListener: &pebble.EventListener{BackgroundError: func(err error) { o.OnError(fmt.Errorf("%s: %w", o.Name, err)) }},
	}
	set(po)
	if o.Tune != nil {
		o.Tune(po)
	}
	// Pebble takes the memory of memtables out of that of the cache: without room for the one that
	// is written and the one that goes to the disk, a cache of their size holds no blocks at all.
	po.Cache = pebble.NewCache(o.CacheBytes + 2*int64(po.MemTableSize))
	defer po.Cache.Unref()
	err := d.Guard(func() (err error) {
		d.DB, err = pebble.Open(o.Dir, po)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: open %s: %w", o.Name, o.Dir, err)
	}
	return d, nil
}

// Close closes the database, all calls of which must have returned. One that failed stays as
// it is, since closing it might wait for ever.
func (d *DB) Close() error {
	if d.Failed() != nil {
		return nil
	}
	return d.Guard(d.DB.Close)
}

// Failed is the error of a database that takes nothing any more, ErrFailed, or nil.
func (d *DB) Failed() error {
	if err := d.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Fail marks the database as failed by err, such as that of a sync, and tells OnError the
// first time.
func (d *DB) Fail(err error) {
	err = fmt.Errorf("%s: %w: %w", d.o.Name, ErrFailed, err)
	if d.failed.CompareAndSwap(nil, &err) {
		d.o.OnError(err)
	}
}

// Guard calls f, in which Pebble may give up. It returns f's error, or that of a database
// that failed, now or before.
func (d *DB) Guard(f func() error) (err error) {
	if err := d.Failed(); err != nil {
		return err
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fatal:
			err = p.d.Failed()
		default:
			panic(p)
		}
	}()
	return f()
}

// Room returns ErrFull where the disk has less than MinFree bytes left. It asks the disk at
// most ten times a second.
func (d *DB) Room() error {
	if d.o.MinFree < 0 {
		return nil
	}
	d.freeMu.Lock()
	defer d.freeMu.Unlock()
	if now := time.Now(); now.Sub(d.freeAt) > 100*time.Millisecond {
		u, err := d.o.FS.GetDiskUsage(d.o.Dir)
		d.freeAt, d.full = now, err == nil && u.AvailBytes < uint64(d.o.MinFree)
	}
	if d.full {
		return fmt.Errorf("%s: %w", d.o.Name, ErrFull)
	}
	return nil
}

// Sync is how an acknowledged write is done: synced, unless NoSync was asked for.
func (d *DB) Sync() *pebble.WriteOptions {
	if d.o.NoSync {
		return pebble.NoSync
	}
	return pebble.Sync
}

// Barrier returns when everything that was applied is on disk. It is called below Guard.
func (d *DB) Barrier() error {
	if d.o.NoSync {
		return nil
	}
	return d.LogData(nil, pebble.Sync)
}

// logger hears of what Pebble cannot go on after.
type logger struct{ d *DB }

// fatal is what Guard recovers from: d gave up. The Guard may be another database's.
type fatal struct{ d *DB }

func (logger) Infof(string, ...any) {}

func (l logger) Errorf(f string, a ...any) { l.d.o.OnError(fmt.Errorf(l.d.o.Name+": "+f, a...)) }

// Fatalf does not return.
func (l logger) Fatalf(f string, a ...any) {
	l.d.Fail(fmt.Errorf(f, a...))
	var pcs [64]uintptr
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			runtime.Goexit() // a goroutine of Pebble's own
		}
		for frames := runtime.CallersFrames(pcs[:n]); ; {
			fr, more := frames.Next()
			if strings.HasSuffix(fr.Function, "pebblestore.(*DB).Guard") {
				panic(fatal(l))
			}
			if !more {
				break
			}
		}
	}
}
