package sns

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/brookmere/brookmere/internal/engine/eventpattern"
)

func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String("Invalid parameter: " + fmt.Sprintf(format, args...))}
}

// ofAttributes is an error about an attribute's value as operations answer it that take several attributes at once.
func ofAttributes(err error) error {
	var e *types.InvalidParameterException
	if !errors.As(err, &e) {
		return err
	}
	return invalid("Attributes Reason: %s", strings.TrimPrefix(aws.ToString(e.Message), "Invalid parameter: "))
}

// badJSON is what is wrong with an attribute that should be JSON, or a filter policy, and where; empty for nothing.
func badJSON(err error) string {
	var e *eventpattern.SyntaxError
	if !errors.As(err, &e) {
		return ""
	}
	begin := ""
	if !e.JSON {
		begin = "failed to parse JSON. "
	}
	return fmt.Sprintf("%s%s\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", begin, e.Reason, e.Line, e.Column)
}

func invalidValue(format string, args ...any) error {
	return &types.InvalidParameterValueException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func noTopic() error {
	return &types.NotFoundException{Message: aws.String("Topic does not exist")}
}

func noSubscription() error {
	return &types.NotFoundException{Message: aws.String("Subscription does not exist")}
}

func forbidden(format string, args ...any) error {
	return &types.AuthorizationErrorException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// NotAuthorized is the error of a topic of another account that does not let the caller's in.
func NotAuthorized() error {
	return forbidden("User is not authorized to use this topic of another account")
}

// refused is the error for what AWS has and this service has not.
func refused(what string) error {
	return invalid("%s not supported by Brookmere", what)
}
