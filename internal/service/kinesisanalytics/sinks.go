package kinesisanalytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
)

var (
	errNoKinesis  = errors.New("there is no Kinesis here")
	errNoFirehose = errors.New("there is no Firehose here")
	errNoLambda   = errors.New("there is no Lambda here")
)

// streamSink writes rows to a Kinesis stream, one a record. A record's partition key is the row's
// name: random as AWS's is to those who read it, and by it a row is found again.
type streamSink struct{ o *output }

func (k streamSink) send(ctx context.Context, rows []row) (again []row, err error) {
	api := k.o.r.s.cfg.Kinesis
	if api == nil {
		return nil, errNoKinesis
	}
	in := &kinesis.PutRecordsInput{StreamARN: &k.o.doc.Stream.ARN, Records: make([]kinesistypes.PutRecordsRequestEntry, len(rows))}
	for i := range rows {
		in.Records[i] = kinesistypes.PutRecordsRequestEntry{Data: rows[i].data, PartitionKey: aws.String(k.o.key(rows[i].position))}
	}
	out, err := api.PutRecords(ctx, in)
	if err != nil {
		return nil, err
	}
	for i := range out.Records {
		if out.Records[i].ErrorCode == nil {
			continue
		}
		again = append(again, rows[i])
		if *out.Records[i].ErrorCode == "InternalFailure" {
			err = fmt.Errorf("put rows: %s", aws.ToString(out.Records[i].ErrorMessage))
		}
	}
	if err != nil {
		return nil, err // what was done is looked for
	}
	return again, nil
}

// arrived reads the stream again. A stream of the application's own account is read for the account: a role that has
// what AWS's guide gives it (DescribeStream, PutRecord, PutRecords) may not read what it has written. That of another
// account is read as the role.
func (k streamSink) arrived(ctx context.Context, rows []row, since time.Time) (map[uint64]bool, error) {
	api := k.o.r.s.cfg.Kinesis
	if api == nil {
		return nil, errNoKinesis
	}
	d := k.o.r.doc
	if a, ok := arn.Parse(k.o.doc.Stream.ARN); ok && a.Account == d.Account {
		ctx = awswire.Acting(ctx, d.Account, d.Region, servicePrincipal, "", d.arn())
	}
	wanted := make(map[string]uint64, len(rows))
	for i := range rows {
		wanted[k.o.key(rows[i].position)] = rows[i].position
	}
	reader := shardreader.New(shardreader.Kinesis(api, k.o.doc.Stream.ARN), nil, shardreader.Options{
		Clock: k.o.r.s.clock, Start: shardreader.Start{Kind: shardreader.AtTime, Time: since},
		Events: shardreader.Events{Failed: func(_ string, err error, failures int, _ time.Duration) {
			k.o.sayFailed(failures, fmt.Errorf("look for rows that were delivered before a failure: %w", err))
		}},
	})
	defer reader.Close()
	var mu sync.Mutex
	found := map[uint64]bool{}
	err := reader.Run(ctx, nil, shardreader.Tip, func(ctx context.Context, sh *shardreader.Shard[kinesistypes.Record]) error {
		for {
			records, err := sh.Next(ctx, shardreader.Limits{})
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			for i := range records {
				if p, ok := wanted[aws.ToString(records[i].PartitionKey)]; ok {
					found[p] = true
				}
			}
			mu.Unlock()
		}
	})
	return found, err
}

// deliverySink writes rows to a delivery stream. Firehose's API has nothing to look for rows by, so
// those in flight at a crash may come twice, as they may on AWS.
type deliverySink struct{ o *output }

func (f deliverySink) send(ctx context.Context, rows []row) (again []row, err error) {
	api := f.o.r.s.cfg.Firehose
	if api == nil {
		return nil, errNoFirehose
	}
	in := &firehose.PutRecordBatchInput{DeliveryStreamName: aws.String(resourceName(f.o.doc.Delivery.ARN, "deliverystream/")), Records: make([]firehosetypes.Record, len(rows))}
	for i := range rows {
		in.Records[i].Data = rows[i].data
	}
	out, err := api.PutRecordBatch(ctx, in)
	if err != nil {
		return nil, err
	}
	for i := range out.RequestResponses {
		if out.RequestResponses[i].ErrorCode != nil {
			again = append(again, rows[i])
		}
	}
	return again, nil
}

func (deliverySink) arrived(context.Context, []row, time.Time) (map[uint64]bool, error) {
	return nil, nil
}

// functionSink hands rows to a function.
// https://docs.aws.amazon.com/kinesisanalytics/latest/dev/how-it-works-output-lambda.html
type functionSink struct{ o *output }

type outputEvent struct {
	Invocation  string         `json:"invocationId"`
	Application string         `json:"applicationArn"`
	Records     []outputRecord `json:"records"`
}

type outputRecord struct {
	ID       string         `json:"recordId"`
	Metadata outputMetadata `json:"lambdaDeliveryRecordMetadata"`
	Data     []byte         `json:"data"`
}

type outputMetadata struct {
	RetryHint int `json:"retryHint"`
}

type functionAnswer struct {
	Records []struct {
		ID     string `json:"recordId"`
		Result string `json:"result"`
		Data   []byte `json:"data"`
	} `json:"records"`
}

func (f functionSink) send(ctx context.Context, rows []row) (again []row, err error) {
	event := outputEvent{Invocation: uuid.NewString(), Application: f.o.r.doc.arn(), Records: make([]outputRecord, len(rows))}
	for i := range rows {
		event.Records[i] = outputRecord{f.o.key(rows[i].position), outputMetadata{rows[i].tries}, rows[i].data}
	}
	answer, err := f.o.r.s.invoke(ctx, f.o.doc.Function.ARN, event)
	if err != nil {
		return nil, err
	}
	delivered := map[string]bool{}
	for _, r := range answer.Records {
		delivered[r.ID] = r.Result == "Ok"
	}
	for i := range rows {
		if !delivered[event.Records[i].ID] {
			r := rows[i]
			r.tries++
			again = append(again, r)
		}
	}
	return again, nil
}

func (functionSink) arrived(context.Context, []row, time.Time) (map[uint64]bool, error) {
	return nil, nil
}

// invoke calls a function with an event and reads what it says of the event's records.
func (s *Service) invoke(ctx context.Context, function string, event any) (*functionAnswer, error) {
	if s.cfg.Lambda == nil {
		return nil, errNoLambda
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	out, err := s.cfg.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, InvocationType: lambdatypes.InvocationTypeRequestResponse, Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("call the function: %w", err)
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("the function has failed: %s", clip(string(out.Payload), 300))
	}
	var a functionAnswer
	if err := json.Unmarshal(out.Payload, &a); err != nil {
		return nil, fmt.Errorf("the function's answer is not {\"records\": [...]}: %w", err)
	}
	return &a, nil
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

// resourceName is the name in an ARN behind the kind of resource.
func resourceName(text, kind string) string {
	a, _ := arn.Parse(text)
	name, _ := a.After(kind)
	return name
}
