package objectstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A swap is a Replace under way or behind us. What is exported is its journal, the file
// StateDir/swaps/<id>, from which it is finished or undone after a crash:
//
//	writing    the object may be there, hidden; it is deleted at start, and nothing was
//	committed  the object stands for its sources, which are still in place, hidden
//	aside      the sources are below .sgwtmp/swapped/<id>/, where Keep lets them be read
//
// A bucket with versions has its sources deleted as a client would, once Keep is over,
// instead of being put aside.
type swap struct {
	Bucket     string        `json:"bucket"`
	Key        string        `json:"key"`     // all objects are by their paths
	Sources    []string      `json:"sources"` //
	Stage      string        `json:"stage"`
	Generation int64         `json:"generation,omitempty"`
	Keep       time.Duration `json:"keep"`

	s          *Store
	id         string
	guarded    []string // Sources, and before they were chosen those that they were chosen of
	generation int64    // unpublished until it is committed; guarded by swaps.mu

	mu        sync.Mutex // serialises the stages
	cancelled bool       // a source was changed before it was committed
	done      chan struct{}
	ended     sync.Once
}

const (
	stageWriting   = "writing"
	stageCommitted = "committed"
	stageAside     = "aside"
)

// swappedDir is below a bucket's directory, where listings do not look.
const swappedDir = reservedName + "/swapped"

func (w *swap) asideKey(i int) string {
	return swappedDir + "/" + w.id + "/" + strconv.Itoa(i)
}

func (s *Store) swapsDir() string { return filepath.Join(s.state, "swaps") }

// save writes the journal.
func (w *swap) save(stage string) error {
	w.Stage = stage
	b, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return writeFileDurably(w.s.swapsDir(), w.id, b)
}

// drop removes the journal and all memory of the swap.
func (w *swap) drop() error {
	err := os.Remove(filepath.Join(w.s.swapsDir(), w.id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncDir(w.s.swapsDir()); err != nil {
		return err
	}
	w.end()
	return nil
}

func (w *swap) end() {
	w.ended.Do(func() {
		close(w.done)
		w.s.swaps.forget(w)
	})
}

// undo deletes the hidden object and forgets the swap.
func (w *swap) undo() error {
	if w.Stage == "" {
		w.end()
		return nil
	}
	if w.Stage == stageCommitted { // whether that is on disk is not known
		if err := w.save(stageWriting); err != nil {
			return err
		}
	}
	path := filepath.Join(w.s.dir, w.Bucket, filepath.FromSlash(w.Key))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	} else if err == nil {
		w.s.attrs.forget(path)
		if err := w.s.removed(w.Bucket, w.Key); err != nil {
			return err
		}
	}
	return w.drop()
}

// cancel keeps a swap from being committed, because one of its sources is about to
// change. If it is committed, hideSources is called instead: the source is not an object then.
func (w *swap) cancel(ctx context.Context, committed bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.Stage {
	case "", stageWriting:
		w.cancelled = true
	case stageCommitted:
		if committed {
			return w.hideSources(ctx)
		}
	}
	return nil
}

// hideSources takes the sources out of sight for good. The caller holds mu.
func (w *swap) hideSources(ctx context.Context) error {
	if w.Stage != stageCommitted {
		return nil
	}
	if w.s.versioning(w.Bucket) != Unversioned {
		if err := w.deleteSources(ctx); err != nil {
			return err
		}
		return w.drop()
	}
	bucket := filepath.Join(w.s.dir, w.Bucket)
	to := filepath.Join(bucket, swappedDir, w.id)
	for _, dir := range []string{filepath.Join(bucket, reservedName), filepath.Join(bucket, swappedDir), to} {
		if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrNotExist) {
			return w.drop() // the bucket is gone
		} else if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	w.s.swaps.stepAside(w)
	dirs := make(map[string]bool)
	for i, key := range w.Sources {
		from := filepath.Join(bucket, filepath.FromSlash(key))
		if err := os.Rename(from, filepath.Join(bucket, w.asideKey(i))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		dirs[filepath.Dir(from)] = true
	}
	for _, dir := range []string{bucket, filepath.Join(bucket, reservedName), filepath.Join(bucket, swappedDir), to} {
		dirs[dir] = true
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		w.removeEmpty(dir)
	}
	if err := w.save(stageAside); err != nil {
		return err
	}
	w.s.swaps.release(w)
	return nil
}

// removeEmpty removes a directory of sources, and those above it, if nothing is in them
// any more: the object that stands for the sources may have been deleted before they went.
func (w *swap) removeEmpty(dir string) {
	bucket := filepath.Join(w.s.dir, w.Bucket)
	for strings.HasPrefix(dir, bucket+"/") && !strings.HasPrefix(dir, filepath.Join(bucket, reservedName)) {
		if os.Remove(dir) != nil { // there is something in it
			return
		}
		w.s.synced.forget(dir)
		dir = filepath.Dir(dir)
	}
}

// deleteSources deletes them as a client would: their versions stay.
func (w *swap) deleteSources(ctx context.Context) error {
	for _, key := range w.Sources {
		object := decodePath(key)
		_, err := w.s.change(ctx, w.Bucket, object, func(path string) (Info, error) {
			current, err := w.s.current(w.Bucket, object, path)
			if errors.Is(err, fs.ErrNotExist) || err == nil && current.Marker {
				return Info{}, nil
			}
			if err == nil {
				_, err = w.s.deleteCurrent(ctx, w.Bucket, path, current, true, w.s.newMarker(w.Bucket, object))
			}
			return Info{}, err
		})
		if err != nil {
			return fmt.Errorf("delete %s: %w", key, err)
		}
		if err := w.s.removed(w.Bucket, key); err != nil {
			return err
		}
	}
	return nil
}

// finishLater finishes a committed swap in the background.
func (w *swap) finishLater() {
	w.s.background.Go("finish the replacement of objects by "+w.Bucket+"/"+w.Key, func(ctx context.Context) error {
		w.finish(ctx)
		return nil
	})
}

// finish takes a committed swap to its end: when nobody reads what was before, the sources
// go out of sight; when Keep is over they go. It returns early when ctx ends, and goes on
// after the next start.
func (w *swap) finish(ctx context.Context) {
	if err := w.wait(ctx); err != nil && ctx.Err() == nil {
		w.s.failed("take objects that were merged into "+w.Bucket+"/"+w.Key+" out of sight for good, before the next start", err)
	}
}

func (w *swap) wait(ctx context.Context) error {
	after := func(d time.Duration) bool {
		if d <= 0 {
			return ctx.Err() == nil
		}
		t := w.s.clock.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.Chan():
			return true
		case <-w.done:
		case <-ctx.Done():
		}
		return false
	}
	versioned := w.s.versioning(w.Bucket) != Unversioned
	if versioned && !after(w.Keep) { // what is aside can no longer become a version
		return nil
	}
	if !w.s.swaps.waitReaders(ctx, w) {
		return nil
	}
	err := func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.hideSources(ctx)
	}()
	if err != nil || versioned || !after(w.Keep) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
		return nil
	default:
	}
	if err := w.removeAside(); err != nil {
		return err
	}
	return w.drop()
}

func (w *swap) removeAside() error {
	return os.RemoveAll(filepath.Join(w.s.dir, w.Bucket, swappedDir, w.id))
}

// openSwaps finishes or undoes the swaps that an earlier process has left, so far that
// each object is seen once; what is left to do is done in the background.
func (s *Store) openSwaps() error {
	entries, err := os.ReadDir(s.swapsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(s.swapsDir(), e.Name())
		if strings.HasPrefix(e.Name(), tempPrefix) { // of a journal that was being written
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		w := &swap{s: s, id: e.Name(), generation: unpublished, done: make(chan struct{})}
		if err := json.Unmarshal(b, w); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if err := w.reopen(); err != nil {
			return fmt.Errorf("take up the replacement of objects in bucket %s by %s: %w", w.Bucket, w.Key, err)
		}
	}
	return nil
}

func (w *swap) reopen() error {
	w.guarded = w.Sources
	if !w.s.swaps.guard(w, w.Sources) {
		return errors.New("another one has the same objects")
	}
	w.s.swaps.narrow(w, w.Sources)
	if _, err := os.Stat(filepath.Join(w.s.dir, w.Bucket)); errors.Is(err, fs.ErrNotExist) {
		return w.drop()
	}
	switch w.Stage {
	case stageWriting:
		return w.undo()
	case stageCommitted:
		w.s.swaps.stepAside(w) // some may have been moved before the process ended
	case stageAside:
		w.s.swaps.stepAside(w)
		w.s.swaps.release(w)
	}
	w.s.swaps.commit(w, w.Generation)
	w.finishLater()
	return nil
}

// changing is called before an object is written.
func (s *Store) changing(ctx context.Context, bucket, path string) error {
	if w := s.swaps.of(bucket, path); w != nil {
		return w.cancel(ctx, true)
	}
	return nil
}
