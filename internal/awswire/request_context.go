package awswire

import (
	"context"

	"github.com/brookmere/brookmere/internal/awswire/eitherctx"
)

// RequestContext is the context of one request, in one piece of memory: small requests cost little more than the contexts
// and copies that they are given on their way. It has the values and the deadline of the connection's context, and the caller.
// It ends with that context, with the one that it joins, or when it is released.
//
// Whoever makes one and those who let the request in complete it before any other goroutine has it: SetCaller and Join, which
// leave contexts that are made of it complete too.
type RequestContext struct {
	eitherctx.Context
	caller *Caller // nil: none yet
	of     Caller
}

// NewRequestContext returns the context of a request on a connection. Release ends it.
func NewRequestContext(conn context.Context) *RequestContext {
	return &RequestContext{Context: eitherctx.Context{Context: conn}}
}

// SetCaller is WithCaller in place.
func (c *RequestContext) SetCaller(of Caller) {
	c.of = of
	c.caller = &c.of
}

// Value implements context.Context.
func (c *RequestContext) Value(key any) any {
	if key == (callerKey{}) && c.caller != nil {
		return c.caller
	}
	return c.Context.Value(key)
}
