package athena

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/servicetest"
)

// TestAPI runs the calls of testdata/api.
func TestAPI(t *testing.T) {
	servicetest.Run(t, "api/*.txt", newTested)
}

func TestTwoByTurns(t *testing.T) { servicetest.Turns(t, "api/*.txt", nil, newTested) }

// catalogs are the fakes of Glue, by directory of the test: two processes have the same.
var catalogs sync.Map

func newTested(t testing.TB, p servicetest.Parts) servicetest.Service {
	dir := filepath.Join(p.Dir, "objects")
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	g, _ := catalogs.LoadOrStore(p.Dir, newFakeGlue())
	s, err := New(Config{
		State: p.State, Glue: g.(*fakeGlue), Objects: dirObjects{dir}, Engine: idleEngine{}, Files: dirObjects{dir}, Clock: p.Clock, Owner: p.Owner,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// idleEngine answers no query.
type idleEngine struct{}

func (idleEngine) Query(context.Context, lakesql.Request) (*lakesql.Result, error) {
	return nil, lakesql.ErrNoTable
}
func (idleEngine) Schema(context.Context, lakesql.Request) ([]lakesql.ResultColumn, error) {
	return nil, lakesql.ErrNoTable
}
func (idleEngine) Write(context.Context, lakesql.WriteRequest) (*lakesql.Written, error) {
	return nil, lakesql.ErrNoTable
}
