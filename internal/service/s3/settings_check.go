package s3

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// What settings must be, besides their shape.

func (c *call) checkMany(doc *node) error {
	if doc.text("Id") != c.query.Get("id") {
		return errMalformedXML
	}
	return nil
}

// inventoryFields are the columns of an inventory that a configuration may ask for.
var inventoryFields = []string{
	"Size", "LastModifiedDate", "StorageClass", "ETag", "IsMultipartUploaded", "ReplicationStatus", "EncryptionStatus",
	"ObjectLockRetainUntilDate", "ObjectLockMode", "ObjectLockLegalHoldStatus", "IntelligentTieringAccessTier", "BucketKeyStatus",
	"ChecksumAlgorithm", "ObjectAccessControlList", "ObjectOwner", "LifecycleExpirationDate",
}

func (c *call) checkInventory(doc *node) error {
	if doc.text("Id") != c.query.Get("id") {
		return fault(400, "IdMismatch", "Document ID does not match the specified configuration ID.")
	}
	to := doc.at("Destination", "S3BucketDestination")
	if name, ok := bucketOfARN(to.text("Bucket")); !ok || !validBucketName(name) {
		return fault(400, "InvalidS3DestinationBucket", "Invalid bucket ARN.")
	}
	had := map[string]bool{}
	for _, f := range doc.get("OptionalFields").all("Field") {
		if !slices.Contains(inventoryFields, f.Text) || had[f.Text] {
			return errMalformedXML
		}
		had[f.Text] = true
	}
	return nil
}

// bucketOfARN is the name in the ARN of a bucket.
func bucketOfARN(text string) (string, bool) {
	a, ok := arn.Parse(text)
	return a.Resource, ok && a.Service == "s3" && a.Region == "" && a.Account == "" && a.Resource != ""
}

func (c *call) checkBucketTags(doc *node) error {
	if !c.summed() && c.r.Host != inProcessHost {
		return invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	_, err := tagsOf(doc.get("TagSet"), maxBucketTags)
	return err
}

func (c *call) checkOwnership(doc *node) error {
	if len(doc.Kids) != 1 {
		return errMalformedXML
	}
	if doc.text("Rule", "ObjectOwnership") == "BucketOwnerEnforced" {
		if acl := c.b.setting("acl"); acl != nil && acl.String() != cannedACL("private", c.b.Owner).String() {
			return fault(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
	}
	return nil
}

// accelerable refuses buckets whose names have periods, whatever is asked for.
func (c *call) accelerable() error {
	if strings.Contains(c.bucket, ".") {
		return invalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
	}
	return nil
}

func (c *call) checkEncryption(doc *node) error {
	if len(doc.all("Rule")) != 1 {
		return errMalformedXML
	}
	rule := doc.get("Rule")
	by := rule.get("ApplyServerSideEncryptionByDefault")
	if by == nil && rule.get("BlockedEncryptionTypes") == nil {
		return errMalformedXML
	}
	if by.text("KMSMasterKeyID") != "" && by.text("SSEAlgorithm") == "AES256" {
		return invalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", "ApplyServerSideEncryptionByDefault", "")
	}
	if blocked := rule.get("BlockedEncryptionTypes").all("EncryptionType"); len(blocked) > 1 && slices.ContainsFunc(blocked, func(n *node) bool { return n.Text == "NONE" }) {
		return errMalformedXML
	}
	if rule.get("BucketKeyEnabled") == nil {
		rule.add("BucketKeyEnabled", "false")
	}
	return nil
}

func (c *call) checkPublicAccess(doc *node) error {
	for _, name := range []string{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"} {
		if k := doc.get(name); k == nil {
			doc.add(name, "false")
		} else {
			k.Text = strings.ToLower(k.Text)
		}
	}
	return nil
}

func (c *call) checkLogging(doc *node) error {
	on := doc.get("LoggingEnabled")
	if on == nil {
		return nil
	}
	target := c.s.buckets.get(on.text("TargetBucket"))
	grants := on.get("TargetGrants").all("Grant")
	bad := func(message string) error {
		return fault(400, "InvalidTargetBucketForLogging", message).with("TargetBucket", on.text("TargetBucket"))
	}
	switch {
	case target == nil:
		return bad("The target bucket for logging does not exist")
	case target.Owner != c.b.Owner:
		return bad("The owner for the bucket to be logged and the target bucket must be the same.")
	case target.Region != c.b.Region:
		e := fault(403, "CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ")
		if c.b.Region != "us-east-1" { // which S3 leaves out
			e = e.with("SourceBucketLocation", c.b.Region)
		}
		return e.with("TargetBucketLocation", target.Region)
	case len(grants) > 0 && ownershipOf(target) == "BucketOwnerEnforced":
		return fault(400, "AccessControlListNotSupported", "Target grants not allowed for bucket owner enforced buckets")
	}
	for _, g := range grants { // S3 takes the permissions to read and write lists too, which its documentation does not name
		if err := checkGrant(g, "CanonicalUser/ID", "Group/URI"); errors.Is(err, errMalformedACL) {
			return errMalformedXML
		} else if err != nil {
			return err
		}
	}
	if format := on.get("TargetObjectKeyFormat"); format != nil && (format.get("SimplePrefix") == nil) == (format.get("PartitionedPrefix") == nil) {
		return errMalformedXML
	}
	return nil
}

func (c *call) checkReplication(doc *node) error {
	if c.b.Versioning != "Enabled" {
		return invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
	}
	if !strings.HasPrefix(doc.text("Role"), "arn:") {
		return invalidArgument("Role ARN is not a valid ARN", "Role", doc.text("Role"))
	}
	if c.s.cfg.PassRole != nil {
		if err := c.s.cfg.PassRole(c.ctx, doc.text("Role"), arnOf(c.b, "")); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, rule := range doc.all("Rule") {
		to := rule.text("Destination", "Bucket")
		name := to[strings.LastIndexByte(to, ':')+1:]
		b := c.s.buckets.get(name)
		switch {
		case !strings.HasPrefix(to, "arn:"):
			return invalidArgument("Invalid bucket ARN", "Bucket", to)
		case b == nil || b.Versioning != "Enabled":
			return invalidRequest("Destination bucket must have versioning enabled.")
		}
		if rule.get("Filter") == nil && rule.get("Prefix") == nil {
			rule.Kids = append(rule.Kids, el("Filter"))
		}
		if rule.get("Filter") != nil && rule.get("Priority") == nil {
			rule.add("Priority", "0")
		}
		if rule.get("ID") == nil {
			rule.Kids = append([]*node{leaf("ID", strings.ReplaceAll(uuid.NewString(), "-", ""))}, rule.Kids...)
		}
		if id := rule.text("ID"); seen[id] {
			return invalidArgument("Rule ID must be unique", "ID", id)
		} else {
			seen[id] = true
		}
	}
	return nil
}

const transitionHeader = "x-amz-transition-default-minimum-object-size"

// transitionSize is what goes with a lifecycle configuration, beside its XML.
func (c *call) transitionSize() string {
	if v := c.header(transitionHeader); v != "" {
		return v
	}
	return "all_storage_classes_128K"
}

func (c *call) getLifecycle() error {
	text := c.b.Settings["lifecycle"]
	if text == "" {
		return missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist").with("BucketName", c.bucket)
	}
	size := c.b.Settings["lifecycle-size"]
	if size == "" {
		size = "all_storage_classes_128K"
	}
	c.say(transitionHeader, size)
	c.writeDocument([]byte(xmlHeader(text)), "application/xml")
	return nil
}

func (c *call) checkLifecycle(doc *node) error {
	switch size := c.transitionSize(); size {
	case "all_storage_classes_128K", "varies_by_storage_class":
	default:
		return invalidRequest("Invalid TransitionDefaultMinimumObjectSize found: " + size)
	}
	rules := doc.all("Rule")
	if len(rules) > 1000 {
		return errMalformedXML
	}
	seen := map[string]bool{}
	for _, rule := range rules {
		if err := checkRule(rule); err != nil {
			return err
		}
		if rule.text("ID") == "" {
			rule.Kids = slices.DeleteFunc(rule.Kids, func(k *node) bool { return k.Name == "ID" })
			rule.Kids = append([]*node{leaf("ID", strings.ReplaceAll(uuid.NewString(), "-", ""))}, rule.Kids...)
		}
		id := rule.text("ID")
		if len(id) > 255 {
			return invalidArgument("ID length should not exceed allowed limit of 255", "ID", id)
		}
		if seen[id] {
			return invalidArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", id)
		}
		seen[id] = true
	}
	return nil
}

// checkRule validates a rule of a lifecycle configuration.
func checkRule(rule *node) error {
	filter := rule.get("Filter")
	if filter != nil && rule.get("Prefix") != nil {
		return errMalformedXML
	}
	if filter == nil && rule.get("Prefix") == nil {
		return errMalformedXML
	}
	if filter != nil && len(filter.Kids) > 1 {
		return errMalformedXML
	}
	if and := filter.get("And"); and != nil {
		if len(and.Kids) < 2 {
			return errMalformedXML
		}
		if more, ok := and.number("ObjectSizeGreaterThan"); ok {
			if less, ok := and.number("ObjectSizeLessThan"); ok && less <= more {
				return invalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
			}
		}
		keys := map[string]bool{}
		for _, t := range and.all("Tag") {
			if keys[t.text("Key")] {
				return invalidRequest("Duplicate Tag Keys are not allowed.")
			}
			keys[t.text("Key")] = true
		}
	}
	exp, actions := rule.get("Expiration"), 0
	for _, name := range []string{"Expiration", "Transition", "NoncurrentVersionTransition", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"} {
		actions += len(rule.all(name))
	}
	if actions == 0 {
		return invalidRequest("At least one action needs to be specified in a rule")
	}
	tagged := filter.get("Tag") != nil || len(filter.get("And").all("Tag")) > 0
	if exp != nil {
		if len(exp.Kids) != 1 {
			return errMalformedXML
		}
		if err := checkDays(exp, "Expiration"); err != nil {
			return err
		}
		if exp.get("ExpiredObjectDeleteMarker") != nil && tagged {
			return invalidRequest("Tag-based filter cannot be used with ExpiredObjectDeleteMarker action.")
		}
	}
	if rule.get("AbortIncompleteMultipartUpload") != nil {
		if tagged {
			return invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.")
		}
		if n, ok := rule.number("AbortIncompleteMultipartUpload", "DaysAfterInitiation"); !ok || n < 1 {
			return invalidArgument("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer", "DaysAfterInitiation", "")
		}
	}
	if e := rule.get("NoncurrentVersionExpiration"); e != nil {
		n, ok := e.number("NoncurrentDays")
		if !ok && e.get("NewerNoncurrentVersions") == nil {
			return errMalformedXML
		}
		if ok && n < 1 {
			return invalidArgument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer", "NoncurrentDays", "")
		}
		if err := checkNewer(e); err != nil {
			return err
		}
	}
	for _, t := range rule.all("NoncurrentVersionTransition") {
		days, ok := t.number("NoncurrentDays")
		class := t.text("StorageClass")
		switch {
		case !ok:
			return errMalformedXML
		case days < 0:
			return invalidArgument("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative", "NoncurrentDays", strconv.Itoa(days))
		case days < 30 && (class == "STANDARD_IA" || class == "ONEZONE_IA"):
			return invalidArgument("'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass '"+class+"'", "NoncurrentDays", strconv.Itoa(days))
		}
		if err := checkNewer(t); err != nil {
			return err
		}
	}
	expireDays, expires := exp.number("Days")
	for _, t := range rule.all("Transition") {
		if (t.get("Days") == nil) == (t.get("Date") == nil) {
			return errMalformedXML
		}
		if t.get("Date") != nil {
			if err := checkDays(t, "Transition"); err != nil {
				return err
			}
		}
		days, ok := t.number("Days")
		class := t.text("StorageClass")
		if ok && days < 0 {
			return invalidArgument("'Days' in Transition action must be nonnegative", "Days", strconv.Itoa(days))
		}
		if ok && days < 30 && (class == "STANDARD_IA" || class == "ONEZONE_IA") {
			return invalidArgument("'Days' in Transition action must be greater than or equal to 30 for storageClass '"+class+"'", "Days", strconv.Itoa(days))
		}
		if ok && expires && expireDays <= days {
			return invalidArgument(fmt.Sprintf("'Days' in the Expiration action for filter '%s' must be greater than 'Days' in the Transition action", filterText(rule)), "Days", strconv.Itoa(expireDays))
		}
	}
	return nil
}

// checkNewer checks how many noncurrent versions an action keeps.
func checkNewer(action *node) error {
	if n, ok := action.number("NewerNoncurrentVersions"); ok && (n < 1 || n > 100) {
		return invalidArgument("'NewerNoncurrentVersions' must be a positive integer between 1 and 100", "NewerNoncurrentVersions", "")
	}
	return nil
}

func filterText(rule *node) string {
	prefix := rule.text("Filter", "Prefix")
	if prefix == "" {
		prefix = rule.text("Prefix")
	}
	return "(prefix=" + prefix + ")"
}

func checkDays(n *node, action string) error {
	if days, ok := n.number("Days"); ok && days < 1 {
		return invalidArgument("'Days' for "+action+" action must be a positive integer", "Days", strconv.Itoa(days))
	}
	if d := n.get("Date"); d != nil {
		t, _ := parseDate(d.Text)
		if !t.Equal(t.UTC().Truncate(24 * time.Hour)) {
			return invalidArgument("'Date' must be at midnight GMT", "Date", d.Text)
		}
		d.Text = isoTime(t)
	}
	return nil
}

func (c *call) getVersioning() error {
	n := el("VersioningConfiguration")
	if c.b.Versioning != "" {
		n.add("Status", c.b.Versioning)
	}
	return c.writeXML(n)
}

var versioningShape = parseShape("VersioningConfiguration{Status? MfaDelete?:Enabled|Disabled}")

func (c *call) putVersioning() error {
	doc, err := c.document(versioningShape)
	if err != nil {
		return err
	}
	status := doc.text("Status")
	switch {
	case status == "":
		return fault(400, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	case status != "Enabled" && status != "Suspended":
		return errMalformedXML
	case doc.text("MfaDelete") == "Enabled":
		return errNotImplemented
	case c.b.Lock && status != "Enabled":
		return fault(409, "InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	case status == "Suspended" && c.b.setting("replication") != nil:
		return fault(409, "InvalidBucketState", "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration.")
	}
	if err := c.s.buckets.update(c.bucket, func(b *bucket) error {
		b.Versioning = status
		return nil
	}); err != nil {
		return err
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) getLockConfiguration() error {
	if !c.b.Lock {
		return missing("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket").with("BucketName", c.bucket)
	}
	if n := c.b.setting("object-lock"); n != nil {
		return c.writeXML(n)
	}
	return c.writeXML(el("ObjectLockConfiguration", leaf("ObjectLockEnabled", "Enabled")))
}

var lockShape = parseShape("ObjectLockConfiguration{ObjectLockEnabled?:Enabled Rule?{DefaultRetention?{Mode?:GOVERNANCE|COMPLIANCE Days?:int Years?:int}}}")

func (c *call) putLockConfiguration() error {
	doc, err := c.document(lockShape)
	if err != nil {
		return err
	}
	if doc.text("ObjectLockEnabled") != "Enabled" {
		return errMalformedXML
	}
	if c.b.Versioning != "Enabled" {
		return fault(409, "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
	}
	if rule := doc.get("Rule"); rule != nil {
		def := rule.get("DefaultRetention")
		days, byDays := def.number("Days")
		years, byYears := def.number("Years")
		switch {
		case def == nil || def.text("Mode") == "" || byDays == byYears:
			return errMalformedXML
		case byDays && days <= 0, byYears && years <= 0:
			return invalidArgument("Default retention period must be a positive integer value.", "", "")
		case byDays && days > 36500, byYears && years > 100:
			return invalidArgument("Default retention period too large.", "", "")
		}
	}
	if err := c.s.buckets.update(c.bucket, func(b *bucket) error {
		b.Lock = true
		b.Settings["object-lock"] = doc.String()
		return nil
	}); err != nil {
		return err
	}
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}
