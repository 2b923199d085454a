package kinesisanalytics

import (
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/servicetest"
)

func newTestService(t testing.TB, p servicetest.Parts) *Service {
	s, err := New(Config{State: p.State, Log: p.Log, Clock: p.Clock, Logger: p.Logger, EnforceLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFirst runs the first version of the API.
func TestFirst(t *testing.T) {
	servicetest.Run(t, "first*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service { return newTestService(t, p) })
}

// second is the service by the second version of the API, started and closed as one.
type second struct {
	*Service
	api *Second
}

func (s second) API() awswire.API { return s.api.API() }

// TestSecond runs the second version of the API.
func TestSecond(t *testing.T) {
	servicetest.Run(t, "second*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		s := newTestService(t, p)
		return second{s, s.Second()}
	})
}
