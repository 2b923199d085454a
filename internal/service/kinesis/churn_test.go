package kinesis

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
)

// While a stream is made, resharded and deleted all the time, readers and writers see it or
// do not find it; nothing else goes wrong for them.
func TestReadWhileStreamsComeAndGo(t *testing.T) {
	n := newNode(t, Config{})
	ctx, stop := context.WithTimeout(awswire.WithCaller(context.Background(), awswire.Caller{Account: "000000000000", Region: "us-east-1"}), 3*time.Second)
	defer stop()
	s, name := n.Service, aws.String("s")
	fine := func(what string, err error, codes ...string) {
		var api smithy.APIError
		if err == nil || ctx.Err() != nil || errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException" {
			return
		}
		for _, code := range codes {
			if errors.As(err, &api) && api.ErrorCode() == code {
				return
			}
		}
		t.Errorf("%s: %v", what, err)
	}
	var wg sync.WaitGroup
	loop := func(f func()) {
		wg.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				f()
			}
		})
	}
	loop(func() {
		_, err := s.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(2)})
		fine("create", err)
		for range 2 {
			_, err = s.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: name, TargetShardCount: aws.Int32(int32(2 + rand.IntN(2)))})
			fine("reshard", err)
		}
		_, err = s.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: name})
		fine("delete", err)
	})
	for range 3 {
		loop(func() {
			it, err := s.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
				StreamName: name, ShardId: aws.String(shardID(rand.IntN(4))),
				ShardIteratorType: []types.ShardIteratorType{types.ShardIteratorTypeLatest, types.ShardIteratorTypeTrimHorizon, types.ShardIteratorTypeAtTimestamp}[rand.IntN(3)],
				Timestamp:         aws.Time(time.Now().Add(-time.Minute)),
			})
			fine("iterator", err)
			if err == nil {
				_, err = s.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
				fine("read", err)
			}
		})
		loop(func() {
			out, err := s.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: name, Records: []types.PutRecordsRequestEntry{
				{PartitionKey: aws.String("a"), Data: []byte("x")}, {PartitionKey: aws.String("b"), Data: []byte("x")},
			}})
			fine("put", err)
			if err == nil && *out.FailedRecordCount > 0 {
				t.Error("a record of a put to a stream that is there failed")
			}
		})
	}
	wg.Wait()
	routes := 0
	s.runtimes.Range(func(any, any) bool { routes++; return true })
	if routes > 1 {
		t.Errorf("%d streams that are gone are still known", routes-1)
	}
}
