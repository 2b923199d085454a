package queue

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/sync/semaphore"
)

// TestDrain: a worker gets all messages within its bounds, gives back what it has received when it ends, and ends with its
// queue.
func TestDrain(t *testing.T) {
	f := open(t)
	q := f.queue(1, Settings{})
	memory := semaphore.NewWeighted(100)
	d := Drain{Memory: memory, Longest: 50, Times: 2}
	again := func() (*Queue, error) { return q, nil }
	f.send(q, "a", "b", "c")
	got, over := "", errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := d.Run(ctx, 2, again, func(q *Queue, list []Received) error {
		var done []string
		for i := range list {
			got += string(list[i].Body)
			done = append(done, list[i].Handle)
		}
		if len(list) > 2 || !memory.TryAcquire(100-2*int64(len(list))) || memory.TryAcquire(1) {
			t.Errorf("%d messages, and another share of the memory", len(list))
		}
		memory.Release(100 - 2*int64(len(list)))
		if _, err := q.Delete(done); err != nil {
			return err
		}
		if len(got) == 3 {
			cancel(over)
		}
		return nil
	})
	if err != over || got != "abc" {
		t.Errorf("%q, %v", got, err)
	}

	// What it has received comes to another at once.
	f.send(q, "d")
	list, err := q.Receive(t.Context(), 1, drainHidden, 0)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if bodies, _ := f.take(q, 1); bodies != "" {
		t.Errorf("%q is there", bodies)
	}
	if err := giveBack(q, list); err != nil {
		t.Error(err)
	}
	if bodies, handles := f.take(q, 1); bodies != "d" {
		t.Errorf("%q came back", bodies)
	} else if _, err := q.Delete(handles); err != nil {
		t.Error(err)
	}

	// Errors end it, and so does the end of its queue.
	f.send(q, "e")
	if err := d.Run(t.Context(), 1, again, func(*Queue, []Received) error { return over }); err != over {
		t.Error(err)
	}
	if !memory.TryAcquire(100) {
		t.Error("memory is held")
	}
	memory.Release(100)
	if err := f.s.Drop(1); err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context(), 1, again, func(*Queue, []Received) error { return nil }); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

// TestNewID: ids are of their kind, and differ.
func TestNewID(t *testing.T) {
	a, b := NewID(7), NewID(7)
	if a>>56 != 7 || b>>56 != 7 || a == b {
		t.Errorf("%x, %x", a, b)
	}
}
