package sns

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// attribute is a message attribute.
type attribute struct {
	Type   string  `json:"t"`
	Text   *string `json:"s,omitempty"`
	Binary []byte  `json:"b,omitempty"`
}

// value is an attribute's value as text.
func (a *attribute) value() string {
	if a.Text != nil {
		return *a.Text
	}
	return base64.StdEncoding.EncodeToString(a.Binary)
}

const (
	notificationType = "Notification"
	confirmationType = "SubscriptionConfirmation"
	endType          = "UnsubscribeConfirmation"
)

// posted is a message as it is kept in outboxes.
type posted struct {
	Type       string               `json:"type,omitempty"` // empty: a notification
	ID         string               `json:"id"`
	Topic      string               `json:"topic"`
	Text       string               `json:"text"`
	ByProtocol map[string]string    `json:"byProtocol,omitempty"` // in place of Text
	Subject    *string              `json:"subject,omitempty"`
	Attributes map[string]attribute `json:"attributes,omitempty"`
	Time       int64                `json:"time"` // milliseconds
	Version    string               `json:"version"`
	Signature  string               `json:"signature,omitempty"` // of Text, where it was made already
	CertURL    string               `json:"certUrl,omitempty"`   // of the Signature
	Token      string               `json:"token,omitempty"`
	Group      string               `json:"group,omitempty"`
	Dedup      string               `json:"dedup,omitempty"`
	Sequence   string               `json:"sequence,omitempty"`
	Trace      string               `json:"trace,omitempty"` // the chain of requests that it belongs to
}

// encode is the stored form.
func (p *posted) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(p)
	return b.Bytes(), err
}

func decodePosted(b []byte) (*posted, error) {
	p := new(posted)
	if err := json.Unmarshal(b, p); err != nil {
		return nil, fmt.Errorf("a stored message cannot be read: %w", err)
	}
	return p, nil
}

// text is the message for a protocol.
func (p *posted) text(protocol string) string {
	if t, ok := p.ByProtocol[protocol]; ok {
		return t
	}
	return p.Text
}

func (p *posted) timestamp() string {
	return time.UnixMilli(p.Time).UTC().Format("2006-01-02T15:04:05.000Z")
}

// link is a URL of this node's by which whoever has it does something.
func (s *Service) link(action string, parameters ...string) string {
	u := strings.TrimSuffix(s.cfg.Endpoint(), "/") + "/?Action=" + action
	for i := 0; i < len(parameters); i += 2 {
		u += "&" + parameters[i] + "=" + strings.ReplaceAll(url.QueryEscape(parameters[i+1]), "%3A", ":") // the colons of an ARN as they are
	}
	return u
}

// field is a member of an envelope, in its order.
type field struct{ name, value string }

// signed is what a signature is of: names and values of some fields, a line each.
func signed(fields []field, names ...string) string {
	var b strings.Builder
	for _, n := range names {
		for _, f := range fields {
			if f.name == n {
				b.WriteString(n + "\n" + f.value + "\n")
			}
		}
	}
	return b.String()
}

// fields are an envelope's, with its signature, which notifications of FIFO topics have not.
func (s *Service) fields(p *posted, d *subscriptionDoc) ([]field, error) {
	kind := p.Type
	if kind == "" {
		kind = notificationType
	}
	text := p.text(d.Protocol)
	list := []field{{"Type", kind}, {"MessageId", p.ID}}
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if kind != notificationType {
		list = append(list, field{"Token", p.Token})
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	if p.Sequence != "" {
		list = append(list, field{"SequenceNumber", p.Sequence})
	}
	list = append(list, field{"TopicArn", p.Topic})
	if p.Subject != nil {
		list = append(list, field{"Subject", *p.Subject})
	}
	list = append(list, field{"Message", text})
	if kind != notificationType {
		list = append(list, field{"SubscribeURL", s.link("ConfirmSubscription", "TopicArn", p.Topic, "Token", p.Token)})
	}
	list = append(list, field{"Timestamp", p.timestamp()})
	if strings.HasSuffix(d.Topic, ".fifo") && kind == notificationType { // these are not signed
		return append(list, field{"UnsubscribeURL", s.link("Unsubscribe", "SubscriptionArn", d.arn())}), nil
	}
	signature, certURL := p.Signature, p.CertURL
	if signature == "" || text != p.Text {
		var err error
		if signature, certURL, err = s.sign(p.Version, signed(list, names...)); err != nil {
			return nil, err
		}
	}
	list = append(list, field{"SignatureVersion", p.Version}, field{"Signature", signature}, field{"SigningCertURL", certURL})
	if kind == notificationType {
		list = append(list, field{"UnsubscribeURL", s.link("Unsubscribe", "SubscriptionArn", d.arn())})
	}
	return list, nil
}

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// envelope is a message as JSON, in the form that SNS sends.
func (s *Service) envelope(p *posted, d *subscriptionDoc) (string, error) {
	fields, err := s.fields(p, d)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, f := range fields {
		b.WriteString(map[bool]string{true: "{\n", false: ",\n"}[i == 0])
		b.WriteString("  " + quoted(f.name) + " : " + quoted(f.value))
	}
	for i, name := range slices.Sorted(maps.Keys(p.Attributes)) {
		a := p.Attributes[name]
		b.WriteString(map[bool]string{true: ",\n  \"MessageAttributes\" : {\n", false: ",\n"}[i == 0])
		b.WriteString("    " + quoted(name) + ` : {"Type":` + quoted(a.Type) + `,"Value":` + quoted(a.value()) + "}")
	}
	if len(p.Attributes) > 0 {
		b.WriteString("\n  }")
	}
	b.WriteString("\n}")
	return b.String(), nil
}

// body is what a subscription is given of a message: the message alone, or in its envelope.
func (s *Service) body(p *posted, d *subscriptionDoc) (string, error) {
	if d.raw() && p.Type == "" {
		return p.text(d.Protocol), nil
	}
	return s.envelope(p, d)
}

// event is a message as a function gets it.
func (s *Service) event(p *posted, d *subscriptionDoc) ([]byte, error) {
	fields, err := s.fields(p, d)
	if err != nil {
		return nil, err
	}
	type value struct{ Type, Value string }
	of := map[string]string{}
	for _, f := range fields {
		of[f.name] = f.value
	}
	attributes := map[string]value{}
	for name, a := range p.Attributes {
		attributes[name] = value{a.Type, a.value()}
	}
	type notification struct {
		Type, MessageId, TopicArn                   string //nolint:revive // as functions know it
		Subject                                     *string
		Message, Timestamp                          string
		SignatureVersion, Signature, SigningCertUrl string //nolint:revive // as functions know it
		UnsubscribeUrl                              string //nolint:revive // as functions know it
		MessageAttributes                           map[string]value
	}
	type record struct {
		EventSource, EventVersion, EventSubscriptionArn string
		Sns                                             notification
	}
	return json.Marshal(map[string][]record{"Records": {{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: d.arn(),
		Sns: notification{
			Type: of["Type"], MessageId: p.ID, TopicArn: p.Topic, Subject: p.Subject, Message: of["Message"], Timestamp: of["Timestamp"],
			SignatureVersion: of["SignatureVersion"], Signature: of["Signature"], SigningCertUrl: of["SigningCertURL"],
			UnsubscribeUrl: of["UnsubscribeURL"], MessageAttributes: attributes,
		},
	}}})
}

func number(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}
