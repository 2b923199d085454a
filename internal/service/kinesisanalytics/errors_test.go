package kinesisanalytics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/awswire"
)

// refusals is a service by one version of the API whose workers do not run, so that applications stay as
// they are put.
type refusals struct {
	t       *testing.T
	service *Service
	handler *awswire.Handler
	ctx     context.Context
}

func newRefusals(t *testing.T, second bool) *refusals {
	t.Helper()
	st, log := stores(t)
	s, err := New(Config{State: st, Log: log, EnforceLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	api := s.API()
	if second {
		api = s.Second().API()
	}
	h, err := awswire.NewHandler(api, awswire.HandlerOptions{OnInternalError: func(_ context.Context, operation string, err error) {
		t.Errorf("%s failed inside: %v", operation, err)
	}})
	if err != nil {
		t.Fatal(err)
	}
	caller := awswire.Caller{Account: awswire.DefaultAccount, Region: awswire.DefaultRegion}
	return &refusals{t: t, service: s, handler: h, ctx: awswire.WithCaller(t.Context(), caller)}
}

// code is that of an operation's error, empty when there is none.
func (r *refusals) code(operation, input string) string {
	r.t.Helper()
	status, answer := r.handler.Direct(r.ctx, operation, []byte(input))
	if status < 400 {
		return ""
	}
	var e struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(answer, &e); err != nil || status != 400 {
		r.t.Fatalf("%s: %d %s", operation, status, answer)
	}
	return strings.TrimSuffix(e.Type, "Exception")
}

func (r *refusals) wants(operation, input, code string) {
	r.t.Helper()
	if got := r.code(operation, input); got != code {
		r.t.Errorf("%s %s: error %q, want %q", operation, input, got, code)
	}
}

// Members of calls, which both versions of the API take: the second one looks at no role in them.
const (
	streamInput = `{"NamePrefix": "IN", "KinesisStreamsInput": {"ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/in", "RoleARN": "arn:aws:iam::000000000000:role/a"}, "InputSchema": ` + nameSchema + `}`
	nameSchema  = `{"RecordFormat": {"RecordFormatType": "JSON", "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}}}, "RecordColumns": [{"Name": "NAME", "Mapping": "$.NAME", "SqlType": "VARCHAR(16)"}]}`
	streamOut   = `{"Name": "OUT", "KinesisStreamsOutput": {"ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/out", "RoleARN": "arn:aws:iam::000000000000:role/a"}, "DestinationSchema": {"RecordFormatType": "JSON"}}`
	objectTable = `{"TableName": "T", "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::b", "FileKey": "k", "ReferenceRoleARN": "arn:aws:iam::000000000000:role/a"}, "ReferenceSchema": ` + nameSchema + `}`
	logOption   = `{"LogStreamARN": "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s", "RoleARN": "arn:aws:iam::000000000000:role/a"}`
	processor   = `{"InputLambdaProcessor": {"ResourceARN": "arn:aws:lambda:us-east-1:000000000000:function:f", "RoleARN": "arn:aws:iam::000000000000:role/a"}}`
)

// changes are the operations that change an application of a version, with what else they take.
var changes = [][2]string{
	{"AddApplicationInput", `"Input": ` + streamInput},
	{"AddApplicationInputProcessingConfiguration", `"InputId": "1.1", "InputProcessingConfiguration": ` + processor},
	{"AddApplicationOutput", `"Output": ` + streamOut},
	{"AddApplicationReferenceDataSource", `"ReferenceDataSource": ` + objectTable},
	{"AddApplicationCloudWatchLoggingOption", `"CloudWatchLoggingOption": ` + logOption},
	{"DeleteApplicationInputProcessingConfiguration", `"InputId": "1.1"`},
	{"DeleteApplicationOutput", `"OutputId": "1.1"`},
	{"DeleteApplicationReferenceDataSource", `"ReferenceId": "1.1"`},
	{"DeleteApplicationCloudWatchLoggingOption", `"CloudWatchLoggingOptionId": "1.1"`},
	{"UpdateApplication", `"ApplicationUpdate": {}`},
}

// TestErrors: every operation of both versions has the errors that its model names.
func TestErrors(t *testing.T) {
	for _, second := range []bool{false, true} {
		t.Run(map[bool]string{false: "first", true: "second"}[second], func(t *testing.T) {
			r := newRefusals(t, second)
			create := func(name, code, more string) string {
				if second {
					return fmt.Sprintf(`{"ApplicationName": %q, "RuntimeEnvironment": "SQL-1_0", "ServiceExecutionRole": "arn:aws:iam::000000000000:role/a", "ApplicationConfiguration": {"ApplicationCodeConfiguration": {"CodeContentType": "PLAINTEXT", "CodeContent": {"TextContent": %q}}}%s}`, name, code, more)
				}
				return fmt.Sprintf(`{"ApplicationName": %q, "ApplicationCode": %q%s}`, name, code, more)
			}
			start := `{"ApplicationName": %q, "InputConfigurations": []}`
			if second {
				start = `{"ApplicationName": %q}`
			}
			const arn = "arn:aws:kinesisanalytics:us-east-1:000000000000:application/"
			r.wants("CreateApplication", create("app", "", ""), "")
			r.wants("CreateApplication", create("app", "", ""), "ResourceInUse")
			r.wants("CreateApplication", create("bad", "CREATE STREAM", ""), "CodeValidation")
			r.wants("CreateApplication", create("bad", "", `, "Tags": `+tagList(51)), "TooManyTags")
			r.wants("CreateApplication", create("bad", "", `, "CloudWatchLoggingOptions": [`+strings.Replace(logOption, "log-stream:s", "else", 1)+`]`), "InvalidArgument")

			// What is not there.
			for _, c := range changes {
				r.wants(c[0], fmt.Sprintf(`{"ApplicationName": "none", "CurrentApplicationVersionId": 1, %s}`, c[1]), "ResourceNotFound")
			}
			r.wants("DescribeApplication", `{"ApplicationName": "none"}`, "ResourceNotFound")
			r.wants("DeleteApplication", `{"ApplicationName": "none", "CreateTimestamp": 1}`, "ResourceNotFound")
			r.wants("StartApplication", fmt.Sprintf(start, "none"), "ResourceNotFound")
			r.wants("StopApplication", `{"ApplicationName": "none"}`, "ResourceNotFound")
			r.wants("ListTagsForResource", `{"ResourceARN": "`+arn+`none"}`, "ResourceNotFound")
			r.wants("TagResource", `{"ResourceARN": "`+arn+`none", "Tags": [{"Key": "k"}]}`, "ResourceNotFound")
			r.wants("UntagResource", `{"ResourceARN": "`+arn+`none", "TagKeys": ["k"]}`, "ResourceNotFound")
			for _, c := range changes[5:9] {
				r.wants(c[0], fmt.Sprintf(`{"ApplicationName": "app", "CurrentApplicationVersionId": 1, %s}`, c[1]), "ResourceNotFound")
			}
			r.wants(changes[1][0], fmt.Sprintf(`{"ApplicationName": "app", "CurrentApplicationVersionId": 1, %s}`, changes[1][1]), "ResourceNotFound")

			// A version that is not the current one.
			for _, c := range changes {
				r.wants(c[0], fmt.Sprintf(`{"ApplicationName": "app", "CurrentApplicationVersionId": 9, %s}`, c[1]), "ConcurrentModification")
			}

			// The second version has members that are optional for applications that are not of SQL.
			if second {
				for _, c := range []int{4, 8, 9} {
					r.wants(changes[c][0], fmt.Sprintf(`{"ApplicationName": "app", %s}`, changes[c][1]), "InvalidRequest")
					r.wants(changes[c][0], fmt.Sprintf(`{"ApplicationName": "app", "ConditionalToken": "t", %s}`, changes[c][1]), "InvalidRequest")
				}
			}

			// Arguments that do not fit.
			for _, c := range [][3]string{
				{"AddApplicationInput", "stream/in", "stream"}, {"AddApplicationOutput", "stream/out", "out"},
				{"AddApplicationReferenceDataSource", "arn:aws:s3:::b", "arn:aws:s3:::b/c"}, {"AddApplicationCloudWatchLoggingOption", "log-stream:s", "else"},
			} {
				i := slices.IndexFunc(changes, func(x [2]string) bool { return x[0] == c[0] })
				r.wants(c[0], fmt.Sprintf(`{"ApplicationName": "app", "CurrentApplicationVersionId": 1, %s}`, strings.Replace(changes[i][1], c[1], c[2], 1)), "InvalidArgument")
			}
			r.wants("DeleteApplication", `{"ApplicationName": "app", "CreateTimestamp": 1}`, "InvalidArgument")
			r.wants("DiscoverInputSchema", `{"ServiceExecutionRole": "arn:aws:iam::000000000000:role/a"}`, "InvalidArgument")
			r.wants("StartApplication", fmt.Sprintf(start, "app"), "InvalidApplicationConfiguration")
			r.wants("StopApplication", `{"ApplicationName": "app"}`, "ResourceInUse")
			code := `"ApplicationUpdate": {"ApplicationCodeUpdate": "SELECT"}`
			if second {
				code = `"ApplicationConfigurationUpdate": {"ApplicationCodeConfigurationUpdate": {"CodeContentUpdate": {"TextContentUpdate": "SELECT"}}}`
			}
			r.wants("UpdateApplication", `{"ApplicationName": "app", "CurrentApplicationVersionId": 1, `+code+`}`, "CodeValidation")

			// Tags: fifty, and no more.
			r.wants("TagResource", `{"ResourceARN": "`+arn+`app", "Tags": `+tagList(50)+`}`, "")
			r.wants("TagResource", `{"ResourceARN": "`+arn+`app", "Tags": [{"Key": "one more"}]}`, "TooManyTags")

			// None of it has changed the application. While it starts, nothing else may.
			key := []string{awswire.DefaultAccount, awswire.DefaultRegion, "app"}
			d, err := r.service.applications.Modify(t.Context(), func(d *applicationDoc) error {
				d.Status = statusStarting
				return nil
			}, key...)
			if err != nil {
				t.Fatal(err)
			}
			if d.Version != 1 || len(d.Inputs)+len(d.Outputs)+len(d.References)+len(d.Logging) != 0 || d.Code != "" {
				t.Errorf("refused calls have made of the application %+v", d)
			}
			for _, c := range changes {
				r.wants(c[0], fmt.Sprintf(`{"ApplicationName": "app", "CurrentApplicationVersionId": 1, %s}`, c[1]), "ResourceInUse")
			}
			r.wants("StartApplication", fmt.Sprintf(start, "app"), "ResourceInUse")
			if _, err := r.service.applications.Modify(t.Context(), func(d *applicationDoc) error {
				d.Status = statusDeleting
				return nil
			}, key...); err != nil {
				t.Fatal(err)
			}
			r.wants("StopApplication", `{"ApplicationName": "app"}`, "ResourceInUse")
			r.wants("DeleteApplication", fmt.Sprintf(`{"ApplicationName": "app", "CreateTimestamp": %d}`, d.Created.Unix()), "ResourceInUse")

			// Fifty applications, and no more.
			for i := 1; i < maxApplications; i++ {
				r.wants("CreateApplication", create(fmt.Sprintf("app%d", i), "", ""), "")
			}
			r.wants("CreateApplication", create("last", "", ""), "LimitExceeded")
		})
	}
}

// tagList is n tags.
func tagList(n int) string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf(`{"Key": "k%d", "Value": "v"}`, i)
	}
	return "[" + strings.Join(tags, ", ") + "]"
}
