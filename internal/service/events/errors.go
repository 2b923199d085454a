package events

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
)

func invalid(format string, args ...any) error { return awswire.Validationf(format, args...) }

func sprintf(format string, args ...any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

func noBus(name string) error {
	return &types.ResourceNotFoundException{Message: sprintf("Event bus %s does not exist.", name)}
}

func noRule(name, bus string) error {
	return &types.ResourceNotFoundException{Message: sprintf("Rule %s does not exist on EventBus %s.", name, bus)}
}

func tooMany() error {
	return &types.LimitExceededException{Message: sprintf("The requested resource exceeds the maximum number allowed.")}
}

// badPattern is the error of a pattern that cannot be used.
func badPattern(text string, err error) error {
	var e *eventpattern.SyntaxError
	if !errors.As(err, &e) {
		return err
	}
	return &types.InvalidEventPatternException{Message: sprintf("Event pattern is not valid. Reason: %s%s", e.Reason, e.Source(text))}
}

func badToken() error { return invalid("Parameter NextToken is not valid.") }

func badARN(arn string) error {
	return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn)
}

// refused is the error for what AWS has and this service has not, with what to do in its place.
func refused(what, instead string) error {
	return invalid("Brookmere does not support %s. %s", what, instead)
}
