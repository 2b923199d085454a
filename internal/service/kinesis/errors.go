package kinesis

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// The messages are those of Kinesis, as public bug reports and emulators quote them.

func invalid(format string, args ...any) error {
	return &types.InvalidArgumentException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notFound(account, name string) error {
	return &types.ResourceNotFoundException{
		Message: aws.String(fmt.Sprintf("Stream %s under account %s not found.", name, account)),
	}
}

// noShard is the error of operations that read a shard.
func noShard(shardID, name, account string) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(
		"Shard %s in stream %s under account %s does not exist", shardID, name, account))}
}

// unknownShard is the error of operations that change shards.
func unknownShard(shardID, name, account string) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(
		"Could not find shard %s in stream %s under account %s.", shardID, name, account))}
}

// logError is what a client is told of an error of the log: to try again.
func logError(err error) error {
	message := "The request processing has failed because of an unknown error, exception or failure."
	if errors.Is(err, shardlog.ErrFull) {
		message = "Storage is full. Nothing was stored; try again."
	}
	return fmt.Errorf("%w: %w", &types.InternalFailureException{Message: aws.String(message)}, err)
}
