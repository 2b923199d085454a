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

// isNotFound says that what a request names is not there.
func isNotFound(err error) bool {
	var e *types.ResourceNotFoundException
	return errors.As(err, &e)
}

// shardError is what a client is told of an error of a shard's log. The shard, or its
// stream, may have gone since the stream's document was read.
func shardError(d *stream, sh *shard, err error) error {
	if errors.Is(err, shardlog.ErrNoShard) {
		return noShard(sh.id(), d.Name, d.Account)
	}
	return logError(err)
}

// logError is what a client is told of an error of the log: to try again.
func logError(err error) error {
	message := "The request processing has failed because of an unknown error, exception or failure."
	if errors.Is(err, shardlog.ErrFull) {
		message = "Storage is full. Nothing was stored; try again."
	}
	return fmt.Errorf("%w: %w", &types.InternalFailureException{Message: aws.String(message)}, err)
}
