package events

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// maxPolicy is how long a bus's policy may be, in bytes.
const maxPolicy = 10_240

// policyDocument is a policy of which only the statements' ids are looked at.
type policyDocument struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// statement is what PutPermission makes.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

func parsePolicy(text string) (policyDocument, error) {
	var d policyDocument
	if text == "" {
		return policyDocument{Version: "2012-10-17"}, nil
	}
	var single struct {
		policyDocument
		Statement json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal([]byte(text), &single); err != nil {
		return d, err
	}
	d = single.policyDocument
	if len(single.Statement) > 0 && single.Statement[0] == '{' {
		d.Statement = []json.RawMessage{single.Statement}
		return d, nil
	}
	return d, json.Unmarshal(single.Statement, &d.Statement)
}

func sidOf(st json.RawMessage) string {
	var of struct{ Sid string }
	_ = json.Unmarshal(st, &of) // it was checked when it was taken
	return of.Sid
}

// PutPermission adds a statement that lets an account put events, in place of one of its id, or sets the whole policy.
func (s *Service) PutPermission(ctx context.Context, in *eventbridge.PutPermissionInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutPermissionOutput, error) {
	d, err := s.own(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if in.Policy != nil {
		if in.Action != nil || in.Principal != nil || in.StatementId != nil || in.Condition != nil {
			return nil, invalid("Parameter Policy cannot be used with Action, Principal, StatementId or Condition.")
		}
		if err := checkPolicy(*in.Policy); err != nil {
			return nil, err
		}
		_, err = s.modifyBus(ctx, d, func(d *busDoc) error { d.Policy = *in.Policy; return nil })
		return &eventbridge.PutPermissionOutput{}, err
	}
	st, err := statementOf(d, in)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyBus(ctx, d, func(d *busDoc) error {
		p, err := parsePolicy(d.Policy)
		if err != nil {
			return err
		}
		p.Statement = append(slices.DeleteFunc(p.Statement, func(o json.RawMessage) bool { return sidOf(o) == *in.StatementId }), st)
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if err := checkPolicy(string(b)); err != nil {
			return err
		}
		d.Policy = string(b)
		return nil
	})
	return &eventbridge.PutPermissionOutput{}, err
}

func statementOf(d *busDoc, in *eventbridge.PutPermissionInput) (json.RawMessage, error) {
	for name, v := range map[string]*string{"Action": in.Action, "Principal": in.Principal, "StatementId": in.StatementId} {
		if v == nil {
			return nil, invalid("Parameter %s must be specified.", name)
		}
	}
	if *in.Action != "events:PutEvents" {
		return nil, invalid("Provided value in parameter 'action' is not supported.")
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Principal: "*", Action: *in.Action, Resource: d.arn()}
	if *in.Principal != "*" {
		st.Principal = map[string]string{"AWS": arn.Global("iam", d.Region, *in.Principal, "root")}
	}
	if c := in.Condition; c != nil {
		if aws.ToString(c.Type) != "StringEquals" || aws.ToString(c.Key) != "aws:PrincipalOrgID" || aws.ToString(c.Value) == "" {
			return nil, invalid("Parameter Condition is not valid: its type is StringEquals and its key aws:PrincipalOrgID.")
		}
		st.Condition = map[string]map[string]string{*c.Type: {*c.Key: *c.Value}}
	}
	return json.Marshal(st)
}

func checkPolicy(text string) error {
	if len(text) > maxPolicy {
		return &types.PolicyLengthExceededException{Message: sprintf("The policy is longer than %d bytes.", maxPolicy)}
	}
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return invalid("Parameter Policy is not valid. Reason: %s", err)
	}
	return nil
}

// RemovePermission removes the statement of an id, or all of them.
func (s *Service) RemovePermission(ctx context.Context, in *eventbridge.RemovePermissionInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemovePermissionOutput, error) {
	d, err := s.own(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	if !in.RemoveAllPermissions && in.StatementId == nil {
		return nil, invalid("Parameter StatementId must be specified.")
	}
	_, err = s.modifyBus(ctx, d, func(d *busDoc) error {
		if in.RemoveAllPermissions {
			d.Policy = ""
			return nil
		}
		p, err := parsePolicy(d.Policy)
		if err != nil {
			return err
		}
		had := len(p.Statement)
		p.Statement = slices.DeleteFunc(p.Statement, func(o json.RawMessage) bool { return sidOf(o) == *in.StatementId })
		if len(p.Statement) == had {
			return &types.ResourceNotFoundException{Message: sprintf("Statement with the provided id does not exist.")}
		}
		if d.Policy = ""; len(p.Statement) == 0 {
			return nil // which no policy may be
		}
		b, err := json.Marshal(p)
		d.Policy = string(b)
		return err
	})
	return &eventbridge.RemovePermissionOutput{}, err
}

// ResourcePolicy returns the policy of a bus by its ARN; empty where it has none.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	name, is := a.After("event-bus/")
	if !ok || !is {
		return "", "", nil
	}
	d, err := s.bus(scope.Scope{Account: a.Account, Region: a.Region}, name)
	if err != nil {
		return "", a.Account, nil //nolint:nilerr // there is no such bus, and no policy of it
	}
	return d.Policy, a.Account, nil
}
