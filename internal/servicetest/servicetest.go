package servicetest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

var update = flag.Bool("update", false, "rewrite the answers in the files of calls")

// Start is the time at which the clock of a file starts.
var Start = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// Service is a service under test. One that has Start(context.Context) error is started, one that
// has Close(context.Context) error is closed.
type Service interface{ API() awswire.API }

// Parts is what a service is made of. All of it but the clock is opened again by a restart.
type Parts struct {
	State      *state.Store
	Log        *shardlog.Log
	Clock      *clockwork.FakeClock
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Owner      work.Owner // of what runs by itself, with a later epoch after each restart
	Dir        string     // of the test, kept over restarts; the harness uses "log" in it
}

// Run runs each file of testdata that matches the pattern as a test of its own, with services
// that New makes.
func Run(t *testing.T, pattern string, New func(testing.TB, Parts) Service) {
	t.Helper()
	runFiles(t, pattern, nil, nil, 1, New)
}

// RunFake runs files of another service's, by a pattern such as "../../glue/testdata/shared/*.txt"
// that is taken from testdata too, against a fake of that service. Members of answers that are
// in leavesOut need not be as in the files: those that the fake has no use for. The files are
// never written.
func RunFake(t *testing.T, pattern string, leavesOut []string, New func(testing.TB, Parts) Service) {
	t.Helper()
	runFiles(t, pattern, append([]string{}, leavesOut...), nil, 1, New)
}

// Turns is Run with two services on one broker, each with documents and a log of its own on it,
// as two nodes have them: they are called by turns. What they share besides, New has to share.
// Files of which skipped, by base name, says why two cannot do that yet are left out. The files
// are never written.
func Turns(t *testing.T, pattern string, skipped map[string]string, New func(testing.TB, Parts) Service) {
	t.Helper()
	runFiles(t, pattern, nil, skipped, 2, New)
}

func runFiles(t *testing.T, pattern string, leavesOut []string, skipped map[string]string, processes int, New func(testing.TB, Parts) Service) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no file in testdata matches %s", pattern)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			if why := skipped[filepath.Base(file)]; why != "" {
				t.Skip(why)
			}
			t.Parallel()
			runFile(t, file, leavesOut, processes, New)
		})
	}
}

func runFile(t *testing.T, file string, leavesOut []string, processes int, New func(testing.TB, Parts) Service) {
	t.Helper()
	written := *update && leavesOut == nil && processes == 1
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	r := &runner{
		t: t, make: New, caller: awswire.Caller{Account: awswire.DefaultAccount, Region: awswire.DefaultRegion},
		clock: clockwork.NewFakeClockAt(Start), dir: t.TempDir(), saved: map[string]string{}, processes: make([]*process, processes),
	}
	r.open()
	defer func() { r.close(true) }()
	var out strings.Builder
	for i, s := range steps {
		got := r.step(s, steps[i+1:])
		out.WriteString(s.comment)
		out.WriteString(s.command + "\n")
		if got != "" {
			out.WriteString("----\n" + got + "\n")
		}
		out.WriteString("\n")
		if leavesOut != nil {
			got, s.want = without(got, leavesOut), without(s.want, leavesOut)
		}
		if !written && got != s.want {
			t.Errorf("%s:%d: %s\ngot:\n%s\nwant:\n%s", file, s.line, s.command, got, s.want)
		}
	}
	if written {
		if err := os.WriteFile(file, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// without is an answer without members of some names, at any depth. What is not JSON stays.
func without(answer string, names []string) string {
	v, err := decode([]byte(answer))
	if err != nil || !strings.HasPrefix(answer, "{") {
		return answer
	}
	var strip func(any)
	strip = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				strip(x)
			}
		case map[string]any:
			for _, n := range names {
				delete(v, n)
			}
			for _, x := range v {
				strip(x)
			}
		}
	}
	strip(v)
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return answer
	}
	return string(b)
}

// step is a step of a file.
type step struct {
	line    int // of the command
	comment string
	command string // of one or more lines
	want    string
}

func parse(text string) ([]step, error) {
	var steps []step
	var s step
	inWant := false
	end := func() {
		if s.command != "" {
			s.want = strings.TrimRight(s.want, "\n")
			steps = append(steps, s)
			s = step{}
		}
		inWant = false
	}
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "":
			if s.command == "" {
				s.comment += line
				if s.comment != "" {
					s.comment += "\n"
				}
			}
			end()
		case inWant:
			s.want += line + "\n"
		case line == "----":
			if s.command == "" {
				return nil, fmt.Errorf("line %d: an answer without a step", i+1)
			}
			inWant = true
		case strings.HasPrefix(line, "#") && s.command == "":
			s.comment += line + "\n"
		case s.command == "":
			s.line, s.command = i+1, line
		default:
			s.command += "\n" + line
		}
	}
	end()
	return steps, nil
}

type runner struct {
	t      *testing.T
	make   func(testing.TB, Parts) Service
	caller awswire.Caller
	clock  *clockwork.FakeClock
	dir    string
	saved  map[string]string // by name
	order  []string          // names in the order in which they were saved
	last   []byte            // the last answer
	broker *broker.Broker

	processes []*process // that are called by turns
	turn      int
}

// process is a service with what it has for itself.
type process struct {
	leases  *work.Leases // nil where there is one process
	state   *state.Store
	log     *shardlog.Log
	service Service
	handler directCaller
}

// directCaller calls an operation by its name, as awswire.Handler does. A service that has the
// method serves its files itself.
type directCaller interface {
	Direct(ctx context.Context, operation string, input []byte) (status int, output []byte)
}

func (r *runner) open() {
	r.t.Helper()
	ctx := r.t.Context()
	var err error
	check := func(what string) {
		if err != nil {
			r.t.Fatalf("%s: %v", what, err)
		}
	}
	r.broker, err = broker.Start(broker.Options{Dir: filepath.Join(r.dir, "log"), NoSync: len(r.processes) > 1})
	check("start the broker")
	var owner work.Owner
	for i := range r.processes {
		p := new(process)
		r.processes[i] = p
		p.state, err = state.Open(ctx, r.broker, state.Options{})
		check("open the documents")
		p.log, err = shardlog.Open(ctx, r.broker, shardlog.Options{Shared: len(r.processes) > 1})
		check("open the log")
		if len(r.processes) == 1 {
			owner, err = work.Started(ctx, p.state)
		} else {
			p.leases, err = work.Share(ctx, p.state, work.LeaseOptions{}) // by the real clock: a test's goes in leaps
			owner = p.leases
		}
		check("say what it runs")
		p.service = r.make(r.t, Parts{
			State: p.state, Log: p.log, Clock: r.clock, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Owner: owner, Dir: r.dir,
		})
		if s, ok := p.service.(interface{ Start(context.Context) error }); ok {
			err = s.Start(ctx)
			check("start the service")
		}
		if d, ok := p.service.(directCaller); ok {
			p.handler = d
			continue
		}
		p.handler, err = awswire.NewHandler(p.service.API(), awswire.HandlerOptions{
			OnInternalError: func(_ context.Context, operation string, err error) {
				r.t.Errorf("%s failed inside: %v", operation, err)
			},
		})
		check("serve")
	}
}

// close closes all that open opened; without grace the service is left as a crash would leave it.
func (r *runner) close(grace bool) {
	for _, p := range r.processes {
		if s, ok := p.service.(interface{ Close(context.Context) error }); ok && grace {
			if err := s.Close(context.Background()); err != nil {
				r.t.Errorf("close the service: %v", err)
			}
		}
	}
	for _, p := range r.processes {
		if p.leases != nil {
			if err := p.leases.Close(context.Background()); err != nil {
				r.t.Errorf("close the leases: %v", err)
			}
		}
		_ = p.log.Close() // what the service still did meets a closed log
		_ = p.state.Close()
	}
	if err := r.broker.Close(); err != nil {
		r.t.Errorf("close the broker: %v", err)
	}
}

// next is the process whose turn it is, when it has seen what the one before it has written.
func (r *runner) next() *process {
	n := len(r.processes)
	p, before := r.processes[r.turn%n], r.processes[(r.turn+n-1)%n]
	r.turn++
	if p == before {
		return p
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	key, mark := state.Key{"servicetest.turn"}, strconv.Itoa(r.turn)
	seen := make(chan struct{})
	err := p.state.Watch(ctx, key, func(e state.Event) {
		if string(e.Value) == mark {
			close(seen)
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := before.state.Put(ctx, key, []byte(mark)); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-seen:
	case <-ctx.Done():
		r.t.Fatal("a process does not see what the other has written")
	}
	return p
}

// step takes a step and returns what it yields. next are the steps behind it: those that name
// values of its answer name them in its answer too.
func (r *runner) step(s step, next []step) string {
	r.t.Helper()
	word, rest, _ := strings.Cut(s.command, " ")
	fields := strings.Fields(rest)
	switch {
	case word == "op" && len(fields) > 0:
		_, input, _ := strings.Cut(rest, " ")
		if !strings.HasPrefix(strings.TrimSpace(rest), fields[0]) || len(fields) == 1 {
			input = "{}"
		}
		return r.call(fields[0], input, next)
	case word == "as" && len(fields) > 0 && len(fields) <= 2:
		r.caller = awswire.Caller{Account: fields[0], Region: awswire.DefaultRegion}
		if len(fields) == 2 {
			r.caller.Region = fields[1]
		}
		return ""
	case word == "advance" && len(fields) == 1:
		d, err := time.ParseDuration(fields[0])
		if err != nil {
			return err.Error()
		}
		r.clock.Advance(d)
		return ""
	case word == "restart", word == "kill":
		r.close(word == "restart")
		r.open()
		return ""
	case word == "wait" && len(fields) >= 3:
		return r.wait(fields[0], fields[1], fields[2], strings.Join(fields[3:], " "))
	case word == "save" && len(fields) == 2:
		return r.save(fields[0], fields[1])
	}
	return "this is not a step: " + s.command
}

// patience is how long a file waits for what a service does by itself.
const patience = time.Minute

// wait calls an operation until a member of its answer has a value, and yields nothing, or what
// was answered last where that does not come.
func (r *runner) wait(name, path, want, input string) string {
	if input == "" {
		input = "{}"
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		answer := r.call(name, input, nil)
		if v, problem := member(r.last, path); problem == "" && fmt.Sprint(v) == want {
			return ""
		}
		if time.Now().After(deadline) {
			return answer
		}
	}
}

func (r *runner) call(name, input string, next []step) string {
	for _, n := range r.order {
		quoted, err := json.Marshal(r.saved[n])
		if err != nil {
			return err.Error()
		}
		input = strings.ReplaceAll(input, "$"+n, string(quoted[1:len(quoted)-1]))
	}
	status, answer := r.next().handler.Direct(awswire.WithCaller(r.t.Context(), r.caller), name, []byte(input))
	r.last = answer
	if status >= 400 {
		return r.named(refusal(status, answer))
	}
	if len(answer) == 0 {
		return "{}"
	}
	v, err := decode(answer)
	if err != nil {
		return fmt.Sprintf("the answer is not JSON: %v: %s", err, answer)
	}
	for _, s := range next {
		fields := strings.Fields(s.command)
		if len(fields) != 3 || fields[0] != "save" {
			break
		}
		r.save(fields[1], fields[2]) // what fails, fails again when the step itself is taken
	}
	v = r.namedIn(v)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimRight(b.String(), "\n")
}

// refusal is an error in one line, and what it has besides code and message.
func refusal(status int, answer []byte) string {
	var e map[string]any
	if err := json.Unmarshal(answer, &e); err != nil {
		return fmt.Sprintf("%d %s", status, answer)
	}
	code, _ := e["__type"].(string)
	message, _ := e["message"].(string)
	if message == "" {
		message, _ = e["Message"].(string)
	}
	for _, k := range []string{"__type", "message", "Message"} {
		delete(e, k)
	}
	s := strconv.Itoa(status) + " " + code + ": " + message
	if len(e) > 0 {
		more, err := json.Marshal(e)
		if err == nil {
			s += "\n" + string(more)
		}
	}
	return s
}

func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // large ones keep their digits
	err = d.Decode(&v)
	return v, err
}

// named puts names in the place of saved values in a text, but for values so short that they may
// stand there by chance.
func (r *runner) named(s string) string {
	for _, n := range r.order {
		if len(r.saved[n]) >= 8 {
			s = strings.ReplaceAll(s, r.saved[n], "$"+n)
		}
	}
	return s
}

// namedIn puts names in the place of saved values in all texts of a JSON value.
func (r *runner) namedIn(v any) any {
	switch v := v.(type) {
	case string:
		for _, n := range r.order {
			if r.saved[n] == v {
				return "$" + n
			}
		}
		return r.named(v)
	case []any:
		for i := range v {
			v[i] = r.namedIn(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.namedIn(v[k])
		}
	}
	return v
}

// member is the value at a path of an answer, or why there is none.
func member(answer []byte, path string) (any, string) {
	v, err := decode(answer)
	if err != nil {
		return nil, err.Error()
	}
	for _, part := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return nil, "no element " + part
			}
			v = x[i]
		default:
			return nil, "no member " + part
		}
	}
	return v, ""
}

func (r *runner) save(name, path string) string {
	v, problem := member(r.last, path)
	if problem != "" {
		return problem
	}
	s, ok := v.(string)
	if !ok {
		s = fmt.Sprint(v)
	}
	if v == nil || s == "" {
		return "no value to name at " + path
	}
	if _, had := r.saved[name]; !had {
		r.order = append(r.order, name)
	}
	r.saved[name] = s
	return ""
}
