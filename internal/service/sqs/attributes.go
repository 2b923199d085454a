package sqs

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// number is an attribute that is a number.
type number struct{ least, most, otherwise int64 }

const maxMessage = 1 << 20

var numbers = map[string]number{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, maxMessage, maxMessage},
	"MessageRetentionPeriod":        {60, 1_209_600, 345_600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43_200, 30},
	"KmsDataKeyReusePeriodSeconds":  {60, 86_400, 300},
}

// choices are attributes that are one of a few words.
var choices = map[string][]string{
	"FifoQueue":                 {"true"},
	"ContentBasedDeduplication": {"true", "false"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
	"SqsManagedSseEnabled":      {"true", "false"},
}

// ofFIFO are attributes of FIFO queues only, and what they are where they were not set.
var ofFIFO = map[string]string{
	"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue",
}

// get is an attribute as it was set, or what it is otherwise.
func (d *queueDoc) get(name string) string {
	if v, ok := d.Attributes[name]; ok {
		return v
	}
	if n, ok := numbers[name]; ok {
		return strconv.FormatInt(n.otherwise, 10)
	}
	if v, ok := ofFIFO[name]; ok && d.fifo() {
		return v
	}
	if name == "SqsManagedSseEnabled" {
		return strconv.FormatBool(d.Attributes["KmsMasterKeyId"] == "")
	}
	return ""
}

func (d *queueDoc) number(name string) int64 {
	n, _ := strconv.ParseInt(d.get(name), 10, 64)
	return n
}

func (d *queueDoc) seconds(name string) time.Duration {
	return time.Duration(d.number(name)) * time.Second
}

// redrive is a redrive policy.
type redrive struct {
	Target string      `json:"deadLetterTargetArn"`
	Max    redriveMost `json:"maxReceiveCount"`
}

// redriveMost is a number, or its text.
type redriveMost int

func (m *redriveMost) UnmarshalJSON(b []byte) error {
	n, err := strconv.Atoi(strings.Trim(string(b), `"`))
	*m = redriveMost(n)
	return err
}

func (d *queueDoc) redrive() *redrive {
	var r redrive
	if d.Attributes["RedrivePolicy"] == "" || json.Unmarshal([]byte(d.Attributes["RedrivePolicy"]), &r) != nil {
		return nil
	}
	return &r
}

// redriveAllow is which queues may have a queue as their dead letter queue.
type redriveAllow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

func badAttribute(name string) error {
	return &types.InvalidAttributeValue{Message: aws.String("Invalid value for the parameter " + name + ".")}
}

// checkAttributes checks what a queue is to have.
func (s *Service) checkAttributes(d *queueDoc, set map[string]string) error {
	for _, name := range sortedNames(set) {
		v := set[name]
		if n, ok := numbers[name]; ok {
			i, err := strconv.ParseInt(v, 10, 64)
			if err != nil || i < n.least || i > n.most {
				return badAttribute(name)
			}
			continue
		}
		if list, ok := choices[name]; ok {
			if ofFIFO[name] != "" && !d.fifo() {
				return &types.InvalidAttributeName{Message: aws.String("Unknown Attribute " + name + ".")}
			}
			if !slices.Contains(list, v) {
				return badAttribute(name)
			}
			continue
		}
		switch name {
		case "KmsMasterKeyId":
		case "Policy":
			if v != "" {
				if _, err := policy.Parse(v, policy.Resource); err != nil {
					return badAttribute(name)
				}
			}
		case "RedrivePolicy":
			if err := s.checkRedrive(d, v); err != nil {
				return err
			}
		case "RedriveAllowPolicy":
			var a redriveAllow
			if v == "" {
				continue
			}
			if json.Unmarshal([]byte(v), &a) != nil || !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, a.Permission) ||
				(a.Permission == "byQueue") != (len(a.Sources) > 0) || len(a.Sources) > 10 {
				return invalid("Value %s for parameter RedriveAllowPolicy is invalid. Reason: The policy is not a redrive allow policy.", v)
			}
		default:
			return &types.InvalidAttributeName{Message: aws.String("Unknown Attribute " + name + ".")}
		}
	}
	if set["KmsMasterKeyId"] != "" && set["SqsManagedSseEnabled"] == "true" {
		return &types.InvalidAttributeName{Message: aws.String("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")}
	}
	if set["FifoThroughputLimit"] == "perMessageGroupId" && set["DeduplicationScope"] != "messageGroup" && d.get("DeduplicationScope") != "messageGroup" {
		return invalid("The value perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return nil
}

func (s *Service) checkRedrive(d *queueDoc, text string) error {
	if text == "" {
		return nil
	}
	refuse := func(reason string) error {
		return invalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", text, reason)
	}
	var r redrive
	if json.Unmarshal([]byte(text), &r) != nil {
		return refuse("Redrive policy is not a valid JSON map.")
	}
	if r.Target == "" {
		return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if r.Max < 1 || r.Max > 1000 {
		return refuse("Invalid value for maxReceiveCount: " + strconv.Itoa(int(r.Max)) + ", valid values are from 1 to 1000 both inclusive.")
	}
	if a, ok := arn.Parse(r.Target); !ok || a.Service != "sqs" {
		return refuse("Invalid value for deadLetterTargetArn.")
	}
	to, err := s.byARN(r.Target)
	switch {
	case err != nil || to.Account != d.Account || to.Region != d.Region:
		return refuse("Dead letter target does not exist.")
	case to.fifo() != d.fifo():
		return refuse("Dead-letter queue must be same type of queue as the source.")
	}
	if !to.takes(d.arn()) {
		return refuse("The dead letter target does not allow this queue by its RedriveAllowPolicy.")
	}
	return nil
}

// takes says whether the queue may be the dead letter queue of another.
func (d *queueDoc) takes(source string) bool {
	var a redriveAllow
	if d.Attributes["RedriveAllowPolicy"] == "" || json.Unmarshal([]byte(d.Attributes["RedriveAllowPolicy"]), &a) != nil {
		return true
	}
	return a.Permission == "allowAll" || a.Permission == "byQueue" && slices.Contains(a.Sources, source)
}

// apply sets checked attributes.
func (d *queueDoc) apply(set map[string]string) {
	if d.Attributes == nil {
		d.Attributes = map[string]string{}
	}
	for name, v := range set {
		if v == "" {
			delete(d.Attributes, name)
			continue
		}
		d.Attributes[name] = v
		switch {
		case name == "KmsMasterKeyId":
			d.Attributes["SqsManagedSseEnabled"] = "false"
		case name == "SqsManagedSseEnabled" && v == "true" && set["KmsMasterKeyId"] == "":
			delete(d.Attributes, "KmsMasterKeyId")
			delete(d.Attributes, "KmsDataKeyReusePeriodSeconds")
		}
	}
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// always are the attributes that every queue shows.
var always = []string{"DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout", "SqsManagedSseEnabled"}

var counted = []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"}

// GetQueueAttributes returns attributes of a queue.
func (s *Service) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"QueueArn": d.arn(), "CreatedTimestamp": strconv.FormatInt(d.Created.Unix(), 10), "LastModifiedTimestamp": strconv.FormatInt(d.Modified.Unix(), 10),
	}
	for _, name := range always {
		all[name] = d.get(name)
	}
	for name := range ofFIFO {
		if d.fifo() {
			all[name] = d.get(name)
		}
	}
	for name, v := range d.Attributes {
		all[name] = v
	}
	if d.Attributes["KmsMasterKeyId"] != "" {
		all["KmsDataKeyReusePeriodSeconds"] = d.get("KmsDataKeyReusePeriodSeconds")
	}
	out := &sqs.GetQueueAttributesOutput{}
	counts := false
	for _, name := range in.AttributeNames {
		known := name == types.QueueAttributeNameAll || all[string(name)] != "" || slices.Contains(counted, string(name))
		if !known && !slices.Contains(name.Values(), name) {
			return nil, &types.InvalidAttributeName{Message: aws.String("Unknown Attribute " + string(name) + ".")}
		}
		counts = counts || name == types.QueueAttributeNameAll || slices.Contains(counted, string(name))
	}
	if counts {
		c, err := q.Counts()
		if err != nil {
			return nil, told(err)
		}
		all["ApproximateNumberOfMessages"] = strconv.FormatInt(c.Visible, 10)
		all["ApproximateNumberOfMessagesNotVisible"] = strconv.FormatInt(c.InFlight, 10)
		all["ApproximateNumberOfMessagesDelayed"] = strconv.FormatInt(c.Delayed, 10)
	}
	for name, v := range all {
		if slices.Contains(in.AttributeNames, types.QueueAttributeNameAll) || slices.Contains(in.AttributeNames, types.QueueAttributeName(name)) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = v
		}
	}
	return out, nil
}

// SetQueueAttributes changes attributes of a queue; an empty policy or key removes it.
func (s *Service) SetQueueAttributes(ctx context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if v, ok := in.Attributes["FifoQueue"]; ok && (!d.fifo() || v != "true") {
		return nil, &types.InvalidAttributeValue{Message: aws.String("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")}
	}
	if err := s.checkAttributes(d, in.Attributes); err != nil {
		return nil, err
	}
	if err := s.modify(ctx, d, func(d *queueDoc) error {
		d.apply(in.Attributes)
		d.Modified = s.now()
		return nil
	}); err != nil {
		return nil, err
	}
	return &sqs.SetQueueAttributesOutput{}, nil
}
