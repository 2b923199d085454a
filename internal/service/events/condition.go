package events

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

// The condition keys of policies ("Using IAM policy conditions in Amazon EventBridge"), besides those of all services:
//
//	events:source, events:detail-type   of an event that is put, each by itself; of a rule those that its pattern names
//	events:detail.service, events:detail.eventTypeCode, events:detail.userIdentity.principalId   that a rule's pattern names
//	events:TargetArn                    of targets that are put
//	events:creatorAccount               of a rule
//	events:eventBusInvocation           whether a rule of another bus puts the event
//
// What a pattern has besides texts (a prefix, a choice of several patterns) is a value as its JSON, which no list of allowed
// values has.

// patternKeys are the names of what a pattern says, by the condition keys.
var patternKeys = map[string][]string{
	"events:source": {"source"}, "events:detail-type": {"detail-type"}, "events:detail.service": {"detail", "service"},
	"events:detail.eventTypeCode": {"detail", "eventTypeCode"}, "events:detail.userIdentity.principalId": {"detail", "userIdentity", "principalId"},
}

// keysOfEvent are those of an event that is put.
func keysOfEvent(source, detailType string, byRule bool) map[string][]string {
	keys := map[string][]string{"events:eventBusInvocation": {strconv.FormatBool(byRule)}}
	if source != "" {
		keys["events:source"] = []string{source}
	}
	if detailType != "" {
		keys["events:detail-type"] = []string{detailType}
	}
	return keys
}

// keysOfHop are those of an event that a target's rule puts on another bus.
func keysOfHop(d *targetDoc, source, detailType string) map[string][]string {
	keys := keysOfEvent(source, detailType, true)
	keys["aws:SourceArn"], keys["aws:SourceAccount"] = []string{d.ruleARN()}, []string{d.Account}
	return keys
}

func keysOfRule(c caller, in *eventbridge.PutRuleInput) map[string][]string {
	keys := keysOfCreator(c, in)
	for name, way := range patternKeys {
		if v := patternValues(json.RawMessage(aws.ToString(in.EventPattern)), way); len(v) > 0 {
			keys[name] = v
		}
	}
	return keys
}

func keysOfTargets(c caller, in *eventbridge.PutTargetsInput) map[string][]string {
	keys := keysOfCreator(c, in)
	for _, t := range in.Targets {
		if t.Arn != nil {
			keys["events:TargetArn"] = append(keys["events:TargetArn"], *t.Arn)
		}
	}
	return keys
}

// keysOfCreator is the account of a rule, which is the caller's.
func keysOfCreator[I any](c caller, _ *I) map[string][]string {
	return map[string][]string{"events:creatorAccount": {c.Account}}
}

// patternValues are the texts that a pattern has at a path, and the JSON of what it has there besides, or in place of it in
// choices.
func patternValues(pattern json.RawMessage, way []string) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(pattern, &object) != nil {
		return nil
	}
	var values []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		v, steps := bytes.TrimSpace(object[name]), strings.Split(name, ".")
		n := len(steps)
		switch {
		case name == "$or":
			values = append(values, string(v))
		case n > len(way) || !slices.Equal(steps, way[:n]):
		case n < len(way):
			values = append(values, patternValues(v, way[n:])...)
		default:
			var list []json.RawMessage
			if json.Unmarshal(v, &list) != nil {
				break // which is no pattern
			}
			for _, e := range list {
				var text string
				if json.Unmarshal(e, &text) != nil || e[0] != '"' {
					text = string(e)
				}
				values = append(values, text)
			}
		}
	}
	return values
}
