package objectstore

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// keyLocks are locks of keys, shared by keys that hash alike. The zero value is ready.
type keyLocks struct{ of [1024]sync.Mutex }

var lockSeed = maphash.MakeSeed()

// lock locks a key, and returns what unlocks it.
func (l *keyLocks) lock(bucket, key string) (unlock func()) {
	m := &l.of[maphash.String(lockSeed, bucket+"/"+key)%uint64(len(l.of))]
	m.Lock()
	return m.Unlock
}

// bucketGate lets changes to a bucket's objects become visible, many at a time, except
// while the bucket is deleted. The zero value is open.
type bucketGate struct {
	mu    sync.Mutex
	gates map[string]*gate
}

type gate struct {
	sync.RWMutex
	users int
}

func (b *bucketGate) take(bucket string) *gate {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.gates[bucket]
	if g == nil {
		if b.gates == nil {
			b.gates = map[string]*gate{}
		}
		g = new(gate)
		b.gates[bucket] = g
	}
	g.users++
	return g
}

func (b *bucketGate) leave(bucket string, g *gate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(b.gates, bucket)
	}
}

// enter waits while the bucket is deleted. The function that it returns leaves.
func (b *bucketGate) enter(bucket string) func() {
	g := b.take(bucket)
	g.RLock()
	return func() { g.RUnlock(); b.leave(bucket, g) }
}

// close waits until all have left, and keeps others out until its function is called.
func (b *bucketGate) close(bucket string) func() {
	g := b.take(bucket)
	g.Lock()
	return func() { g.Unlock(); b.leave(bucket, g) }
}

// A dirSet remembers directories whose own names are on disk, so that a put into a deep
// prefix does not sync its whole path each time. It holds at most maxSynced names; the
// zero value is empty.
type dirSet struct {
	mu   sync.Mutex
	dirs map[string]struct{}
}

const maxSynced = 1 << 16

func (s *dirSet) has(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.dirs[dir]
	return ok
}

func (s *dirSet) add(dirs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs == nil || len(s.dirs)+len(dirs) > maxSynced {
		s.dirs = map[string]struct{}{}
	}
	for _, dir := range dirs {
		s.dirs[dir] = struct{}{}
	}
}

// forget takes out dir, which has been removed.
func (s *dirSet) forget(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dirs, dir)
}

func (s *dirSet) forgetBelow(root string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for dir := range s.dirs {
		if dir == root || strings.HasPrefix(dir, root+"/") {
			delete(s.dirs, dir)
		}
	}
}

func (s *dirSet) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs = nil
}

// commitName makes the object that has just been renamed into place survive a crash: its
// name, and the names of the directories above it.
func (s *Store) commitName(bucket, path string) error {
	root := s.file(bucket, "")
	var named []string
	for dir := filepath.Dir(filepath.Join(root, path)); ; dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil && !isGone(err) {
			return err
		}
		if len(dir) <= len(root) || s.synced.has(dir) {
			break
		}
		named = append(named, dir)
	}
	s.synced.add(named...)
	return nil
}

// isGone reports whether an error says that a file, or a folder on the way to it, is not there.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// removed makes a deletion survive a crash: it syncs the directory that has lost a name,
// which is the lowest that is left, for emptied directories are removed.
func (s *Store) removed(bucket, path string) error {
	root := s.file(bucket, "")
	for dir := filepath.Dir(filepath.Join(root, path)); len(dir) >= len(root); dir = filepath.Dir(dir) {
		err := syncDir(dir)
		if err == nil {
			return nil
		}
		if !isGone(err) {
			return err
		}
		s.synced.forget(dir)
	}
	return nil
}
