package policy

import "sync"

// Cache keeps compiled documents by their text, so that a document is compiled once however often it is
// asked for, and a changed one is another. The zero value works; it may be used by any number of
// goroutines.
type Cache struct {
	mu    sync.RWMutex
	docs  [kinds]map[string]*Document
	bytes int
}

// maxCached bounds the texts that a cache holds, in bytes. Beyond it the cache starts again.
const maxCached = 16 << 20

// Parse is Parse, from the cache.
func (c *Cache) Parse(text string, kind Kind) (*Document, error) {
	c.mu.RLock()
	d := c.docs[kind][text]
	c.mu.RUnlock()
	if d != nil {
		return d, nil
	}
	d, err := Parse(text, kind)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes+len(text) > maxCached {
		c.docs, c.bytes = [kinds]map[string]*Document{}, 0
	}
	if c.docs[kind] == nil {
		c.docs[kind] = map[string]*Document{}
	}
	c.docs[kind][text] = d
	c.bytes += len(text)
	return d, nil
}
