package apigatewayv2

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// apiDoc is an HTTP API. What it is made of keeps the SDK's types, whose JSON has the API's member names.
type apiDoc struct {
	API          types.Api                    `json:"api"`
	Revision     string                       `json:"revision"` // new with every change of what is served
	Revised      time.Time                    `json:"revised"`
	Routes       map[string]types.Route       `json:"routes,omitempty"`       // by id
	Integrations map[string]types.Integration `json:"integrations,omitempty"` // by id
	Authorizers  map[string]types.Authorizer  `json:"authorizers,omitempty"`  // by id
}

func (d *apiDoc) id() string { return aws.ToString(d.API.ApiId) }

type deploymentDoc struct {
	ID          string    `json:"id"`
	Description *string   `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Auto        bool      `json:"auto,omitempty"`
	API         apiDoc    `json:"api"`
}

func (d *deploymentDoc) output() types.Deployment {
	return types.Deployment{DeploymentId: aws.String(d.ID), Description: d.Description, CreatedDate: aws.Time(d.Created), AutoDeployed: aws.Bool(d.Auto), DeploymentStatus: types.DeploymentStatusDeployed}
}

// stageDoc is a stage. One that deploys automatically has no deployment of its own.
type stageDoc struct {
	Stage types.Stage `json:"stage"`
}

func (d *stageDoc) auto() bool { return aws.ToBool(d.Stage.AutoDeploy) }

// output is the stage as clients see it, of an API.
func (d *stageDoc) output(api *apiDoc) types.Stage {
	out := d.Stage
	if d.auto() && len(api.Routes) > 0 {
		out.DeploymentId = aws.String(api.Revision)
		out.LastDeploymentStatusMessage = aws.String("Successfully deployed stage with deployment ID '" + api.Revision + "'")
	}
	return out
}

// filled is a T with the members that another struct has by the same names and types.
func filled[T any](from any) *T {
	var to T
	dst, src := reflect.ValueOf(&to).Elem(), reflect.Indirect(reflect.ValueOf(from))
	for i := range dst.NumField() {
		f := dst.Type().Field(i)
		if v := src.FieldByName(f.Name); f.IsExported() && v.IsValid() && v.Type() == f.Type {
			dst.Field(i).Set(v)
		}
	}
	return &to
}

// update sets the members of a struct that the input of an update has, by the same names: texts that are empty
// are removed, texts that are missing and lists and structures that are nil stay. Maps are left alone.
func update(dst, input any) {
	d, src := reflect.ValueOf(dst).Elem(), reflect.ValueOf(input).Elem()
	for i := range d.NumField() {
		f := d.Type().Field(i)
		v := src.FieldByName(f.Name)
		if !f.IsExported() || !v.IsValid() || v.Type() != f.Type || v.IsZero() || f.Type.Kind() == reflect.Map {
			continue
		}
		if s, ok := v.Interface().(*string); ok && *s == "" {
			v = reflect.Zero(f.Type)
		}
		d.Field(i).Set(v)
	}
}

// updateMap sets the entries of an update, and removes those that it has empty.
func updateMap[V any](dst, by map[string]V, empty func(V) bool) map[string]V {
	if by == nil {
		return dst
	}
	out := maps.Clone(dst)
	for k, v := range by {
		switch {
		case empty(v):
			delete(out, k)
		case out == nil:
			out = map[string]V{k: v}
		default:
			out[k] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func isEmpty(s string) bool { return s == "" }

// sorted are the values of a map, in the order of the keys.
func sorted[V any](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// with is the map with a value set, in place.
func with[V any](m map[string]V, key string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}
