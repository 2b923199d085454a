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
}

// WriteJSON answers an endpoint's request.
func WriteJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
}
