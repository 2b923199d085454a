package logs

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/engine/logstore"
)

const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 1_048_576 // texts, and 26 bytes an event
	maxEventBytes  = 1_048_576
	maxSpan        = 24 * 3600 * 1000 // milliseconds
	maxAge         = 14 * 24 * 3600 * 1000
)

// sequenceToken is what clients of earlier times are given, and may send or not: it is not looked at.
const sequenceToken = "49039859500000000000000000000000000000000000000000000002"

func sprint(v any) string { return fmt.Sprint(v) }

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// PutLogEvents puts events into a stream: at most 10,000, of 1 MiB, in order of time, of one day. Those of more than
// two hours from now, older than 14 days or than the group's retention are left out, and told. The others are on disk
// when it returns. Sequence tokens are not looked at.
func (s *Service) PutLogEvents(ctx context.Context, in *logs.PutLogEventsInput, _ ...func(*logs.Options)) (*logs.PutLogEventsOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	st, err := s.streams.Get(d.key(aws.ToString(in.LogStreamName))...)
	if err != nil {
		return nil, err
	}
	events := in.LogEvents
	size := 0
	for i := range events {
		n := len(aws.ToString(events[i].Message)) + logstore.Overhead
		if n > maxEventBytes {
			return nil, invalid("Log event too large: %d bytes exceeds limit of %d", n, maxEventBytes)
		}
		size += n
		if i > 0 && *events[i].Timestamp < *events[i-1].Timestamp {
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if len(events) > maxBatchEvents {
		return nil, invalid("A batch can have at most %d log events.", maxBatchEvents)
	}
	if size > maxBatchBytes {
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	from, to, rejected := s.admit(d, events)
	if from < to && *events[to-1].Timestamp-*events[from].Timestamp > maxSpan {
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	lines := make([]logstore.Line, 0, to-from)
	for _, e := range events[from:to] {
		lines = append(lines, logstore.Line{Time: *e.Timestamp, Text: aws.ToString(e.Message)})
	}
	if err := s.store.Put(ctx, d.in(), st.Number, d.retention(), lines); err != nil {
		return nil, stored(err)
	}
	return &logs.PutLogEventsOutput{NextSequenceToken: aws.String(sequenceToken), RejectedLogEventsInfo: rejected}, nil
}

// admit reports which of the events, which are in order, are taken: those of a range.
func (s *Service) admit(d *groupDoc, events []types.InputLogEvent) (from, to int, rejected *types.RejectedLogEventsInfo) {
	now := s.nowMillis()
	r := types.RejectedLogEventsInfo{}
	to = len(events)
	for from < to && *events[from].Timestamp < now-maxAge {
		from++
	}
	if from > 0 {
		r.TooOldLogEventEndIndex = aws.Int32(int32(from))
		rejected = &r
	}
	expired := from
	for expired < to && *events[expired].Timestamp < d.oldest(s.clock.Now()) {
		expired++
	}
	if expired > from {
		r.ExpiredLogEventEndIndex = aws.Int32(int32(expired))
		rejected, from = &r, expired
	}
	for to > from && *events[to-1].Timestamp > now+logstore.Future.Milliseconds() {
		to--
	}
	if to < len(events) {
		r.TooNewLogEventStartIndex = aws.Int32(int32(to))
		rejected = &r
	}
	return from, to, rejected
}
