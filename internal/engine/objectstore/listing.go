package objectstore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A listing goes over the files of a bucket's objects in the order of their keys. It reads
// the folders that it comes to and no others: what it costs is a page, however many
// objects the bucket has, as long as they are in folders.
type listing struct {
	ctx       context.Context
	root      string // the bucket's directory
	prefix    string
	delimiter string
	after     string // keys up to this one are passed over, and so is the common prefix it is in
	including bool   // but not the key that is after itself
	within    bool   // a common prefix that after is in counts, with the keys behind it

	// exists reports whether the file at a path below the bucket is an object to be seen.
	exists func(path string, info fs.DirEntry) bool
	// object is called for each object, common for each common prefix. They return false
	// to end the listing.
	object func(key, path string, file fs.DirEntry) bool
	common func(prefix string) bool

	last string // the common prefix that was called for last
}

// errEnough ends a listing.
var errEnough = errors.New("enough")

// run lists.
func (l *listing) run() error {
	dir, key := "", ""
	if i := strings.LastIndexByte(l.prefix, '/'); i >= 0 {
		var ok bool
		if dir, ok = encodeKey(l.prefix[:i]); !ok {
			return nil
		}
		key = l.prefix[:i+1]
	}
	err := l.walk(dir, key)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// walked is a file, or a folder, whose name ends in a slash.
type walked struct {
	name string // as in keys
	path string // below the bucket
	file fs.DirEntry
}

// walk lists the folder at dir, whose entries' keys start with key.
func (l *listing) walk(dir, key string) error {
	entries, err := l.read(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b walked) int { return strings.Compare(a.name, b.name) })
	for _, e := range entries {
		full := key + e.name
		folder := e.file.IsDir() && strings.HasSuffix(e.name, "/")
		switch {
		case folder && !strings.HasPrefix(full, l.prefix) && !strings.HasPrefix(l.prefix, full),
			!folder && !strings.HasPrefix(full, l.prefix):
			continue
		case folder && full < l.after && !strings.HasPrefix(l.after, full),
			!folder && (full < l.after || full == l.after && !l.including && l.after != ""):
			continue
		}
		if common, ok := l.cut(full); ok {
			if common == l.last || !l.within && l.after != "" && strings.HasPrefix(l.after, common) {
				continue
			}
			found := !folder && l.exists(e.path, e.file)
			if folder {
				if strings.HasPrefix(l.after, full) {
					found, err = l.later(e.path, full)
				} else {
					found, err = l.any(e.path)
				}
				if err != nil {
					return err
				}
			}
			if !found {
				continue
			}
			if l.last = common; !l.common(common) {
				return errEnough
			}
			continue
		}
		if folder {
			if err := l.walk(e.path, full); err != nil {
				return err
			}
			continue
		}
		if l.exists(e.path, e.file) && !l.object(full, e.path, e.file) {
			return errEnough
		}
	}
	return nil
}

// cut returns the common prefix that a key, or all keys that start so, are under.
func (l *listing) cut(key string) (string, bool) {
	if l.delimiter == "" || len(key) < len(l.prefix) {
		return "", false
	}
	i := strings.Index(key[len(l.prefix):], l.delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(l.prefix)+i+len(l.delimiter)], true
}

// read returns the entries of a folder.
func (l *listing) read(dir string) ([]walked, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	files, err := readDir(filepath.Join(l.root, dir))
	if err != nil {
		return nil, err
	}
	entries := make([]walked, 0, len(files))
	for _, f := range files {
		if dir == "" && f.Name() == reservedName {
			continue
		}
		path := joinKey(dir, f.Name())
		name, goesOn, self := decodeName(f.Name())
		switch {
		case self: // its folder's folder has it
		case goesOn && f.IsDir():
			rest, err := l.read(path)
			if err != nil {
				return nil, err
			}
			for _, e := range rest {
				e.name = name + e.name
				entries = append(entries, e)
			}
		case f.IsDir():
			entries = append(entries, walked{name + "/", path, f})
			if info, err := os.Lstat(filepath.Join(l.root, path, markSelf)); err == nil {
				entries = append(entries, walked{name, path + "/" + markSelf, fs.FileInfoToDirEntry(info)})
			}
		case f.Type().IsRegular():
			entries = append(entries, walked{name, path, f})
		}
	}
	return entries, nil
}

// readDir reads a folder, which has no entries if it is gone.
func readDir(path string) ([]fs.DirEntry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	f.Close() // nothing was written
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return entries, err
}

// later reports whether there is an object below a folder whose key is behind after.
func (l *listing) later(dir, key string) (found bool, err error) {
	below := &listing{ctx: l.ctx, root: l.root, after: l.after, exists: l.exists}
	below.object = func(string, string, fs.DirEntry) bool {
		found = true
		return false
	}
	if err := below.walk(dir, key); err != nil && !errors.Is(err, errEnough) {
		return false, err
	}
	return found, nil
}

// any reports whether there is an object below a folder.
func (l *listing) any(dir string) (bool, error) {
	if err := l.ctx.Err(); err != nil {
		return false, err
	}
	f, err := os.Open(filepath.Join(l.root, dir))
	if isGone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(64)
		for _, e := range entries {
			path := dir + "/" + e.Name()
			if e.Type().IsRegular() && e.Name() != markSelf && l.exists(path, e) {
				return true, nil
			}
			if e.IsDir() {
				// Itself, or what is below it.
				if self, err := os.Lstat(filepath.Join(l.root, path, markSelf)); err == nil && l.exists(path+"/"+markSelf, fs.FileInfoToDirEntry(self)) {
					return true, nil
				}
				if found, err := l.any(path); found || err != nil {
					return found, err
				}
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
