package crash

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestLogsKeepWhatTheyAcknowledged puts lines into the streams of a group while nodes are killed. Each line is sent
// once: those that were acknowledged must be there, and none twice.
func TestLogsKeepWhatTheyAcknowledged(t *testing.T) {
	const writers = 4
	client := func(n *nodetest.Node) *cloudwatchlogs.Client {
		return cloudwatchlogs.NewFromConfig(n.AWS(), func(o *cloudwatchlogs.Options) { o.RetryMaxAttempts = 1 })
	}
	group := aws.String("/under/fire")
	stream := func(w int) *string { return aws.String(fmt.Sprint("stream", w)) }
	var mu sync.Mutex
	acked := map[string]bool{}
	round := 0
	n := underFire(t, func(n *nodetest.Node) {
		c := client(n)
		if _, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); err != nil {
			t.Fatal(err)
		}
		for w := range writers {
			if _, err := c.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream(w)}); err != nil {
				t.Fatal(err)
			}
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		round++
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream(w)}
					now := time.Now().UnixMilli()
					for k := range 1 + i%40 {
						in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(now), Message: aws.String(fmt.Sprintf("%d/%d/%d/%d", round, w, i, k))})
					}
					if _, err := c.PutLogEvents(ctx, in); err != nil {
						return
					}
					mu.Lock()
					for _, e := range in.LogEvents {
						acked[*e.Message] = true
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	c := client(n)
	seen := map[string]int{}
	for w := range writers {
		p := cloudwatchlogs.NewGetLogEventsPaginator(c, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: stream(w), StartFromHead: aws.Bool(true)},
			func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
		for p.HasMorePages() {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				seen[*e.Message]++
			}
		}
	}
	lost, doubled := 0, 0
	for m := range acked {
		if seen[m] == 0 {
			lost++
		}
	}
	for _, k := range seen {
		if k > 1 {
			doubled++
		}
	}
	t.Logf("%d lines acknowledged, %d found", len(acked), len(seen))
	if lost > 0 || doubled > 0 || len(acked) == 0 {
		t.Errorf("of %d acknowledged lines %d are lost, %d are there twice", len(acked), lost, doubled)
	}
}
