package crash

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// queueVisibility is long enough for a receiver to delete what it got.
const queueVisibility = 2 * time.Second

// received is what came out of queues, and what was deleted from them.
type received struct {
	mu      sync.Mutex
	seen    map[string]bool
	deleted map[string]time.Time // when the deletion was acknowledged
	wrong   []string
}

func (r *received) failf(format string, args ...any) {
	if len(r.wrong) < 10 {
		r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
	}
}

// take receives messages and deletes them. It returns false when there are none, or the node is dead.
func (r *received) take(ctx context.Context, c *sqs.Client, url string, wait time.Duration, each func(id string)) bool {
	began := time.Now()
	out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: int32(wait / time.Second)})
	if err != nil || len(out.Messages) == 0 {
		return false
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
	r.mu.Lock()
	for i, m := range out.Messages {
		id := *m.Body
		if at, ok := r.deleted[id]; ok && at.Before(began) {
			r.failf("%s was received after its deletion", id)
		}
		each(id)
		r.seen[id] = true
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	r.mu.Unlock()
	gone, err := c.DeleteMessageBatch(ctx, in)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range gone.Successful {
		i, _ := strconv.Atoi(*e.Id)
		r.deleted[*out.Messages[i].Body] = time.Now()
	}
	return true
}

// TestQueuesKeepWhatTheyAcknowledged sends and receives while nodes are killed. A standard queue gives every
// message whose sending was acknowledged, and none whose deletion was. Senders of the FIFO queue send a batch that
// had no answer again, with the ids that it had: each message is there once, in order, without a gap.
func TestQueuesKeepWhatTheyAcknowledged(t *testing.T) {
	if *rounds == 20 { // unless somebody asks for another number: what is received twice takes its time
		*rounds = 5
		defer func() { *rounds = 20 }()
	}
	const senders, groups = 2, 2
	client := func(n *nodetest.Node) *sqs.Client {
		return sqs.NewFromConfig(n.AWS(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	}
	var standard, fifo string
	r := &received{seen: map[string]bool{}, deleted: map[string]time.Time{}}
	acked, next := map[string]bool{}, 0
	sent := make([]int, groups)     // how many of each group were acknowledged
	awaited := make(map[string]int) // the next of each group
	inOrder := func(id string) {    // r.mu is held
		group, number, _ := strings.Cut(id, "/")
		n, _ := strconv.Atoi(number)
		switch want := awaited[group]; {
		case n == want:
			awaited[group]++
		case n > want:
			r.failf("%s: %d was received before %d", group, n, want)
		}
	}
	entry := func(i int, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body}
	}
	n := underFire(t, func(n *nodetest.Node) {
		c := client(n)
		visibility := strconv.Itoa(int(queueVisibility / time.Second))
		for url, in := range map[*string]*sqs.CreateQueueInput{
			&standard: {QueueName: aws.String("under-fire"), Attributes: map[string]string{"VisibilityTimeout": visibility}},
			&fifo: {QueueName: aws.String("under-fire.fifo"), Attributes: map[string]string{
				"VisibilityTimeout": visibility, "FifoQueue": "true", "ContentBasedDeduplication": "true",
			}},
		} {
			out, err := c.CreateQueue(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			*url = *out.QueueUrl
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		var wg sync.WaitGroup
		for range senders {
			wg.Go(func() {
				for ctx.Err() == nil {
					in := &sqs.SendMessageBatchInput{QueueUrl: &standard}
					r.mu.Lock()
					for i := range 10 {
						in.Entries = append(in.Entries, entry(i, strconv.Itoa(next)))
						next++
					}
					r.mu.Unlock()
					out, err := c.SendMessageBatch(ctx, in)
					if err != nil {
						return
					}
					r.mu.Lock()
					for _, e := range out.Successful {
						i, _ := strconv.Atoi(*e.Id)
						acked[*in.Entries[i].MessageBody] = true
					}
					r.mu.Unlock()
				}
			})
		}
		for g := range groups {
			wg.Go(func() {
				for ctx.Err() == nil {
					in := &sqs.SendMessageBatchInput{QueueUrl: &fifo}
					for i := range 10 {
						e := entry(i, fmt.Sprintf("group%d/%d", g, sent[g]+i))
						e.MessageGroupId = aws.String(fmt.Sprint("group", g))
						in.Entries = append(in.Entries, e)
					}
					out, err := c.SendMessageBatch(ctx, in)
					if err != nil || len(out.Failed) > 0 {
						return
					}
					sent[g] += 10
				}
			})
		}
		for range 3 {
			wg.Go(func() {
				for ctx.Err() == nil {
					r.take(ctx, c, standard, time.Second, func(string) {})
				}
			})
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				r.take(ctx, c, fifo, time.Second, inOrder)
			}
		})
		wg.Wait()
	})
	// The waits are longer than anything is hidden: what comes back empty is empty.
	began := time.Now()
	c := sqs.NewFromConfig(n.AWS())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for r.take(t.Context(), c, standard, queueVisibility+3*time.Second, func(string) {}) {
			}
		})
	}
	wg.Go(func() {
		for r.take(t.Context(), c, fifo, queueVisibility+3*time.Second, inOrder) {
		}
	})
	wg.Wait()
	for _, w := range r.wrong {
		t.Error(w)
	}
	lost := 0
	for id := range acked {
		if !r.seen[id] {
			lost++
		}
	}
	ordered := 0
	for g, want := range sent {
		ordered += want
		// A batch without an answer may be there as well.
		if got := awaited[fmt.Sprint("group", g)]; got != want && got != want+10 {
			t.Errorf("group %d: %d acknowledged, %d received", g, want, got)
		}
	}
	if lost > 0 || len(acked) == 0 || ordered == 0 {
		t.Errorf("of %d acknowledged messages %d are lost", len(acked), lost)
	}
	t.Logf("%d kills: %d messages acknowledged, %d of FIFO, %d received, the last in %v", *rounds, len(acked), ordered, len(r.seen), time.Since(began).Round(time.Millisecond))
}
