package kinesis

import (
	"testing"

	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestAPI(t *testing.T) {
	servicetest.Run(t, "api/*.txt", newTested)
}

func TestTwoByTurns(t *testing.T) { servicetest.Turns(t, "api/*.txt", nil, newTested) }

func newTested(t testing.TB, p servicetest.Parts) servicetest.Service {
	s, err := New(Config{State: p.State, Log: p.Log, Clock: p.Clock, Logger: p.Logger, Registerer: p.Registerer, Owner: p.Owner})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
