package apigateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// TestLogsNeedRole: where logs are written as the account's role, none are set up without one.
func TestLogsNeedRole(t *testing.T) {
	x := newBench(t)
	x.method("GET", "/a", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{Type: types.IntegrationTypeMock})
	x.deploy()
	set := func(path, value string) error {
		_, err := x.s.UpdateStage(x.ctx, &apigateway.UpdateStageInput{RestApiId: &x.api, StageName: aws.String("v1"), PatchOperations: []types.PatchOperation{
			{Op: types.OpReplace, Path: &path, Value: &value}}})
		return err
	}
	const group = "arn:aws:logs:eu-west-1:111111111111:log-group:access"
	needed := true
	x.s.cfg.LogsNeedRole = func() bool { return needed }
	for path, value := range map[string]string{"/accessLogSettings/destinationArn": group, "/*/*/logging/loglevel": "INFO", "/~1a/GET/logging/loglevel": "ERROR"} {
		if err := set(path, value); err == nil || !strings.Contains(err.Error(), "CloudWatch Logs role ARN must be set in account settings to enable logging") {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path, value := range map[string]string{
		"/*/*/logging/loglevel": "OFF", "/*/*/metrics/enabled": "true", "/accessLogSettings/destinationArn": "arn:aws:firehose:eu-west-1:111111111111:deliverystream/amazon-apigateway-a",
	} {
		if err := set(path, value); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	got, err := x.s.GetStage(x.ctx, &apigateway.GetStageInput{RestApiId: &x.api, StageName: aws.String("v1")})
	if err != nil || got.MethodSettings["a/GET"].LoggingLevel != nil || *got.MethodSettings["*/*"].LoggingLevel != "OFF" {
		t.Errorf("the stage has %+v, %v", got.MethodSettings, err)
	}
	if _, err := x.s.UpdateAccount(x.ctx, &apigateway.UpdateAccountInput{PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/cloudwatchRoleArn"), Value: aws.String("arn:aws:iam::111111111111:role/logs")}}}); err != nil {
		t.Fatal(err)
	}
	for path, value := range map[string]string{"/accessLogSettings/destinationArn": group, "/*/*/logging/loglevel": "INFO"} {
		if err := set(path, value); err != nil {
			t.Errorf("%s with a role: %v", path, err)
		}
	}
}
