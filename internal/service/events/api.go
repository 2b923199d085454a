package events

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// busARN is the ARN of the bus that a name or an ARN means.
func busARN(c awswire.Caller, nameOrARN *string) []string {
	of, name, err := busOf(scope.Scope{Account: c.Account, Region: c.Region}, nameOrARN)
	if err != nil {
		return nil
	}
	return []string{of.ARN("events", "event-bus/"+name)}
}

func ruleARNs(c awswire.Caller, bus, rule *string) []string {
	of, name, err := busOf(scope.Scope{Account: c.Account, Region: c.Region}, bus)
	if err != nil || aws.ToString(rule) == "" {
		return nil
	}
	return []string{ruleARN(of, name, *rule)}
}

func named(c caller, kind string, name *string) []string {
	return []string{scope.Scope{Account: c.Account, Region: c.Region}.ARN("events", kind+aws.ToString(name))}
}

func one(s *string) []string {
	if aws.ToString(s) == "" {
		return nil
	}
	return []string{*s}
}

// NeedsOfPutEvents are what a call of PutEvents asks of its caller: to put events on each of its buses. A bus of another account refuses its entry alone.
func NeedsOfPutEvents(c awswire.Caller, in *eventbridge.PutEventsInput) []awswire.Need {
	var needs []awswire.Need
	had := map[[3]string]bool{}
	for i := range in.Entries {
		e := &in.Entries[i]
		of, name, err := busOf(scope.Scope{Account: c.Account, Region: c.Region}, e.EventBusName)
		if err != nil {
			continue
		}
		n := awswire.Need{
			Action: "events:PutEvents", Resource: of.ARN("events", "event-bus/"+name),
			Keys: func() map[string][]string {
				return keysOfEvent(aws.ToString(e.Source), aws.ToString(e.DetailType), false)
			},
		}
		same := [3]string{n.Resource, aws.ToString(e.Source), aws.ToString(e.DetailType)}
		if of.Account != c.Account {
			n.Part = i + 1
		} else if had[same] {
			continue
		}
		had[same] = true
		needs = append(needs, n)
	}
	if needs == nil { // entries that name no bus fail by themselves
		needs = []awswire.Need{{Action: "events:PutEvents", Resource: busARN(c, nil)[0]}}
	}
	return needs
}

type caller = awswire.Caller

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model: "events",
		Operations: []awswire.Operation{
			awswire.Executes(s.CreateEventBus, func(c caller, in *eventbridge.CreateEventBusInput) []string { return busARN(c, in.Name) }),
			awswire.Executes(s.DeleteEventBus, func(c caller, in *eventbridge.DeleteEventBusInput) []string { return busARN(c, in.Name) }),
			awswire.Executes(s.DescribeEventBus, func(c caller, in *eventbridge.DescribeEventBusInput) []string { return busARN(c, in.Name) }),
			awswire.Executes(s.ListEventBuses),
			awswire.Executes(s.UpdateEventBus, func(c caller, in *eventbridge.UpdateEventBusInput) []string { return busARN(c, in.Name) }),
			awswire.Executes(s.PutPermission, func(c caller, in *eventbridge.PutPermissionInput) []string { return busARN(c, in.EventBusName) }),
			awswire.Executes(s.RemovePermission, func(c caller, in *eventbridge.RemovePermissionInput) []string { return busARN(c, in.EventBusName) }),
			awswire.Needing(awswire.Executes(s.PutEvents), NeedsOfPutEvents),
			awswire.Executes(s.TestEventPattern),

			awswire.WithKeys(awswire.Executes(s.PutRule, func(c caller, in *eventbridge.PutRuleInput) []string { return ruleARNs(c, in.EventBusName, in.Name) }), keysOfRule),
			awswire.WithKeys(awswire.Executes(s.DescribeRule, func(c caller, in *eventbridge.DescribeRuleInput) []string {
				return ruleARNs(c, in.EventBusName, in.Name)
			}), keysOfCreator[eventbridge.DescribeRuleInput]),
			awswire.WithKeys(awswire.Executes(s.DeleteRule, func(c caller, in *eventbridge.DeleteRuleInput) []string { return ruleARNs(c, in.EventBusName, in.Name) }), keysOfCreator[eventbridge.DeleteRuleInput]),
			awswire.WithKeys(awswire.Executes(s.EnableRule, func(c caller, in *eventbridge.EnableRuleInput) []string { return ruleARNs(c, in.EventBusName, in.Name) }), keysOfCreator[eventbridge.EnableRuleInput]),
			awswire.WithKeys(awswire.Executes(s.DisableRule, func(c caller, in *eventbridge.DisableRuleInput) []string {
				return ruleARNs(c, in.EventBusName, in.Name)
			}), keysOfCreator[eventbridge.DisableRuleInput]),
			awswire.Executes(s.ListRules),
			awswire.Executes(s.ListRuleNamesByTarget),

			awswire.WithKeys(awswire.Executes(s.PutTargets, func(c caller, in *eventbridge.PutTargetsInput) []string { return ruleARNs(c, in.EventBusName, in.Rule) }), keysOfTargets),
			awswire.WithKeys(awswire.Executes(s.RemoveTargets, func(c caller, in *eventbridge.RemoveTargetsInput) []string {
				return ruleARNs(c, in.EventBusName, in.Rule)
			}), keysOfCreator[eventbridge.RemoveTargetsInput]),
			awswire.WithKeys(awswire.Executes(s.ListTargetsByRule, func(c caller, in *eventbridge.ListTargetsByRuleInput) []string {
				return ruleARNs(c, in.EventBusName, in.Rule)
			}), keysOfCreator[eventbridge.ListTargetsByRuleInput]),

			awswire.Executes(s.CreateArchive, func(c caller, in *eventbridge.CreateArchiveInput) []string {
				return named(c, "archive/", in.ArchiveName)
			}),
			awswire.Executes(s.UpdateArchive, func(c caller, in *eventbridge.UpdateArchiveInput) []string {
				return named(c, "archive/", in.ArchiveName)
			}),
			awswire.Executes(s.DescribeArchive, func(c caller, in *eventbridge.DescribeArchiveInput) []string {
				return named(c, "archive/", in.ArchiveName)
			}),
			awswire.Executes(s.DeleteArchive, func(c caller, in *eventbridge.DeleteArchiveInput) []string {
				return named(c, "archive/", in.ArchiveName)
			}),
			awswire.Executes(s.ListArchives),
			awswire.Executes(s.StartReplay, func(c caller, in *eventbridge.StartReplayInput) []string { return named(c, "replay/", in.ReplayName) }),
			awswire.Executes(s.CancelReplay, func(c caller, in *eventbridge.CancelReplayInput) []string { return named(c, "replay/", in.ReplayName) }),
			awswire.Executes(s.DescribeReplay, func(c caller, in *eventbridge.DescribeReplayInput) []string {
				return named(c, "replay/", in.ReplayName)
			}),
			awswire.Executes(s.ListReplays),

			awswire.Executes(s.TagResource, func(_ caller, in *eventbridge.TagResourceInput) []string { return one(in.ResourceARN) }),
			awswire.Executes(s.UntagResource, func(_ caller, in *eventbridge.UntagResourceInput) []string { return one(in.ResourceARN) }),
			awswire.Executes(s.ListTagsForResource, func(_ caller, in *eventbridge.ListTagsForResourceInput) []string { return one(in.ResourceARN) }),
		},
	}
}
