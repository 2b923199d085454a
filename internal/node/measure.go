package node

import (
	"context"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/metering"
)

// What CloudWatch is told of calls of DynamoDB and S3: that they were, how they went and how long they took. What else it is
// told of services they say by themselves.
var (
	latencyOfSuccess = &metering.Measure{Name: "SuccessfulRequestLatency", Unit: "Milliseconds"}
	userErrors       = &metering.Measure{Name: "UserErrors", Unit: "Count"}
	systemErrors     = &metering.Measure{Name: "SystemErrors", Unit: "Count"}
	throttledCalls   = &metering.Measure{Name: "ThrottledRequests", Unit: "Count"}
	failedConditions = &metering.Measure{Name: "ConditionalCheckFailedRequests", Unit: "Count"}
	conflicts        = &metering.Measure{Name: "TransactionConflict", Unit: "Count"}

	allRequests     = &metering.Measure{Name: "AllRequests", Unit: "Count"}
	clientErrors    = &metering.Measure{Name: "4xxErrors", Unit: "Count"}
	serverErrors    = &metering.Measure{Name: "5xxErrors", Unit: "Count"}
	requestLatency  = &metering.Measure{Name: "TotalRequestLatency", Unit: "Milliseconds"}
	bytesUploaded   = &metering.Measure{Name: "BytesUploaded", Unit: "Bytes"}
	objectRequests  = map[string]*metering.Measure{}
	requestMeasures = map[string]string{
		"GetObject": "GetRequests", "HeadObject": "HeadRequests", "HeadBucket": "HeadRequests", "PutObject": "PutRequests", "CopyObject": "PutRequests",
		"UploadPart": "PutRequests", "DeleteObject": "DeleteRequests", "DeleteObjects": "DeleteRequests", "CreateMultipartUpload": "PostRequests",
		"CompleteMultipartUpload": "PostRequests", "ListObjects": "ListRequests", "ListObjectsV2": "ListRequests", "ListObjectVersions": "ListRequests",
		"SelectObjectContent": "SelectRequests",
	}
)

func init() {
	byName := map[string]*metering.Measure{}
	for operation, name := range requestMeasures {
		if byName[name] == nil {
			byName[name] = &metering.Measure{Name: name, Unit: "Count"}
		}
		objectRequests[operation] = byName[name]
	}
}

// measuring is an interceptor that tells of calls.
type measuring struct {
	to    *metering.Registry
	clock clockwork.Clock
}

func (m measuring) intercept(ctx context.Context, c *awswire.Call) error {
	if c.Service != "dynamodb" && c.Service != "s3" {
		return c.Next(ctx)
	}
	began := m.clock.Now()
	err := c.Next(ctx)
	took := m.clock.Since(began)
	if c.Service == "s3" {
		m.bucket(ctx, c, took, err)
	} else {
		m.table(ctx, c, took, err)
	}
	return err
}

// table tells of a call of DynamoDB about a table.
func (m measuring) table(ctx context.Context, c *awswire.Call, took time.Duration, err error) {
	arns, failed := c.Resources()
	if failed != nil || len(arns) == 0 {
		return
	}
	_, name, ok := strings.Cut(arns[0], ":table/")
	if !ok {
		return
	}
	name, _, _ = strings.Cut(name, "/")
	scope := c.Caller.Account + "/" + c.Caller.Region
	if err == nil {
		m.to.Resource(scope, "AWS/DynamoDB", "Operation", c.Operation, "TableName", name).Add(latencyOfSuccess.Of(float64(took.Microseconds()) / 1000))
		return
	}
	switch code := c.Code(ctx, err); code {
	case "ConditionalCheckFailedException":
		m.to.Resource(scope, "AWS/DynamoDB", "TableName", name).Add(failedConditions.Of(1))
	case "TransactionConflictException":
		m.to.Resource(scope, "AWS/DynamoDB", "TableName", name).Add(conflicts.Of(1))
	case "ProvisionedThroughputExceededException", "ThrottlingException":
		m.to.Resource(scope, "AWS/DynamoDB", "Operation", c.Operation, "TableName", name).Add(throttledCalls.Of(1))
	case "InternalServerError", "InternalFailure":
		m.to.Resource(scope, "AWS/DynamoDB", "Operation", c.Operation, "TableName", name).Add(systemErrors.Of(1))
	default:
		m.to.Resource(scope, "AWS/DynamoDB").Add(userErrors.Of(1))
	}
}

// bucket tells of a call of S3 about a bucket that is there, as of a filter for all of it.
func (m measuring) bucket(ctx context.Context, c *awswire.Call, took time.Duration, err error) {
	arns, failed := c.Resources()
	if failed != nil || len(arns) == 0 || err != nil && c.Code(ctx, err) == "NoSuchBucket" {
		return
	}
	_, name, ok := strings.Cut(arns[0], ":s3:::")
	if !ok {
		return
	}
	name, _, _ = strings.Cut(name, "/")
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	server := false
	if status, ok := err.(interface{ HTTPStatusCode() int }); ok {
		server = status.HTTPStatusCode() >= 500
	}
	samples := []metering.Sample{allRequests.Of(1), clientErrors.Of(is(err != nil && !server)), serverErrors.Of(is(server)), requestLatency.Of(float64(took.Microseconds()) / 1000)}
	if of := objectRequests[c.Operation]; of != nil {
		samples = append(samples, of.Of(1))
	}
	if c.HTTP != nil && err == nil && (c.Operation == "PutObject" || c.Operation == "UploadPart") && c.HTTP.ContentLength > 0 {
		samples = append(samples, bytesUploaded.Of(float64(c.HTTP.ContentLength)))
	}
	m.to.Resource(c.Caller.Account+"/"+c.Caller.Region, "AWS/S3", "BucketName", name, "FilterId", "EntireBucket").Add(samples...)
}

// applicationMetrics takes the metrics of applications.
type applicationMetrics struct{ to *metering.Registry }

var behindLatest = &metering.Measure{Name: "MillisBehindLatest", Unit: "Milliseconds"}
var processingUnits = &metering.Measure{Name: "KPUs", Unit: "Count"}

// Put implements kinesisanalytics.Metrics.
func (a applicationMetrics) Put(account, region, namespace, name, _ string, dimensions map[string]string, value float64, _ time.Time) {
	m := processingUnits
	if name == behindLatest.Name {
		m = behindLatest
	}
	var dims []string
	for _, k := range []string{"Application", "Flow", "Id"} {
		if v, ok := dimensions[k]; ok {
			dims = append(dims, k, v)
		}
	}
	a.to.Resource(account+"/"+region, namespace, dims...).Add(m.Of(value))
}
