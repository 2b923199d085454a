package iam

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/brookmere/brookmere/internal/awswire"
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
