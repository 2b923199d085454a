package server

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
)

// What a browser sends for a page of another site is not what its user wants done. A page
// cannot sign a request, but an open node asks for no signature. So, beside a signature that a
// node demands:
//
//   - The origin of a page is on loopback, or the request's own host, or configured. A page of a file, or in a sandbox, has
//     the origin "null", which any site can have, and so it must be configured too.
//   - A request of another site that says no origin (an image, a script) is refused; one that
//     the user follows a link by is a GET, and no GET changes anything.
//   - The host of a request to an open node is one that cannot be a name of somebody else, who
//     could let it resolve to this node (DNS rebinding).

// browserRefusal says why a request that a browser may have sent is refused; empty if it is
// not. guarded says that whatever the host, the request reads and changes nothing but what a
// signature lets it.
func (s *Server) browserRefusal(r *http.Request, svc *Service, guarded bool) string {
	if origin := awswire.Field(r.Header, "Origin"); !s.originAllowed(r) && !serviceAllows(svc, r) {
		return fmt.Sprintf("Origin %q may not use this node: add it to cors_origins in the node's configuration.", origin)
	}
	switch awswire.Field(r.Header, "Sec-Fetch-Site") {
	case "cross-site", "same-site":
		follows := awswire.Field(r.Header, "Sec-Fetch-Mode") == "navigate" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
		if awswire.Field(r.Header, "Origin") == "" && !follows {
			return "A page of another site may not use this node without saying its origin."
		}
	}
	if !guarded && !s.hostAllowed(r.Host) {
		return fmt.Sprintf("Host %q is not a name of this node: add it to hosts in the node's configuration.", r.Host)
	}
	return ""
}

// originAllowed reports whether a page of the request's origin may use the node. A
// request without an Origin header comes from no browser page.
func (s *Server) originAllowed(r *http.Request) bool {
	origin := awswire.Field(r.Header, "Origin")
	if origin == "" || s.originListed(r) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (isLoopbackName(u.Hostname()) || s.ownPage(u, r))
}

// ownPage reports whether an origin is that of the node's own page, by the host and the scheme that
// the request itself came by. That the host is the node's name is for hostAllowed or a signature
// to say.
func (s *Server) ownPage(origin *url.URL, r *http.Request) bool {
	scheme := "http"
	if s.opts.TLS != nil {
		scheme = "https"
	}
	return s.opts.Console != nil && r.Host != "" && strings.EqualFold(origin.Host, r.Host) && origin.Scheme == scheme
}

// originListed reports whether the request's origin is one of those that the configuration names.
func (s *Server) originListed(r *http.Request) bool {
	return slices.Contains(s.opts.Origins, "*") || slices.Contains(s.opts.Origins, awswire.Field(r.Header, "Origin"))
}

// serviceAllows reports whether a service takes a request from a page of an origin that the node
// does not know.
func serviceAllows(svc *Service, r *http.Request) bool {
	return svc != nil && svc.AllowsOrigin != nil && svc.AllowsOrigin(r)
}

// privateSuffixes are the ends of names that nobody can register, and of AWS's own.
var privateSuffixes = []string{".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa", ".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws", ".localhost.localstack.cloud"}

// machines are what customers of AWS have names for whose addresses they choose: a load balancer of theirs, say, in a
// private network whose addresses are those of the network that the node is in. A page of such a name could reach the
// node by its own name, as by a domain that somebody registers. The names of AWS's endpoints, of buckets and of
// deployed APIs lead to AWS whoever made them.
var machines = []string{"compute", "compute-1", "elb", "vpce", "rds", "cache", "redshift", "redshift-serverless", "docdb", "neptune", "dax-clusters", "memorydb", "kafka", "mq", "es", "aoss", "emrappui-prod", "awsapprunner"}

// ofMachine reports whether a host is such a name: NAME.REGION.elb.amazonaws.com, or NAME.elb.REGION.amazonaws.com.
func ofMachine(host string) bool {
	rest, ok := strings.CutSuffix(strings.TrimSuffix(host, ".cn"), ".amazonaws.com")
	if !ok {
		return false
	}
	labels := strings.Split(rest, ".")
	last := len(labels) - 1
	return last > 0 && slices.Contains(machines, labels[last]) || last > 1 && strings.Count(labels[last], "-") >= 2 && slices.Contains(machines, labels[last-1])
}

// hostAllowed reports whether a host cannot be a name that somebody else lets resolve to this
// node: an address, a name without dots, one that nobody can register, or a configured one.
func (s *Server) hostAllowed(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if !strings.Contains(host, ".") || net.ParseIP(withoutStream(host)) != nil {
		return true // an IPv6 address has no dots, or is one
	}
	if addressBehind(host) != "" {
		return true
	}
	if ofMachine(host) {
		return false
	}
	return slices.ContainsFunc(privateSuffixes, func(suffix string) bool { return strings.HasSuffix(host, suffix) || host == suffix[1:] }) ||
		slices.ContainsFunc(s.opts.Hosts, func(name string) bool { return host == name || strings.HasSuffix(host, "."+name) })
}

// addressBehind returns the IPv4 address that a name ends in, or "". S3 Control's clients put the account before the
// endpoint that they are given, and those of S3 the bucket: 123456789012.127.0.0.1. Nobody can register such a
// name, and none resolves: a client reaches it by the proxy, or by an entry of its machine's own.
func addressBehind(host string) string {
	labels := strings.Split(host, ".")
	if len(labels) < 5 {
		return ""
	}
	address := strings.Join(labels[len(labels)-4:], ".")
	if net.ParseIP(address) == nil {
		return ""
	}
	return address
}

func isLoopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && awswire.Field(r.Header, "Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// writeCORS lets the page of an allowed origin read the response.
func writeCORS(w http.ResponseWriter, r *http.Request) {
	origin := awswire.Field(r.Header, "Origin")
	if origin == "" {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Expose-Headers", "*, x-amzn-RequestId, x-amzn-ErrorType, x-amz-request-id, x-amz-id-2, ETag, Date")
}

// writePreflight answers what a browser asks before it sends a request.
func writePreflight(w http.ResponseWriter, r *http.Request) {
	writeCORS(w, r)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS")
	if want := r.Header.Get("Access-Control-Request-Headers"); want != "" {
		h.Set("Access-Control-Allow-Headers", want)
	}
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusOK)
}
