package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	dir string

	mu      sync.Mutex
	changed sync.Cond
	running bool
	begun   uint64 // runs
	ended   uint64
	err     error // of the last run

	born   int64                  // when the stream was made, in nanoseconds; 0: not known
	synced map[string]fs.FileInfo // by path, as they were before they were synced
}

func newFiles(dir string) *files {
	f := &files{dir: dir}
	f.changed.L = &f.mu
	return f
}

// created tells when the stream was made.
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

// sync returns when a run that began after the call has ended, so that those who come
// during one share the next.
func (f *files) sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for want := f.begun + 1; f.ended < want; {
		if f.running {
			f.changed.Wait()
			continue
		}
		f.running = true
		f.begun++
		was := f.synced
		f.mu.Unlock()
		now, err := f.run(was)
		f.mu.Lock()
		f.running, f.ended, f.err = false, f.begun, err
		f.synced, f.born = now, 0 // it may be another stream now
		f.changed.Broadcast()
	}
	return f.err
}

// run syncs the files that have changed, and the folders whose names have. It returns what
// is synced now.
func (f *files) run(was map[string]fs.FileInfo) (map[string]fs.FileInfo, error) {
	now := make(map[string]fs.FileInfo, len(was))
	names := false // have changed
	for _, dir := range []string{f.dir, filepath.Join(f.dir, "msgs")} {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) && dir == f.dir {
			if err := syncFile(filepath.Dir(f.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
				err = syncFile(path)
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
			if err := syncFile(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return was, err
			}
		}
	}
	return now, nil
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
