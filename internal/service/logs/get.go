package logs

import (
	"cmp"
	"context"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/engine/logpattern"
	"github.com/brookmere/brookmere/internal/engine/logstore"
)

const (
	maxPageEvents = 10_000
	maxPageBytes  = 1 << 20
	// searchBudget is how long one page of FilterLogEvents searches at most.
	searchBudget = 4 * time.Second
)

// GetLogEvents reads a stream, from its end backwards unless told otherwise. Its tokens point before and behind a
// page; at an end of the stream the token is the one that was passed in.
func (s *Service) GetLogEvents(ctx context.Context, in *logs.GetLogEventsInput, _ ...func(*logs.Options)) (*logs.GetLogEventsOutput, error) {
	d, err := s.identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	st, err := s.streams.Get(d.key(aws.ToString(in.LogStreamName))...)
	if err != nil {
		return nil, err
	}
	q := logstore.Query{
		Streams: map[uint64]bool{st.Number: true}, From: aws.ToInt64(in.StartTime), To: math.MaxInt64,
		Limit: int(cmp.Or(aws.ToInt32(in.Limit), maxPageEvents)), MaxBytes: maxPageBytes, Backward: !aws.ToBool(in.StartFromHead),
	}
	if in.EndTime != nil {
		q.To = *in.EndTime
	}
	if q.From > q.To {
		return nil, invalid("The start time cannot be later than the end time.")
	}
	q.From = max(q.From, d.oldest(s.clock.Now()))
	token := aws.ToString(in.NextToken)
	if token != "" {
		k, backward, ok := openToken(token)
		if !ok {
			return nil, badToken()
		}
		q.After, q.Backward = &k, backward
	}
	r, err := s.store.Search(ctx, d.in(), q)
	if err != nil {
		return nil, err
	}
	out := &logs.GetLogEventsOutput{Events: make([]types.OutputLogEvent, len(r.Events))}
	for i, e := range r.Events {
		at := i
		if q.Backward {
			at = len(r.Events) - 1 - i
		}
		out.Events[at] = types.OutputLogEvent{Timestamp: aws.Int64(e.Time), IngestionTime: aws.Int64(e.Arrived), Message: aws.String(string(e.Text))}
	}
	first, last := logstore.Key{Time: q.From}, logstore.Key{Time: q.From}
	switch {
	case len(r.Events) > 0 && q.Backward:
		first, last = r.Events[len(r.Events)-1].Key, r.Events[0].Key
	case len(r.Events) > 0:
		first, last = r.Events[0].Key, r.Events[len(r.Events)-1].Key
	case q.After != nil && q.Backward: // what was read last is ahead again
		first, last = *q.After, before(*q.After)
	case q.After != nil:
		first, last = after(*q.After), *q.After
	}
	out.NextBackwardToken, out.NextForwardToken = aws.String(sealToken("b/", first)), aws.String(sealToken("f/", last))
	return out, nil
}

// maxLine is the largest number of a line that an event's id has room for.
const maxLine = 9_999_999

// before is a key that only k and what is behind it are behind of.
func before(k logstore.Key) logstore.Key {
	switch {
	case k.Line > 0:
		k.Line--
	case k.Block.Index > 0:
		k.Block.Index, k.Line = k.Block.Index-1, maxLine
	case k.Block.Frame > 0:
		k.Block.Frame, k.Block.Index, k.Line = k.Block.Frame-1, math.MaxUint32, maxLine
	}
	return k
}

// after is a key that only k and what is before it are before of.
func after(k logstore.Key) logstore.Key {
	k.Line = min(k.Line+1, maxLine)
	return k
}

func sealToken(kind string, k logstore.Key) string { return kind + eventID(k) + "/s" }

func openToken(token string) (k logstore.Key, backward, ok bool) {
	id, ok := strings.CutSuffix(token, "/s")
	if !ok {
		return k, false, false
	}
	if rest, is := strings.CutPrefix(id, "b/"); is {
		k, ok = keyOf(rest)
		return k, true, ok
	}
	id, ok = strings.CutPrefix(id, "f/")
	if !ok {
		return k, false, false
	}
	k, ok = keyOf(id)
	return k, false, ok
}

// FilterLogEvents finds events of a group, by streams, time and a pattern, in order of time. A page ends when it is
// full, or when it has searched for some seconds.
func (s *Service) FilterLogEvents(ctx context.Context, in *logs.FilterLogEventsInput, _ ...func(*logs.Options)) (*logs.FilterLogEventsOutput, error) {
	d, err := s.identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, invalid("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")
	}
	if len(in.LogStreamNames) > 100 {
		return nil, invalid("At most 100 log streams can be named.")
	}
	if in.StartTime != nil && in.EndTime != nil && *in.StartTime > *in.EndTime {
		return nil, invalid("The start time cannot be later than the end time.")
	}
	p, err := logpattern.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		return nil, badPattern(err)
	}
	var wanted func(string) bool
	switch {
	case in.LogStreamNamePrefix != nil:
		wanted = func(name string) bool { return strings.HasPrefix(name, *in.LogStreamNamePrefix) }
	case len(in.LogStreamNames) > 0:
		names := map[string]bool{}
		for _, n := range in.LogStreamNames {
			if _, err := s.streams.Get(d.key(n)...); err != nil {
				return nil, err
			}
			names[n] = true
		}
		wanted = func(name string) bool { return names[name] }
	}
	streams, names, err := s.numbers(d, wanted)
	if err != nil {
		return nil, err
	}
	q := logstore.Query{
		Streams: streams, From: max(aws.ToInt64(in.StartTime), d.oldest(s.clock.Now())), To: math.MaxInt64,
		Limit: int(cmp.Or(aws.ToInt32(in.Limit), maxPageEvents)), MaxBytes: maxPageBytes, Budget: searchBudget,
	}
	if in.EndTime != nil && *in.EndTime < math.MaxInt64 {
		q.To = *in.EndTime + 1 // what is of that time is found
	}
	where(&q, p)
	if token := aws.ToString(in.NextToken); token != "" {
		id, err := page.Open(token)
		k, ok := keyOf(id)
		if err != nil || !ok {
			return nil, badToken()
		}
		q.After = &k
	}
	r, err := s.store.Search(ctx, d.in(), q)
	if err != nil {
		return nil, err
	}
	out := &logs.FilterLogEventsOutput{Events: make([]types.FilteredLogEvent, len(r.Events)), SearchedLogStreams: []types.SearchedLogStream{}}
	for i, e := range r.Events {
		out.Events[i] = types.FilteredLogEvent{
			EventId: aws.String(eventID(e.Key)), LogStreamName: aws.String(names[e.Stream]), Timestamp: aws.Int64(e.Time),
			IngestionTime: aws.Int64(e.Arrived), Message: aws.String(string(e.Text)),
		}
	}
	if r.Next != nil {
		out.NextToken = aws.String(page.Seal(eventID(*r.Next)))
	}
	return out, nil
}

// where makes a search one for what matches a pattern.
func where(q *logstore.Query, p *logpattern.Pattern) {
	if p.All() {
		return
	}
	for _, t := range p.Required() {
		q.Contains = append(q.Contains, []byte(t))
	}
	q.Match = func(e *logstore.Event) bool { return p.Match(e.Text) }
}
