package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/s3err"
)

// changing is called before an object is written.
func (d *durable) changing(ctx context.Context, bucket, key string) error {
	if w := d.swaps.of(bucket, key); w != nil {
		return w.cancel(ctx, true)
	}
	return nil
}

// deleting is called before an object is deleted. It reports whether there is nothing left
// to delete.
func (d *durable) deleting(ctx context.Context, bucket, key string) (gone bool, err error) {
	w := d.swaps.of(bucket, key)
	if w == nil {
		return false, nil
	}
	err = w.cancel(ctx, false)
	return d.swaps.hides(bucket, key), err
}

// standInSource is what a copy reads instead of an object that has been merged away.
func (d *durable) standInSource(src string) (string, bool) {
	path, err := url.PathUnescape(strings.TrimPrefix(src, "/"))
	if err != nil {
		return "", false
	}
	bucket, key, _ := strings.Cut(path, "/")
	if key, ok := d.swaps.standIn(bucket, key); ok {
		return bucket + "/" + key, true
	}
	return "", false
}

func (d *durable) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	latest := in.VersionId == nil || *in.VersionId == ""
	if latest && d.swaps.pending(*in.Bucket, *in.Key) {
		return nil, s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	out, err := d.Posix.GetObject(ctx, in)
	if latest && noSuchKey(err) {
		if key, ok := d.swaps.standIn(*in.Bucket, *in.Key); ok {
			again := *in
			again.Key = &key
			return d.Posix.GetObject(ctx, &again)
		}
	}
	return out, err
}

func (d *durable) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	latest := in.VersionId == nil || *in.VersionId == ""
	if latest && d.swaps.pending(*in.Bucket, *in.Key) {
		return nil, s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	out, err := d.Posix.HeadObject(ctx, in)
	if latest && noSuchKey(err) {
		if key, ok := d.swaps.standIn(*in.Bucket, *in.Key); ok {
			again := *in
			again.Key = &key
			return d.Posix.HeadObject(ctx, &again)
		}
	}
	return out, err
}

func noSuchKey(err error) bool {
	if err == nil {
		return false
	}
	se, ok := asS3Error(err)
	return ok && se.StatusCode() == http.StatusNotFound && se.BaseError().Code == "NoSuchKey"
}

func listToken(generation int64, key string) string {
	return base64.URLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(generation)), key...))
}

func parseToken(token string) (generation int64, key string, ok bool) {
	b, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(b) < 9 {
		return 0, "", false
	}
	return int64(binary.BigEndian.Uint64(b)), string(b[8:]), true
}
