package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// widePlan makes much of each record.
type widePlan struct {
	testPlan
	row []byte
}

func (p *widePlan) Route(r *shardlog.Record, rows *Rows) { rows.Add(r.Data, p.row) }

// TestChunksOfLargeRows: however much a plan makes of the records of one read, only so much waits, and all records come once.
func TestChunksOfLargeRows(t *testing.T) {
	src := newMemSource()
	for _, data := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		src.add(time.Unix(1, 0), data)
	}
	plan := &widePlan{row: make([]byte, chunkRows/2+1)}
	p := New(Options{Source: src, Objects: newWorld(), Progress: &store{w: newWorld()}, Plans: plans(&plan.testPlan), PlanCheck: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	r := &readStage{p: p, plan: plan, chunks: make(chan *chunk), free: make(chan *chunk, 1)}
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx) }()
	got, next := "", shardlog.Position{}
	for {
		c := <-r.chunks
		if len(c.rows.rows) > 2 {
			t.Errorf("%d rows wait", len(c.rows.rows))
		}
		for _, row := range c.rows.rows {
			if row.From.Position.Compare(next) < 0 {
				t.Errorf("%v after %v", row.From.Position, next)
			}
			got += string(row.partition)
		}
		next = c.next
		if c.end {
			break
		}
		c.reset()
		r.free <- c
	}
	if got != "abcdefghi" {
		t.Errorf("records %s", got)
	}
	cancel()
	<-ended
}
