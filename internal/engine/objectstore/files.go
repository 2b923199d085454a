package objectstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A File is an object as the file that holds it.
type File struct {
	Key     string
	Path    string // absolute
	Size    int64  // of its data
	ModTime time.Time
	Sealed  bool // the file has the data encrypted: it is to be read by Store.OpenFile
}

// measure fills in what the record of a file says of its data, where the store has ever encrypted.
func (s *Store) measure(f *File) error {
	if len(s.keys.byID) == 0 || f.Size == 0 {
		return nil
	}
	r, err := s.readRecord(nil, f.Path)
	if err != nil {
		return err
	}
	f.Size, f.Sealed = r.dataSize(f.Size), r.sealed != nil
	return nil
}

// LocalFile returns the file that holds an object, and whether there is one.
func (s *Store) LocalFile(bucket, key string) (file File, ok bool) {
	if CheckKey(key) != nil || strings.HasSuffix(key, "/") {
		return File{}, false
	}
	below, ok := s.place(bucket, key)
	if !ok || s.swaps.hides(bucket, below) {
		return File{}, false
	}
	path := s.file(bucket, below)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || s.versioning(bucket) != Unversioned && s.isMarker(path) {
		return File{}, false
	}
	file = File{Key: key, Path: path, Size: info.Size(), ModTime: info.ModTime()}
	return file, s.measure(&file) == nil
}

// A Snapshot shows objects as they were when it was made, as far as Replace is concerned:
// what Replace has taken away since can be listed, and its files can be read. It is to be
// released.
type Snapshot struct {
	s    *Store
	view view
}

// Snapshot begins a snapshot.
func (s *Store) Snapshot() *Snapshot { return &Snapshot{s, s.swaps.view()} }

// Release ends the snapshot.
func (s *Snapshot) Release() { s.view.release() }

// Files is Files of the present snapshot.
func (s *Store) Files(ctx context.Context, bucket, prefix string) ([]File, error) {
	now := s.Snapshot()
	defer now.Release()
	return now.Files(ctx, bucket, prefix)
}

// Files returns the objects of a bucket whose keys start with prefix, in the order of
// their keys, as ListObjectsV2 would list them. It reads directories alone, not the
// objects. Keys that end in "/" are left out: they hold no data. A bucket that does
// not exist has none.
func (v *Snapshot) Files(ctx context.Context, bucket, prefix string) ([]File, error) {
	var files []File
	if err := v.Walk(ctx, bucket, prefix, func(f File) { files = append(files, f) }); err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Key, b.Key) })
	return files, nil
}

// Walk is Files for one object after the other, in no order.
func (v *Snapshot) Walk(ctx context.Context, bucket, prefix string, visit func(File)) error {
	s := v.s
	// The part of the prefix up to its last slash is a directory, and the walk's root.
	dir := ""
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		var ok bool
		if dir, ok = encodeKey(prefix[:i]); !ok {
			return nil
		}
	}
	w := fileWalk{s: s, view: v.view, ctx: ctx, bucket: bucket, prefix: prefix, visit: visit, versioned: s.versioning(bucket) != Unversioned, slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	w.walk(filepath.Join(s.dir, bucket, filepath.FromSlash(dir)), dir)
	w.wg.Wait()
	return w.err
}

// fileWalk reads a tree of directories, several at a time: what it waits for is mostly
// the kernel.
type fileWalk struct {
	s      *Store
	view   view
	ctx    context.Context
	bucket string
	prefix string
	// versioned is set where a file may stand for the deletion of its object.
	versioned bool
	slots     chan struct{}
	wg        sync.WaitGroup

	mu    sync.Mutex
	visit func(File)
	err   error
}

// walk adds the files below path, which is dir below the bucket.
func (w *fileWalk) walk(path, dir string) {
	files, dirs, err := w.read(path, dir)
	w.mu.Lock()
	for _, f := range files {
		w.visit(f)
	}
	if w.err == nil {
		w.err = err
	}
	failed := w.err != nil
	w.mu.Unlock()
	if failed {
		return
	}
	for _, name := range dirs {
		sub, key := path+"/"+name, joinKey(dir, name)
		select {
		case w.slots <- struct{}{}:
			w.wg.Go(func() {
				defer func() { <-w.slots }()
				w.walk(sub, key)
			})
		default:
			w.walk(sub, key)
		}
	}
}

func joinKey(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// read returns the files of one directory, and the names of directories to read.
func (w *fileWalk) read(path, dir string) (files []File, dirs []string, err error) {
	if err := w.ctx.Err(); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	var entries []fs.DirEntry
	if err == nil {
		entries, err = f.ReadDir(-1)
		f.Close() // nothing was written
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil, nil // nothing starts so, or it has just been deleted
	}
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		below := joinKey(dir, e.Name())
		if below == reservedName {
			continue
		}
		key := decodePath(below)
		if e.IsDir() {
			// Below the prefix, or on the way to it.
			if strings.HasPrefix(e.Name(), markPiece) || strings.HasPrefix(key+"/", w.prefix) || strings.HasPrefix(w.prefix, key+"/") {
				dirs = append(dirs, e.Name())
			}
			continue
		}
		if !e.Type().IsRegular() || !strings.HasPrefix(key, w.prefix) || strings.HasSuffix(key, "/") || w.view.hides(w.bucket, below) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if w.versioned && w.s.isMarker(path+"/"+e.Name()) {
			continue
		}
		file := File{Key: key, Path: path + "/" + e.Name(), Size: info.Size(), ModTime: info.ModTime()}
		if err := w.s.measure(&file); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
	}
	return files, dirs, nil
}
