package objectstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A multipart upload is a directory below .sgwtmp/multipart, in one that is named by the path
// that the key has by itself. The record of the object that is to be made is the upload's
// directory's; a part is a file, with a record of its own.

const (
	multipartDir = reservedName + "/multipart"
	// inProgress ended the name that an upload had while the first version completed it.
	inProgress = ".inprogress"
	// gonePrefix starts the name of an upload's directory, in the bucket's folder for what is
	// being written, that is being removed.
	gonePrefix = "gone-"
	// objectName is the attribute of the directory of all uploads to a path.
	nameAttribute = "objname"
	// deletedFile, in the directory of all uploads to a path, tells by its time when an object
	// of that path was last deleted.
	deletedFile = "deleted"
	// MaxParts is the highest number of a part.
	MaxParts = 10000
)

// Upload is a multipart upload under way.
type Upload struct {
	Key    string
	ID     string
	Begun  time.Time
	Record Record // of the object that is to be made
	dir    string // absolute
}

// UploadedPart is a part of an upload under way.
type UploadedPart struct {
	Number  int
	Size    int64
	ModTime time.Time
	Record
	file   string
	stored int64 // size of the file
}

// IsUploadID reports whether id has the form of the ids of uploads: a UUID in lower case.
func IsUploadID(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}

// BegunAfter reports whether the upload of an id was begun after that of another, which may be gone, as far as ids tell:
// those of earlier versions of the program do not.
func BegunAfter(id, other string) bool {
	return id > other || !tellsTime(id) || !tellsTime(other)
}

// tellsTime reports whether an upload's id grows with time.
func tellsTime(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.Version() == 7
}

func (s *Store) uploadsOf(bucket, key string) string {
	path, _ := encodeKey(key)
	return s.file(bucket, multipartDir+"/"+fmt.Sprintf("%x", sha256.Sum256([]byte(path))))
}

// CreateUpload begins a multipart upload.
func (s *Store) CreateUpload(bucket, key string, r Record) (Upload, error) {
	if err := CheckKey(key); err != nil {
		return Upload{}, err
	}
	defer s.buckets.enter(bucket)()
	if _, err := os.Lstat(s.file(bucket, "")); errors.Is(err, fs.ErrNotExist) {
		return Upload{}, ErrNoBucket
	}
	u := Upload{Key: key, ID: uuid.Must(uuid.NewV7()).String(), Begun: s.clock.Now().UTC()}
	r.SetProp(begunProp, u.Begun.Format(time.RFC3339Nano))
	u.Record = r
	all := s.uploadsOf(bucket, key)
	path, _ := encodeKey(key)
	temp := s.file(bucket, reservedName+"/"+gonePrefix+u.ID)
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return Upload{}, err
	}
	u.dir = filepath.Join(all, u.ID)
	if err := s.writeRecord(nil, pick(s.attrs.follow(), temp, u.dir), &r); err != nil {
		return Upload{}, err
	}
	defer s.locks.lock(bucket, key)()
	if err := os.MkdirAll(all, 0o755); err != nil {
		return Upload{}, err
	}
	if err := s.attrs.write(nil, all, nameAttribute, []byte(path)); err != nil {
		return Upload{}, err
	}
	if err := os.Rename(temp, u.dir); err != nil {
		return Upload{}, err
	}
	return u, errors.Join(syncDir(u.dir), syncDir(all), syncDir(filepath.Dir(all)))
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// GetUpload returns an upload; ErrNoUpload.
func (s *Store) GetUpload(bucket, key, id string) (Upload, error) {
	if CheckKey(key) != nil || !IsUploadID(id) {
		return Upload{}, ErrNoUpload
	}
	dir := filepath.Join(s.uploadsOf(bucket, key), id)
	return s.readUpload(key, dir)
}

func (s *Store) readUpload(key, dir string) (Upload, error) {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return Upload{}, ErrNoUpload
	}
	if err != nil {
		return Upload{}, err
	}
	r, err := s.readRecord(nil, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Upload{}, ErrNoUpload
	}
	u := Upload{Key: key, ID: filepath.Base(dir), Begun: info.ModTime(), Record: r, dir: dir}
	if begun, perr := time.Parse(time.RFC3339Nano, r.Prop(begunProp)); perr == nil {
		u.Begun = begun
	}
	return u, err
}

// begunProp is when an upload was begun: the time of its directory is that of its last part.
const begunProp = "begun"

// Uploads returns the uploads under way to keys that start with prefix, in the order of keys.
func (s *Store) Uploads(bucket, prefix string) ([]Upload, error) {
	root := s.file(bucket, multipartDir)
	objects, err := readDir(root)
	if err != nil {
		return nil, err
	}
	var uploads []Upload
	for _, o := range objects {
		dir := filepath.Join(root, o.Name())
		path, err := s.attrs.read(nil, dir, nameAttribute)
		key := decodePath(string(path))
		if err != nil || !strings.HasPrefix(key, prefix) {
			continue // it is being made or removed
		}
		ids, err := readDir(dir)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !IsUploadID(id.Name()) {
				continue
			}
			u, err := s.readUpload(key, filepath.Join(dir, id.Name()))
			if errors.Is(err, ErrNoUpload) {
				continue
			}
			if err != nil {
				return nil, err
			}
			uploads = append(uploads, u)
		}
	}
	slices.SortFunc(uploads, func(a, b Upload) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		if c := a.Begun.Compare(b.Begun); c != 0 && !(tellsTime(a.ID) && tellsTime(b.ID)) {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return uploads, nil
}

// PutPart stores a part, in the place of one of the same number, and returns when it is on
// disk: a client that has been told so need not send it again. Finish is as that of Put.
func (s *Store) PutPart(_ context.Context, bucket string, u Upload, number int, body io.Reader, size int64, finish func(int64, *Record) error) (UploadedPart, error) {
	f, err := s.temp(bucket)
	if err != nil {
		return UploadedPart{}, err
	}
	defer os.Remove(f.Name()) // unless it has been renamed
	defer f.Close()           // it has been synced by then
	n, sealed, err := s.receive(f, body, size)
	if err != nil {
		return UploadedPart{}, err
	}
	p := UploadedPart{Number: number, Size: n, file: filepath.Join(u.dir, strconv.Itoa(number))}
	if err := finish(n, &p.Record); err != nil {
		return UploadedPart{}, err
	}
	p.sealed = sealed
	if err := errors.Join(s.writeRecord(f, p.file, &p.Record), f.Sync()); err != nil {
		return UploadedPart{}, err
	}
	if err := os.Rename(f.Name(), p.file); errors.Is(err, fs.ErrNotExist) {
		return UploadedPart{}, ErrNoUpload // it was completed or aborted meanwhile
	} else if err != nil {
		return UploadedPart{}, err
	}
	err = syncDir(u.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNoUpload
	}
	p.ModTime = s.clock.Now()
	return p, err
}

// Parts returns the parts of an upload, in the order of their numbers.
func (s *Store) Parts(u Upload) ([]UploadedPart, error) {
	entries, err := readDir(u.dir)
	if err != nil {
		return nil, err
	}
	var parts []UploadedPart
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		file := filepath.Join(u.dir, e.Name())
		r, err := s.readRecord(nil, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, UploadedPart{Number: n, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Record: r, file: file, stored: info.Size()})
	}
	slices.SortFunc(parts, func(a, b UploadedPart) int { return a.Number - b.Number })
	return parts, nil
}

// AbortUpload removes an upload and its parts; ErrNoUpload.
func (s *Store) AbortUpload(bucket, key, id string) error {
	u, err := s.GetUpload(bucket, key, id)
	if err != nil {
		return err
	}
	defer s.locks.lock(bucket, key)()
	return s.removeUpload(bucket, u)
}

// removeUpload takes an upload out of sight in one step. The caller holds the key's lock.
func (s *Store) removeUpload(bucket string, u Upload) error {
	gone := s.file(bucket, reservedName+"/"+gonePrefix+u.ID)
	if err := os.Rename(u.dir, gone); errors.Is(err, fs.ErrNotExist) {
		return ErrNoUpload
	} else if err != nil {
		return err
	}
	all := filepath.Dir(u.dir)
	err := syncDir(all)
	if entries, rerr := readDir(all); rerr == nil && (len(entries) == 0 || len(entries) == 1 && entries[0].Name() == deletedFile) {
		_ = os.Remove(filepath.Join(all, deletedFile))
		_ = os.Remove(all) // another upload may have come
		s.attrs.forget(all)
	}
	s.attrs.forget(u.dir)
	s.background.Go("remove the parts of an upload", func(context.Context) error { return os.RemoveAll(gone) })
	return err
}

// noteDeletion remembers, for uploads under way to a key, that its object was deleted.
func (s *Store) noteDeletion(bucket, key string) {
	all := s.uploadsOf(bucket, key)
	if _, err := os.Lstat(all); err == nil {
		_ = os.WriteFile(filepath.Join(all, deletedFile), nil, 0o644) // for conditions alone
		now := s.clock.Now()
		_ = os.Chtimes(filepath.Join(all, deletedFile), now, now)
	}
}

// DeletedSince reports whether the object of an upload's key was deleted since it was begun.
func (s *Store) DeletedSince(u Upload) bool {
	info, err := os.Lstat(filepath.Join(filepath.Dir(u.dir), deletedFile))
	return err == nil && info.ModTime().After(u.Begun)
}

// CompleteUpload makes an object of parts, which are those of the upload that are chosen, in
// this order. The record is the object's; check is as that of Put.
func (s *Store) CompleteUpload(ctx context.Context, bucket string, u Upload, parts []UploadedPart, r Record, check func(current, next *Info) error) (Info, error) {
	f, err := s.temp(bucket)
	if err != nil {
		return Info{}, err
	}
	defer os.Remove(f.Name()) // unless it has been renamed
	defer f.Close()           // it has been synced by then
	for _, p := range parts {
		in, err := os.Open(p.file)
		if errors.Is(err, fs.ErrNotExist) {
			return Info{}, ErrNoUpload
		}
		if err != nil {
			return Info{}, err
		}
		n, err := f.ReadFrom(in) // in the kernel, where it can
		in.Close()               // it was only read
		if err != nil {
			return Info{}, err
		}
		if n != p.stored {
			return Info{}, ErrBusy
		}
		if canWriteEarly && n >= earlyStep {
			startWriting(f, 0, 0)
		}
	}
	r.Upload, r.sealed = u.ID, sealedBy(parts)
	var made Info
	info, err := s.publish(ctx, bucket, u.Key, f, publication{record: r, check: func(current, next *Info) error {
		if current != nil && current.Upload == u.ID {
			made = *current // a crash came between the object and the removal of the upload
			return errCompleted
		}
		if _, err := os.Lstat(u.dir); errors.Is(err, fs.ErrNotExist) {
			return ErrNoUpload // another completion was first, or it was aborted
		}
		if check != nil {
			return check(current, next)
		}
		return nil
	}, done: func() error { return s.removeCompleted(bucket, u) }})
	if errors.Is(err, errCompleted) {
		defer s.locks.lock(bucket, u.Key)()
		return made, s.removeCompleted(bucket, u)
	}
	return info, err
}

var errCompleted = errors.New("objectstore: the upload has been completed")

// removeCompleted is removeUpload; the object is there, so what is gone is well.
func (s *Store) removeCompleted(bucket string, u Upload) error {
	if err := s.removeUpload(bucket, u); err != nil && !errors.Is(err, ErrNoUpload) {
		return err
	}
	return nil
}

// sweepCompletions gives uploads whose completion a crash has cut off, of the first version
// of the store, their names back, so that they can be completed again.
func sweepCompletions(dir string) error {
	claimed, err := filepath.Glob(filepath.Join(dir, "*", multipartDir, "*", "*"+inProgress))
	if err != nil {
		return err
	}
	for _, c := range claimed {
		id, _, _ := strings.Cut(filepath.Base(c), ".")
		if err := os.Rename(c, filepath.Join(filepath.Dir(c), id)); err != nil {
			return fmt.Errorf("give an upload its name back: %w", err)
		}
	}
	return nil
}
