package sqs

import (
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

// What CloudWatch is told of queues.
//
// What happens to a queue is counted, and told as one sample when the minute is over. Told of are queues that have
// messages, or were used in the last six hours, as on AWS.
var (
	messagesSent     = &metering.Measure{Name: "NumberOfMessagesSent", Unit: "Count"}
	messagesReceived = &metering.Measure{Name: "NumberOfMessagesReceived", Unit: "Count"}
	messagesDeleted  = &metering.Measure{Name: "NumberOfMessagesDeleted", Unit: "Count"}
	emptyReceives    = &metering.Measure{Name: "NumberOfEmptyReceives", Unit: "Count"}
	sentSize         = &metering.Measure{Name: "SentMessageSize", Unit: "Bytes"}

	visibleMessages  = &metering.Measure{Name: "ApproximateNumberOfMessagesVisible", Unit: "Count"}
	inFlightMessages = &metering.Measure{Name: "ApproximateNumberOfMessagesNotVisible", Unit: "Count"}
	delayedMessages  = &metering.Measure{Name: "ApproximateNumberOfMessagesDelayed", Unit: "Count"}
	oldestAge        = &metering.Measure{Name: "ApproximateAgeOfOldestMessage", Unit: "Seconds"}
)

// activeFor is how long a queue without messages is told of after its last use.
const activeFor = 6 * time.Hour

// usage is what happened to a queue since the last minute.
type usage struct {
	last                          atomic.Int64 // milliseconds: when it was used
	sent, received, deleted, idle atomic.Int64
}

// usage is that of a queue; nil where nothing is measured.
func (s *Service) usage(d *queueDoc) *usage {
	if s.cfg.Meter == nil {
		return nil
	}
	u, ok := s.used.Load(d.ID)
	if !ok {
		u, _ = s.used.LoadOrStore(d.ID, new(usage))
	}
	return u.(*usage)
}

// meter is what a queue is measured by. It has a place in the registry, so it is not asked for before there is
// something to tell, and it is not kept: there may be no place now.
func (s *Service) meter(d *queueDoc) *metering.Resource {
	return s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/SQS", "QueueName", d.Name)
}

// measureSend tells of messages that were sent.
func (s *Service) measureSend(d *queueDoc, list ...*checked) {
	u := s.usage(d)
	if u == nil {
		return
	}
	u.last.Store(s.clock.Now().UnixMilli())
	u.sent.Add(int64(len(list)))
	m := s.meter(d)
	for _, c := range list {
		m.Add(sentSize.Of(float64(c.size)))
	}
}

// measureReceive tells of an answer with so many messages.
func (s *Service) measureReceive(d *queueDoc, n int) {
	u := s.usage(d)
	if u == nil {
		return
	}
	u.last.Store(s.clock.Now().UnixMilli())
	u.received.Add(int64(n))
	if n == 0 {
		u.idle.Add(1)
	}
}

// measureDelete tells of messages that were deleted.
func (s *Service) measureDelete(d *queueDoc, n int) {
	if u := s.usage(d); u != nil {
		u.last.Store(s.clock.Now().UnixMilli())
		u.deleted.Add(int64(n))
	}
}

// measureQueues tells of all queues, each minute.
func (s *Service) measureQueues() {
	now := s.clock.Now()
	for it, err := range s.queues.List() {
		if err != nil {
			s.cfg.Logger.Error("a queue is not measured", "error", err)
			continue
		}
		if err := s.measureQueue(it.Value, now); err != nil {
			s.cfg.Logger.Debug("a queue is not measured", "queue", it.Value.arn(), "error", err) // it has gone, or the node ends
		}
	}
}

func (s *Service) measureQueue(d *queueDoc, now time.Time) error {
	q, err := s.messages(d)
	if err != nil {
		return err
	}
	c, err := q.Counts()
	if err != nil {
		return err
	}
	u := new(usage)
	if used, ok := s.used.Load(d.ID); ok {
		u = used.(*usage)
	}
	if c.Visible+c.InFlight+c.Delayed == 0 && now.Sub(time.UnixMilli(u.last.Load())) > activeFor {
		return nil
	}
	sent, err := q.Oldest()
	if err != nil {
		return err
	}
	age := 0.0
	if !sent.IsZero() {
		age = max(now.Sub(sent).Truncate(time.Second).Seconds(), 0)
	}
	s.meter(d).Add(
		messagesSent.Of(float64(u.sent.Swap(0))), messagesReceived.Of(float64(u.received.Swap(0))), messagesDeleted.Of(float64(u.deleted.Swap(0))), emptyReceives.Of(float64(u.idle.Swap(0))),
		visibleMessages.Of(float64(c.Visible)), inFlightMessages.Of(float64(c.InFlight)), delayedMessages.Of(float64(c.Delayed)), oldestAge.Of(age),
	)
	return nil
}
