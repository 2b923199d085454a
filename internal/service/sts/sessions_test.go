package sts

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/oidc"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/seal"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestAssumeRole(t *testing.T) {
	key := seal.Random()
	s, err := New(Config{Issuer: NewIssuer(key), AnyAccount: true, Clock: clockwork.NewFakeClockAt(now)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::111122223333:role/path/loader"),
		RoleSessionName: aws.String("night"),
		Tags:            []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "arn:aws:sts::111122223333:assumed-role/loader/night"
	if got := *out.AssumedRoleUser.Arn; got != want {
		t.Errorf("session is %s, want %s", got, want)
	}
	c := out.Credentials
	if !c.Expiration.Equal(now.Add(time.Hour)) {
		t.Errorf("expires %v", c.Expiration)
	}
	session, ok := NewIssuer(key).Session(*c.AccessKeyId, *c.SessionToken) // after a restart
	if !ok || session.Account != "111122223333" || session.Principal != want || session.Secret != *c.SecretAccessKey || !session.Expires.Equal(*c.Expiration) ||
		session.Source != "arn:aws:iam::111122223333:role/path/loader" || session.Tags["team"] != "blue" {
		t.Errorf("session %+v, %v", session, ok)
	}
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: session.Account, Principal: session.Principal, AccessKey: *c.AccessKeyId, Session: session})
	who, err := s.GetCallerIdentity(ctx, nil)
	if err != nil || *who.Arn != want || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("caller is %s %s (%v)", *who.Arn, *who.UserId, err)
	}
	info, err := s.GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: c.AccessKeyId})
	if err != nil || *info.Account != "111122223333" {
		t.Errorf("key is of %s (%v)", *info.Account, err)
	}

	issuer := NewIssuer(key)
	for what, try := range map[string][2]string{
		"another key":     {"ASIAOTHEROTHEROTHERS", *c.SessionToken},
		"a changed token": {*c.AccessKeyId, "B" + (*c.SessionToken)[1:]},
		"a cut token":     {*c.AccessKeyId, (*c.SessionToken)[:20]},
		"no token":        {*c.AccessKeyId, ""},
	} {
		if _, ok := issuer.Session(try[0], try[1]); ok {
			t.Errorf("%s is taken", what)
		}
	}
	if _, ok := NewIssuer(seal.Random()).Session(*c.AccessKeyId, *c.SessionToken); ok {
		t.Error("another node's token is taken")
	}
}

// directory is a little IAM.
type directory struct{ trust *policy.Document }

func (d directory) Role(_ context.Context, account, name string) (*policy.AssumableRole, error) {
	if name != "r" {
		return nil, nil
	}
	return &policy.AssumableRole{ARN: "arn:aws:iam::" + account + ":role/r", ID: "AROAX", Name: "r", Trust: d.trust, MaxSession: 2 * time.Hour}, nil
}
func (d directory) Managed(context.Context, string, string) (*policy.Named, error) { return nil, nil }
func (d directory) OIDC(_ context.Context, account, issuer string) (string, []string, bool) {
	return "arn:aws:iam::" + account + ":oidc-provider/" + issuer, []string{"sts.amazonaws.com"}, issuer == "token.example.com"
}
func (d directory) AccountOfKey(context.Context, string) (string, bool) { return "", false }
func (d directory) RoleUsed(_ context.Context, _, _, _ string)          {}

// trusting decides by the trust policy alone.
type trusting struct{ enforces bool }

func (d trusting) Enforces() bool { return d.enforces }
func (d trusting) Trust(ctx context.Context, who *policy.Principal, action, role string, trust *policy.Document, keys map[string][]string, must bool) error {
	if !d.enforces && !must {
		return nil
	}
	if who == nil {
		c := awswire.CallerFrom(ctx)
		who = &policy.Principal{Kind: policy.Root, Account: c.Account}
	}
	r := policy.Request{Principal: *who, Action: action, Resource: role, Account: "111122223333", ResourceDecides: true, Keys: func(k string) []string {
		for name, v := range keys {
			if strings.EqualFold(name, k) {
				return v
			}
		}
		return nil
	}}
	if !policy.Evaluate(&r, &policy.Policies{Resource: &policy.Named{Document: trust}}).Allowed {
		return awswire.Errorf("AccessDenied", "not trusted")
	}
	return nil
}

type memory struct{ key []byte }

func (m *memory) Load(context.Context) ([]byte, error) { return m.key, nil }
func (m *memory) Save(_ context.Context, key []byte) ([]byte, error) {
	m.key = key
	return key, nil
}

type signerKeys struct{ *oidc.Signer }

func (s signerKeys) Keys(ctx context.Context, issuer string) (oidc.Keys, error) {
	if issuer != "https://token.example.com" {
		return nil, errors.New("unknown")
	}
	return s.Signer.Keys(ctx)
}

func TestTrust(t *testing.T) {
	trust, err := policy.Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"42"}}},
		{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.example.com"},"Action":"sts:AssumeRoleWithWebIdentity",
		 "Condition":{"StringLike":{"token.example.com:sub":"repo:octo/*"},"StringEquals":{"token.example.com:aud":"sts.amazonaws.com"}}}]}`, policy.Trust)
	if err != nil {
		t.Fatal(err)
	}
	signer := oidc.NewSigner(&memory{})
	service := func(enforce, open bool) *Service {
		s, err := New(Config{Issuer: NewIssuer(seal.Random()), AnyAccount: open, Directory: directory{trust}, Decider: trusting{enforce}, Keys: signerKeys{signer}, Clock: clockwork.NewFakeClockAt(now)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	as := func(account string) context.Context {
		return awswire.WithCaller(t.Context(), awswire.Caller{Account: account})
	}
	role := func(s *Service, account, arn, externalID string, seconds int32) error {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x")}
		if externalID != "" {
			in.ExternalId = &externalID
		}
		if seconds > 0 {
			in.DurationSeconds = &seconds
		}
		_, err := s.AssumeRole(as(account), in)
		return err
	}
	web := func(s *Service, with *oidc.Signer, c oidc.Claims) error {
		token, err := with.Sign(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.AssumeRoleWithWebIdentity(as("111122223333"), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::111122223333:role/r"), RoleSessionName: aws.String("x"), WebIdentityToken: &token,
		})
		if err == nil {
			session, ok := s.config.Issuer.Session(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
			if !ok || len(session.Keys["token.example.com:sub"]) != 1 && c["iss"] == "https://token.example.com" {
				t.Errorf("session %+v", session)
			}
		}
		return err
	}
	claims := func(change func(oidc.Claims)) oidc.Claims {
		c := oidc.Claims{"iss": "https://token.example.com", "sub": "repo:octo/repo:ref:refs/heads/main", "aud": "sts.amazonaws.com", "exp": now.Add(time.Hour).Unix()}
		if change != nil {
			change(c)
		}
		return c
	}
	const (
		r    = "arn:aws:iam::111122223333:role/r"
		none = "arn:aws:iam::111122223333:role/none"
	)
	strict, closed, open := service(true, false), service(false, false), service(false, true)
	for _, tt := range []struct {
		what string
		err  error
		want string // empty: none
	}{
		{"external id", role(strict, "999988887777", r, "42", 0), ""},
		{"wrong external id", role(strict, "999988887777", r, "43", 0), "AccessDenied"},
		{"no external id", role(strict, "999988887777", r, "", 0), "AccessDenied"},
		{"not trusted", role(strict, "111122223333", r, "42", 0), "AccessDenied"},
		{"no role", role(strict, "111122223333", none, "", 0), "is not authorized to perform: sts:AssumeRole on resource: " + none},
		{"another path", role(strict, "999988887777", "arn:aws:iam::111122223333:role/p/r", "42", 0), "AccessDenied"},
		{"too long", role(strict, "999988887777", r, "42", 3*3600), "exceeds the MaxSessionDuration"},
		{"not enforced", role(closed, "111122223333", r, "", 0), ""},
		{"not enforced, no role", role(closed, "111122223333", none, "", 0), ""},
		{"not enforced, another account", role(closed, "999988887777", r, "42", 0), "AccessDenied"},
		{"open", role(open, "999988887777", none, "", 0), ""},
		{"no role's ARN", role(open, "999988887777", "arn:aws:iam::111122223333:user/x", "", 0), "ValidationError"},

		{"web", web(strict, signer, claims(nil)), ""},
		{"web, not enforced", web(closed, signer, claims(nil)), ""},
		{"web, another subject", web(strict, signer, claims(func(c oidc.Claims) { c["sub"] = "repo:evil/repo" })), "AccessDenied"},
		{"web, another subject, not enforced", web(closed, signer, claims(func(c oidc.Claims) { c["sub"] = "repo:evil/repo" })), "AccessDenied"},
		{"web, another audience", web(strict, signer, claims(func(c oidc.Claims) { c["aud"] = "x" })), "Incorrect token audience"},
		{"web, expired", web(strict, signer, claims(func(c oidc.Claims) { c["exp"] = now.Add(-time.Hour).Unix() })), "ExpiredToken"},
		{"web, another signer", web(strict, oidc.NewSigner(&memory{}), claims(nil)), "InvalidIdentityToken"},
		{"web, another issuer", web(strict, signer, claims(func(c oidc.Claims) { c["iss"] = "https://other" })), "No OpenIDConnect provider"},
		{"web, open, another issuer", web(open, signer, claims(func(c oidc.Claims) { c["iss"] = "https://other" })), ""},
	} {
		if tt.want == "" && tt.err != nil || tt.want != "" && (tt.err == nil || !strings.Contains(tt.err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.what, tt.err, tt.want)
		}
	}
	_, err = open.AssumeRoleWithWebIdentity(as("111122223333"), &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(r), RoleSessionName: aws.String("x"), WebIdentityToken: aws.String("nothing")})
	if err == nil || !strings.Contains(err.Error(), "not a valid JWT") {
		t.Errorf("no token: %v", err)
	}
}

func TestChain(t *testing.T) {
	s, _ := New(Config{Issuer: NewIssuer(seal.Random()), AnyAccount: true, Clock: clockwork.NewFakeClockAt(now)})
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Principal: "arn:aws:sts::111122223333:assumed-role/a/s", Session: &awswire.Session{
		Tags: map[string]string{"team": "blue", "x": "y"}, Transitive: []string{"team"}, SourceIdentity: "ann",
	}})
	in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/b"), RoleSessionName: aws.String("x")}
	out, err := s.AssumeRole(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	session, _ := s.config.Issuer.Session(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
	if len(session.Tags) != 1 || session.Tags["team"] != "blue" || session.SourceIdentity != "ann" {
		t.Errorf("session %+v", session)
	}
	in.DurationSeconds = aws.Int32(7200)
	if _, err := s.AssumeRole(ctx, in); err == nil || !strings.Contains(err.Error(), "1 hour session limit") {
		t.Errorf("two hours: %v", err)
	}
	in.DurationSeconds, in.Tags = nil, []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
	if _, err := s.AssumeRole(ctx, in); err == nil || !strings.Contains(err.Error(), "conflicts with a transitive tag key") {
		t.Errorf("another value of a transitive tag: %v", err)
	}
	if _, err := s.GetSessionToken(ctx, &sts.GetSessionTokenInput{}); err == nil {
		t.Error("a session has got a session token")
	}
	in.Tags, in.Policy = nil, aws.String(`{`)
	if _, err := s.AssumeRole(ctx, in); err == nil || !strings.Contains(err.Error(), "MalformedPolicyDocument") {
		t.Errorf("session policy: %v", err)
	}
}

func FuzzSession(f *testing.F) {
	issuer := NewIssuer(seal.Random())
	key, _, token := issuer.Issue(&awswire.Session{Account: "111122223333", Expires: time.Unix(1, 0)})
	f.Add(key, token)
	f.Fuzz(func(t *testing.T, key, token string) {
		issuer.Session(key, token)
		accountOfKey(key)
	})
}

// TestTransitiveTags: keys of tags are told apart without their case, and what a session hands on cannot be changed.
func TestTransitiveTags(t *testing.T) {
	s, err := New(Config{Issuer: NewIssuer(seal.Random()), AnyAccount: true, Clock: clockwork.NewFakeClockAt(now)})
	if err != nil {
		t.Fatal(err)
	}
	assume := func(ctx context.Context, transitive []string, tags ...string) (*sts.AssumeRoleOutput, error) {
		in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/r"), RoleSessionName: aws.String("s"), TransitiveTagKeys: transitive}
		for _, k := range tags {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String("of " + k)})
		}
		return s.AssumeRole(ctx, in)
	}
	fails := func(err error, want string) {
		t.Helper()
		if err == nil || err.Error() != "api error InvalidParameterValue: "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err = assume(t.Context(), []string{"other"}, "team")
	fails(err, "The specified transitive tag key must be included in the requested tags.")
	_, err = assume(t.Context(), nil, "team", "TEAM")
	fails(err, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	out, err := assume(t.Context(), []string{"TEAM"}, "team")
	if err != nil {
		t.Fatal(err)
	}
	session, ok := s.config.Issuer.Session(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
	if !ok {
		t.Fatal("the session is not one")
	}
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: session.Account, Principal: session.Principal, Session: session})
	_, err = assume(ctx, nil, "Team")
	fails(err, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
	if out, err = assume(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if session, _ = s.config.Issuer.Session(*out.Credentials.AccessKeyId, *out.Credentials.SessionToken); session.Tags["team"] != "of team" {
		t.Errorf("the tags of the second session are %v", session.Tags)
	}
	federated, err := s.GetFederationToken(awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333"}), &sts.GetFederationTokenInput{Name: aws.String("n")})
	//lint:ignore SA1019 clients read it
	if err != nil || *federated.PackedPolicySize != 0 {
		t.Errorf("%+v %v", federated, err)
	}
}
