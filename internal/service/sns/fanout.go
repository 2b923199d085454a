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
	fanBatch     = 32
	likelyLength = 300 << 10 // bytes of a stored message at most, where little of it is escaped
)

// fanOut copies what a topic's outbox has to those of its subscriptions.
func (s *Service) fanOut(ctx context.Context, j *work.Job[topicDoc]) error {
	return orLater(s.drain.Run(ctx, fanBatch, func() (*queue.Queue, error) { return s.outbox(j.Document()) }, func(q *queue.Queue, list []queue.Received) error {
		return s.fan(j.Document(), q, list)
	}))
}

// orLater has a worker whose outbox is gone look again: so will its document be.
func orLater(err error) error {
	if errors.Is(err, queue.ErrGone) {
		return work.RunAfter(time.Second)
	}
	return err
}

// fan copies messages. A crash before they are removed copies them again: to FIFO subscriptions without effect.
func (s *Service) fan(t *topicDoc, q *queue.Queue, list []queue.Received) error {
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
