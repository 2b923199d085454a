package s3

import (
	"encoding/xml"
	"io/fs"
	"net/http"

	"github.com/versity/versitygw/s3err"
)

// versionsResult is the answer of ListObjectVersions.
type versionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	KeyMarker           string
	VersionIDMarker     string          `xml:"VersionIdMarker"`
	NextKeyMarker       string          `xml:",omitempty"`
	NextVersionIDMarker string          `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int             //
	Delimiter           string          `xml:",omitempty"`
	EncodingType        string          `xml:",omitempty"`
	IsTruncated         bool            //
	Versions            []listedVersion // in the order of the listing
	CommonPrefixes      []commonPrefix
}

// listedVersion is a Version or a DeleteMarker, as its name says.
type listedVersion struct {
	XMLName           xml.Name
	Key               string
	VersionID         string `xml:"VersionId"`
	IsLatest          bool
	LastModified      string
	ETag              string `xml:",omitempty"`
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              *int64 `xml:",omitempty"`
	StorageClass      string `xml:",omitempty"`
	Owner             listOwner
}

// listVersions is ListObjectVersions.
func (s *Service) listVersions(w http.ResponseWriter, q s3Request, b bucketInfo) error {
	p, err := parseListParams(q.query, "max-keys")
	if err != nil {
		return err
	}
	marker, fromVersion := q.query.Get("key-marker"), q.query.Get("version-id-marker")
	if fromVersion != "" && marker == "" {
		return invalidArgument("A version-id marker cannot be specified without a key marker.")
	}
	result := versionsResult{
		Name: q.bucket, Prefix: p.encode(p.prefix), Delimiter: p.encode(p.delimiter), EncodingType: p.encoding,
		MaxKeys: min(p.max, maxListed), KeyMarker: p.encode(marker), VersionIDMarker: fromVersion,
	}
	var lastKey, lastVersion string
	room := func() bool {
		if len(result.Versions)+len(result.CommonPrefixes) < min(p.max, maxListed) {
			return true
		}
		result.IsTruncated = true
		return false
	}
	view := s.swaps.view()
	defer view.release()
	l := s.newListing(q, p, marker, view)
	l.exists = func(path string, _ fs.DirEntry) bool { return !view.hides(q.bucket, path) } // delete markers too
	l.including = fromVersion != ""
	var failed error
	l.object = func(key, path string, _ fs.DirEntry) bool {
		var versions []version
		if versions, failed = s.versionsOf(q.bucket, path); failed != nil {
			return false
		}
		skip := key == marker && fromVersion != ""
		for i, v := range versions {
			if skip {
				skip = v.id != fromVersion
				continue
			}
			if !room() {
				return false
			}
			result.Versions = append(result.Versions, s.listedVersion(v, p.encode(key), i == 0, b))
			lastKey, lastVersion = key, v.id
		}
		return true
	}
	l.common = func(prefix string) bool {
		if !room() {
			return false
		}
		result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{p.encode(prefix)})
		lastKey, lastVersion = prefix, ""
		return true
	}
	if p.max > 0 {
		if err := l.run(); err != nil {
			return err
		}
	}
	if failed != nil {
		return failed
	}
	if result.IsTruncated {
		result.NextKeyMarker, result.NextVersionIDMarker = p.encode(lastKey), lastVersion
	}
	return writeXML(w, result)
}

func (s *Service) listedVersion(v version, key string, latest bool, b bucketInfo) listedVersion {
	out := listedVersion{
		XMLName: xml.Name{Local: "Version"}, Key: key, VersionID: v.id, IsLatest: latest,
		LastModified: listTime(v.info), Owner: listOwner{b.owner},
	}
	if v.marker {
		out.XMLName.Local = "DeleteMarker"
		return out
	}
	e := s.describe(v.dir, v.name, v.info)
	out.ETag, out.Size, out.StorageClass = e.ETag, &e.Size, e.StorageClass
	out.ChecksumAlgorithm, out.ChecksumType = e.ChecksumAlgorithm, e.ChecksumType
	return out
}

// errNoSuchVersion answers for a version that an object does not have.
func errNoSuchVersion(key, id string) error { return s3err.GetNoSuchVersionErr(key, id) }
