package objectstore

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"io/fs"
)

// List says what a page of a listing has.
type List struct {
	Prefix    string
	Delimiter string
	After     string // keys up to this one are passed over, and the common prefix that it is in
	// Within has the common prefix that After is in listed where it has later keys.
	Within bool
	Max    int
	// Version, of the key After, is where a listing of versions goes on behind.
	Version string
	// View is the generation of the first page, from Page.Token.
	Token string
}

// Page is a page of a listing. Entries and common prefixes come in the order of keys.
type Page struct {
	Entries   []Info
	Prefixes  []string
	Truncated bool
	Last      string // the last key or common prefix
	Version   string // the id of the last version; empty for a common prefix
	Token     string // to go on with, if it is truncated
}

// ParseToken returns the generation and the last key of a token; false for what is none.
func ParseToken(token string) (generation int64, key string, ok bool) {
	b, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(b) < 9 {
		return 0, "", false
	}
	return int64(binary.BigEndian.Uint64(b)), string(b[8:]), true
}

func listToken(generation int64, key string) string {
	return base64.URLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(generation)), key...))
}

// List lists objects.
func (s *Store) List(ctx context.Context, bucket string, q List) (Page, error) {
	var page Page
	v := s.swaps.view()
	if q.Token != "" {
		if generation, key, ok := ParseToken(q.Token); ok {
			v.release()
			q.After, q.Within, v = key, false, s.swaps.resume(generation)
		}
	}
	defer v.release()
	versioned := s.versioning(bucket) != Unversioned
	room := func() bool {
		page.Truncated = len(page.Entries)+len(page.Prefixes) >= q.Max
		return !page.Truncated
	}
	var failed error
	l := s.newListing(ctx, bucket, q)
	l.exists = func(path string, _ fs.DirEntry) bool {
		return !v.hides(bucket, path) && !(versioned && s.isMarker(s.file(bucket, path)))
	}
	l.object = func(key, path string, file fs.DirEntry) bool {
		if !room() {
			return false
		}
		info, err := file.Info()
		if err != nil {
			return true // it has just been deleted
		}
		full := s.file(bucket, path)
		r, err := s.readRecord(nil, full)
		if err != nil {
			return true
		}
		page.Entries = append(page.Entries, Info{Key: key, File: full, Size: r.dataSize(info.Size()), ModTime: info.ModTime(), Latest: true, Record: r})
		page.Last = key
		return true
	}
	l.common = func(prefix string) bool {
		if !room() {
			return false
		}
		page.Prefixes, page.Last = append(page.Prefixes, prefix), prefix
		return true
	}
	if q.Max > 0 {
		failed = l.run()
	}
	if page.Truncated {
		v.lease()
		page.Token = listToken(v.generation, page.Last)
	}
	return page, failed
}

// ListVersions lists all versions of objects, delete markers too.
func (s *Store) ListVersions(ctx context.Context, bucket string, q List) (Page, error) {
	var page Page
	v := s.swaps.view()
	defer v.release()
	room := func() bool {
		page.Truncated = len(page.Entries)+len(page.Prefixes) >= q.Max
		return !page.Truncated
	}
	var failed error
	l := s.newListing(ctx, bucket, q)
	l.exists = func(path string, _ fs.DirEntry) bool { return !v.hides(bucket, path) }
	l.including = q.Version != ""
	l.object = func(key, path string, _ fs.DirEntry) bool {
		var versions []Info
		if versions, failed = s.versionsAt(bucket, key, path); failed != nil {
			return false
		}
		if key == q.After && q.Version != "" {
			versions = versionsAfter(versions, q.Version)
		}
		for _, version := range versions {
			if !room() {
				return false
			}
			page.Entries = append(page.Entries, version)
			page.Last, page.Version = key, version.VersionID()
		}
		return true
	}
	l.common = func(prefix string) bool {
		if !room() {
			return false
		}
		page.Prefixes = append(page.Prefixes, prefix)
		page.Last, page.Version = prefix, ""
		return true
	}
	if q.Max > 0 {
		if err := l.run(); err != nil {
			return page, err
		}
	}
	return page, failed
}

func (s *Store) newListing(ctx context.Context, bucket string, q List) *listing {
	return &listing{ctx: ctx, root: s.file(bucket, ""), folders: &s.folders, prefix: q.Prefix, delimiter: q.Delimiter, after: q.After, within: q.Within}
}
