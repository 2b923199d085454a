package s3

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"

	"github.com/brookmere/brookmere/internal/awswire/sigv4"
)

// serve answers q itself where it concerns a bucket's region, owner or settings, and
// has versitygw do the rest.
func (s *Service) serve(w http.ResponseWriter, r *http.Request, q s3Request) error {
	if q.bucket == "" {
		if r.Method != http.MethodGet {
			return s3err.GetAPIError(s3err.ErrMethodNotAllowed)
		}
		return s.listBuckets(w, q)
	}
	if !validBucketName(q.bucket) {
		return s3err.GetBucketErr(s3err.ErrInvalidBucketName, q.bucket)
	}
	if r.Method == http.MethodPut && q.key == "" && !q.hasSubresource() {
		return s.createBucket(w, r, q)
	}
	b, err := s.bucket(q.bucket)
	if err != nil {
		return err
	}
	w.Header().Set("X-Amz-Bucket-Region", b.Region)
	if r.Method != http.MethodOptions {
		if err := b.allow(q.caller, "", q.key); err != nil {
			return err
		}
	}
	if want := r.Header.Get("X-Amz-Expected-Bucket-Owner"); want != "" && want != b.owner {
		return s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	if q.key == "" {
		switch {
		case r.Method == http.MethodHead:
			w.Header().Set("X-Amz-Access-Point-Alias", "false")
			w.Header().Set("Content-Type", "application/xml")
			w.Header().Set("Server", "AmazonS3")
			return nil
		case r.Method == http.MethodGet && q.has("location"):
			return s.getBucketLocation(w, b)
		}
		for name, setting := range settings {
			if q.has(name) {
				return s.serveSetting(w, r, q, name, setting)
			}
		}
		for _, name := range notImplemented {
			if q.has(name) {
				return s3err.GetAPIError(s3err.ErrNotImplemented)
			}
		}
	} else {
		// versitygw would take some of these for the plain operation: a rename for a put.
		for _, name := range notImplementedForObjects {
			if q.has(name) {
				return s3err.GetAPIError(s3err.ErrNotImplemented)
			}
		}
	}
	switch {
	case q.key == "" && r.Method == http.MethodGet && q.has("versions"):
		return s.listVersions(w, q, b)
	case q.key == "" && r.Method == http.MethodGet && q.has("uploads"):
		return s.listUploads(w, q, b)
	case q.key == "" && r.Method == http.MethodGet && !q.hasAny(forwardedSettings...):
		return s.listObjects(w, q, b)
	case q.key != "" && q.has("acl"):
		return s.serveObjectACL(w, r, q, b)
	}
	if q, err = s.locate(r, q); err != nil {
		return err
	}
	if q.key != "" && (r.Method == http.MethodPut || r.Method == http.MethodPost) {
		if q.placement, err = s.parsePlacement(q.bucket, r.Header); err != nil {
			return err
		}
	}
	s.forward(w, r, q)
	return nil
}

// forwardedSettings are the sub-resources of a bucket that versitygw reads.
var forwardedSettings = []string{
	"acl", "cors", "object-lock", "ownershipControls", "policy", "policyStatus", "tagging", "versioning", "website",
}

// notImplemented are sub-resources of a bucket that versitygw would not notice, and list
// the bucket's objects instead.
var notImplemented = []string{
	"metadataConfiguration", "metadataInventoryTable", "metadataJournalTable", "metadataTable",
	"session", "torrent",
}

// notImplementedForObjects are the same of an object.
var notImplementedForObjects = []string{"encryption", "renameObject", "restore", "select", "torrent"}

// hasSubresource reports whether the query says anything but how it is signed.
func (q s3Request) hasSubresource() bool {
	for name := range q.query {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") && lower != "x-id" {
			return true
		}
	}
	return false
}

// validBucketName is S3's rule for names, and the guard against any name that is not
// one of a directory in the object directory.
func validBucketName(name string) bool {
	return utils.IsValidBucketName(name) && !strings.Contains(name, "..")
}

// bucketInfo is what is known of a bucket besides what versitygw keeps.
type bucketInfo struct {
	Region  string    `json:"region"`
	Created time.Time `json:"created"`

	owner string // account
}

// infoAttribute is the setting that holds a bucketInfo. It is written before the bucket
// is, and means nothing without it.
const infoAttribute = "bucket.json"

// bucket returns what is known of a bucket, or NoSuchBucket.
func (s *Service) bucket(name string) (bucketInfo, error) {
	raw, err := s.attrs.RetrieveAttribute(nil, name, "", aclAttribute)
	if errors.Is(err, meta.ErrNoSuchKey) {
		return bucketInfo{}, noSuchBucket(name)
	}
	if err != nil {
		return bucketInfo{}, err
	}
	acl, err := auth.ParseACL(raw)
	if err != nil {
		return bucketInfo{}, err
	}
	b := bucketInfo{Region: gatewayRegion, owner: acl.Owner}
	raw, err = s.attrs.RetrieveAttribute(nil, name, "", infoAttribute)
	if err != nil {
		return bucketInfo{}, err
	}
	return b, json.Unmarshal(raw, &b)
}

type createBucketConfiguration struct {
	XMLName            xml.Name `xml:"CreateBucketConfiguration"`
	LocationConstraint string   `xml:"LocationConstraint,omitempty"`
	Tags               []tag    `xml:"Tags>Tag"`
}

type tag struct {
	Key   string
	Value string
}

// createBucket is CreateBucket. Names are shared by all accounts.
func (s *Service) createBucket(w http.ResponseWriter, r *http.Request, q s3Request) error {
	doc, err := s.document(r)
	if err != nil {
		return err
	}
	var config createBucketConfiguration
	if len(doc) > 0 {
		if err := xml.Unmarshal(doc, &config); err != nil {
			return s3err.GetAPIError(s3err.ErrMalformedXML)
		}
	}
	region, err := bucketRegion(q.caller.Region, config.LocationConstraint)
	if err != nil {
		return err
	}

	s.createMu.Lock()
	defer s.createMu.Unlock()
	switch b, err := s.bucket(q.bucket); {
	case err == nil && b.owner != q.caller.Account:
		return s3err.GetBucketErr(s3err.ErrBucketAlreadyExists, q.bucket)
	case err == nil && b.Region == "us-east-1" && region == b.Region:
		// In this region alone, asking again is no error.
		w.Header().Set("Location", "/"+q.bucket)
		w.Header().Set("Server", "AmazonS3")
		return nil
	case err == nil:
		return s3err.GetBucketErr(s3err.ErrBucketAlreadyOwnedByYou, q.bucket)
	case !errors.Is(err, noSuchBucket(q.bucket)):
		return err
	}
	// What a crash has left of making or resetting a bucket of this name is in the way.
	if err := os.RemoveAll(filepath.Join(s.dir, q.bucket)); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.versionsDir(), q.bucket)); err != nil {
		return err
	}
	if err := s.attrs.DeleteAttributes(q.bucket, ""); err != nil {
		return err
	}
	info, err := json.Marshal(bucketInfo{Region: region, Created: s.clock.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := s.attrs.StoreAttribute(nil, q.bucket, "", infoAttribute, info); err != nil {
		return err
	}

	// versitygw knows one region, so it is not told.
	doc = nil
	if len(config.Tags) > 0 {
		config.LocationConstraint = ""
		if doc, err = xml.Marshal(config); err != nil {
			return err
		}
	}
	r = r.Clone(r.Context())
	r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
	for name := range r.Header {
		if name == "Content-Md5" || strings.HasPrefix(name, "X-Amz-Checksum-") || strings.HasPrefix(name, "X-Amz-Sdk-Checksum-") {
			r.Header.Del(name)
		}
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(doc))), int64(len(doc))
	q.query = nil
	w.Header().Set("Location", "/"+q.bucket)
	s.forward(w, r, q)
	return nil
}

// bucketRegion is where a bucket goes that is made at the endpoint of a region with a
// constraint. The endpoint of us-east-1 makes buckets anywhere.
func bucketRegion(endpoint, constraint string) (string, error) {
	region := constraint
	switch {
	case constraint == "" && endpoint == "us-east-1":
		return endpoint, nil
	case constraint == "":
		constraint = "unspecified"
	case constraint == "EU":
		region = "eu-west-1"
	case !isRegion(constraint), constraint == "us-east-1" && endpoint == constraint:
		return "", s3err.GetInvalidLocationConstraintErr(constraint)
	}
	if region == endpoint || endpoint == "us-east-1" {
		return region, nil
	}
	return "", s3err.APIError{
		Code: "IllegalLocationConstraintException",
		Description: "The " + constraint + " location constraint is incompatible for the region specific endpoint " +
			"this request was sent to.",
		HTTPStatusCode: http.StatusBadRequest,
	}
}

func (s *Service) getBucketLocation(w http.ResponseWriter, b bucketInfo) error {
	constraint := b.Region
	if constraint == "us-east-1" {
		constraint = ""
	}
	return writeXML(w, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Value   string   `xml:",chardata"`
	}{Value: constraint})
}

type listBucketsResult struct {
	XMLName           xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	OwnerID           string         `xml:"Owner>ID"`
	Buckets           []listedBucket `xml:"Buckets>Bucket"`
	ContinuationToken string         `xml:",omitempty"`
	Prefix            string         `xml:",omitempty"`
}

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string
}

// listBuckets is ListBuckets: the caller's account's, of all regions unless it asks for
// one.
func (s *Service) listBuckets(w http.ResponseWriter, q s3Request) error {
	limit := 10000
	if v := q.query.Get("max-buckets"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 10000 {
			return s3err.APIError{
				Code:           "InvalidArgument",
				Description:    "Argument max-buckets must be an integer between 1 and 10000",
				HTTPStatusCode: http.StatusBadRequest,
			}
		}
		limit = n
	}
	names, err := s.bucketNames()
	if err != nil {
		return err
	}
	result := listBucketsResult{OwnerID: q.caller.Account, Prefix: q.query.Get("prefix")}
	after, region := q.query.Get("continuation-token"), q.query.Get("bucket-region")
	for _, name := range names {
		if name <= after || !strings.HasPrefix(name, result.Prefix) {
			continue
		}
		b, err := s.bucket(name)
		if errors.Is(err, noSuchBucket(name)) {
			continue
		}
		if err != nil {
			return err
		}
		if b.owner != q.caller.Account || (region != "" && b.Region != region) {
			continue
		}
		if len(result.Buckets) == limit {
			result.ContinuationToken = result.Buckets[limit-1].Name
			break
		}
		result.Buckets = append(result.Buckets, listedBucket{
			Name:         name,
			CreationDate: b.Created.Format("2006-01-02T15:04:05.000Z"),
			BucketRegion: b.Region,
		})
	}
	return writeXML(w, result)
}

// bucketNames returns the names of all buckets, sorted, and may have some that do not
// exist.
func (s *Service) bucketNames() ([]string, error) {
	entries, err := os.ReadDir(s.buckets)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && validBucketName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// document reads the body of a request that is not an object's data.
func (s *Service) document(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if err := sigv4.Unwrap(r); err != nil {
		return nil, err
	}
	return readDocument(newWholeBody(r.Body, r.ContentLength, s.metrics.written.Add))
}

func writeXML(w http.ResponseWriter, v any) error {
	b, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	writeXMLDocument(w, b)
	return nil
}

func writeXMLDocument(w http.ResponseWriter, doc []byte) {
	if !strings.HasPrefix(string(doc), "<?xml") {
		doc = append([]byte(xml.Header), doc...)
	}
	w.Header().Set("Server", "AmazonS3")
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	_, _ = w.Write(doc) // the client has gone if this fails
}
