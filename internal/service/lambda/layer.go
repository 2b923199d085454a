package lambda

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// layerDoc is a version of a layer. A deleted one stays, for functions that have it and so
// that its number is not given again.
type layerDoc struct {
	Account       string     `json:"account"`
	Region        string     `json:"region"`
	Name          string     `json:"name"`
	Version       int64      `json:"version"`
	Digest        string     `json:"digest"`
	Size          int64      `json:"size"`
	Description   string     `json:"description,omitempty"`
	License       string     `json:"license,omitempty"`
	Runtimes      []string   `json:"runtimes,omitempty"`
	Architectures []string   `json:"architectures,omitempty"`
	Created       time.Time  `json:"created"`
	Deleted       bool       `json:"deleted,omitempty"`
	Policy        *policyDoc `json:"policy,omitempty"`
}

func (d *layerDoc) layerARN() string {
	return scope.Scope{Account: d.Account, Region: d.Region}.ARN("lambda", "layer:"+d.Name)
}
func (d *layerDoc) arn() string { return d.layerARN() + ":" + strconv.FormatInt(d.Version, 10) }

var layerForm = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,140}$`)

// layerName takes a layer's name or ARN.
func layerName(ctx context.Context, name *string) (scope.Scope, string, error) {
	return layerIn(scope.Of(ctx), name)
}

// layerVersionName is layerName for operations that name a version.
func layerVersionName(ctx context.Context, name *string, version *int64) (scope.Scope, string, error) {
	sc, n, err := layerName(ctx, name)
	if err == nil && aws.ToInt64(version) < 1 {
		err = invalid("Layer Version Cannot be less than 1")
	}
	return sc, n, err
}

func layerIn(sc scope.Scope, name *string) (scope.Scope, string, error) {
	n := aws.ToString(name)
	if strings.HasPrefix(n, "arn:") {
		a, ok := arn.Parse(n)
		if !ok || !sc.Owns("lambda", a) {
			return sc, "", notFound("The resource you requested does not exist.")
		}
		n, _ = a.After("layer:")
	}
	if !layerForm.MatchString(n) {
		return sc, "", invalid("Invalid layer name: %s", aws.ToString(name))
	}
	return sc, n, nil
}

func layerKey(sc scope.Scope, name string, version int64) []string {
	return sc.Key(name, versionKey(strconv.FormatInt(version, 10)))
}

// PublishLayerVersion makes a version of a layer from a zip package.
func (s *Service) PublishLayerVersion(ctx context.Context, in *lambda.PublishLayerVersionInput, _ ...func(*lambda.Options)) (*lambda.PublishLayerVersionOutput, error) {
	sc, name, err := layerName(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	if in.Content == nil {
		return nil, invalid("Please provide a source for layer code.")
	}
	s.installing.RLock()
	defer s.installing.RUnlock()
	var c config
	if err := s.install(ctx, &c, source{zip: in.Content.ZipFile, bucket: in.Content.S3Bucket, key: in.Content.S3Key, version: in.Content.S3ObjectVersion}, "PublishLayerVersion"); err != nil {
		return nil, err
	}
	d := &layerDoc{
		Account: sc.Account, Region: sc.Region, Name: name, Digest: c.Code, Size: c.CodeSize, Description: aws.ToString(in.Description),
		License: aws.ToString(in.LicenseInfo), Created: s.clock.Now().UTC(),
	}
	for _, r := range in.CompatibleRuntimes {
		d.Runtimes = append(d.Runtimes, string(r))
	}
	for _, a := range in.CompatibleArchitectures {
		d.Architectures = append(d.Architectures, string(a))
	}
	for {
		d.Version = 1
		for key := range s.layers.Keys(sc.Key(name)...) {
			n, _ := strconv.ParseInt(key[3], 10, 64)
			d.Version = n - 1e18 + 1
		}
		err := s.layers.Create(ctx, d, layerKey(sc, name, d.Version)...)
		if errors.Is(err, state.ErrExists) {
			continue
		}
		if err != nil {
			return nil, err
		}
		break
	}
	v := s.describeLayer(d)
	return &lambda.PublishLayerVersionOutput{
		Content: v.Content, LayerArn: v.LayerArn, LayerVersionArn: v.LayerVersionArn, Version: v.Version, Description: v.Description, CreatedDate: v.CreatedDate,
		LicenseInfo: v.LicenseInfo, CompatibleRuntimes: v.CompatibleRuntimes, CompatibleArchitectures: v.CompatibleArchitectures,
	}, nil
}

func (s *Service) describeLayer(d *layerDoc) *lambda.GetLayerVersionOutput {
	out := &lambda.GetLayerVersionOutput{
		Content:  &types.LayerVersionContentOutput{CodeSha256: aws.String(sha(d.Digest)), CodeSize: d.Size, Location: aws.String(s.downloadURL(d.Digest))},
		LayerArn: aws.String(d.layerARN()), LayerVersionArn: aws.String(d.arn()), Version: d.Version, Description: aws.String(d.Description),
		CreatedDate: aws.String(d.Created.Format(modifiedForm)), LicenseInfo: optional(d.License),
	}
	out.CompatibleRuntimes, out.CompatibleArchitectures = d.compatible()
	return out
}

func (d *layerDoc) compatible() (runtimes []types.Runtime, architectures []types.Architecture) {
	for _, r := range d.Runtimes {
		runtimes = append(runtimes, types.Runtime(r))
	}
	for _, a := range d.Architectures {
		architectures = append(architectures, types.Architecture(a))
	}
	return runtimes, architectures
}

func (s *Service) layer(sc scope.Scope, name string, version int64) (*layerDoc, error) {
	d, err := s.layers.Get(layerKey(sc, name, version)...)
	if err != nil {
		return nil, err
	}
	if d.Deleted {
		return nil, errNoResource
	}
	return d, nil
}

// GetLayerVersion describes a version of a layer.
func (s *Service) GetLayerVersion(ctx context.Context, in *lambda.GetLayerVersionInput, _ ...func(*lambda.Options)) (*lambda.GetLayerVersionOutput, error) {
	sc, name, err := layerVersionName(ctx, in.LayerName, in.VersionNumber)
	if a, ok := arn.Parse(aws.ToString(in.LayerName)); ok && a.Account != sc.Account {
		d, err := s.layerByARN(sc, *in.LayerName+":"+strconv.FormatInt(aws.ToInt64(in.VersionNumber), 10))
		if err != nil {
			return nil, err
		}
		return s.describeLayer(d), nil
	}
	if err != nil {
		return nil, err
	}
	d, err := s.layer(sc, name, aws.ToInt64(in.VersionNumber))
	if err != nil {
		return nil, err
	}
	return s.describeLayer(d), nil
}

// GetLayerVersionByArn describes a version of a layer by its ARN.
func (s *Service) GetLayerVersionByArn(ctx context.Context, in *lambda.GetLayerVersionByArnInput, _ ...func(*lambda.Options)) (*lambda.GetLayerVersionByArnOutput, error) {
	d, err := s.layerByARN(scope.Of(ctx), aws.ToString(in.Arn))
	if err != nil {
		return nil, err
	}
	v := s.describeLayer(d)
	return &lambda.GetLayerVersionByArnOutput{
		Content: v.Content, LayerArn: v.LayerArn, LayerVersionArn: v.LayerVersionArn, Version: v.Version, Description: v.Description, CreatedDate: v.CreatedDate,
		LicenseInfo: v.LicenseInfo, CompatibleRuntimes: v.CompatibleRuntimes, CompatibleArchitectures: v.CompatibleArchitectures,
	}, nil
}

func (s *Service) layerByARN(sc scope.Scope, name string) (*layerDoc, error) {
	a, ok := arn.Parse(name)
	rest, isLayer := a.After("layer:")
	layer, number, found := strings.Cut(rest, ":")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || !isLayer || !found || err != nil || !layerForm.MatchString(layer) {
		return nil, invalid("Invalid layer version ARN: %s", name)
	}
	if a.Service != "lambda" || a.Region != sc.Region {
		return nil, invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", sc.Region)
	}
	d, err := s.layer(scope.Scope{Account: a.Account, Region: a.Region}, layer, version)
	if a.Account != sc.Account && (isNotFound(err) || err == nil && !d.lets(sc.Account)) {
		return nil, awswire.Errorf("AccessDeniedException", "The account %s is not authorized to perform: lambda:GetLayerVersion on resource: %s because no resource-based policy allows the lambda:GetLayerVersion action", sc.Account, name)
	}
	return d, err
}

// findLayers resolves the layers of a function.
func (s *Service) findLayers(sc scope.Scope, names []string) ([]layerRef, error) {
	if len(names) > maxLayers {
		return nil, invalid("Cannot reference more than %d layers.", maxLayers)
	}
	var list []layerRef
	for _, name := range names {
		d, err := s.layerByARN(sc, name)
		if err != nil {
			if isNotFound(err) {
				return nil, invalid("Layer version %s does not exist.", name)
			}
			return nil, err
		}
		if slices.ContainsFunc(list, func(l layerRef) bool { return strings.HasPrefix(l.ARN, d.layerARN()+":") }) {
			return nil, invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s", name)
		}
		list = append(list, layerRef{ARN: d.arn(), Digest: d.Digest, Size: d.Size})
	}
	return list, nil
}

// ListLayerVersions lists the versions of a layer, the newest first.
func (s *Service) ListLayerVersions(ctx context.Context, in *lambda.ListLayerVersionsInput, _ ...func(*lambda.Options)) (*lambda.ListLayerVersionsOutput, error) {
	sc, name, err := layerName(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	docs, err := s.layers.All(sc.Key(name)...)
	if err != nil {
		return nil, err
	}
	docs = slices.DeleteFunc(docs, func(d *layerDoc) bool { return !d.fits(in.CompatibleRuntime, in.CompatibleArchitecture) })
	slices.Reverse(docs)
	docs, next, err := page.Of(docs, func(d *layerDoc) string { return strconv.FormatInt(2e18-d.Version, 10) }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListLayerVersionsOutput{NextMarker: next, LayerVersions: []types.LayerVersionsListItem{}}
	for _, d := range docs {
		out.LayerVersions = append(out.LayerVersions, d.item())
	}
	return out, nil
}

func (d *layerDoc) fits(r types.Runtime, a types.Architecture) bool {
	return !d.Deleted && (r == "" || slices.Contains(d.Runtimes, string(r))) && (a == "" || slices.Contains(d.Architectures, string(a)))
}

func (d *layerDoc) item() types.LayerVersionsListItem {
	i := types.LayerVersionsListItem{LayerVersionArn: aws.String(d.arn()), Version: d.Version, Description: aws.String(d.Description), CreatedDate: aws.String(d.Created.Format(modifiedForm)), LicenseInfo: optional(d.License)}
	i.CompatibleRuntimes, i.CompatibleArchitectures = d.compatible()
	return i
}

// ListLayers lists layers with their newest versions.
func (s *Service) ListLayers(ctx context.Context, in *lambda.ListLayersInput, _ ...func(*lambda.Options)) (*lambda.ListLayersOutput, error) {
	sc := scope.Of(ctx)
	docs, err := s.layers.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	var newest []*layerDoc
	for _, d := range docs {
		if !d.fits(in.CompatibleRuntime, in.CompatibleArchitecture) {
			continue
		}
		if n := len(newest); n > 0 && newest[n-1].Name == d.Name {
			newest[n-1] = d
		} else {
			newest = append(newest, d)
		}
	}
	newest, next, err := page.Of(newest, func(d *layerDoc) string { return d.Name }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListLayersOutput{NextMarker: next, Layers: []types.LayersListItem{}}
	for _, d := range newest {
		item := d.item()
		out.Layers = append(out.Layers, types.LayersListItem{LayerName: &d.Name, LayerArn: aws.String(d.layerARN()), LatestMatchingVersion: &item})
	}
	return out, nil
}

// DeleteLayerVersion removes a version from listings; functions that have it keep it.
func (s *Service) DeleteLayerVersion(ctx context.Context, in *lambda.DeleteLayerVersionInput, _ ...func(*lambda.Options)) (*lambda.DeleteLayerVersionOutput, error) {
	sc, name, err := layerVersionName(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	_, err = s.layers.Modify(ctx, func(d *layerDoc) error { d.Deleted = true; return nil }, layerKey(sc, name, aws.ToInt64(in.VersionNumber))...)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	return &lambda.DeleteLayerVersionOutput{}, nil
}
