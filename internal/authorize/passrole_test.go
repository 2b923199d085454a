package authorize

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
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
