package work_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const ttl = 30 * time.Second

// shared are processes on one broker, each with a store and a clock of its own.
type shared struct {
	disks  [2]*disk
	stores [2]*state.Store
	clocks [2]*clockwork.FakeClock
	leases [2]*work.Leases
}

// disk is what a store of one process is on. When it is full, the process can change nothing.
type disk struct {
	*broker.Broker
	full atomic.Bool
}

func (d *disk) Free() (uint64, error) {
	if d.full.Load() {
		return 0, nil
	}
	return d.Broker.Free()
}

func share(t *testing.T) *shared {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	s := new(shared)
	for i := range s.stores {
		s.disks[i] = &disk{Broker: b}
		if s.stores[i], err = state.Open(t.Context(), s.disks[i], state.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.stores[i].Close() })
		s.clocks[i] = clockwork.NewFakeClockAt(time.Unix(int64(i)*1e6, 0)) // they need not agree
		if s.leases[i], err = work.Share(t.Context(), s.stores[i], work.LeaseOptions{Clock: s.clocks[i], TTL: ttl}); err != nil {
			t.Fatal(err)
		}
		if err := s.clocks[i].BlockUntilContext(t.Context(), 2); err != nil { // its ticker and its watchdog
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.leases[i].Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	return s
}

func (s *shared) acquire(t *testing.T, i int, key string) work.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := s.leases[i].Acquire(ctx, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// later is what a process gets in time.
func (s *shared) later(t *testing.T, i int, key string) <-chan work.Lease {
	got := make(chan work.Lease, 1)
	go func() {
		if l, err := s.leases[i].Acquire(t.Context(), key, nil); err == nil {
			got <- l
		}
	}()
	return got
}

// beat lets a process give signs of life for a while, which the other sees.
func (s *shared) beat(t *testing.T, i int, d time.Duration) {
	t.Helper()
	for ; d > 0; d -= ttl / 6 {
		changed := make(chan struct{}, 16)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		id := s.leases[1-i].ID()
		told := func(e state.Event) {
			if e.Key[len(e.Key)-1] != id { // a late sign of the other is none of this one
				select {
				case changed <- struct{}{}:
				default: // there are signs enough
				}
			}
		}
		if err := s.stores[1-i].Watch(ctx, state.Key{"worker.process"}, told); err != nil {
			t.Fatal(err)
		}
		s.clocks[i].Advance(ttl / 6)
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("no sign of life")
		}
		cancel()
	}
}

func within[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(time.Minute):
		t.Fatal(what)
	}
	return v
}

func never[T any](t *testing.T, c <-chan T, what string) {
	t.Helper()
	select {
	case <-c:
		t.Fatal(what)
	default:
	}
}

func TestALeaseGoesFromHandToHand(t *testing.T) {
	s := share(t)
	first := s.acquire(t, 0, "k")
	s.acquire(t, 1, "another")
	next := s.later(t, 1, "k")
	// Both live, for longer than a dead one would keep it.
	for range 8 {
		s.beat(t, 0, ttl/6)
		s.beat(t, 1, ttl/6)
	}
	never(t, next, "two have one lease")
	never(t, first.Lost, "a lease is lost without a reason")
	first.Release()
	second := within(t, next, "a lease that was given back is not given out")
	if second.Epoch <= first.Epoch {
		t.Errorf("epoch %d after %d", second.Epoch, first.Epoch)
	}
	second.Release()
	if third := s.acquire(t, 0, "k"); third.Epoch <= second.Epoch {
		t.Errorf("epoch %d after %d", third.Epoch, second.Epoch)
	}
}

func TestAClosedProcessLeavesItsLeasesAtOnce(t *testing.T) {
	s := share(t)
	s.acquire(t, 0, "k") // never released
	next := s.later(t, 1, "k")
	if err := s.leases[0].Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	within(t, next, "the lease of a process that was closed is kept")
}

// TestADeadProcess takes the leases of a process that is silent, which learns of it when it
// comes back.
func TestADeadProcess(t *testing.T) {
	s := share(t)
	first := s.acquire(t, 0, "k")
	next := s.later(t, 1, "k")
	if err := s.clocks[1].BlockUntilContext(t.Context(), 3); err != nil { // ticker, watchdog, and the wait for the first's death
		t.Fatal(err)
	}
	for range 5 {
		s.beat(t, 1, ttl/6)
	}
	never(t, next, "a lease is taken from one that may live")
	var second work.Lease
	for deadline := time.Now().Add(time.Minute); second.Epoch == 0; {
		s.beat(t, 1, ttl/6)
		select {
		case second = <-next:
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the lease of a dead process is kept")
		}
	}
	within(t, first.Lost, "one that was called dead does not know it")
	first.Release() // of what is no longer its own
	again := s.later(t, 0, "k")
	s.beat(t, 0, ttl/6) // it comes back
	never(t, second.Lost, "the lease of another was released")
	never(t, again, "two have one lease")
	second.Release()
	if third := within(t, again, "one that came back gets nothing"); third.Epoch <= second.Epoch {
		t.Errorf("epoch %d after %d", third.Epoch, second.Epoch)
	}
}

// TestAProcessThatCannotWrite gives its leases up before others take them.
func TestAProcessThatCannotWrite(t *testing.T) {
	s := share(t)
	first := s.acquire(t, 0, "k")
	s.disks[0].full.Store(true)
	for range 3 {
		s.clocks[0].Advance(ttl / 6)
	}
	never(t, first.Lost, "a lease is lost too early")
	s.clocks[0].Advance(ttl / 6) // others wait for ttl
	within(t, first.Lost, "a process that cannot write keeps its leases")
}

// TestALeaseThatCouldNotBeGivenBack is given back with the next sign of life.
func TestALeaseThatCouldNotBeGivenBack(t *testing.T) {
	s := share(t)
	first := s.acquire(t, 0, "k")
	next := s.later(t, 1, "k")
	s.disks[0].full.Store(true)
	first.Release()
	never(t, next, "a lease is given out that is still written down")
	s.disks[0].full.Store(false)
	s.beat(t, 0, ttl/6)
	within(t, next, "a lease that was released is kept")
}

// TestOneOfTwoRunners runs a document at one of two processes, and at the other after that.
func TestOneOfTwoRunners(t *testing.T) {
	s := share(t)
	var runners [2]*work.Runner[crawl]
	running, ended := make(chan int, 10), make(chan int, 10)
	for i := range runners {
		runners[i] = work.New(work.Documents[crawl](s.stores[i], "crawl"), work.Hooks[crawl]{
			Run: func(ctx context.Context, j *work.Job[crawl]) error {
				running <- i
				<-ctx.Done()
				ended <- i
				return ctx.Err()
			},
		}, work.Options{Name: "crawl", Owner: s.leases[i]})
		if err := runners[i].Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer runners[i].Close(context.Background())
	}
	if err := state.NewCollection[crawl](s.stores[0], "crawl").Create(t.Context(), &crawl{State: "RUNNING"}, "a"); err != nil {
		t.Fatal(err)
	}
	first := within(t, running, "nobody runs it")
	never(t, running, "two run it")
	if err := runners[first].Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if by := within(t, ended, "it does not end"); by != first {
		t.Errorf("%d ended", by)
	}
	if next := within(t, running, "nobody goes on with it"); next == first {
		t.Error("a closed runner runs it")
	}
	if _, err := s.leases[first].Acquire(canceled(), "crawl/a", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("acquire: %v", err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
