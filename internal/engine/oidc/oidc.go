// Package oidc signs and verifies identity tokens: JSON Web Tokens as OpenID Connect has them.
//
// A Signer has one RSA key, made when it is first asked for and kept by a Store, sealed. What it signs
// can be verified by anybody who has its key set (JWKS). Verify takes RS256, RS384, RS512, PS256, ES256,
// ES384, ES512 and EdDSA, and never "none" nor a symmetric algorithm; the algorithm must be one of the
// key's kind. Times are checked with a minute's leeway, by the clock that the caller hands in.
package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Errors of Verify.
var (
	ErrMalformed = errors.New("oidc: not a token")
	ErrExpired   = errors.New("oidc: the token has expired")
	ErrSignature = errors.New("oidc: the token's signature is wrong")
	ErrNoKey     = errors.New("oidc: the issuer has no key of that id")
)

// MaxToken bounds a token, in bytes.
const MaxToken = 20 << 10

// leeway is what clocks may differ.
const leeway = time.Minute

// Claims are the payload of a token.
type Claims map[string]any

// Text is a claim that is a text; else empty.
func (c Claims) Text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Texts is a claim that is a text or a list of texts.
func (c Claims) Texts(name string) []string {
	switch v := c[name].(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// Keys are the public keys of an issuer, by their ids.
type Keys map[string]crypto.PublicKey

// ParseKeys reads a JSON Web Key Set. Keys of a kind that is not known, or that are not for signatures,
// are passed over.
func ParseKeys(text []byte) (Keys, error) {
	var set struct {
		Keys []struct {
			Kty, Kid, Use, Crv, N, E, X, Y string
		}
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("oidc: key set: %w", err)
	}
	keys := Keys{}
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		number := func(s string) *big.Int {
			b, err := base64.RawURLEncoding.DecodeString(s)
			if err != nil {
				return new(big.Int)
			}
			return new(big.Int).SetBytes(b)
		}
		switch k.Kty {
		case "RSA":
			n, e := number(k.N), number(k.E)
			if n.BitLen() < 2048 || n.BitLen() > 8192 || e.BitLen() > 31 || e.Int64() < 3 {
				continue
			}
			keys[k.Kid] = &rsa.PublicKey{N: n, E: int(e.Int64())}
		case "EC":
			curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
			if curve == nil {
				continue
			}
			size := (curve.Params().BitSize + 7) / 8
			point := make([]byte, 1+2*size)
			point[0] = 4 // uncompressed
			x, y := number(k.X), number(k.Y)
			if x.BitLen() > 8*size || y.BitLen() > 8*size {
				continue
			}
			x.FillBytes(point[1 : 1+size])
			y.FillBytes(point[1+size:])
			if key, err := ecdsa.ParseUncompressedPublicKey(curve, point); err == nil { // else no point of the curve
				keys[k.Kid] = key
			}
		case "OKP":
			if b, err := base64.RawURLEncoding.DecodeString(k.X); err == nil && k.Crv == "Ed25519" && len(b) == ed25519.PublicKeySize {
				keys[k.Kid] = ed25519.PublicKey(b)
			}
		}
	}
	return keys, nil
}

// Peek reads the claims of a token without verifying anything: to find out whose keys it needs.
func Peek(token string) (Claims, error) {
	if len(token) > MaxToken {
		return nil, ErrMalformed
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return nil, ErrMalformed
	}
	return Claims(claims), nil
}

// Verify returns the claims of a token that is signed with one of the keys, and is not expired.
func Verify(token string, keys Keys, now time.Time) (Claims, error) {
	if len(token) > MaxToken {
		return nil, ErrMalformed
	}
	claims := jwt.MapClaims{}
	p := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}),
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithLeeway(leeway), jwt.WithExpirationRequired(),
	)
	_, err := p.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if k := keys[id]; k != nil {
			return k, nil
		}
		if id == "" && len(keys) == 1 {
			for _, k := range keys {
				return k, nil
			}
		}
		return nil, ErrNoKey
	})
	switch {
	case err == nil:
		return Claims(claims), nil
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return nil, ErrExpired
	case errors.Is(err, ErrNoKey):
		return nil, ErrNoKey
	case errors.Is(err, jwt.ErrTokenMalformed), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return nil, ErrMalformed
	}
	return nil, ErrSignature
}

// Store keeps the signer's key, sealed; Save keeps the first that anybody saves.
type Store interface {
	// Load returns what was saved; nil if nothing was.
	Load(ctx context.Context) ([]byte, error)
	// Save saves it unless something is there, and returns what is there then.
	Save(ctx context.Context, key []byte) ([]byte, error)
}

// Signer signs tokens.
type Signer struct {
	store Store

	mu  sync.Mutex
	key *rsa.PrivateKey
	id  string
}

// NewSigner returns a signer whose key is in the store.
func NewSigner(store Store) *Signer { return &Signer{store: store} }

func (s *Signer) load(ctx context.Context) (*rsa.PrivateKey, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, s.id, nil
	}
	der, err := s.store.Load(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("oidc: signing key: %w", err)
	}
	if der == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, "", fmt.Errorf("oidc: create a signing key: %w", err)
		}
		if der, err = s.store.Save(ctx, x509.MarshalPKCS1PrivateKey(key)); err != nil {
			return nil, "", fmt.Errorf("oidc: signing key: %w", err)
		}
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, "", fmt.Errorf("oidc: signing key: %w", err)
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	s.key, s.id = key, "brookmere-"+base64.RawURLEncoding.EncodeToString(sum[:12])
	return s.key, s.id, nil
}

// Sign returns a token of the claims.
func (s *Signer) Sign(ctx context.Context, claims Claims) (string, error) {
	key, id, err := s.load(ctx)
	if err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims))
	t.Header["kid"] = id
	return t.SignedString(key)
}

// Keys are the signer's public keys.
func (s *Signer) Keys(ctx context.Context) (Keys, error) {
	key, id, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	return Keys{id: &key.PublicKey}, nil
}

// KeySet is the signer's JSON Web Key Set.
func (s *Signer) KeySet(ctx context.Context) ([]byte, error) {
	key, id, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id,
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}})
}
