package events

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/brookmere/brookmere/internal/engine/eventpattern"
)

// eventMembers are those that an event to be tested must have. (Documentation of TestEventPattern.)
var eventMembers = []string{"id", "account", "source", "time", "region", "detail-type"}

// TestEventPattern tells whether an event matches a pattern.
func (s *Service) TestEventPattern(_ context.Context, in *eventbridge.TestEventPatternInput, _ ...func(*eventbridge.Options)) (*eventbridge.TestEventPatternOutput, error) {
	text := aws.ToString(in.EventPattern)
	p, err := eventpattern.CheckRule(text)
	if err != nil {
		return nil, badPattern(text, err)
	}
	doc, err := eventpattern.ParseDocument([]byte(aws.ToString(in.Event)))
	if err != nil {
		return nil, invalid("Parameter Event is not valid.")
	}
	for _, name := range eventMembers {
		if !doc.Has(name) {
			return nil, invalid("Parameter Event is not valid.")
		}
	}
	return &eventbridge.TestEventPatternOutput{Result: p.MatchesDocument(doc)}, nil
}
