package glue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateConnection, GetConnection, GetConnections, UpdateConnection, DeleteConnection,
// BatchDeleteConnection.
//
// Connections are kept and read back; nothing connects by them, so they are READY at
// once. The credentials of an AuthenticationConfiguration are write-only, as in Glue.

type connectionDoc struct {
	Name           string                                `json:"name"`
	Type           types.ConnectionType                  `json:"type,omitempty"`
	Description    *string                               `json:"description,omitempty"`
	Properties     map[string]string                     `json:"properties,omitempty"`
	Athena         map[string]string                     `json:"athena,omitempty"`
	Spark          map[string]string                     `json:"spark,omitempty"`
	Python         map[string]string                     `json:"python,omitempty"`
	MatchCriteria  []string                              `json:"matchCriteria,omitempty"`
	Physical       *types.PhysicalConnectionRequirements `json:"physical,omitempty"`
	Authentication *types.AuthenticationConfiguration    `json:"authentication,omitempty"`
	Compute        []types.ComputeEnvironment            `json:"compute,omitempty"`
	Created        time.Time                             `json:"created"`
	Updated        time.Time                             `json:"updated"`
}

func (d *connectionDoc) set(in *types.ConnectionInput) {
	d.Type, d.Description, d.Properties = in.ConnectionType, in.Description, in.ConnectionProperties
	d.Athena, d.Spark, d.Python = in.AthenaProperties, in.SparkProperties, in.PythonProperties
	d.MatchCriteria, d.Physical, d.Compute = in.MatchCriteria, in.PhysicalConnectionRequirements, in.ValidateForComputeEnvironments
	d.Authentication = nil
	if a := in.AuthenticationConfiguration; a != nil {
		d.Authentication = &types.AuthenticationConfiguration{AuthenticationType: a.AuthenticationType, KmsKeyArn: a.KmsKeyArn, SecretArn: a.SecretArn}
		if o := a.OAuth2Properties; o != nil {
			d.Authentication.OAuth2Properties = &types.OAuth2Properties{
				OAuth2GrantType: o.OAuth2GrantType, OAuth2ClientApplication: o.OAuth2ClientApplication,
				TokenUrl: o.TokenUrl, TokenUrlParametersMap: o.TokenUrlParametersMap,
			}
		}
	}
}

func (d *connectionDoc) output(sc scope, hidePassword bool) types.Connection {
	out := types.Connection{
		Name: aws.String(d.Name), ConnectionType: d.Type, Description: d.Description,
		ConnectionProperties: maps.Clone(d.Properties), AthenaProperties: d.Athena, SparkProperties: d.Spark, PythonProperties: d.Python,
		MatchCriteria: d.MatchCriteria, PhysicalConnectionRequirements: d.Physical, AuthenticationConfiguration: d.Authentication,
		CompatibleComputeEnvironments: d.Compute, ConnectionSchemaVersion: aws.Int32(1), Status: types.ConnectionStatusReady,
		CreationTime: aws.Time(d.Created), LastUpdatedTime: aws.Time(d.Updated), LastUpdatedBy: aws.String(createdBy(sc)),
	}
	if out.ConnectionProperties == nil {
		out.ConnectionProperties = map[string]string{}
	}
	if hidePassword {
		delete(out.ConnectionProperties, string(types.ConnectionPropertyKeyPassword))
		delete(out.ConnectionProperties, string(types.ConnectionPropertyKeyEncryptedPassword))
	}
	return out
}

func connectionNotFound(name string) error { return notFound("Connection %s not found.", name) }

// CreateConnection keeps a connection.
func (s *Service) CreateConnection(ctx context.Context, in *glue.CreateConnectionInput, _ ...func(*glue.Options)) (*glue.CreateConnectionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	d := &connectionDoc{Name: aws.ToString(in.ConnectionInput.Name), Created: now, Updated: now}
	d.set(in.ConnectionInput)
	err = s.connections.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Connection already exists.")
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("connection/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	return &glue.CreateConnectionOutput{CreateConnectionStatus: types.ConnectionStatusReady}, nil
}

func (s *Service) connection(sc scope, name string) (*connectionDoc, error) {
	d, err := s.connections.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, connectionNotFound(name)
	}
	return d, err
}

// GetConnection describes one connection.
func (s *Service) GetConnection(ctx context.Context, in *glue.GetConnectionInput, _ ...func(*glue.Options)) (*glue.GetConnectionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	d, err := s.connection(sc, aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	out := d.output(sc, in.HidePassword)
	return &glue.GetConnectionOutput{Connection: &out}, nil
}

// GetConnections lists connections by name, those that Filter lets through, 100 a page.
func (s *Service) GetConnections(ctx context.Context, in *glue.GetConnectionsInput, _ ...func(*glue.Options)) (*glue.GetConnectionsOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	var all []*connectionDoc
	for it, err := range s.connections.List(sc.account, sc.region) {
		if err != nil {
			return nil, err
		}
		d := it.Value
		if f := in.Filter; f != nil {
			if f.ConnectionType != "" && f.ConnectionType != d.Type {
				continue
			}
			if slices.ContainsFunc(f.MatchCriteria, func(m string) bool { return !slices.Contains(d.MatchCriteria, m) }) {
				continue
			}
		}
		all = append(all, d)
	}
	name := func(d *connectionDoc) string { return d.Name }
	sortBy(all, name)
	page, next, err := pageOf(all, name, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetConnectionsOutput{NextToken: next, ConnectionList: make([]types.Connection, len(page))}
	for i, d := range page {
		out.ConnectionList[i] = d.output(sc, in.HidePassword)
	}
	return out, nil
}

// UpdateConnection replaces a connection; it cannot rename.
func (s *Service) UpdateConnection(ctx context.Context, in *glue.UpdateConnectionInput, _ ...func(*glue.Options)) (*glue.UpdateConnectionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if n := aws.ToString(in.ConnectionInput.Name); n != "" && n != name {
		return nil, invalidInput("Connection name cannot be changed.")
	}
	_, err = s.connections.Modify(ctx, func(d *connectionDoc) error {
		d.set(in.ConnectionInput)
		d.Updated = s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, connectionNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateConnectionOutput{}, nil
}

func (s *Service) deleteConnection(ctx context.Context, sc scope, name string) error {
	if _, err := s.connection(sc, name); err != nil {
		return err
	}
	if err := s.deleteTags(ctx, sc, sc.arn("connection/"+name)); err != nil {
		return err
	}
	err := s.connections.Delete(ctx, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return connectionNotFound(name)
	}
	return err
}

// DeleteConnection forgets a connection.
func (s *Service) DeleteConnection(ctx context.Context, in *glue.DeleteConnectionInput, _ ...func(*glue.Options)) (*glue.DeleteConnectionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	if err := s.deleteConnection(ctx, sc, aws.ToString(in.ConnectionName)); err != nil {
		return nil, err
	}
	return &glue.DeleteConnectionOutput{}, nil
}

// BatchDeleteConnection forgets up to 25 connections and says which.
func (s *Service) BatchDeleteConnection(ctx context.Context, in *glue.BatchDeleteConnectionInput, _ ...func(*glue.Options)) (*glue.BatchDeleteConnectionOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchDeleteConnectionOutput{Succeeded: []string{}, Errors: map[string]types.ErrorDetail{}}
	for _, name := range in.ConnectionNameList {
		if err := s.deleteConnection(ctx, sc, name); err != nil {
			out.Errors[name] = *errorDetail(err)
			continue
		}
		out.Succeeded = append(out.Succeeded, name)
	}
	return out, nil
}
