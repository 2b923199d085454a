package console_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestDenied signs in as a user who may see some of an account: pages show that, and say of the rest that policies
// do not allow it, where an account without such resources says that there are none yet.
func TestDenied(t *testing.T) {
	needsConsole(t)
	config := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(config, []byte("account: \"123456789012\"\ncredentials:\n  - access_key_id: AKIDCONSOLE\n    secret_access_key: a/long+secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:", Args: []string{"--config", config, "--iam", "enforce"}})
	owner := n.AWS()
	owner.Credentials = credentials.NewStaticCredentialsProvider("AKIDCONSOLE", "a/long+secret", "")
	a := account{t, owner}
	a.streams("orders", "secret")
	people := iam.NewFromConfig(owner)
	_, err := people.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ana")})
	a.must("create the user", err)
	_, err = people.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("ana"), PolicyName: aws.String("reads"), PolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["kinesis:List*", "kinesis:Describe*", "kinesis:Get*"], "Resource": "*"},
		{"Effect": "Deny", "Action": "kinesis:Get*", "Resource": "arn:aws:kinesis:us-east-1:123456789012:stream/secret"}]}`)})
	a.must("put the policy", err)
	key, err := people.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("ana")})
	a.must("create the key", err)
	a.put("orders", `{"order": "o1"}`)

	b := openBrowser(t, n.URL)
	b.open(t, "", "Sign in to this node")
	b.do(t, chromedp.Focus(".signin input[autocomplete=username]"), input.InsertText(*key.AccessKey.AccessKeyId), chromedp.Focus(".signin input[type=password]"), input.InsertText(*key.AccessKey.SecretAccessKey), chromedp.Click(".signin button.primary"))
	b.shows(t, "2 resources", "Not shown, as these credentials may not see them:", "deliveries", "the lake")
	b.do(t, chromedp.Click(".notice summary", chromedp.ByQuery))
	b.shows(t, "is not authorized to perform: firehose:ListDeliveryStreams")
	b.accessible(t)
	b.open(t, "streams/orders", "o1", "These credentials may not see", "they may read it too")
	b.open(t, "streams/secret", "AccessDeniedException", "is not authorized to perform: kinesis:GetShardIterator", "with an explicit deny")
	for page, action := range map[string]string{
		"deliveries": "firehose:ListDeliveryStreams", "functions": "lambda:ListFunctions", "analytics": "kinesisanalytics:ListApplications", "apis": "apigateway:GET", "queues": "sqs:ListQueues", "topics": "SNS:ListSubscriptions",
		"tables": "dynamodb:ListTables", "lake": "glue:GetDatabases", "sql": "glue:GetDatabases", "jobs": "glue:Get", "objects": "s3:ListAllMyBuckets", "logs": "logs:DescribeLogGroups", "metrics": "cloudwatch:ListMetrics", "identity": "iam:List",
	} {
		b.open(t, page, "is not authorized to perform", "brookmere identity explain")
		var text string
		b.do(t, until(`document.querySelector("main").innerText.toLowerCase().includes("`+action+`".toLowerCase()) && document.querySelector("main").innerText`, &text))
		for _, none := range []string{"No delivery streams yet", "No functions yet", "No applications yet", "No APIs yet", "No queues yet", "No topics yet", "No tables yet", "The catalog is empty", "No tables in this database"} {
			if strings.Contains(text, none) {
				t.Errorf("%s says %q of what may not be seen:\n%s", page, none, text)
			}
		}
	}
	b.open(t, "generator", "The node makes records for its owner")
	b.forgive(http.StatusForbidden)
	b.forgive(http.StatusBadRequest)
	b.clean(t)
}

// streams makes streams of one shard.
func (a account) streams(names ...string) {
	a.t.Helper()
	client := kinesis.NewFromConfig(a.cfg)
	for _, name := range names {
		_, err := client.CreateStream(a.t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
		a.must("create the stream", err)
	}
}
