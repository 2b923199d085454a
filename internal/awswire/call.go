package awswire

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Call is one call of an operation, as interceptors see it.
type Call struct {
	Caller    Caller
	Service   string // botocore's name, "kinesis"
	Operation string // "PutRecords"
	Mode      Mode
	Actions   []string // that the caller must be allowed, "kinesis:PutRecords"
	Limit     Limit
	HTTP      *http.Request // as it came; nil for a call that did not come by HTTP

	chain     []Interceptor
	serve     func(context.Context) error // nil: the exchange's operation
	exchange  *exchange                   // nil: the call did not come through a Handler
	source    callSource
	began     time.Time
	took      time.Duration
	timed     bool
	resources []string
	input     any
	inputErr  error
	decoded   bool
}

// callSource reads what a call says when it is asked for.
type callSource interface {
	callInput() (any, error)
	callResources() ([]string, error)
	callKeys() (map[string][]string, error)
	callNeeds() (needs []Need, ok bool, err error) // of an operation with Needing; ok is false for others
}

// An Interceptor runs around every call, those that take a fast path included: it lets the
// call go on by c.Next and returns its error, or returns one of its own in place of it.
// It is called by many goroutines at once, and does not keep the Call, whose memory may be another's afterwards. What it
// asks of the call beyond its fields costs what it takes to read it from the request, once.
type Interceptor func(ctx context.Context, c *Call) error

// Next goes on with the call: the interceptors that are left, then the operation.
func (c *Call) Next(ctx context.Context) error {
	if len(c.chain) == 0 {
		if c.exchange != nil {
			return c.exchange.operate(ctx)
		}
		return c.serve(ctx)
	}
	i := c.chain[0]
	c.chain = c.chain[1:]
	return i(ctx, c)
}

// Took is how long the call took, from the request in memory until somebody asks for the first time, which interceptors do
// when Next has returned: all then know the same.
func (c *Call) Took() time.Duration {
	if !c.timed {
		c.took, c.timed = time.Since(c.began), true
	}
	return c.took
}

// Resources are the ARNs of what the call works on, empty where the operation belongs to no
// resource (a policy must then allow "*"). The error is that of an input that cannot be
// read, and the client's answer.
func (c *Call) Resources() ([]string, error) {
	if c.source != nil && c.resources == nil {
		r, err := c.source.callResources()
		if err != nil {
			return nil, err
		}
		if r == nil {
			r = []string{}
		}
		c.resources = r
	}
	return c.resources, nil
}

// Needs are the permissions that a call asks of its caller: those that its operation says (Needing), or else each of
// the Actions on each of the Resources, with the Keys. The error is as that of Resources.
func (c *Call) Needs() ([]Need, error) {
	if c.source != nil {
		if needs, ok, err := c.source.callNeeds(); ok || err != nil {
			return needs, err
		}
	}
	resources, err := c.Resources()
	if err != nil {
		return nil, err
	}
	return eachOf(c.Actions, resources), nil
}

// Input is the decoded and validated input, a pointer to the SDK's type; nil for a call
// that has none. Do not change it. The error is the client's answer.
func (c *Call) Input() (any, error) {
	if c.source != nil && !c.decoded {
		c.decoded = true
		c.input, c.inputErr = c.source.callInput()
	}
	return c.input, c.inputErr
}

// Keys are the condition keys of the request: those of every request that came by HTTP
// (aws:SourceIp, aws:SecureTransport, aws:UserAgent, aws:Referer, aws:RequestedRegion), and
// those that the operation adds. Keys of the principal and the time are for whoever
// evaluates a policy. The error is as that of Input.
func (c *Call) Keys() (map[string][]string, error) {
	keys := map[string][]string{"aws:RequestedRegion": {c.Caller.Region}}
	if r := c.HTTP; r != nil {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err == nil {
			keys["aws:SourceIp"] = []string{host}
		}
		keys["aws:SecureTransport"] = []string{"false"}
		if c.Caller.Secure {
			keys["aws:SecureTransport"] = []string{"true"}
		}
		if v := r.UserAgent(); v != "" {
			keys["aws:UserAgent"] = []string{v}
		}
		if v := r.Referer(); v != "" {
			keys["aws:Referer"] = []string{v}
		}
	}
	if c.source == nil {
		return keys, nil
	}
	own, err := c.source.callKeys()
	for k, v := range own {
		keys[k] = v
	}
	return keys, err
}

// Code is the error code by which the client knows err, empty for nil.
func (c *Call) Code(ctx context.Context, err error) string {
	switch {
	case err == nil:
		return ""
	case c.exchange != nil:
		return c.exchange.h.codeOf(ctx, err)
	}
	return codeOf(ctx, err)
}

// Intercept runs the chain around serve, for a handler that decodes requests by itself. The
// call's resources are those of its Facts.
func Intercept(ctx context.Context, chain []Interceptor, f Facts, serve func(context.Context) error) error {
	c := &Call{
		Caller: CallerFrom(ctx), Service: f.Service, Operation: f.Operation, Mode: f.Mode, Actions: f.Actions, HTTP: f.HTTP,
		chain: chain, serve: serve, source: f, began: time.Now(),
	}
	return c.Next(ctx)
}

// Facts is what Intercept is told of a call.
type Facts struct {
	Service   string
	Operation string
	Mode      Mode
	Actions   []string
	Resources []string
	Keys      map[string][]string
	HTTP      *http.Request
	// Decided is of a handler that asks by itself whether the caller may: nobody around the call does.
	Decided bool
}

func (f Facts) callInput() (any, error)                { return nil, nil }
func (f Facts) callResources() ([]string, error)       { return f.Resources, nil }
func (f Facts) callKeys() (map[string][]string, error) { return f.Keys, nil }
func (f Facts) callNeeds() ([]Need, bool, error)       { return nil, f.Decided, nil }
