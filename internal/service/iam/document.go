package iam

import (
	"crypto/rand"
	"encoding/base32"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
)

// entity is what users, groups and roles have in common.
type entity struct {
	Name     string    `json:"name"`
	Path     string    `json:"path"`
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Tags     []tag     `json:"tags,omitempty"`
	Boundary string    `json:"boundary,omitempty"` // ARN of a managed policy
	Inline   []inline  `json:"inline,omitempty"`   // by name
	Attached []string  `json:"attached,omitempty"` // ARNs of managed policies, in the order of attaching
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// inline is a policy that belongs to one entity.
type inline struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

type userDoc struct {
	entity
	Groups []string `json:"groups,omitempty"` // names
	Keys   []string `json:"keys,omitempty"`   // access key ids, in the order of making
	Login  *login   `json:"login,omitempty"`

	MFA          []string        `json:"mfa,omitempty"` // resources of devices in use, "mfa/name", in the order of enabling
	SSH          []sshKey        `json:"ssh,omitempty"`
	Certificates []signingCert   `json:"certificates,omitempty"`
	Services     []serviceSecret `json:"services,omitempty"`
}

// login is a login profile. There is no console sign-in that would take the password; what is kept of
// it tells it from others, no more.
type login struct {
	Created  time.Time `json:"created"`
	Reset    bool      `json:"reset"`
	Password []byte    `json:"password"` // sealed
}

type groupDoc struct{ entity }

type roleDoc struct {
	entity
	Trust string `json:"trust"`

	// Bound are the unique ids of the users and roles whom the trust policy names by their ARNs, as they were when it was set.
	Bound map[string]string `json:"bound,omitempty"`

	Description string    `json:"description,omitempty"`
	MaxSession  int32     `json:"max_session"` // seconds
	LinkedTo    string    `json:"linked_to,omitempty"`
	LastUsed    time.Time `json:"last_used,omitzero"`
	LastRegion  string    `json:"last_region,omitempty"`
}

type policyDoc struct {
	Name        string    `json:"name"`
	Path        string    `json:"path"`
	ID          string    `json:"id"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Tags        []tag     `json:"tags,omitempty"`
	Versions    []version `json:"versions"` // oldest first
	Default     string    `json:"default"`
	Next        int       `json:"next"` // number of the next version
}

type version struct {
	ID       string    `json:"id"`
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

type profileDoc struct {
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Role    string    `json:"role,omitempty"`
	Tags    []tag     `json:"tags,omitempty"`
}

type oidcDoc struct {
	URL         string    `json:"url"` // without its scheme
	Clients     []string  `json:"clients,omitempty"`
	Thumbprints []string  `json:"thumbprints,omitempty"`
	Created     time.Time `json:"created"`
	Tags        []tag     `json:"tags,omitempty"`
}

type samlDoc struct {
	Name     string    `json:"name"`
	Metadata string    `json:"metadata"`
	UUID     string    `json:"uuid"`
	Created  time.Time `json:"created"`
	Until    time.Time `json:"until"`
	Tags     []tag     `json:"tags,omitempty"`
}

type accountDoc struct {
	Alias    string                `json:"alias,omitempty"`
	Password *types.PasswordPolicy `json:"password,omitempty"`
	Report   time.Time             `json:"report,omitzero"`  // when the credential report was asked for
	Tokens   int32                 `json:"tokens,omitempty"` // version of the global endpoint's session tokens; 0: the first
}

type keyDoc struct {
	Account     string    `json:"account"`
	User        string    `json:"user"`
	Secret      []byte    `json:"secret"` // sealed
	Inactive    bool      `json:"inactive,omitempty"`
	Created     time.Time `json:"created"`
	LastUsed    time.Time `json:"last_used,omitzero"`
	LastService string    `json:"last_service,omitempty"`
	LastRegion  string    `json:"last_region,omitempty"`
}

func lower(name string) string { return strings.ToLower(name) }

// newID returns a unique id with the prefix of its kind.
func newID(prefix string) string {
	var b [11]byte
	rand.Read(b[:])
	return prefix + base32.StdEncoding.EncodeToString(b[:])[:17]
}

func partitionOf(region string) string { return arn.Partition(region) }

func (sc scope) arn(resource string) string {
	return "arn:" + sc.partition + ":iam::" + sc.account + ":" + resource
}

func (e *entity) arn(sc scope, kind string) string { return sc.arn(kind + e.Path + e.Name) }
func (p *policyDoc) arn(sc scope) string           { return sc.arn("policy" + p.Path + p.Name) }
func (p *profileDoc) arn(sc scope) string          { return sc.arn("instance-profile" + p.Path + p.Name) }

func (p *policyDoc) version(id string) *version {
	i := slices.IndexFunc(p.Versions, func(v version) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Versions[i]
}

func (e *entity) inline(name string) int {
	return slices.IndexFunc(e.Inline, func(p inline) bool { return strings.EqualFold(p.Name, name) })
}

func (e *entity) boundary() *types.AttachedPermissionsBoundary {
	if e.Boundary == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn: aws.String(e.Boundary), PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
	}
}

// encode is the form in which IAM returns documents.
func encode(document string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

// length is what a document counts to its limits: its characters without white space.
func length(document string) int {
	n := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func path(p *string) (string, error) {
	if p == nil {
		return "/", nil
	}
	if !strings.HasPrefix(*p, "/") || !strings.HasSuffix(*p, "/") || len(*p) > 512 {
		return "", validation("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return *p, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// pageOf cuts the page of a listing, of at most 100 items if the client does not say.
func pageOf[T any](items []T, key func(T) string, marker *string, most *int32) ([]T, *string, bool, error) {
	limit := 100
	if most != nil && *most > 0 {
		limit = min(int(*most), 1000)
	}
	if marker != nil && *marker != "" { // keys are names: "100" is not one that was handed out
		if after, err := page.Open(*marker); err != nil || !utf8.ValidString(after) {
			return nil, nil, false, validation("Invalid Marker.")
		}
	}
	list, next, err := page.Of(items, key, page.Request{Token: marker, Limit: limit})
	if err != nil {
		return nil, nil, false, validation("Invalid Marker.")
	}
	return list, next, next != nil, nil
}
