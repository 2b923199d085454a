package apigatewayv2

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

func badRequest(format string, args ...any) error {
	return &types.BadRequestException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func conflict(format string, args ...any) error {
	return &types.ConflictException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// missing is the error of what is not there, by its kind and id.
func missing(kind, id string) error {
	return &types.NotFoundException{Message: aws.String(fmt.Sprintf("Invalid %s identifier specified %s", kind, id))}
}

func isExists(err error) bool { return errors.Is(err, state.ErrExists) }

func isNotFound(err error) bool {
	var missing *types.NotFoundException
	return errors.Is(err, state.ErrNotFound) || errors.As(err, &missing)
}
