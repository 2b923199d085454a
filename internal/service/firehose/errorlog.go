package firehose

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

// ErrorSink takes the lines of error logs. It must not block: what it cannot keep up with it drops, and counts.
type ErrorSink interface {
	Log(p ErrorPlace, at time.Time, line string)
}

// ErrorPlace is where the errors of a delivery stream go: a group and a stream that are there, as the role.
type ErrorPlace struct{ Account, Region, Group, Stream, Role, Delivery string }

// errorLine is a line of an error log, in AWS's form.
type errorLine struct {
	DeliveryStreamARN string `json:"deliveryStreamARN"`
	Destination       string `json:"destination"`
	VersionID         string `json:"deliveryStreamVersionId"`
	Message           string `json:"message"`
	ErrorCode         string `json:"errorCode"`
}

// logError writes a line to the log that the stream names, where it wants one.
func (s *Service) logError(d *streamDoc, code, message string) {
	l := d.S3.Logging
	if s.cfg.Errors == nil || l == nil || !l.Enabled || aws.ToString(l.Group) == "" || aws.ToString(l.Stream) == "" {
		return
	}
	b, err := json.Marshal(errorLine{d.arn(), d.S3.BucketARN, strconv.Itoa(d.Version), message, code})
	if err != nil {
		return
	}
	s.cfg.Errors.Log(ErrorPlace{d.Account, d.Region, *l.Group, *l.Stream, d.S3.RoleARN, d.arn()}, s.clock.Now(), string(b))
}

// errorCode is AWS's code of a failed delivery to S3.
func errorCode(err error) string {
	var ae smithy.APIError
	if !errors.As(err, &ae) {
		return "S3.InternalError"
	}
	switch c := ae.ErrorCode(); c {
	case "AccessDenied", "NoSuchBucket":
		return "S3." + c
	default:
		return "S3." + strings.TrimSuffix(c, "Exception")
	}
}

// rejectedCode is AWS's code of records that went to the error prefix, where theirs are not known.
func rejectedCode(kind string) string {
	switch kind {
	case "format-conversion-failed":
		return "DataFormatConversion.InvalidSchema"
	case "processing-failed":
		return "Lambda.FunctionError"
	case "metadata-extraction-failed", "dynamic-partitioning-failed":
		return "DynamicPartitioning.MetadataExtractionFailed"
	case "decompression-failed":
		return "Decompression.Failed"
	case "http-endpoint-failed":
		return "HttpEndpoint.DestinationException"
	}
	return "S3." + kind
}

// logRejected writes a line for each code of each object of records that could not be delivered.
func (l *lane) logRejected(objs []delivery.Intent) {
	d := l.st.doc.Load()
	for _, o := range objs {
		if !delivery.IsError(o.Partition) {
			continue
		}
		kind := strings.TrimPrefix(o.Partition, delivery.ErrorMark)
		codes := o.Codes
		if len(codes) == 0 {
			codes = map[string]int64{rejectedCode(kind): o.Rows}
		}
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			l.st.s.logError(d, code, strconv.FormatInt(codes[code], 10)+" records could not be delivered ("+kind+"). They are in s3://"+o.Bucket+"/"+o.Key+", where each has its reason.")
		}
	}
}
