package iam

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

func noSuchEntity(format string, args ...any) error {
	return &types.NoSuchEntityException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func alreadyExists(format string, args ...any) error {
	return &types.EntityAlreadyExistsException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func deleteConflict(format string, args ...any) error {
	return &types.DeleteConflictException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func invalidInput(format string, args ...any) error {
	return &types.InvalidInputException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func malformed(message string) error {
	return &types.MalformedPolicyDocumentException{Message: &message}
}

func validation(format string, args ...any) error {
	return awswire.Errorf("ValidationError", format, args...)
}

// found words the absence of a document.
func found(err error, absent error) error {
	if errors.Is(err, state.ErrNotFound) {
		return absent
	}
	return err
}

// created words the presence of a document.
func created(err error, present error) error {
	if errors.Is(err, state.ErrExists) {
		return present
	}
	return err
}

// parse compiles a document of a client.
func (s *Service) parse(text string, kind policy.Kind) (*policy.Document, error) {
	d, err := s.compiled.Parse(text, kind)
	var wrong *policy.SyntaxError
	if errors.As(err, &wrong) {
		return nil, malformed(wrong.Message)
	}
	if err == nil && d.Legacy {
		return nil, malformed(policy.ErrLegacy.Error())
	}
	return d, err
}
