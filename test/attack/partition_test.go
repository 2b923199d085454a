package attack

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// doorsOfServices is a call of each service on the resource NAME, in the region REGION, of a kind that a policy can deny.
var doorsOfServices = []struct{ service, method, path, target, form, body string }{
	{"kinesis", "POST", "/", "Kinesis_20131202.DescribeStream", "", `{"StreamName":"NAME"}`},
	{"firehose", "POST", "/", "Firehose_20150804.DescribeDeliveryStream", "", `{"DeliveryStreamName":"NAME"}`},
	{"dynamodb", "POST", "/", "DynamoDB_20120810.DescribeTable", "", `{"TableName":"NAME"}`},
	{"dynamodb", "POST", "/", "DynamoDB_20120810.GetItem", "", `{"TableName":"NAME","Key":{"k":{"S":"a"}}}`},
	{"glue", "POST", "/", "AWSGlue.GetDatabase", "", `{"Name":"NAME"}`},
	{"athena", "POST", "/", "AmazonAthena.GetWorkGroup", "", `{"WorkGroup":"NAME"}`},
	{"logs", "POST", "/", "Logs_20140328.PutRetentionPolicy", "", `{"logGroupName":"NAME","retentionInDays":1}`},
	{"kinesisanalytics", "POST", "/", "KinesisAnalytics_20180523.DescribeApplication", "", `{"ApplicationName":"NAME"}`},
	{"sqs", "POST", "/", "AmazonSQS.GetQueueUrl", "", `{"QueueName":"NAME"}`},
	{"kms", "POST", "/", "TrentService.DescribeKey", "", `{"KeyId":"arn:aws:kms:REGION:111111111111:key/00000000-0000-0000-0000-000000NAME"}`},
	{"sns", "POST", "/", "", "Action=GetTopicAttributes&Version=2010-03-31&TopicArn=arn:aws:sns:REGION:111111111111:NAME", ""},
	{"monitoring", "POST", "/", "", "Action=DeleteAlarms&Version=2010-08-01&AlarmNames.member.1=NAME", ""},
	{"iam", "POST", "/", "", "Action=GetUser&Version=2010-05-08&UserName=NAME", ""},
	{"iam", "POST", "/", "", "Action=GetRole&Version=2010-05-08&RoleName=NAME", ""},
	{"s3", "GET", "/NAME", "", "", ""},
	{"s3", "GET", "/NAME/key", "", "", ""},
	{"lambda", "GET", "/2015-03-31/functions/NAME", "", "", ""},
	{"apigateway", "GET", "/restapis/NAME", "", "", ""},
}

// TestDenialsHoldInEveryPartition: whichever region a request is signed for, and with it the partition that ARNs have, what
// a policy denies by the ARNs of "aws" is denied by every service.
func TestDenialsHoldInEveryPartition(t *testing.T) {
	n := startEnforcing(t)
	root := clientsOf(n, owner, "us-east-1")
	const denies = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":[
		"arn:aws:kinesis:*:*:stream/hidden","arn:aws:firehose:*:*:deliverystream/hidden","arn:aws:dynamodb:*:*:table/hidden","arn:aws:glue:*:*:database/hidden",
		"arn:aws:athena:*:*:workgroup/hidden","arn:aws:logs:*:*:log-group:hidden*","arn:aws:kinesisanalytics:*:*:application/hidden","arn:aws:sqs:*:*:hidden",
		"arn:aws:kms:*:*:key/*hidden","arn:aws:sns:*:*:hidden","arn:aws:cloudwatch:*:*:alarm:hidden","arn:aws:iam::111111111111:user/hidden","arn:aws:iam::111111111111:role/hidden",
		"arn:aws:s3:::hidden","arn:aws:s3:::hidden/*","arn:aws:lambda:*:*:function:hidden","arn:aws:apigateway:*::/restapis/hidden"]}]}`
	for _, bucket := range []string{"hidden", "shown0"} {
		must(root.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}))
	}
	eve := makeUser(t, root, "eve", aws.String(denies))
	// The same by the text of who asks, and by the principal of a trust policy.
	must(root.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("eve"), PolicyName: aws.String("q"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"firehose:ListDeliveryStreams","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/eve"}}}]}`)}))
	must(root.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("guarded"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/eve"},"Action":"sts:AssumeRole"}]}`)}))

	client := &http.Client{Timeout: time.Minute}
	call := func(region, service, method, path, target, form, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, n.URL+path, strings.NewReader(form+body))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case target != "":
			r.Header.Set("X-Amz-Target", target)
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		case form != "":
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		sum := sha256.Sum256([]byte(form + body))
		r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		if err := signAs(eve, service, region, time.Now())(r); err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return string(text)
	}
	for _, region := range []string{"us-east-1", "cn-north-1", "us-gov-west-1", "us-isob-east-1", "nowhere-9"} {
		for _, d := range doorsOfServices {
			for name, denied := range map[string]bool{"hidden": true, "shown0": false} {
				fill := strings.NewReplacer("NAME", name, "REGION", region)
				text := call(region, d.service, d.method, fill.Replace(d.path), d.target, fill.Replace(d.form), fill.Replace(d.body))
				if got := strings.Contains(text, "explicit deny"); got != denied {
					t.Errorf("%s %s%s%.40s on %s in %s: %.300s", d.service, d.path, d.target, d.form, name, region, text)
				}
			}
		}
		if text := call(region, "firehose", "POST", "/", "Firehose_20150804.ListDeliveryStreams", "", "{}"); !strings.Contains(text, "explicit deny") {
			t.Errorf("a Deny by the caller's ARN, in %s: %.300s", region, text)
		}
		for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
			form := "Action=AssumeRole&Version=2011-06-15&RoleSessionName=eve&RoleArn=arn:" + partition + ":iam::111111111111:role/guarded"
			if text := call(region, "sts", "POST", "/", "", form, ""); !strings.Contains(text, "explicit deny in a resource-based policy") {
				t.Errorf("a Deny of the trust policy, in %s by %s: %.300s", region, partition, text)
			}
		}
	}
}
