package glue

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/etl"
)

// datedObjects have the times that a test gives them.
type datedObjects struct {
	*memoryObjects
	at map[string]time.Time
}

func (d *datedObjects) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out, err := d.memoryObjects.ListObjectsV2(ctx, in, o...)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		for i := range out.Contents {
			out.Contents[i].LastModified = aws.Time(d.at[*out.Contents[i].Key])
		}
	}
	return out, err
}

func (d *datedObjects) put(key, body string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.objects[key], d.at[key] = body, at
}

// taken are the objects below a prefix, which are removed.
func (d *datedObjects) taken(prefix string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for k, body := range d.objects {
		if strings.HasPrefix(k, prefix) {
			all = append(all, body)
			delete(d.objects, k)
		}
	}
	return strings.ReplaceAll(strings.TrimSpace(strings.Join(all, "")), "\n", ";")
}

// TestJobBookmarks: runs read what no earlier one has read, also of the time of the newest, no more than a bound says,
// oldest first; a run that pauses the bookmark leaves it.
func TestJobBookmarks(t *testing.T) {
	objects := &datedObjects{&memoryObjects{objects: map[string]string{"out/": ""}}, map[string]time.Time{}}
	s, clock := newService(t, objects)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	objects.put("in/c.json", `{"n":3}`, begin)
	objects.put("in/b.json", `{"n":2}`, begin)
	objects.put("in/a.json", `{"n":1}`, begin.Add(time.Hour))
	if _, err := s.CreateJob(t.Context(), &glue.CreateJobInput{
		Name: aws.String("j"), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("glueetl")},
		DefaultArguments: map[string]string{"--job-bookmark-option": "job-bookmark-enable"},
		CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
			"in":  {S3JsonSource: &types.S3JsonSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}, AdditionalOptions: &types.S3DirectSourceAdditionalOptions{BoundedFiles: aws.Int64(2)}}},
			"out": {S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"in"}, Path: aws.String("s3://b/out"), Format: types.TargetFormatJson}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	run := func(arguments map[string]string) string {
		t.Helper()
		out, err := s.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("j"), Arguments: arguments})
		if err != nil {
			t.Fatal(err)
		}
		var got *glue.GetJobRunOutput
		eventually(t, func() { clock.Advance(time.Second) }, "the run", func() bool {
			got, err = s.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("j"), RunId: out.JobRunId})
			return err == nil && got.JobRun.CompletedOn != nil
		})
		if got.JobRun.JobRunState != types.JobRunStateSucceeded {
			return aws.ToString(got.JobRun.ErrorMessage)
		}
		return objects.taken("out/run-")
	}
	paused := map[string]string{"--job-bookmark-option": "job-bookmark-pause"}
	for i, step := range []struct {
		arguments map[string]string
		want      string
	}{
		{paused, `{"n":2};{"n":3}`},
		{nil, `{"n":2};{"n":3}`},
		{nil, `{"n":1}`},
		{nil, ``},
	} {
		if got := run(step.arguments); got != step.want {
			t.Errorf("run %d: %q, want %q", i, got, step.want)
		}
	}
	objects.put("in/d.json", `{"n":4}`, begin.Add(time.Hour)) // of the time of the newest
	if got := run(paused); got != `{"n":4}` {
		t.Errorf("paused: %q", got)
	}
	if got := run(nil); got != `{"n":4}` {
		t.Errorf("of the same time: %q", got)
	}
	objects.put("in/b.json", `{"n":5}`, begin.Add(2*time.Hour)) // it was changed
	if got := run(nil); got != `{"n":5}` {
		t.Errorf("changed: %q", got)
	}
	if got := run(map[string]string{"--job-bookmark-option": "on"}); !strings.Contains(got, `"on" is neither`) {
		t.Errorf("an option that does not exist: %q", got)
	}
	if got := run(map[string]string{"--job-bookmark-option": "job-bookmark-pause", "--job-bookmark-from": "jr_1"}); !strings.Contains(got, "job-bookmark-from is not supported") {
		t.Errorf("from: %q", got)
	}
	if _, err := s.ResetJobBookmark(t.Context(), &glue.ResetJobBookmarkInput{JobName: aws.String("j")}); err != nil {
		t.Fatal(err)
	}
	if got := run(nil); got != `{"n":3};{"n":1}` {
		t.Errorf("after a reset: %q", got)
	}
}

// TestNodeOptions: what a node says that cannot be done is refused with its name.
func TestNodeOptions(t *testing.T) {
	s, _ := newService(t, &memoryObjects{objects: map[string]string{}})
	csv := func(change func(*types.S3CsvSource)) types.CodeGenConfigurationNode {
		v := &types.S3CsvSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}, Separator: types.SeparatorComma, QuoteChar: types.QuoteCharQuote}
		change(v)
		return types.CodeGenConfigurationNode{S3CsvSource: v}
	}
	json := func(path string) types.CodeGenConfigurationNode {
		return types.CodeGenConfigurationNode{S3JsonSource: &types.S3JsonSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}, JsonPath: &path}}
	}
	join := func(columns ...types.JoinColumn) types.CodeGenConfigurationNode {
		return types.CodeGenConfigurationNode{Join: &types.Join{Name: aws.String("j"), Inputs: []string{"a", "other"}, JoinType: types.JoinTypeLeft, Columns: columns}}
	}
	column := func(from string) types.JoinColumn {
		return types.JoinColumn{From: &from, Keys: [][]string{{"id"}}}
	}
	for _, test := range []struct {
		source, transform types.CodeGenConfigurationNode
		parts, want       string
	}{
		{csv(func(v *types.S3CsvSource) { v.QuoteChar = types.QuoteCharQuillemet }), types.CodeGenConfigurationNode{}, "", `quote character "quillemet"`},
		{csv(func(v *types.S3CsvSource) { v.Escaper = aws.String("ab") }), types.CodeGenConfigurationNode{}, "", "more than one character"},
		{csv(func(v *types.S3CsvSource) { v.Escaper = aws.String(",") }), types.CodeGenConfigurationNode{}, "", "must differ"},
		{csv(func(v *types.S3CsvSource) {
			v.AdditionalOptions = &types.S3DirectSourceAdditionalOptions{BoundedSize: aws.Int64(-1)}
		}), types.CodeGenConfigurationNode{}, "", "not negative"},
		{csv(func(v *types.S3CsvSource) {
			v.QuoteChar, v.Escaper, v.Multiline, v.CompressionType = types.QuoteCharSingleQuote, aws.String(`\`), aws.Bool(true), types.CompressionTypeGzip
		}), types.CodeGenConfigurationNode{}, "3", ""},
		{json("$.a[0]"), types.CodeGenConfigurationNode{}, "", "JsonPath"},
		{json("$.Records[*]"), types.CodeGenConfigurationNode{}, "many", "NumberTargetPartitions"},
		{json("$.Records[*]"), types.CodeGenConfigurationNode{Aggregate: &types.Aggregate{Name: aws.String("g"), Inputs: []string{"a"}, Groups: [][]string{}, Aggs: []types.AggregateOperation{{Column: []string{"x"}, AggFunc: types.AggFunctionKurtosis}}}}, "", ""},
		{json(""), types.CodeGenConfigurationNode{FillMissingValues: &types.FillMissingValues{Name: aws.String("f"), Inputs: []string{"a"}, ImputedPath: aws.String("x"), FilledPath: aws.String("y.z")}}, "", "FilledPath"},
		{json(""), types.CodeGenConfigurationNode{FillMissingValues: &types.FillMissingValues{Name: aws.String("f"), Inputs: []string{"a"}, ImputedPath: aws.String("x")}}, "", ""},
		{json(""), join(column("a"), column("nobody")), "", `"nobody", which is not an input`},
		{json(""), join(column("a"), column("a")), "", "twice"},
		{json(""), join(column("other"), column("a")), "", ""},
		{json(""), types.CodeGenConfigurationNode{Merge: &types.Merge{Name: aws.String("m"), Inputs: []string{"a", "other"}, Source: aws.String("x"), PrimaryKeys: [][]string{{"id"}}}}, "", `Source "x"`},
		{json(""), types.CodeGenConfigurationNode{Merge: &types.Merge{Name: aws.String("m"), Inputs: []string{"a", "other"}, Source: aws.String("other"), PrimaryKeys: [][]string{{"id"}}}}, "", ""},
		{json(""), types.CodeGenConfigurationNode{Spigot: &types.Spigot{Name: aws.String("m"), Inputs: []string{"a"}, Path: aws.String("s3://b/x")}}, "", "Nodes of the type Spigot are not supported"},
	} {
		target := &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"a"}, Path: aws.String("s3://b/out"), Format: types.TargetFormatCsv, NumberTargetPartitions: &test.parts}
		nodes := map[string]types.CodeGenConfigurationNode{"a": test.source, "other": json(""), "out": {S3DirectTarget: target}}
		if nodeKinds(test.transform) > 0 {
			nodes["t"], target.Inputs = test.transform, []string{"t"}
		}
		_, err := s.CreateJob(t.Context(), &glue.CreateJobInput{
			Name: aws.String("j"), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("glueetl")}, CodeGenConfigurationNodes: nodes,
		})
		if test.want == "" && err != nil || test.want != "" && (code(err) != "InvalidInputException" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: %v", test.want, err)
		}
		if err == nil {
			if _, err := s.DeleteJob(t.Context(), &glue.DeleteJobInput{JobName: aws.String("j")}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNullSets: the values of DropNullFields are what Python reads, whatever Go takes for a number.
func TestNullSets(t *testing.T) {
	number := func(texts ...string) (all []etl.NullValue) {
		for _, s := range texts {
			all = append(all, etl.NullValue{Text: s, Type: "int"})
		}
		return all
	}
	texts, numbers := nullSets(etl.DropNullFields{Empty: true, MinusOne: true, Values: append(number("007", " 5", "0x1p4", "1e3", "-2.50", "NaN", "inf", "x"), etl.NullValue{Text: " n/a ", Type: "string"})})
	if texts != `{"", "n/a"}` || numbers != "{-1, 7, 5, 16, 1000, -2.5}" {
		t.Errorf("%s and %s", texts, numbers)
	}
}

// startJob starts a service with a job "j", which reads JSON of s3://b/in/ and writes to a target named "out".
func startJob(t *testing.T, target types.CodeGenConfigurationNode) (*Service, *clockwork.FakeClock, *memoryObjects) {
	t.Helper()
	objects := &memoryObjects{objects: map[string]string{}}
	s, clock := newService(t, objects)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	if _, err := s.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("d")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateJob(t.Context(), &glue.CreateJobInput{
		Name: aws.String("j"), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("glueetl")},
		CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
			"in":  {S3JsonSource: &types.S3JsonSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}}},
			"out": target,
		},
	}); err != nil {
		t.Fatal(err)
	}
	return s, clock, objects
}

// TestColumnNames: a job whose data have a column that the catalog does not take says so, and writes nothing.
func TestColumnNames(t *testing.T) {
	s, clock, objects := startJob(t, types.CodeGenConfigurationNode{S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"in"}, Path: aws.String("s3://b/out"), Format: types.TargetFormatJson, SchemaChangePolicy: &types.DirectSchemaChangePolicy{
		EnableUpdateCatalog: aws.Bool(true), UpdateBehavior: types.UpdateCatalogBehaviorUpdateInDatabase, Database: aws.String("d"), Table: aws.String("t"),
	}}})
	for _, test := range []struct{ name, want string }{
		{"", ""}, // a member without a name is no column
		{strings.Repeat("x", 256), "256 characters"},
		{`a\nb`, "a character in its name"},
		{strings.Repeat("ü", 255), ""},
		{" ", ""},
	} {
		objects.mu.Lock()
		clear(objects.objects)
		objects.objects["in/a.json"] = `{"` + test.name + `":1,"b":2}`
		objects.mu.Unlock()
		out, err := s.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("j")})
		if err != nil {
			t.Fatal(err)
		}
		var got *glue.GetJobRunOutput
		eventually(t, func() { clock.Advance(time.Second) }, "the run", func() bool {
			got, err = s.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("j"), RunId: out.JobRunId})
			return err == nil && got.JobRun.CompletedOn != nil
		})
		message := aws.ToString(got.JobRun.ErrorMessage)
		if (message == "") != (test.want == "") || !strings.Contains(message, test.want) {
			t.Errorf("%.40q: %s, want %q", test.name, message, test.want)
		}
		objects.mu.Lock()
		written := len(objects.objects) - 1
		objects.mu.Unlock()
		if (written == 0) != (test.want != "") {
			t.Errorf("%.40q: %d objects", test.name, written)
		}
	}
	table, err := s.GetTable(t.Context(), &glue.GetTableInput{DatabaseName: aws.String("d"), Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(table.Table.StorageDescriptor.Columns); got != 3 { // b, and the two that were taken
		t.Errorf("%d columns", got)
	}
}

// TestKeepSchema: a target whose update behavior is LOG creates its table, and then adds partitions to it alone.
func TestKeepSchema(t *testing.T) {
	s, clock, objects := startJob(t, types.CodeGenConfigurationNode{S3GlueParquetTarget: &types.S3GlueParquetTarget{Name: aws.String("out"), Inputs: []string{"in"}, Path: aws.String("s3://b/out"), PartitionKeys: [][]string{{"day"}}, SchemaChangePolicy: &types.DirectSchemaChangePolicy{
		EnableUpdateCatalog: aws.Bool(true), UpdateBehavior: types.UpdateCatalogBehaviorLog, Database: aws.String("d"), Table: aws.String("t"),
	}}})
	for i, record := range []string{`{"a":1,"day":"x"}`, `{"a":1,"more":"m","day":"y"}`} {
		objects.mu.Lock()
		objects.objects["in/a.json"] = record
		objects.mu.Unlock()
		out, err := s.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("j")})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, func() { clock.Advance(time.Second) }, "the run", func() bool {
			got, err := s.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("j"), RunId: out.JobRunId})
			return err == nil && got.JobRun.JobRunState == types.JobRunStateSucceeded
		})
		table, err := s.GetTable(t.Context(), &glue.GetTableInput{DatabaseName: aws.String("d"), Name: aws.String("t")})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.GetPartitions(t.Context(), &glue.GetPartitionsInput{DatabaseName: aws.String("d"), TableName: aws.String("t")})
		if err != nil {
			t.Fatal(err)
		}
		if c := table.Table.StorageDescriptor.Columns; len(c) != 1 || *c[0].Name != "a" || len(parts.Partitions) != i+1 {
			t.Errorf("after run %d: %d columns, %d partitions", i+1, len(c), len(parts.Partitions))
		}
	}
}
