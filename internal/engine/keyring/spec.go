package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
)

// Errors of the package. Callers ask with errors.Is.
var (
	ErrSpec      = errors.New("keyring: keys of this kind are not made here")
	ErrAlgorithm = errors.New("keyring: the key has no such algorithm")
	ErrSealed    = errors.New("keyring: not sealed with this key and context")
	ErrSize      = errors.New("keyring: the message is too long for the key, or a digest is of another length")
)

// A Kind is a kind of key material.
type Kind struct {
	Name    string
	Encrypt []string // algorithms of encryption
	Sign    []string // algorithms of signatures
	MAC     []string // algorithms of codes

	make func() ([]byte, error)
}

// Symmetric is the kind of keys that seal and open.
const Symmetric = "SYMMETRIC_DEFAULT"

// kinds in no order.
var kinds = []Kind{
	{Name: Symmetric, Encrypt: []string{Symmetric}, make: random(32)},
	{Name: "HMAC_224", MAC: []string{"HMAC_SHA_224"}, make: random(28)},
	{Name: "HMAC_256", MAC: []string{"HMAC_SHA_256"}, make: random(32)},
	{Name: "HMAC_384", MAC: []string{"HMAC_SHA_384"}, make: random(48)},
	{Name: "HMAC_512", MAC: []string{"HMAC_SHA_512"}, make: random(64)},
	{Name: "RSA_2048", Encrypt: oaep, Sign: rsaSign, make: newRSA(2048)},
	{Name: "RSA_3072", Encrypt: oaep, Sign: rsaSign, make: newRSA(3072)},
	{Name: "RSA_4096", Encrypt: oaep, Sign: rsaSign, make: newRSA(4096)},
	{Name: "ECC_NIST_P256", Sign: []string{"ECDSA_SHA_256"}, make: newECDSA(elliptic.P256())},
	{Name: "ECC_NIST_P384", Sign: []string{"ECDSA_SHA_384"}, make: newECDSA(elliptic.P384())},
	{Name: "ECC_NIST_P521", Sign: []string{"ECDSA_SHA_512"}, make: newECDSA(elliptic.P521())},
	{Name: "ECC_NIST_EDWARDS25519", Sign: []string{"ED25519_SHA_512", "ED25519_PH_SHA_512"}, make: newEd25519},
}

var (
	oaep    = []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
	rsaSign = []string{
		"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
		"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
	}
)

// KindOf returns the kind of a name; ErrSpec.
func KindOf(name string) (*Kind, error) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return nil, ErrSpec
	}
	return &kinds[i], nil
}

// New makes material of the kind.
func (k *Kind) New() ([]byte, error) { return k.make() }

func random(n int) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := make([]byte, n)
		_, err := rand.Read(b)
		return b, err
	}
}

func newRSA(bits int) func() ([]byte, error) {
	return func() ([]byte, error) { return encoded(rsa.GenerateKey(rand.Reader, bits)) }
}

func newECDSA(c elliptic.Curve) func() ([]byte, error) {
	return func() ([]byte, error) { return encoded(ecdsa.GenerateKey(c, rand.Reader)) }
}

func newEd25519() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return encoded(key, err)
}

func encoded[K any](key K, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func private(material []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, err
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, ErrAlgorithm
	}
	return s, nil
}

// Public returns the public key of material, as a SubjectPublicKeyInfo.
func Public(material []byte) ([]byte, error) {
	key, err := private(material)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(key.Public())
}
