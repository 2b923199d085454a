package glue

import (
	"testing"

	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestAPI(t *testing.T) { servicetest.Run(t, "*.txt", newTestService) }

// TestShared runs the files that fakes of this service run too.
func TestShared(t *testing.T) { servicetest.Run(t, "shared/*.txt", newTestService) }

func TestTwoByTurns(t *testing.T) { servicetest.Turns(t, "*.txt", nil, newTestService) }

func newTestService(t testing.TB, p servicetest.Parts) servicetest.Service {
	s, err := New(Config{State: p.State, Clock: p.Clock, Logger: p.Logger, Registerer: p.Registerer, Owner: p.Owner})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
