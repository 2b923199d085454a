package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// The storage class and the encryption that a client asks for are kept with the object. All
// objects are plain files, but for those with a key of the customer's (ssec.go).

const (
	propClass     = "class"
	propSSE       = "sse"
	propKMSKey    = "sse-key"
	propBucketKey = "sse-bucket-key"
	propRestored  = "restored" // until when an archived object can be read
	propSize      = "size"     // of the data, where the file has another
)

var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
	"GLACIER_IR", "EXPRESS_ONEZONE", "SNOW", "FSX_OPENZFS", "FSX_ONTAP",
}

// archived reports whether objects of a class must be restored before they are read.
func archived(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// Archived reports whether the object whose file is at path, as Files gave it, is in a storage
// class that has to be restored before it is read, and whether it is restored at present.
func (s *Service) Archived(path string) (archive, readable bool) {
	props := s.store.Props(path, propClass)
	switch {
	case props[propTier] != "":
		return true, false
	case !archived(props[propClass]):
		return false, true
	}
	until, err := time.Parse(time.RFC3339, props[propRestored])
	return true, err == nil && s.clock.Now().Before(until)
}

// placed reads what a request that makes an object says of its class and its encryption.
func (c *call) placed(r *objectstore.Record) error {
	class := c.header("X-Amz-Storage-Class")
	if class != "" && !slices.Contains(storageClasses, class) {
		return fault(400, "InvalidStorageClass", "The storage class you specified is not valid").with("StorageClassRequested", class)
	}
	if class == "STANDARD" {
		class = ""
	}
	r.SetProp(propClass, class)
	sse, key := c.header("X-Amz-Server-Side-Encryption"), c.header("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	bucketKey := strings.EqualFold(c.header("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"), "true")
	switch sse {
	case "":
		if key != "" {
			return invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms", "x-amz-server-side-encryption", "null")
		}
		rule := c.b.setting("encryption").at("Rule")
		by := rule.at("ApplyServerSideEncryptionByDefault")
		sse, key = by.text("SSEAlgorithm"), by.text("KMSMasterKeyID")
		bucketKey = strings.EqualFold(rule.text("BucketKeyEnabled"), "true")
		if sse == "AES256" {
			sse, key = "", ""
		}
	case "AES256":
		if key != "" {
			return invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms", "x-amz-server-side-encryption", sse)
		}
		sse = ""
	case "aws:kms", "aws:kms:dsse":
	default:
		return invalidArgument("The encryption method specified is not supported", "x-amz-server-side-encryption", sse)
	}
	if sse == "" {
		r.SetProp(propSSE, "")
		r.SetProp(propKMSKey, "")
		r.SetProp(propBucketKey, "")
		return nil
	}
	r.SetProp(propSSE, sse)
	name, err := c.kmsKey(key)
	if err != nil {
		return err
	}
	r.SetProp(propKMSKey, name)
	r.SetProp(propBucketKey, map[bool]string{true: "true"}[bucketKey && sse == "aws:kms"])
	return nil
}

// blocksEncryption reports whether a bucket takes no new objects of an encryption.
func blocksEncryption(b *bucket, kind string) bool {
	for _, n := range b.setting("encryption").at("Rule", "BlockedEncryptionTypes").all("EncryptionType") {
		if n.Text == kind {
			return true
		}
	}
	return false
}

// keyARN is the ARN of a KMS key that is named by its id; of none, that of the key which AWS
// has for S3 in each account and region.
func (c *call) keyARN(key string) string {
	if strings.HasPrefix(key, "arn:") {
		return key
	}
	name := "key/" + key
	switch {
	case key == "":
		sum := sha256.Sum256([]byte("aws/s3/" + c.b.Owner + "/" + c.b.Region))
		h := hex.EncodeToString(sum[:16])
		name = "key/" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	case strings.HasPrefix(key, "alias/"):
		name = key
	}
	return "arn:" + partitionOf(c.b.Region) + ":kms:" + c.b.Region + ":" + c.b.Owner + ":" + name
}

// partitionOf is the partition of a region.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// sayEncryption sets the headers that tell how an object is encrypted.
func (c *call) sayEncryption(r *objectstore.Record) {
	if sum := r.Prop(propKeyMD5); sum != "" {
		c.say("x-amz-server-side-encryption-customer-algorithm", "AES256")
		c.say("x-amz-server-side-encryption-customer-key-MD5", sum)
		return
	}
	sse := r.Prop(propSSE)
	if sse == "" {
		sse = "AES256"
	}
	c.say("x-amz-server-side-encryption", sse)
	c.say("x-amz-server-side-encryption-aws-kms-key-id", r.Prop(propKMSKey))
	c.say("x-amz-server-side-encryption-bucket-key-enabled", r.Prop(propBucketKey))
}
