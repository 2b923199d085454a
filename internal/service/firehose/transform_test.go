package firehose

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// fakeLambda runs a Go function as a function.
type fakeLambda struct {
	mu     sync.Mutex
	f      func(event lambdaEvent) any // an error, or what is answered
	events []lambdaEvent
}

func (l *fakeLambda) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e lambdaEvent
	if err := json.Unmarshal(in.Payload, &e); err != nil {
		return nil, err
	}
	l.events = append(l.events, e)
	switch v := l.f(e).(type) {
	case error:
		return nil, v
	case string:
		return &lambda.InvokeOutput{StatusCode: 200, FunctionError: aws.String("Unhandled"), Payload: []byte(v)}, nil
	default:
		b, err := json.Marshal(map[string]any{"records": v})
		return &lambda.InvokeOutput{StatusCode: 200, Payload: b}, err
	}
}

func (l *fakeLambda) set(f func(lambdaEvent) any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.f, l.events = f, nil
}

type answer struct {
	ID       string         `json:"recordId"`
	Result   string         `json:"result"`
	Data     string         `json:"data,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func lambdaProcessing(params ...string) *types.ProcessingConfiguration {
	p := types.Processor{Type: types.ProcessorTypeLambda}
	params = append([]string{"LambdaArn", "arn:aws:lambda:us-east-1:000000000000:function:f"}, params...)
	for i := 0; i < len(params); i += 2 {
		p.Parameters = append(p.Parameters, types.ProcessorParameter{ParameterName: types.ProcessorParameterName(params[i]), ParameterValue: &params[i+1]})
	}
	return &types.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []types.Processor{p}}
}

// errorLines counts the lines of error logs by code and by how many records they tell of.
type errorLines struct {
	mu    sync.Mutex
	lines map[string]int
}

func (l *errorLines) Log(_ ErrorPlace, _ time.Time, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e errorLine
	if json.Unmarshal([]byte(line), &e) == nil {
		records, _, _ := strings.Cut(e.Message, " ")
		l.lines[e.ErrorCode+" "+records]++
	}
}

func TestFunction(t *testing.T) {
	n := newNode(t)
	fn, told := new(fakeLambda), &errorLines{lines: map[string]int{}}
	n.bind(fn)
	n.svc.BindErrors(told)
	c := raw("b")
	c.Prefix, c.ErrorOutputPrefix = aws.String("data/!{partitionKeyFromLambda:kind}/"), aws.String("errors/!{firehose:error-output-type}/")
	c.BufferingHints = &types.BufferingHints{SizeInMBs: aws.Int32(64), IntervalInSeconds: aws.Int32(900)}
	c.DynamicPartitioningConfiguration = &types.DynamicPartitioningConfiguration{Enabled: aws.Bool(true)}
	c.ProcessingConfiguration = lambdaProcessing("BufferSizeInMBs", "1", "BufferIntervalInSeconds", "900", "NumberOfRetries", "1")
	c.CloudWatchLoggingOptions = &types.CloudWatchLoggingOptions{Enabled: aws.Bool(true), LogGroupName: aws.String("g"), LogStreamName: aws.String("l")}
	n.create(t, "s", c)
	fn.set(func(e lambdaEvent) any {
		var out []answer
		for _, r := range e.Records {
			a := answer{ID: r.ID, Result: "Ok", Data: encoded(strings.ToUpper(string(r.Data))), Metadata: map[string]any{"partitionKeys": map[string]any{"kind": string(r.Data[:1])}}}
			switch string(r.Data) {
			case "drop":
				a.Result = "Dropped"
			case "fail":
				a.Result = "ProcessingFailed"
			case "forget":
				continue
			case "twice":
				out = append(out, a)
			case "stray":
				out = append(out, answer{ID: "never sent", Result: "Ok", Data: encoded("s")})
			case "keyless":
				a.Metadata = nil
			case "odd":
				a.Result = "Perhaps"
			case "text":
				a.Data = "not base64!"
			}
			out = append(out, a)
		}
		return out
	})
	n.put(t, "s", "apple", "bean", "drop", "fail", "forget", "twice", "stray", "keyless", "odd", "text", "avocado")
	n.flush(t, "s")
	got, failed := map[string]string{}, map[string]string{}
	for k, v := range n.s3.all() {
		if strings.HasPrefix(k, "b/errors/processing-failed/") {
			for line := range bytes.Lines(v) {
				var e struct {
					RawData   []byte
					ErrorCode string
					LambdaArn string
				}
				if err := json.Unmarshal(line, &e); err != nil {
					t.Errorf("%s: %v", line, err)
				}
				failed[string(e.RawData)] = e.ErrorCode
			}
			continue
		}
		got[k[:strings.LastIndexByte(k, '/')]] = string(v)
	}
	want := map[string]string{"b/data/a": "APPLEAVOCADO", "b/data/b": "BEAN", "b/data/s": "STRAY"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("objects %v", got)
	}
	for raw, code := range map[string]string{
		"fail": "Lambda.ProcessingFailedStatus", "forget": "Lambda.MissingRecordId", "twice": "Lambda.DuplicatedRecordId", "s": "DynamicPartitioning.MetadataExtractionFailed",
		"KEYLESS": "DynamicPartitioning.MetadataExtractionFailed", "odd": "Lambda.InvalidReturnFormat", "text": "Lambda.InvalidReturnFormat",
	} {
		if failed[raw] != code {
			t.Errorf("%s failed with %q, want %q", raw, failed[raw], code)
		}
	}
	e := fn.events[0]
	if len(e.Records) != 11 || e.Region != "us-east-1" || !strings.HasSuffix(e.StreamARN, "deliverystream/s") || e.InvocationID == "" || e.Records[0].Arrival == 0 {
		t.Errorf("event %+v", e)
	}

	// A function that fails, then nothing but errors.
	fn.set(func(lambdaEvent) any { return "boom" })
	n.put(t, "s", "gone")
	n.flush(t, "s")
	fn.set(func(lambdaEvent) any { return errors.New("no network") })
	n.put(t, "s", "lost")
	n.flush(t, "s")
	var all []byte
	for k, v := range n.s3.all() {
		if strings.HasPrefix(k, "b/errors/") {
			all = append(all, v...)
		}
	}
	for _, s := range []string{`"attemptsMade":2`, "Lambda.FunctionError", "Lambda.InvocationFailed", encoded("gone"), encoded("lost"), `"lambdaArn":"arn:aws:lambda:us-east-1:000000000000:function:f"`} {
		if !bytes.Contains(all, []byte(s)) {
			t.Errorf("errors have no %s: %s", s, all)
		}
	}
	if l, err := n.svc.Lag(t.Context(), "s"); err != nil || l.Records != 0 || l.Delivered != 4 {
		t.Errorf("lag %+v, %v", l, err)
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	for _, line := range []string{
		"Lambda.ProcessingFailedStatus 1", "Lambda.MissingRecordId 1", "Lambda.DuplicatedRecordId 1", "DynamicPartitioning.MetadataExtractionFailed 2",
		"Lambda.InvalidReturnFormat 2", "Lambda.FunctionError 1",
	} {
		if told.lines[line] != 1 {
			t.Errorf("the error log has no line %s: %v", line, told.lines)
		}
	}
}

// TestFunctionMakesMoreRows delivers records with IDs that were not sent as rows of the record
// that they came with, and each once over restarts.
func TestFunctionMakesMoreRows(t *testing.T) {
	n := newNode(t)
	fn := &fakeLambda{f: func(e lambdaEvent) any {
		var out, late []answer
		for _, r := range e.Records {
			row := func(id, data string) answer { return answer{ID: id, Result: "Ok", Data: encoded(data + " ")} }
			text := string(r.Data)
			out = append(out, row(r.ID, text+".0"), row(r.ID+"_1", text+".1"), row("no ID of ours", text+".2"))
			late = append(late, row(r.ID+"_3", text+".3"), answer{ID: r.ID + "_4", Result: "Dropped"}, answer{ID: r.ID + "_5", Result: "ProcessingFailed"})
		}
		return append(out, late...)
	}}
	n.bind(fn)
	c := raw("b")
	c.ErrorOutputPrefix = aws.String("errors/")
	c.BufferingHints = &types.BufferingHints{SizeInMBs: aws.Int32(64), IntervalInSeconds: aws.Int32(900)}
	c.ProcessingConfiguration = lambdaProcessing("BufferSizeInMBs", "1", "BufferIntervalInSeconds", "0")
	n.create(t, "s", c)
	n.put(t, "s", "a", "b")
	n.put(t, "s", "c")
	for { // until it is transformed
		fn.mu.Lock()
		records := 0
		for _, e := range fn.events {
			records += len(e.Records)
		}
		fn.mu.Unlock()
		if records >= 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	n.stop(t)
	n.start(t)
	n.flush(t, "s")
	var text, failed string
	for k, v := range n.s3.all() {
		if strings.HasPrefix(k, "b/errors/") {
			failed += string(v)
		} else {
			text += string(v)
		}
	}
	if got, want := text, "a.0 a.1 a.2 a.3 b.0 b.1 b.2 b.3 c.0 c.1 c.2 c.3 "; got != want {
		t.Errorf("delivered %q, want %q", got, want)
	}
	if strings.Count(failed, "Lambda.ProcessingFailedStatus") != 3 || strings.Count(failed, `"rawData":"`+encoded("a")+`"`) != 1 {
		t.Errorf("failed: %s", failed)
	}
}

// TestFunctionRequestSize calls a function with no more than 6 MiB, however small the
// records are.
func TestFunctionRequestSize(t *testing.T) {
	n := newNode(t)
	largest := 0
	fn := &fakeLambda{f: func(e lambdaEvent) any {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		largest = max(largest, len(text))
		out := make([]answer, len(e.Records))
		for i, r := range e.Records {
			out[i] = answer{ID: r.ID, Result: "Dropped"}
		}
		return out
	}}
	n.bind(fn)
	st := &stream{s: n.svc}
	f := &lambdaFunction{st: st, d: &streamDoc{Name: "s"}, arn: "f"}
	batch := make([]recordplan.Outcome, 25_000)
	for i := range batch {
		batch[i] = recordplan.Outcome{Data: []byte("0123456789"), From: shardlog.Position{Frame: uint64(i)}}
	}
	out, err := f.Transform(t.Context(), batch)
	if err != nil || len(out) != len(batch) || len(fn.events) < 3 || largest > 6<<20 {
		t.Errorf("%d outcomes of %d calls of at most %d bytes, %v", len(out), len(fn.events), largest, err)
	}
	for i := range out {
		if out[i].Result != recordplan.Dropped || out[i].From.Frame != uint64(i) {
			t.Fatalf("outcome %d: %+v", i, out[i])
		}
	}
}

// TestFunctionRestart keeps what is transformed and not delivered, and what is not
// transformed, over a restart.
func TestFunctionRestart(t *testing.T) {
	n := newNode(t)
	fn := &fakeLambda{f: func(e lambdaEvent) any {
		var out []answer
		for _, r := range e.Records {
			out = append(out, answer{ID: r.ID, Result: "Ok", Data: encoded(string(r.Data) + "!")})
		}
		return out
	}}
	n.bind(fn)
	c := raw("b")
	c.ProcessingConfiguration = lambdaProcessing("BufferSizeInMBs", "1", "BufferIntervalInSeconds", "0")
	n.create(t, "s", c)
	n.put(t, "s", "one")
	for { // until it is transformed
		fn.mu.Lock()
		done := len(fn.events) > 0
		fn.mu.Unlock()
		if done {
			break
		}
		time.Sleep(time.Millisecond)
	}
	n.stop(t)
	n.start(t)
	n.put(t, "s", "two")
	n.flush(t, "s")
	var all []byte
	for _, v := range n.s3.all() {
		all = append(all, v...)
	}
	if s := string(all); s != "one!two!" && s != "two!one!" {
		t.Errorf("delivered %q", all)
	}
}

// TestFunctionAdded adds a function to a stream that had none.
func TestFunctionAdded(t *testing.T) {
	n := newNode(t)
	n.bind(&fakeLambda{f: func(e lambdaEvent) any {
		var out []answer
		for _, r := range e.Records {
			out = append(out, answer{ID: r.ID, Result: "Ok", Data: encoded(strings.ToUpper(string(r.Data)))})
		}
		return out
	}})
	n.create(t, "s", raw("b"))
	n.put(t, "s", "before ")
	update := &firehose.UpdateDestinationInput{
		DeliveryStreamName: aws.String("s"), CurrentDeliveryStreamVersionId: aws.String("1"), DestinationId: aws.String(destinationID),
		ExtendedS3DestinationUpdate: &types.ExtendedS3DestinationUpdate{
			ProcessingConfiguration: lambdaProcessing("BufferSizeInMBs", "1", "BufferIntervalInSeconds", "0"), S3BackupMode: types.S3BackupModeEnabled,
			S3BackupUpdate: &types.S3DestinationUpdate{RoleARN: aws.String("arn:aws:iam::000000000000:role/r"), BucketARN: aws.String("arn:aws:s3:::backup")},
		},
	}
	if _, err := n.UpdateDestination(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	n.put(t, "s", "after ")
	n.flush(t, "s")
	var main, backup []string
	for k, v := range n.s3.all() {
		if strings.HasPrefix(k, "backup/") {
			backup = append(backup, string(v))
		} else {
			main = append(main, string(v))
		}
	}
	slices.Sort(main)
	if !slices.Equal(main, []string{"AFTER ", "before "}) || !slices.Equal(backup, []string{"after "}) {
		t.Errorf("delivered %q, backed up %q", main, backup)
	}
	update.CurrentDeliveryStreamVersionId = aws.String("2")
	update.ExtendedS3DestinationUpdate = &types.ExtendedS3DestinationUpdate{S3BackupMode: types.S3BackupModeDisabled}
	if _, err := n.UpdateDestination(t.Context(), update); code(err) != "InvalidArgumentException" {
		t.Errorf("disabling the backup: %v", err)
	}
}

// TestFunctionStream puts the records of a Kinesis stream through a function, over a restart.
func TestFunctionStream(t *testing.T) {
	n := newNode(t)
	k := &fakeKinesis{batch: 3, shards: []*fakeShard{{id: "shardId-0"}, {id: "shardId-1"}}}
	fn := new(fakeLambda)
	n.bind(fn)
	n.svc.cfg.Kinesis, n.k = k, k
	shards := make(map[string]string)
	fn.set(func(e lambdaEvent) any {
		var out []answer
		for _, r := range e.Records {
			if r.Kinesis == nil || r.Kinesis.PartitionKey != "k" || r.Kinesis.Sequence == "" || r.Kinesis.Arrival == 0 {
				t.Errorf("of %q is told %+v", r.Data, r.Kinesis)
			} else {
				shards[string(r.Data)] = r.Kinesis.Shard
			}
			out = append(out, answer{ID: r.ID, Result: "Ok", Data: encoded(strings.ToUpper(string(r.Data)))})
		}
		return out
	})
	c := raw("b")
	c.BufferingHints = &types.BufferingHints{SizeInMBs: aws.Int32(1), IntervalInSeconds: aws.Int32(900)}
	c.ProcessingConfiguration = lambdaProcessing("BufferSizeInMBs", "1", "BufferIntervalInSeconds", "900")
	_, err := n.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String("s"), DeliveryStreamType: types.DeliveryStreamTypeKinesisStreamAsSource, ExtendedS3DestinationConfiguration: c,
		KinesisStreamSourceConfiguration: &types.KinesisStreamSourceConfiguration{
			KinesisStreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/k"), RoleARN: aws.String("arn:aws:iam::000000000000:role/r"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.flush(t, "s") // a source to which nothing was ever put has nothing to wait for
	for i, want := range []string{"a b c d", "a b c d e f"} {
		if i == 0 {
			k.put("shardId-0", "a ", "b ")
			k.put("shardId-1", "c ", "d ")
		} else {
			n.stop(t)
			n.start(t)
			k.put("shardId-1", "e ")
			k.put("shardId-0", "f ")
		}
		n.flush(t, "s")
		var all []string
		for _, v := range n.s3.all() {
			all = append(all, strings.Fields(strings.ToLower(string(v)))...)
		}
		slices.Sort(all)
		if got := strings.Join(all, " "); got != want {
			t.Errorf("delivered %s, want %s", got, want)
		}
	}
	if shards["a "] != "shardId-0" || shards["e "] != "shardId-1" {
		t.Errorf("shards: %v", shards)
	}
}

// TestFunctionUndecompressed: what cannot be unpacked does not reach the function, and goes
// where it goes without one.
func TestFunctionUndecompressed(t *testing.T) {
	n := newNode(t)
	fn := new(fakeLambda)
	n.bind(fn)
	fn.set(func(lambdaEvent) any { return []answer{} })
	c := raw("b")
	c.ErrorOutputPrefix = aws.String("errors/!{firehose:error-output-type}/")
	c.ProcessingConfiguration = lambdaProcessing("BufferSizeInMBs", "1", "BufferIntervalInSeconds", "0")
	c.ProcessingConfiguration.Processors = append(c.ProcessingConfiguration.Processors, types.Processor{Type: types.ProcessorTypeDecompression})
	n.create(t, "s", c)
	n.put(t, "s", "plain")
	n.flush(t, "s")
	for k := range n.s3.all() {
		if !strings.Contains(k, "errors/decompression-failed/") {
			t.Errorf("object %s", k)
		}
	}
	if len(n.s3.all()) != 1 || len(fn.events) != 0 {
		t.Errorf("%d objects, %d calls", len(n.s3.all()), len(fn.events))
	}
}
