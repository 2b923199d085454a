package dynamodb

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: streaming destinations. A destination reads the table's feed from its
// position, puts the changes into a Kinesis stream, and then moves its position, in the
// table's document. A node that stops in between puts changes again: Kinesis destinations
// deliver at least once, on AWS too.

type kinesisDestination struct {
	Stream    string `json:"stream"` // ARN
	Status    string `json:"status"` // ACTIVE, DISABLED
	Precision string `json:"precision,omitempty"`
	Next      uint64 `json:"next"` // number of the next change
	Problem   string `json:"problem,omitempty"`
}

func (d *table) destination(stream string) *kinesisDestination {
	for i := range d.Kinesis {
		if d.Kinesis[i].Stream == stream {
			return &d.Kinesis[i]
		}
	}
	return nil
}

// EnableKinesisStreamingDestination begins to copy a table's changes into a stream.
func (s *Service) EnableKinesisStreamingDestination(ctx context.Context, in *dynamodb.EnableKinesisStreamingDestinationInput, _ ...func(*dynamodb.Options)) (*dynamodb.EnableKinesisStreamingDestinationOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if s.cfg.Kinesis == nil {
		return nil, unsupported("This node has no Kinesis for a streaming destination.")
	}
	stream := aws.ToString(in.StreamArn)
	if !strings.HasPrefix(stream, "arn:") {
		return nil, invalid("Invalid StreamArn: %s", stream)
	}
	if _, err := s.cfg.Kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: &stream}); err != nil {
		return nil, &types.ResourceNotFoundException{Message: aws.String("User does not have a permission to use kinesis stream, or the stream does not exist: " + stream)}
	}
	o, err := s.opened(d)
	if err != nil {
		return nil, err
	}
	precision := ""
	if c := in.EnableKinesisStreamingConfiguration; c != nil {
		precision = string(c.ApproximateCreationDateTimePrecision)
	}
	next, _ := o.items.FeedEnd()
	_, err = s.modify(ctx, d, func(d *table) error {
		k := d.destination(stream)
		if k != nil && k.Status == string(types.DestinationStatusActive) {
			return invalid("Table is not in a valid state to enable Kinesis Streaming Destination: EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.")
		}
		if k == nil {
			d.Kinesis = append(d.Kinesis, kinesisDestination{Stream: stream})
			k = &d.Kinesis[len(d.Kinesis)-1]
		}
		k.Status, k.Next, k.Precision = string(types.DestinationStatusActive), next, precision
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.EnableKinesisStreamingDestinationOutput{
		TableName: aws.String(d.Name), StreamArn: in.StreamArn, DestinationStatus: types.DestinationStatusEnabling, EnableKinesisStreamingConfiguration: in.EnableKinesisStreamingConfiguration,
	}, nil
}

// DisableKinesisStreamingDestination ends the copying.
func (s *Service) DisableKinesisStreamingDestination(ctx context.Context, in *dynamodb.DisableKinesisStreamingDestinationInput, _ ...func(*dynamodb.Options)) (*dynamodb.DisableKinesisStreamingDestinationOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	stream := aws.ToString(in.StreamArn)
	_, err = s.modify(ctx, d, func(d *table) error {
		k := d.destination(stream)
		if k == nil || k.Status != string(types.DestinationStatusActive) {
			return invalid("Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
		}
		k.Status = string(types.DestinationStatusDisabled)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.DisableKinesisStreamingDestinationOutput{TableName: aws.String(d.Name), StreamArn: in.StreamArn, DestinationStatus: types.DestinationStatusDisabling}, nil
}

// UpdateKinesisStreamingDestination changes the precision of times.
func (s *Service) UpdateKinesisStreamingDestination(ctx context.Context, in *dynamodb.UpdateKinesisStreamingDestinationInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateKinesisStreamingDestinationOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	c := in.UpdateKinesisStreamingConfiguration
	if c == nil || c.ApproximateCreationDateTimePrecision == "" {
		return nil, invalid("Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain only null values")
	}
	_, err = s.modify(ctx, d, func(d *table) error {
		k := d.destination(aws.ToString(in.StreamArn))
		if k == nil {
			return invalid("Table is not in a valid state to enable Kinesis Streaming Destination: No streaming destination with streamArn: %s found for table with tableName: %s", aws.ToString(in.StreamArn), d.Name)
		}
		if k.Status != string(types.DestinationStatusActive) {
			return invalid("Table is not in a valid state to enable Kinesis Streaming Destination: Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. TableName: %s, kdsArn: %s", d.Name, aws.ToString(in.StreamArn))
		}
		if had := cmp.Or(k.Precision, string(types.ApproximateCreationDateTimePrecisionMillisecond)); had == string(c.ApproximateCreationDateTimePrecision) {
			return invalid("Invalid Request: Precision is already set to the desired value of %s for tableId: %s, kdsArn: %s", had, d.ID, k.Stream)
		}
		k.Precision = string(c.ApproximateCreationDateTimePrecision)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateKinesisStreamingDestinationOutput{TableName: aws.String(d.Name), StreamArn: in.StreamArn, DestinationStatus: types.DestinationStatusUpdating, UpdateKinesisStreamingConfiguration: in.UpdateKinesisStreamingConfiguration}, nil
}

// DescribeKinesisStreamingDestination lists a table's destinations.
func (s *Service) DescribeKinesisStreamingDestination(ctx context.Context, in *dynamodb.DescribeKinesisStreamingDestinationInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeKinesisStreamingDestinationOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.DescribeKinesisStreamingDestinationOutput{TableName: aws.String(d.Name), KinesisDataStreamDestinations: []types.KinesisDataStreamDestination{}}
	for _, k := range d.Kinesis {
		x := types.KinesisDataStreamDestination{StreamArn: aws.String(k.Stream), DestinationStatus: types.DestinationStatus(k.Status), ApproximateCreationDateTimePrecision: types.ApproximateCreationDateTimePrecision(k.Precision)}
		if k.Problem != "" {
			x.DestinationStatusDescription = aws.String(k.Problem)
		}
		out.KinesisDataStreamDestinations = append(out.KinesisDataStreamDestinations, x)
	}
	return out, nil
}

// copyAll copies changes until the destination is not active any more.
func (s *Service) copyAll(ctx context.Context, d *table, stream string) error {
	ctx = awswire.WithCaller(ctx, awswire.Caller{Account: d.Account, Region: d.Region})
	for {
		more, err := s.copyChanges(ctx, d, stream)
		if err != nil || !more || ctx.Err() != nil {
			return err
		}
	}
}

// copyChanges puts the next changes; it waits where there are none. more is false when the
// destination is not active any more.
func (s *Service) copyChanges(ctx context.Context, d *table, stream string) (more bool, err error) {
	now, err := s.tables.Get(d.key()...)
	if err != nil || now.Store != d.Store {
		return false, nil
	}
	k := now.destination(stream)
	if k == nil || k.Status != string(types.DestinationStatusActive) {
		return false, nil
	}
	o, err := s.opened(now)
	if err != nil {
		return true, err
	}
	end, grown := o.items.FeedEnd()
	if k.Next >= end {
		select {
		case <-grown:
		case <-s.clock.After(5 * time.Second): // looks whether it is still active
		case <-ctx.Done():
		}
		return true, nil
	}
	var entries []kinesistypes.PutRecordsRequestEntry
	size, last := 0, k.Next
	err = o.items.Changes(ctx, k.Next, func(c itemstore.Change, n int) bool {
		b := destinationRecord(now, k, c)
		if len(entries) == 500 || size+len(b) > 4<<20 {
			return false
		}
		size += len(b)
		last = c.Sequence + 1
		entries = append(entries, kinesistypes.PutRecordsRequestEntry{Data: b, PartitionKey: aws.String(destinationKey(c.Keys[now.Hash]))})
		return true
	})
	if err != nil {
		return true, err
	}
	if len(entries) == 0 {
		last = end
	}
	for len(entries) > 0 {
		out, err := s.cfg.Kinesis.PutRecords(ctx, &kinesis.PutRecordsInput{StreamARN: &stream, Records: entries})
		if err != nil {
			return true, err
		}
		if aws.ToInt32(out.FailedRecordCount) == 0 {
			break
		}
		// In order of the changes: from the first that failed on.
		i := slices.IndexFunc(out.Records, func(r kinesistypes.PutRecordsResultEntry) bool { return r.ErrorCode != nil })
		entries = entries[i:]
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-s.clock.After(100 * time.Millisecond):
		}
	}
	_, err = s.modify(ctx, now, func(d *table) error {
		if k := d.destination(stream); k != nil {
			k.Next = max(k.Next, last)
		}
		return nil
	})
	return true, err
}

// destinationKey is the partition key of the records of items with a hash key: 32 hexadecimal digits,
// as those that AWS gives have.
func destinationKey(hash attr.Value) string {
	return fmt.Sprintf("%X", md5.Sum(attr.AppendKey(nil, hash)))
}

// destinationRecord is a change in the form that streaming destinations have.
func destinationRecord(d *table, k *kinesisDestination, c itemstore.Change) []byte {
	name := "MODIFY"
	switch {
	case c.Old == nil:
		name = "INSERT"
	case c.New == nil:
		name = "REMOVE"
	}
	change := map[string]any{
		"ApproximateCreationDateTime": c.Time.UnixMilli(),
		"Keys":                        json.RawMessage(attr.AppendJSON(nil, c.Keys)),
		"SizeBytes":                   attr.Size(c.Keys) + attr.Size(c.New) + attr.Size(c.Old),
	}
	if k.Precision == string(types.ApproximateCreationDateTimePrecisionMicrosecond) { // milliseconds are not told
		change["ApproximateCreationDateTime"] = c.Time.UnixMicro()
		change["ApproximateCreationDateTimePrecision"] = k.Precision
	}
	if c.New != nil {
		change["NewImage"] = json.RawMessage(attr.AppendJSON(nil, c.New))
	}
	if c.Old != nil {
		change["OldImage"] = json.RawMessage(attr.AppendJSON(nil, c.Old))
	}
	record := map[string]any{
		"awsRegion": d.Region, "eventID": uuid.NewSHA1(uuid.NameSpaceOID, []byte(d.ID+sequenceText(c.Sequence))).String(), "eventName": name,
		"userIdentity": nil, "recordFormat": "application/json", "tableName": d.Name, "dynamodb": change, "eventSource": "aws:dynamodb",
	}
	if c.Expired {
		record["userIdentity"] = map[string]string{"type": "Service", "principalId": "dynamodb.amazonaws.com"}
	}
	b, err := json.Marshal(record)
	if err != nil {
		panic(err) // plain values
	}
	return b
}
