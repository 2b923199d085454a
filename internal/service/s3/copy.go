package s3

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// maxCopy is S3's limit on the bytes of an object that is copied in one request.
const maxCopy = 5 << 30

// CopyObject is a put of what is read of another object, or of the object itself with
// other metadata: so a copy is there at once and whole, and is a version of its own.
func (d *durable) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := d.copy(ctx, in)
	return out, d.outward("copy object", err)
}

func (d *durable) copy(ctx context.Context, in s3response.CopyObjectInput) (out s3response.CopyObjectOutput, err error) {
	source := *in.CopySource
	if src, ok := d.standInSource(source); ok {
		source = src
	}
	bucket, path, id, err := backend.ParseCopySource(source)
	if err != nil {
		return out, err
	}
	from := s3.HeadObjectInput{Bucket: &bucket, Key: &path}
	if id != "" {
		from.VersionId = &id
	}
	head, err := d.HeadObject(ctx, &from)
	if err != nil {
		return out, err
	}
	err = backend.EvaluatePreconditions(value(head.ETag), *head.LastModified, backend.PreConditions{
		IfMatch:       in.CopySourceIfMatch,
		IfNoneMatch:   in.CopySourceIfNoneMatch,
		IfModSince:    in.CopySourceIfModifiedSince,
		IfUnmodeSince: in.CopySourceIfUnmodifiedSince,
	})
	if se, ok := asS3Error(err); ok && se.StatusCode() == http.StatusNotModified {
		err = s3err.GetPreconditionFailedErr(s3err.ConditionIfNoneMatch)
	}
	if err != nil {
		return out, err
	}
	itself := bucket == *in.Bucket && path == *in.Key && id == ""
	if itself && in.MetadataDirective == types.MetadataDirectiveCopy && !placementFrom(ctx).asked && value(in.WebsiteRedirectLocation) == "" {
		return out, s3err.GetAPIError(s3err.ErrInvalidCopyDest)
	}
	if *head.ContentLength > maxCopy {
		return out, s3err.GetCopySourceObjectTooLargeErr(maxCopy)
	}
	put, err := d.copied(ctx, in, head, from)
	if err != nil {
		return out, err
	}
	f, err := os.Open(d.service.versionFile(bucket, path, id))
	if err != nil {
		return out, err
	}
	defer f.Close()
	if now, err := d.service.attrs.RetrieveAttribute(f, bucket, path, "etag"); err == nil && string(now) != value(head.ETag) {
		return out, errMeanwhile // another object has come in its place
	}
	put.Body = f
	if err := d.changing(ctx, *in.Bucket, *in.Key); err != nil {
		return out, err
	}
	done, err := d.putDurably(ctx, put)
	if err != nil {
		return out, err
	}
	now := d.service.clock.Now().UTC().Truncate(time.Second)
	if info, err := os.Lstat(filepath.Join(d.dir, *in.Bucket, *in.Key)); err == nil {
		now = info.ModTime().UTC()
	}
	out.CopyObjectResult = &s3response.CopyObjectResult{
		ETag: &done.ETag, LastModified: &now, ChecksumType: done.ChecksumType,
		ChecksumCRC32: done.ChecksumCRC32, ChecksumCRC32C: done.ChecksumCRC32C, ChecksumCRC64NVME: done.ChecksumCRC64NVME,
		ChecksumSHA1: done.ChecksumSHA1, ChecksumSHA256: done.ChecksumSHA256,
	}
	if done.VersionID != "" {
		out.VersionId = &done.VersionID
	}
	if d.service.hasVersions(bucket) {
		out.CopySourceVersionId = head.VersionId
	}
	return out, nil
}

// copied is the put that makes a copy, but for its body.
func (d *durable) copied(ctx context.Context, in s3response.CopyObjectInput, head *s3.HeadObjectOutput, from s3.HeadObjectInput) (s3response.PutObjectInput, error) {
	put := s3response.PutObjectInput{
		Bucket: in.Bucket, Key: in.Key, ContentLength: head.ContentLength,
		ContentType: head.ContentType, ContentEncoding: head.ContentEncoding, ContentDisposition: head.ContentDisposition,
		ContentLanguage: head.ContentLanguage, CacheControl: head.CacheControl, Expires: head.ExpiresString,
		Metadata:                head.Metadata,
		WebsiteRedirectLocation: in.WebsiteRedirectLocation,
		ChecksumAlgorithm:       in.ChecksumAlgorithm,
		Tagging:                 in.Tagging,
		ObjectLockMode:          in.ObjectLockMode, ObjectLockLegalHoldStatus: in.ObjectLockLegalHoldStatus,
		ObjectLockRetainUntilDate: in.ObjectLockRetainUntilDate,
	}
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		put.ContentType, put.ContentEncoding, put.ContentDisposition = in.ContentType, in.ContentEncoding, in.ContentDisposition
		put.ContentLanguage, put.CacheControl, put.Expires = in.ContentLanguage, in.CacheControl, in.Expires
		put.Metadata = in.Metadata
	}
	if put.ChecksumAlgorithm == "" {
		put.ChecksumAlgorithm = d.service.checksums(*from.Bucket, *from.Key, value(from.VersionId)).Algorithm
	}
	if in.TaggingDirective == types.TaggingDirectiveReplace {
		return put, nil
	}
	tags, err := d.Posix.GetObjectTagging(ctx, *from.Bucket, *from.Key, value(from.VersionId))
	if se, ok := asS3Error(err); ok && se.StatusCode() == http.StatusNotFound {
		return put, nil // it has none
	}
	values := url.Values{}
	for k, v := range tags {
		values.Set(k, v)
	}
	tagging := values.Encode()
	put.Tagging = &tagging
	return put, err
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
