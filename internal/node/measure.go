package node

import (
	"context"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/readmostly"
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
	to *metering.Registry
	// tables are resources of the registry, which come back to it by themselves when it has forgotten them.
	tables readmostly.Map[measuredTable, *metering.Resource]
}

// measuredTable is an operation on a table.
type measuredTable struct{ account, region, operation, table string }

// maxMeasuredTables is how many resources are kept at hand.
const maxMeasuredTables = 1024

func newMeasuring(to *metering.Registry) *measuring {
	return &measuring{to: to, tables: readmostly.Map[measuredTable, *metering.Resource]{Limit: maxMeasuredTables}}
}

// table is the resource of an operation on a table; nil where there are too many.
func (m *measuring) table(of measuredTable) *metering.Resource {
	r, ok := m.tables.Get(of)
	if !ok {
		if r = m.to.Resource(of.account+"/"+of.region, "AWS/DynamoDB", "Operation", of.operation, "TableName", of.table); r != nil {
			m.tables.Put(measuredTable{strings.Clone(of.account), strings.Clone(of.region), of.operation, strings.Clone(of.table)}, r) // and no more of a request
		}
	}
	return r
}

func (m *measuring) intercept(ctx context.Context, c *awswire.Call) error {
	if c.Service != "dynamodb" && c.Service != "s3" {
		return c.Next(ctx)
	}
	err := c.Next(ctx)
	took := c.Took()
	if c.Service == "s3" {
		m.ofBucket(ctx, c, took, err)
	} else {
		m.ofTable(ctx, c, took, err)
	}
	return err
}

// ofTable tells of a call of DynamoDB about a table.
func (m *measuring) ofTable(ctx context.Context, c *awswire.Call, took time.Duration, err error) {
	arns, failed := c.Resources()
	if failed != nil || len(arns) == 0 {
		return
	}
	_, name, ok := strings.Cut(arns[0], ":table/")
	if !ok {
		return
	}
	name, _, _ = strings.Cut(name, "/")
	of := measuredTable{c.Caller.Account, c.Caller.Region, c.Operation, name}
	if err == nil {
		m.table(of).Add(latencyOfSuccess.Of(float64(took.Microseconds()) / 1000))
		return
	}
	scope := of.account + "/" + of.region
	switch code := c.Code(ctx, err); code {
	case "ConditionalCheckFailedException":
		m.to.Resource(scope, "AWS/DynamoDB", "TableName", name).Add(failedConditions.Of(1))
	case "TransactionConflictException":
		m.to.Resource(scope, "AWS/DynamoDB", "TableName", name).Add(conflicts.Of(1))
	case "ProvisionedThroughputExceededException", "ThrottlingException":
		m.table(of).Add(throttledCalls.Of(1))
	case "InternalServerError", "InternalFailure":
		m.table(of).Add(systemErrors.Of(1))
	default:
		m.to.Resource(scope, "AWS/DynamoDB").Add(userErrors.Of(1))
	}
}

// ofBucket tells of a call of S3 about a bucket that is there, as of a filter for all of it.
func (m *measuring) ofBucket(ctx context.Context, c *awswire.Call, took time.Duration, err error) {
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
