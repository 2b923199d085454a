package lambda

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestRolesThatLambdaMayNotAssume creates and changes functions with a role that does not trust the service.
func TestRolesThatLambdaMayNotAssume(t *testing.T) {
	x := newFixture(t)
	x.cfg.Assumable = func(ctx context.Context) error {
		s := awswire.CallerFrom(ctx).Session
		if s == nil || s.Service != "lambda.amazonaws.com" || s.Source != role {
			return awswire.Errorf("AccessDenied", "no")
		}
		return nil
	}
	ctx, other := context.Background(), aws.String("arn:aws:iam::000000000000:role/path/r")
	_, err := x.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: other, Runtime: "python3.12", Handler: aws.String("main.handler"),
		Code: &types.FunctionCode{ZipFile: zipped(t, map[string]string{"main.py": ""})},
	})
	wantCode(t, err, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
	if _, err := x.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f")}); err == nil {
		t.Error("the function is there")
	}
	x.python("f", "def handler(e, c): return 1")
	_, err = x.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Role: other})
	wantCode(t, err, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
	if _, err := x.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Timeout: aws.Int32(5)}); err != nil {
		t.Error(err)
	}
}
