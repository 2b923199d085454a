package work

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// task is a document of the tests.
type task struct {
	Name   string
	Paused bool
	Note   string // a change of it is the same work
}

// memory is a Source in memory.
type memory struct {
	mu      sync.Mutex
	docs    map[string]*task // nil: one that cannot be decoded
	watches []chan Key
}

func newMemory(docs ...task) *memory {
	m := &memory{docs: map[string]*task{}}
	for _, d := range docs {
		m.docs[d.Name] = &d
	}
	return m
}

func (m *memory) Keys() iter.Seq[Key] {
	m.mu.Lock()
	names := slices.Sorted(maps.Keys(m.docs))
	m.mu.Unlock()
	return func(yield func(Key) bool) {
		for _, n := range names {
			if !yield(Key{n}) {
				return
			}
		}
	}
}

var errGarbage = errors.New("garbage")

func (m *memory) Get(k Key) (*task, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch d, ok := m.docs[k[0]]; {
	case !ok:
		return nil, ErrGone
	case d == nil:
		return nil, errGarbage
	default:
		return d, nil
	}
}

func (m *memory) Watch(ctx context.Context, changed func(Key)) error {
	c := make(chan Key, 100)
	m.mu.Lock()
	m.watches = append(m.watches, c)
	m.mu.Unlock()
	go func() {
		for {
			select {
			case k := <-c:
				changed(k)
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

func (m *memory) told(name string) {
	for _, c := range m.watches {
		c <- Key{name}
	}
}

func (m *memory) put(d task) {
	m.mu.Lock()
	m.docs[d.Name] = &d
	m.mu.Unlock()
	m.told(d.Name)
}

func (m *memory) spoil(name string) {
	m.mu.Lock()
	m.docs[name] = nil
	m.mu.Unlock()
	m.told(name)
}

func (m *memory) remove(name string) {
	m.mu.Lock()
	delete(m.docs, name)
	m.mu.Unlock()
	m.told(name)
}

// record notes what happens, in order.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *record) want(t *testing.T, lines ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.lines, lines) {
		t.Errorf("happened:\n  %s\nwant:\n  %s", strings.Join(r.lines, "\n  "), strings.Join(lines, "\n  "))
	}
	r.lines = nil
}

// wantInAnyOrder is for what happens in goroutines of which none waits for the other.
func (r *record) wantInAnyOrder(t *testing.T, lines ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	slices.Sort(r.lines)
	r.mu.Unlock()
	slices.Sort(lines)
	r.want(t, lines...)
}

func (r *record) events() Events {
	return Events{
		Failed: func(k Key, part string, err error, n int, wait time.Duration) {
			var p *PanicError
			if errors.As(err, &p) {
				err = fmt.Errorf("panic %v", p.Value)
			}
			r.add("%s%s failed %d, again after %v: %v", k, part, n, wait, err)
		},
		Undecodable: func(k Key, err error) { r.add("%s cannot be decoded: %v", k, err) },
	}
}

func hooks(run func(context.Context, *Job[task]) error) Hooks[task] {
	return Hooks[task]{
		Runs: func(d *task) bool { return !d.Paused },
		Same: func(was, is *task) bool {
			a, b := *was, *is
			a.Note, b.Note = "", ""
			return a == b
		},
		Run: run,
	}
}

// untilStopped runs until its context ends.
func (r *record) untilStopped(ctx context.Context, j *Job[task]) error {
	r.add("run %s", j.Key)
	<-ctx.Done()
	r.add("stop %s: %v", j.Key, context.Cause(ctx))
	return ctx.Err()
}

func begin(t *testing.T, r *Runner[task]) {
	t.Helper()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func end(t *testing.T, r *Runner[task]) {
	t.Helper()
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDocumentsRunAsLongAsTheyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}, task{Name: "b", Paused: true}), new(record)
		r := New(m, hooks(log.untilStopped), Options{Events: log.events()})
		m.put(task{Name: "early"}) // nothing is run before Start
		log.want(t)
		m.remove("early")
		begin(t, r)
		log.want(t, "run a")
		m.put(task{Name: "c"})
		log.want(t, "run c")
		m.put(task{Name: "b"})
		log.want(t, "run b")
		m.put(task{Name: "b", Paused: true})
		log.want(t, "stop b: work: the document does not ask to be run")
		m.remove("c")
		log.want(t, "stop c: work: the document is gone")
		m.spoil("a")
		log.wantInAnyOrder(t, "a cannot be decoded: garbage", "stop a: work: the document cannot be decoded: garbage", "a cannot be decoded: garbage")
		if s, ok := r.Status("a"); !ok || s.State != Invalid || !errors.Is(s.Err, errGarbage) {
			t.Errorf("status of one that cannot be decoded: %+v", s)
		}
		m.put(task{Name: "a"})
		log.want(t, "run a")
		end(t, r)
		log.want(t, "stop a: work: closed")
		m.put(task{Name: "late"})
		log.want(t)
		if len(r.All()) != 0 {
			t.Errorf("after Close: %+v", r.All())
		}
	})
}

func TestAChangeRestartsOnlyOtherWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a", Note: "1"}), new(record)
		slow := make(chan struct{})
		h := hooks(func(ctx context.Context, j *Job[task]) error {
			log.add("run with %s", j.Document().Note)
			for {
				select {
				case <-j.Changed():
					log.add("changed to %s", j.Document().Note)
				case <-ctx.Done():
					log.add("stop: %v", context.Cause(ctx))
					<-slow
					return nil
				}
			}
		})
		same := h.Same
		h.Same = func(was, is *task) bool { return same(was, is) && !strings.HasPrefix(is.Note, "other") }
		r := New(m, h, Options{Events: log.events()})
		begin(t, r)
		log.want(t, "run with 1")
		m.put(task{Name: "a", Note: "2"})
		log.want(t, "changed to 2")
		m.put(task{Name: "a", Note: "other"})
		log.want(t, "stop: work: the document has changed")
		m.put(task{Name: "a", Note: "other 2"}) // the first has not returned yet
		log.want(t)
		if s, _ := r.Status("a"); s.State != Stopping {
			t.Errorf("state %s, want %s", s.State, Stopping)
		}
		close(slow)
		log.want(t, "run with other 2")
		end(t, r)
	})
}

func TestFailuresAreRetriedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		var calls atomic.Int32
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			switch calls.Add(1) {
			case 2:
				panic("no")
			case 5:
				time.Sleep(time.Minute + time.Second)
				return errors.New("late")
			case 6:
				return nil
			}
			return errors.New("broken")
		}), Options{Events: log.events(), Backoff: Backoff{First: time.Second, Max: 3 * time.Second}})
		begin(t, r)
		log.want(t, "a failed 1, again after 1s: broken")
		if err := r.Await(t.Context(), "a"); err == nil || err.Error() != "broken" {
			t.Errorf("Await: %v", err)
		}
		s, _ := r.Status("a")
		if s.State != Failing || s.Failures != 1 || !s.Next.Equal(time.Now().Add(time.Second)) {
			t.Errorf("status: %+v", s)
		}
		time.Sleep(time.Second)
		log.want(t, "a failed 2, again after 2s: panic no")
		time.Sleep(2 * time.Second)
		log.want(t, "a failed 3, again after 3s: broken")
		r.Wake("a")
		log.want(t, "a failed 4, again after 3s: broken")
		time.Sleep(3 * time.Second)
		log.want(t)
		time.Sleep(time.Minute + time.Second)
		log.want(t, "a failed 1, again after 1s: late")
		r.Wake("a")
		if err := r.Await(t.Context(), "a"); err != nil {
			t.Errorf("Await: %v", err)
		}
		if s, _ := r.Status("a"); s.State != Done || s.Err != nil {
			t.Errorf("status: %+v", s)
		}
		m.put(task{Name: "a", Note: "the same work, which is done"})
		log.want(t)
		if calls.Load() != 6 {
			t.Errorf("%d calls", calls.Load())
		}
		r.Wake("a")
		log.want(t, "a failed 1, again after 1s: broken")
		end(t, r)
	})
}

func TestRunAfterIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		begun := time.Now()
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			log.add("at %v", time.Since(begun))
			return fmt.Errorf("wrapped: %w", RunAfter(time.Hour))
		}), Options{Events: log.events()})
		begin(t, r)
		log.want(t, "at 0s")
		if err := r.Await(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		log.want(t, "at 1h0m0s")
		m.put(task{Name: "a", Paused: true})
		time.Sleep(time.Hour)
		log.want(t)
		end(t, r)
	})
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(), new(record)
		for i := range 5 {
			m.docs[fmt.Sprint(i)] = &task{Name: fmt.Sprint(i)}
		}
		var now, most atomic.Int32
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Second)
			return nil
		}), Options{Limit: 2, Events: log.events()})
		begin(t, r)
		synctest.Wait()
		states := map[State]int{}
		for _, s := range r.All() {
			states[s.State]++
		}
		if states[Running] != 2 || states[Queued] != 3 {
			t.Errorf("states: %v", states)
		}
		for _, s := range r.All() { // one that waits for its turn can go
			if s.State == Queued {
				m.remove(s.Key[0])
				break
			}
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for _, s := range r.All() {
			if s.State != Done {
				t.Errorf("%s is %s", s.Key, s.State)
			}
		}
		if len(r.All()) != 4 || most.Load() != 2 {
			t.Errorf("%d done, %d at a time", len(r.All()), most.Load())
		}
		end(t, r)
	})
}

// lessor is an Owner that gives leases as a test says.
type lessor struct {
	may   chan struct{}
	lost  chan struct{}
	epoch uint64
	log   *record
}

func (l *lessor) Acquire(ctx context.Context, key string, _ func()) (Lease, error) {
	select {
	case <-l.may:
	case <-ctx.Done():
		return Lease{}, ctx.Err()
	}
	l.epoch++
	l.log.add("lease of %s", key)
	return Lease{Epoch: l.epoch, Lost: l.lost, Release: func() { l.log.add("release") }}, nil
}

func TestLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		l := &lessor{may: make(chan struct{}), lost: make(chan struct{}), log: log}
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			log.add("epoch %d", j.Epoch)
			return log.untilStopped(ctx, j)
		}), Options{Name: "tasks", Owner: l, Events: log.events()})
		begin(t, r)
		log.want(t)
		if s, _ := r.Status("a"); s.State != Leasing {
			t.Errorf("state %s", s.State)
		}
		l.may <- struct{}{}
		log.want(t, "lease of tasks/a", "epoch 1", "run a")
		was := l.lost
		l.lost = make(chan struct{})
		close(was)
		log.want(t, "stop a: work: another process owns it", "release")
		l.may <- struct{}{}
		log.want(t, "lease of tasks/a", "epoch 2", "run a")
		m.remove("a")
		log.want(t, "stop a: work: the document is gone", "release")
		end(t, r)
	})
}

func TestPartsFailByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		var tries atomic.Int32
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			j.Go("/good", func(ctx context.Context) error { return log.untilStopped(ctx, j) })
			time.Sleep(time.Millisecond)
			j.Go("/bad", func(ctx context.Context) error {
				if tries.Add(1) < 3 {
					panic("oh")
				}
				return nil
			})
			return nil
		}), Options{Events: log.events()})
		begin(t, r)
		time.Sleep(time.Millisecond)
		log.want(t, "run a", "a/bad failed 1, again after 100ms: panic oh")
		s, _ := r.Status("a")
		if s.State != Running || len(s.Parts) != 2 || s.Parts[1].Failures != 1 || s.Parts[1].Err == nil {
			t.Errorf("status: %+v", s)
		}
		time.Sleep(time.Second)
		log.want(t, "a/bad failed 2, again after 200ms: panic oh")
		if s, _ := r.Status("a"); len(s.Parts) != 1 || s.Parts[0].Name != "/good" {
			t.Errorf("parts: %+v", s.Parts)
		}
		end(t, r)
		log.want(t, "stop a: work: closed")
	})
}

func TestAnErrorOfRunStopsItsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			j.Go("/part", func(ctx context.Context) error { <-ctx.Done(); log.add("part ends"); return nil })
			time.Sleep(time.Second)
			return errors.New("no")
		}), Options{Events: log.events()})
		begin(t, r)
		time.Sleep(time.Second)
		log.want(t, "part ends", "a failed 1, again after 100ms: no")
		end(t, r)
	})
}

// TestBackoffHasAnEnd: after any number of failures the wait is one, and no longer than Max.
func TestBackoffHasAnEnd(t *testing.T) {
	b := Backoff{}.filled()
	last := time.Duration(0)
	for failures := 1; failures < 1000; failures++ {
		wait := b.after(failures)
		if wait < max(last, b.First) || wait > b.Max {
			t.Fatalf("a wait of %v after %d failures, of %v before", wait, failures, last)
		}
		last = wait
	}
	if last != b.Max {
		t.Errorf("a wait of %v after a thousand failures", last)
	}
}

// TestBegun waits for work to begin, and for none that does not.
func TestBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "runs"}, task{Name: "second"}, task{Name: "paused", Paused: true}, task{Name: "done"}, task{Name: "fails"}), new(record)
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			switch j.Document().Name {
			case "done":
				return nil
			case "fails":
				return errors.New("no")
			}
			return log.untilStopped(ctx, j)
		}), Options{Limit: 1})
		m.spoil("spoilt")
		begin(t, r)
		defer end(t, r)
		// One at a time: whichever of the two that last runs first, the other is queued behind it.
		synctest.Wait()
		last, queued := "runs", "second"
		if s, _ := r.Status("runs"); s.State != Running {
			last, queued = queued, last
		}
		for _, test := range []struct {
			name string
			want bool
		}{{last, true}, {"paused", false}, {"spoilt", false}, {"gone", false}} {
			if here, err := r.Begun(t.Context(), test.name); here != test.want || err != nil {
				t.Errorf("%s: %v, %v", test.name, here, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if here, err := r.Begun(ctx, queued); here || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("queued: %v, %v", here, err)
		}
		began := make(chan bool, 1)
		go func() {
			here, err := r.Begun(t.Context(), queued)
			began <- here && err == nil
		}()
		m.remove(last)
		if !<-began {
			t.Error("what was queued has not begun")
		}
	})
}

// TestAwaitSeesTheChange awaits what a change has begun, not what failed before it.
func TestAwaitSeesTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		h := hooks(func(ctx context.Context, j *Job[task]) error {
			if j.Document().Note == "good" {
				time.Sleep(time.Second)
				return nil
			}
			return errors.New("bad")
		})
		h.Same = nil
		r := New(m, h, Options{Events: log.events()})
		begin(t, r)
		if err := r.Await(t.Context(), "a"); err == nil {
			t.Error("no error")
		}
		m.put(task{Name: "a", Note: "good"})
		if err := r.Await(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		m.put(task{Name: "a", Paused: true})
		if err := r.Await(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if err := r.Await(t.Context(), "none"); err != nil {
			t.Error(err)
		}
		end(t, r)
	})
}

func TestCloseHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stuck := newMemory(task{Name: "a"}), make(chan struct{})
		r := New(m, hooks(func(context.Context, *Job[task]) error { <-stuck; return nil }), Options{})
		begin(t, r)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		close(stuck)
		end(t, r)
	})
}

func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(record)
		g := &Group{Events: log.events()}
		begun, tries := time.Now(), 0
		g.Every("sweep", time.Hour, func(context.Context) error {
			if tries++; tries == 2 {
				panic("dust")
			}
			log.add("swept at %v", time.Since(begun))
			return nil
		})
		time.Sleep(2*time.Hour - time.Second)
		log.want(t, "swept at 0s", "sweep failed 1, again after 100ms: panic dust", "swept at 1h0m0.1s")
		if err := g.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g.Go("late", func(context.Context) error { return nil }) {
			t.Error("a closed group takes work")
		}
		time.Sleep(time.Hour)
		log.want(t)
	})
}

// TestManyChanges changes documents at random while they run: never two at a time for a
// key, and in the end what asks to be run is run.
func TestManyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var mu sync.Mutex
		running := map[string]int{}
		r := New(m, hooks(func(ctx context.Context, j *Job[task]) error {
			mu.Lock()
			running[j.Key[0]]++
			if running[j.Key[0]] > 1 {
				t.Errorf("two workers of %s", j.Key)
			}
			mu.Unlock()
			<-ctx.Done()
			time.Sleep(time.Millisecond)
			mu.Lock()
			running[j.Key[0]]--
			mu.Unlock()
			return ctx.Err()
		}), Options{})
		begin(t, r)
		x := uint32(1)
		for range 3000 {
			x = x*1664525 + 1013904223
			name := fmt.Sprint(x >> 8 % 7)
			switch x >> 16 % 5 {
			case 0:
				m.remove(name)
			case 1:
				m.spoil(name)
			case 2:
				m.put(task{Name: name, Paused: true})
			default:
				m.put(task{Name: name})
			}
			if x>>20%3 == 0 {
				time.Sleep(time.Duration(x >> 24 % 3 * uint32(time.Millisecond)))
			}
			synctest.Wait()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for k := range m.Keys() {
			d, err := m.Get(k)
			want := 0
			if err == nil && !d.Paused {
				want = 1
			}
			mu.Lock()
			if running[k[0]] != want {
				t.Errorf("%s: %d run, want %d", k, running[k[0]], want)
			}
			mu.Unlock()
		}
		end(t, r)
	})
}

func TestSuspendedWorkWaitsForItsResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, log := newMemory(task{Name: "a"}), new(record)
		r := New(m, hooks(log.untilStopped), Options{Events: log.events()})
		begin(t, r)
		log.want(t, "run a")
		resume, err := r.Suspend(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		log.want(t, "stop a: work: the document does not ask to be run")
		again, err := r.Suspend(t.Context(), "a") // by two at once
		if err != nil {
			t.Fatal(err)
		}
		m.put(task{Name: "a", Note: "changed"})
		r.Wake("a")
		resume()
		resume()
		log.want(t)
		again()
		log.want(t, "run a")
		end(t, r)
		log.want(t, "stop a: work: closed")
	})
}
