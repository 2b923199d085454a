package authorize

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	resttypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	httptypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func TestRolesThatGlueTakesByName(t *testing.T) {
	for _, tt := range []struct {
		service string
		in      any
		want    string
	}{
		{"glue", &glue.CreateJobInput{Role: aws.String("admin")}, "admin"},
		{"glue", &glue.CreateJobInput{Role: aws.String("/service/admin")}, "service/admin"},
		{"glue", &glue.CreateJobInput{Role: aws.String(" x")}, " x"}, // which is not a role: it may not be passed
		{"glue", &glue.CreateJobInput{Role: aws.String("arn:aws:iam::111122223333:role/admin")}, ""},
		{"glue", &glue.CreateJobInput{}, ""},
		{"glue", &glue.UpdateJobInput{JobUpdate: &types.JobUpdate{Role: aws.String("admin")}}, "admin"},
		{"glue", &glue.UpdateJobInput{}, ""},
		{"glue", &glue.CreateCrawlerInput{Role: aws.String("admin")}, "admin"},
		{"glue", (*glue.CreateCrawlerInput)(nil), ""},
		{"lambda", &glue.CreateJobInput{Role: aws.String("admin")}, ""},
	} {
		if got := glueRole(tt.service, tt.in); got != tt.want {
			t.Errorf("%s %+v: %q, want %q", tt.service, tt.in, got, tt.want)
		}
	}
}

func patch(path, value string) []resttypes.PatchOperation {
	return []resttypes.PatchOperation{{Op: resttypes.OpReplace, Path: &path, Value: &value}}
}

// TestRolesThatArePassed finds roles in inputs, of forms that are no role's too: they are refused, and not passed over.
func TestRolesThatArePassed(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/admin"
	for _, tt := range []struct {
		in   any
		want string
	}{
		{&sns.SubscribeInput{Attributes: map[string]string{"SubscriptionRoleArn": role, "RawMessageDelivery": "true"}}, "[" + role + "]"},
		{&sns.SubscribeInput{Attributes: map[string]string{"FilterPolicy": role}}, "[]"},
		{&glue.CreateJobInput{Role: aws.String(role)}, "[" + role + "]"},
		{&glue.CreateJobInput{Role: aws.String("arn:aws:iam:us-east-1:111122223333:role/admin")}, "[arn:aws:iam:us-east-1:111122223333:role/admin]"},
		{&glue.CreateJobInput{Role: aws.String("ARN:aws:iam::111122223333:role/a b")}, "[ARN:aws:iam::111122223333:role/a b]"},
		{&glue.CreateJobInput{Role: aws.String("arn:aws:iam::*:user/*")}, "[]"}, // as integrations name their caller
		{&apigateway.PutIntegrationInput{Credentials: aws.String(role)}, "[" + role + "]"},
		{&apigateway.CreateAuthorizerInput{AuthorizerCredentials: aws.String(role)}, "[" + role + "]"},
		{&apigateway.UpdateIntegrationInput{PatchOperations: patch("/credentials", role)}, "[" + role + "]"},
		{&apigateway.UpdateAuthorizerInput{PatchOperations: patch("/authorizerCredentials", role)}, "[" + role + "]"},
		{&apigateway.UpdateAccountInput{PatchOperations: patch("/cloudwatchRoleArn", role)}, "[" + role + "]"},
		{&apigateway.UpdateIntegrationInput{PatchOperations: patch("/uri", role)}, "[]"},
		{&apigatewayv2.CreateIntegrationInput{CredentialsArn: aws.String(role)}, "[" + role + "]"},
		{&apigatewayv2.UpdateAuthorizerInput{AuthorizerCredentialsArn: aws.String(role)}, "[" + role + "]"},
		{&apigatewayv2.CreateApiInput{CredentialsArn: aws.String(role), CorsConfiguration: &httptypes.Cors{AllowCredentials: aws.Bool(true)}}, "[" + role + "]"},
	} {
		roles := []string{}
		findRoles(reflect.ValueOf(tt.in), false, 0, &roles)
		if got := fmt.Sprint(roles); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.in, got, tt.want)
		}
	}
	if got := attributeRole(&sns.SetSubscriptionAttributesInput{AttributeName: aws.String("SubscriptionRoleArn"), AttributeValue: aws.String(role)}); got != role {
		t.Errorf("of one attribute: %q", got)
	}
}
