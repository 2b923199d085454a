package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/brookmere/brookmere/internal/engine/compact"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/service/s3"
)

// Access decides whether the caller of a context may do an action of S3's with the objects of
// a bucket whose keys begin with key. What goes through S3's API (results, crawls, deliveries,
// jobs) is decided there by the same function. What reaches objects by their files asks here:
// the files of queries and of compaction.
type Access interface {
	Allow(ctx context.Context, action, bucket, key string) error
}

// mayRead returns nil where the caller may list and get the objects below a prefix; otherwise
// an error of lakesql's.
func mayRead(ctx context.Context, a Access, bucket, prefix string) error {
	return allowed(ctx, a, bucket, prefix, "s3:ListBucket", "s3:GetObject")
}

// mayReplace returns nil where the caller may put another object in the place of one.
func mayReplace(ctx context.Context, a Access, bucket, key string) error {
	return allowed(ctx, a, bucket, key, "s3:PutObject", "s3:DeleteObject")
}

func allowed(ctx context.Context, a Access, bucket, key string, actions ...string) error {
	for _, action := range actions {
		if err := a.Allow(ctx, action, bucket, key); err != nil {
			return objectError(err)
		}
	}
	return nil
}

// objectError puts an error of S3's into the query engine's words.
func objectError(err error) error {
	switch {
	case s3.IsNoSuchBucket(err):
		return lakesql.ErrNoBucket
	case s3.IsAccessDenied(err):
		return lakesql.ErrDenied
	}
	return err
}

// compactError puts an error of mayRead into compaction's words.
func compactError(err error) error {
	if errors.Is(err, lakesql.ErrNoBucket) {
		return compact.ErrNoBucket
	}
	return fmt.Errorf("objects are not compacted: %w", err)
}
