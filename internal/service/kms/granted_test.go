package kms

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/engine/state"
)

func newState(t *testing.T) *state.Store {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close(); b.Close() })
	return st
}

const grantAccount = "111122223333"

func user(name string) context.Context {
	c := awswire.Caller{Account: grantAccount, Region: "us-east-1"}
	if name != "" {
		c.Principal = arn.Global("iam", c.Region, c.Account, "user/"+name)
	}
	return awswire.WithCaller(context.Background(), c)
}

// TestGrants: the users have no policies, so that grants alone let them in.
func TestGrants(t *testing.T) {
	var a *authorize.Authorizer
	s, err := New(Config{
		State: newState(t), Sealer: seal.Random(),
		Decide: func(ctx context.Context, action, arn string, keys map[string][]string) error {
			return a.Allow(ctx, action, arn, keys)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a = authorize.New(authorize.Config{Mode: authorize.Enforce, Resources: map[string]authorize.ResourcePolicies{"kms": s}})
	made, err := s.CreateKey(user(""), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	id, on := made.KeyMetadata.KeyId, *made.KeyMetadata.Arn
	grant := func(to string, l *types.GrantConstraints, operations ...types.GrantOperation) *string {
		t.Helper()
		out, err := s.CreateGrant(user(""), &kms.CreateGrantInput{KeyId: id, GranteePrincipal: aws.String(awswire.CallerFrom(user(to)).Principal), Operations: operations, Constraints: l})
		if err != nil {
			t.Fatal(err)
		}
		return out.GrantId
	}
	may := func(who, operation string, encryption map[string]string) bool {
		t.Helper()
		err := a.Allow(user(who), "kms:"+operation, on, contextKeys(awswire.CallerFrom(user(who)), encryption))
		var api smithy.APIError
		if err != nil && (!errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException") {
			t.Fatal(err)
		}
		return err == nil
	}
	check := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	// A grant of before, when it was not looked at whom they name.
	if err := s.grants.Create(t.Context(), &grantDoc{Key: *id, Account: grantAccount, Region: "us-east-1", ID: "old", Grantee: "arn:aws:iam:us-east-1:none:root", Operations: []types.GrantOperation{"Decrypt"}}, grantAccount, "us-east-1", *id, "old"); err != nil {
		t.Fatal(err)
	}
	check("root", may("", "Decrypt", nil), true)
	check("nobody's", may("ann", "Decrypt", nil), false)

	plain := grant("ann", nil, "Decrypt", "DescribeKey")
	check("granted", may("ann", "Decrypt", nil), true)
	check("granted, any context", may("ann", "Decrypt", map[string]string{"a": "b"}), true)
	check("another operation", may("ann", "Encrypt", nil), false)
	check("another user", may("bob", "Decrypt", nil), false)

	bobs := grant("bob", &types.GrantConstraints{EncryptionContextSubset: map[string]string{"Team": "${aws:username}*"}}, "Encrypt", "DescribeKey", "CreateGrant")
	check("subset", may("bob", "Encrypt", map[string]string{"Team": "${aws:username}*", "x": "y"}), true)
	check("subset, another value", may("bob", "Encrypt", map[string]string{"Team": "bob"}), false)
	check("subset, another case", may("bob", "Encrypt", map[string]string{"team": "${aws:username}*"}), false)
	check("subset, no context", may("bob", "Encrypt", nil), false)
	check("no operation of contexts", may("bob", "DescribeKey", nil), true)

	grant("cy", &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "1", "b": "2"}}, "GenerateDataKey")
	check("equals", may("cy", "GenerateDataKey", map[string]string{"b": "2", "a": "1"}), true)
	check("equals, one more", may("cy", "GenerateDataKey", map[string]string{"a": "1", "b": "2", "c": "3"}), false)
	check("equals, one less", may("cy", "GenerateDataKey", map[string]string{"a": "1"}), false)

	// A grantee grants no more than it was granted.
	child := func(l *types.GrantConstraints, operations ...types.GrantOperation) bool {
		c := awswire.CallerFrom(user("bob"))
		return a.Allow(user("bob"), "kms:CreateGrant", on, grantKeys(c, aws.String(c.Principal), nil, operations, l)) == nil
	}
	same := map[string]string{"Team": "${aws:username}*"}
	check("child", child(&types.GrantConstraints{EncryptionContextSubset: same}, "Encrypt"), true)
	check("child, exact", child(&types.GrantConstraints{EncryptionContextEquals: same}, "Encrypt", "DescribeKey"), true)
	check("child, without constraint", child(nil, "Encrypt"), false)
	check("child, another constraint", child(&types.GrantConstraints{EncryptionContextSubset: map[string]string{"Team": "b"}}, "Encrypt"), false)
	check("child, another operation", child(&types.GrantConstraints{EncryptionContextSubset: same}, "Encrypt", "Decrypt"), false)

	// A Deny of the key's policy counts over a grant.
	root := awswire.CallerFrom(user("")).Account
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:stage":"prod"}}}]}`
	if _, err := s.PutKeyPolicy(user(""), &kms.PutKeyPolicyInput{KeyId: id, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	check("denied", may("ann", "Decrypt", map[string]string{"stage": "prod"}), false)
	check("not denied", may("ann", "Decrypt", map[string]string{"stage": "test"}), true)

	// Who may retire it: nobody but the account here.
	if _, err := s.RetireGrant(user("ann"), &kms.RetireGrantInput{KeyId: id, GrantId: plain}); err == nil {
		t.Error("a grantee has retired a grant that does not say so")
	}
	if _, err := s.RevokeGrant(user(""), &kms.RevokeGrantInput{KeyId: id, GrantId: plain}); err != nil {
		t.Fatal(err)
	}
	check("revoked", may("ann", "Decrypt", nil), false)
	own := grant("ann", nil, "Decrypt", "RetireGrant")
	if _, err := s.RetireGrant(user("ann"), &kms.RetireGrantInput{KeyId: id, GrantId: bobs}); err == nil {
		t.Error("a grantee who may retire one grant has retired another's")
	}
	if _, err := s.RetireGrant(user("ann"), &kms.RetireGrantInput{KeyId: id, GrantId: own}); err != nil {
		t.Error(err)
	}
	check("retired", may("ann", "Decrypt", nil), false)
}

// TestNamesOfKeys: a key is found by no name for which its policy is not asked.
func TestNamesOfKeys(t *testing.T) {
	s, err := New(Config{State: newState(t), Sealer: seal.Random()})
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.CreateKey(user(""), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAlias(user(""), &kms.CreateAliasInput{AliasName: aws.String("alias/orders"), TargetKeyId: made.KeyMetadata.KeyId}); err != nil {
		t.Fatal(err)
	}
	here := "arn:aws:kms:us-east-1:" + grantAccount + ":"
	for name, there := range map[string]bool{
		*made.KeyMetadata.KeyId: true, *made.KeyMetadata.Arn: true, "alias/orders": true, here + "alias/orders": true, "alias/aws/s3": true,
		here + "key/alias/orders": false, here + "key/alias/aws/s3": false, here + "key/" + here + "alias/orders": false, "key/" + *made.KeyMetadata.KeyId: false, here + "key/": false,
	} {
		out, err := s.DescribeKey(user(""), &kms.DescribeKeyInput{KeyId: &name})
		if (err == nil) != there {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if on := s.on(awswire.CallerFrom(user("")), &name); there && (len(on) != 1 || on[0] != *out.KeyMetadata.Arn) {
			t.Errorf("of %s the policy of %s is asked", name, on)
		}
	}
}

func TestGrantsThatCannotBe(t *testing.T) {
	s, err := New(Config{State: newState(t), Sealer: seal.Random()})
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.CreateKey(user(""), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	ann := awswire.CallerFrom(user("ann")).Principal
	many := map[string]string{}
	for _, name := range "abcdefghi" {
		many[string(name)] = ""
	}
	for what, in := range map[string]struct {
		to         string
		operations []types.GrantOperation
		limits     *types.GrantConstraints
		code       string
	}{
		"no principal":            {"ann", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"everybody":               {"*", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"all users":               {"arn:aws:iam::111122223333:user/*", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"the root of a region":    {"arn:aws:iam:us-east-1:111122223333:root", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"the root of no account":  {"arn:aws:iam::elevenandone:root", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"a part of the root":      {"arn:aws:iam::111122223333:root/x:root", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"a user without a name":   {"arn:aws:iam::111122223333:user/", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"a group":                 {"arn:aws:iam::111122223333:group/g", []types.GrantOperation{"Decrypt"}, nil, "InvalidArnException"},
		"an operation of others":  {ann, []types.GrantOperation{"Sign"}, nil, "ValidationException"},
		"no operations":           {ann, nil, nil, "ValidationException"},
		"a constraint of nothing": {ann, []types.GrantOperation{"DescribeKey"}, &types.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "b"}}, "ValidationException"},
		"too many pairs":          {ann, []types.GrantOperation{"Decrypt"}, &types.GrantConstraints{EncryptionContextEquals: many}, "ValidationException"},
	} {
		_, err := s.CreateGrant(user(""), &kms.CreateGrantInput{KeyId: made.KeyMetadata.KeyId, GranteePrincipal: &in.to, Operations: in.operations, Constraints: in.limits})
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != in.code {
			t.Errorf("%s: %v, want %s", what, err, in.code)
		}
	}
}
