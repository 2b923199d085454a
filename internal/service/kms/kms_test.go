package kms

import (
	"testing"

	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestFiles(t *testing.T) {
	key := seal.Random() // outlives restarts
	servicetest.Run(t, "*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		s, err := New(Config{State: p.State, Sealer: key, Clock: p.Clock})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
