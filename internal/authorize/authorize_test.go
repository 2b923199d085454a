package authorize

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// people knows the policies of principals, by ARN, and the trust policies of roles.
type people struct {
	grants map[string]*policy.Grants
	trust  map[string]string
}

func (p people) Principal(_ context.Context, arn string) (*policy.Grants, error) {
	return p.grants[arn], nil
}
func (p people) Managed(context.Context, string, string) (*policy.Named, error) { return nil, nil }
func (p people) Role(_ context.Context, account, name string) (*policy.AssumableRole, error) {
	text, ok := p.trust[name]
	if !ok {
		return nil, nil
	}
	d, err := policy.Parse(text, policy.Trust)
	return &policy.AssumableRole{ARN: "arn:aws:iam::" + account + ":role/" + name, Trust: d}, err
}

func grants(t testing.TB, statement string) *policy.Grants {
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[`+statement+`]}`, policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return &policy.Grants{ARN: "x", Policies: []policy.Named{{Name: "p", Document: d}}}
}

const (
	ann    = "arn:aws:iam::111122223333:user/ann"
	loader = "arn:aws:iam::111122223333:role/loader"
	spark  = "arn:aws:iam::111122223333:role/spark"
)

func known(t testing.TB) people {
	return people{
		map[string]*policy.Grants{
			ann:    grants(t, `{"Sid":"put","Effect":"Allow","Action":"kinesis:Put*","Resource":"*","Condition":{"StringEquals":{"aws:username":"ann","aws:RequestedRegion":"us-east-1"}}}`),
			loader: grants(t, `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::lake/*"}`),
		},
		map[string]string{"spark": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["glue.amazonaws.com","lambda.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`, "loader": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333","sts:ExternalId":"111122223333"}}}]}`},
	}
}

func as(principal string) context.Context {
	return awswire.WithCaller(context.Background(), awswire.Caller{Account: "111122223333", Region: "us-east-1", Principal: principal, RequestID: "r-" + principal})
}

func TestAllow(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := New(Config{Mode: Enforce, Identities: known(t), Clock: clockwork.NewFakeClockAt(now)})
	const stream = "arn:aws:kinesis:us-east-1:111122223333:stream/s"
	acting := func(service, role string) context.Context {
		return awswire.Acting(context.Background(), "111122223333", "us-east-1", service, role, "arn:aws:firehose:us-east-1:111122223333:deliverystream/d")
	}
	for _, tt := range []struct {
		what, action, resource string
		ctx                    context.Context
		want                   string // empty: allowed
	}{
		{"user", "kinesis:PutRecord", stream, as(ann), ""},
		{"user, another action", "kinesis:DeleteStream", stream, as(ann), "AccessDeniedException: User: " + ann + " is not authorized to perform: kinesis:DeleteStream on resource: " + stream + " because no identity-based policy allows the kinesis:DeleteStream action"},
		{"user, another account's", "kinesis:PutRecord", "arn:aws:kinesis:us-east-1:999988887777:stream/s", as(ann), "because no resource-based policy allows"},
		{"unknown user", "kinesis:PutRecord", stream, as("arn:aws:iam::111122223333:user/gone"), "AccessDeniedException"},
		{"root", "kinesis:DeleteStream", stream, as(""), ""},
		{"S3's words", "s3:GetObject", "arn:aws:s3:::lake/k", as(ann), `AccessDenied: User: ` + ann + ` is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::lake/k" because`},
		{"a service as its role", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", loader), ""},
		{"a service beyond its role", "s3:PutObject", "arn:aws:s3:::other/k", acting("firehose.amazonaws.com", loader), "assumed-role/loader/firehose is not authorized"},
		{"a job beyond its role", "s3:GetObject", "arn:aws:s3:::lake/k", awswire.Acting(context.Background(), "111122223333", "us-east-1", "glue.amazonaws.com", spark, "arn:aws:glue:us-east-1:111122223333:job/j"), "assumed-role/spark/GlueJobRunnerSession is not authorized"},
		{"a crawler beyond its role", "s3:GetObject", "arn:aws:s3:::lake/k", awswire.Acting(context.Background(), "111122223333", "us-east-1", "glue.amazonaws.com", spark, "arn:aws:glue:us-east-1:111122223333:crawler/c"), "assumed-role/spark/AWS-Crawler is not authorized"},
		{"a function beyond its role", "s3:GetObject", "arn:aws:s3:::lake/k", awswire.Acting(context.Background(), "111122223333", "us-east-1", "lambda.amazonaws.com", spark, "arn:aws:lambda:us-east-1:111122223333:function:f:live"), "assumed-role/spark/f is not authorized"},
		{"a service that the role does not trust", "s3:PutObject", "arn:aws:s3:::lake/k", acting("glue.amazonaws.com", loader), "Service: glue.amazonaws.com is not authorized to perform: sts:AssumeRole"},
		{"a role that is not there", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", "arn:aws:iam::111122223333:role/none"), "sts:AssumeRole"},
		{"a role of another path", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", "arn:aws:iam::111122223333:role/app/loader"), "sts:AssumeRole"},
		{"a role of another account", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", "arn:aws:iam::999988887777:role/loader"), "sts:AssumeRole"},
		{"no ARN of a role", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", "arn:aws:iam::111122223333:roles/loader"), "sts:AssumeRole"},
		{"no ARN", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", "loader"), "sts:AssumeRole"},
		{"no role", "s3:PutObject", "arn:aws:s3:::lake/k", acting("firehose.amazonaws.com", ""), ""},
	} {
		err := a.Allow(tt.ctx, tt.action, tt.resource, nil)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
	d := a.Explain("r-" + ann)
	if len(d) == 0 || !d[0].Allowed || d[0].Sid != "put" || d[0].Policy != "p" || d[0].Statement != 1 {
		t.Errorf("decisions %+v", d)
	}
	text, n := a.LeastPolicy(loader, now)
	if _, err := policy.Parse(text, policy.Identity); err != nil || n != 1 || !strings.Contains(text, "arn:aws:s3:::other/k") {
		t.Errorf("least policy of %d actions: %s (%v)", n, text, err)
	}
}

// TestPartitionOfResources: a resource that is named by another partition is the same resource.
func TestPartitionOfResources(t *testing.T) {
	const on = ":kinesis:us-east-1:111122223333:stream/"
	who := people{grants: map[string]*policy.Grants{
		ann: grants(t, `{"Effect":"Allow","Action":"kinesis:*","Resource":"*"},{"Effect":"Deny","Action":"kinesis:*","Resource":"arn:aws`+on+`secret"}`),
	}}
	a := New(Config{Mode: Enforce, Identities: who})
	for resource, denied := range map[string]bool{
		"arn:aws" + on + "s": false, "arn:aws" + on + "secret": true, "arn:aws-cn" + on + "secret": true, "arn:aws-us-gov" + on + "secret": true, "arn:aws-" + on + "secret": true,
		"arn:aws-cn:kinesis:cn-north-1:111122223333:stream/secret": false,
	} {
		if err := a.Allow(as(ann), "kinesis:PutRecord", resource, nil); (err != nil) != denied {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestLogMode(t *testing.T) {
	var log bytes.Buffer
	a := New(Config{Mode: Log, Identities: known(t), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := a.Allow(as(ann), "s3:GetObject", "arn:aws:s3:::lake/k", nil); err != nil {
		t.Errorf("denied: %v", err)
	}
	if !strings.Contains(log.String(), "would be denied") || !strings.Contains(log.String(), "s3:GetObject") {
		t.Errorf("logged %s", log.String())
	}
	if err := a.Trust(as(ann), &policy.Principal{Kind: policy.Federated, Name: "x"}, "sts:AssumeRoleWithWebIdentity", loader, &policy.Document{}, nil, true); err == nil {
		t.Error("a stranger's token has got a role where policies are not enforced")
	}
}

// BenchmarkCall is what deciding adds to a call, the policies at hand.
func BenchmarkCall(b *testing.B) {
	a := New(Config{Mode: Enforce, Identities: known(b)})
	f := awswire.Facts{Service: "kinesis", Operation: "PutRecord", Actions: []string{"kinesis:PutRecord"}, Resources: []string{"arn:aws:kinesis:us-east-1:111122223333:stream/s"}}
	chain := []awswire.Interceptor{a.Intercept}
	ctx := as(ann)
	b.ReportAllocs()
	for b.Loop() {
		if err := awswire.Intercept(ctx, chain, f, func(context.Context) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// shares are the policies of queues, by ARN.
type shares map[string]string

func (s shares) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	return s[resource], "", nil
}

// TestAcross reaches for queues of other accounts where denials do not count: what their policies do not share with the
// caller, or its account, is not there.
func TestAcross(t *testing.T) {
	const queue = "arn:aws:sqs:us-east-1:444455556666:"
	share := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sqs:SendMessage","Resource":"*"}]}`
	}
	gone := errors.New("gone")
	for _, mode := range []Mode{Off, Log} {
		a := New(Config{
			Mode: mode, Identities: known(t), Across: map[string]func() error{"sqs": func() error { return gone }, "sns": func() error { return gone }},
			Resources: map[string]ResourcePolicies{"sqs": shares{
				queue + "account": share(`{"AWS":"111122223333"}`), queue + "ann": share(`{"AWS":"` + ann + `"}`), queue + "all": share(`"*"`), queue + "third": share(`{"AWS":"777788889999"}`),
				queue + "denied": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"sqs:*","Resource":"*"}]}`,
			}},
		})
		for _, tt := range []struct {
			who, action, resource string
			want                  error
		}{
			{"", "sqs:SendMessage", queue + "account", nil},
			{ann, "sqs:SendMessage", queue + "account", nil},
			{ann, "sqs:SendMessage", queue + "ann", nil},
			{"", "sqs:SendMessage", queue + "ann", gone},
			{"", "sqs:SendMessage", queue + "all", nil},
			{"", "sqs:ReceiveMessage", queue + "all", gone},
			{"", "sqs:SendMessage", queue + "third", gone},
			{"", "sqs:SendMessage", queue + "denied", gone},
			{"", "sqs:SendMessage", queue + "none", gone},
			{"", "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:own", nil},
			{"", "kinesis:PutRecord", "arn:aws:kinesis:us-east-1:444455556666:stream/s", nil}, // that service looks in the caller's account alone
		} {
			if err := a.Allow(as(tt.who), tt.action, tt.resource, nil); err != tt.want {
				t.Errorf("%s: %q %s %s: %v, want %v", mode, tt.who, tt.action, tt.resource, err, tt.want)
			}
		}
	}
}

// TestAssumable asks whether services may act as roles that are there and trust them, and others.
func TestAssumable(t *testing.T) {
	a := New(Config{Mode: Enforce, Identities: known(t)})
	for _, tt := range []struct {
		service, role string
		want          bool
	}{
		{"firehose.amazonaws.com", loader, true},
		{"lambda.amazonaws.com", loader, false},
		{"firehose.amazonaws.com", "arn:aws:iam::111122223333:role/path/loader", false},
		{"firehose.amazonaws.com", "arn:aws:iam::111122223333:role/none", false},
		{"firehose.amazonaws.com", "arn:aws:iam::444455556666:role/loader", false},
	} {
		ctx := awswire.Acting(context.Background(), "111122223333", "us-east-1", tt.service, tt.role, "arn:aws:firehose:us-east-1:111122223333:deliverystream/d")
		if err := a.Assumable(ctx); (err == nil) != tt.want {
			t.Errorf("%s as %s: %v", tt.service, tt.role, err)
		}
		if err := New(Config{Mode: Off, Identities: known(t)}).Assumable(ctx); err != nil {
			t.Errorf("where policies are off: %s as %s: %v", tt.service, tt.role, err)
		}
	}
}

// owned are policies of buckets of the account 111122223333.
type owned map[string]string

func (o owned) ResourcePolicy(_ context.Context, resource string) (string, string, error) {
	return o[resource], "111122223333", nil
}

// TestNobodyIsLockedOutOfABucket: a policy that denies everybody everything is taken back by the root of the account, and by
// nobody else; it denies the root all the rest.
func TestNobodyIsLockedOutOfABucket(t *testing.T) {
	const bucket = "arn:aws:s3:::lake"
	a := New(Config{Mode: Enforce, Identities: known(t), Resources: map[string]ResourcePolicies{"s3": owned{
		bucket: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"` + bucket + `"}]}`,
	}}})
	other := awswire.WithCaller(context.Background(), awswire.Caller{Account: "444455556666", Region: "us-east-1"})
	for _, tt := range []struct {
		ctx    context.Context
		action string
		want   bool
	}{
		{as(""), "s3:DeleteBucketPolicy", true},
		{as(""), "s3:PutBucketPolicy", true},
		{as(""), "s3:GetBucketPolicy", true},
		{as(""), "s3:DeleteBucket", false},
		{as(ann), "s3:DeleteBucketPolicy", false},
		{other, "s3:DeleteBucketPolicy", false},
	} {
		if err := a.Allow(tt.ctx, tt.action, bucket, nil); (err == nil) != tt.want {
			t.Errorf("%s of %s: %v", tt.action, awswire.CallerFrom(tt.ctx).Account, err)
		}
	}
}
