package firehose

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/state"
)

const (
	deleteWait = 2 * time.Second  // how long the call waits for the rest to be delivered
	deleteFail = 30 * time.Second // how long delivery may fail before the rest is given up
	updateWait = 5 * time.Second  // how long an update waits for the delivery of what was put before it
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
	s.runner.Refresh(st.doc.Load().path()...)
	select {
	case <-st.gone:
	case <-s.clock.After(s.deleteWait):
	case <-ctx.Done():
	}
	return &firehose.DeleteDeliveryStreamOutput{}, nil
}

// finishDelete removes a stream that is marked as deleting.
func (r *delivering) finishDelete(ctx context.Context, d *streamDoc) error {
	st, s := r.st, r.st.s
	flushed := make(chan struct{})
	over := sync.OnceFunc(func() { close(flushed) })
	r.work("delivery of the rest", func(ctx context.Context) error {
		defer over()
		_ = st.flush(ctx) // what it fails for, a lane tells
		return nil
	}, nil)
	tick := s.clock.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var since time.Time // of failing
wait:
	for {
		select {
		case <-flushed:
			break wait
		case <-ctx.Done():
			return ctx.Err() // it goes on at the next start, or where the lease goes
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
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := r.halt(ctx); err != nil {
		return err
	}
	// The document is what this run is for: it ends when that is gone.
	clean := context.WithoutCancel(ctx)
	if err := s.discard(clean, d, time.Time{}); err != nil {
		return err
	}
	if err := s.docs.Delete(clean, d.path()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	s.mu.Lock()
	if s.streams[d.key()] == st {
		delete(s.streams, d.key())
	}
	s.mu.Unlock()
	if err := s.remove(clean, d.Account, d.Region, d.ID); err != nil {
		s.log.Warn("the log of a deleted delivery stream stays for a while", "stream", d.Name, "err", err)
	}
	st.leave()
	return nil
}

// hopeless reports whether the destination is no longer there.
func hopeless(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	switch e.ErrorCode() {
	case "NoSuchBucket", "InvalidBucketName", "EntityNotFoundException", "ResourceNotFoundException":
		return true
	}
	return false
}
