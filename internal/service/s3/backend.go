package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// durable is the posix backend with every change to objects on disk before it is
// acknowledged.
type durable struct {
	*posix.Posix
	dir        string
	log        *slog.Logger
	publishing *publishing // shared with attributes
	service    *Service
	room       room
	locks      keyLocks
	buckets    bucketGate
	synced     dirSet
	swaps      *swaps
}

func (d *durable) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	if ctx.Value(formUpload{}) != nil { // its key is not in the URL
		path, err := d.service.writable(*in.Bucket, *in.Key)
		if err != nil {
			return s3response.PutObjectOutput{}, d.outward("put object", err)
		}
		in.Key = &path
	}
	if err := d.changing(ctx, *in.Bucket, *in.Key); err != nil {
		return s3response.PutObjectOutput{}, d.outward("put object", err)
	}
	return d.putDurably(ctx, in)
}

func (d *durable) putDurably(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	defer d.service.keepTime(*in.Bucket, *in.Key)()
	out, synced, err := d.put(ctx, in)
	if err == nil && synced {
		err = d.commitName(*in.Bucket, *in.Key)
	} else if err == nil {
		err = d.commit(*in.Bucket, *in.Key)
	}
	if err != nil {
		return s3response.PutObjectOutput{}, d.outward("put object", err)
	}
	return out, nil
}

func (d *durable) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	leave := d.buckets.enter(*in.Bucket)
	defer leave()
	path, err := d.finalPlace(*in.Bucket, *in.Key, *in.UploadId)
	if err == nil {
		err = d.changing(ctx, *in.Bucket, path)
	}
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", d.outward("complete multipart upload", err)
	}
	unlock := d.locks.lock(*in.Bucket, path)
	out, version, err := d.complete(ctx, in, path)
	unlock()
	if err == nil {
		err = d.commit(*in.Bucket, path)
	}
	if err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", d.outward("complete multipart upload", err)
	}
	key := decodePath(path)
	out.Key = &key
	return out, version, nil
}

// complete completes an upload to a path, with what was asked for when it was begun.
func (d *durable) complete(ctx context.Context, in *s3.CompleteMultipartUploadInput, path string) (out s3response.CompleteMultipartUploadResult, version string, err error) {
	if !d.hasUpload(*in.Bucket, path, *in.UploadId) {
		return out, "", s3err.GetNoSuchUploadErr(*in.UploadId)
	}
	placed := d.service.placementOf(*in.Bucket, uploadDir(path, *in.UploadId))
	defer d.service.keepTime(*in.Bucket, path)()
	in.Key = &path
	if out, version, err = d.Posix.CompleteMultipartUpload(ctx, in); err != nil {
		return out, "", err
	}
	return out, version, d.service.storePlacement(nil, *in.Bucket, path, placed)
}

func (d *durable) PutObjectTagging(ctx context.Context, bucket, object, version string, tags map[string]string) error {
	err := d.Posix.PutObjectTagging(ctx, bucket, object, version, tags)
	if err == nil && version == "" {
		err = d.commit(bucket, object)
	}
	return d.outward("put object tagging", err)
}

func (d *durable) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) error {
	err := d.Posix.CreateBucket(ctx, in, acl)
	if err == nil {
		err = syncDir(d.dir)
	}
	return d.outward("create bucket", err)
}

// commit makes the object that has just been renamed into place survive a crash: its
// attributes, its name, and the names of the directories above it.
func (d *durable) commit(bucket, key string) error {
	f, err := os.Open(filepath.Join(d.dir, bucket, key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted or overwritten by a later request
	}
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return d.commitName(bucket, key)
}

// commitName is commit for an object whose attributes are on disk.
func (d *durable) commitName(bucket, key string) error {
	root := filepath.Join(d.dir, bucket)
	var named []string
	for dir := filepath.Dir(filepath.Join(root, key)); ; dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(dir) <= len(root) || d.synced.has(dir) {
			break
		}
		named = append(named, dir)
	}
	d.synced.add(named...)
	return nil
}

// removed makes a deletion survive a crash: it syncs the directory that has lost a name,
// which is the lowest that is left, for the posix backend removes emptied directories.
func (d *durable) removed(bucket, key string) error {
	root := filepath.Join(d.dir, bucket)
	for dir := filepath.Dir(filepath.Join(root, key)); len(dir) >= len(root); dir = filepath.Dir(dir) {
		err := syncDir(dir)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		d.synced.forget(dir)
	}
	return nil
}

// outward returns what a client may see of err. versitygw would print any other error
// than S3's to standard error.
func (d *durable) outward(doing string, err error) error {
	if err == nil {
		return nil
	}
	if se, ok := asS3Error(err); ok {
		return se
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) {
		// Another request has just removed the bucket, or the emptied folder that this one
		// was about to write to, or has written to what this one removes. Clients try again,
		// and are told then what there is.
		return errMeanwhile
	}
	d.log.Error("s3: "+doing, "error", err)
	return s3err.GetAPIError(s3err.ErrInternalError)
}

// A dirSet remembers directories whose own names are on disk, so that a put into a deep
// prefix does not sync its whole path each time. It holds at most maxSynced names; the
// zero value is empty.
type dirSet struct {
	mu   sync.Mutex
	dirs map[string]struct{}
}

const maxSynced = 1 << 16

func (s *dirSet) has(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.dirs[dir]
	return ok
}

func (s *dirSet) add(dirs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs == nil || len(s.dirs)+len(dirs) > maxSynced {
		s.dirs = map[string]struct{}{}
	}
	for _, dir := range dirs {
		s.dirs[dir] = struct{}{}
	}
}

// forget takes out dir, which has been removed.
func (s *dirSet) forget(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dirs, dir)
}

func (s *dirSet) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs = nil
}

// sweepUploads removes what uploads that a crash has cut off have left in each bucket.
// Parts of multipart uploads stay: the upload may still be completed.
func sweepUploads(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*", posix.MetaTmpDir, "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		info, err := os.Lstat(f)
		if err == nil && (info.Mode().IsRegular() || isRoom(info.Name())) {
			err = os.RemoveAll(f)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an interrupted upload: %w", err)
		}
	}
	return nil
}
