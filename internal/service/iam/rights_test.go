package iam

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// TestRightsOfDelegates: what those need who administer users and roles below a path, or within a boundary.
func TestRightsOfDelegates(t *testing.T) {
	s, ctx, _, _ := newService(t)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	document := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:*","Resource":"*"}]}`)
	p, err := s.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("limit"), PolicyDocument: document})
	must(p, err)
	limit := p.Policy.Arn
	must(s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bounded"), Path: aws.String("/dev/"), PermissionsBoundary: limit}))
	must(s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("free")}))
	must(s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust), PermissionsBoundary: limit}))
	must(s.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g"), Path: aws.String("/dev/")}))
	rights, err := s.API().Rights()
	must(rights, err)
	c := awswire.CallerFrom(ctx)
	const of = "arn:aws:iam::111122223333:"

	// Who moves a user or a group needs both the old name and the new one.
	for _, tt := range []struct {
		operation string
		input     any
		want      []string
	}{
		{"UpdateUser", &iam.UpdateUserInput{UserName: aws.String("bounded")}, []string{of + "user/dev/bounded"}},
		{"UpdateUser", &iam.UpdateUserInput{UserName: aws.String("bounded"), NewPath: aws.String("/")}, []string{of + "user/dev/bounded", of + "user/bounded"}},
		{"UpdateUser", &iam.UpdateUserInput{UserName: aws.String("bounded"), NewUserName: aws.String("x")}, []string{of + "user/dev/bounded", of + "user/dev/x"}},
		{"UpdateUser", &iam.UpdateUserInput{UserName: aws.String("free"), NewPath: aws.String("/ops/"), NewUserName: aws.String("x")}, []string{of + "user/free", of + "user/ops/x"}},
		{"UpdateGroup", &iam.UpdateGroupInput{GroupName: aws.String("g"), NewPath: aws.String("/a/b/")}, []string{of + "group/dev/g", of + "group/a/b/g"}},
	} {
		var got []string
		for _, n := range rights.Needs(c, tt.operation, tt.input) {
			got = append(got, n.Resource)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s needs %v, want %v", tt.operation, got, tt.want)
		}
	}

	// iam:PermissionsBoundary is the boundary of whom a policy is for; iam:PolicyARN stays.
	for _, tt := range []struct {
		operation string
		input     any
		bounded   bool
	}{
		{"PutUserPolicy", &iam.PutUserPolicyInput{UserName: aws.String("bounded")}, true},
		{"PutUserPolicy", &iam.PutUserPolicyInput{UserName: aws.String("free")}, false},
		{"DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: aws.String("bounded")}, true},
		{"AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: aws.String("bounded"), PolicyArn: limit}, true},
		{"AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: aws.String("free"), PolicyArn: limit}, false},
		{"DetachUserPolicy", &iam.DetachUserPolicyInput{UserName: aws.String("bounded"), PolicyArn: limit}, true},
		{"DeleteUserPermissionsBoundary", &iam.DeleteUserPermissionsBoundaryInput{UserName: aws.String("bounded")}, true},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: aws.String("r")}, true},
		{"AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: limit}, true},
		{"DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: limit}, true},
		{"DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: aws.String("r")}, true},
		{"DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("r")}, true},
	} {
		keys := rights.Needs(c, tt.operation, tt.input)[0].Keys()
		if got := len(keys["iam:PermissionsBoundary"]) == 1 && keys["iam:PermissionsBoundary"][0] == *limit; got != tt.bounded {
			t.Errorf("%s: the keys are %v", tt.operation, keys)
		}
		switch tt.operation {
		case "AttachUserPolicy", "DetachUserPolicy", "AttachRolePolicy", "DetachRolePolicy":
			if !slices.Equal(keys["iam:PolicyARN"], []string{*limit}) {
				t.Errorf("%s: the keys are %v", tt.operation, keys)
			}
		}
	}
}

// TestStoredTrust: a trust policy with an action that is refused now, of a role that is there already, lets in whom its other
// actions let in. New ones name no NotPrincipal.
func TestStoredTrust(t *testing.T) {
	s, ctx, _, _ := newService(t)
	if _, err := s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("old"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	const stored = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","s3:GetObject"]}]}`
	if _, err := s.modifyRole(ctx, aws.String("old"), func(r *roleDoc) error { r.Trust = stored; return nil }); err != nil {
		t.Fatal(err)
	}
	r, err := s.Role(ctx, "111122223333", "old")
	if err != nil || r == nil || len(r.Trust.Statements) != 1 {
		t.Errorf("the role is %+v, %v", r, err)
	}
	_, err = s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(stored)})
	want(t, "the same now", err, "MalformedPolicyDocument", "AssumeRole policy may only specify STS AssumeRole actions.")
	_, err = s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}]}`)})
	want(t, "NotPrincipal", err, "MalformedPolicyDocument", "NotPrincipal")
}

// TestTrustEndsWithWhoIsTrusted: who is made under the name of a deleted user, whom a role trusted, is not trusted; a renamed one is.
func TestTrustEndsWithWhoIsTrusted(t *testing.T) {
	s, ctx, _, _ := newService(t)
	user := func(name string) *types.User {
		t.Helper()
		out, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return out.User
	}
	ann := user("ann")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + *ann.Arn + `"},"Action":"sts:AssumeRole"}]}`
	made, err := s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust})
	if err != nil || *made.Role.AssumeRolePolicyDocument != *encode(trust) {
		t.Fatalf("%v (%v)", made, err)
	}
	trusts := func(what, arn, id string, want bool) {
		t.Helper()
		account := scopeOf(ctx).account
		r, err := s.Role(ctx, account, "r")
		if err != nil {
			t.Fatal(err)
		}
		p := policy.Policies{Resource: &policy.Named{Document: r.Trust}}
		who := policy.Principal{Kind: policy.User, Account: account, ARN: arn, ID: id}
		if got := policy.Evaluate(&policy.Request{Principal: who, Action: "sts:AssumeRole", Resource: r.ARN, ResourceDecides: true}, &p).Allowed; got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	trusts("the user", *ann.Arn, *ann.UserId, true)
	if _, err := s.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("anna")}); err != nil {
		t.Fatal(err)
	}
	trusts("the renamed user", strings.TrimSuffix(*ann.Arn, "ann")+"anna", *ann.UserId, true)
	other := user("ann")
	trusts("another user of the name", *other.Arn, *other.UserId, false)
	got, err := s.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")})
	if err != nil || !strings.Contains(*got.Role.AssumeRolePolicyDocument, *ann.UserId) {
		t.Errorf("the trust policy does not tell whose it was: %v (%v)", got, err)
	}
	if _, err := s.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("r"), PolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	trusts("set again", *other.Arn, *other.UserId, true)
}

// TestWithIDs: principals that are gone are named by their ids, and nothing else of the document changes.
func TestWithIDs(t *testing.T) {
	ids := map[string]string{"arn:aws:iam::1:user/ann": "AIDAANN", "arn:aws:iam::1:role/r": "AROAR"}
	for _, tt := range []struct {
		document, want string
		ok             bool
	}{
		{`{"Statement": [{"Principal": {"AWS": ["arn:aws:iam::1:user\/ann" , "arn:aws:iam::1:role/r", "2"]}, "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::1:user/ann"}}}] }`,
			`{"Statement": [{"Principal": {"AWS": ["AIDAANN" , "AROAR", "2"]}, "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::1:user/ann"}}}] }`, true},
		{`{"Statement":{"Principal":{"AWS":"arn:aws:iam::1:role/r"},"Sid":"arn:aws:iam::1:user/ann"}}`, `{"Statement":{"Principal":{"AWS":"AROAR"},"Sid":"arn:aws:iam::1:user/ann"}}`, false},
		{`{"Statement":[{"Principal":{"AWS":"arn:aws:iam::1:role/r"}},{"Sid":"a","Principal":{"Service":["x"],"AWS":"arn:aws:iam::1:user/\u0061nn"}}]}`,
			`{"Statement":[{"Principal":{"AWS":"AROAR"}},{"Sid":"a","Principal":{"Service":["x"],"AWS":"AIDAANN"}}]}`, true},
		{`{"Statement":`, `{"Statement":`, false},
		{`[]]`, `[]]`, false},
	} {
		if got, ok := withIDs(tt.document, ids); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %s, %v", tt.document, got, ok)
		}
	}
}
