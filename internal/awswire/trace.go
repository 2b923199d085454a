package awswire

import (
	"context"
	"net/http"
)

// maxTrace is how long a trace may be, in bytes; a longer one is passed over.
const maxTrace = 1024

// TraceOf is the trace that a request belongs to, as its X-Amzn-Trace-Id has it; empty without one, or where it is
// nothing that a header of another request could have.
func TraceOf(h http.Header) string {
	t := Field(h, "X-Amzn-Trace-Id")
	if len(t) > maxTrace {
		return ""
	}
	for i := range len(t) {
		if t[i] < ' ' || t[i] > '~' {
			return ""
		}
	}
	return t
}

// WithTrace returns a context whose calls belong to a trace; empty: to none.
func WithTrace(ctx context.Context, trace string) context.Context {
	c := CallerFrom(ctx)
	if c.Trace == trace {
		return ctx
	}
	c.Trace = trace
	return WithCaller(ctx, c)
}
