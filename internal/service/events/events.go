package events

import (
	"context"
	"errors"
	"log/slog"
	"time"

	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// What targets are, each as the caller of the context may reach it.
type (
	Queues interface {
		SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	}
	Topics interface {
		Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	}
	Functions interface {
		Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
	}
	Streams interface {
		PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
	}
	DeliveryStreams interface {
		PutRecordBatch(context.Context, *firehose.PutRecordBatchInput, ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
	}
	LogGroups interface {
		CreateLogStream(context.Context, *logs.CreateLogStreamInput, ...func(*logs.Options)) (*logs.CreateLogStreamOutput, error)
		PutLogEvents(context.Context, *logs.PutLogEventsInput, ...func(*logs.Options)) (*logs.PutLogEventsOutput, error)
	}
)

// Config is what the service depends on. State and Outbox are required.
type Config struct {
	State  *state.Store
	Outbox *queue.Store // of which the service has the queues with Kind in their ids

	Queues     Queues
	Topics     Topics
	Functions  Functions
	Streams    Streams
	Deliveries DeliveryStreams
	Logs       LogGroups

	// Allow decides whether the caller of a context may do an action ("events:PutEvents") with the resource of an ARN, and
	// returns the context for it: with the account of the resource where that is another one, which lets the caller in. Nil:
	// every caller may, in its own account. The keys are condition keys of the request.
	Allow func(ctx context.Context, action, resource string, keys map[string][]string) (context.Context, error)

	Clock  clockwork.Clock    // nil: the real one
	Owner  work.Owner         // of schedules
	Here   work.Owner         // of deliveries, which every node does from its own outboxes; nil: Owner
	Meter  *metering.Registry // nil: rules are not measured
	Logger *slog.Logger       // nil: silent
}

// Kind is the first byte of the ids of the service's queues in the outbox store.
const Kind = 3

// Service is EventBridge.
type Service struct {
	cfg     Config
	clock   clockwork.Clock
	log     *slog.Logger
	buses   *state.Collection[busDoc]
	rules   *state.Collection[ruleDoc]
	targets *state.Collection[targetDoc]

	archives *state.Collection[archiveDoc]
	replays  *state.Collection[replayDoc]

	schedules *work.Runner[ruleDoc]
	replayer  *work.Runner[replayDoc]
	deliverer *work.Runner[targetDoc]
	drain     queue.Drain
	patterns  patternCache
	templates templateCache
}

// maxDelivering bounds the bytes of events that are being delivered.
const maxDelivering = 64 << 20

// New makes the service. It starts nothing.
func New(c Config) (*Service, error) {
	if c.State == nil || c.Outbox == nil {
		return nil, errors.New("events: State and Outbox are required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Here == nil {
		c.Here = c.Owner
	}
	if c.Allow == nil {
		c.Allow = func(ctx context.Context, _, _ string, _ map[string][]string) (context.Context, error) {
			return ctx, nil
		}
	}
	s := &Service{
		cfg: c, clock: c.Clock, log: c.Logger, drain: queue.Drain{Memory: semaphore.NewWeighted(maxDelivering), Longest: likelyLength, Times: 2}, // an event, and what is made of it
		buses:   state.NewCollection[busDoc](c.State, "events.bus"),
		rules:   state.NewCollection[ruleDoc](c.State, "events.rule"),
		targets: state.NewCollection[targetDoc](c.State, "events.target"),

		archives: state.NewCollection[archiveDoc](c.State, "events.archive"),
		replays:  state.NewCollection[replayDoc](c.State, "events.replay"),
	}
	told := work.Events{
		Failed: func(key work.Key, part string, err error, _ int, wait time.Duration) {
			s.log.Error("work on a rule failed", "of", key.String(), "part", part, "error", err, "again", wait)
		},
		Undecodable: func(key work.Key, err error) {
			s.log.Error("a rule or target cannot be read", "key", key.String(), "error", err)
		},
	}
	s.schedules = work.New(work.Documents[ruleDoc](c.State, "events.rule"), work.Hooks[ruleDoc]{
		Runs: func(d *ruleDoc) bool { return d.enabled() && d.Schedule != "" },
		Same: func(was, is *ruleDoc) bool { return was.ID == is.ID && was.Schedule == is.Schedule },
		Run:  s.runSchedule,
	}, work.Options{Name: "events.rule", Clock: c.Clock, Owner: c.Owner, Events: told})
	s.deliverer = work.New(work.Documents[targetDoc](c.State, "events.target"), work.Hooks[targetDoc]{
		Same: func(was, is *targetDoc) bool { return was.Outbox == is.Outbox },
		Run:  s.deliver,
	}, work.Options{Name: "events.target", Clock: c.Clock, Owner: c.Here, Events: told})
	s.replayer = work.New(work.Documents[replayDoc](c.State, "events.replay"), work.Hooks[replayDoc]{
		Runs: (*replayDoc).runs,
		Same: func(was, is *replayDoc) bool { return was.ID == is.ID },
		Run:  s.runReplay,
	}, work.Options{Name: "events.replay", Clock: c.Clock, Owner: c.Here, Events: told})
	return s, nil
}

// Bind gives the service neighbours that were made after it.
func (s *Service) Bind(f func(*Config)) { f(&s.cfg) }

// Start removes what a deletion that was cut off has left, and goes on with what is due and what is to be delivered.
func (s *Service) Start(ctx context.Context) error {
	rules := map[string]bool{}
	for it, err := range s.rules.List() {
		if err != nil {
			return err
		}
		rules[it.Value.ID] = true
	}
	targets, err := s.targets.All()
	if err != nil {
		return err
	}
	known := map[uint64]bool{}
	for _, d := range targets {
		if rules[d.RuleID] {
			known[d.Outbox] = true
		} else if err := s.targets.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
	}
	for it, err := range s.archives.List() {
		if err != nil {
			return err
		}
		known[it.Value.Store] = true
		if _, err := s.store(it.Value); err != nil { // so that what has expired goes
			return err
		}
	}
	ids, err := s.cfg.Outbox.IDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id>>56 == Kind && !known[id] {
			if err := s.cfg.Outbox.Drop(id); err != nil {
				return err
			}
		}
	}
	if err := s.deliverer.Start(ctx); err != nil {
		return err
	}
	if err := s.replayer.Start(ctx); err != nil {
		return err
	}
	return s.schedules.Start(ctx)
}

// Close stops the workers. What they have not delivered stays in the outboxes.
func (s *Service) Close(ctx context.Context) error {
	return errors.Join(s.schedules.Close(ctx), s.replayer.Close(ctx), s.deliverer.Close(ctx))
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

func newOutboxID() uint64 { return queue.NewID(Kind) }

// outbox opens the outbox of a target.
func (s *Service) outbox(d *targetDoc) (*queue.Queue, error) {
	return s.cfg.Outbox.Queue(d.Outbox, queue.Settings{})
}
