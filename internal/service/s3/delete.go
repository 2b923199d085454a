package s3

import (
	"context"
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/oklog/ulid/v2"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// DeleteObject deletes the object at a path.
func (d *durable) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	out, err := d.delete(ctx, in)
	if err == nil {
		err = d.removed(*in.Bucket, *in.Key)
	}
	if err != nil {
		return nil, d.outward("delete object", err)
	}
	return out, nil
}

// DeleteObjects deletes the objects of keys, which have not been made paths: they are not
// in the URL.
func (d *durable) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	var result s3response.DeleteResult
	parents := map[string]string{} // one sync a directory, however many objects it had
	for _, o := range in.Delete.Objects {
		path, ok := d.service.place(*in.Bucket, aws.ToString(o.Key))
		if !ok || aws.ToString(o.Key) == "" {
			// A key that cannot be stored is not there to be deleted, which is success.
			result.Deleted = append(result.Deleted, types.DeletedObject{Key: o.Key})
			continue
		}
		if id := aws.ToString(o.VersionId); id != "" && !isVersionID(id) {
			result.Error = append(result.Error, s3err.ObjectDeleteError(o.Key, o.VersionId, errNoSuchVersion(aws.ToString(o.Key), id)))
			continue
		}
		out, err := d.delete(ctx, &s3.DeleteObjectInput{
			Bucket: in.Bucket, Key: &path, VersionId: o.VersionId,
			IfMatch: o.ETag, IfMatchLastModifiedTime: o.LastModifiedTime, IfMatchSize: o.Size,
		})
		if err != nil {
			result.Error = append(result.Error, s3err.ObjectDeleteError(o.Key, o.VersionId, d.outward("delete objects", err)))
			continue
		}
		parents[filepath.Dir(path)] = path
		deleted := types.DeletedObject{Key: o.Key, VersionId: o.VersionId}
		if aws.ToBool(out.DeleteMarker) {
			deleted.DeleteMarker, deleted.DeleteMarkerVersionId = out.DeleteMarker, out.VersionId
		}
		result.Deleted = append(result.Deleted, deleted)
	}
	for _, path := range parents {
		if err := d.removed(*in.Bucket, path); err != nil {
			return s3response.DeleteResult{}, d.outward("delete objects", err)
		}
	}
	return result, nil
}

// delete deletes the object at a path, or one version of it.
func (d *durable) delete(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	id := aws.ToString(in.VersionId)
	if id == "" {
		if gone, err := d.deleting(ctx, *in.Bucket, *in.Key); gone || err != nil {
			return &s3.DeleteObjectOutput{}, err
		}
	}
	return d.deleteHere(ctx, in, id)
}

// deleteHere is delete whatever becomes of swaps.
func (d *durable) deleteHere(ctx context.Context, in *s3.DeleteObjectInput, id string) (*s3.DeleteObjectOutput, error) {
	if d.room.follows && (id != "" || d.service.hasVersions(*in.Bucket)) {
		defer d.locks.lock(*in.Bucket, *in.Key)()
		if id == "" {
			return d.mark(in)
		}
		return d.deleteVersion(in, id)
	}
	return d.Posix.DeleteObject(ctx, in)
}

// mark makes a delete marker the current version.
func (d *durable) mark(in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	bucket, path := *in.Bucket, *in.Key
	status, err := d.service.attrs.RetrieveAttribute(nil, bucket, "", "versioning")
	if err != nil {
		return nil, err
	}
	current, err := d.service.currentVersion(bucket, path)
	exists := err == nil
	if !exists && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, err
	}
	if exists && !current.marker {
		if err := d.checkDeletion(in, current); err != nil {
			return nil, err
		}
	}
	id := nullVersion // while versioning is suspended
	if status[0] == 1 {
		id = ulid.Make().String()
	}
	dir := filepath.Join(d.dir, bucket, posix.MetaTmpDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "marker-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // unless it has been renamed
	attrs := d.service.attrs.MetadataStorer
	err = attrs.StoreAttribute(f, bucket, path, markerAttribute, []byte{})
	if id != nullVersion {
		err = errors.Join(err, attrs.StoreAttribute(f, bucket, path, versionAttribute, []byte(id)))
	}
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	versions := versionsDirOf(d.service.versionsDir(), bucket, path)
	if exists && (id != nullVersion || current.id != nullVersion) {
		if err := keepVersion(current, versions); err != nil {
			return nil, err
		}
	}
	if err := d.room.make(bucket, path); err != nil {
		return nil, err
	}
	file := filepath.Join(d.dir, bucket, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return nil, err
	}
	if id == nullVersion {
		if err := os.Remove(filepath.Join(versions, nullVersion)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := d.commitName(bucket, path); err != nil {
		return nil, err
	}
	return &s3.DeleteObjectOutput{DeleteMarker: aws.Bool(true), VersionId: &id}, nil
}

// keepVersion gives the current version a second name among the noncurrent ones.
func keepVersion(current version, versions string) error {
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	kept := filepath.Join(versions, current.id)
	if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // what a crash has left
	}
	if err := os.Link(current.file, kept); err != nil {
		return err
	}
	return errors.Join(syncDir(versions), syncDir(filepath.Dir(versions)))
}

// deleteVersion deletes a version. If it is the current one, the newest of the others
// becomes that.
func (d *durable) deleteVersion(in *s3.DeleteObjectInput, id string) (*s3.DeleteObjectOutput, error) {
	bucket, path := *in.Bucket, *in.Key
	if _, err := ulid.ParseStrict(id); err != nil && id != nullVersion {
		return nil, s3err.GetInvalidArgumentErr(s3err.InvalidArgVersionId, id)
	}
	versions, err := d.service.versionsOf(bucket, path)
	if err != nil && !errors.Is(err, syscall.ENOTDIR) {
		return nil, err
	}
	for i, v := range versions {
		if v.id != id {
			continue
		}
		if err := d.checkDeletion(in, v); err != nil {
			return nil, err
		}
		switch {
		case i == 0 && len(versions) > 1:
			next := versions[1].file
			if err := os.Rename(next, v.file); err != nil {
				return nil, err
			}
			err = errors.Join(syncDir(filepath.Dir(v.file)), syncDir(filepath.Dir(next)))
		default:
			if err = os.Remove(v.file); err != nil {
				break
			}
			if i == 0 {
				d.removeEmpty(bucket, path)
			} else {
				err = syncDir(filepath.Dir(v.file))
			}
		}
		if err != nil {
			return nil, err
		}
		out := &s3.DeleteObjectOutput{VersionId: &id}
		if v.marker {
			out.DeleteMarker = aws.Bool(true)
		}
		return out, nil
	}
	return &s3.DeleteObjectOutput{VersionId: &id}, nil // it is not there, as was wished
}

// checkDeletion evaluates the conditions that a deletion has.
func (d *durable) checkDeletion(in *s3.DeleteObjectInput, v version) error {
	if in.IfMatch == nil && in.IfMatchLastModifiedTime == nil && in.IfMatchSize == nil {
		return nil
	}
	etag, _ := d.service.attrs.RetrieveAttribute(nil, v.dir, v.name, "etag")
	return backend.EvaluateObjectDeletePreconditions(string(etag), v.info.ModTime(), v.info.Size(), backend.ObjectDeletePreconditions{
		IfMatch: in.IfMatch, IfMatchLastModTime: in.IfMatchLastModifiedTime, IfMatchSize: in.IfMatchSize,
	})
}

// removeEmpty removes the folders above a path that have become empty.
func (d *durable) removeEmpty(bucket, path string) {
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		if os.Remove(filepath.Join(d.dir, bucket, dir)) != nil {
			return
		}
	}
}

// DeleteBucket deletes a bucket that is empty. No object is put meanwhile: it would be
// acknowledged and gone.
func (d *durable) DeleteBucket(ctx context.Context, bucket string) error {
	defer d.buckets.close(bucket)()
	for _, w := range d.swaps.in(bucket) {
		if err := w.cancel(ctx, true); err != nil {
			return d.outward("delete bucket", err)
		}
	}
	// Folders in which there is nothing any more are no objects, nor versions.
	prune(filepath.Join(d.dir, bucket))
	prune(filepath.Join(d.service.versionsDir(), bucket))
	err := d.Posix.DeleteBucket(ctx, bucket)
	if err == nil {
		err = syncDir(d.dir)
	}
	return d.outward("delete bucket", err)
}

// prune removes the empty folders below dir until it comes upon a file, and reports
// whether it came upon none.
func prune(dir string) bool {
	entries, err := readDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name() == reservedName {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() || !prune(path) || os.Remove(path) != nil {
			return false
		}
	}
	return true
}

// keyLocks are locks of keys, shared by keys that hash alike. The zero value is ready.
type keyLocks struct{ of [256]sync.Mutex }

var lockSeed = maphash.MakeSeed()

// lock locks a key, and returns what unlocks it.
func (l *keyLocks) lock(bucket, path string) (unlock func()) {
	m := &l.of[maphash.String(lockSeed, bucket+"/"+path)%uint64(len(l.of))]
	m.Lock()
	return m.Unlock
}

// bucketGate lets changes to a bucket's objects become visible, many at a time, except
// while the bucket is deleted. The zero value is open.
type bucketGate struct {
	mu    sync.Mutex
	gates map[string]*gate
}

type gate struct {
	sync.RWMutex
	users int
}

func (b *bucketGate) take(bucket string) *gate {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.gates[bucket]
	if g == nil {
		if b.gates == nil {
			b.gates = map[string]*gate{}
		}
		g = new(gate)
		b.gates[bucket] = g
	}
	g.users++
	return g
}

func (b *bucketGate) leave(bucket string, g *gate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(b.gates, bucket)
	}
}

// enter waits while the bucket is deleted. The function that it returns leaves.
func (b *bucketGate) enter(bucket string) func() {
	g := b.take(bucket)
	g.RLock()
	return func() { g.RUnlock(); b.leave(bucket, g) }
}

// close waits until all have left, and keeps others out until its function is called.
func (b *bucketGate) close(bucket string) func() {
	g := b.take(bucket)
	g.Lock()
	return func() { g.Unlock(); b.leave(bucket, g) }
}
