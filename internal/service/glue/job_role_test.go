package glue

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// TestRolesOfJobs creates jobs with what is a role by its form and with what is not.
func TestRolesOfJobs(t *testing.T) {
	s, _ := newService(t, &memoryObjects{objects: map[string]string{}})
	for role, want := range map[string]string{
		"glue": "", "/service/glue": "", "service-role/AWSGlueServiceRole-x": "", "a+b=c,d.e@f-g_h": "",
		"arn:aws:iam::000000000000:role/glue": "", "arn:aws-us-gov:iam::000000000000:role/a/b/glue": "",
		"arn:aws:iam::000000000000:user/glue": "InvalidInputException", "arn:aws:s3:::glue": "InvalidInputException", "arn:aws:iam::1:role/glue": "InvalidInputException",
		"arn:aws:iam::000000000000:role/": "InvalidInputException", "a b": "InvalidInputException", "glue\n": "InvalidInputException", "r\x00": "InvalidInputException", "röle": "InvalidInputException",
		"/": "InvalidInputException", strings.Repeat("r", 65): "InvalidInputException", "${x}": "InvalidInputException",
	} {
		_, err := s.CreateJob(t.Context(), &glue.CreateJobInput{
			Name: aws.String("j" + role), Role: aws.String(role), Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("s3://b/x.py")},
		})
		if code(err) != want {
			t.Errorf("%q: %v, want %s", role, err, want)
		}
	}
	if _, err := s.UpdateJob(t.Context(), &glue.UpdateJobInput{JobName: aws.String("jglue"), JobUpdate: &types.JobUpdate{Role: aws.String("not a role"), Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("s3://b/x.py")}}}); code(err) != "InvalidInputException" {
		t.Error(err)
	}
}
