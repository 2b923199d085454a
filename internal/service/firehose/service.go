package firehose

import (
	"cmp"
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
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// S3 is where objects go.
type S3 interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Glue has the tables that records are converted by, and the schemas that their headers name.
type Glue interface {
	GetTable(context.Context, *glue.GetTableInput, ...func(*glue.Options)) (*glue.GetTableOutput, error)
	GetTableVersion(context.Context, *glue.GetTableVersionInput, ...func(*glue.Options)) (*glue.GetTableVersionOutput, error)
	GetSchemaVersion(context.Context, *glue.GetSchemaVersionInput, ...func(*glue.Options)) (*glue.GetSchemaVersionOutput, error)
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

	Owner work.Owner // of the delivery streams; nil: work.Sole()

	TempDir string           // for buffers that do not fit in memory; emptied at Start. "": os.TempDir, left alone
	Budget  *delivery.Budget // memory for buffers; nil: delivery.DefaultBudget

	Lake       compact.Lake     // the files behind S3; nil: nothing is compacted
	Compaction compact.Settings // of streams whose tags do not say otherwise

	Meter *metering.Registry // of what CloudWatch is told of delivery streams; nil: nothing

	Errors ErrorSink // nil: error logs go nowhere

	Clock      clockwork.Clock
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Service is Amazon Data Firehose. Its methods have the shape of the SDK's client.
type Service struct {
	cfg       Config
	log       *slog.Logger
	clock     clockwork.Clock
	since     time.Time // when the service was made
	docs      *state.Collection[streamDoc]
	discarded *state.Collection[discardedDoc]
	plans     *state.Collection[planDoc]
	http      *outbound.Client
	gate      compact.Gate
	metrics   *metrics

	deleteWait, updateWait time.Duration // the constants, or more in tests: a slow machine takes longer than these

	mu      sync.RWMutex
	streams map[streamKey]*stream
	closed  bool

	ctx      context.Context
	cancel   context.CancelFunc
	runner   *work.Runner[streamDoc]    // of deliveries
	discards *work.Runner[discardedDoc] // removes what is left of delivery streams
	work     *work.Group                // what trims logs
}

type streamKey struct{ account, region, name string }

// New returns the service. Start begins delivery.
func New(cfg Config) (*Service, error) {
	if cfg.State == nil || cfg.Log == nil {
		return nil, errors.New("firehose: State and Log are required")
	}
	s := &Service{
		cfg: cfg, log: cfg.Logger, clock: cfg.Clock,
		docs:      state.NewCollection[streamDoc](cfg.State, streamKind),
		discarded: state.NewCollection[discardedDoc](cfg.State, discardedKind),
		plans:     state.NewCollection[planDoc](cfg.State, "firehose.plan"),
		http:      cfg.HTTP,
		gate:      compact.NewGate(),
		streams:   make(map[streamKey]*stream),

		deleteWait: deleteWait,
		updateWait: updateWait,
	}
	cfg.Meter.EachMinute(s.measureLags)
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
	if s.cfg.Owner == nil {
		s.cfg.Owner = work.Sole()
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	events := work.Events{
		Failed: func(key work.Key, part string, err error, _ int, wait time.Duration) {
			s.log.Error(cmp.Or(part, "a delivery stream")+" failed and starts again", "stream", key, "err", err, "wait", wait)
		},
		Undecodable: func(key work.Key, err error) {
			s.log.Error("the document of a delivery stream cannot be read", "key", key, "err", err)
		},
	}
	s.since = s.clock.Now()
	s.work = &work.Group{Context: s.ctx, Clock: s.clock, Events: events}
	s.runner = work.New(work.Documents[streamDoc](cfg.State, streamKind), work.Hooks[streamDoc]{
		Same: func(was, is *streamDoc) bool {
			// The rest is looked at as records come; the ways of records are another kind of work.
			return was.ID == is.ID && was.Transforms == is.Transforms && was.backs() == is.backs()
		},
		Run: s.run,
	}, work.Options{Name: streamKind, Clock: s.clock, Owner: s.cfg.Owner, Events: events})
	s.discards = work.New(work.Documents[discardedDoc](cfg.State, discardedKind), work.Hooks[discardedDoc]{
		Same: func(was, is *discardedDoc) bool { return true },
		Run:  s.runDiscarded,
	}, work.Options{Name: discardedKind, Clock: s.clock, Owner: s.cfg.Owner, Events: events})
	return s, nil
}

// BindErrors gives the service where its error logs go. It is called before Start.
func (s *Service) BindErrors(e ErrorSink) { s.cfg.Errors = e }

// BindLambda gives the service the functions that records are transformed by. It is called before
// Start, by a node whose functions were made after this service.
func (s *Service) BindLambda(l Lambda) { s.cfg.Lambda = l }

// Kinds of documents that are run.
const (
	streamKind    = "firehose.stream"
	discardedKind = "firehose.discarded"
)

// Start goes on delivering.
func (s *Service) Start(ctx context.Context) error {
	if err := emptyDir(s.cfg.TempDir); err != nil {
		return err
	}
	if _, err := s.Check(ctx); err != nil {
		return err
	}
	if err := s.tellLeftovers(ctx); err != nil {
		return err
	}
	if err := s.cfg.State.Watch(s.ctx, state.Key{streamKind}, s.changed); err != nil {
		return fmt.Errorf("firehose: watch the delivery streams: %w", err)
	}
	if err := s.runner.Start(ctx); err != nil {
		return fmt.Errorf("firehose: %w", err)
	}
	if err := s.discards.Start(ctx); err != nil {
		return fmt.Errorf("firehose: %w", err)
	}
	return nil
}

// Close stops delivery. What is not delivered yet stays in the log.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	return errors.Join(s.runner.Close(ctx), s.discards.Close(ctx), s.work.Close(ctx))
}

// lookup finds the caller's delivery stream.
func (s *Service) lookup(ctx context.Context, name string) (*stream, error) {
	c := awswire.CallerFrom(ctx)
	s.mu.RLock()
	st := s.streams[streamKey{c.Account, c.Region, name}]
	s.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	d, err := s.docs.Get(c.Account, c.Region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound(c.Account, name)
	}
	if err != nil {
		return nil, err
	}
	return s.stream(ctx, d)
}

// stream is the delivery stream of a document, opened if it is not yet, whether this process
// delivers it or another does.
func (s *Service) stream(ctx context.Context, d *streamDoc) (*stream, error) {
	s.mu.RLock()
	st := s.streams[d.key()]
	s.mu.RUnlock()
	if st != nil && st.doc.Load().ID == d.ID {
		return st, nil
	}
	opened, err := s.open(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("firehose: open delivery stream %s: %w", d.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[d.key()]; st != nil && st.doc.Load().ID == d.ID {
		return st, nil
	}
	if now, err := s.docs.Get(d.path()...); err == nil && now.ID == d.ID { // else changed has been told already
		s.streams[d.key()] = opened
	}
	return opened, nil
}

// changed acts on a change of a document by whoever.
func (s *Service) changed(e state.Event) {
	if len(e.Key) != 4 {
		return
	}
	key := streamKey{e.Key[1], e.Key[2], e.Key[3]}
	s.mu.Lock()
	st := s.streams[key]
	if st == nil {
		s.mu.Unlock()
		return
	}
	d, err := s.docs.Get(e.Key[1:]...)
	removed := errors.Is(err, state.ErrNotFound) || err == nil && d.ID != st.doc.Load().ID
	if removed {
		delete(s.streams, key)
	}
	s.mu.Unlock()
	if removed && st.runs.Load() == 0 {
		st.leave() // another process has removed it
	}
	st.learn()
}

// learn takes over the document as it is now.
func (st *stream) learn() {
	st.docMu.Lock()
	defer st.docMu.Unlock()
	was := st.doc.Load()
	if d, err := st.s.docs.Get(was.path()...); err == nil && d.ID == was.ID {
		st.doc.Store(d)
	}
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
