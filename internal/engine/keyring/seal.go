package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// Name says which material sealed something.
type Name struct {
	ID     [16]byte
	Number uint32 // of the material among the key's, from 0
}

const (
	version  = 1
	saltSize = 32
	preamble = 1 + 16 + 4 + saltSize
)

// Seal encrypts plain, bound to a context.
func Seal(n Name, material, plain []byte, context map[string]string) ([]byte, error) {
	out := make([]byte, preamble, preamble+len(plain)+16)
	out[0] = version
	copy(out[1:], n.ID[:])
	binary.BigEndian.PutUint32(out[17:], n.Number)
	if _, err := rand.Read(out[21:preamble]); err != nil {
		return nil, err
	}
	aead, err := messageKey(material, out[21:preamble])
	if err != nil {
		return nil, err
	}
	return aead.Seal(out, make([]byte, aead.NonceSize()), plain, bound(out[:preamble], context)), nil
}

// Named reports which material sealed something; ErrSealed for what Seal did not make.
func Named(sealed []byte) (n Name, err error) {
	if len(sealed) < preamble+16 || sealed[0] != version {
		return n, ErrSealed
	}
	copy(n.ID[:], sealed[1:])
	n.Number = binary.BigEndian.Uint32(sealed[17:])
	return n, nil
}

// Open returns what was sealed with the material and the context; else ErrSealed.
func Open(material, sealed []byte, context map[string]string) ([]byte, error) {
	if _, err := Named(sealed); err != nil {
		return nil, err
	}
	aead, err := messageKey(material, sealed[21:preamble])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed[preamble:], bound(sealed[:preamble], context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// messageKey is the key of one message: it seals once, so its nonce may be of zeros.
func messageKey(material, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, material, salt, "keyring message", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// bound is what is authenticated with the data; the order of a context says nothing.
func bound(preamble []byte, context map[string]string) []byte {
	b := slices.Clone(preamble)
	for _, k := range slices.Sorted(maps.Keys(context)) {
		for _, s := range []string{k, context[k]} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
			b = append(b, s...)
		}
	}
	return b
}
