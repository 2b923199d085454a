package node

import (
	"cmp"
	"context"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/internal/server"
)

// doors are endpoints of the node's own, by what a request has to bring along where the node has
// credentials or enforces policies. What is not said to be open is the owner's.
type doors struct {
	open, owned *http.ServeMux
	list        []nodeapi.Endpoint
}

func newDoors() *doors { return &doors{open: http.NewServeMux(), owned: http.NewServeMux()} }

// everybody adds an endpoint that shows nothing of accounts and changes nothing.
func (d *doors) everybody(method, path string, h http.HandlerFunc) {
	d.add(d.open, nodeapi.ForEverybody, method, path, h)
}

// holder adds an endpoint whose handler demands a proof of its own: a signature in the URL that the node
// has given out, or the node's token.
func (d *doors) holder(method, path string, h http.HandlerFunc) {
	d.add(d.open, nodeapi.ForHolder, method, path, h)
}

// owner adds an endpoint for the owner of the node, on the node's own machine.
func (d *doors) owner(method, path string, h http.HandlerFunc) {
	d.add(d.owned, nodeapi.ForOwner, method, path, fromLoopback(h).ServeHTTP)
}

func (d *doors) add(mux *http.ServeMux, who, method, path string, h http.HandlerFunc) {
	mux.HandleFunc(method+" "+path, h)
	d.list = append(d.list, nodeapi.Endpoint{Method: method, Path: path, For: who})
}

// opens reports whether a request is for an endpoint that the server asks no proof for.
func (d *doors) opens(r *http.Request) bool {
	_, pattern := d.open.Handler(r)
	return pattern != ""
}

// ServeHTTP asks the same multiplexer that opens has asked: what is open is served by it alone.
func (d *doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.opens(r) {
		d.open.ServeHTTP(w, r)
		return
	}
	d.owned.ServeHTTP(w, r)
}

// serveEndpoints lists the endpoints, those of the services too.
func (n *Node) serveEndpoints(w http.ResponseWriter, r *http.Request) {
	list := slices.Clone(n.doors.list)
	n.onStack(r.Context(), func(_ context.Context, s *stack) { list = append(list, s.doors.list...) })
	slices.SortFunc(list, func(a, b nodeapi.Endpoint) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	awswire.WriteJSON(w, list)
}

// ownership implements server.Ownership.
type ownership struct{ n *Node }

// Demands implements server.Ownership: a node that takes any credentials and enforces nothing is
// everybody's who reaches it.
func (o ownership) Demands(r *http.Request) bool {
	if !o.n.guarded() || o.n.doors.opens(r) {
		return false
	}
	open := false
	o.n.onStack(r.Context(), func(_ context.Context, s *stack) { open = s.doors.opens(r) })
	return !open
}

// Shown implements server.Ownership.
func (o ownership) Shown(r *http.Request) bool { return o.n.showsToken(r) }

// administers is the action of using the node's own endpoints: a user or a session of the node's account needs
// a policy that allows it, as one that allows everything does.
const administers = "brookmere:Administer"

// Decide implements server.Ownership.
func (o ownership) Decide(ctx context.Context, caller awswire.Caller) error {
	return o.n.decide(awswire.WithCaller(ctx, caller), administers, "*", nil)
}

var _ server.Ownership = ownership{}

// guarded reports whether the node's own endpoints are its owner's: it has credentials, or policies are enforced.
func (n *Node) guarded() bool {
	mode, _ := n.cfg.iamMode()
	return !n.openToAny() || mode == authorize.Enforce
}

// showsToken reports whether a request has the token of who can read the node's key.
func (n *Node) showsToken(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(localToken(n.key))) == 1
}
