package kinesis

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// BenchmarkFanOut reads 100,000 records of 200 bytes over one subscription, with a client
// that takes messages apart and no more. Beside it is what GetRecords takes for the same.
func BenchmarkFanOut(b *testing.B) {
	n := newNode(b, Config{})
	n.create("s", 1)
	in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
	for range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("key"), Data: make([]byte, 200)})
	}
	const records = 100_000
	for range records / 500 {
		if _, err := n.client.PutRecords(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	post := func(operation, body string) *http.Response {
		req, _ := http.NewRequest("POST", n.server.URL, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != 200 {
			b.Fatal(resp, err)
		}
		return resp
	}
	arn := n.consumer("s", "c")
	number := []byte(`"SequenceNumber"`)
	b.Run("SubscribeToShard", func(b *testing.B) {
		b.SetBytes(records * 200)
		b.ReportAllocs()
		for b.Loop() {
			resp := post("SubscribeToShard", fmt.Sprintf(`{"ConsumerARN":%q,"ShardId":%q,"StartingPosition":{"Type":"TRIM_HORIZON"}}`, arn, shard0))
			var buf []byte
			for got, d := 0, eventstream.NewDecoder(); got < records; {
				m, err := d.Decode(resp.Body, buf)
				if err != nil {
					b.Fatal(err)
				}
				got += bytes.Count(m.Payload, number)
				buf = m.Payload[:0]
			}
			resp.Body.Close()
		}
	})
	b.Run("GetRecords", func(b *testing.B) {
		b.SetBytes(records * 200)
		b.ReportAllocs()
		var buf bytes.Buffer
		for b.Loop() {
			it := n.iterator("s", shard0, types.ShardIteratorTypeTrimHorizon, nil)
			for got := 0; got < records; {
				resp := post("GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it))
				buf.Reset()
				buf.ReadFrom(resp.Body)
				resp.Body.Close()
				got += bytes.Count(buf.Bytes(), number)
				_, rest, _ := strings.Cut(buf.String()[:2000], `"NextShardIterator":"`)
				it, _, _ = strings.Cut(rest, `"`)
			}
		}
	})
}
