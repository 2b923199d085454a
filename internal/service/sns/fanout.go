package sns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const (
	// idle is how long a worker waits for a message before it looks at its document again.
	idle = 10 * time.Minute
	// hidden is how long a message that is being worked at is hidden: a crash delays it by as much.
	hidden = 30 * time.Second

	fanBatch     = 32
	likelyLength = 300 << 10 // bytes of a stored message at most, where little of it is escaped
)

// batch receives messages and holds their bytes of the memory for deliveries until release.
func (s *Service) batch(ctx context.Context, q *queue.Queue, n int) (list []queue.Received, release func(), err error) {
	ready, err := q.Await(ctx, idle)
	if err != nil || !ready {
		return nil, nil, err
	}
	most := int64(n) * likelyLength
	if err := s.memory.Acquire(ctx, most); err != nil {
		return nil, nil, err
	}
	list, err = q.Receive(ctx, n, hidden, 0)
	held := int64(0)
	for i := range list {
		held += int64(len(list[i].Body))
	}
	held = min(held, most)
	s.memory.Release(most - held)
	if err != nil || len(list) == 0 {
		s.memory.Release(held)
		return nil, nil, err
	}
	return list, func() { s.memory.Release(held) }, nil
}

// fanOut copies what a topic's outbox has to those of its subscriptions.
func (s *Service) fanOut(ctx context.Context, j *work.Job[topicDoc]) error {
	for ctx.Err() == nil {
		t := j.Document()
		q, err := s.outbox(t)
		if err != nil {
			return err
		}
		list, release, err := s.batch(ctx, q, fanBatch)
		if ctx.Err() != nil {
			if release != nil {
				release()
			}
			break
		}
		if errors.Is(err, queue.ErrGone) {
			return work.RunAfter(time.Second) // so will the document be
		}
		if err != nil {
			return fmt.Errorf("receive from the outbox: %w", err)
		}
		if list == nil {
			continue
		}
		err = s.fan(ctx, t, q, list)
		release()
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// fan copies messages. A crash before they are removed copies them again: to FIFO subscriptions without effect.
func (s *Service) fan(ctx context.Context, t *topicDoc, q *queue.Queue, list []queue.Received) error {
	var subscriptions []*subscriptionDoc
	for it, err := range s.subscriptions.In(t.key()...).List() {
		if err != nil {
			return err
		}
		if d := it.Value; d.TopicID == t.ID && !d.Pending && delivers(d.Protocol) {
			subscriptions = append(subscriptions, d)
		}
	}
	all := make([]queue.Outgoing, len(subscriptions))
	handles := make([]string, 0, len(list))
	length, filtered := 0, 0
	flush := func() error {
		var out []queue.Outgoing
		for i := range all {
			if len(all[i].Messages) > 0 {
				out = append(out, all[i])
				all[i].Messages = nil
			}
		}
		length = 0
		if len(out) == 0 {
			return nil
		}
		return s.cfg.Outbox.SendAll(out)
	}
	for i := range list {
		m := &list[i]
		handles = append(handles, m.Handle)
		p, err := decodePosted(m.Body)
		if err != nil {
			s.log.Error("a message of a topic is dropped", "topic", t.arn(), "message", m.ID, "error", err)
			continue
		}
		dedup := ""
		if t.fifo() {
			p.Sequence = fmt.Sprintf("%020d", m.Sequence)
			dedup = p.Sequence
		}
		var body []byte
		for k, d := range subscriptions {
			if !s.wants(d, p) {
				filtered++
				continue
			}
			if body == nil {
				if body, err = s.prepare(p, subscriptions); err != nil {
					return err
				}
			}
			if all[k].To == nil {
				if all[k].To, err = s.inbox(d); err != nil {
					return err
				}
			}
			all[k].Messages = append(all[k].Messages, &queue.Message{ID: p.ID, Body: body, Group: p.Group, Dedup: dedup})
			if length += len(body); length > 8<<20 { // of one batch of the store
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	s.measureFiltered(t, filtered)
	_, err := q.Delete(handles)
	if errors.Is(err, queue.ErrGone) {
		return nil
	}
	return err
}

// prepare signs a message once for all subscriptions that get it with a signature.
func (s *Service) prepare(p *posted, subscriptions []*subscriptionDoc) ([]byte, error) {
	for _, d := range subscriptions {
		if d.raw() || p.text(d.Protocol) != p.Text || strings.HasSuffix(d.Topic, ".fifo") {
			continue
		}
		var err error
		list := []field{{"Message", p.Text}, {"MessageId", p.ID}, {"Timestamp", p.timestamp()}, {"TopicArn", p.Topic}, {"Type", notificationType}}
		if p.Subject != nil {
			list = append(list, field{"Subject", *p.Subject})
		}
		p.Signature, p.CertURL, err = s.sign(p.Version, signed(list, "Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"))
		if err != nil {
			return nil, err
		}
		break
	}
	return p.encode()
}
