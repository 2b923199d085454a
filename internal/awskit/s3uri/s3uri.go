// Package s3uri parses locations in S3, "s3://bucket/prefix", in the spellings that data tools
// write: the schemes s3, s3a and s3n name the same object.
package s3uri

import (
	"errors"
	"strings"
)

// Location is a bucket and a key or a prefix of keys in it.
type Location struct {
	Bucket string // never empty in a parsed location; its characters are the store's to check
	Key    string // without a slash in front; empty for the whole bucket; slashes in it are kept as they are
}

// Errors of Parse.
var (
	ErrScheme = errors.New("not an s3:// location")
	ErrBucket = errors.New("the location names no bucket")
)

// schemes are those of the AWS tools and of Hadoop's clients.
var schemes = []string{"s3://", "s3a://", "s3n://"}

// Parse takes a location apart. Schemes are matched without case. A location with a blank, a
// control character, a question mark, a hash or a backslash in its bucket names no bucket.
func Parse(s string) (Location, error) {
	for _, scheme := range schemes {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			bucket, key, _ := strings.Cut(s[len(scheme):], "/")
			if bucket == "" || strings.ContainsFunc(bucket, unfit) {
				return Location{}, ErrBucket
			}
			return Location{bucket, key}, nil
		}
	}
	return Location{}, ErrScheme
}

func unfit(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`?#\:@`, r) }

// String is the location in the form that AWS writes.
func (l Location) String() string { return "s3://" + l.Bucket + "/" + l.Key }

// Folder is the location as a folder: with a slash at its end, unless it is a whole bucket. What
// is below a folder never includes a sibling whose name begins with the folder's.
func (l Location) Folder() Location {
	if l.Key != "" && !strings.HasSuffix(l.Key, "/") {
		l.Key += "/"
	}
	return l
}
