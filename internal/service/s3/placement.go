package s3

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/versity/versitygw/s3err"
)

// The storage class and the encryption that a client asks for are kept with the object and
// said back, as clients compare them; all objects are plain files.

const (
	storageClassAttribute = "storage-class"
	encryptionAttribute   = "encryption"
)

// placement is the storage class and encryption of an object. Empty fields are S3's
// defaults: STANDARD and AES256.
type placement struct {
	Class string `json:"-"`
	encryption
	asked bool // something of it, be it the default
}

type encryption struct {
	Algorithm string `json:"algorithm,omitempty" xml:"SSEAlgorithm"`
	KMSKey    string `json:"kmsKey,omitempty" xml:"KMSMasterKeyID"`
	BucketKey bool   `json:"bucketKey,omitempty" xml:"-"`
}

// placementKey is the key of a request's placement in its context.
type placementKey struct{}

func placementFrom(ctx context.Context) placement {
	p, _ := ctx.Value(placementKey{}).(placement)
	return p
}

var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
	"OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP",
}

// parsePlacement reads what a request that makes an object says of it.
func (s *Service) parsePlacement(bucket string, h http.Header) (placement, error) {
	if h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "" {
		return placement{}, s3err.APIError{
			Code:           "NotImplemented",
			Description:    "Encryption with customer-provided keys (SSE-C) is not supported.",
			HTTPStatusCode: http.StatusNotImplemented,
		}
	}
	p := placement{
		Class: h.Get("X-Amz-Storage-Class"),
		asked: h.Get("X-Amz-Storage-Class") != "" || h.Get("X-Amz-Server-Side-Encryption") != "",
	}
	switch {
	case p.Class == "STANDARD":
		p.Class = ""
	case p.Class != "" && !slices.Contains(storageClasses, p.Class):
		return placement{}, s3err.APIError{
			Code:           "InvalidStorageClass",
			Description:    "The storage class you specified is not valid",
			HTTPStatusCode: http.StatusBadRequest,
		}
	}
	p.Algorithm = h.Get("X-Amz-Server-Side-Encryption")
	p.KMSKey = h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	p.BucketKey = h.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled") == "true"
	switch p.Algorithm {
	case "":
		p.encryption = s.defaultEncryption(bucket)
	case "AES256":
		if p.KMSKey != "" {
			return placement{}, invalidArgument("Server Side Encryption with KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
	case "aws:kms", "aws:kms:dsse":
	default:
		return placement{}, invalidArgument("The encryption method specified is not supported")
	}
	if p.Algorithm == "AES256" {
		p.encryption = encryption{}
	}
	return p, nil
}

// defaultEncryption is what the bucket's encryption setting says.
func (s *Service) defaultEncryption(bucket string) encryption {
	doc, err := s.attrs.RetrieveAttribute(nil, bucket, "", "setting.encryption")
	if err != nil {
		return encryption{}
	}
	var config struct {
		Rule []struct {
			ApplyServerSideEncryptionByDefault encryption
			BucketKeyEnabled                   bool
		}
	}
	if xml.Unmarshal(doc, &config) != nil || len(config.Rule) == 0 {
		return encryption{}
	}
	e := config.Rule[0].ApplyServerSideEncryptionByDefault
	if e.Algorithm == "AES256" {
		return encryption{}
	}
	e.BucketKey = config.Rule[0].BucketKeyEnabled
	return e
}

// store keeps p with a file, which is open, or named by a path below the bucket.
func (s *Service) storePlacement(f *os.File, bucket, path string, p placement) error {
	if p.Class != "" {
		if err := s.attrs.StoreAttribute(f, bucket, path, storageClassAttribute, []byte(p.Class)); err != nil {
			return err
		}
	}
	if p.encryption == (encryption{}) {
		return nil
	}
	b, err := json.Marshal(p.encryption)
	if err != nil {
		return err
	}
	return s.attrs.StoreAttribute(f, bucket, path, encryptionAttribute, b)
}

// placementOf reads what is kept with a file.
func (s *Service) placementOf(bucket, path string) placement {
	var p placement
	if b, err := s.attrs.RetrieveAttribute(nil, bucket, path, storageClassAttribute); err == nil {
		p.Class = string(b)
	}
	if b, err := s.attrs.RetrieveAttribute(nil, bucket, path, encryptionAttribute); err == nil {
		_ = json.Unmarshal(b, &p.encryption) // written by storePlacement
	}
	return p
}

// say sets the headers that tell of a placement.
func (p placement) say(h http.Header, class bool) {
	if class && p.Class != "" {
		h["x-amz-storage-class"] = []string{p.Class}
	} else {
		delete(h, "x-amz-storage-class")
	}
	if p.Algorithm == "" {
		p.Algorithm = "AES256"
	}
	h["x-amz-server-side-encryption"] = []string{p.Algorithm}
	if p.KMSKey != "" {
		h["x-amz-server-side-encryption-aws-kms-key-id"] = []string{p.KMSKey}
	}
	if p.BucketKey {
		h["x-amz-server-side-encryption-bucket-key-enabled"] = []string{"true"}
	}
}

// sayPlacement sets the headers that an answer about an object's data has.
func (s *Service) sayPlacement(h http.Header, r *http.Request, q s3Request, status int) {
	switch {
	case q.key == "" || status >= 300 || q.hasAny("acl", "tagging", "retention", "legal-hold", "attributes"):
		return
	case r.Method == http.MethodGet && q.has("uploadId"):
		return
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		root, path := q.bucket, q.file
		if id := q.query.Get("versionId"); id != "" {
			if v, err := s.attrs.RetrieveAttribute(nil, root, path, versionAttribute); err == nil && string(v) != id || err != nil && id != nullVersion {
				root, path = versionsDirOf(s.versionsDir(), q.bucket, path), id
			}
		}
		s.placementOf(root, path).say(h, true)
		if s.hasVersions(q.bucket) {
			s.sayLock(h, root, path)
		}
	case r.Method == http.MethodPut && !q.has("uploadId"), r.Method == http.MethodPost && q.has("uploads"):
		q.placement.say(h, false)
	case r.Method == http.MethodPut:
		s.placementOf(q.bucket, uploadDir(q.file, q.query.Get("uploadId"))).say(h, false)
	case r.Method == http.MethodPost:
		s.placementOf(q.bucket, s.selfPlace(q.bucket, q.file)).say(h, false)
	}
}

// uploadDir is where the parts of a multipart upload are, below the bucket.
func uploadDir(path, id string) string {
	return filepath.Join(multipartDir, hashed(path), id)
}
