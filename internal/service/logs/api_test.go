package logs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestResourcesOfPolicies: what policies are asked about has AWS's forms.
func TestResourcesOfPolicies(t *testing.T) {
	rights, err := new(Service).API().Rights()
	if err != nil {
		t.Fatal(err)
	}
	const here = "arn:aws:logs:us-east-1:111122223333:log-group:"
	for _, tt := range []struct {
		operation string
		in        any
		want      string
	}{
		{"DescribeLogGroups", &logs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/app")}, here + ":log-stream:"},
		{"ListLogGroups", &logs.ListLogGroupsInput{}, here + ":log-stream:"},
		{"CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: aws.String("/app")}, here + "/app:log-stream:"},
		{"FilterLogEvents", &logs.FilterLogEventsInput{LogGroupIdentifier: aws.String(here + "/app:*")}, here + "/app:log-stream:"},
		{"PutLogEvents", &logs.PutLogEventsInput{LogGroupName: aws.String("/app"), LogStreamName: aws.String("s")}, here + "/app:log-stream:s"},
		{"TagResource", &logs.TagResourceInput{ResourceArn: aws.String(here + "/app")}, here + "/app"},
	} {
		needs := rights.Needs(awswire.Caller{Account: "111122223333", Region: "us-east-1"}, tt.operation, tt.in)
		if len(needs) != 1 || needs[0].Action != "logs:"+tt.operation || needs[0].Resource != tt.want {
			t.Errorf("%s: %+v, want %s", tt.operation, needs, tt.want)
		}
	}
}
