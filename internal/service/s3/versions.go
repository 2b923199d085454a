package s3

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/versity/versitygw/s3response"
)

// The current version of an object is the object's file. The others are files named by
// their version id, in a directory of the object's own below StateDir/versions/<bucket>.
// The posix backend writes them; this file reads and deletes them, in steps of one rename
// each, which it does not.

// nullVersion is the id of a version that was made while the bucket was not versioned.
const nullVersion = "null"

const (
	versionAttribute = "version-id"
	markerAttribute  = "delete-marker"
)

// version is one version of an object.
type version struct {
	id     string
	file   string // absolute
	dir    string // with name: where its attributes are, as the posix backend says it
	name   string
	info   fs.FileInfo
	marker bool // it stands for a deletion
}

// hasVersions reports whether a bucket has, or has had, versions.
func (s *Service) hasVersions(bucket string) bool {
	status, err := s.attrs.RetrieveAttribute(nil, bucket, "", "versioning")
	return err == nil && len(status) > 0
}

// isMarker reports whether the file at a path stands for the deletion of its object.
func (s *Service) isMarker(bucket, path string) bool {
	return s.attrs.has(bucket, path, markerAttribute)
}

// versionsDirOf is where the noncurrent versions of the object at a path are, as the posix
// backend has it.
func versionsDirOf(versions, bucket, path string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(path)))
	return filepath.Join(versions, bucket, sum[:2], sum[2:4], sum[4:6], sum)
}

// versionsOf returns the versions of the object at a path, the current first.
func (s *Service) versionsOf(bucket, path string) ([]version, error) {
	current, err := s.currentVersion(bucket, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	others, err := s.noncurrent(bucket, path)
	if err != nil {
		return nil, err
	}
	return append([]version{current}, slices.DeleteFunc(others, func(v version) bool { return v.id == current.id })...), nil
}

func (s *Service) currentVersion(bucket, path string) (version, error) {
	v := version{id: nullVersion, file: filepath.Join(s.dir, bucket, path), dir: bucket, name: path}
	var err error
	if v.info, err = os.Lstat(v.file); err != nil {
		return version{}, err
	}
	if id, err := s.attrs.RetrieveAttribute(nil, bucket, path, versionAttribute); err == nil {
		v.id = string(id)
	}
	v.marker = s.isMarker(bucket, path)
	return v, nil
}

// noncurrent returns the versions of an object but the current, the newest first.
func (s *Service) noncurrent(bucket, path string) ([]version, error) {
	dir := versionsDirOf(s.versionsDir(), bucket, path)
	entries, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	var null *version
	var versions []version
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v := version{id: e.Name(), file: filepath.Join(dir, e.Name()), dir: dir, name: e.Name(), info: info}
		v.marker = s.attrs.has(dir, e.Name(), markerAttribute)
		if v.id == nullVersion {
			null = &v
		} else {
			versions = append(versions, v)
		}
	}
	// Their ids grow with time. The null version's does not, so its time tells.
	slices.SortFunc(versions, func(a, b version) int { return strings.Compare(b.id, a.id) })
	if null != nil {
		i := slices.IndexFunc(versions, func(v version) bool { return v.info.ModTime().Before(null.info.ModTime()) })
		if i < 0 {
			i = len(versions)
		}
		versions = slices.Insert(versions, i, *null)
	}
	return versions, nil
}

// versionFile returns the file of a version of the object at a path; id is empty for the
// current one.
func (s *Service) versionFile(bucket, path, id string) string {
	file := filepath.Join(s.dir, bucket, path)
	if id == "" {
		return file
	}
	if current, err := s.currentVersion(bucket, path); err == nil && current.id == id {
		return file
	}
	return filepath.Join(versionsDirOf(s.versionsDir(), bucket, path), id)
}

// checksums returns what is kept of a version's checksums.
func (s *Service) checksums(bucket, path, id string) (sums s3response.Checksum) {
	file := s.versionFile(bucket, path, id)
	if id == "" || file == filepath.Join(s.dir, bucket, path) {
		file = bucket
	} else {
		file, path = filepath.Dir(file), id
	}
	if raw, err := s.attrs.RetrieveAttribute(nil, file, path, "checksums"); err == nil {
		_ = json.Unmarshal(raw, &sums) // versitygw's own; without it the default is made anew
	}
	return sums
}

// keepTime gives the version that the next put to an object makes a noncurrent one its
// time back: the posix backend copies it. The function that it returns is called after
// the put.
func (s *Service) keepTime(bucket, path string) func() {
	if !s.hasVersions(bucket) {
		return func() {}
	}
	v, err := s.currentVersion(bucket, path)
	if err != nil {
		return func() {}
	}
	return func() {
		file := filepath.Join(versionsDirOf(s.versionsDir(), bucket, path), v.id)
		_ = os.Chtimes(file, time.Time{}, v.info.ModTime()) // it decides on no more than the order of a list
	}
}
