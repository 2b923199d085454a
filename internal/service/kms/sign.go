package kms

import (
	"context"
	"crypto/hmac"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/engine/keyring"
)

// Signatures, and codes that authenticate messages.

// using returns a key of a use, its material, and that it has the algorithm.
func (s *Service) using(ctx context.Context, name *string, operation string, usage types.KeyUsageType, algorithm string) (*keyDoc, []byte, error) {
	k, err := s.find(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if err := usable(k); err != nil {
		return nil, nil, err
	}
	if k.Usage != string(usage) {
		return nil, nil, wrongUsage("%s key usage is %s which is not valid for %s.", k.arn(), k.Usage, operation)
	}
	if kind := k.kind(); !slices.Contains(kind.Sign, algorithm) && !slices.Contains(kind.MAC, algorithm) {
		return nil, nil, wrongUsage("Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	raw, err := s.open(k, 0)
	return k, raw, err
}

// isDigest reads a message's type.
func isDigest(t types.MessageType) (bool, error) {
	switch t {
	case "", types.MessageTypeRaw:
		return false, nil
	case types.MessageTypeDigest:
		return true, nil
	}
	return false, unsupported("Messages of the type %s are not supported here.", t)
}

// signError words an error of the engine.
func signError(err error, algorithm types.SigningAlgorithmSpec) error {
	switch {
	case errors.Is(err, keyring.ErrSize):
		return invalid("Digest is invalid length for algorithm %s.", algorithm)
	case errors.Is(err, keyring.ErrAlgorithm):
		return invalid("The algorithm %s does not take a message of this type.", algorithm)
	}
	return err
}

// Sign signs a message, or a digest of one.
func (s *Service) Sign(ctx context.Context, in *kms.SignInput, _ ...func(*kms.Options)) (*kms.SignOutput, error) {
	digest, err := isDigest(in.MessageType)
	if err != nil {
		return nil, err
	}
	k, raw, err := s.using(ctx, in.KeyId, "Sign", types.KeyUsageTypeSignVerify, string(in.SigningAlgorithm))
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	signature, err := keyring.Sign(raw, string(in.SigningAlgorithm), in.Message, digest)
	if err != nil {
		return nil, signError(err, in.SigningAlgorithm)
	}
	return &kms.SignOutput{KeyId: aws.String(k.arn()), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// Verify verifies a signature; one that is not right is an error.
func (s *Service) Verify(ctx context.Context, in *kms.VerifyInput, _ ...func(*kms.Options)) (*kms.VerifyOutput, error) {
	digest, err := isDigest(in.MessageType)
	if err != nil {
		return nil, err
	}
	k, raw, err := s.using(ctx, in.KeyId, "Verify", types.KeyUsageTypeSignVerify, string(in.SigningAlgorithm))
	if err != nil {
		return nil, err
	}
	ok, err := keyring.Verify(raw, string(in.SigningAlgorithm), in.Message, in.Signature, digest)
	switch {
	case err != nil:
		return nil, signError(err, in.SigningAlgorithm)
	case !ok:
		return nil, &types.KMSInvalidSignatureException{}
	case aws.ToBool(in.DryRun):
		return nil, errDryRun
	}
	return &kms.VerifyOutput{KeyId: aws.String(k.arn()), SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// GetPublicKey returns the public key of an asymmetric key.
func (s *Service) GetPublicKey(ctx context.Context, in *kms.GetPublicKeyInput, _ ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if kind := k.kind(); k.Spec == keyring.Symmetric || len(kind.MAC) > 0 {
		return nil, unsupported("%s key spec is %s which is not valid for GetPublicKey.", k.arn(), k.Spec)
	}
	if err := usable(k); err != nil {
		return nil, err
	}
	raw, err := s.open(k, 0)
	if err != nil {
		return nil, err
	}
	public, err := keyring.Public(raw)
	if err != nil {
		return nil, err
	}
	m := k.metadata()
	out := &kms.GetPublicKeyOutput{
		KeyId: m.Arn, PublicKey: public, KeySpec: m.KeySpec, KeyUsage: m.KeyUsage,
		EncryptionAlgorithms: m.EncryptionAlgorithms, SigningAlgorithms: m.SigningAlgorithms,
	}
	//lint:ignore SA1019 clients still use the old name
	out.CustomerMasterKeySpec = types.CustomerMasterKeySpec(k.Spec)
	return out, nil
}

// GenerateMac makes the code of a message.
func (s *Service) GenerateMac(ctx context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	k, raw, err := s.using(ctx, in.KeyId, "GenerateMac", types.KeyUsageTypeGenerateVerifyMac, string(in.MacAlgorithm))
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	return &kms.GenerateMacOutput{KeyId: aws.String(k.arn()), Mac: keyring.MAC(raw, string(in.MacAlgorithm), in.Message), MacAlgorithm: in.MacAlgorithm}, nil
}

// VerifyMac verifies the code of a message; one that is not right is an error.
func (s *Service) VerifyMac(ctx context.Context, in *kms.VerifyMacInput, _ ...func(*kms.Options)) (*kms.VerifyMacOutput, error) {
	k, raw, err := s.using(ctx, in.KeyId, "VerifyMac", types.KeyUsageTypeGenerateVerifyMac, string(in.MacAlgorithm))
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(in.Mac, keyring.MAC(raw, string(in.MacAlgorithm), in.Message)) {
		return nil, &types.KMSInvalidMacException{}
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	return &kms.VerifyMacOutput{KeyId: aws.String(k.arn()), MacValid: true, MacAlgorithm: in.MacAlgorithm}, nil
}
