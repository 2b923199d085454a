package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// memory is a Store.
type memory struct{ key []byte }

func (m *memory) Load(context.Context) ([]byte, error) { return m.key, nil }
func (m *memory) Save(_ context.Context, key []byte) ([]byte, error) {
	if m.key == nil {
		m.key = key
	}
	return m.key, nil
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestSigner(t *testing.T) {
	store := &memory{}
	s := NewSigner(store)
	token, err := s.Sign(t.Context(), Claims{"iss": "https://i", "sub": "s", "exp": now.Add(time.Hour).Unix(), "aud": []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSigner(store).KeySet(t.Context()) // after a restart
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(set)
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v (%v)", keys, err)
	}
	c, err := Verify(token, keys, now)
	if err != nil || c.Text("sub") != "s" || len(c.Texts("aud")) != 2 {
		t.Errorf("claims %v (%v)", c, err)
	}
	parts := strings.Split(token, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	symmetric := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"exp": now.Add(time.Hour).Unix()})
	hs, _ := symmetric.SignedString(set)
	other, _ := NewSigner(&memory{}).Sign(t.Context(), Claims{"exp": now.Add(time.Hour).Unix()})
	for what, try := range map[string]struct {
		token string
		at    time.Time
		want  error
	}{
		"expired":         {token, now.Add(2 * time.Hour), ErrExpired},
		"changed":         {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x","exp":9999999999}`)) + "." + parts[2], now, ErrSignature},
		"none":            {none, now, ErrSignature},
		"symmetric":       {hs, now, ErrSignature},
		"another's":       {other, now, ErrNoKey},
		"no token":        {"x", now, ErrMalformed},
		"large":           {strings.Repeat("a", MaxToken+1), now, ErrMalformed},
		"without an end ": {mustSign(t, s, Claims{"sub": "s"}), now, ErrMalformed},
	} {
		if _, err := Verify(try.token, keys, try.at); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", what, err, try.want)
		}
	}
}

func mustSign(t *testing.T, s *Signer, c Claims) string {
	t.Helper()
	token, err := s.Sign(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestCurves(t *testing.T) {
	k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	raw, _ := k.PublicKey.ECDH()
	xy := raw.Bytes()[1:]
	e := base64.RawURLEncoding.EncodeToString
	keys, err := ParseKeys([]byte(`{"keys":[{"kty":"EC","kid":"1","crv":"P-256","x":"` + e(xy[:32]) + `","y":"` + e(xy[32:]) + `"},{"kty":"EC","kid":"2","crv":"P-256","x":"AA","y":"AA"},{"kty":"oct","kid":"3"}]}`))
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v (%v)", keys, err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"exp": now.Add(time.Hour).Unix()})
	token.Header["kid"] = "1"
	text, _ := token.SignedString(k)
	if _, err := Verify(text, keys, now); err != nil {
		t.Error(err)
	}
}

// TestKeysThatAreNone: keys that nobody should sign with, or that are not keys at all, are passed over
// with no harm to the others.
func TestKeysThatAreNone(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := k.PublicKey.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding.EncodeToString
	number := func(bits int) string { // of so many bits, all ones
		return e(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)).Bytes())
	}
	x, y := e(raw.Bytes()[1:33]), e(raw.Bytes()[33:])
	good := `{"kty":"EC","kid":"good","crv":"P-256","x":"` + x + `","y":"` + y + `"}`
	for what, key := range map[string]string{
		"x beyond the curve":     `"kty":"EC","crv":"P-256","x":"` + number(257) + `","y":"` + y + `"`,
		"y beyond the curve":     `"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + number(257) + `"`,
		"a point off the curve":  `"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"`,
		"another curve":          `"kty":"EC","crv":"P-224","x":"` + x + `","y":"` + y + `"`,
		"for encryption":         `"kty":"EC","use":"enc","crv":"P-256","x":"` + x + `","y":"` + y + `"`,
		"a short modulus":        `"kty":"RSA","n":"` + number(1024) + `","e":"AQAB"`,
		"a modulus without end":  `"kty":"RSA","n":"` + number(8193) + `","e":"AQAB"`,
		"an exponent of one":     `"kty":"RSA","n":"` + number(2048) + `","e":"AQ"`,
		"an exponent of 32 bits": `"kty":"RSA","n":"` + number(2048) + `","e":"` + number(32) + `"`,
		"no base64":              `"kty":"RSA","n":"!","e":"AQAB"`,
		"an Ed25519 of 31 bytes": `"kty":"OKP","crv":"Ed25519","x":"` + e(make([]byte, 31)) + `"`,
		"an X25519":              `"kty":"OKP","crv":"X25519","x":"` + e(make([]byte, 32)) + `"`,
		"a shared secret":        `"kty":"oct","k":"AAAA"`,
	} {
		keys, err := ParseKeys([]byte(`{"keys":[{"kid":"bad",` + key + `},` + good + `]}`))
		if err != nil || len(keys) != 1 || keys["good"] == nil {
			t.Errorf("%s: %d keys, of which good is one: %v (%v)", what, len(keys), keys["good"] != nil, err)
		}
	}
	keys, err := ParseKeys([]byte(`{"keys":[{"kid":"rsa","kty":"RSA","use":"sig","n":"` + number(2048) + `","e":"AQAB"},{"kid":"ed","kty":"OKP","crv":"Ed25519","x":"` + e(make([]byte, 32)) + `"}]}`))
	if err != nil || keys["rsa"] == nil || keys["ed"] == nil {
		t.Errorf("%d keys of two (%v)", len(keys), err)
	}
}

func FuzzVerify(f *testing.F) {
	s := NewSigner(&memory{})
	token, _ := s.Sign(context.Background(), Claims{"exp": now.Add(time.Hour).Unix()})
	keys, _ := s.Keys(context.Background())
	f.Add(token)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := Verify(text, keys, now); err == nil && text != token && c["exp"] == nil {
			t.Errorf("%q is taken", text)
		}
		_, _ = Peek(text)
		_, _ = ParseKeys([]byte(text))
	})
}
