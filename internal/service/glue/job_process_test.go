package glue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/jobscript"
)

// fakeScripts answers runs as a test says.
type fakeScripts struct {
	mu   sync.Mutex
	runs []*jobscript.Run
	do   func(ctx context.Context, r *jobscript.Run) (jobscript.Result, error)

	waits func(r *jobscript.Run) // before a run has its place
}

func (f *fakeScripts) Run(ctx context.Context, r *jobscript.Run) (jobscript.Result, error) {
	f.mu.Lock()
	f.runs = append(f.runs, r)
	f.mu.Unlock()
	if f.waits != nil {
		f.waits(r)
	}
	if err := r.Prepare(ctx, r); err != nil {
		return jobscript.Result{}, err
	}
	return f.do(ctx, r)
}

func (f *fakeScripts) last() *jobscript.Run {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.runs[len(f.runs)-1]
}

type keptLogs struct {
	mu    sync.Mutex
	lines []string
}

func (k *keptLogs) Log(p LogPlace, events []LogEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range events {
		k.lines = append(k.lines, p.Group+": "+e.Message)
	}
}

func TestScriptJob(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{"s.py": "print(1)", "lib.zip": "zip", "data.txt": "data"}}
	s, _ := newService(t, objects)
	scripts := &fakeScripts{do: func(_ context.Context, r *jobscript.Run) (jobscript.Result, error) {
		r.Output(function.Line{Text: "printed"})
		r.Errors(function.Line{Text: "warned"})
		return jobscript.Result{Bookmark: []byte(`{"x":{"time":1}}`)}, nil
	}}
	logs := new(keptLogs)
	s.cfg.Scripts, s.cfg.Logs = scripts, logs
	s.cfg.Endpoint = func() string { return "http://127.0.0.1:1" }
	s.cfg.Credentials = func(_ context.Context, account, role, session string, lasts time.Duration) (string, string, string, error) {
		return "AKIA", role, fmt.Sprint(session, " ", lasts), nil
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	ctx := t.Context()
	create := func(name, command string, arguments map[string]string) {
		t.Helper()
		_, err := s.CreateJob(ctx, &glue.CreateJobInput{
			Name: aws.String(name), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String(command), ScriptLocation: aws.String("s3://b/s.py")}, DefaultArguments: arguments, Timeout: aws.Int32(10),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, arguments map[string]string) *types.JobRun {
		t.Helper()
		started, err := s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: aws.String(name), Arguments: arguments})
		if err != nil {
			t.Fatal(err)
		}
		var got *types.JobRun
		eventually(t, func() {}, "the end of the run", func() bool {
			out, err := s.GetJobRun(ctx, &glue.GetJobRunInput{JobName: aws.String(name), RunId: started.JobRunId})
			if err != nil {
				t.Fatal(err)
			}
			got = out.JobRun
			return got.CompletedOn != nil
		})
		return got
	}
	scripts.waits = func(r *jobscript.Run) {
		if r.Script.Data != nil || r.Libraries != nil || r.Files != nil || r.Env != nil {
			t.Errorf("a run that waits has files and credentials already: %+v", r)
		}
	}
	create("spark", "glueetl", map[string]string{
		"--day": "monday", "--extra-py-files": "s3://b/lib.zip", "--extra-files": "s3://b/data.txt", "--conf": "spark.a=1 --conf spark.b=2 3",
		"--additional-python-modules": "pyyaml==6.0,x", "--job-bookmark-option": "job-bookmark-enable", "--flag": "",
	})
	got := run("spark", map[string]string{"--day": "tuesday"})
	r := scripts.last()
	if got.JobRunState != types.JobRunStateSucceeded || aws.ToString(got.LogGroupName) != "/aws-glue/jobs" {
		t.Errorf("run: %v %s", got.JobRunState, aws.ToString(got.ErrorMessage))
	}
	want := "--JOB_NAME spark --JOB_ID j_spark --JOB_RUN_ID " + *got.Id + " --day tuesday --flag --job-bookmark-option job-bookmark-enable"
	if a := strings.Join(r.Arguments, " "); a != want {
		t.Errorf("arguments %s, want %s", a, want)
	}
	if r.Kind != jobscript.Spark || string(r.Script.Data) != "print(1)" || r.Script.Name != "s.py" || len(r.Libraries) != 1 || string(r.Libraries[0].Data) != "zip" || len(r.Files) != 1 ||
		!slices.Equal(r.Conf, []string{"spark.a=1", "spark.b=2 3"}) || !slices.Equal(r.Modules, []string{"pyyaml==6.0", "x"}) || string(r.Bookmark) != "{}" {
		t.Errorf("run %+v", r)
	}
	for _, e := range []string{"AWS_SECRET_ACCESS_KEY=arn:aws:iam::000000000000:role/glue", "AWS_SESSION_TOKEN=GlueJobRunnerSession 1h10m0s", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_REGION=us-east-1"} {
		if !slices.Contains(r.Env, e) {
			t.Errorf("environment %q has no %s", r.Env, e)
		}
	}
	if !slices.Equal(logs.lines, []string{"/aws-glue/jobs/output: printed", "/aws-glue/jobs/error: warned"}) {
		t.Errorf("logs %q", logs.lines)
	}
	run("spark", nil)
	if b := string(scripts.last().Bookmark); b != `{"x":{"time":1}}` {
		t.Errorf("the second run's bookmark: %s", b)
	}
	mark, err := s.GetJobBookmark(ctx, &glue.GetJobBookmarkInput{JobName: aws.String("spark")})
	if err != nil || mark.JobBookmarkEntry.Version != 2 || *mark.JobBookmarkEntry.JobBookmark != `{"x":{"time":1}}` {
		t.Errorf("bookmark %+v, %v", mark, err)
	}
	if _, err := s.ResetJobBookmark(ctx, &glue.ResetJobBookmarkInput{JobName: aws.String("spark")}); err != nil {
		t.Error(err)
	}
	run("spark", nil)
	if b := string(scripts.last().Bookmark); b != `{}` {
		t.Errorf("after a reset: %s", b)
	}

	create("shell", "pythonshell", nil)
	for _, x := range []struct {
		result  jobscript.Result
		err     error
		message string
	}{
		{jobscript.Result{Failed: true, Code: 7, Type: "SystemExit", Message: "7"}, nil, "Command failed with exit code 7"},
		{jobscript.Result{Failed: true, Code: 1, Type: "ValueError", Message: "no", Category: "UNCLASSIFIED_ERROR", Line: 3}, nil, "ValueError: no"},
		{jobscript.Result{Failed: true, Code: -1, Memory: true}, nil, "Command Failed due to Out of Memory"},
		{jobscript.Result{Failed: true, Code: -1, Signal: "killed"}, nil, "Command failed with error: signal: killed"},
		{jobscript.Result{}, fmt.Errorf("%w: Spark is not installed", jobscript.ErrSetup), "Error Category: LAUNCH_ERROR; Spark is not installed"},
	} {
		scripts.do = func(context.Context, *jobscript.Run) (jobscript.Result, error) { return x.result, x.err }
		if got := run("shell", nil); got.JobRunState != types.JobRunStateFailed || aws.ToString(got.ErrorMessage) != x.message || aws.ToString(got.LogGroupName) != "/aws-glue/python-jobs" {
			t.Errorf("%+v: %v %q", x, got.JobRunState, aws.ToString(got.ErrorMessage))
		}
	}
	scripts.do = func(context.Context, *jobscript.Run) (jobscript.Result, error) {
		return jobscript.Result{Failed: true, Code: 1, Type: "ValueError", Message: "no", Category: "UNCLASSIFIED_ERROR", Line: 3}, nil
	}
	if got := run("spark", nil); aws.ToString(got.ErrorMessage) != "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 3; ValueError: no" {
		t.Errorf("spark: %q", aws.ToString(got.ErrorMessage))
	}
	for name, value := range map[string]string{
		"--extra-files": "x", "--conf": "nothing", "--datalake-formats": "hudi", "--job-language": "scala",
		"--additional-python-modules": "s3://b/data.txt", "--job-bookmark-option": "on",
	} {
		if got := run("spark", map[string]string{name: value}); got.JobRunState != types.JobRunStateFailed || !strings.Contains(aws.ToString(got.ErrorMessage), strings.TrimPrefix(value, "s3://b/")) {
			t.Errorf("%s %s: %v %q", name, value, got.JobRunState, aws.ToString(got.ErrorMessage))
		}
	}

	// A run that is stopped ends its script.
	began := make(chan struct{})
	scripts.do = func(ctx context.Context, _ *jobscript.Run) (jobscript.Result, error) {
		close(began)
		<-ctx.Done()
		return jobscript.Result{}, ctx.Err()
	}
	started, err := s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: aws.String("shell")})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	if _, err := s.BatchStopJobRun(ctx, &glue.BatchStopJobRunInput{JobName: aws.String("shell"), JobRunIds: []string{*started.JobRunId}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() {}, "the run has stopped", func() bool {
		out, err := s.GetJobRun(ctx, &glue.GetJobRunInput{JobName: aws.String("shell"), RunId: started.JobRunId})
		return err == nil && out.JobRun.JobRunState == types.JobRunStateStopped
	})
}

// TestStreamingScriptOutlivesItsSession: before the credentials of a streaming script end, it is started again with others.
func TestStreamingScriptOutlivesItsSession(t *testing.T) {
	s, clock := newService(t, &memoryObjects{objects: map[string]string{"s.py": "print(1)"}})
	began := make(chan *jobscript.Run, 2)
	first := true
	s.cfg.Scripts = &fakeScripts{do: func(ctx context.Context, r *jobscript.Run) (jobscript.Result, error) {
		began <- r
		if !first {
			return jobscript.Result{}, nil
		}
		first = false
		<-ctx.Done()
		return jobscript.Result{}, ctx.Err()
	}}
	s.cfg.Logs = new(keptLogs)
	s.cfg.Endpoint = func() string { return "http://127.0.0.1:1" }
	issued := 0
	s.cfg.Credentials = func(_ context.Context, _, _, _ string, lasts time.Duration) (string, string, string, error) {
		if lasts <= longestStream {
			t.Errorf("credentials last %v", lasts)
		}
		issued++
		return "AKIA", "secret", fmt.Sprint("session ", issued), nil
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	_, err := s.CreateJob(t.Context(), &glue.CreateJobInput{
		Name: aws.String("stream"), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("gluestreaming"), ScriptLocation: aws.String("s3://b/s.py")},
	})
	if err != nil {
		t.Fatal(err)
	}
	started, err := s.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("stream")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		r := <-began
		if want := fmt.Sprint("AWS_SESSION_TOKEN=session ", i+1); !slices.Contains(r.Env, want) {
			t.Errorf("environment %q has no %s", r.Env, want)
		}
		clock.Advance(longestStream)
	}
	eventually(t, func() {}, "the run ends when its script does", func() bool {
		out, err := s.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("stream"), RunId: started.JobRunId})
		return err == nil && out.JobRun.JobRunState == types.JobRunStateSucceeded
	})
}
