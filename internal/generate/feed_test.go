package generate

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"
)

// memory is a sink that keeps what it is given.
type memory struct {
	mu      sync.Mutex
	batches [][]Record
	fail    error
	arrived chan struct{}
}

func (m *memory) Limits() (int, int) { return 10, 1000 }

func (m *memory) Put(_ context.Context, b []Record) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, m.fail
	}
	m.batches = append(m.batches, b)
	if m.arrived != nil {
		m.arrived <- struct{}{}
	}
	return len(b), nil
}

func (m *memory) records() (list []Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.batches {
		list = append(list, b...)
	}
	return list
}

func TestPatterns(t *testing.T) {
	for text, due := range map[string]map[time.Duration]float64{
		"100":                  {0: 0, 10 * time.Second: 1000},
		"ramp:0:100:10s":       {5 * time.Second: 125, 10 * time.Second: 500, 12 * time.Second: 700},
		"bursts:10:100:2s:10s": {time.Second: 100, 2 * time.Second: 200, 10 * time.Second: 280, 11 * time.Second: 380},
		"sine:100:50:10s":      {10 * time.Second: 1000, 5 * time.Second: 500 + 50*10/math.Pi},
		"walk:50:50:1s":        {time.Hour: 180_000, 10 * time.Second: 500, 0: 0},
		"walk:10:500:1s":       {0: 0},
	} {
		p, err := ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range due {
			if got := p(at); math.Abs(got-want) > 1e-6 {
				t.Errorf("%s after %v: %v records, want %v", text, at, got, want)
			}
		}
		for at, last := time.Duration(0), -1.0; at < time.Minute; at += 50 * time.Millisecond {
			if got := p(at); got < last {
				t.Fatalf("%s falls at %v", text, at)
			} else {
				last = got
			}
		}
	}
	for _, text := range []string{"", "x", "-1", "ramp:1:2", "ramp:1:2:0s", "sine:1:2:1s", "bursts:1:2:3s:2s", "what:1", "1e99", "walk:5:1:1s", "walk:1:2:1ms", "walk:1:2"} {
		if _, err := ParsePattern(text); err == nil {
			t.Errorf("%q is a pattern", text)
		}
	}
}

// TestWalk: the rate stays within its bounds, and is another in time.
func TestWalk(t *testing.T) {
	p := Walk(10, 500, time.Second)
	least, most := math.Inf(1), 0.0
	for at := time.Second; at < 10*time.Minute; at += 100 * time.Millisecond {
		rate := (p(at) - p(at-100*time.Millisecond)) * 10
		if rate < 10-1e-6 || rate > 500+1e-6 {
			t.Fatalf("%v records a second at %v", rate, at)
		}
		least, most = min(least, rate), max(most, rate)
	}
	if most-least < 200 {
		t.Errorf("the rate stays between %v and %v", least, most)
	}
}

// TestFeedKeepsItsRate moves the clock in jumps: after each the records that are due were sent.
func TestFeedKeepsItsRate(t *testing.T) {
	clock := clockwork.NewFakeClock()
	sink := &memory{arrived: make(chan struct{}, 100)}
	src, err := Builtin("unicorns", Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	f := &Feed{Source: src, Pattern: Steady(30), Sink: sink, Clock: clock, For: 3 * time.Second, Newline: true}
	done := make(chan error)
	go func() { done <- f.Run(t.Context()) }()
	for range 3 {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Second)
		for range 3 { // thirty records in batches of at most ten; of bytes too
			<-sink.arrived
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got := sink.records()
	if len(got) != 90 {
		t.Fatalf("%d records, want 90", len(got))
	}
	keys := map[string]int{}
	for _, r := range got {
		if r.Data[len(r.Data)-1] != '\n' || !json.Valid(r.Data) || !strings.Contains(string(r.Data), `"Name":"`+r.Key+`"`) {
			t.Fatalf("record %q with key %q", r.Data, r.Key)
		}
		keys[r.Key]++
	}
	if keys["Shadowfax"] != 30 || len(keys) != 3 {
		t.Errorf("records by key: %v", keys)
	}
}

func TestFeedOfACount(t *testing.T) {
	sink := &memory{}
	f := &Feed{Source: NewIoT(1), Pattern: Steady(1e9), Sink: sink, Clock: clockwork.NewRealClock(), Count: 25, Gzip: true}
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, taken, _ := f.Counts()
	if made != 25 || taken != 25 {
		t.Fatalf("made %d, taken %d", made, taken)
	}
	z, err := gzip.NewReader(bytes.NewReader(sink.records()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || !json.Valid(text) || text[len(text)-1] == '\n' {
		t.Errorf("%q: %v", text, err)
	}
	for _, b := range sink.batches {
		size := 0
		for _, r := range b {
			size += len(r.Data) + len(r.Key)
		}
		if len(b) > 10 || size > 1000 {
			t.Errorf("a batch of %d records and %d bytes", len(b), size)
		}
	}
}

func TestFeedEndsWithItsSink(t *testing.T) {
	full := errors.New("the disk is full")
	f := &Feed{Source: NewIoT(1), Pattern: Steady(1e6), Sink: &memory{fail: full}, Clock: clockwork.NewRealClock()}
	if err := f.Run(t.Context()); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// endless is a sink that takes nothing, and says so only when its context ends.
type endless struct{ asked chan struct{} }

func (endless) Limits() (int, int) { return 10, 1000 }

func (s endless) Put(ctx context.Context, _ []Record) (int, error) {
	s.asked <- struct{}{}
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

func TestFeedOfASinkThatTakesNothingEnds(t *testing.T) {
	clock := clockwork.NewFakeClock()
	sink := endless{make(chan struct{}, InFlight)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- (&Feed{Source: NewIoT(1), Pattern: Steady(1000), Sink: sink, Clock: clock}).Run(ctx)
	}()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	<-sink.asked
	stop()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil { // the timer of its patience
		t.Fatal(err)
	}
	for {
		select {
		case err := <-done:
			if !errors.Is(err, errUnsent) {
				t.Errorf("got %v", err)
			}
			return
		case <-time.After(time.Millisecond):
			clock.Advance(patience)
		}
	}
}

// throttled refuses the second half of what it is given.
type throttled struct{ got []string }

func (s *throttled) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	out := &kinesis.PutRecordsOutput{}
	for i, r := range in.Records {
		if i > len(in.Records)/2 {
			out.Records = append(out.Records, kinesistypes.PutRecordsResultEntry{ErrorCode: aws.String("ProvisionedThroughputExceededException")})
			continue
		}
		s.got = append(s.got, string(r.Data))
		out.Records = append(out.Records, kinesistypes.PutRecordsResultEntry{SequenceNumber: aws.String("1")})
	}
	return out, nil
}

func TestRefusedRecordsAreSentAgain(t *testing.T) {
	api := &throttled{}
	s := &StreamSink{Client: api, Stream: "s", Clock: clockwork.NewRealClock()}
	var batch []Record
	for _, d := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		batch = append(batch, Record{Data: []byte(d), Key: d})
	}
	n, err := s.Put(t.Context(), batch)
	if err != nil || n != 7 || strings.Join(api.got, "") != "abcdefg" {
		t.Errorf("%d taken, %q, %v", n, api.got, err)
	}
}

func TestHTTPSinkCountsWhatIsInvalid(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "bad":
			w.WriteHeader(http.StatusUnprocessableEntity)
		case "denied":
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	s := &HTTPSink{Client: server.Client(), URL: server.URL, Clock: clockwork.NewRealClock()}
	n, err := s.Put(t.Context(), []Record{{Data: []byte("good")}, {Data: []byte("bad")}, {Data: []byte("good")}})
	if n != 3 || err != nil || s.Refused() != 1 {
		t.Errorf("%d taken, %d refused, %v", n, s.Refused(), err)
	}
	if n, err := s.Put(t.Context(), []Record{{Data: []byte("denied")}, {Data: []byte("good")}}); n != 0 || err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("%d taken, %v", n, err)
	}
}

func TestTargets(t *testing.T) {
	for text, want := range map[string]Target{
		"-": {Kind: "stdout"}, "kinesis:a": {"kinesis", "a"}, "firehose:b-c": {"firehose", "b-c"}, "http://h/x": {"http", "http://h/x"},
	} {
		if got, err := ParseTarget(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "kinesis:", "s3://x", "ftp://x"} {
		if _, err := ParseTarget(text); err == nil {
			t.Errorf("%q is a target", text)
		}
	}
}

func TestSourcesMakeJSON(t *testing.T) {
	for _, name := range Builtins() {
		a, err := Builtin(name, Options{Seed: 4})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := Builtin(name, Options{Seed: 4})
		at := time.Date(2026, 11, 28, 14, 5, 38, 155e6, time.UTC)
		broken := 0
		for range 500 {
			r := a.Append(nil, at)
			if !json.Valid(r) {
				t.Fatalf("%s: %s", name, r)
			}
			if !bytes.Equal(r, b.Append(nil, at)) {
				t.Fatalf("%s: one seed made two records", name)
			}
			var p struct {
				D float64 `json:"blood_pressure_diastolic"`
				S float64 `json:"blood_pressure_systolic"`
				O float64 `json:"oxygen_saturation"`
			}
			if _ = json.Unmarshal(r, &p); p.D > p.S || p.O > 100 {
				broken++
			}
		}
		if name == "patients" && (broken < 20 || broken > 90) {
			t.Errorf("%d of 500 patients break a rule, want about 50", broken)
		}
		if About(name) == "" {
			t.Errorf("%s says nothing of itself", name)
		}
	}
}
