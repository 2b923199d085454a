package sqs

import (
	"context"
	"crypto/md5" //nolint:gosec // what the protocol has
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/queue"
)

// extra is what comes with a message's body, as the engine keeps it.
type extra struct {
	Attributes map[string]attribute `json:"a,omitempty"`
	Trace      string               `json:"t,omitempty"`
}

// attribute is a message attribute.
type attribute struct {
	Type   string  `json:"t"`
	Text   *string `json:"s,omitempty"`
	Binary []byte  `json:"b,omitempty"`
}

func hexMD5(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // what the protocol has
	return hex.EncodeToString(sum[:])
}

// md5Of is the checksum of attributes; empty of none.
func md5Of(attributes map[string]attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	add := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range sortedNames(attributes) {
		a := attributes[name]
		add(name)
		add(a.Type)
		if a.Text != nil {
			b = append(b, 1)
			add(*a.Text)
		} else {
			b = append(b, 2)
			add(string(a.Binary))
		}
	}
	return hexMD5(b)
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// checked is an outgoing message that can be sent.
type checked struct {
	m                       *queue.Message
	size                    int
	body, attributes, trace string // checksums
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	decimal       = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	fifoID        = regexp.MustCompile(`^[\x21-\x7E]{1,128}$`)
)

// check makes the message of an outgoing one.
func (s *Service) check(ctx context.Context, d *queueDoc, o *SendMessageBatchRequestEntry) (*checked, error) {
	body := aws.ToString(o.MessageBody)
	if body == "" {
		return nil, missing("MessageBody")
	}
	if !contents(body) {
		return nil, &types.InvalidMessageContents{Message: aws.String("Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")}
	}
	x := extra{}
	size := len(body)
	for _, name := range sortedNames(o.MessageAttributes) {
		a, err := checkAttribute(name, o.MessageAttributes[name])
		if err != nil {
			return nil, err
		}
		if x.Attributes == nil {
			x.Attributes = map[string]attribute{}
		}
		x.Attributes[name] = a
		size += len(name) + len(a.Type) + len(aws.ToString(a.Text)) + len(a.Binary)
	}
	if len(x.Attributes) > 10 {
		return nil, invalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(x.Attributes))
	}
	if most := d.number("MaximumMessageSize"); int64(size) > most {
		return nil, invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	c := &checked{size: size, body: hexMD5([]byte(body)), attributes: md5Of(x.Attributes)}
	for name, v := range o.MessageSystemAttributes {
		if name != "AWSTraceHeader" || aws.ToString(v.DataType) != "String" || aws.ToString(v.StringValue) == "" {
			return nil, invalid("Message system attribute name %s is invalid.", name)
		}
		x.Trace = *v.StringValue
		c.trace = md5Of(map[string]attribute{name: {Type: "String", Text: v.StringValue}})
	}
	if x.Trace == "" {
		x.Trace = awswire.CallerFrom(ctx).Trace
	}
	c.m = &queue.Message{ID: awswire.NewRequestID(), Body: []byte(body), Sender: sender(ctx), Group: aws.ToString(o.MessageGroupId), Dedup: aws.ToString(o.MessageDeduplicationId)}
	if x.Attributes != nil || x.Trace != "" {
		b, err := json.Marshal(&x)
		if err != nil {
			return nil, err
		}
		c.m.Extra = b
	}
	return c, s.checkOrder(d, o, c.m, body)
}

// checkOrder checks what makes the difference between the kinds of queues.
func (s *Service) checkOrder(d *queueDoc, o *SendMessageBatchRequestEntry, m *queue.Message, body string) error {
	delay := d.number("DelaySeconds")
	if o.DelaySeconds != nil {
		if *o.DelaySeconds < 0 || *o.DelaySeconds > 900 {
			return invalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *o.DelaySeconds)
		}
		if d.fifo() && *o.DelaySeconds > 0 {
			return invalid("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *o.DelaySeconds)
		}
		if !d.fifo() {
			delay = int64(*o.DelaySeconds)
		}
	}
	if delay > 0 {
		m.Visible = s.clock.Now().UnixMilli() + delay*1000
	}
	if o.MessageGroupId != nil && !fifoID.MatchString(*o.MessageGroupId) {
		return invalid("Value %s for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.", *o.MessageGroupId)
	}
	if o.MessageDeduplicationId != nil && !fifoID.MatchString(*o.MessageDeduplicationId) {
		return invalid("Value %s for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.", *o.MessageDeduplicationId)
	}
	switch {
	case !d.fifo() && o.MessageDeduplicationId != nil:
		return invalid("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.", *o.MessageDeduplicationId)
	case d.fifo() && o.MessageGroupId == nil:
		return missing("MessageGroupId")
	case d.fifo() && o.MessageDeduplicationId == nil && d.get("ContentBasedDeduplication") != "true":
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case d.fifo() && o.MessageDeduplicationId == nil:
		sum := sha256.Sum256([]byte(body))
		m.Dedup = hex.EncodeToString(sum[:])
	}
	return nil
}

// contents says whether a text has only the characters that a message may have.
func contents(s string) bool {
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

func checkAttribute(name string, v types.MessageAttributeValue) (attribute, error) {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return attribute{}, invalid("Message (user) attribute name '%s' is invalid.", name)
	}
	kind := aws.ToString(v.DataType)
	base, _, _ := strings.Cut(kind, ".")
	if kind == "" || len(kind) > 256 {
		return attribute{}, invalid("The message attribute '%s' must contain a non-empty message attribute type.", name)
	}
	switch base {
	case "String", "Number":
		text := aws.ToString(v.StringValue)
		if text == "" || v.BinaryValue != nil {
			return attribute{}, invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, base)
		}
		if !contents(text) {
			return attribute{}, invalid("The message attribute '%s' has characters that are not allowed.", name)
		}
		if base == "Number" {
			if !decimal.MatchString(text) {
				return attribute{}, invalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
			}
		}
		return attribute{Type: kind, Text: v.StringValue}, nil
	case "Binary":
		if len(v.BinaryValue) == 0 || v.StringValue != nil {
			return attribute{}, invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, base)
		}
		return attribute{Type: kind, Binary: v.BinaryValue}, nil
	}
	return attribute{}, invalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
}

// sender is the SenderId of the caller.
func sender(ctx context.Context) string {
	c := awswire.CallerFrom(ctx)
	switch {
	case c.Anonymous:
		return "Anonymous"
	case c.Session != nil && c.Session.ID != "":
		return c.Session.ID
	case c.Session != nil && c.Session.Service != "" && c.Session.Source == "":
		return c.Session.Service
	case c.Principal != "":
		return c.Principal[strings.LastIndexByte(c.Principal, '/')+1:]
	}
	return c.Account
}

func sequence(d *queueDoc, n uint64) *string {
	if !d.fifo() {
		return nil
	}
	return aws.String(fmt.Sprintf("%020d", n))
}

// send adds a message to a queue.
func (s *Service) send(ctx context.Context, in *SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	c, err := s.check(ctx, d, &SendMessageBatchRequestEntry{nil, in.MessageBody, in.DelaySeconds, in.MessageAttributes, in.MessageSystemAttributes, in.MessageDeduplicationId, in.MessageGroupId})
	if err != nil {
		return nil, err
	}
	sent, err := q.Send([]*queue.Message{c.m})
	if err != nil {
		return nil, told(err)
	}
	s.measureSend(d, c)
	return &sqs.SendMessageOutput{
		MessageId: &sent[0].ID, MD5OfMessageBody: &c.body, MD5OfMessageAttributes: some(c.attributes), MD5OfMessageSystemAttributes: some(c.trace),
		SequenceNumber: sequence(d, sent[0].Sequence),
	}, nil
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch checks the ids of a batch's entries.
func checkBatch(kind string, n int, id func(int) *string) error {
	if n == 0 {
		return &types.EmptyBatchRequest{Message: aws.String("There should be at least one " + kind + " in the request.")}
	}
	if n > 10 {
		return &types.TooManyEntriesInBatchRequest{Message: aws.String("Maximum number of entries per request are 10. You have sent " + strconv.Itoa(n) + ".")}
	}
	seen := map[string]bool{}
	for i := range n {
		name := aws.ToString(id(i))
		if !entryID.MatchString(name) {
			return &types.InvalidBatchEntryId{Message: aws.String("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")}
		}
		if seen[name] {
			return &types.BatchEntryIdsNotDistinct{Message: aws.String("Id " + name + " repeated.")}
		}
		seen[name] = true
	}
	return nil
}

// failed is the entry of a batch's answer for an error.
func failed(id *string, err error) (types.BatchResultErrorEntry, error) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return types.BatchResultErrorEntry{}, err
	}
	return types.BatchResultErrorEntry{Id: id, SenderFault: true, Code: aws.String(api.ErrorCode()), Message: aws.String(api.ErrorMessage())}, nil
}

// ofRequest reports whether an error of a message is the whole batch's: what its kind of queue asks for is not there.
func (d *queueDoc) ofRequest(e *SendMessageBatchRequestEntry) bool {
	return d.fifo() && (e.MessageGroupId == nil || e.MessageDeduplicationId == nil && d.get("ContentBasedDeduplication") != "true")
}

// sendBatch adds up to ten messages to a queue; those that are wrong fail alone.
func (s *Service) sendBatch(ctx context.Context, in *SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("SendMessageBatchRequestEntry", len(in.Entries), func(i int) *string { return in.Entries[i].Id }); err != nil {
		return nil, err
	}
	out := &sqs.SendMessageBatchOutput{Successful: []types.SendMessageBatchResultEntry{}, Failed: []types.BatchResultErrorEntry{}}
	var list []*queue.Message
	var good []*checked
	var ids []*string
	size := 0
	for i := range in.Entries {
		e := &in.Entries[i]
		c, err := s.check(ctx, d, e)
		switch {
		case err == nil || !d.ofRequest(e):
		case e.MessageGroupId == nil:
			return nil, invalid("The request must contain the parameter MessageGroupId.")
		default:
			return nil, err
		}
		if err != nil {
			f, err := failed(e.Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
			continue
		}
		size += c.size
		list, good, ids = append(list, c.m), append(good, c), append(ids, e.Id)
	}
	if size > maxMessage {
		return nil, &types.BatchRequestTooLong{Message: aws.String(fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size))}
	}
	if len(list) == 0 {
		return out, nil
	}
	sent, err := q.Send(list)
	if err != nil {
		return nil, told(err)
	}
	s.measureSend(d, good...)
	for i, c := range good {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{
			Id: ids[i], MessageId: &sent[i].ID, MD5OfMessageBody: &c.body, MD5OfMessageAttributes: some(c.attributes), MD5OfMessageSystemAttributes: some(c.trace),
			SequenceNumber: sequence(d, sent[i].Sequence),
		})
	}
	return out, nil
}
