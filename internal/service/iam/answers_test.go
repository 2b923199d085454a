package iam

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// trusting is a trust policy of one principal.
func trusting(principal, action string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `"}]}`)
}

// TestTrustPrincipals: who is named in a trust policy is there, as far as the node can know.
func TestTrustPrincipals(t *testing.T) {
	s, ctx, _, _ := newService(t)
	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann"), Path: aws.String("/staff/")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("ci"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	other := awswire.WithCaller(ctx, awswire.Caller{Account: "222222222222", Region: "us-east-1"})
	if _, err := s.CreateUser(other, &iam.CreateUserInput{UserName: aws.String("bob")}); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		principal string
		missing   string // of which the error tells; empty: it is created
	}{
		{`{"AWS":"arn:aws:iam::111122223333:user/staff/ann"}`, ""},
		{`{"AWS":"arn:aws-cn:iam::111122223333:user/staff/ann"}`, ""},
		{`{"AWS":["arn:aws:iam::111122223333:role/ci","111122223333"]}`, ""},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/ci/deploy"}`, ""},
		{`{"AWS":"arn:aws:iam::222222222222:user/bob"}`, ""},
		{`{"AWS":"arn:aws:iam::333333333333:role/partner"}`, ""}, // of an account that is elsewhere
		{`{"AWS":"arn:aws:iam::333333333333:root"}`, ""},
		{`{"AWS":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"}`, ""}, // which AWS makes
		{`{"AWS":"arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}`, ""},
		{`{"AWS":"arn:aws:iam::111122223333:user/ann"}`, "arn:aws:iam::111122223333:user/ann"},
		{`{"AWS":["arn:aws:iam::111122223333:role/ci","arn:aws:iam::111122223333:role/gone"]}`, "arn:aws:iam::111122223333:role/gone"},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/gone/deploy"}`, "arn:aws:sts::111122223333:assumed-role/gone/deploy"},
		{`{"AWS":"arn:aws:iam::222222222222:user/eve"}`, "arn:aws:iam::222222222222:user/eve"},
	} {
		_, err := s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(fmt.Sprint("r", i)), AssumeRolePolicyDocument: trusting(tt.principal, "sts:AssumeRole")})
		if tt.missing == "" {
			want(t, tt.principal, err, "", "")
			continue
		}
		want(t, tt.principal, err, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"`+tt.missing+`"`)
		_, err = s.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("ci"), PolicyDocument: trusting(tt.principal, "sts:AssumeRole")})
		want(t, "update: "+tt.principal, err, "MalformedPolicyDocument", tt.missing)
	}
	for _, action := range []string{"sts:InvalidAction", "sts:GetCallerIdentity", "s3:*", "*"} {
		_, err := s.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("ci"), PolicyDocument: trusting(`"*"`, action)})
		want(t, action, err, "MalformedPolicyDocument", "AssumeRole policy may only specify STS AssumeRole actions.")
	}
}

// TestAttachmentQuota: ten policies are attached, the eleventh is not; one that is attached is not counted again, by the
// ARN of whichever partition, and is not deleted.
func TestAttachmentQuota(t *testing.T) {
	s, ctx, _, _ := newService(t)
	user := aws.String("ann")
	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: user}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range maxAttached + 1 {
		out, err := s.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(fmt.Sprint("p", i)), PolicyDocument: aws.String(odd)})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, *out.Policy.Arn)
		_, err = s.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: out.Policy.Arn})
		if i < maxAttached {
			want(t, names[i], err, "", "")
		} else {
			want(t, names[i], err, "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10")
		}
	}
	elsewhere := strings.Replace(names[0], "arn:aws:", "arn:aws-cn:", 1)
	_, err := s.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: &elsewhere})
	want(t, "again by another partition", err, "", "")
	_, err = s.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &elsewhere})
	want(t, "deletion by another partition", err, "DeleteConflict", "attached")
	_, err = s.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: user, PolicyArn: &elsewhere})
	want(t, "detaching by another partition", err, "", "")
	list, err := s.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: user})
	if err != nil || len(list.AttachedPolicies) != maxAttached-1 {
		t.Errorf("%d are attached, %v", len(list.AttachedPolicies), err)
	}
}

// TestPolicyTags: the case of their keys counts, unlike that of roles'.
func TestPolicyTags(t *testing.T) {
	s, ctx, _, _ := newService(t)
	tags := func(keys ...string) (out []types.Tag) {
		for _, k := range keys {
			out = append(out, types.Tag{Key: aws.String(k), Value: aws.String("v")})
		}
		return out
	}
	p, err := s.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(odd), Description: aws.String("d"), Tags: tags("a", "A")})
	if err != nil || p.Policy.Description != nil || len(p.Policy.Tags) != 2 {
		t.Fatalf("%+v %v", p, err)
	}
	_, err = s.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: p.Policy.Arn, Tags: tags("b", "b")})
	want(t, "a key twice", err, "InvalidInput", "Duplicate tag keys found.")
	_, err = s.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: p.Policy.Arn, TagKeys: []string{"a"}})
	want(t, "untag", err, "", "")
	got, err := s.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: p.Policy.Arn})
	if err != nil || len(got.Policy.Tags) != 1 || *got.Policy.Tags[0].Key != "A" || *got.Policy.Description != "d" {
		t.Errorf("%+v %v", got, err)
	}
	_, err = s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust), Tags: tags("a", "A")})
	want(t, "a role's", err, "InvalidInput", "Tag keys are case insensitive")
}

// TestSimulationTellsWhere: the statements that decided with their places, and the keys that no value was given for.
func TestSimulationTellsWhere(t *testing.T) {
	s, ctx, _, _ := newService(t)
	const document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}`
	in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{document}, ActionNames: []string{"dynamodb:CreateBackup"}}
	out, err := s.SimulateCustomPolicy(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	r := out.EvaluationResults[0]
	if r.EvalDecision != types.PolicyEvaluationDecisionTypeImplicitDeny || strings.Join(r.MissingContextValues, " ") != "aws:CurrentTime" || len(r.MatchedStatements) != 0 {
		t.Errorf("without the time: %+v", r)
	}
	in.ContextEntries = []types.ContextEntry{{ContextKeyName: aws.String("aws:currenttime"), ContextKeyValues: []string{"2019-04-25T11:00:00Z"}, ContextKeyType: types.ContextKeyTypeEnumDate}}
	in.ResourceArns = []string{"arn:aws:dynamodb:us-east-1:111122223333:table/t"}
	if out, err = s.SimulateCustomPolicy(ctx, in); err != nil {
		t.Fatal(err)
	}
	r = out.EvaluationResults[0]
	if r.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed || len(r.MissingContextValues) != 0 || len(r.MatchedStatements) != 1 || len(r.ResourceSpecificResults) != 1 {
		t.Fatalf("with the time: %+v", r)
	}
	m := r.MatchedStatements[0]
	if *m.SourcePolicyId != "PolicyInputList.1" || m.SourcePolicyType != "IAM Policy" || *m.StartPosition != (types.Position{Line: 1, Column: 38}) || *m.EndPosition != (types.Position{Line: 1, Column: 167}) {
		t.Errorf("matched %+v %+v %+v", m, m.StartPosition, m.EndPosition)
	}
	keys, err := s.GetContextKeysForCustomPolicy(ctx, &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{document}})
	if err != nil || strings.Join(keys.ContextKeyNames, " ") != "aws:CurrentTime" {
		t.Errorf("keys %+v %v", keys, err)
	}
	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("home"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	of, err := s.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: aws.String("arn:aws:iam::111122223333:user/ann"), PolicyInputList: []string{document}})
	if err != nil || strings.Join(of.ContextKeyNames, " ") != "aws:CurrentTime aws:username" {
		t.Errorf("keys %+v %v", of, err)
	}
	_, err = s.GetContextKeysForPrincipalPolicy(ctx, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: aws.String("arn:aws:iam::111122223333:user/none")})
	want(t, "nobody's keys", err, "NoSuchEntity", "cannot be found")
}

// TestSimulationsAreBounded: pages end before they tell too much, and together have every result once.
func TestSimulationsAreBounded(t *testing.T) {
	s, ctx, _, _ := newService(t)
	document := `{"Version":"2012-10-17","Statement":[` + strings.Repeat(`{"Effect":"Allow","Action":"*","Resource":"*"},`, 999) + `{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	var actions []string
	for i := range maxSimulated {
		actions = append(actions, fmt.Sprint("s3:A", i))
	}
	for _, tt := range []struct {
		policy  string
		actions []string
		most    int // results a page
	}{{odd, actions, 100}, {document, actions[:100], maxTold / 1000}} {
		seen := map[string]bool{}
		in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{tt.policy}, ActionNames: tt.actions}
		for page := 0; page <= maxSimulated; page++ {
			out, err := s.SimulateCustomPolicy(ctx, in)
			if err != nil || len(out.EvaluationResults) > tt.most || len(out.EvaluationResults) == 0 {
				t.Fatalf("page of %d, %v", len(out.EvaluationResults), err)
			}
			for _, r := range out.EvaluationResults {
				seen[*r.EvalActionName] = true
			}
			if in.Marker = out.Marker; !out.IsTruncated {
				break
			}
		}
		if len(seen) != len(tt.actions) || in.Marker != nil {
			t.Errorf("%d results", len(seen))
		}
	}
	_, err := s.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{PolicyInputList: slices.Repeat([]string{document}, 1+maxGiven/len(document)), ActionNames: actions})
	want(t, "too many policies", err, "LimitExceeded", "policies")
}
