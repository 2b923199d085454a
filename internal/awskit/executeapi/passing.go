package executeapi

import (
	"context"
	"strings"
)

// Passes decides whether who imports a description of an API may hand on a role that it names; none is always handed on.
type Passes func(role *string) error

// Passing asks for the caller of a context, for the API of an ARN. A nil ask lets every role be handed on.
func Passing(ctx context.Context, ask func(ctx context.Context, role, api string) error, api string) Passes {
	return func(role *string) error {
		if ask == nil || role == nil || *role == "" || strings.HasSuffix(*role, ":user/*") { // as the caller itself
			return nil
		}
		return ask(ctx, *role, api)
	}
}
