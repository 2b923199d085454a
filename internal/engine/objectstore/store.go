package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/work"
)

// Errors of the store. Callers ask with errors.Is.
var (
	ErrNoBucket    = errors.New("objectstore: no such bucket")
	ErrNoKey       = errors.New("objectstore: no such object")
	ErrNoVersion   = errors.New("objectstore: no such version")
	ErrMarker      = errors.New("objectstore: the version is a delete marker")
	ErrNoUpload    = errors.New("objectstore: no such multipart upload")
	ErrBadKey      = errors.New("objectstore: a key that no file can have")
	ErrKeyTooLong  = errors.New("objectstore: the key is too long")
	ErrNotEmpty    = errors.New("objectstore: the bucket is not empty")
	ErrVersions    = errors.New("objectstore: the bucket has old versions of objects")
	ErrUnversioned = errors.New("objectstore: the bucket keeps no versions")
	ErrBusy        = errors.New("objectstore: another request is removing what this one needs")
	ErrChanged     = errors.New("objectstore: objects that were to be replaced have changed meanwhile")
)

// Options of a Store.
type Options struct {
	Dir      string          // of the objects; absolute, made if missing
	StateDir string          // of all else; absolute, on the same file system, not below Dir
	Clock    clockwork.Clock // nil: the real one
	// Versioned says whether a bucket keeps versions, or has kept them: what was merged away
	// by Replace is then deleted as a client would delete it. nil: none does.
	Versioned func(bucket string) Versioning
	// Encrypt has the data of new objects sealed in their files, by a key that Key seals (sealed.go).
	Encrypt bool
	// Key seals the store's key. It is needed to read what was encrypted too. nil: nothing is.
	Key Sealer
	// Failed is told of what fails in the background. nil: nobody is.
	Failed func(doing string, err error)
}

// Versioning is what a bucket does with an object that is replaced or deleted.
type Versioning int

// A bucket that was never versioned, one that is, and one that no longer is.
const (
	Unversioned Versioning = iota
	Enabled
	Suspended
)

// Store keeps objects. Its methods may be called by many goroutines at once.
type Store struct {
	dir   string
	state string
	opts  Options
	clock clockwork.Clock
	attrs attributes
	keys  sealingKeys

	room    room
	locks   keyLocks
	buckets bucketGate
	synced  dirSet
	folders folderCache
	ids     versionIDs

	resets atomic.Uint64
	trash  work.Group

	swaps      swaps
	swapIDs    atomic.Uint64
	background *work.Group // finishes swaps, removes parts of uploads
}

// reservedName is the folder in a bucket's directory that holds no objects.
const reservedName = ".sgwtmp"

// Open returns a Store over the files in o.Dir.
func Open(o Options) (*Store, error) {
	for _, d := range []string{o.Dir, o.StateDir} {
		if !filepath.IsAbs(d) {
			return nil, fmt.Errorf("objectstore: the directory %q is not an absolute path", d)
		}
	}
	s := &Store{dir: filepath.Clean(o.Dir), state: filepath.Clean(o.StateDir), opts: o, clock: o.Clock}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	s.swaps.clock = s.clock
	s.background = s.group()
	s.trash.Clock, s.trash.Events = s.clock, s.background.Events
	for _, d := range []string{s.dir, s.swapsDir(), s.versionsDir(), s.trashDir()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("objectstore: open %s: %w", s.dir, err)
		}
	}
	if supportsExtended(s.dir) {
		s.attrs = extended{filepath.Join(s.state, "values")}
	} else {
		s.attrs = sidecar{filepath.Join(s.state, "objects"), s.dir}
	}
	var err error
	if s.keys, err = openKeys(o); err != nil {
		return nil, fmt.Errorf("objectstore: open %s: %w", s.dir, err)
	}
	s.room = room{s: s}
	s.emptyTrash()
	if err := errors.Join(sweepUploads(s.dir), sweepCompletions(s.dir), s.openSwaps()); err != nil {
		return nil, fmt.Errorf("objectstore: open %s: %w", s.dir, err)
	}
	return s, nil
}

func (s *Store) versionsDir() string { return filepath.Join(s.state, "versions") }
func (s *Store) trashDir() string    { return filepath.Join(s.state, "trash") }

func (s *Store) versioning(bucket string) Versioning {
	if s.opts.Versioned == nil {
		return Unversioned
	}
	return s.opts.Versioned(bucket)
}

func (s *Store) failed(doing string, err error) {
	if s.opts.Failed != nil {
		s.opts.Failed(doing, err)
	}
}

// group is what runs in the background: it is tried again where it fails, and told.
func (s *Store) group() *work.Group {
	return &work.Group{Clock: s.clock, Events: work.Events{
		Failed: func(_ work.Key, doing string, err error, _ int, _ time.Duration) { s.failed(doing, err) },
	}}
}

// Close ends the store. Calls that are under way have ended before.
func (s *Store) Close() {
	_ = s.background.Close(context.Background())
	_ = s.trash.Close(context.Background())
}

// Reset removes all objects. It returns when they can no longer be seen; their space is
// freed in the background. What a call under way then acknowledges may be gone. Other
// directories of the caller's, which may be missing, go the same way.
func (s *Store) Reset(others ...string) error {
	_ = s.background.Close(context.Background())
	s.swaps.clear()
	s.background = s.group()
	bin, err := os.MkdirTemp(s.trashDir(), "reset-"+strconv.FormatUint(s.resets.Add(1), 10)+"-")
	if err != nil {
		return fmt.Errorf("objectstore: reset: %w", err)
	}
	dirs := append(others, s.swapsDir(), s.versionsDir(), filepath.Join(s.state, "objects"), filepath.Join(s.state, "values"), s.dir)
	for i, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("objectstore: reset: %w", err)
		}
		for _, e := range entries {
			to := filepath.Join(bin, strconv.Itoa(i)+"-"+e.Name())
			if err := os.Rename(filepath.Join(dir, e.Name()), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("objectstore: reset: %w", err)
			}
		}
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("objectstore: reset: %w", err)
		}
	}
	s.synced.clear()
	s.emptyTrash()
	return nil
}

// emptyTrash deletes, in the background, what is in the trash now.
func (s *Store) emptyTrash() {
	entries, err := os.ReadDir(s.trashDir())
	if err != nil {
		s.failed("read the trash", err)
		return
	}
	s.trash.Go("empty the trash", func(context.Context) (err error) {
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.trashDir(), e.Name())))
		}
		return err
	})
}

// CreateBucket makes the directory of a bucket, emptied of what a crash has left.
func (s *Store) CreateBucket(bucket string) error {
	defer s.buckets.close(bucket)()
	for _, d := range []string{s.file(bucket, ""), filepath.Join(s.versionsDir(), bucket), filepath.Join(s.state, "objects", bucket)} {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	if err := os.Mkdir(s.file(bucket, ""), 0o755); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// DeleteBucket deletes a bucket that is empty; ErrNotEmpty, ErrVersions. No object is put
// meanwhile: it would be acknowledged and gone. Forget is called before the directory goes:
// it makes the bucket no more.
func (s *Store) DeleteBucket(ctx context.Context, bucket string, forget func() error) error {
	defer s.buckets.close(bucket)()
	for _, w := range s.swaps.in(bucket) {
		if err := w.cancel(ctx, true); err != nil {
			return err
		}
	}
	// Folders in which there is nothing any more are no objects, nor versions.
	root := s.file(bucket, "")
	if !prune(root) {
		found := false
		l := &listing{ctx: ctx, root: root, folders: &s.folders, exists: func(string, fs.DirEntry) bool { return true }}
		l.object = func(_, path string, _ fs.DirEntry) bool { found = !s.isMarker(s.file(bucket, path)); return !found }
		l.common = func(string) bool { return true }
		if err := l.run(); err != nil {
			return err
		}
		if found && s.versioning(bucket) == Unversioned {
			return ErrNotEmpty
		}
		return ErrVersions
	}
	if !prune(filepath.Join(s.versionsDir(), bucket)) {
		return ErrVersions
	}
	if err := forget(); err != nil {
		return err
	}
	err := errors.Join(os.RemoveAll(root), os.RemoveAll(filepath.Join(s.versionsDir(), bucket)),
		os.RemoveAll(filepath.Join(s.state, "objects", bucket)))
	s.synced.forgetBelow(root)
	return errors.Join(err, syncDir(s.dir))
}

// prune removes the empty folders below dir until it comes upon a file, and reports
// whether it came upon none.
func prune(dir string) bool {
	entries, err := readDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name() == reservedName {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() || !prune(path) || os.Remove(path) != nil {
			return false
		}
	}
	return true
}

// CheckKey refuses keys that no object can have: ErrKeyTooLong, ErrBadKey.
func CheckKey(key string) error {
	if len(key) > MaxKey {
		return ErrKeyTooLong
	}
	if _, ok := encodeKey(key); !ok || key == "" {
		return ErrBadKey
	}
	return nil
}

// MaxKey is the limit on the bytes of a key.
const MaxKey = 1024

// sweepUploads removes what writes that a crash has cut off have left in each bucket.
// Parts of multipart uploads stay: the upload may still be completed.
func sweepUploads(dir string) error {
	buckets, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, b := range buckets {
		temp := filepath.Join(dir, b.Name(), reservedName)
		files, err := readDir(temp)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Type().IsRegular() || strings.HasPrefix(f.Name(), roomPrefix) || strings.HasPrefix(f.Name(), gonePrefix) {
				if err := os.RemoveAll(filepath.Join(temp, f.Name())); err != nil {
					return fmt.Errorf("remove an interrupted upload: %w", err)
				}
			}
		}
	}
	return nil
}
