package apigateway

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A model's schema may be made so that holding a body against it takes for ever: with allOf [S, S] in the schema S of
// a member, each level of a body doubles the work, and a chain of definitions that each name the next one
// twice does so without any body. So the work of a validation is reckoned before it is done, each pair of a schema and a
// value once, and what is too much is refused. Most schemas need no reckoning: their work is a small multiple of
// the body's size.

// Limits of a validation.
const (
	maxChecks       = 10 << 20 // schemas held against values
	maxPairs        = 2 << 20  // different pairs of them
	plainPaths      = 256      // paths through a schema's parts up to which nothing is reckoned
	maxNumberLength = 1000     // characters of a number, as the JSON parser of API Gateway has it
	maxExponent     = 400      // no double is larger
)

var (
	errTooMuchWork = errors.New("the model's schema takes too much work for this body")
	errNumber      = errors.New("a number of the body is too long or too large")
)

// validateBody holds a document against a schema within bounds.
func validateBody(s *jsonschema.Schema, doc any) error {
	if err := checkNumbers(doc); err != nil {
		return err
	}
	if !isPlain(s) {
		w := &weigher{memo: map[pair]int64{}}
		if w.weigh(s, nodeOf(doc)) > maxChecks || len(w.memo) > maxPairs {
			return errTooMuchWork
		}
	}
	return s.Validate(doc)
}

// node is a value of a document, which a pair can name.
type node struct {
	members map[string]*node
	items   []*node
	name    *node // of the names of members
}

func nodeOf(v any) *node {
	n := &node{}
	switch v := v.(type) {
	case map[string]any:
		n.members = make(map[string]*node, len(v))
		n.name = &node{}
		for k, m := range v {
			n.members[k] = nodeOf(m)
		}
	case []any:
		n.items = make([]*node, len(v))
		for i := range v {
			n.items[i] = nodeOf(v[i])
		}
	}
	return n
}

// checkNumbers checks the numbers of a document.
func checkNumbers(v any) error {
	switch v := v.(type) {
	case json.Number:
		return checkNumber(string(v))
	case map[string]any:
		for _, m := range v {
			if err := checkNumbers(m); err != nil {
				return err
			}
		}
	case []any:
		for _, m := range v {
			if err := checkNumbers(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNumber refuses numbers that are exact only at great length.
func checkNumber(s string) error {
	if len(s) > maxNumberLength {
		return errNumber
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if e, err := strconv.Atoi(strings.TrimPrefix(s[i+1:], "+")); err != nil || e > maxExponent || e < -maxExponent {
			return errNumber
		}
	}
	return nil
}

// parts are the schemas within a schema: here those of the same value, below those of its members and items.
func parts(s *jsonschema.Schema) (here, below []*jsonschema.Schema) {
	add := func(to *[]*jsonschema.Schema, list ...*jsonschema.Schema) {
		for _, x := range list {
			if x != nil {
				*to = append(*to, x)
			}
		}
	}
	of := func(to *[]*jsonschema.Schema, x any) {
		switch x := x.(type) {
		case *jsonschema.Schema:
			add(to, x)
		case []*jsonschema.Schema:
			add(to, x...)
		}
	}
	add(&here, s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else)
	if s.DynamicRef != nil {
		add(&here, s.DynamicRef.Ref)
	}
	add(&here, s.AllOf...)
	add(&here, s.AnyOf...)
	add(&here, s.OneOf...)
	for _, x := range s.Dependencies {
		of(&here, x)
	}
	for _, x := range s.DependentSchemas {
		add(&here, x)
	}
	add(&below, s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems)
	for _, x := range s.Properties {
		add(&below, x)
	}
	for _, x := range s.PatternProperties {
		add(&below, x)
	}
	of(&below, s.AdditionalProperties)
	of(&below, s.Items)
	of(&below, s.AdditionalItems)
	add(&below, s.PrefixItems...)
	return here, below
}

// isPlain says whether a schema refers to itself nowhere, and has few paths through its parts.
func isPlain(s *jsonschema.Schema) bool {
	paths := map[*jsonschema.Schema]int{} // -1: under way
	var count func(s *jsonschema.Schema) int
	count = func(s *jsonschema.Schema) int {
		if n, ok := paths[s]; ok {
			if n < 0 {
				return plainPaths + 1
			}
			return n
		}
		paths[s] = -1
		n := 1
		if s.Enum != nil {
			n += len(s.Enum.Values) / 8
		}
		here, below := parts(s)
		for _, x := range append(here, below...) {
			if n += count(x); n > plainPaths {
				break // a cycle, or enough
			}
		}
		paths[s] = n
		return n
	}
	return count(s) <= plainPaths
}

type pair struct {
	schema *jsonschema.Schema
	node   *node
}

// weigher reckons how many schemas a validation holds against values, at most.
type weigher struct {
	memo map[pair]int64 // 0: under way
}

func (w *weigher) weigh(s *jsonschema.Schema, n *node) int64 {
	p := pair{s, n}
	if known, ok := w.memo[p]; ok {
		return max(known, 1) // a schema that leads to itself for the same value is refused by the validation
	}
	if len(w.memo) > maxPairs {
		return maxChecks + 1
	}
	w.memo[p] = 0
	total := int64(1)
	if s.Enum != nil {
		total += int64(len(s.Enum.Values) / 8)
	}
	add := func(s *jsonschema.Schema, n *node) {
		if s != nil && total <= maxChecks {
			total += w.weigh(s, n)
		}
	}
	here, _ := parts(s)
	for _, x := range here {
		add(x, n)
	}
	for k, m := range n.members {
		add(s.PropertyNames, n.name)
		add(s.UnevaluatedProperties, m)
		add(s.Properties[k], m)
		for _, x := range s.PatternProperties { // whether it matches or not
			add(x, m)
		}
		if x, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
			add(x, m)
		}
	}
	for i, m := range n.items {
		add(s.Contains, m)
		add(s.Items2020, m)
		add(s.UnevaluatedItems, m)
		switch x := s.Items.(type) {
		case *jsonschema.Schema:
			add(x, m)
		case []*jsonschema.Schema:
			if i < len(x) {
				add(x[i], m)
			}
		}
		if x, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
			add(x, m)
		}
		if i < len(s.PrefixItems) {
			add(s.PrefixItems[i], m)
		}
	}
	total = min(total, maxChecks+1)
	w.memo[p] = total
	return total
}
