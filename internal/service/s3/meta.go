package s3

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/versity/versitygw/backend/meta"
)

// attributes keeps the metadata that the posix backend asks it to: an object's where the
// object is, as extended attributes, or in sidecar files where the file system has none.
// A bucket's settings are files of their own instead: ext4 gives a file 4 KB for all its
// attributes together, and a bucket policy may have 20.
type attributes struct {
	meta.MetadataStorer
	publishing *publishing // shared with durable
	buckets    string      // directory with a directory of settings a bucket
}

// aclAttribute is the setting, written by the posix backend, that makes a bucket exist.
const aclAttribute = "acl"

// publishAttribute is the last attribute that the posix backend gives a multipart object
// before it renames the object into place: the moment to have the data on disk.
const publishAttribute = "mp-metadata"

// ofBucket reports whether an attribute is a bucket's. The posix backend names an old
// version of an object by an absolute path in the place of the bucket, and no object.
func ofBucket(bucket, object string) bool { return object == "" && !filepath.IsAbs(bucket) }

// has reports whether a file has an attribute.
func (a attributes) has(bucket, object, attribute string) bool {
	_, err := a.RetrieveAttribute(nil, bucket, object, attribute)
	return err == nil
}

func (a attributes) RetrieveAttribute(f *os.File, bucket, object, attribute string) ([]byte, error) {
	if !ofBucket(bucket, object) {
		return a.MetadataStorer.RetrieveAttribute(f, bucket, object, attribute)
	}
	b, err := os.ReadFile(filepath.Join(a.buckets, bucket, attribute))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, meta.ErrNoSuchKey
	}
	return b, err
}

func (a attributes) StoreAttribute(f *os.File, bucket, object, attribute string, value []byte) error {
	if !ofBucket(bucket, object) {
		if err := a.MetadataStorer.StoreAttribute(f, bucket, object, attribute, value); err != nil {
			return err
		}
		if f == nil {
			return nil
		}
		if attribute == publishAttribute {
			return f.Sync()
		}
		return a.publishing.stored(f, attribute)
	}
	return writeFileDurably(filepath.Join(a.buckets, bucket), attribute, value)
}

func (a attributes) DeleteAttribute(bucket, object, attribute string) error {
	if !ofBucket(bucket, object) {
		return a.MetadataStorer.DeleteAttribute(bucket, object, attribute)
	}
	dir := filepath.Join(a.buckets, bucket)
	err := os.Remove(filepath.Join(dir, attribute))
	if errors.Is(err, fs.ErrNotExist) {
		return meta.ErrNoSuchKey
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

func (a attributes) ListAttributes(bucket, object string) ([]string, error) {
	if !ofBucket(bucket, object) {
		return a.MetadataStorer.ListAttributes(bucket, object)
	}
	entries, err := os.ReadDir(filepath.Join(a.buckets, bucket))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (a attributes) DeleteAttributes(bucket, object string) error {
	if err := a.MetadataStorer.DeleteAttributes(bucket, object); err != nil {
		return err
	}
	if !ofBucket(bucket, object) {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(a.buckets, bucket)); err != nil {
		return err
	}
	return syncDir(a.buckets)
}

// tempPrefix starts the name of a settings file that is not yet written out.
const tempPrefix = ".new-"

// writeFileDurably replaces dir/name by one with these contents, and returns when that is
// on disk. A crash leaves the old file or the new one.
func writeFileDurably(dir, name string, contents []byte) error {
	if err := os.Mkdir(dir, 0o755); err == nil {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", filepath.Join(dir, name), err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
