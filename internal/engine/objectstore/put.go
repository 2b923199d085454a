package objectstore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Info is an object, or a version of one.
type Info struct {
	Key     string
	File    string // absolute path of its data
	Size    int64  // of its data
	ModTime time.Time
	Latest  bool
	Record
}

// VersionID is the version's id, as clients have it.
func (i *Info) VersionID() string {
	if i.Version == "" {
		return NullVersion
	}
	return i.Version
}

// Put says what an object is to be.
type Put struct {
	Body   io.Reader // to its end
	Size   int64     // as far as known; a hint
	Record Record    // but for the version
	// Finish is called when the data is written; it fills in what comes of the data. An
	// error ends the put with nothing changed. May be nil.
	Finish func(size int64, r *Record) error
	// Check is called, under the key's lock, with the current version of the object, nil if
	// there is none, or a delete marker; and with what the put makes. It is called again where
	// the put begins again. An error ends the put with nothing changed. May be nil.
	Check func(current, next *Info) error
	// Replica is the id that the version gets, in a bucket that keeps versions: that of the version which it is a
	// copy of. Where a version of that id is there already, nothing is changed and Check is not called; one that is
	// older than the current version comes behind it. Empty: a new id.
	Replica string
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// Put stores an object, and returns when it is on disk. ErrNoBucket, ErrBadKey,
// ErrKeyTooLong, and what Body, Finish and Check return.
func (s *Store) Put(ctx context.Context, bucket, key string, p Put) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	f, err := s.temp(bucket)
	if err != nil {
		return Info{}, err
	}
	defer os.Remove(f.Name()) // unless it has been renamed
	defer f.Close()           // it has been synced by then
	size, sealed, err := s.receive(f, p.Body, p.Size)
	if err != nil {
		return Info{}, err
	}
	r := p.Record
	r.sealed = sealed
	if p.Finish != nil {
		if err := p.Finish(size, &r); err != nil {
			return Info{}, err
		}
	}
	return s.publish(ctx, bucket, key, f, publication{record: r, replica: p.Replica, check: p.Check})
}

// temp makes a file in the bucket's folder for what is being written.
func (s *Store) temp(bucket string) (*os.File, error) {
	dir := s.file(bucket, reservedName)
	f, err := os.CreateTemp(dir, "put-")
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNoBucket
		} else if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		f, err = os.CreateTemp(dir, "put-")
	}
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

// receive writes a body to a file, sealed if the store encrypts. It returns the size of the data.
func (s *Store) receive(f *os.File, body io.Reader, size int64) (int64, []stretch, error) {
	if body == nil {
		return 0, nil, nil
	}
	var sealed *sealer
	if s.keys.current != "" {
		var err error
		if sealed, err = s.keys.seal(body); err != nil {
			return 0, nil, err
		}
		defer sealed.release() // it has been read by then
		body = sealed
	}
	if size >= 2*earlyStep && canWriteEarly {
		w := startEarly(f, body)
		defer w.close()
		body = w
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, body, *buf)
	if sealed != nil {
		return sealed.size, sealed.stretches(), err
	}
	return n, nil, err
}

// retried is how often a change is tried again whose folders others remove or turn into
// files meanwhile.
const retried = 100

// publication is what an object is published with. Nothing is changed if check refuses; done is called under the
// key's lock when the object is on disk. Either may be nil.
type publication struct {
	record  Record
	replica string // Put.Replica
	check   func(current, next *Info) error
	done    func() error
}

// publish gives a file that has been written the key's name.
func (s *Store) publish(ctx context.Context, bucket, key string, f *os.File, p publication) (Info, error) {
	versioning := s.versioning(bucket)
	if p.replica != "" && versioning != Enabled {
		return Info{}, ErrUnversioned
	}
	r := p.record
	// An object that gets no id under the lock is synced before it, with its record.
	ready := versioning != Enabled && s.attrs.follow()
	if ready {
		r.Version = ""
		if err := errors.Join(s.writeRecord(f, "", &r), f.Sync()); err != nil {
			return Info{}, err
		}
	}
	defer s.buckets.enter(bucket)()
	return s.change(ctx, bucket, key, func(path string) (Info, error) {
		if p.replica != "" {
			if info, done, err := s.publishReplica(bucket, key, path, f, p); done || err != nil {
				return info, err
			}
		}
		info, err := s.publishAt(ctx, bucket, key, path, f, p, versioning, ready)
		if err == nil && p.done != nil {
			err = p.done()
		}
		return info, err
	})
}

// change makes a change of the object of a key, with folders for it and under its lock. It
// tries again when a folder has gone or come meanwhile.
func (s *Store) change(ctx context.Context, bucket, key string, do func(path string) (Info, error)) (info Info, err error) {
	path, _ := encodeKey(key)
	for range retried {
		if err := ctx.Err(); err != nil {
			return Info{}, err
		}
		if err = s.room.make(bucket, path); err == nil {
			unlock := s.locks.lock(bucket, key)
			info, err = do(s.selfPlace(bucket, path))
			unlock()
		}
		switch {
		case err == nil:
			return info, nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR),
			errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EEXIST):
			if _, serr := os.Lstat(s.file(bucket, "")); errors.Is(serr, fs.ErrNotExist) {
				return Info{}, ErrNoBucket
			}
		default:
			return Info{}, err
		}
	}
	return Info{}, errors.Join(ErrBusy, err)
}

func (s *Store) publishAt(ctx context.Context, bucket, key, path string, f *os.File, p publication, versioning Versioning, ready bool) (Info, error) {
	r, check := p.record, p.check
	if _, err := os.Lstat(f.Name()); err != nil {
		return Info{}, ErrNoBucket // it was deleted, with what was being written
	}
	current, err := s.current(bucket, key, path)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return Info{}, err
	}
	if r.Version = p.replica; r.Version == "" && versioning == Enabled {
		r.Version = s.ids.next(s.clock.Now())
	}
	target := s.file(bucket, path)
	if check != nil {
		seen := &current
		if !exists || current.Marker || s.swaps.hides(bucket, path) {
			seen = nil
		}
		info, err := f.Stat()
		if err != nil {
			return Info{}, err
		}
		next := Info{Key: key, File: target, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Latest: true, Record: r}
		if err := check(seen, &next); err != nil {
			return Info{}, err
		}
	}
	if err := s.changing(ctx, bucket, path); err != nil {
		return Info{}, err
	}
	follows := s.attrs.follow()
	if follows && !ready {
		if err := errors.Join(s.writeRecord(f, target, &r), f.Sync()); err != nil {
			return Info{}, err
		}
	}
	versions := s.versionsOf(bucket, path)
	if exists && (versioning == Enabled || versioning == Suspended && current.Version != "") {
		if err := s.keepVersion(current, versions); err != nil {
			return Info{}, err
		}
	}
	if !exists {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return Info{}, err
		}
	}
	if !follows {
		if err := errors.Join(s.writeRecord(f, target, &r), f.Sync()); err != nil {
			return Info{}, err
		}
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return Info{}, err
	}
	if versioning == Suspended {
		if err := os.Remove(filepath.Join(versions, NullVersion)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Info{}, err
		}
	}
	if err := s.commitName(bucket, path); err != nil {
		return Info{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	return Info{Key: key, File: target, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Latest: true, Record: r}, nil
}

// Amend changes the record of an object, or of the version of an id, as a whole. ErrNoKey,
// ErrNoVersion, ErrMarker, and what f returns, with which nothing is changed.
func (s *Store) Amend(bucket, key, id string, f func(*Info) error) (Info, error) {
	if CheckKey(key) != nil {
		return Info{}, ErrNoKey
	}
	defer s.buckets.enter(bucket)()
	defer s.locks.lock(bucket, key)()
	info, err := s.Stat(bucket, key, id)
	if err != nil {
		return info, err
	}
	if err := f(&info); err != nil {
		return info, err
	}
	if err := s.writeRecord(nil, info.File, &info.Record); err != nil {
		return info, err
	}
	s.forgetOld(info.File)
	if err := syncFile(info.File); err != nil {
		return info, err
	}
	return info, nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
