package kinesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const (
	// subscriptionLife is how long a subscription lasts.
	subscriptionLife = 5 * time.Minute
	// takeoverAge is how old a subscription must be for another call to take it over.
	takeoverAge = 5 * time.Second
	// heartbeat is how long a subscription with no records goes without an event.
	heartbeat = 5 * time.Second
	// hangUpGrace is how long a call waits for a subscription in its way whose client has
	// hung up to come to its end: longer than a machine with much to do takes to notice that.
	hangUpGrace = 2 * time.Second

	maxEventRecords = 5000
	maxEventBytes   = 1 << 20 // unless one record has more
)

// SubscribeToShard pushes the records of a shard to a consumer, as they are stored, for five
// minutes, or until the end of a closed shard, whose children the last event names. One
// that finds no records for five seconds sends an event without any, for its continuation
// sequence number.
//
// A consumer has one subscription to a shard. A call takes over from one that is five
// seconds old, which ends with a ResourceInUseException; before that it is refused with
// one. A subscription whose client has hung up is in nobody's way.
//
// No records are read ahead of the client. Where the stream enforces limits, it gets 2 MiB a
// second.
func (s *Service) SubscribeToShard(ctx context.Context, in *kinesis.SubscribeToShardInput) (*kinesis.SubscribeToShardOutput, iter.Seq2[types.SubscribeToShardEventStream, error], error) {
	return s.subscribe(ctx, in, func(r *batchRead) types.SubscribeToShardEventStream { return r.event() })
}

// subscribeFast is SubscribeToShard with events that go straight to their wire form.
func (s *Service) subscribeFast(ctx context.Context, in *kinesis.SubscribeToShardInput) (*kinesis.SubscribeToShardOutput, iter.Seq2[types.SubscribeToShardEventStream, error], error) {
	return s.subscribe(ctx, in, func(r *batchRead) types.SubscribeToShardEventStream { return &wireEvent{s: s, read: r} })
}

// wireEvent is an event that has not been made of the SDK's types. It is good until the next
// one is asked for.
type wireEvent struct {
	*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent // nil: for its mark as an event

	s    *Service
	read *batchRead
}

// EventName implements awswire.WireEvent.
func (*wireEvent) EventName() string { return "SubscribeToShardEvent" }

// AppendEvent implements awswire.WireEvent.
func (e *wireEvent) AppendEvent(dst []byte, proto awswire.Protocol) ([]byte, bool) {
	switch proto {
	case awswire.JSON10, awswire.JSON11:
		return e.s.appendRecordsJSON(dst, e.read), true
	case awswire.CBOR11:
		return e.s.appendRecordsCBOR(dst, e.read), true
	}
	return dst, false
}

// Event implements awswire.WireEvent.
func (e *wireEvent) Event() any { return e.read.event() }

func (s *Service) subscribe(ctx context.Context, in *kinesis.SubscribeToShardInput, event func(*batchRead) types.SubscribeToShardEventStream) (*kinesis.SubscribeToShardOutput, iter.Seq2[types.SubscribeToShardEventStream, error], error) {
	d, c, err := s.findConsumer(ctx, in.ConsumerARN, nil, nil, in.StreamId)
	if err != nil {
		return nil, nil, err
	}
	if !d.usable() {
		return nil, nil, notFound(d.Account, d.Name)
	}
	if c.status(s.now(), s.cfg.ControlDelay) != types.ConsumerStatusActive {
		return nil, nil, &types.ResourceInUseException{Message: aws.String(fmt.Sprintf(
			"Consumer %s with creation timestamp %d under stream: %s , account %s is not in ACTIVE status.", c.Name, c.Created.Unix(), d.Name, d.Account))}
	}
	index, ok := parseShardID(aws.ToString(in.ShardId))
	if !ok {
		return nil, nil, unknownShard(aws.ToString(in.ShardId), d.Name, d.Account)
	}
	sh := d.shard(index, s.clock.Now())
	if sh == nil {
		return nil, nil, noShard(shardID(index), d.Name, d.Account)
	}
	log, err := s.shardLog(ctx, d, sh)
	if err != nil {
		return nil, nil, err
	}
	start := in.StartingPosition
	at, err := s.position(ctx, d, sh, log, startAt{"SubscribeToShard", start.Type, start.SequenceNumber, start.Timestamp})
	if err != nil {
		return nil, nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, nil, errDryRun
	}
	pushing, end := context.WithCancelCause(ctx)
	sub := &subscription{
		subscriptionKey: subscriptionKey{stream: d.ID, consumer: c.Name, created: c.Created.UnixMilli(), shard: index},
		name:            d.key(), began: s.clock.Now(), end: end, done: make(chan struct{}),
	}
	if old := s.subscriptions.claim(sub); old != nil {
		select {
		case <-old.done:
			old = s.subscriptions.claim(sub)
		case <-time.After(hangUpGrace):
		}
		if old != nil {
			end(nil)
			s.consumerMeter(d, c.Name).Add(subscribeExceeded.Of(1), subscribeSuccess.Of(0))
			return nil, nil, takenOver(d, sub)
		}
	}
	s.consumerMeter(d, c.Name).Add(subscribeExceeded.Of(0), subscribeSuccess.Of(1))
	life := s.clock.AfterFunc(subscriptionLife, func() { end(errExpired) })
	open := context.AfterFunc(s.running, func() { end(errClosing) })
	context.AfterFunc(pushing, func() { // whether the events were taken or not
		life.Stop()
		open()
		s.subscriptions.release(sub)
	})
	return &kinesis.SubscribeToShardOutput{}, func(yield func(types.SubscribeToShardEventStream, error) bool) {
		defer end(nil)
		p := &pusher{s: s, sub: sub, consumer: c, at: at, event: event, yield: yield}
		if err := p.push(pushing); err != nil && !p.gone {
			yield(nil, err)
		}
	}, nil
}

// pusher sends a subscription's events.
type pusher struct {
	s        *Service
	sub      *subscription
	consumer *consumer
	at       shardlog.Position
	event    func(*batchRead) types.SubscribeToShardEventStream
	yield    func(types.SubscribeToShardEventStream, error) bool
	gone     bool // the client takes no more events
	sent     time.Time
	free     time.Time // when the limit of a second's bytes lets the next event go
}

// push runs until the subscription ends and returns the exception that it ends with, if
// any.
func (p *pusher) push(ctx context.Context) error {
	for p.sent = p.s.clock.Now(); ; {
		p.sub.looked()
		d, sh, err := p.look()
		if err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return p.ended(ctx, d, err)
		}
		log, err := p.s.shardLog(ctx, d, sh)
		if err != nil {
			return p.ended(ctx, d, err)
		}
		bytes, atEnd, err := p.step(ctx, d, sh, log)
		switch {
		case err != nil:
		case p.gone || atEnd && !sh.open():
			return nil
		case !atEnd:
			p.pace(ctx, d, bytes)
		default:
			err = p.wait(ctx, log)
		}
		if err != nil {
			return p.ended(ctx, d, err)
		}
	}
}

// step reads once and sends an event if there is something to tell. It holds memory for
// records no longer than that: most subscriptions wait, most of the time.
func (p *pusher) step(ctx context.Context, d *stream, sh *shard, log *shardlog.Shard) (bytes int, atEnd bool, err error) {
	r := reads.Get().(*batchRead)
	defer r.free()
	p.at, atEnd, err = p.s.readShard(ctx, d, sh, log, p.at, shardlog.ReadOptions{MaxRecords: maxEventRecords, MaxBytes: maxEventBytes}, r)
	if err != nil {
		return 0, false, err
	}
	last := atEnd && !sh.open()
	if len(r.records) == 0 && !last && p.s.clock.Since(p.sent) < heartbeat {
		return 0, atEnd, nil
	}
	if last {
		r.children = d.children(sh.Index)
	} else {
		r.resume = r.continuation(p.at, p.s.now())
	}
	if p.gone = !p.yield(p.event(r), nil); !p.gone {
		p.measureEvent(d, sh, r)
	}
	p.sent = p.s.clock.Now()
	return r.bytes, atEnd, nil
}

// look returns the stream's document and the shard, if there are still both and the
// consumer.
func (p *pusher) look() (*stream, *shard, error) {
	name := p.sub.name
	d, err := p.s.streams.Get(name...)
	if errors.Is(err, state.ErrNotFound) || err == nil && (d.ID != p.sub.stream || !d.usable()) {
		return nil, nil, notFound(name[0], name[2])
	}
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(d.Consumers, func(c consumer) bool {
		return c.Name == p.consumer.Name && c.Created.Equal(p.consumer.Created) && c.Deleted.IsZero()
	}) {
		return nil, nil, noConsumer("Consumer %s under stream %s not found for account %s.", p.consumer.Name, d.Name, d.Account)
	}
	sh := d.shard(p.sub.shard, p.s.clock.Now())
	if sh == nil {
		return nil, nil, noShard(shardID(p.sub.shard), d.Name, d.Account)
	}
	return d, sh, nil
}

// ended tells the exception for an error of the log, none if the subscription has ended
// for a reason of its own.
func (p *pusher) ended(ctx context.Context, d *stream, err error) error {
	switch {
	case context.Cause(ctx) == errTakenOver:
		return takenOver(d, p.sub)
	case ctx.Err() != nil || errors.Is(err, shardlog.ErrClosed):
		return nil
	case errors.Is(err, shardlog.ErrNoShard):
		return notFound(d.Account, d.Name) // deleted while this waited
	}
	return err
}

// wait returns when there is a record, a change of the stream, or a heartbeat is due.
func (p *pusher) wait(ctx context.Context, log *shardlog.Shard) error {
	waiting, wake := context.WithCancel(ctx)
	defer wake()
	timer := p.s.clock.AfterFunc(heartbeat-p.s.clock.Since(p.sent), wake)
	defer timer.Stop()
	p.sub.waiting(wake)
	defer p.sub.waiting(nil)
	err := log.Wait(waiting, p.at)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// pace waits until the limits let the next event go.
func (p *pusher) pace(ctx context.Context, d *stream, bytes int) {
	if !p.s.enforces(d) {
		return
	}
	now := p.s.clock.Now()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(bytes) * time.Second / shardOutBytes)
	select {
	case <-p.s.clock.After(p.free.Sub(now)):
	case <-ctx.Done():
	}
}

// event is what a read found, in the SDK's types. The last one of a shard has children and
// no continuation.
func (r *batchRead) event() *types.SubscribeToShardEventStreamMemberSubscribeToShardEvent {
	e := types.SubscribeToShardEvent{
		Records:            r.output(),
		MillisBehindLatest: aws.Int64(r.behind.Milliseconds()),
		ChildShards:        r.children,
	}
	if r.resume != (sequence{}) {
		e.ContinuationSequenceNumber = aws.String(r.resume.String())
	}
	return &types.SubscribeToShardEventStreamMemberSubscribeToShardEvent{Value: e}
}

// continuation is a sequence number that brings the reader back to the position, whether it
// asks for what is at the number or after it: one between the numbers of the last record
// before it and of the first one after.
func (r *batchRead) continuation(at shardlog.Position, now time.Time) sequence {
	if n := len(r.records); at.Index > 0 && n > 0 {
		q := r.sequence(&r.records[n-1])
		q.time |= between
		return q
	}
	q := r.shard.sequence()
	if at.Index > 0 { // at the end of a frame that more may come to
		q.frame, q.index, q.time = at.Frame, at.Index-1, seconds(now)|between
		return q
	}
	q.frame, q.index, q.time = cmp.Or(at.Frame, 1)-1, lastIndex, seconds(now)
	return q
}
