package logs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/logpattern"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func exists(format string, args ...any) error {
	return &types.ResourceAlreadyExistsException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func noGroup() error        { return notFound("The specified log group does not exist.") }
func groupExists() error    { return exists("The specified log group already exists") }
func noStream() error       { return notFound("The specified log stream does not exist.") }
func streamExists() error   { return exists("The specified log stream already exists") }
func noMetricFilter() error { return notFound("The specified metric filter does not exist.") }
func noSubscription() error { return notFound("The specified subscription filter does not exist.") }
func noExport() error       { return notFound("The specified export task does not exist.") }
func noDefinition() error   { return notFound("The specified query definition does not exist.") }
func noQuery() error        { return notFound("The specified query does not exist.") }
func badToken() error       { return invalid("The specified nextToken is invalid.") }

func malformed(message string) error {
	return &types.MalformedQueryException{Message: aws.String(message)}
}

// badPattern words an error of a filter pattern.
func badPattern(err error) error {
	if errors.Is(err, logpattern.ErrSyntax) {
		text := strings.TrimPrefix(err.Error(), logpattern.ErrSyntax.Error()+": ")
		if strings.HasPrefix(text, "Invalid character") {
			return invalid("%s", text)
		}
		return invalid("Invalid filter pattern: %s", text)
	}
	return err
}

// stored words an error of the log.
func stored(err error) error {
	if errors.Is(err, shardlog.ErrFull) {
		return &types.ServiceUnavailableException{Message: aws.String("The disk is full. Please try again later.")}
	}
	return err
}

func unsupported(what string) error {
	return awswire.Errorf("InvalidOperationException", "%s is not supported.", what)
}
