package apigatewayv2

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// First-class integrations: an action of a service, whose parameters are mapped. (Source: "Integration subtype
// reference" of the developer guide.)

// subtype is an action with its parameters.
type subtype struct {
	service, action string
	required        []string
	optional        []string                                   // Region besides
	form            bool                                       // the action's input is a form, and its answer is XML, as SQS's is
	body            func(in map[string]string) ([]byte, error) // nil: the parameters are the members of the input
}

var subtypes = map[string]subtype{
	"EventBridge-PutEvents": {service: "events", action: "PutEvents", body: putEventsInput, required: []string{"Detail", "DetailType", "Source"}, optional: []string{"Time", "EventBusName", "Resources", "TraceHeader"}},
	"Kinesis-PutRecord":     {service: "kinesis", action: "PutRecord", required: []string{"Data", "PartitionKey", "StreamName"}, optional: []string{"SequenceNumberForOrdering", "ExplicitHashKey"}},
	"SQS-SendMessage": {service: "sqs", action: "SendMessage", form: true, required: []string{"QueueUrl", "MessageBody"},
		optional: []string{"DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "MessageSystemAttributes"}},
	"SQS-ReceiveMessage": {service: "sqs", action: "ReceiveMessage", form: true, required: []string{"QueueUrl"},
		optional: []string{"AttributeNames", "MaxNumberOfMessages", "MessageAttributeNames", "ReceiveRequestAttemptId", "VisibilityTimeout", "WaitTimeSeconds"}},
	"SQS-DeleteMessage": {service: "sqs", action: "DeleteMessage", form: true, required: []string{"ReceiptHandle", "QueueUrl"}},
	"SQS-PurgeQueue":    {service: "sqs", action: "PurgeQueue", form: true, required: []string{"QueueUrl"}},
}

// refusedSubtypes are those of services that are not here.
var refusedSubtypes = []string{
	"AppConfig-GetConfiguration", "StepFunctions-StartExecution", "StepFunctions-StartSyncExecution", "StepFunctions-StopExecution",
}

func checkSubtype(i *types.Integration) error {
	name := *i.IntegrationSubtype
	st, ok := subtypes[name]
	if !ok {
		if slices.Contains(refusedSubtypes, name) {
			return badRequest("Brookmere has no integration %s: integrate with one of %s, or with a function", name, strings.Join(slices.Sorted(maps.Keys(subtypes)), ", "))
		}
		return badRequest("Invalid integration subtype specified: %s", name)
	}
	if aws.ToString(i.CredentialsArn) == "" {
		return badRequest("Credentials are required for the integration subtype %s", name)
	}
	if aws.ToString(i.IntegrationUri) != "" || aws.ToString(i.IntegrationMethod) != "" {
		return badRequest("An integration of the subtype %s has no URI and no method", name)
	}
	for _, p := range st.required {
		if _, ok := i.RequestParameters[p]; !ok {
			return badRequest("Parameter: %s required for the integration subtype %s", p, name)
		}
	}
	for p, v := range i.RequestParameters {
		if p != "Region" && !slices.Contains(st.required, p) && !slices.Contains(st.optional, p) {
			return badRequest("Parameter: %s is not a parameter of the integration subtype %s", p, name)
		}
		e, err := parseExpression(v)
		if err != nil || e.ofResponse() {
			return badRequest("Invalid mapping expression specified: %s", v)
		}
	}
	return nil
}

// callService does the action of a subtype.
func (x *exchange) callService(p *plan) (*result, error) {
	if x.s.cfg.Services == nil {
		return nil, errors.New("there are no services to integrate with")
	}
	in := map[string]string{}
	region := x.scope.Region
	for name, e := range p.parameters {
		v, ok := x.evaluate(e, nil)
		switch {
		case ok && name == "Region":
			region = v
		case ok:
			in[name] = v
		case slices.Contains(p.subtype.required, name):
			return nil, &failure{status: http.StatusBadRequest, message: "Bad Request", kind: "BAD_REQUEST_PARAMETERS", cause: errors.New("the request has nothing for the parameter " + name)}
		}
	}
	if region != x.scope.Region {
		return nil, errors.New("the region " + region + " is not that of the API: nothing there is reached from here")
	}
	ctx, err := x.acting(aws.ToString(p.integration.CredentialsArn))
	if err != nil {
		return nil, err
	}
	var body []byte
	contentType := "application/x-www-form-urlencoded"
	if p.subtype.form {
		form, err := p.subtype.formOf(in)
		if err != nil {
			return nil, &failure{status: http.StatusBadRequest, message: "Bad Request", kind: "BAD_REQUEST_PARAMETERS", cause: err}
		}
		body = []byte(form.Encode())
	} else {
		contentType = "application/x-amz-json-1.1"
		input := p.subtype.body
		if input == nil {
			input = func(in map[string]string) ([]byte, error) { return json.Marshal(in) }
		}
		if body, err = input(in); err != nil {
			return nil, &failure{status: http.StatusBadRequest, message: "Bad Request", kind: "BAD_REQUEST_PARAMETERS", cause: err}
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+p.subtype.service+"."+region+".amazonaws.com/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	action := p.subtype.action
	if p.subtype.form { // the action is in the form
		action = ""
	}
	resp, err := x.s.cfg.Services.Call(ctx, p.subtype.service, action, r)
	if err != nil {
		return nil, err
	}
	return readResult(resp)
}

// formOf is the action's input in the query protocol of SQS.
func (st *subtype) formOf(in map[string]string) (url.Values, error) {
	form := url.Values{"Action": {st.action}, "Version": {"2012-11-05"}}
	for name, v := range in {
		switch name {
		case "MessageAttributes", "MessageSystemAttributes":
			var attributes map[string]struct{ DataType, StringValue, BinaryValue string }
			if err := json.Unmarshal([]byte(v), &attributes); err != nil {
				return nil, errors.New(name + " is not a JSON object of attributes")
			}
			for i, key := range slices.Sorted(maps.Keys(attributes)) {
				p := strings.TrimSuffix(name, "s") + "." + strconv.Itoa(i+1) + "."
				a := attributes[key]
				form.Set(p+"Name", key)
				form.Set(p+"Value.DataType", a.DataType)
				if a.StringValue != "" {
					form.Set(p+"Value.StringValue", a.StringValue)
				}
				if a.BinaryValue != "" {
					form.Set(p+"Value.BinaryValue", a.BinaryValue)
				}
			}
		case "AttributeNames", "MessageAttributeNames":
			var names []string
			if err := json.Unmarshal([]byte(v), &names); err != nil {
				names = strings.Split(v, ",")
			}
			for i, n := range names {
				form.Set(strings.TrimSuffix(name, "s")+"."+strconv.Itoa(i+1), strings.TrimSpace(n))
			}
		default:
			form.Set(name, v)
		}
	}
	return form, nil
}

// putEventsInput is the input of EventBridge's PutEvents with one event. Its time is a date or a count since 1970:
// of seconds, or of milliseconds as $context.requestTimeEpoch is; its resources are a JSON array or a list with commas.
func putEventsInput(in map[string]string) ([]byte, error) {
	entry := map[string]any{}
	for name, v := range in {
		switch name {
		case "Time":
			seconds, err := strconv.ParseFloat(v, 64)
			if err != nil {
				at, err := time.Parse(time.RFC3339, v)
				if err != nil {
					return nil, errors.New("the time is neither a date nor a count of seconds")
				}
				seconds = float64(at.UnixMilli()) / 1000
			} else if seconds >= 1e11 {
				seconds /= 1000
			}
			if math.IsNaN(seconds) || math.IsInf(seconds, 0) {
				return nil, errors.New("the time is not a number of seconds")
			}
			entry[name] = seconds
		case "Resources":
			var resources []string
			if err := json.Unmarshal([]byte(v), &resources); err != nil {
				resources = strings.Split(v, ",")
				for i := range resources {
					resources[i] = strings.TrimSpace(resources[i])
				}
			}
			entry[name] = resources
		default:
			entry[name] = v
		}
	}
	return json.Marshal(map[string]any{"Entries": []any{entry}})
}
