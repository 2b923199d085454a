package athena

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// stuckEngine answers no query before it is given up.
type stuckEngine struct{ begun chan struct{} }

func (e stuckEngine) Query(ctx context.Context, _ lakesql.Request) (*lakesql.Result, error) {
	e.begun <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuckEngine) Schema(context.Context, lakesql.Request) ([]lakesql.ResultColumn, error) {
	return nil, nil
}

func (stuckEngine) Write(context.Context, lakesql.WriteRequest) (*lakesql.Written, error) {
	return nil, nil
}

func openOn(t *testing.T, st *state.Store, owner work.Owner, engine Engine, dir string) *env {
	t.Helper()
	s, err := New(Config{State: st, Glue: newFakeGlue(), Objects: dirObjects{dir}, Engine: engine, Files: dirObjects{dir}, Owner: owner})
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
	})
	return &env{s, nil, dir}
}

// TestExecutionsOfAnotherProcess: what another process runs is left alone and can be stopped;
// what a process has left that had an earlier lease fails.
func TestExecutionsOfAnotherProcess(t *testing.T) {
	st, dir := newStore(t, t.TempDir()), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	engine := stuckEngine{make(chan struct{}, 10)}
	a := openOn(t, st, work.Mine(1), engine, dir)
	stopped := a.start(t, "SELECT 1")
	<-engine.begun
	b := openOn(t, st, work.Mine(1), engine, dir)
	if err := b.executions.runner.Await(t.Context(), "000000000000", "us-east-1", stopped); err != nil {
		t.Fatal(err)
	}
	q, err := b.GetQueryExecution(t.Context(), &athena.GetQueryExecutionInput{QueryExecutionId: &stopped})
	if err != nil || q.QueryExecution.Status.State != types.QueryExecutionStateQueued {
		t.Fatalf("the other's query: %+v, %v", q, err)
	}
	if _, err := b.StopQueryExecution(t.Context(), &athena.StopQueryExecutionInput{QueryExecutionId: &stopped}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*env{a, b} {
		if q := e.wait(t, stopped); q.Status.State != types.QueryExecutionStateCancelled {
			t.Errorf("a query that the other process stopped: %s", q.Status.State)
		}
	}

	in := &athena.StartQueryExecutionInput{
		QueryString: aws.String("SELECT 2"), ClientRequestToken: aws.String("01234567890123456789012345678901"),
		ResultConfiguration: &types.ResultConfiguration{OutputLocation: aws.String("s3://out/res/")},
	}
	first, err := a.StartQueryExecution(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	<-engine.begun
	second, err := b.StartQueryExecution(t.Context(), in)
	if err != nil || *second.QueryExecutionId != *first.QueryExecutionId {
		t.Errorf("the token at another process: %+v, %v", second, err)
	}
	c := openOn(t, st, work.Mine(2), engine, dir)
	if q := c.wait(t, *first.QueryExecutionId); q.Status.State != types.QueryExecutionStateFailed {
		t.Errorf("a query of an earlier lease: %s", q.Status.State)
	}
}
