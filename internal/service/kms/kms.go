package kms

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Sealer encrypts the material of keys at rest.
type Sealer interface {
	// Seal encrypts plain, bound to what it is for: Open needs the same text.
	Seal(plain []byte, what string) []byte
	// Open returns what was sealed; an error for anything else.
	Open(sealed []byte, what string) ([]byte, error)
}

// Config is what the service depends on. State and Sealer are required.
type Config struct {
	State  *state.Store
	Sealer Sealer
	Clock  clockwork.Clock // nil: the real one

	// Decide says whether the caller of ctx may do an action on a key, for a grant that is retired; keys are the call's
	// own condition keys, its error is the client's answer. nil: all may.
	Decide func(ctx context.Context, action, arn string, keys map[string][]string) error

	// Reach returns the context for what a call does with one of several keys, each of an account of its own: with the
	// account of the key, where the caller gets to it. That the caller may do the action has been decided. nil: a key is
	// of the account of its caller.
	Reach func(ctx context.Context, action, arn string, keys map[string][]string) (context.Context, error)
}

// Service is KMS. Its methods may be called by many goroutines at once.
type Service struct {
	clock   clockwork.Clock
	sealer  Sealer
	decide  func(ctx context.Context, action, arn string, keys map[string][]string) error
	reach   func(ctx context.Context, action, arn string, keys map[string][]string) (context.Context, error)
	keys    *state.Collection[keyDoc]
	aliases *state.Collection[aliasDoc]
	grants  *state.Collection[grantDoc]
}

// New returns the service.
func New(c Config) (*Service, error) {
	if c.State == nil || c.Sealer == nil {
		return nil, errors.New("kms: State and Sealer are required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Reach == nil {
		c.Reach = func(ctx context.Context, _, _ string, _ map[string][]string) (context.Context, error) {
			return ctx, nil
		}
	}
	return &Service{
		clock: c.Clock, sealer: c.Sealer, decide: c.Decide, reach: c.Reach,
		keys:    state.NewCollection[keyDoc](c.State, "kms.key"),
		aliases: state.NewCollection[aliasDoc](c.State, "kms.alias"),
		grants:  state.NewCollection[grantDoc](c.State, "kms.grant"),
	}, nil
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{Model: "kms", Operations: append(s.keyOperations(), s.useOperations()...)}
}

// keyOperations are about keys, aliases and grants themselves.
func (s *Service) keyOperations() []awswire.Operation {
	return []awswire.Operation{
		awswire.Executes(s.CreateKey),
		awswire.Executes(s.ListKeys),
		awswire.Executes(s.ListAliases),
		awswire.Executes(s.DescribeKey, func(c awswire.Caller, in *kms.DescribeKeyInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.UpdateKeyDescription, func(c awswire.Caller, in *kms.UpdateKeyDescriptionInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.EnableKey, func(c awswire.Caller, in *kms.EnableKeyInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.DisableKey, func(c awswire.Caller, in *kms.DisableKeyInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.ScheduleKeyDeletion, func(c awswire.Caller, in *kms.ScheduleKeyDeletionInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.CancelKeyDeletion, func(c awswire.Caller, in *kms.CancelKeyDeletionInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.CreateAlias, func(c awswire.Caller, in *kms.CreateAliasInput) []string {
			return append(s.on(c, in.TargetKeyId), aliasARN(c, in.AliasName))
		}),
		awswire.Executes(s.UpdateAlias, func(c awswire.Caller, in *kms.UpdateAliasInput) []string {
			return append(s.on(c, in.TargetKeyId), aliasARN(c, in.AliasName))
		}),
		awswire.Executes(s.DeleteAlias, func(c awswire.Caller, in *kms.DeleteAliasInput) []string { return []string{aliasARN(c, in.AliasName)} }),
		awswire.Executes(s.GetKeyPolicy, func(c awswire.Caller, in *kms.GetKeyPolicyInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.PutKeyPolicy, func(c awswire.Caller, in *kms.PutKeyPolicyInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.ListKeyPolicies, func(c awswire.Caller, in *kms.ListKeyPoliciesInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.TagResource, func(c awswire.Caller, in *kms.TagResourceInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.UntagResource, func(c awswire.Caller, in *kms.UntagResourceInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.ListResourceTags, func(c awswire.Caller, in *kms.ListResourceTagsInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.EnableKeyRotation, func(c awswire.Caller, in *kms.EnableKeyRotationInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.DisableKeyRotation, func(c awswire.Caller, in *kms.DisableKeyRotationInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.GetKeyRotationStatus, func(c awswire.Caller, in *kms.GetKeyRotationStatusInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.RotateKeyOnDemand, func(c awswire.Caller, in *kms.RotateKeyOnDemandInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.ListKeyRotations, func(c awswire.Caller, in *kms.ListKeyRotationsInput) []string { return s.on(c, in.KeyId) }),
		awswire.WithKeys(awswire.Executes(s.CreateGrant, func(c awswire.Caller, in *kms.CreateGrantInput) []string { return s.on(c, in.KeyId) }),
			func(c awswire.Caller, in *kms.CreateGrantInput) map[string][]string {
				return grantKeys(c, in.GranteePrincipal, in.RetiringPrincipal, in.Operations, in.Constraints)
			}),
		awswire.Executes(s.ListGrants, func(c awswire.Caller, in *kms.ListGrantsInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.RevokeGrant, func(c awswire.Caller, in *kms.RevokeGrantInput) []string { return s.on(c, in.KeyId) }),
		awswire.Needing(awswire.Executes(s.RetireGrant), func(awswire.Caller, *kms.RetireGrantInput) []awswire.Need { return nil }), // mayRetire
		awswire.Executes(s.ListRetirableGrants),
	}
}

// useOperations use keys.
func (s *Service) useOperations() []awswire.Operation {
	return []awswire.Operation{
		awswire.WithKeys(awswire.Executes(s.Encrypt, func(c awswire.Caller, in *kms.EncryptInput) []string { return s.on(c, in.KeyId) }),
			func(c awswire.Caller, in *kms.EncryptInput) map[string][]string {
				return contextKeys(c, in.EncryptionContext)
			}),
		awswire.WithKeys(awswire.Executes(s.Decrypt, func(c awswire.Caller, in *kms.DecryptInput) []string {
			return s.onSealed(c, in.KeyId, in.CiphertextBlob)
		}), func(c awswire.Caller, in *kms.DecryptInput) map[string][]string {
			return contextKeys(c, in.EncryptionContext)
		}),
		awswire.Needing(awswire.Executes(s.ReEncrypt), s.reEncryptNeeds),
		awswire.WithKeys(awswire.Executes(s.GenerateDataKey, func(c awswire.Caller, in *kms.GenerateDataKeyInput) []string { return s.on(c, in.KeyId) }),
			func(c awswire.Caller, in *kms.GenerateDataKeyInput) map[string][]string {
				return contextKeys(c, in.EncryptionContext)
			}),
		awswire.WithKeys(awswire.Executes(s.GenerateDataKeyWithoutPlaintext, func(c awswire.Caller, in *kms.GenerateDataKeyWithoutPlaintextInput) []string {
			return s.on(c, in.KeyId)
		}), func(c awswire.Caller, in *kms.GenerateDataKeyWithoutPlaintextInput) map[string][]string {
			return contextKeys(c, in.EncryptionContext)
		}),
		awswire.WithKeys(awswire.Executes(s.GenerateDataKeyPair, func(c awswire.Caller, in *kms.GenerateDataKeyPairInput) []string { return s.on(c, in.KeyId) }),
			func(c awswire.Caller, in *kms.GenerateDataKeyPairInput) map[string][]string {
				return contextKeys(c, in.EncryptionContext)
			}),
		awswire.WithKeys(awswire.Executes(s.GenerateDataKeyPairWithoutPlaintext, func(c awswire.Caller, in *kms.GenerateDataKeyPairWithoutPlaintextInput) []string {
			return s.on(c, in.KeyId)
		}), func(c awswire.Caller, in *kms.GenerateDataKeyPairWithoutPlaintextInput) map[string][]string {
			return contextKeys(c, in.EncryptionContext)
		}),
		awswire.Executes(s.GenerateRandom),
		awswire.Executes(s.GenerateMac, func(c awswire.Caller, in *kms.GenerateMacInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.VerifyMac, func(c awswire.Caller, in *kms.VerifyMacInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.Sign, func(c awswire.Caller, in *kms.SignInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.Verify, func(c awswire.Caller, in *kms.VerifyInput) []string { return s.on(c, in.KeyId) }),
		awswire.Executes(s.GetPublicKey, func(c awswire.Caller, in *kms.GetPublicKeyInput) []string { return s.on(c, in.KeyId) }),
	}
}

// ResourcePolicy returns the policy of a key, with what its grants allow the caller of ctx, and its account.
func (s *Service) ResourcePolicy(ctx context.Context, resource string) (document, owner string, err error) {
	a, id, ok := parseKeyARN(resource)
	if !ok {
		return "", "", nil
	}
	k, err := s.keys.Get(a.Account, a.Region, id)
	if errors.Is(err, state.ErrNotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	document, err = s.withGrants(ctx, k)
	return document, k.Account, err
}
