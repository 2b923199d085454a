package queue

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"
)

type fixture struct {
	t     *testing.T
	fs    *vfs.MemFS
	clock *clockwork.FakeClock
	s     *Store
}

func open(t *testing.T) *fixture {
	f := &fixture{t: t, fs: vfs.NewCrashableMem(), clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	f.start(f.fs)
	t.Cleanup(func() { f.s.Close() })
	return f
}

func (f *fixture) start(fs *vfs.MemFS) {
	f.t.Helper()
	var err error
	if f.s, err = Open(Options{Dir: "q", FS: fs, Clock: f.clock, MinFree: -1, OnError: func(err error) { f.t.Log(err) }}); err != nil {
		f.t.Fatal(err)
	}
}

// crash opens the store again with what is on disk.
func (f *fixture) crash() {
	f.t.Helper()
	fs := f.fs.CrashClone(vfs.CrashCloneCfg{})
	f.s.Close()
	f.fs = fs
	f.start(fs)
}

func (f *fixture) queue(id uint64, set Settings) *Queue {
	f.t.Helper()
	q, err := f.s.Queue(id, set)
	if err != nil {
		f.t.Fatal(err)
	}
	return q
}

func (f *fixture) send(q *Queue, bodies ...string) {
	f.t.Helper()
	for _, b := range bodies {
		group, _, _ := strings.Cut(b, "-")
		m := &Message{ID: "id-" + b, Body: []byte(b), Group: group}
		if q.set.Load().FIFO {
			m.Dedup = b
		}
		if _, err := q.Send([]*Message{m}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// take receives, and returns the bodies and the handles.
func (f *fixture) take(q *Queue, n int) (bodies string, handles []string) {
	f.t.Helper()
	list, err := q.Receive(f.t.Context(), n, 30*time.Second, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	var b []string
	for _, m := range list {
		b, handles = append(b, string(m.Body)), append(handles, m.Handle)
	}
	return strings.Join(b, " "), handles
}

func (f *fixture) want(q *Queue, n int, want string) []string {
	f.t.Helper()
	got, h := f.take(q, n)
	if got != want {
		f.t.Fatalf("received %q, want %q", got, want)
	}
	return h
}

func (f *fixture) drop(q *Queue, handles ...string) {
	f.t.Helper()
	errs, err := q.Delete(handles)
	if err = errors.Join(append(errs, err)...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) counts(q *Queue, want Counts) {
	f.t.Helper()
	if c, err := q.Counts(); err != nil || c != want {
		f.t.Fatalf("%+v, want %+v (%v)", c, want, err)
	}
}

func TestStandard(t *testing.T) {
	f := open(t)
	q := f.queue(1, Settings{Retention: time.Hour})
	f.send(q, "a", "b", "c")
	f.counts(q, Counts{Visible: 3})
	h := f.want(q, 2, "a b")
	f.counts(q, Counts{Visible: 1, InFlight: 2})
	f.drop(q, h[0])
	f.want(q, 10, "c")
	f.want(q, 10, "")
	f.clock.Advance(31 * time.Second)
	again := f.want(q, 10, "b c")
	if again[0] == h[1] {
		t.Error("a message that came again has its old handle")
	}
	// The handle of an earlier receive does not delete.
	f.drop(q, h[1])
	f.counts(q, Counts{InFlight: 2})
	if errs, _ := q.Change([]string{again[0], again[1], "x"}, []time.Duration{0, time.Minute, 0}); errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], ErrHandle) {
		t.Error(errs)
	}
	again = f.want(q, 10, "b")
	f.crash()
	q = f.queue(1, Settings{Retention: time.Hour})
	f.drop(q, again...)
	f.clock.Advance(31 * time.Second)
	f.want(q, 10, "")
	f.clock.Advance(30 * time.Second)
	h = f.want(q, 10, "c")
	if errs, _ := q.Change(h, []time.Duration{12*time.Hour + time.Second}); !errors.Is(errs[0], ErrTooLong) {
		t.Error(errs)
	}
	f.clock.Advance(time.Hour)
	f.want(q, 10, "") // expired
	f.counts(q, Counts{})
	f.send(q, "d")
	if _, err := q.Send([]*Message{{ID: "late", Body: []byte("late"), Visible: f.clock.Now().Add(time.Minute).UnixMilli()}}); err != nil {
		t.Fatal(err)
	}
	f.counts(q, Counts{Visible: 1, Delayed: 1})
	f.want(q, 1, "d")
	f.clock.Advance(time.Minute)
	f.want(q, 10, "d late")
	if err := q.Purge(); err != nil {
		t.Fatal(err)
	}
	f.counts(q, Counts{})
	f.send(q, "e")
	f.want(q, 1, "e")
	if err := f.s.Drop(1); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Send([]*Message{{ID: "x"}}); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if ids, err := f.s.IDs(); err != nil || len(ids) != 0 {
		t.Errorf("%v (%v)", ids, err)
	}
}

func TestFIFO(t *testing.T) {
	f := open(t)
	set := Settings{FIFO: true, Retention: time.Hour}
	q := f.queue(1, set)
	f.send(q, "a-1", "a-2", "b-1", "a-3", "b-2")
	h := f.want(q, 2, "a-1 a-2")
	h2 := f.want(q, 10, "b-1 b-2") // a is held
	f.want(q, 10, "")
	f.counts(q, Counts{Visible: 1, InFlight: 4})
	f.drop(q, h[0])
	f.want(q, 10, "")
	f.drop(q, h[1])
	h = f.want(q, 10, "a-3")
	f.drop(q, h2...)
	// Sent again within five minutes: the answer is that of the first.
	sent, err := q.Send([]*Message{{ID: "other", Body: []byte("a-1"), Group: "a", Dedup: "a-1"}})
	if err != nil || !sent[0].Duplicate || sent[0].ID != "id-a-1" {
		t.Errorf("%+v (%v)", sent, err)
	}
	f.send(q, "a-4")
	f.crash()
	q = f.queue(1, set)
	f.want(q, 10, "") // a-3 is in flight still
	f.clock.Advance(31 * time.Second)
	if errs, _ := q.Delete(h); !errors.Is(errs[0], ErrExpired) {
		t.Error(errs)
	}
	h = f.want(q, 10, "a-3 a-4")
	if errs, _ := q.Change(h[:1], []time.Duration{0}); errs[0] != nil {
		t.Error(errs)
	}
	f.want(q, 10, "") // a-4 is in flight
	f.drop(q, h[1])
	f.drop(q, f.want(q, 10, "a-3")...)
	sent, err = q.Send([]*Message{{ID: "other", Body: []byte("a-4"), Group: "a", Dedup: "a-4"}})
	if err != nil || !sent[0].Duplicate {
		t.Errorf("deduplication ended with a crash: %+v (%v)", sent, err)
	}
	f.clock.Advance(5 * time.Minute)
	if _, err := q.sweep(100); err != nil {
		t.Fatal(err)
	}
	f.send(q, "a-4")
	f.want(q, 10, "a-4")
}

// TestAgain asks for what was received once more: as it was, until something is done to it.
func TestAgain(t *testing.T) {
	f := open(t)
	q := f.queue(1, Settings{FIFO: true, Retention: time.Hour})
	f.send(q, "a-1", "a-2", "b-1")
	receive := func(n int) (held []Held) {
		list, err := q.Receive(t.Context(), n, 30*time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			held = append(held, Held{m.Handle, m.Until})
		}
		return held
	}
	again := func(held []Held, want string) []Held {
		t.Helper()
		list, err := q.Again(held, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var bodies []string
		var now []Held
		for i, m := range list {
			bodies, now = append(bodies, string(m.Body)), append(now, Held{m.Handle, m.Until})
			if m.Handle != held[i].Handle || m.Count != 1 || m.ID != "id-"+string(m.Body) || m.Sequence == 0 {
				t.Errorf("%+v", m)
			}
		}
		if got := strings.Join(bodies, " "); got != want {
			t.Errorf("again %q, want %q", got, want)
		}
		return now
	}
	held := receive(3)
	f.send(q, "a-3")
	f.clock.Advance(20 * time.Second)
	first := held
	held = again(held, "a-1 a-2 b-1")
	again(first, "") // the time was set anew since
	f.clock.Advance(20 * time.Second)
	f.want(q, 10, "") // they are hidden for their new time
	held = again(held, "a-1 a-2 b-1")
	f.drop(q, held[0].Handle)
	again(held, "")
	if errs, err := q.Change([]string{held[2].Handle}, []time.Duration{time.Minute}); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	again(held[2:], "")
	again(held[1:2], "a-2")
	f.clock.Advance(31 * time.Second)
	again(held[1:2], "")
	again([]Held{{Handle: "x"}}, "")
	f.want(q, 10, "a-2 a-3")
	f.counts(q, Counts{InFlight: 3})
}

func TestDeadLetters(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprint(fifo), func(t *testing.T) {
			f := open(t)
			dlq := f.queue(2, Settings{FIFO: fifo, Retention: time.Hour})
			q := f.queue(1, Settings{FIFO: fifo, Retention: time.Hour, DeadLetter: dlq, MaxReceives: 2, Name: "arn:q"})
			f.send(q, "a-1", "a-2")
			for range 2 {
				f.want(q, 10, "a-1 a-2")
				f.clock.Advance(31 * time.Second)
			}
			f.send(q, "a-3")
			f.want(q, 10, "a-3")
			f.counts(q, Counts{InFlight: 1})
			list, err := dlq.Waiting(10)
			if err != nil || list[0].Source != "arn:q" {
				t.Fatalf("%+v (%v)", list, err)
			}
			for moved := 0; moved < 2; {
				list, _ = dlq.Waiting(10)
				n, err := dlq.Move(q, []uint64{list[0].Sequence})
				if err != nil || n != 1 {
					t.Fatal(n, err)
				}
				moved += n
			}
			f.counts(dlq, Counts{})
			f.crash()
			dlq = f.queue(2, Settings{FIFO: fifo, Retention: time.Hour})
			q = f.queue(1, Settings{FIFO: fifo, Retention: time.Hour, DeadLetter: dlq, MaxReceives: 2})
			f.clock.Advance(31 * time.Second)
			got, _ := f.take(q, 10)
			if want := map[bool]string{true: "a-3 a-1 a-2"}[fifo]; len(strings.Fields(got)) != 3 || fifo && got != want {
				t.Errorf("received %q", got)
			}
		})
	}
}

func TestLongPoll(t *testing.T) {
	f := open(t)
	q := f.queue(1, Settings{})
	got := make(chan string, 2)
	poll := func() {
		list, err := q.Receive(t.Context(), 1, 30*time.Second, 20*time.Second)
		if err != nil || len(list) == 0 {
			got <- fmt.Sprint("nothing ", err)
			return
		}
		got <- string(list[0].Body)
	}
	go poll()
	f.clock.BlockUntilContext(t.Context(), 2) // the sweep is one
	f.send(q, "a")
	if b := <-got; b != "a" {
		t.Errorf("%q", b)
	}
	go poll() // comes back in 30 s, later than the poll lasts
	f.clock.BlockUntilContext(t.Context(), 2)
	f.clock.Advance(21 * time.Second)
	if b := <-got; b != "nothing <nil>" {
		t.Errorf("%q", b)
	}
	go poll()
	f.clock.BlockUntilContext(t.Context(), 2)
	f.clock.Advance(10 * time.Second)
	if b := <-got; b != "a" {
		t.Errorf("%q", b)
	}
	if err := f.s.Drop(1); err != nil {
		t.Fatal(err)
	}
	q = f.queue(3, Settings{InFlight: 1})
	f.send(q, "a", "b")
	f.want(q, 1, "a")
	if _, err := q.Receive(t.Context(), 1, time.Second, 0); !errors.Is(err, ErrInFlight) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(appendMessage(nil, &Message{ID: "i", Body: []byte("b"), Extra: []byte("{}"), Group: "g", Sent: 5}))
	f.Add((&receipt{at: 1, count: 2, group: "g"}).encode())
	f.Add((&group{at: 1, seq: 2, flight: []flight{{3, 4}}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMessage(b); err == nil {
			again, err := decodeMessage(appendMessage(nil, m))
			if err != nil || again.ID != m.ID || string(again.Body) != string(m.Body) || again.Sent != m.Sent {
				t.Errorf("%+v became %+v (%v)", m, again, err)
			}
		}
		_, _ = decodeReceipt(b)
		_, _ = decodeGroup(b)
		q := Queue{id: 1}
		_, _ = q.handle(string(b))
	})
}

func TestSendAll(t *testing.T) {
	f := open(t)
	a, b := f.queue(2, Settings{}), f.queue(1, Settings{FIFO: true})
	ready := make(chan bool, 1)
	go func() {
		ok, err := a.Await(t.Context(), time.Hour)
		ready <- ok && err == nil
	}()
	for i := range 2 { // the second adds no more to the FIFO queue
		body := []byte{'0' + byte(i)}
		err := f.s.SendAll([]Outgoing{
			{To: a, Messages: []*Message{{ID: "1", Body: body}}},
			{To: b, Messages: []*Message{{ID: "2", Body: body, Group: "g", Dedup: "d"}, {ID: "3", Body: body, Group: "g", Dedup: "d"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !<-ready {
		t.Error("nothing came")
	}
	f.crash()
	a, b = f.queue(2, Settings{}), f.queue(1, Settings{FIFO: true})
	if got, _ := f.take(a, 10); got != "0 1" {
		t.Errorf("%q", got)
	}
	if got, _ := f.take(b, 10); got != "0" {
		t.Errorf("%q", got)
	}
	if ok, err := a.Await(t.Context(), 0); ok || err != nil {
		t.Errorf("%v (%v)", ok, err)
	}
	go func() { f.clock.BlockUntilContext(t.Context(), 1); f.clock.Advance(30 * time.Second) }()
	if ok, err := a.Await(t.Context(), time.Hour); !ok || err != nil { // they are visible again
		t.Errorf("%v (%v)", ok, err)
	}
	if err := f.s.Drop(2); err != nil {
		t.Fatal(err)
	}
	if err := f.s.SendAll([]Outgoing{{To: a, Messages: []*Message{{ID: "4"}}}, {To: b, Messages: []*Message{{ID: "5", Group: "h", Dedup: "e"}}}}); err != nil {
		t.Error(err)
	}
	if got, _ := f.take(b, 10); got != "0 " {
		t.Errorf("%q", got) // the first, and one without a body
	}
}

// TestRead reads what was sent without receiving it, after a crash too, and nothing that has expired.
func TestRead(t *testing.T) {
	f := open(t)
	q := f.queue(1, Settings{Retention: time.Hour})
	f.send(q, "a", "b")
	f.clock.Advance(time.Minute)
	f.send(q, "c", "d")
	bodies := func(list []Message, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range list {
			all = append(all, string(m.Body))
		}
		return strings.Join(all, "")
	}
	if got := bodies(q.Read(0, 10, 10)); got != "abcd" {
		t.Error(got)
	}
	if got := bodies(q.Read(0, 3, 10)); got != "abc" {
		t.Error(got)
	}
	if got := bodies(q.Read(0, 10, 2)); got != "ab" {
		t.Error(got)
	}
	first, err := q.Read(0, 1, 1)
	if err != nil || int64(first[0].Sequence>>20) != first[0].Sent {
		t.Fatal(first, err)
	}
	f.crash()
	q = f.queue(1, Settings{Retention: time.Hour})
	if got := bodies(q.Read(first[0].Sequence+1, 10, 10)); got != "bcd" || q.Len() != 4 {
		t.Error(got, q.Len())
	}
	f.clock.Advance(time.Hour - time.Second)
	if got := bodies(q.Read(0, 10, 10)); got != "cd" {
		t.Error(got)
	}
}

// TestSettingsChangeUnderWay: settings may change while others read, send and receive.
func TestSettingsChangeUnderWay(t *testing.T) {
	f := open(t)
	q := f.queue(1, Settings{Retention: time.Hour, MaxReceives: 1, DeadLetter: f.queue(2, Settings{Name: "dead"})})
	f.send(q, "a", "b", "c")
	var work sync.WaitGroup
	for _, do := range []func() error{
		func() error { _, err := q.Read(0, 10, 1<<20); return err },
		func() error { _, err := q.Receive(t.Context(), 1, 0, 0); return err },
		func() error { _, err := q.Counts(); return err },
	} {
		work.Go(func() {
			for range 50 {
				if err := do(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	work.Go(func() {
		for i := range 50 {
			f.queue(1, Settings{Retention: time.Hour + time.Duration(i)*time.Minute})
		}
	})
	work.Wait()
}
