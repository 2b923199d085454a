package glue

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"crypto/sha256"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// PutResourcePolicy, GetResourcePolicy, GetResourcePolicies, DeleteResourcePolicy,
// PutDataCatalogEncryptionSettings, GetDataCatalogEncryptionSettings,
// GetCatalogImportStatus, CreateSecurityConfiguration, GetSecurityConfiguration,
// GetSecurityConfigurations, DeleteSecurityConfiguration.
//
// There is one resource policy, that of the catalog, by which the calls of all that is in it are decided. The rest is
// kept and read back: nothing is encrypted by it.

type policyDoc struct {
	Policy  string    `json:"policy"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func (d *policyDoc) hash() string {
	sum := sha256.Sum256([]byte(d.Policy))
	return base64.StdEncoding.EncodeToString(sum[:16])
}

func policyNotFound() error { return notFound("Policy not found") }

func (s *Service) policyScope(ctx context.Context, arn *string) (scope, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return sc, err
	}
	if a := aws.ToString(arn); a != "" && a != sc.arn("catalog") {
		return sc, invalidInput("A resource policy can be attached to the catalog only, not to %s.", a)
	}
	return sc, nil
}

// PutResourcePolicy sets the catalog's policy, if what the conditions say of the one
// before holds.
func (s *Service) PutResourcePolicy(ctx context.Context, in *glue.PutResourcePolicyInput, _ ...func(*glue.Options)) (*glue.PutResourcePolicyOutput, error) {
	sc, err := s.policyScope(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	text := aws.ToString(in.PolicyInJson)
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return nil, invalidInput("Invalid policy document: %s", err)
	}
	now := s.clock.Now().UTC()
	conditionFailed := func() error {
		return &types.ConditionCheckFailureException{Message: aws.String("The condition on the existing policy does not hold.")}
	}
	for {
		d, err := s.policies.Modify(ctx, func(d *policyDoc) error {
			if in.PolicyExistsCondition == types.ExistConditionNotExist || in.PolicyHashCondition != nil && *in.PolicyHashCondition != d.hash() {
				return conditionFailed()
			}
			d.Policy, d.Updated = text, now
			return nil
		}, sc.account, sc.region)
		if errors.Is(err, state.ErrNotFound) {
			if in.PolicyExistsCondition == types.ExistConditionMustExist || in.PolicyHashCondition != nil {
				return nil, policyNotFound()
			}
			d = &policyDoc{Policy: text, Created: now, Updated: now}
			err = s.policies.Create(ctx, d, sc.account, sc.region)
			if errors.Is(err, state.ErrExists) {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		return &glue.PutResourcePolicyOutput{PolicyHash: aws.String(d.hash())}, nil
	}
}

// inCatalog are the beginnings of resources that the catalog's policy is of.
var inCatalog = []string{"database/", "table/", "tableVersion/", "userDefinedFunction/", "connection/"}

// ResourcePolicy returns the policy of the catalog that a resource is in; jobs, crawlers and the like are in none.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	a, ok := arn.Parse(resource)
	in := func(beginning string) bool { return strings.HasPrefix(a.Resource, beginning) }
	if !ok || a.Resource != "catalog" && !slices.ContainsFunc(inCatalog, in) {
		return "", "", nil
	}
	d, err := s.policies.Get(a.Account, a.Region)
	if errors.Is(err, state.ErrNotFound) {
		return "", a.Account, nil
	}
	if err != nil {
		return "", "", err
	}
	return d.Policy, a.Account, nil
}

// GetResourcePolicy returns the catalog's policy.
func (s *Service) GetResourcePolicy(ctx context.Context, in *glue.GetResourcePolicyInput, _ ...func(*glue.Options)) (*glue.GetResourcePolicyOutput, error) {
	sc, err := s.policyScope(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	d, err := s.policies.Get(sc.account, sc.region)
	if errors.Is(err, state.ErrNotFound) {
		return nil, policyNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &glue.GetResourcePolicyOutput{
		PolicyInJson: aws.String(d.Policy), PolicyHash: aws.String(d.hash()), CreateTime: aws.Time(d.Created), UpdateTime: aws.Time(d.Updated),
	}, nil
}

// GetResourcePolicies lists the policies: the catalog's, if there is one.
func (s *Service) GetResourcePolicies(ctx context.Context, _ *glue.GetResourcePoliciesInput, _ ...func(*glue.Options)) (*glue.GetResourcePoliciesOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.GetResourcePoliciesOutput{GetResourcePoliciesResponseList: []types.GluePolicy{}}
	d, err := s.policies.Get(sc.account, sc.region)
	if errors.Is(err, state.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.GetResourcePoliciesResponseList = append(out.GetResourcePoliciesResponseList, types.GluePolicy{
		PolicyInJson: aws.String(d.Policy), PolicyHash: aws.String(d.hash()), CreateTime: aws.Time(d.Created), UpdateTime: aws.Time(d.Updated),
	})
	return out, nil
}

// DeleteResourcePolicy removes the catalog's policy.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *glue.DeleteResourcePolicyInput, _ ...func(*glue.Options)) (*glue.DeleteResourcePolicyOutput, error) {
	sc, err := s.policyScope(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	d, err := s.policies.Get(sc.account, sc.region)
	if err == nil {
		if in.PolicyHashCondition != nil && *in.PolicyHashCondition != d.hash() {
			return nil, &types.ConditionCheckFailureException{Message: aws.String("The condition on the existing policy does not hold.")}
		}
		err = s.policies.Delete(ctx, sc.account, sc.region)
	}
	if errors.Is(err, state.ErrNotFound) {
		return nil, policyNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &glue.DeleteResourcePolicyOutput{}, nil
}

type encryptionDoc struct {
	AtRest   *types.EncryptionAtRest             `json:"atRest,omitempty"`
	Password *types.ConnectionPasswordEncryption `json:"password,omitempty"`
}

// PutDataCatalogEncryptionSettings keeps the settings.
func (s *Service) PutDataCatalogEncryptionSettings(ctx context.Context, in *glue.PutDataCatalogEncryptionSettingsInput, _ ...func(*glue.Options)) (*glue.PutDataCatalogEncryptionSettingsOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	d := &encryptionDoc{AtRest: in.DataCatalogEncryptionSettings.EncryptionAtRest, Password: in.DataCatalogEncryptionSettings.ConnectionPasswordEncryption}
	if err := s.encryption.Put(ctx, d, sc.account, sc.region); err != nil {
		return nil, err
	}
	return &glue.PutDataCatalogEncryptionSettingsOutput{}, nil
}

// GetDataCatalogEncryptionSettings returns the settings; encryption is off by default.
func (s *Service) GetDataCatalogEncryptionSettings(ctx context.Context, in *glue.GetDataCatalogEncryptionSettingsInput, _ ...func(*glue.Options)) (*glue.GetDataCatalogEncryptionSettingsOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &types.DataCatalogEncryptionSettings{
		EncryptionAtRest:             &types.EncryptionAtRest{CatalogEncryptionMode: types.CatalogEncryptionModeDisabled},
		ConnectionPasswordEncryption: &types.ConnectionPasswordEncryption{ReturnConnectionPasswordEncrypted: false},
	}
	d, err := s.encryption.Get(sc.account, sc.region)
	switch {
	case errors.Is(err, state.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		if d.AtRest != nil {
			out.EncryptionAtRest = d.AtRest
		}
		if d.Password != nil {
			out.ConnectionPasswordEncryption = d.Password
		}
	}
	return &glue.GetDataCatalogEncryptionSettingsOutput{DataCatalogEncryptionSettings: out}, nil
}

// GetCatalogImportStatus says that the catalog is in use: there was none before Glue's
// that could be imported.
func (s *Service) GetCatalogImportStatus(ctx context.Context, in *glue.GetCatalogImportStatusInput, _ ...func(*glue.Options)) (*glue.GetCatalogImportStatusOutput, error) {
	if _, err := scopeOf(ctx, in.CatalogId); err != nil {
		return nil, err
	}
	return &glue.GetCatalogImportStatusOutput{ImportStatus: &types.CatalogImportStatus{ImportCompleted: true}}, nil
}

type securityDoc struct {
	Name       string                         `json:"name"`
	Encryption *types.EncryptionConfiguration `json:"encryption"`
	Created    time.Time                      `json:"created"`
}

func (d *securityDoc) output() types.SecurityConfiguration {
	return types.SecurityConfiguration{Name: aws.String(d.Name), EncryptionConfiguration: d.Encryption, CreatedTimeStamp: aws.Time(d.Created)}
}

func securityNotFound(name string) error {
	return notFound("Security Configuration %s not found.", name)
}

// CreateSecurityConfiguration keeps a configuration.
func (s *Service) CreateSecurityConfiguration(ctx context.Context, in *glue.CreateSecurityConfigurationInput, _ ...func(*glue.Options)) (*glue.CreateSecurityConfigurationOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d := &securityDoc{Name: aws.ToString(in.Name), Encryption: in.EncryptionConfiguration, Created: s.clock.Now().UTC()}
	err = s.security.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("SecurityConfiguration %s already exists.", d.Name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.CreateSecurityConfigurationOutput{Name: aws.String(d.Name), CreatedTimestamp: aws.Time(d.Created)}, nil
}

// GetSecurityConfiguration describes one configuration.
func (s *Service) GetSecurityConfiguration(ctx context.Context, in *glue.GetSecurityConfigurationInput, _ ...func(*glue.Options)) (*glue.GetSecurityConfigurationOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.security.Get(sc.account, sc.region, aws.ToString(in.Name))
	if errors.Is(err, state.ErrNotFound) {
		return nil, securityNotFound(aws.ToString(in.Name))
	}
	if err != nil {
		return nil, err
	}
	out := d.output()
	return &glue.GetSecurityConfigurationOutput{SecurityConfiguration: &out}, nil
}

// GetSecurityConfigurations lists configurations by name, 100 a page.
func (s *Service) GetSecurityConfigurations(ctx context.Context, in *glue.GetSecurityConfigurationsInput, _ ...func(*glue.Options)) (*glue.GetSecurityConfigurationsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.security.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	name := func(d *securityDoc) string { return d.Name }
	sortBy(all, name)
	page, next, err := pageOf(all, name, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetSecurityConfigurationsOutput{NextToken: next, SecurityConfigurations: make([]types.SecurityConfiguration, len(page))}
	for i, d := range page {
		out.SecurityConfigurations[i] = d.output()
	}
	return out, nil
}

// DeleteSecurityConfiguration forgets a configuration.
func (s *Service) DeleteSecurityConfiguration(ctx context.Context, in *glue.DeleteSecurityConfigurationInput, _ ...func(*glue.Options)) (*glue.DeleteSecurityConfigurationOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	err = s.security.Delete(ctx, sc.account, sc.region, aws.ToString(in.Name))
	if errors.Is(err, state.ErrNotFound) {
		return nil, securityNotFound(aws.ToString(in.Name))
	}
	if err != nil {
		return nil, err
	}
	return &glue.DeleteSecurityConfigurationOutput{}, nil
}
