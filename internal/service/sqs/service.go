package sqs

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Config is what the service depends on. State and Messages are required.
type Config struct {
	State    *state.Store
	Messages *queue.Store
	Endpoint func() string   // URL of the node, which those of queues begin with
	Clock    clockwork.Clock // nil: the real one
	Owner    work.Owner
	Meter    *metering.Registry // nil: queues are not measured

	// Allow decides whether the caller of the context may do an action ("sqs:SendMessage") with a queue that no
	// call names. nil: it may.
	Allow  func(ctx context.Context, action, queue string) error
	Logger *slog.Logger // nil: silent
}

// Service is SQS.
type Service struct {
	cfg    Config
	clock  clockwork.Clock
	queues *state.Collection[queueDoc]
	moves  *state.Collection[moveDoc]
	movers *work.Runner[moveDoc]

	changes atomic.Uint64 // of which queues there are
	mu      sync.RWMutex
	open    map[string]opened

	used sync.Map // *usage by the id of a queue

	attempts attempts
}

// opened is a queue of the engine, as a document says.
type opened struct {
	doc     *queueDoc
	changes uint64
	q       *queue.Queue
}

// queueDoc is a queue.
type queueDoc struct {
	Account    string            `json:"account"`
	Region     string            `json:"region"`
	Name       string            `json:"name"`
	ID         uint64            `json:"id,string"`
	Attributes map[string]string `json:"attributes,omitempty"` // that were set
	Tags       map[string]string `json:"tags,omitempty"`
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
	Purged     time.Time         `json:"purged,omitzero"` // when it was purged last
}

func (d *queueDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *queueDoc) key() []string      { return d.scope().Key(d.Name) }
func (d *queueDoc) arn() string        { return d.scope().ARN("sqs", d.Name) }
func (d *queueDoc) fifo() bool         { return strings.HasSuffix(d.Name, ".fifo") }

// New makes the service. It starts nothing.
func New(c Config) (*Service, error) {
	if c.State == nil || c.Messages == nil {
		return nil, errors.New("sqs: State and Messages are required")
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
		cfg: c, clock: c.Clock, open: map[string]opened{},
		queues: state.NewCollection[queueDoc](c.State, "sqs.queue"),
		moves:  state.NewCollection[moveDoc](c.State, "sqs.move"),
	}
	s.movers = work.New(work.Documents[moveDoc](c.State, "sqs.move"), work.Hooks[moveDoc]{
		Runs: func(d *moveDoc) bool { return d.Status == moveRunning || d.Status == moveCancelling },
		Same: func(was, is *moveDoc) bool { return true },
		Run:  s.move,
	}, work.Options{Name: "sqs.move", Clock: c.Clock, Owner: c.Owner, Events: work.Events{
		Failed: func(key work.Key, _ string, err error, _ int, _ time.Duration) {
			c.Logger.Error("move messages", "task", key.String(), "error", err)
		},
	}})
	c.Meter.EachMinute(s.measureQueues)
	return s, nil
}

// Start removes what queues left behind whose deletion was cut off, and goes on with tasks.
func (s *Service) Start(ctx context.Context) error {
	ids, err := s.cfg.Messages.IDs()
	if err != nil {
		return err
	}
	known := map[uint64]bool{}
	for it, err := range s.queues.List() {
		if err != nil {
			return err
		}
		known[it.Value.ID] = true
	}
	for _, id := range ids {
		if !known[id] {
			if err := s.cfg.Messages.Drop(id); err != nil {
				return err
			}
		}
	}
	return s.movers.Start(ctx)
}

// Close stops the tasks.
func (s *Service) Close(ctx context.Context) error { return s.movers.Close(ctx) }

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

func newID() uint64 {
	var b [8]byte
	rand.Read(b[:]) // it does not fail
	return binary.BigEndian.Uint64(b[:])
}

func invalid(format string, args ...any) error {
	return awswire.Errorf("InvalidParameterValue", format, args...)
}

func missing(name string) error {
	return awswire.Errorf("MissingParameter", "The request must contain the parameter %s.", name)
}

// NoQueue is the error of a queue that is not there.
func NoQueue() error { return noQueue() }

func noQueue() error {
	return &types.QueueDoesNotExist{Message: aws.String("The specified queue does not exist.")}
}

// url is the URL of a queue.
func (s *Service) url(d *queueDoc) *string {
	u := strings.TrimSuffix(s.cfg.Endpoint(), "/") + "/" + d.Account + "/" + d.Name
	return &u
}

// Named is the account and the name of the queue of a URL; the region is the caller's. Whoever decides about a
// queue by its URL goes by it, as the operations do.
func Named(c awswire.Caller, queueURL *string) (account, name string, ok bool) {
	u, err := url.Parse(aws.ToString(queueURL))
	if err != nil {
		return "", "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	switch {
	case len(parts) == 1 && parts[0] != "" && u.Host == "":
		return c.Account, parts[0], true // a bare name, as some clients send
	case len(parts) >= 2:
		return parts[len(parts)-2], parts[len(parts)-1], true
	}
	return "", "", false
}

// queue returns the queue of a URL.
func (s *Service) queue(ctx context.Context, queueURL *string) (*queueDoc, error) {
	if aws.ToString(queueURL) == "" {
		return nil, missing("QueueUrl")
	}
	c := awswire.CallerFrom(ctx)
	account, name, ok := Named(c, queueURL)
	if !ok {
		return nil, &types.InvalidAddress{Message: aws.String("The address " + *queueURL + " is not valid for this endpoint.")}
	}
	return s.find(account, c.Region, name)
}

// own is queue for what only the queue's account may do: a policy of the queue gives others nothing of it.
// Facts: "Overview of managing access in Amazon SQS", the actions that have no cross-account permissions.
func (s *Service) own(ctx context.Context, queueURL *string) (*queueDoc, error) {
	c := awswire.CallerFrom(ctx)
	if account, _, ok := Named(c, queueURL); ok && account != c.Account {
		return nil, awswire.Errorf("AccessDenied", "Access to the resource %s is denied.", aws.ToString(queueURL))
	}
	return s.queue(ctx, queueURL)
}

func (s *Service) find(account, region, name string) (*queueDoc, error) {
	d, err := s.queues.Get(account, region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noQueue()
	}
	return d, err
}

// byARN returns the queue of an ARN.
func (s *Service) byARN(name string) (*queueDoc, error) {
	a, ok := arn.Parse(name)
	if !ok || a.Service != "sqs" {
		return nil, noQueue()
	}
	return s.find(a.Account, a.Region, a.Resource)
}

// messages opens the engine's queue of a document.
func (s *Service) messages(d *queueDoc) (*queue.Queue, error) {
	key := strings.Join(d.key(), "/")
	changes := s.changes.Load()
	s.mu.RLock()
	o, ok := s.open[key]
	s.mu.RUnlock()
	if ok && o.doc == d && o.changes == changes {
		return o.q, nil
	}
	q, err := s.openQueue(d, 0)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.open[key] = opened{d, changes, q}
	s.mu.Unlock()
	return q, nil
}

// openQueue opens a queue and its dead letter queue, which has one of its own.
func (s *Service) openQueue(d *queueDoc, depth int) (*queue.Queue, error) {
	set := queue.Settings{
		FIFO: d.fifo(), Retention: d.seconds("MessageRetentionPeriod"), InFlight: 120_000, Name: d.arn(),
		PerGroupDedup: d.get("DeduplicationScope") == "messageGroup",
	}
	if set.FIFO {
		set.InFlight = 20_000
	}
	if r := d.redrive(); r != nil && depth < 8 {
		if to, err := s.byARN(r.Target); err == nil && to.ID != d.ID {
			if set.DeadLetter, err = s.openQueue(to, depth+1); err != nil {
				return nil, err
			}
			set.MaxReceives = int(r.Max)
		}
	}
	return s.cfg.Messages.Queue(d.ID, set)
}

// on is a queue and its messages.
func (s *Service) on(ctx context.Context, queueURL *string) (*queueDoc, *queue.Queue, error) {
	d, err := s.queue(ctx, queueURL)
	if err != nil {
		return nil, nil, err
	}
	q, err := s.messages(d)
	return d, q, err
}

// told words an error of the engine.
func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrGone):
		return noQueue()
	case errors.Is(err, queue.ErrFull):
		return fmt.Errorf("messages: %w", err)
	case errors.Is(err, queue.ErrInFlight):
		return &types.OverLimit{Message: aws.String("The maximum number of messages in flight is reached.")}
	case errors.Is(err, queue.ErrVisible):
		return &types.MessageNotInflight{Message: aws.String("The message referred to isn't in flight.")}
	case errors.Is(err, queue.ErrHandle):
		return &types.ReceiptHandleIsInvalid{Message: aws.String("The input receipt handle is invalid.")}
	case errors.Is(err, queue.ErrTooLong):
		return invalid("Value for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	return err
}

// toldOf words an error of the engine about a receipt handle.
func toldOf(err error, handle *string) error {
	if errors.Is(err, queue.ErrExpired) {
		return invalid("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", aws.ToString(handle))
	}
	return told(err)
}

// ResourcePolicy returns the policy of a queue.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	d, err := s.byARN(resource)
	var gone *types.QueueDoesNotExist
	if errors.As(err, &gone) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	return d.Attributes["Policy"], d.Account, nil
}
