package events

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
	"github.com/brookmere/brookmere/internal/engine/queue"
)

// maxCached bounds the compiled patterns and templates that are kept, by their texts.
const maxCached = 4096

// patternCache keeps compiled patterns by their texts.
type patternCache struct {
	mu sync.Mutex
	of map[string]*eventpattern.Pattern
}

func (c *patternCache) get(text string) (*eventpattern.Pattern, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.of[text]; p != nil {
		return p, nil
	}
	p, err := eventpattern.ParseRule(text)
	if err != nil {
		return nil, err
	}
	if c.of == nil || len(c.of) >= maxCached {
		c.of = map[string]*eventpattern.Pattern{}
	}
	c.of[text] = p
	return p, nil
}

// letter is what an outbox has beside an event.
type letter struct {
	Ingested time.Time `json:"ingested"`
	Hops     int       `json:"hops,omitempty"`
	Trace    string    `json:"trace,omitempty"`
}

// maxBatch bounds the bytes of one batch of the outbox store.
const maxBatch = 8 << 20

// posting collects what goes into outboxes.
type posting struct {
	s     *Service
	out   []queue.Outgoing
	bytes int
}

func (p *posting) add(t *targetDoc, e *event, body, extra []byte) error {
	q, err := p.s.outbox(t)
	if err != nil {
		return err
	}
	return p.to(q, e, body, extra)
}

func (p *posting) to(q *queue.Queue, e *event, body, extra []byte) error {
	p.out = append(p.out, queue.Outgoing{To: q, Messages: []*queue.Message{{ID: e.ID, Body: body, Extra: extra}}})
	if p.bytes += len(body); p.bytes > maxBatch {
		return p.flush()
	}
	return nil
}

func (p *posting) flush() error {
	if len(p.out) == 0 {
		return nil
	}
	err := p.s.cfg.Outbox.SendAll(p.out)
	p.out, p.bytes = nil, 0
	return err
}

func (s *Service) extraOf(e *event) ([]byte, error) {
	return json.Marshal(letter{Ingested: e.ingested, Hops: e.hops, Trace: e.trace})
}

// route puts an event into the outboxes of the targets of all rules of a bus that match, and into its archives.
func (s *Service) route(sc scope.Scope, bus string, e *event) error {
	p := &posting{s: s}
	if err := s.routeTo(p, sc, bus, e, nil); err != nil {
		return err
	}
	return p.flush()
}

// prepared is an event as it is put into outboxes, which is made when somebody wants it.
type prepared struct {
	body, extra []byte
	doc         eventpattern.Document
}

func (p *prepared) make(s *Service, e *event) (err error) {
	if p.body != nil {
		return nil
	}
	if p.extra, err = s.extraOf(e); err != nil {
		return err
	}
	if p.body, err = e.encode(); err != nil {
		return err
	}
	p.doc, err = eventpattern.ParseDocument(p.body)
	return err
}

// routeTo adds an event for rules of these ARNs alone; nil: for all.
func (s *Service) routeTo(p *posting, sc scope.Scope, bus string, e *event, only []string) error {
	of := new(prepared)
	for it, err := range s.rules.In(sc.Key(bus)...).List() {
		if err != nil {
			return fmt.Errorf("rule %v: %w", it.Key, err)
		}
		r := it.Value
		if !r.enabled() || r.Pattern == "" || only != nil && !slices.Contains(only, r.arn()) {
			continue
		}
		if err := of.make(s, e); err != nil {
			return err
		}
		is, err := s.matches(r.Pattern, of.doc)
		if err != nil {
			return fmt.Errorf("pattern of %s: %w", r.arn(), err)
		}
		if !is {
			continue
		}
		if err := s.post(p, r, e, of.body, of.extra, matchedEvents.Of(1)); err != nil {
			return err
		}
	}
	if e.replay != "" {
		return nil
	}
	return s.keep(p, sc, bus, e, of)
}

func (s *Service) matches(pattern string, doc eventpattern.Document) (bool, error) {
	compiled, err := s.patterns.get(pattern)
	if err != nil {
		return false, err
	}
	return compiled.MatchesDocument(doc), nil
}

// keep adds an event to the archives of a bus that want it.
func (s *Service) keep(p *posting, sc scope.Scope, bus string, e *event, of *prepared) error {
	for it, err := range s.archives.List(sc.Account, sc.Region) {
		if err != nil {
			return fmt.Errorf("archive %v: %w", it.Key, err)
		}
		a := it.Value
		if a.Bus != bus {
			continue
		}
		if err := of.make(s, e); err != nil {
			return err
		}
		if a.Pattern != "" {
			if is, err := s.matches(a.Pattern, of.doc); err != nil {
				return fmt.Errorf("pattern of %s: %w", a.arn(), err)
			} else if !is {
				continue
			}
		}
		q, err := s.store(a)
		if err != nil {
			return err
		}
		if err := p.to(q, e, of.body, of.extra); err != nil {
			return err
		}
	}
	return nil
}

// fire puts an event into the outboxes of a rule's targets.
func (s *Service) fire(r *ruleDoc, e *event) error {
	body, err := e.encode()
	if err != nil {
		return err
	}
	extra, err := s.extraOf(e)
	if err != nil {
		return err
	}
	p := &posting{s: s}
	if err := s.post(p, r, e, body, extra); err != nil {
		return err
	}
	return p.flush()
}
