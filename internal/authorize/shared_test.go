package authorize

import (
	"context"
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// TestShared: whose resources a call finds that names those of another account.
func TestShared(t *testing.T) {
	const (
		stream = "arn:aws:kinesis:us-east-1:444455556666:stream/"
		anns   = "arn:aws:kinesis:us-east-1:111122223333:stream/s"
	)
	share := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"kinesis:Put*","Resource":"*"}]}`
	}
	policies := shares{
		stream + "account": share(`{"AWS":"111122223333"}`), stream + "ann": share(`{"AWS":"` + ann + `"}`), stream + "third": share(`{"AWS":"777788889999"}`),
		"arn:aws:kinesis:eu-west-1:444455556666:stream/far":      share(`"*"`),
		"arn:aws:kinesis:us-east-1:777788889999:stream/of-third": share(`"*"`),
	}
	for _, tt := range []struct {
		service, who string
		resources    []string
		open, closed string // whose resources are found; empty: the call is denied
	}{
		{"kinesis", ann, []string{anns}, "111122223333", "111122223333"},
		{"kinesis", ann, []string{stream + "ann"}, "444455556666", "444455556666"},
		{"kinesis", ann, []string{stream + "account"}, "444455556666", "444455556666"},
		{"kinesis", "", []string{stream + "ann"}, "111122223333", ""},
		{"kinesis", loader, []string{stream + "account"}, "444455556666", ""}, // its own policies say nothing of it
		{"kinesis", ann, []string{stream + "third"}, "111122223333", ""},
		{"kinesis", ann, []string{stream + "none"}, "111122223333", ""},
		{"kinesis", ann, []string{stream + "ann", stream + "none"}, "111122223333", ""},
		{"kinesis", ann, []string{stream + "ann", anns}, "111122223333", "111122223333"}, // of two accounts: in neither
		{"kinesis", ann, []string{stream + "ann", "arn:aws:kinesis:us-east-1:777788889999:stream/of-third"}, "111122223333", "111122223333"},
		{"kinesis", ann, []string{"arn:aws:kinesis:eu-west-1:444455556666:stream/far"}, "111122223333", "111122223333"},
		{"firehose", ann, []string{stream + "ann"}, "111122223333", "111122223333"},
	} {
		for _, mode := range []Mode{Off, Log, Enforce} {
			want := tt.open
			if mode == Enforce {
				want = tt.closed
			}
			a := New(Config{Mode: mode, Identities: known(t), Resources: map[string]ResourcePolicies{"kinesis": policies}, Shared: map[string][]string{"kinesis": nil}})
			got := ""
			err := awswire.Intercept(as(tt.who), []awswire.Interceptor{a.Intercept},
				awswire.Facts{Service: tt.service, Operation: "PutRecord", Actions: []string{"kinesis:PutRecord"}, Resources: tt.resources},
				func(ctx context.Context) error {
					c := awswire.CallerFrom(ctx)
					got = c.Account
					if p := principalOf(&c); p.Account != "111122223333" || tt.who == "" && p.Kind != policy.Root || tt.who != "" && p.ARN != c.Principal {
						t.Errorf("%s: the caller is %+v", tt.resources, p)
					}
					return nil
				})
			if got != want || (err != nil) != (want == "") {
				t.Errorf("%s %s: %q to %s finds what is of %q (%v), want %q", mode, tt.service, tt.who, tt.resources, got, err, want)
			}
		}
	}
}

// TestSharedOperations: an operation that is for the resource's own account stays in the caller's, whatever the policy allows.
func TestSharedOperations(t *testing.T) {
	const stream = "arn:aws:kinesis:us-east-1:444455556666:stream/s"
	policies := shares{stream: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kinesis:*","Resource":"*"}]}`}
	for _, mode := range []Mode{Off, Log, Enforce} {
		a := New(Config{Mode: mode, Identities: known(t), Resources: map[string]ResourcePolicies{"kinesis": policies}, Shared: map[string][]string{"kinesis": {"PutRecord"}}})
		for operation, want := range map[string]string{"PutRecord": "444455556666", "PutResourcePolicy": "111122223333"} {
			got := ""
			err := awswire.Intercept(as(""), []awswire.Interceptor{a.Intercept},
				awswire.Facts{Service: "kinesis", Operation: operation, Actions: []string{"kinesis:" + operation}, Resources: []string{stream}},
				func(ctx context.Context) error { got = awswire.CallerFrom(ctx).Account; return nil })
			if err != nil || got != want {
				t.Errorf("%s %s: finds what is of %q (%v), want %q", mode, operation, got, err, want)
			}
		}
	}
}

// BenchmarkOpen is what a call of a caller's own stream takes of a node where policies do not count.
func BenchmarkOpen(b *testing.B) {
	a := New(Config{Mode: Off, Shared: map[string][]string{"kinesis": {"GetRecords", "PutRecord"}}})
	ctx, chain := as(""), []awswire.Interceptor{a.Intercept}
	facts := awswire.Facts{Service: "kinesis", Operation: "PutRecord", Actions: []string{"kinesis:PutRecord"}, Resources: []string{"arn:aws:kinesis:us-east-1:111122223333:stream/s"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := awswire.Intercept(ctx, chain, facts, func(context.Context) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReach: what acts within the process gets to a resource of another account whose policy lets it in, where its own policies
// allow it too, and otherwise stays in its own account.
func TestReach(t *testing.T) {
	const stream = "arn:aws:kinesis:us-east-1:444455556666:stream/"
	policies := shares{stream + "lent": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kinesis:PutRecord","Resource":"*"}]}`}
	for _, tt := range []struct {
		who, action, resource string
		off, enforce          string // whose account is reached; empty: it is denied
	}{
		{"", "kinesis:PutRecord", stream + "lent", "444455556666", "444455556666"},
		{ann, "kinesis:PutRecord", stream + "lent", "444455556666", "444455556666"},
		{loader, "kinesis:PutRecord", stream + "lent", "444455556666", ""},
		{"", "kinesis:GetRecords", stream + "lent", "111122223333", ""},
		{"", "kinesis:PutRecord", stream + "kept", "111122223333", ""},
		{"", "kinesis:PutRecord", "arn:aws:kinesis:us-east-1:111122223333:stream/own", "111122223333", "111122223333"},
		{"", "kinesis:PutRecord", "no ARN", "111122223333", "111122223333"},
	} {
		for mode, want := range map[Mode]string{Off: tt.off, Log: tt.off, Enforce: tt.enforce} {
			a := New(Config{Mode: mode, Identities: known(t), Resources: map[string]ResourcePolicies{"kinesis": policies}})
			ctx, err := a.Reach(as(tt.who), tt.action, tt.resource)
			if got := awswire.CallerFrom(ctx).Account; (err != nil) != (want == "") || err == nil && got != want {
				t.Errorf("%s: %q %s %s reaches %s (%v), want %q", mode, tt.who, tt.action, tt.resource, got, err, want)
			}
		}
	}
}

// TestKeysOfServices: where a service acts as its role, the resource that it acts for is told to the role's trust policy alone;
// where it acts as itself, to the policy of what it works on.
func TestKeysOfServices(t *testing.T) {
	const source = "arn:aws:firehose:us-east-1:111122223333:deliverystream/d"
	policies := shares{"arn:aws:s3:::lake/k": `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"s3:PutObject","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"` + source + `"},"Bool":{"aws:ViaAWSService":"false","aws:PrincipalIsAWSService":"true"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*","Condition":{"Bool":{"aws:PrincipalIsAWSService":"false"},"Null":{"aws:SourceArn":"false"}}},
		{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*","Condition":{"Bool":{"aws:ViaAWSService":"true"}}}]}`}
	a := New(Config{Mode: Enforce, Identities: known(t), Resources: map[string]ResourcePolicies{"s3": policies}})
	ctx := context.Background()
	for what, tt := range map[string]struct {
		ctx  context.Context
		want bool
	}{
		"as its role":                 {awswire.Acting(ctx, "111122223333", "us-east-1", "firehose.amazonaws.com", loader, source), true},
		"as itself":                   {awswire.AsService(ctx, "111122223333", "us-east-1", "firehose.amazonaws.com", source), true},
		"as itself, for another":      {awswire.AsService(ctx, "111122223333", "us-east-1", "firehose.amazonaws.com", source+"2"), false},
		"another service":             {awswire.AsService(ctx, "111122223333", "us-east-1", "sns.amazonaws.com", source), false},
		"as a role that is not there": {awswire.Acting(ctx, "111122223333", "us-east-1", "firehose.amazonaws.com", loader+"2", source), false},
	} {
		if err := a.Allow(tt.ctx, "s3:PutObject", "arn:aws:s3:::lake/k", nil); (err == nil) != tt.want {
			t.Errorf("%s: %v", what, err)
		}
	}
}
