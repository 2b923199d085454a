package inflight

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestBudget(t *testing.T) {
	b := New(100)
	if !b.TryTake(60) || b.TryTake(60) || !b.TryTake(40) {
		t.Fatal("not counted")
	}
	done := make(chan error)
	go func() { done <- b.Take(t.Context(), 50) }()
	for b.waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	b.Give(60)
	if err := <-done; err != nil || b.Used() != 90 {
		t.Errorf("%v, %d used", err, b.Used())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Take(ctx, 50); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	begin := time.Now()
	if err := b.Take(t.Context(), 50); !errors.Is(err, ErrSlowDown) || time.Since(begin) < Patience {
		t.Errorf("no room: %v after %v", err, time.Since(begin))
	}
	var none *Budget
	if err := none.Take(t.Context(), 1<<40); err != nil {
		t.Error(err)
	}
	none.Give(1 << 40)
}

func (b *Budget) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wait
}

func TestBody(t *testing.T) {
	b := New(4 * step)
	body := NewBody(t.Context(), io.NopCloser(strings.NewReader(strings.Repeat("x", 2*step+1))), b)
	got, err := io.ReadAll(body)
	if err != nil || len(got) != 2*step+1 || b.Used() != 4*step {
		t.Errorf("%d bytes, %v, %d used", len(got), err, b.Used())
	}
	body.Release()
	body.Release()
	if b.Used() != 0 {
		t.Errorf("%d used", b.Used())
	}
}

// A length that is announced costs nothing until bytes come.
func TestReadAll(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	for _, tt := range []struct {
		length, limit int64
		n             int64
		most          int // of the buffer
	}{
		{int64(len(text)), 20 << 20, int64(len(text)), 2 << 20},
		{-1, 20 << 20, int64(len(text)), 5 << 20},
		{20 << 20, 20 << 20, int64(len(text)), 5 << 20},
		{-1, 1000, 1001, 200 << 10},
		{int64(len(text)), int64(len(text)) - 1, int64(len(text)), 2 << 20},
	} {
		var buf bytes.Buffer
		n, err := ReadAll(&buf, iotest.HalfReader(strings.NewReader(text)), tt.length, tt.limit)
		if err != nil || n < tt.n || n <= tt.limit && buf.String() != text || buf.Cap() > tt.most {
			t.Errorf("%+v: %d bytes, %v, room for %d", tt, n, err, buf.Cap())
		}
	}
	var buf bytes.Buffer
	if _, err := ReadAll(&buf, iotest.ErrReader(io.ErrUnexpectedEOF), 20<<20, 20<<20); err == nil || buf.Cap() > 100<<10 {
		t.Errorf("%v, room for %d", err, buf.Cap())
	}
}
