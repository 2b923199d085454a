package glue

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sparksql"
)

// TestSQLNodes: a node with a query in Spark's dialect, of a streaming job for each window, of a batch job over two
// sources.
func TestSQLNodes(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{
		"readings/a.json": `{"deviceId":"a","temp":36.5}` + "\n" + `{"deviceId":"b","temp":39}`,
		"devices/a.json":  `{"id":"b","Ward":{"Name":"north"}}`,
		"out/":            "",
	}}
	stream := &memoryStream{}
	s, clock := newService(t, objects)
	s.cfg.Kinesis = stream
	node := func(query string, inputs ...string) types.CodeGenConfigurationNode {
		q := &types.SparkSQL{Name: aws.String("query"), Inputs: inputs, SqlQuery: &query}
		for i, in := range inputs {
			q.SqlAliases = append(q.SqlAliases, types.SqlAlias{From: aws.String(in), Alias: aws.String([]string{"readings", "devices"}[i])})
		}
		return types.CodeGenConfigurationNode{SparkSQL: q}
	}
	create := func(job, kind string, nodes map[string]types.CodeGenConfigurationNode) error {
		nodes["out"] = types.CodeGenConfigurationNode{S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"q"}, Path: aws.String("s3://b/" + job), Format: types.TargetFormatJson}}
		_, err := s.CreateJob(t.Context(), &glue.CreateJobInput{
			Name: &job, Role: aws.String("glue"), Command: &types.JobCommand{Name: &kind, ScriptLocation: aws.String("s3://b/" + job + ".py")}, CodeGenConfigurationNodes: nodes,
		})
		return err
	}
	readings := types.CodeGenConfigurationNode{S3JsonSource: &types.S3JsonSource{Name: aws.String("r"), Paths: []string{"s3://b/readings/"}}}
	devices := types.CodeGenConfigurationNode{S3JsonSource: &types.S3JsonSource{Name: aws.String("d"), Paths: []string{"s3://b/devices/"}}}
	refused := func(what, want string, n types.CodeGenConfigurationNode) {
		t.Helper()
		err := create("x", "glueetl", map[string]types.CodeGenConfigurationNode{"r": readings, "d": devices, "q": n})
		if code(err) != "InvalidInputException" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("no engine", "no engine to run SQL", node("select 1 as a from readings", "r"))

	temp := t.TempDir()
	lake, err := lakesql.Open(lakesql.Options{Dir: t.TempDir(), TempDir: temp, MemoryLimit: "256MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lake.Close() })
	s.cfg.SQL = &sparksql.Engine{Lake: lake, Dir: filepath.Join(temp, "spark")}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })

	refused("a function", "line 1: the function uuid is not supported", node("select uuid() as a from readings", "r"))
	refused("a table", `no input with the alias "others"`, node("select * from others", "r"))
	elsewhere := node("select * from readings", "r")
	elsewhere.SparkSQL.SqlAliases[0].From = aws.String("d")
	refused("an alias", `SqlAliases names "d", which is not an input`, elsewhere)

	run := func(job string, rest map[string]types.CodeGenConfigurationNode, kind string) string {
		t.Helper()
		if err := create(job, kind, rest); err != nil {
			t.Fatal(err)
		}
		out, err := s.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: &job})
		if err != nil {
			t.Fatal(err)
		}
		var got string
		eventually(t, func() { clock.Advance(100 * time.Millisecond) }, "the objects of "+job, func() bool {
			if r, err := s.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: &job, RunId: out.JobRunId}); err != nil || aws.ToString(r.JobRun.ErrorMessage) != "" {
				t.Fatal(err, aws.ToString(r.JobRun.ErrorMessage))
			}
			objects.mu.Lock()
			defer objects.mu.Unlock()
			for key, body := range objects.objects {
				if strings.HasPrefix(key, job+"/") {
					got = body
				}
			}
			return got != ""
		})
		return got
	}
	got := run("batch", map[string]types.CodeGenConfigurationNode{
		"r": readings, "d": devices, "q": node("SELECT r.deviceId, d.Ward, r.temp / 2 AS half FROM readings r JOIN devices d ON d.id = r.deviceId", "r", "d"),
	}, "glueetl")
	if want := `{"deviceId":"b","Ward":{"Name":"north"},"half":19.5}` + "\n"; got != want {
		t.Errorf("batch: %s", got)
	}
	if script := objects.objects["batch.py"]; !strings.Contains(script, "spark.sql(query)") || !strings.Contains(script, `mapping={"readings": r_r, "devices": d_d}`) {
		t.Errorf("script: %s", script)
	}
	stream.put(`{"deviceId":"a","temp":36.5,"tags":["x"]}`, `{"deviceId":"b","temp":39}`)
	got = run("windows", map[string]types.CodeGenConfigurationNode{
		"r": {DirectKinesisSource: &types.DirectKinesisSource{Name: aws.String("in"), WindowSize: aws.Int32(1), StreamingOptions: &types.KinesisStreamingSourceOptions{StreamName: aws.String("st"), StartingPosition: types.StartingPositionEarliest}}},
		"q": node("SELECT deviceId, tags FROM readings WHERE temp < 38", "r"),
	}, "gluestreaming")
	if want := `{"deviceId":"a","tags":["x"]}` + "\n"; got != want {
		t.Errorf("window: %s", got)
	}
}
