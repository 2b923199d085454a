package shardreader

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/aws/smithy-go"
)

// Stream is a stream of shards of records of type R. Its methods are called concurrently,
// those of one shard not. Errors are those of the API (smithy.APIError).
type Stream[R any] interface {
	// Describe reports which stream it is and what shards it has.
	Describe(ctx context.Context) (Description, error)

	// Iterator is the place in a shard for Read.
	Iterator(ctx context.Context, shard string, at Start) (string, error)

	// Read reads up to so many records.
	Read(ctx context.Context, iterator string, limit int32) (Page[R], error)

	// About reports what the reader needs of a record.
	About(r *R) Info
}

// Description is a stream as it is now.
type Description struct {
	Identity string // another one for a stream that was created again; "": not known
	Shards   []ShardInfo
}

// ShardInfo is a shard of a stream.
type ShardInfo struct {
	ID      string
	Parents []string
	Closed  bool
}

// Page is what one read brought.
type Page[R any] struct {
	Records []R
	Next    string        // iterator; "" at the end of a closed shard
	Behind  time.Duration // of the last record behind the tip of the shard; 0 at the tip
}

// Info is what the reader needs of a record.
type Info struct {
	Sequence string
	Arrived  time.Time
	Size     int // bytes of data and key
}

// Start is a place in a shard.
type Start struct {
	Kind     StartKind
	Sequence string    // of AtSequence and AfterSequence
	Time     time.Time // of AtTime
}

// StartKind says what a Start is.
type StartKind int

const (
	TrimHorizon   StartKind = iota // the oldest record
	Latest                         // behind the newest
	AtTime                         // the first record that arrived then or later; Kinesis alone
	AtSequence                     // a record
	AfterSequence                  // the one after a record
)

// Waiter is a Stream that reports when a shard has more: WaitForRecords returns nil when there
// is something to read from the iterator on. The end of a shard it need not tell.
type Waiter interface {
	WaitForRecords(ctx context.Context, iterator string) error
}

// Pusher is a Stream whose records are pushed. Subscribe yields pages, empty ones too,
// until the subscription is over (the reader then asks for another) or ctx ends. The
// Next of a page tells only whether the shard goes on.
type Pusher[R any] interface {
	Subscribe(ctx context.Context, shard string, at Start) iter.Seq2[Page[R], error]
}

// isCode reports whether an error is one of the API's with one of the codes.
func isCode(err error, codes ...string) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.ErrorCode() == c {
			return true
		}
	}
	return false
}

// throttled reports whether a call is to be made again, slower.
func throttled(err error) bool {
	return isCode(err, "ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException", "KMSThrottlingException", "ResourceInUseException")
}

func expired(err error) bool { return isCode(err, "ExpiredIteratorException") }

// trimmed reports whether the record that was asked for is no longer there.
func trimmed(err error) bool { return isCode(err, "TrimmedDataAccessException") }
