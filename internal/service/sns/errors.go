package sns

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String("Invalid parameter: " + fmt.Sprintf(format, args...))}
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

// refused is the error for what AWS has and this service has not.
func refused(what string) error {
	return invalid("%s not supported by Brookmere", what)
}
