package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/generate"
)

const (
	batchRecords = 500 // the most that PutRecordBatch takes
	senders      = 4   // requests in flight
	sendEvery    = 50 * time.Millisecond
)

// sender puts generated readings at a steady rate.
type sender struct {
	client      *firehose.Client
	stream      string
	rate        int
	sent, acked atomic.Int64
}

func newSender(c *firehose.Client, stream string, rate int) *sender {
	return &sender{client: c, stream: stream, rate: rate}
}

func (s *sender) counts() string {
	return fmt.Sprintf("Sent %d, acknowledged %d.", s.sent.Load(), s.acked.Load())
}

// run sends for the length (0: for ever) or until the end of ctx, and returns when every
// put is answered.
func (s *sender) run(ctx context.Context, length time.Duration) error {
	batches := make(chan []types.Record, senders)
	errs := make(chan error, senders)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for b := range batches {
				if err := s.put(ctx, b); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	err := s.generate(ctx, length, batches, errs)
	close(batches)
	wg.Wait()
	select {
	case e := <-errs:
		err = e
	default:
	}
	return err
}

// generate makes readings at the rate and hands them on in batches. It catches up when
// it was held up: the rate is kept on average.
func (s *sender) generate(ctx context.Context, length time.Duration, out chan<- []types.Record, failed <-chan error) error {
	gen := generate.NewIoT(uint64(time.Now().UnixNano()))
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	start, made := time.Now(), 0
	for now := start; ; {
		elapsed := now.Sub(start)
		last := length > 0 && elapsed >= length
		if last {
			elapsed = length
		}
		due := int(elapsed.Seconds() * float64(s.rate))
		for made < due {
			n := min(due-made, batchRecords)
			batch := make([]types.Record, n)
			at := time.Now()
			for i := range batch {
				batch[i].Data = gen.Append(make([]byte, 0, 192), at)
			}
			select {
			case out <- batch:
				s.sent.Add(int64(n))
				made += n
			case err := <-failed:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if last {
			return nil
		}
		select {
		case now = <-tick.C:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// put sends a batch, and again those of its records that were refused for now.
func (s *sender) put(ctx context.Context, batch []types.Record) error {
	for len(batch) > 0 {
		out, err := s.client.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{DeliveryStreamName: &s.stream, Records: batch})
		if err != nil {
			return err
		}
		var again []types.Record
		for i, r := range out.RequestResponses {
			if r.ErrorCode != nil {
				again = append(again, batch[i])
			}
		}
		s.acked.Add(int64(len(batch) - len(again)))
		batch = again
	}
	return nil
}
