package lambda

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// maxBody is the limit of a request's body: a package of 50 MB in base64, with what is around.
const maxBody = 72 << 20

// API is how the wire layer serves the service.
func (s *Service) API() awswire.API {
	return awswire.API{Model: "lambda", MaxBody: maxBody, Operations: s.operations()}
}

func (s *Service) operations() []awswire.Operation {
	return []awswire.Operation{
		awswire.Executes(s.AddLayerVersionPermission, func(c awswire.Caller, in *lambda.AddLayerVersionPermissionInput) []string {
			return onLayer(c, in.LayerName, in.VersionNumber)
		}),
		awswire.Executes(s.AddPermission, func(c awswire.Caller, in *lambda.AddPermissionInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.CreateAlias, func(c awswire.Caller, in *lambda.CreateAliasInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.CreateEventSourceMapping),
		awswire.Executes(s.CreateFunction, func(c awswire.Caller, in *lambda.CreateFunctionInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.CreateFunctionUrlConfig, func(c awswire.Caller, in *lambda.CreateFunctionUrlConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.DeleteAlias, func(c awswire.Caller, in *lambda.DeleteAliasInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.DeleteEventSourceMapping, func(c awswire.Caller, in *lambda.DeleteEventSourceMappingInput) []string {
			return onResource(c, "event-source-mapping:", in.UUID)
		}),
		awswire.Executes(s.DeleteFunction, func(c awswire.Caller, in *lambda.DeleteFunctionInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.DeleteFunctionConcurrency, func(c awswire.Caller, in *lambda.DeleteFunctionConcurrencyInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.DeleteFunctionEventInvokeConfig, func(c awswire.Caller, in *lambda.DeleteFunctionEventInvokeConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.DeleteFunctionUrlConfig, func(c awswire.Caller, in *lambda.DeleteFunctionUrlConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.DeleteLayerVersion, func(c awswire.Caller, in *lambda.DeleteLayerVersionInput) []string {
			return onLayer(c, in.LayerName, in.VersionNumber)
		}),
		awswire.Stores(s.DeleteProvisionedConcurrencyConfig, func(c awswire.Caller, in *lambda.DeleteProvisionedConcurrencyConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.GetAccountSettings),
		awswire.Executes(s.GetAlias, func(c awswire.Caller, in *lambda.GetAliasInput) []string { return onFunction(c, in.FunctionName, nil) }),
		awswire.Executes(s.GetEventSourceMapping, func(c awswire.Caller, in *lambda.GetEventSourceMappingInput) []string {
			return onResource(c, "event-source-mapping:", in.UUID)
		}),
		awswire.Executes(s.GetFunction, func(c awswire.Caller, in *lambda.GetFunctionInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.GetFunctionCodeSigningConfig, func(c awswire.Caller, in *lambda.GetFunctionCodeSigningConfigInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.GetFunctionConcurrency, func(c awswire.Caller, in *lambda.GetFunctionConcurrencyInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.GetFunctionConfiguration, func(c awswire.Caller, in *lambda.GetFunctionConfigurationInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.GetFunctionEventInvokeConfig, func(c awswire.Caller, in *lambda.GetFunctionEventInvokeConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.GetFunctionRecursionConfig, func(c awswire.Caller, in *lambda.GetFunctionRecursionConfigInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.GetFunctionUrlConfig, func(c awswire.Caller, in *lambda.GetFunctionUrlConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.GetLayerVersion, func(c awswire.Caller, in *lambda.GetLayerVersionInput) []string {
			return onLayer(c, in.LayerName, in.VersionNumber)
		}),
		awswire.Executes(s.GetLayerVersionByArn).Action("lambda:GetLayerVersion"),
		awswire.Executes(s.GetLayerVersionPolicy, func(c awswire.Caller, in *lambda.GetLayerVersionPolicyInput) []string {
			return onLayer(c, in.LayerName, in.VersionNumber)
		}),
		awswire.Executes(s.GetPolicy, func(c awswire.Caller, in *lambda.GetPolicyInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Stores(s.GetProvisionedConcurrencyConfig, func(c awswire.Caller, in *lambda.GetProvisionedConcurrencyConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Stores(s.GetRuntimeManagementConfig, func(c awswire.Caller, in *lambda.GetRuntimeManagementConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.Invoke, func(c awswire.Caller, in *lambda.InvokeInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}).Action("lambda:InvokeFunction"),
		awswire.Executes(s.InvokeAsync, func(c awswire.Caller, in *lambda.InvokeAsyncInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}).Action("lambda:InvokeFunction"),
		awswire.Streams(s.InvokeWithResponseStream, func(c awswire.Caller, in *lambda.InvokeWithResponseStreamInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}).Action("lambda:InvokeFunction"),
		awswire.Executes(s.ListAliases, func(c awswire.Caller, in *lambda.ListAliasesInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.ListEventSourceMappings),
		awswire.Executes(s.ListFunctionEventInvokeConfigs, func(c awswire.Caller, in *lambda.ListFunctionEventInvokeConfigsInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.ListFunctionUrlConfigs, func(c awswire.Caller, in *lambda.ListFunctionUrlConfigsInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.ListFunctions),
		awswire.Executes(s.ListLayerVersions, func(c awswire.Caller, in *lambda.ListLayerVersionsInput) []string {
			return onLayer(c, in.LayerName, nil)
		}),
		awswire.Executes(s.ListLayers),
		awswire.Stores(s.ListProvisionedConcurrencyConfigs, func(c awswire.Caller, in *lambda.ListProvisionedConcurrencyConfigsInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.ListTags, func(c awswire.Caller, in *lambda.ListTagsInput) []string { return []string{aws.ToString(in.Resource)} }),
		awswire.Executes(s.ListVersionsByFunction, func(c awswire.Caller, in *lambda.ListVersionsByFunctionInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.PublishLayerVersion, func(c awswire.Caller, in *lambda.PublishLayerVersionInput) []string {
			return onLayer(c, in.LayerName, nil)
		}),
		awswire.Executes(s.PublishVersion, func(c awswire.Caller, in *lambda.PublishVersionInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.PutFunctionConcurrency, func(c awswire.Caller, in *lambda.PutFunctionConcurrencyInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.PutFunctionEventInvokeConfig, func(c awswire.Caller, in *lambda.PutFunctionEventInvokeConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.PutFunctionRecursionConfig, func(c awswire.Caller, in *lambda.PutFunctionRecursionConfigInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Stores(s.PutProvisionedConcurrencyConfig, func(c awswire.Caller, in *lambda.PutProvisionedConcurrencyConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Stores(s.PutRuntimeManagementConfig, func(c awswire.Caller, in *lambda.PutRuntimeManagementConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.RemoveLayerVersionPermission, func(c awswire.Caller, in *lambda.RemoveLayerVersionPermissionInput) []string {
			return onLayer(c, in.LayerName, in.VersionNumber)
		}),
		awswire.Executes(s.RemovePermission, func(c awswire.Caller, in *lambda.RemovePermissionInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.TagResource, func(c awswire.Caller, in *lambda.TagResourceInput) []string {
			return []string{aws.ToString(in.Resource)}
		}),
		awswire.Executes(s.UntagResource, func(c awswire.Caller, in *lambda.UntagResourceInput) []string {
			return []string{aws.ToString(in.Resource)}
		}),
		awswire.Executes(s.UpdateAlias, func(c awswire.Caller, in *lambda.UpdateAliasInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.UpdateEventSourceMapping, func(c awswire.Caller, in *lambda.UpdateEventSourceMappingInput) []string {
			return onResource(c, "event-source-mapping:", in.UUID)
		}),
		awswire.Executes(s.UpdateFunctionCode, func(c awswire.Caller, in *lambda.UpdateFunctionCodeInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.UpdateFunctionConfiguration, func(c awswire.Caller, in *lambda.UpdateFunctionConfigurationInput) []string {
			return onFunction(c, in.FunctionName, nil)
		}),
		awswire.Executes(s.UpdateFunctionEventInvokeConfig, func(c awswire.Caller, in *lambda.UpdateFunctionEventInvokeConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
		awswire.Executes(s.UpdateFunctionUrlConfig, func(c awswire.Caller, in *lambda.UpdateFunctionUrlConfigInput) []string {
			return onFunction(c, in.FunctionName, in.Qualifier)
		}),
	}
}

// onFunction is the ARN of the function that a request names, which may be another account's.
func onFunction(c awswire.Caller, name, qualifier *string) []string {
	sc := scope.Scope{Account: c.Account, Region: c.Region}
	if owner := ownerOf(aws.ToString(name)); owner != "" {
		sc.Account = owner
	}
	t, err := parseIn(sc, name, qualifier)
	if err != nil {
		return nil
	}
	return []string{t.arn()}
}

func onResource(c awswire.Caller, kind string, id *string) []string {
	return []string{scope.Scope{Account: c.Account, Region: c.Region}.ARN("lambda", kind+aws.ToString(id))}
}

func onLayer(c awswire.Caller, name *string, version *int64) []string {
	sc := scope.Scope{Account: c.Account, Region: c.Region}
	_, n, err := layerIn(sc, name)
	if err != nil {
		return nil
	}
	r := "layer:" + n
	if version != nil {
		r += ":" + strconv.FormatInt(*version, 10)
	}
	return []string{sc.ARN("lambda", r)}
}

// Endpoints are those of the node's own that the service contributes.
func (s *Service) Endpoints() []awswire.Endpoint {
	return []awswire.Endpoint{
		{Method: "GET", Path: "functions", Serve: s.serveList},
		{Method: "GET", Path: "event-sources", Serve: s.serveSources},
		{Method: "GET", Path: "function-packages/{digest}", Serve: s.serveDownload, Proves: true},
		{Method: "GET", Path: "functions/{name}/logs", Serve: s.serveLogs},
		{Method: "POST", Path: "functions/{name}/attach", Serve: s.serveAttach},
	}
}
