package objectstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Delete says what is to be deleted.
type Delete struct {
	Version string // one version, for good; empty: the object
	// Check is called, under the key's lock, with what is to be deleted: the version, which
	// may be a marker, or else the object, nil if there is none; and with the delete marker
	// that is made, nil if none is. It is called again where the deletion begins again. An
	// error ends the deletion with nothing changed. May be nil.
	Check func(current, marker *Info) error
	// Unsynced leaves the last sync to the caller: SyncDeleted.
	Unsynced bool
}

// Deleted is what came of a deletion.
type Deleted struct {
	VersionID string // of the version that was deleted or the marker that was made; empty: none
	Marker    bool   // that is a marker
	Existed   bool
	path      string
}

// Delete deletes an object, or a version of one. In a bucket with versions the object gets a
// delete marker. What is not there is deleted already.
func (s *Store) Delete(ctx context.Context, bucket, key string, d Delete) (Deleted, error) {
	if CheckKey(key) != nil {
		if d.Check != nil {
			return Deleted{}, d.Check(nil, nil)
		}
		return Deleted{}, nil // it cannot be there
	}
	defer s.buckets.enter(bucket)()
	var out Deleted
	do := func(path string) (_ Info, err error) {
		out, err = s.deleteAt(ctx, bucket, key, path, d)
		out.path = path
		return Info{}, err
	}
	if d.Version == "" && s.versioning(bucket) != Unversioned {
		if _, err := s.change(ctx, bucket, key, do); err != nil {
			return Deleted{}, err
		}
	} else {
		path, _ := encodeKey(key)
		unlock := s.locks.lock(bucket, key)
		_, err := do(s.selfPlace(bucket, path))
		unlock()
		if isGone(err) {
			err = ErrBusy
		}
		if err != nil {
			return Deleted{}, err
		}
	}
	s.noteDeletion(bucket, key)
	if d.Unsynced {
		return out, nil
	}
	return out, s.removed(bucket, out.path)
}

// SyncDeleted makes deletions survive a crash that were made with Unsynced.
func (s *Store) SyncDeleted(bucket string, all []Deleted) error {
	parents := map[string]string{} // one sync a directory, however many objects it had
	for _, d := range all {
		if d.path != "" {
			parents[filepath.Dir(d.path)] = d.path
		}
	}
	for _, path := range parents {
		if err := s.removed(bucket, path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deleteAt(ctx context.Context, bucket, key, path string, d Delete) (Deleted, error) {
	if d.Version != "" {
		return s.deleteVersion(bucket, key, path, d)
	}
	hidden := s.swaps.hides(bucket, path)
	current, err := s.current(bucket, key, path)
	exists := err == nil && !hidden
	if err != nil && !isGone(err) {
		return Deleted{}, err
	}
	marker := s.newMarker(bucket, key)
	if d.Check != nil {
		seen := &current
		if !exists || current.Marker {
			seen = nil
		}
		if err := d.Check(seen, marker); err != nil {
			return Deleted{}, err
		}
	}
	if w := s.swaps.of(bucket, path); w != nil {
		if err := w.cancel(ctx, false); err != nil {
			return Deleted{}, err
		}
		if s.swaps.hides(bucket, path) {
			return Deleted{}, nil
		}
	}
	return s.deleteCurrent(ctx, bucket, path, current, err == nil, marker)
}

// newMarker is the delete marker that a deletion of an object makes now; nil in a bucket without versions.
func (s *Store) newMarker(bucket, key string) *Info {
	versioning := s.versioning(bucket)
	if versioning == Unversioned {
		return nil
	}
	marker := &Info{Key: key, Latest: true, Record: Record{Marker: true}}
	if versioning == Enabled {
		marker.Version = s.ids.next(s.clock.Now())
	}
	return marker
}

// deleteCurrent deletes the object at a path, whatever becomes of swaps. Marker is of newMarker.
func (s *Store) deleteCurrent(_ context.Context, bucket, path string, current Info, exists bool, marker *Info) (Deleted, error) {
	switch {
	case marker != nil:
		return s.mark(bucket, path, current, exists, marker.Record)
	case !exists:
		return Deleted{}, nil
	}
	if err := os.Remove(current.File); err != nil && !isGone(err) {
		return Deleted{}, err
	}
	s.attrs.forget(current.File)
	s.removeEmpty(bucket, path)
	return Deleted{Existed: true}, nil
}

// mark makes a delete marker the current version.
func (s *Store) mark(bucket, path string, current Info, exists bool, r Record) (Deleted, error) {
	f, err := s.temp(bucket)
	if err != nil {
		return Deleted{}, err
	}
	defer os.Remove(f.Name()) // unless it has been renamed
	file := s.file(bucket, path)
	follows := s.attrs.follow()
	if follows {
		err = s.writeRecord(f, file, &r)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Deleted{}, err
	}
	versions := s.versionsOf(bucket, path)
	if exists && (r.Version != "" || current.Version != "") {
		if err := s.keepVersion(current, versions); err != nil {
			return Deleted{}, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return Deleted{}, err
	}
	if !follows {
		if err := s.writeRecord(nil, file, &r); err != nil {
			return Deleted{}, err
		}
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return Deleted{}, err
	}
	if r.Version == "" {
		if err := os.Remove(filepath.Join(versions, NullVersion)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Deleted{}, err
		}
	}
	if err := s.commitName(bucket, path); err != nil {
		return Deleted{}, err
	}
	out := Deleted{VersionID: NullVersion, Marker: true, Existed: exists && !current.Marker}
	if r.Version != "" {
		out.VersionID = r.Version
	}
	return out, nil
}

// deleteVersion deletes a version. If it is the current one, the newest of the others
// becomes that.
func (s *Store) deleteVersion(bucket, key, path string, d Delete) (Deleted, error) {
	versions, err := s.versionsAt(bucket, key, path)
	if err != nil {
		return Deleted{}, err
	}
	for i, v := range versions {
		if v.VersionID() != d.Version {
			continue
		}
		if d.Check != nil {
			if err := d.Check(&v, nil); err != nil {
				return Deleted{}, err
			}
		}
		if i == 0 && len(versions) > 1 {
			next := versions[1].File
			if err := os.Rename(next, v.File); err != nil {
				return Deleted{}, err
			}
			if err := errors.Join(s.attrs.moved(next, v.File), syncDir(filepath.Dir(v.File)), syncDir(filepath.Dir(next))); err != nil {
				return Deleted{}, err
			}
		} else {
			if err := os.Remove(v.File); err != nil && !isGone(err) {
				return Deleted{}, err
			}
			s.attrs.forget(v.File)
			if i == 0 {
				s.removeEmpty(bucket, path)
			} else if err := syncDir(filepath.Dir(v.File)); err != nil && !isGone(err) {
				return Deleted{}, err
			}
		}
		return Deleted{VersionID: d.Version, Marker: v.Marker, Existed: true}, nil
	}
	if d.Check != nil {
		if err := d.Check(nil, nil); err != nil {
			return Deleted{}, err
		}
	}
	return Deleted{VersionID: d.Version}, nil
}

// removeEmpty removes the folders above a path that have become empty.
func (s *Store) removeEmpty(bucket, path string) {
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		full := s.file(bucket, dir)
		if os.Remove(full) != nil {
			return
		}
		s.synced.forget(full)
	}
}
