package sts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
)

// An Issuer makes temporary credentials, and knows those that it, or another with the
// same key, has made.
type Issuer struct{ key []byte }

// NewIssuer returns an issuer. Whoever knows the secret can make credentials.
func NewIssuer(secret []byte) *Issuer {
	return &Issuer{key: mac(secret, "temporary credentials")}
}

// claims is what a session token says.
type claims struct {
	AccessKey string `json:"k"`
	Account   string `json:"a"`
	Principal string `json:"p,omitempty"`
	Expires   int64  `json:"e"` // Unix seconds
}

// maxToken bounds a token that is looked at.
const maxToken = 4096

// issue returns credentials that act for account as principal.
func (i *Issuer) issue(account, principal string, expires time.Time) (accessKey, secret, token string) {
	c := claims{AccessKey: newAccessKey(account), Account: account, Principal: principal, Expires: expires.Unix()}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and a number
	}
	token = base64.StdEncoding.EncodeToString(append(mac(i.key, string(b)), b...))
	return c.AccessKey, i.secret(token), token
}

func (i *Issuer) secret(token string) string {
	return base64.StdEncoding.EncodeToString(mac(i.key, "secret "+token)[:30])
}

// Session returns what a session token stands for, and whether it was issued with that
// access key. The session may have expired.
func (i *Issuer) Session(accessKey, token string) (awswire.Session, bool) {
	if len(token) > maxToken {
		return awswire.Session{}, false
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], mac(i.key, string(b[sha256.Size:]))) {
		return awswire.Session{}, false
	}
	var c claims
	if err := json.Unmarshal(b[sha256.Size:], &c); err != nil || c.AccessKey != accessKey {
		return awswire.Session{}, false
	}
	return awswire.Session{
		Secret:    i.secret(token),
		Account:   c.Account,
		Principal: c.Principal,
		Expires:   time.Unix(c.Expires, 0),
	}, true
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// newAccessKey returns an access key of temporary credentials: its first half is the
// account, its second random.
func newAccessKey(account string) string {
	var b [10]byte
	n, _ := strconv.ParseUint(account, 10, 40) // twelve digits
	for i := range 5 {
		b[i] = byte(n >> (8 * (4 - i)))
	}
	rand.Read(b[5:])
	return "ASIA" + base32.StdEncoding.EncodeToString(b[:])
}

// accountOfKey returns the account that an access key says it is of.
func accountOfKey(key string) (string, bool) {
	if len(key) == 12 {
		if _, err := strconv.ParseUint(key, 10, 64); err == nil {
			return key, true
		}
	}
	if len(key) != 20 || key[:4] != "ASIA" {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(key[4:])
	if err != nil {
		return "", false
	}
	var n uint64
	for _, c := range b[:5] {
		n = n<<8 | uint64(c)
	}
	if n >= 1e12 {
		return "", false
	}
	account := strconv.FormatUint(n, 10)
	return "000000000000"[len(account):] + account, true
}
