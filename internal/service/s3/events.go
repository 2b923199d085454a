package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Queues, Topics and Functions take events, as s3.amazonaws.com.
type (
	Queues interface {
		SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	}
	Topics interface {
		Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	}
	Functions interface {
		Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
	}
)

// EventsConfig is what Events depends on. All but Clock and Logger are required.
type EventsConfig struct {
	Objects   *Service
	Outbox    *queue.Store // of which Events has the queues with EventKind in their ids
	Queues    Queues
	Topics    Topics
	Functions Functions
	Buses     Buses
	Clock     clockwork.Clock // nil: the real one
	Logger    *slog.Logger    // nil: silent
}

// EventKind is the first byte of the ids of the queues of events in the outbox store.
const EventKind = 2

const (
	eventLanes = 16
	// maxNotices bounds the events in memory whose change is under way, or which wait for their first delivery:
	// one more change waits.
	maxNotices = 8192
	eventAge   = 24 * time.Hour // after which an event is dropped that could not be delivered
	eventBatch = 32
)

// Events delivers the events of buckets, each at least once, those of one key to one target in their order as
// long as nothing fails. What is on its way is in an outbox: an event is on disk there before the change that it
// is of. After a crash, events of changes that were under way are delivered unless the object shows that there
// was no change.
type Events struct {
	c       EventsConfig
	group   work.Group
	notices *semaphore.Weighted

	mu      sync.Mutex
	pending map[string]*notice // by the id of the event
	deleted deletedVersions
}

// notice implements Notice.
type notice struct {
	events  *Events
	ended   chan struct{}
	e       Event
	to      []Target
	made    bool
	left    int  // messages that are not handled; of Events.mu
	settled bool // it is in the outbox as that of a change that was made; of Events.mu
}

// stored is an event in the outbox.
type stored struct {
	Event  Event  `json:"event"`
	Target Target `json:"target"`
	Intent bool   `json:"intent,omitempty"` // the change was not made when it was stored
}

// NewEvents returns what delivers events. It starts nothing.
func NewEvents(c EventsConfig) *Events {
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Events{c: c, notices: semaphore.NewWeighted(maxNotices), pending: map[string]*notice{}}
	v.group.Clock = c.Clock
	v.group.Events.Failed = func(_ work.Key, lane string, err error, _ int, _ time.Duration) {
		c.Logger.Error("deliver events of buckets", "part", lane, "error", err)
	}
	return v
}

// Start delivers what the outbox has, and what comes.
func (v *Events) Start(context.Context) error {
	for n := range uint64(eventLanes) {
		q, err := v.lane(n)
		if err != nil {
			return err
		}
		v.group.Go(fmt.Sprintf("events %d", n), func(ctx context.Context) error { return v.run(ctx, q) })
	}
	v.c.Objects.Notify(v)
	return nil
}

// Close stops the deliveries. What was not delivered stays in the outbox.
func (v *Events) Close(ctx context.Context) error {
	v.c.Objects.Notify(nil)
	return v.group.Close(ctx)
}

func (v *Events) lane(n uint64) (*queue.Queue, error) {
	return v.c.Outbox.Queue(EventKind<<56|n, queue.Settings{})
}

// laneOf is the lane of a key's events to a target.
func laneOf(e *Event, t *Target) uint64 {
	h := fnv.New64a()
	for _, s := range []string{e.Bucket, e.Key, t.ARN} {
		_, _ = h.Write([]byte(s)) // it does not fail
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64() % eventLanes
}

// Begin implements Notifier.
func (v *Events) Begin(ctx context.Context, e Event, to []Target) (Notice, error) {
	if err := v.notices.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	e.Trace = awswire.CallerFrom(ctx).Trace
	n := &notice{events: v, ended: make(chan struct{}), e: e, to: to, left: len(to)}
	v.mu.Lock()
	v.pending[e.ID] = n
	v.mu.Unlock()
	err := v.keep(e, to, true)
	if err != nil {
		v.handled(n, len(to))
		return nil, err
	}
	return n, nil
}

// keep puts an event into the outbox, before its change with intent.
func (v *Events) keep(e Event, to []Target, intent bool) error {
	list := make([]queue.Outgoing, 0, len(to))
	for i := range to {
		q, err := v.lane(laneOf(&e, &to[i]))
		if err != nil {
			return err
		}
		body, err := json.Marshal(stored{e, to[i], intent})
		if err != nil {
			return err
		}
		list = append(list, queue.Outgoing{To: q, Messages: []*queue.Message{{ID: awswire.NewRequestID(), Body: body}}})
	}
	return v.c.Outbox.SendAll(list)
}

// Done implements Notice.
func (n *notice) Done(e Event) {
	e.Trace = n.e.Trace
	n.e, n.made = e, true
	close(n.ended)
}

// Cancel implements Notice.
func (n *notice) Cancel() { close(n.ended) }

// handled takes messages off a notice, and forgets it with the last.
func (v *Events) handled(n *notice, messages int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n.left -= messages; n.left == 0 {
		delete(v.pending, n.e.ID)
		v.notices.Release(1)
	}
}

// run delivers the events of a lane.
func (v *Events) run(ctx context.Context, q *queue.Queue) error {
	for ctx.Err() == nil {
		if ready, err := q.Await(ctx, time.Hour); err != nil || !ready {
			if ctx.Err() != nil {
				break
			}
			return err
		}
		list, err := q.Receive(ctx, eventBatch, 30*time.Second, 0)
		if err != nil {
			return err
		}
		for i := range list {
			if err := v.handle(ctx, q, &list[i]); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// handle delivers a message once, and removes it or says when it is tried again.
func (v *Events) handle(ctx context.Context, q *queue.Queue, m *queue.Received) error {
	remove := func() error { _, err := q.Delete([]string{m.Handle}); return err }
	var st stored
	if err := json.Unmarshal(m.Body, &st); err != nil {
		v.c.Logger.Error("an event cannot be read and is dropped", "error", err)
		return remove()
	}
	v.mu.Lock()
	n := v.pending[st.Event.ID]
	v.mu.Unlock()
	if !st.Intent {
		n = nil // that of another target
	}
	switch {
	case n != nil:
		wait := v.c.Clock.NewTimer(2 * time.Second)
		select {
		case <-n.ended:
			wait.Stop()
		case <-wait.Chan():
			_, err := q.Change([]string{m.Handle}, []time.Duration{time.Second})
			return err
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
		v.mu.Lock()
		settled := n.settled
		v.mu.Unlock()
		if st.Event = n.e; !n.made || settled {
			v.handled(n, 1)
			return remove()
		}
	case st.Intent && !v.happened(&st.Event):
		return remove()
	}
	err := v.deliver(ctx, &st.Event, st.Target)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	wait := min(time.Second<<min(m.Count, 9), 5*time.Minute)
	switch {
	case err == nil:
		err = remove()
	case isFinal(err) || v.c.Clock.Now().Sub(st.Event.Time) > eventAge:
		v.c.Logger.Warn("an event could not be delivered and is dropped", "bucket", st.Event.Bucket, "key", st.Event.Key, "event", st.Event.Name, "target", st.Target.ARN, "error", err)
		err = remove()
	case st.Intent: // from here on it is what it has become
		st.Intent = false
		var body []byte
		if body, err = json.Marshal(st); err != nil {
			return err
		}
		later := v.c.Clock.Now().Add(wait).UnixMilli()
		if _, err = q.Send([]*queue.Message{{ID: awswire.NewRequestID(), Body: body, Visible: later}}); err == nil {
			err = remove()
		}
	default:
		_, err = q.Change([]string{m.Handle}, []time.Duration{wait})
	}
	if n != nil && err == nil {
		v.handled(n, 1)
	}
	return err
}

func isFinal(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer && api.ErrorCode() != "Throttled" && api.ErrorCode() != "TooManyRequestsException"
}

// deliver gives an event to a target.
func (v *Events) deliver(ctx context.Context, e *Event, t Target) error {
	switch t.Kind {
	case replicaTarget:
		return v.c.Objects.replicate(ctx, e, t)
	case busTarget:
		return v.toBus(e)
	}
	body, err := e.record(t.ID)
	if err != nil {
		return err
	}
	return v.send(ctx, e.arnOf(), e.Owner, e.Trace, t, body)
}

func (v *Events) send(ctx context.Context, bucket, owner, trace string, t Target, body []byte) error {
	a, ok := arn.Parse(t.ARN)
	if !ok {
		return awswire.Errorf("InvalidArgument", "%q is not an ARN", t.ARN)
	}
	ctx = awswire.WithTrace(awswire.AsService(ctx, owner, a.Region, itself, bucket), trace)
	text := string(body)
	var err error
	switch t.Kind {
	case "queue":
		url := "https://sqs." + a.Region + ".amazonaws.com/" + a.Account + "/" + a.Resource
		_, err = v.c.Queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &text})
	case "topic":
		_, err = v.c.Topics.Publish(ctx, &sns.PublishInput{TopicArn: &t.ARN, Message: &text, Subject: aws.String("Amazon S3 Notification")})
	case "function":
		how := lambdatypes.InvocationTypeEvent
		if body == nil {
			how = lambdatypes.InvocationTypeDryRun
		}
		_, err = v.c.Functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &t.ARN, InvocationType: how, Payload: body})
	}
	return err
}

// Reaches implements Notifier.
func (v *Events) Reaches(ctx context.Context, bucket, owner, region string, t Target) error {
	var body []byte // a function is not called
	if t.Kind != "function" {
		body = testEvent(bucket, awswire.CallerFrom(ctx).RequestID, v.c.Clock.Now())
	}
	err := v.send(ctx, arn.Bucket(region, bucket), owner, "", t, body)
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	if t.Kind == "function" { // AWS does not tell whether there is one
		return errors.New("Not authorized to invoke function [" + t.ARN + "]") //nolint:staticcheck // AWS's words
	}
	if api.ErrorCode() == "AccessDenied" || api.ErrorCode() == "AccessDeniedException" {
		return errors.New("Permissions on the destination " + t.Kind + " do not allow S3 to publish notifications from this bucket") //nolint:staticcheck // AWS's words
	}
	return errors.New("The destination " + t.Kind + " does not exist") //nolint:staticcheck // AWS's words
}
