package framestore

import (
	"os"
	"sync"
)

// maxFiles is how many files of sealed packs are kept open to be read.
const maxFiles = 64

// files are sealed packs' files that are open.
type files struct {
	mu   sync.Mutex
	open map[uint32]*openFile
	used uint64
}

type openFile struct {
	*os.File
	key     uint32
	users   int
	used    uint64
	dropped bool
}

// take opens a file, or returns one that is open already. Callers give it back.
func (c *files) take(key uint32, path string) (*openFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used++
	if f := c.open[key]; f != nil {
		f.users++
		f.used = c.used
		return f, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if c.open == nil {
		c.open = make(map[uint32]*openFile)
	}
	for len(c.open) >= maxFiles {
		var oldest *openFile
		for _, f := range c.open {
			if oldest == nil || f.used < oldest.used {
				oldest = f
			}
		}
		c.dropLocked(oldest)
	}
	f := &openFile{File: file, key: key, users: 1, used: c.used}
	c.open[key] = f
	return f, nil
}

func (c *files) giveBack(f *openFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.users--
	if f.dropped && f.users == 0 {
		f.Close()
	}
}

// drop closes a file as soon as nobody reads it.
func (c *files) drop(key uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.open[key]; f != nil {
		c.dropLocked(f)
	}
}

func (c *files) dropLocked(f *openFile) {
	delete(c.open, f.key)
	f.dropped = true
	if f.users == 0 {
		f.Close()
	}
}

func (c *files) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.open {
		c.dropLocked(f)
	}
}
