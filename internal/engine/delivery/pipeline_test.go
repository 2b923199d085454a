package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// memSource is a shard in memory, three records a frame.
type memSource struct {
	mu   sync.Mutex
	recs []shardlog.Record
	more chan struct{}
}

func newMemSource() *memSource { return &memSource{more: make(chan struct{})} }

func (s *memSource) add(t time.Time, data ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range data {
		n := len(s.recs)
		s.recs = append(s.recs, shardlog.Record{
			Position: shardlog.Position{Frame: uint64(n/3) + 1, Index: uint32(n % 3)}, Time: t, Data: []byte(d)})
	}
	close(s.more)
	s.more = make(chan struct{})
}

func (s *memSource) index(p shardlog.Position) int {
	if p.Frame == 0 {
		return 0
	}
	return int(p.Frame-1)*3 + int(p.Index)
}

func (s *memSource) Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	if err := ctx.Err(); err != nil {
		return dst, from, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(from)
	n := min(i+7, len(s.recs)) // small reads, so that there are many
	if n <= i {
		return dst, from, nil
	}
	dst = append(dst, s.recs[i:n]...)
	last := s.recs[n-1].Position
	return dst, shardlog.Position{Frame: last.Frame, Index: last.Index + 1}, nil
}

func (s *memSource) Wait(ctx context.Context, from shardlog.Position) error {
	for {
		s.mu.Lock()
		more := s.more
		ready := s.index(from) < len(s.recs)
		s.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errCrash = errors.New("crash")

// world is all that outlives a crash, and counts the steps at which one may come.
type world struct {
	mu      sync.Mutex
	objects map[string]string
	puts    map[string][]string // contents by key, of every put
	doc     *Progress
	rev     int

	steps   int
	crashAt int // step; 0: never
	crashed func()
	failing func(key string) error // a destination that fails but does not crash
}

func newWorld() *world {
	return &world{objects: map[string]string{}, puts: map[string][]string{}}
}

// step returns errCrash at and after the step of the crash.
func (w *world) step() error {
	w.steps++
	if w.crashAt > 0 && w.steps >= w.crashAt {
		if w.crashed != nil {
			w.crashed()
		}
		return errCrash
	}
	return nil
}

func (w *world) Put(ctx context.Context, o Object) error {
	b, err := io.ReadAll(o.Body)
	if err != nil {
		return err
	}
	if int64(len(b)) != o.Size {
		return fmt.Errorf("size %d, body %d", o.Size, len(b))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		if err := w.failing(o.Key); err != nil {
			return err
		}
	}
	if err := w.step(); err != nil { // before
		return err
	}
	w.objects[o.Key] = string(b)
	w.puts[o.Key] = append(w.puts[o.Key], string(b))
	return w.step() // after
}

func (w *world) Delete(ctx context.Context, bucket, key string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.step(); err != nil {
		return err
	}
	delete(w.objects, key)
	delete(w.puts, key)
	return w.step()
}

// store is one pipeline's view of the document.
type store struct {
	w   *world
	rev int
}

func (s *store) Load(ctx context.Context) (*Progress, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.rev = s.w.rev
	if s.w.doc == nil {
		return new(Progress), nil
	}
	return s.w.doc.clone(), nil
}

func (s *store) Save(ctx context.Context, p *Progress) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if err := s.w.step(); err != nil {
		return err
	}
	if s.rev != s.w.rev {
		return ErrConflict
	}
	s.w.rev++
	s.rev = s.w.rev
	s.w.doc = p.clone()
	return s.w.step()
}

// testPlan: a record "a|x" is row "x" of partition "a"; with several, "a|x,b|y", several
// rows. A row that begins with "bad" does not fit; "" is a record without rows.
type testPlan struct {
	version string
	limits  Buffering
	max     int
}

func (p *testPlan) Version() string { return p.version }

func (p *testPlan) Route(r *shardlog.Record, rows *Rows) {
	if len(r.Data) == 0 {
		return
	}
	for part := range bytes.SplitSeq(r.Data, []byte(",")) {
		k, v, ok := bytes.Cut(part, []byte("|"))
		if !ok {
			rows.Reject(&Rejected{Partition: ErrorMark + "route", Data: part, Reason: "no key"})
			continue
		}
		rows.Add(k, v)
	}
}

type testEncoder struct {
	w    io.Writer
	held []byte
}

func (e *testEncoder) Add(row *Row) error {
	if bytes.HasPrefix(row.Data, []byte("bad")) {
		return &Rejected{Partition: ErrorMark + "convert", Data: append([]byte("convert:"), row.Data...), Reason: "bad"}
	}
	e.held = append(append(e.held, row.Data...), '\n')
	return nil
}
func (e *testEncoder) Abort()          {}
func (e *testEncoder) Buffered() int64 { return int64(cap(e.held)) }
func (e *testEncoder) Spill() error {
	_, err := e.w.Write(e.held)
	e.held = nil
	return err
}
func (e *testEncoder) Close() error { return e.Spill() }

func (p *testPlan) Encoder(partition string, w io.Writer) (Encoder, error) {
	return &testEncoder{w: w}, nil
}
func (p *testPlan) Buffering(partition string) Buffering { return p.limits }
func (p *testPlan) Name(o ObjectInfo) (string, string) {
	return "bucket", fmt.Sprintf("%s/%d.%d-%d.%d", strings.Replace(o.Partition, ErrorMark, "error-", 1), o.From.Frame, o.From.Index, o.Upto.Frame, o.Upto.Index)
}
func (p *testPlan) MaxPartitions() int { return p.max }
func (p *testPlan) TooMany(partition string, row []byte, _ *From) *Rejected {
	return &Rejected{Partition: ErrorMark + "many", Data: append([]byte("many:"), row...), Reason: "too many"}
}

type testPlans struct {
	mu      sync.Mutex
	current *testPlan
	all     map[string]*testPlan
}

func plans(p *testPlan) *testPlans {
	return &testPlans{current: p, all: map[string]*testPlan{p.version: p}}
}
func (p *testPlans) set(n *testPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = n
	p.all[n.version] = n
}
func (p *testPlans) Current(ctx context.Context) (Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current, nil
}
func (p *testPlans) Pinned(ctx context.Context, v string) (Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.all[v]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("no plan %q", v)
}

// runToEnd runs a pipeline until everything in src is in objects, or the world crashes.
// It reports which.
func runToEnd(t *testing.T, w *world, src Source, pl Plans, o Options) (finished bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w.mu.Lock()
	w.steps, w.crashed = 0, cancel
	w.mu.Unlock()
	o.Source, o.Objects, o.Progress, o.Plans = src, w, &store{w: w}, pl
	if o.Linger == 0 {
		o.Linger = time.Millisecond
	}
	p := New(o)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	flushErr := p.Flush(ctx)
	cancel()
	err := <-ended
	if flushErr == nil {
		return true
	}
	if !errors.Is(err, errCrash) && !errors.Is(err, context.Canceled) {
		t.Fatalf("Run: %v; Flush: %v", err, flushErr)
	}
	return false
}

// check compares what is in objects with what the source holds.
func (w *world) check(t *testing.T, src *memSource, what string) {
	t.Helper()
	got := map[string]int{}
	order := map[string][]string{}
	for _, k := range slices.Sorted(maps.Keys(w.objects)) {
		for line := range strings.Lines(w.objects[k]) {
			line = strings.TrimSuffix(line, "\n")
			line = strings.TrimPrefix(strings.TrimPrefix(line, "convert:"), "many:")
			got[line]++
			order[k] = append(order[k], line)
		}
	}
	want := map[string]int{}
	for _, r := range src.recs {
		if len(r.Data) == 0 {
			continue
		}
		for part := range strings.SplitSeq(string(r.Data), ",") {
			if _, v, ok := strings.Cut(part, "|"); ok {
				part = v
			}
			want[part]++
		}
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: row %q is there %d times, want %d", what, k, got[k], n)
		}
	}
	for k := range got {
		if want[k] == 0 {
			t.Errorf("%s: row %q was never sent", what, k)
		}
	}
	for k, lines := range order {
		if !slices.IsSortedFunc(lines, func(a, b string) int { return serial(a) - serial(b) }) {
			t.Errorf("%s: object %s is out of order: %v", what, k, lines)
		}
	}
	// An object that was put again was put with the same bytes.
	for k, v := range w.puts {
		for _, s := range v {
			if s != v[0] {
				t.Errorf("%s: object %s was put with different contents: %q and %q", what, k, v[0], s)
			}
		}
	}
	if t.Failed() {
		t.Fatalf("%s: progress %+v", what, w.doc)
	}
}

func serial(s string) int {
	n := 0
	fmt.Sscanf(s[strings.LastIndexByte(s, '#')+1:], "%d", &n)
	return n
}

func randomRecords(r *rand.Rand, n, partitions int) []string {
	var out []string
	serial := 0
	for range n {
		var parts []string
		for range 1 + r.IntN(2)*r.IntN(3) {
			serial++
			switch r.IntN(12) {
			case 0:
				parts = append(parts, fmt.Sprintf("p%d|bad#%d", r.IntN(partitions), serial))
			case 1:
				parts = append(parts, fmt.Sprintf("nokey#%d", serial))
			default:
				parts = append(parts, fmt.Sprintf("p%d|v#%d", r.IntN(partitions), serial))
			}
		}
		if r.IntN(20) == 0 {
			parts = nil
		}
		out = append(out, strings.Join(parts, ","))
	}
	return out
}

// TestCrash crashes at every step of a delivery, and at every so manieth step of the
// recovery from that, and looks for every row exactly once.
func TestCrash(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Buffering
		max    int
	}{
		{"by size", Buffering{Size: 30, Interval: time.Hour}, 100},
		{"by time", Buffering{Size: 1 << 20}, 100},
		{"both", Buffering{Size: 60}, 100},
		{"too many partitions", Buffering{Size: 40, Interval: time.Hour}, 3},
		{"too many, by time", Buffering{Size: 1 << 20}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 2))
			plan := plans(&testPlan{version: "1", limits: tt.limits, max: tt.max})
			for round := 0; ; round++ {
				src := newMemSource()
				src.add(time.Now(), randomRecords(rng, 60, 5)...)
				w := newWorld()
				w.crashAt = round + 1
				if runToEnd(t, w, src, plan, Options{}) {
					w.check(t, src, "no crash")
					if round < 5 {
						t.Fatalf("only %d steps", round)
					}
					return
				}
				// A second and third crash on the way, then none. Records come meanwhile.
				for range 2 {
					src.add(time.Now(), fmt.Sprintf("p1|more#%d", 100000+len(src.recs)))
					w.crashAt = 1 + rng.IntN(8)
					runToEnd(t, w, src, plan, Options{})
				}
				w.crashAt = 0
				what := fmt.Sprintf("crash at step %d", round+1)
				if !runToEnd(t, w, src, plan, Options{}) {
					t.Fatalf("%s: not finished", what)
				}
				w.check(t, src, what)
			}
		})
	}
}

// TestSameRows delivers the same records under different settings.
func TestSameRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	src := newMemSource()
	src.add(time.Now(), randomRecords(rng, 500, 20)...)
	for _, limits := range []Buffering{{Size: 1}, {Size: 100}, {Size: 1 << 20}, {Size: 1 << 20, Interval: time.Millisecond}, {Size: 50, Interval: time.Hour}} {
		for _, budget := range []int64{1, 1 << 30} {
			w := newWorld()
			o := Options{Budget: &Budget{Limit: budget}, TempDir: t.TempDir()}
			if !runToEnd(t, w, src, plans(&testPlan{version: "1", limits: limits, max: 100}), o) {
				t.Fatal("not finished")
			}
			w.check(t, src, fmt.Sprintf("%+v, budget %d", limits, budget))
			if n := o.Budget.Used(); n != 0 {
				t.Errorf("%+v: %d bytes of the budget are still taken", limits, n)
			}
			if d := w.doc; len(d.Flushed) > 0 || len(d.Intents) > 0 {
				t.Errorf("%+v: progress is not at rest: %+v", limits, d)
			}
		}
	}
}

// TestInterval looks at the moments at which objects come.
func TestInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		src := newMemSource()
		begun := time.Now()
		var mu sync.Mutex
		var delivered []string
		p := New(Options{
			Source: src, Objects: w, Progress: &store{w: w},
			Plans: plans(&testPlan{version: "1", limits: Buffering{Size: 10, Interval: time.Minute}, max: 100}),
			Events: Events{Delivered: func(o []Intent, _ *Progress) {
				mu.Lock()
				defer mu.Unlock()
				for _, i := range o {
					delivered = append(delivered, fmt.Sprintf("%s after %v", i.Partition, time.Since(begun)))
				}
			}},
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		src.add(time.Now(), "a|1")
		time.Sleep(30 * time.Second)
		src.add(time.Now(), "b|2")
		src.add(time.Now(), "c|0123456789") // full at once
		time.Sleep(time.Hour)
		cancel()
		<-ended
		if want := []string{"c after 30s", "a after 1m0s", "b after 1m30s"}; !slices.Equal(delivered, want) {
			t.Errorf("delivered %q, want %q", delivered, want)
		}
		w.check(t, src, "interval")
	})
}

// TestPlanChange routes by the old plan what was read under it, also after a crash.
func TestPlanChange(t *testing.T) {
	w := newWorld()
	src := newMemSource()
	src.add(time.Now(), "a|v#1", "b|v#2", "a|v#3", "b|v#4")
	pl := plans(&testPlan{version: "1", limits: Buffering{Size: 4, Interval: time.Hour}, max: 100})
	w.crashAt = 6
	for i := 0; runToEnd(t, w, src, pl, Options{}); i++ {
		t.Fatal("no crash")
	}
	pinned := w.doc.Plan
	pl.set(&testPlan{version: "2", limits: Buffering{Size: 100, Interval: time.Hour}, max: 100})
	if pinned != "1" {
		t.Fatalf("pinned plan is %q", pinned)
	}
	w.crashAt = 0
	src.add(time.Now(), "a|v#5", "b|v#6")
	if !runToEnd(t, w, src, pl, Options{PlanCheck: 1}) {
		t.Fatal("not finished")
	}
	w.check(t, src, "plan change")
	src.add(time.Now(), "a|v#7", "b|v#8")
	if !runToEnd(t, w, src, pl, Options{PlanCheck: 1}) {
		t.Fatal("not finished")
	}
	if w.doc.Plan != "2" {
		t.Fatalf("plan is %q", w.doc.Plan)
	}
	w.check(t, src, "plan change")
}

// TestDestinationFails retries until the destination is back, without losing anything.
func TestDestinationFails(t *testing.T) {
	w := newWorld()
	src := newMemSource()
	src.add(time.Now(), randomRecords(rand.New(rand.NewPCG(5, 6)), 50, 3)...)
	fails := 0
	w.failing = func(key string) error {
		if fails++; fails <= 3 {
			return errors.New("no such bucket")
		}
		return nil
	}
	told := 0
	o := Options{Puts: 1, Events: Events{Retrying: func(error, int, time.Duration) { told++ }}}
	if !runToEnd(t, w, src, plans(&testPlan{version: "1", limits: Buffering{Size: 1 << 20, Interval: time.Hour}, max: 100}), o) {
		t.Fatal("not finished")
	}
	if told != 3 {
		t.Errorf("told of %d retries, want 3", told)
	}
	w.check(t, src, "failing destination")
}

// TestConflict ends a pipeline that another one has overtaken.
func TestConflict(t *testing.T) {
	w := newWorld()
	src := newMemSource()
	st := &store{w: w}
	p := New(Options{Source: src, Objects: w, Progress: st, Plans: plans(&testPlan{version: "1", limits: Buffering{Size: 1}, max: 9})})
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	src.add(time.Now(), "a|v#1")
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.rev++
	w.mu.Unlock()
	src.add(time.Now(), "a|v#2")
	if err := <-ended; !errors.Is(err, ErrConflict) {
		t.Fatalf("Run: %v", err)
	}
}

// panicking is a plan that panics at a record.
type panicking struct{ *testPlan }

func (panicking) Route(*shardlog.Record, *Rows) { panic("no way") }

func (p panicking) Current(context.Context) (Plan, error)        { return p, nil }
func (p panicking) Pinned(context.Context, string) (Plan, error) { return p, nil }

// TestPanic: what panics while it works is an error of the pipeline, not the end of the process.
func TestPanic(t *testing.T) {
	w, src := newWorld(), newMemSource()
	src.add(time.Now(), "a|1")
	p := New(Options{Source: src, Objects: w, Progress: &store{w: w}, Plans: panicking{&testPlan{version: "1", limits: Buffering{Size: 1}, max: 9}}})
	var panicked *work.PanicError
	if err := p.Run(t.Context()); !errors.As(err, &panicked) || panicked.Value != "no way" {
		t.Errorf("Run: %v", err)
	}
}
