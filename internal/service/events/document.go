package events

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// defaultBus is the name of the bus that every account and region has.
const defaultBus = "default"

// busDoc is a bus.
type busDoc struct {
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Key         string            `json:"kmsKeyIdentifier,omitempty"`
	DeadLetter  string            `json:"deadLetter,omitempty"`
	LogLevel    string            `json:"logLevel,omitempty"`
	LogDetail   string            `json:"logDetail,omitempty"`
	Policy      string            `json:"policy,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Created     time.Time         `json:"created"`
	Modified    time.Time         `json:"modified"`
}

func (d *busDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *busDoc) key() []string      { return d.scope().Key(d.Name) }
func (d *busDoc) arn() string        { return d.scope().ARN("events", "event-bus/"+d.Name) }

func (d *busDoc) logConfig() *types.LogConfig {
	if d.LogLevel == "" && d.LogDetail == "" {
		return nil
	}
	return &types.LogConfig{Level: types.Level(d.LogLevel), IncludeDetail: types.IncludeDetail(d.LogDetail)}
}

func (d *busDoc) deadLetter() *types.DeadLetterConfig {
	if d.DeadLetter == "" {
		return nil
	}
	return &types.DeadLetterConfig{Arn: &d.DeadLetter}
}

// some is a text, nil where it is empty.
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func someTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ruleDoc is a rule.
type ruleDoc struct {
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Bus         string            `json:"bus"`
	Name        string            `json:"name"`
	ID          string            `json:"id"` // of this rule, not of a later one of the name
	Pattern     string            `json:"pattern,omitempty"`
	Schedule    string            `json:"schedule,omitempty"`
	Since       time.Time         `json:"since,omitzero"` // from when the schedule counts
	Next        time.Time         `json:"next,omitzero"`  // when it is due; zero: never again
	State       string            `json:"state"`
	Description string            `json:"description,omitempty"`
	Role        string            `json:"role,omitempty"`
	Creator     string            `json:"creator"` // account
	Tags        map[string]string `json:"tags,omitempty"`
}

func (d *ruleDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *ruleDoc) key() []string      { return d.scope().Key(d.Bus, d.Name) }
func (d *ruleDoc) arn() string        { return ruleARN(d.scope(), d.Bus, d.Name) }
func (d *ruleDoc) enabled() bool      { return d.State != string(types.RuleStateDisabled) }

func ruleARN(sc scope.Scope, bus, name string) string {
	if bus == defaultBus {
		return sc.ARN("events", "rule/"+name)
	}
	return sc.ARN("events", "rule/"+bus+"/"+name)
}

func (d *ruleDoc) output() types.Rule {
	return types.Rule{
		Arn: aws.String(d.arn()), Name: &d.Name, EventBusName: &d.Bus, EventPattern: some(d.Pattern), ScheduleExpression: some(d.Schedule),
		State: types.RuleState(d.State), Description: some(d.Description), RoleArn: some(d.Role),
	}
}

func (d *ruleDoc) description() *eventbridge.DescribeRuleOutput {
	o := d.output()
	return &eventbridge.DescribeRuleOutput{
		Arn: o.Arn, Name: o.Name, EventBusName: o.EventBusName, EventPattern: o.EventPattern, ScheduleExpression: o.ScheduleExpression, State: o.State,
		Description: o.Description, RoleArn: o.RoleArn, CreatedBy: &d.Creator,
	}
}

// targetDoc is a target of a rule.
type targetDoc struct {
	Account string `json:"account"` // of the rule
	Region  string `json:"region"`
	Bus     string `json:"bus"`
	Rule    string `json:"rule"`
	ID      string `json:"id"`
	RuleID  string `json:"ruleId"`
	Outbox  uint64 `json:"outbox,string"`

	ARN        string            `json:"arn"`
	Role       string            `json:"role,omitempty"`
	Input      *string           `json:"input,omitempty"`
	Path       *string           `json:"inputPath,omitempty"`
	Template   *string           `json:"inputTemplate,omitempty"`
	Variables  map[string]string `json:"inputPaths,omitempty"`
	Group      string            `json:"messageGroup,omitempty"`     // of a queue
	KeyPath    *string           `json:"partitionKeyPath,omitempty"` // of a stream
	DeadLetter string            `json:"deadLetter,omitempty"`
	Retries    *int32            `json:"retries,omitempty"`
	Age        *int32            `json:"age,omitempty"` // seconds
}

func (d *targetDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *targetDoc) key() []string      { return d.scope().Key(d.Bus, d.Rule, d.ID) }
func (d *targetDoc) ruleARN() string    { return ruleARN(d.scope(), d.Bus, d.Rule) }

func (d *targetDoc) output() types.Target {
	t := types.Target{Id: &d.ID, Arn: &d.ARN, RoleArn: some(d.Role), Input: d.Input, InputPath: d.Path}
	if d.Template != nil {
		t.InputTransformer = &types.InputTransformer{InputTemplate: d.Template, InputPathsMap: d.Variables}
	}
	if d.Group != "" {
		t.SqsParameters = &types.SqsParameters{MessageGroupId: &d.Group}
	}
	if d.KeyPath != nil {
		t.KinesisParameters = &types.KinesisParameters{PartitionKeyPath: d.KeyPath}
	}
	if d.DeadLetter != "" {
		t.DeadLetterConfig = &types.DeadLetterConfig{Arn: &d.DeadLetter}
	}
	if d.Retries != nil || d.Age != nil {
		t.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: d.Retries, MaximumEventAgeInSeconds: d.Age}
	}
	return t
}
