package metering

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var (
	bytesIn = &Measure{"IncomingBytes", "Bytes"}
	latency = &Measure{"PutRecords.Latency", "Milliseconds"}
)

func TestTake(t *testing.T) {
	r := New()
	s := r.Resource("1/us", "AWS/Kinesis", "StreamName", "s")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 1000 {
				s.Add(bytesIn.Of(10), latency.Of(float64(i)))
			}
		})
	}
	wg.Wait()
	if r.Resource("1/us", "AWS/Kinesis", "StreamName", "s") != s {
		t.Error("one resource is two")
	}
	points := r.Take()
	if len(points) != 2 || points[0].Count != 4000 || points[0].Sum != 40_000 || points[1].Max != 999 || len(points[1].Values) > maxValues {
		t.Errorf("%+v", points)
	}
	if again := r.Take(); len(again) != 0 {
		t.Errorf("taken twice: %v", again)
	}
	var none *Registry
	none.Resource("1/us", "x").Add(bytesIn.Of(1)) // does nothing
}

func TestAResourceThatWasForgottenComesBack(t *testing.T) {
	r := New()
	s := r.Resource("1/us", "AWS/Kinesis", "StreamName", "s")
	s.Add(bytesIn.Of(1))
	for range idleAfter + 1 {
		r.Take()
	}
	if len(r.resources) != 0 {
		t.Fatal("it is still there")
	}
	s.Add(bytesIn.Of(1))
	if n := len(r.Take()); n != 1 {
		t.Errorf("its next sample: %d points", n)
	}
	for range idleAfter + 1 {
		r.Take()
	}
	other := r.Resource("1/us", "AWS/Kinesis", "StreamName", "s")
	s.Add(bytesIn.Of(2))
	other.Add(bytesIn.Of(3))
	if p := r.Take(); len(p) != 1 || p[0].Sum != 5 {
		t.Errorf("of two that were asked for at different times: %+v", p)
	}
}

func TestBounds(t *testing.T) {
	r := New()
	for i := range Limit + 10 {
		r.Resource("1/us", "AWS/Kinesis", "StreamName", fmt.Sprint(i)).Add(bytesIn.Of(1))
	}
	if len(r.Take()) != Limit || r.Dropped() != 10 {
		t.Errorf("dropped %d", r.Dropped())
	}
	if n := testutil.CollectAndCount(r); n != maxShown+2 {
		t.Errorf("%d are shown", n)
	}
}

func TestPrometheus(t *testing.T) {
	r := New()
	r.Resource("1/us", "AWS/Kinesis", "StreamName", "s").Add(bytesIn.Of(3), bytesIn.Of(4))
	r.Resource("1/us", "AWS/Kinesis", "StreamName", "s", "ShardId", "1").Add(bytesIn.Of(3))
	reg := prometheus.NewRegistry()
	reg.MustRegister(r)
	err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP brookmere_aws_kinesis_incoming_bytes IncomingBytes of AWS/Kinesis, in the unit Bytes.
# TYPE brookmere_aws_kinesis_incoming_bytes summary
brookmere_aws_kinesis_incoming_bytes_sum{account="1",region="us",stream_name="s"} 7
brookmere_aws_kinesis_incoming_bytes_count{account="1",region="us",stream_name="s"} 2
brookmere_aws_kinesis_incoming_bytes_sum{account="1",region="us",shard_id="1",stream_name="s"} 3
brookmere_aws_kinesis_incoming_bytes_count{account="1",region="us",shard_id="1",stream_name="s"} 1
`), "brookmere_aws_kinesis_incoming_bytes")
	if err != nil {
		t.Error(err)
	}
	for in, want := range map[string]string{"AWS/ApiGateway": "aws_api_gateway", "4XXError": "_4xx_error", "PutRecords.TotalRecords": "put_records_total_records", "KPUs": "kp_us", "DynamoDB": "dynamo_db", "AWS/S3": "aws_s3", "ApiName": "api_name"} {
		if got := snake(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestUntilMinute(t *testing.T) {
	if d := UntilMinute(time.Unix(61, 0)); d != 59*time.Second {
		t.Error(d)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := New().Resource("1/us", "AWS/Kinesis", "StreamName", "s")
	b.ReportAllocs()
	for i := range b.N {
		s.Add(bytesIn.Of(float64(i%200)), latency.Of(float64(i%1000)/10))
	}
}
