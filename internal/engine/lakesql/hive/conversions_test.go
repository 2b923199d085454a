package hive

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
)

func text(s string) func(*os.File) error {
	return func(f *os.File) error { _, err := f.WriteString(s); return err }
}

func keyOf(s string) verdictKey { return verdictKey{signature: s} }

func TestConversions(t *testing.T) {
	c := &Conversions{Dir: t.TempDir(), Limit: 10}
	never := func(*os.File) error { t.Error("made a second time"); return nil }
	a, err := c.get(t.Context(), keyOf("a"), text("12345678"))
	if err != nil {
		t.Fatal(err)
	}
	c.release(a)
	if again, err := c.get(t.Context(), keyOf("a"), never); err != nil || again.path != a.path {
		t.Fatal(again, err)
	}
	// What a query holds stays, whatever comes.
	b, err := c.get(t.Context(), keyOf("b"), text("123456789"))
	if err != nil {
		t.Fatal(err)
	}
	c.release(b)
	if got, err := os.ReadFile(a.path); err != nil || string(got) != "12345678" {
		t.Errorf("%q, %v", got, err)
	}
	c.release(a) // which is newer than b now
	if _, err := os.Stat(b.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the oldest is kept beyond the limit: %v", err)
	}
	// A failure is not kept, and leaves no file.
	failed := errors.New("failed")
	if _, err := c.get(t.Context(), keyOf("c"), func(*os.File) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	// A file that something else removed is made again.
	if err := os.Remove(a.path); err != nil {
		t.Fatal(err)
	}
	if again, err := c.get(t.Context(), keyOf("a"), text("x")); err != nil {
		t.Error(err)
	} else {
		c.release(again)
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) != 1 {
		t.Errorf("files: %v, %v", left, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A query that is cancelled while it makes a file is not the reason for another's failure, and a
// panic of the one does not hang the other.
func TestConversionsTogether(t *testing.T) {
	c := &Conversions{Dir: t.TempDir(), Limit: 1 << 20}
	begun, end := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := c.get(t.Context(), keyOf("a"), func(*os.File) error { close(begun); <-end; return context.Canceled })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	<-begun
	wait.Go(func() {
		e, err := c.get(t.Context(), keyOf("a"), text("x"))
		if err != nil {
			t.Error(err)
			return
		}
		c.release(e)
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.get(gone, keyOf("a"), text("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(end)
	wait.Wait()
	func() {
		defer func() { _ = recover() }()
		_, _ = c.get(t.Context(), keyOf("p"), func(*os.File) error { panic("p") })
	}()
	if e, err := c.get(t.Context(), keyOf("p"), text("x")); err != nil {
		t.Error(err)
	} else {
		c.release(e)
	}
}
