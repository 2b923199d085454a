package sqs

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// granted are the actions that AddPermission can give.
var granted = []string{"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue"}

// document is a policy of which only the statements are looked at.
type document struct {
	Version   string           `json:"Version"`
	ID        string           `json:"Id,omitempty"`
	Statement []map[string]any `json:"Statement"`
}

func (d *queueDoc) policy() (document, error) {
	p := document{Version: "2008-10-17", ID: d.arn() + "/SQSDefaultPolicy"}
	text := d.Attributes["Policy"]
	if text == "" {
		return p, nil
	}
	var one struct{ Statement map[string]any }
	if json.Unmarshal([]byte(text), &one) == nil && one.Statement != nil {
		p.Statement = []map[string]any{one.Statement}
		return p, nil
	}
	return p, json.Unmarshal([]byte(text), &p)
}

// AddPermission adds a statement for accounts to a queue's policy.
func (s *Service) AddPermission(ctx context.Context, in *sqs.AddPermissionInput, _ ...func(*sqs.Options)) (*sqs.AddPermissionOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	label := aws.ToString(in.Label)
	switch {
	case !queueName.MatchString(label):
		return nil, invalid("Value %s for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.", label)
	case len(in.AWSAccountIds) == 0:
		return nil, missing("AWSAccountIds")
	case len(in.Actions) == 0 || len(in.Actions) > 7:
		return nil, missing("Actions")
	}
	var actions, principals []string
	for _, a := range in.Actions {
		if !slices.Contains(granted, a) {
			return nil, invalid("Value SQS:%s for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.", a)
		}
		actions = append(actions, "SQS:"+a)
	}
	for _, account := range in.AWSAccountIds {
		principals = append(principals, arn.Global("iam", d.Region, account, "root"))
	}
	return &sqs.AddPermissionOutput{}, s.modify(ctx, d, func(d *queueDoc) error {
		p, err := d.policy()
		if err != nil {
			return err
		}
		for _, st := range p.Statement {
			if st["Sid"] == label {
				return invalid("Value %s for parameter Label is invalid. Reason: Already exists.", label)
			}
		}
		p.Statement = append(p.Statement, map[string]any{"Sid": label, "Effect": "Allow", "Principal": map[string]any{"AWS": one(principals)}, "Action": one(actions), "Resource": d.arn()})
		return d.setPolicy(p)
	})
}

// one is a list as policies that AddPermission makes have it: of one, that one.
func one(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// RemovePermission removes the statement of a label.
func (s *Service) RemovePermission(ctx context.Context, in *sqs.RemovePermissionInput, _ ...func(*sqs.Options)) (*sqs.RemovePermissionOutput, error) {
	d, err := s.own(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.RemovePermissionOutput{}, s.modify(ctx, d, func(d *queueDoc) error {
		p, err := d.policy()
		if err != nil {
			return err
		}
		kept := slices.DeleteFunc(p.Statement, func(st map[string]any) bool { return st["Sid"] == aws.ToString(in.Label) })
		if len(kept) == len(p.Statement) {
			return invalid("Value %s for parameter Label is invalid. Reason: can't find label.", aws.ToString(in.Label))
		}
		p.Statement = kept
		return d.setPolicy(p)
	})
}

func (d *queueDoc) setPolicy(p document) error {
	if len(p.Statement) == 0 {
		delete(d.Attributes, "Policy")
		return nil
	}
	b, err := json.Marshal(&p)
	if err != nil {
		return err
	}
	d.apply(map[string]string{"Policy": string(b)})
	return nil
}
