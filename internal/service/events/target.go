package events

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/eventinput"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const (
	maxTargets    = 5  // of a rule
	maxPutTargets = 10 // of a call
)

// kind is what a target is.
type kind string

const (
	queueTarget    kind = "queue"
	topicTarget    kind = "topic"
	functionTarget kind = "function"
	streamTarget   kind = "data stream"
	deliveryTarget kind = "delivery stream"
	groupTarget    kind = "log group"
	busTarget      kind = "event bus"
)

// kindOf is what an ARN is of; empty: of what cannot be a target here.
func kindOf(a arn.ARN) kind {
	is := func(prefix string) bool { _, ok := a.After(prefix); return ok }
	switch {
	case a.Service == "sqs" && !strings.ContainsAny(a.Resource, ":/"):
		return queueTarget
	case a.Service == "sns" && !strings.ContainsAny(a.Resource, ":/"):
		return topicTarget
	case a.Service == "lambda" && is("function:"):
		return functionTarget
	case a.Service == "kinesis" && is("stream/"):
		return streamTarget
	case a.Service == "firehose" && is("deliverystream/"):
		return deliveryTarget
	case a.Service == "logs" && is("log-group:"):
		return groupTarget
	case a.Service == "events" && is("event-bus/"):
		return busTarget
	}
	return ""
}

// unsupported are services whose resources are targets on AWS.
var unsupported = map[string]string{
	"states": "Step Functions state machines", "ecs": "ECS tasks", "batch": "Batch jobs", "codebuild": "CodeBuild projects", "codepipeline": "CodePipeline pipelines",
	"execute-api": "API Gateway APIs", "apigateway": "API Gateway APIs", "redshift": "Redshift clusters", "redshift-serverless": "Redshift workgroups", "sagemaker": "SageMaker pipelines",
	"ssm": "Systems Manager documents", "ssm-incidents": "Incident Manager response plans", "inspector": "Inspector templates", "glue": "Glue workflows", "ec2": "EC2 actions",
	"appsync": "AppSync APIs", "automation": "Systems Manager automations",
}

const reachBy = "Have a function, a queue or a stream as the target, and call it from there."

// checkTarget makes the document of a target, or says what is wrong with it.
func checkTarget(rule *ruleDoc, t *types.Target) (*targetDoc, error) {
	id, name := aws.ToString(t.Id), aws.ToString(t.Arn)
	a, ok := arn.Parse(name)
	if !ok {
		return nil, badARN(name)
	}
	k := kindOf(a)
	if k == "" {
		if what := unsupported[a.Service]; what != "" {
			return nil, refused(what+" as targets (target "+id+")", reachBy)
		}
		if a.Service == "events" {
			return nil, refused("API destinations as targets (target "+id+")", reachBy)
		}
		return nil, badARN(name)
	}
	for what, given := range map[string]bool{
		"RunCommandParameters": t.RunCommandParameters != nil, "EcsParameters": t.EcsParameters != nil, "BatchParameters": t.BatchParameters != nil,
		"HttpParameters": t.HttpParameters != nil, "RedshiftDataParameters": t.RedshiftDataParameters != nil, "SageMakerPipelineParameters": t.SageMakerPipelineParameters != nil,
		"AppSyncParameters": t.AppSyncParameters != nil,
	} {
		if given {
			return nil, invalid("Parameter %s is not valid for target %s, which is a %s.", what, id, k)
		}
	}
	d := &targetDoc{Account: rule.Account, Region: rule.Region, Bus: rule.Bus, Rule: rule.Name, ID: id, RuleID: rule.ID, ARN: name, Role: aws.ToString(t.RoleArn)}
	if err := d.checkWho(k, a); err != nil {
		return nil, err
	}
	if err := d.checkInput(k, t); err != nil {
		return nil, err
	}
	if t.SqsParameters != nil {
		d.Group = aws.ToString(t.SqsParameters.MessageGroupId)
	}
	switch {
	case k == queueTarget && strings.HasSuffix(name, ".fifo") && d.Group == "":
		return nil, invalid("Parameter(s) SqsParameters must be specified for target: %s.", id)
	case k != queueTarget && d.Group != "":
		return nil, invalid("Parameter SqsParameters is not valid for target %s, which is a %s.", id, k)
	}
	if p := t.KinesisParameters; p != nil {
		if k != streamTarget {
			return nil, invalid("Parameter KinesisParameters is not valid for target %s, which is a %s.", id, k)
		}
		if _, err := eventinput.ParsePath(aws.ToString(p.PartitionKeyPath)); err != nil {
			return nil, invalid("Parameter PartitionKeyPath is not valid for target %s.", id)
		}
		d.KeyPath = p.PartitionKeyPath
	}
	if c := t.DeadLetterConfig; c != nil && aws.ToString(c.Arn) != "" {
		if err := checkDeadLetter(rule.scope(), *c.Arn); err != nil {
			return nil, err
		}
		d.DeadLetter = *c.Arn
	}
	if p := t.RetryPolicy; p != nil {
		d.Retries, d.Age = p.MaximumRetryAttempts, p.MaximumEventAgeInSeconds
	}
	return d, nil
}

// checkWho refuses a target that is reached as nobody: streams and buses of the account are reached as a role.
func (d *targetDoc) checkWho(k kind, a arn.ARN) error {
	if d.Role != "" {
		if r, ok := arn.Parse(d.Role); !ok || r.Service != "iam" || r.Account != d.Account {
			return invalid("Provided role '%s' cannot be assumed by principal 'events.amazonaws.com'.", d.Role)
		}
	}
	if a.Region != d.Region && k != busTarget {
		return invalid("Parameter %s is not valid. Reason: Resource must be in the region %s of the rule.", d.ARN, d.Region)
	}
	if len(a.Account) != 12 {
		return badARN(d.ARN)
	}
	needs := k == streamTarget || k == deliveryTarget || k == busTarget && a.Account == d.Account
	if d.Role == "" && needs {
		return invalid("RoleArn is required for target %s.", d.ARN)
	}
	if d.Role == "" && a.Account != d.Account && (k == topicTarget || k == queueTarget || k == groupTarget) {
		return invalid("RoleArn is required for target %s.", d.ARN)
	}
	if k == busTarget && a.Region != d.Region {
		return refused("event buses of other regions as targets", "Have a bus of the rule's region as the target.")
	}
	return nil
}

// checkInput takes what of the event the target gets.
func (d *targetDoc) checkInput(k kind, t *types.Target) error {
	given := 0
	for _, is := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", d.ID)
	case given == 1 && k == busTarget:
		return invalid("Input, InputPath, and InputTransformer are not supported for target %s: a bus gets the event as it is.", d.ID)
	case k == groupTarget && (t.Input != nil || t.InputPath != nil):
		return invalid("Input and InputPath are not valid forms of input for target %s. The only valid form of input is InputTransformer.", d.ID)
	}
	if t.Input != nil {
		if !json.Valid([]byte(*t.Input)) {
			return invalid("JSON syntax error in input for target %s : it is not JSON.", d.ID)
		}
		d.Input = t.Input
	}
	if t.InputPath != nil {
		if _, err := eventinput.ParsePath(*t.InputPath); err != nil {
			return invalid("Invalid InputPath for target %s.", d.ID)
		}
		d.Path = t.InputPath
	}
	if tr := t.InputTransformer; tr != nil {
		d.Template, d.Variables = tr.InputTemplate, tr.InputPathsMap
		if _, err := eventinput.ParseTemplate(d.Variables, aws.ToString(d.Template)); err != nil {
			if errors.Is(err, eventinput.ErrPath) {
				return invalid("Invalid InputPathsMap for target %s : %s", d.ID, strings.TrimPrefix(err.Error(), eventinput.ErrPath.Error()+": "))
			}
			var unknown *eventinput.VariableError
			if errors.As(err, &unknown) {
				return invalid("InputTemplate for target %s contains invalid placeholder %s.", d.ID, unknown.Name)
			}
			return invalid("Invalid InputTemplate for target %s : %s", d.ID, strings.TrimPrefix(err.Error(), eventinput.ErrTemplate.Error()+": "))
		}
	}
	return nil
}

// checkDeadLetter refuses what is not a standard queue of the region.
func checkDeadLetter(sc scope.Scope, name string) error {
	a, ok := arn.Parse(name)
	if !ok || kindOf(a) != queueTarget || len(a.Account) != 12 {
		return badARN(name)
	}
	if strings.HasSuffix(name, ".fifo") || a.Region != sc.Region {
		return invalid("Parameter DeadLetterConfig is not valid. Reason: %s is not a standard queue of the region %s.", name, sc.Region)
	}
	return nil
}

// targetsOf are the targets of a rule, by their ids.
func (s *Service) targetsOf(d *ruleDoc) ([]*targetDoc, error) {
	all, err := s.targets.All(d.key()...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t *targetDoc) bool { return t.RuleID != d.ID }), nil
}

// PutTargets gives a rule targets, in place of those of the same ids, whose events that wait go where the new ones say.
func (s *Service) PutTargets(ctx context.Context, in *eventbridge.PutTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error) {
	rule, err := s.ownRule(ctx, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) > maxPutTargets {
		return nil, invalid("1 validation error detected: Value at 'targets' failed to satisfy constraint: Member must have length less than or equal to %d", maxPutTargets)
	}
	given := map[string]*targetDoc{}
	for i := range in.Targets {
		d, err := checkTarget(rule, &in.Targets[i])
		if err != nil {
			return nil, err
		}
		given[d.ID] = d
	}
	have, err := s.targetsOf(rule)
	if err != nil {
		return nil, err
	}
	for _, d := range have {
		if n := given[d.ID]; n != nil {
			n.Outbox = d.Outbox
		}
	}
	count := len(have)
	for _, d := range given {
		if d.Outbox == 0 {
			d.Outbox = newOutboxID()
			count++
		}
	}
	if count > maxTargets {
		return nil, tooMany()
	}
	for _, id := range slices.Sorted(maps.Keys(given)) {
		d := given[id]
		if err := s.targets.Put(ctx, d, d.key()...); err != nil {
			return nil, err
		}
		s.deliverer.Refresh(d.key()...)
	}
	// The rule may have gone meanwhile; then so do its targets.
	if now, err := s.rules.Get(rule.key()...); errors.Is(err, state.ErrNotFound) || err == nil && now.ID != rule.ID {
		for _, d := range given {
			if err := s.forget(ctx, d); err != nil {
				return nil, err
			}
		}
		return nil, noRule(rule.Name, rule.Bus)
	}
	return &eventbridge.PutTargetsOutput{FailedEntries: []types.PutTargetsResultEntry{}}, nil
}

// forget removes a target and what waits for it.
func (s *Service) forget(ctx context.Context, d *targetDoc) error {
	if err := s.targets.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	s.deliverer.Refresh(d.key()...)
	return s.cfg.Outbox.Drop(d.Outbox)
}

// RemoveTargets removes targets of a rule, and what waits for them. Ids that are not there fail by themselves.
func (s *Service) RemoveTargets(ctx context.Context, in *eventbridge.RemoveTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error) {
	rule, err := s.ownRule(ctx, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	have, err := s.targetsOf(rule)
	if err != nil {
		return nil, err
	}
	for _, d := range have {
		if slices.Contains(in.Ids, d.ID) {
			if err := s.forget(ctx, d); err != nil {
				return nil, err
			}
		}
	}
	return &eventbridge.RemoveTargetsOutput{FailedEntries: []types.RemoveTargetsResultEntry{}}, nil
}

// ListTargetsByRule lists the targets of a rule.
func (s *Service) ListTargetsByRule(ctx context.Context, in *eventbridge.ListTargetsByRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	rule, err := s.ownRule(ctx, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	all, err := s.targetsOf(rule)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *targetDoc) int { return strings.Compare(a.ID, b.ID) })
	list, next, err := page.Of(all, func(d *targetDoc) string { return d.ID }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: pageSize})
	if err != nil {
		return nil, badToken()
	}
	out := &eventbridge.ListTargetsByRuleOutput{Targets: []types.Target{}, NextToken: next}
	for _, d := range list {
		out.Targets = append(out.Targets, d.output())
	}
	return out, nil
}

// ListRuleNamesByTarget lists the rules of a bus that have a target.
func (s *Service) ListRuleNamesByTarget(ctx context.Context, in *eventbridge.ListRuleNamesByTargetInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error) {
	b, err := s.own(ctx, in.EventBusName)
	if err != nil {
		return nil, err
	}
	all, err := s.targets.All(b.key()...)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range all {
		if arn.Same(d.ARN, aws.ToString(in.TargetArn)) {
			names = append(names, d.Rule)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	list, next, err := page.Of(names, func(n string) string { return n }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: pageSize})
	if err != nil {
		return nil, badToken()
	}
	return &eventbridge.ListRuleNamesByTargetOutput{RuleNames: append([]string{}, list...), NextToken: next}, nil
}
