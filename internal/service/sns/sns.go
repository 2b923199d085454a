package sns

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Queues are what messages are sent to, as sns.amazonaws.com.
type Queues interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Functions are what messages are given to, as sns.amazonaws.com.
type Functions interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// DeliveryStreams are what messages are put into, as a subscription's role.
type DeliveryStreams interface {
	PutRecordBatch(context.Context, *firehose.PutRecordBatchInput, ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// HTTP makes requests to addresses that clients name.
type HTTP interface {
	Do(*http.Request) (*http.Response, error)
	CheckURL(*url.URL) error // tells, without a request, why an address is refused
}

// Sealer encrypts secrets at rest.
type Sealer interface {
	Seal(plain []byte, what string) []byte
	Open(sealed []byte, what string) ([]byte, error)
}

// Config is what the service depends on. State, Outbox and Sealer are required.
type Config struct {
	State  *state.Store
	Outbox *queue.Store // of which the service has the queues with Kind in their ids
	Sealer Sealer

	Queues    Queues
	Functions Functions
	Streams   DeliveryStreams
	HTTP      HTTP
	Logs      LogSink // of the status of deliveries; nil: it is not written

	// Certificate makes a certificate of a host for a key, in PEM. nil: the key signs its own.
	Certificate func(host string, public crypto.PublicKey) ([]byte, error)

	Endpoint func() string   // URL of the node, which links in messages begin with
	Clock    clockwork.Clock // nil: the real one
	Owner    work.Owner
	Meter    *metering.Registry // nil: topics are not measured
	Logger   *slog.Logger       // nil: silent
}

// Kind is the first byte of the ids of the service's queues in the outbox store.
const Kind = 1

// Service is SNS.
type Service struct {
	cfg           Config
	clock         clockwork.Clock
	log           *slog.Logger
	topics        *state.Collection[topicDoc]
	subscriptions *state.Collection[subscriptionDoc]
	keys          *state.Collection[keyDoc]

	fans      *work.Runner[topicDoc]
	deliverer *work.Runner[subscriptionDoc]
	sweeps    work.Group
	drain     queue.Drain

	filters filterCache
	signing struct {
		sync.Mutex
		key *signingKey
	}
}

// maxDelivering bounds the bytes of messages that are being delivered.
const maxDelivering = 64 << 20

// topicDoc is a topic.
type topicDoc struct {
	Account    string            `json:"account"`
	Region     string            `json:"region"`
	Name       string            `json:"name"`
	ID         uint64            `json:"id,string"` // of its outbox
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Created    time.Time         `json:"created"`
}

func (d *topicDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *topicDoc) key() []string      { return d.scope().Key(d.Name) }
func (d *topicDoc) arn() string        { return d.scope().ARN("sns", d.Name) }
func (d *topicDoc) fifo() bool         { return strings.HasSuffix(d.Name, ".fifo") }

// subscriptionDoc is a subscription.
type subscriptionDoc struct {
	Account    string            `json:"account"` // of the topic
	Region     string            `json:"region"`
	Topic      string            `json:"topic"`
	UUID       string            `json:"uuid"`
	TopicID    uint64            `json:"topicId,string"`
	ID         uint64            `json:"id,string"` // of its outbox
	Owner      string            `json:"owner"`
	Protocol   string            `json:"protocol"`
	Endpoint   string            `json:"endpoint"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Pending    bool              `json:"pending,omitempty"`
	Token      string            `json:"token,omitempty"` // confirms it
	AuthOnEnd  bool              `json:"authenticateOnUnsubscribe,omitempty"`
	Signed     bool              `json:"signed,omitempty"` // its confirmation was
	Ended      bool              `json:"ended,omitempty"`  // by somebody who is not its owner: it is pending, and its token takes it up again
	Created    time.Time         `json:"created"`          // or ended
}

func (d *subscriptionDoc) scope() scope.Scope {
	return scope.Scope{Account: d.Account, Region: d.Region}
}
func (d *subscriptionDoc) key() []string    { return d.scope().Key(d.Topic, d.UUID) }
func (d *subscriptionDoc) arn() string      { return d.scope().ARN("sns", d.Topic+":"+d.UUID) }
func (d *subscriptionDoc) topicARN() string { return d.scope().ARN("sns", d.Topic) }

// ofOwner reports whether the endpoint is the owner's own, so that nobody had to confirm the subscription.
func (d *subscriptionDoc) ofOwner() bool {
	a, ok := arn.Parse(d.Endpoint)
	return ok && a.Account == d.Owner
}

// endsSigned reports whether only its owner and the topic's end it.
func (d *subscriptionDoc) endsSigned() bool { return d.AuthOnEnd || d.ofOwner() }

func (d *subscriptionDoc) raw() bool { return d.Attributes["RawMessageDelivery"] == "true" }

// New makes the service. It starts nothing.
func New(c Config) (*Service, error) {
	if c.State == nil || c.Outbox == nil || c.Sealer == nil {
		return nil, errors.New("sns: State, Outbox and Sealer are required")
	}
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Endpoint == nil {
		c.Endpoint = func() string { return "http://localhost" }
	}
	s := &Service{
		cfg: c, clock: c.Clock, log: c.Logger, drain: queue.Drain{Memory: semaphore.NewWeighted(maxDelivering), Longest: likelyLength, Times: 1},
		topics:        state.NewCollection[topicDoc](c.State, "sns.topic"),
		subscriptions: state.NewCollection[subscriptionDoc](c.State, "sns.subscription"),
		keys:          state.NewCollection[keyDoc](c.State, "sns.signing-key"),
	}
	events := work.Events{
		Failed: func(key work.Key, part string, err error, _ int, wait time.Duration) {
			s.log.Error("work on a topic failed", "of", key.String(), "part", part, "error", err, "again", wait)
		},
		Undecodable: func(key work.Key, err error) {
			s.log.Error("a topic or subscription cannot be read", "key", key.String(), "error", err)
		},
	}
	s.fans = work.New(work.Documents[topicDoc](c.State, "sns.topic"), work.Hooks[topicDoc]{
		Same: func(was, is *topicDoc) bool { return was.ID == is.ID },
		Run:  s.fanOut,
	}, work.Options{Name: "sns.topic", Clock: c.Clock, Owner: c.Owner, Events: events})
	s.deliverer = work.New(work.Documents[subscriptionDoc](c.State, "sns.subscription"), work.Hooks[subscriptionDoc]{
		Runs: func(d *subscriptionDoc) bool { return delivers(d.Protocol) },
		Same: func(was, is *subscriptionDoc) bool { return was.ID == is.ID },
		Run:  s.deliver,
	}, work.Options{Name: "sns.subscription", Clock: c.Clock, Owner: c.Owner, Events: events})
	s.sweeps.Clock, s.sweeps.Events = c.Clock, events
	return s, nil
}

// Bind gives the service neighbours that were made after it.
func (s *Service) Bind(f func(*Config)) { f(&s.cfg) }

// Start removes what a deletion that was cut off has left, and goes on with what is to be delivered.
func (s *Service) Start(ctx context.Context) error {
	known := map[uint64]bool{}
	for it, err := range s.topics.List() {
		if err != nil {
			return err
		}
		known[it.Value.ID] = true
	}
	subscriptions, err := s.subscriptions.All()
	if err != nil {
		return err
	}
	for _, d := range subscriptions {
		if !known[d.TopicID] {
			if err := s.forget(ctx, d); err != nil {
				return err
			}
			continue
		}
		known[d.ID] = true
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
	if err := s.fans.Start(ctx); err != nil {
		return err
	}
	s.sweeps.Every("pending subscriptions", time.Hour, s.expire)
	return s.deliverer.Start(ctx)
}

// Close stops the workers. What they have not delivered stays in the outboxes.
func (s *Service) Close(ctx context.Context) error {
	return errors.Join(s.fans.Close(ctx), s.deliverer.Close(ctx), s.sweeps.Close(ctx))
}

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

func newID() uint64 { return queue.NewID(Kind) }

// outbox opens the outbox of a topic.
func (s *Service) outbox(d *topicDoc) (*queue.Queue, error) {
	return s.cfg.Outbox.Queue(d.ID, queue.Settings{FIFO: d.fifo(), PerGroupDedup: d.Attributes["FifoThroughputScope"] == "MessageGroup"})
}

// inbox opens the outbox of a subscription.
func (s *Service) inbox(d *subscriptionDoc) (*queue.Queue, error) {
	return s.cfg.Outbox.Queue(d.ID, queue.Settings{FIFO: strings.HasSuffix(d.Topic, ".fifo")})
}
