package sts

import (
	"bytes"
	"compress/flate"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/seal"
)

// An Issuer makes temporary credentials, and knows those that it, or another with the same key, has made.
// A session token is all there is of a session: it is sealed with the node's key, so that nobody can
// make or change one, and the secret access key follows from it. So credentials outlive a restart.
type Issuer struct {
	key    *seal.Key
	secret []byte

	mu    sync.RWMutex
	known map[string]*awswire.Session // by access key and token
	bytes int
}

// NewIssuer returns an issuer. Whoever has the key can make credentials.
func NewIssuer(key *seal.Key) *Issuer {
	return &Issuer{key: key, secret: key.Derive("secrets of temporary credentials")}
}

// claims is what a session token says.
type claims struct {
	Kind           awswire.SessionKind `json:"t,omitempty"`
	Account        string              `json:"a"`
	Principal      string              `json:"p,omitempty"`
	Source         string              `json:"s,omitempty"`
	ID             string              `json:"i,omitempty"`
	Issued         int64               `json:"b"` // Unix seconds
	Expires        int64               `json:"e"` // Unix seconds
	Limited        bool                `json:"l,omitempty"`
	Policies       []string            `json:"d,omitempty"`
	PolicyARNs     []string            `json:"m,omitempty"`
	Tags           map[string]string   `json:"g,omitempty"`
	Transitive     []string            `json:"r,omitempty"`
	SourceIdentity string              `json:"o,omitempty"`
	Provider       string              `json:"f,omitempty"`
	Keys           map[string][]string `json:"k,omitempty"`
	MFA            int64               `json:"u,omitempty"` // Unix seconds
}

const (
	// maxToken bounds a token, in bytes; headers of a request may have 64 KiB.
	maxToken = 24 << 10
	// maxKnown bounds the tokens whose sessions are kept in memory, in bytes.
	maxKnown = 4 << 20
)

func purpose(accessKey string) string { return "session token of " + accessKey }

// Issue returns credentials of a session; its Secret is filled in.
func (i *Issuer) Issue(s *awswire.Session) (accessKey, secret, token string) {
	accessKey = newAccessKey(s.Account)
	b, err := json.Marshal(claims{
		s.Kind, s.Account, s.Principal, s.Source, s.ID, s.Issued.Unix(), s.Expires.Unix(), s.Limited, s.Policies, s.PolicyARNs, s.Tags,
		s.Transitive, s.SourceIdentity, s.Provider, s.Keys, unix(s.MFA),
	})
	if err != nil {
		panic(err) // texts and numbers
	}
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression) // the level is right
	w.Write(b)                                              // to a bytes.Buffer: cannot fail
	w.Close()
	token = base64.StdEncoding.EncodeToString(i.key.Seal(packed.Bytes(), purpose(accessKey)))
	s.Secret = i.secretOf(token)
	return accessKey, s.Secret, token
}

func (i *Issuer) secretOf(token string) string {
	return base64.StdEncoding.EncodeToString(mac(i.secret, token)[:30])
}

// Session returns what a session token stands for, and whether it was issued with that access key. The
// session may have expired. It is shared.
func (i *Issuer) Session(accessKey, token string) (*awswire.Session, bool) {
	if len(token) > maxToken || len(accessKey) > 64 {
		return nil, false
	}
	name := accessKey + " " + token
	i.mu.RLock()
	s := i.known[name]
	i.mu.RUnlock()
	if s != nil {
		return s, true
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, false
	}
	packed, err := i.key.Open(sealed, purpose(accessKey))
	if err != nil {
		return nil, false
	}
	var c claims
	if err := json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), 256<<10)).Decode(&c); err != nil {
		return nil, false
	}
	s = &awswire.Session{
		Kind: c.Kind, Secret: i.secretOf(token), Account: c.Account, Principal: c.Principal, Source: c.Source, ID: c.ID,
		Issued: time.Unix(c.Issued, 0), Expires: time.Unix(c.Expires, 0), Limited: c.Limited, Policies: c.Policies, PolicyARNs: c.PolicyARNs,
		Tags: c.Tags, Transitive: c.Transitive, SourceIdentity: c.SourceIdentity, Provider: c.Provider, Keys: c.Keys,
	}
	if c.MFA != 0 {
		s.MFA = time.Unix(c.MFA, 0)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || i.bytes > maxKnown {
		i.known, i.bytes = map[string]*awswire.Session{}, 0
	}
	i.known[name] = s
	i.bytes += 2 * len(name)
	return s, true
}

// unix is a time in seconds, 0 of the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// newAccessKey returns an access key of temporary credentials: its first half is the account, its second
// random.
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
