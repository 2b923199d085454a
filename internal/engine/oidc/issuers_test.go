package oidc

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// issuerServer answers for an issuer as a test says.
type issuerServer struct {
	asked int
	fails error
	keys  string
	at    string // of the keys; empty: the issuer's address
}

func (s *issuerServer) Do(r *http.Request) (*http.Response, error) {
	s.asked++
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if s.fails != nil {
		return nil, s.fails
	}
	text := s.keys
	if strings.HasSuffix(r.URL.Path, "openid-configuration") {
		issuer := r.URL.Scheme + "://" + r.URL.Host
		text = fmt.Sprintf(`{"issuer":%q,"jwks_uri":"%s/keys"}`, issuer, cmp.Or(s.at, issuer))
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewBufferString(text))}, nil
}

// TestIssuersKeysAreNotPoisoned has clients hang up and the issuer fail: who comes later has the keys all the same, as long as
// they are good.
func TestIssuersKeysAreNotPoisoned(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // of which only the public part is looked at
	if err != nil {
		t.Fatal(err)
	}
	part := func(i *big.Int) string { return base64.RawURLEncoding.EncodeToString(i.Bytes()) }
	server := &issuerServer{keys: fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k","alg":"RS256","n":%q,"e":%q}]}`, part(key.N), part(big.NewInt(int64(key.E))))}
	var known Issuers
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	ask := func(ctx context.Context, after time.Time) error {
		keys, _, err := known.keys(ctx, server, "https://issuer.example", now, after)
		if err == nil && keys == nil {
			err = errors.New("no keys")
		}
		return err
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ask(gone, time.Time{}); err != nil {
		t.Errorf("a client that has hung up: %v", err)
	}
	if err := ask(t.Context(), time.Time{}); err != nil || server.asked != 2 {
		t.Errorf("the next: %v, after %d requests", err, server.asked)
	}
	// Tokens of keys that nobody has make it ask again: what fails then takes nothing away.
	server.fails = errors.New("not now")
	first := now
	for now.Before(first.Add(keysLast - time.Minute)) {
		now = now.Add(10 * time.Minute)
		if err := ask(t.Context(), now.Add(-time.Second)); err != nil && now.Sub(first) < keysLast {
			t.Fatalf("after %v: %v", now.Sub(first), err)
		}
	}
	// But keys end, however often that was.
	now = first.Add(keysLast + time.Minute)
	if err := ask(t.Context(), time.Time{}); err == nil {
		t.Error("keys that the issuer may have withdrawn are good for ever")
	}
	server.fails = nil
	now = now.Add(RefetchAfter + time.Second)
	if err := ask(t.Context(), time.Time{}); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
}

func TestAddressesOfKeys(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://issuer.example/keys": true, "http://127.0.0.1:8080/keys": true, "http://localhost/keys": true, "http://[::1]:1/keys": true,
		"http://issuer.example/keys": false, "http://127.0.0.1.example/": false, "file:///etc/passwd": false, "https://user:secret@issuer.example/": false, "//issuer.example": false, "https:///keys": false, "\x00": false,
	} {
		if err := checkAddress(address, false); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
	// JWT authorizers take issuers of a network without TLS, as far as outbound addresses go there.
	for _, plain := range []bool{true, false} {
		known := Issuers{Plain: plain}
		if _, _, err := known.keys(t.Context(), &issuerServer{keys: `{"keys":[]}`}, "http://keycloak:8080", time.Now(), time.Time{}); (err == nil) != plain {
			t.Errorf("an issuer on http, %v: %v", plain, err)
		}
		if _, _, err := known.keys(t.Context(), &issuerServer{keys: `{"keys":[]}`, at: "http://issuer.example"}, "https://issuer.example", time.Now(), time.Time{}); err == nil {
			t.Error("an issuer on https has keys on http")
		}
	}
}
