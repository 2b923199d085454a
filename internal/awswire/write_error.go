package awswire

import "net/http"

// WriteError answers a request with err in the service's form, for a server that
// refuses it before ServeHTTP.
func (h *Handler) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	x := &exchange{h: h, w: w, r: r, requestID: CallerFrom(r.Context()).RequestID}
	if x.requestID == "" {
		x.requestID = NewRequestID()
	}
	// A request that names no operation is refused all the same, in its protocol.
	_ = x.route()
	x.fault(h.faultOf(err))
}
