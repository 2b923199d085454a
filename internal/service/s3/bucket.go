package s3

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// validBucketName is S3's rule for names, and the guard against any name that is not
// one of a directory in the object directory.
func validBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || net.ParseIP(name) != nil || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || i == len(name)-1 || c != '-' && c != '.') {
			return false
		}
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, p) && p != "amzn-s3-demo-" {
			return false
		}
	}
	for _, s := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, s) {
			return false
		}
	}
	return true
}

var createShape = parseShape("CreateBucketConfiguration{LocationConstraint? Location?{Type? Name?} Bucket?{DataRedundancy? Type?} Tags?{Tag*{Key Value}}}")

// createBucket is CreateBucket. Names are shared by all accounts.
func (c *call) createBucket() error {
	doc, err := c.readBody()
	if err != nil {
		return err
	}
	var config *node
	if len(doc) > 0 {
		var ok bool
		if config, ok = parseXML(doc); !ok || !createShape.check(config) {
			return errMalformedXML
		}
	}
	if config.get("Location") != nil || config.get("Bucket") != nil {
		return errNotImplemented
	}
	if err := c.checkNamespace(config); err != nil {
		return err
	}
	constraint := config.text("LocationConstraint")
	if config.get("LocationConstraint") != nil && constraint == "" {
		return errMalformedXML
	}
	region, err := bucketRegion(c.caller.Region, constraint)
	if err != nil {
		return err
	}
	tags, err := tagsOf(config.get("Tags"), maxBucketTags)
	if err != nil {
		return err
	}
	b := &bucket{Form: documentForm, Name: c.bucket, Owner: c.caller.Account, Region: region, Created: c.s.now(), Settings: map[string]string{}}
	c.b = b
	if len(tags) > 0 {
		b.Settings["tagging"] = tagNode(tags).String()
	}
	switch o := c.header("X-Amz-Object-Ownership"); o {
	case "":
		if len(c.r.Header["X-Amz-Object-Ownership"]) > 0 {
			return invalidArgument("Invalid x-amz-object-ownership header: ", "x-amz-object-ownership", "")
		}
	case "BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced":
		b.Settings["ownershipControls"] = el("OwnershipControls", el("Rule", leaf("ObjectOwnership", o))).String()
	default:
		return invalidArgument("Invalid x-amz-object-ownership header: "+o, "x-amz-object-ownership", "")
	}
	acl, err := c.requestedACL(b.Owner)
	if err != nil {
		return err
	}
	if acl != nil && c.header("X-Amz-Acl") != "private" {
		if ownershipOf(b) == "BucketOwnerEnforced" {
			return fault(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
		if isPublicACL(acl) {
			return fault(400, "InvalidBucketAclWithBlockPublicAccessError", "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
		}
		b.Settings["acl"] = acl.String()
	}
	if strings.EqualFold(c.header("X-Amz-Bucket-Object-Lock-Enabled"), "true") {
		b.Lock, b.Versioning = true, "Enabled"
	}

	c.s.createMu.Lock()
	defer c.s.createMu.Unlock()
	if old := c.s.buckets.get(c.bucket); old != nil {
		switch {
		case old.Owner != b.Owner:
			return fault(409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.").with("BucketName", c.bucket)
		case old.Region == "us-east-1" && region == old.Region && len(tags) == 0:
			// In this region alone, asking again is not an error.
			c.created(old)
			return nil
		}
		return fault(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.").with("BucketName", c.bucket)
	}
	if err := c.s.store.CreateBucket(c.bucket); err != nil {
		return err
	}
	if err := c.s.buckets.put(b); err != nil {
		return err
	}
	c.created(b)
	return nil
}

// checkNamespace holds the name of a new bucket against the namespace that it is to be in: names of an account's own,
// in a region, end in both and in "-an", and only the account makes them.
func (c *call) checkNamespace(config *node) error {
	region := config.text("LocationConstraint")
	if region == "" {
		region = c.caller.Region
	}
	own := strings.HasSuffix(c.bucket, "-"+c.caller.Account+"-"+region+"-an")
	switch v := c.header("X-Amz-Bucket-Namespace"); {
	case v == "" || v == "global":
		return nil
	case v != "account-regional":
		return invalidArgument("Invalid x-amz-bucket-namespace header: "+v, "x-amz-bucket-namespace", v)
	case !own:
		return fault(400, "InvalidNamespaceHeader", "The requested bucket name did not include the account-regional namespace suffix, but the provided "+
			"x-amz-bucket-namespace header value is account-regional. Specify -"+c.caller.Account+"-"+region+"-an as the bucket name suffix to create a "+
			"bucket in your account-regional namespace, or remove the header.")
	}
	return nil
}

func (c *call) created(b *bucket) {
	c.w.Header().Set("Location", "/"+b.Name)
	if b.Region != "us-east-1" {
		c.w.Header().Set("Location", "http://"+b.Name+".s3.amazonaws.com/")
	}
	c.say("x-amz-bucket-arn", "arn:"+partitionOf(b.Region)+":s3:::"+b.Name)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
}

// bucketRegion is where a bucket goes that is made at the endpoint of a region with a
// constraint. The endpoint of us-east-1 makes buckets anywhere. A signature for what is not a region is told which it should be for:
// clients such as s3cmd, which signs for US at first, ask again with that.
func bucketRegion(endpoint, constraint string) (string, error) {
	region := constraint
	switch {
	case !isRegion(endpoint):
		return "", fault(400, "AuthorizationHeaderMalformed",
			"The authorization header is malformed; the region '"+endpoint+"' is wrong; expecting 'us-east-1'").with("Region", "us-east-1")
	case constraint == "" && endpoint == "us-east-1":
		return endpoint, nil
	case constraint == "":
		constraint = "unspecified"
	case constraint == "EU":
		region = "eu-west-1"
	case !hasBuckets(constraint), constraint == "us-east-1" && endpoint == constraint:
		return "", fault(400, "InvalidLocationConstraint", "The specified location-constraint is not valid").with("LocationConstraint", constraint)
	}
	if region == endpoint || endpoint == "us-east-1" {
		return region, nil
	}
	return "", fault(400, "IllegalLocationConstraintException",
		"The "+constraint+" location constraint is incompatible for the region specific endpoint this request was sent to.")
}

// deleteBucket is DeleteBucket.
func (c *call) deleteBucket() error {
	c.s.createMu.Lock()
	defer c.s.createMu.Unlock()
	if c.s.accounts.has(c.bucket) {
		return fault(400, "BucketHasAccessPointsAttached", "The bucket you are attempting to delete has access points attached. Delete your access points and try again.").with("BucketName", c.bucket)
	}
	err := c.s.store.DeleteBucket(c.ctx, c.bucket, func() error { return c.s.buckets.remove(c.bucket) })
	switch {
	case errors.Is(err, objectstore.ErrVersions):
		return fault(409, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.").with("BucketName", c.bucket)
	case errors.Is(err, objectstore.ErrNotEmpty):
		return fault(409, "BucketNotEmpty", "The bucket you tried to delete is not empty").with("BucketName", c.bucket)
	case err != nil:
		return err
	}
	c.w.Header().Del("x-amz-bucket-region")
	return c.noContent()
}

// headBucket is HeadBucket.
func (c *call) headBucket() error {
	c.say("x-amz-access-point-alias", "false")
	c.say("x-amz-bucket-arn", "arn:"+partitionOf(c.b.Region)+":s3:::"+c.b.Name)
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) getLocation() error {
	constraint := c.b.Region
	if constraint == "us-east-1" {
		constraint = ""
	}
	return c.writeXML(leaf("LocationConstraint", constraint))
}

// listBuckets is ListBuckets: the caller's account's, of all regions unless it asks for
// one.
func (c *call) listBuckets() error {
	limit := 10000
	if v := c.query.Get("max-buckets"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 10000 {
			return invalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", v)
		}
		limit = n
	}
	prefix, after, region := c.query.Get("prefix"), c.query.Get("continuation-token"), c.query.Get("bucket-region")
	if region != "" && region != "us-east-1" && !hasBuckets(region) {
		return invalidArgument("Argument value "+region+" is not a valid AWS Region", "bucket-region", "")
	}
	list, next, listed := el("Buckets"), "", 0
	for _, b := range c.s.buckets.all() {
		if b.Name <= after || !strings.HasPrefix(b.Name, prefix) || b.Owner != c.caller.Account || region != "" && b.Region != region {
			continue
		}
		if listed == limit {
			next = list.Kids[limit-1].text("Name")
			break
		}
		listed++
		e := el("Bucket", leaf("Name", b.Name), leaf("CreationDate", isoTime(b.Created)))
		if c.has("max-buckets") || prefix != "" || region != "" || after != "" {
			e.add("BucketRegion", b.Region).add("BucketArn", "arn:"+partitionOf(b.Region)+":s3:::"+b.Name)
		}
		list.Kids = append(list.Kids, e)
	}
	n := el("ListAllMyBucketsResult", owner(c.caller.Account), list)
	if next != "" {
		n.add("ContinuationToken", next)
	}
	if prefix != "" {
		n.add("Prefix", prefix)
	}
	return c.writeXML(n)
}

// blocks reports whether the public access block of a bucket has an element set. A bucket on
// which nothing was said has them all.
func (s *Service) blocks(b *bucket, element string) bool {
	if s.accounts.get(b.Owner).Block[element] {
		return true
	}
	text, set := b.Settings["publicAccessBlock"]
	if !set {
		return true
	}
	if text == "" {
		return false // it was deleted
	}
	return strings.EqualFold(b.setting("publicAccessBlock").text(element), "true")
}
