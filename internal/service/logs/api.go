package logs

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// longName is how the name of a group or a stream is refused that is too long, which has words of its own.
var longName = regexp.MustCompile(`^1 validation error detected: Value '[^']*' at '(logGroupName|logStreamName)' failed to satisfy constraint: Member must have length less than or equal to 512$`)

// groupARN is the ARN of the group that a request names by name or ARN, as policies of most operations have it: behind
// the name is the place of a stream, so that "...:log-group:name:*" is about it, as on AWS.
func groupARN(c awswire.Caller, names ...*string) []string {
	g := bareGroupARN(c, names...)
	for i := range g {
		g[i] += ":log-stream:"
	}
	return g
}

// bareGroupARN is the ARN of a group as the policies of operations on tags have it.
func bareGroupARN(c awswire.Caller, names ...*string) []string {
	for _, n := range names {
		if n == nil || *n == "" {
			continue
		}
		if strings.HasPrefix(*n, "arn:") {
			return []string{strings.TrimSuffix(*n, ":*")}
		}
		return []string{arn.New("logs", c.Region, c.Account, "log-group:"+*n)}
	}
	return nil
}

// allGroups is what policies have for the groups of an account as a whole: the group without a name.
func allGroups(c awswire.Caller) []string {
	return []string{arn.New("logs", c.Region, c.Account, "log-group::log-stream:")}
}

// streamARN is the ARN of a stream of a group.
func streamARN(c awswire.Caller, group, stream *string) []string {
	g := bareGroupARN(c, group)
	if g == nil {
		return nil
	}
	return []string{g[0] + ":log-stream:" + aws.ToString(stream)}
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model: "logs", MaxBody: 16 << 20, Operations: s.operations(),
		Invalid: func(message string) error {
			if longName.MatchString(message) {
				message = "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
			}
			return invalid("%s", message)
		},
	}
}

func (s *Service) operations() []awswire.Operation {
	type caller = awswire.Caller
	return []awswire.Operation{
		awswire.Executes(s.CreateLogGroup, func(c caller, in *logs.CreateLogGroupInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DeleteLogGroup, func(c caller, in *logs.DeleteLogGroupInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DescribeLogGroups, func(c caller, in *logs.DescribeLogGroupsInput) []string { return allGroups(c) }),
		awswire.Executes(s.ListLogGroups, func(c caller, in *logs.ListLogGroupsInput) []string { return allGroups(c) }),
		awswire.Executes(s.PutRetentionPolicy, func(c caller, in *logs.PutRetentionPolicyInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DeleteRetentionPolicy, func(c caller, in *logs.DeleteRetentionPolicyInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.PutLogGroupDeletionProtection, func(c caller, in *logs.PutLogGroupDeletionProtectionInput) []string {
			return groupARN(c, in.LogGroupIdentifier)
		}),
		awswire.Stores(s.AssociateKmsKey, func(c caller, in *logs.AssociateKmsKeyInput) []string {
			return groupARN(c, in.LogGroupName, in.ResourceIdentifier)
		}),
		awswire.Stores(s.DisassociateKmsKey, func(c caller, in *logs.DisassociateKmsKeyInput) []string {
			return groupARN(c, in.LogGroupName, in.ResourceIdentifier)
		}),

		awswire.Executes(s.TagResource, func(c caller, in *logs.TagResourceInput) []string { return bareGroupARN(c, in.ResourceArn) }),
		awswire.Executes(s.UntagResource, func(c caller, in *logs.UntagResourceInput) []string { return bareGroupARN(c, in.ResourceArn) }),
		awswire.Executes(s.ListTagsForResource, func(c caller, in *logs.ListTagsForResourceInput) []string { return bareGroupARN(c, in.ResourceArn) }),
		awswire.Executes(s.TagLogGroup, func(c caller, in *logs.TagLogGroupInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.UntagLogGroup, func(c caller, in *logs.UntagLogGroupInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.ListTagsLogGroup, func(c caller, in *logs.ListTagsLogGroupInput) []string { return groupARN(c, in.LogGroupName) }),

		awswire.Executes(s.CreateLogStream, func(c caller, in *logs.CreateLogStreamInput) []string {
			return streamARN(c, in.LogGroupName, in.LogStreamName)
		}),
		awswire.Executes(s.DeleteLogStream, func(c caller, in *logs.DeleteLogStreamInput) []string {
			return streamARN(c, in.LogGroupName, in.LogStreamName)
		}),
		awswire.Executes(s.DescribeLogStreams, func(c caller, in *logs.DescribeLogStreamsInput) []string {
			return groupARN(c, in.LogGroupName, in.LogGroupIdentifier)
		}),

		awswire.Executes(s.PutLogEvents, func(c caller, in *logs.PutLogEventsInput) []string {
			return streamARN(c, in.LogGroupName, in.LogStreamName)
		}),
		awswire.Executes(s.GetLogEvents, func(c caller, in *logs.GetLogEventsInput) []string {
			name := in.LogGroupName
			if name == nil {
				name = in.LogGroupIdentifier
			}
			return streamARN(c, name, in.LogStreamName)
		}),
		awswire.Executes(s.FilterLogEvents, func(c caller, in *logs.FilterLogEventsInput) []string {
			return groupARN(c, in.LogGroupName, in.LogGroupIdentifier)
		}),
		awswire.Streams(s.StartLiveTail, func(c caller, in *logs.StartLiveTailInput) []string {
			var out []string
			for _, id := range in.LogGroupIdentifiers {
				out = append(out, groupARN(c, aws.String(id))...)
			}
			return out
		}),

		awswire.Executes(s.PutMetricFilter, func(c caller, in *logs.PutMetricFilterInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DeleteMetricFilter, func(c caller, in *logs.DeleteMetricFilterInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DescribeMetricFilters, func(c caller, in *logs.DescribeMetricFiltersInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.TestMetricFilter),
		awswire.Executes(s.PutSubscriptionFilter, func(c caller, in *logs.PutSubscriptionFilterInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DeleteSubscriptionFilter, func(c caller, in *logs.DeleteSubscriptionFilterInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.DescribeSubscriptionFilters, func(c caller, in *logs.DescribeSubscriptionFiltersInput) []string {
			return groupARN(c, in.LogGroupName)
		}),

		awswire.Executes(s.CreateExportTask, func(c caller, in *logs.CreateExportTaskInput) []string { return groupARN(c, in.LogGroupName) }),
		awswire.Executes(s.CancelExportTask),
		awswire.Executes(s.DescribeExportTasks),

		awswire.Executes(s.PutResourcePolicy),
		awswire.Executes(s.DeleteResourcePolicy),
		awswire.Executes(s.DescribeResourcePolicies),

		awswire.Executes(s.StartQuery, func(c caller, in *logs.StartQueryInput) []string {
			out := groupARN(c, in.LogGroupName)
			for _, n := range append(in.LogGroupNames, in.LogGroupIdentifiers...) {
				out = append(out, groupARN(c, aws.String(n))...)
			}
			return append(out, s.sourceARNs(c, in)...)
		}),
		awswire.Executes(s.GetQueryResults),
		awswire.Executes(s.StopQuery),
		awswire.Executes(s.DescribeQueries),
		awswire.Executes(s.GetLogRecord, func(c caller, in *logs.GetLogRecordInput) []string {
			name, _, _ := openPointer(aws.ToString(in.LogRecordPointer))
			return groupARN(c, aws.String(name))
		}),
		awswire.Executes(s.GetLogGroupFields, func(c caller, in *logs.GetLogGroupFieldsInput) []string {
			return groupARN(c, in.LogGroupName, in.LogGroupIdentifier)
		}),
		awswire.Stores(s.PutQueryDefinition),
		awswire.Stores(s.DeleteQueryDefinition),
		awswire.Stores(s.DescribeQueryDefinitions),
	}
}
