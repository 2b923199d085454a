package firehose

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// maxBody is the limit of a request's body. It lets a batch of twice the limit through, for an
// error that says so.
const maxBody = 12 << 20

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{Model: "firehose", MaxBody: maxBody, ExtendedID: true, Prompt: []string{"PutRecord", "PutRecordBatch"}, Operations: []awswire.Operation{
		awswire.Executes(s.CreateDeliveryStream, func(c awswire.Caller, in *firehose.CreateDeliveryStreamInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.DeleteDeliveryStream, func(c awswire.Caller, in *firehose.DeleteDeliveryStreamInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.DescribeDeliveryStream, func(c awswire.Caller, in *firehose.DescribeDeliveryStreamInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.ListDeliveryStreams),
		awswire.Executes(s.ListTagsForDeliveryStream, func(c awswire.Caller, in *firehose.ListTagsForDeliveryStreamInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.PutRecord, func(c awswire.Caller, in *firehose.PutRecordInput) []string { return on(c, in.DeliveryStreamName) }).Fast(s.putRecordFast),
		awswire.Executes(s.PutRecordBatch, func(c awswire.Caller, in *firehose.PutRecordBatchInput) []string { return on(c, in.DeliveryStreamName) }).Fast(s.putRecordBatchFast),
		awswire.Stores(s.StartDeliveryStreamEncryption, func(c awswire.Caller, in *firehose.StartDeliveryStreamEncryptionInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Stores(s.StopDeliveryStreamEncryption, func(c awswire.Caller, in *firehose.StopDeliveryStreamEncryptionInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.TagDeliveryStream, func(c awswire.Caller, in *firehose.TagDeliveryStreamInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.UntagDeliveryStream, func(c awswire.Caller, in *firehose.UntagDeliveryStreamInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
		awswire.Executes(s.UpdateDestination, func(c awswire.Caller, in *firehose.UpdateDestinationInput) []string {
			return on(c, in.DeliveryStreamName)
		}),
	}}
}

// on is the resource of a request that names a delivery stream.
func on(c awswire.Caller, name *string) []string {
	return []string{arn.New("firehose", c.Region, c.Account, "deliverystream/"+aws.ToString(name))}
}
