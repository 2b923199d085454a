package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Events of one function that do not end hold up neither those of another nor their order.
func TestEventsTakeTurns(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	var mu sync.Mutex
	var slow []string
	running, most := 0, 0
	release, fastDone := make(chan struct{}), make(chan string, 1000)
	x.async.try = func(ctx context.Context, r shardlog.Record, _ *waitingEvent) bool {
		var k eventKey
		if err := json.Unmarshal(r.Key, &k); err != nil {
			t.Error(err)
		}
		if k.Name == "fast" {
			fastDone <- string(r.Data)
			return false
		}
		mu.Lock()
		slow = append(slow, string(r.Data))
		running++
		most = max(most, running)
		mu.Unlock()
		select {
		case <-release:
		case <-ctx.Done():
		}
		mu.Lock()
		running--
		mu.Unlock()
		return false
	}
	accept := func(name, payload string) {
		t.Helper()
		at := target{Scope: scope.Scope{Account: "000000000000", Region: "us-east-1"}, name: name}
		if err := x.async.accept(ctx, at, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	const events = 3 * asyncAtOnce
	for n := range events {
		accept("slow", fmt.Sprint(n))
	}
	for n := range 100 {
		accept("fast", fmt.Sprint(n))
	}
	got := map[string]bool{}
	for range 100 {
		select {
		case p := <-fastDone:
			got[p] = true
		case <-time.After(time.Minute):
			t.Fatalf("%d of 100 events of the fast function have run beside the slow one's", len(got))
		}
	}
	if len(got) != 100 {
		t.Errorf("%d events of the fast function have run, want 100", len(got))
	}
	close(release)
	eventually(t, "all events are done", func() bool {
		x.async.mu.Lock()
		defer x.async.mu.Unlock()
		return len(x.async.main.unfinished.open) == 0 && x.async.turns.running == 0 && len(x.async.turns.functions) == 0
	})
	mu.Lock()
	defer mu.Unlock()
	if most > asyncAtOnce/2 {
		t.Errorf("the slow function had %d events under way at once, want at most half of %d", most, asyncAtOnce)
	}
	slices.Sort(slow)
	if slow = slices.Compact(slow); len(slow) != events {
		t.Errorf("%d of %d events of the slow function have run", len(slow), events)
	}
}

func TestTurns(t *testing.T) {
	u := turns{room: asyncBacklog, functions: map[string]*turn{}}
	for n := range 100 {
		u.hold("a", heldEvent{nil, shardlog.Position{Frame: uint64(n + 1)}, 1000})
	}
	var got []string
	var last shardlog.Position
	take := func() (string, bool) {
		f, e, ok := u.next()
		if ok {
			u.begin(f, e.size)
			if f == "a" {
				if e.at.Compare(last) <= 0 {
					t.Errorf("%v comes after %v", e.at, last)
				}
				last = e.at
			}
		}
		return f, ok
	}
	for _, ok := take(); ok; _, ok = take() {
	}
	if u.running != asyncAtOnce/2 {
		t.Errorf("one function runs %d events at once, want %d", u.running, asyncAtOnce/2)
	}
	for n := range 3 {
		u.hold("b", heldEvent{nil, shardlog.Position{Frame: uint64(n + 200)}, 1000})
	}
	for f, ok := take(); ok; f, ok = take() {
		got = append(got, f)
	}
	if !slices.Equal(got, []string{"b", "b", "b"}) {
		t.Errorf("turns are of %v, want three of b", got)
	}
	// Payloads: what does not fit waits, whosever it is.
	u.begin("c", asyncBytes/2)
	u.hold("d", heldEvent{nil, shardlog.Position{Frame: 300}, asyncBytes})
	if f, ok := take(); ok {
		t.Errorf("an event of %s has a turn without room for its payload", f)
	}
	// What waits for another attempt is bounded alike.
	w := turns{room: asyncBacklog, functions: map[string]*turn{}}
	w.wait("a", asyncWaiting/2)
	if w.freeForNew(w.of("a"), 1) || !w.freeForNew(w.of("b"), 1) {
		t.Error("a function of which many events wait holds up others, or goes on itself")
	}
}

// Events of a function of which more wait than may do so in memory hold up nobody else's, are in a log of their own, also
// after a restart, and run in the end, all of them.
func TestManyEventsOfOneFunction(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	var mu sync.Mutex
	slow, fast := map[string]int{}, 0
	release := make(chan struct{})
	try := func(ctx context.Context, r shardlog.Record, _ *waitingEvent) bool {
		if functionOf(r) == "000000000000/us-east-1/fast" {
			mu.Lock()
			fast++
			mu.Unlock()
			return false
		}
		select {
		case <-release:
			mu.Lock()
			slow[string(r.Data)]++
			mu.Unlock()
		case <-ctx.Done():
		}
		return false
	}
	begin := func() {
		x.async.mu.Lock()
		x.async.try, x.async.turns.room = try, 4*asyncEach
		x.async.mu.Unlock()
	}
	begin()
	accept := func(name string, n int) {
		t.Helper()
		var b shardlog.Batch
		for i := range n {
			key, err := json.Marshal(&eventKey{Account: "000000000000", Region: "us-east-1", Name: name})
			if err != nil {
				t.Fatal(err)
			}
			b.Add(key, []byte(fmt.Sprint(i)))
		}
		if _, _, err := x.async.main.shard.Append(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	const many = 2000
	ran := func(name string, got func() int, want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d events of the %s function have run", want, name), func() bool {
			mu.Lock()
			defer mu.Unlock()
			return got() == want
		})
	}
	fastRan := func() int { return fast }
	accept("slow", many)
	accept("fast", 50)
	ran("fast", fastRan, 50)
	x.async.mu.Lock()
	if n := x.async.turns.backlog; n > 4*asyncEach+asyncEach {
		t.Errorf("%d events wait in memory", n)
	}
	x.async.mu.Unlock()
	shards := func() int {
		t.Helper()
		names, err := x.cfg.Log.Shards(ctx, overPrefix)
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	if n := shards(); n != 1 {
		t.Errorf("%d functions have logs of their own", n)
	}
	x.close()
	x.opened = begin
	x.open()
	accept("fast", 50)
	ran("fast", fastRan, 100)
	close(release)
	ran("slow", func() int { return len(slow) }, many)
	eventually(t, "the log of its own is gone", func() bool { return shards() == 0 })
	for payload, n := range slow {
		if n != 1 {
			t.Errorf("event %s has run %d times", payload, n)
		}
	}
}

// A log of one function whose shard is gone, and its progress is not yet, holds nothing up: the rest of it goes.
func TestRemovalOfEventsIsFinished(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	const function = "000000000000/us-east-1/f"
	l := newEventLog(overPrefix+function, function, strings.Split(function, "/")...)
	l.going = true
	if err := x.async.openShard(ctx, l); err != nil {
		t.Fatal(err)
	}
	if err := x.cfg.Log.DeleteShard(ctx, l.name); err != nil {
		t.Fatal(err)
	}
	if err := x.progress.Put(ctx, new(asyncDoc), l.key...); err != nil {
		t.Fatal(err)
	}
	x.async.mu.Lock()
	x.async.over[function] = l
	x.async.mu.Unlock()
	x.async.poke()
	eventually(t, "the log is forgotten", func() bool {
		x.async.mu.Lock()
		defer x.async.mu.Unlock()
		return len(x.async.over) == 0
	})
	if _, err := x.progress.Get(l.key...); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("its progress: %v", err)
	}
}

// A log that cannot be read holds nothing of the others up.
func TestUnreadableLogHoldsNobodyUp(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	const function = "000000000000/us-east-1/broken"
	l := newEventLog(overPrefix+function, function, strings.Split(function, "/")...)
	if err := x.async.openShard(ctx, l); err != nil {
		t.Fatal(err)
	}
	if err := x.cfg.Log.DeleteShard(ctx, l.name); err != nil {
		t.Fatal(err)
	}
	x.async.mu.Lock()
	x.async.over[function] = l
	x.async.mu.Unlock()
	x.async.poke()
	ran := make(chan string, 10)
	x.async.mu.Lock()
	x.async.try = func(_ context.Context, r shardlog.Record, _ *waitingEvent) bool {
		ran <- string(r.Data)
		return false
	}
	x.async.mu.Unlock()
	at := target{Scope: scope.Scope{Account: "000000000000", Region: "us-east-1"}, name: "f"}
	for n := range 3 {
		if err := x.async.accept(ctx, at, []byte(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ran:
		case <-time.After(time.Minute):
			t.Fatal("an event waits for a log that is not its own")
		}
	}
	eventually(t, "what was done is written down", func() bool {
		d, err := x.progress.Get(asyncKey)
		return err == nil && len(d.Open) == 0 && d.Low == d.Read && d.Read != (shardlog.Position{})
	})
}
