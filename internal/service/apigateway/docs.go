package apigateway

import (
	"context"

	"github.com/brookmere/brookmere/internal/awskit/executeapi"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/openapi"
)

// Endpoints are those of the node's own that the service contributes: a page about each deployed API, HTTP APIs too,
// whoever's it is.
func (s *Service) Endpoints() []awswire.Endpoint { return executeapi.DocsEndpoints(s.describe) }

// describe is what a stage serves.
func (s *Service) describe(ctx context.Context, api, stage string) (openapi.Object, error) {
	if other := s.elsewhere(api); other != nil {
		return other.Describe(ctx, api, stage)
	}
	sc, d, err := executeapi.FindOwner(&s.owners, s.apis, api)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, notFound("Invalid API identifier specified %s", api)
	}
	st, err := s.stages.Get(sc.Key(api, stage)...)
	if isNotFound(err) {
		return nil, notFound("Invalid stage identifier specified")
	}
	if err != nil {
		return nil, err
	}
	deployed, err := s.deployments.Get(sc.Key(api, st.Deployment)...)
	if err != nil {
		return nil, err
	}
	x := exporter{api: &deployed.API, version: 3}
	return x.document(st.Name, sc)
}
