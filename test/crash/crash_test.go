// Package crash kills nodes under load and counts what is left: everything that was
// acknowledged must be there, once.
package crash

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

var rounds = flag.Int("rounds", 20, "times that a node is killed in each test")

// slow gives a test whose rounds take long two of them, unless their number is given.
func slow(t *testing.T) {
	t.Helper()
	if *rounds == 20 {
		*rounds = 2
		t.Cleanup(func() { *rounds = 20 })
	}
}

// underFire runs load against a node that is killed after a random time, again and
// again on the same data, and returns a node that runs on it. load must return soon
// after its context ends; the errors that its puts get meanwhile are its own to ignore.
func underFire(t *testing.T, setUp func(*nodetest.Node), load func(context.Context, *nodetest.Node)) *nodetest.Node {
	t.Helper()
	data := t.TempDir()
	n := nodetest.Start(t, nodetest.Options{Data: data})
	setUp(n)
	for round := range *rounds {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { load(ctx, n) })
		// The time is what makes rounds differ; nothing is asserted of it.
		time.Sleep(time.Duration(50+rand.IntN(700)) * time.Millisecond)
		n.Kill()
		cancel()
		wg.Wait()
		n = nodetest.Start(t, nodetest.Options{Data: data})
		if t.Failed() {
			t.Fatalf("after round %d", round+1)
		}
	}
	return n
}
