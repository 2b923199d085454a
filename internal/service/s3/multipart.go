package s3

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3response"
)

// The parts of an upload are in a directory of the posix backend's, whose name is made of
// the object's path. Multipart operations go by the path that the key has by itself; where
// the object needs another one (room.go), the upload moves when it is completed.

const (
	multipartDir = string(posix.MetaTmpMultipartDir)
	// inProgress ends the name that an upload has while it is completed.
	inProgress = ".inprogress"
)

func hashed(path string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(path))) }

// CreateMultipartUpload keeps the storage class and encryption with the upload.
func (d *durable) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	out, err := d.Posix.CreateMultipartUpload(ctx, in)
	if err == nil {
		err = d.service.storePlacement(nil, *in.Bucket, uploadDir(*in.Key, out.UploadId), placementFrom(ctx))
		out.Key = decodePath(*in.Key)
	}
	return out, d.outward("create multipart upload", err)
}

// UploadPart has a part on disk before it is acknowledged: a client that has been told so
// need not send it again.
func (d *durable) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	out, err := d.UploadPartWithPostFunc(ctx, in, func(f *os.File) error { return f.Sync() })
	if err == nil {
		err = syncDir(filepath.Join(d.dir, *in.Bucket, uploadDir(*in.Key, *in.UploadId)))
	}
	if err != nil {
		return nil, d.outward("upload part", err)
	}
	return out, nil
}

// ListParts names the object by its key.
func (d *durable) ListParts(ctx context.Context, in *s3.ListPartsInput) (s3response.ListPartsResult, error) {
	out, err := d.Posix.ListParts(ctx, in)
	out.Key = decodePath(out.Key)
	if p := d.service.placementOf(*in.Bucket, uploadDir(*in.Key, *in.UploadId)); err == nil && p.Class != "" {
		out.StorageClass = types.StorageClass(p.Class)
	}
	return out, d.outward("list parts", err)
}

// hasUpload reports whether there is an upload to a path, or was one that the object at the
// path is of: completing it again is no error.
func (d *durable) hasUpload(bucket, path, id string) bool {
	if !isUploadID(id) {
		return false
	}
	if _, err := os.Lstat(filepath.Join(d.dir, bucket, uploadDir(path, id))); err == nil {
		return true
	}
	raw, err := d.service.attrs.RetrieveAttribute(nil, filepath.Join(d.dir, bucket), path, publishAttribute)
	if err != nil {
		return false
	}
	made, err := backend.UnmarshalMpUploadMetadata(raw, false)
	return err == nil && made.UploadID == id
}

// finalPlace returns the path that the object of an upload will have, and moves the upload
// to where the posix backend looks for one to that path.
func (d *durable) finalPlace(bucket, path, id string) (string, error) {
	if err := d.room.make(bucket, path); err != nil {
		return "", err
	}
	final := d.service.selfPlace(bucket, path)
	if final == path || !isUploadID(id) {
		return path, nil
	}
	root := filepath.Join(d.dir, bucket)
	from, to := filepath.Join(root, uploadDir(path, id)), filepath.Join(root, uploadDir(final, id))
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	if err := d.service.attrs.StoreAttribute(nil, bucket, filepath.Dir(uploadDir(final, id)), "objname", []byte(final)); err != nil {
		return "", err
	}
	return final, os.Rename(from, to)
}

// sweepCompletions gives uploads whose completion a crash has cut off their names back, so
// that they can be completed again.
func sweepCompletions(dir string) error {
	claimed, err := filepath.Glob(filepath.Join(dir, "*", multipartDir, "*", "*"+inProgress))
	if err != nil {
		return err
	}
	for _, c := range claimed {
		id, _, _ := strings.Cut(filepath.Base(c), ".")
		if err := os.Rename(c, filepath.Join(filepath.Dir(c), id)); err != nil {
			return fmt.Errorf("give an upload its name back: %w", err)
		}
	}
	return nil
}
