package delivery

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// TestHold holds a pipeline back, asks it for a flush, and lets go.
func TestHold(t *testing.T) {
	w, src := newWorld(), newMemSource()
	p := New(Options{Source: src, Objects: w, Progress: &store{w: w}, TempDir: t.TempDir(),
		Plans: plans(&testPlan{version: "1", limits: Buffering{Size: 1 << 20, Interval: time.Hour}, max: 100})})
	p.Hold()
	src.add(time.Now(), randomRecords(rand.New(rand.NewPCG(7, 8)), 50, 3)...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended, flushed := make(chan error, 1), make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	go func() { flushed <- p.Flush(ctx) }()
	select {
	case err := <-flushed:
		t.Fatalf("flushed while held: %v", err)
	case <-time.After(50 * time.Millisecond): // long enough for one that does not hold
	}
	if !p.Held() || p.Progress().Objects != 0 {
		t.Errorf("held %v, progress %+v", p.Held(), p.Progress())
	}
	p.Release()
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	w.check(t, src, "hold")
}
