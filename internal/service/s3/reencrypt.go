package s3

import (
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

var encryptionShape = parseShape("ObjectEncryption{SSE-KMS?{KMSKeyArn? BucketKeyEnabled?:bool}}")

// updateEncryption is UpdateObjectEncryption: an object with a key of S3's or of KMS gets another one of KMS. Data,
// dates, ETag and checksums stay as they are.
func (c *call) updateEncryption() error {
	doc, err := c.document(encryptionShape)
	if err != nil {
		return err
	}
	by := doc.get("SSE-KMS")
	if by == nil {
		return invalidRequest("Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. " +
			"Modify the request to specify SSE-KMS for the updated encryption type, and then try again.")
	}
	key := by.text("KMSKeyArn")
	switch a, ok := arn.Parse(key); {
	case key == "":
		return invalidRequest("Requests that modify an object's encryption type to SSE-KMS require an Amazon Web Services KMS key Amazon Resource Name (ARN). " +
			"Modify the request to specify a KMS key ARN, and then try again.")
	case !ok || a.Service != "kms" || !strings.HasPrefix(a.Resource, "key/"):
		return invalidRequest("Requests that modify an object's encryption type to SSE-KMS require a valid Amazon Web Services KMS key Amazon Resource Name (ARN). " +
			"Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.")
	case a.Account != c.b.Owner:
		return fault(403, "AccessDenied", "The Amazon Web Services KMS key in the request must be owned by the same account as the bucket. "+
			"Modify the request to specify a KMS key from the same account, and then try again.")
	}
	name, err := c.kmsKey(key)
	if err != nil {
		return err
	}
	id := c.version()
	info, err := c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		if info.Prop(propKeyMD5) != "" || info.Prop(propSSE) == "aws:kms:dsse" {
			return invalidRequest("The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. " +
				"Only source objects encrypted with SSE-S3 or SSE-KMS are supported.")
		}
		if c.protected(info) != nil {
			return errLockProtects
		}
		info.SetProp(propSSE, "aws:kms")
		info.SetProp(propKMSKey, name)
		info.SetProp(propBucketKey, map[bool]string{true: "true"}[strings.EqualFold(by.text("BucketKeyEnabled"), "true")])
		return nil
	})
	if err != nil {
		return c.missing(&info, id, err)
	}
	c.sayVersion(&info)
	c.w.Header().Set("Content-Length", "0")
	return nil
}
