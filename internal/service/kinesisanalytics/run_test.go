package kinesisanalytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	api "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/nodeapi"
	kinesissvc "github.com/brookmere/brookmere/internal/service/kinesis"
)

// fixture is the service over streams of the Kinesis of this program.
type fixture struct {
	*Service
	t       testing.TB
	cfg     Config
	kinesis *kinesissvc.Service
}

// stores are what a service keeps its applications and records in.
func stores(t testing.TB) (*state.Store, *shardlog.Log) {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	log, err := shardlog.Open(t.Context(), b, shardlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return st, log
}

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	st, log := stores(t)
	k, err := kinesissvc.New(kinesissvc.Config{State: st, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close(context.Background()) })
	f := &fixture{t: t, kinesis: k, cfg: Config{State: st, Log: log, Kinesis: k, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}
	for _, c := range change {
		c(&f.cfg)
	}
	f.open()
	t.Cleanup(func() { f.close() })
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	var err error
	if f.Service, err = New(f.cfg); err != nil {
		f.t.Fatal(err)
	}
	if err := f.Start(context.Background()); err != nil {
		f.t.Fatal(err)
	}
}

// close ends the service as a crash would: nothing is written down for it.
func (f *fixture) close() {
	if err := f.Close(context.Background()); err != nil {
		f.t.Errorf("close: %v", err)
	}
}

func (f *fixture) stream(name string, shards int32) {
	f.t.Helper()
	if _, err := f.kinesis.CreateStream(f.t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards}); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("stream "+name, func() bool {
		out, err := f.kinesis.DescribeStreamSummary(f.t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
		return err == nil && out.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive
	})
}

func (f *fixture) eventually(what string, holds func() bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(end) {
			f.t.Fatalf("%s: not in time", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (f *fixture) put(stream string, data ...string) {
	f.t.Helper()
	in := &kinesis.PutRecordsInput{StreamName: &stream}
	for i, d := range data {
		in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{Data: []byte(d), PartitionKey: aws.String(fmt.Sprint(d, i))})
	}
	if _, err := f.kinesis.PutRecords(f.t.Context(), in); err != nil {
		f.t.Fatal(err)
	}
}

// read is what a stream has now.
func (f *fixture) read(stream string) []string {
	f.t.Helper()
	var mu sync.Mutex
	var all []string
	r := shardreader.New(shardreader.Kinesis(f.kinesis, stream), nil, shardreader.Options{})
	defer r.Close()
	err := r.Run(f.t.Context(), nil, shardreader.Tip, func(ctx context.Context, sh *shardreader.Shard[kinesistypes.Record]) error {
		for {
			records, err := sh.Next(ctx, shardreader.Limits{})
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			for i := range records {
				all = append(all, string(records[i].Data))
			}
			mu.Unlock()
		}
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

const testRole = "arn:aws:iam::000000000000:role/analytics"

func streamARN(name string) *string {
	return aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/" + name)
}

// application makes an application of one input, with outputs by stream of the application.
func (f *fixture) application(code string, columns [][2]string, outputs map[string]string, change ...func(*api.CreateApplicationInput)) {
	f.t.Helper()
	schema := &types.SourceSchema{RecordFormat: &types.RecordFormat{RecordFormatType: types.RecordFormatTypeJson}}
	for _, c := range columns {
		schema.RecordColumns = append(schema.RecordColumns, types.RecordColumn{Name: aws.String(c[0]), SqlType: aws.String(c[1]), Mapping: aws.String("$." + c[0])})
	}
	in := &api.CreateApplicationInput{
		ApplicationName: aws.String("app"), ApplicationCode: &code,
		Inputs: []types.Input{{
			NamePrefix: aws.String("SOURCE"), InputSchema: schema,
			KinesisStreamsInput: &types.KinesisStreamsInput{ResourceARN: streamARN("in"), RoleARN: aws.String(testRole)},
		}},
	}
	for name, stream := range outputs {
		in.Outputs = append(in.Outputs, types.Output{
			Name: &name, DestinationSchema: &types.DestinationSchema{RecordFormatType: types.RecordFormatTypeJson},
			KinesisStreamsOutput: &types.KinesisStreamsOutput{ResourceARN: streamARN(stream), RoleARN: aws.String(testRole)},
		})
	}
	for _, c := range change {
		c(in)
	}
	if _, err := f.CreateApplication(f.t.Context(), in); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) start(position types.InputStartingPosition) {
	f.t.Helper()
	_, err := f.StartApplication(f.t.Context(), &api.StartApplicationInput{ApplicationName: aws.String("app"), InputConfigurations: []types.InputConfiguration{{
		Id: aws.String("1.1"), InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: position},
	}}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.await(types.ApplicationStatusRunning)
}

func (f *fixture) describe() *types.ApplicationDetail {
	f.t.Helper()
	out, err := f.DescribeApplication(f.t.Context(), &api.DescribeApplicationInput{ApplicationName: aws.String("app")})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.ApplicationDetail
}

func (f *fixture) await(status types.ApplicationStatus) {
	f.t.Helper()
	f.eventually(string(status), func() bool { return f.describe().ApplicationStatus == status })
}

const eachAndSeconds = `
CREATE OR REPLACE STREAM "EVERY" ("id" INTEGER, "name" VARCHAR(16), "at" TIMESTAMP);
CREATE OR REPLACE PUMP "EVERY_PUMP" AS INSERT INTO "EVERY" SELECT STREAM "id", "name", "ROWTIME" FROM "SOURCE_001";
CREATE OR REPLACE STREAM "SECONDS" ("name" VARCHAR(16), "at" TIMESTAMP, "n" BIGINT, "total" BIGINT);
CREATE OR REPLACE PUMP "SECONDS_PUMP" AS INSERT INTO "SECONDS"
  SELECT STREAM "name", FLOOR("SOURCE_001"."ROWTIME" TO SECOND), COUNT(*), SUM("id") FROM "SOURCE_001" GROUP BY FLOOR("SOURCE_001"."ROWTIME" TO SECOND), "name";
`

type everyRow struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	At   string `json:"at"`
}

type secondsRow struct {
	Name  string `json:"name"`
	At    string `json:"at"`
	N     int    `json:"n"`
	Total int    `json:"total"`
}

func rows[T any](t testing.TB, data []string) []T {
	t.Helper()
	out := make([]T, len(data))
	for i := range data {
		if err := json.Unmarshal([]byte(data[i]), &out[i]); err != nil {
			t.Fatalf("%s: %v", data[i], err)
		}
	}
	return out
}

// TestOnce restarts the service again and again, without a goodbye, while records come in: each is in one
// output once, and the windows of the other are those of the first.
func TestOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.stream("in", 2)
	f.stream("every", 1)
	f.stream("seconds", 1)
	f.application(eachAndSeconds, [][2]string{{"id", "INTEGER"}, {"name", "VARCHAR(16)"}}, map[string]string{"EVERY": "every", "SECONDS": "seconds"})
	f.start(types.InputStartingPositionTrimHorizon)
	const restarts, batch = 6, 20
	id := 0
	for round := range restarts {
		shards := int32(3 - round%2) // splits and merges
		_, err := f.kinesis.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{
			StreamName: aws.String("in"), TargetShardCount: &shards, ScalingType: kinesistypes.ScalingTypeUniformScaling,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			var data []string
			for range batch {
				id++
				data = append(data, fmt.Sprintf(`{"id":%d,"name":"n%d"}`, id, id%3))
			}
			f.put("in", data...)
			time.Sleep(time.Duration(round*5) * time.Millisecond) // what makes rounds differ
		}
		f.close()
		if round%2 == 0 {
			f.put("in", fmt.Sprintf(`{"id":%d,"name":"down"}`, id+1))
			id++
		}
		f.open()
	}
	total := 0
	f.eventually("all rows", func() bool {
		total = 0
		for _, r := range rows[secondsRow](t, f.read("seconds")) {
			total += r.N
		}
		return total >= id && len(f.read("every")) >= id
	})
	seen := map[int]int{}
	want := map[string]secondsRow{}
	for _, r := range rows[everyRow](t, f.read("every")) {
		if seen[r.ID]++; seen[r.ID] > 1 {
			t.Errorf("record %d is there %d times", r.ID, seen[r.ID])
		}
		at, _, _ := strings.Cut(r.At, ".")
		w := want[r.Name+at]
		want[r.Name+at] = secondsRow{r.Name, at + ".000", w.N + 1, w.Total + r.ID}
	}
	if len(seen) != id {
		t.Errorf("%d records are in the output, not %d", len(seen), id)
	}
	got := map[string]bool{}
	for _, r := range rows[secondsRow](t, f.read("seconds")) {
		at, _, _ := strings.Cut(r.At, ".")
		if got[r.Name+at] {
			t.Errorf("window %s of %s is there more than once", r.At, r.Name)
		}
		got[r.Name+at] = true
		if r != want[r.Name+at] {
			t.Errorf("window %+v, want %+v", r, want[r.Name+at])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d windows, want %d", len(got), len(want))
	}
}

// unsure is a Kinesis whose puts fail although they are done, or are not, or partly.
type unsure struct {
	*kinesissvc.Service
	mu    sync.Mutex
	calls int
}

func (u *unsure) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	u.mu.Lock()
	u.calls++
	n := u.calls
	u.mu.Unlock()
	switch n % 4 {
	case 1: // done, and nobody is told
		if _, err := u.Service.PutRecords(ctx, in); err != nil {
			return nil, err
		}
		return nil, errors.New("connection reset")
	case 2: // a part is done, and nobody is told
		half := *in
		half.Records = in.Records[:len(in.Records)/2]
		if len(half.Records) > 0 {
			if _, err := u.Service.PutRecords(ctx, &half); err != nil {
				return nil, err
			}
		}
		return nil, errors.New("connection reset")
	case 3: // nothing is done
		return nil, errors.New("connection refused")
	}
	return u.Service.PutRecords(ctx, in)
}

// GetShardIterator lets no role read an output, as the policy that AWS's guide gives does not.
func (u *unsure) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	if c := awswire.CallerFrom(ctx); c.Principal != "" && *in.StreamARN == *streamARN("every") {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: c.Principal + " is not authorized to perform: kinesis:GetShardIterator"}
	}
	return u.Service.GetShardIterator(ctx, in)
}

// TestUnsure has an output whose calls fail without telling what was done.
func TestUnsure(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.Kinesis = &unsure{Service: c.Kinesis.(*kinesissvc.Service)} })
	f.stream("in", 1)
	f.stream("every", 2)
	f.application(eachAndSeconds, [][2]string{{"id", "INTEGER"}, {"name", "VARCHAR(16)"}}, map[string]string{"EVERY": "every"})
	f.start(types.InputStartingPositionTrimHorizon)
	const n = 60
	for id := range n {
		f.put("in", fmt.Sprintf(`{"id":%d,"name":"x"}`, id))
	}
	f.eventually("all rows", func() bool { return len(f.read("every")) >= n })
	f.stop()
	seen := map[int]int{}
	for _, r := range rows[everyRow](t, f.read("every")) {
		seen[r.ID]++
	}
	for id := range n {
		if seen[id] != 1 {
			t.Errorf("record %d is there %d times", id, seen[id])
		}
	}
}

func (f *fixture) stop() {
	f.t.Helper()
	if _, err := f.StopApplication(f.t.Context(), &api.StopApplicationInput{ApplicationName: aws.String("app")}); err != nil {
		f.t.Fatal(err)
	}
	f.await(types.ApplicationStatusReady)
}

const totals = `
CREATE OR REPLACE STREAM "EVERY" ("id" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "EVERY" SELECT STREAM "id" FROM "SOURCE_001";
`

// TestPositions starts, stops and changes an application, and follows which records it sees.
func TestPositions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.stream("in", 1)
	f.stream("every", 1)
	f.application(totals, [][2]string{{"id", "INTEGER"}}, map[string]string{"EVERY": "every"})
	next := 0
	put := func() {
		next++
		f.put("in", fmt.Sprintf(`{"id":%d}`, next))
	}
	expect := func(want ...int) {
		t.Helper()
		f.eventually(fmt.Sprint(want), func() bool { return len(f.read("every")) >= len(want) })
		var got []int
		for _, r := range rows[everyRow](t, f.read("every")) {
			got = append(got, r.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("ids %v, want %v", got, want)
		}
	}
	put()
	time.Sleep(5 * time.Millisecond) // NOW is a later millisecond
	f.start(types.InputStartingPositionNow)
	put()
	expect(2)
	f.stop()
	put()
	f.start(types.InputStartingPositionLastStoppedPoint)
	put()
	expect(2, 3, 4)
	// A change of the code while it runs goes on with the input.
	d := f.describe()
	code := strings.ReplaceAll(totals, `SELECT STREAM "id"`, `SELECT STREAM "id" + 100`)
	_, err := f.UpdateApplication(t.Context(), &api.UpdateApplicationInput{
		ApplicationName: aws.String("app"), CurrentApplicationVersionId: d.ApplicationVersionId, ApplicationUpdate: &types.ApplicationUpdate{ApplicationCodeUpdate: &code},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.await(types.ApplicationStatusRunning)
	put()
	expect(2, 3, 4, 105)
	f.close()
	f.open()
	put()
	expect(2, 3, 4, 105, 106)
	f.stop()
	f.start(types.InputStartingPositionTrimHorizon)
	expect(2, 3, 4, 105, 106, 101, 102, 103, 104, 105, 106)
	d = f.describe()
	if _, err := f.DeleteApplication(t.Context(), &api.DeleteApplicationInput{ApplicationName: aws.String("app"), CreateTimestamp: d.CreateTimestamp}); err != nil {
		t.Fatal(err)
	}
	f.eventually("deletion", func() bool {
		_, err := f.DescribeApplication(t.Context(), &api.DescribeApplicationInput{ApplicationName: aws.String("app")})
		return isNotFound(err)
	})
	left, err := f.cfg.Log.Shards(t.Context(), "kinesisanalytics/")
	if err != nil || len(left) > 0 {
		t.Errorf("logs of progress %v are left, %v", left, err)
	}
}

// TestWindowCloses measures how long after the end of a window its row is in the output, without a further
// record.
func TestWindowCloses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.stream("in", 2)
	f.stream("seconds", 1)
	f.application(eachAndSeconds, [][2]string{{"id", "INTEGER"}, {"name", "VARCHAR(16)"}}, map[string]string{"SECONDS": "seconds"})
	f.start(types.InputStartingPositionNow)
	f.put("in", `{"id":1,"name":"x"}`)
	var records []kinesistypes.Record
	f.eventually("the window", func() bool {
		it, err := f.kinesis.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String("seconds"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.kinesis.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
		if err != nil {
			t.Fatal(err)
		}
		records = out.Records
		return len(records) > 0
	})
	row := rows[secondsRow](t, []string{string(records[0].Data)})[0]
	begun, err := time.Parse("2006-01-02 15:04:05.000", row.At)
	if err != nil {
		t.Fatal(err)
	}
	after := records[0].ApproximateArrivalTimestamp.Sub(begun.Add(time.Second))
	t.Logf("the row arrived %v after the end of its window", after)
	if after < 0 || after > 2*time.Second { // 200 ms where the machine has nothing else to do
		t.Errorf("the row of a window arrived %v after its end", after)
	}
}

const narrowed = `
CREATE OR REPLACE STREAM "NARROW" ("id" SMALLINT);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "NARROW" SELECT STREAM "id" FROM "SOURCE_001";
`

// TestRowErrorsAreTold looks at the list of applications: rows that did not fit are counted, over a restart too, and the
// last of them is shown.
func TestRowErrorsAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.stream("in", 1)
	f.stream("narrow", 1)
	f.application(narrowed, [][2]string{{"id", "INTEGER"}}, map[string]string{"NARROW": "narrow"})
	f.start(types.InputStartingPositionTrimHorizon)
	f.put("in", `{"id":1}`, `{"id":40000}`, `{"id":-40001}`)
	told := func() (a nodeapi.Application) {
		w := httptest.NewRecorder()
		f.serveList(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		all := []nodeapi.Application{}
		if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all) != 1 {
			t.Fatalf("%v: %s", err, w.Body)
		}
		return all[0]
	}
	f.eventually("the errors", func() bool { return told().RowErrors == 2 })
	last := told().LastRowError
	if last == nil || last.Name != "NUMERIC_VALUE_OUT_OF_RANGE" || !strings.Contains(last.Message, "4000") || last.Pump != "P" || last.Time.IsZero() {
		t.Errorf("the last error is %+v", last)
	}
	f.close()
	f.open()
	f.eventually("the errors after a crash", func() bool { return told().RowErrors == 2 })
}
