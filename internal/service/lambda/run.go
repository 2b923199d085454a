package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// How mappings run. A worker a mapping reads its source and calls its function. The crash
// rule: a position is written down when the function has succeeded with all records before
// it, or the failure destination has them, or a filter has dropped them; so after a crash
// records may come again, and none is left out.

// positionDoc is how far a mapping has come, with the state of windows that are open: both
// change in one step.
type positionDoc struct {
	Position *shardreader.Position `json:"position"`
	Windows  map[string]*windowDoc `json:"windows,omitempty"` // by shard
}

// windowDoc is an open tumbling window of a shard.
type windowDoc struct {
	Start time.Time       `json:"start"`
	End   time.Time       `json:"end"`
	State json.RawMessage `json:"state"`
}

func (s *Service) newRunner() *work.Runner[mappingDoc] {
	return work.New(work.Documents[mappingDoc](s.cfg.State, "lambda.mapping"), work.Hooks[mappingDoc]{
		Runs: func(d *mappingDoc) bool { return d.Enabled },
		Same: func(was, is *mappingDoc) bool {
			// Settings are looked at for each batch; tumbling windows are another kind of work.
			return was.Source == is.Source && was.Tumbling == is.Tumbling
		},
		Run: s.runMapping,
	}, work.Options{
		Name: "lambda.mapping", Clock: s.clock, Owner: s.cfg.Owner,
		Events: work.Events{Failed: s.workFailed, Undecodable: func(key work.Key, err error) {
			s.log.Error("an event source mapping cannot be read", "key", key, "error", err)
		}},
	})
}

func (s *Service) runMapping(ctx context.Context, j *work.Job[mappingDoc]) error {
	d := j.Document()
	if err := d.checkFilters(); err != nil {
		s.results.Store(d.ID, "PROBLEM: "+err.Error())
		return err
	}
	as := s.actingAs(d)
	ctx = as(ctx)
	switch d.Kind {
	case kindKinesis:
		if s.cfg.Kinesis == nil {
			return errors.New("there is no Kinesis to read from")
		}
		api := shardreader.KinesisAs(s.cfg.Kinesis, as)
		stream := shardreader.Kinesis(api, d.Source)
		if d.stream() != d.Source {
			stream = shardreader.KinesisFanOut(api, shardreader.SubscriberAs(s.cfg.FanOut, as), d.stream(), d.Source)
		}
		return consume(ctx, s, j, stream, kinesisCodec(d, s.roleOf(d)))
	case kindDynamoDB:
		if s.cfg.DynamoDB == nil {
			return errors.New("there is no DynamoDB to read from")
		}
		return consume(ctx, s, j, shardreader.DynamoDB(shardreader.DynamoDBAs(s.cfg.DynamoDB, as), d.Source), dynamoCodec(d))
	case kindSQS:
		if s.cfg.SQS == nil {
			return errors.New("there is no SQS to read from")
		}
		return s.poll(ctx, j)
	}
	return fmt.Errorf("a mapping of the kind %q is not known", d.Kind)
}

// noResult is what a mapping says before its first batch.
const noResult = "No records processed"

func (s *Service) lastResult(id string) string {
	if r, ok := s.results.Load(id); ok {
		return r.(string)
	}
	return noResult
}

// positions stores the position of one mapping.
type positions struct {
	s   *Service
	key []string

	mu      sync.Mutex
	windows map[string]*windowDoc
}

// Load is that of shardreader.Store.
func (p *positions) Load(context.Context) (*shardreader.Position, error) {
	d, err := p.s.positions.Get(p.key...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for shard, w := range d.Windows {
		c := *w
		p.windows[shard] = &c
	}
	return d.Position, nil
}

// Save is that of shardreader.Store.
func (p *positions) Save(ctx context.Context, at *shardreader.Position) error {
	if _, err := p.s.mappings.Get(p.key...); err != nil {
		return err // it is gone, and so is its position
	}
	d := &positionDoc{Position: at}
	p.mu.Lock()
	if len(p.windows) > 0 {
		d.Windows = make(map[string]*windowDoc, len(p.windows))
		for shard, w := range p.windows {
			if _, ok := at.Shards[shard]; ok {
				c := *w
				d.Windows[shard] = &c
			}
		}
	}
	p.mu.Unlock()
	return p.s.positions.Put(context.WithoutCancel(ctx), d, p.key...)
}

func (p *positions) window(shard string) *windowDoc {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.windows[shard]
}

func (p *positions) setWindow(shard string, w *windowDoc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w == nil {
		delete(p.windows, shard)
		return
	}
	c := *w
	p.windows[shard] = &c
}

// codec makes events of records of one kind.
type codec[R any] struct {
	append func(dst []byte, shard string, r *R) []byte
	filter func(r *R) map[string]any // what filters look at; nil: no filter matches it
	key    func(r *R) string         // records of one key keep their order
	info   func(r *R) shardreader.Info
	batch  string // what a failure's record calls the batch's description
}

// consume reads a stream until ctx ends.
func consume[R any](ctx context.Context, s *Service, j *work.Job[mappingDoc], stream shardreader.Stream[R], c codec[R]) error {
	d := j.Document()
	o := shardreader.Options{Clock: s.clock, Events: shardreader.Events{
		Failed: func(shard string, err error, failures int, _ time.Duration) {
			if failures == 1 {
				s.log.Warn("an event source mapping cannot read its stream", "mapping", d.ID, "stream", d.Source, "shard", shard, "error", err)
			}
			s.results.Store(d.ID, "PROBLEM: "+err.Error())
		},
		Lost: func(shard string) {
			s.log.Error("records have expired before an event source mapping has read them", "mapping", d.ID, "stream", d.Source, "shard", shard)
		},
	}}
	switch d.Start {
	case "LATEST":
		o.Start = shardreader.Start{Kind: shardreader.Latest}
	case "AT_TIMESTAMP":
		o.Start = shardreader.Start{Kind: shardreader.AtTime, Time: d.StartTime}
	}
	r := shardreader.New(stream, nil, o)
	defer r.Close()
	store := &positions{s: s, key: d.key(), windows: map[string]*windowDoc{}}
	return r.Run(ctx, store, shardreader.Forever, func(ctx context.Context, sh *shardreader.Shard[R]) error {
		l := &lane[R]{s: s, j: j, sh: sh, c: c, store: store}
		if d.Tumbling > 0 {
			return l.runWindows(ctx)
		}
		return l.run(ctx)
	})
}

// checkFilters refuses filters that an earlier version of the program stored and that are no patterns today. A mapping that
// has one waits until it is changed: without the filter the function would get what it should not, or the queue would lose
// what the function should get.
func (d *mappingDoc) checkFilters() error {
	for _, text := range d.Filters {
		if _, err := eventpattern.Parse(text); err != nil {
			return fmt.Errorf("the filter pattern %s is not valid; update the mapping: %w", text, err)
		}
	}
	return nil
}

// filters are the compiled patterns of a mapping, compiled again when it has changed.
type filters struct {
	text     []string
	patterns []*eventpattern.Pattern
}

func (f *filters) of(d *mappingDoc) []*eventpattern.Pattern {
	if len(d.Filters) == 0 {
		return nil
	}
	if len(f.text) == len(d.Filters) && &f.text[0] == &d.Filters[0] {
		return f.patterns
	}
	f.text, f.patterns = d.Filters, nil
	for _, t := range d.Filters {
		if p, err := eventpattern.Parse(t); err == nil { // checked when it was set, and before the mapping ran
			f.patterns = append(f.patterns, p)
		}
	}
	return f.patterns
}

func matches(patterns []*eventpattern.Pattern, doc map[string]any) bool {
	if doc == nil {
		return false
	}
	for _, p := range patterns {
		if p.Matches(doc) {
			return true
		}
	}
	return false
}

// appendEventTime appends a time in an event: seconds since 1970, with milliseconds.
func appendEventTime(dst []byte, t time.Time) []byte {
	return fmt.Appendf(dst, "%d.%03d", t.Unix(), t.Nanosecond()/1e6)
}

func jsonText(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // not for a text
	}
	return b
}

// decodedJSON is data as filters see it: a JSON value, or the text that it is.
func decodedJSON(data []byte) any {
	var v any
	if json.Unmarshal(data, &v) == nil {
		return v
	}
	return string(data)
}

// actingAs returns what makes contexts of calls as the role of a mapping's function, as it is at the call.
func (s *Service) actingAs(d *mappingDoc) shardreader.As {
	return func(ctx context.Context) context.Context {
		return awswire.Acting(ctx, d.Account, d.Region, "lambda.amazonaws.com", s.roleOf(d), functionARN(d.scope(), d.Name, d.Qualifier))
	}
}

// roleOf is the role of a mapping's function.
func (s *Service) roleOf(d *mappingDoc) string {
	f, err := s.functions.Get(d.scope().Key(d.Name)...)
	if err != nil {
		return ""
	}
	return f.Latest.Role
}
