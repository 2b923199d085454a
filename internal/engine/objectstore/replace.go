package objectstore

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Merged is an object that stands for others.
type Merged struct {
	Key  string // of no other object
	Body io.ReadSeeker
	Size int64
	// Sources is how many of the files that it was made of it stands for, from the first
	// on. The others stay.
	Sources int
}

// Replace puts one object in the place of several, in one step: no listing, neither by
// S3's API nor by Files, has the old and the new together, or neither, whatever happens
// to the process. Merge makes the object of the files, which are in the order of sources;
// if it has no Sources, or fails, all stays as it is. If somebody puts or deletes a source
// before the step is done it is not done, and the error is ErrChanged.
//
// The object has the content type and encoding of the first.
//
// The sources can still be got by their keys for the time of keep, by clients that listed
// them before, and a SQL query that has listed them reads them to its end. In a bucket with
// versions they stay as noncurrent versions.
func (s *Store) Replace(ctx context.Context, bucket string, sources []string, keep time.Duration, merge func([]File) (Merged, error)) error {
	sources, err := s.places(bucket, sources)
	if err != nil {
		return err
	}
	w := &swap{
		Bucket: bucket, Keep: keep,
		s: s, id: strconv.FormatUint(s.swapIDs.Add(1), 36) + "-" + strconv.FormatInt(s.clock.Now().UnixNano(), 36),
		guarded: sources, generation: unpublished, done: make(chan struct{}),
	}
	if !s.swaps.guard(w, sources) {
		return ErrChanged
	}
	err = w.replace(ctx, merge)
	if err == nil {
		w.finishLater()
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if uerr := w.undo(); uerr != nil {
		// The object stays hidden, and its sources visible.
		s.failed("remove the unfinished object "+w.Bucket+"/"+w.Key+", before the next start", uerr)
	}
	return err
}

var errNothingMerged = errors.New("s3: nothing to replace")

func (w *swap) replace(ctx context.Context, merge func([]File) (Merged, error)) error {
	files := make([]File, 0, len(w.guarded))
	for _, below := range w.guarded {
		path := filepath.Join(w.s.dir, w.Bucket, below)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || w.s.versioning(w.Bucket) != Unversioned && w.s.isMarker(path) {
			return ErrChanged
		}
		file := File{Key: decodePath(below), Path: path, Size: info.Size(), ModTime: info.ModTime()}
		if err := w.s.measure(&file); err != nil {
			return ErrChanged
		}
		files = append(files, file)
	}
	m, err := merge(files)
	if err != nil {
		return err
	}
	if m.Sources == 0 {
		return errNothingMerged
	}
	below, err := w.s.writable(w.Bucket, m.Key)
	if err != nil {
		return err
	}
	path := filepath.Join(w.s.dir, w.Bucket, below)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("s3: there is an object %s already", m.Key)
	}
	w.mu.Lock()
	if w.cancelled {
		w.mu.Unlock()
		return ErrChanged
	}
	all := w.guarded
	w.Key, w.Sources = below, all[:m.Sources]
	w.s.swaps.narrow(w, all)
	err = w.save(stageWriting)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	first, err := w.s.readRecord(nil, files[0].Path)
	if err != nil {
		return ErrChanged
	}
	record, err := w.s.describe(m, first)
	if err != nil {
		return err
	}
	if _, err := w.s.Put(ctx, w.Bucket, m.Key, Put{Body: m.Body, Size: m.Size, Record: record}); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancelled {
		return ErrChanged
	}
	w.Generation = w.s.swaps.next()
	if err := w.save(stageCommitted); err != nil {
		return err
	}
	w.s.swaps.commit(w, w.Generation)
	return nil
}

// places returns the paths of the objects of keys.
func (s *Store) places(bucket string, keys []string) ([]string, error) {
	paths := make([]string, len(keys))
	for i, key := range keys {
		path, ok := s.place(bucket, key)
		if !ok {
			return nil, ErrChanged
		}
		paths[i] = path
	}
	return paths, nil
}

// describe is the record of an object that stands for others, the first of which has that
// record.
func (s *Store) describe(m Merged, first Record) (Record, error) {
	sum := md5.New()
	if _, err := io.Copy(sum, m.Body); err != nil {
		return Record{}, err
	}
	if _, err := m.Body.Seek(0, io.SeekStart); err != nil {
		return Record{}, err
	}
	r := Record{ETag: hex.EncodeToString(sum.Sum(nil)), Headers: map[string]string{}}
	for _, name := range []string{"content-type", "content-encoding"} {
		if v := first.Headers[name]; v != "" {
			r.Headers[name] = v
		}
	}
	return r, nil
}

// writable returns the path to write the object of a key to.
func (s *Store) writable(bucket, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	path, _ := encodeKey(key)
	if err := s.room.make(bucket, path); err != nil {
		return "", err
	}
	return s.selfPlace(bucket, path), nil
}
