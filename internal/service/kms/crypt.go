package kms

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/keyring"
)

// Encryption, and data keys. Plaintexts have at most 4096 bytes, as the model says.

// encrypting returns a key that can encrypt with the algorithm.
func (s *Service) encrypting(ctx context.Context, name *string, operation string, algorithm types.EncryptionAlgorithmSpec) (*keyDoc, string, error) {
	k, err := s.rotated(ctx, name)
	if err != nil {
		return nil, "", err
	}
	a, err := checkEncryption(k, operation, string(algorithm))
	return k, a, err
}

func checkEncryption(k *keyDoc, operation, algorithm string) (string, error) {
	if err := usable(k); err != nil {
		return "", err
	}
	if k.Usage != string(types.KeyUsageTypeEncryptDecrypt) {
		return "", wrongUsage("%s key usage is %s which is not valid for %s.", k.arn(), k.Usage, operation)
	}
	if algorithm == "" {
		algorithm = keyring.Symmetric
	}
	for _, a := range k.kind().Encrypt {
		if a == algorithm {
			return algorithm, nil
		}
	}
	return "", wrongUsage("Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
}

// encrypt encrypts with the current material.
func (s *Service) encrypt(k *keyDoc, algorithm string, plain []byte, encryption map[string]string) ([]byte, error) {
	last := len(k.Material) - 1
	raw, err := s.open(k, last)
	if err != nil {
		return nil, err
	}
	if k.Spec == keyring.Symmetric {
		return keyring.Seal(k.name(last), raw, plain, encryption)
	}
	if len(encryption) > 0 {
		return nil, invalid("An encryption context is for symmetric keys alone.")
	}
	sealed, err := keyring.EncryptTo(raw, algorithm, plain)
	if errors.Is(err, keyring.ErrSize) {
		return nil, invalid("Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, k.Spec, keyring.MaxPlain(raw, algorithm))
	}
	return sealed, err
}

// Encrypt encrypts up to 4096 bytes.
func (s *Service) Encrypt(ctx context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	k, algorithm, err := s.encrypting(ctx, in.KeyId, "Encrypt", in.EncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	sealed, err := s.encrypt(k, algorithm, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &kms.EncryptOutput{CiphertextBlob: sealed, KeyId: aws.String(k.arn()), EncryptionAlgorithm: types.EncryptionAlgorithmSpec(algorithm)}, nil
}

// opened is what was decrypted, and by what.
type opened struct {
	key       *keyDoc
	material  *string
	algorithm string
	plain     []byte
}

// decrypt decrypts with the key that the ciphertext names, or that the caller does.
func (s *Service) decrypt(ctx context.Context, name *string, operation string, algorithm types.EncryptionAlgorithmSpec, sealed []byte, encryption map[string]string) (*opened, error) {
	if algorithm != "" && algorithm != types.EncryptionAlgorithmSpecSymmetricDefault {
		return s.decryptWith(ctx, name, operation, string(algorithm), sealed, encryption)
	}
	var named *keyDoc
	if aws.ToString(name) != "" {
		var err error
		if named, err = s.find(ctx, name); err != nil {
			return nil, err
		}
		if err := usable(named); err != nil {
			return nil, err
		}
		if named.Spec != keyring.Symmetric {
			return nil, errOtherKey
		}
	}
	n, err := keyring.Named(sealed)
	if err != nil {
		return nil, errCiphertext
	}
	k, err := s.ofName(ctx, n)
	if err != nil {
		return nil, err
	}
	if named != nil && named.ID != k.ID {
		return nil, errOtherKey
	}
	if _, err := checkEncryption(k, operation, ""); err != nil {
		return nil, err
	}
	raw, err := s.open(k, int(n.Number))
	if err == nil {
		var plain []byte
		if plain, err = keyring.Open(raw, sealed, encryption); err == nil {
			return &opened{k, &k.Material[n.Number].ID, keyring.Symmetric, plain}, nil
		}
	}
	if errors.Is(err, keyring.ErrSealed) {
		return nil, errCiphertext
	}
	return nil, err
}

// ofName returns the key of the caller's whose material has that name.
func (s *Service) ofName(ctx context.Context, n keyring.Name) (*keyDoc, error) {
	for _, id := range idsOf(n) {
		k, err := s.get(ctx, id)
		if err == nil {
			return k, nil
		}
		var missing *types.NotFoundException
		if !errors.As(err, &missing) {
			return nil, err
		}
	}
	return nil, errUnreadable
}

// decryptWith decrypts with a private key.
func (s *Service) decryptWith(ctx context.Context, name *string, operation, algorithm string, sealed []byte, encryption map[string]string) (*opened, error) {
	if aws.ToString(name) == "" {
		return nil, invalid("A KeyId is required to decrypt with an asymmetric key.")
	}
	k, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := checkEncryption(k, operation, algorithm); err != nil {
		return nil, err
	}
	if len(encryption) > 0 {
		return nil, invalid("An encryption context is for symmetric keys alone.")
	}
	raw, err := s.open(k, 0)
	if err != nil {
		return nil, err
	}
	plain, err := keyring.DecryptWith(raw, algorithm, sealed)
	if errors.Is(err, keyring.ErrSealed) {
		return nil, errCiphertext
	}
	return &opened{k, nil, algorithm, plain}, err
}

// Decrypt decrypts what Encrypt and the operations of data keys encrypted.
func (s *Service) Decrypt(ctx context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not supported here.")
	}
	o, err := s.decrypt(ctx, in.KeyId, "Decrypt", in.EncryptionAlgorithm, in.CiphertextBlob, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	return &kms.DecryptOutput{Plaintext: o.plain, KeyId: aws.String(o.key.arn()), EncryptionAlgorithm: types.EncryptionAlgorithmSpec(o.algorithm), KeyMaterialId: o.material}, nil
}

// reEncryptNeeds are what a caller needs to encrypt again: kms:ReEncryptFrom on the key that the ciphertext is of, and
// kms:ReEncryptTo on the other. Each key's own policy decides, and each may be of another account than the caller.
func (s *Service) reEncryptNeeds(c awswire.Caller, in *kms.ReEncryptInput) []awswire.Need {
	from, to := s.onSealed(c, in.SourceKeyId, in.CiphertextBlob), s.on(c, in.DestinationKeyId)
	keys := func(encryption map[string]string) func() map[string][]string {
		return func() map[string][]string {
			keys := contextKeys(c, encryption)
			keys["kms:ReEncryptOnSameKey"] = []string{strconv.FormatBool(slices.Equal(from, to))}
			return keys
		}
	}
	var needs []awswire.Need
	for _, resource := range from {
		needs = append(needs, awswire.Need{Action: "kms:ReEncryptFrom", Resource: resource, Keys: keys(in.SourceEncryptionContext)})
	}
	for _, resource := range to {
		needs = append(needs, awswire.Need{Action: "kms:ReEncryptTo", Resource: resource, Keys: keys(in.DestinationEncryptionContext)})
	}
	return needs
}

// ReEncrypt decrypts and encrypts again, with another key or context.
func (s *Service) ReEncrypt(ctx context.Context, in *kms.ReEncryptInput, _ ...func(*kms.Options)) (*kms.ReEncryptOutput, error) {
	source, destination := ctx, ctx // the accounts of the two keys may differ
	for _, n := range s.reEncryptNeeds(awswire.CallerFrom(ctx), in) {
		at := &destination
		if n.Action == "kms:ReEncryptFrom" {
			at = &source
		}
		var err error
		if *at, err = s.reach(ctx, n.Action, n.Resource, n.Keys()); err != nil {
			return nil, err
		}
	}
	from, err := s.decrypt(source, in.SourceKeyId, "ReEncrypt", in.SourceEncryptionAlgorithm, in.CiphertextBlob, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	k, algorithm, err := s.encrypting(destination, in.DestinationKeyId, "ReEncrypt", in.DestinationEncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	sealed, err := s.encrypt(k, algorithm, from.plain, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	out := &kms.ReEncryptOutput{
		CiphertextBlob: sealed, KeyId: aws.String(k.arn()), SourceKeyId: aws.String(from.key.arn()), SourceKeyMaterialId: from.material,
		SourceEncryptionAlgorithm: types.EncryptionAlgorithmSpec(from.algorithm), DestinationEncryptionAlgorithm: types.EncryptionAlgorithmSpec(algorithm),
	}
	if k.Spec == keyring.Symmetric {
		out.DestinationKeyMaterialId = &k.Material[len(k.Material)-1].ID
	}
	return out, nil
}

// symmetric is encrypting for data keys, which symmetric keys alone encrypt.
func (s *Service) symmetric(ctx context.Context, name *string, operation string) (*keyDoc, error) {
	k, err := s.rotated(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := usable(k); err != nil {
		return nil, err
	}
	if k.Spec != keyring.Symmetric {
		return nil, wrongUsage("%s key spec is %s which is not valid for %s.", k.arn(), k.Spec, operation)
	}
	return k, nil
}

// dataKey is a key that was made, plain and sealed.
type dataKey struct {
	key           *keyDoc
	plain, sealed []byte
}

func (s *Service) dataKey(ctx context.Context, name *string, operation string, spec types.DataKeySpec, size *int32, encryption map[string]string, dry *bool) (*dataKey, error) {
	if (spec == "") == (size == nil) {
		return nil, invalid("Please specify either number of bytes or key spec.")
	}
	n := 32
	switch {
	case size != nil:
		n = int(*size)
	case spec == types.DataKeySpecAes128:
		n = 16
	}
	k, err := s.symmetric(ctx, name, operation)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(dry) {
		return nil, errDryRun
	}
	d := &dataKey{key: k, plain: make([]byte, n)}
	if _, err := rand.Read(d.plain); err != nil {
		return nil, err
	}
	d.sealed, err = s.encrypt(k, keyring.Symmetric, d.plain, encryption)
	return d, err
}

func (d *dataKey) material() *string { return &d.key.Material[len(d.key.Material)-1].ID }

// GenerateDataKey makes a key, and gives it plain and encrypted.
func (s *Service) GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not supported here.")
	}
	d, err := s.dataKey(ctx, in.KeyId, "GenerateDataKey", in.KeySpec, in.NumberOfBytes, in.EncryptionContext, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyOutput{CiphertextBlob: d.sealed, Plaintext: d.plain, KeyId: aws.String(d.key.arn()), KeyMaterialId: d.material()}, nil
}

// GenerateDataKeyWithoutPlaintext makes a key, and gives it encrypted.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, in *kms.GenerateDataKeyWithoutPlaintextInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyWithoutPlaintextOutput, error) {
	d, err := s.dataKey(ctx, in.KeyId, "GenerateDataKeyWithoutPlaintext", in.KeySpec, in.NumberOfBytes, in.EncryptionContext, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: d.sealed, KeyId: aws.String(d.key.arn()), KeyMaterialId: d.material()}, nil
}

// GenerateDataKeyPair makes a key pair, and gives the private key plain and encrypted.
func (s *Service) GenerateDataKeyPair(ctx context.Context, in *kms.GenerateDataKeyPairInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyPairOutput, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not supported here.")
	}
	kind, err := keyring.KindOf(string(in.KeyPairSpec))
	if err != nil {
		return nil, unsupported("Key pairs with KeyPairSpec %s are not supported here.", in.KeyPairSpec)
	}
	k, err := s.symmetric(ctx, in.KeyId, "GenerateDataKeyPair")
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	private, err := kind.New()
	if err != nil {
		return nil, err
	}
	public, err := keyring.Public(private)
	if err != nil {
		return nil, err
	}
	sealed, err := s.encrypt(k, keyring.Symmetric, private, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairOutput{
		KeyId: aws.String(k.arn()), KeyPairSpec: in.KeyPairSpec, PrivateKeyPlaintext: private, PrivateKeyCiphertextBlob: sealed, PublicKey: public,
		KeyMaterialId: &k.Material[len(k.Material)-1].ID,
	}, nil
}

// GenerateDataKeyPairWithoutPlaintext makes a key pair, and gives the private key encrypted.
func (s *Service) GenerateDataKeyPairWithoutPlaintext(ctx context.Context, in *kms.GenerateDataKeyPairWithoutPlaintextInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyPairWithoutPlaintextOutput, error) {
	out, err := s.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: in.KeyId, KeyPairSpec: in.KeyPairSpec, EncryptionContext: in.EncryptionContext, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairWithoutPlaintextOutput{
		KeyId: out.KeyId, KeyPairSpec: out.KeyPairSpec, PrivateKeyCiphertextBlob: out.PrivateKeyCiphertextBlob, PublicKey: out.PublicKey, KeyMaterialId: out.KeyMaterialId,
	}, nil
}

// GenerateRandom makes random bytes.
func (s *Service) GenerateRandom(_ context.Context, in *kms.GenerateRandomInput, _ ...func(*kms.Options)) (*kms.GenerateRandomOutput, error) {
	switch {
	case in.Recipient != nil:
		return nil, unsupported("Recipient is not supported here.")
	case in.CustomKeyStoreId != nil:
		return nil, unsupported("Custom key stores are not supported here.")
	case in.NumberOfBytes == nil:
		return nil, invalid("NumberOfBytes is required.")
	}
	b := make([]byte, *in.NumberOfBytes)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	return &kms.GenerateRandomOutput{Plaintext: b}, nil
}
