package cloudwatch

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/servicetest"
)

// withStore closes the metric store with the service.
type withStore struct{ *Service }

func (s withStore) Close(ctx context.Context) error {
	return errors.Join(s.Service.Close(ctx), s.metrics.Close())
}

func TestAnswers(t *testing.T) {
	servicetest.Run(t, "*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		m, err := metricstore.Open(metricstore.Options{Dir: filepath.Join(p.Dir, "metrics"), Clock: p.Clock, MinFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{State: p.State, Metrics: m, Clock: p.Clock, Logger: p.Logger, Owner: p.Owner})
		if err != nil {
			t.Fatal(err)
		}
		return withStore{s}
	})
}
