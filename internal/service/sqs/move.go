package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Tasks that move the messages of a dead letter queue back to where they were, or elsewhere.

const (
	moveRunning    = "RUNNING"
	moveCompleted  = "COMPLETED"
	moveCancelling = "CANCELLING"
	moveCancelled  = "CANCELLED"
	moveFailed     = "FAILED"
)

// moveDoc is a task.
type moveDoc struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Destination string    `json:"destination,omitempty"` // empty: where each message was
	Origins     []string  `json:"origins,omitempty"`     // without a destination: the queues that messages may go to
	Rate        int32     `json:"rate,omitempty"`        // messages a second; 0: all that can be
	Status      string    `json:"status"`
	Moved       int64     `json:"moved"`
	ToMove      int64     `json:"to_move"`
	Started     time.Time `json:"started"`
	Reason      string    `json:"reason,omitempty"`
}

func (d *moveDoc) key() []string { return []string{d.Account, d.Region, d.ID} }

// task is what a task's handle says.
type task struct {
	ID     string `json:"taskId"`
	Source string `json:"sourceArn"`
}

func (d *moveDoc) handle() *string {
	b, err := json.Marshal(task{d.ID, d.Source})
	if err != nil {
		panic(err) // texts can be marshalled
	}
	return aws.String(base64.StdEncoding.EncodeToString(b))
}

func openTask(handle string) (source, id string) {
	b, err := base64.StdEncoding.DecodeString(handle)
	var t task
	if err != nil || json.Unmarshal(b, &t) != nil {
		return "", ""
	}
	return t.Source, t.ID
}

// gone is of what is not there, with the status 404, which the model of SQS does not tell.
func gone(message string) error {
	return awswire.WithStatus(&types.ResourceNotFoundException{Message: &message}, http.StatusNotFound)
}

func noResource() error {
	return gone("The resource that you specified for the SourceArn parameter doesn't exist.")
}

// source is the queue of a task, which must be the caller's.
func (s *Service) source(ctx context.Context, name *string) (*queueDoc, error) {
	if aws.ToString(name) == "" {
		return nil, missing("SourceArn")
	}
	d, err := s.byARN(*name)
	var missing *types.QueueDoesNotExist
	c := awswire.CallerFrom(ctx)
	if errors.As(err, &missing) || err == nil && (d.Account != c.Account || d.Region != c.Region) {
		return nil, noResource()
	}
	return d, err
}

// StartMessageMoveTask starts to move the messages of a dead letter queue.
func (s *Service) StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput, _ ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	d, err := s.source(ctx, in.SourceArn)
	if err != nil {
		return nil, err
	}
	if in.MaxNumberOfMessagesPerSecond != nil && (*in.MaxNumberOfMessagesPerSecond < 1 || *in.MaxNumberOfMessagesPerSecond > 500) {
		return nil, invalid("Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: The value must be between 1 and 500.")
	}
	// Whoever moves messages takes them from one queue and puts them into others.
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if err := s.allowed(ctx, action, d.arn()); err != nil {
			return nil, err
		}
	}
	var origins []string
	for it, err := range s.queues.In(d.Account, d.Region).List() {
		if err != nil {
			return nil, err
		}
		if r := it.Value.redrive(); r != nil && r.Target == d.arn() {
			origins = append(origins, it.Value.arn())
		}
	}
	if len(origins) == 0 {
		return nil, invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if to := aws.ToString(in.DestinationArn); to != "" {
		t, err := s.byARN(to)
		if err != nil || t.Account != d.Account || t.Region != d.Region {
			return nil, gone("The resource that you specified for the DestinationArn parameter doesn't exist.")
		}
		if t.fifo() != d.fifo() || t.ID == d.ID {
			return nil, invalid("Source and destination must be two queues of the same type.")
		}
		origins = nil
		if err := s.allowed(ctx, "SendMessage", t.arn()); err != nil {
			return nil, err
		}
	}
	for _, queue := range origins {
		if err := s.allowed(ctx, "SendMessage", queue); err != nil {
			return nil, err
		}
	}
	q, err := s.messages(d)
	if err != nil {
		return nil, err
	}
	counts, err := q.Counts()
	if err != nil {
		return nil, told(err)
	}
	m := &moveDoc{
		Account: d.Account, Region: d.Region, ID: awswire.NewRequestID(), Source: d.arn(), Destination: aws.ToString(in.DestinationArn), Origins: origins,
		Rate: aws.ToInt32(in.MaxNumberOfMessagesPerSecond), Status: moveRunning, ToMove: counts.Visible, Started: s.now(),
	}
	for _, other := range s.tasks(d) {
		if other.Status == moveRunning || other.Status == moveCancelling {
			return nil, invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	if err := s.moves.Create(ctx, m, m.key()...); err != nil {
		return nil, err
	}
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: m.handle()}, nil
}

func (s *Service) allowed(ctx context.Context, action, queue string) error {
	if s.cfg.Allow == nil {
		return nil
	}
	return s.cfg.Allow(ctx, "sqs:"+action, queue)
}

// tasks are those of a queue, the newest first.
func (s *Service) tasks(d *queueDoc) []*moveDoc {
	var list []*moveDoc
	for it, err := range s.moves.In(d.Account, d.Region).List() {
		if err == nil && it.Value.Source == d.arn() {
			list = append(list, it.Value)
		}
	}
	slices.SortFunc(list, func(a, b *moveDoc) int { return b.Started.Compare(a.Started) })
	return list
}

// ListMessageMoveTasks lists the newest tasks of a queue.
func (s *Service) ListMessageMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput, _ ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	d, err := s.source(ctx, in.SourceArn)
	if err != nil {
		return nil, err
	}
	n := 1
	if in.MaxResults != nil {
		if n = int(*in.MaxResults); n < 1 || n > 10 {
			return nil, invalid("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 10.")
		}
	}
	out := &sqs.ListMessageMoveTasksOutput{}
	for _, m := range s.tasks(d)[:min(n, len(s.tasks(d)))] {
		e := types.ListMessageMoveTasksResultEntry{
			SourceArn: &m.Source, DestinationArn: some(m.Destination), Status: &m.Status, ApproximateNumberOfMessagesMoved: m.Moved,
			ApproximateNumberOfMessagesToMove: &m.ToMove, StartedTimestamp: m.Started.UnixMilli(), FailureReason: some(m.Reason),
		}
		if m.Rate > 0 {
			e.MaxNumberOfMessagesPerSecond = &m.Rate
		}
		if m.Status == moveRunning || m.Status == moveCancelling {
			e.TaskHandle = m.handle()
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}

// CancelMessageMoveTask stops a task; what it has moved stays there.
func (s *Service) CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput, _ ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error) {
	source, id := openTask(aws.ToString(in.TaskHandle))
	if id == "" {
		return nil, invalid("Value for parameter TaskHandle is invalid.")
	}
	d, err := s.source(ctx, &source)
	if err != nil {
		return nil, err
	}
	noTask := gone("Task does not exist.")
	m, err := s.moves.Modify(ctx, func(m *moveDoc) error {
		if m.Source != source {
			return noTask
		}
		if m.Status != moveRunning {
			return &types.UnsupportedOperation{Message: aws.String("Only active tasks can be cancelled.")}
		}
		m.Status = moveCancelling
		return nil
	}, d.Account, d.Region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noTask
	}
	if err != nil {
		return nil, err
	}
	return &sqs.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: m.Moved}, nil
}

// move does a task, in steps of up to a hundred messages, each of which is counted.
func (s *Service) move(ctx context.Context, j *work.Job[moveDoc]) error {
	for {
		m, err := s.moves.Get(j.Key...)
		if err != nil {
			return err
		}
		if m.Status == moveCancelling {
			return s.ended(ctx, m, moveCancelled, "")
		}
		if m.Status != moveRunning {
			return nil
		}
		n, reason, err := s.step(m)
		if err != nil {
			return err
		}
		switch {
		case reason != "":
			return s.ended(ctx, m, moveFailed, reason)
		case n == 0:
			return s.ended(ctx, m, moveCompleted, "")
		}
		if _, err := s.moves.Modify(ctx, func(m *moveDoc) error {
			m.Moved += int64(n)
			return nil
		}, m.key()...); err != nil {
			return err
		}
		if m.Rate > 0 {
			t := s.clock.NewTimer(time.Second)
			select {
			case <-ctx.Done():
				t.Stop()
				return context.Cause(ctx)
			case <-t.Chan():
			}
		} else if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (s *Service) ended(ctx context.Context, m *moveDoc, status, reason string) error {
	_, err := s.moves.Modify(ctx, func(m *moveDoc) error {
		m.Status, m.Reason = status, reason
		return nil
	}, m.key()...)
	return err
}

// step moves some messages; reason reports why none can be.
func (s *Service) step(m *moveDoc) (moved int, reason string, err error) {
	d, err := s.byARN(m.Source)
	if err != nil {
		return 0, "CouldNotFindSource", nil
	}
	q, err := s.messages(d)
	if err != nil {
		return 0, "", err
	}
	n := 100
	if m.Rate > 0 {
		n = min(n, int(m.Rate))
	}
	list, err := q.Waiting(n)
	if err != nil {
		return 0, "", told(err)
	}
	by := map[string][]uint64{}
	for _, w := range list {
		to := m.Destination
		if to == "" {
			to = w.Source
		}
		by[to] = append(by[to], w.Sequence)
	}
	for _, name := range sortedNames(by) {
		to, err := s.byARN(name)
		if err != nil && m.Destination != "" {
			return moved, "AWS.SimpleQueueService.NonExistentQueue", nil
		}
		if err != nil || m.Destination == "" && m.Origins != nil && !slices.Contains(m.Origins, name) {
			return moved, "CouldNotDetermineMessageSource", nil
		}
		t, err := s.messages(to)
		if err != nil {
			return moved, "", err
		}
		k, err := q.Move(t, by[name])
		if err != nil {
			return moved, "", told(err)
		}
		moved += k
	}
	return moved, "", nil
}
