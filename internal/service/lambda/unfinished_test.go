package lambda

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// eventAt is the position of the nth event of a log whose frames have three.
func eventAt(n int) shardlog.Position {
	return shardlog.Position{Frame: uint64(n/3 + 1), Index: uint32(n % 3)}
}

// readOn reads so many events of a log of the given length, as takeUp does, and returns those that are open.
func (u *unfinished) readOn(most, length int) (open []int) {
	for range most {
		from := u.next()
		n := max(0, 3*(int(from.Frame)-1)+int(from.Index)) // eventAt(n) is the first from there on
		if n >= length {
			return open
		}
		next := eventAt(n)
		if next.Index++; next.Index == 3 {
			next = shardlog.Position{Frame: next.Frame + 1}
		}
		if u.pass(eventAt(n), next) {
			open = append(open, n)
		}
	}
	return open
}

// The events behind one that waits for long make neither what is kept nor what is in memory larger.
func TestWhatIsFinishedTakesNoRoom(t *testing.T) {
	var u unfinished
	const events = 8_000
	for _, n := range u.readOn(events, events) {
		if n != 1 && n != 2 && n != 700 {
			u.finish(eventAt(n))
		}
	}
	var d asyncDoc
	u.keep(&d)
	b, err := json.Marshal(&d)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 1000 || len(u.open) != 3 || len(d.Open) != 2 || d.Low != eventAt(1) {
		t.Errorf("kept in %d bytes, with %d events: %.2000s", len(b), len(u.open), b)
	}
}

// However it is cut off, what was kept has each event that was not finished, once.
func TestUnfinishedOverRestarts(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var u unfinished
		finished := map[int]bool{}
		known := map[int]bool{}
		const length = 60
		for range 12 {
			for _, n := range u.readOn(r.IntN(25), length) {
				if finished[n] || known[n] {
					t.Fatalf("seed %d: event %d comes again", seed, n)
				}
				known[n] = true
			}
			for n := range known {
				if r.IntN(3) == 0 {
					u.finish(eventAt(n))
					delete(known, n)
					finished[n] = true
				}
			}
			if r.IntN(2) == 0 {
				var d asyncDoc
				u.keep(&d)
				b, _ := json.Marshal(&d)
				var again asyncDoc
				if err := json.Unmarshal(b, &again); err != nil {
					t.Fatal(err)
				}
				u.resume(&again)
				known = map[int]bool{}
			}
		}
		for _, n := range u.readOn(length, length) {
			known[n] = true
		}
		for n := range length {
			if known[n] == finished[n] {
				t.Fatalf("seed %d: event %d: finished %v, open %v", seed, n, finished[n], known[n])
			}
		}
	}
}

// A document of an earlier version lists what is done.
func TestUnfinishedOfAnEarlierVersion(t *testing.T) {
	var u unfinished
	u.resume(&asyncDoc{Low: eventAt(1), Done: []shardlog.Position{eventAt(2), eventAt(4)}})
	if open := u.readOn(2, 6); len(open) != 1 || open[0] != 1 {
		t.Fatal("open:", open)
	}
	var d asyncDoc
	u.keep(&d)
	u.resume(&d)
	open := u.readOn(9, 6)
	if len(open) != 3 || open[0] != 1 || open[1] != 3 || open[2] != 5 {
		t.Error("open:", open)
	}
}

// An event that cannot be read now, but perhaps later, is not given up.
func TestUnreadableEventStays(t *testing.T) {
	x := newFixture(t)
	a := x.async
	x.close() // the log is closed: it cannot be read
	x.close = func() {}
	at := eventAt(0)
	a.mu.Lock()
	a.main.unfinished.pass(at, eventAt(1))
	a.turns.begin("f", 1)
	a.mu.Unlock()
	if err := a.startAt(context.Background(), &waitingEvent{At: at, log: a.main, function: "f", size: 1, known: true}); err == nil {
		t.Error("an event of a closed log was started, or given up")
	}
	if len(a.main.unfinished.open) != 1 || a.turns.running != 0 {
		t.Errorf("%d events are open, %d run", len(a.main.unfinished.open), a.turns.running)
	}
}
