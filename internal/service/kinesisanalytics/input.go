package kinesisanalytics

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

func sortedQueues(m map[string]*queue) []string { return slices.Sorted(maps.Keys(m)) }

// openFeeds begins to read the inputs from where the positions say.
func (r *running) openFeeds(ctx context.Context, from positions) error {
	s := r.s
	for i := range r.doc.Inputs {
		in := r.doc.Inputs[i]
		src, err := s.sourceOf(r.acting(ctx, in.source().Role), in.source().ARN)
		if err != nil {
			return err
		}
		stream := src.stream
		waiter, _ := src.api.(shardreader.Waiter)
		if waiter == nil {
			r.slack = polledSlack
		}
		o := feedOptions{
			index: i, doc: in, stream: shardreader.Kinesis(src.api, stream), waiter: waiter, from: from.Inputs[in.ID], notify: r.notify,
			options: shardreader.Options{Clock: s.clock},
			failed: func(err error) {
				s.log.Warn("an application cannot read its stream", "application", r.doc.arn(), "stream", stream, "error", err)
				s.tell(r.doc, "ERROR", "The stream "+stream+" cannot be read: "+err.Error())
			},
			lost: func(shard string) {
				s.log.Error("records have expired before an application has read them", "application", r.doc.arn(), "stream", stream, "shard", shard)
				s.tell(r.doc, "ERROR", "Records of shard "+shard+" have expired before they were read.")
			},
		}
		if in.Start != startHorizon {
			o.start = r.doc.Started
		}
		f := newFeed(o)
		r.feeds = append(r.feeds, f)
		r.group.Go("input "+in.ID, func(ctx context.Context) error {
			return f.run(r.acting(ctx, in.source().Role), func(ctx context.Context, shard string, records []kinesistypes.Record) ([]item, error) {
				if in.Processor == nil {
					return plainItems(records), nil
				}
				return r.process(r.acting(ctx, in.Processor.Role), &in, stream, shard, records)
			})
		})
	}
	return nil
}

// source is the stream or the delivery stream of an input.
func (in *inputDoc) source() *resourceDoc {
	if in.Stream != nil {
		return in.Stream
	}
	return in.Delivery
}

// source is what an input reads.
type source struct {
	api    shardreader.KinesisAPI
	stream string // ARN
}

// sourceOf is what an ARN stands for: a Kinesis stream, a delivery stream's Kinesis stream, or what is put to
// a delivery stream itself.
func (s *Service) sourceOf(ctx context.Context, resource string) (src source, err error) {
	if a, _ := arn.Parse(resource); a.Service == "firehose" {
		if a.Account != scope.Of(ctx).Account || a.Region != scope.Of(ctx).Region {
			return src, invalid("%s is a delivery stream of another account or region.", resource)
		}
		if s.cfg.Firehose == nil {
			return src, errNoFirehose
		}
		out, err := s.cfg.Firehose.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String(resourceName(resource, "deliverystream/"))})
		if err != nil {
			return src, err
		}
		if d := out.DeliveryStreamDescription.Source; d == nil || d.KinesisStreamSourceDescription == nil {
			if s.cfg.Puts == nil {
				return src, errDirectPut
			}
			return source{s.cfg.Puts, resource}, nil
		} else {
			resource = aws.ToString(d.KinesisStreamSourceDescription.KinesisStreamARN)
		}
	}
	if s.cfg.Kinesis == nil {
		return src, errNoKinesis
	}
	return source{s.cfg.Kinesis, resource}, nil
}

// errDirectPut is of a Firehose that is not this node's.
var errDirectPut = errors.New("delivery streams of the source DirectPut can be read where Brookmere has them: use one that reads a Kinesis stream, or that stream")

// The event that a function of an input gets, and its limits.
// https://docs.aws.amazon.com/kinesisanalytics/latest/dev/lambda-preprocessing-data-model.html
type inputEvent struct {
	Invocation  string        `json:"invocationId"`
	Application string        `json:"applicationArn"`
	Stream      string        `json:"streamArn"`
	Records     []inputRecord `json:"records"`
}

type inputRecord struct {
	ID       string            `json:"recordId"`
	Metadata *inputMetadata    `json:"kinesisStreamRecordMetadata,omitempty"`
	Delivery *deliveryMetadata `json:"kinesisFirehoseRecordMetadata,omitempty"`
	Data     string            `json:"data"`
}

// deliveryMetadata is what a function is told of a record of a delivery stream.
type deliveryMetadata struct {
	Arrival int64 `json:"approximateArrivalTimestamp"`
}

type inputMetadata struct {
	Sequence string `json:"sequenceNumber"`
	Key      string `json:"partitionKey"`
	Shard    string `json:"shardId"`
	Arrival  int64  `json:"approximateArrivalTimestamp"`
}

const processTries = 3

// process has the function of an input work on records. Those that it drops or fails on are items
// without data, so that positions stay those of the stream.
func (r *running) process(ctx context.Context, in *inputDoc, stream, shard string, records []kinesistypes.Record) ([]item, error) {
	items := make([]item, 0, len(records))
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && n < callRecords {
			size += len(records[n].Data)
			if n > 0 && size > callBytes {
				break
			}
			n++
		}
		got, err := r.processSome(ctx, in, stream, shard, records[:n])
		if err != nil {
			return nil, err
		}
		items = append(items, got...)
		records = records[n:]
	}
	return items, nil
}

func (r *running) processSome(ctx context.Context, in *inputDoc, stream, shard string, records []kinesistypes.Record) ([]item, error) {
	event := newInputEvent(r.doc.arn(), stream, shard, records)
	var answer *functionAnswer
	for failures := 1; ; failures++ {
		var err error
		if answer, err = r.s.invoke(ctx, in.Processor.ARN, event); err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if failures == 1 || failures%20 == 0 {
			r.s.log.Warn("the function of an application's input has failed and is tried again", "application", r.doc.arn(), "function", in.Processor.ARN, "error", err)
			r.s.tell(r.doc, "ERROR", fmt.Sprintf("The function %s has failed and is tried again: %v", in.Processor.ARN, err))
		}
		t := r.s.clock.NewTimer(min(100*time.Millisecond<<min(failures, processTries*2), 10*time.Second))
		select {
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return nil, context.Cause(ctx)
		}
	}
	data, failed := answer.byRecord(len(records))
	if failed > 0 {
		r.s.tell(r.doc, "WARN", fmt.Sprintf("The function %s could not process %d records of shard %s. They are left out.", in.Processor.ARN, failed, shard))
		r.s.metrics.processingFailed(r.doc, failed)
	}
	items := make([]item, len(records))
	for i := range records {
		items[i] = newItem(&records[i], data[i])
	}
	return items, nil
}

func newInputEvent(application, stream, shard string, records []kinesistypes.Record) inputEvent {
	a, _ := arn.Parse(stream)
	ofDelivery := a.Service == "firehose"
	e := inputEvent{Invocation: uuid.NewString(), Application: application, Stream: stream, Records: make([]inputRecord, len(records))}
	for i := range records {
		rec := &records[i]
		e.Records[i] = inputRecord{ID: strconv.Itoa(i), Data: base64.StdEncoding.EncodeToString(rec.Data)}
		arrival := aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMilli()
		if ofDelivery {
			e.Records[i].Delivery = &deliveryMetadata{arrival}
		} else {
			e.Records[i].Metadata = &inputMetadata{aws.ToString(rec.SequenceNumber), aws.ToString(rec.PartitionKey), shard, arrival}
		}
	}
	return e
}

// byRecord is what a function has made of n records, whose ids are their numbers.
func (a *functionAnswer) byRecord(n int) (data [][][]byte, failed int) {
	data = make([][][]byte, n)
	seen := make([]bool, n)
	for _, r := range a.Records {
		i, err := strconv.Atoi(r.ID)
		if err != nil || i < 0 || i >= n || seen[i] {
			continue
		}
		switch r.Result {
		case "Ok":
			data[i], seen[i] = [][]byte{r.Data}, true
		case "Dropped":
			seen[i] = true
		}
	}
	for _, ok := range seen {
		if !ok {
			failed++
		}
	}
	return data, failed
}
