package logs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// newService is a service on a log and documents of the test's own.
func newService(t testing.TB, set func(*Config)) *Service {
	t.Helper()
	dir := t.TempDir()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := shardlog.Open(t.Context(), b, shardlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{State: st, Log: l, Dir: filepath.Join(dir, "index")}
	if set != nil {
		set(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		l.Close()
		st.Close()
		b.Close()
	})
	return s
}

// fill makes a group with a stream and puts lines into it.
func fill(t testing.TB, s *Service, group, stream string, at time.Time, lines ...string) {
	t.Helper()
	ctx := t.Context()
	if _, err := s.CreateLogGroup(ctx, &logs.CreateLogGroupInput{LogGroupName: &group}); err != nil && !isExisting(err) {
		t.Fatal(err)
	}
	if _, err := s.CreateLogStream(ctx, &logs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}); err != nil && !isExisting(err) {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		return
	}
	in := &logs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for i, l := range lines {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli() + int64(i)), Message: aws.String(l)})
	}
	if _, err := s.PutLogEvents(ctx, in); err != nil {
		t.Fatal(err)
	}
}

// ask runs a query to its end.
func ask(t *testing.T, s *Service, text string, groups ...string) *logs.GetQueryResultsOutput {
	t.Helper()
	now := time.Now().Unix()
	q, err := s.StartQuery(t.Context(), &logs.StartQueryInput{LogGroupNames: groups, StartTime: aws.Int64(now - 3600), EndTime: aws.Int64(now + 60), QueryString: &text})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return ended(t, s, q.QueryId)
}

// ended returns what a query has when it has ended.
func ended(t *testing.T, s *Service, id *string) *logs.GetQueryResultsOutput {
	t.Helper()
	for {
		r, err := s.GetQueryResults(t.Context(), &logs.GetQueryResultsInput{QueryId: id})
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != types.QueryStatusRunning {
			return r
		}
		time.Sleep(time.Millisecond)
	}
}

func shown(r *logs.GetQueryResultsOutput) string {
	out := string(r.Status)
	for _, row := range r.Results {
		out += ";"
		for _, f := range row {
			if *f.Field != "@ptr" {
				out += fmt.Sprintf(" %s=%s", *f.Field, *f.Value)
			}
		}
	}
	return out
}

func TestQueriesOfGroups(t *testing.T) {
	s := newService(t, nil)
	at := time.Now().Add(-time.Minute)
	fill(t, s, "a", "s", at, `{"level": "ERROR", "ms": 5}`, `{"level": "INFO", "ms": 7}`)
	fill(t, s, "b", "s", at.Add(time.Second), `{"level": "ERROR", "ms": 6}`)
	for text, want := range map[string]string{
		"fields ms | limit 2":                                "Complete; ms=6; ms=7",
		"filter @message like 'ERROR' | fields ms":           "Complete; ms=6; ms=5",
		"stats count(*) as n, sum(ms) as ms by level":        "Complete; level=ERROR n=2 ms=11; level=INFO n=1 ms=7",
		"fields @log, @logStream | sort ms asc | limit 1":    "Complete; @log=000000000000:a @logStream=s",
		"filter level = 'NONE' | fields @message | limit 10": "Complete",
	} {
		if got := shown(ask(t, s, text, "a", "b")); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	r := ask(t, s, "fields ms | filter ms = 5", "a", "b")
	if r.Statistics.RecordsScanned != 3 || r.Statistics.RecordsMatched != 1 {
		t.Errorf("statistics: %+v", *r.Statistics)
	}
	ptr := r.Results[0][len(r.Results[0])-1]
	rec, err := s.GetLogRecord(t.Context(), &logs.GetLogRecordInput{LogRecordPointer: ptr.Value})
	if err != nil || rec.LogRecord["level"] != "ERROR" || rec.LogRecord["@logStream"] != "s" {
		t.Errorf("%s %s: %v, %v", *ptr.Field, *ptr.Value, rec, err)
	}
	f, err := s.GetLogGroupFields(t.Context(), &logs.GetLogGroupFieldsInput{LogGroupName: aws.String("a")})
	if err != nil || len(f.LogGroupFields) != 7 || f.LogGroupFields[0].Percent != 100 {
		t.Errorf("fields: %+v, %v", f, err)
	}
	if _, err := s.StartQuery(t.Context(), &logs.StartQueryInput{LogGroupName: aws.String("a"), StartTime: aws.Int64(0), EndTime: aws.Int64(1), QueryString: aws.String("pattern @message")}); err == nil ||
		!strings.HasPrefix(err.Error(), "MalformedQueryException: the command pattern is not supported: use parse") {
		t.Errorf("a command that there is not: %v", err)
	}
	for text, want := range map[string]string{
		"SOURCE logGroups() | stats count(*) as n":                                                   "Complete; n=3",
		"SOURCE logGroups(namePrefix: ['b', 'c']) | stats count(*) as n":                             "Complete; n=1",
		"SOURCE logGroups(accountIdentifiers: ['000000000000'], namePrefix: ['a']) | stats count(*)": "Complete; count(*)=2",
	} {
		if got := shown(ask(t, s, text)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	far, err := s.StartQuery(t.Context(), &logs.StartQueryInput{LogGroupName: aws.String("a"), StartTime: aws.Int64(0), EndTime: aws.Int64(math.MaxInt64), QueryString: aws.String("stats count(*) as n")})
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(ended(t, s, far.QueryId)); got != "Complete; n=2" {
		t.Errorf("up to the end of time: %s", got)
	}
	for text, names := range map[string][]string{
		"SOURCE logGroups() | stats count(*)": {"a"}, "SOURCE logGroups(namePrefix: ['c'])": nil, "SOURCE logGroups(class: ['INFREQUENT_ACCESS'])": nil,
		"SOURCE logGroups(accountIdentifiers: ['111122223333'])": nil,
	} {
		_, err := s.StartQuery(t.Context(), &logs.StartQueryInput{LogGroupNames: names, StartTime: aws.Int64(0), EndTime: aws.Int64(1), QueryString: &text})
		var bad *types.InvalidParameterException
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", text, err)
		}
	}
	asked := s.sourceARNs(awswire.Caller{Account: "000000000000", Region: "us-east-1"}, &logs.StartQueryInput{QueryString: aws.String("SOURCE logGroups()")})
	if len(asked) != 2 || asked[1] != "arn:aws:logs:us-east-1:000000000000:log-group:b:log-stream:" {
		t.Errorf("policies are asked about %v", asked)
	}
	d, err := s.DescribeQueries(t.Context(), &logs.DescribeQueriesInput{LogGroupName: aws.String("b")})
	if err != nil || len(d.Queries) != 8 {
		t.Errorf("%d queries, %v", len(d.Queries), err)
	}
}
