package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errNoStream is that of a stream without files.
var errNoStream = errors.New("no such stream")

// streamDir is where the server keeps a stream.
func streamDir(dir, stream string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", stream)
}

// files are those of one stream. It knows which have not changed since they were synced.
type files struct {
	dir  string
	disk *disk

	mu      sync.Mutex
	changed sync.Cond
	running bool
	whole   bool   // the next run has to sync more than what was appended
	begun   uint64 // runs
	ended   uint64
	err     error // of the last run

	born   int64                  // when the stream was made, in nanoseconds; 0: not known
	synced map[string]fs.FileInfo // by path, as they were before they were synced

	tail *tail // of the run under way
	keep bool  // the block is kept open
}

func newFiles(d *disk, stream string) *files {
	f := &files{dir: streamDir(d.dir, stream), disk: d}
	f.changed.L = &f.mu
	return f
}

// created reports when the stream was made.
func (f *files) created() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.born == 0 {
		var err error
		if f.born, err = readBorn(f.dir); err != nil {
			return 0, err
		}
	}
	return f.born, nil
}

// known reports whether the files have been synced since the start.
func (f *files) known() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced != nil
}

func readBorn(dir string) (int64, error) {
	meta, err := os.ReadFile(filepath.Join(dir, "meta.inf"))
	if err != nil {
		return 0, err
	}
	var info struct{ Created time.Time }
	if err := json.Unmarshal(meta, &info); err != nil {
		return 0, fmt.Errorf("description of the stream: %w", err)
	}
	return info.Created.UnixNano(), nil
}

// sync makes everything durable.
func (f *files) sync() error { return f.share(true, false) }

// syncAppended makes the messages durable that the server has appended, and keeps the last block
// open.
func (f *files) syncAppended() error { return f.share(false, true) }

// syncClosed is syncAppended, and keeps nothing open.
func (f *files) syncClosed() error { return f.share(false, false) }

// share returns when a run that began after the call has ended, so that those who come
// during one share the next.
func (f *files) share(whole, keep bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole, f.keep = f.whole || whole, keep
	for want := f.begun + 1; f.ended < want; {
		if f.running {
			f.changed.Wait()
			continue
		}
		whole, keep := f.whole, f.keep
		f.running, f.whole = true, false
		f.begun++
		f.mu.Unlock()
		err := f.run(whole, keep)
		f.mu.Lock()
		f.running, f.ended, f.err = false, f.begun, err
		f.changed.Broadcast()
	}
	return f.err
}

func (f *files) run(whole, keep bool) error {
	if f.disk.suspects.has(filepath.Base(f.dir)) {
		if _, err := os.Lstat(f.dir); !errors.Is(err, fs.ErrNotExist) {
			return errSuspect
		}
	}
	if !whole && f.tail != nil {
		if info, err := f.tail.sync(f.syncOpen); info != nil {
			if err == nil {
				f.mu.Lock()
				f.synced[f.tail.path] = info
				f.mu.Unlock()
			}
			if !keep {
				f.tail.close()
			}
			return err
		}
	}
	f.tail.close()
	f.tail = nil
	f.mu.Lock()
	was := f.synced
	f.mu.Unlock()
	now, err := f.runWhole(was)
	f.mu.Lock()
	f.synced, f.born = now, 0 // it may be another stream now
	f.mu.Unlock()
	if err == nil && !whole {
		f.tail = findTail(now)
		if keep {
			f.tail.open()
		}
	}
	return err
}

// close gives back what sync keeps open.
func (f *files) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.running {
		f.changed.Wait()
	}
	f.tail.close()
	f.tail = nil
}

// runWhole syncs the files that have changed, and the folders whose names have. It returns
// what is synced now.
func (f *files) runWhole(was map[string]fs.FileInfo) (map[string]fs.FileInfo, error) {
	now := make(map[string]fs.FileInfo, len(was))
	names := false // have changed
	for _, dir := range []string{f.dir, filepath.Join(f.dir, "msgs")} {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) && dir == f.dir {
			if err := f.syncPath(filepath.Dir(f.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			return nil, errNoStream
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return was, err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), ".tmp") {
				continue
			}
			path := filepath.Join(dir, e.Name())
			info, err := e.Info()
			if err == nil {
				old := was[path]
				if old != nil && os.SameFile(old, info) && old.Size() == info.Size() && old.ModTime().Equal(info.ModTime()) {
					now[path] = info
					continue
				}
				names = names || old == nil || !os.SameFile(old, info)
				err = f.syncPath(path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				continue // trimmed meanwhile
			}
			if err != nil {
				return was, err
			}
			now[path] = info
		}
	}
	if names || len(now) != len(was) {
		dirs := []string{filepath.Join(f.dir, "msgs"), f.dir}
		if was == nil {
			dirs = append(dirs, filepath.Dir(f.dir))
		}
		for _, dir := range dirs {
			if err := f.syncPath(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return was, err
			}
		}
	}
	return now, nil
}

// syncPath syncs a file or folder, which is suspect when that fails.
func (f *files) syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return f.syncOpen(file)
}

func (f *files) syncOpen(file *os.File) error {
	err := f.disk.fsync(file)
	if err != nil {
		path := file.Name()
		if path == filepath.Dir(f.dir) { // the stream may not be in it
			path = f.dir
		}
		f.disk.syncFailed(path, err)
	}
	return err
}

// syncFile syncs a file or folder.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// tail is the block that the server appends to. The server makes the next one before it
// appends to that.
type tail struct {
	path string
	file *os.File // nil: it is opened to be synced
	info fs.FileInfo
	next string // path of the block that will follow
}

// findTail finds the last block; nil when there is none.
func findTail(all map[string]fs.FileInfo) *tail {
	var t tail
	last := -1
	for path, info := range all {
		name, ok := strings.CutSuffix(filepath.Base(path), ".blk")
		if n, err := strconv.Atoi(name); ok && err == nil && n > last {
			last, t.path, t.info = n, path, info
			t.next = filepath.Join(filepath.Dir(path), strconv.Itoa(n+1)+".blk")
		}
	}
	if last < 0 {
		return nil
	}
	return &t
}

// open opens the block, if it can.
func (t *tail) open() {
	if t != nil && t.file == nil {
		t.file, _ = os.Open(t.path)
	}
}

// sync syncs the block and reports what it was before. That is nil, and nothing is done,
// when it is not the last one any more.
func (t *tail) sync(sync func(*os.File) error) (fs.FileInfo, error) {
	if _, err := os.Lstat(t.next); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	info, err := os.Lstat(t.path)
	if err != nil || !os.SameFile(info, t.info) {
		return nil, nil
	}
	if t.file != nil {
		return info, sync(t.file)
	}
	file, err := os.Open(t.path)
	if err != nil {
		return nil, nil
	}
	defer file.Close()
	if now, err := file.Stat(); err != nil || !os.SameFile(now, t.info) {
		return nil, nil
	}
	return info, sync(file)
}

func (t *tail) close() {
	if t != nil && t.file != nil {
		t.file.Close()
		t.file = nil
	}
}
