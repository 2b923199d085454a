package awswire

import (
	"context"
	"iter"
	"maps"
	"reflect"
	"strings"
)

// Mode says what a service does with an operation that it binds; others are refused by
// name. docs/operations.md is generated from it.
type Mode uint8

const (
	// ModeExecutes: the operation does what AWS does.
	ModeExecutes Mode = iota
	// ModeStores: the settings are kept and read back; nothing acts on them.
	ModeStores
)

// Operation is one API operation bound to the method that serves it. An operation of
// the service's model that no Operation binds is refused with a clear error.
//
// The IAM action is the operation's name behind the API's prefix, unless Actions says
// otherwise.
type Operation struct {
	Name string // as in X-Amz-Target, "PutRecords"
	Mode Mode

	newInput  func() any
	output    reflect.Type
	call      func(ctx context.Context, input any) (any, error)
	fast      FastPath
	actions   []string
	resources func(c Caller, input any) []string // nil: none
	keys      func(c Caller, input any) map[string][]string
	needs     func(c Caller, input any) []Need // nil: the actions, on the resources, with the keys
	check     func(input any) error
	limit     Limit
	unsigned  bool
	rawJSON   bool // its method may read the JSON of the request

	// Of an operation that answers with events, in place of call.
	stream func(ctx context.Context, input any) (output any, events iter.Seq2[any, error], err error)
	event  reflect.Type
}

// A FastPath reads a request body of an operation on the way of a record, in place of the
// generic codec. It may give up on any input that it does not expect (ok false), malformed
// input included, so that errors are worded in one place. body is valid until the call is
// freed. It has no effect yet: interceptors come between it and Serve.
type FastPath func(p Protocol, body []byte) (call FastCall, ok bool)

// FastCall is a request that a FastPath has read.
type FastCall interface {
	// Resource is the ARN of what the call works on, empty if it cannot be told; it is
	// asked for only where an interceptor needs it.
	Resource(c Caller) string
	// Serve does the call and appends the response body, in the request's protocol, to dst.
	// With handled false it has done nothing and the generic codec takes over.
	Serve(ctx context.Context, dst []byte) (response []byte, handled bool, err error)
	// Free gives back the call's memory; nothing is called after it.
	Free()
}

// Executes binds a method of the SDK client's shape; the operation's name is that of
// the input type without "Input". The function on, of which there may be one, tells the
// ARNs of what a call works on.
func Executes[I, O, F any](method func(context.Context, *I, ...F) (*O, error), on ...func(Caller, *I) []string) Operation {
	return bind(ModeExecutes, method, on)
}

// Stores is Executes for an operation that only keeps settings for read-back.
func Stores[I, O, F any](method func(context.Context, *I, ...F) (*O, error), on ...func(Caller, *I) []string) Operation {
	return bind(ModeStores, method, on)
}

// Streams binds an operation that answers with a stream of events; E is the SDK's union of
// them. The SDK client's own method cannot be the shape, as what it returns reads.
//
// The method's error refuses the request. After it, the events that it returns are taken
// once, each when the one before has been handed to the connection, so that a slow client
// holds back the sequence and nothing is queued. An error in the sequence is sent as an
// exception and ends the stream. The sequence must end when the method's context does,
// which is when the client has gone or the node closes.
func Streams[I, O, E any](method func(context.Context, *I) (*O, iter.Seq2[E, error], error), on ...func(Caller, *I) []string) Operation {
	return Operation{
		Name:      operationName[I](),
		newInput:  func() any { return new(I) },
		output:    reflect.TypeFor[O](),
		event:     reflect.TypeFor[E](),
		resources: untyped(on),
		stream: func(ctx context.Context, input any) (any, iter.Seq2[any, error], error) {
			out, events, err := method(ctx, input.(*I))
			if err != nil {
				return nil, nil, err
			}
			return out, func(yield func(any, error) bool) {
				for e, err := range events {
					if !yield(e, err) {
						return
					}
				}
			}, nil
		},
	}
}

// Fast adds a fast path to the operation.
func (op Operation) Fast(p FastPath) Operation {
	op.fast = p
	return op
}

// Action sets the IAM actions that a caller needs for the operation, all of them, with
// their prefix: "lambda:InvokeFunction".
func (op Operation) Action(actions ...string) Operation {
	op.actions = actions
	return op
}

// Calls limits the calls of clients to so many a second. Calls within the process go past it.
func (op Operation) Calls(most int, per Scope) Operation {
	op.limit = Limit{most, per}
	return op
}

// Unsigned lets clients call the operation without a signature, as they do those that the
// model says so of.
func (op Operation) Unsigned() Operation {
	op.unsigned = true
	return op
}

// WithKeys adds condition keys of a service's own ("dynamodb:LeadingKeys") to the calls of an
// operation, which are made when a policy asks for them.
func WithKeys[I any](op Operation, keys func(Caller, *I) map[string][]string) Operation {
	op.keys = func(c Caller, input any) map[string][]string { return keys(c, input.(*I)) }
	return op
}

// MoreKeys is WithKeys for an operation that may have condition keys already.
func MoreKeys[I any](op Operation, keys func(Caller, *I) map[string][]string) Operation {
	before := op.keys
	op.keys = func(c Caller, input any) map[string][]string {
		all := map[string][]string{}
		if before != nil {
			maps.Copy(all, before(c, input))
		}
		maps.Copy(all, keys(c, input.(*I)))
		return all
	}
	return op
}

// A Need is one permission that a call asks of its caller.
type Need struct {
	Action   string // with its prefix, "dynamodb:PutItem"
	Resource string // an ARN, or "*"

	// Keys makes the condition keys of a service's own, when a policy asks for one. Nil: those of the call.
	Keys func() map[string][]string

	// Part is the part of the call that the need is of, counted from one: a denial refuses that part alone, and the
	// operation tells it there (DenialOf). Zero: a denial refuses the call.
	Part int
}

type denialsKey struct{}

// WithDenials returns a context with the errors of the parts of a call that are denied.
func WithDenials(ctx context.Context, of map[int]error) context.Context {
	return context.WithValue(ctx, denialsKey{}, of)
}

// DenialOf is the error of a part of the call of the context, counted from one, if its caller may not do that; else nil.
func DenialOf(ctx context.Context, part int) error {
	of, _ := ctx.Value(denialsKey{}).(map[int]error)
	return of[part]
}

type requestJSONKey struct{}

// WithRequestJSON has RequestJSON answer in the operation's method.
func WithRequestJSON(op Operation) Operation {
	op.rawJSON = true
	return op
}

// RequestJSON is the JSON of the request, as it came, in the method of an operation bound
// WithRequestJSON: the order of the members of a map is in it alone. It is nil where the
// request has another form. It must not be changed, nor kept after the method's return.
func RequestJSON(ctx context.Context) []byte {
	body, _ := ctx.Value(requestJSONKey{}).([]byte)
	return body
}

// Needing sets what a caller needs for an operation whose input says which actions they are: those of the items of
// a transaction, those of statements. It takes the place of Action and WithKeys. An input for which needs returns
// none is not asked about, so that the operation must refuse it.
func Needing[I any](op Operation, needs func(Caller, *I) []Need) Operation {
	op.needs = func(c Caller, input any) []Need { return needs(c, input.(*I)) }
	return op
}

// Checked adds a check of the input that comes before that of the model's constraints, for
// what a service words, or puts first, in another way than others. Its error is the
// client's answer.
func Checked[I any](op Operation, check func(*I) error) Operation {
	op.check = func(input any) error { return check(input.(*I)) }
	return op
}

func operationName[I any]() string {
	return strings.TrimSuffix(reflect.TypeFor[I]().Name(), "Input")
}

func untyped[I any](on []func(Caller, *I) []string) func(Caller, any) []string {
	if len(on) == 0 {
		return nil
	}
	return func(c Caller, input any) []string {
		var arns []string
		for _, f := range on {
			arns = append(arns, f(c, input.(*I))...)
		}
		return arns
	}
}

func bind[I, O, F any](mode Mode, method func(context.Context, *I, ...F) (*O, error), on []func(Caller, *I) []string) Operation {
	return Operation{
		Name:      operationName[I](),
		Mode:      mode,
		newInput:  func() any { return new(I) },
		output:    reflect.TypeFor[O](),
		resources: untyped(on),
		call: func(ctx context.Context, input any) (any, error) {
			return method(ctx, input.(*I))
		},
	}
}
