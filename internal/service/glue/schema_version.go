package glue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/engine/schemacheck"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// RegisterSchemaVersion, GetSchemaVersion, GetSchemaByDefinition, ListSchemaVersions,
// DeleteSchemaVersions, CheckSchemaVersionValidity, PutSchemaVersionMetadata,
// QuerySchemaVersionMetadata, RemoveSchemaVersionMetadata.
//
// A version is checked when it is registered: it is AVAILABLE, or, when it is not compatible,
// FAILURE. GetSchemaVersionsDiff is refused.

// schemaVersionDoc is found by the id of the version.
type schemaVersionDoc struct {
	Registry   string         `json:"registry"`
	Schema     string         `json:"schema"`
	Definition string         `json:"definition"`
	Created    time.Time      `json:"created"`
	Metadata   []metadataItem `json:"metadata,omitempty"`
}

// recordSchema is a version by its id, for those who read records by it.
func (s *Service) recordSchema(sc scope, id string) (schemarecord.Schema, error) {
	d, _, v, err := s.findVersion(sc, &id, nil, nil)
	if err != nil {
		return schemarecord.Schema{}, err
	}
	return schemarecord.Schema{Format: string(d.Format), Definition: v.Definition}, nil
}

type metadataItem struct {
	Key     string    `json:"key"`
	Value   string    `json:"value"`
	Created time.Time `json:"created"`
}

// maxMetadata of a version, as in Glue.
const maxMetadata = 10

// newVersion writes a definition and returns its id.
func (s *Service) newVersion(ctx context.Context, sc scope, d *schemaDoc, definition string) (string, error) {
	id := uuid.NewString()
	v := &schemaVersionDoc{Registry: d.Registry, Schema: d.Name, Definition: definition, Created: s.clock.Now().UTC()}
	return id, s.schemaVersions.Create(ctx, v, sc.account, sc.region, id)
}

func (d *schemaDoc) version(n *types.SchemaVersionNumber) (*versionItem, error) {
	if n == nil || n.LatestVersion {
		if v := d.latest(); v != nil {
			return v, nil
		}
		return nil, notFound("Schema version is not found.")
	}
	number := aws.ToInt64(n.VersionNumber)
	for i := range d.Versions {
		if d.Versions[i].Number == number {
			return &d.Versions[i], nil
		}
	}
	return nil, notFound("Schema version is not found.")
}

// findVersion finds a version by its id, or by its schema and number.
func (s *Service) findVersion(sc scope, id *string, schema *types.SchemaId, n *types.SchemaVersionNumber) (*schemaDoc, *versionItem, *schemaVersionDoc, error) {
	if v := aws.ToString(id); v != "" {
		if schema != nil {
			return nil, nil, nil, invalidInput("SchemaId must not be given with SchemaVersionId.")
		}
		doc, err := s.schemaVersions.Get(sc.account, sc.region, v)
		if errors.Is(err, state.ErrNotFound) {
			return nil, nil, nil, notFound("Schema version is not found. SchemaVersionId: %s", v)
		}
		if err != nil {
			return nil, nil, nil, err
		}
		d, err := s.schema(sc, &types.SchemaId{RegistryName: aws.String(doc.Registry), SchemaName: aws.String(doc.Schema)})
		if err != nil {
			return nil, nil, nil, err
		}
		i := slices.IndexFunc(d.Versions, func(x versionItem) bool { return x.ID == v })
		if i < 0 {
			return nil, nil, nil, notFound("Schema version is not found. SchemaVersionId: %s", v)
		}
		return d, &d.Versions[i], doc, nil
	}
	d, err := s.schema(sc, schema)
	if err != nil {
		return nil, nil, nil, err
	}
	v, err := d.version(n)
	if err != nil {
		return nil, nil, nil, err
	}
	doc, err := s.schemaVersions.Get(sc.account, sc.region, v.ID)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil, nil, notFound("Schema version is not found.")
	}
	return d, v, doc, err
}

// byDefinition is the version of a schema with the same definition, blanks at its ends aside.
func (s *Service) byDefinition(sc scope, d *schemaDoc, definition string) (*versionItem, *schemaVersionDoc, error) {
	for i := range d.Versions {
		doc, err := s.schemaVersions.Get(sc.account, sc.region, d.Versions[i].ID)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if strings.TrimSpace(doc.Definition) == strings.TrimSpace(definition) {
			return &d.Versions[i], doc, nil
		}
	}
	return nil, nil, nil
}

// RegisterSchemaVersion adds a version; a definition that is there already is that version.
func (s *Service) RegisterSchemaVersion(ctx context.Context, in *glue.RegisterSchemaVersionInput, _ ...func(*glue.Options)) (*glue.RegisterSchemaVersionOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.schema(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	definition := aws.ToString(in.SchemaDefinition)
	if err := schemacheck.Valid(string(d.Format), definition); err != nil {
		return nil, invalidInput("Schema definition of %s data format is invalid: %v", d.Format, err)
	}
	if same, _, err := s.byDefinition(sc, d, definition); err != nil {
		return nil, err
	} else if same != nil && same.Status == types.SchemaVersionStatusAvailable {
		return &glue.RegisterSchemaVersionOutput{SchemaVersionId: aws.String(same.ID), VersionNumber: aws.Int64(same.Number), Status: same.Status}, nil
	}
	if d.Compatibility == types.CompatibilityDisabled && len(d.Versions) > 0 {
		return nil, invalidInput("Compatibility DISABLED does not allow versioning. SchemaId: SchemaId(schemaArn=%s)", d.arn(sc))
	}
	id, err := s.newVersion(ctx, sc, d, definition)
	if err != nil {
		return nil, err
	}
	var made versionItem
	_, err = s.schemas.Modify(ctx, func(d *schemaDoc) error {
		if len(d.Versions) >= maxVersions {
			return &types.ResourceNumberLimitExceededException{Message: aws.String("More schema versions than a schema may have.")}
		}
		var earlier []string
		for _, v := range d.Versions {
			if v.Status != types.SchemaVersionStatusAvailable || v.Number < d.Checkpoint {
				continue
			}
			doc, err := s.schemaVersions.Get(sc.account, sc.region, v.ID)
			if err != nil {
				return err
			}
			earlier = append(earlier, doc.Definition)
		}
		made = versionItem{d.Next, id, types.SchemaVersionStatusAvailable}
		if err := schemacheck.Compatible(string(d.Format), string(d.Compatibility), definition, earlier); err != nil {
			made.Status = types.SchemaVersionStatusFailure
		}
		d.Versions, d.Next = append(d.Versions, made), d.Next+1
		d.Updated = s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, d.Registry, d.Name)
	if err != nil {
		_ = s.schemaVersions.Delete(ctx, sc.account, sc.region, id) // nothing names it
		if errors.Is(err, state.ErrNotFound) {
			return nil, schemaNotFound(d.Registry, d.Name)
		}
		return nil, err
	}
	return &glue.RegisterSchemaVersionOutput{SchemaVersionId: aws.String(made.ID), VersionNumber: aws.Int64(made.Number), Status: made.Status}, nil
}

// GetSchemaVersion describes one version.
func (s *Service) GetSchemaVersion(ctx context.Context, in *glue.GetSchemaVersionInput, _ ...func(*glue.Options)) (*glue.GetSchemaVersionOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, v, doc, err := s.findVersion(sc, in.SchemaVersionId, in.SchemaId, in.SchemaVersionNumber)
	if err != nil {
		return nil, err
	}
	return &glue.GetSchemaVersionOutput{
		SchemaVersionId: aws.String(v.ID), SchemaDefinition: aws.String(doc.Definition), DataFormat: d.Format, SchemaArn: aws.String(d.arn(sc)),
		VersionNumber: aws.Int64(v.Number), Status: v.Status, CreatedTime: registryTime(doc.Created),
	}, nil
}

// GetSchemaByDefinition finds the version that has a definition.
func (s *Service) GetSchemaByDefinition(ctx context.Context, in *glue.GetSchemaByDefinitionInput, _ ...func(*glue.Options)) (*glue.GetSchemaByDefinitionOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.schema(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	v, doc, err := s.byDefinition(sc, d, aws.ToString(in.SchemaDefinition))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, notFound("Schema version is not found.")
	}
	return &glue.GetSchemaByDefinitionOutput{
		SchemaVersionId: aws.String(v.ID), SchemaArn: aws.String(d.arn(sc)), DataFormat: d.Format, Status: v.Status, CreatedTime: registryTime(doc.Created),
	}, nil
}

// ListSchemaVersions lists the versions of a schema, 100 a page.
func (s *Service) ListSchemaVersions(ctx context.Context, in *glue.ListSchemaVersionsInput, _ ...func(*glue.Options)) (*glue.ListSchemaVersionsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.schema(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(d.Versions, func(v versionItem) string { return versionKey(v.Number) }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.ListSchemaVersionsOutput{NextToken: next, Schemas: []types.SchemaVersionListItem{}}
	for _, v := range page {
		item := types.SchemaVersionListItem{SchemaArn: aws.String(d.arn(sc)), SchemaVersionId: aws.String(v.ID), VersionNumber: aws.Int64(v.Number), Status: v.Status}
		if doc, err := s.schemaVersions.Get(sc.account, sc.region, v.ID); err == nil {
			item.CreatedTime = registryTime(doc.Created)
		}
		out.Schemas = append(out.Schemas, item)
	}
	return out, nil
}

// DeleteSchemaVersions deletes versions: "3", "1-4" or "1,3-5". The checkpoint version, the first
// one at the start, stays.
func (s *Service) DeleteSchemaVersions(ctx context.Context, in *glue.DeleteSchemaVersionsInput, _ ...func(*glue.Options)) (*glue.DeleteSchemaVersionsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.schema(sc, in.SchemaId)
	if err != nil {
		return nil, err
	}
	numbers, err := versionNumbers(aws.ToString(in.Versions))
	if err != nil {
		return nil, err
	}
	out := &glue.DeleteSchemaVersionsOutput{SchemaVersionErrors: []types.SchemaVersionErrorItem{}}
	var gone []string
	_, err = s.schemas.Modify(ctx, func(d *schemaDoc) error {
		out.SchemaVersionErrors, gone = out.SchemaVersionErrors[:0], nil
		fail := func(n int64, code, message string) {
			out.SchemaVersionErrors = append(out.SchemaVersionErrors, types.SchemaVersionErrorItem{
				VersionNumber: aws.Int64(n), ErrorDetails: &types.ErrorDetails{ErrorCode: aws.String(code), ErrorMessage: aws.String(message)},
			})
		}
		for _, n := range numbers {
			i := slices.IndexFunc(d.Versions, func(v versionItem) bool { return v.Number == n })
			switch {
			case i < 0:
				fail(n, "EntityNotFoundException", "Schema version is not found.")
			case n == d.Checkpoint:
				fail(n, "InvalidInputException", "The checkpoint version of a schema cannot be deleted.")
			default:
				gone = append(gone, d.Versions[i].ID)
				d.Versions = slices.Delete(d.Versions, i, i+1)
			}
		}
		return nil
	}, sc.account, sc.region, d.Registry, d.Name)
	if err != nil {
		return nil, err
	}
	for _, id := range gone {
		if err := s.schemaVersions.Delete(ctx, sc.account, sc.region, id); err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
	}
	return out, nil
}

func versionNumbers(text string) ([]int64, error) {
	var out []int64
	for _, part := range strings.Split(text, ",") {
		lo, hi, span := strings.Cut(strings.TrimSpace(part), "-")
		if !span {
			hi = lo
		}
		a, errA := strconv.ParseInt(lo, 10, 32)
		b, errB := strconv.ParseInt(hi, 10, 32)
		if errA != nil || errB != nil || a < 1 || b < a || b-a >= 25 || len(out) >= 25 {
			return nil, invalidInput("Versions is not valid: %s", text)
		}
		for n := a; n <= b; n++ {
			out = append(out, n)
		}
	}
	return out, nil
}

// CheckSchemaVersionValidity checks the syntax of a definition.
func (s *Service) CheckSchemaVersionValidity(_ context.Context, in *glue.CheckSchemaVersionValidityInput, _ ...func(*glue.Options)) (*glue.CheckSchemaVersionValidityOutput, error) {
	if err := schemacheck.Valid(string(in.DataFormat), aws.ToString(in.SchemaDefinition)); err != nil {
		return &glue.CheckSchemaVersionValidityOutput{Valid: false, Error: aws.String(fmt.Sprint(err))}, nil
	}
	return &glue.CheckSchemaVersionValidityOutput{Valid: true}, nil
}

// PutSchemaVersionMetadata adds a pair to a version; a key may have several values.
func (s *Service) PutSchemaVersionMetadata(ctx context.Context, in *glue.PutSchemaVersionMetadataInput, _ ...func(*glue.Options)) (*glue.PutSchemaVersionMetadataOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, v, _, err := s.findVersion(sc, in.SchemaVersionId, in.SchemaId, in.SchemaVersionNumber)
	if err != nil {
		return nil, err
	}
	key, value := aws.ToString(in.MetadataKeyValue.MetadataKey), aws.ToString(in.MetadataKeyValue.MetadataValue)
	if key == "" {
		return nil, invalidInput("MetadataKey must be given.")
	}
	_, err = s.schemaVersions.Modify(ctx, func(doc *schemaVersionDoc) error {
		for _, m := range doc.Metadata {
			if m.Key == key && m.Value == value {
				return alreadyExists("Resource already exist for schema version id: %s, metadata key: %s, metadata value: %s", v.ID, key, value)
			}
		}
		if len(doc.Metadata) >= maxMetadata {
			return &types.ResourceNumberLimitExceededException{Message: aws.String("More metadata than a schema version may have.")}
		}
		doc.Metadata = append(doc.Metadata, metadataItem{key, value, s.clock.Now().UTC()})
		return nil
	}, sc.account, sc.region, v.ID)
	if err != nil {
		return nil, err
	}
	return &glue.PutSchemaVersionMetadataOutput{
		SchemaArn: aws.String(d.arn(sc)), SchemaName: aws.String(d.Name), RegistryName: aws.String(d.Registry), LatestVersion: d.latestNumber() == v.Number,
		VersionNumber: aws.Int64(v.Number), SchemaVersionId: aws.String(v.ID), MetadataKey: aws.String(key), MetadataValue: aws.String(value),
	}, nil
}

// RemoveSchemaVersionMetadata removes a pair of a version.
func (s *Service) RemoveSchemaVersionMetadata(ctx context.Context, in *glue.RemoveSchemaVersionMetadataInput, _ ...func(*glue.Options)) (*glue.RemoveSchemaVersionMetadataOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, v, _, err := s.findVersion(sc, in.SchemaVersionId, in.SchemaId, in.SchemaVersionNumber)
	if err != nil {
		return nil, err
	}
	key, value := aws.ToString(in.MetadataKeyValue.MetadataKey), aws.ToString(in.MetadataKeyValue.MetadataValue)
	_, err = s.schemaVersions.Modify(ctx, func(doc *schemaVersionDoc) error {
		n := len(doc.Metadata)
		doc.Metadata = slices.DeleteFunc(doc.Metadata, func(m metadataItem) bool { return m.Key == key && m.Value == value })
		if len(doc.Metadata) == n {
			return notFound("Metadata is not found. MetadataKey: %s, MetadataValue: %s", key, value)
		}
		return nil
	}, sc.account, sc.region, v.ID)
	if err != nil {
		return nil, err
	}
	return &glue.RemoveSchemaVersionMetadataOutput{
		SchemaArn: aws.String(d.arn(sc)), SchemaName: aws.String(d.Name), RegistryName: aws.String(d.Registry), LatestVersion: d.latestNumber() == v.Number,
		VersionNumber: aws.Int64(v.Number), SchemaVersionId: aws.String(v.ID), MetadataKey: aws.String(key), MetadataValue: aws.String(value),
	}, nil
}

// QuerySchemaVersionMetadata lists the metadata of a version, those that MetadataList names where
// it is given. There are few: one page.
func (s *Service) QuerySchemaVersionMetadata(ctx context.Context, in *glue.QuerySchemaVersionMetadataInput, _ ...func(*glue.Options)) (*glue.QuerySchemaVersionMetadataOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	_, v, doc, err := s.findVersion(sc, in.SchemaVersionId, in.SchemaId, in.SchemaVersionNumber)
	if err != nil {
		return nil, err
	}
	out := &glue.QuerySchemaVersionMetadataOutput{SchemaVersionId: aws.String(v.ID), MetadataInfoMap: map[string]types.MetadataInfo{}}
	for _, m := range doc.Metadata {
		asked := len(in.MetadataList) == 0 || slices.ContainsFunc(in.MetadataList, func(p types.MetadataKeyValuePair) bool {
			return aws.ToString(p.MetadataKey) == m.Key && (p.MetadataValue == nil || *p.MetadataValue == m.Value)
		})
		if !asked {
			continue
		}
		info, ok := out.MetadataInfoMap[m.Key]
		if ok {
			info.OtherMetadataValueList = append(info.OtherMetadataValueList, types.OtherMetadataValueListItem{MetadataValue: info.MetadataValue, CreatedTime: info.CreatedTime})
		}
		info.MetadataValue, info.CreatedTime = aws.String(m.Value), registryTime(m.Created)
		out.MetadataInfoMap[m.Key] = info
	}
	return out, nil
}
