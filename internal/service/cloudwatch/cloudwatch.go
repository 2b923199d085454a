package cloudwatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Config is what the service depends on. State and Metrics are required.
type Config struct {
	State   *state.Store
	Metrics *metricstore.Store
	Clock   clockwork.Clock // nil: the real one
	Owner   work.Owner
	Logger  *slog.Logger // nil: silent
}

// Service is CloudWatch. Its methods have the shape of the SDK's client.
type Service struct {
	cfg     Config
	clock   clockwork.Clock
	log     *slog.Logger
	metrics *metricstore.Store

	dashboards *state.Collection[dashboardDoc]
	tags       *tags.Store
}

// New makes the service. It starts nothing.
func New(c Config) (*Service, error) {
	if c.State == nil || c.Metrics == nil {
		return nil, errors.New("cloudwatch: State and Metrics are required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		cfg: c, clock: c.Clock, log: c.Logger, metrics: c.Metrics,
		dashboards: state.NewCollection[dashboardDoc](c.State, "cloudwatch.dashboard"),
		tags:       tags.New(c.State, "cloudwatch.tags"),
	}
	return s, nil
}

// Start begins nothing yet.
func (s *Service) Start(context.Context) error { return nil }

// Close ends what was begun.
func (s *Service) Close(context.Context) error { return nil }

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }
