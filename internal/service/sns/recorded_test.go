package sns

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// where is how a place in JSON is told.
func where(column string) string {
	return "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: " + column + "]"
}

// TestRecordedMessages tries errors with the words that AWS was recorded to answer.
func TestRecordedMessages(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	ordered := f.topic("t.fifo", "FifoTopic", "true")
	sub := f.subscribe(topic, "sqs", queueARN("q"))
	orderedSub := f.subscribe(ordered, "sqs", queueARN("q.fifo"))
	set := func(sub *string, name, v string) func() error {
		return func() error {
			_, err := f.SetSubscriptionAttributes(f.ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: sub, AttributeName: &name, AttributeValue: &v})
			return err
		}
	}
	subscribe := func(attributes ...string) func() error {
		return func() error {
			_, err := f.Subscribe(f.ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN("other")), Attributes: pairs(attributes)})
			return err
		}
	}
	attribute := func(name, kind, text string, binary []byte) map[string]types.MessageAttributeValue {
		v := types.MessageAttributeValue{BinaryValue: binary}
		if kind != "" {
			v.DataType = &kind
		}
		if text != "" {
			v.StringValue = &text
		}
		return map[string]types.MessageAttributeValue{name: v}
	}
	publish := func(attributes map[string]types.MessageAttributeValue) func() error {
		return func() error {
			_, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("m"), MessageAttributes: attributes})
			return err
		}
	}
	batch := func(topic *string, e types.PublishBatchRequestEntry) func() error {
		return func() error {
			e.Id, e.Message = aws.String("1"), aws.String("m")
			_, err := f.PublishBatch(f.ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{e}})
			return err
		}
	}
	confirm := func(topic, token string) func() error {
		return func() error {
			_, err := f.ConfirmSubscription(f.ctx, &sns.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
			return err
		}
	}
	get := func(name string) func() error {
		return func() error {
			_, err := f.GetSubscriptionAttributes(f.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &name})
			return err
		}
	}
	many := func(n int) string {
		list := make([]string, n)
		b, _ := json.Marshal(map[string][]string{"key": list})
		return string(b)
	}
	token := strings.Repeat("51b2ff3e", 30)
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"subscribe: operator":      {subscribe("FilterPolicy", `{"key":[{"wrong-operator":true}]}`), "InvalidParameter Invalid parameter: Attributes Reason: FilterPolicy: Unrecognized match type wrong-operator" + where("31")},
		"subscribe: no JSON":       {subscribe("FilterPolicy", "invalid"), "InvalidParameter Invalid parameter: Attributes Reason: FilterPolicy: failed to parse JSON. Unrecognized token 'invalid': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')" + where("8")},
		"subscribe: complex":       {subscribe("FilterPolicy", many(151)), "InvalidParameter Invalid parameter: Attributes Reason: FilterPolicy: Filter policy is too complex"},
		"subscribe: not an array":  {subscribe("FilterPolicy", `{"key":{"suffix":"value"}}`), `InvalidParameter Invalid parameter: Attributes Reason: FilterPolicy: "suffix" must be an object or an array` + where("19")},
		"subscribe: raw":           {subscribe("RawMessageDelivery", "wrongvalue"), "InvalidParameter Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false."},
		"set: raw":                 {set(sub, "RawMessageDelivery", "test-ValUe"), "InvalidParameter Invalid parameter: RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false."},
		"set: raw, empty":          {set(sub, "RawMessageDelivery", ""), "InvalidParameter Invalid parameter: RawMessageDelivery: Invalid value []. Must be true or false."},
		"set: name":                {set(sub, "fake-attribute", "v"), "InvalidParameter Invalid parameter: AttributeName"},
		"set: nested":              {set(sub, "FilterPolicy", `{"object":{"key":[{"prefix":"auto-"}]}}`), "InvalidParameter Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"},
		"set: keys":                {set(sub, "FilterPolicy", `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`), "InvalidParameter Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys"},
		"set: scope":               {set(sub, "FilterPolicyScope", "RandomValue"), "InvalidParameter Invalid parameter: FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes"},
		"set: redrive, no ARN":     {set(sub, "RedrivePolicy", `{"deadLetterTargetArn":"fake-arn"}`), "InvalidParameter Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn"},
		"set: redrive, no JSON":    {set(sub, "RedrivePolicy", "{invalidjson}"), "InvalidParameter Invalid parameter: RedrivePolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name" + where("2")},
		"set: filter, no JSON":     {set(sub, "FilterPolicy", "{invalidjson}"), "InvalidParameter Invalid parameter: FilterPolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name" + where("2")},
		"set: redrive, not FIFO":   {set(orderedSub, "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("dlq")+`"}`), "InvalidParameter Invalid parameter: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."},
		"attribute: no text":       {publish(attribute("attr1", "String", "", nil)), "ParameterValueInvalid The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'."},
		"attribute: no type":       {publish(attribute("attr1", "", "v", nil)), "ValidationError 1 validation error detected: Value null at 'messageAttributes.attr1.member.dataType' failed to satisfy constraint: Member must not be null"},
		"attribute: no bytes":      {publish(attribute("attr1", "Binary", "", nil)), "ParameterValueInvalid The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'Binary'."},
		"attribute: bytes":         {publish(attribute("attr1", "Number", "", []byte("1"))), "ParameterValueInvalid The message attribute 'attr1' with type 'Number' must use field 'String'."},
		"attribute: text":          {publish(attribute("attr1", "Binary", "v", nil)), "ParameterValueInvalid The message attribute 'attr1' with type 'Binary' must use field 'Binary'."},
		"attribute: type":          {publish(attribute("attr1", "Stringy", "v", nil)), "ParameterValueInvalid The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."},
		"attribute: long name":     {publish(attribute(strings.Repeat("a", 257), "String", "v", nil)), "ParameterValueInvalid Length of message attribute name must be less than 256 bytes."},
		"attribute: name":          {publish(attribute("a^b", "String", "v", nil)), "ParameterValueInvalid Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."},
		"attribute: name begins":   {publish(attribute(".a", "String", "v", nil)), "ParameterValueInvalid Invalid message attribute name starting with character '.' was found."},
		"attribute: name ends":     {publish(attribute("a.", "String", "v", nil)), "ParameterValueInvalid Invalid message attribute name ending with character '.' was found."},
		"attribute: name has dots": {publish(attribute("a..b", "String", "v", nil)), "ParameterValueInvalid Message attribute name can not have successive '.' character."},
		"batch: no type":           {batch(topic, types.PublishBatchRequestEntry{MessageAttributes: attribute("attr1", "", "v", nil)}), "ValidationError 1 validation error detected: Value null at 'publishBatchRequestEntries.1.member.messageAttributes.attr1.member.dataType' failed to satisfy constraint: Member must not be null"},
		"batch: no group":          {batch(ordered, types.PublishBatchRequestEntry{}), "InvalidParameter Invalid parameter: The MessageGroupId parameter is required for FIFO topics"},
		"batch: no duplicate id":   {batch(ordered, types.PublishBatchRequestEntry{MessageGroupId: aws.String("g")}), "InvalidParameter Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		"batch: structure":         {batch(topic, types.PublishBatchRequestEntry{MessageStructure: aws.String("json")}), "InvalidParameter Invalid parameter: Message Structure - JSON message body failed to parse"},
		"batch: no ARN":            {batch(aws.String(""), types.PublishBatchRequestEntry{}), "InvalidParameter Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
		"confirm: no topic":        {confirm(*topic+"i", token), "InvalidParameter Invalid parameter: Token"},
		"confirm: no such token":   {confirm(*topic, token), "InvalidParameter Invalid parameter: Token"},
		"confirm: no token":        {confirm(*topic, "randomtoken"), "InvalidParameter Invalid token"},
		"get: no ARN":              {get("x"), "InvalidParameter Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"},
		"get: no id":               {get(*topic + ":x"), "InvalidParameter Invalid parameter: SubscriptionId"},
		"get: none":                {get(*topic + ":771920b9-536f-4e68-94a9-da9503001cf6"), "NotFound Subscription does not exist"},
	} {
		got := "no error"
		var e smithy.APIError
		if err := c.do(); errors.As(err, &e) {
			got = e.ErrorCode() + " " + e.ErrorMessage()
		} else if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
	if err := set(sub, "FilterPolicyScope", "MessageBody")(); err != nil {
		t.Error(err)
	}
	for policy, want := range map[string]string{
		`{"key_a":{"key_b":{"key_c":["1","2","3","4"]}},"key_d":{"key_e":["1","2","3"]},"key_f":["1","2","3"]}`: "FilterPolicy: Filter policy is too complex",
		`{"a":{"1":[1],"2":[1],"3":[1],"4":[1],"5":[1],"6":[1]}}`:                                               "",
	} {
		got := ""
		if err := set(sub, "FilterPolicy", policy)(); err != nil {
			got = strings.TrimPrefix(err.Error()[strings.Index(err.Error(), ": ")+2:], "Invalid parameter: ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", policy, got, want)
		}
	}
}

// TestFIFOEnvelope tries what queues get of a FIFO topic's messages: no signature, and a standard queue no group.
func TestFIFOEnvelope(t *testing.T) {
	f := open(t)
	topic := f.topic("t.fifo", "FifoTopic", "true", "ContentBasedDeduplication", "true")
	f.subscribe(topic, "sqs", queueARN("q.fifo"))
	f.subscribe(topic, "sqs", queueARN("standard"))
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("Test"), MessageGroupId: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"q.fifo", "standard"} {
		m := f.queues.wait(t, name, 1)[0]
		var e map[string]any
		if err := json.Unmarshal([]byte(*m.MessageBody), &e); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{"Signature", "SignatureVersion", "SigningCertURL"} {
			if e[n] != nil {
				t.Errorf("%s has a %s", name, n)
			}
		}
		if e["SequenceNumber"] == nil || e["UnsubscribeURL"] == nil || e["Message"] != "Test" {
			t.Errorf("%s got %v", name, e)
		}
		if ordered := name == "q.fifo"; (m.MessageGroupId != nil) != ordered || (m.MessageDeduplicationId != nil) != ordered {
			t.Errorf("%s got the group %v and the duplicate id %v", name, m.MessageGroupId, m.MessageDeduplicationId)
		}
	}
}

// TestPartOfBatch: messages of a batch that are wrong fail alone, unless all are, or one lacks what the request must have.
func TestPartOfBatch(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	ordered := f.topic("t.fifo", "FifoTopic", "true")
	f.subscribe(topic, "sqs", queueARN("q"), "RawMessageDelivery", "true")
	f.subscribe(ordered, "sqs", queueARN("q.fifo"), "RawMessageDelivery", "true")
	batch := func(topic *string, entries ...types.PublishBatchRequestEntry) (string, error) {
		for i := range entries {
			entries[i].Id = aws.String(string(rune('1' + i)))
		}
		out, err := f.PublishBatch(f.ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: entries})
		if err != nil {
			return "", err
		}
		said := ""
		for _, e := range out.Successful {
			said += *e.Id + " "
		}
		for _, e := range out.Failed {
			if !e.SenderFault {
				t.Errorf("%s is not the sender's fault", *e.Id)
			}
			said += "/ " + *e.Id + " " + *e.Code + " " + *e.Message
		}
		return said, nil
	}
	text := func(v string) types.PublishBatchRequestEntry {
		return types.PublishBatchRequestEntry{Message: &v}
	}
	wrong := text("m")
	wrong.MessageAttributes = map[string]types.MessageAttributeValue{"a": {DataType: aws.String("Stringy"), StringValue: aws.String("v")}}
	untyped := text("m")
	untyped.MessageAttributes = map[string]types.MessageAttributeValue{"a": {StringValue: aws.String("v")}}
	in := func(group, dedup string) types.PublishBatchRequestEntry {
		e := text("in " + group + dedup)
		e.MessageGroupId = &group
		if dedup != "" {
			e.MessageDeduplicationId = &dedup
		}
		return e
	}
	long := text(strings.Repeat("x", maxMessage+1))
	for _, c := range []struct {
		topic   *string
		entries []types.PublishBatchRequestEntry
		want    string
	}{
		{topic, []types.PublishBatchRequestEntry{text("one"), text(""), text("two")}, "1 3 / 2 InvalidParameter Invalid parameter: Empty message"},
		{topic, []types.PublishBatchRequestEntry{wrong, text("three")}, "2 / 1 ParameterValueInvalid The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."},
		{topic, []types.PublishBatchRequestEntry{text(""), wrong}, "InvalidParameter"},
		{topic, []types.PublishBatchRequestEntry{text("not sent"), untyped}, "ValidationError"},
		{topic, []types.PublishBatchRequestEntry{text("not sent"), long}, "BatchRequestTooLong"},
		{ordered, []types.PublishBatchRequestEntry{in("g", "1"), in("g", ""), in("g", "2")}, "1 3 / 2 InvalidParameter Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{ordered, []types.PublishBatchRequestEntry{in("g", "3"), text("m")}, "InvalidParameter"},
	} {
		got, err := batch(c.topic, c.entries...)
		if err != nil {
			got = code(err)
		}
		if got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
	if _, err := batch(topic, text("last")); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, m := range f.queues.wait(t, "q", 4) {
		bodies = append(bodies, *m.MessageBody)
	}
	slices.Sort(bodies)
	if got := strings.Join(bodies, ", "); got != "last, one, three, two" {
		t.Errorf("the queue got %s", got)
	}
	if list := f.queues.wait(t, "q.fifo", 2); len(list) != 2 || *list[0].MessageBody != "in g1" || *list[1].MessageBody != "in g2" {
		t.Errorf("the FIFO queue got %d messages", len(list))
	}
}

// TestStoredFilter: a subscription whose filter policy an earlier version took and this one refuses is left out alone, and
// has messages again when it has another one.
func TestStoredFilter(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	f.subscribe(topic, "sqs", queueARN("plain"), "RawMessageDelivery", "true")
	sub := f.subscribe(topic, "sqs", queueARN("old"), "RawMessageDelivery", "true", "FilterPolicy", `{"n":[1]}`)
	key, _ := subscriptionKey(*sub)
	if _, err := f.subscriptions.Modify(f.ctx, func(d *subscriptionDoc) error {
		d.Attributes["FilterPolicy"] = `{"n":[{"numeric":["<",100,">",10]}]}`
		return nil
	}, key...); err != nil {
		t.Fatal(err)
	}
	publish := func(text string) {
		t.Helper()
		if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: &text, MessageAttributes: map[string]types.MessageAttributeValue{
			"n": {DataType: aws.String("Number"), StringValue: aws.String("50")},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	publish("1")
	publish("2")
	f.queues.wait(t, "plain", 2)
	if _, err := f.SetSubscriptionAttributes(f.ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: sub, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String(`{"n":[{"numeric":[">",10,"<",100]}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	publish("3")
	f.queues.wait(t, "plain", 3)
	if m := f.queues.wait(t, "old", 1); len(m) != 1 || *m[0].MessageBody != "3" {
		t.Errorf("%d messages, the first %s", len(m), *m[0].MessageBody)
	}
}
