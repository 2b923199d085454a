package firehose

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/compact"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/worker"
)

// S3 is where objects go.
type S3 interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Glue has the tables that records are converted by.
type Glue interface {
	GetTable(context.Context, *glue.GetTableInput, ...func(*glue.Options)) (*glue.GetTableOutput, error)
	GetTableVersion(context.Context, *glue.GetTableVersionInput, ...func(*glue.Options)) (*glue.GetTableVersionOutput, error)
}

// Config is what the service works with. State and Log are required; without S3 nothing
// is delivered, without Glue nothing that needs a schema. Without Kinesis there are no
// streams to read, without Lambda no functions to transform by: what needs them cannot be
// made.
type Config struct {
	State *state.Store
	Log   *shardlog.Log
	S3    S3
	Glue  Glue

	Kinesis Kinesis
	Lambda  Lambda
	HTTP    *outbound.Client // for endpoints; nil: one that connects to the public internet and to loopback

	EnforceLimits bool // of puts, for streams whose tags do not say

	TempDir string           // for buffers that do not fit in memory; emptied at Start. "": os.TempDir, left alone
	Budget  *delivery.Budget // memory for buffers; nil: delivery.DefaultBudget

	Lake       compact.Lake     // the files behind S3; nil: nothing is compacted
	Compaction compact.Settings // of streams whose tags do not say otherwise

	Clock      clockwork.Clock
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Service is Amazon Data Firehose. Its methods have the shape of the SDK's client.
type Service struct {
	cfg       Config
	log       *slog.Logger
	clock     clockwork.Clock
	docs      *state.Collection[streamDoc]
	discarded *state.Collection[discardedDoc]
	plans     *state.Collection[planDoc]
	http      *outbound.Client
	gate      compact.Gate
	metrics   *metrics

	mu      sync.RWMutex
	streams map[streamKey]*stream
	closed  bool

	ctx    context.Context // of the deliveries
	cancel context.CancelFunc
	work   *worker.Group // all that runs; streams have groups of their own in it
}

type streamKey struct{ account, region, name string }

// New returns the service. Start begins delivery.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Log == nil {
		return nil, errors.New("firehose: State and Log are required")
	}
	s := &Service{
		cfg: cfg, log: cfg.Logger, clock: cfg.Clock,
		docs:      state.NewCollection[streamDoc](cfg.State, "firehose.stream"),
		discarded: state.NewCollection[discardedDoc](cfg.State, "firehose.discarded"),
		plans:     state.NewCollection[planDoc](cfg.State, "firehose.plan"),
		http:      cfg.HTTP,
		gate:      compact.NewGate(),
		streams:   make(map[streamKey]*stream),
	}
	if s.http == nil {
		s.http = newHTTPClient()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	if s.cfg.Budget == nil {
		s.cfg.Budget = new(delivery.Budget)
	}
	m, err := newMetrics(s, cfg.Registerer)
	if err != nil {
		return nil, err
	}
	s.metrics = m
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work = &worker.Group{Context: s.ctx, Clock: s.clock, Events: worker.Events{
		Failed: func(_ worker.Key, part string, err error, _ int, wait time.Duration) {
			s.log.Error("work of a delivery stream failed and starts again", "what", part, "err", err, "wait", wait)
		},
	}}
	return s, nil
}

// BindLambda gives the service the functions that records are transformed by. It is called before
// Start, by a node whose functions were made after this service.
func (s *Service) BindLambda(l Lambda) { s.cfg.Lambda = l }

// Start opens the delivery streams and goes on delivering.
func (s *Service) Start(ctx context.Context) error {
	if err := emptyDir(s.cfg.TempDir); err != nil {
		return err
	}
	if _, err := s.Check(ctx); err != nil {
		return err
	}
	docs, err := s.docs.All()
	if err != nil {
		return fmt.Errorf("firehose: read the delivery streams: %w", err)
	}
	known := make(map[[3]string]bool)
	for _, d := range docs {
		st, err := s.open(ctx, d)
		if err != nil {
			return fmt.Errorf("firehose: open delivery stream %s: %w", d.Name, err)
		}
		known[[3]string{d.Account, d.Region, d.ID}] = true
		s.mu.Lock()
		s.streams[d.key()] = st
		s.mu.Unlock()
		if err := st.begin(); err != nil {
			return fmt.Errorf("firehose: begin delivery stream %s: %w", d.Name, err)
		}
		if d.Deleting {
			s.work.Go("delete", func(context.Context) error {
				st.finishDelete()
				return nil
			})
		}
	}
	return s.sweep(ctx, known)
}

// Close stops delivery. What is not delivered yet stays in the log.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	return s.work.Close(ctx)
}

// lookup finds the caller's delivery stream.
func (s *Service) lookup(ctx context.Context, name string) (*stream, error) {
	c := awswire.CallerFrom(ctx)
	s.mu.RLock()
	st := s.streams[streamKey{c.Account, c.Region, name}]
	s.mu.RUnlock()
	if st == nil {
		return nil, notFound(c.Account, name)
	}
	return st, nil
}

func notFound(account, name string) error {
	m := fmt.Sprintf("Firehose %s under account %s not found.", name, account)
	return &types.ResourceNotFoundException{Message: &m}
}

func invalid(format string, args ...any) error {
	m := fmt.Sprintf(format, args...)
	return &types.InvalidArgumentException{Message: &m}
}

// newID names one creation of a delivery stream.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}
