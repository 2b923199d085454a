package s3

import (
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3err"
)

// Access control lists of objects are kept and said back, and grant nothing. A bucket that
// does not have them, as any does that says nothing else, takes the one that gives its
// owner all.

const objectACLAttribute = "object-acl"

type accessControlPolicy struct {
	XMLName xml.Name   `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
	Owner   listOwner  `xml:"Owner"`
	Grants  []aclGrant `xml:"AccessControlList>Grant"`
}

type aclGrant struct {
	Grantee    aclGrantee
	Permission string
}

type aclGrantee struct {
	XMLNS string `xml:"xmlns:xsi,attr"`
	Type  string `xml:"xsi:type,attr"`
	ID    string `xml:",omitempty"`
	URI   string `xml:",omitempty"`
}

// cannedGrants are what a canned list grants besides all to the owner.
var cannedGrants = map[string][]aclGrant{
	"private":                   nil,
	"bucket-owner-full-control": nil,
	"bucket-owner-read":         nil,
	"aws-exec-read":             nil,
	"public-read":               {group("AllUsers", "READ")},
	"public-read-write":         {group("AllUsers", "READ"), group("AllUsers", "WRITE")},
	"authenticated-read":        {group("AuthenticatedUsers", "READ")},
}

const xsi = "http://www.w3.org/2001/XMLSchema-instance"

func group(name, permission string) aclGrant {
	return aclGrant{aclGrantee{XMLNS: xsi, Type: "Group", URI: "http://acs.amazonaws.com/groups/global/" + name}, permission}
}

func cannedACL(name, owner string) ([]byte, error) {
	all := aclGrant{aclGrantee{XMLNS: xsi, Type: "CanonicalUser", ID: owner}, "FULL_CONTROL"}
	return xml.Marshal(accessControlPolicy{
		Owner:  listOwner{owner},
		Grants: append([]aclGrant{all}, cannedGrants[name]...),
	})
}

// serveObjectACL is GetObjectAcl and PutObjectAcl.
func (s *Service) serveObjectACL(w http.ResponseWriter, r *http.Request, q s3Request, b bucketInfo) error {
	path := s.selfPlace(q.bucket, q.file)
	root := q.bucket
	file := filepath.Join(s.dir, q.bucket, path)
	if id := q.query.Get("versionId"); id != "" {
		versions, err := s.versionsOf(q.bucket, path)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(versions, func(v version) bool { return v.id == id && !v.marker })
		if i < 0 {
			return errNoSuchVersion(q.key, id)
		}
		root, path, file = versions[i].dir, versions[i].name, versions[i].file
	}
	if info, err := os.Lstat(file); err != nil || info.IsDir() || s.attrs.has(root, path, markerAttribute) {
		return s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	switch r.Method {
	case http.MethodGet:
		doc, err := s.attrs.RetrieveAttribute(nil, root, path, objectACLAttribute)
		if err != nil {
			if doc, err = cannedACL("private", b.owner); err != nil {
				return err
			}
		}
		writeXMLDocument(w, doc)
		return nil
	case http.MethodPut:
		doc, err := s.parseObjectACL(r, q, b)
		if err != nil {
			return err
		}
		if err := s.attrs.StoreAttribute(nil, root, path, objectACLAttribute, doc); err != nil {
			return err
		}
		w.Header().Set("Server", "AmazonS3")
		return nil
	}
	return s3err.GetAPIError(s3err.ErrMethodNotAllowed)
}

func (s *Service) parseObjectACL(r *http.Request, q s3Request, b bucketInfo) ([]byte, error) {
	canned := r.Header.Get("X-Amz-Acl")
	body, err := s.document(r)
	if err != nil {
		return nil, err
	}
	ownership, err := s.attrs.RetrieveAttribute(nil, q.bucket, "", "ownership")
	lists := err == nil && string(ownership) != string(types.ObjectOwnershipBucketOwnerEnforced)
	if !lists && canned != "bucket-owner-full-control" {
		return nil, s3err.APIError{
			Code:           "AccessControlListNotSupported",
			Description:    "The bucket does not allow ACLs",
			HTTPStatusCode: http.StatusBadRequest,
		}
	}
	if canned != "" {
		if _, ok := cannedGrants[canned]; !ok {
			return nil, invalidArgument("")
		}
		return cannedACL(canned, b.owner)
	}
	for name := range r.Header {
		if len(name) > 12 && name[:12] == "X-Amz-Grant-" {
			return nil, s3err.GetAPIError(s3err.ErrNotImplemented)
		}
	}
	if err := checkXML(body, "AccessControlPolicy"); err != nil {
		return nil, err
	}
	return body, nil
}
