package kms

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/keyring"
)

// Keys: made, listed, told of, enabled, disabled and deleted. At most 100 a page.

const (
	shortestWait = 7  // days before a key is deleted
	longestWait  = 30 // also where none is named
)

// CreateKey makes a key with its material.
func (s *Service) CreateKey(ctx context.Context, in *kms.CreateKeyInput, _ ...func(*kms.Options)) (*kms.CreateKeyOutput, error) {
	spec, usage, err := specOf(in)
	if err != nil {
		return nil, err
	}
	switch {
	case in.CustomKeyStoreId != nil || in.XksKeyId != nil || in.Origin != "" && in.Origin != types.OriginTypeAwsKms:
		return nil, unsupported("Keys with the origin %s are not supported here: only AWS_KMS is.", in.Origin)
	}
	c := awswire.CallerFrom(ctx)
	k := &keyDoc{
		ID: uuid.NewString(), Account: c.Account, Region: c.Region, Created: s.now(), Description: aws.ToString(in.Description),
		Spec: spec, Usage: usage, Manager: "CUSTOMER", MultiRegion: aws.ToBool(in.MultiRegion), Policy: aws.ToString(in.Policy),
	}
	if k.MultiRegion {
		k.ID = "mrk-" + strings.ReplaceAll(k.ID, "-", "")
	}
	if in.Policy == nil {
		k.Policy = defaultPolicy(c.Region, c.Account)
	} else if err := checkPolicy(c, k.arn(), k.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if err := k.addTags(in.Tags); err != nil {
		return nil, err
	}
	if err := s.addMaterial(k, ""); err != nil {
		return nil, err
	}
	if err := s.keys.Create(ctx, k, k.Account, k.Region, k.ID); err != nil {
		return nil, err
	}
	return &kms.CreateKeyOutput{KeyMetadata: k.metadata()}, nil
}

// specOf reads what kind of key is wanted, and for what.
func specOf(in *kms.CreateKeyInput) (spec, usage string, err error) {
	spec, usage = string(in.KeySpec), string(in.KeyUsage)
	//lint:ignore SA1019 clients still use the old name
	if old := string(in.CustomerMasterKeySpec); old != "" {
		if spec != "" && spec != old {
			return "", "", invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
		}
		spec = old
	}
	if spec == "" {
		spec = keyring.Symmetric
	}
	kind, err := keyring.KindOf(spec)
	if errors.Is(err, keyring.ErrSpec) || usage == string(types.KeyUsageTypeKeyAgreement) {
		return "", "", unsupported("Keys with KeySpec %s and KeyUsage %s are not supported here.", spec, usage)
	}
	if usage == "" {
		if spec != keyring.Symmetric {
			return "", "", invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
		}
		usage = string(types.KeyUsageTypeEncryptDecrypt)
	}
	fits := map[string][]string{"ENCRYPT_DECRYPT": kind.Encrypt, "SIGN_VERIFY": kind.Sign, "GENERATE_VERIFY_MAC": kind.MAC}[usage]
	if len(fits) == 0 {
		return "", "", invalid("KeyUsage %s is not compatible with KeySpec %s", usage, spec)
	}
	return spec, usage, nil
}

// purposeOf binds sealed material to its key and place.
func (k *keyDoc) purposeOf(number int) string {
	return "material " + strconv.Itoa(number) + " of " + k.arn()
}

// addMaterial gives a key new material, which is from then on the current one.
func (s *Service) addMaterial(k *keyDoc, rotation string) error {
	kind := k.kind()
	raw, err := kind.New()
	if err != nil {
		return err
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	sum := sha256.Sum256(id[:])
	k.Material = append(slices.Clone(k.Material), material{
		ID: hex.EncodeToString(sum[:]), Sealed: s.sealer.Seal(raw, k.purposeOf(len(k.Material))), Since: s.now(), Type: rotation,
	})
	return nil
}

// open returns the material of a number.
func (s *Service) open(k *keyDoc, number int) ([]byte, error) {
	if number < 0 || number >= len(k.Material) {
		return nil, keyring.ErrSealed
	}
	return s.sealer.Open(k.Material[number].Sealed, k.purposeOf(number))
}

// DescribeKey tells of a key.
func (s *Service) DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.DescribeKeyOutput{KeyMetadata: k.metadata()}, nil
}

// ListKeys lists the keys of the account in the region.
func (s *Service) ListKeys(ctx context.Context, in *kms.ListKeysInput, _ ...func(*kms.Options)) (*kms.ListKeysOutput, error) {
	c := awswire.CallerFrom(ctx)
	var all []*keyDoc
	for item, err := range s.keys.List(c.Account, c.Region) {
		if err != nil {
			return nil, err
		}
		if s.isOver(item.Value) {
			if err := s.remove(ctx, item.Value); err != nil {
				return nil, err
			}
			continue
		}
		all = append(all, item.Value)
	}
	list, next, err := paged(all, func(k *keyDoc) string { return k.ID }, in.Marker, in.Limit, 100)
	if err != nil {
		return nil, err
	}
	out := &kms.ListKeysOutput{Truncated: next != nil, NextMarker: next, Keys: []types.KeyListEntry{}}
	for _, k := range list {
		out.Keys = append(out.Keys, types.KeyListEntry{KeyId: &k.ID, KeyArn: aws.String(k.arn())})
	}
	return out, nil
}

// paged cuts a page out of a list, which it sorts.
func paged[T any](all []T, key func(T) string, marker *string, limit *int32, most int) ([]T, *string, error) {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if limit == nil {
		limit = aws.Int32(int32(most))
	}
	list, next, err := page.Of(all, key, page.Request{Token: marker, Max: limit, Limit: 1000})
	if errors.Is(err, page.ErrToken) {
		return nil, nil, errMarker
	}
	return list, next, err
}

// change is modify for what the owner of a key changes, which those that AWS has do not let.
func (s *Service) change(ctx context.Context, name *string, f func(*keyDoc) error) (*keyDoc, error) {
	return s.modify(ctx, name, func(k *keyDoc) error {
		if k.Manager == "AWS" {
			return accessDenied("The caller is not authorized to change %s, which is managed by AWS.", k.arn())
		}
		return f(k)
	})
}

// active is change for keys that are not about to be deleted.
func (s *Service) active(ctx context.Context, name *string, f func(*keyDoc) error) (*keyDoc, error) {
	return s.change(ctx, name, func(k *keyDoc) error {
		if k.Deletion != nil {
			return wrongState("%s is pending deletion.", k.arn())
		}
		return f(k)
	})
}

// UpdateKeyDescription replaces the description.
func (s *Service) UpdateKeyDescription(ctx context.Context, in *kms.UpdateKeyDescriptionInput, _ ...func(*kms.Options)) (*kms.UpdateKeyDescriptionOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error { k.Description = aws.ToString(in.Description); return nil })
	return &kms.UpdateKeyDescriptionOutput{}, err
}

// EnableKey lets a key be used.
func (s *Service) EnableKey(ctx context.Context, in *kms.EnableKeyInput, _ ...func(*kms.Options)) (*kms.EnableKeyOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error { k.Disabled = false; return nil })
	return &kms.EnableKeyOutput{}, err
}

// DisableKey lets a key not be used.
func (s *Service) DisableKey(ctx context.Context, in *kms.DisableKeyInput, _ ...func(*kms.Options)) (*kms.DisableKeyOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error { k.Disabled = true; return nil })
	return &kms.DisableKeyOutput{}, err
}

// ScheduleKeyDeletion says when a key is deleted; until then it cannot be used.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, in *kms.ScheduleKeyDeletionInput, _ ...func(*kms.Options)) (*kms.ScheduleKeyDeletionOutput, error) {
	days := int32(longestWait)
	if in.PendingWindowInDays != nil {
		if days = *in.PendingWindowInDays; days < shortestWait || days > longestWait {
			return nil, invalid("PendingWindowInDays must be between %d and %d, inclusive", shortestWait, longestWait)
		}
	}
	k, err := s.active(ctx, in.KeyId, func(k *keyDoc) error {
		at := s.now().Add(time.Duration(days) * 24 * time.Hour)
		k.Deletion, k.Disabled = &at, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kms.ScheduleKeyDeletionOutput{KeyId: aws.String(k.arn()), DeletionDate: k.Deletion, KeyState: k.state(), PendingWindowInDays: &days}, nil
}

// CancelKeyDeletion keeps a key, which stays disabled.
func (s *Service) CancelKeyDeletion(ctx context.Context, in *kms.CancelKeyDeletionInput, _ ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error) {
	k, err := s.change(ctx, in.KeyId, func(k *keyDoc) error {
		if k.Deletion == nil {
			return wrongState("%s is not pending deletion.", k.arn())
		}
		k.Deletion = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kms.CancelKeyDeletionOutput{KeyId: aws.String(k.arn())}, nil
}
