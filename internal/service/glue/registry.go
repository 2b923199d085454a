package glue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateRegistry, GetRegistry, ListRegistries, UpdateRegistry, DeleteRegistry: the registries of
// the Schema Registry. Schemas without a registry are in default-registry, which is made when
// the first of them is.

type registryDoc struct {
	Name        string    `json:"name"`
	Description *string   `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
}

const defaultRegistry = "default-registry"

func registryNotFound(name string) error {
	return notFound("Registry is not found. RegistryName: %s", name)
}

// named finds a name in what names a resource by name or ARN.
func named(sc scope, name, arn *string, kind string) (string, error) {
	if a := aws.ToString(arn); a != "" {
		rest, ok := strings.CutPrefix(a, sc.arn(kind+"/"))
		if !ok {
			return "", invalidInput("The ARN %s is not of a %s of this account and region.", a, kind)
		}
		if n := aws.ToString(name); n != "" && n != rest {
			return "", invalidInput("Only one of the name and the ARN may be given.")
		}
		return rest, nil
	}
	return aws.ToString(name), nil
}

func registryName(sc scope, id *types.RegistryId) (string, error) {
	if id == nil {
		return defaultRegistry, nil
	}
	name, err := named(sc, id.RegistryName, id.RegistryArn, "registry")
	if err == nil && name == "" {
		err = invalidInput("One of RegistryName and RegistryArn must be given.")
	}
	return name, err
}

func (s *Service) registry(sc scope, name string) (*registryDoc, error) {
	d, err := s.registries.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, registryNotFound(name)
	}
	return d, err
}

// registryTime is how the Schema Registry writes times.
func registryTime(t time.Time) *string {
	return aws.String(t.UTC().Format("Mon Jan 02 15:04:05 UTC 2006"))
}

// CreateRegistry makes a registry.
func (s *Service) CreateRegistry(ctx context.Context, in *glue.CreateRegistryInput, _ ...func(*glue.Options)) (*glue.CreateRegistryOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	d := &registryDoc{Name: aws.ToString(in.RegistryName), Description: in.Description, Created: now, Updated: now}
	err = s.registries.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Registry already exists. RegistryName: %s", d.Name)
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("registry/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	return &glue.CreateRegistryOutput{RegistryName: in.RegistryName, RegistryArn: aws.String(sc.arn("registry/" + d.Name)), Description: in.Description, Tags: in.Tags}, nil
}

// GetRegistry describes one registry.
func (s *Service) GetRegistry(ctx context.Context, in *glue.GetRegistryInput, _ ...func(*glue.Options)) (*glue.GetRegistryOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, err := registryName(sc, in.RegistryId)
	if err != nil {
		return nil, err
	}
	d, err := s.registry(sc, name)
	if err != nil {
		return nil, err
	}
	return &glue.GetRegistryOutput{
		RegistryName: aws.String(name), RegistryArn: aws.String(sc.arn("registry/" + name)), Description: d.Description, Status: types.RegistryStatusAvailable,
		CreatedTime: registryTime(d.Created), UpdatedTime: registryTime(d.Updated),
	}, nil
}

// ListRegistries lists registries by name, 100 a page.
func (s *Service) ListRegistries(ctx context.Context, in *glue.ListRegistriesInput, _ ...func(*glue.Options)) (*glue.ListRegistriesOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.registries.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	sortBy(all, func(d *registryDoc) string { return d.Name })
	page, next, err := pageOf(all, func(d *registryDoc) string { return d.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.ListRegistriesOutput{NextToken: next, Registries: []types.RegistryListItem{}}
	for _, d := range page {
		out.Registries = append(out.Registries, types.RegistryListItem{
			RegistryName: aws.String(d.Name), RegistryArn: aws.String(sc.arn("registry/" + d.Name)), Description: d.Description,
			Status: types.RegistryStatusAvailable, CreatedTime: registryTime(d.Created), UpdatedTime: registryTime(d.Updated),
		})
	}
	return out, nil
}

// UpdateRegistry changes the description.
func (s *Service) UpdateRegistry(ctx context.Context, in *glue.UpdateRegistryInput, _ ...func(*glue.Options)) (*glue.UpdateRegistryOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, err := registryName(sc, in.RegistryId)
	if err != nil {
		return nil, err
	}
	_, err = s.registries.Modify(ctx, func(d *registryDoc) error {
		d.Description, d.Updated = in.Description, s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, registryNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateRegistryOutput{RegistryName: aws.String(name), RegistryArn: aws.String(sc.arn("registry/" + name))}, nil
}

// DeleteRegistry deletes a registry with all schemas in it.
func (s *Service) DeleteRegistry(ctx context.Context, in *glue.DeleteRegistryInput, _ ...func(*glue.Options)) (*glue.DeleteRegistryOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, err := registryName(sc, in.RegistryId)
	if err != nil {
		return nil, err
	}
	if _, err := s.registry(sc, name); err != nil {
		return nil, err
	}
	var schemas []string
	for key := range s.schemas.Keys(sc.account, sc.region, name) {
		schemas = append(schemas, key[len(key)-1])
	}
	slices.Sort(schemas)
	for _, schema := range schemas {
		if err := s.deleteSchema(ctx, sc, name, schema); err != nil {
			return nil, err
		}
	}
	if err := s.deleteTags(ctx, sc, sc.arn("registry/"+name)); err != nil {
		return nil, err
	}
	if err := s.registries.Delete(ctx, sc.account, sc.region, name); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	return &glue.DeleteRegistryOutput{RegistryName: aws.String(name), RegistryArn: aws.String(sc.arn("registry/" + name)), Status: types.RegistryStatusDeleting}, nil
}
