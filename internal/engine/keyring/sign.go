package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
)

// hashOf is the hash that an algorithm's name ends in.
func hashOf(algorithm string) (crypto.Hash, func() hash.Hash) {
	switch algorithm[strings.LastIndexByte(algorithm, '_')+1:] {
	case "1":
		return crypto.SHA1, sha1.New
	case "224":
		return crypto.SHA224, sha256.New224
	case "256":
		return crypto.SHA256, sha256.New
	case "384":
		return crypto.SHA384, sha512.New384
	}
	return crypto.SHA512, sha512.New
}

// MAC is the code of a message.
func MAC(material []byte, algorithm string, message []byte) []byte {
	_, h := hashOf(algorithm)
	m := hmac.New(h, material)
	m.Write(message)
	return m.Sum(nil)
}

// digest returns what is signed: the digest of the message, or the message that is one; ErrSize.
func digest(algorithm string, message []byte, isDigest bool) ([]byte, crypto.Hash, error) {
	kind, h := hashOf(algorithm)
	if isDigest {
		if len(message) != kind.Size() {
			return nil, kind, ErrSize
		}
		return message, kind, nil
	}
	if algorithm == "ED25519_SHA_512" {
		return message, 0, nil
	}
	d := h()
	d.Write(message)
	return d.Sum(nil), kind, nil
}

// Sign signs a message, or a digest of one; ErrSize, ErrAlgorithm.
func Sign(material []byte, algorithm string, message []byte, isDigest bool) ([]byte, error) {
	key, err := private(material)
	if err != nil {
		return nil, err
	}
	sum, kind, err := digest(algorithm, message, isDigest)
	if err != nil {
		return nil, err
	}
	var how crypto.SignerOpts = kind
	switch {
	case strings.HasPrefix(algorithm, "RSASSA_PSS"):
		how = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: kind}
	case algorithm == "ED25519_SHA_512" && isDigest:
		return nil, ErrAlgorithm
	}
	return key.Sign(rand.Reader, sum, how)
}

// Verify reports whether a signature is that of a message, or of a digest of one; ErrSize, ErrAlgorithm.
func Verify(material []byte, algorithm string, message, signature []byte, isDigest bool) (bool, error) {
	key, err := private(material)
	if err != nil {
		return false, err
	}
	sum, kind, err := digest(algorithm, message, isDigest)
	if err != nil {
		return false, err
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if strings.HasPrefix(algorithm, "RSASSA_PSS") {
			return rsa.VerifyPSS(public, kind, sum, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil, nil
		}
		return rsa.VerifyPKCS1v15(public, kind, sum, signature) == nil, nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, sum, signature), nil
	case ed25519.PublicKey:
		if algorithm == "ED25519_SHA_512" && isDigest {
			return false, ErrAlgorithm
		}
		return ed25519.VerifyWithOptions(public, sum, signature, &ed25519.Options{Hash: kind}) == nil, nil
	}
	return false, ErrAlgorithm
}

// EncryptTo encrypts to the public key of the material; ErrSize.
func EncryptTo(material []byte, algorithm string, plain []byte) ([]byte, error) {
	key, err := private(material)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, ErrAlgorithm
	}
	_, h := hashOf(algorithm)
	if len(plain) > maxPlain(public, h) {
		return nil, ErrSize
	}
	return rsa.EncryptOAEP(h(), rand.Reader, public, plain, nil)
}

func maxPlain(public *rsa.PublicKey, h func() hash.Hash) int { return public.Size() - 2*h().Size() - 2 }

// MaxPlain is how many bytes EncryptTo encrypts to a key of RSA; 0 to others.
func MaxPlain(material []byte, algorithm string) int {
	key, err := private(material)
	if err != nil {
		return 0
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return 0
	}
	_, h := hashOf(algorithm)
	return maxPlain(public, h)
}

// DecryptWith decrypts what was encrypted to the public key; else ErrSealed.
func DecryptWith(material []byte, algorithm string, sealed []byte) ([]byte, error) {
	key, err := private(material)
	if err != nil {
		return nil, err
	}
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, ErrAlgorithm
	}
	_, h := hashOf(algorithm)
	plain, err := rsa.DecryptOAEP(h(), nil, k, sealed, nil)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
