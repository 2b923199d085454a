package events

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestKeysOfPutEvents asks about each event by itself, of those for one bus that are of one source and type once.
func TestKeysOfPutEvents(t *testing.T) {
	entry := func(bus, source, detailType string) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{EventBusName: &bus, Source: &source, DetailType: &detailType}
	}
	other := "arn:aws:events:us-east-1:444455556666:event-bus/b"
	needs := NeedsOfPutEvents(awswire.Caller{Account: account, Region: region}, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("b", "s", "t"), entry("b", "s", "t"), entry("b", "s2", "t"), entry(other, "s", "t"), entry(other, "s", "t"), entry("arn:x", "s", "t"), entry("b", "", ""),
	}})
	var got []string
	for _, n := range needs {
		got = append(got, fmt.Sprint(n.Part, " ", n.Action, " ", n.Resource, " ", n.Keys()))
	}
	b := "events:PutEvents arn:aws:events:us-east-1:111122223333:event-bus/b "
	want := []string{
		"0 " + b + "map[events:detail-type:[t] events:eventBusInvocation:[false] events:source:[s]]",
		"0 " + b + "map[events:detail-type:[t] events:eventBusInvocation:[false] events:source:[s2]]",
		"4 events:PutEvents " + other + " map[events:detail-type:[t] events:eventBusInvocation:[false] events:source:[s]]",
		"5 events:PutEvents " + other + " map[events:detail-type:[t] events:eventBusInvocation:[false] events:source:[s]]",
		"0 " + b + "map[events:eventBusInvocation:[false]]",
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestKeysOfRules has what patterns name, and what would match more as a value that no policy names.
func TestKeysOfRules(t *testing.T) {
	for pattern, want := range map[string]string{
		`{"source":["a","b"],"detail-type":["t"]}`: "map[events:creatorAccount:[111122223333] events:detail-type:[t] events:source:[a b]]",
		`{"source":["a",{"prefix":""}]}`:           `map[events:creatorAccount:[111122223333] events:source:[a {"prefix":""}]]`,
		`{"detail":{"service":["EC2"],"eventTypeCode":["c"],"userIdentity":{"principalId":["p"]}}}`: "map[events:creatorAccount:[111122223333] events:detail.eventTypeCode:[c]" +
			" events:detail.service:[EC2] events:detail.userIdentity.principalId:[p]]",
		`{"detail.userIdentity":{"principalId":["p"]},"source.x":["y"]}`: "map[events:creatorAccount:[111122223333] events:detail.userIdentity.principalId:[p]]",
		`{"account":["1"]}`: "map[events:creatorAccount:[111122223333]]",
		``:                  "map[events:creatorAccount:[111122223333]]",
		`x`:                 "map[events:creatorAccount:[111122223333]]",
	} {
		in := &eventbridge.PutRuleInput{EventPattern: aws.String(pattern)}
		if got := fmt.Sprint(keysOfRule(awswire.Caller{Account: account, Region: region}, in)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", pattern, got, want)
		}
	}
	choice := `[{"source":["a"]},{"account":["1"]}]`
	if got := keysOfRule(awswire.Caller{Account: account}, &eventbridge.PutRuleInput{EventPattern: aws.String(`{"$or":` + choice + `}`)})["events:source"]; len(got) != 1 || got[0] != choice {
		t.Errorf("%q", got)
	}
	in := &eventbridge.PutTargetsInput{Targets: []types.Target{{Arn: aws.String("arn:a")}, {}, {Arn: aws.String("arn:b")}}}
	if got := fmt.Sprint(keysOfTargets(awswire.Caller{Account: account}, in)["events:TargetArn"]); got != "[arn:a arn:b]" {
		t.Error(got)
	}
}
