package s3

import (
	"crypto/tls"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// The condition keys of policies that S3 has. The source is S3's page in the Service Authorization Reference, and
// "Bucket policy examples using condition keys" in the user guide. A policy rarely asks for more than one: each is made
// when it is asked for.

func oneValue(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}

// keysFor are the condition keys of a request, for an action on a bucket (nil: one that is not there yet), on an object
// of it, or on a version of that.
func (c *call) keysFor(action string, b *bucket, key, version string) policy.Keys {
	return func(name string) []string {
		if v := c.requestKey(name); v != nil {
			return v
		}
		return c.s.objectKey(name, action, b, key, version)
	}
}

// objectKey is a condition key that is told by what an action is on.
func (s *Service) objectKey(name, action string, b *bucket, key, version string) []string {
	if b == nil {
		return nil
	}
	if name == "s3:resourceaccount" || name == "aws:resourceaccount" {
		return oneValue(b.Owner)
	}
	tag, ok := strings.CutPrefix(name, "s3:existingobjecttag/")
	if !ok || key == "" || action == "s3:PutObject" || strings.HasPrefix(action, "s3:DeleteObject") && !strings.HasSuffix(action, "Tagging") {
		return nil // puts and deletions do not have it
	}
	info, err := s.store.Stat(b.Name, key, version)
	if err != nil {
		return nil
	}
	return tagValues(info.Tags, tag)
}

// tagValues finds a tag by its key in whatever case, as names of condition keys have none: the values of several are all
// there, so that none of them hides another.
func tagValues(tags map[string]string, key string) []string {
	var values []string
	for k, v := range tags {
		if strings.EqualFold(k, key) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return values
}

// requestKey is a condition key that is told by the request.
func (c *call) requestKey(name string) []string {
	switch name {
	case "aws:sourceip":
		host, _, err := net.SplitHostPort(c.r.RemoteAddr)
		if err != nil {
			return nil
		}
		return oneValue(host)
	case "aws:securetransport":
		return oneValue(strconv.FormatBool(c.r.TLS != nil || c.caller.Secure))
	case "aws:referer":
		return oneValue(c.r.Referer())
	case "aws:useragent":
		return oneValue(c.r.UserAgent())
	case "aws:requestedregion":
		return oneValue(c.caller.Region)
	case "s3:prefix", "s3:delimiter", "s3:max-keys":
		// An empty one that is there is a value: policies let the root of a bucket be listed by it.
		if list := c.query[strings.TrimPrefix(name, "s3:")]; len(list) > 0 {
			return list[:1]
		}
		return nil
	case "s3:versionid":
		return oneValue(c.query.Get("versionId"))
	case "s3:if-match", "s3:if-none-match":
		return oneValue(c.r.Header.Get(strings.TrimPrefix(name, "s3:")))
	case "s3:tlsversion":
		return c.tlsVersion()
	case "s3:authtype", "s3:signatureversion", "s3:signatureage":
		return c.signatureKey(name)
	case "s3:objectcreationoperation":
		return c.createsObject()
	case "s3:locationconstraint":
		if c.operates("CreateBucket") {
			return oneValue(c.peek().text("LocationConstraint"))
		}
	case "s3:object-lock-mode", "s3:object-lock-retain-until-date", "s3:object-lock-legal-hold", "s3:object-lock-remaining-retention-days":
		return c.lockKey(strings.TrimPrefix(name, "s3:object-lock-"))
	case "s3:requestobjecttagkeys":
		var keys []string
		for k := range c.requestTags() {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return keys
	}
	if tag, ok := strings.CutPrefix(name, "s3:requestobjecttag/"); ok {
		return tagValues(c.requestTags(), tag)
	}
	if header, ok := strings.CutPrefix(name, "s3:x-amz-"); ok {
		if c.form != nil {
			if header == "acl" {
				return oneValue(c.form.fields["acl"])
			}
			return oneValue(c.form.fields["x-amz-"+header])
		}
		if v := c.header("X-Amz-" + header); v != "" {
			return oneValue(v)
		}
		return oneValue(c.uploadSaid(header))
	}
	return nil
}

// uploadSaid is a header by which the upload was begun that a request adds a part to, or completes: requests for parts
// have none of their own, and policies that want one would let no upload through.
func (c *call) uploadSaid(header string) string {
	if c.op == nil || !slices.Contains([]string{"UploadPart", "UploadPartCopy", "CompleteMultipartUpload"}, c.op.name) {
		return ""
	}
	u, err := c.upload()
	if err != nil {
		return "" // the operation answers with it
	}
	return u.Record.Prop(propSaid + header)
}

// propSaid begins the names of the properties of an upload that keep headers for policies.
const propSaid = "said-"

// saidHeaders are the headers of a request that begins an upload that policies ask for at its parts, behind "x-amz-".
var saidHeaders = []string{
	"acl", "grant-read", "grant-write", "grant-read-acp", "grant-write-acp", "grant-full-control", "storage-class",
	"server-side-encryption", "server-side-encryption-aws-kms-key-id",
}

// operates reports whether the request is for an operation.
func (c *call) operates(name string) bool { return c.op != nil && c.op.name == name }

// peek is the document that a request has in its body, which the operation reads again; nil if it has none.
func (c *call) peek() *node {
	body, err := c.readBody()
	if err != nil {
		return nil // the operation answers with it
	}
	doc, _ := parseXML(body)
	return doc
}

// requestTags are the tags that a request gives an object.
func (c *call) requestTags() map[string]string {
	var set *node
	switch {
	case c.form != nil:
		doc, _ := parseXML([]byte(c.form.fields["tagging"]))
		set = doc.get("TagSet")
	case c.operates("PutObjectTagging"):
		set = c.peek().get("TagSet")
	default:
		tags, err := parseTagging(c.header("X-Amz-Tagging"))
		if err != nil {
			return nil // the operation answers with it
		}
		return tags
	}
	tags := map[string]string{}
	for _, t := range set.all("Tag") {
		tags[t.text("Key")] = t.text("Value")
	}
	return tags
}

// lockKey is a condition key of the lock that a request gives an object.
func (c *call) lockKey(name string) []string {
	value := func(name, operation, element string) string {
		switch {
		case c.form != nil:
			return c.form.fields["x-amz-object-lock-"+name]
		case c.operates(operation):
			return c.peek().text(element)
		}
		return c.header("X-Amz-Object-Lock-" + name)
	}
	switch name {
	case "mode":
		return oneValue(value("mode", "PutObjectRetention", "Mode"))
	case "legal-hold":
		return oneValue(value("legal-hold", "PutObjectLegalHold", "Status"))
	}
	until := value("retain-until-date", "PutObjectRetention", "RetainUntilDate")
	if name == "retain-until-date" {
		return oneValue(until)
	}
	t, ok := parseDate(until)
	if !ok {
		return nil
	}
	// Days that have begun count: a date that is n days away when the request is made has n.
	return oneValue(strconv.FormatInt(int64(math.Ceil(t.Sub(c.s.clock.Now()).Hours()/24)), 10))
}

func (c *call) tlsVersion() []string {
	if c.r.TLS == nil {
		return nil
	}
	switch c.r.TLS.Version {
	case tls.VersionTLS12:
		return []string{"1.2"}
	case tls.VersionTLS13:
		return []string{"1.3"}
	}
	return nil
}

// signedV2 reports whether a request is signed in the second version, in its header or its query, or as a form.
func (c *call) signedV2() bool {
	return slices.Equal(c.signatureKey("s3:signatureversion"), []string{"AWS"})
}

// takesV2 are the regions that take signatures of the second version: those that were there before the fourth. (Source: the
// signature versions of S3's endpoints in the data of botocore.)
var takesV2 = []string{"ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1", "sa-east-1", "us-east-1", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2"}

// checkV2 refuses a signature of the second version where S3 has none: in other regions, and by access points and websites,
// whose hosts such a signature is not about.
func (c *call) checkV2() error {
	if !c.signedV2() || c.point == nil && !c.website && (c.b == nil || slices.Contains(takesV2, c.b.Region)) {
		return nil
	}
	return errSecondVersion
}

var errSecondVersion = invalidRequest("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")

// signatureKey is a condition key of how a request is signed.
func (c *call) signatureKey(name string) []string {
	fourth, second, how, at := false, false, "", ""
	authorization := c.r.Header.Get("Authorization")
	switch query := c.r.URL.Query(); {
	case c.form != nil:
		fourth, second, how, at = c.form.fields["x-amz-signature"] != "", c.form.fields["signature"] != "", "POST", c.form.fields["x-amz-date"]
	case authorization != "": // what the query says besides is no signature
		fourth, second, how, at = strings.HasPrefix(authorization, "AWS4-"), strings.HasPrefix(authorization, "AWS "), "REST-HEADER", c.r.Header.Get("X-Amz-Date")
	case query.Has("X-Amz-Signature"):
		fourth, how, at = true, "REST-QUERY-STRING", query.Get("X-Amz-Date")
	case query.Has("Signature") && query.Has("AWSAccessKeyId"):
		second, how = true, "REST-QUERY-STRING"
	}
	switch {
	case !fourth && !second:
		return nil
	case name == "s3:authtype":
		return oneValue(how)
	case name == "s3:signatureversion" && fourth:
		return []string{"AWS4-HMAC-SHA256"}
	case name == "s3:signatureversion":
		return []string{"AWS"}
	}
	t, err := time.Parse("20060102T150405Z", at)
	if err != nil || how == "REST-HEADER" { // whose requests live for minutes anyway
		return nil
	}
	return oneValue(strconv.FormatInt(max(0, c.s.clock.Now().Sub(t).Milliseconds()), 10))
}

// createsObject tells requests that make an object from those that make parts of one.
func (c *call) createsObject() []string {
	if c.op == nil {
		return nil
	}
	switch c.op.name {
	case "PutObject", "CopyObject", "CompleteMultipartUpload", "PostObject":
		return []string{"true"}
	case "CreateMultipartUpload", "UploadPart", "UploadPartCopy":
		return []string{"false"}
	}
	return nil
}

// ofSession is a condition key that temporary credentials carry.
func ofSession(s *awswire.Session, key string) []string {
	if key == "aws:userid" {
		return oneValue(s.ID)
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return tagValues(s.Tags, tag)
	}
	if s.Service != "" {
		return nil
	}
	for name, v := range s.Keys {
		if strings.EqualFold(name, key) {
			return v
		}
	}
	return nil
}

// withCaller adds the condition keys of who calls, for a policy that is asked without the caller's own.
func withCaller(caller awswire.Caller, who policy.Principal, keys policy.Keys) policy.Keys {
	return func(key string) []string {
		switch s := caller.Session; {
		case byItself(s):
			switch key {
			case "aws:principalisawsservice":
				return []string{"true"}
			case "aws:principalservicename":
				return []string{s.Service}
			}
			for name, v := range s.Keys {
				if strings.EqualFold(name, key) {
					return v
				}
			}
		case key == "aws:principalisawsservice":
			return []string{"false"}
		case caller.Anonymous && key == "aws:principaltype":
			return []string{"Anonymous"}
		case key == "aws:principalaccount":
			return oneValue(who.Account)
		case key == "aws:principalarn" && who.Role != "":
			return oneValue(who.Role)
		case key == "aws:principalarn":
			return oneValue(who.ARN)
		case key == "aws:principaltype" && !caller.Anonymous:
			return oneValue(map[policy.PrincipalKind]string{policy.Root: "Account", policy.User: "User", policy.Role: "AssumedRole"}[who.Kind])
		case key == "aws:username" && who.Kind == policy.User && s == nil:
			return oneValue(who.ARN[strings.LastIndexByte(who.ARN, '/')+1:])
		case s != nil:
			if v := ofSession(s, key); v != nil {
				return v
			}
		}
		if keys == nil {
			return nil
		}
		return keys(key)
	}
}
