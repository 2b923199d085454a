package compact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// Options of a Compactor. All but Events are required.
type Options struct {
	Lake   Lake
	Gate   Gate
	Clock  clockwork.Clock
	Owner  *recordplan.Owner
	Stream string // the name in the keys

	// Root is where the objects are looked for at the start.
	Root func() (bucket, prefix string)
	// Open are the keys of objects that may still be written again. It is called after
	// objects were listed: what was listed and is not open is final.
	Open func() (map[string]bool, error)

	TempDir string
	Events  Events
}

// Events are told by a Compactor as it works; nil ones are left out. They must not block.
type Events struct {
	// Compacted: so many objects, of so many bytes, are one now.
	Compacted func(bucket, key string, objects int, bytes int64, took time.Duration)
	// Left: objects of the folder are left as they are.
	Left func(bucket, prefix string, reason error)
	// Failed: a folder could not be compacted, and will be tried again.
	Failed func(bucket, prefix string, err error)
}

// Status is what a Compactor has done since it was made.
type Status struct {
	Objects int64 // that were merged
	Into    int64 // objects that they became
	Bytes   int64 // of those that were merged
	Last    time.Time
	Folders int   // that have objects to merge, as far as is known
	Err     error // why objects of the last folder were left, or what failed
	ErrTime time.Time
}

// A Compactor compacts the objects of one delivery stream.
type Compactor struct {
	o    Options
	wake chan struct{}

	working sync.Mutex // one folder at a time

	mu      sync.Mutex
	folders map[folder]time.Time // not closed or not compacted yet: last written
	on      Settings             // of Run
	status  Status
}

// folder is the objects whose keys begin alike, up to the stream's name.
type folder struct{ bucket, prefix string }

// New returns a Compactor.
func New(o Options) *Compactor {
	return &Compactor{o: o, wake: make(chan struct{}, 1), folders: make(map[folder]time.Time)}
}

// maxFolders bounds what is remembered. What is beyond is found at the next start.
const maxFolders = 1 << 17

// Wrote tells that an object is delivered, for good.
func (c *Compactor) Wrote(bucket, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on.On() {
		return
	}
	k, ok := c.o.Owner.Parse(key)
	if !ok {
		return
	}
	c.dirty(folder{bucket, k.Prefix}, c.o.Clock.Now())
}

// dirty is called with mu held.
func (c *Compactor) dirty(f folder, at time.Time) {
	if old, ok := c.folders[f]; ok && old.After(at) || !ok && len(c.folders) >= maxFolders {
		return
	}
	if len(c.folders) == 0 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	c.folders[f] = at
}

// Status reports what was done.
func (c *Compactor) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Folders = len(c.folders)
	return s
}

// Run compacts folders when they are closed, until ctx ends. It begins with what it finds.
func (c *Compactor) Run(ctx context.Context, set Settings) {
	c.mu.Lock()
	c.on = set
	clear(c.folders)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.on = Settings{}
		c.mu.Unlock()
	}()
	bucket, prefix := c.o.Root()
	if err := c.find(ctx, bucket, prefix); err != nil && !errors.Is(err, ErrNoBucket) {
		c.failed(ctx, folder{bucket, prefix}, err)
	}
	for {
		f, wait, ok := c.next(set)
		if ok && wait <= 0 {
			c.closed(ctx, f, set)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		var due <-chan time.Time
		var timer clockwork.Timer
		if ok {
			timer = c.o.Clock.NewTimer(wait)
			due = timer.Chan()
		}
		select {
		case <-due:
		case <-c.wake:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// next is the folder that was not written to for longest, and how long it is until it is
// closed.
func (c *Compactor) next(set Settings) (f folder, wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var oldest time.Time
	for k, at := range c.folders {
		if !ok || at.Before(oldest) {
			f, oldest, ok = k, at, true
		}
	}
	return f, oldest.Add(set.After).Sub(c.o.Clock.Now()), ok
}

// find remembers the folders below a prefix that have several objects.
func (c *Compactor) find(ctx context.Context, bucket, prefix string) error {
	folders, err := c.search(ctx, bucket, prefix)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, f := range folders {
		if f.objects > 1 {
			c.dirty(folder{bucket, p}, f.last)
		}
	}
	return nil
}

// found is what a folder was seen to have.
type found struct {
	objects int
	last    time.Time
}

// search looks for folders with objects of the stream.
func (c *Compactor) search(ctx context.Context, bucket, prefix string) (map[string]*found, error) {
	folders := make(map[string]*found)
	err := c.o.Lake.Walk(ctx, bucket, prefix, func(o Object) {
		k, ok := c.o.Owner.Parse(o.Key)
		if !ok {
			return
		}
		f := folders[k.Prefix]
		if f == nil {
			if len(folders) >= maxFolders {
				return
			}
			f = new(found)
			folders[k.Prefix] = f
		}
		f.objects++
		if o.ModTime.After(f.last) {
			f.last = o.ModTime
		}
	})
	return folders, err
}

// closed compacts a folder that has been closed. It is forgotten, unless it was written to
// meanwhile or it failed.
func (c *Compactor) closed(ctx context.Context, f folder, set Settings) {
	c.mu.Lock()
	written := c.folders[f]
	c.mu.Unlock()
	later, err := c.folder(ctx, f, set, false)
	if err != nil && !errors.Is(err, ErrNoBucket) {
		c.failed(ctx, f, err)
		later = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.folders[f].Equal(written) {
		return
	}
	delete(c.folders, f)
	if later {
		c.folders[f] = c.o.Clock.Now().Add(max(0, retryAfter-set.After))
	}
}

// retryAfter is how long it is at least until a folder is tried again.
const retryAfter = 10 * time.Second

func (c *Compactor) failed(ctx context.Context, f folder, err error) {
	if ctx.Err() != nil {
		return
	}
	c.note(err)
	if !errors.Is(err, ErrChanged) && c.o.Events.Failed != nil {
		c.o.Events.Failed(f.bucket, f.prefix, err)
	}
}

func (c *Compactor) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Err, c.status.ErrTime = err, c.o.Clock.Now()
}

// Compact merges what there is now, in all folders, closed or not.
func (c *Compactor) Compact(ctx context.Context, set Settings) error {
	bucket, prefix := c.o.Root()
	folders, err := c.search(ctx, bucket, prefix)
	if err != nil {
		return err
	}
	for p, f := range folders {
		if f.objects < 2 {
			continue
		}
		if _, err := c.folder(ctx, folder{bucket, p}, set, true); err != nil {
			c.failed(ctx, folder{bucket, p}, err)
			return fmt.Errorf("compact s3://%s/%s: %w", bucket, p, err)
		}
	}
	return nil
}

// maxLeft is how many objects of a bin may be left as they are before all are.
const maxLeft = 16

// folder merges the objects of a folder. open tells that some are not final yet.
func (c *Compactor) folder(ctx context.Context, f folder, set Settings, all bool) (open bool, err error) {
	c.working.Lock()
	defer c.working.Unlock()
	// What small objects become is smaller than they were together, and may be merged again.
	for range maxRounds {
		var list []Object
		err := c.o.Lake.Walk(ctx, f.bucket, f.prefix, func(o Object) {
			if k, ok := c.o.Owner.Parse(o.Key); ok && k.Prefix == f.prefix && o.Size < set.Target {
				list = append(list, o)
			}
		})
		if err != nil {
			return false, err
		}
		pending, err := c.o.Open()
		if err != nil {
			return false, err
		}
		open = false
		final := list[:0]
		for _, o := range list {
			if pending[o.Key] {
				open = true
				continue
			}
			final = append(final, o)
		}
		merged := 0
		for _, bin := range bins(final, c.o.Owner, set.Target, all) {
			n, err := c.bin(ctx, f, bin, set)
			if err != nil {
				return open, err
			}
			merged += n
		}
		if merged < 2 {
			break
		}
	}
	return open, nil
}

const maxRounds = 8

// bin merges the objects of a bin, into one if they are alike, and returns into how many.
func (c *Compactor) bin(ctx context.Context, f folder, bin []Object, set Settings) (into int, err error) {
	left := 0
	for len(bin) > 1 && left < maxLeft {
		n, err := c.replace(ctx, f, bin, set)
		var bad *sourceError
		switch {
		case errors.As(err, &bad):
			left++
			c.note(bad.err)
			if c.o.Events.Left != nil && left == 1 {
				c.o.Events.Left(f.bucket, f.prefix, bad.err)
			}
			n = bad.index + 1
		case err != nil:
			return into, err
		case n > 1:
			into++
		}
		bin = bin[min(len(bin), max(n, 1)):]
	}
	return into, nil
}

// replace merges the first objects of a bin, and returns how many.
func (c *Compactor) replace(ctx context.Context, f folder, bin []Object, set Settings) (n int, err error) {
	select {
	case c.o.Gate <- struct{}{}:
		defer func() { <-c.o.Gate }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	began := c.o.Clock.Now()
	keys := make([]string, len(bin))
	for i, o := range bin {
		keys[i] = o.Key
	}
	var (
		file  *os.File
		key   string
		bytes int64
	)
	defer func() {
		if file != nil {
			file.Close() // it is read, and goes
		}
	}()
	err = c.o.Lake.Replace(ctx, f.bucket, keys, set.Keep, func(objects []Object) (Merged, error) {
		var err error
		if file, n, err = merge(ctx, c.o.TempDir, objects); err != nil {
			return Merged{}, err
		}
		if n < 2 {
			return Merged{}, errNothing
		}
		info, err := file.Stat()
		if err != nil {
			return Merged{}, err
		}
		first, _ := c.o.Owner.Parse(keys[0])
		key = c.o.Owner.Key(c.o.Stream, first, delivery.NewObjectID(append([]string{"merged"}, keys[:n]...)...))
		for _, o := range objects[:n] {
			bytes += o.Size
		}
		return Merged{Key: key, Body: io.NewSectionReader(file, 0, info.Size()), Size: info.Size(), Sources: n}, nil
	})
	if errors.Is(err, errNothing) {
		return n, nil
	}
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	c.status.Objects += int64(n)
	c.status.Into++
	c.status.Bytes += bytes
	c.status.Last = c.o.Clock.Now()
	c.mu.Unlock()
	if c.o.Events.Compacted != nil {
		c.o.Events.Compacted(f.bucket, key, n, bytes, c.o.Clock.Since(began))
	}
	return n, nil
}
