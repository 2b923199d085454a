package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3err"
)

// Bucket settings that versitygw does not have: they are stored for read-back, checked
// for their root element and for being XML, and nothing acts on them. Tags, versioning,
// policy, CORS, website, ownership controls, ACL and object lock are versitygw's.

// A setting is a sub-resource of a bucket, "?lifecycle".
type setting struct {
	root    string // the XML element
	unset   string // what reading answers that has not been set; empty: missing
	missing s3err.APIError
	deletes bool   // it can be deleted, which leaves it missing, or unset without a missing
	list    string // it is many, told apart by ?id=; the element of their list
}

const xmlns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`

var errNoConfiguration = notFound("NoSuchConfiguration", "The specified configuration does not exist.")

// settings by sub-resource. Sources: the operations' pages in the S3 API reference
// (GetBucketEncryption for the default since January 2023, GetPublicAccessBlock for that
// since April 2023).
var settings = map[string]setting{
	"abac":       {root: "AbacStatus", unset: "<AbacStatus" + xmlns + "><Status>Disabled</Status></AbacStatus>"},
	"accelerate": {root: "AccelerateConfiguration", unset: "<AccelerateConfiguration" + xmlns + "/>"},
	"encryption": {
		root: "ServerSideEncryptionConfiguration",
		unset: "<ServerSideEncryptionConfiguration" + xmlns + "><Rule><ApplyServerSideEncryptionByDefault>" +
			"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>" +
			"<BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
		deletes: true,
	},
	"lifecycle": {
		root:    "LifecycleConfiguration",
		missing: notFound("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
		deletes: true,
	},
	"logging":      {root: "BucketLoggingStatus", unset: "<BucketLoggingStatus" + xmlns + "/>"},
	"notification": {root: "NotificationConfiguration", unset: "<NotificationConfiguration" + xmlns + "/>"},
	"publicAccessBlock": {
		root: "PublicAccessBlockConfiguration",
		unset: "<PublicAccessBlockConfiguration" + xmlns + "><BlockPublicAcls>true</BlockPublicAcls>" +
			"<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>" +
			"<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
		missing: notFound("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
		deletes: true,
	},
	"replication": {
		root:    "ReplicationConfiguration",
		missing: notFound("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
		deletes: true,
	},
	"requestPayment": {
		root:  "RequestPaymentConfiguration",
		unset: "<RequestPaymentConfiguration" + xmlns + "><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
	},
	"analytics":           many("AnalyticsConfiguration", "ListBucketAnalyticsConfigurationResult"),
	"intelligent-tiering": many("IntelligentTieringConfiguration", "ListBucketIntelligentTieringConfigurationsOutput"),
	"inventory":           many("InventoryConfiguration", "ListInventoryConfigurationsResult"),
	"metrics":             many("MetricsConfiguration", "ListMetricsConfigurationsResult"),
}

func many(root, list string) setting {
	return setting{root: root, list: list, missing: errNoConfiguration, deletes: true}
}

func notFound(code, message string) s3err.APIError {
	return s3err.APIError{Code: code, Description: message, HTTPStatusCode: http.StatusNotFound}
}

// transitionHeader goes with a lifecycle configuration, beside its XML.
const transitionHeader = "X-Amz-Transition-Default-Minimum-Object-Size"

// serveSetting reads, writes or deletes a setting of a bucket that exists.
func (s *Service) serveSetting(w http.ResponseWriter, r *http.Request, q s3Request, name string, t setting) error {
	attribute := "setting." + name
	if t.list != "" {
		if !q.has("id") {
			if r.Method != http.MethodGet {
				return s3err.GetAPIError(s3err.ErrInvalidRequest)
			}
			return s.listSettings(w, q.bucket, attribute+".", t)
		}
		id := q.query.Get("id")
		if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c))
		}) {
			return s3err.APIError{
				Code:           "InvalidConfigurationId",
				Description:    "The specified configuration id is invalid.",
				HTTPStatusCode: http.StatusBadRequest,
			}
		}
		attribute += "." + id
	}
	switch r.Method {
	case http.MethodGet:
		doc, err := s.attrs.RetrieveAttribute(nil, q.bucket, "", attribute)
		switch {
		case errors.Is(err, meta.ErrNoSuchKey) && t.unset != "":
			doc = []byte(t.unset)
		case errors.Is(err, meta.ErrNoSuchKey), err == nil && len(doc) == 0:
			return t.missing
		case err != nil:
			return err
		}
		if name == "lifecycle" {
			size, err := s.attrs.RetrieveAttribute(nil, q.bucket, "", attribute+".size")
			if err != nil {
				size = []byte("all_storage_classes_128K")
			}
			w.Header().Set(transitionHeader, string(size))
		}
		writeXMLDocument(w, doc)
		return nil
	case http.MethodPut:
		doc, err := s.document(r)
		if err != nil {
			return err
		}
		if err := checkDigest(r, doc); err != nil {
			return err
		}
		if err := checkXML(doc, t.root); err != nil {
			return err
		}
		if name == "lifecycle" {
			size := r.Header.Get(transitionHeader)
			if size == "" {
				size = "all_storage_classes_128K"
			}
			if err := s.attrs.StoreAttribute(nil, q.bucket, "", attribute+".size", []byte(size)); err != nil {
				return err
			}
			w.Header().Set(transitionHeader, size)
		}
		if err := s.attrs.StoreAttribute(nil, q.bucket, "", attribute, doc); err != nil {
			return err
		}
		w.Header().Set("Server", "AmazonS3")
		return nil
	case http.MethodDelete:
		if !t.deletes {
			break
		}
		var err error
		if t.unset != "" && t.missing.Code != "" {
			// Deleted is not the same as never set: an empty file says so.
			err = s.attrs.StoreAttribute(nil, q.bucket, "", attribute, nil)
		} else if err = s.attrs.DeleteAttribute(q.bucket, "", attribute); errors.Is(err, meta.ErrNoSuchKey) {
			err = nil
			if t.list != "" {
				err = t.missing
			}
		}
		if err != nil {
			return err
		}
		w.Header().Set("Server", "AmazonS3")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s3err.GetAPIError(s3err.ErrMethodNotAllowed)
}

// listSettings lists a setting that is many. There is one page: no bucket may have more
// than 1,000 of a kind.
func (s *Service) listSettings(w http.ResponseWriter, bucket, prefix string, t setting) error {
	names, err := s.attrs.ListAttributes(bucket, "")
	if err != nil {
		return err
	}
	slices.Sort(names)
	var b bytes.Buffer
	b.WriteString("<" + t.list + xmlns + "><IsTruncated>false</IsTruncated>")
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		doc, err := s.attrs.RetrieveAttribute(nil, bucket, "", name)
		if err != nil {
			return err
		}
		if _, rest, ok := bytes.Cut(doc, []byte("?>")); ok {
			doc = rest
		}
		b.Write(doc)
	}
	b.WriteString("</" + t.list + ">")
	writeXMLDocument(w, b.Bytes())
	return nil
}

func checkDigest(r *http.Request, doc []byte) error {
	want := r.Header.Get("Content-Md5")
	if want == "" {
		return nil
	}
	sum := md5.Sum(doc)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return s3err.GetBadDigestErr(got, want)
	}
	return nil
}

// checkXML reports whether doc is well-formed with the given root element.
func checkXML(doc []byte, root string) error {
	malformed := s3err.GetAPIError(s3err.ErrMalformedXML)
	if len(doc) == 0 {
		return s3err.GetAPIError(s3err.ErrMissingRequestBody)
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	seen := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return malformed
		}
		if e, ok := token.(xml.StartElement); ok && !seen {
			if e.Name.Local != root {
				return malformed
			}
			seen = true
		}
	}
	if !seen {
		return malformed
	}
	return nil
}
