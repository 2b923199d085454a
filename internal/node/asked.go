package node

import (
	"context"
	"reflect"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
)

// asked decides about calls of a service within the process by the rights that its operations need on the wire.
type asked struct {
	rights awswire.Rights
	ask    decides
}

// newAsked makes an asked of a service, whose description is the program's own.
func newAsked(s service, ask decides) asked {
	r, err := s.API().Rights()
	if err != nil {
		panic(err) // it is a mistake in the program: the handler of the API has the same
	}
	return asked{r, ask}
}

// may decides whether the caller of a context may make the call whose input, a pointer to the SDK's type, is given.
func (a asked) may(ctx context.Context, input any) error {
	operation := strings.TrimSuffix(reflect.TypeOf(input).Elem().Name(), "Input")
	for _, n := range a.rights.Needs(awswire.CallerFrom(ctx), operation, input) {
		var lookup func(string) []string
		if n.Keys != nil {
			lookup = func(name string) []string {
				for k, v := range n.Keys() {
					if strings.EqualFold(k, name) {
						return v
					}
				}
				return nil
			}
		}
		if err := a.ask(ctx, n.Action, n.Resource, lookup); err != nil {
			return err
		}
	}
	return nil
}

// through makes a call of the SDK's shape if the caller of its context may make it. via is the service that makes
// it with the caller's rights, empty where the caller is a service that acts.
func through[I, O, F any](ctx context.Context, a asked, via string, in *I, call func(context.Context, *I, ...F) (*O, error)) (*O, error) {
	if via != "" {
		c := awswire.CallerFrom(ctx)
		if c.Principal != "" && c.Via == "" {
			c.Via = via
			ctx = awswire.WithCaller(ctx, c)
		}
	}
	if err := a.may(ctx, in); err != nil {
		return nil, err
	}
	return call(ctx, in)
}
