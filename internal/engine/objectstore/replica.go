package objectstore

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"io/fs"
)

// publishReplica publishes what is not to be the current version: a replica that is there already, of which nothing
// is changed, and one that is older than the current version. Done is false for one that is to be published as
// objects are. The caller holds the key's lock.
func (s *Store) publishReplica(bucket, key, path string, f *os.File, p publication) (info Info, done bool, err error) {
	all, err := s.versionsAt(bucket, key, path)
	if err != nil || len(all) == 0 {
		return Info{}, false, err
	}
	for _, v := range all {
		if v.Version == p.replica {
			return v, true, nil
		}
	}
	if all[0].Version < p.replica { // ids grow with time; the null version has come before versions were kept
		return Info{}, false, nil
	}
	r := p.record
	r.Version = p.replica
	versions := s.versionsOf(bucket, path)
	target := filepath.Join(versions, r.Version)
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return Info{}, true, err
	}
	if p.check != nil {
		var seen *Info
		if !all[0].Marker {
			seen = &all[0]
		}
		stat, err := f.Stat()
		if err != nil {
			return Info{}, true, err
		}
		next := Info{Key: key, File: target, Size: r.dataSize(stat.Size()), ModTime: stat.ModTime(), Record: r}
		if err := p.check(seen, &next); err != nil {
			return Info{}, true, err
		}
	}
	if err := errors.Join(s.writeRecord(f, target, &r), f.Sync()); err != nil {
		return Info{}, true, err
	}
	if err := os.Rename(f.Name(), target); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			err = errors.Join(ErrNoBucket, err)
		}
		return Info{}, true, err
	}
	stat, err := f.Stat()
	if err == nil {
		err = errors.Join(syncDir(versions), syncDir(filepath.Dir(versions)))
	}
	if err != nil {
		return Info{}, true, err
	}
	return Info{Key: key, File: target, Size: r.dataSize(stat.Size()), ModTime: stat.ModTime(), Record: r}, true, nil
}
