package events

import "github.com/brookmere/brookmere/internal/engine/metering"

// What CloudWatch is told of rules, by RuleName and, on a custom bus, EventBusName. A failed invocation is one that was
// given up.
var (
	matchedEvents    = &metering.Measure{Name: "MatchedEvents", Unit: "Count"}
	triggeredRules   = &metering.Measure{Name: "TriggeredRules", Unit: "Count"}
	invocations      = &metering.Measure{Name: "Invocations", Unit: "Count"}
	failedCalls      = &metering.Measure{Name: "FailedInvocations", Unit: "Count"}
	attempts         = &metering.Measure{Name: "InvocationAttempts", Unit: "Count"}
	sentToDeadLetter = &metering.Measure{Name: "InvocationsSentToDlq", Unit: "Count"}
	lostDeadLetter   = &metering.Measure{Name: "InvocationsFailedToBeSentToDlq", Unit: "Count"}
)

func (s *Service) meter(account, region, bus, rule string) *metering.Resource {
	if bus == defaultBus {
		return s.cfg.Meter.Resource(account+"/"+region, "AWS/Events", "RuleName", rule)
	}
	return s.cfg.Meter.Resource(account+"/"+region, "AWS/Events", "EventBusName", bus, "RuleName", rule)
}

// post adds an event for the targets of a rule, and tells of it.
func (s *Service) post(p *posting, r *ruleDoc, e *event, body, extra []byte, more ...metering.Sample) error {
	targets, err := s.targetsOf(r)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := p.add(t, e, body, extra); err != nil {
			return err
		}
	}
	s.meter(r.Account, r.Region, r.Bus, r.Name).Add(append(more, triggeredRules.Of(1))...)
	return nil
}
