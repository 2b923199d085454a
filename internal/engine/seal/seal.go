// Package seal encrypts small secrets at rest under a key of the node's.
//
// The key is 32 random bytes in a file that only its owner may read, apart from the data that it seals:
// a copy of the log or of the state alone gives no secret away. Whoever has both has the secrets. A
// sealed secret is
//
//	version (1 byte, 1)  nonce (12 bytes)  AES-256-GCM of the secret
//
// authenticated together with a text that says what it is, so that a secret cannot be put in the place
// of another. Losing the key loses what it sealed, and nothing else.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrSealed is returned for what this key has not sealed, or sealed for something else.
var ErrSealed = errors.New("seal: not sealed with this key")

const (
	keySize = 32
	version = 1
)

// Key seals and opens. It may be used by any number of goroutines.
type Key struct {
	aead   cipher.AEAD
	secret []byte
}

// New returns the key of a secret of at least 32 bytes.
func New(secret []byte) (*Key, error) {
	if len(secret) < keySize {
		return nil, fmt.Errorf("seal: a key of %d bytes, want at least %d", len(secret), keySize)
	}
	k := &Key{secret: secret}
	block, err := aes.NewCipher(k.Derive("seal"))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return k, nil
}

// Random returns a key that goes with the process.
func Random() *Key {
	k, err := New(random())
	if err != nil {
		panic(err) // the size is right
	}
	return k
}

func random() []byte {
	b := make([]byte, keySize)
	rand.Read(b)
	return b
}

// File returns the key in a file, which it makes, with mode 0600, where there is none. A file that
// others may read is refused.
func File(name string) (*Key, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		text, err = create(name)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the node: %w", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("key of the node: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key of the node: %s has mode %04o, so that others can read it: chmod 600 it", name, info.Mode().Perm())
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) < keySize {
		return nil, fmt.Errorf("key of the node: %s does not hold %d bytes in hexadecimal", name, keySize)
	}
	return New(secret)
}

// create writes a new key so that it is there whole or not at all.
func create(name string) ([]byte, error) {
	text := []byte(hex.EncodeToString(random()) + "\n")
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return nil, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	return text, errors.Join(dir.Sync(), dir.Close())
}

// Seal encrypts plain; what says what it is.
func (k *Key) Seal(plain []byte, what string) []byte {
	out := make([]byte, 1+k.aead.NonceSize(), 1+k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	out[0] = version
	rand.Read(out[1:])
	return k.aead.Seal(out, out[1:], plain, []byte(what))
}

// Open returns what Seal encrypted for what; else ErrSealed.
func (k *Key) Open(sealed []byte, what string) ([]byte, error) {
	n := 1 + k.aead.NonceSize()
	if len(sealed) < n || sealed[0] != version {
		return nil, ErrSealed
	}
	plain, err := k.aead.Open(nil, sealed[1:n], sealed[n:], []byte(what))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Derive returns 32 bytes for another purpose, which tell nothing of the key.
func (k *Key) Derive(purpose string) []byte {
	b, err := hkdf.Key(sha256.New, k.secret, nil, "brookmere "+purpose, keySize)
	if err != nil {
		panic(err) // the length is right
	}
	return b
}
