package awswire

import (
	"context"
	"net/http"
)

// Direct calls an operation without HTTP, whatever the service's protocol: input and output are
// JSON by the member names of the model. Interceptors run, and an error is answered as in JSON
// 1.1: its body, and an HTTP status of 400 or more. The status of success is 200. A call that
// answers by a stream of events is refused.
//
// The caller is that of ctx. It is how one part of the node calls an operation that only its
// configuration names, and how tests call all of them.
func (h *Handler) Direct(ctx context.Context, operation string, input []byte) (status int, output []byte) {
	caller := CallerFrom(ctx)
	if caller.RequestID == "" {
		caller.RequestID = NewRequestID()
		ctx = WithCaller(ctx, caller)
	}
	h = h.plain()
	x := &exchange{h: h, ctx: ctx, protocol: JSON11, name: operation, requestID: caller.RequestID, raw: input}
	err := x.direct()
	if err == nil {
		return http.StatusOK, x.response
	}
	f := x.report(err)
	return f.status, h.appendJSONFault(nil, f, true)
}

// plain is the handler as if the service spoke JSON by the names of members: of a REST
// protocol, another.
func (h *Handler) plain() *Handler {
	if h.rest == nil {
		return h
	}
	h.plainOnce.Do(func() {
		p := &Handler{model: h.model, api: h.api, options: h.options, planner: newPlanner(h.model, h.api), messageMember: h.messageMember}
		p.planner.rest = false
		p.operations, _ = p.api.bind(h.model) // it has been bound once without an error
		h.plainHandler = p
	})
	return h.plainHandler
}

func (x *exchange) direct() error {
	op := x.h.operations[x.name]
	if op == nil || op.stream != nil {
		return x.h.unbound(x)
	}
	return x.call(op)
}
