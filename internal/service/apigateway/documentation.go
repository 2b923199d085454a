package apigateway

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateDocumentationPart, GetDocumentationPart, GetDocumentationParts, UpdateDocumentationPart,
// DeleteDocumentationPart; CreateDocumentationVersion, GetDocumentationVersion,
// GetDocumentationVersions, UpdateDocumentationVersion, DeleteDocumentationVersion.
//
// Documentation is kept for read-back; exported descriptions have none of it.

// maxParts bounds the documentation parts of an API, as AWS's quota does.
const maxParts = 2000

// partDoc is a documentation part; its key is the hash of its location, of which an API has one.
type partDoc struct {
	ID         string                          `json:"id"`
	Location   types.DocumentationPartLocation `json:"location"`
	Properties string                          `json:"properties"`
}

// docVersionDoc is a version of an API's documentation.
type docVersionDoc struct {
	Version     string    `json:"version"`
	Description *string   `json:"description,omitempty"`
	Created     time.Time `json:"created"`
}

func invalidPart() error       { return notFound("Invalid Documentation part identifier specified") }
func invalidDocVersion() error { return notFound("Invalid Documentation version specified") }

func (d *partDoc) output() *apigateway.GetDocumentationPartOutput {
	return &apigateway.GetDocumentationPartOutput{Id: aws.String(d.ID), Location: &d.Location, Properties: aws.String(d.Properties)}
}

// locationKey is the key of a location, with what is left out as it counts.
func locationKey(l types.DocumentationPartLocation) string {
	text, _ := json.Marshal([]string{string(l.Type), cmp.Or(aws.ToString(l.Path), "/"), cmp.Or(strings.ToUpper(aws.ToString(l.Method)), "*"), cmp.Or(aws.ToString(l.StatusCode), "*"), aws.ToString(l.Name)}) // texts: never fails
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// checkLocation checks that a location has what its type needs, and nothing that it cannot have.
func checkLocation(l types.DocumentationPartLocation) error {
	var path, method, status, name bool
	switch l.Type {
	case types.DocumentationPartTypeApi:
	case types.DocumentationPartTypeAuthorizer, types.DocumentationPartTypeModel:
		name = true
	case types.DocumentationPartTypeResource:
		path = true
	case types.DocumentationPartTypeMethod, types.DocumentationPartTypeRequestBody:
		path, method = true, true
	case types.DocumentationPartTypePathParameter, types.DocumentationPartTypeQueryParameter, types.DocumentationPartTypeRequestHeader:
		path, method, name = true, true, true
	case types.DocumentationPartTypeResponse, types.DocumentationPartTypeResponseBody:
		path, method, status = true, true, true
	case types.DocumentationPartTypeResponseHeader:
		path, method, status, name = true, true, true, true
	default:
		return badRequest("Invalid documentation part type: %s", l.Type)
	}
	for _, f := range []struct {
		field string
		value *string
		valid bool
	}{{"path", l.Path, path}, {"method", l.Method, method}, {"statusCode", l.StatusCode, status}, {"name", l.Name, name}} {
		if aws.ToString(f.value) != "" && !f.valid {
			return badRequest("Invalid documentation part location: %s has no %s", l.Type, f.field)
		}
	}
	if name && aws.ToString(l.Name) == "" {
		return badRequest("Invalid documentation part location: %s needs a name", l.Type)
	}
	if p := aws.ToString(l.Path); p != "" && p[0] != '/' {
		return badRequest("Invalid documentation part location: a path begins with a slash")
	}
	return nil
}

func checkProperties(text string) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return badRequest("Invalid documentation properties: they must be a JSON object")
	}
	return nil
}

// CreateDocumentationPart keeps what documents a part of an API.
func (s *Service) CreateDocumentationPart(ctx context.Context, in *apigateway.CreateDocumentationPartInput, _ ...func(*apigateway.Options)) (*apigateway.CreateDocumentationPartOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	d := &partDoc{ID: newID(6), Location: *in.Location, Properties: *in.Properties}
	if err := checkLocation(d.Location); err != nil {
		return nil, err
	}
	if err := checkProperties(d.Properties); err != nil {
		return nil, err
	}
	all, err := s.parts.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	if len(all) >= maxParts {
		return nil, tooManyParts()
	}
	err = s.parts.Create(ctx, d, scope.Of(ctx).Key(a.ID, locationKey(d.Location))...)
	if isExists(err) {
		return nil, conflict("Documentation part already exists for the specified location: type '%s', path '%s', method '%s', statusCode '%s', name '%s'",
			d.Location.Type, aws.ToString(d.Location.Path), aws.ToString(d.Location.Method), aws.ToString(d.Location.StatusCode), aws.ToString(d.Location.Name))
	}
	if err != nil {
		return nil, err
	}
	return (*apigateway.CreateDocumentationPartOutput)(d.output()), nil
}

// part finds a part by its id.
func (s *Service) part(ctx context.Context, api, id *string) (*partDoc, error) {
	a, err := s.apiOr(ctx, api, invalidPart)
	if err != nil {
		return nil, err
	}
	all, err := s.parts.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.ID == aws.ToString(id) {
			return d, nil
		}
	}
	return nil, invalidPart()
}

// GetDocumentationPart returns a part.
func (s *Service) GetDocumentationPart(ctx context.Context, in *apigateway.GetDocumentationPartInput, _ ...func(*apigateway.Options)) (*apigateway.GetDocumentationPartOutput, error) {
	d, err := s.part(ctx, in.RestApiId, in.DocumentationPartId)
	if err != nil {
		return nil, err
	}
	return d.output(), nil
}

// GetDocumentationParts lists the parts of an API, those of a type, a path or a name where one is
// asked for.
func (s *Service) GetDocumentationParts(ctx context.Context, in *apigateway.GetDocumentationPartsInput, _ ...func(*apigateway.Options)) (*apigateway.GetDocumentationPartsOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if in.LocationStatus == types.LocationStatusTypeUndocumented {
		return nil, badRequest("Brookmere does not list what is undocumented")
	}
	all, err := s.parts.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(d *partDoc) bool {
		l := d.Location
		return in.Type != "" && l.Type != in.Type || in.Path != nil && cmp.Or(aws.ToString(l.Path), "/") != *in.Path || in.NameQuery != nil && !strings.Contains(aws.ToString(l.Name), *in.NameQuery)
	})
	slices.SortFunc(all, func(a, b *partDoc) int { return strings.Compare(a.ID, b.ID) })
	list, next, err := pageOf(all, func(d *partDoc) string { return d.ID }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetDocumentationPartsOutput{Items: []types.DocumentationPart{}, Position: next}
	for _, d := range list {
		out.Items = append(out.Items, types.DocumentationPart{Id: aws.String(d.ID), Location: &d.Location, Properties: aws.String(d.Properties)})
	}
	return out, nil
}

// UpdateDocumentationPart changes the properties of a part.
func (s *Service) UpdateDocumentationPart(ctx context.Context, in *apigateway.UpdateDocumentationPartInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateDocumentationPartOutput, error) {
	found, err := s.part(ctx, in.RestApiId, in.DocumentationPartId)
	if err != nil {
		return nil, err
	}
	d, err := s.parts.Modify(ctx, func(d *partDoc) error {
		properties := &d.Properties
		if err := (patches{"/properties": setText(&properties)}).replace(in.PatchOperations, "/properties"); err != nil {
			return err
		}
		d.Properties = aws.ToString(properties)
		return checkProperties(d.Properties)
	}, scope.Of(ctx).Key(*in.RestApiId, locationKey(found.Location))...)
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateDocumentationPartOutput)(d.output()), nil
}

// DeleteDocumentationPart removes a part.
func (s *Service) DeleteDocumentationPart(ctx context.Context, in *apigateway.DeleteDocumentationPartInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteDocumentationPartOutput, error) {
	d, err := s.part(ctx, in.RestApiId, in.DocumentationPartId)
	if err != nil {
		return nil, err
	}
	if err := s.parts.Delete(ctx, scope.Of(ctx).Key(*in.RestApiId, locationKey(d.Location))...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteDocumentationPartOutput{}, nil
}

func (d *docVersionDoc) output() *apigateway.GetDocumentationVersionOutput {
	return &apigateway.GetDocumentationVersionOutput{Version: aws.String(d.Version), Description: d.Description, CreatedDate: aws.Time(d.Created)}
}

// CreateDocumentationVersion keeps a version, and gives it to a stage where one is named.
func (s *Service) CreateDocumentationVersion(ctx context.Context, in *apigateway.CreateDocumentationVersionInput, _ ...func(*apigateway.Options)) (*apigateway.CreateDocumentationVersionOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	stage := aws.ToString(in.StageName)
	if stage != "" {
		if _, err := s.stage(ctx, in.RestApiId, in.StageName); err != nil {
			return nil, err
		}
	}
	d := &docVersionDoc{Version: *in.DocumentationVersion, Description: in.Description, Created: s.cfg.Clock.Now().UTC()}
	if strings.TrimSpace(d.Version) == "" || len(d.Version) > 64 {
		return nil, badRequest("A documentation version has 1 to 64 characters")
	}
	err = s.docVersions.Create(ctx, d, sc.Key(a.ID, d.Version)...)
	if isExists(err) {
		return nil, conflict("Documentation version already exists")
	}
	if err != nil {
		return nil, err
	}
	if stage != "" {
		if _, err := s.stages.Modify(ctx, func(st *stageDoc) error { st.Documentation = aws.String(d.Version); return nil }, sc.Key(a.ID, stage)...); err != nil {
			return nil, err
		}
	}
	return (*apigateway.CreateDocumentationVersionOutput)(d.output()), nil
}

// documented checks that a stage's documentation version is there.
func (s *Service) documented(ctx context.Context, api string, version *string) error {
	if aws.ToString(version) == "" {
		return nil
	}
	_, err := s.docVersions.Get(scope.Of(ctx).Key(api, *version)...)
	return err
}

// GetDocumentationVersion returns a version.
func (s *Service) GetDocumentationVersion(ctx context.Context, in *apigateway.GetDocumentationVersionInput, _ ...func(*apigateway.Options)) (*apigateway.GetDocumentationVersionOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if *in.DocumentationVersion == "" {
		return nil, invalidDocVersion()
	}
	d, err := s.docVersions.Get(scope.Of(ctx).Key(a.ID, *in.DocumentationVersion)...)
	if err != nil {
		return nil, err
	}
	return d.output(), nil
}

// GetDocumentationVersions lists the versions of an API's documentation.
func (s *Service) GetDocumentationVersions(ctx context.Context, in *apigateway.GetDocumentationVersionsInput, _ ...func(*apigateway.Options)) (*apigateway.GetDocumentationVersionsOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all, err := s.docVersions.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(all, func(d *docVersionDoc) string { return d.Version }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetDocumentationVersionsOutput{Items: []types.DocumentationVersion{}, Position: next}
	for _, d := range list {
		out.Items = append(out.Items, types.DocumentationVersion{Version: aws.String(d.Version), Description: d.Description, CreatedDate: aws.Time(d.Created)})
	}
	return out, nil
}

// UpdateDocumentationVersion changes the description of a version.
func (s *Service) UpdateDocumentationVersion(ctx context.Context, in *apigateway.UpdateDocumentationVersionInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateDocumentationVersionOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	d, err := s.docVersions.Modify(ctx, func(d *docVersionDoc) error {
		return patches{"/description": setText(&d.Description)}.apply(in.PatchOperations)
	}, scope.Of(ctx).Key(a.ID, *in.DocumentationVersion)...)
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateDocumentationVersionOutput)(d.output()), nil
}

// DeleteDocumentationVersion removes a version.
func (s *Service) DeleteDocumentationVersion(ctx context.Context, in *apigateway.DeleteDocumentationVersionInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteDocumentationVersionOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	if err := s.docVersions.Delete(ctx, scope.Of(ctx).Key(a.ID, *in.DocumentationVersion)...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteDocumentationVersionOutput{}, nil
}
