package generate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/generate/template"
)

const (
	// MaxTemplate is the longest template of a stream, in bytes.
	MaxTemplate = 32 << 10
	// MaxStreamed is the longest record of a stream, in bytes, and about how much a line has.
	MaxStreamed = 1 << 20
	// MaxRate is the highest average of records a second of a stream over its first minute.
	MaxRate = 50_000
	// MaxStreams is how many streams a process has at once.
	MaxStreams = 16
	// patient is how long a client may take to read what was made.
	patient = 30 * time.Second
)

// Streams answers requests for records with the records themselves, as they are due: a page in a browser is
// their sender, with its own credentials, and stops them by leaving. The zero value is ready.
type Streams struct {
	mu   sync.Mutex
	open int
}

// Batch is a line of a stream.
type Batch struct {
	Records []Made `json:"records"`
}

// Made is a record of a Batch. Its data are text: sources make no other.
type Made struct {
	Key  string `json:"key"`
	Data string `json:"data"`
}

// ServeHTTP answers GET with the query parameters source (a built-in one) or template (the text of one),
// rate (a number or a pattern; 10 by default), count (0: no limit) and seed (0: a random one): lines of JSON,
// each a Batch. A client that does not read is waited for; one that leaves ends it.
func (s *Streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	feed, err := streamFeed(q.Get("source"), q.Get("template"), q.Get("rate"), q.Get("count"), q.Get("seed"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !s.enter() {
		http.Error(w, fmt.Sprintf("%d generators run here, which is as many as may.", MaxStreams), http.StatusTooManyRequests)
		return
	}
	defer s.leave()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	feed.Sink = &lineSink{w: w, rc: http.NewResponseController(w)}
	if err := feed.rest(r.Context()); errors.Is(err, errTooLong) {
		panic(http.ErrAbortHandler) // the client must not take it for the end
	}
}

// Described is a built-in source in the answer of ServeBuiltins.
type Described struct {
	Name  string `json:"name"`
	About string `json:"about"` // what it makes, in a line
}

// ServeBuiltins answers the list of the built-in sources: an array of Described.
func ServeBuiltins(w http.ResponseWriter, _ *http.Request) {
	list := make([]Described, 0, len(builtins))
	for _, name := range Builtins() {
		list = append(list, Described{Name: name, About: About(name)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // the client has gone
}

func (s *Streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= MaxStreams {
		return false
	}
	s.open++
	return true
}

func (s *Streams) leave() {
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
}

// rest is Run, with the first bytes sent at once: a client sees that it runs.
func (f *Feed) rest(ctx context.Context) error {
	sink := f.Sink.(*lineSink)
	if err := sink.rc.Flush(); err != nil {
		return err
	}
	return f.Run(ctx)
}

func streamFeed(source, text, rate, count, seed string) (*Feed, error) {
	f := &Feed{Clock: clockwork.NewRealClock(), Seed: uint64(time.Now().UnixNano())}
	var err error
	if seed != "" && seed != "0" {
		if f.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
			return nil, fmt.Errorf("seed %q is not a number", seed)
		}
	}
	if count != "" {
		if f.Count, err = strconv.ParseInt(count, 10, 64); err != nil || f.Count < 0 {
			return nil, fmt.Errorf("count %q is not a number of records", count)
		}
	}
	switch {
	case source != "" && text != "":
		return nil, errors.New("choose a source or a template")
	case len(text) > MaxTemplate:
		return nil, fmt.Errorf("a template has at most %d bytes", MaxTemplate)
	case text != "":
		t, err := template.Parse(text)
		if err != nil {
			return nil, err
		}
		if len(t.Source(f.Seed).Append(nil, f.Clock.Now())) > MaxStreamed {
			return nil, errTooLong
		}
		f.Source = t.Source(f.Seed)
	default:
		if f.Source, err = Builtin(source, Options{Seed: f.Seed}); err != nil {
			return nil, err
		}
	}
	if f.Pattern, err = ParsePattern(cmp.Or(rate, "10")); err != nil {
		return nil, err
	}
	if n := f.Pattern(time.Minute); !(n <= MaxRate*60) {
		return nil, fmt.Errorf("more than %d records a second", MaxRate)
	}
	return f, nil
}

// lineSink writes batches as lines of JSON.
type lineSink struct {
	mu sync.Mutex
	w  http.ResponseWriter
	rc *http.ResponseController
}

// Limits are within those of PutRecords: a batch is a call. Some batches wait, as data and as text.
func (*lineSink) Limits() (records, bytes int) { return 500, MaxStreamed }

var errTooLong = fmt.Errorf("a record of the template has more than %d bytes", MaxStreamed)

func (s *lineSink) Put(_ context.Context, batch []Record) (int, error) {
	line := Batch{Records: make([]Made, len(batch))}
	for i, r := range batch {
		if len(r.Data) > MaxStreamed {
			return 0, errTooLong
		}
		line.Records[i] = Made{Key: r.Key, Data: string(r.Data)}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.rc.SetWriteDeadline(time.Now().Add(patient)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	if _, err := s.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(batch), s.rc.Flush()
}
