package kinesis

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// ListStreams returns the caller's streams by name, 100 a page unless Limit says otherwise.
func (s *Service) ListStreams(ctx context.Context, in *kinesis.ListStreamsInput, _ ...func(*kinesis.Options)) (*kinesis.ListStreamsOutput, error) {
	after := aws.ToString(in.ExclusiveStartStreamName)
	if in.NextToken != nil {
		var err error
		if after, err = s.openPageToken("ListStreams", *in.NextToken); err != nil {
			return nil, err
		}
	}
	out := &kinesis.ListStreamsOutput{
		StreamNames:     []string{},
		StreamSummaries: []types.StreamSummary{},
		HasMoreStreams:  aws.Bool(false),
	}
	caller, n := awswire.CallerFrom(ctx), pageSize(in.Limit, 100)
	for it, err := range s.streams.List(caller.Account, caller.Region) {
		if err != nil {
			return nil, err
		}
		d := it.Value
		if d.Name <= after {
			continue
		}
		if len(out.StreamNames) == n {
			out.HasMoreStreams = aws.Bool(true)
			out.NextToken = s.pageToken("ListStreams", out.StreamNames[n-1])
			break
		}
		out.StreamNames = append(out.StreamNames, d.Name)
		out.StreamSummaries = append(out.StreamSummaries, types.StreamSummary{
			StreamName:              aws.String(d.Name),
			StreamARN:               aws.String(d.arn()),
			StreamStatus:            d.Status,
			StreamModeDetails:       &types.StreamModeDetails{StreamMode: d.Mode},
			StreamCreationTimestamp: aws.Time(d.Created),
		})
	}
	return out, nil
}

// ListShards returns a stream's shards by index, 1,000 a page unless MaxResults says
// otherwise. A NextToken carries the stream and the filter.
func (s *Service) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	named := in.StreamName != nil || in.StreamARN != nil || in.StreamId != nil
	var q shardQuery
	var d *stream
	var err error
	switch {
	case in.NextToken != nil && besideToken(in) != "":
		return nil, invalid("NextToken and %s cannot be provided together.", besideToken(in))
	case in.NextToken != nil:
		if q, err = s.openShardQuery(*in.NextToken); err != nil {
			return nil, err
		}
		if d, err = s.find(ctx, &q.name, nil, &q.id); err != nil {
			return nil, err
		}
	case !named:
		return nil, invalid("Either NextToken or StreamName should be provided.")
	default:
		if d, err = s.find(ctx, in.StreamName, in.StreamARN, in.StreamId); err != nil {
			return nil, err
		}
		if t := in.StreamCreationTimestamp; t != nil && t.Unix() != d.Created.Unix() {
			return nil, notFound(d.Account, d.Name)
		}
		q = shardQuery{name: d.Name, id: d.ID}
		if q.after, err = exclusiveStart(in.ExclusiveStartShardId); err != nil {
			return nil, err
		}
		if err := q.filter(in.ShardFilter); err != nil {
			return nil, err
		}
	}
	if d.Status == types.StreamStatusCreating || d.Status == types.StreamStatusDeleting {
		return nil, d.active()
	}
	shards, more := s.shardPage(d, q.after, pageSize(in.MaxResults, 1000), q.matcher(d, s.now()))
	out := &kinesis.ListShardsOutput{Shards: shards}
	if more {
		q.after, _ = parseShardID(*shards[len(shards)-1].ShardId)
		out.NextToken = s.pageToken("ListShards", q.String())
	}
	return out, nil
}

// besideToken is a member of the request that has no place beside a NextToken, which has it
// already.
func besideToken(in *kinesis.ListShardsInput) string {
	switch {
	case in.StreamName != nil:
		return "StreamName"
	case in.StreamARN != nil:
		return "StreamARN"
	case in.StreamId != nil:
		return "StreamId"
	case in.ExclusiveStartShardId != nil:
		return "ExclusiveStartShardId"
	case in.StreamCreationTimestamp != nil:
		return "StreamCreationTimestamp"
	case in.ShardFilter != nil:
		return "ShardFilter"
	}
	return ""
}

// shardQuery is what a page of ListShards asks for.
type shardQuery struct {
	name, id string // of the stream
	after    int    // index
	kind     types.ShardFilterType
	time     time.Time // of the filters that have one
}

func (q *shardQuery) filter(f *types.ShardFilter) error {
	if f == nil {
		return nil
	}
	q.kind = f.Type
	timed := f.Type == types.ShardFilterTypeAtTimestamp || f.Type == types.ShardFilterTypeFromTimestamp
	switch {
	case timed && f.Timestamp == nil:
		return invalid("Timestamp must be provided in ShardFilter for type %s.", f.Type)
	case !timed && f.Timestamp != nil:
		return invalid("Timestamp must not be provided in ShardFilter for type %s.", f.Type)
	case (f.Type == types.ShardFilterTypeAfterShardId) != (f.ShardId != nil):
		return invalid("ShardId must be provided in ShardFilter for type %s, and for no other.", types.ShardFilterTypeAfterShardId)
	}
	if timed {
		q.time = f.Timestamp.Truncate(time.Millisecond)
	}
	if f.ShardId != nil {
		after, err := exclusiveStart(f.ShardId)
		if err != nil {
			return err
		}
		q.after = max(q.after, after)
	}
	return nil
}

// matcher says which shards the filter wants; nil wants all.
func (q *shardQuery) matcher(d *stream, now time.Time) func(*shard) bool {
	horizon := now.Add(-d.retention())
	if horizon.Before(d.Created) {
		horizon = d.Created
	}
	at := q.time // corrected to the horizon if it lies before that
	if at.Before(horizon) {
		at = horizon
	}
	switch q.kind {
	case types.ShardFilterTypeAtLatest:
		return (*shard).open
	case types.ShardFilterTypeAtTrimHorizon, types.ShardFilterTypeAtTimestamp: // the first has no time
		return func(sh *shard) bool { return !sh.Created.After(at) && (sh.open() || !sh.Closed.Before(at)) }
	case types.ShardFilterTypeFromTimestamp:
		return func(sh *shard) bool { return sh.open() || !sh.Closed.Before(at) }
	}
	return nil // AFTER_SHARD_ID, FROM_TRIM_HORIZON: shards that have expired are never listed
}

// String is the query as a page token holds it.
func (q *shardQuery) String() string {
	return q.name + "/" + q.id + "/" + strconv.Itoa(q.after) + "/" + string(q.kind) + "/" + strconv.FormatInt(q.time.UnixMilli(), 10)
}

func (s *Service) openShardQuery(token string) (q shardQuery, err error) {
	text, err := s.openPageToken("ListShards", token)
	if err != nil {
		return q, err
	}
	f := strings.Split(text, "/") // as String wrote it: the token is sealed
	q.name, q.id, q.kind = f[0], f[1], types.ShardFilterType(f[3])
	q.after, _ = strconv.Atoi(f[2])
	ms, _ := strconv.ParseInt(f[4], 10, 64)
	q.time = time.UnixMilli(ms)
	return q, nil
}
