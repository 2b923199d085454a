package objectstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// In S3, "d" and "d/x" are two objects that know nothing of each other. A file system has
// one name for the file of the first and the folder of the second. So where there is a
// folder "d", the object "d" is the file "d/.~s"; and a file "d" becomes a folder with
// that file in it, in one step, when the first object below "d/" is written.

// place returns the path of an object's file below its bucket.
func (s *Store) place(bucket, key string) (string, bool) {
	path, ok := encodeKey(key)
	if !ok {
		return "", false
	}
	return s.selfPlace(bucket, path), true
}

// selfPlace returns path, or where the object is that has to have another because there is
// a folder of its name.
func (s *Store) selfPlace(bucket, path string) string {
	info, err := os.Lstat(filepath.Join(s.dir, bucket, path))
	if err == nil && info.IsDir() {
		return path + "/" + markSelf
	}
	return path
}

// room makes folders of files.
type room struct {
	mu sync.Mutex // one at a time
	s  *Store
}

// roomPrefix starts the name of a folder in the making, below the bucket's directory for
// temporary files.
const roomPrefix = "room-"

// make sees to it that a file can be written at path: that what is above it are folders.
func (r *room) make(bucket, path string) error {
	root := r.s.file(bucket, "")
	_, err := os.Lstat(filepath.Join(root, path))
	if !errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		info, err := os.Lstat(filepath.Join(root, path[:i]))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.IsDir() {
			continue
		}
		if err := r.turn(bucket, path[:i]); err != nil {
			return err
		}
	}
	return nil
}

// turn makes the file at path a folder with that file in it.
func (r *room) turn(bucket, path string) error {
	if !r.s.attrs.follow() {
		return ErrBadKey
	}
	defer r.s.locks.lock(bucket, decodePath(path))()
	if err := r.s.changing(context.Background(), bucket, path); err != nil {
		return err
	}
	file := r.s.file(bucket, path)
	temp := r.s.file(bucket, reservedName)
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(temp, roomPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) // what is left is swept at the next start
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	self := filepath.Join(folder, markSelf)
	if err := os.Link(file, self); errors.Is(err, fs.ErrNotExist) {
		return nil // there is room now
	} else if err != nil {
		return err
	}
	if err := syncDir(folder); err != nil {
		return err
	}
	if err := r.moveVersions(bucket, path); err != nil {
		return err
	}
	if err := exchange(folder, file); err != nil {
		return err
	}
	// A put that came between the link and the exchange has replaced the file.
	now, err := os.Lstat(folder)
	if err == nil && now.Mode().IsRegular() {
		linked, lerr := os.Lstat(filepath.Join(file, markSelf))
		if lerr == nil && !os.SameFile(now, linked) {
			err = os.Rename(folder, filepath.Join(file, markSelf))
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(syncDir(file), syncDir(filepath.Dir(file)))
}

func (r *room) moveVersions(bucket, path string) error {
	from, to := r.s.versionsOf(bucket, path), r.s.versionsOf(bucket, path+"/"+markSelf)
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(from)))
}
