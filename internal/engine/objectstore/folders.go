package objectstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// A bucket whose keys have few slashes is a few folders with many files. To read and sort such a folder for every page of
// a listing would cost the square of its length, so its names are kept from one page to the next (folderCache), as long as
// the folder has not changed meanwhile. What else listings look at, they look at each time: the files, their attributes,
// and what is below folders.

const (
	// bigFolder is the number of entries from which on a folder's names are kept.
	bigFolder = 512
	// maxFolders bounds the bytes of all names that are kept.
	maxFolders = 64 << 20
	// settled is how long a folder must not have changed before it is read for its names to be kept: a file system tells
	// times in ticks of some milliseconds, and a change within the tick of another one shows no other time.
	settled = 2 * time.Second
)

// names are those of a folder's entries as they are in keys, in their order: those of folders end in a slash, and each
// folder has an entry without it, for the object that may be beside it (room.go).
type names struct {
	text  []byte
	items []nameItem
}

type nameItem struct {
	start uint32
	size  uint16
	kind  entryKind
}

type entryKind uint8

const (
	isFile entryKind = iota
	isFolder
	isSelf // of the folder whose name is this with a slash; it may not be there
)

func (n *names) add(name string, kind entryKind) {
	n.items = append(n.items, nameItem{uint32(len(n.text)), uint16(len(name)), kind})
	n.text = append(n.text, name...)
}

func (n *names) at(i int) []byte {
	item := n.items[i]
	return n.text[item.start : item.start+uint32(item.size)]
}

func (n *names) bytes() int { return cap(n.text) + 8*cap(n.items) }

func (n *names) sort() {
	slices.SortFunc(n.items, func(a, b nameItem) int {
		return bytes.Compare(n.text[a.start:a.start+uint32(a.size)], n.text[b.start:b.start+uint32(b.size)])
	})
}

// from is the first entry whose name is not before another.
func (n *names) from(name string) int {
	return sort.Search(len(n.items), func(i int) bool { return string(n.at(i)) >= name })
}

// errOdd says that a folder has names that stand for others in keys (paths.go).
var errOdd = errors.New("objectstore: a folder with encoded names")

// readNames reads a folder, which has no entries if it is gone. at is when it last changed, zero if that is not known or
// was while it was read. It fails with errOdd for folders that are read otherwise; below the root of a bucket, reserved is
// passed over.
func readNames(ctx context.Context, path, reserved string) (n *names, at time.Time, err error) {
	n = &names{}
	f, err := os.Open(path)
	if isGone(err) {
		return n, at, nil
	}
	if err != nil {
		return nil, at, err
	}
	defer f.Close() // nothing was written
	before, known := changed(f.Stat())
	for {
		entries, err := f.ReadDir(bigFolder)
		for _, e := range entries {
			name := e.Name()
			switch {
			case name == reserved:
			case strings.HasPrefix(name, mark):
				if _, _, self := decodeName(name); !self { // which its folder's folder has
					return nil, at, errOdd
				}
			case e.IsDir():
				n.add(name+"/", isFolder)
				n.add(name, isSelf)
			case e.Type().IsRegular():
				n.add(name, isFile)
			}
		}
		if len(n.text) > 1<<31 {
			return nil, at, errors.New("objectstore: a folder has more names than can be listed")
		}
		if errors.Is(err, io.EOF) || isGone(err) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, at, err
		}
	}
	n.sort()
	if after, still := changed(f.Stat()); known && still && after.Equal(before) {
		at = after
	}
	return n, at, nil
}

// folderCache keeps the names of big folders. The zero value is ready; its methods may be called by many goroutines.
type folderCache struct {
	now func() time.Time // nil: time.Now; not the store's clock, for file systems have their own

	mu    sync.Mutex
	byDir map[string]*keptFolder
	size  int
	uses  uint64
}

type keptFolder struct {
	names *names
	info  fs.FileInfo
	at    time.Time
	used  uint64
}

// get returns the names of the folder at a path, if they are kept and the folder is as it was.
func (c *folderCache) get(path string) *names {
	c.mu.Lock()
	kept := c.byDir[path]
	c.mu.Unlock()
	if kept == nil {
		return nil
	}
	info, err := os.Lstat(path)
	at, ok := changed(info, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !ok || !at.Equal(kept.at) || !os.SameFile(info, kept.info) {
		c.drop(path, kept)
		return nil
	}
	c.uses++
	kept.used = c.uses
	return kept.names
}

// keep keeps the names of a folder that was read when it had last changed at a time.
func (c *folderCache) keep(path string, n *names, at time.Time) {
	now := time.Now()
	if c.now != nil {
		now = c.now()
	}
	if len(n.items) < bigFolder || n.bytes() > maxFolders || at.IsZero() || now.Sub(at) < settled {
		return
	}
	info, err := os.Lstat(path)
	if then, ok := changed(info, err); !ok || !then.Equal(at) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byDir == nil {
		c.byDir = map[string]*keptFolder{}
	}
	c.drop(path, c.byDir[path])
	for c.size+n.bytes() > maxFolders {
		oldest := ""
		for p, k := range c.byDir {
			if oldest == "" || k.used < c.byDir[oldest].used {
				oldest = p
			}
		}
		c.drop(oldest, c.byDir[oldest])
	}
	c.uses++
	c.byDir[path] = &keptFolder{n, info, at, c.uses}
	c.size += n.bytes()
}

// drop forgets a folder, if it is still the one that is kept. The lock is held.
func (c *folderCache) drop(path string, kept *keptFolder) {
	if kept != nil && c.byDir[path] == kept {
		delete(c.byDir, path)
		c.size -= kept.names.bytes()
	}
}

// laterEntry is the entry of a file of which its name is known.
type laterEntry struct{ path, name string }

func (e laterEntry) Name() string               { return e.name }
func (e laterEntry) IsDir() bool                { return false }
func (e laterEntry) Type() fs.FileMode          { return 0 }
func (e laterEntry) Info() (fs.FileInfo, error) { return os.Lstat(e.path) }
