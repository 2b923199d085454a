package kinesis

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
)

const onlyShard = "shardId-000000000000"

func (n *node) put(stream, data string) *kinesis.PutRecordOutput {
	n.t.Helper()
	out, err := n.client.PutRecord(n.t.Context(), &kinesis.PutRecordInput{StreamName: &stream, Data: []byte(data), PartitionKey: aws.String("k")})
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// TestFlippedBit changes a bit of a record on disk: what the change has damaged is never
// served, the loss is counted, and readers get all the rest without an error.
func TestFlippedBit(t *testing.T) {
	registry := prometheus.NewRegistry()
	n := newNode(t, Config{})
	n.create("s", 1)
	var all []string
	for i := range 6 {
		all = append(all, fmt.Sprintf("record-number-%d", i))
		n.put("s", all[i])
		n.close() // so that each has a frame of its own
		if i < 5 {
			n.start()
		}
	}
	packs, err := filepath.Glob(filepath.Join(n.dir, "packs/*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := false
	for _, pack := range packs {
		data, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(data, []byte(all[2])); at >= 0 {
			flipped = true
			data[at+7] ^= 4
			if err := os.WriteFile(pack, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !flipped {
		t.Fatal("the record is in no pack", packs)
	}
	n.cfg.Registerer = registry
	n.start()
	got, _ := n.readAll(n.iterator("s", onlyShard, types.ShardIteratorTypeTrimHorizon, nil))
	if want := strings.Join(append(all[:2:2], all[3:]...), " "); texts(got) != want {
		t.Errorf("read %q, want %q", texts(got), want)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	skipped := 0.0
	for _, f := range families {
		if f.GetName() == "brookmere_kinesis_skipped_corrupt_reads_total" {
			skipped = f.Metric[0].Counter.GetValue()
		}
	}
	if skipped == 0 {
		t.Error("the loss is not counted")
	}
}

// steppedClock is the real clock, put forward or back.
type steppedClock struct {
	clockwork.Clock
	step atomic.Int64
}

func (c *steppedClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.step.Load())) }

// TestClockStepsBack sets the clock back by an hour: sequence numbers grow on, arrival
// times stand still, and iterators made before hold.
func TestClockStepsBack(t *testing.T) {
	clock := &steppedClock{Clock: clockwork.NewRealClock()}
	n := newNode(t, Config{Clock: clock})
	n.create("s", 1)
	before := n.put("s", "before")
	start := n.iterator("s", onlyShard, types.ShardIteratorTypeTrimHorizon, nil)
	clock.step.Store(int64(-time.Hour))
	last, _ := new(big.Int).SetString(*before.SequenceNumber, 10)
	for i := range 3 {
		if i == 2 {
			n.restart()
		}
		number, _ := new(big.Int).SetString(*n.put("s", fmt.Sprint("after-", i)).SequenceNumber, 10)
		if number.Cmp(last) <= 0 {
			t.Errorf("sequence number %v comes after %v", number, last)
		}
		last = number
	}
	fresh := n.iterator("s", onlyShard, types.ShardIteratorTypeTrimHorizon, nil)
	for name, it := range map[string]string{"made before": start, "made after": fresh} {
		got, end := n.readAll(it)
		if texts(got) != "before after-0 after-1 after-2" {
			t.Errorf("iterator %s reads %q", name, texts(got))
		}
		for i := range got[1:] {
			if got[i+1].ApproximateArrivalTimestamp.Before(*got[i].ApproximateArrivalTimestamp) {
				t.Errorf("arrival times go back: %v, %v", got[i].ApproximateArrivalTimestamp, got[i+1].ApproximateArrivalTimestamp)
			}
		}
		if *end.MillisBehindLatest != 0 {
			t.Errorf("behind by %d ms at the end", *end.MillisBehindLatest)
		}
	}
	late := n.iterator("s", onlyShard, types.ShardIteratorTypeAtSequenceNumber, func(in *kinesis.GetShardIteratorInput) {
		in.StartingSequenceNumber = before.SequenceNumber
	})
	if got, _ := n.readAll(late); len(got) != 4 {
		t.Errorf("from the first sequence number: %q", texts(got))
	}
}
