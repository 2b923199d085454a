package s3

import (
	"encoding/json"
	"encoding/xml"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// maxListed is how many keys and common prefixes one answer has at most.
const maxListed = 1000

// listResult is the answer of ListObjects and ListObjectsV2. Pointers are elements that
// are there though empty.
type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Marker                *string       `xml:",omitempty"`
	NextMarker            string        `xml:",omitempty"`
	ContinuationToken     *string       `xml:",omitempty"`
	NextContinuationToken string        `xml:",omitempty"`
	StartAfter            string        `xml:",omitempty"`
	KeyCount              *int          `xml:",omitempty"`
	MaxKeys               int           // what was asked for
	Delimiter             string        `xml:",omitempty"`
	EncodingType          string        `xml:",omitempty"`
	IsTruncated           bool          //
	Contents              []listedEntry //
	CommonPrefixes        []commonPrefix
}

type listedEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int64
	Owner             *listOwner `xml:",omitempty"`
	StorageClass      string
}

type listOwner struct{ ID string }

type commonPrefix struct{ Prefix string }

// listParams are the parameters that all listings have.
type listParams struct {
	prefix, delimiter string
	max               int
	encode            func(string) string
	encoding          string
}

func parseListParams(query url.Values, maxName string) (listParams, error) {
	p := listParams{
		prefix:    query.Get("prefix"),
		delimiter: query.Get("delimiter"),
		max:       maxListed,
		encode:    func(s string) string { return s },
		encoding:  query.Get("encoding-type"),
	}
	switch p.encoding {
	case "":
	case "url":
		p.encode = encodeListed
	default:
		return p, invalidArgument("Invalid Encoding Method specified in Request")
	}
	if v := query.Get(maxName); v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return p, invalidArgument("Provided " + maxName + " not an integer or within integer range")
		}
		if n < 0 {
			return p, invalidArgument("Argument maxKeys must be an integer between 0 and 2147483647")
		}
		p.max = int(n)
	}
	return p, nil
}

func invalidArgument(message string) error {
	return s3err.APIError{Code: "InvalidArgument", Description: message, HTTPStatusCode: http.StatusBadRequest}
}

// encodeListed is how keys are in a listing with encoding-type=url.
func encodeListed(s string) string {
	return strings.NewReplacer("%2F", "/", "%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}

// listObjects is ListObjects and ListObjectsV2.
func (s *Service) listObjects(w http.ResponseWriter, q s3Request, b bucketInfo) error {
	p, err := parseListParams(q.query, "max-keys")
	if err != nil {
		return err
	}
	result := listResult{
		Name: q.bucket, Prefix: p.encode(p.prefix), Delimiter: p.encode(p.delimiter),
		EncodingType: p.encoding, MaxKeys: min(p.max, maxListed),
	}
	v2 := q.query.Get("list-type") == "2"
	var after string
	view := s.swaps.view()
	defer func() { view.release() }()
	owner := &listOwner{b.owner}
	if v2 {
		after = q.query.Get("start-after")
		result.StartAfter = p.encode(after)
		if q.has("continuation-token") {
			token := q.query.Get("continuation-token")
			generation, key, ok := parseToken(token)
			if !ok {
				return invalidArgument("The continuation token provided is incorrect")
			}
			// All pages show the store as the first does.
			view.release()
			after, view = key, s.swaps.resume(generation)
			result.ContinuationToken = &token
		}
		if q.query.Get("fetch-owner") != "true" {
			owner = nil
		}
	} else {
		after = q.query.Get("marker")
		marker := p.encode(after)
		result.Marker = &marker
	}

	var last string
	room := func() bool {
		if len(result.Contents)+len(result.CommonPrefixes) < min(p.max, maxListed) {
			return true
		}
		result.IsTruncated = true
		return false
	}
	l := s.newListing(q, p, after, view)
	l.object = func(key, path string, file fs.DirEntry) bool {
		if !room() {
			return false
		}
		e, ok := s.listedEntry(q.bucket, path, file)
		if !ok {
			return true
		}
		e.Key, e.Owner = p.encode(key), owner
		result.Contents, last = append(result.Contents, e), key
		return true
	}
	l.common = func(prefix string) bool {
		if !room() {
			return false
		}
		result.CommonPrefixes, last = append(result.CommonPrefixes, commonPrefix{p.encode(prefix)}), prefix
		return true
	}
	if p.max > 0 {
		if err := l.run(); err != nil {
			return err
		}
	}
	if v2 {
		n := len(result.Contents) + len(result.CommonPrefixes)
		result.KeyCount = &n
		if result.IsTruncated {
			view.lease()
			result.NextContinuationToken = listToken(view.generation, last)
		}
	} else if result.IsTruncated && p.delimiter != "" {
		result.NextMarker = p.encode(last)
	}
	return writeXML(w, result)
}

// newListing returns a listing of the objects of a bucket, with its callbacks to be set.
func (s *Service) newListing(q s3Request, p listParams, after string, v view) *listing {
	l := &listing{
		ctx:       q.ctx,
		root:      filepath.Join(s.dir, q.bucket),
		prefix:    p.prefix,
		delimiter: p.delimiter,
		after:     after,
		exists:    func(path string, _ fs.DirEntry) bool { return !v.hides(q.bucket, path) },
	}
	if s.hasVersions(q.bucket) {
		l.exists = func(path string, _ fs.DirEntry) bool { return !v.hides(q.bucket, path) && !s.isMarker(q.bucket, path) }
	}
	return l
}

// listedEntry describes an object but for its key. It is false if the object has just
// been deleted.
func (s *Service) listedEntry(bucket, path string, file fs.DirEntry) (listedEntry, bool) {
	info, err := file.Info()
	if err != nil {
		return listedEntry{}, false
	}
	return s.describe(bucket, path, info), true
}

// describe is what listings say of a file that holds an object or an old version of one;
// dir and path are where its attributes are.
func (s *Service) describe(dir, path string, info fs.FileInfo) listedEntry {
	e := listedEntry{
		LastModified: listTime(info),
		Size:         info.Size(),
		StorageClass: "STANDARD",
	}
	if etag, err := s.attrs.RetrieveAttribute(nil, dir, path, "etag"); err == nil {
		e.ETag = string(etag)
	}
	if class, err := s.attrs.RetrieveAttribute(nil, dir, path, storageClassAttribute); err == nil {
		e.StorageClass = string(class)
	}
	if raw, err := s.attrs.RetrieveAttribute(nil, dir, path, "checksums"); err == nil {
		var sums s3response.Checksum
		if json.Unmarshal(raw, &sums) == nil {
			e.ChecksumAlgorithm, e.ChecksumType = string(sums.Algorithm), string(sums.Type)
		}
	}
	return e
}

func listTime(info fs.FileInfo) string {
	return info.ModTime().UTC().Format("2006-01-02T15:04:05.000Z")
}
