package attack

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestPoliciesOfLogGroups: resource policies let in whom they name, keep out whom they deny, and nobody else.
func TestPoliciesOfLogGroups(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	client := func(c aws.Credentials) *cloudwatchlogs.Client {
		return cloudwatchlogs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: c}, RetryMaxAttempts: 1})
	}
	all := client(owner)
	for _, group := range []string{"/app/open", "/app/shut"} {
		must(all.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}))
	}
	ann, bob := client(makeUser(t, root, "ann", nil)), client(makeUser(t, root, "bob", allow("logs:*", "*")))
	create := func(c *cloudwatchlogs.Client, group, stream string) error {
		_, err := c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
		return err
	}
	denied(t, "without a policy", create(ann, "/app/open", "a"), "AccessDeniedException")
	for name, statement := range map[string]string{
		"in":  `{"Sid":"s","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/ann"},"Action":"logs:CreateLogStream","Resource":"arn:aws:logs:us-east-1:111111111111:log-group:/app/open:*"}`,
		"out": `[{"Sid":"s","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"logs:*","Resource":"arn:aws:logs:us-east-1:111111111111:log-group:/app/shut:*"}]`,
	} {
		must(all.PutResourcePolicy(ctx, &cloudwatchlogs.PutResourcePolicyInput{PolicyName: &name, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":` + statement + `}`)}))
	}
	if err := create(ann, "/app/open", "a"); err != nil {
		t.Error(err)
	}
	if err := create(bob, "/app/open", "b"); err != nil {
		t.Error(err)
	}
	denied(t, "another group", create(ann, "/app/shut", "a"), "AccessDeniedException")
	denied(t, "a denial", create(bob, "/app/shut", "b"), "with an explicit deny in a resource-based policy")
	must(all.DeleteResourcePolicy(ctx, &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("in")}))
	denied(t, "after the policy has gone", create(ann, "/app/open", "c"), "AccessDeniedException")
	_, err := all.PutResourcePolicy(ctx, &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String("bad"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}`)})
	denied(t, "what is no policy", err, "InvalidParameterException")
}
