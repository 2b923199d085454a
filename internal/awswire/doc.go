// Package awswire speaks the AWS wire protocols for the services: it turns a request
// into the input type of the AWS SDK for Go, calls the service's method, and turns its
// output, or its error, into what an AWS client expects.
//
// A service is a Go type whose methods have the shape of the SDK's client, options
// included:
//
//	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
//
// so that an interface that names such methods is satisfied by our service in this
// process and by the SDK's client for the real AWS alike. Methods ignore the options.
// A method returns errors of the SDK's types (*types.ResourceNotFoundException) or
// smithy.APIError; any other error reaches the client as the protocol's internal
// failure, without its text.
package awswire

// Protocol is a wire form of request and response bodies.
type Protocol uint8

const (
	JSON10 Protocol = iota + 1 // application/x-amz-json-1.0
	JSON11                     // application/x-amz-json-1.1
	CBOR11                     // application/x-amz-cbor-1.1
	Query                      // application/x-www-form-urlencoded, XML out

	RestJSON // application/json, operations by method and path

	rpcV2CBOR // Smithy RPC v2, for what may speak nothing else
)

// contentType is the media type of a body.
func (p Protocol) contentType() string {
	switch p {
	case JSON10:
		return "application/x-amz-json-1.0"
	case CBOR11:
		return "application/x-amz-cbor-1.1"
	case Query:
		return "text/xml"
	case RestJSON:
		return "application/json"
	case rpcV2CBOR:
		return "application/cbor"
	}
	return "application/x-amz-json-1.1"
}
