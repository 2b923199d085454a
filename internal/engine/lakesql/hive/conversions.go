package hive

import (
	"container/list"
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
)

// Conversions keeps the files that objects were turned into for DuckDB: unpacked, or written
// as Parquet. Each is made once, however many queries ask for it, and is removed when the
// bytes of all exceed Limit, those first that were asked for longest ago, and never while a
// query holds it. A conversion is known by the path, size and time of the object's file and
// by all that its content depends on besides. It is safe for use by many goroutines.
type Conversions struct {
	Dir   string // where the files are, made when the first one is; empty: nowhere
	Limit int64  // bytes of files that no query holds; zero: none is kept

	mu      sync.Mutex
	dir     string // of this process's own, below Dir
	entries map[verdictKey]*conversion
	idle    list.List // of *conversion, those that no query holds; the oldest first
	bytes   int64     // of all that are idle
}

// conversion is one file.
type conversion struct {
	key  verdictKey
	done chan struct{} // closed when path and err are set
	path string
	size int64
	err  error

	holds int           // queries
	once  bool          // it is removed when no query holds it
	place *list.Element // in idle
}

// errNowhere is that there is no directory for conversions.
var errNowhere = errors.New("the engine has no temporary directory")

// get gives the conversion of a key, made by write if it is not there. The caller releases it
// where there is no error.
func (c *Conversions) get(ctx context.Context, key verdictKey, write func(out *os.File) error) (*conversion, error) {
	for {
		c.mu.Lock()
		e := c.entries[key]
		if e != nil && e.place != nil {
			if _, err := os.Stat(e.path); err != nil { // something else removed it
				c.idle.Remove(e.place)
				c.bytes -= e.size
				delete(c.entries, key)
				e = nil
			}
		}
		if e == nil {
			if err := c.makeDir(); err != nil {
				c.mu.Unlock()
				return nil, err
			}
			e = &conversion{key: key, done: make(chan struct{}), holds: 1}
			if c.entries == nil {
				c.entries = map[verdictKey]*conversion{}
			}
			c.entries[key] = e
			dir := c.dir
			c.mu.Unlock()
			c.fill(e, dir, write)
			if e.err != nil {
				return nil, e.err
			}
			return e, nil
		}
		if e.place != nil {
			c.idle.Remove(e.place)
			e.place = nil
			c.bytes -= e.size
		}
		e.holds++
		c.mu.Unlock()
		select {
		case <-e.done:
		case <-ctx.Done():
			c.release(e)
			return nil, ctx.Err()
		}
		if e.err == nil {
			return e, nil
		}
		// The query that made it may have been cancelled, which is not a reason for this one to fail.
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !errors.Is(e.err, context.Canceled) && !errors.Is(e.err, context.DeadlineExceeded) {
			return nil, e.err
		}
	}
}

// fill makes the file of an entry that was just added. An entry that fails, also by a panic, is
// forgotten.
func (c *Conversions) fill(e *conversion, dir string, write func(*os.File) error) {
	e.err = errors.New("the file could not be read")
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if e.err != nil {
			delete(c.entries, e.key)
			if e.path != "" {
				os.Remove(e.path)
			}
		}
		close(e.done)
	}()
	ext, ok := strings.CutPrefix(e.key.signature, openedAs)
	if !ok {
		ext = ""
	}
	out, err := os.CreateTemp(dir, "*"+ext)
	if err != nil {
		e.err = err
		return
	}
	defer out.Close() // again, after a panic
	e.path = out.Name()
	if err = write(out); err == nil {
		var info os.FileInfo
		if info, err = out.Stat(); err == nil {
			e.size = info.Size()
		}
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	e.err = err
}

// release is that a query holds an entry no longer.
func (c *Conversions) release(e *conversion) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.holds--; e.holds > 0 || c.entries[e.key] != e {
		return
	}
	if e.once {
		delete(c.entries, e.key)
		os.Remove(e.path)
		return
	}
	e.place = c.idle.PushBack(e)
	c.bytes += e.size
	for c.bytes > c.Limit {
		oldest := c.idle.Remove(c.idle.Front()).(*conversion)
		c.bytes -= oldest.size
		delete(c.entries, oldest.key)
		os.Remove(oldest.path)
	}
}

// keepNot has an entry, which the caller holds, removed when no query holds it any more.
func (c *Conversions) keepNot(e *conversion) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.once = true
}

// makeDir makes the directory of the files; the caller has locked.
func (c *Conversions) makeDir() error {
	if c.dir != "" {
		if _, err := os.Stat(c.dir); err == nil {
			return nil
		}
		c.dir = ""
	}
	if c.Dir == "" {
		return errNowhere
	}
	err := os.MkdirAll(c.Dir, 0o750)
	if err == nil {
		c.dir, err = os.MkdirTemp(c.Dir, "plain-")
	}
	return err
}

// Close removes all files; no query may be running.
func (c *Conversions) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries, c.bytes = nil, 0
	c.idle.Init()
	if c.dir == "" {
		return nil
	}
	dir := c.dir
	c.dir = ""
	return os.RemoveAll(dir)
}

// converted gives the path of what a file was turned into for this query and others. signature
// is of all that it depends on besides the file.
func (s *scan) converted(f catalog.File, signature string, write func(out *os.File) error) (string, error) {
	info, err := os.Stat(f.Path)
	if err != nil {
		return "", err
	}
	e, err := s.Conversions.get(s.ctx, verdictKey{fileKey{f.Path, info.Size(), info.ModTime().UnixNano()}, signature}, write)
	if err != nil {
		return "", err
	}
	if f.Open != nil {
		s.Conversions.keepNot(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, e)
	if s.Unpacked == nil {
		s.Unpacked = map[string]string{}
	}
	s.Unpacked[e.path] = f.URI
	return e.path, nil
}
