package events

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/eventinput"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const (
	principal = "events.amazonaws.com"

	deliveries   = 10              // events that are delivered at once to a target
	likelyLength = maxPut + 64<<10 // bytes of a stored event at most
	maxInput     = 1 << 20         // bytes that a target gets of an event at most

	defaultRetries = 185
	defaultAge     = 24 * time.Hour

	// maxBacklog is how many bytes wait for a target before events are given up at their first failure.
	maxBacklog = 1 << 30
)

// sending is an event on its way to a target.
type sending struct {
	m       *queue.Received
	of      letter
	payload []byte
	err     error // why it was not taken
}

// failure is why an event was not taken, in the codes of dead letters.
type failure struct {
	code  string
	final bool // trying again does not mend it
	err   error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// transient are codes of errors that are the client's by their form, and pass.
var transient = []string{
	"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled", "ServiceUnavailable", "ServiceUnavailableException",
	"ProvisionedThroughputExceededException", "LimitExceededException", "OverLimit", "KMSThrottlingException",
}

// judged makes a failure of an error.
func judged(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return &failure{code: "INTERNAL_ERROR", err: err}
	}
	code := api.ErrorCode()
	switch {
	case slices.Contains(transient, code):
		return &failure{code: "THROTTLING", err: err}
	case strings.Contains(api.ErrorMessage(), " to perform: sts:AssumeRole"):
		return &failure{code: "FAILED_TO_ASSUME_ROLE", final: true, err: err}
	case strings.HasPrefix(code, "AccessDenied"), code == "AuthorizationError", strings.HasPrefix(code, "NotAuthorized"):
		return &failure{code: "NO_PERMISSIONS", final: true, err: err}
	case strings.Contains(code, "NotFound"), strings.Contains(code, "NonExistent"), strings.Contains(code, "NotExist"), code == "NoSuchEntity":
		return &failure{code: "NO_RESOURCE", final: true, err: err}
	case api.ErrorFault() == smithy.FaultServer:
		return &failure{code: "ERROR_FROM_TARGET", err: err}
	}
	return &failure{code: "SDK_CLIENT_ERROR", final: true, err: err}
}

// deliver delivers what a target's outbox has.
func (s *Service) deliver(ctx context.Context, j *work.Job[targetDoc]) error {
	err := s.drain.Run(ctx, deliveries, func() (*queue.Queue, error) { return s.outbox(j.Document()) }, func(q *queue.Queue, list []queue.Received) error {
		return s.deliverBatch(ctx, j.Document(), q, list)
	})
	if errors.Is(err, queue.ErrGone) {
		return work.RunAfter(time.Second) // so will the document be
	}
	if errors.Is(context.Cause(ctx), work.ErrGone) { // perhaps by another node, which has no outbox of this one's
		if err := s.cfg.Outbox.Drop(j.Document().Outbox); err != nil {
			return err
		}
	}
	return err
}

// deliverBatch tries to deliver events once, and says when what was not taken is tried again.
func (s *Service) deliverBatch(ctx context.Context, d *targetDoc, q *queue.Queue, list []queue.Received) error {
	if now, err := s.targets.Get(d.key()...); err == nil { // the worker's may be from before a change
		d = now
	} else if !errors.Is(err, state.ErrNotFound) {
		return err
	}
	var out []*sending
	var done, later []string
	var waits []time.Duration
	bytes := 0
	for i := range list {
		o := &sending{m: &list[i]}
		bytes += len(o.m.Body)
		if err := json.Unmarshal(o.m.Extra, &o.of); err != nil {
			s.log.Error("an event of a target cannot be read and is dropped", "rule", d.ruleARN(), "target", d.ID, "error", err)
			done = append(done, o.m.Handle)
			continue
		}
		if o.payload, o.err = s.payload(d, o); o.err == nil {
			out = append(out, o)
			continue
		}
		if ctx.Err() != nil {
			later, waits = append(later, o.m.Handle), append(waits, 0)
			continue
		}
		if wait := s.giveUp(ctx, d, o, &failure{code: "INVALID_JSON", final: true, err: o.err}, ""); wait > 0 {
			later, waits = append(later, o.m.Handle), append(waits, wait)
		} else {
			done = append(done, o.m.Handle)
		}
	}
	if len(out) > 0 {
		s.send(ctx, d, out)
	}
	full := q.Len()*int64(bytes/max(1, len(list))) > maxBacklog
	m := s.meter(d.Account, d.Region, d.Bus, d.Rule)
	for _, o := range out {
		m.Add(attempts.Of(1))
		if o.err == nil {
			m.Add(invocations.Of(1))
			done = append(done, o.m.Handle)
			continue
		}
		if ctx.Err() != nil { // which may be why it failed
			later, waits = append(later, o.m.Handle), append(waits, 0)
			continue
		}
		f := judged(o.err)
		exhausted := d.exhausted(o, s.clock.Now())
		if !f.final && exhausted == "" && !full {
			wait := retryAfter(o.m.Count)
			s.log.Debug("an event was not delivered", "rule", d.ruleARN(), "target", d.ARN, "event", o.m.ID, "attempt", o.m.Count, "error", o.err, "again", wait)
			later, waits = append(later, o.m.Handle), append(waits, wait)
			continue
		}
		if wait := s.giveUp(ctx, d, o, f, exhausted); wait > 0 {
			later, waits = append(later, o.m.Handle), append(waits, wait)
		} else {
			done = append(done, o.m.Handle)
		}
	}
	if len(later) > 0 {
		if _, err := q.Change(later, waits); err != nil && !errors.Is(err, queue.ErrGone) {
			return err
		}
	}
	if len(done) > 0 {
		if _, err := q.Delete(done); err != nil && !errors.Is(err, queue.ErrGone) {
			return err
		}
	}
	return nil
}

// retryAfter is how long to wait after so many attempts: from a second to ten minutes, by chance a half more or less.
func retryAfter(attempts int) time.Duration {
	wait := min(time.Second<<min(max(attempts-1, 0), 10), 10*time.Minute)
	return wait/2 + rand.N(wait) //nolint:gosec // a wait
}

// exhausted is the condition of the retry policy that an event is not tried again for; empty: it is.
func (d *targetDoc) exhausted(o *sending, now time.Time) string {
	retries, age := defaultRetries, defaultAge
	if d.Retries != nil {
		retries = int(*d.Retries)
	}
	if d.Age != nil {
		age = time.Duration(*d.Age) * time.Second
	}
	switch {
	case now.Sub(o.of.Ingested) >= age:
		return "MaximumEventAgeInSeconds"
	case o.m.Count > retries:
		return "MaximumRetryAttempts"
	}
	return ""
}

// giveUp sends an event that is given up to the dead-letter queue. It returns how long to wait where that could not be
// done now; zero when there is nothing more to do.
func (s *Service) giveUp(ctx context.Context, d *targetDoc, o *sending, f *failure, exhausted string) time.Duration {
	m := s.meter(d.Account, d.Region, d.Bus, d.Rule)
	about := []any{"rule", d.ruleARN(), "target", d.ARN, "event", o.m.ID, "attempts", o.m.Count, "error", f.err}
	if d.DeadLetter == "" {
		m.Add(invocations.Of(1), failedCalls.Of(1))
		s.log.Warn("an event was not delivered and is dropped", about...)
		return 0
	}
	text := func(v string) sqstypes.MessageAttributeValue {
		return sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
	}
	attributes := map[string]sqstypes.MessageAttributeValue{
		"RULE_ARN": text(d.ruleARN()), "TARGET_ARN": text(d.ARN), "ERROR_CODE": text(f.code), "ERROR_MESSAGE": text(cut(f.err.Error())),
		"RETRY_ATTEMPTS": text(strconv.Itoa(max(o.m.Count-1, 0))),
	}
	if exhausted != "" && !f.final {
		attributes["EXHAUSTED_RETRY_CONDITION"] = text(exhausted)
	}
	a, _ := arn.Parse(d.DeadLetter) // it was one when it was put
	ctx = awswire.AsService(ctx, d.Account, a.Region, principal, d.ruleARN())
	out, err := s.cfg.Queues.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: queueURL(a), Entries: []sqstypes.SendMessageBatchRequestEntry{{
		Id: aws.String("0"), MessageBody: aws.String(string(o.m.Body)), MessageAttributes: attributes,
	}}})
	if err == nil && len(out.Failed) > 0 {
		err = &smithy.GenericAPIError{Code: aws.ToString(out.Failed[0].Code), Message: aws.ToString(out.Failed[0].Message), Fault: smithy.FaultClient}
	}
	switch {
	case err == nil:
		m.Add(invocations.Of(1), failedCalls.Of(1), sentToDeadLetter.Of(1))
		s.log.Info("an event was not delivered and went to the dead-letter queue", about...)
		return 0
	case judged(err).final || s.clock.Now().Sub(o.of.Ingested) >= 2*defaultAge:
		m.Add(invocations.Of(1), failedCalls.Of(1), lostDeadLetter.Of(1))
		s.log.Warn("an event was not delivered, nor could it be put into the dead-letter queue: it is dropped", append(about, "queue", d.DeadLetter, "why", err)...)
		return 0
	}
	return 20 * time.Second
}

// cut bounds a message of an error.
func cut(s string) string {
	const most = 1024
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func queueURL(a arn.ARN) *string {
	return sprintf("https://sqs.%s.amazonaws.com/%s/%s", a.Region, a.Account, a.Resource)
}

// templateCache keeps the compiled template of each target, by its outbox.
type templateCache struct {
	mu sync.Mutex
	of map[uint64]compiledTemplate
}

type compiledTemplate struct {
	doc      *targetDoc // shared: another one after each change
	template *eventinput.Template
}

func (c *templateCache) get(d *targetDoc) (*eventinput.Template, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.of[d.Outbox]; ok && t.doc == d {
		return t.template, nil
	}
	t, err := eventinput.ParseTemplate(d.Variables, *d.Template)
	if err != nil {
		return nil, err
	}
	if c.of == nil || len(c.of) >= maxCached {
		c.of = map[uint64]compiledTemplate{}
	}
	c.of[d.Outbox] = compiledTemplate{d, t}
	return t, nil
}

// payload is what the target gets of an event.
func (s *Service) payload(d *targetDoc, o *sending) ([]byte, error) {
	switch {
	case d.Input != nil:
		return []byte(*d.Input), nil
	case d.Path != nil:
		p, err := eventinput.ParsePath(*d.Path)
		if err != nil {
			return nil, err
		}
		v, ok := p.Get(o.m.Body)
		if !ok {
			return []byte("null"), nil
		}
		return v, nil
	case d.Template != nil:
		t, err := s.templates.get(d)
		if err != nil {
			return nil, err
		}
		return t.Fill(o.m.Body, eventinput.Of{RuleARN: d.ruleARN(), RuleName: d.Rule, Ingested: o.of.Ingested.UTC().Format(timeForm)}, maxInput)
	}
	return o.m.Body, nil
}
