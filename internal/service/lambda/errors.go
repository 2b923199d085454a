package lambda

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
)

var (
	user    = aws.String("User")
	service = aws.String("Service")
)

func invalid(format string, args ...any) error {
	return &types.InvalidParameterValueException{Type: user, Message: aws.String(fmt.Sprintf(format, args...))}
}

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Type: user, Message: aws.String(fmt.Sprintf(format, args...))}
}

// isNotFound reports whether an error says that something is not there.
func isNotFound(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

// errNoResource is of layers, which other operations name in words of their own.
var errNoResource = notFound("The resource you requested does not exist.")

// errNoMappedFunction is of event source mappings, where a function is a parameter and not the resource.
var errNoMappedFunction = invalid("Function does not exist")

// errNoInvokedFunction is of what sets how the events of a function are retried.
var errNoInvokedFunction = notFound("The function doesn't exist.")

func noInvocation(arn string) error {
	return notFound("The function %s doesn't have an EventInvokeConfig", arn)
}

func noFunction(arn string) error { return notFound("Function not found: %s", arn) }

func conflict(format string, args ...any) error {
	return &types.ResourceConflictException{Type: user, Message: aws.String(fmt.Sprintf(format, args...))}
}

func stale(kind string) error {
	return &types.PreconditionFailedException{Type: user, Message: aws.String("The RevisionId provided does not match the latest RevisionId. Call the " + kind + " API to retrieve the latest RevisionId for your resource.")}
}

// violation is a value that breaks a rule of the API which its model does not tell.
func violation(value, at, rule string) error {
	return awswire.Validationf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, at, rule)
}

// refused is what this program does not do.
func refused(what string) error { return invalid("%s not supported by Brookmere", what) }

func throttled(reason types.ThrottleReason) error {
	return &types.TooManyRequestsException{Type: user, Reason: reason, RetryAfterSeconds: aws.String("1"), Message: aws.String("Rate Exceeded.")}
}

func recursive(d *functionDoc) error {
	return &types.RecursiveInvocationException{Type: user, Message: aws.String(fmt.Sprintf("The function %s has run %d times in the chain of requests that this invocation belongs to, and is not run again: it calls itself without end", d.Name, maxLoop))}
}

func badPayload(format string, args ...any) error {
	return &types.InvalidRequestContentException{Type: user, Message: aws.String(fmt.Sprintf(format, args...))}
}

func tooLarge(limit int, operation string) error {
	return &types.RequestTooLargeException{Type: user, Message: aws.String(fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", limit, operation))}
}

// largeZip is of packages in requests, above what a request may have.
func largeZip() error {
	return awswire.WithStatus(awswire.Errorf("RequestEntityTooLargeException", "Zipped size must be smaller than %d bytes", maxZip), http.StatusRequestEntityTooLarge)
}

// failure is of this node's own making.
func failure(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ServiceException", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultServer}
}

// errorMessage is what an error of the API says, without its code.
func errorMessage(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}
