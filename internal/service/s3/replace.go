package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/versity/versitygw/s3response"
)

// ErrChanged is returned by Replace if objects were changed, or are not there.
var ErrChanged = errors.New("s3: objects that were to be replaced have changed meanwhile")

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
func (s *Service) Replace(ctx context.Context, bucket string, sources []string, keep time.Duration, merge func([]File) (Merged, error)) error {
	if _, err := s.bucket(bucket); err != nil {
		return err
	}
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
		s.background.Go(func() { w.finish(s.ctx) })
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if uerr := w.undo(); uerr != nil {
		// The object stays hidden, and its sources visible.
		s.log.Error("s3: an unfinished object stays until the next start, out of sight", "bucket", bucket, "object", w.Key, "error", uerr)
	}
	return err
}

var errNothingMerged = errors.New("s3: nothing to replace")

func (w *swap) replace(ctx context.Context, merge func([]File) (Merged, error)) error {
	files := make([]File, 0, len(w.guarded))
	for _, below := range w.guarded {
		path := filepath.Join(w.s.dir, w.Bucket, below)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || w.s.hasVersions(w.Bucket) && w.s.isMarker(w.Bucket, below) {
			return ErrChanged
		}
		files = append(files, File{Key: decodePath(below), Path: path, Size: info.Size(), ModTime: info.ModTime()})
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
	put := s3response.PutObjectInput{Bucket: &w.Bucket, Key: &w.Key, Body: m.Body, ContentLength: &m.Size}
	put.ContentType = w.s.attribute(w.Bucket, all[0], "content-type")
	put.ContentEncoding = w.s.attribute(w.Bucket, all[0], "content-encoding")
	if _, err := w.s.backend.putDurably(ctx, put); err != nil {
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
func (s *Service) places(bucket string, keys []string) ([]string, error) {
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

// attribute is what is stored of an object under a name; nil if there is nothing.
func (s *Service) attribute(bucket, key, name string) *string {
	b, err := s.attrs.RetrieveAttribute(nil, bucket, key, name)
	if err != nil {
		return nil
	}
	v := string(b)
	return &v
}
