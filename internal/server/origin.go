package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// originAllowed tells whether a page of the request's origin may use the node. A
// request without an Origin header comes from no browser page.
func (s *Server) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || s.originListed(r) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && isLoopbackName(u.Hostname())
}

// originListed tells whether the request's origin is one of those that the configuration names.
func (s *Server) originListed(r *http.Request) bool {
	return slices.Contains(s.opts.Origins, "*") || slices.Contains(s.opts.Origins, r.Header.Get("Origin"))
}

// serviceAllows tells whether a service takes a request from a page of an origin that the node
// does not know.
func serviceAllows(svc *Service, r *http.Request) bool {
	return svc != nil && svc.AllowsOrigin != nil && svc.AllowsOrigin(r)
}

func isLoopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// writeCORS lets the page of an allowed origin read the response.
func writeCORS(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
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
