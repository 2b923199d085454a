package s3

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/versity/versitygw/auth"
)

// A signer signs the requests that go to versitygw, and is the auth.IAMService by which
// versitygw checks them. Its secret is random, made anew in each process. The access key
// is the caller's account, so that versitygw knows an account as AWS knows it.
//
// Every account is an administrator there. Whose bucket it is, this package decides
// before versitygw sees the request; bucket policies and ACLs are stored, not enforced.
type signer struct {
	secret string

	mu  sync.Mutex
	day string // the day that key is for, 20060102
	key []byte
}

// gatewayRegion is the one region that versitygw is told of.
const gatewayRegion = "us-east-1"

func newSigner() *signer { return &signer{secret: rand.Text()} }

// sign sets the headers of a SigV4 signature on h. path is the request's path, decoded.
// h has its X-Amz-Content-Sha256 already.
func (s *signer) sign(method, host, path string, query url.Values, h http.Header, account string, now time.Time) {
	amzDate := now.UTC().Format("20060102T150405Z")
	h.Set("X-Amz-Date", amzDate)

	type header struct{ name, value string }
	headers := []header{{"host", host}}
	for name, values := range h {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			headers = append(headers, header{lower, strings.Join(values, ",")})
		}
	}
	slices.SortFunc(headers, func(a, b header) int { return strings.Compare(a.name, b.name) })

	var b strings.Builder
	b.WriteString(method + "\n" + escapePath(path) + "\n")
	b.WriteString(strings.ReplaceAll(query.Encode(), "+", "%20") + "\n")
	names := make([]string, len(headers))
	for i, hd := range headers {
		names[i] = hd.name
		b.WriteString(hd.name + ":" + strings.Join(strings.Fields(hd.value), " ") + "\n")
	}
	signed := strings.Join(names, ";")
	b.WriteString("\n" + signed + "\n" + h.Get("X-Amz-Content-Sha256"))

	digest := sha256.Sum256([]byte(b.String()))
	scope := amzDate[:8] + "/" + gatewayRegion + "/s3/aws4_request"
	toSign := "AWS4-HMAC-SHA256\n" + amzDate + "\n" + scope + "\n" + hex.EncodeToString(digest[:])
	signature := hex.EncodeToString(hmacSHA256(s.dayKey(amzDate[:8]), toSign))
	h.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

func (s *signer) dayKey(day string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != day {
		key := hmacSHA256([]byte("AWS4"+s.secret), day)
		for _, part := range []string{gatewayRegion, "s3", "aws4_request"} {
			key = hmacSHA256(key, part)
		}
		s.day, s.key = day, key
	}
	return s.key
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// escapePath escapes all but unreserved characters and slashes, as SigV4 wants it.
func escapePath(path string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

func (s *signer) account(id string) auth.Account {
	return auth.Account{Access: id, Secret: s.secret, Role: auth.RoleAdmin}
}

// DeriveSigningKey is auth.SigningKeyProvider: it saves versitygw the derivation.
func (s *signer) DeriveSigningKey(access, _, day, _, _ string) ([]byte, auth.Account, error) {
	account := s.account(access)
	account.Secret = ""
	return s.dayKey(day), account, nil
}

// GetUserAccount is part of auth.IAMService.
func (s *signer) GetUserAccount(access string) (auth.Account, error) { return s.account(access), nil }

// ResolveAccounts is part of auth.IAMService; it returns the accounts that are missing.
func (s *signer) ResolveAccounts([]string) ([]string, error) { return nil, nil }

// CreateAccount is part of auth.IAMService. No route leads to it.
func (s *signer) CreateAccount(auth.Account) error { return auth.ErrNoSuchUser }

// UpdateUserAccount is part of auth.IAMService. No route leads to it.
func (s *signer) UpdateUserAccount(string, auth.MutableProps) error { return auth.ErrNoSuchUser }

// DeleteUserAccount is part of auth.IAMService. No route leads to it.
func (s *signer) DeleteUserAccount(string) error { return auth.ErrNoSuchUser }

// ListUserAccounts is part of auth.IAMService. No route leads to it.
func (s *signer) ListUserAccounts() ([]auth.Account, error) { return nil, nil }

// Shutdown is part of auth.IAMService.
func (s *signer) Shutdown() error { return nil }
