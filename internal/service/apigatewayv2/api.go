package apigatewayv2

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// API is the service's API. Its IAM actions are the HTTP methods, and its resources the paths of
// requests: apigateway:POST on arn:aws:apigateway:{region}::/apis.
func (s *Service) API() awswire.API {
	id := aws.ToString
	return awswire.API{Model: "apigatewayv2", MaxBody: 10 << 20, Invalid: func(message string) error { return badRequest("%s", message) }, Operations: []awswire.Operation{
		awswire.Executes(s.CreateApi, at(func(_ *apigatewayv2.CreateApiInput) string { return "/apis" })).Action("apigateway:POST"),
		awswire.Executes(s.CreateAuthorizer, at(func(in *apigatewayv2.CreateAuthorizerInput) string { return "/apis/" + id(in.ApiId) + "/authorizers" })).Action("apigateway:POST"),
		awswire.Executes(s.CreateDeployment, at(func(in *apigatewayv2.CreateDeploymentInput) string { return "/apis/" + id(in.ApiId) + "/deployments" })).Action("apigateway:POST"),
		awswire.Executes(s.CreateIntegration, at(func(in *apigatewayv2.CreateIntegrationInput) string { return "/apis/" + id(in.ApiId) + "/integrations" })).Action("apigateway:POST"),
		awswire.Executes(s.CreateRoute, at(func(in *apigatewayv2.CreateRouteInput) string { return "/apis/" + id(in.ApiId) + "/routes" })).Action("apigateway:POST"),
		awswire.Executes(s.CreateStage, at(func(in *apigatewayv2.CreateStageInput) string { return "/apis/" + id(in.ApiId) + "/stages" })).Action("apigateway:POST"),
		awswire.Executes(s.DeleteAccessLogSettings, at(func(in *apigatewayv2.DeleteAccessLogSettingsInput) string {
			return "/apis/" + id(in.ApiId) + "/stages/" + id(in.StageName) + "/accesslogsettings"
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteApi, at(func(in *apigatewayv2.DeleteApiInput) string { return "/apis/" + id(in.ApiId) })).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteAuthorizer, at(func(in *apigatewayv2.DeleteAuthorizerInput) string {
			return "/apis/" + id(in.ApiId) + "/authorizers/" + id(in.AuthorizerId)
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteCorsConfiguration, at(func(in *apigatewayv2.DeleteCorsConfigurationInput) string { return "/apis/" + id(in.ApiId) + "/cors" })).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteDeployment, at(func(in *apigatewayv2.DeleteDeploymentInput) string {
			return "/apis/" + id(in.ApiId) + "/deployments/" + id(in.DeploymentId)
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteIntegration, at(func(in *apigatewayv2.DeleteIntegrationInput) string {
			return "/apis/" + id(in.ApiId) + "/integrations/" + id(in.IntegrationId)
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteRoute, at(func(in *apigatewayv2.DeleteRouteInput) string {
			return "/apis/" + id(in.ApiId) + "/routes/" + id(in.RouteId)
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteRouteSettings, at(func(in *apigatewayv2.DeleteRouteSettingsInput) string {
			return "/apis/" + id(in.ApiId) + "/stages/" + id(in.StageName) + "/routesettings/" + id(in.RouteKey)
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteStage, at(func(in *apigatewayv2.DeleteStageInput) string {
			return "/apis/" + id(in.ApiId) + "/stages/" + id(in.StageName)
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.ExportApi, at(func(in *apigatewayv2.ExportApiInput) string {
			return "/apis/" + id(in.ApiId) + "/exports/" + id(in.Specification)
		})).Action("apigateway:GET"),
		awswire.Executes(s.GetApi, at(func(in *apigatewayv2.GetApiInput) string { return "/apis/" + id(in.ApiId) })).Action("apigateway:GET"),
		awswire.Executes(s.GetApis, at(func(_ *apigatewayv2.GetApisInput) string { return "/apis" })).Action("apigateway:GET"),
		awswire.Executes(s.GetAuthorizer, at(func(in *apigatewayv2.GetAuthorizerInput) string {
			return "/apis/" + id(in.ApiId) + "/authorizers/" + id(in.AuthorizerId)
		})).Action("apigateway:GET"),
		awswire.Executes(s.GetAuthorizers, at(func(in *apigatewayv2.GetAuthorizersInput) string { return "/apis/" + id(in.ApiId) + "/authorizers" })).Action("apigateway:GET"),
		awswire.Executes(s.GetDeployment, at(func(in *apigatewayv2.GetDeploymentInput) string {
			return "/apis/" + id(in.ApiId) + "/deployments/" + id(in.DeploymentId)
		})).Action("apigateway:GET"),
		awswire.Executes(s.GetDeployments, at(func(in *apigatewayv2.GetDeploymentsInput) string { return "/apis/" + id(in.ApiId) + "/deployments" })).Action("apigateway:GET"),
		awswire.Executes(s.GetIntegration, at(func(in *apigatewayv2.GetIntegrationInput) string {
			return "/apis/" + id(in.ApiId) + "/integrations/" + id(in.IntegrationId)
		})).Action("apigateway:GET"),
		awswire.Executes(s.GetIntegrations, at(func(in *apigatewayv2.GetIntegrationsInput) string { return "/apis/" + id(in.ApiId) + "/integrations" })).Action("apigateway:GET"),
		awswire.Executes(s.GetRoute, at(func(in *apigatewayv2.GetRouteInput) string {
			return "/apis/" + id(in.ApiId) + "/routes/" + id(in.RouteId)
		})).Action("apigateway:GET"),
		awswire.Executes(s.GetRoutes, at(func(in *apigatewayv2.GetRoutesInput) string { return "/apis/" + id(in.ApiId) + "/routes" })).Action("apigateway:GET"),
		awswire.Executes(s.GetStage, at(func(in *apigatewayv2.GetStageInput) string {
			return "/apis/" + id(in.ApiId) + "/stages/" + id(in.StageName)
		})).Action("apigateway:GET"),
		awswire.Executes(s.GetStages, at(func(in *apigatewayv2.GetStagesInput) string { return "/apis/" + id(in.ApiId) + "/stages" })).Action("apigateway:GET"),
		awswire.Executes(s.GetTags, at(func(in *apigatewayv2.GetTagsInput) string { return "/tags/" + id(in.ResourceArn) })).Action("apigateway:GET"),
		awswire.Executes(s.ImportApi, at(func(_ *apigatewayv2.ImportApiInput) string { return "/apis" })).Action("apigateway:PUT"),
		awswire.Executes(s.ReimportApi, at(func(in *apigatewayv2.ReimportApiInput) string { return "/apis/" + id(in.ApiId) })).Action("apigateway:PUT"),
		awswire.Executes(s.ResetAuthorizersCache, at(func(in *apigatewayv2.ResetAuthorizersCacheInput) string {
			return "/apis/" + id(in.ApiId) + "/stages/" + id(in.StageName) + "/cache/authorizers"
		})).Action("apigateway:DELETE"),
		awswire.Executes(s.TagResource, at(func(in *apigatewayv2.TagResourceInput) string { return "/tags/" + id(in.ResourceArn) })).Action("apigateway:POST"),
		awswire.Executes(s.UntagResource, at(func(in *apigatewayv2.UntagResourceInput) string { return "/tags/" + id(in.ResourceArn) })).Action("apigateway:DELETE"),
		awswire.Executes(s.UpdateApi, at(func(in *apigatewayv2.UpdateApiInput) string { return "/apis/" + id(in.ApiId) })).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateAuthorizer, at(func(in *apigatewayv2.UpdateAuthorizerInput) string {
			return "/apis/" + id(in.ApiId) + "/authorizers/" + id(in.AuthorizerId)
		})).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateDeployment, at(func(in *apigatewayv2.UpdateDeploymentInput) string {
			return "/apis/" + id(in.ApiId) + "/deployments/" + id(in.DeploymentId)
		})).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateIntegration, at(func(in *apigatewayv2.UpdateIntegrationInput) string {
			return "/apis/" + id(in.ApiId) + "/integrations/" + id(in.IntegrationId)
		})).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateRoute, at(func(in *apigatewayv2.UpdateRouteInput) string {
			return "/apis/" + id(in.ApiId) + "/routes/" + id(in.RouteId)
		})).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateStage, at(func(in *apigatewayv2.UpdateStageInput) string {
			return "/apis/" + id(in.ApiId) + "/stages/" + id(in.StageName)
		})).Action("apigateway:PATCH"),
	}}
}

// at names what a call works on by its path.
func at[I any](path func(*I) string) func(awswire.Caller, *I) []string {
	return func(c awswire.Caller, in *I) []string {
		return []string{arn.ARN{Partition: arn.Partition(c.Region), Service: "apigateway", Region: c.Region, Resource: path(in)}.String()}
	}
}
