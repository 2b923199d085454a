package glue

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// newProcess opens a service of its own over a broker, which it shares with others.
func newProcess(t *testing.T, b *broker.Broker, clock clockwork.Clock, objects Objects) *Service {
	t.Helper()
	store, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	owner, err := work.Share(t.Context(), store, work.LeaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close(context.Background()) })
	s, err := New(Config{State: store, Clock: clock, Objects: objects, Owner: owner, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func newBroker(t *testing.T) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// TestTriggersFireOnce lets two processes, whose clocks differ, look at one schedule: each time of
// it is one run, and what is behind a run follows once.
func TestTriggersFireOnce(t *testing.T) {
	b := newBroker(t)
	objects := &memoryObjects{objects: map[string]string{"in/a.json": `{"a":1}`}}
	clocks := [2]*clockwork.FakeClock{clockwork.NewFakeClockAt(epoch), clockwork.NewFakeClockAt(epoch.Add(time.Second))}
	var both [2]*Service
	for i := range both {
		both[i] = newProcess(t, b, clocks[i], objects)
	}
	ctx := t.Context()
	for _, name := range []string{"one", "two", "three"} {
		if _, err := both[0].CreateJob(ctx, &glue.CreateJobInput{
			Name: aws.String(name), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("glueetl")}, ExecutionProperty: &types.ExecutionProperty{MaxConcurrentRuns: 9},
			CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
				"a": {S3JsonSource: &types.S3JsonSource{Name: aws.String("in"), Paths: []string{"s3://b/in/"}}},
				"t": {S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"a"}, Path: aws.String("s3://b/" + name), Format: types.TargetFormatJson}},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := both[0].CreateWorkflow(ctx, &glue.CreateWorkflowInput{Name: aws.String("w")}); err != nil {
		t.Fatal(err)
	}
	hourly := aws.String("cron(0 * * * ? *)")
	for _, in := range []*glue.CreateTriggerInput{
		{Name: aws.String("hourly"), Type: types.TriggerTypeScheduled, Schedule: hourly, StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("one")}}},
		{Name: aws.String("after"), Type: types.TriggerTypeConditional, StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("two")}}, Predicate: &types.Predicate{Conditions: []types.Condition{{JobName: aws.String("one"), LogicalOperator: types.LogicalOperatorEquals, State: types.JobRunStateSucceeded}}}},
		{Name: aws.String("flow"), WorkflowName: aws.String("w"), Type: types.TriggerTypeScheduled, Schedule: hourly, StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("three")}}},
	} {
		if _, err := both[0].CreateTrigger(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(job string) (n int) {
		t.Helper()
		out, err := both[0].GetJobRuns(ctx, &glue.GetJobRunsInput{JobName: aws.String(job)})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.JobRuns {
			switch r.JobRunState {
			case types.JobRunStateSucceeded:
				n++
			case types.JobRunStateFailed:
				t.Fatal(*r.ErrorMessage)
			}
		}
		return n
	}
	// Past three full hours, in steps that both make by turns.
	at := epoch
	for hour := 1; hour <= 3; hour++ {
		at = at.Truncate(time.Hour).Add(time.Hour + time.Minute)
		for _, c := range clocks {
			c.Advance(at.Sub(c.Now()))
		}
		for _, job := range []string{"one", "two", "three"} {
			eventually(t, func() { clocks[0].Advance(10 * time.Millisecond); clocks[1].Advance(10 * time.Millisecond) }, job+" has run", func() bool { return runs(job) == hour })
		}
	}
	flows, err := both[1].GetWorkflowRuns(ctx, &glue.GetWorkflowRunsInput{Name: aws.String("w")})
	if err != nil {
		t.Fatal(err)
	}
	if len(flows.Runs) != 3 {
		t.Errorf("%d runs of the workflow, want 3", len(flows.Runs))
	}
	for _, job := range []string{"one", "two", "three"} { // nothing came late
		if n := runs(job); n != 3 {
			t.Errorf("%s: %d runs", job, n)
		}
	}
}

// TestAnEndToldAgain fires no trigger twice for one run.
func TestAnEndToldAgain(t *testing.T) {
	s, _ := newService(t, &memoryObjects{objects: map[string]string{}})
	ctx, sc := t.Context(), scope{"000000000000", "us-east-1"}
	for _, name := range []string{"one", "two"} {
		if _, err := s.CreateJob(ctx, &glue.CreateJobInput{Name: aws.String(name), Role: aws.String("glue"), ExecutionProperty: &types.ExecutionProperty{MaxConcurrentRuns: 9}, Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("s3://b/none.py")}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateTrigger(ctx, &glue.CreateTriggerInput{
		Name: aws.String("after"), Type: types.TriggerTypeConditional, StartOnCreation: true, Actions: []types.Action{{JobName: aws.String("two")}},
		Predicate: &types.Predicate{Conditions: []types.Condition{{JobName: aws.String("one"), LogicalOperator: types.LogicalOperatorEquals, State: types.JobRunStateSucceeded}}},
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, run := range []string{"jr_1", "jr_2"} {
			if err := s.jobRunEnded(ctx, sc, &jobRunDoc{Job: "one", ID: run, State: types.JobRunStateSucceeded}); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := s.GetJobRuns(ctx, &glue.GetJobRunsInput{JobName: aws.String("two")})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.JobRuns) != 2 {
		t.Errorf("%d runs for two ends that were told twice", len(out.JobRuns))
	}
}

// TestAStartLeavesTheWorkOfOthers starts a second process while the first starts what a workflow is
// to start: it waits for that, and counts it as failed when the first is gone.
func TestAStartLeavesTheWorkOfOthers(t *testing.T) {
	b := newBroker(t)
	objects := &memoryObjects{objects: map[string]string{}}
	clock := clockwork.NewFakeClockAt(epoch)
	first := newProcess(t, b, clock, objects)
	ctx, sc := t.Context(), scope{"000000000000", "us-east-1"}
	lease, err := first.runs.owner.Acquire(ctx, flowLease(sc, "w", "wr_1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &flowDoc{ID: "wr_1", Workflow: "w", Status: types.WorkflowRunStatusRunning, Started: epoch, Fired: map[string]bool{"t": true}, Firing: map[string]bool{"t": true}, By: first.runs.node}
	if err := first.flows.Create(ctx, f, sc.account, sc.region, "w", "wr_1"); err != nil {
		t.Fatal(err)
	}
	second := newProcess(t, b, clock, objects)
	if f, err := second.flows.Get(sc.account, sc.region, "w", "wr_1"); err != nil || f.Failures != 0 {
		t.Fatalf("%+v, %v", f, err)
	}
	lease.Release() // as the death of the first would do
	eventually(t, func() {}, "what was left is ended", func() bool {
		f, err := second.flows.Get(sc.account, sc.region, "w", "wr_1")
		return err == nil && f.Failures == 1 && f.Status == types.WorkflowRunStatusCompleted
	})
}
