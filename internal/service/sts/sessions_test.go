package sts

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
)

func TestAssumeRole(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	issuer := NewIssuer([]byte("k"))
	s, err := New(Config{Issuer: issuer, AnyAccount: true, Clock: clockwork.NewFakeClockAt(now)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::111122223333:role/path/loader"),
		RoleSessionName: aws.String("night"),
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
	session, ok := NewIssuer([]byte("k")).Session(*c.AccessKeyId, *c.SessionToken)
	if !ok || session.Account != "111122223333" || session.Principal != want || session.Secret != *c.SecretAccessKey || !session.Expires.Equal(*c.Expiration) {
		t.Errorf("session %+v, %v", session, ok)
	}
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: session.Account, Principal: session.Principal, AccessKey: *c.AccessKeyId})
	who, err := s.GetCallerIdentity(ctx, nil)
	if err != nil || *who.Arn != want || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("caller is %s %s (%v)", *who.Arn, *who.UserId, err)
	}
	info, err := s.GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: c.AccessKeyId})
	if err != nil || *info.Account != "111122223333" {
		t.Errorf("key is of %s (%v)", *info.Account, err)
	}

	for what, try := range map[string][2]string{
		"another key":     {"ASIAOTHEROTHEROTHERS", *c.SessionToken},
		"a changed token": {*c.AccessKeyId, "A" + (*c.SessionToken)[1:]},
		"a cut token":     {*c.AccessKeyId, (*c.SessionToken)[:20]},
		"no token":        {*c.AccessKeyId, ""},
	} {
		if _, ok := issuer.Session(try[0], try[1]); ok {
			t.Errorf("%s is taken", what)
		}
	}
	if _, ok := NewIssuer([]byte("other")).Session(*c.AccessKeyId, *c.SessionToken); ok {
		t.Error("another node's token is taken")
	}
}

func TestAssumeRoleRefusals(t *testing.T) {
	own := awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333"})
	strict, _ := New(Config{Issuer: NewIssuer(nil)})
	open, _ := New(Config{Issuer: NewIssuer(nil), AnyAccount: true})
	role := func(s *Service, ctx context.Context, arn, policy string) error {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("x")}
		if policy != "" {
			in.Policy = &policy
		}
		_, err := s.AssumeRole(ctx, in)
		return err
	}
	web := func(payload string) error {
		_, err := open.AssumeRoleWithWebIdentity(own, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::111122223333:role/r"), RoleSessionName: aws.String("x"),
			WebIdentityToken: aws.String("h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s"),
		})
		return err
	}
	for _, tt := range []struct {
		err  error
		want string // empty: none
	}{
		{role(strict, own, "arn:aws:iam::111122223333:role/r", ""), ""},
		{role(strict, own, "arn:aws:iam::999999999999:role/r", ""), "AccessDenied"},
		{role(open, own, "arn:aws:iam::999999999999:role/r", ""), ""},
		{role(open, own, "arn:aws:iam::999999999999:user/r", ""), "ValidationError"},
		{role(open, own, "arn:aws:iam::999999999999:role/r", "{"), "MalformedPolicyDocument"},
		{web(`{"sub":"s","iss":"https://i","aud":"a","exp":9999999999}`), ""},
		{web(`{"sub":"s","exp":1}`), "ExpiredToken"},
		{web(`nothing`), "InvalidIdentityToken"},
	} {
		if tt.want == "" && tt.err != nil || tt.want != "" && (tt.err == nil || !strings.Contains(tt.err.Error(), tt.want)) {
			t.Errorf("got %v, want %q", tt.err, tt.want)
		}
	}
}

func FuzzSession(f *testing.F) {
	issuer := NewIssuer([]byte("k"))
	_, _, token := issuer.issue("111122223333", "", time.Unix(1, 0))
	f.Add("ASIA", token)
	f.Fuzz(func(t *testing.T, key, token string) {
		issuer.Session(key, token)
		accountOfKey(key)
		_, _ = parseIdentity(token)
	})
}
