package glue

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// The documents of the catalog. Settings that are only read back keep the SDK's types;
// their JSON has the API's own member names. Lists and maps that are given empty are kept
// and come back empty.

type databaseDoc struct {
	Name        string                       `json:"name"`
	Description *string                      `json:"description,omitempty"`
	LocationURI *string                      `json:"location,omitempty"`
	Parameters  map[string]string            `json:"parameters,omitzero"`
	Permissions []types.PrincipalPermissions `json:"permissions,omitzero"`
	Target      *types.DatabaseIdentifier    `json:"target,omitempty"`
	Federated   *types.FederatedDatabase     `json:"federated,omitempty"`
	Created     time.Time                    `json:"created"`
}

func (d *databaseDoc) set(in *types.DatabaseInput) {
	d.Description = in.Description
	d.LocationURI = in.LocationUri
	d.Parameters = in.Parameters
	d.Permissions = in.CreateTableDefaultPermissions
	d.Target = in.TargetDatabase
	d.Federated = in.FederatedDatabase
}

func (d *databaseDoc) output(sc scope) types.Database {
	out := types.Database{
		Name:                          aws.String(d.Name),
		CatalogId:                     aws.String(sc.account),
		CreateTime:                    aws.Time(d.Created),
		Description:                   d.Description,
		LocationUri:                   d.LocationURI,
		Parameters:                    maps.Clone(d.Parameters),
		CreateTableDefaultPermissions: d.Permissions,
		TargetDatabase:                d.Target,
		FederatedDatabase:             d.Federated,
	}
	if out.CreateTableDefaultPermissions == nil {
		// What Glue fills in where the caller says nothing: IAM alone decides.
		out.CreateTableDefaultPermissions = []types.PrincipalPermissions{{
			Permissions: []types.Permission{types.PermissionAll},
			Principal:   &types.DataLakePrincipal{DataLakePrincipalIdentifier: aws.String("IAM_ALLOWED_PRINCIPALS")},
		}}
	}
	return out
}

type columnDoc struct {
	Name       string            `json:"name"`
	Type       *string           `json:"type,omitempty"`
	Comment    *string           `json:"comment,omitempty"`
	Parameters map[string]string `json:"parameters,omitzero"`
}

func columnDocs(in []types.Column) []columnDoc {
	if in == nil {
		return nil
	}
	out := make([]columnDoc, len(in))
	for i, c := range in {
		out[i] = columnDoc{aws.ToString(c.Name), c.Type, c.Comment, c.Parameters}
	}
	return out
}

func outputColumns(in []columnDoc) []types.Column {
	out := make([]types.Column, len(in))
	for i, c := range in {
		out[i] = types.Column{Name: aws.String(c.Name), Type: c.Type, Comment: c.Comment, Parameters: c.Parameters}
	}
	return out
}

type serdeDoc struct {
	Name       *string           `json:"name,omitempty"`
	Library    *string           `json:"library,omitempty"`
	Parameters map[string]string `json:"parameters,omitzero"`
}

type orderDoc struct {
	Column string `json:"column"`
	Order  int32  `json:"order"`
}

type descriptorDoc struct {
	Columns             []columnDoc            `json:"columns,omitzero"`
	Location            *string                `json:"location,omitempty"`
	AdditionalLocations []string               `json:"additionalLocations,omitzero"`
	InputFormat         *string                `json:"inputFormat,omitempty"`
	OutputFormat        *string                `json:"outputFormat,omitempty"`
	Compressed          bool                   `json:"compressed,omitempty"`
	Buckets             int32                  `json:"buckets,omitempty"`
	SerDe               *serdeDoc              `json:"serde,omitempty"`
	BucketColumns       []string               `json:"bucketColumns,omitzero"`
	SortColumns         []orderDoc             `json:"sortColumns,omitzero"`
	Parameters          map[string]string      `json:"parameters,omitzero"`
	Skewed              *types.SkewedInfo      `json:"skewed,omitempty"`
	SubDirectories      bool                   `json:"subDirectories,omitempty"`
	Schema              *types.SchemaReference `json:"schema,omitempty"`
}

func newDescriptor(in *types.StorageDescriptor) *descriptorDoc {
	if in == nil {
		return nil
	}
	d := &descriptorDoc{
		Columns:             columnDocs(in.Columns),
		Location:            in.Location,
		AdditionalLocations: in.AdditionalLocations,
		InputFormat:         in.InputFormat,
		OutputFormat:        in.OutputFormat,
		Compressed:          in.Compressed,
		Buckets:             in.NumberOfBuckets,
		BucketColumns:       in.BucketColumns,
		Parameters:          in.Parameters,
		Skewed:              in.SkewedInfo,
		SubDirectories:      in.StoredAsSubDirectories,
		Schema:              in.SchemaReference,
	}
	if in.SerdeInfo != nil {
		d.SerDe = &serdeDoc{in.SerdeInfo.Name, in.SerdeInfo.SerializationLibrary, in.SerdeInfo.Parameters}
	}
	if in.SortColumns != nil {
		d.SortColumns = make([]orderDoc, 0, len(in.SortColumns))
	}
	for _, o := range in.SortColumns {
		d.SortColumns = append(d.SortColumns, orderDoc{aws.ToString(o.Column), o.SortOrder})
	}
	return d
}

// output makes the API's form, with location in place of the descriptor's own if given.
func (d *descriptorDoc) output(location *string, parameters map[string]string, columns bool) *types.StorageDescriptor {
	if d == nil {
		return nil
	}
	out := &types.StorageDescriptor{
		Location:               d.Location,
		AdditionalLocations:    d.AdditionalLocations,
		InputFormat:            d.InputFormat,
		OutputFormat:           d.OutputFormat,
		Compressed:             d.Compressed,
		NumberOfBuckets:        d.Buckets,
		BucketColumns:          slices.Clone(d.BucketColumns),
		Parameters:             d.Parameters,
		SkewedInfo:             d.Skewed,
		StoredAsSubDirectories: d.SubDirectories,
		SchemaReference:        d.Schema,
		SortColumns:            make([]types.Order, 0, len(d.SortColumns)),
	}
	if columns {
		out.Columns = outputColumns(d.Columns)
	}
	if location != nil {
		out.Location = location
	}
	if parameters != nil {
		out.Parameters = parameters
	}
	if d.SerDe != nil {
		out.SerdeInfo = &types.SerDeInfo{Name: d.SerDe.Name, SerializationLibrary: d.SerDe.Library, Parameters: maps.Clone(d.SerDe.Parameters)}
	}
	for _, o := range d.SortColumns {
		out.SortColumns = append(out.SortColumns, types.Order{Column: aws.String(o.Column), SortOrder: o.Order})
	}
	return out
}

type tableDoc struct {
	Name          string                     `json:"name"`
	Version       int64                      `json:"version"`
	Description   *string                    `json:"description,omitempty"`
	Owner         *string                    `json:"owner,omitempty"`
	Type          *string                    `json:"type,omitempty"`
	Retention     int32                      `json:"retention,omitempty"`
	Parameters    map[string]string          `json:"parameters,omitzero"`
	Descriptor    *descriptorDoc             `json:"descriptor,omitempty"`
	PartitionKeys []columnDoc                `json:"partitionKeys,omitzero"`
	ViewOriginal  *string                    `json:"viewOriginal,omitempty"`
	ViewExpanded  *string                    `json:"viewExpanded,omitempty"`
	View          *types.ViewDefinitionInput `json:"view,omitempty"`
	Target        *types.TableIdentifier     `json:"target,omitempty"`
	Indexes       []partitionIndexDoc        `json:"indexes,omitzero"`
	LastAccess    *time.Time                 `json:"lastAccess,omitempty"`
	LastAnalyzed  *time.Time                 `json:"lastAnalyzed,omitempty"`
	CreatedBy     string                     `json:"createdBy"`
	Created       time.Time                  `json:"created"`
	Updated       time.Time                  `json:"updated"`
}

type partitionIndexDoc struct {
	Name string   `json:"name"`
	Keys []string `json:"keys"`
}

func (t *tableDoc) set(in *types.TableInput) {
	t.Description = in.Description
	t.Owner = in.Owner
	t.Type = in.TableType
	t.Retention = in.Retention
	t.Parameters = in.Parameters
	t.Descriptor = newDescriptor(in.StorageDescriptor)
	t.PartitionKeys = columnDocs(in.PartitionKeys)
	t.ViewOriginal = in.ViewOriginalText
	t.ViewExpanded = in.ViewExpandedText
	t.View = in.ViewDefinition
	t.Target = in.TargetTable
	t.LastAccess = in.LastAccessTime
	t.LastAnalyzed = in.LastAnalyzedTime
}

func (t *tableDoc) version() string { return strconv.FormatInt(t.Version, 10) }

func (t *tableDoc) output(sc scope, database string) *types.Table {
	out := &types.Table{
		Name:                          aws.String(t.Name),
		DatabaseName:                  aws.String(database),
		CatalogId:                     aws.String(sc.account),
		Description:                   t.Description,
		Owner:                         t.Owner,
		TableType:                     t.Type,
		Retention:                     t.Retention,
		Parameters:                    maps.Clone(t.Parameters),
		StorageDescriptor:             t.Descriptor.output(nil, nil, true),
		PartitionKeys:                 outputColumns(t.PartitionKeys),
		ViewOriginalText:              t.ViewOriginal,
		ViewExpandedText:              t.ViewExpanded,
		TargetTable:                   t.Target,
		LastAccessTime:                t.LastAccess,
		LastAnalyzedTime:              t.LastAnalyzed,
		CreatedBy:                     aws.String(t.CreatedBy),
		CreateTime:                    aws.Time(t.Created),
		UpdateTime:                    aws.Time(t.Updated),
		VersionId:                     aws.String(t.version()),
		IsRegisteredWithLakeFormation: false,
	}
	if out.StorageDescriptor != nil {
		out.StorageDescriptor.Parameters = maps.Clone(out.StorageDescriptor.Parameters)
	}
	if v := t.View; v != nil {
		out.IsMultiDialectView = aws.Bool(true)
		out.ViewDefinition = &types.ViewDefinition{Definer: v.Definer, IsProtected: v.IsProtected, SubObjects: v.SubObjects}
		for _, r := range v.Representations {
			out.ViewDefinition.Representations = append(out.ViewDefinition.Representations, types.ViewRepresentation{
				Dialect: r.Dialect, DialectVersion: r.DialectVersion, ValidationConnection: r.ValidationConnection,
				ViewExpandedText: r.ViewExpandedText, ViewOriginalText: r.ViewOriginalText,
			})
		}
	}
	return out
}
