package node

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/s3uri"
	"github.com/brookmere/brookmere/internal/engine/compact"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/service/s3"
)

// objectFiles shows the objects of a location to the query engine as files.
type objectFiles struct {
	s3     *s3.Service
	access Access
	list   interface { // s3, or a snapshot of it
		Files(ctx context.Context, bucket, prefix string) ([]s3.File, error)
	}
}

// Snapshot implements lakesql.Snapshots.
func (f objectFiles) Snapshot() (files lakesql.Files, release func()) {
	now := f.s3.Snapshot()
	return objectFiles{f.s3, f.access, now}, now.Release
}

// Files implements lakesql.Files.
func (f objectFiles) Files(ctx context.Context, location string) ([]lakesql.File, error) {
	l, err := s3uri.Parse(location)
	if err != nil {
		return nil, lakesql.ErrLocation
	}
	folder := l.Folder()
	if err := allowed(ctx, f.access, folder.Bucket, folder.Key, "s3:ListBucket"); err != nil {
		return nil, err
	}
	objects, err := f.list.Files(ctx, folder.Bucket, folder.Key)
	if err != nil {
		return nil, objectError(err)
	}
	files := make([]lakesql.File, 0, len(objects))
	for _, o := range objects {
		if o.Size == 0 || hidden(o.Key[len(folder.Key):]) {
			continue
		}
		if err := allowed(ctx, f.access, folder.Bucket, o.Key, "s3:GetObject"); err != nil {
			return nil, err
		}
		files = append(files, f.file("s3://"+folder.Bucket+"/"+o.Key, o))
	}
	return files, nil
}

// Object implements lakesql's catalog.Objects.
func (f objectFiles) Object(ctx context.Context, location string) (lakesql.File, error) {
	l, err := s3uri.Parse(location)
	if err != nil || l.Key == "" {
		return lakesql.File{}, lakesql.ErrLocation
	}
	if err := allowed(ctx, f.access, l.Bucket, l.Key, "s3:GetObject"); err != nil {
		return lakesql.File{}, err
	}
	o, ok := f.s3.LocalFile(l.Bucket, l.Key)
	if !ok {
		return lakesql.File{}, lakesql.ErrNoObject
	}
	return f.file(l.String(), o), nil
}

// file is an object as the query engine has it.
func (f objectFiles) file(uri string, o s3.File) lakesql.File {
	archive, readable := f.s3.Archived(o.Path)
	file := lakesql.File{URI: uri, Path: o.Path, Size: o.Size, Modified: o.ModTime, Archived: archive, Unreadable: !readable}
	if o.Sealed {
		file.Open = func() (io.ReadCloser, error) { return f.s3.OpenFile(o.Path) }
	}
	return file
}

// hidden reports whether a key, as far as it is below a location, is one that queries do not
// see: a part of it begins with "_" or ".".
func hidden(below string) bool {
	for part := range strings.SplitSeq(below, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// lake shows the objects of a bucket to compaction.
type lake struct {
	s3     *s3.Service
	access Access
}

// Walk implements compact.Lake.
func (l lake) Walk(ctx context.Context, bucket, prefix string, visit func(compact.Object)) error {
	if err := mayRead(ctx, l.access, bucket, prefix); err != nil {
		return compactError(err)
	}
	now := l.s3.Snapshot()
	defer now.Release()
	err := now.Walk(ctx, bucket, prefix, func(f s3.File) { visit(l.object(f)) })
	if s3.IsNoSuchBucket(err) {
		return compact.ErrNoBucket
	}
	return err
}

// object is an object as compaction has it.
func (l lake) object(f s3.File) compact.Object {
	o := compact.Object{Key: f.Key, Path: f.Path, Size: f.Size, ModTime: f.ModTime}
	if f.Sealed {
		o.Opener = func() (compact.Data, error) { return l.s3.OpenFile(f.Path) }
	}
	return o
}

// Replace implements compact.Lake.
func (l lake) Replace(ctx context.Context, bucket string, keys []string, keep time.Duration, merge func([]compact.Object) (compact.Merged, error)) error {
	for _, key := range keys {
		if err := mayReplace(ctx, l.access, bucket, key); err != nil {
			return compactError(err)
		}
	}
	err := l.s3.Replace(ctx, bucket, keys, keep, func(files []s3.File) (s3.Merged, error) {
		objects := make([]compact.Object, len(files))
		for i, f := range files {
			objects[i] = l.object(f)
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
