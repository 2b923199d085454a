package apigateway

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// enumOrder is the order in which API Gateway lists the values of enumerations.
var enumOrder = map[string][]string{
	"Op":              {"add", "remove", "move", "test", "replace", "copy"},
	"EndpointType":    {"PRIVATE", "EDGE", "REGIONAL"},
	"IntegrationType": {"HTTP", "MOCK", "AWS_PROXY", "HTTP_PROXY", "AWS"},
	"GatewayResponseType": {
		"REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "AUTHORIZER_CONFIGURATION_ERROR", "MISSING_AUTHENTICATION_TOKEN", "BAD_REQUEST_BODY", "INVALID_SIGNATURE", "INVALID_API_KEY",
		"BAD_REQUEST_PARAMETERS", "AUTHORIZER_FAILURE", "UNAUTHORIZED", "INTEGRATION_TIMEOUT", "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX", "WAF_FILTERED", "QUOTA_EXCEEDED", "THROTTLED",
		"API_CONFIGURATION_ERROR", "UNSUPPORTED_MEDIA_TYPE", "INTEGRATION_FAILURE", "EXPIRED_TOKEN",
	},
	"DocumentationPartType": {
		"RESPONSE_BODY", "RESPONSE", "METHOD", "MODEL", "AUTHORIZER", "RESPONSE_HEADER", "RESOURCE", "PATH_PARAMETER", "REQUEST_BODY", "QUERY_PARAMETER", "API", "REQUEST_HEADER",
	},
}

// API is the service's API. Its IAM actions are the HTTP methods, and its resources the paths of
// requests: apigateway:POST on arn:aws:apigateway:{region}::/restapis.
func (s *Service) API() awswire.API {
	name := func(c awswire.Caller, path string) []string {
		return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, path)}
	}
	return awswire.API{Model: "apigateway", MaxBody: 10 << 20, InputPaths: true, EnumOrder: enumOrder, Operations: append(s.stored(),
		awswire.Executes(s.CreateApiKey, func(c awswire.Caller, in *apigateway.CreateApiKeyInput) []string { return name(c, "/apikeys") }).Action("apigateway:POST"),
		awswire.Executes(s.CreateAuthorizer, func(c awswire.Caller, in *apigateway.CreateAuthorizerInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/authorizers")
		}).Action("apigateway:POST"),
		awswire.Executes(s.CreateDeployment, func(c awswire.Caller, in *apigateway.CreateDeploymentInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/deployments")
		}).Action("apigateway:POST"),
		awswire.Executes(s.CreateModel, func(c awswire.Caller, in *apigateway.CreateModelInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/models")
		}).Action("apigateway:POST"),
		awswire.Executes(s.CreateRequestValidator, func(c awswire.Caller, in *apigateway.CreateRequestValidatorInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/requestvalidators")
		}).Action("apigateway:POST"),
		awswire.Executes(s.CreateResource, func(c awswire.Caller, in *apigateway.CreateResourceInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ParentId))
		}).Action("apigateway:POST"),
		awswire.Executes(s.CreateRestApi, func(c awswire.Caller, in *apigateway.CreateRestApiInput) []string { return name(c, "/restapis") }).Action("apigateway:POST"),
		awswire.Executes(s.CreateStage, func(c awswire.Caller, in *apigateway.CreateStageInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages")
		}).Action("apigateway:POST"),
		awswire.Executes(s.CreateUsagePlan, func(c awswire.Caller, in *apigateway.CreateUsagePlanInput) []string { return name(c, "/usageplans") }).Action("apigateway:POST"),
		awswire.Executes(s.CreateUsagePlanKey, func(c awswire.Caller, in *apigateway.CreateUsagePlanKeyInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId)+"/keys")
		}).Action("apigateway:POST"),
		awswire.Executes(s.DeleteApiKey, func(c awswire.Caller, in *apigateway.DeleteApiKeyInput) []string {
			return name(c, "/apikeys/"+aws.ToString(in.ApiKey))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteAuthorizer, func(c awswire.Caller, in *apigateway.DeleteAuthorizerInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/authorizers/"+aws.ToString(in.AuthorizerId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteDeployment, func(c awswire.Caller, in *apigateway.DeleteDeploymentInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/deployments/"+aws.ToString(in.DeploymentId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteGatewayResponse, func(c awswire.Caller, in *apigateway.DeleteGatewayResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/gatewayresponses/"+"*")
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteIntegration, func(c awswire.Caller, in *apigateway.DeleteIntegrationInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration")
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteIntegrationResponse, func(c awswire.Caller, in *apigateway.DeleteIntegrationResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteMethod, func(c awswire.Caller, in *apigateway.DeleteMethodInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteMethodResponse, func(c awswire.Caller, in *apigateway.DeleteMethodResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteModel, func(c awswire.Caller, in *apigateway.DeleteModelInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/models/"+aws.ToString(in.ModelName))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteRequestValidator, func(c awswire.Caller, in *apigateway.DeleteRequestValidatorInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/requestvalidators/"+aws.ToString(in.RequestValidatorId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteResource, func(c awswire.Caller, in *apigateway.DeleteResourceInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteRestApi, func(c awswire.Caller, in *apigateway.DeleteRestApiInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteStage, func(c awswire.Caller, in *apigateway.DeleteStageInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages/"+aws.ToString(in.StageName))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteUsagePlan, func(c awswire.Caller, in *apigateway.DeleteUsagePlanInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.DeleteUsagePlanKey, func(c awswire.Caller, in *apigateway.DeleteUsagePlanKeyInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId)+"/keys/"+aws.ToString(in.KeyId))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.FlushStageAuthorizersCache, func(c awswire.Caller, in *apigateway.FlushStageAuthorizersCacheInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages/"+aws.ToString(in.StageName)+"/cache/authorizers")
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.FlushStageCache, func(c awswire.Caller, in *apigateway.FlushStageCacheInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages/"+aws.ToString(in.StageName)+"/cache/data")
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.GetAccount, func(c awswire.Caller, in *apigateway.GetAccountInput) []string { return name(c, "/account") }).Action("apigateway:GET"),
		awswire.Executes(s.GetApiKey, func(c awswire.Caller, in *apigateway.GetApiKeyInput) []string {
			return name(c, "/apikeys/"+aws.ToString(in.ApiKey))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetApiKeys, func(c awswire.Caller, in *apigateway.GetApiKeysInput) []string { return name(c, "/apikeys") }).Action("apigateway:GET"),
		awswire.Executes(s.GetAuthorizer, func(c awswire.Caller, in *apigateway.GetAuthorizerInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/authorizers/"+aws.ToString(in.AuthorizerId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetAuthorizers, func(c awswire.Caller, in *apigateway.GetAuthorizersInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/authorizers")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetDeployment, func(c awswire.Caller, in *apigateway.GetDeploymentInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/deployments/"+aws.ToString(in.DeploymentId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetDeployments, func(c awswire.Caller, in *apigateway.GetDeploymentsInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/deployments")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetExport, func(c awswire.Caller, in *apigateway.GetExportInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages/"+aws.ToString(in.StageName)+"/exports/"+aws.ToString(in.ExportType))
		}).Action("apigateway:GET"),
		awswire.Executes(s.ImportRestApi, func(c awswire.Caller, _ *apigateway.ImportRestApiInput) []string { return name(c, "/restapis") }).Action("apigateway:POST"),
		awswire.Executes(s.PutRestApi, func(c awswire.Caller, in *apigateway.PutRestApiInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId))
		}).Action("apigateway:PUT"),
		awswire.Executes(s.GetGatewayResponse, func(c awswire.Caller, in *apigateway.GetGatewayResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/gatewayresponses/"+"*")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetGatewayResponses, func(c awswire.Caller, in *apigateway.GetGatewayResponsesInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/gatewayresponses")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetIntegration, func(c awswire.Caller, in *apigateway.GetIntegrationInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetIntegrationResponse, func(c awswire.Caller, in *apigateway.GetIntegrationResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetMethod, func(c awswire.Caller, in *apigateway.GetMethodInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetMethodResponse, func(c awswire.Caller, in *apigateway.GetMethodResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetModel, func(c awswire.Caller, in *apigateway.GetModelInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/models/"+aws.ToString(in.ModelName))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetModels, func(c awswire.Caller, in *apigateway.GetModelsInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/models")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetRequestValidator, func(c awswire.Caller, in *apigateway.GetRequestValidatorInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/requestvalidators/"+aws.ToString(in.RequestValidatorId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetRequestValidators, func(c awswire.Caller, in *apigateway.GetRequestValidatorsInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/requestvalidators")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetResource, func(c awswire.Caller, in *apigateway.GetResourceInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetResources, func(c awswire.Caller, in *apigateway.GetResourcesInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetRestApi, func(c awswire.Caller, in *apigateway.GetRestApiInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetRestApis, func(c awswire.Caller, in *apigateway.GetRestApisInput) []string { return name(c, "/restapis") }).Action("apigateway:GET"),
		awswire.Executes(s.GetStage, func(c awswire.Caller, in *apigateway.GetStageInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages/"+aws.ToString(in.StageName))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetStages, func(c awswire.Caller, in *apigateway.GetStagesInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetTags, func(c awswire.Caller, in *apigateway.GetTagsInput) []string {
			return name(c, "/tags/"+aws.ToString(in.ResourceArn))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetUsage, func(c awswire.Caller, in *apigateway.GetUsageInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId)+"/usage")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetUsagePlan, func(c awswire.Caller, in *apigateway.GetUsagePlanInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetUsagePlanKey, func(c awswire.Caller, in *apigateway.GetUsagePlanKeyInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId)+"/keys/"+aws.ToString(in.KeyId))
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetUsagePlanKeys, func(c awswire.Caller, in *apigateway.GetUsagePlanKeysInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId)+"/keys")
		}).Action("apigateway:GET"),
		awswire.Executes(s.GetUsagePlans, func(c awswire.Caller, in *apigateway.GetUsagePlansInput) []string { return name(c, "/usageplans") }).Action("apigateway:GET"),
		awswire.Executes(s.PutGatewayResponse, func(c awswire.Caller, in *apigateway.PutGatewayResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/gatewayresponses/"+"*")
		}).Action("apigateway:PUT"),
		awswire.Executes(s.PutIntegration, func(c awswire.Caller, in *apigateway.PutIntegrationInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration")
		}).Action("apigateway:PUT"),
		awswire.Executes(s.PutIntegrationResponse, func(c awswire.Caller, in *apigateway.PutIntegrationResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:PUT"),
		awswire.Executes(s.PutMethod, func(c awswire.Caller, in *apigateway.PutMethodInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod))
		}).Action("apigateway:PUT"),
		awswire.Executes(s.PutMethodResponse, func(c awswire.Caller, in *apigateway.PutMethodResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:PUT"),
		awswire.Executes(s.TagResource, func(c awswire.Caller, in *apigateway.TagResourceInput) []string {
			return name(c, "/tags/"+aws.ToString(in.ResourceArn))
		}).Action("apigateway:PUT"),
		awswire.Executes(s.TestInvokeAuthorizer, func(c awswire.Caller, in *apigateway.TestInvokeAuthorizerInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/authorizers/"+aws.ToString(in.AuthorizerId))
		}).Action("apigateway:POST"),
		awswire.Executes(s.TestInvokeMethod, func(c awswire.Caller, in *apigateway.TestInvokeMethodInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod))
		}).Action("apigateway:POST"),
		awswire.Executes(s.UntagResource, func(c awswire.Caller, in *apigateway.UntagResourceInput) []string {
			return name(c, "/tags/"+aws.ToString(in.ResourceArn))
		}).Action("apigateway:DELETE"),
		awswire.Executes(s.UpdateAccount, func(c awswire.Caller, in *apigateway.UpdateAccountInput) []string { return name(c, "/account") }).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateApiKey, func(c awswire.Caller, in *apigateway.UpdateApiKeyInput) []string {
			return name(c, "/apikeys/"+aws.ToString(in.ApiKey))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateAuthorizer, func(c awswire.Caller, in *apigateway.UpdateAuthorizerInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/authorizers/"+aws.ToString(in.AuthorizerId))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateDeployment, func(c awswire.Caller, in *apigateway.UpdateDeploymentInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/deployments/"+aws.ToString(in.DeploymentId))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateGatewayResponse, func(c awswire.Caller, in *apigateway.UpdateGatewayResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/gatewayresponses/"+"*")
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateIntegration, func(c awswire.Caller, in *apigateway.UpdateIntegrationInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration")
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateIntegrationResponse, func(c awswire.Caller, in *apigateway.UpdateIntegrationResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/integration/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateMethod, func(c awswire.Caller, in *apigateway.UpdateMethodInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateMethodResponse, func(c awswire.Caller, in *apigateway.UpdateMethodResponseInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId)+"/methods/"+aws.ToString(in.HttpMethod)+"/responses/"+aws.ToString(in.StatusCode))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateModel, func(c awswire.Caller, in *apigateway.UpdateModelInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/models/"+aws.ToString(in.ModelName))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateRequestValidator, func(c awswire.Caller, in *apigateway.UpdateRequestValidatorInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/requestvalidators/"+aws.ToString(in.RequestValidatorId))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateResource, func(c awswire.Caller, in *apigateway.UpdateResourceInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/resources/"+aws.ToString(in.ResourceId))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateRestApi, func(c awswire.Caller, in *apigateway.UpdateRestApiInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateStage, func(c awswire.Caller, in *apigateway.UpdateStageInput) []string {
			return name(c, "/restapis/"+aws.ToString(in.RestApiId)+"/stages/"+aws.ToString(in.StageName))
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateUsage, func(c awswire.Caller, in *apigateway.UpdateUsageInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId)+"/keys/"+aws.ToString(in.KeyId)+"/usage")
		}).Action("apigateway:PATCH"),
		awswire.Executes(s.UpdateUsagePlan, func(c awswire.Caller, in *apigateway.UpdateUsagePlanInput) []string {
			return name(c, "/usageplans/"+aws.ToString(in.UsagePlanId))
		}).Action("apigateway:PATCH"),
	)}
}
