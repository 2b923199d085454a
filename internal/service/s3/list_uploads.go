package s3

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/versity/versitygw/s3response"
)

// uploadsResult is the answer of ListMultipartUploads.
type uploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string
	NextUploadIDMarker string `xml:"NextUploadIdMarker"`
	Delimiter          string `xml:",omitempty"`
	Prefix             string
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Uploads            []listedUpload `xml:"Upload"`
	CommonPrefixes     []commonPrefix
}

type listedUpload struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         listOwner
	Owner             listOwner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`

	begun time.Time
}

// listUploads is ListMultipartUploads.
func (s *Service) listUploads(w http.ResponseWriter, q s3Request, b bucketInfo) error {
	p, err := parseListParams(q.query, "max-uploads")
	if err != nil {
		return err
	}
	keyMarker, idMarker := q.query.Get("key-marker"), q.query.Get("upload-id-marker")
	if keyMarker == "" {
		idMarker = "" // as S3 does
	}
	result := uploadsResult{
		Bucket: q.bucket, KeyMarker: p.encode(keyMarker), UploadIDMarker: idMarker, Delimiter: p.encode(p.delimiter),
		Prefix: p.encode(p.prefix), EncodingType: p.encoding, MaxUploads: min(p.max, maxListed),
	}
	uploads, err := s.uploads(q.bucket, p.prefix)
	if err != nil {
		return err
	}
	passed := idMarker == ""
	common := ""
	for _, u := range uploads {
		switch {
		case u.Key < keyMarker, u.Key == keyMarker && keyMarker != "" && idMarker == "":
			continue
		case u.Key == keyMarker && !passed:
			passed = u.UploadID == idMarker
			continue
		}
		prefix := ""
		if i := strings.Index(u.Key[len(p.prefix):], p.delimiter); p.delimiter != "" && i >= 0 {
			prefix = u.Key[:len(p.prefix)+i+len(p.delimiter)]
			if prefix == common || keyMarker != "" && strings.HasPrefix(keyMarker, prefix) {
				continue
			}
		}
		if len(result.Uploads)+len(result.CommonPrefixes) == result.MaxUploads {
			result.IsTruncated = result.MaxUploads > 0
			break
		}
		if prefix != "" {
			common = prefix
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{p.encode(prefix)})
			result.NextKeyMarker, result.NextUploadIDMarker = p.encode(prefix), ""
			continue
		}
		result.NextKeyMarker, result.NextUploadIDMarker = p.encode(u.Key), u.UploadID
		u.Key, u.Owner, u.Initiator = p.encode(u.Key), listOwner{b.owner}, listOwner{b.owner}
		result.Uploads = append(result.Uploads, u)
	}
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextUploadIDMarker = "", ""
	}
	return writeXML(w, result)
}

// uploads returns the multipart uploads to keys that start with prefix, in their order.
func (s *Service) uploads(bucket, prefix string) ([]listedUpload, error) {
	root := filepath.Join(s.dir, bucket, multipartDir)
	objects, err := readDir(root)
	if err != nil {
		return nil, err
	}
	var uploads []listedUpload
	for _, o := range objects {
		at := multipartDir + "/" + o.Name()
		path, err := s.attrs.RetrieveAttribute(nil, bucket, at, "objname")
		key := decodePath(string(path))
		if err != nil || !strings.HasPrefix(key, prefix) {
			continue // it is being made or removed
		}
		ids, err := readDir(filepath.Join(root, o.Name()))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			info, err := id.Info()
			if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() || strings.HasSuffix(id.Name(), inProgress) {
				continue
			}
			if err != nil {
				return nil, err
			}
			uploads = append(uploads, s.listedUpload(bucket, at+"/"+id.Name(), key, info))
		}
	}
	slices.SortFunc(uploads, func(a, b listedUpload) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		if c := a.begun.Compare(b.begun); c != 0 {
			return c
		}
		return strings.Compare(a.UploadID, b.UploadID)
	})
	return uploads, nil
}

func (s *Service) listedUpload(bucket, at, key string, info os.FileInfo) listedUpload {
	u := listedUpload{Key: key, UploadID: info.Name(), StorageClass: "STANDARD", begun: info.ModTime(), Initiated: listTime(info)}
	if p := s.placementOf(bucket, at); p.Class != "" {
		u.StorageClass = p.Class
	}
	if raw, err := s.attrs.RetrieveAttribute(nil, bucket, at, "checksums"); err == nil {
		var sums s3response.Checksum
		if json.Unmarshal(raw, &sums) == nil {
			u.ChecksumAlgorithm, u.ChecksumType = string(sums.Algorithm), string(sums.Type)
		}
	}
	return u
}
