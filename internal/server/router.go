package server

import (
	"net"
	"net/http"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Service is one AWS API behind the listener.
type Service struct {
	Name         string // as health and metrics show it, "kinesis"
	SigningName  string // service part of a credential scope
	TargetPrefix string // X-Amz-Target before the dot; empty where the protocol has none
	QueryVersion string // Version parameter of the query protocol; empty for the others
	Handler      http.Handler
	// WriteError answers with an error in the form of the service.
	WriteError func(w http.ResponseWriter, r *http.Request, err error)
	// StreamsBody: bodies are passed on unread and may be of any length (S3).
	StreamsBody bool
	// MaxBody bounds a body that must be in memory to be verified; zero is 64 MiB.
	MaxBody int64
	// Prompt are the operations, of a service with a TargetPrefix, that answer at once and in one piece, and do not mind
	// whether their client is still there: they are served by the fast path.
	Prompt []string
	// Bucket returns the bucket that a host names, "" for none (S3).
	Bucket func(host string) string
	// OwnsCORS reports whether the service answers preflights of the request's resource, and
	// sets the headers for pages, itself (S3, for buckets: by their rules). nil: it does not.
	OwnsCORS func(r *http.Request) bool
	// AllowsOrigin reports whether a page of an origin that the node does not know may make
	// the request (S3, by the bucket's rules). nil: it may not.
	AllowsOrigin func(r *http.Request) bool

	// Matches says whether the service has an operation for the method and path of a request;
	// nil for services whose requests name it otherwise.
	Matches func(*http.Request) bool
	// TakesUnsigned says whether a request, whose Action parameter is told, is for an operation
	// that clients call without a signature; nil: for none. It is asked of unsigned requests
	// to a node that verifies signatures.
	TakesUnsigned func(r *http.Request, action string) bool
	// Claims says that a request is the service's by its host or path, whatever else it says;
	// nil: none is. Such requests come from whoever the service lets in: an unsigned one has
	// the node's account and no access key as its caller, and origins are the service's to
	// judge.
	Claims func(*http.Request) bool
}

// routes finds the service of a request.
type routes struct {
	byTarget  map[string]*Service
	bySigning map[string][]*Service
	byVersion map[string]*Service
	byPath    []*Service // that match methods and paths
	claims    []*Service
	objects   *Service // S3: what names no service is an object request
	isBucket  func(host string) bool
}

func newRoutes(services []Service, isBucket func(string) bool) routes {
	r := routes{
		isBucket:  isBucket,
		byTarget:  make(map[string]*Service),
		bySigning: make(map[string][]*Service),
		byVersion: make(map[string]*Service),
	}
	for i := range services {
		s := &services[i]
		if s.TargetPrefix != "" {
			r.byTarget[s.TargetPrefix] = s
		}
		if s.QueryVersion != "" {
			r.byVersion[s.QueryVersion] = s
		}
		if s.StreamsBody {
			r.objects = s
		}
		if s.Matches != nil {
			r.byPath = append(r.byPath, s)
		}
		if s.Claims != nil {
			r.claims = append(r.claims, s)
			continue
		}
		r.bySigning[s.SigningName] = append(r.bySigning[s.SigningName], s)
	}
	return r
}

// claimed returns the service that claims a request, nil if none does.
func (rt *routes) claimed(r *http.Request) *Service {
	for _, s := range rt.claims {
		if s.Claims(r) {
			return s
		}
	}
	return nil
}

// named reports whether a host is that of a service or a bucket.
func (rt *routes) named(host string) bool {
	return rt.isBucket != nil && rt.isBucket(host) || rt.bySigning[serviceOfHost(host)] != nil
}

// find returns the service of a request, by what is hardest to get wrong first:
// X-Amz-Target, or the path of the protocol RPC v2, then the credential scope's service, then
// the host, then the method and path of a REST operation, then the query protocol's Version.
// What is left is an S3 request without credentials. It returns nil for a service that
// Brookmere does not have.
func (rt *routes) find(r *http.Request, signingName string) *Service {
	if target := awswire.Field(r.Header, "X-Amz-Target"); target != "" {
		prefix, _, _ := strings.Cut(target, ".")
		return rt.byTarget[prefix]
	}
	if name, ok := rpcService(r); ok && rt.byTarget[name] != nil {
		return rt.byTarget[name]
	}
	if signingName != "" {
		return pick(rt.bySigning[signingName], r)
	}
	if rt.isBucket != nil && rt.isBucket(r.Host) {
		return rt.objects
	}
	if s := pick(rt.bySigning[serviceOfHost(r.Host)], r); s != nil {
		return s
	}
	asked := r
	if isPreflight(r) { // is about the request that is to follow
		follows := *r
		follows.Method = r.Header.Get("Access-Control-Request-Method")
		asked = &follows
	}
	for _, s := range rt.byPath {
		if s.Matches(asked) {
			return s
		}
	}
	if isForm(r) {
		return rt.byVersion[formOf(r).Get("Version")]
	}
	if isOtherService(r.Host) {
		return nil
	}
	return rt.objects
}

// isOtherService tells the host of an AWS endpoint that is not one of S3's.
func isOtherService(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if !isAWSName(host) {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "s3" || strings.HasPrefix(label, "s3-") {
			return false
		}
	}
	return true
}

// pick chooses among the services of one signing name: by method and path, of which none
// matching is the first's to refuse.
func pick(services []*Service, r *http.Request) *Service {
	if len(services) == 0 {
		return nil
	}
	for _, s := range services {
		if len(services) == 1 || s.Matches != nil && s.Matches(r) {
			return s
		}
	}
	return services[0]
}

// rpcService returns the service of a request in Smithy's protocol RPC v2, whose path is
// /service/{its name in X-Amz-Target}/operation/{operation}.
func rpcService(r *http.Request) (string, bool) {
	if awswire.Field(r.Header, "Smithy-Protocol") != "rpc-v2-cbor" {
		return "", false
	}
	_, path, ok := strings.Cut(r.URL.Path, "/service/")
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(path, "/operation/")
	return name, ok
}

// serviceOfHost returns the service of a host as AWS names endpoints
// ("kinesis.eu-west-1.amazonaws.com", "sts.localhost"), or "". SQS has had others, which old SDKs and URLs of
// queues still name: "queue.amazonaws.com", "eu-west-1.queue.amazonaws.com".
func serviceOfHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(host) != nil {
		return ""
	}
	first, rest, _ := strings.Cut(host, ".")
	if second, _, _ := strings.Cut(rest, "."); first == "queue" || second == "queue" && strings.Count(first, "-") >= 2 {
		return "sqs"
	}
	return first
}

// regionOfHost returns the region of a host as AWS names endpoints, or "".
func regionOfHost(host string) string {
	parts := strings.Split(host, ".")
	if len(parts) >= 4 && parts[1] == "queue" && strings.Count(parts[0], "-") >= 2 {
		return parts[0]
	}
	if len(parts) >= 4 && parts[len(parts)-2] == "amazonaws" && strings.Count(parts[len(parts)-3], "-") >= 2 {
		return parts[len(parts)-3]
	}
	return ""
}
