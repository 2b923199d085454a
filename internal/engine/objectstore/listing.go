package objectstore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"
)

// A listing goes over the files of a bucket's objects in the order of their keys. It reads
// the folders that it comes to and no others, and big ones once for many pages (folders.go):
// what it costs is a page, however many objects the bucket has.
type listing struct {
	ctx       context.Context
	root      string // the bucket's directory
	prefix    string
	delimiter string
	folders   *folderCache
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

// walked is an entry of a folder.
type walked struct {
	name string // as in keys; that of a folder ends in a slash
	path string // below the bucket
	kind entryKind
	file fs.DirEntry // nil for isSelf
}

// entries are those of a folder in the order of their names.
type entries struct {
	list []walked // of a folder with encoded names
	big  *names   // of any other
	root string
	dir  string
}

func (e *entries) len() int {
	if e.big != nil {
		return len(e.big.items)
	}
	return len(e.list)
}

func (e *entries) at(i int) walked {
	if e.big == nil {
		return e.list[i]
	}
	name, kind := string(e.big.at(i)), e.big.items[i].kind
	path := joinKey(e.dir, strings.TrimSuffix(name, "/"))
	switch kind {
	case isSelf:
		return walked{name, path + "/" + markSelf, kind, nil}
	case isFile:
		return walked{name, path, kind, laterEntry{filepath.Join(e.root, path), name}}
	}
	return walked{name, path, kind, nil}
}

// from is the first entry whose name is not before another.
func (e *entries) from(name string) int {
	if e.big != nil {
		return e.big.from(name)
	}
	return sort.Search(len(e.list), func(i int) bool { return e.list[i].name >= name })
}

// first is the name that no entry of a folder whose keys start with key can be before and count, and within what all
// that count have to begin with.
func (l *listing) first(key string) (name, within string) {
	if rest, ok := strings.CutPrefix(l.after, key); ok {
		name, _, _ = strings.Cut(rest, "/")
	}
	if rest, ok := strings.CutPrefix(l.prefix, key); ok {
		begin, _, _ := strings.Cut(rest, "/")
		name, within = max(name, begin), begin
	}
	return name, within
}

// walk lists the folder at dir, whose entries' keys start with key.
func (l *listing) walk(dir, key string) error {
	entries, err := l.open(dir)
	if err != nil {
		return err
	}
	first, within := l.first(key)
	for i := entries.from(first); i < entries.len(); i++ {
		e := entries.at(i)
		full := key + e.name
		folder := e.kind == isFolder
		if !strings.HasPrefix(e.name, within) {
			break // those behind have another beginning, too
		}
		switch {
		case folder && !strings.HasPrefix(full, l.prefix) && !strings.HasPrefix(l.prefix, full),
			!folder && !strings.HasPrefix(full, l.prefix):
			continue
		case folder && full < l.after && !strings.HasPrefix(l.after, full),
			!folder && (full < l.after || full == l.after && !l.including && l.after != ""):
			continue
		}
		if e.kind == isSelf {
			info, err := os.Lstat(filepath.Join(l.root, e.path))
			if err != nil {
				continue // there is no such object beside the folder
			}
			e.file = fs.FileInfoToDirEntry(info)
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

// open returns the entries of a folder.
func (l *listing) open(dir string) (*entries, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	path, reserved := filepath.Join(l.root, dir), ""
	if dir == "" {
		reserved = reservedName
	}
	e := &entries{root: l.root, dir: dir}
	if e.big = l.folders.get(path); e.big != nil {
		return e, nil
	}
	var at time.Time
	var err error
	e.big, at, err = readNames(l.ctx, path, reserved)
	if errors.Is(err, errOdd) {
		e.list, err = l.read(dir)
		slices.SortFunc(e.list, func(a, b walked) int { return strings.Compare(a.name, b.name) })
		return e, err
	}
	if err == nil {
		l.folders.keep(path, e.big, at)
	}
	return e, err
}

// read returns the entries of a folder with encoded names.
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
			entries = append(entries, walked{name + "/", path, isFolder, f}, walked{name, path + "/" + markSelf, isSelf, nil})
		case f.Type().IsRegular():
			entries = append(entries, walked{name, path, isFile, f})
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
	below := &listing{ctx: l.ctx, root: l.root, folders: l.folders, after: l.after, exists: l.exists}
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
