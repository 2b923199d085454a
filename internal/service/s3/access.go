package s3

import (
	"context"
	"errors"

	"github.com/versity/versitygw/s3err"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Allow returns nil where the caller of ctx may do an action ("s3:GetObject", "s3:ListBucket",
// "s3:PutObject", "s3:DeleteObject") with the objects of a bucket whose keys begin with key. It
// is asked for every request, and by whatever reaches objects by their files (Files, Walk,
// Replace), which do not ask themselves. Its errors are of S3's form: NoSuchBucket,
// AccessDenied. A bucket is its owner's alone.
func (s *Service) Allow(ctx context.Context, action, bucket, key string) error {
	if !validBucketName(bucket) {
		return noSuchBucket(bucket)
	}
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	return b.allow(awswire.CallerFrom(ctx), action, key)
}

// allow is Allow for a bucket that is known.
func (b bucketInfo) allow(caller awswire.Caller, _, _ string) error {
	if b.owner != caller.Account {
		return s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	return nil
}

// IsAccessDenied tells whether err says that the caller may not do what it asked for.
func IsAccessDenied(err error) bool {
	se, ok := errors.AsType[s3err.S3Error](err)
	return ok && se.BaseError().Code == "AccessDenied"
}
