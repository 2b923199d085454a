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

// Validationf returns AWS's ValidationException.
func Validationf(format string, args ...any) error {
	return Errorf("ValidationException", format, args...)
}
