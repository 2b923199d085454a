package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Access control lists of buckets and objects. They are kept as documents; grants to groups
// and other accounts are heeded (authorize.go) unless the bucket disables lists.

const (
	propACL = "acl"
	// propOwner is the account that owns an object which another account than the bucket's has written, where the
	// bucket leaves objects to their writers.
	propOwner = "owner"
)

// ownerOf is the account that owns an object.
func ownerOf(b *bucket, r *objectstore.Record) string {
	if account := r.Prop(propOwner); account != "" && ownershipOf(b) != "BucketOwnerEnforced" {
		return account
	}
	return b.Owner
}

// writer is the account that will own an object which the request makes.
func (c *call) writer() string {
	account := accountOf(c.caller)
	switch ownership := ownershipOf(c.b); {
	case account == "", ownership == "BucketOwnerEnforced",
		ownership == "BucketOwnerPreferred" && c.header("X-Amz-Acl") == "bucket-owner-full-control":
		return c.b.Owner
	}
	return account
}

// anonymous stands for the account of those who say of no request who they are. They own what they write.
const anonymous = "anonymous"

// anonymousID is the canonical user id that S3 has for them. (Source: "Access control list (ACL) overview" in the user guide.)
const anonymousID = "65a011a29cdf8ec533ec3d1ccaae921c"

// accountOf is the account that lists know a caller by.
func accountOf(caller awswire.Caller) string {
	if caller.Anonymous {
		return anonymous
	}
	return caller.Of()
}

// canonicalID is the canonical user id of an account.
func canonicalID(account string) string {
	if account == anonymous {
		return anonymousID
	}
	sum := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(sum[:])
}

func owner(account string) *node { return el("Owner", leaf("ID", canonicalID(account))) }

const groupPrefix = "http://acs.amazonaws.com/groups/"

func grant(kind, name, id, permission string) *node {
	g := el("Grantee", leaf(name, id))
	g.Type = kind
	return el("Grant", g, leaf("Permission", permission))
}

func groupGrant(group, permission string) *node {
	return grant("Group", "URI", groupPrefix+group, permission)
}

var cannedACLs = []string{
	"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
	"bucket-owner-full-control", "log-delivery-write",
}

// cannedACL is the document of a canned list.
func cannedACL(name, account string) *node {
	list := el("AccessControlList", grant("CanonicalUser", "ID", canonicalID(account), "FULL_CONTROL"))
	add := func(g *node) { list.Kids = append(list.Kids, g) }
	switch name {
	case "public-read":
		add(groupGrant("global/AllUsers", "READ"))
	case "public-read-write":
		add(groupGrant("global/AllUsers", "READ"))
		add(groupGrant("global/AllUsers", "WRITE"))
	case "authenticated-read":
		add(groupGrant("global/AuthenticatedUsers", "READ"))
	case "aws-exec-read": // EC2, which reads images
		add(grant("CanonicalUser", "ID", "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c", "READ"))
	case "log-delivery-write":
		add(groupGrant("s3/LogDelivery", "WRITE"))
		add(groupGrant("s3/LogDelivery", "READ_ACP"))
	}
	return el("AccessControlPolicy", owner(account), list)
}

var errNoACLs = fault(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")

// ownershipOf is the object ownership of a bucket.
func ownershipOf(b *bucket) string {
	if v := b.setting("ownershipControls").text("Rule", "ObjectOwnership"); v != "" {
		return v
	}
	if _, deleted := b.Settings["ownershipControls"]; deleted {
		return "ObjectWriter"
	}
	return "BucketOwnerEnforced"
}

var grantHeaders = map[string]string{
	"X-Amz-Grant-Full-Control": "FULL_CONTROL", "X-Amz-Grant-Read": "READ", "X-Amz-Grant-Write": "WRITE",
	"X-Amz-Grant-Read-Acp": "READ_ACP", "X-Amz-Grant-Write-Acp": "WRITE_ACP",
}

var grantee = regexp.MustCompile(`^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*)"?\s*$`)

// requestedACL is the list that headers ask for; nil for none.
func (c *call) requestedACL(account string) (*node, error) {
	canned := c.header("X-Amz-Acl")
	var grants []*node
	for _, header := range []string{"X-Amz-Grant-Full-Control", "X-Amz-Grant-Read", "X-Amz-Grant-Write", "X-Amz-Grant-Read-Acp", "X-Amz-Grant-Write-Acp"} {
		v := c.header(header)
		switch {
		case v == "":
			continue
		case canned != "":
			return nil, invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
		}
		for one := range strings.SplitSeq(v, ",") {
			m := grantee.FindStringSubmatch(one)
			if m == nil {
				return nil, invalidArgument("Argument format not recognized", strings.ToLower(header), v)
			}
			var g *node
			switch m[1] {
			case "id":
				g = grant("CanonicalUser", "ID", m[2], grantHeaders[header])
			case "uri":
				g = grant("Group", "URI", m[2], grantHeaders[header])
			default:
				return nil, errNotImplemented.with("Header", "emailAddress")
			}
			if err := checkGrant(g, "id", "uri"); err != nil {
				return nil, err
			}
			grants = append(grants, g)
		}
	}
	switch {
	case canned != "":
		if !slices.Contains(cannedACLs, canned) {
			return nil, invalidArgument("", "x-amz-acl", canned)
		}
		acl := cannedACL(canned, account)
		if c.b != nil && account != c.b.Owner {
			c.grantOwner(acl, canned)
		}
		return acl, nil
	case len(grants) > 0:
		return el("AccessControlPolicy", owner(account), el("AccessControlList", grants...)), nil
	}
	return nil, nil
}

// grantOwner adds to the list of an object that another account owns what a canned list grants the bucket's owner.
func (c *call) grantOwner(acl *node, canned string) {
	permission := map[string]string{"bucket-owner-read": "READ", "bucket-owner-full-control": "FULL_CONTROL"}[canned]
	if permission != "" {
		list := acl.get("AccessControlList")
		list.Kids = append(list.Kids, grant("CanonicalUser", "ID", canonicalID(c.b.Owner), permission))
	}
}

// checkGrant refuses a grant to what cannot have one; errors name the id and the group as the request has them, in its
// headers or its body.
func checkGrant(g *node, idName, groupName string) error {
	who := g.get("Grantee")
	switch who.Type {
	case "CanonicalUser":
		if id := who.text("ID"); !isCanonical(id) {
			return invalidArgument("Invalid id", idName, id)
		}
	case "Group":
		uri := who.text("URI")
		switch strings.TrimPrefix(uri, groupPrefix) {
		case "global/AllUsers", "global/AuthenticatedUsers", "s3/LogDelivery":
		default:
			return invalidArgument("Invalid group uri", groupName, uri)
		}
	case "AmazonCustomerByEmail":
		return fault(400, "UnresolvableGrantByEmailAddress", "The e-mail address you provided does not match any account on record.")
	default:
		return errMalformedACL
	}
	return nil
}

func isCanonical(id string) bool {
	return id == anonymousID || len(id) == 64 && strings.Trim(id, "0123456789abcdef") == ""
}

var aclShape = parseShape("AccessControlPolicy{Owner?{ID? DisplayName?} AccessControlList?{Grant*{Grantee{ID? DisplayName? EmailAddress? URI? Type?} Permission:FULL_CONTROL|READ|WRITE|READ_ACP|WRITE_ACP}}}")

// newACL is the list that a request sets: by a canned list, by headers, or by its body.
func (c *call) newACL(account string) (*node, error) {
	acl, err := c.requestedACL(account)
	if err != nil {
		return nil, err
	}
	doc, err := c.readBody()
	if err != nil {
		return nil, err
	}
	switch {
	case acl != nil && len(strings.TrimSpace(string(doc))) > 0:
		return nil, fault(400, "UnexpectedContent", "This request does not support content")
	case acl == nil && len(doc) == 0:
		return nil, fault(400, "MissingSecurityHeader", "Your request was missing a required header").with("MissingHeaderName", "x-amz-acl")
	case acl == nil:
		n, ok := parseXML(doc)
		if !ok || !aclShape.check(n) || n.get("Owner") == nil || n.get("AccessControlList") == nil {
			return nil, errMalformedACL
		}
		if id := n.text("Owner", "ID"); id == "" {
			return nil, errMalformedACL
		} else if id != canonicalID(account) {
			if !isCanonical(id) {
				return nil, invalidArgument("Invalid id", "CanonicalUser/ID", id)
			}
			return nil, errAccessDenied
		}
		for _, g := range n.at("AccessControlList").all("Grant") {
			if err := checkGrant(g, "CanonicalUser/ID", "Group/URI"); err != nil {
				return nil, err
			}
		}
		acl = n
	}
	own := cannedACL("private", account).String()
	switch ownership := ownershipOf(c.b); {
	case ownership == "BucketOwnerEnforced" && acl.String() != own && c.header("X-Amz-Acl") != "bucket-owner-full-control":
		return nil, errNoACLs
	case isPublicACL(acl) && c.blocksPublicACLs():
		return nil, errAccessDenied
	}
	return acl, nil
}

var errMalformedACL = fault(400, "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema")

// blocksPublicACLs reports whether the bucket, or the access point by which the request comes, takes no public list.
func (c *call) blocksPublicACLs() bool {
	return c.s.blocks(c.b, "BlockPublicAcls") || c.point != nil && c.pointBlocks(c.point, "BlockPublicAcls")
}

func isPublicACL(acl *node) bool {
	for _, g := range acl.at("AccessControlList").all("Grant") {
		if strings.HasPrefix(g.text("Grantee", "URI"), groupPrefix+"global/") {
			return true
		}
	}
	return false
}

// objectACL reads the list that a request which makes an object asks for.
func (c *call) objectACL(r *objectstore.Record) error {
	writer := c.writer()
	r.SetProp(propOwner, "")
	if writer != c.b.Owner {
		r.SetProp(propOwner, writer)
	}
	acl, err := c.requestedACL(writer)
	if err != nil || acl == nil {
		return err
	}
	canned := c.header("X-Amz-Acl")
	if ownershipOf(c.b) == "BucketOwnerEnforced" {
		if canned == "bucket-owner-full-control" || canned == "private" {
			return nil
		}
		return errNoACLs
	}
	if isPublicACL(acl) && c.blocksPublicACLs() {
		return errAccessDenied
	}
	r.SetProp(propACL, acl.String())
	return nil
}

func (c *call) aclOf(r *objectstore.Record) *node {
	if text := r.Prop(propACL); text != "" && ownershipOf(c.b) != "BucketOwnerEnforced" {
		if n, ok := parseXML([]byte(text)); ok {
			return n
		}
	}
	return cannedACL("private", ownerOf(c.b, r))
}

func (c *call) getObjectACL() error {
	info, _, err := c.found(false)
	if err != nil {
		return err
	}
	c.sayVersion(&info)
	return c.writeXML(c.aclOf(&info.Record))
}

func (c *call) putObjectACL() error {
	id := c.version()
	was, _, err := c.found(false)
	if err != nil {
		return err
	}
	acl, err := c.newACL(ownerOf(c.b, &was.Record))
	if err != nil {
		return err
	}
	changed := false
	info, err := c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		// It may be another object than that whose list let the request in.
		if err := c.authorize(c.op.action, c.b, c.key); err != nil {
			return err
		}
		if acl, err = c.newACL(ownerOf(c.b, &info.Record)); err != nil {
			return err
		}
		changed = c.aclOf(&info.Record).String() != acl.String()
		info.SetProp(propACL, acl.String())
		return nil
	})
	if err != nil {
		return c.missing(&info, id, err)
	}
	c.sayVersion(&info)
	c.w.Header().Set("Content-Length", "0")
	if changed { // the list that an object has already is no event
		c.notify("ObjectAcl:Put", &info)
	}
	return nil
}

func (c *call) getBucketACL() error {
	if n := c.b.setting("acl"); n != nil {
		return c.writeXML(n)
	}
	return c.writeXML(cannedACL("private", c.b.Owner))
}

func (c *call) putBucketACL() error {
	acl, err := c.newACL(c.b.Owner)
	if err != nil {
		return err
	}
	if err := c.s.buckets.update(c.bucket, func(b *bucket) error {
		b.Settings["acl"] = acl.String()
		return nil
	}); err != nil {
		return err
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}
