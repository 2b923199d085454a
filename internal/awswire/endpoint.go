package awswire

import (
	"encoding/json"
	"net/http"
)

// Endpoint is an endpoint of the node's own that a service contributes: below /_brookmere/,
// for whoever runs the node. The request's context has a Caller of the account and region
// that its query parameters name. What changes anything must not be a GET.
type Endpoint struct {
	Method string
	Path   string // below the prefix, a pattern of net/http: "deliveries/{name}"
	Serve  http.HandlerFunc
	// Proves says that Serve itself demands a proof, such as a signature in a URL that the service
	// has given out. For all others a node that has credentials or enforces policies demands that
	// of its owner.
	Proves bool
}

// Front is a door of a service beside its API, on hosts or paths of its own: the URLs of
// deployed APIs, or of functions.
type Front struct {
	Name        string // as metrics show it, "execute-api"
	SigningName string // that a signature has to be for, where a request has one
	// Claims says that a request is the front's, by its host or path. It is asked of every
	// request first, so it must be quick, and be sure.
	Claims func(*http.Request) bool
	// Handler answers. A request that is signed has been verified and has its signer as Caller;
	// any other has the node's account, and no access key. Nothing has been done for CORS.
	Handler http.Handler
	// WriteError refuses a request whose signature is wrong.
	WriteError func(w http.ResponseWriter, r *http.Request, err error)
}

// WriteJSON answers an endpoint's request.
func WriteJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
}
