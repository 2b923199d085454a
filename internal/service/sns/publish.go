package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/queue"
)

// maxMessage is how long a message with its attributes may be, and a batch, in bytes.
const maxMessage = 256 << 10

var (
	fifoID  = regexp.MustCompile(`^[\x21-\x7E]{1,128}$`)
	entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
)

// content is one message as a client has it.
type content struct {
	at                          string // where it is in the request; empty, or it ends with a dot
	message, subject, structure *string
	attributes                  map[string]types.MessageAttributeValue
	group, dedup                *string
}

// check makes what is stored of a message, and tells its length.
func (c *content) check(t *topicDoc) (p *posted, size int, err error) {
	p = &posted{Topic: t.arn(), Text: aws.ToString(c.message), Version: t.attribute("SignatureVersion"), Group: aws.ToString(c.group), Dedup: aws.ToString(c.dedup)}
	switch {
	case p.Text == "":
		return nil, 0, invalid("Empty message")
	case !utf8.ValidString(p.Text):
		return nil, 0, invalid("Message Reason: it is not UTF-8")
	}
	if size, err = p.takeAttributes(c.at, c.attributes); err != nil {
		return nil, 0, err
	}
	if size += len(p.Text); size > maxMessage {
		return nil, size, invalid("Message too long")
	}
	if c.subject != nil {
		if err := checkSubject(*c.subject); err != nil {
			return nil, 0, err
		}
		p.Subject = c.subject
	}
	switch aws.ToString(c.structure) {
	case "":
	case "json":
		if err := p.takeStructure(); err != nil {
			return nil, 0, err
		}
	default:
		return nil, 0, invalid("MessageStructure")
	}
	return p, size, p.checkOrder(t, c)
}

const noGroup = "The MessageGroupId parameter is required for FIFO topics"

// checkOrder checks the ids of groups and duplicates.
func (p *posted) checkOrder(t *topicDoc, c *content) error {
	if c.group != nil && !fifoID.MatchString(p.Group) {
		return invalid("The MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	if c.dedup != nil && !fifoID.MatchString(p.Dedup) {
		return invalid("The MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	switch {
	case !t.fifo() && c.dedup != nil:
		return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case !t.fifo():
	case c.group == nil:
		return invalid(noGroup)
	case c.dedup == nil && t.attribute("ContentBasedDeduplication") != "true":
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case c.dedup == nil:
		sum := sha256.Sum256([]byte(p.Text))
		p.Dedup = hex.EncodeToString(sum[:])
	}
	return nil
}

func checkSubject(subject string) error {
	if subject == "" || len([]rune(subject)) > 100 || strings.HasPrefix(subject, " ") {
		return invalid("Subject")
	}
	for _, r := range subject {
		if r < ' ' || r == 0x7F {
			return invalid("Subject")
		}
	}
	return nil
}

// takeStructure takes the messages by protocol out of a message that is JSON.
func (p *posted) takeStructure() error {
	var all map[string]any
	if json.Unmarshal([]byte(p.Text), &all) != nil {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	p.ByProtocol = map[string]string{}
	for protocol, v := range all {
		if text, ok := v.(string); ok {
			p.ByProtocol[protocol] = text
		}
	}
	text, ok := p.ByProtocol["default"]
	if !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	p.Text = text
	delete(p.ByProtocol, "default")
	return nil
}

// checkAttributeName refuses what is no name of a message attribute.
func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case len(name) > 256:
		return invalidValue("Length of message attribute name must be less than 256 bytes.")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || name == "":
		return invalidValue("The message attribute name '%s' is invalid", name)
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.", r)) {
			return invalidValue("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
	}
	switch {
	case name[0] == '.':
		return invalidValue("Invalid message attribute name starting with character '.' was found.")
	case name[len(name)-1] == '.':
		return invalidValue("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return invalidValue("Message attribute name can not have successive '.' character.")
	}
	return nil
}

// takeAttributes checks message attributes and reports how long they are. at is where they are in the request.
func (p *posted) takeAttributes(at string, attributes map[string]types.MessageAttributeValue) (size int, err error) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		if err := checkAttributeName(name); err != nil {
			return 0, err
		}
		if v.DataType == nil {
			return 0, awswire.Errorf("ValidationError", "1 validation error detected: Value null at '%smessageAttributes.%s.member.dataType' failed to satisfy constraint: Member must not be null", at, name)
		}
		kind := aws.ToString(v.DataType)
		base, _, _ := strings.Cut(kind, ".")
		a := attribute{Type: kind}
		empty := func() error {
			return invalidValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, base)
		}
		wrongField := func(want string) error {
			return invalidValue("The message attribute '%s' with type '%s' must use field '%s'.", name, base, want)
		}
		switch {
		case kind == "" || len(kind) > 256:
			return 0, invalidValue("The message attribute '%s' must contain non-empty message attribute type.", name)
		case base == "String" || base == "Number":
			switch {
			case len(v.BinaryValue) > 0:
				return 0, wrongField("String")
			case aws.ToString(v.StringValue) == "":
				return 0, empty()
			}
			a.Text = v.StringValue
			if !utf8.ValidString(*a.Text) {
				return 0, invalidValue("The message attribute '%s' has a value that is not UTF-8", name)
			}
			if base == "Number" {
				if _, err := strconv.ParseFloat(*a.Text, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
					return 0, invalidValue("Could not cast message attribute '%s' value to number.", name)
				}
			}
		case base == "Binary":
			switch {
			case aws.ToString(v.StringValue) != "":
				return 0, wrongField("Binary")
			case len(v.BinaryValue) == 0:
				return 0, empty()
			}
			a.Binary = v.BinaryValue
		default:
			return 0, invalidValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		if p.Attributes == nil {
			p.Attributes = map[string]attribute{}
		}
		p.Attributes[name] = a
		size += len(name) + len(kind) + len(aws.ToString(a.Text)) + len(a.Binary)
	}
	return size, nil
}

// post stores messages in the outbox of their topic, and reports what each has become.
func (s *Service) post(t *topicDoc, list []*posted) ([]queue.Sent, error) {
	messages := make([]*queue.Message, 0, len(list))
	for _, p := range list {
		p.ID, p.Time = uuid.NewString(), s.now().UnixMilli()
		body, err := p.encode()
		if err != nil {
			return nil, err
		}
		messages = append(messages, &queue.Message{ID: p.ID, Body: body, Group: p.Group, Dedup: p.Dedup})
	}
	if !t.fifo() {
		heard := false
		for it, err := range s.subscriptions.In(t.key()...).List() {
			if err != nil {
				return nil, err
			}
			if heard = !it.Value.Pending && delivers(it.Value.Protocol); heard {
				break
			}
		}
		if !heard { // nobody will have it
			sent := make([]queue.Sent, 0, len(list))
			for _, p := range list {
				sent = append(sent, queue.Sent{ID: p.ID})
			}
			return sent, nil
		}
	}
	q, err := s.outbox(t)
	if err != nil {
		return nil, err
	}
	sent, err := q.Send(messages)
	if errors.Is(err, queue.ErrGone) {
		return nil, noTopic()
	}
	return sent, err
}

func sequence(t *topicDoc, n uint64) *string {
	if !t.fifo() {
		return nil
	}
	return aws.String(fmt.Sprintf("%020d", n))
}

// Publish sends a message to a topic. It is on disk when Publish returns.
func (s *Service) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	topic := in.TopicArn
	given := 0
	for _, to := range []*string{in.TopicArn, in.TargetArn, in.PhoneNumber} {
		if to != nil {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, invalid("TopicArn or TargetArn Reason: exactly one of TopicArn, TargetArn and PhoneNumber is wanted")
	case in.PhoneNumber != nil:
		return nil, refused("SMS is")
	case in.TargetArn != nil:
		topic = in.TargetArn
		if strings.Contains(*topic, ":endpoint/") || strings.Contains(*topic, ":app/") {
			return nil, refused("mobile push is")
		}
	}
	t, err := s.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	c := &content{"", in.Message, in.Subject, in.MessageStructure, in.MessageAttributes, in.MessageGroupId, in.MessageDeduplicationId}
	p, size, err := c.check(t)
	if err != nil {
		return nil, err
	}
	p.Trace = awswire.CallerFrom(ctx).Trace
	sent, err := s.post(t, []*posted{p})
	if err != nil {
		return nil, err
	}
	s.measurePublish(t, size)
	return &sns.PublishOutput{MessageId: &sent[0].ID, SequenceNumber: sequence(t, sent[0].Sequence)}, nil
}

// missing reports whether an error about an entry of a batch is one about the form of the request, which is refused for
// it whole: what must be there is not.
func missing(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "ValidationError" || api.ErrorMessage() == "Invalid parameter: "+noGroup)
}

// PublishBatch sends up to ten messages to a topic. Those that are wrong fail alone; where all are, the error is that of
// the first, as AWS was recorded to answer.
func (s *Service) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, _ ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	t, err := s.topic(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	switch n := len(in.PublishBatchRequestEntries); {
	case n == 0:
		return nil, &types.EmptyBatchRequestException{Message: aws.String("The batch request doesn't contain any entries.")}
	case n > 10:
		return nil, &types.TooManyEntriesInBatchRequestException{Message: aws.String("The batch request contains more entries than permissible.")}
	}
	seen := map[string]bool{}
	for _, e := range in.PublishBatchRequestEntries {
		id := aws.ToString(e.Id)
		if !entryID.MatchString(id) {
			return nil, &types.InvalidBatchEntryIdException{Message: aws.String("The Id of a batch entry in a batch request doesn't abide by the specification.")}
		}
		if seen[id] {
			return nil, &types.BatchEntryIdsNotDistinctException{Message: aws.String("Two or more batch entries in the request have the same Id.")}
		}
		seen[id] = true
	}
	out := &sns.PublishBatchOutput{Successful: []types.PublishBatchResultEntry{}, Failed: []types.BatchResultErrorEntry{}}
	var list []*posted
	var ids []*string
	var sizes []int
	var first error
	size := 0
	for i := range in.PublishBatchRequestEntries {
		e := &in.PublishBatchRequestEntries[i]
		c := &content{fmt.Sprintf("publishBatchRequestEntries.%d.member.", i+1), e.Message, e.Subject, e.MessageStructure, e.MessageAttributes, e.MessageGroupId, e.MessageDeduplicationId}
		p, n, err := c.check(t)
		size += n
		var api smithy.APIError
		switch {
		case err != nil && (missing(err) || !errors.As(err, &api)):
			return nil, err
		case err != nil:
			if first == nil {
				first = err
			}
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, SenderFault: true, Code: aws.String(api.ErrorCode()), Message: aws.String(api.ErrorMessage())})
			continue
		}
		p.Trace = awswire.CallerFrom(ctx).Trace
		list, ids, sizes = append(list, p), append(ids, e.Id), append(sizes, n)
	}
	if size > maxMessage {
		return nil, &types.BatchRequestTooLongException{Message: aws.String("The length of all the messages put together is more than the limit.")}
	}
	if len(list) == 0 {
		return nil, first
	}
	sent, err := s.post(t, list)
	if err != nil {
		return nil, err
	}
	s.measurePublish(t, sizes...)
	for i := range sent {
		out.Successful = append(out.Successful, types.PublishBatchResultEntry{Id: ids[i], MessageId: &sent[i].ID, SequenceNumber: sequence(t, sent[i].Sequence)})
	}
	return out, nil
}
