package firehose

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/state"
)

const (
	deleteWait = 2 * time.Second  // how long the call waits for the rest to be delivered
	deleteFail = 30 * time.Second // how long delivery may fail before the rest is given up
)

// DeleteDeliveryStream delivers what was put before the call and removes the delivery
// stream. Commonly it is gone when the call returns; else it is DELETING until the rest
// is delivered. If the destination fails meanwhile, or its bucket is gone, the rest is
// dropped (AWS promises nothing for it either).
func (s *Service) DeleteDeliveryStream(ctx context.Context, in *firehose.DeleteDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.DeleteDeliveryStreamOutput, error) {
	name := aws.ToString(in.DeliveryStreamName)
	st, err := s.lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := s.modify(ctx, name, func(d *streamDoc) error { d.Deleting = true; return nil }); err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	s.work.Go("delete", func(context.Context) error {
		st.finishDelete()
		close(gone)
		return nil
	})
	select {
	case <-gone:
	case <-s.clock.After(deleteWait):
	case <-ctx.Done():
	}
	return &firehose.DeleteDeliveryStreamOutput{}, nil
}

// finishDelete removes a stream that is marked as deleting.
func (st *stream) finishDelete() {
	st.updating.Lock() // an update would begin the delivery anew
	defer st.updating.Unlock()
	s, d, ctx := st.s, st.doc.Load(), st.s.ctx
	if d.gone(s) {
		return // another call was first
	}
	flush, cancel := context.WithCancel(ctx)
	flushed := make(chan error, 1)
	go func() { flushed <- st.flush(flush) }()
	tick := s.clock.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var since time.Time // of failing
wait:
	for {
		select {
		case <-flushed:
			break wait
		case <-tick.Chan():
			_, err := st.failure()
			if err == nil {
				since = time.Time{}
				continue
			}
			if since.IsZero() {
				since = s.clock.Now()
			}
			if hopeless(err) || s.clock.Since(since) > deleteFail {
				s.log.Warn("a delivery stream was deleted with records that could not be delivered", "stream", d.Name, "err", err)
				break wait
			}
		}
	}
	cancel()
	if ctx.Err() != nil {
		return // goes on at the next start
	}
	st.end()
	if err := s.discard(ctx, d); err != nil {
		s.log.Error("a deleted delivery stream stays until the next start", "stream", d.Name, "err", err)
		return
	}
	if err := s.docs.Delete(ctx, d.path()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		s.log.Error("a deleted delivery stream stays until the next start", "stream", d.Name, "err", err)
		return
	}
	s.mu.Lock()
	delete(s.streams, d.key())
	s.mu.Unlock()
	if err := s.remove(ctx, d.Account, d.Region, d.ID); err != nil {
		s.log.Warn("the log of a deleted delivery stream stays until the next start", "stream", d.Name, "err", err)
	}
}

// hopeless tells whether the destination is no longer there.
func hopeless(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	switch e.ErrorCode() {
	case "NoSuchBucket", "EntityNotFoundException", "ResourceNotFoundException":
		return true
	}
	return false
}

// gone tells whether the document is there no more.
func (d *streamDoc) gone(s *Service) bool {
	doc, err := s.docs.Get(d.path()...)
	return err != nil || doc.ID != d.ID
}
