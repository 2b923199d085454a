package athena

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/awskit/s3uri"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateWorkGroup, GetWorkGroup, ListWorkGroups, UpdateWorkGroup, DeleteWorkGroup,
// ListEngineVersions.
//
// The workgroup "primary" is always there. Of a workgroup's settings the output location,
// whether it is enforced, the state and the cutoff of bytes scanned act; the others are
// kept and read back. Spark workgroups are refused.

const (
	primary       = "primary"
	engineVersion = "Athena engine version 3"
)

type workGroupDoc struct {
	Name          string                        `json:"name"`
	Description   *string                       `json:"description,omitempty"`
	State         types.WorkGroupState          `json:"state"`
	Configuration *types.WorkGroupConfiguration `json:"configuration"`
	Created       time.Time                     `json:"created"`
}

// withDefaults completes a configuration as Athena shows it.
func withDefaults(c *types.WorkGroupConfiguration) (*types.WorkGroupConfiguration, error) {
	out := types.WorkGroupConfiguration{}
	if c != nil {
		out = *c
	}
	if out.EnforceWorkGroupConfiguration == nil {
		out.EnforceWorkGroupConfiguration = aws.Bool(true)
	}
	if out.PublishCloudWatchMetricsEnabled == nil {
		out.PublishCloudWatchMetricsEnabled = aws.Bool(c == nil) // so it is with Athena
	}
	if out.RequesterPaysEnabled == nil {
		out.RequesterPaysEnabled = aws.Bool(false)
	}
	if out.EnableMinimumEncryptionConfiguration == nil {
		out.EnableMinimumEncryptionConfiguration = aws.Bool(false)
	}
	if out.ResultConfiguration == nil {
		out.ResultConfiguration = &types.ResultConfiguration{}
	}
	selected := "AUTO"
	if out.EngineVersion != nil && aws.ToString(out.EngineVersion.SelectedEngineVersion) != "" {
		selected = *out.EngineVersion.SelectedEngineVersion
	}
	if selected != "AUTO" && selected != engineVersion {
		return nil, invalidRequest("INVALID_INPUT", "Engine version %s is not supported.", selected)
	}
	if m := out.ManagedQueryResultsConfiguration; m != nil && m.Enabled {
		return nil, invalidRequest("INVALID_INPUT", "Managed query results are not supported.")
	}
	out.EngineVersion = &types.EngineVersion{SelectedEngineVersion: aws.String(selected), EffectiveEngineVersion: aws.String(engineVersion)}
	if l := aws.ToString(out.ResultConfiguration.OutputLocation); l != "" {
		if _, _, err := splitLocation(l); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

func workGroupNotFound() error {
	return invalidRequest("INVALID_INPUT", "WorkGroup is not found.")
}

// workGroup returns the workgroup of that name, "primary" for none.
func (s *Service) workGroup(sc scope, name string) (*workGroupDoc, error) {
	if name == "" {
		name = primary
	}
	d, err := s.workgroups.Get(sc.account, sc.region, name)
	if err == nil || !errors.Is(err, state.ErrNotFound) {
		return d, err
	}
	if name != primary {
		return nil, workGroupNotFound()
	}
	return newPrimary(), nil
}

// newPrimary is the primary workgroup as long as nobody has changed it.
func newPrimary() *workGroupDoc {
	c, _ := withDefaults(&types.WorkGroupConfiguration{EnforceWorkGroupConfiguration: aws.Bool(false)})
	return &workGroupDoc{Name: primary, State: types.WorkGroupStateEnabled, Configuration: c, Created: time.Unix(0, 0).UTC()}
}

// CreateWorkGroup makes a workgroup.
func (s *Service) CreateWorkGroup(ctx context.Context, in *athena.CreateWorkGroupInput, _ ...func(*athena.Options)) (*athena.CreateWorkGroupOutput, error) {
	sc := scopeOf(ctx)
	c, err := withDefaults(in.Configuration)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	d := &workGroupDoc{Name: name, Description: in.Description, State: types.WorkGroupStateEnabled, Configuration: c, Created: s.clock.Now().UTC()}
	if name == primary {
		return nil, invalidRequest("", "WorkGroup is already created")
	}
	err = s.workgroups.Create(ctx, d, sc.account, sc.region, name)
	if errors.Is(err, state.ErrExists) {
		return nil, invalidRequest("", "WorkGroup is already created")
	}
	if err != nil {
		return nil, err
	}
	if err := s.addTags(ctx, sc, sc.arn("workgroup/"+name), in.Tags); err != nil {
		return nil, err
	}
	return &athena.CreateWorkGroupOutput{}, nil
}

// GetWorkGroup describes a workgroup.
func (s *Service) GetWorkGroup(ctx context.Context, in *athena.GetWorkGroupInput, _ ...func(*athena.Options)) (*athena.GetWorkGroupOutput, error) {
	d, err := s.workGroup(scopeOf(ctx), aws.ToString(in.WorkGroup))
	if err != nil {
		return nil, err
	}
	return &athena.GetWorkGroupOutput{WorkGroup: &types.WorkGroup{
		Name: aws.String(d.Name), Description: d.Description, State: d.State,
		Configuration: d.Configuration, CreationTime: aws.Time(d.Created),
	}}, nil
}

// ListWorkGroups lists workgroups by name, 50 a page.
func (s *Service) ListWorkGroups(ctx context.Context, in *athena.ListWorkGroupsInput, _ ...func(*athena.Options)) (*athena.ListWorkGroupsOutput, error) {
	sc := scopeOf(ctx)
	all, err := s.workgroups.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(d *workGroupDoc) bool { return d.Name == primary }) {
		all = append(all, newPrimary())
	}
	slices.SortFunc(all, func(a, b *workGroupDoc) int { return strings.Compare(a.Name, b.Name) })
	page, next, err := pageOf(all, func(d *workGroupDoc) string { return d.Name }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &athena.ListWorkGroupsOutput{NextToken: next, WorkGroups: []types.WorkGroupSummary{}}
	for _, d := range page {
		out.WorkGroups = append(out.WorkGroups, types.WorkGroupSummary{
			Name: aws.String(d.Name), Description: aws.String(aws.ToString(d.Description)), State: d.State,
			CreationTime: aws.Time(d.Created), EngineVersion: d.Configuration.EngineVersion,
		})
	}
	return out, nil
}

// UpdateWorkGroup changes the settings that are given.
func (s *Service) UpdateWorkGroup(ctx context.Context, in *athena.UpdateWorkGroupInput, _ ...func(*athena.Options)) (*athena.UpdateWorkGroupOutput, error) {
	sc := scopeOf(ctx)
	name := aws.ToString(in.WorkGroup)
	change := func(d *workGroupDoc) error {
		if in.Description != nil {
			d.Description = in.Description
		}
		if in.State != "" {
			d.State = in.State
		}
		if in.ConfigurationUpdates != nil {
			update(d.Configuration, in.ConfigurationUpdates)
		}
		c, err := withDefaults(d.Configuration)
		d.Configuration = c
		return err
	}
	_, err := s.workgroups.Modify(ctx, change, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		if name != primary {
			return nil, workGroupNotFound()
		}
		d := newPrimary()
		if err := change(d); err != nil {
			return nil, err
		}
		err = s.workgroups.Create(ctx, d, sc.account, sc.region, primary)
		if errors.Is(err, state.ErrExists) { // another call was first
			return s.UpdateWorkGroup(ctx, in)
		}
	}
	if err != nil {
		return nil, err
	}
	return &athena.UpdateWorkGroupOutput{}, nil
}

func replace[T any](to **T, v *T) {
	if v != nil {
		*to = v
	}
}

func update(c *types.WorkGroupConfiguration, u *types.WorkGroupConfigurationUpdates) {
	replace(&c.AdditionalConfiguration, u.AdditionalConfiguration)
	replace(&c.BytesScannedCutoffPerQuery, u.BytesScannedCutoffPerQuery)
	if aws.ToBool(u.RemoveBytesScannedCutoffPerQuery) {
		c.BytesScannedCutoffPerQuery = nil
	}
	replace(&c.CustomerContentEncryptionConfiguration, u.CustomerContentEncryptionConfiguration)
	if aws.ToBool(u.RemoveCustomerContentEncryptionConfiguration) {
		c.CustomerContentEncryptionConfiguration = nil
	}
	replace(&c.EnableMinimumEncryptionConfiguration, u.EnableMinimumEncryptionConfiguration)
	replace(&c.EnforceWorkGroupConfiguration, u.EnforceWorkGroupConfiguration)
	replace(&c.EngineVersion, u.EngineVersion)
	replace(&c.ExecutionRole, u.ExecutionRole)
	replace(&c.PublishCloudWatchMetricsEnabled, u.PublishCloudWatchMetricsEnabled)
	replace(&c.RequesterPaysEnabled, u.RequesterPaysEnabled)
	replace(&c.QueryResultsS3AccessGrantsConfiguration, u.QueryResultsS3AccessGrantsConfiguration)
	if r := u.ResultConfigurationUpdates; r != nil {
		rc := types.ResultConfiguration{}
		if c.ResultConfiguration != nil {
			rc = *c.ResultConfiguration
		}
		replace(&rc.OutputLocation, r.OutputLocation)
		replace(&rc.EncryptionConfiguration, r.EncryptionConfiguration)
		replace(&rc.ExpectedBucketOwner, r.ExpectedBucketOwner)
		replace(&rc.AclConfiguration, r.AclConfiguration)
		if aws.ToBool(r.RemoveOutputLocation) {
			rc.OutputLocation = nil
		}
		if aws.ToBool(r.RemoveEncryptionConfiguration) {
			rc.EncryptionConfiguration = nil
		}
		if aws.ToBool(r.RemoveExpectedBucketOwner) {
			rc.ExpectedBucketOwner = nil
		}
		if aws.ToBool(r.RemoveAclConfiguration) {
			rc.AclConfiguration = nil
		}
		c.ResultConfiguration = &rc
	}
}

// DeleteWorkGroup deletes a workgroup. One that has named queries or prepared statements
// goes only with RecursiveDeleteOption, and takes them along.
func (s *Service) DeleteWorkGroup(ctx context.Context, in *athena.DeleteWorkGroupInput, _ ...func(*athena.Options)) (*athena.DeleteWorkGroupOutput, error) {
	sc := scopeOf(ctx)
	name := aws.ToString(in.WorkGroup)
	if name == primary {
		return nil, invalidRequest("", "Deletion of primary WorkGroup is not allowed")
	}
	if _, err := s.workGroup(sc, name); err != nil {
		return nil, err
	}
	var queries, statements []string
	for it, err := range s.named.List(sc.account, sc.region) {
		if err != nil {
			return nil, err
		}
		if it.Value.WorkGroup == name {
			queries = append(queries, it.Key[len(it.Key)-1])
		}
	}
	for key := range s.prepared.Keys(sc.account, sc.region, name) {
		statements = append(statements, key[len(key)-1])
	}
	executions, err := s.executions.countOf(sc, name)
	if err != nil {
		return nil, err
	}
	if len(queries)+len(statements)+executions > 0 && !aws.ToBool(in.RecursiveDeleteOption) {
		return nil, invalidRequest("", "WorkGroup %s is not empty", name)
	}
	for _, id := range queries {
		if err := s.named.Delete(ctx, sc.account, sc.region, id); err != nil {
			return nil, err
		}
	}
	for _, n := range statements {
		if err := s.prepared.Delete(ctx, sc.account, sc.region, name, n); err != nil {
			return nil, err
		}
	}
	if err := s.deleteTags(ctx, sc, sc.arn("workgroup/"+name)); err != nil {
		return nil, err
	}
	err = s.workgroups.Delete(ctx, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, workGroupNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &athena.DeleteWorkGroupOutput{}, nil
}

// ListEngineVersions lists the one engine version there is, by itself and as AUTO.
func (s *Service) ListEngineVersions(context.Context, *athena.ListEngineVersionsInput, ...func(*athena.Options)) (*athena.ListEngineVersionsOutput, error) {
	out := &athena.ListEngineVersionsOutput{}
	for _, selected := range []string{"AUTO", engineVersion} {
		out.EngineVersions = append(out.EngineVersions, types.EngineVersion{SelectedEngineVersion: aws.String(selected), EffectiveEngineVersion: aws.String(engineVersion)})
	}
	return out, nil
}

// ListApplicationDPUSizes lists nothing: there is no application but SQL.
func (s *Service) ListApplicationDPUSizes(context.Context, *athena.ListApplicationDPUSizesInput, ...func(*athena.Options)) (*athena.ListApplicationDPUSizesOutput, error) {
	return &athena.ListApplicationDPUSizesOutput{ApplicationDPUSizes: []types.ApplicationDPUSizes{}}, nil
}

// splitLocation takes "s3://bucket/prefix" apart, in any spelling of its scheme.
func splitLocation(location string) (bucket, prefix string, err error) {
	l, err := s3uri.Parse(location)
	if err != nil {
		return "", "", invalidRequest("INVALID_INPUT", "outputLocation is not a valid S3 path.")
	}
	return l.Bucket, l.Key, nil
}
