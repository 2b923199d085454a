package kinesis

import (
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

func TestConsumersAreMeasured(t *testing.T) {
	meter := metering.New()
	n := newNode(t, Config{Meter: meter, Clock: clockwork.NewFakeClockAt(time.Now())}) // so that the subscription does not age
	n.create("s", 1)
	n.putAll("s", "one", "two")
	c := n.consumer("s", "c")
	s := n.mustSubscribe(c, shard0, fromHorizon)
	if got, _ := take(t, s, 2); got != "one two" {
		t.Fatal(got)
	}
	_, err := n.subscribe(t.Context(), c, shard0, fromHorizon)
	want(t, err, "ResourceInUseException", "")
	got := map[string]float64{}
	for end := time.Now().Add(time.Minute); got["SubscribeToShardEvent.Records Count"] < 2; time.Sleep(2 * time.Millisecond) {
		for _, p := range meter.Take() {
			if !strings.HasPrefix(p.Measure.Name, "SubscribeToShard") {
				continue
			}
			if r := p.Resource; r.Namespace != "AWS/Kinesis" || len(r.Dimensions) != 2 || r.Dimensions[0].Name != "ConsumerName" || r.Dimensions[0].Value != "c" || r.Dimensions[1].Name != "StreamName" || r.Dimensions[1].Value != "s" {
				t.Fatalf("measured: %+v", r)
			}
			got[p.Measure.Name+" "+p.Measure.Unit] += p.Sum
		}
		if time.Now().After(end) {
			break
		}
	}
	for name, v := range map[string]float64{
		"SubscribeToShard.Success Count": 1, "SubscribeToShard.RateExceeded Count": 1, "SubscribeToShardEvent.Records Count": 2, "SubscribeToShardEvent.Bytes Bytes": 8,
	} {
		if got[name] != v {
			t.Errorf("%s is %v, not %v", name, got[name], v)
		}
	}
	if _, ok := got["SubscribeToShardEvent.MillisBehindLatest Milliseconds"]; !ok || got["SubscribeToShardEvent.Success Count"] < 1 {
		t.Errorf("measured: %v", got)
	}
}
