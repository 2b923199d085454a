package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
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

func (d *durable) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (s3response.ListObjectsResult, error) {
	v := d.swaps.view()
	defer v.release()
	return d.ListObjectsParametrized(ctx, in, d.visible(v))
}

// ListObjectsV2 gives all pages of a listing the generation of the first: it is in the
// continuation token, before the key that the page ends with.
func (d *durable) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	token := in.ContinuationToken
	var v view
	if token == nil || *token == "" {
		v = d.swaps.view()
	} else {
		generation, key, ok := parseToken(*token)
		if !ok {
			return s3response.ListObjectsV2Result{}, errBadToken
		}
		v = d.swaps.resume(generation)
		again := *in
		again.ContinuationToken = &key
		in = &again
	}
	defer v.release()
	out, err := d.ListObjectsV2Parametrized(ctx, in, d.visible(v))
	if err != nil {
		return out, err
	}
	out.ContinuationToken = nil
	if token != nil && *token != "" {
		out.ContinuationToken = token
	}
	if out.NextContinuationToken != nil {
		v.lease()
		next := listToken(v.generation, *out.NextContinuationToken)
		out.NextContinuationToken = &next
	}
	return out, nil
}

var errBadToken = s3err.APIError{
	Code:           "InvalidArgument",
	Description:    "The continuation token provided is incorrect",
	HTTPStatusCode: http.StatusBadRequest,
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

// visible leaves out of a listing what the view does not show.
func (d *durable) visible(v view) func(bucket string, owner bool) backend.GetObjFunc {
	return func(bucket string, owner bool) backend.GetObjFunc {
		object := d.FileToObj(bucket, owner)
		return func(path string, e fs.DirEntry) (s3response.Object, error) {
			if v.hides(bucket, path) {
				return s3response.Object{}, backend.ErrSkipObj
			}
			return object(path, e)
		}
	}
}

func (d *durable) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	v := d.swaps.view()
	defer v.release()
	out, err := d.Posix.ListObjectVersions(ctx, in)
	out.Versions = slices.DeleteFunc(out.Versions, func(o s3response.ObjectVersion) bool { return o.Key != nil && v.hides(*in.Bucket, *o.Key) })
	return out, err
}
