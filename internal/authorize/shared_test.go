package authorize

import (
	"context"
	"errors"
	"testing"
	"time"

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
			ctx, err := a.Reach(as(tt.who), tt.action, tt.resource, nil)
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

// TestSessionsOfWhoIsGone: a session ends with its user or role, also where another of the name is made.
func TestSessionsOfWhoIsGone(t *testing.T) {
	them := known(t)
	them.grants[ann].ID, them.grants[loader].ID = "AIDANEW", "AROANEW"
	a := New(Config{Mode: Enforce, Identities: them})
	for what, tt := range map[string]struct {
		session awswire.Session
		action  string
		want    bool
	}{
		"the user":               {awswire.Session{Kind: awswire.UserSession, Source: ann, ID: "AIDANEW"}, "kinesis:PutRecord", true},
		"an earlier user":        {awswire.Session{Kind: awswire.UserSession, Source: ann, ID: "AIDAOLD"}, "kinesis:PutRecord", false},
		"of before ids were had": {awswire.Session{Kind: awswire.UserSession, Source: ann}, "kinesis:PutRecord", true},
		"the role":               {awswire.Session{Source: loader, ID: "AROANEW:s", Principal: "arn:aws:sts::111122223333:assumed-role/loader/s"}, "s3:PutObject", true},
		"an earlier role":        {awswire.Session{Source: loader, ID: "AROAOLD:s", Principal: "arn:aws:sts::111122223333:assumed-role/loader/s"}, "s3:PutObject", false},
	} {
		s := tt.session
		s.Account = "111122223333"
		if s.Principal == "" {
			s.Principal = s.Source
		}
		ctx := awswire.WithCaller(context.Background(), awswire.Caller{Account: s.Account, Region: "us-east-1", Principal: s.Principal, Session: &s})
		if err := a.Allow(ctx, tt.action, "arn:aws:s3:::lake/k", nil); (err == nil) != tt.want {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCallsOfSessions: sessions of users and of the root make few calls of IAM and STS, whatever they may.
func TestCallsOfSessions(t *testing.T) {
	now := time.Now()
	for what, tt := range map[string]struct {
		session            *awswire.Session
		service, operation string
		want               bool
	}{
		"a key":                           {nil, "iam", "ListUsers", true},
		"the root's session":              {&awswire.Session{Kind: awswire.RootSession}, "iam", "ListUsers", false},
		"with a code":                     {&awswire.Session{Kind: awswire.RootSession, MFA: now}, "iam", "ListUsers", true},
		"another service":                 {&awswire.Session{Kind: awswire.RootSession}, "kinesis", "ListStreams", true},
		"a federation token of a session": {&awswire.Session{Kind: awswire.RootSession, MFA: now}, "sts", "GetFederationToken", false},
		"who it is":                       {&awswire.Session{Kind: awswire.FederatedSession}, "sts", "GetCallerIdentity", true},
		"a role of a federated user":      {&awswire.Session{Kind: awswire.FederatedSession}, "sts", "AssumeRole", false},
		"users to a federated user":       {&awswire.Session{Kind: awswire.FederatedSession, MFA: now}, "iam", "ListUsers", false},
	} {
		a := New(Config{Mode: Enforce, Identities: known(t)})
		ctx := awswire.WithCaller(context.Background(), awswire.Caller{Account: "111122223333", Region: "us-east-1", Session: tt.session})
		err := awswire.Intercept(ctx, []awswire.Interceptor{a.Intercept}, awswire.Facts{Service: tt.service, Operation: tt.operation, Actions: []string{tt.service + ":" + tt.operation}},
			func(context.Context) error { return nil })
		var is *Denied
		if got := err == nil || !errors.As(err, &is) || is.Code != "InvalidClientTokenId"; got != tt.want {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRootAssumesNoRole: a user and a role's session may call AssumeRole, whose trust policy decides; the account itself may not.
func TestRootAssumesNoRole(t *testing.T) {
	call := func(mode Mode, principal, operation string, session *awswire.Session) error {
		ctx := awswire.WithCaller(context.Background(), awswire.Caller{Account: "111122223333", Region: "us-east-1", Principal: principal, Session: session})
		return awswire.Intercept(ctx, []awswire.Interceptor{New(Config{Mode: mode, Identities: known(t)}).Intercept},
			awswire.Facts{Service: "sts", Operation: operation, Actions: []string{"sts:" + operation}}, func(context.Context) error { return nil })
	}
	var is *Denied
	const root = "arn:aws:iam::111122223333:root"
	for what, err := range map[string]error{
		"the account":    call(Enforce, "", "AssumeRole", nil),
		"its root":       call(Enforce, root, "AssumeRole", nil),
		"a root session": call(Enforce, root, "AssumeRole", &awswire.Session{Kind: awswire.RootSession}),
	} {
		if !errors.As(err, &is) || is.Code != "AccessDenied" || is.Status != 403 || is.Message != "Roles may not be assumed by root accounts." {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"a user":                    call(Enforce, ann, "AssumeRole", nil),
		"a session of a role":       call(Enforce, "arn:aws:sts::111122223333:assumed-role/loader/s", "AssumeRole", &awswire.Session{Kind: awswire.RoleSession, Source: loader}),
		"a web identity":            call(Enforce, "", "AssumeRoleWithWebIdentity", nil),
		"where denials are logged":  call(Log, "", "AssumeRole", nil),
		"where policies do nothing": call(Off, "", "AssumeRole", nil),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
