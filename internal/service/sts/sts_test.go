package sts

import (
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/seal"
)

func TestGetCallerIdentity(t *testing.T) {
	for _, tt := range []struct {
		config       Config
		caller       awswire.Caller
		account, arn string
		wantUserID   string
	}{
		{Config{}, awswire.Caller{}, "000000000000", "arn:aws:iam::000000000000:root", "000000000000"},
		{Config{}, awswire.Caller{Account: "111122223333", AccessKey: "x"}, "111122223333", "arn:aws:iam::111122223333:root", "111122223333"},
		{Config{}, awswire.Caller{Region: "cn-north-1"}, "000000000000", "arn:aws-cn:iam::000000000000:root", "000000000000"},
	} {
		tt.config.Issuer = NewIssuer(seal.Random())
		s, err := New(tt.config)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.GetCallerIdentity(awswire.WithCaller(t.Context(), tt.caller), nil)
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != tt.account || *out.Arn != tt.arn || *out.UserId != tt.wantUserID {
			t.Errorf("%+v: got %s %s %s", tt.caller, *out.Account, *out.Arn, *out.UserId)
		}
	}
}
