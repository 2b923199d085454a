package objectstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/xattr"
)

// attributes keep short values with files: as extended attributes, or in sidecar files where
// the file system has none. A file is open and not yet at its path, or f is nil.
type attributes interface {
	read(f *os.File, path, name string) ([]byte, error) // errNoAttribute
	write(f *os.File, path, name string, value []byte) error
	remove(path, name string) error
	list(f *os.File, path string) ([]string, error)
	// moved tells that a file has another path, forget that it is no more.
	moved(from, to string) error
	copied(from, to string) error
	forget(path string)
	// follow reports whether attributes follow their file by themselves.
	follow() bool
}

var errNoAttribute = errors.New("objectstore: no such attribute")

const userPrefix = "user."

// maxInline is how many bytes of a value are kept as an extended attribute: ext4 gives a file
// 4 KB for all together. Longer ones are files of their own, StateDir/values/<hh>/<hash of the
// value>, which are never changed, and on disk before an attribute names them. They stay when
// the attribute goes, for others may name them.
const maxInline = 2048

// valueReference starts an attribute that names a value's file. No record has a NUL byte.
const valueReference = "\x00value:"

type extended struct{ values string }

func supportsExtended(dir string) bool {
	f, err := os.CreateTemp(dir, ".attributes-")
	if err != nil {
		return false
	}
	defer os.Remove(f.Name())
	defer f.Close()
	return xattr.FSet(f, userPrefix+"test", []byte("x")) == nil
}

func (e extended) read(f *os.File, path, name string) (value []byte, err error) {
	if f != nil {
		value, err = xattr.FGet(f, userPrefix+name)
	} else {
		value, err = xattr.LGet(path, userPrefix+name)
	}
	if errors.Is(err, xattr.ENOATTR) {
		return nil, errNoAttribute
	}
	if err != nil {
		return nil, err
	}
	hash, ok := bytes.CutPrefix(value, []byte(valueReference))
	if !ok || len(hash) != 2*sha256.Size {
		return value, nil
	}
	return os.ReadFile(filepath.Join(e.values, string(hash[:2]), filepath.Base(string(hash))))
}

func (e extended) write(f *os.File, path, name string, value []byte) error {
	if len(value) > maxInline {
		sum := sha256.Sum256(value)
		hash := hex.EncodeToString(sum[:])
		if err := e.keep(hash, value); err != nil {
			return err
		}
		value = []byte(valueReference + hash)
	}
	if f != nil {
		return xattr.FSet(f, userPrefix+name, value)
	}
	return xattr.LSet(path, userPrefix+name, value)
}

func (e extended) keep(hash string, value []byte) error {
	dir := filepath.Join(e.values, hash[:2])
	if _, err := os.Lstat(filepath.Join(dir, hash)); err == nil {
		return nil
	}
	if err := os.Mkdir(e.values, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return writeFileDurably(dir, hash, value)
}

func (extended) remove(path, name string) error { return xattr.LRemove(path, userPrefix+name) }

func (extended) list(f *os.File, path string) (names []string, err error) {
	var all []string
	if f != nil {
		all, err = xattr.FList(f)
	} else {
		all, err = xattr.LList(path)
	}
	for _, name := range all {
		if name, ok := strings.CutPrefix(name, userPrefix); ok {
			names = append(names, name)
		}
	}
	return names, err
}

func (extended) moved(_, _ string) error  { return nil }
func (extended) copied(_, _ string) error { return nil }
func (extended) forget(string)            {}
func (extended) follow() bool             { return true }

// sidecar keeps attributes in files beside the objects' directory: a crash may leave a new
// object with the attributes of the one before.
type sidecar struct {
	dir  string
	root string // of the objects
}

func (s sidecar) at(path string) string {
	if below, ok := strings.CutPrefix(path, s.root+"/"); ok {
		path = below
	}
	return filepath.Join(s.dir, path, "meta")
}

func (s sidecar) read(_ *os.File, path, name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(s.at(path), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoAttribute
	}
	return b, err
}

func (s sidecar) write(_ *os.File, path, name string, value []byte) error {
	if err := os.MkdirAll(filepath.Dir(s.at(path)), 0o755); err != nil {
		return err
	}
	return writeFileDurably(s.at(path), name, value)
}

func (s sidecar) remove(path, name string) error { return os.Remove(filepath.Join(s.at(path), name)) }

func (s sidecar) list(_ *os.File, path string) (names []string, err error) {
	entries, err := readDir(s.at(path))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (s sidecar) moved(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(s.at(to)), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(s.at(to)); err != nil {
		return err
	}
	err := os.Rename(s.at(from), s.at(to))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s sidecar) copied(from, to string) error {
	names, err := s.list(nil, from)
	for _, name := range names {
		var b []byte
		if b, err = s.read(nil, from, name); err == nil {
			err = s.write(nil, to, name, b)
		}
		if err != nil {
			break
		}
	}
	return err
}

func (s sidecar) forget(path string) { _ = os.RemoveAll(s.at(path)) }
func (s sidecar) follow() bool       { return false }

// tempPrefix starts the name of a file that is not yet written out.
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

// WriteFile replaces dir/name by a file with these contents, as writeFileDurably does; dir is
// made if it is missing.
func WriteFile(dir, name string, contents []byte) error { return writeFileDurably(dir, name, contents) }

// RemoveTree removes a directory in one step, and returns when that is on disk.
func RemoveTree(dir string) error {
	gone := filepath.Join(filepath.Dir(dir), tempPrefix+"gone-"+filepath.Base(dir))
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := os.Rename(dir, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}
