package cloudwatch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Config is what the service depends on. State and Metrics are required.
type Config struct {
	State   *state.Store
	Metrics *metricstore.Store
	Meter   *metering.Registry // of the node's services; nil: they measure nothing
	Clock   clockwork.Clock    // nil: the real one
	Owner   work.Owner

	Topics    Topics    // nil: actions that are topics fail
	Functions Functions // nil: actions that are functions fail
	Streams   Streams   // nil: actions that are streams fail
	Webhook   Webhook   // nil: none
	Events    EventSink // is told of the states of alarms; nil: nobody is

	Logger *slog.Logger // nil: silent
}

// Service is CloudWatch. Its methods have the shape of the SDK's client.
type Service struct {
	cfg     Config
	clock   clockwork.Clock
	log     *slog.Logger
	metrics *metricstore.Store

	dashboards *state.Collection[dashboardDoc]
	alarms     *state.Collection[alarmDoc]
	detectors  *state.Collection[detectorDoc]
	tags       *tags.Store

	group  work.Group
	runner *work.Runner[alarmDoc]
	looked sync.Map // by the ARN of an alarm: what it has been looked at for
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
		alarms:     state.NewCollection[alarmDoc](c.State, "cloudwatch.alarm"),
		detectors:  state.NewCollection[detectorDoc](c.State, "cloudwatch.detector"),
		tags:       tags.New(c.State, "cloudwatch.tags"),
	}
	s.group.Clock = c.Clock
	s.runner = s.newAlarmRunner()
	return s, nil
}

// Bind gives the service the neighbours that are made after it. It is called before Start.
func (s *Service) Bind(f func(*Config)) { f(&s.cfg) }

// Start begins to write what the node's services measure, and to look at alarms.
func (s *Service) Start(ctx context.Context) error {
	if s.cfg.Meter != nil {
		s.group.Go("meter", s.emit)
	}
	return s.runner.Start(ctx)
}

// Close writes what has been measured, and ends what was begun.
func (s *Service) Close(ctx context.Context) error {
	err := errors.Join(s.runner.Close(ctx), s.group.Close(ctx))
	if s.cfg.Meter != nil && err == nil {
		s.write(s.clock.Now())
	}
	return err
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // it does not fail
	return hex.EncodeToString(b[:])
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }
