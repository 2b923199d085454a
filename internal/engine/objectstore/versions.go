package objectstore

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The current version of an object is the object's file. The others are files named by
// their version id, in a directory of the object's own below StateDir/versions/<bucket>.

// NullVersion is the id of a version that was made while the bucket was not versioned.
const NullVersion = "null"

// versionIDs makes ids that grow with time.
type versionIDs struct {
	mu   sync.Mutex
	last int64
}

// idAlphabet is in the order of bytes, so that ids have the order of what they encode.
const idAlphabet = ".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// idLength is how long an id is. Those of the first version are ULIDs of 26.
const idLength = 32

func (v *versionIDs) next(now time.Time) string {
	v.mu.Lock()
	v.last = max(v.last+1, now.UnixNano())
	n := v.last
	v.mu.Unlock()
	var raw [24]byte
	binary.BigEndian.PutUint64(raw[:], uint64(n))
	_, _ = rand.Read(raw[8:20]) // it never fails
	binary.BigEndian.PutUint32(raw[20:], crc32.Checksum(raw[:20], idSums))
	return encodeID(raw)
}

// idSums makes the sum at an id's end, by which one that was never given out is told.
var idSums = crc32.MakeTable(crc32.Castagnoli)

func encodeID(raw [24]byte) string {
	var id [idLength]byte
	for i := range 8 {
		b := uint32(raw[3*i])<<16 | uint32(raw[3*i+1])<<8 | uint32(raw[3*i+2])
		for j := range 4 {
			id[4*i+j] = idAlphabet[b>>(18-6*j)&63]
		}
	}
	return string(id[:])
}

// IsVersionID reports whether id is one that the store may have made: an id of its form with
// the right sum at its end, a ULID of the first version, or "null".
func IsVersionID(id string) bool {
	if id == NullVersion {
		return true
	}
	if len(id) == 26 {
		return strings.Trim(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == "" && id[0] <= '7'
	}
	if len(id) != idLength {
		return false
	}
	var raw [24]byte
	for i := range 8 {
		var b uint32
		for j := range 4 {
			v := strings.IndexByte(idAlphabet, id[4*i+j])
			if v < 0 {
				return false
			}
			b = b<<6 | uint32(v)
		}
		raw[3*i], raw[3*i+1], raw[3*i+2] = byte(b>>16), byte(b>>8), byte(b)
	}
	return binary.BigEndian.Uint32(raw[20:]) == crc32.Checksum(raw[:20], idSums)
}

// isMarker reports whether the file stands for the deletion of its object.
func (s *Store) isMarker(file string) bool {
	r, err := s.readRecord(nil, file)
	return err == nil && r.Marker
}

// versionsOf is where the noncurrent versions of the object at a path are.
func (s *Store) versionsOf(bucket, path string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(path)))
	return filepath.Join(s.versionsDir(), bucket, sum[:2], sum[2:4], sum[4:6], sum)
}

// versionsAfter are the versions behind the one of an id, which may have been deleted since a page ended with it: ids tell
// when they were made. Nothing tells where a null version was, and then all are returned.
func versionsAfter(versions []Info, id string) []Info {
	if i := slices.IndexFunc(versions, func(v Info) bool { return v.VersionID() == id }); i >= 0 {
		return versions[i+1:]
	}
	if id == NullVersion {
		return versions
	}
	made := idTime(id)
	i := slices.IndexFunc(versions, func(v Info) bool {
		if v.Version == "" {
			return v.ModTime.Before(made)
		}
		return v.Version < id
	})
	if i < 0 {
		return nil
	}
	return versions[i:]
}

// idTime is when a version's id was made, as far as the id tells it: to the nanosecond, or to the millisecond for a ULID.
func idTime(id string) time.Time {
	alphabet, letters, bits := idAlphabet, 11, 6
	if len(id) == 26 {
		alphabet, letters, bits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 10, 5
	}
	var n uint64
	for i := range min(letters, len(id)) {
		v := max(0, strings.IndexByte(alphabet, id[i]))
		if i == 10 { // of which the time has the first four bits
			return time.Unix(0, int64(n<<4|uint64(v)>>2))
		}
		n = n<<bits | uint64(v)
	}
	return time.UnixMilli(int64(n))
}

// current is the object at a path, which may be a delete marker; fs.ErrNotExist.
func (s *Store) current(bucket, key, path string) (Info, error) {
	file := s.file(bucket, path)
	info, err := os.Lstat(file)
	if err != nil {
		return Info{}, err
	}
	if !info.Mode().IsRegular() {
		return Info{}, fs.ErrNotExist
	}
	r, err := s.readRecord(nil, file)
	if err != nil {
		return Info{}, err
	}
	return Info{Key: key, File: file, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Latest: true, Record: r}, nil
}

// Versions returns the versions of an object, the current first.
func (s *Store) Versions(bucket, key string) ([]Info, error) {
	path, ok := s.place(bucket, key)
	if !ok {
		return nil, nil
	}
	return s.versionsAt(bucket, key, path)
}

func (s *Store) versionsAt(bucket, key, path string) ([]Info, error) {
	current, err := s.current(bucket, key, path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	others, err := s.noncurrent(key, s.versionsOf(bucket, path))
	if err != nil {
		return nil, err
	}
	// A crash may have left the current one among the others.
	others = slices.DeleteFunc(others, func(v Info) bool { return v.Version == current.Version })
	return append([]Info{current}, others...), nil
}

// noncurrent returns the versions of an object but the current, the newest first.
func (s *Store) noncurrent(key, dir string) ([]Info, error) {
	entries, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	var null *Info
	var versions []Info
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, e.Name())
		r, err := s.readRecord(nil, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v := Info{Key: key, File: file, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Record: r}
		v.Version = e.Name()
		if e.Name() == NullVersion {
			v.Version = ""
			null = &v
		} else {
			versions = append(versions, v)
		}
	}
	// Their ids grow with time. The null version's does not, so its time tells.
	slices.SortFunc(versions, func(a, b Info) int { return strings.Compare(b.Version, a.Version) })
	if null != nil {
		i := slices.IndexFunc(versions, func(v Info) bool { return v.ModTime.Before(null.ModTime) })
		if i < 0 {
			i = len(versions)
		}
		versions = slices.Insert(versions, i, *null)
	}
	return versions, nil
}

// keepVersion gives the current version a second name among the noncurrent ones.
func (s *Store) keepVersion(current Info, versions string) error {
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	kept := filepath.Join(versions, current.VersionID())
	if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // what a crash has left
	}
	if err := os.Link(current.File, kept); err != nil {
		return err
	}
	if err := s.attrs.copied(current.File, kept); err != nil {
		return err
	}
	return errors.Join(syncDir(versions), syncDir(filepath.Dir(versions)))
}

// Stat returns an object, or the version of an id. ErrNoKey; ErrNoVersion; ErrMarker, with
// the Info of the delete marker. What Replace has merged away can still be found by its key.
func (s *Store) Stat(bucket, key, id string) (Info, error) {
	info, f, err := s.open(bucket, key, id, false)
	if f != nil {
		f.Close() // it was not even read
	}
	return info, err
}

// Open is Stat with the object's data, which is to be closed.
func (s *Store) Open(bucket, key, id string) (Info, Data, error) {
	return s.open(bucket, key, id, true)
}

func (s *Store) open(bucket, key, id string, data bool) (Info, Data, error) {
	if CheckKey(key) != nil {
		return Info{}, nil, ErrNoKey
	}
	if id != "" && !IsVersionID(id) {
		return Info{}, nil, ErrNoVersion
	}
	path, _ := s.place(bucket, key)
	if id == "" && s.swaps.pending(bucket, path) {
		return Info{}, nil, ErrNoKey
	}
	for range 3 { // a path may change while it is looked at
		info, f, err := s.openFile(key, s.file(bucket, path), data)
		missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
		if err != nil && !missing {
			return Info{}, nil, err
		}
		info.Latest = true
		switch {
		case id == "" && missing:
			if again, _ := s.place(bucket, key); again != path {
				path = again
				continue
			}
			if aside, ok := s.swaps.standIn(bucket, path); ok {
				if info, f, err := s.openFile(key, s.file(bucket, aside), data); err == nil {
					info.Latest = true
					return info, f, nil
				}
			}
			return Info{}, nil, ErrNoKey
		case id == "" || !missing && info.VersionID() == id:
			if info.Marker {
				closeIf(f)
				return info, nil, ErrMarker
			}
			return info, f, nil
		}
		closeIf(f)
		info, f, err = s.openFile(key, filepath.Join(s.versionsOf(bucket, path), id), data)
		if isGone(err) {
			if again, aerr := s.current(bucket, key, path); aerr == nil && again.VersionID() == id {
				continue // it has become the current one
			}
			return Info{}, nil, ErrNoVersion
		}
		if err != nil {
			return Info{}, nil, err
		}
		if info.Version = id; id == NullVersion {
			info.Version = ""
		}
		if info.Marker {
			closeIf(f)
			return info, nil, ErrMarker
		}
		return info, f, nil
	}
	return Info{}, nil, ErrBusy
}

func closeIf(f Data) {
	if f != nil {
		f.Close() // it was only read
	}
}

// openFile reads what a file is of; data and record are of the same object.
func (s *Store) openFile(key, path string, data bool) (Info, Data, error) {
	if !data {
		info, err := os.Lstat(path)
		if err != nil {
			return Info{}, nil, err
		}
		if !info.Mode().IsRegular() {
			return Info{}, nil, fs.ErrNotExist
		}
		r, err := s.readRecord(nil, path)
		return Info{Key: key, File: path, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Record: r}, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Info{}, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	var r Record
	if err == nil {
		r, err = s.readRecord(f, path)
	}
	if err != nil {
		f.Close() // it was only read
		return Info{}, nil, err
	}
	return Info{Key: key, File: path, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Record: r}, s.keys.unseal(f, &r), nil
}
