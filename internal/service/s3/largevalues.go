package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/versity/versitygw/backend/meta"
)

// largeValues keeps attributes of objects as extended attributes, of which ext4 takes 4 KB
// a file, and the long ones in files of their own. An object's user metadata may have 2 KB,
// its tags several, and the list of its parts a hundred.
//
// A long value's file is StateDir/values/<hh>/<hash of the value>, so it is never changed,
// and on disk before an attribute names it. It stays when the attribute goes, for others
// may name it: a copy, or a version.
type largeValues struct {
	meta.MetadataStorer
	dir string
}

// maxInline is how many bytes of a value are kept as an extended attribute.
const maxInline = 512

// valueReference starts an attribute that names a value's file. No header has a NUL byte.
const valueReference = "\x00value:"

func (l largeValues) StoreAttribute(f *os.File, bucket, object, attribute string, value []byte) error {
	if len(value) > maxInline {
		sum := sha256.Sum256(value)
		name := hex.EncodeToString(sum[:])
		if err := l.keep(name, value); err != nil {
			return err
		}
		value = []byte(valueReference + name)
	}
	return l.MetadataStorer.StoreAttribute(f, bucket, object, attribute, value)
}

func (l largeValues) keep(name string, value []byte) error {
	dir := filepath.Join(l.dir, name[:2])
	if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
		return nil
	}
	if err := os.Mkdir(l.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return writeFileDurably(dir, name, value)
}

func (l largeValues) RetrieveAttribute(f *os.File, bucket, object, attribute string) ([]byte, error) {
	value, err := l.MetadataStorer.RetrieveAttribute(f, bucket, object, attribute)
	if err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(string(value), valueReference)
	if !ok || len(name) != 2*sha256.Size {
		return value, nil
	}
	return os.ReadFile(filepath.Join(l.dir, name[:2], filepath.Base(name)))
}
