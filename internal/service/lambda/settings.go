package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// Settings of functions: resource policies, concurrency, asynchronous invocation, and what is
// only stored.

const maxPolicy = 20 << 10

// change changes a function's document and returns it. f runs again when another came between.
func (s *Service) change(ctx context.Context, name, qualifier *string, f func(d *functionDoc, t target) error) (*functionDoc, target, error) {
	_, t, err := s.find(ctx, name, qualifier)
	if err != nil {
		return nil, t, err
	}
	d, err := s.functions.Modify(ctx, func(d *functionDoc) error {
		if err := s.checkQualifier(d, t); err != nil {
			return err
		}
		return f(d, t)
	}, t.Key(t.name)...)
	return d, t, err
}

var accountForm = regexp.MustCompile(`^\d{12}$`)

// AddPermission adds a statement to the policy of a function, a version or an alias.
func (s *Service) AddPermission(ctx context.Context, in *lambda.AddPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error) {
	switch action := aws.ToString(in.Action); {
	case in.FunctionUrlAuthType != "" && action != "lambda:InvokeFunctionUrl":
		return nil, invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
	case in.InvokedViaFunctionUrl != nil && action != "lambda:InvokeFunction":
		return nil, invalid("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")
	}
	var text []byte
	_, _, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		if t.qualifier == latest {
			return invalid("We currently do not support adding policies for $LATEST.")
		}
		if d.Policies == nil {
			d.Policies = map[string]*policyDoc{}
		}
		p := d.Policies[t.qualifier]
		if p == nil {
			p = new(policyDoc)
			d.Policies[t.qualifier] = p
		}
		if in.RevisionId != nil && *in.RevisionId != p.Revision {
			return stale("GetPolicy")
		}
		id := aws.ToString(in.StatementId)
		if slices.ContainsFunc(p.Statements, func(st statement) bool { return st.ID == id }) {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", id)
		}
		var err error
		if text, err = permission(in, t.arn(), arn.Partition(t.Region)); err != nil {
			return err
		}
		p.Statements = append(p.Statements, statement{ID: id, Text: text})
		p.Revision = newID()
		if len(policyText(p)) > maxPolicy {
			return &types.PolicyLengthExceededException{Type: user, Message: aws.String("The final policy size (" + "more than 20480) is bigger than the limit (20480).")}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.AddPermissionOutput{Statement: aws.String(string(text))}, nil
}

// permission words a statement as Lambda does.
func permission(in *lambda.AddPermissionInput, resource, partition string) ([]byte, error) {
	var principal any
	switch p := aws.ToString(in.Principal); {
	case p == "*":
		principal = "*"
	case accountForm.MatchString(p):
		principal = map[string]string{"AWS": "arn:" + partition + ":iam::" + p + ":root"}
	case strings.HasPrefix(p, "arn:"):
		principal = map[string]string{"AWS": p}
	case strings.Contains(p, "."):
		principal = map[string]string{"Service": p}
	default:
		return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	conditions := map[string]map[string]string{}
	set := func(operator, key string, value *string) {
		if value == nil {
			return
		}
		if conditions[operator] == nil {
			conditions[operator] = map[string]string{}
		}
		conditions[operator][key] = *value
	}
	set("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	set("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	set("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	if in.FunctionUrlAuthType != "" {
		set("StringEquals", "lambda:FunctionUrlAuthType", aws.String(string(in.FunctionUrlAuthType)))
	}
	if in.InvokedViaFunctionUrl != nil {
		v := "false"
		if *in.InvokedViaFunctionUrl {
			v = "true"
		}
		set("Bool", "lambda:InvokedViaFunctionUrl", &v)
	}
	set("ArnLike", "AWS:SourceArn", in.SourceArn)
	st := struct {
		Sid       string
		Effect    string
		Principal any
		Action    string
		Resource  string
		Condition any `json:",omitempty"`
	}{aws.ToString(in.StatementId), "Allow", principal, aws.ToString(in.Action), resource, nil}
	if len(conditions) > 0 {
		st.Condition = conditions
	}
	return json.Marshal(st)
}

func policyText(p *policyDoc) string {
	var parts []string
	for _, st := range p.Statements {
		parts = append(parts, string(st.Text))
	}
	return `{"Version":"2012-10-17","Id":"default","Statement":[` + strings.Join(parts, ",") + `]}`
}

// GetPolicy returns the policy of a function, a version or an alias.
func (s *Service) GetPolicy(ctx context.Context, in *lambda.GetPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p := d.Policies[t.qualifier]
	if p == nil || len(p.Statements) == 0 {
		return nil, notFound("The resource you requested does not exist.")
	}
	return &lambda.GetPolicyOutput{Policy: aws.String(policyText(p)), RevisionId: &p.Revision}, nil
}

// ResourcePolicy returns the policy of a function, a version or an alias by its ARN; empty where it has
// none. $LATEST has that of the function.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	if !ok {
		return "", "", nil
	}
	name, ok := a.After("function:")
	if !ok {
		return "", "", nil
	}
	name, qualifier, _ := strings.Cut(name, ":")
	d, err := s.functions.Get(scope.Scope{Account: a.Account, Region: a.Region}.Key(name)...)
	if isCode(err, "ResourceNotFoundException") {
		return "", a.Account, nil
	}
	if err != nil {
		return "", "", err
	}
	p := d.Policies[qualifier]
	if p == nil && qualifier == latest {
		p = d.Policies[""]
	}
	if p == nil || len(p.Statements) == 0 {
		return "", a.Account, nil
	}
	return policyText(p), a.Account, nil
}

// RemovePermission removes a statement of a policy.
func (s *Service) RemovePermission(ctx context.Context, in *lambda.RemovePermissionInput, _ ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error) {
	_, _, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		p := d.Policies[t.qualifier]
		id := aws.ToString(in.StatementId)
		if p == nil || !slices.ContainsFunc(p.Statements, func(st statement) bool { return st.ID == id }) {
			return notFound("Statement %s is not found in resource policy.", id)
		}
		if in.RevisionId != nil && *in.RevisionId != p.Revision {
			return stale("GetPolicy")
		}
		p.Statements = slices.DeleteFunc(p.Statements, func(st statement) bool { return st.ID == id })
		p.Revision = newID()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.RemovePermissionOutput{}, nil
}

// unreserved is the least concurrency that is left to functions without a reservation.
const unreserved = 100

// PutFunctionConcurrency reserves concurrency for a function, which is its limit as well.
func (s *Service) PutFunctionConcurrency(ctx context.Context, in *lambda.PutFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionConcurrencyOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err == nil {
		_, err = s.functions.Get(t.Key(t.name)...)
	}
	if isNotFound(err) {
		return nil, noFunction(functionARN(t.Scope, t.name, latest))
	}
	if err != nil {
		return nil, err
	}
	n := aws.ToInt32(in.ReservedConcurrentExecutions)
	if n < 0 {
		return nil, invalid("ReservedConcurrentExecutions must not be negative")
	}
	reserved := int(n)
	docs, err := s.functions.All(t.Account, t.Region)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		if d.Name != t.name && d.Reserved != nil {
			reserved += int(*d.Reserved)
		}
	}
	if s.cfg.Engine.Concurrency()-reserved < unreserved {
		return nil, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreserved)
	}
	d, err := s.functions.Modify(ctx, func(d *functionDoc) error { d.Reserved = &n; return nil }, t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	s.learn(d)
	return &lambda.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: &n}, nil
}

// GetFunctionConcurrency returns a reservation, if there is one.
func (s *Service) GetFunctionConcurrency(ctx context.Context, in *lambda.GetFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: d.Reserved}, nil
}

// DeleteFunctionConcurrency gives a reservation back.
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, in *lambda.DeleteFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	d, err := s.functions.Modify(ctx, func(d *functionDoc) error { d.Reserved = nil; return nil }, t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	s.learn(d)
	return &lambda.DeleteFunctionConcurrencyOutput{}, nil
}

// PutProvisionedConcurrencyConfig stores how many instances a version or alias is to have
// ready. Instances are started when they are needed all the same.
func (s *Service) PutProvisionedConcurrencyConfig(ctx context.Context, in *lambda.PutProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	if q := aws.ToString(in.Qualifier); q == latest {
		return nil, invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	n := aws.ToInt32(in.ProvisionedConcurrentExecutions)
	d, t, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		if err := s.checkProvisioned(d, t, n); err != nil {
			return err
		}
		if a := d.Aliases[t.qualifier]; a != nil && a.Version == latest {
			return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
		}
		if d.Provisioned == nil {
			d.Provisioned = map[string]*provisioned{}
		}
		d.Provisioned[t.qualifier] = &provisioned{Requested: n, Modified: s.clock.Now().UTC()}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p := d.Provisioned[t.qualifier]
	return &lambda.PutProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &p.Requested, AllocatedProvisionedConcurrentExecutions: &p.Requested, AvailableProvisionedConcurrentExecutions: &p.Requested,
		Status: types.ProvisionedConcurrencyStatusEnumReady, LastModified: aws.String(p.Modified.Format(modifiedForm)),
	}, nil
}

// checkProvisioned refuses more concurrency for a qualifier of a function than there is: its reservation, or what is
// reserved for none.
func (s *Service) checkProvisioned(d *functionDoc, t target, n int32) error {
	provisioned := func(o *functionDoc) (sum int) {
		for q, p := range o.Provisioned {
			if o.Name != t.name || q != t.qualifier {
				sum += int(p.Requested)
			}
		}
		return sum
	}
	if d.Reserved != nil {
		if int(n)+provisioned(d) > int(*d.Reserved) {
			return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	docs, err := s.functions.All(t.Account, t.Region)
	if err != nil {
		return err
	}
	free := s.cfg.Engine.Concurrency()
	for _, o := range docs {
		if o.Reserved != nil {
			free -= int(*o.Reserved)
		} else {
			free -= provisioned(o)
		}
	}
	switch {
	case int(n) > free:
		return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", free)
	case free-int(n) < unreserved:
		return invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreserved)
	}
	return nil
}

// GetProvisionedConcurrencyConfig returns what was stored.
func (s *Service) GetProvisionedConcurrencyConfig(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p := d.Provisioned[t.qualifier]
	if p == nil {
		return nil, &types.ProvisionedConcurrencyConfigNotFoundException{Type: user, Message: aws.String("No Provisioned Concurrency Config found for this function")}
	}
	return &lambda.GetProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &p.Requested, AllocatedProvisionedConcurrentExecutions: &p.Requested, AvailableProvisionedConcurrentExecutions: &p.Requested,
		Status: types.ProvisionedConcurrencyStatusEnumReady, LastModified: aws.String(p.Modified.Format(modifiedForm)),
	}, nil
}

// DeleteProvisionedConcurrencyConfig forgets what was stored.
func (s *Service) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	_, _, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		delete(d.Provisioned, t.qualifier)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteProvisionedConcurrencyConfigOutput{}, nil
}

// ListProvisionedConcurrencyConfigs lists what was stored for a function.
func (s *Service) ListProvisionedConcurrencyConfigs(ctx context.Context, in *lambda.ListProvisionedConcurrencyConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListProvisionedConcurrencyConfigsOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	keys, next, err := page.Of(sortedKeys(d.Provisioned), func(k string) string { return k }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListProvisionedConcurrencyConfigsOutput{NextMarker: next, ProvisionedConcurrencyConfigs: []types.ProvisionedConcurrencyConfigListItem{}}
	for _, k := range keys {
		p := d.Provisioned[k]
		out.ProvisionedConcurrencyConfigs = append(out.ProvisionedConcurrencyConfigs, types.ProvisionedConcurrencyConfigListItem{
			FunctionArn: aws.String(d.arn(k)), RequestedProvisionedConcurrentExecutions: &p.Requested, AllocatedProvisionedConcurrentExecutions: &p.Requested,
			AvailableProvisionedConcurrentExecutions: &p.Requested, Status: types.ProvisionedConcurrencyStatusEnumReady, LastModified: aws.String(p.Modified.Format(modifiedForm)),
		})
	}
	return out, nil
}

// Asynchronous invocation.

func (t target) orLatest() string {
	if t.qualifier == "" {
		return latest
	}
	return t.qualifier
}

func (d *functionDoc) describeInvocation(qualifier string) types.FunctionEventInvokeConfig {
	i := d.Invocation[qualifier]
	return types.FunctionEventInvokeConfig{
		FunctionArn: aws.String(d.arn(qualifier)), LastModified: aws.Time(i.Modified), MaximumEventAgeInSeconds: i.MaxAge, MaximumRetryAttempts: i.Retries,
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: optional(i.OnSuccess)}, OnFailure: &types.OnFailure{Destination: optional(i.OnFailure)}},
	}
}

func (s *Service) setInvocation(ctx context.Context, name, qualifier *string, replace bool, age, retries *int32, to *types.DestinationConfig) (types.FunctionEventInvokeConfig, error) {
	var success, failed *string
	if to != nil {
		if to.OnSuccess != nil {
			success = aws.String(aws.ToString(to.OnSuccess.Destination))
		}
		if to.OnFailure != nil {
			failed = aws.String(aws.ToString(to.OnFailure.Destination))
		}
	}
	if age == nil && retries == nil && success == nil && failed == nil {
		return types.FunctionEventInvokeConfig{}, invalid("You must specify at least one of error handling or destination setting.")
	}
	if a, ok := arn.Parse(aws.ToString(success)); ok && a.Service == "s3" {
		return types.FunctionEventInvokeConfig{}, badDestination(success, failed)
	}
	for _, d := range []*string{success, failed} {
		if err := s.checkDestination(aws.ToString(d), true); errors.Is(err, errNoDestination) {
			return types.FunctionEventInvokeConfig{}, badDestination(success, failed)
		} else if err != nil {
			return types.FunctionEventInvokeConfig{}, err
		}
	}
	if _, _, err := s.find(ctx, name, qualifier); isNotFound(err) {
		return types.FunctionEventInvokeConfig{}, errNoInvokedFunction
	}
	if age != nil && (*age < 60 || *age > 21600) {
		return types.FunctionEventInvokeConfig{}, invalid("MaximumEventAgeInSeconds must be between 60 and 21600")
	}
	if retries != nil && (*retries < 0 || *retries > 2) {
		return types.FunctionEventInvokeConfig{}, invalid("MaximumRetryAttempts must be between 0 and 2")
	}
	d, t, err := s.change(ctx, name, qualifier, func(d *functionDoc, t target) error {
		q := t.orLatest()
		for _, to := range []*string{success, failed} {
			to, ok := arn.Parse(aws.ToString(to))
			if ok && to.Service == "lambda" && t.Owns("lambda", to) && (to.Resource == "function:"+t.name || strings.HasPrefix(to.Resource, "function:"+t.name+":")) {
				return invalid("You can't specify the function as a destination for itself.")
			}
			if name, is := to.After("function:"); ok && is && to.Service == "lambda" && t.Owns("lambda", to) {
				name, _, _ = strings.Cut(name, ":")
				if _, err := s.functions.Get(t.Key(name)...); isNotFound(err) {
					return invalid("The destination ARN %s is invalid.", to)
				} else if err != nil {
					return err
				}
			}
		}
		i := d.Invocation[q]
		switch {
		case replace:
			i = new(invokeDoc)
		case i == nil:
			return noInvocation(d.arn(q))
		}
		if d.Invocation == nil {
			d.Invocation = map[string]*invokeDoc{}
		}
		d.Invocation[q] = i
		if age != nil {
			i.MaxAge = age
		}
		if retries != nil {
			i.Retries = retries
		}
		if success != nil {
			i.OnSuccess = *success
		}
		if failed != nil {
			i.OnFailure = *failed
		}
		i.Modified = s.clock.Now().UTC()
		return nil
	})
	if err != nil {
		return types.FunctionEventInvokeConfig{}, err
	}
	return d.describeInvocation(t.orLatest()), nil
}

// PutFunctionEventInvokeConfig sets how events are retried and where their results go.
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, in *lambda.PutFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionEventInvokeConfigOutput, error) {
	c, err := s.setInvocation(ctx, in.FunctionName, in.Qualifier, true, in.MaximumEventAgeInSeconds, in.MaximumRetryAttempts, in.DestinationConfig)
	if err != nil {
		return nil, err
	}
	return &lambda.PutFunctionEventInvokeConfigOutput{FunctionArn: c.FunctionArn, LastModified: c.LastModified, MaximumEventAgeInSeconds: c.MaximumEventAgeInSeconds, MaximumRetryAttempts: c.MaximumRetryAttempts, DestinationConfig: c.DestinationConfig}, nil
}

// UpdateFunctionEventInvokeConfig changes some of that.
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, in *lambda.UpdateFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionEventInvokeConfigOutput, error) {
	c, err := s.setInvocation(ctx, in.FunctionName, in.Qualifier, false, in.MaximumEventAgeInSeconds, in.MaximumRetryAttempts, in.DestinationConfig)
	if err != nil {
		return nil, err
	}
	return &lambda.UpdateFunctionEventInvokeConfigOutput{FunctionArn: c.FunctionArn, LastModified: c.LastModified, MaximumEventAgeInSeconds: c.MaximumEventAgeInSeconds, MaximumRetryAttempts: c.MaximumRetryAttempts, DestinationConfig: c.DestinationConfig}, nil
}

// GetFunctionEventInvokeConfig returns it.
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, in *lambda.GetFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	q := t.orLatest()
	if t.name != "" && isNotFound(err) || err == nil && d.Invocation[q] == nil {
		return nil, noInvocation(functionARN(t.Scope, t.name, q))
	}
	if err != nil {
		return nil, err
	}
	c := d.describeInvocation(q)
	return &lambda.GetFunctionEventInvokeConfigOutput{FunctionArn: c.FunctionArn, LastModified: c.LastModified, MaximumEventAgeInSeconds: c.MaximumEventAgeInSeconds, MaximumRetryAttempts: c.MaximumRetryAttempts, DestinationConfig: c.DestinationConfig}, nil
}

// DeleteFunctionEventInvokeConfig forgets it.
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, in *lambda.DeleteFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionEventInvokeConfigOutput, error) {
	_, t, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		if d.Invocation[t.orLatest()] == nil {
			return noInvocation(d.arn(t.orLatest()))
		}
		delete(d.Invocation, t.orLatest())
		return nil
	})
	if t.name != "" && isNotFound(err) {
		err = noInvocation(functionARN(t.Scope, t.name, t.orLatest()))
	}
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteFunctionEventInvokeConfigOutput{}, nil
}

// ListFunctionEventInvokeConfigs lists those of a function's qualifiers.
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, in *lambda.ListFunctionEventInvokeConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionEventInvokeConfigsOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if isNotFound(err) {
		err = errNoInvokedFunction
	}
	if err != nil {
		return nil, err
	}
	keys, next, err := page.Of(sortedKeys(d.Invocation), func(k string) string { return k }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListFunctionEventInvokeConfigsOutput{NextMarker: next, FunctionEventInvokeConfigs: []types.FunctionEventInvokeConfig{}}
	for _, k := range keys {
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, d.describeInvocation(k))
	}
	return out, nil
}

// GetFunctionCodeSigningConfig answers that there is none, which is so of every function here.
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *lambda.GetFunctionCodeSigningConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionCodeSigningConfigOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionCodeSigningConfigOutput{FunctionName: &d.Name}, nil
}

// GetFunctionRecursionConfig tells what becomes of loops (see recursion.go).
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, in *lambda.GetFunctionRecursionConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionRecursionConfigOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionRecursionConfigOutput{RecursiveLoop: types.RecursiveLoopTerminate}
	if d.Recursion != "" {
		out.RecursiveLoop = types.RecursiveLoop(d.Recursion)
	}
	return out, nil
}

// PutFunctionRecursionConfig lets a function's loops run, or end.
func (s *Service) PutFunctionRecursionConfig(ctx context.Context, in *lambda.PutFunctionRecursionConfigInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionRecursionConfigOutput, error) {
	_, _, err := s.change(ctx, in.FunctionName, nil, func(d *functionDoc, _ target) error {
		d.Recursion = string(in.RecursiveLoop)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.PutFunctionRecursionConfigOutput{RecursiveLoop: in.RecursiveLoop}, nil
}

// PutRuntimeManagementConfig stores when a runtime is to be updated: here it is the machine's.
func (s *Service) PutRuntimeManagementConfig(ctx context.Context, in *lambda.PutRuntimeManagementConfigInput, _ ...func(*lambda.Options)) (*lambda.PutRuntimeManagementConfigOutput, error) {
	d, t, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		if d.Updates == nil {
			d.Updates = map[string]*updatesDoc{}
		}
		d.Updates[t.orLatest()] = &updatesDoc{On: string(in.UpdateRuntimeOn), Version: aws.ToString(in.RuntimeVersionArn)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.PutRuntimeManagementConfigOutput{FunctionArn: aws.String(d.arn(t.orLatest())), UpdateRuntimeOn: in.UpdateRuntimeOn, RuntimeVersionArn: in.RuntimeVersionArn}, nil
}

// GetRuntimeManagementConfig returns it.
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, in *lambda.GetRuntimeManagementConfigInput, _ ...func(*lambda.Options)) (*lambda.GetRuntimeManagementConfigOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetRuntimeManagementConfigOutput{FunctionArn: aws.String(d.arn(t.orLatest())), UpdateRuntimeOn: types.UpdateRuntimeOnAuto}
	if u := d.Updates[t.orLatest()]; u != nil {
		out.UpdateRuntimeOn, out.RuntimeVersionArn = types.UpdateRuntimeOn(u.On), optional(u.Version)
	}
	return out, nil
}

// GetAccountSettings tells the limits, and what is used.
func (s *Service) GetAccountSettings(ctx context.Context, _ *lambda.GetAccountSettingsInput, _ ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error) {
	t, err := parse(ctx, aws.String("x"), nil)
	if err != nil {
		return nil, err
	}
	docs, err := s.functions.All(t.Account, t.Region)
	if err != nil {
		return nil, err
	}
	all := int32(s.cfg.Engine.Concurrency())
	free := all
	var size int64
	for _, d := range docs {
		size += d.Latest.CodeSize
		if d.Reserved != nil {
			free -= *d.Reserved
		}
	}
	versions, err := s.versions.All(t.Account, t.Region)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		size += v.Config.CodeSize
	}
	layers, err := s.layers.All(t.Account, t.Region)
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		if !l.Deleted {
			size += l.Size
		}
	}
	return &lambda.GetAccountSettingsOutput{
		AccountLimit: &types.AccountLimit{CodeSizeUnzipped: 262144000, CodeSizeZipped: maxZip, ConcurrentExecutions: all, TotalCodeSize: 80530636800, UnreservedConcurrentExecutions: &free},
		AccountUsage: &types.AccountUsage{FunctionCount: int64(len(docs)), TotalCodeSize: size},
	}, nil
}
