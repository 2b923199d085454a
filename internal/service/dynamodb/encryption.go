package dynamodb

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// This file: the key of KMS that a table names. It is looked for when it is named, and shown
// again; items are on the node's disk as they are.

// Keys is KMS, which knows the keys that tables name.
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

const ownKey = "alias/aws/dynamodb" // that AWS has for tables

// checkSSE checks what a specification says by itself.
func checkSSE(in *types.SSESpecification) error {
	switch {
	case in == nil:
	case in.Enabled != nil && !*in.Enabled && in.SSEType != "":
		return invalidValue("SSEType can not be specified if Enabled is false")
	case in.Enabled != nil && !*in.Enabled && in.KMSMasterKeyId != nil:
		return invalidValue("KMSMasterKeyId can not be specified if Enabled is false")
	case in.SSEType != "" && in.SSEType != types.SSETypeKms:
		return invalidValue("SSEType %s is not supported", in.SSEType)
	case in.KMSMasterKeyId != nil && in.SSEType == "":
		return invalidValue("SSEType KMS is required if KMSMasterKeyId is specified")
	}
	return nil
}

// encrypts reports whether a specification is for a key of KMS.
func encrypts(in *types.SSESpecification) bool {
	return in != nil && (isTrue(in.Enabled) || in.Enabled == nil && in.SSEType != "")
}

// encryption is what a specification says of a table's key; nil for none of KMS.
func (s *Service) encryption(ctx context.Context, d *table, in *types.SSESpecification) (*sse, error) {
	if err := checkSSE(in); err != nil || !encrypts(in) {
		return nil, err
	}
	named := aws.ToString(in.KMSMasterKeyId)
	if named == "" {
		named = ownKey
	}
	full := named
	if !strings.HasPrefix(full, "arn:") {
		if !strings.HasPrefix(full, "alias/") {
			full = "key/" + full
		}
		full = arn.New("kms", d.Region, d.Account, full)
	}
	keys := s.keys.Load()
	if keys == nil || keyElsewhere(d, full) {
		return &sse{Type: "KMS", Key: full}, nil
	}
	ctx = awswire.WithCaller(ctx, awswire.Caller{Account: d.Account, Region: d.Region})
	out, err := (*keys).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &named})
	if err != nil {
		var api smithy.APIError
		if !errors.As(err, &api) {
			return nil, err
		}
		return nil, keyRefused("KMS validation error", api.ErrorCode(), api.ErrorMessage())
	}
	m := out.KeyMetadata
	switch {
	case m.KeyState == kmstypes.KeyStateDisabled:
		return nil, keyRefused("KMS key disabled error", "DisabledException", aws.ToString(m.Arn)+" is disabled.")
	case m.KeyState == kmstypes.KeyStatePendingDeletion:
		return nil, keyRefused("KMS validation error", "KMSInvalidStateException", aws.ToString(m.Arn)+" is pending deletion.")
	case m.KeySpec != kmstypes.KeySpecSymmetricDefault:
		return nil, keyRefused("KMS validation error", "InvalidKeyUsageException", aws.ToString(m.Arn)+" is not a symmetric key for encryption.")
	}
	return &sse{Type: "KMS", Key: aws.ToString(m.Arn)}, nil
}

// keyElsewhere reports whether an ARN names a key of another account in the table's region, of which nothing is known.
func keyElsewhere(d *table, text string) bool {
	a, ok := arn.Parse(text)
	if !ok || a.Account == d.Account || a.Account == "" || !a.Within("kms", d.Region, a.Account) {
		return false
	}
	id, ok := a.After("key/")
	return ok && id != ""
}

// keyRefused is what KMS says of a key.
func keyRefused(kind, code, text string) error {
	return invalid("%s: com.amazonaws.services.kms.model.%s: %s (Service: AWSKMS; Status Code: 400; Error Code: %s)", kind, code, text, code)
}

// reencrypt changes the key of a table to what encryption has found.
func (d *table) reencrypt(in *types.SSESpecification, to *sse) error {
	switch {
	case in == nil:
		return nil
	case to == nil && d.SSE == nil:
		return invalidValue("Table is already encrypted by default")
	case to != nil && d.SSE != nil && aws.ToString(in.KMSMasterKeyId) == d.SSE.Key:
		return invalidValue("Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key")
	}
	d.SSE = to
	return nil
}
