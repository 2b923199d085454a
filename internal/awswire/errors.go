package awswire

import (
	"fmt"

	"github.com/aws/smithy-go"
)

// Errorf returns an error of AWS's form that is the client's fault (HTTP 400 unless the
// service's model gives the code another status). Where the SDK has a type for the
// error (types.ResourceNotFoundException), return that instead: it carries more fields.
func Errorf(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// WithStatus gives an API error an HTTP status that is not what the model or its fault say.
func WithStatus(err error, status int) error { return statusError{err, status} }

type statusError struct {
	error
	status int
}

func (e statusError) HTTPStatusCode() int { return e.status }
func (e statusError) Unwrap() error       { return e.error }

// Validationf returns AWS's ValidationException.
func Validationf(format string, args ...any) error {
	return Errorf("ValidationException", format, args...)
}
