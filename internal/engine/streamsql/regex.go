package streamsql

import (
	"regexp"
	"sync"
)

// regexCache keeps compiled patterns. It is shared by all Apps.
type regexCache struct {
	mu   sync.RWMutex
	kept map[string]*regexp.Regexp
}

const maxRegexes = 1000

func newRegexCache() *regexCache { return &regexCache{kept: map[string]*regexp.Regexp{}} }

func (c *regexCache) get(pattern string) (*regexp.Regexp, *rowError) {
	c.mu.RLock()
	re := c.kept[pattern]
	c.mu.RUnlock()
	if re != nil {
		return re, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, &rowError{errorArgument, "The regular expression '" + pattern + "' cannot be used: " + err.Error()}
	}
	c.mu.Lock()
	if len(c.kept) >= maxRegexes {
		clear(c.kept)
	}
	c.kept[pattern] = re
	c.mu.Unlock()
	return re, nil
}
