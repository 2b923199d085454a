package apigateway

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateApiKey, GetApiKey, GetApiKeys, UpdateApiKey, DeleteApiKey; CreateUsagePlan, GetUsagePlan,
// GetUsagePlans, UpdateUsagePlan, DeleteUsagePlan; CreateUsagePlanKey, GetUsagePlanKey,
// GetUsagePlanKeys, DeleteUsagePlanKey; GetAccount, UpdateAccount.
//
// Throttles of usage plans hold; quotas are stored.

// CreateApiKey makes a key; its value is 20 to 128 characters and unique in the region.
func (s *Service) CreateApiKey(ctx context.Context, in *apigateway.CreateApiKeyInput, _ ...func(*apigateway.Options)) (*apigateway.CreateApiKeyOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	now := s.cfg.Clock.Now().UTC()
	d := &keyDoc{ID: newID(10), Value: aws.ToString(in.Value), Name: in.Name, Description: in.Description, CustomerID: in.CustomerId, Enabled: in.Enabled, Created: now, Updated: now, Tags: in.Tags}
	if d.Value == "" {
		d.Value = newID(40)
	}
	switch {
	case len(aws.ToString(d.Name)) > 1024:
		return nil, badRequest("Invalid API Key name, can be at most 1024 characters.")
	case len(d.Value) < 20:
		return nil, badRequest("API Key value should be at least 20 characters")
	case len(d.Value) > 128:
		return nil, badRequest("API Key value exceeds maximum size of 128 characters")
	case len(aws.ToString(d.Description)) > 125_000:
		return nil, badRequest("Invalid API Key description specified.")
	}
	for _, k := range in.StageKeys {
		d.StageKeys = append(d.StageKeys, aws.ToString(k.RestApiId)+"/"+aws.ToString(k.StageName))
	}
	all, err := s.keys.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.Value == d.Value {
			return nil, conflict("API Key already exists")
		}
	}
	if err := s.keys.Create(ctx, d, scope.Of(ctx).Key(d.ID)...); err != nil {
		return nil, err
	}
	return (*apigateway.CreateApiKeyOutput)(keyOutput(d, true)), nil
}

func keyOutput(d *keyDoc, withValue bool) *apigateway.GetApiKeyOutput {
	o := d.output(withValue)
	return &apigateway.GetApiKeyOutput{Id: o.Id, Value: o.Value, Name: o.Name, Description: o.Description, CustomerId: o.CustomerId, Enabled: o.Enabled, CreatedDate: o.CreatedDate, LastUpdatedDate: o.LastUpdatedDate, StageKeys: o.StageKeys, Tags: o.Tags}
}

// newest sorts keys by their making, the last one first.
func (d *keyDoc) newest() string {
	return fmt.Sprintf("%020d/%s", math.MaxInt64-d.Created.UnixNano(), d.ID)
}

// GetApiKey returns a key, its value only where that is asked for.
func (s *Service) GetApiKey(ctx context.Context, in *apigateway.GetApiKeyInput, _ ...func(*apigateway.Options)) (*apigateway.GetApiKeyOutput, error) {
	d, err := s.keys.Get(scope.Of(ctx).Key(*in.ApiKey)...)
	if err != nil {
		return nil, err
	}
	out := keyOutput(d, aws.ToBool(in.IncludeValue))
	out.Tags = tagsOf(out.Tags)
	return out, nil
}

// GetApiKeys lists keys, by the beginning of their names and by customer.
func (s *Service) GetApiKeys(ctx context.Context, in *apigateway.GetApiKeysInput, _ ...func(*apigateway.Options)) (*apigateway.GetApiKeysOutput, error) {
	all, err := s.keys.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(d *keyDoc) bool {
		return in.NameQuery != nil && !strings.HasPrefix(aws.ToString(d.Name), *in.NameQuery) || in.CustomerId != nil && aws.ToString(d.CustomerID) != *in.CustomerId
	})
	slices.SortFunc(all, func(a, b *keyDoc) int { return strings.Compare(a.newest(), b.newest()) })
	list, next, err := pageOf(all, (*keyDoc).newest, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetApiKeysOutput{Items: []types.ApiKey{}, Position: next}
	for _, d := range list {
		out.Items = append(out.Items, d.output(aws.ToBool(in.IncludeValues)))
	}
	return out, nil
}

// UpdateApiKey changes settings of a key.
func (s *Service) UpdateApiKey(ctx context.Context, in *apigateway.UpdateApiKeyInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateApiKeyOutput, error) {
	d, err := s.keys.Modify(ctx, func(d *keyDoc) error {
		d.Updated = s.cfg.Clock.Now().UTC()
		return patches{"/name": setText(&d.Name), "/description": setText(&d.Description), "/customerId": setText(&d.CustomerID), "/enabled": setBool(&d.Enabled), "/stages": setList(&d.StageKeys)}.apply(in.PatchOperations)
	}, scope.Of(ctx).Key(*in.ApiKey)...)
	if err != nil {
		return nil, err
	}
	out := keyOutput(d, false)
	out.Tags = tagsOf(out.Tags)
	return (*apigateway.UpdateApiKeyOutput)(out), nil
}

// DeleteApiKey removes a key, from its usage plans too.
func (s *Service) DeleteApiKey(ctx context.Context, in *apigateway.DeleteApiKeyInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteApiKeyOutput, error) {
	sc := scope.Of(ctx)
	if err := s.keys.Delete(ctx, sc.Key(*in.ApiKey)...); err != nil {
		return nil, err
	}
	plans, err := s.plans.All(sc.Key()...)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		if slices.Contains(p.Keys, *in.ApiKey) {
			_, err := s.plans.Modify(ctx, func(d *planDoc) error {
				d.Keys = slices.DeleteFunc(d.Keys, func(id string) bool { return id == *in.ApiKey })
				return nil
			}, sc.Key(p.ID)...)
			if err != nil && !isNotFound(err) {
				return nil, err
			}
		}
	}
	return &apigateway.DeleteApiKeyOutput{}, nil
}

// CreateUsagePlan makes a usage plan.
func (s *Service) CreateUsagePlan(ctx context.Context, in *apigateway.CreateUsagePlanInput, _ ...func(*apigateway.Options)) (*apigateway.CreateUsagePlanOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	d := &planDoc{ID: newID(6), Name: *in.Name, Description: in.Description, Stages: in.ApiStages, Throttle: in.Throttle, Quota: in.Quota, Tags: in.Tags}
	if err := s.checkPlan(ctx, d); err != nil {
		return nil, err
	}
	if err := s.plans.Create(ctx, d, scope.Of(ctx).Key(d.ID)...); err != nil {
		return nil, err
	}
	return (*apigateway.CreateUsagePlanOutput)(planOutput(d)), nil
}

func (s *Service) checkPlan(ctx context.Context, d *planDoc) error {
	for _, st := range d.Stages {
		if _, err := s.stage(ctx, st.ApiId, st.Stage); err != nil {
			return notFound("API Stage not found: %s:%s", aws.ToString(st.ApiId), aws.ToString(st.Stage))
		}
	}
	if q := d.Quota; q != nil && (q.Limit <= 0 || q.Period == "") {
		return badRequest("Usage Plan quota must have a limit greater than zero and a period")
	}
	return nil
}

func planOutput(d *planDoc) *apigateway.GetUsagePlanOutput {
	o := d.output()
	return &apigateway.GetUsagePlanOutput{Id: o.Id, Name: o.Name, Description: o.Description, ProductCode: o.ProductCode, ApiStages: o.ApiStages, Throttle: o.Throttle, Quota: o.Quota, Tags: o.Tags}
}

// GetUsagePlan returns a usage plan.
func (s *Service) GetUsagePlan(ctx context.Context, in *apigateway.GetUsagePlanInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsagePlanOutput, error) {
	d, err := s.plans.Get(scope.Of(ctx).Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	out := planOutput(d)
	out.Tags = tagsOf(out.Tags)
	return out, nil
}

// GetUsagePlans lists usage plans, those of a key where one is named.
func (s *Service) GetUsagePlans(ctx context.Context, in *apigateway.GetUsagePlansInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsagePlansOutput, error) {
	all, err := s.plans.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(d *planDoc) bool { return in.KeyId != nil && !slices.Contains(d.Keys, *in.KeyId) })
	list, next, err := pageOf(all, func(d *planDoc) string { return d.ID }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetUsagePlansOutput{Items: []types.UsagePlan{}, Position: next}
	for _, d := range list {
		out.Items = append(out.Items, d.output())
	}
	return out, nil
}

// UpdateUsagePlan changes a usage plan.
func (s *Service) UpdateUsagePlan(ctx context.Context, in *apigateway.UpdateUsagePlanInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateUsagePlanOutput, error) {
	d, err := s.plans.Modify(ctx, func(d *planDoc) error {
		name := &d.Name
		throttle, quota := types.ThrottleSettings{}, types.QuotaSettings{}
		if d.Throttle != nil {
			throttle = *d.Throttle
		}
		if d.Quota != nil {
			quota = *d.Quota
		}
		period := (*string)(&quota.Period)
		hasThrottle, hasQuota := d.Throttle != nil, d.Quota != nil
		whole := func(has *bool) func(types.Op, string, string) error {
			return func(op types.Op, _, _ string) error {
				*has = op != types.OpRemove
				return nil
			}
		}
		for _, o := range in.PatchOperations {
			hasThrottle = hasThrottle || strings.HasPrefix(aws.ToString(o.Path), "/throttle/")
			hasQuota = hasQuota || strings.HasPrefix(aws.ToString(o.Path), "/quota/")
		}
		err := patches{
			"/name": setText(&name), "/description": setText(&d.Description), "/productCode": setText(&d.ProductCode),
			"/throttle/rateLimit": setFloat(&throttle.RateLimit), "/throttle/burstLimit": setInt32(&throttle.BurstLimit), "/throttle": whole(&hasThrottle),
			"/quota/limit": setInt32(&quota.Limit), "/quota/offset": setInt32(&quota.Offset), "/quota/period": setText(&period), "/quota": whole(&hasQuota),
			"/apiStages": func(op types.Op, _, value string) error {
				api, stage, ok := strings.Cut(value, ":")
				if !ok {
					return badRequest("Invalid API stage: %s", value)
				}
				d.Stages = slices.DeleteFunc(d.Stages, func(st types.ApiStage) bool { return aws.ToString(st.ApiId) == api && aws.ToString(st.Stage) == stage })
				if op != types.OpRemove {
					d.Stages = append(d.Stages, types.ApiStage{ApiId: aws.String(api), Stage: aws.String(stage)})
				}
				return nil
			},
		}.apply(in.PatchOperations)
		if err != nil {
			return err
		}
		d.Name = aws.ToString(name)
		quota.Period = types.QuotaPeriodType(aws.ToString(period))
		d.Throttle, d.Quota = nil, nil
		if hasThrottle {
			d.Throttle = &throttle
		}
		if hasQuota {
			d.Quota = &quota
		}
		return s.checkPlan(ctx, d)
	}, scope.Of(ctx).Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	out := planOutput(d)
	out.Tags = tagsOf(out.Tags)
	return (*apigateway.UpdateUsagePlanOutput)(out), nil
}

// DeleteUsagePlan removes a usage plan that has no stages.
func (s *Service) DeleteUsagePlan(ctx context.Context, in *apigateway.DeleteUsagePlanInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteUsagePlanOutput, error) {
	d, err := s.plans.Get(scope.Of(ctx).Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	if len(d.Stages) > 0 {
		return nil, badRequest("Usage Plan Id %s cannot be deleted because it is associated with API stages", d.ID)
	}
	if err := s.plans.Delete(ctx, scope.Of(ctx).Key(d.ID)...); err != nil {
		return nil, err
	}
	if err := s.usages.DeleteAll(ctx, scope.Of(ctx).Key(d.ID)...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteUsagePlanOutput{}, nil
}

// CreateUsagePlanKey adds a key to a usage plan.
func (s *Service) CreateUsagePlanKey(ctx context.Context, in *apigateway.CreateUsagePlanKeyInput, _ ...func(*apigateway.Options)) (*apigateway.CreateUsagePlanKeyOutput, error) {
	if *in.KeyType != "API_KEY" {
		return nil, badRequest("Usage Plan Key type must be 'API_KEY'")
	}
	k, err := s.keys.Get(scope.Of(ctx).Key(*in.KeyId)...)
	if err != nil {
		return nil, err
	}
	_, err = s.plans.Modify(ctx, func(d *planDoc) error {
		if slices.Contains(d.Keys, k.ID) {
			return conflict("Usage Plan %s already has the key %s", d.ID, k.ID)
		}
		d.Keys = append(d.Keys, k.ID)
		return nil
	}, scope.Of(ctx).Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	return &apigateway.CreateUsagePlanKeyOutput{Id: aws.String(k.ID), Name: k.Name, Type: aws.String("API_KEY"), Value: aws.String(k.Value)}, nil
}

func (s *Service) planKey(ctx context.Context, plan, key *string) (*keyDoc, error) {
	d, err := s.plans.Get(scope.Of(ctx).Key(*plan)...)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(d.Keys, *key) {
		return nil, notFound("Invalid Usage Plan Key identifier specified")
	}
	return s.keys.Get(scope.Of(ctx).Key(*key)...)
}

// GetUsagePlanKey returns a key of a usage plan.
func (s *Service) GetUsagePlanKey(ctx context.Context, in *apigateway.GetUsagePlanKeyInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsagePlanKeyOutput, error) {
	k, err := s.planKey(ctx, in.UsagePlanId, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &apigateway.GetUsagePlanKeyOutput{Id: aws.String(k.ID), Name: k.Name, Type: aws.String("API_KEY"), Value: aws.String(k.Value)}, nil
}

// GetUsagePlanKeys lists the keys of a usage plan.
func (s *Service) GetUsagePlanKeys(ctx context.Context, in *apigateway.GetUsagePlanKeysInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsagePlanKeysOutput, error) {
	d, err := s.plans.Get(scope.Of(ctx).Key(*in.UsagePlanId)...)
	if isNotFound(err) {
		return &apigateway.GetUsagePlanKeysOutput{Items: []types.UsagePlanKey{}}, nil
	}
	if err != nil {
		return nil, err
	}
	ids := slices.Sorted(slices.Values(d.Keys))
	list, next, err := pageOf(ids, func(id string) string { return id }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetUsagePlanKeysOutput{Items: []types.UsagePlanKey{}, Position: next}
	for _, id := range list {
		k, err := s.keys.Get(scope.Of(ctx).Key(id)...)
		if isNotFound(err) {
			continue // it has been deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		if in.NameQuery == nil || strings.HasPrefix(aws.ToString(k.Name), *in.NameQuery) {
			out.Items = append(out.Items, types.UsagePlanKey{Id: aws.String(k.ID), Name: k.Name, Type: aws.String("API_KEY"), Value: aws.String(k.Value)})
		}
	}
	return out, nil
}

// DeleteUsagePlanKey takes a key from a usage plan.
func (s *Service) DeleteUsagePlanKey(ctx context.Context, in *apigateway.DeleteUsagePlanKeyInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteUsagePlanKeyOutput, error) {
	_, err := s.plans.Modify(ctx, func(d *planDoc) error {
		n := len(d.Keys)
		if d.Keys = slices.DeleteFunc(d.Keys, func(id string) bool { return id == *in.KeyId }); len(d.Keys) == n {
			return notFound("Invalid Usage Plan Key identifier specified")
		}
		return nil
	}, scope.Of(ctx).Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	return &apigateway.DeleteUsagePlanKeyOutput{}, nil
}

// account is the account's settings; none are those of a new account.
func (s *Service) account(ctx context.Context) (*accountDoc, error) {
	d, err := s.accounts.Get(scope.Of(ctx).Key()...)
	if isNotFound(err) {
		return &accountDoc{}, nil
	}
	return d, err
}

func accountOutput(d *accountDoc) *apigateway.GetAccountOutput {
	return &apigateway.GetAccountOutput{CloudwatchRoleArn: d.LogRole, ThrottleSettings: &types.ThrottleSettings{BurstLimit: accountBurst, RateLimit: accountRate}, Features: []string{"UsagePlans"}, ApiKeyVersion: aws.String("4")}
}

// GetAccount returns the account's settings in the region.
func (s *Service) GetAccount(ctx context.Context, _ *apigateway.GetAccountInput, _ ...func(*apigateway.Options)) (*apigateway.GetAccountOutput, error) {
	d, err := s.account(ctx)
	if err != nil {
		return nil, err
	}
	return accountOutput(d), nil
}

// UpdateAccount sets the role by which logs are written.
func (s *Service) UpdateAccount(ctx context.Context, in *apigateway.UpdateAccountInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateAccountOutput, error) {
	old, err := s.account(ctx)
	if err != nil {
		return nil, err
	}
	d := &accountDoc{LogRole: old.LogRole}
	if err := (patches{"/cloudwatchRoleArn": setText(&d.LogRole)}).apply(in.PatchOperations); err != nil {
		return nil, err
	}
	if r := aws.ToString(d.LogRole); r != "" && !roleARN.MatchString(r) {
		return nil, badRequest("The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add the required role policy.")
	}
	if err := s.accounts.Put(ctx, d, scope.Of(ctx).Key()...); err != nil {
		return nil, err
	}
	return (*apigateway.UpdateAccountOutput)(accountOutput(d)), nil
}
