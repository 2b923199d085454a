package apigateway

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

func badRequest(format string, args ...any) error {
	return &types.BadRequestException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func conflict(format string, args ...any) error {
	return &types.ConflictException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notFound(format string, args ...any) error {
	return &types.NotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func invalidAPI() error        { return notFound("Invalid API identifier specified") }
func blankDescription() error  { return badRequest("Description cannot be an empty string") }
func invalidResource() error   { return notFound("Invalid Resource identifier specified") }
func invalidMethod() error     { return notFound("Invalid Method identifier specified") }
func invalidStatus() error     { return notFound("Invalid Response status code specified") }
func invalidDeployment() error { return notFound("Invalid Deployment identifier specified") }
func invalidStage() error      { return notFound("Invalid stage identifier specified") }

func isExists(err error) bool { return errors.Is(err, state.ErrExists) }

func isNotFound(err error) bool {
	var missing *types.NotFoundException
	return errors.Is(err, state.ErrNotFound) || errors.As(err, &missing)
}
