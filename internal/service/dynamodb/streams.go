package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Streams is the DynamoDB Streams API: the changes of tables, as the service has them.
type Streams struct{ s *Service }

// Streams returns the API of the service's streams.
func (s *Service) Streams() *Streams { return &Streams{s} }

const (
	maxStreams       = 100
	maxStreamRecords = 1000
	maxStreamAnswer  = 1 << 20
	iteratorLife     = 15 * time.Minute
)

func noStream(text string) error {
	return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Stream: " + text + " not found")}
}

// find returns the table and the stream of a stream's ARN.
func (a *Streams) find(ctx context.Context, text string) (*table, *stream, error) {
	caller := awswire.CallerFrom(ctx)
	n, ok := arn.Parse(text)
	rest, of := n.After("table/")
	name, label, cut := strings.Cut(rest, "/stream/")
	if !ok || !of || !cut || n.Service != "dynamodb" {
		return nil, nil, awswire.Validationf("Invalid StreamArn")
	}
	if !n.Within("dynamodb", caller.Region, caller.Account) {
		return nil, nil, noStream(text)
	}
	d, err := a.s.tables.Get(caller.Account, caller.Region, name)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, nil, err
	}
	if err == nil {
		if st := d.stream(label); st != nil {
			return d, st, nil
		}
	}
	d, st, err := a.s.leftStream(caller.Account, caller.Region, name, label)
	if err == nil && st == nil {
		err = noStream(text)
	}
	return d, st, err
}

// ListStreams lists the streams of a table, or of all, and of deleted ones behind the others.
func (a *Streams) ListStreams(ctx context.Context, in *dynamodbstreams.ListStreamsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.ListStreamsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	limit := maxStreams
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	if limit > maxStreams {
		return nil, constraint("'"+itoa(limit)+"' ", "limit", "Member must have value less than or equal to "+itoa(maxStreams))
	}
	if a, ok := arn.Parse(aws.ToString(in.ExclusiveStartStreamArn)); in.ExclusiveStartStreamArn != nil && (!ok || a.Service != "dynamodb") {
		return nil, awswire.Validationf("Invalid StreamArn")
	}
	tables, err := a.s.tables.All(caller.Account, caller.Region)
	if err != nil {
		return nil, err
	}
	left, err := a.s.leftTables(caller.Account, caller.Region)
	if err != nil {
		return nil, err
	}
	out := &dynamodbstreams.ListStreamsOutput{Streams: []types.Stream{}}
	past := in.ExclusiveStartStreamArn == nil
	for _, d := range slices.Concat(tables, left) {
		if name := aws.ToString(in.TableName); name != "" && d.Name != name && d.arn() != name {
			continue
		}
		for i := range d.Streams {
			text := d.streamARN(&d.Streams[i])
			if !past {
				past = text == *in.ExclusiveStartStreamArn
				continue
			}
			if len(out.Streams) == limit {
				out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
				return out, nil
			}
			out.Streams = append(out.Streams, types.Stream{StreamArn: aws.String(text), StreamLabel: aws.String(d.Streams[i].Label), TableName: aws.String(d.Name)})
		}
	}
	return out, nil
}

// DescribeStream describes a stream with its shards.
func (a *Streams) DescribeStream(ctx context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	d, st, err := a.find(ctx, aws.ToString(in.StreamArn))
	if err != nil {
		return nil, err
	}
	limit := 100
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	out := &types.StreamDescription{
		StreamArn: in.StreamArn, StreamLabel: aws.String(st.Label), TableName: aws.String(d.Name), StreamViewType: types.StreamViewType(st.View),
		CreationRequestDateTime: aws.Time(st.Created), StreamStatus: types.StreamStatusEnabled, Shards: []types.Shard{},
	}
	if !st.Closed.IsZero() {
		out.StreamStatus = types.StreamStatusDisabled
	}
	for _, name := range []string{d.Hash, d.Range} {
		if name == "" {
			continue
		}
		kind := types.KeyTypeHash
		if name == d.Range {
			kind = types.KeyTypeRange
		}
		out.KeySchema = append(out.KeySchema, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind})
	}
	after := aws.ToString(in.ExclusiveStartShardId)
	for _, sh := range st.Shards {
		if after != "" {
			if sh.ID == after {
				after = ""
			}
			continue
		}
		if f := in.ShardFilter; f != nil && f.Type == types.ShardFilterTypeChildShards && sh.Parent != aws.ToString(f.ShardId) {
			continue
		}
		if len(out.Shards) == limit {
			out.LastEvaluatedShardId = out.Shards[limit-1].ShardId
			break
		}
		s := types.Shard{ShardId: aws.String(sh.ID), SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: aws.String(sequenceText(sh.Start))}}
		if sh.Parent != "" {
			s.ParentShardId = aws.String(sh.Parent)
		}
		if sh.End != 0 {
			s.SequenceNumberRange.EndingSequenceNumber = aws.String(sequenceText(max(sh.Start, sh.End-1)))
		}
		out.Shards = append(out.Shards, s)
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: out}, nil
}

// iterator is a place in a shard, as a client holds it. A client that makes one up reads
// nothing that it could not ask for by GetShardIterator.
type iterator struct {
	Stream string `json:"s"`
	Shard  string `json:"h"`
	Next   uint64 `json:"n"` // number of the next change
	Made   int64  `json:"t"` // seconds
}

func (it iterator) seal() *string {
	b, _ := json.Marshal(it) // plain values
	return aws.String(it.Stream + "|1|" + base64.StdEncoding.EncodeToString(b))
}

func openIterator(text string) (it iterator, ok bool) {
	i := strings.LastIndex(text, "|1|")
	if i < 0 {
		return it, false
	}
	b, err := base64.StdEncoding.DecodeString(text[i+3:])
	if err != nil || json.Unmarshal(b, &it) != nil || it.Stream != text[:i] {
		return it, false
	}
	return it, true
}

func trimmed() error {
	return &types.TrimmedDataAccessException{Message: aws.String("The requested sequence number is beyond the trim horizon")}
}

// GetShardIterator returns a place in a shard.
func (a *Streams) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	d, st, err := a.find(ctx, aws.ToString(in.StreamArn))
	if err != nil {
		return nil, err
	}
	sh := st.shard(aws.ToString(in.ShardId))
	if sh == nil {
		return nil, &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Shard does not exist")}
	}
	o, err := a.s.opened(d)
	if err != nil {
		return nil, err
	}
	if ty := in.ShardIteratorType; in.SequenceNumber != nil && (ty == types.ShardIteratorTypeTrimHorizon || ty == types.ShardIteratorTypeLatest) {
		return nil, awswire.Validationf("SequenceNumber must not be specified for ShardIteratorType %s", ty)
	}
	it := iterator{Stream: *in.StreamArn, Shard: sh.ID, Made: a.s.now().Unix()}
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeTrimHorizon:
		it.Next = sh.Start
	case types.ShardIteratorTypeLatest:
		it.Next, _ = o.items.FeedEnd()
		if sh.End != 0 {
			it.Next = sh.End
		}
	default:
		if in.SequenceNumber == nil {
			return nil, awswire.Validationf("SequenceNumber must be specified for ShardIteratorType %s", in.ShardIteratorType)
		}
		n, ok := parseSequence(*in.SequenceNumber)
		if !ok {
			return nil, awswire.Validationf("Invalid SequenceNumber: %s", *in.SequenceNumber)
		}
		first, _, has, err := o.items.FirstChange()
		if err != nil {
			return nil, err
		}
		if n < sh.Start || has && n < first && n != sh.Start {
			return nil, trimmed()
		}
		if sh.End != 0 && n >= sh.End {
			return nil, awswire.Validationf("Invalid SequenceNumber: %s is not in shard %s", *in.SequenceNumber, sh.ID)
		}
		it.Next = n
		if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
			it.Next++
		}
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: it.seal()}, nil
}

func (st *stream) shard(id string) *shard {
	for i := range st.Shards {
		if st.Shards[i].ID == id {
			return &st.Shards[i]
		}
	}
	return nil
}

// GetRecords reads changes from a place on.
func (a *Streams) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	limit := maxStreamRecords
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	if limit > maxStreamRecords {
		return nil, constraint("'"+itoa(limit)+"' ", "limit", "Member must have value less than or equal to "+itoa(maxStreamRecords))
	}
	it, ok := openIterator(aws.ToString(in.ShardIterator))
	if !ok {
		return nil, awswire.Validationf("Invalid ShardIterator")
	}
	if a.s.now().Unix()-it.Made > int64(iteratorLife.Seconds()) {
		return nil, &types.ExpiredIteratorException{Message: aws.String("Iterator expired. The iterator was created at time " + time.Unix(it.Made, 0).UTC().Format(time.RFC3339) + " while right now it is " + a.s.now().Format(time.RFC3339) + ", which is further in the future than the tolerated delay of 900000 milliseconds.")}
	}
	d, st, err := a.find(ctx, it.Stream)
	if err != nil {
		return nil, err
	}
	sh := st.shard(it.Shard)
	if sh == nil {
		return nil, &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Shard does not exist")}
	}
	o, err := a.s.opened(d)
	if err != nil {
		return nil, err
	}
	out := &dynamodbstreams.GetRecordsOutput{Records: []types.Record{}}
	cut := a.s.now().Add(-streamLife)
	end, _ := o.items.FeedEnd()
	size, more := 0, false
	next := max(it.Next, sh.Start)
	err = o.items.Changes(ctx, next, func(c itemstore.Change, n int) bool {
		if sh.End != 0 && c.Sequence >= sh.End {
			return false
		}
		if len(out.Records) == limit || len(out.Records) > 0 && size+n > maxStreamAnswer {
			more = true
			return false
		}
		next = c.Sequence + 1
		if c.Time.Before(cut) {
			return true
		}
		size += n
		out.Records = append(out.Records, streamRecord(d, st, c))
		return true
	})
	if err != nil {
		return nil, err
	}
	if !more {
		next = max(next, end)
		if sh.End != 0 {
			next = min(next, sh.End)
		}
	}
	if sh.End != 0 && next >= sh.End {
		return out, nil // the shard is closed and read to its end
	}
	it.Next, it.Made = next, a.s.now().Unix()
	out.NextShardIterator = it.seal()
	return out, nil
}

// streamRecord is a change as the stream's view shows it.
func streamRecord(d *table, st *stream, c itemstore.Change) types.Record {
	view := types.StreamViewType(st.View)
	r := types.Record{
		AwsRegion: aws.String(d.Region), EventID: aws.String(eventID(d, c)), EventSource: aws.String("aws:dynamodb"), EventVersion: aws.String("1.1"),
		EventName: types.OperationTypeModify,
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(c.Time.Truncate(time.Second)), Keys: itemToStream(c.Keys), SequenceNumber: aws.String(sequenceText(c.Sequence)), StreamViewType: view,
		},
	}
	switch {
	case c.Old == nil:
		r.EventName = types.OperationTypeInsert
	case c.New == nil:
		r.EventName = types.OperationTypeRemove
	}
	size := attr.Size(c.Keys)
	if view == types.StreamViewTypeNewImage || view == types.StreamViewTypeNewAndOldImages {
		r.Dynamodb.NewImage = itemToStream(c.New)
		size += attr.Size(c.New)
	}
	if view == types.StreamViewTypeOldImage || view == types.StreamViewTypeNewAndOldImages {
		r.Dynamodb.OldImage = itemToStream(c.Old)
		size += attr.Size(c.Old)
	}
	r.Dynamodb.SizeBytes = aws.Int64(int64(size))
	if c.Expired {
		r.UserIdentity = &types.Identity{PrincipalId: aws.String("dynamodb.amazonaws.com"), Type: aws.String("Service")}
	}
	return r
}

// eventID is the same for the same change, whenever it is read.
func eventID(d *table, c itemstore.Change) string {
	u := uuid.NewSHA1(uuid.NameSpaceOID, []byte(d.ID+sequenceText(c.Sequence)))
	return strings.ReplaceAll(u.String(), "-", "")
}

func itemToStream(item attr.Item) map[string]types.AttributeValue {
	if item == nil {
		return nil
	}
	out := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		out[name] = toStream(v)
	}
	return out
}

func toStream(v attr.Value) types.AttributeValue {
	switch v := v.(type) {
	case attr.String:
		return &types.AttributeValueMemberS{Value: string(v)}
	case attr.Number:
		return &types.AttributeValueMemberN{Value: string(v)}
	case attr.Binary:
		return &types.AttributeValueMemberB{Value: v}
	case attr.Bool:
		return &types.AttributeValueMemberBOOL{Value: bool(v)}
	case attr.List:
		out := make([]types.AttributeValue, len(v))
		for i, e := range v {
			out[i] = toStream(e)
		}
		return &types.AttributeValueMemberL{Value: out}
	case attr.Map:
		return &types.AttributeValueMemberM{Value: itemToStream(v)}
	case attr.StringSet:
		return &types.AttributeValueMemberSS{Value: v}
	case attr.NumberSet:
		out := make([]string, len(v))
		for i, n := range v {
			out[i] = string(n)
		}
		return &types.AttributeValueMemberNS{Value: out}
	case attr.BinarySet:
		return &types.AttributeValueMemberBS{Value: v}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
