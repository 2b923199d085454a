package events

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/servicetest"
)

// tested is a service with its outboxes.
type tested struct {
	*Service
	box *queue.Store
}

func (s tested) Close(ctx context.Context) error {
	return errors.Join(s.Service.Close(ctx), s.box.Close())
}

func TestAPI(t *testing.T) {
	servicetest.Run(t, "*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		box, err := queue.Open(queue.Options{Dir: filepath.Join(p.Dir, "outbox"), NoSync: true, MinFree: -1, Clock: p.Clock})
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{State: p.State, Outbox: box, Owner: p.Owner, Clock: p.Clock, Logger: p.Logger})
		if err != nil {
			t.Fatal(err)
		}
		return tested{s, box}
	})
}
