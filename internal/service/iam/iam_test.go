package iam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const account = "111122223333"

var epoch = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func newService(t *testing.T) (*Service, context.Context, *state.Store, *clockwork.FakeClock) {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close(); b.Close() })
	clock := clockwork.NewFakeClockAt(epoch)
	s, err := New(Config{State: st, Sealer: seal.Random(), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return s, awswire.WithCaller(t.Context(), awswire.Caller{Account: account, Region: "us-east-1"}), st, clock
}

// want checks an error by its code and a part of its message; an empty code is none.
func want(t *testing.T, what string, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	switch {
	case code == "" && err == nil:
	case code == "" || !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message):
		t.Errorf("%s: %v, want %s %s", what, err, code, message)
	}
}

// odd is a document as people write them in heredocs.
const odd = "{\n  \"Version\": \"2012-10-17\",\n\t\"Statement\": [\n    {\n      \"Action\": [ \"kinesis:*\" ],\n \"Resource\": \"*\",   \"Effect\":\"Allow\", \"Sid\": \"\"\n    }\n  ]\n}\n"

const trust = "{ \"Version\": \"2012-10-17\",\n \"Statement\": [ { \"Action\": \"sts:AssumeRole\", \"Principal\": { \"Service\": \"firehose.amazonaws.com\" }, \"Effect\": \"Allow\", \"Sid\": \"\" } ] }"

func TestRole(t *testing.T) {
	s, ctx, _, _ := newService(t)
	out, err := s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Loader"), AssumeRolePolicyDocument: aws.String(trust), Path: aws.String("/data/")})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Role.Arn; got != "arn:aws:iam::111122223333:role/data/Loader" || out.Role.MaxSessionDuration != nil || out.Role.RoleLastUsed != nil || len(*out.Role.RoleId) != 21 || (*out.Role.RoleId)[:4] != "AROA" {
		t.Errorf("role %s %s", got, *out.Role.RoleId)
	}
	_, err = s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("loader"), AssumeRolePolicyDocument: aws.String(trust)})
	want(t, "again", err, "EntityAlreadyExists", "Role with name loader already exists.")
	_, err = s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("x"), AssumeRolePolicyDocument: aws.String("{")})
	want(t, "bad trust", err, "MalformedPolicyDocument", "This policy contains invalid Json")
	_, err = s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("x"), AssumeRolePolicyDocument: aws.String(trust), Path: aws.String("no")})
	want(t, "bad path", err, "ValidationError", "path")
	got, err := s.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Loader")})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Role.MaxSessionDuration != 3600 || got.Role.RoleLastUsed == nil {
		t.Errorf("role %+v", got.Role)
	}
	if text, _ := url.QueryUnescape(*got.Role.AssumeRolePolicyDocument); text != trust {
		t.Errorf("trust policy is %q", text)
	}
	if _, err := s.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("Loader"), PolicyName: aws.String("p"), PolicyDocument: aws.String(odd)}); err != nil {
		t.Fatal(err)
	}
	p, err := s.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: aws.String("Loader"), PolicyName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := url.QueryUnescape(*p.PolicyDocument); text != odd {
		t.Errorf("policy is %q", text)
	}
	if strings.ContainsAny(*p.PolicyDocument, "+ \n") {
		t.Errorf("encoded as %s", *p.PolicyDocument)
	}
	managed := aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
	if _, err := s.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("Loader"), PolicyArn: managed}); err != nil {
		t.Fatal(err)
	}
	_, err = s.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("Loader"), PolicyArn: aws.String("arn:aws:iam::aws:policy/None")})
	want(t, "attach none", err, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/None does not exist or is not attachable.")
	id, err := s.Principal(ctx, "arn:aws:iam::111122223333:role/data/Loader")
	if err != nil || len(id.Policies) != 2 || id.Policies[0].Name != "role/Loader/p" || id.Policies[1].Name != *managed {
		t.Errorf("policies of the role: %+v (%v)", id, err)
	}
	for _, other := range []string{"role/Loader", "role/app/Loader", "role/data/loader"} {
		if id, err := s.Principal(ctx, "arn:aws:iam::111122223333:"+other); id != nil || err != nil {
			t.Errorf("%s has the policies of role/data/Loader: %+v (%v)", other, id, err)
		}
	}
	_, err = s.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("Loader")})
	want(t, "delete", err, "DeleteConflict", "must detach all policies first")
	if _, err = s.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("Loader"), PolicyArn: managed}); err != nil {
		t.Error(err)
	}
	_, err = s.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("Loader")})
	want(t, "delete", err, "DeleteConflict", "must delete policies first")
	if _, err = s.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("Loader"), PolicyName: aws.String("p")}); err != nil {
		t.Error(err)
	}
	if _, err = s.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("Loader")}); err != nil {
		t.Error(err)
	}
	_, err = s.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Loader")})
	want(t, "get", err, "NoSuchEntity", "The role with name Loader cannot be found.")
}

func TestUserAndKeys(t *testing.T) {
	s, ctx, st, clock := newService(t)
	if _, err := s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann"), Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("blue")}}}); err != nil {
		t.Fatal(err)
	}
	key, err := s.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	id, secret := *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey
	if len(id) != 20 || id[:4] != "AKIA" || len(secret) != 40 {
		t.Errorf("key %s, secret of %d", id, len(secret))
	}
	k, ok := s.Key(ctx, id)
	if !ok || k.Secret != secret || k.Account != account || k.User != "arn:aws:iam::111122223333:user/ann" {
		t.Errorf("key %+v, %v", k, ok)
	}
	for d := range st.List(state.Key{"iam.key"}) {
		if bytes.Contains(d.Value, []byte(secret)) {
			t.Errorf("the secret is in %s as it is", d.Key)
		}
	}
	if _, err := s.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: &id, Status: types.StatusTypeInactive}); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Key(ctx, id); ok {
		t.Error("an inactive key is taken")
	}
	if _, err := s.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	want(t, "third key", err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	_, err = s.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("ann")})
	want(t, "delete", err, "DeleteConflict", "must delete access keys first")
	s.Used(ctx, id, "kinesis", "eu-west-1")
	used, err := s.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	if err != nil || *used.UserName != "ann" || *used.AccessKeyLastUsed.ServiceName != "kinesis" || !used.AccessKeyLastUsed.LastUsedDate.Equal(clock.Now()) {
		t.Errorf("used %+v (%v)", used, err)
	}
	list, err := s.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("ann")})
	if err != nil || len(list.AccessKeyMetadata) != 2 {
		t.Fatalf("%d keys (%v)", len(list.AccessKeyMetadata), err)
	}
	if _, err := s.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("anna")}); err != nil {
		t.Fatal(err)
	}
	if k, ok := s.Key(ctx, *list.AccessKeyMetadata[1].AccessKeyId); !ok || k.User != "arn:aws:iam::111122223333:user/anna" {
		t.Errorf("after the new name: %+v, %v", k, ok)
	}
	for _, k := range list.AccessKeyMetadata {
		if _, err := s.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("anna"), AccessKeyId: k.AccessKeyId}); err != nil {
			t.Error(err)
		}
		if _, ok := s.Key(ctx, *k.AccessKeyId); ok {
			t.Error("a deleted key is taken")
		}
	}
	if _, err := s.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("anna")}); err != nil {
		t.Error(err)
	}
	_, err = s.TagUser(ctx, &iam.TagUserInput{UserName: aws.String("ann"), Tags: nil})
	want(t, "tag", err, "NoSuchEntity", "The user with name ann cannot be found.")
}

func TestManagedPolicy(t *testing.T) {
	s, ctx, _, _ := newService(t)
	p, err := s.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("admin-policy"), PolicyDocument: aws.String(odd), Path: aws.String("/a/b/")})
	if err != nil {
		t.Fatal(err)
	}
	arn := p.Policy.Arn
	if *arn != "arn:aws:iam::111122223333:policy/a/b/admin-policy" {
		t.Errorf("ARN %s", *arn)
	}
	v, err := s.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := url.QueryUnescape(*v.PolicyVersion.Document); text != odd {
		t.Errorf("document %q", text)
	}
	for i := range 5 {
		_, err := s.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(strings.ReplaceAll(odd, "kinesis", fmt.Sprint("svc", i))), SetAsDefault: i == 2})
		if i < 4 && err != nil {
			t.Error(err)
		}
		if i == 4 {
			want(t, "sixth version", err, "LimitExceeded", "can have up to 5 versions")
		}
	}
	got, err := s.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil || *got.Policy.DefaultVersionId != "v4" || *got.Policy.AttachmentCount != 0 {
		t.Errorf("policy %+v (%v)", got, err)
	}
	_, err = s.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v4")})
	want(t, "delete default", err, "DeleteConflict", "Cannot delete the default version")
	_, err = s.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	want(t, "delete", err, "DeleteConflict", "more than one version")
	if _, err := s.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")})
	if _, err := s.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	id, err := s.Principal(ctx, "arn:aws:iam::111122223333:user/ann")
	if err != nil || len(id.Policies) != 1 || id.Policies[0].Statements[0].ActionNames[0] != "svc2:*" {
		t.Errorf("policies of the user: %+v (%v)", id, err)
	}
	all, err := s.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	if err != nil || len(all.Policies) != 1 || *all.Policies[0].AttachmentCount != 1 {
		t.Errorf("policies %+v (%v)", all, err)
	}
	n, marker := 0, (*string)(nil)
	for {
		page, err := s.ListPolicies(ctx, &iam.ListPoliciesInput{Marker: marker, MaxItems: aws.Int32(7)})
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Policies)
		if !page.IsTruncated {
			break
		}
		marker = page.Marker
	}
	if n != len(awsManaged())+1 {
		t.Errorf("%d policies on pages, %d are there", n, len(awsManaged())+1)
	}
	entities, err := s.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: arn})
	if err != nil || len(entities.PolicyGroups) != 1 || len(entities.PolicyUsers) != 0 {
		t.Errorf("entities %+v (%v)", entities, err)
	}
}

// TestAWSManaged compiles every document of AWS's, and looks for those that pipelines name.
func TestAWSManaged(t *testing.T) {
	for _, p := range awsManaged() {
		if _, err := policy.Parse(p.Versions[0].Document, policy.Identity); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	for _, name := range []string{
		"/service-role/AWSLambdaKinesisExecutionRole", "/service-role/AWSLambdaBasicExecutionRole", "/AmazonKinesisFullAccess", "/AmazonS3FullAccess",
		"/AmazonDynamoDBFullAccess", "/AdministratorAccess", "/ReadOnlyAccess", "/service-role/AWSGlueServiceRole", "/AmazonKinesisFirehoseFullAccess",
		"/AmazonAthenaFullAccess", "/AWSLambda_FullAccess", "/service-role/AmazonAPIGatewayPushToCloudWatchLogs", "/IAMFullAccess",
	} {
		i := strings.LastIndexByte(name, '/')
		if awsManagedPolicy(name[:i+1], name[i+1:]) == nil {
			t.Errorf("no %s", name)
		}
	}
}

func TestOIDCProvider(t *testing.T) {
	s, ctx, _, _ := newService(t)
	p, err := s.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://token.actions.githubusercontent.com"), ClientIDList: []string{"sts.amazonaws.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if *p.OpenIDConnectProviderArn != "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" {
		t.Errorf("ARN %s", *p.OpenIDConnectProviderArn)
	}
	got, err := s.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: p.OpenIDConnectProviderArn})
	if err != nil || *got.Url != "token.actions.githubusercontent.com" || got.ClientIDList[0] != "sts.amazonaws.com" || len(got.ThumbprintList) != 1 {
		t.Errorf("provider %+v (%v)", got, err)
	}
	_, err = s.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://token.actions.githubusercontent.com")})
	want(t, "again", err, "EntityAlreadyExists", "Provider with url https://token.actions.githubusercontent.com already exists.")
	if _, clients, ok := s.OIDC(ctx, account, "token.actions.githubusercontent.com"); !ok || len(clients) != 1 {
		t.Error("the provider is not found by its issuer")
	}
	if _, err := s.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: p.OpenIDConnectProviderArn}); err != nil {
		t.Error(err)
	}
	_, err = s.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: p.OpenIDConnectProviderArn})
	want(t, "get", err, "NoSuchEntity", "OpenIDConnect Provider not found for arn")
}

func TestSimulate(t *testing.T) {
	s, ctx, _, _ := newService(t)
	out, err := s.SimulateCustomPolicy(ctx, &iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:username":"ann"}}},{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/secret"}]}`},
		ActionNames:     []string{"s3:GetObject", "s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::b/k", "arn:aws:s3:::b/secret"},
		ContextEntries: []types.ContextEntry{{ContextKeyName: aws.String("aws:username"), ContextKeyValues: []string{"ann"}, ContextKeyType: types.ContextKeyTypeEnumString}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range out.EvaluationResults {
		got = append(got, string(r.EvalDecision))
	}
	if fmt.Sprint(got) != "[allowed explicitDeny implicitDeny implicitDeny]" {
		t.Errorf("decisions %v", got)
	}
}

func TestAccount(t *testing.T) {
	s, ctx, _, clock := newService(t)
	s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")})
	s.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust)})
	sum, err := s.GetAccountSummary(ctx, nil)
	if err != nil || sum.SummaryMap["Users"] != 1 || sum.SummaryMap["Roles"] != 1 {
		t.Errorf("summary %v (%v)", sum, err)
	}
	if _, err := s.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("mere")}); err != nil {
		t.Error(err)
	}
	if l, err := s.ListAccountAliases(ctx, nil); err != nil || len(l.AccountAliases) != 1 {
		t.Errorf("aliases %v (%v)", l, err)
	}
	_, err = s.GetCredentialReport(ctx, nil)
	want(t, "no report", err, "ReportNotPresent", "")
	s.GenerateCredentialReport(ctx, nil)
	r, err := s.GetCredentialReport(ctx, nil)
	if err != nil || !bytes.Contains(r.Content, []byte("\nann,arn:aws:iam::111122223333:user/ann,2026-05-06T07:08:09+00:00,false,")) {
		t.Errorf("report %s (%v)", r.Content, err)
	}
	clock.Advance(5 * time.Hour)
	_, err = s.GetCredentialReport(ctx, nil)
	want(t, "old report", err, "ReportExpired", "")
	d, err := s.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	if err != nil || len(d.UserDetailList) != 1 || len(d.RoleDetailList) != 1 {
		t.Errorf("details %+v (%v)", d, err)
	}
	other := awswire.WithCaller(t.Context(), awswire.Caller{Account: "999988887777", Region: "us-east-1"})
	if l, err := s.ListUsers(other, &iam.ListUsersInput{}); err != nil || len(l.Users) != 0 {
		t.Errorf("another account sees %v (%v)", l, err)
	}
}
