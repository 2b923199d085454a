package logs

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/engine/loginsight"
	"github.com/brookmere/brookmere/internal/engine/logstore"
)

// queried is a group that a query goes over.
type queried struct {
	doc   *groupDoc
	log   string // its account and name
	names map[uint64]string
	query logstore.Query

	buffer []logstore.Event // of an ordered query, the latest first
	done   bool
}

func (g *queried) event(e *logstore.Event) *loginsight.Event {
	key := e.Key
	return &loginsight.Event{
		Time: e.Time, Ingested: e.Arrived, Message: string(e.Text), Stream: g.names[e.Stream], Log: g.log,
		Point: func() string { return sealPointer(g.doc.Name, key) },
	}
}

// evaluate runs a query: over events in any order, in one go, where that makes no difference; else from the latest on, as
// far as it wants.
func (s *Service) evaluate(ctx context.Context, x *query) ([][]loginsight.Field, error) {
	var groups []*queried
	for _, d := range x.groups {
		streams, names, err := s.numbers(d, nil)
		if err != nil {
			return nil, err
		}
		g := &queried{doc: d, log: d.Account + ":" + d.Name, names: names, query: logstore.Query{
			Streams: streams, From: max(x.from, d.oldest(s.clock.Now())), To: x.to + 1, Backward: true, Limit: 1000, MaxBytes: maxPageBytes,
		}}
		for _, t := range x.parsed.Contains() {
			g.query.Contains = append(g.query.Contains, []byte(t))
		}
		groups = append(groups, g)
	}
	run := x.parsed.Start(x.limit)
	run.Within(ctx)
	note := func(r logstore.Result) {
		s.queries.mu.Lock()
		x.stats.RecordsScanned += float64(r.Scanned)
		x.stats.BytesScanned += float64(r.ScannedBytes)
		x.stats.RecordsMatched = float64(run.Matched())
		x.stats.LogGroupsScanned = float64(len(groups))
		s.queries.mu.Unlock()
	}
	if x.parsed.Unordered() {
		for _, g := range groups {
			var mu sync.Mutex
			more := true
			g.query.Match = func(e *logstore.Event) bool {
				p, ok := run.Prepare(g.event(e)) // by as many goroutines as search
				if !ok {
					return false
				}
				mu.Lock()
				defer mu.Unlock()
				more = more && run.AddPrepared(p)
				return false
			}
			r, err := s.store.Search(ctx, g.doc.in(), g.query)
			if err != nil {
				return nil, err
			}
			note(r)
		}
		rows, err := run.Finish()
		note(logstore.Result{})
		return rows, err
	}
	for {
		var latest *queried
		for _, g := range groups {
			if len(g.buffer) == 0 && !g.done {
				r, err := s.store.Search(ctx, g.doc.in(), g.query)
				if err != nil {
					return nil, err
				}
				note(r)
				g.buffer, g.query.After, g.done = r.Events, r.Next, r.Next == nil
			}
			if len(g.buffer) > 0 && (latest == nil || g.buffer[0].Time > latest.buffer[0].Time) {
				latest = g
			}
		}
		if latest == nil || !run.Add(latest.event(&latest.buffer[0])) {
			break
		}
		latest.buffer = latest.buffer[1:]
	}
	rows, err := run.Finish()
	note(logstore.Result{})
	return rows, err
}

// A pointer to an event is its group's name and its id.
func sealPointer(group string, k logstore.Key) string { return page.Seal(group + "\x00" + eventID(k)) }

func openPointer(p string) (group string, k logstore.Key, ok bool) {
	text, err := page.Open(p)
	if err != nil {
		return "", k, false
	}
	group, id, ok := strings.Cut(text, "\x00")
	if !ok {
		return "", k, false
	}
	k, ok = keyOf(id)
	return group, k, ok
}

// GetLogRecord is the event that a @ptr points to, with its fields.
func (s *Service) GetLogRecord(ctx context.Context, in *logs.GetLogRecordInput, _ ...func(*logs.Options)) (*logs.GetLogRecordOutput, error) {
	name, k, ok := openPointer(aws.ToString(in.LogRecordPointer))
	if !ok {
		return nil, invalid("The log record pointer is invalid.")
	}
	d, err := s.group(ctx, name)
	if err != nil {
		return nil, err
	}
	streams, names, err := s.numbers(d, nil)
	if err != nil {
		return nil, err
	}
	at := before(k)
	r, err := s.store.Search(ctx, d.in(), logstore.Query{Streams: streams, From: max(k.Time, d.oldest(s.clock.Now())), To: k.Time + 1, After: &at, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(r.Events) == 0 || r.Events[0].Compare(k) != 0 {
		return nil, notFound("The log record does not exist.")
	}
	g := &queried{doc: d, log: d.Account + ":" + d.Name, names: names}
	return &logs.GetLogRecordOutput{LogRecord: loginsight.Fields(g.event(&r.Events[0]))}, nil
}

// GetLogGroupFields tells the fields of the events of a quarter of an hour, and in how many of them they are: up to the
// time, or the last. It looks at the latest thousand.
func (s *Service) GetLogGroupFields(ctx context.Context, in *logs.GetLogGroupFieldsInput, _ ...func(*logs.Options)) (*logs.GetLogGroupFieldsOutput, error) {
	d, err := s.identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	streams, names, err := s.numbers(d, nil)
	if err != nil {
		return nil, err
	}
	const quarter = 15 * 60_000
	q := logstore.Query{Streams: streams, From: s.nowMillis() - quarter, To: math.MaxInt64, Backward: true, Limit: 1000, MaxBytes: maxPageBytes}
	if in.Time != nil { // around it, as AWS does
		at := millis(*in.Time, false)
		q.From, q.To = at-quarter/2, at+quarter/2
	}
	q.From = max(q.From, d.oldest(s.clock.Now()))
	r, err := s.store.Search(ctx, d.in(), q)
	if err != nil {
		return nil, err
	}
	g := &queried{doc: d, log: d.Account + ":" + d.Name, names: names}
	count := map[string]int{}
	for i := range r.Events {
		for name := range loginsight.Fields(g.event(&r.Events[i])) {
			if name != "@ptr" {
				count[name]++
			}
		}
	}
	out := &logs.GetLogGroupFieldsOutput{LogGroupFields: []types.LogGroupField{}}
	for name, n := range count {
		out.LogGroupFields = append(out.LogGroupFields, types.LogGroupField{Name: aws.String(name), Percent: int32(n * 100 / len(r.Events))})
	}
	slices.SortFunc(out.LogGroupFields, func(a, b types.LogGroupField) int {
		if a.Percent != b.Percent {
			return int(b.Percent - a.Percent)
		}
		return strings.Compare(*a.Name, *b.Name)
	})
	return out, nil
}
