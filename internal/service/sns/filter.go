package sns

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/eventpattern"
)

// Filter policies: patterns of engine/eventpattern, over a message's attributes or over its body, with limits of
// their own.

const (
	maxFilter       = 256 << 10 // bytes
	maxFilterKeys   = 5
	maxCombinations = 150
)

// parseFilter compiles a filter policy.
func parseFilter(text string, body bool) (*eventpattern.Pattern, error) {
	if len(text) > maxFilter {
		return nil, invalid("FilterPolicy: Filter policy is too long")
	}
	p, err := eventpattern.Parse(text)
	if err != nil {
		return nil, invalid("FilterPolicy: %s", badJSON(err))
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return nil, fmt.Errorf("filter policy: %w", err)
	}
	keys, combinations := 0, 1
	if err := measure(tree, body, 1, &keys, &combinations); err != nil {
		return nil, err
	}
	switch {
	case keys > maxFilterKeys:
		return nil, invalid("FilterPolicy: Filter policy can not have more than %d keys", maxFilterKeys)
	case combinations > maxCombinations:
		return nil, invalid("FilterPolicy: Filter policy is too complex")
	}
	return p, nil
}

// measure counts the keys of a policy, of one over bodies those that are not nested, and its combinations of values.
func measure(m map[string]any, body bool, depth int, keys, combinations *int) error {
	if depth > 64 {
		return invalid("FilterPolicy: Filter policy is too complex")
	}
	for name, v := range m {
		switch v := v.(type) {
		case map[string]any:
			if !body {
				return invalid("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			if depth == 1 {
				*keys++
			}
			if err := measure(v, body, depth+1, keys, combinations); err != nil {
				return err
			}
		case []any:
			if name == "$or" && len(v) > 1 {
				if err := measureOr(v, body, depth, keys, combinations); err != nil {
					return err
				}
				continue
			}
			if depth == 1 {
				*keys++
			}
			*combinations = min(*combinations*len(v)*depth, maxCombinations+1)
		}
	}
	return nil
}

// measureOr measures the choices of an $or: the combinations of all of them.
func measureOr(list []any, body bool, depth int, keys, combinations *int) error {
	sum := 0
	for _, c := range list {
		m, ok := c.(map[string]any)
		if !ok {
			*keys++
			sum++
			continue
		}
		n := 1
		if err := measure(m, body, depth, keys, &n); err != nil {
			return err
		}
		sum += n
	}
	*combinations = min(*combinations*sum, maxCombinations+1)
	return nil
}

// filterCache keeps compiled filter policies by the ids of subscriptions.
type filterCache struct {
	mu sync.Mutex
	of map[uint64]compiledFilter
}

type compiledFilter struct {
	text    string
	body    bool
	pattern *eventpattern.Pattern // nil: err tells why
	err     error
}

func (c *filterCache) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, id)
}

// get returns the filter of a subscription, which has one, and whether it was compiled for this.
func (c *filterCache) get(d *subscriptionDoc) (f compiledFilter, compiled bool) {
	want := compiledFilter{text: d.Attributes["FilterPolicy"], body: d.filterScope() == inBody}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.of[d.ID]; ok && have.text == want.text && have.body == want.body {
		return have, false
	}
	want.pattern, want.err = parseFilter(want.text, want.body)
	if c.of == nil {
		c.of = map[uint64]compiledFilter{}
	}
	c.of[d.ID] = want
	return want, true
}

// wants reports whether a subscription's filter policy lets a message through. One that an earlier version of the
// program stored and that is refused today lets none through, which is logged once: other subscriptions go on.
func (s *Service) wants(d *subscriptionDoc, p *posted) bool {
	if d.Attributes["FilterPolicy"] == "" {
		return true
	}
	f, compiled := s.filters.get(d)
	if f.err != nil {
		if compiled {
			s.log.Error("a subscription gets no messages: its filter policy is not valid; set it anew", "subscription", d.arn(), "error", f.err)
		}
		return false
	}
	if f.body {
		return f.pattern.MatchesJSON([]byte(p.text(d.Protocol)))
	}
	return f.pattern.Matches(p.filterable())
}

// filterable is a message's attributes as a document: those of types that filters look at.
func (p *posted) filterable() map[string]any {
	doc := make(map[string]any, len(p.Attributes))
	for name, a := range p.Attributes {
		base, _, _ := strings.Cut(a.Type, ".")
		switch {
		case a.Text == nil:
		case a.Type == "String.Array":
			var list []any
			if json.Unmarshal([]byte(*a.Text), &list) == nil {
				doc[name] = list
			}
		case base == "Number":
			if n, err := strconv.ParseFloat(*a.Text, 64); err == nil {
				doc[name] = n
			}
		case base == "String":
			doc[name] = *a.Text
		}
	}
	return doc
}
