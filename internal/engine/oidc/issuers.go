package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// This file: the keys of issuers, fetched from them.

// Bounds of what is known of issuers.
const (
	keysLast     = 2 * time.Hour // a key set is fetched again after it
	maxIssuers   = 1000
	maxKeySet    = 256 << 10 // bytes of a discovery document, and of a key set
	fetchTimeout = 5 * time.Second
)

// RefetchAfter is how often an issuer is asked at most, whatever tokens say: for keys that it has not had, and after a failure.
const RefetchAfter = 30 * time.Second

// Doer makes requests to addresses that clients name, and refuses those where they may not go.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Issuers fetch the key sets of issuers of OpenID Connect and keep them, for a thousand issuers and two hours. The zero
// value is ready. It may be used by any number of goroutines.
type Issuers struct {
	// Plain has issuers whose address is http asked so, as far as the Doer lets them; else those on this machine alone are.
	Plain bool

	mu    sync.Mutex
	known map[string]*issuer
}

// Verify returns the claims of a token that an issuer, a URL, has signed and that has not expired. The issuer's discovery
// document says where its keys are. Where the token's key is not among those that are kept they are fetched again, but
// not more often than RefetchAfter. The errors are those of Verify, or why the keys cannot be had.
func (i *Issuers) Verify(ctx context.Context, out Doer, token, name string, now time.Time) (Claims, error) {
	keys, fetched, err := i.keys(ctx, out, name, now, time.Time{})
	if err != nil {
		return nil, err
	}
	claims, err := Verify(token, keys, now)
	if errors.Is(err, ErrNoKey) && now.Sub(fetched) >= RefetchAfter {
		if keys, _, err = i.keys(ctx, out, name, now, fetched); err != nil {
			return nil, err
		}
		return Verify(token, keys, now)
	}
	return claims, err
}

// issuer is fetched by one request at a time; the others wait for it.
type issuer struct {
	mu   sync.Mutex
	keys Keys
	err  error
	at   time.Time // it was asked
	good time.Time // the keys came
}

// keys are the keys of an issuer, and when they were fetched: later than after.
func (i *Issuers) keys(ctx context.Context, out Doer, name string, now, after time.Time) (Keys, time.Time, error) {
	i.mu.Lock()
	k := i.known[name]
	if k == nil {
		if i.known == nil || len(i.known) >= maxIssuers {
			i.known = map[string]*issuer{}
		}
		k = &issuer{}
		i.known[name] = k
	}
	i.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	age := now.Sub(k.at)
	fresh := !k.at.IsZero() && k.at.After(after) && (k.err == nil && now.Sub(k.good) < keysLast || k.err != nil && age < RefetchAfter)
	if !fresh {
		// For all who wait, whether or not this client hangs up. Good keys stay where the issuer does not answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		keys, err := fetchKeys(ctx, out, name, i.Plain && strings.HasPrefix(name, "http:"))
		if err == nil {
			k.good = now
		}
		if err == nil || k.keys == nil || now.Sub(k.good) >= keysLast {
			k.keys, k.err = keys, err
		}
		k.at = now
	}
	return k.keys, k.at, k.err
}

// fetchKeys asks an issuer's discovery document where its keys are, and gets them.
func fetchKeys(ctx context.Context, out Doer, issuer string, plain bool) (Keys, error) {
	text, err := fetch(ctx, out, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", plain)
	if err != nil {
		return nil, err
	}
	var d struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &d); err != nil || d.Keys == "" {
		return nil, fmt.Errorf("the discovery document of %s names no jwks_uri", issuer)
	}
	if d.Issuer != issuer {
		return nil, fmt.Errorf("the discovery document of %s is of the issuer %q", issuer, d.Issuer)
	}
	if text, err = fetch(ctx, out, d.Keys, plain); err != nil {
		return nil, err
	}
	return ParseKeys(text)
}

// checkAddress refuses addresses of issuers and key sets that are not https, or plain http, but for a server on this machine.
func checkAddress(address string, plain bool) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !local && !plain) {
		return fmt.Errorf("%s is not an https address", u.Redacted())
	}
	return nil
}

func fetch(ctx context.Context, out Doer, address string, plain bool) ([]byte, error) {
	if err := checkAddress(address, plain); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := out.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answered %d", address, resp.StatusCode)
	case len(b) > maxKeySet:
		return nil, fmt.Errorf("%s answered more than %d bytes", address, maxKeySet)
	}
	return b, nil
}
