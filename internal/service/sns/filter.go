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
	pattern *eventpattern.Pattern
}

func (c *filterCache) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, id)
}

// get returns the filter of a subscription; nil for none.
func (c *filterCache) get(d *subscriptionDoc) (*eventpattern.Pattern, error) {
	text := d.Attributes["FilterPolicy"]
	if text == "" {
		return nil, nil
	}
	want := compiledFilter{text: text, body: d.filterScope() == inBody}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.of[d.ID]; ok && have.text == want.text && have.body == want.body {
		return have.pattern, nil
	}
	p, err := parseFilter(text, want.body)
	if err != nil {
		return nil, err
	}
	if c.of == nil {
		c.of = map[uint64]compiledFilter{}
	}
	want.pattern = p
	c.of[d.ID] = want
	return p, nil
}

// wants reports whether a subscription's filter policy lets a message through.
func (s *Service) wants(d *subscriptionDoc, p *posted) (bool, error) {
	f, err := s.filters.get(d)
	if err != nil || f == nil {
		return err == nil, err
	}
	if d.filterScope() == inBody {
		return f.MatchesJSON([]byte(p.text(d.Protocol))), nil
	}
	return f.Matches(p.filterable()), nil
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
