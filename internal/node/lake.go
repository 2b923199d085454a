package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/compact"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/service/s3"
)

// objectFiles shows the objects of a location to the query engine as files.
type objectFiles struct {
	s3   *s3.Service
	list interface { // it, or a snapshot of it
		Files(ctx context.Context, bucket, prefix string) ([]s3.File, error)
	}
}

// Snapshot implements lakesql.Snapshots.
func (f objectFiles) Snapshot() (files lakesql.Files, release func()) {
	now := f.s3.Snapshot()
	return objectFiles{f.s3, now}, now.Release
}

// Files implements lakesql.Files.
func (f objectFiles) Files(ctx context.Context, location string) ([]lakesql.File, error) {
	// Not net/url: a key may hold '?', '#' and '%'.
	scheme, rest, ok := strings.Cut(location, "://")
	if !ok || !strings.HasPrefix(scheme, "s3") {
		return nil, fmt.Errorf("location %q is no s3://bucket/prefix/", location)
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	objects, err := f.list.Files(ctx, bucket, prefix)
	if err != nil {
		return nil, err
	}
	files := make([]lakesql.File, 0, len(objects))
	for _, o := range objects {
		name := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
		if o.Size == 0 || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
			continue
		}
		files = append(files, lakesql.File{URI: "s3://" + bucket + "/" + o.Key, Path: o.Path, Size: o.Size})
	}
	return files, nil
}

// lake shows the objects of a bucket to compaction.
type lake struct{ s3 *s3.Service }

// Walk implements compact.Lake.
func (l lake) Walk(ctx context.Context, bucket, prefix string, visit func(compact.Object)) error {
	now := l.s3.Snapshot()
	defer now.Release()
	err := now.Walk(ctx, bucket, prefix, func(f s3.File) { visit(compact.Object(f)) })
	if s3.IsNoSuchBucket(err) {
		return compact.ErrNoBucket
	}
	return err
}

// Replace implements compact.Lake.
func (l lake) Replace(ctx context.Context, bucket string, keys []string, keep time.Duration, merge func([]compact.Object) (compact.Merged, error)) error {
	err := l.s3.Replace(ctx, bucket, keys, keep, func(files []s3.File) (s3.Merged, error) {
		objects := make([]compact.Object, len(files))
		for i, f := range files {
			objects[i] = compact.Object(f)
		}
		m, err := merge(objects)
		return s3.Merged(m), err
	})
	switch {
	case s3.IsNoSuchBucket(err):
		return compact.ErrNoBucket
	case errors.Is(err, s3.ErrChanged):
		return compact.ErrChanged
	}
	return err
}
