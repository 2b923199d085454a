package s3

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Keys is KMS, which knows the keys that objects name.
type Keys interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// UseKeys sets who knows the keys of KMS from now on; nil: what names them is taken as it is.
func (s *Service) UseKeys(k Keys) {
	if k == nil {
		s.keys.Store(nil)
		return
	}
	s.keys.Store(&k)
}

// kmsKey is the ARN of the key that a new object names, which must be usable. That of none is the key that AWS has for
// S3; it need not be looked for.
func (c *call) kmsKey(key string) (string, error) {
	named := c.keyARN(key)
	if c.withoutKeys() {
		return "", errUnsignedKey
	}
	keys := c.s.keys.Load()
	if keys == nil || key == "" || named == c.keyARN("") {
		return named, nil
	}
	found, err := c.describeKey(*keys, c.b, key)
	if err != nil || found == nil {
		return named, err
	}
	if err := c.decideKey("kms:GenerateDataKey", aws.ToString(found.Arn), c.b, c.key); err != nil {
		return "", err
	}
	if found.KeyUsage != types.KeyUsageTypeEncryptDecrypt || found.KeySpec != types.KeySpecSymmetricDefault {
		return "", fault(400, "KMS.InvalidKeyUsageException", aws.ToString(found.Arn)+" is not a symmetric key for encryption.")
	}
	return aws.ToString(found.Arn), nil
}

// errUnsignedKey refuses a request that is not signed in the fourth version: keys are used for somebody, whatever their policies and
// the bucket's say.
var errUnsignedKey = invalidArgument("Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.", "Authorization", "null")

// withoutKeys reports whether no key of KMS is used for the caller: for nobody, where policies count, and for signatures of
// the second version.
func (c *call) withoutKeys() bool {
	return c.signedV2() || c.caller.Anonymous && c.s.cfg.Enforces != nil && c.s.cfg.Enforces()
}

// decideKey asks the policies of the caller and of a key, which S3 uses for who reads or writes an object of a bucket.
func (c *call) decideKey(action, key string, b *bucket, object string) error {
	err := c.decideBy(c.s.cfg.Decide, action, key, func(name string) []string {
		switch strings.ToLower(name) {
		case "kms:calleraccount":
			return []string{c.caller.Of()}
		case "kms:viaservice":
			return []string{"s3." + b.Region + ".amazonaws.com"}
		case "kms:encryptioncontextkeys":
			return []string{"aws:s3:arn"}
		case "kms:encryptioncontext:aws:s3:arn":
			return []string{arnOf(b, object)}
		}
		return nil
	})
	var api smithy.APIError
	if errors.As(err, &api) {
		return fault(403, "AccessDenied", api.ErrorMessage())
	}
	return err
}

// describeKey looks for a key of the caller's account, or of that which its ARN names, in the bucket's region; nil: one of an account
// that is neither the caller's nor the bucket's, of which nothing is known.
func (c *call) describeKey(keys Keys, b *bucket, key string) (*types.KeyMetadata, error) {
	account := c.caller.Account
	if account == "" {
		account = b.Owner
	}
	third := false
	if a, ok := arn.Parse(key); ok && a.Account != account && a.Account != "" {
		account, third = a.Account, a.Account != b.Owner
	}
	ctx := awswire.WithCaller(c.ctx, awswire.Caller{Account: account, Region: b.Region, RequestID: c.caller.RequestID})
	out, err := keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		var api smithy.APIError
		if !errors.As(err, &api) {
			return nil, err
		}
		if third && api.ErrorCode() == "NotFoundException" {
			return nil, nil // the account may be none of this node's
		}
		return nil, fault(400, "KMS."+api.ErrorCode(), api.ErrorMessage())
	}
	switch m := out.KeyMetadata; m.KeyState {
	case types.KeyStateDisabled:
		return nil, fault(400, "KMS.DisabledException", aws.ToString(m.Arn)+" is disabled.")
	case types.KeyStatePendingDeletion:
		return nil, fault(400, "KMS.KMSInvalidStateException", aws.ToString(m.Arn)+" is pending deletion.")
	default:
		return m, nil
	}
}

// keyReads refuses an object whose key cannot be used now, or not by the caller. A key that is not there does not count: objects may have
// been put before keys were known.
func (c *call) keyReads(b *bucket, object string, info *objectstore.Info) error {
	key := info.Prop(propKMSKey)
	if key != "" && c.withoutKeys() {
		return errUnsignedKey
	}
	keys := c.s.keys.Load()
	if keys == nil || key == "" || key == c.keyARN("") || strings.Contains(key, ":alias/") {
		return nil
	}
	found, err := c.describeKey(*keys, b, key)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == "KMS.NotFoundException" {
		return nil
	}
	if err != nil || found == nil {
		return err
	}
	return c.decideKey("kms:Decrypt", key, b, object)
}
