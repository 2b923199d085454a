package cloudwatch

import (
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

func invalidValue(format string, args ...any) error {
	return awswire.Errorf("InvalidParameterValue", format, args...)
}

func invalidCombination(format string, args ...any) error {
	return awswire.Errorf("InvalidParameterCombination", format, args...)
}

func missing(format string, args ...any) error {
	return awswire.Errorf("MissingParameter", format, args...)
}

func invalid(format string, args ...any) error {
	return awswire.Errorf("ValidationError", format, args...)
}

// isMistake reports whether an error is that of a request, and not of the node.
func isMistake(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError"
}

func unsupported(what string) error {
	return awswire.Errorf("UnsupportedOperationException", "Brookmere does not support %s.", what)
}

func badToken() error {
	return &types.InvalidNextToken{Message: aws.String("The next token specified is invalid.")}
}

// unavailable is what clients try again.
type unavailable struct {
	smithy.GenericAPIError
	cause error
}

func (e *unavailable) Unwrap() error       { return e.cause }
func (e *unavailable) HTTPStatusCode() int { return http.StatusServiceUnavailable }

// told words an error of the metric store.
func told(err error) error {
	if errors.Is(err, metricstore.ErrFull) {
		return &unavailable{smithy.GenericAPIError{Code: "ServiceUnavailable", Message: "The disk of the node is full.", Fault: smithy.FaultServer}, err}
	}
	return err
}

// errorShapes are the names of errors that have other codes in the query protocol.
var errorShapes = map[string]string{
	"InvalidParameterValue":       "InvalidParameterValueException",
	"InvalidParameterCombination": "InvalidParameterCombinationException",
	"MissingParameter":            "MissingRequiredParameterException",
	"InternalServiceError":        "InternalServiceFault",
	"InvalidFormat":               "InvalidFormatFault",
	"LimitExceeded":               "LimitExceededFault",
	"InvalidParameterInput":       "DashboardInvalidInputError",
	"ValidationError":             "ValidationException",
}
