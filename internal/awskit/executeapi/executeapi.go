// Package executeapi has what deployed APIs share, whichever version of API Gateway defines them: the
// hosts and paths that they answer at, who their calls of other services are made by, throttles, and
// the formats of access logs.
package executeapi

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// Locate finds the API of a request, and what follows it in the path, "/{stage}/...", still escaped: by the
// host {api}.execute-api.{region}..., or by the paths /_aws/execute-api/{api}/{stage}/... and
// /restapis/{api}/{stage}/_user_request_/....
func Locate(r *http.Request) (api, rest string, ok bool) {
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, "/_aws/execute-api/"); ok {
		api, rest, _ := strings.Cut(rest, "/")
		return api, "/" + rest, api != ""
	}
	if rest, ok := strings.CutPrefix(path, "/restapis/"); ok {
		if before, after, ok := strings.Cut(rest, "/_user_request_"); ok && strings.Count(before, "/") == 1 {
			api, stage, _ := strings.Cut(before, "/")
			return api, "/" + stage + "/" + strings.TrimPrefix(after, "/"), true
		}
		return "", "", false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	api, domain, ok := strings.Cut(host, ".execute-api.")
	if !ok || domain == "" || api == "" || strings.ContainsAny(api, "./") {
		return "", "", false
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return strings.ToLower(api), path, true
}

// PolicyPath is an escaped path as ARNs of policies have it: unescaped, but that a slash which separates nothing stays
// %2F, so that no policy takes a part of a path for several.
func PolicyPath(escaped string) string {
	parts := strings.Split(escaped, "/")
	for i, p := range parts {
		if u, err := url.PathUnescape(p); err == nil {
			parts[i] = strings.ReplaceAll(u, "/", "%2F")
		}
	}
	return strings.Join(parts, "/")
}

// SourceIP is the address that a request came from.
func SourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Service is the service that acts for APIs: as a role that trusts it, or by itself.
const Service = "apigateway.amazonaws.com"

// AsRole is the caller of an integration's calls that are made as a role of the API's account, for the
// resource of an ARN; false where credentials are not the ARN of such a role.
func AsRole(of scope.Scope, credentials, source string) (awswire.Caller, bool) {
	c := awswire.Caller{Account: of.Account, Region: of.Region}
	a, ok := arn.Parse(credentials)
	if !ok || a.Account != of.Account || !strings.HasPrefix(a.Resource, "role/") {
		return c, false
	}
	name := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	c.Principal = arn.Global("sts", of.Region, a.Account, "assumed-role/"+name+"/BackplaneAssumeRoleSession")
	c.Session = &awswire.Session{
		Kind: awswire.RoleSession, Account: a.Account, Principal: c.Principal, Source: credentials, Service: Service,
		Keys: map[string][]string{"aws:SourceAccount": {of.Account}, "aws:SourceArn": {source}},
	}
	return c, true
}

// maxBuckets bounds the throttles that are kept; a bucket that is forgotten is full again.
const maxBuckets = 10_000

// Throttles are token buckets by name. The zero value is ready.
type Throttles struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// Take takes a token from the bucket of a name, which gets rate tokens a second and holds burst; a burst
// below 1 is what a second allows. It returns false where there is none.
func (t *Throttles) Take(now time.Time, name string, rate float64, burst int32) bool {
	if burst < 1 {
		burst = int32(min(max(rate, 1), 1<<30))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buckets[name]
	if b == nil {
		if t.buckets == nil || len(t.buckets) >= maxBuckets {
			t.buckets = map[string]*bucket{}
		}
		b = &bucket{tokens: float64(burst), at: now}
		t.buckets[name] = b
	}
	b.tokens = min(float64(burst), b.tokens+rate*max(now.Sub(b.at), 0).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

const contextPrefix = "$context."

// FormatAccess writes a line of an access log: a text in which $context.x stands for a variable, whose value
// is asked for by its path.
func FormatAccess(format string, value func(path string) string) string {
	var b strings.Builder
	for {
		i := strings.Index(format, contextPrefix)
		if i < 0 {
			b.WriteString(format)
			return b.String()
		}
		b.WriteString(format[:i])
		format = format[i+len(contextPrefix):]
		path := VariablePath(format)
		b.WriteString(value(path))
		format = format[len(path):]
	}
}

// VariablePath is the path that a text begins with: letters, digits, dots and underscores, not ended by a dot.
func VariablePath(s string) string {
	n := 0
	for n < len(s) && (s[n] == '.' || s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	return strings.TrimRight(s[:n], ".")
}

// LogText is a value of an access log that ends no line and no text of JSON: what would is escaped.
func LogText(s string) string {
	if !strings.ContainsAny(s, "\"\\\r\n\x00") {
		return s
	}
	b, _ := json.Marshal(s) // a text always is
	return string(b[1 : len(b)-1])
}

// TagFault says what is wrong with the tags of an API, of its stages, keys and plans; empty if nothing is.
func TagFault(tags map[string]string) string {
	if len(tags) > 50 {
		return "Tag limit exceeded. Maximum 50 tags are allowed"
	}
	for k, v := range tags {
		switch {
		case k == "" || len([]rune(k)) > 128 || len([]rune(v)) > 256:
			return "Invalid tag: keys have 1 to 128 characters, values at most 256"
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return "Invalid tag key. The aws: prefix is reserved"
		}
	}
	return ""
}
