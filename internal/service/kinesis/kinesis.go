// Package kinesis is Amazon Kinesis Data Streams on the shard log.
//
// A stream is a document in the state store (type stream); its shards are shards of the
// log, named "account/region/stream ID/shard ID". A stream's ID is another for every
// creation, so that a stream that is deleted and made again never meets the records, the
// iterators or the sequence numbers of the first.
//
// Invariants:
//
//   - A record is acknowledged after the log has made it durable, and lies in the shard
//     whose range of hash keys holds that of its partition key. The ranges of the open
//     shards of a stream cover all hash keys, once.
//   - A closed shard takes no more records: appends hold the stream's lock shared, a change
//     of shards holds it exclusively.
//   - A change that takes steps (create, delete, reshard) is written into the document
//     first and can be done again from any step, also at once by two nodes. A work.Runner
//     makes it, now or after a restart, until it has succeeded.
package kinesis

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Config is what a Service works with.
type Config struct {
	State      *state.Store
	Log        *shardlog.Log
	Clock      clockwork.Clock       // nil: the real one
	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: no metrics
	Meter      *metering.Registry    // of what CloudWatch is told of streams; nil: nothing
	Owner      work.Owner            // of changes of streams; nil: work.Sole()

	// EnforceLimits gives all streams the limits of Kinesis that do not say otherwise by
	// LimitsTag.
	EnforceLimits bool

	// ControlDelay is how long a stream stays CREATING, UPDATING or DELETING. Zero: such a
	// call returns when the stream is ACTIVE, or gone.
	ControlDelay time.Duration

	// ShardLimit is the most open shards an account has in a region. Zero: 6,000.
	ShardLimit int

	// OnDemandLimit is the most on-demand streams an account has in a region. Zero: 50.
	OnDemandLimit int
}

// Service is the Kinesis API.
type Service struct {
	cfg      Config
	clock    clockwork.Clock
	log      *slog.Logger
	streams  *state.Collection[stream]
	policies policy.Cache // of streams and consumers, compiled
	settings *state.Collection[accountSettings]
	keys     *state.Collection[sealKey]
	seal     cipher.AEAD // of iterators and page tokens
	metrics  metrics

	runtimes sync.Map // stream ID to *streamRuntime

	subscriptions subscriptions

	mu     sync.Mutex
	epochs map[string]uint64 // by account, region and name: of the streams made last

	stop    context.CancelFunc
	running context.Context
	changes *work.Runner[stream] // of streams that are not ACTIVE
	group   *work.Group          // of sweeps, and of looks at demand
}

// New returns a Service. Start must be called before it is used.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Log == nil {
		return nil, errors.New("kinesis: Config needs State and Log")
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.ShardLimit == 0 {
		cfg.ShardLimit = 6000
	}
	if cfg.Owner == nil {
		cfg.Owner = work.Sole()
	}
	if cfg.OnDemandLimit == 0 {
		cfg.OnDemandLimit = 50
	}
	s := &Service{
		cfg:      cfg,
		clock:    cfg.Clock,
		log:      cfg.Logger,
		streams:  state.NewCollection[stream](cfg.State, streamKind),
		settings: state.NewCollection[accountSettings](cfg.State, "kinesis.account"),
		keys:     state.NewCollection[sealKey](cfg.State, "kinesis.seal"),
	}
	s.running, s.stop = context.WithCancel(context.Background())
	s.run()
	if err := s.metrics.register(cfg.Registerer, &s.subscriptions); err != nil {
		return nil, fmt.Errorf("kinesis: registering metrics: %w", err)
	}
	return s, nil
}

// Start goes on with the changes that were under way when the node stopped.
func (s *Service) Start(ctx context.Context) error {
	var err error
	if s.seal, err = openSeal(ctx, s.keys); err != nil {
		return err
	}
	strays, err := s.Check(ctx)
	if err != nil {
		return err
	}
	for _, n := range strays {
		if err := s.removeStray(ctx, n); err != nil { // it harms nobody: the next start tries again
			s.log.Error(err.Error())
		}
	}
	if err := s.cfg.State.Watch(s.running, state.Key{streamKind}, s.subscriptions.streamChanged); err != nil {
		return fmt.Errorf("kinesis: watching streams: %w", err)
	}
	if err := s.changes.Start(ctx); err != nil {
		return fmt.Errorf("kinesis: %w", err)
	}
	first := true
	s.group.Go("sweep of shards", func(ctx context.Context) error {
		if !first {
			s.sweepShards(ctx)
		}
		first = false
		return work.RunAfter(sweepEvery)
	})
	return nil
}

// Close stops background work; what it leaves undone, the next Start does.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	return errors.Join(s.changes.Close(ctx), s.group.Close(ctx))
}

// now is the present, to the millisecond that the API has.
func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }
