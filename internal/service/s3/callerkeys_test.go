package s3

import (
	"reflect"
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// TestKeysOfCallers: what a bucket's policy is told of a caller of another account.
func TestKeysOfCallers(t *testing.T) {
	b := &bucket{Owner: "111111111111", Region: "us-east-1"}
	s := &Service{}
	user := awswire.Caller{Account: "222222222222", Principal: "arn:aws:iam::222222222222:user/team/ann"}
	role := awswire.Caller{Account: "222222222222", Principal: "arn:aws:sts::222222222222:assumed-role/r/s", Session: &awswire.Session{
		Source: "arn:aws:iam::222222222222:role/r", ID: "AROAX:s", Tags: map[string]string{"Team": "blue"}, Keys: map[string][]string{"token.example.com:sub": {"x"}},
	}}
	for _, tt := range []struct {
		caller awswire.Caller
		key    string
		want   []string
	}{
		{user, "aws:principalaccount", []string{"222222222222"}},
		{user, "aws:principaltype", []string{"User"}},
		{user, "aws:username", []string{"ann"}},
		{user, "aws:resourceaccount", []string{"111111111111"}},
		{user, "aws:principaltag/team", nil},
		{role, "aws:principalarn", []string{"arn:aws:iam::222222222222:role/r"}},
		{role, "aws:principaltype", []string{"AssumedRole"}},
		{role, "aws:username", nil},
		{role, "aws:userid", []string{"AROAX:s"}},
		{role, "aws:principaltag/team", []string{"blue"}},
		{role, "token.example.com:sub", []string{"x"}},
		{awswire.Caller{Account: "222222222222"}, "aws:principaltype", []string{"Account"}},
		{awswire.Caller{Anonymous: true}, "aws:principaltype", []string{"Anonymous"}},
		{awswire.Caller{Anonymous: true}, "aws:username", nil},
	} {
		var keys policy.Keys = func(name string) []string { return s.objectKey(name, "s3:ListBucket", b, "", "") }
		if got := withCaller(tt.caller, principalOf(b, tt.caller), keys)(tt.key); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s of %s: %q, want %q", tt.key, tt.caller.Principal, got, tt.want)
		}
	}
}
