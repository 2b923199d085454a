package apigateway

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// apiDoc is a REST API. Methods with their integrations keep the SDK's types, whose JSON has the
// API's member names.
type apiDoc struct {
	ID              string                            `json:"id"`
	Name            string                            `json:"name"`
	Description     *string                           `json:"description,omitempty"`
	Version         *string                           `json:"version,omitempty"`
	Created         time.Time                         `json:"created"`
	KeySource       types.ApiKeySourceType            `json:"keySource,omitempty"`
	BinaryTypes     []string                          `json:"binaryTypes,omitempty"`
	Compression     *int32                            `json:"compression,omitempty"`
	Policy          *string                           `json:"policy,omitempty"`
	Endpoint        types.EndpointConfiguration       `json:"endpoint"`
	DisableEndpoint bool                              `json:"disableEndpoint,omitempty"`
	Tags            map[string]string                 `json:"tags,omitempty"`
	Root            string                            `json:"root"`
	Resources       map[string]*resourceDoc           `json:"resources"`
	Models          map[string]types.Model            `json:"models,omitempty"` // by name
	Validators      map[string]types.RequestValidator `json:"validators,omitempty"`
	Authorizers     map[string]types.Authorizer       `json:"authorizers,omitempty"`
	Responses       map[string]types.GatewayResponse  `json:"responses,omitempty"` // by type
}

type resourceDoc struct {
	ID      string                  `json:"id"`
	Parent  string                  `json:"parent,omitempty"` // empty for the root
	Part    string                  `json:"part,omitempty"`
	Methods map[string]types.Method `json:"methods,omitempty"` // by HTTP method
}

type deploymentDoc struct {
	ID          string    `json:"id"`
	Description *string   `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	API         apiDoc    `json:"api"`
}

type stageDoc struct {
	Name          string                         `json:"name"`
	Deployment    string                         `json:"deployment"`
	Description   *string                        `json:"description,omitempty"`
	Created       time.Time                      `json:"created"`
	Updated       time.Time                      `json:"updated"`
	Variables     map[string]string              `json:"variables,omitempty"`
	Settings      map[string]types.MethodSetting `json:"settings,omitempty"` // by "path/METHOD", "*/*"
	AccessLog     *types.AccessLogSettings       `json:"accessLog,omitempty"`
	Canary        *types.CanarySettings          `json:"canary,omitempty"`
	Tracing       bool                           `json:"tracing,omitempty"`
	CacheEnabled  bool                           `json:"cacheEnabled,omitempty"`
	CacheSize     types.CacheClusterSize         `json:"cacheSize,omitempty"`
	Documentation *string                        `json:"documentation,omitempty"`
	Certificate   *string                        `json:"certificate,omitempty"`
	Tags          map[string]string              `json:"tags,omitempty"`
}

type keyDoc struct {
	ID          string            `json:"id"`
	Value       string            `json:"value"`
	Name        *string           `json:"name,omitempty"`
	Description *string           `json:"description,omitempty"`
	CustomerID  *string           `json:"customerId,omitempty"`
	Enabled     bool              `json:"enabled"`
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
	StageKeys   []string          `json:"stageKeys,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

type planDoc struct {
	ID          string                  `json:"id"`
	Name        string                  `json:"name"`
	Description *string                 `json:"description,omitempty"`
	ProductCode *string                 `json:"productCode,omitempty"`
	Stages      []types.ApiStage        `json:"stages,omitempty"`
	Throttle    *types.ThrottleSettings `json:"throttle,omitempty"`
	Quota       *types.QuotaSettings    `json:"quota,omitempty"`
	Keys        []string                `json:"keys,omitempty"` // ids
	Tags        map[string]string       `json:"tags,omitempty"`
}

type accountDoc struct {
	LogRole *string `json:"logRole,omitempty"`
}

// path is a resource's whole path, "/orders/{id}".
func (d *apiDoc) path(r *resourceDoc) string {
	if r.Parent == "" {
		return "/"
	}
	var parts []string
	for r != nil && r.Parent != "" {
		parts = append(parts, r.Part)
		r = d.Resources[r.Parent]
	}
	slices.Reverse(parts)
	return "/" + strings.Join(parts, "/")
}

// children are the ids of the resources directly below.
func (d *apiDoc) children(id string) []string {
	var out []string
	for _, r := range d.Resources {
		if r.Parent == id {
			out = append(out, r.ID)
		}
	}
	slices.Sort(out)
	return out
}

func (d *apiDoc) resource(id *string) (*resourceDoc, error) {
	r := d.Resources[aws.ToString(id)]
	if r == nil {
		return nil, invalidResource()
	}
	return r, nil
}

func (d *apiDoc) method(id, verb *string) (*resourceDoc, types.Method, error) {
	r, err := d.resource(id)
	if err != nil {
		return nil, types.Method{}, err
	}
	m, ok := r.Methods[strings.ToUpper(aws.ToString(verb))]
	if !ok {
		return nil, types.Method{}, invalidMethod()
	}
	return r, m, nil
}

// escaped is a policy as answers have it: the inside of a JSON text.
func escaped(policy *string) *string {
	if policy == nil {
		return nil
	}
	text := jsonText(*policy)
	return aws.String(text[1 : len(text)-1])
}

func (d *apiDoc) output() *types.RestApi {
	return &types.RestApi{
		Id: aws.String(d.ID), Name: aws.String(d.Name), Description: d.Description, Version: d.Version, CreatedDate: aws.Time(d.Created),
		ApiKeySource: d.KeySource, BinaryMediaTypes: d.BinaryTypes, MinimumCompressionSize: d.Compression, Policy: escaped(d.Policy),
		EndpointConfiguration: &d.Endpoint, DisableExecuteApiEndpoint: d.DisableEndpoint, RootResourceId: aws.String(d.Root), Tags: d.Tags,
		ApiStatus: types.ApiStatusAvailable,
	}
}

func (d *apiDoc) outputResource(r *resourceDoc, withMethods bool) types.Resource {
	out := types.Resource{Id: aws.String(r.ID), Path: aws.String(d.path(r))}
	if r.Parent != "" {
		out.ParentId, out.PathPart = aws.String(r.Parent), aws.String(r.Part)
	}
	if len(r.Methods) > 0 {
		out.ResourceMethods = map[string]types.Method{}
		for verb, m := range r.Methods {
			if !withMethods {
				m = types.Method{}
			}
			out.ResourceMethods[verb] = m
		}
	}
	return out
}

func (d *deploymentDoc) summary() map[string]map[string]types.MethodSnapshot {
	out := map[string]map[string]types.MethodSnapshot{}
	for _, r := range d.API.Resources {
		for verb, m := range r.Methods {
			path := d.API.path(r)
			if out[path] == nil {
				out[path] = map[string]types.MethodSnapshot{}
			}
			out[path][verb] = types.MethodSnapshot{AuthorizationType: m.AuthorizationType, ApiKeyRequired: aws.ToBool(m.ApiKeyRequired)}
		}
	}
	return out
}

func (d *stageDoc) output() *apigateway.GetStageOutput {
	status := types.CacheClusterStatusNotAvailable
	if d.CacheEnabled {
		status = types.CacheClusterStatusAvailable
	}
	settings := d.Settings
	if settings == nil {
		settings = map[string]types.MethodSetting{}
	}
	return &apigateway.GetStageOutput{
		StageName: aws.String(d.Name), DeploymentId: aws.String(d.Deployment), Description: d.Description, CreatedDate: aws.Time(d.Created), LastUpdatedDate: aws.Time(d.Updated),
		Variables: d.Variables, MethodSettings: settings, AccessLogSettings: d.AccessLog, CanarySettings: d.Canary, TracingEnabled: d.Tracing,
		CacheClusterEnabled: d.CacheEnabled, CacheClusterSize: d.CacheSize, CacheClusterStatus: status, DocumentationVersion: d.Documentation, ClientCertificateId: d.Certificate, Tags: d.Tags,
	}
}

func (d *keyDoc) output(withValue bool) types.ApiKey {
	out := types.ApiKey{
		Id: aws.String(d.ID), Name: d.Name, Description: d.Description, CustomerId: d.CustomerID, Enabled: d.Enabled,
		CreatedDate: aws.Time(d.Created), LastUpdatedDate: aws.Time(d.Updated), StageKeys: append([]string{}, d.StageKeys...), Tags: d.Tags,
	}
	if withValue {
		out.Value = aws.String(d.Value)
	}
	return out
}

func (d *planDoc) output() types.UsagePlan {
	return types.UsagePlan{Id: aws.String(d.ID), Name: aws.String(d.Name), Description: d.Description, ProductCode: d.ProductCode, ApiStages: append([]types.ApiStage{}, d.Stages...), Throttle: d.Throttle, Quota: d.Quota, Tags: d.Tags}
}
