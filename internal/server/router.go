package server

import (
	"net"
	"net/http"
	"strings"
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
	// Unsigned: the service has operations that clients call without a signature. It must refuse
	// others for an anonymous caller.
	Unsigned bool
}

// routes finds the service of a request.
type routes struct {
	byTarget  map[string]*Service
	bySigning map[string]*Service
	byVersion map[string]*Service
	objects   *Service // S3: what names no service is an object request
	isBucket  func(host string) bool
}

func newRoutes(services []Service, isBucket func(string) bool) routes {
	r := routes{
		isBucket:  isBucket,
		byTarget:  make(map[string]*Service),
		bySigning: make(map[string]*Service),
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
		r.bySigning[s.SigningName] = s
	}
	return r
}

// find returns the service of a request, by what is hardest to get wrong first:
// X-Amz-Target, or the path of the protocol RPC v2, then the credential scope's service, then the host, then the query
// protocol's Version. What is left is an S3 request without credentials. It returns nil
// for a service that Brookmere does not have.
func (rt *routes) find(r *http.Request, signingName string) *Service {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		prefix, _, _ := strings.Cut(target, ".")
		return rt.byTarget[prefix]
	}
	if name, ok := rpcService(r); ok && rt.byTarget[name] != nil {
		return rt.byTarget[name]
	}
	if signingName != "" {
		return rt.bySigning[signingName]
	}
	if rt.isBucket != nil && rt.isBucket(r.Host) {
		return rt.objects
	}
	if s := rt.bySigning[serviceOfHost(r.Host)]; s != nil {
		return s
	}
	if isForm(r) {
		return rt.byVersion[formVersion(r)]
	}
	return rt.objects
}

// rpcService returns the service of a request in Smithy's protocol RPC v2, whose path is
// /service/{its name in X-Amz-Target}/operation/{operation}.
func rpcService(r *http.Request) (string, bool) {
	if r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
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
// ("kinesis.eu-west-1.amazonaws.com", "sts.localhost"), or "".
func serviceOfHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(host) != nil {
		return ""
	}
	first, _, _ := strings.Cut(host, ".")
	return first
}
