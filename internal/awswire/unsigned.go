package awswire

import (
	"net/http"
	"strings"
)

// TakesUnsigned says whether the request is for an operation that clients call without a
// signature, and that the service has. action is the Action of a request in the query
// protocol, which the caller has read.
func (h *Handler) TakesUnsigned(r *http.Request, action string) bool {
	name := action
	switch {
	case h.rest != nil:
		route, _ := h.rest.match(r)
		if route == nil {
			return false
		}
		name = route.op.Name
	case action == "":
		var prefix string
		prefix, name, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
			_, name, _ = strings.Cut(r.URL.Path, "/operation/")
		} else if prefix != h.model.TargetPrefix {
			return false
		}
	}
	op := h.operations[name]
	return op != nil && (op.unsigned || op.model != nil && op.model.Unsigned)
}
