package awswire

import (
	"context"
	"iter"
	"reflect"
	"strings"
)

// Mode says what a service does with an operation. docs/operations.md is generated
// from it.
type Mode uint8

const (
	// ModeExecutes: the operation does what AWS does.
	ModeExecutes Mode = iota
	// ModeStores: the settings are kept and read back; nothing acts on them.
	ModeStores
)

// Operation is one API operation bound to the method that serves it. An operation of
// the service's model that no Operation binds is refused with a clear error.
type Operation struct {
	Name string // as in X-Amz-Target, "PutRecords"
	Mode Mode

	newInput func() any
	output   reflect.Type
	call     func(ctx context.Context, input any) (any, error)
	fast     FastPath

	// Of an operation that answers with events, in place of call.
	stream func(ctx context.Context, input any) (output any, events iter.Seq2[any, error], err error)
	event  reflect.Type
}

// A FastPath serves an operation straight from its wire form, for the few operations
// on the way of a record. It appends the response body, in the protocol p, to dst.
// With handled false it has done nothing and the generic codec takes over (it may give
// up on any input that it does not expect, malformed input included, so that errors
// are worded in one place). body and dst are valid only during the call.
type FastPath func(ctx context.Context, p Protocol, body, dst []byte) (response []byte, handled bool, err error)

// Executes binds a method of the SDK client's shape; the operation's name is that of
// the input type without "Input".
func Executes[I, O, F any](method func(context.Context, *I, ...F) (*O, error)) Operation {
	return bind(ModeExecutes, method)
}

// Stores is Executes for an operation that only keeps settings for read-back.
func Stores[I, O, F any](method func(context.Context, *I, ...F) (*O, error)) Operation {
	return bind(ModeStores, method)
}

// Streams binds an operation that answers with a stream of events; E is the SDK's union of
// them. The SDK client's own method cannot be the shape, as what it returns reads.
//
// The method's error refuses the request. After it, the events that it returns are taken
// once, each when the one before has been handed to the connection, so that a slow client
// holds back the sequence and nothing is queued. An error in the sequence is sent as an
// exception and ends the stream. The sequence must end when the method's context does,
// which is when the client has gone or the node closes.
func Streams[I, O, E any](method func(context.Context, *I) (*O, iter.Seq2[E, error], error)) Operation {
	return Operation{
		Name:     strings.TrimSuffix(reflect.TypeFor[I]().Name(), "Input"),
		newInput: func() any { return new(I) },
		output:   reflect.TypeFor[O](),
		event:    reflect.TypeFor[E](),
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

func bind[I, O, F any](mode Mode, method func(context.Context, *I, ...F) (*O, error)) Operation {
	return Operation{
		Name:     strings.TrimSuffix(reflect.TypeFor[I]().Name(), "Input"),
		Mode:     mode,
		newInput: func() any { return new(I) },
		output:   reflect.TypeFor[O](),
		call: func(ctx context.Context, input any) (any, error) {
			return method(ctx, input.(*I))
		},
	}
}
