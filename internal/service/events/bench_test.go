package events

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// BenchmarkPutEvents puts events of 400 bytes, ten a call, from 16 callers, on a bus of which one rule of so many matches and
// has one target, which nobody delivers: what is measured is matching and the sync of the outbox.
func BenchmarkPutEvents(b *testing.B) {
	for _, rules := range []int{1, 300} {
		b.Run(fmt.Sprint(rules, " rules"), func(b *testing.B) {
			dir := b.TempDir()
			br, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats"), NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			defer br.Close()
			st, err := state.Open(b.Context(), br, state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			box, err := queue.Open(queue.Options{Dir: filepath.Join(dir, "outbox"), MinFree: -1})
			if err != nil {
				b.Fatal(err)
			}
			defer box.Close()
			s, err := New(Config{State: st, Outbox: box})
			if err != nil {
				b.Fatal(err)
			}
			ctx := awswire.WithCaller(context.Background(), awswire.Caller{Account: account, Region: region})
			for i := range rules {
				name := fmt.Sprint("r", i)
				pattern := fmt.Sprintf(`{"source":["shop%d"],"detail":{"total":[{"numeric":[">",10]}],"kind":[{"prefix":"big"}]}}`, i)
				if _, err := s.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern}); err != nil {
					b.Fatal(err)
				}
				if _, err := s.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{target("q", "sqs", "q")}}); err != nil {
					b.Fatal(err)
				}
			}
			in := &eventbridge.PutEventsInput{}
			for range 10 {
				in.Entries = append(in.Entries, types.PutEventsRequestEntry{
					Source: aws.String("shop0"), DetailType: aws.String("order"), Detail: aws.String(fmt.Sprintf(`{"total":12.5,"kind":"bigger","text":"%0300d"}`, 1)),
				})
			}
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if out, err := s.PutEvents(ctx, in); err != nil || out.FailedEntryCount > 0 {
						b.Errorf("%+v (%v)", out, err)
					}
				}
			})
			b.ReportMetric(float64(10*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
