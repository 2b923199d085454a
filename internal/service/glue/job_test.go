package glue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

// memoryStream is a stream of one shard.
type memoryStream struct {
	mu      sync.Mutex
	records []string
}

func (m *memoryStream) put(records ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, records...)
}

func (m *memoryStream) DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &kinesistypes.StreamDescriptionSummary{StreamCreationTimestamp: aws.Time(time.Unix(1, 0))}}, nil
}

func (m *memoryStream) ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	return &kinesis.ListShardsOutput{Shards: []kinesistypes.Shard{{ShardId: aws.String("s"), SequenceNumberRange: &kinesistypes.SequenceNumberRange{}}}}, nil
}

func (m *memoryStream) GetShardIterator(_ context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	at := "0"
	switch in.ShardIteratorType {
	case kinesistypes.ShardIteratorTypeAtSequenceNumber:
		n, _ := strconv.Atoi(*in.StartingSequenceNumber)
		at = strconv.Itoa(n - 1000)
	case kinesistypes.ShardIteratorTypeLatest, kinesistypes.ShardIteratorTypeAtTimestamp:
		m.mu.Lock()
		defer m.mu.Unlock()
		at = strconv.Itoa(len(m.records))
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: &at}, nil
}

func (m *memoryStream) GetRecords(_ context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, _ := strconv.Atoi(*in.ShardIterator)
	out := &kinesis.GetRecordsOutput{MillisBehindLatest: aws.Int64(0)}
	for ; at < len(m.records) && len(out.Records) < int(*in.Limit); at++ {
		out.Records = append(out.Records, kinesistypes.Record{
			Data: []byte(m.records[at]), SequenceNumber: aws.String(strconv.Itoa(at + 1000)), ApproximateArrivalTimestamp: aws.Time(time.Unix(2, 0)), PartitionKey: aws.String("k"),
		})
	}
	out.NextShardIterator = aws.String(strconv.Itoa(at))
	return out, nil
}

// eventually waits for a condition, moving the clock.
func eventually(t *testing.T, advance func(), what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
		advance()
	}
	t.Fatal("not within a minute: " + what)
}

func TestStreamingJob(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{}}
	stream := &memoryStream{}
	s, clock := newService(t, objects)
	s.cfg.Kinesis = stream
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	ctx := t.Context()
	name := aws.String("j")
	if _, err := s.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("lake")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateJob(ctx, &glue.CreateJobInput{
		Name: name, Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("gluestreaming")},
		CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
			"a": {DirectKinesisSource: &types.DirectKinesisSource{Name: aws.String("in"), WindowSize: aws.Int32(1), StreamingOptions: &types.KinesisStreamingSourceOptions{StreamName: aws.String("st"), StartingPosition: types.StartingPositionEarliest}}},
			"b": {S3GlueParquetTarget: &types.S3GlueParquetTarget{Name: aws.String("out"), Inputs: []string{"a"}, Path: aws.String("s3://b/x"), SchemaChangePolicy: &types.DirectSchemaChangePolicy{EnableUpdateCatalog: aws.Bool(true), Database: aws.String("lake"), Table: aws.String("T")}}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	state := func(id *string) *types.JobRun {
		out, err := s.GetJobRun(ctx, &glue.GetJobRunInput{JobName: name, RunId: id})
		if err != nil {
			t.Fatal(err)
		}
		return out.JobRun
	}
	advance := func() { clock.Advance(100 * time.Millisecond) }
	start := func() *string {
		t.Helper()
		out, err := s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.JobRunId
	}
	columns := func() string {
		out, err := s.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lake"), Name: aws.String("t")})
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, c := range out.Table.StorageDescriptor.Columns {
			all = append(all, *c.Name+" "+*c.Type)
		}
		return strings.Join(all, ",")
	}
	stream.put("{\n \"B\": 1,\n \"a\": \"x\"}", `{"B":2,"a":"y"}`)
	run := start()
	eventually(t, advance, "the table", func() bool {
		return columns() == "b bigint,a string" || columns() == "a string,b bigint" || aws.ToString(state(run).ErrorMessage) != ""
	})
	if m := aws.ToString(state(run).ErrorMessage); m != "" {
		t.Fatal(m)
	}
	stream.put(`{"B":1.5,"c":true}`)
	eventually(t, advance, "the new columns", func() bool {
		return strings.HasSuffix(columns(), ",c boolean") && strings.Contains(columns(), "b double")
	})
	if _, err := s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: name}); code(err) != "ConcurrentRunsExceededException" {
		t.Errorf("second run: %v", err)
	}
	parts, err := s.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("t")})
	if err != nil || len(parts.Partitions) != 1 || len(parts.Partitions[0].Values) != 4 {
		t.Errorf("partitions: %+v, %v", parts, err)
	}
	if _, err := s.BatchStopJobRun(ctx, &glue.BatchStopJobRunInput{JobName: name, JobRunIds: []string{*run}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, advance, "the stop", func() bool { return state(run).JobRunState == types.JobRunStateStopped })

	// The next run goes on where this one was, and a window under way is done again, once.
	stream.put(`{"B":7}`)
	cp, err := s.checkpoints.Modify(ctx, func(d *checkpointDoc) error {
		d.Intent = &intentDoc{At: time.UnixMilli(1700000000000).UTC(), Objects: []objectRef{{"b", "x/stale"}}, Until: map[string]shardreader.Place{"s": {After: "1003"}}}
		return nil
	}, "000000000000", "us-east-1", "j")
	if err != nil || cp.Records != 3 {
		t.Fatalf("checkpoint: %+v, %v", cp, err)
	}
	objects.mu.Lock()
	objects.objects["x/stale"] = "?"
	before := len(objects.objects)
	objects.mu.Unlock()
	eventually(t, advance, "the place of the run", func() bool {
		d, err := s.jobStates.Get("000000000000", "us-east-1", "j")
		return err == nil && len(d.Active) == 0
	})
	run = start()
	eventually(t, advance, "the window that was under way", func() bool {
		d, err := s.checkpoints.Get("000000000000", "us-east-1", "j")
		return err == nil && d.Intent == nil && d.Records == 4
	})
	objects.mu.Lock()
	if objects.objects["x/stale"] != "" || len(objects.objects) != before || objects.objects["x/ingest_year=2023/ingest_month=11/ingest_day=14/ingest_hour=22/run-1700000000000-part-block-0-r-00000-snappy.parquet"] == "" {
		t.Errorf("objects: %d, was %d", len(objects.objects), before)
	}
	objects.mu.Unlock()

	// It ends by itself when its time is over.
	if _, err := s.DeleteJob(ctx, &glue.DeleteJobInput{JobName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetJobRun(ctx, &glue.GetJobRunInput{JobName: name, RunId: run}); code(err) != "EntityNotFoundException" {
		t.Errorf("run of a deleted job: %v", err)
	}
}

func TestBatchJob(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{
		"in/a.json": `{"id":1,"city":"Rome","n":2}` + "\n" + `{"id":2,"city":"Oslo","n":5}`,
		"in/b.json": `{"id":3,"city":"Rome","n":9}`,
	}}
	s, clock := newService(t, objects)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	ctx, name := t.Context(), aws.String("j")
	in := &glue.CreateJobInput{
		Name: name, Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("glueetl")}, MaxRetries: 1,
		CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
			"a": {S3JsonSource: &types.S3JsonSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}}},
			"f": {Filter: &types.Filter{Name: aws.String("f"), Inputs: []string{"a"}, LogicalOperator: types.FilterLogicalOperatorAnd, Filters: []types.FilterExpression{{
				Operation: types.FilterOperationGt, Values: []types.FilterValue{{Type: types.FilterValueTypeColumnextracted, Value: []string{"n"}}, {Type: types.FilterValueTypeConstant, Value: []string{"3"}}},
			}}}},
			"t": {S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"f"}, Path: aws.String("s3://b/out"), Format: types.TargetFormatJson, PartitionKeys: [][]string{{"city"}}}},
		},
	}
	if _, err := s.CreateJob(ctx, in); err != nil {
		t.Fatal(err)
	}
	out, err := s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: name})
	if err != nil {
		t.Fatal(err)
	}
	advance := func() { clock.Advance(100 * time.Millisecond) }
	eventually(t, advance, "the end of the run", func() bool {
		r, err := s.GetJobRun(ctx, &glue.GetJobRunInput{JobName: name, RunId: out.JobRunId})
		return err == nil && r.JobRun.JobRunState == types.JobRunStateSucceeded
	})
	got := ""
	for k, v := range objects.objects {
		if strings.HasPrefix(k, "out/city=") {
			got += k[:13] + " " + v
		}
	}
	if !strings.Contains(got, "out/city=Oslo {\"id\":2,\"n\":5}\n") || !strings.Contains(got, "out/city=Rome {\"id\":3,\"n\":9}\n") {
		t.Errorf("objects: %s", got)
	}

	// What fails says why, and is tried again as another run.
	objects.mu.Lock()
	objects.missing = true
	objects.mu.Unlock()
	if out, err = s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: name}); err != nil {
		t.Fatal(err)
	}
	eventually(t, advance, "the second attempt", func() bool {
		r, err := s.GetJobRun(ctx, &glue.GetJobRunInput{JobName: name, RunId: aws.String(*out.JobRunId + "_attempt_1")})
		return err == nil && r.JobRun.JobRunState == types.JobRunStateFailed && strings.Contains(*r.JobRun.ErrorMessage, "NoSuchBucket") && *r.JobRun.PreviousRunId == *out.JobRunId
	})
}

func TestTriggers(t *testing.T) {
	s, clock := newService(t, &memoryObjects{objects: map[string]string{"in/a.json": `{"a":1}`}})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	ctx := t.Context()
	for _, name := range []string{"one", "two", "three", "four"} {
		if _, err := s.CreateJob(ctx, &glue.CreateJobInput{
			Name: aws.String(name), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("glueetl")},
			CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
				"a": {S3JsonSource: &types.S3JsonSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}}},
				"t": {S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"a"}, Path: aws.String("s3://b/" + name), Format: types.TargetFormatJson}},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateWorkflow(ctx, &glue.CreateWorkflowInput{Name: aws.String("w")}); err != nil {
		t.Fatal(err)
	}
	for _, in := range []*glue.CreateTriggerInput{
		{Name: aws.String("hourly"), Type: types.TriggerTypeScheduled, Schedule: aws.String("cron(0 * * * ? *)"), StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("one")}}},
		{Name: aws.String("after"), Type: types.TriggerTypeConditional, StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("two")}}, Predicate: &types.Predicate{Conditions: []types.Condition{{JobName: aws.String("one"), LogicalOperator: types.LogicalOperatorEquals, State: types.JobRunStateSucceeded}}}},
		{Name: aws.String("w1"), WorkflowName: aws.String("w"), Type: types.TriggerTypeOnDemand, Actions: []types.Action{{JobName: aws.String("two")}, {JobName: aws.String("three")}}},
		{Name: aws.String("w2"), WorkflowName: aws.String("w"), Type: types.TriggerTypeConditional, StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("four")}}, Predicate: &types.Predicate{Logical: types.LogicalAnd, Conditions: []types.Condition{{JobName: aws.String("two"), LogicalOperator: types.LogicalOperatorEquals, State: types.JobRunStateSucceeded}, {JobName: aws.String("three"), LogicalOperator: types.LogicalOperatorEquals, State: types.JobRunStateSucceeded}}}},
	} {
		if _, err := s.CreateTrigger(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(job string) string {
		out, err := s.GetJobRuns(ctx, &glue.GetJobRunsInput{JobName: aws.String(job)})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range out.JobRuns {
			all = append(all, fmt.Sprintf("%s by %s after %d", r.JobRunState, aws.ToString(r.TriggerName), len(r.PredecessorRuns)))
		}
		return strings.Join(all, "; ")
	}
	soon := func() {
		step := time.Minute
		if now := clock.Now(); now.Hour() == 8 && now.Minute() >= 58 {
			step = time.Millisecond // there is no second hour, however long the runs take
		}
		clock.Advance(step)
	}
	eventually(t, soon, "the scheduled run and the one behind it", func() bool {
		return strings.Contains(runs("one"), "SUCCEEDED by hourly") && strings.Contains(runs("two"), "SUCCEEDED by after after 1")
	})
	for _, name := range []string{"hourly", "after"} {
		if _, err := s.StopTrigger(ctx, &glue.StopTriggerInput{Name: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	// A job runs once at a time: the workflow could not start one that still runs for its trigger.
	eventually(t, func() { clock.Advance(time.Second) }, "the end of the runs before", func() bool {
		all := runs("one") + runs("two")
		return !strings.Contains(all, "STARTING") && !strings.Contains(all, "RUNNING") && !strings.Contains(all, "WAITING")
	})
	out, err := s.StartWorkflowRun(ctx, &glue.StartWorkflowRunInput{Name: aws.String("w")})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() { clock.Advance(time.Second) }, "the workflow", func() bool {
		r, err := s.GetWorkflowRun(ctx, &glue.GetWorkflowRunInput{Name: aws.String("w"), RunId: out.RunId})
		return err == nil && r.Run.Status == types.WorkflowRunStatusCompleted && r.Run.Statistics.SucceededActions == 3
	})
	if got := runs("four"); !strings.Contains(got, "SUCCEEDED by w2 after 2") {
		t.Errorf("runs of four: %s", got)
	}
	// What could never fire.
	one, none := aws.String("one"), aws.String("none")
	equals, succeeded := types.LogicalOperatorEquals, types.JobRunStateSucceeded
	for _, test := range []struct {
		action, condition *string
		crawler           *string
		operator          types.LogicalOperator
		want              string
	}{
		{one, none, nil, equals, "EntityNotFoundException"},
		{one, nil, none, equals, "EntityNotFoundException"},
		{none, one, nil, equals, "EntityNotFoundException"},
		{one, one, nil, equals, "Job cannot be a Predicate and Action for Conditional Trigger."},
		{one, aws.String("two"), nil, "", "Logical operator cannot be null or empty"},
		{one, aws.String("two"), nil, equals, ""},
	} {
		c := types.Condition{JobName: test.condition, CrawlerName: test.crawler, LogicalOperator: test.operator}
		if c.JobName != nil {
			c.State = succeeded
		} else {
			c.CrawlState = types.CrawlStateSucceeded
		}
		p := &types.Predicate{Conditions: []types.Condition{c}}
		_, err := s.CreateTrigger(t.Context(), &glue.CreateTriggerInput{Name: aws.String("x"), Type: types.TriggerTypeConditional, Actions: []types.Action{{JobName: test.action}}, Predicate: p})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.want, err)
		}
		if test.want == "" || test.action == none {
			continue
		}
		if _, err := s.UpdateTrigger(t.Context(), &glue.UpdateTriggerInput{Name: aws.String("after"), TriggerUpdate: &types.TriggerUpdate{Actions: []types.Action{{JobName: test.action}}, Predicate: p}}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("updated: %s: %v", test.want, err)
		}
	}
}
