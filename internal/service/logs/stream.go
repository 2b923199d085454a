package logs

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/engine/logstore"
)

// CreateLogStream makes a stream in a group.
func (s *Service) CreateLogStream(ctx context.Context, in *logs.CreateLogStreamInput, _ ...func(*logs.Options)) (*logs.CreateLogStreamOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &logs.CreateLogStreamOutput{}, s.createStream(ctx, d, aws.ToString(in.LogStreamName))
}

func (s *Service) createStream(ctx context.Context, d *groupDoc, name string) error {
	return s.streams.Create(ctx, &streamDoc{Name: name, Number: newNumber(), Created: s.nowMillis()}, d.key(name)...)
}

// DeleteLogStream removes a stream. What is stored of its events goes with the group or by its retention; nobody
// sees them any more.
func (s *Service) DeleteLogStream(ctx context.Context, in *logs.DeleteLogStreamInput, _ ...func(*logs.Options)) (*logs.DeleteLogStreamOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &logs.DeleteLogStreamOutput{}, s.streams.Delete(ctx, d.key(aws.ToString(in.LogStreamName))...)
}

// described is a stream with what there is of it.
type described struct {
	*streamDoc
	info logstore.StreamInfo
}

// DescribeLogStreams lists streams by name, or by the time of their last events.
func (s *Service) DescribeLogStreams(ctx context.Context, in *logs.DescribeLogStreamsInput, _ ...func(*logs.Options)) (*logs.DescribeLogStreamsOutput, error) {
	d, err := s.identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	prefix := aws.ToString(in.LogStreamNamePrefix)
	if byTime && prefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	info, err := s.store.Info(ctx, d.in())
	if err != nil {
		return nil, err
	}
	all, err := s.streams.All(d.key()...)
	if err != nil {
		return nil, err
	}
	var streams []described
	for _, st := range all {
		if strings.HasPrefix(st.Name, prefix) {
			streams = append(streams, described{st, info.Streams[st.Number]})
		}
	}
	order := func(a, b described) int {
		c := 0
		if byTime {
			c = cmp.Compare(a.info.Last, b.info.Last)
		}
		c = cmp.Or(c, strings.Compare(a.Name, b.Name))
		if aws.ToBool(in.Descending) {
			return -c
		}
		return c
	}
	slices.SortFunc(streams, order)
	if token := aws.ToString(in.NextToken); token != "" {
		last, err := openStreamToken(token)
		if err != nil {
			return nil, err
		}
		n, found := slices.BinarySearchFunc(streams, last, order)
		if found {
			n++
		}
		streams = streams[n:]
	}
	limit := int(cmp.Or(aws.ToInt32(in.Limit), 50))
	out := &logs.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	for i, st := range streams {
		if i == limit {
			out.NextToken = aws.String(sealStreamToken(streams[i-1]))
			break
		}
		o := types.LogStream{
			LogStreamName: aws.String(st.Name), CreationTime: aws.Int64(st.Created), Arn: aws.String(d.arn() + ":log-stream:" + st.Name),
			//lint:ignore SA1019 of streams it is always zero by now, and still answered
			StoredBytes: aws.Int64(0),
		}
		if st.info.Lines > 0 {
			o.UploadSequenceToken = aws.String(sequenceToken)
			o.FirstEventTimestamp = aws.Int64(max(st.info.First, d.oldest(s.clock.Now())))
			o.LastEventTimestamp, o.LastIngestionTime = aws.Int64(st.info.Last), aws.Int64(st.info.Arrived)
		}
		out.LogStreams = append(out.LogStreams, o)
	}
	return out, nil
}

// A token of a list of streams is the last stream of the page before: the time of its last event and its name.
func sealStreamToken(d described) string {
	return page.Seal(strconv.FormatInt(d.info.Last, 10) + "/" + d.Name)
}

func openStreamToken(token string) (described, error) {
	key, err := page.Open(token)
	at, name, ok := strings.Cut(key, "/")
	n, bad := strconv.ParseInt(at, 10, 64)
	if err != nil || !ok || bad != nil {
		return described{}, badToken()
	}
	return described{&streamDoc{Name: name}, logstore.StreamInfo{Last: n}}, nil
}
