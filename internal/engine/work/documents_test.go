package work_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

type crawl struct {
	State string `json:"state"`
	Pages int    `json:"pages"`
}

// TestStarted: every start of a process on a store has a later epoch than those before.
func TestStarted(t *testing.T) {
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for want := work.Mine(1); want <= 3; want++ {
		got, err := work.Started(t.Context(), s)
		if err != nil || got != want {
			t.Fatalf("epoch %d, want %d (%v)", got, want, err)
		}
		if l, err := got.Acquire(t.Context(), "k", nil); err != nil || l.Epoch != uint64(want) {
			t.Errorf("a lease of epoch %d, want %d (%v)", l.Epoch, want, err)
		}
	}
}

// TestDocumentsOfTheStore runs a document to its end, which it writes itself, and resumes
// one that an earlier process has left.
func TestDocumentsOfTheStore(t *testing.T) {
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	docs := state.NewCollection[crawl](s, "crawl")
	if err := docs.Create(t.Context(), &crawl{State: "RUNNING"}, "account", "left over"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), state.Key{"crawl", "account", "garbage"}, []byte("{")); err != nil {
		t.Fatal(err)
	}
	undecodable := make(chan work.Key, 10)
	r := work.New(work.Documents[crawl](s, "crawl"), work.Hooks[crawl]{
		Runs: func(d *crawl) bool { return d.State == "RUNNING" },
		Same: func(was, is *crawl) bool { return true },
		Run: func(ctx context.Context, j *work.Job[crawl]) error {
			for range 3 {
				if _, err := docs.Modify(ctx, func(d *crawl) error { d.Pages++; return nil }, j.Key...); err != nil {
					return err
				}
			}
			_, err := docs.Modify(ctx, func(d *crawl) error { d.State = "READY"; return nil }, j.Key...)
			return err
		},
	}, work.Options{Name: "crawl", Events: work.Events{Undecodable: func(k work.Key, _ error) { undecodable <- k }}})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := docs.Create(t.Context(), &crawl{State: "RUNNING"}, "account", "new"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"left over", "new"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Await(ctx, "account", name); err != nil {
			t.Fatal(err)
		}
		d, err := docs.Get("account", name)
		if err != nil || d.State != "READY" || d.Pages != 3 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if k := <-undecodable; k[1] != "garbage" {
		t.Errorf("undecodable: %s", k)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
