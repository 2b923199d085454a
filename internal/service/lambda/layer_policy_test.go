package lambda

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestLayersOfOthers: a function has layers of other accounts that their policies let its account use, and no others.
func TestLayersOfOthers(t *testing.T) {
	x := newFixture(t)
	owner := awswire.WithCaller(context.Background(), awswire.Caller{Account: "111111111111", Region: "us-east-1"})
	ctx := context.Background()
	for range 2 {
		if _, err := x.PublishLayerVersion(owner, &lambda.PublishLayerVersionInput{
			LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{ZipFile: zipped(t, map[string]string{"python/lent.py": "word = 'lent'"})},
		}); err != nil {
			t.Fatal(err)
		}
	}
	const layer = "arn:aws:lambda:us-east-1:111111111111:layer:l"
	f := aws.String("f")
	x.python("f", "def handler(e, c):\n    import lent\n    return lent.word")
	use := func(arn string) error {
		return second(x.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: f, Layers: []string{arn}}))
	}
	add := func(version int64, id, principal string, change ...func(*lambda.AddLayerVersionPermissionInput)) (*lambda.AddLayerVersionPermissionOutput, error) {
		in := &lambda.AddLayerVersionPermissionInput{LayerName: aws.String("l"), VersionNumber: &version, StatementId: &id, Action: aws.String("lambda:GetLayerVersion"), Principal: &principal}
		for _, c := range change {
			c(in)
		}
		return x.AddLayerVersionPermission(owner, in)
	}
	wantCode(t, use(layer+":1"), "AccessDeniedException", "lambda:GetLayerVersion on resource: "+layer+":1")
	wantCode(t, use(layer+":9"), "AccessDeniedException", "lambda:GetLayerVersion") // whether it is there is not told
	if _, err := add(1, "org", "*", func(in *lambda.AddLayerVersionPermissionInput) { in.OrganizationId = aws.String("o-1") }); err != nil {
		t.Fatal(err)
	}
	wantCode(t, use(layer+":1"), "AccessDeniedException", "")
	out, err := add(1, "lent", "000000000000")
	if err != nil {
		t.Fatal(err)
	}
	var st map[string]any
	if err := json.Unmarshal([]byte(*out.Statement), &st); err != nil || st["Resource"] != layer+":1" || st["Principal"].(map[string]any)["AWS"] != "arn:aws:iam::000000000000:root" {
		t.Errorf("%s, %v", *out.Statement, err)
	}
	if err := use(layer + ":1"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, use(layer+":2"), "AccessDeniedException", "")
	if got, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f}); err != nil || string(got.Payload) != `"lent"` {
		t.Errorf("%s, %v", got.Payload, err)
	}
	for name, err := range map[string]error{
		"by its ARN":  second(x.GetLayerVersionByArn(ctx, &lambda.GetLayerVersionByArnInput{Arn: aws.String(layer + ":1")})),
		"by its name": second(x.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: aws.String(layer), VersionNumber: aws.Int64(1)})),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantCode(t, second(x.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: aws.String(layer), VersionNumber: aws.Int64(2)})), "AccessDeniedException", "")
	wantCode(t, second(x.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String(layer), VersionNumber: aws.Int64(1)})), "ResourceNotFoundException", "")

	const missing, stale = "ResourceNotFoundException", "PreconditionFailedException"
	policy := func(name string, version int64) error {
		return second(x.GetLayerVersionPolicy(owner, &lambda.GetLayerVersionPolicyInput{LayerName: &name, VersionNumber: &version}))
	}
	remove := func(version int64, id string, revision *string) error {
		return second(x.RemoveLayerVersionPermission(owner, &lambda.RemoveLayerVersionPermissionInput{LayerName: aws.String("l"), VersionNumber: &version, StatementId: &id, RevisionId: revision}))
	}
	wantCode(t, second(add(1, "lent", "*")), "ResourceConflictException", "The statement id (lent) provided already exists.")
	wantCode(t, second(add(1, "more", "*", func(in *lambda.AddLayerVersionPermissionInput) { in.RevisionId = aws.String("old") })), stale, "Call the GetLayerPolicy API")
	wantCode(t, second(add(3, "more", "*")), missing, "Layer version "+layer+":3 does not exist.")
	wantCode(t, policy("l", 2), missing, "No policy is associated with the given resource.")
	wantCode(t, policy("none", 1), missing, "Layer version arn:aws:lambda:us-east-1:111111111111:layer:none:1 does not exist.")
	wantCode(t, remove(3, "lent", nil), missing, "Layer version "+layer+":3 does not exist.")
	wantCode(t, remove(1, "none", nil), missing, "Statement none is not found in resource policy.")
	wantCode(t, remove(1, "lent", aws.String("old")), stale, "Call the GetLayerPolicy API")
	if err := remove(1, "lent", out.RevisionId); err != nil {
		t.Fatal(err)
	}
	wantCode(t, use(layer+":1"), "AccessDeniedException", "")
	if got, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f}); err != nil || string(got.Payload) != `"lent"` {
		t.Errorf("a function that has it: %s, %v", got.Payload, err)
	}
}
