package lambda

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// PublishVersion makes a version of $LATEST as it is; the last one again if it is the same.
func (s *Service) PublishVersion(ctx context.Context, in *lambda.PublishVersionInput, _ ...func(*lambda.Options)) (*lambda.PublishVersionOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, refused("PublishTo is")
	}
	v, err := s.publish(ctx, t, in.CodeSha256, in.RevisionId, in.Description)
	if err != nil {
		return nil, err
	}
	d, err := s.functions.Get(t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	return published(s.describe(d, v, true)), nil
}

func (s *Service) publish(ctx context.Context, t target, code, revision, description *string) (*config, error) {
	for {
		d, err := s.functions.Get(t.Key(t.name)...)
		if err != nil {
			return nil, err
		}
		if revision != nil && *revision != d.Latest.Revision {
			return nil, stale("GetFunction/GetAlias")
		}
		if code != nil && *code != "" && *code != sha(d.Latest.Code) {
			return nil, invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", *code, sha(d.Latest.Code))
		}
		if d.Versions > 0 {
			v, err := s.versions.Get(t.Key(t.name, strconv.FormatInt(d.Versions, 10))...)
			if err == nil && v.Config.Build == d.Latest.Build {
				return &v.Config, nil
			}
		}
		// The number is taken first: what dies in between leaves a number unused.
		var number int64
		var c config
		if _, err := s.functions.Modify(ctx, func(d *functionDoc) error {
			d.Versions++
			number, c = d.Versions, d.Latest
			return nil
		}, t.Key(t.name)...); err != nil {
			return nil, err
		}
		c.Version, c.Revision = strconv.FormatInt(number, 10), newID()
		if description != nil {
			c.Description = *description
		}
		v := &versionDoc{Account: t.Account, Region: t.Region, Name: t.name, Config: c}
		err = s.versions.Create(ctx, v, t.Key(t.name, c.Version)...)
		if errors.Is(err, state.ErrExists) {
			continue
		}
		return &v.Config, err
	}
}

// versionsOf lists the published versions of a function by number.
func (s *Service) versionsOf(d *functionDoc) ([]*config, error) {
	docs, err := s.versions.All(d.scope().Key(d.Name)...)
	if err != nil {
		return nil, err
	}
	var list []*config
	for _, v := range docs {
		list = append(list, &v.Config)
	}
	slices.SortFunc(list, func(a, b *config) int { return strings.Compare(versionKey(a.Version), versionKey(b.Version)) })
	return list, nil
}

// ListVersionsByFunction lists $LATEST and the published versions.
func (s *Service) ListVersionsByFunction(ctx context.Context, in *lambda.ListVersionsByFunctionInput, _ ...func(*lambda.Options)) (*lambda.ListVersionsByFunctionOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	versions, err := s.versionsOf(d)
	if err != nil {
		return nil, err
	}
	key := func(c *config) string {
		if c.Version == latest {
			return "0"
		}
		return versionKey(c.Version)
	}
	items, next, err := page.Of(append([]*config{&d.Latest}, versions...), key, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListVersionsByFunctionOutput{NextMarker: next, Versions: []types.FunctionConfiguration{}}
	for _, c := range items {
		out.Versions = append(out.Versions, *s.describe(d, c, true))
	}
	return out, nil
}

// describeAlias is an alias as the API has it.
func (d *functionDoc) describeAlias(name string) types.AliasConfiguration {
	a := d.Aliases[name]
	out := types.AliasConfiguration{
		AliasArn: aws.String(d.arn(name)), Name: &name, FunctionVersion: &a.Version, Description: aws.String(a.Description), RevisionId: &a.Revision,
	}
	if len(a.Weights) > 0 {
		out.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return out
}

// setAlias checks what an alias names, and sets it.
func (s *Service) setAlias(d *functionDoc, a *alias, version, description *string, routing *types.AliasRoutingConfiguration) error {
	exists := func(v string) error {
		if v == latest {
			return nil
		}
		if !isVersion(v) {
			return invalid("1 validation error detected: Value '%s' at 'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\$LATEST|[0-9]+)", v)
		}
		_, err := s.versions.Get(d.scope().Key(d.Name, v)...)
		return err
	}
	if version != nil {
		if err := exists(*version); err != nil {
			return err
		}
		a.Version = *version
	}
	if description != nil {
		a.Description = *description
	}
	if routing != nil {
		a.Weights = routing.AdditionalVersionWeights
	}
	if len(a.Weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for v, w := range a.Weights { // those that the alias has had may not go with another version
		switch {
		case !(w >= 0 && w <= 1):
			return invalid("The weight of a version is between 0 and 1, not %v", w)
		case v == latest || a.Version == latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case v == a.Version:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", v, v)
		}
		if err := exists(v); err != nil {
			return err
		}
	}
	a.Revision = newID()
	return nil
}

// CreateAlias names a version.
func (s *Service) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput, _ ...func(*lambda.Options)) (*lambda.CreateAliasOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if isVersion(name) || !qualifierForm.MatchString(name) || strings.HasPrefix(name, "$") {
		return nil, invalid("Invalid alias name: %s", name)
	}
	d, err := s.functions.Modify(ctx, func(d *functionDoc) error {
		if d.Aliases[name] != nil {
			return conflict("Alias already exists: %s", d.arn(name))
		}
		if d.Aliases == nil {
			d.Aliases = map[string]*alias{}
		}
		if len(d.Aliases) >= 1000 {
			return invalid("A function has at most 1000 aliases")
		}
		a := new(alias)
		d.Aliases[name] = a
		return s.setAlias(d, a, in.FunctionVersion, in.Description, in.RoutingConfig)
	}, t.Key(t.name)...)
	if _, missing := s.functions.Get(t.Key(t.name)...); isNotFound(err) && isNotFound(missing) {
		return nil, noFunction(functionARN(t.Scope, t.name, aws.ToString(in.FunctionVersion)))
	}
	if err != nil {
		return nil, err
	}
	a := d.describeAlias(name)
	return &lambda.CreateAliasOutput{AliasArn: a.AliasArn, Name: a.Name, FunctionVersion: a.FunctionVersion, Description: a.Description, RevisionId: a.RevisionId, RoutingConfig: a.RoutingConfig}, nil
}

// UpdateAlias lets an alias name another version.
func (s *Service) UpdateAlias(ctx context.Context, in *lambda.UpdateAliasInput, _ ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	d, err := s.functions.Modify(ctx, func(d *functionDoc) error {
		a := d.Aliases[name]
		if a == nil {
			return notFound("Alias not found: %s", d.arn(name))
		}
		if in.RevisionId != nil && *in.RevisionId != a.Revision {
			return stale("GetFunction/GetAlias")
		}
		return s.setAlias(d, a, in.FunctionVersion, in.Description, in.RoutingConfig)
	}, t.Key(t.name)...)
	if _, missing := s.functions.Get(t.Key(t.name)...); isNotFound(err) && isNotFound(missing) {
		return nil, noFunction(functionARN(t.Scope, t.name, aws.ToString(in.FunctionVersion)))
	}
	if err != nil {
		return nil, err
	}
	a := d.describeAlias(name)
	return &lambda.UpdateAliasOutput{AliasArn: a.AliasArn, Name: a.Name, FunctionVersion: a.FunctionVersion, Description: a.Description, RevisionId: a.RevisionId, RoutingConfig: a.RoutingConfig}, nil
}

// GetAlias describes an alias.
func (s *Service) GetAlias(ctx context.Context, in *lambda.GetAliasInput, _ ...func(*lambda.Options)) (*lambda.GetAliasOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if d.Aliases[name] == nil {
		return nil, notFound("Cannot find alias arn: %s", d.arn(name))
	}
	a := d.describeAlias(name)
	return &lambda.GetAliasOutput{AliasArn: a.AliasArn, Name: a.Name, FunctionVersion: a.FunctionVersion, Description: a.Description, RevisionId: a.RevisionId, RoutingConfig: a.RoutingConfig}, nil
}

// ListAliases lists the aliases of a function, or of one of its versions.
func (s *Service) ListAliases(ctx context.Context, in *lambda.ListAliasesInput, _ ...func(*lambda.Options)) (*lambda.ListAliasesOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range sortedKeys(d.Aliases) {
		if v := in.FunctionVersion; v == nil || *v == d.Aliases[name].Version || d.Aliases[name].Weights[*v] > 0 {
			names = append(names, name)
		}
	}
	names, next, err := page.Of(names, func(n string) string { return n }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListAliasesOutput{NextMarker: next, Aliases: []types.AliasConfiguration{}}
	for _, name := range names {
		out.Aliases = append(out.Aliases, d.describeAlias(name))
	}
	return out, nil
}

// DeleteAlias removes an alias; one that is not there is no error.
func (s *Service) DeleteAlias(ctx context.Context, in *lambda.DeleteAliasInput, _ ...func(*lambda.Options)) (*lambda.DeleteAliasOutput, error) {
	t, err := s.unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	var ids []string
	_, err = s.functions.Modify(ctx, func(d *functionDoc) error {
		delete(d.Aliases, name)
		ids = nil
		if u := d.URLs[name]; u != nil {
			ids = append(ids, u.ID)
		}
		delete(d.URLs, name)
		delete(d.Policies, name)
		delete(d.Invocation, name)
		delete(d.Provisioned, name)
		return nil
	}, t.Key(t.name)...)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		s.urls.Delete(id)
	}
	return &lambda.DeleteAliasOutput{}, nil
}
