package events

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// TestReplay replays the events of a range of times to one of two rules, over restarts.
func TestReplay(t *testing.T) {
	f := open(t)
	if _, err := f.CreateArchive(f.ctx, &eventbridge.CreateArchiveInput{ArchiveName: aws.String("a"), EventSourceArn: name("events", "event-bus/default")}); err != nil {
		t.Fatal(err)
	}
	f.put("", "shop", `{"n":"early"}`)
	f.clock.Advance(time.Minute)
	from := f.clock.Now()
	const events = 1200 // more than one reading takes
	for i := 0; i < events; i += 10 {
		in := &eventbridge.PutEventsInput{}
		for n := range 10 {
			in.Entries = append(in.Entries, types.PutEventsRequestEntry{Source: aws.String("shop"), DetailType: aws.String("order"), Detail: aws.String(fmt.Sprintf(`{"n":"%d"}`, i+n))})
		}
		if out, err := f.PutEvents(f.ctx, in); err != nil || out.FailedEntryCount > 0 {
			t.Fatalf("%+v (%v)", out, err)
		}
	}
	f.clock.Advance(time.Minute)
	to := f.clock.Now().Add(-time.Second)
	f.put("", "shop", `{"n":"late"}`)
	f.rule("one", "", all, target("q", "sqs", "one"))
	f.rule("two", "", all, target("q", "sqs", "two"))
	start := func(name string) {
		t.Helper()
		if _, err := f.StartReplay(f.ctx, &eventbridge.StartReplayInput{
			ReplayName: &name, EventSourceArn: aws.String("arn:aws:events:" + region + ":" + account + ":archive/a"), EventStartTime: &from, EventEndTime: &to,
			Destination: &types.ReplayDestination{Arn: aws.String("arn:aws:events:" + region + ":" + account + ":event-bus/default"), FilterArns: []string{"arn:aws:events:" + region + ":" + account + ":rule/one"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	start("r")
	f.stop()
	f.start()
	got := map[string]bool{}
	for n := events; len(got) < events; n++ { // some come again after a restart, or were hidden by it
		for _, e := range f.advanceUntil("one", n, time.Second) {
			if !strings.Contains(e.body, `"replay-name":"r","resources":[]`) {
				t.Fatal(e.body)
			}
			_, detail, _ := strings.Cut(e.body, `"detail":{"n":"`)
			got[detail] = true
		}
	}
	if got["early"] || got["late"] {
		t.Error("events of other times were replayed")
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		out, err := f.DescribeReplay(f.ctx, &eventbridge.DescribeReplayInput{ReplayName: aws.String("r")})
		if err != nil || time.Now().After(end) {
			t.Fatalf("%+v (%v)", out, err)
		}
		if out.State == types.ReplayStateCompleted {
			break
		}
	}
	f.to.mu.Lock()
	if n := len(f.to.got["two"]); n != 0 {
		t.Errorf("the other rule got %d events", n)
	}
	f.to.mu.Unlock()
	a, err := f.DescribeArchive(f.ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String("a")})
	if err != nil || a.EventCount != events+2 {
		t.Errorf("%+v (%v)", a, err)
	}
	// One that is cancelled ends.
	start("c")
	_, err = f.CancelReplay(f.ctx, &eventbridge.CancelReplayInput{ReplayName: aws.String("c")})
	for end := time.Now().Add(time.Minute); err == nil; time.Sleep(2 * time.Millisecond) { // an error: it was done already
		out, derr := f.DescribeReplay(f.ctx, &eventbridge.DescribeReplayInput{ReplayName: aws.String("c")})
		if derr != nil || time.Now().After(end) {
			t.Fatalf("%+v (%v)", out, derr)
		}
		if out.State == types.ReplayStateCancelled || out.State == types.ReplayStateCompleted {
			break
		}
	}
}
