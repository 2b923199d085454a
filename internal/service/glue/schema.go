package glue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/schemacheck"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateSchema, GetSchema, ListSchemas, UpdateSchema, DeleteSchema: the schemas of the Schema
// Registry. Their versions are in schema_version.go.

// schemaDoc lists its versions; the definition of each is a document of its own, written first.
type schemaDoc struct {
	Registry      string              `json:"registry"`
	Name          string              `json:"name"`
	Format        types.DataFormat    `json:"format"`
	Compatibility types.Compatibility `json:"compatibility"`
	Description   *string             `json:"description,omitempty"`
	Checkpoint    int64               `json:"checkpoint"` // version from which compatibility is checked
	Versions      []versionItem       `json:"versions"`
	Next          int64               `json:"next"` // number of the next version
	Created       time.Time           `json:"created"`
	Updated       time.Time           `json:"updated"`
}

type versionItem struct {
	Number int64                     `json:"number"`
	ID     string                    `json:"id"`
	Status types.SchemaVersionStatus `json:"status"`
}

// maxVersions of a schema, as in Glue.
const maxVersions = 1000

func (d *schemaDoc) arn(sc scope) string { return sc.arn("schema/" + d.Registry + "/" + d.Name) }

// latest is the newest version that is available; nil: there is none.
func (d *schemaDoc) latest() *versionItem {
	for i := len(d.Versions) - 1; i >= 0; i-- {
		if d.Versions[i].Status == types.SchemaVersionStatusAvailable {
			return &d.Versions[i]
		}
	}
	return nil
}

func (d *schemaDoc) latestNumber() int64 {
	if v := d.latest(); v != nil {
		return v.Number
	}
	return 0
}

func schemaNotFound(registry, name string) error {
	return notFound("Schema is not found. RegistryName: %s, SchemaName: %s, SchemaArn: null", registry, name)
}

// schemaName finds the registry and the name of a schema.
func schemaName(sc scope, id *types.SchemaId) (registry, name string, err error) {
	if id == nil {
		return "", "", invalidInput("SchemaId must be given.")
	}
	if a := aws.ToString(id.SchemaArn); a != "" {
		rest, ok := strings.CutPrefix(a, sc.arn("schema/"))
		registry, name, two := strings.Cut(rest, "/")
		if !ok || !two {
			return "", "", invalidInput("The ARN %s is not of a schema of this account and region.", a)
		}
		return registry, name, nil
	}
	registry, name = aws.ToString(id.RegistryName), aws.ToString(id.SchemaName)
	if name == "" {
		return "", "", invalidInput("One of SchemaArn and SchemaName must be given.")
	}
	if registry == "" {
		registry = defaultRegistry
	}
	return registry, name, nil
}

func (s *Service) schema(sc scope, id *types.SchemaId) (*schemaDoc, error) {
	registry, name, err := schemaName(sc, id)
	if err != nil {
		return nil, err
	}
	d, err := s.schemas.Get(sc.account, sc.region, registry, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, schemaNotFound(registry, name)
	}
	return d, err
}

// CreateSchema makes a schema, with its first version where a definition is given.
func (s *Service) CreateSchema(ctx context.Context, in *glue.CreateSchemaInput, _ ...func(*glue.Options)) (*glue.CreateSchemaOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	registry, err := registryName(sc, in.RegistryId)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	d := &schemaDoc{
		Registry: registry, Name: aws.ToString(in.SchemaName), Format: in.DataFormat, Compatibility: in.Compatibility, Description: in.Description,
		Checkpoint: 1, Next: 1, Created: now, Updated: now, Versions: []versionItem{},
	}
	if d.Compatibility == "" {
		d.Compatibility = types.CompatibilityNone
	}
	definition := aws.ToString(in.SchemaDefinition)
	if definition != "" {
		if err := schemacheck.Valid(string(d.Format), definition); err != nil {
			return nil, invalidInput("Schema definition of %s data format is invalid: %v", d.Format, err)
		}
	}
	if _, err := s.registry(sc, registry); err != nil {
		if registry != defaultRegistry || !isNotFound(err) {
			return nil, err
		}
		err := s.registries.Create(ctx, &registryDoc{Name: registry, Created: now, Updated: now}, sc.account, sc.region, registry)
		if err != nil && !errors.Is(err, state.ErrExists) {
			return nil, err
		}
	}
	if definition != "" {
		v, err := s.newVersion(ctx, sc, d, definition)
		if err != nil {
			return nil, err
		}
		d.Versions, d.Next = append(d.Versions, versionItem{1, v, types.SchemaVersionStatusAvailable}), 2
	}
	err = s.schemas.Create(ctx, d, sc.account, sc.region, registry, d.Name)
	if errors.Is(err, state.ErrExists) {
		for _, v := range d.Versions {
			_ = s.schemaVersions.Delete(ctx, sc.account, sc.region, v.ID) // nothing names it
		}
		return nil, alreadyExists("Schema already exists. SchemaName: %s, RegistryName: %s", d.Name, registry)
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, d.arn(sc), in.Tags); err != nil {
			return nil, err
		}
	}
	out := &glue.CreateSchemaOutput{
		RegistryName: aws.String(registry), RegistryArn: aws.String(sc.arn("registry/" + registry)), SchemaName: in.SchemaName, SchemaArn: aws.String(d.arn(sc)),
		Description: in.Description, DataFormat: d.Format, Compatibility: d.Compatibility, SchemaCheckpoint: aws.Int64(d.Checkpoint),
		LatestSchemaVersion: aws.Int64(d.latestNumber()), NextSchemaVersion: aws.Int64(d.Next), SchemaStatus: types.SchemaStatusAvailable, Tags: in.Tags,
	}
	if v := d.latest(); v != nil {
		out.SchemaVersionId, out.SchemaVersionStatus = aws.String(v.ID), v.Status
	}
	return out, nil
}

// GetSchema describes one schema.
func (s *Service) GetSchema(ctx context.Context, in *glue.GetSchemaInput, _ ...func(*glue.Options)) (*glue.GetSchemaOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.schema(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	return &glue.GetSchemaOutput{
		RegistryName: aws.String(d.Registry), RegistryArn: aws.String(sc.arn("registry/" + d.Registry)), SchemaName: aws.String(d.Name), SchemaArn: aws.String(d.arn(sc)),
		Description: d.Description, DataFormat: d.Format, Compatibility: d.Compatibility, SchemaCheckpoint: aws.Int64(d.Checkpoint),
		LatestSchemaVersion: aws.Int64(d.latestNumber()), NextSchemaVersion: aws.Int64(d.Next), SchemaStatus: types.SchemaStatusAvailable,
		CreatedTime: registryTime(d.Created), UpdatedTime: registryTime(d.Updated),
	}, nil
}

// ListSchemas lists schemas, of a registry where one is given, 100 a page.
func (s *Service) ListSchemas(ctx context.Context, in *glue.ListSchemasInput, _ ...func(*glue.Options)) (*glue.ListSchemasOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	prefix := []string{sc.account, sc.region}
	if in.RegistryId != nil {
		name, err := registryName(sc, in.RegistryId)
		if err != nil {
			return nil, err
		}
		if _, err := s.registry(sc, name); err != nil {
			return nil, err
		}
		prefix = append(prefix, name)
	}
	all, err := s.schemas.All(prefix...)
	if err != nil {
		return nil, err
	}
	key := func(d *schemaDoc) string { return d.Registry + "/" + d.Name }
	sortBy(all, key)
	page, next, err := pageOf(all, key, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.ListSchemasOutput{NextToken: next, Schemas: []types.SchemaListItem{}}
	for _, d := range page {
		out.Schemas = append(out.Schemas, types.SchemaListItem{
			RegistryName: aws.String(d.Registry), SchemaName: aws.String(d.Name), SchemaArn: aws.String(d.arn(sc)), Description: d.Description,
			SchemaStatus: types.SchemaStatusAvailable, CreatedTime: registryTime(d.Created), UpdatedTime: registryTime(d.Updated),
		})
	}
	return out, nil
}

// UpdateSchema changes the compatibility, the version from which it is checked, or the
// description.
func (s *Service) UpdateSchema(ctx context.Context, in *glue.UpdateSchemaInput, _ ...func(*glue.Options)) (*glue.UpdateSchemaOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.schema(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	d, err = s.schemas.Modify(ctx, func(d *schemaDoc) error {
		if in.SchemaVersionNumber != nil {
			v, err := d.version(in.SchemaVersionNumber)
			if err != nil {
				return err
			}
			d.Checkpoint = v.Number
		}
		if in.Compatibility != "" {
			d.Compatibility = in.Compatibility
		}
		set(&d.Description, in.Description)
		d.Updated = s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, d.Registry, d.Name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, schemaNotFound("", "")
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateSchemaOutput{SchemaArn: aws.String(d.arn(sc)), SchemaName: aws.String(d.Name), RegistryName: aws.String(d.Registry)}, nil
}

// deleteSchema deletes a schema, and then its versions, which are nothing to anybody without it: a node that stops between leaves no
// schema that lacks them.
func (s *Service) deleteSchema(ctx context.Context, sc scope, registry, name string) error {
	d, err := s.schemas.Get(sc.account, sc.region, registry, name)
	if errors.Is(err, state.ErrNotFound) {
		return schemaNotFound(registry, name)
	}
	if err != nil {
		return err
	}
	if err := s.deleteTags(ctx, sc, d.arn(sc)); err != nil {
		return err
	}
	if err := s.schemas.Delete(ctx, sc.account, sc.region, registry, name); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	for _, v := range d.Versions {
		if err := s.schemaVersions.Delete(ctx, sc.account, sc.region, v.ID); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
	}
	return nil
}

// DeleteSchema deletes a schema with its versions.
func (s *Service) DeleteSchema(ctx context.Context, in *glue.DeleteSchemaInput, _ ...func(*glue.Options)) (*glue.DeleteSchemaOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	registry, name, err := schemaName(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	if err := s.deleteSchema(ctx, sc, registry, name); err != nil {
		return nil, err
	}
	return &glue.DeleteSchemaOutput{SchemaArn: aws.String(sc.arn("schema/" + registry + "/" + name)), SchemaName: aws.String(name), Status: types.SchemaStatusDeleting}, nil
}
