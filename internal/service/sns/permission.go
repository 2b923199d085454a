package sns

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// granted are the actions that AddPermission can give.
var granted = []string{
	"GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish", "Receive",
}

var accountID = regexp.MustCompile(`^\d{12}$`)

// document is a policy of which only the statements are looked at.
type document struct {
	Version   string           `json:"Version"`
	ID        string           `json:"Id,omitempty"`
	Statement []map[string]any `json:"Statement"`
}

func (d *topicDoc) policy() (document, error) {
	var p document
	text := d.attribute("Policy")
	var single struct {
		Version   string
		ID        string `json:"Id"`
		Statement map[string]any
	}
	if json.Unmarshal([]byte(text), &single) == nil && single.Statement != nil {
		return document{single.Version, single.ID, []map[string]any{single.Statement}}, nil
	}
	return p, json.Unmarshal([]byte(text), &p)
}

func (d *topicDoc) setPolicy(p document) error {
	b, err := json.Marshal(&p)
	if err != nil {
		return err
	}
	return d.set("Policy", string(b), false)
}

// AddPermission adds a statement for accounts to a topic's policy.
func (s *Service) AddPermission(ctx context.Context, in *sns.AddPermissionInput, _ ...func(*sns.Options)) (*sns.AddPermissionOutput, error) {
	d, err := s.own(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	label := aws.ToString(in.Label)
	if !topicName.MatchString(label) || len(label) > 80 {
		return nil, invalid("Label")
	}
	if len(in.ActionName) == 0 || len(in.AWSAccountId) == 0 {
		return nil, invalid("a permission names accounts and actions")
	}
	var actions, principals []string
	for _, a := range in.ActionName {
		if !slices.Contains(granted, a) {
			return nil, invalid("Policy statement action out of service scope!")
		}
		actions = append(actions, "SNS:"+a)
	}
	for _, account := range in.AWSAccountId {
		if !accountID.MatchString(account) {
			return nil, invalid("AWSAccountId")
		}
		principals = append(principals, arn.Global("iam", d.Region, account, "root"))
	}
	return &sns.AddPermissionOutput{}, s.modify(ctx, d, func(d *topicDoc) error {
		p, err := d.policy()
		if err != nil {
			return err
		}
		for _, st := range p.Statement {
			if st["Sid"] == label {
				return invalid("Statement already exists")
			}
		}
		p.Statement = append(p.Statement, map[string]any{"Sid": label, "Effect": "Allow", "Principal": map[string]any{"AWS": principals}, "Action": actions, "Resource": d.arn()})
		return d.setPolicy(p)
	})
}

// RemovePermission removes the statement of a label; one that is not there is no error.
func (s *Service) RemovePermission(ctx context.Context, in *sns.RemovePermissionInput, _ ...func(*sns.Options)) (*sns.RemovePermissionOutput, error) {
	d, err := s.own(ctx, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return &sns.RemovePermissionOutput{}, s.modify(ctx, d, func(d *topicDoc) error {
		p, err := d.policy()
		if err != nil {
			return err
		}
		kept := slices.DeleteFunc(p.Statement, func(st map[string]any) bool { return st["Sid"] == aws.ToString(in.Label) })
		if len(kept) == 0 { // which no policy may be
			return d.set("Policy", "", false)
		}
		p.Statement = kept
		return d.setPolicy(p)
	})
}
