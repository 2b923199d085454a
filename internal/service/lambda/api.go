package lambda

import (
	"github.com/brookmere/brookmere/internal/awswire"
)

// maxBody is the limit of a request's body: a package of 50 MB in base64, with what is around.
const maxBody = 72 << 20

// API is how the wire layer serves the service.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model:   "lambda",
		MaxBody: maxBody,
		Invalid: func(message string) error { return awswire.Errorf("ValidationException", "%s", message) },
		Operations: []awswire.Operation{
			awswire.Executes(s.AddPermission),
			awswire.Executes(s.CreateAlias),
			awswire.Executes(s.CreateEventSourceMapping),
			awswire.Executes(s.CreateFunction),
			awswire.Executes(s.CreateFunctionUrlConfig),
			awswire.Executes(s.DeleteAlias),
			awswire.Executes(s.DeleteEventSourceMapping),
			awswire.Executes(s.DeleteFunction),
			awswire.Executes(s.DeleteFunctionConcurrency),
			awswire.Executes(s.DeleteFunctionEventInvokeConfig),
			awswire.Executes(s.DeleteFunctionUrlConfig),
			awswire.Executes(s.DeleteLayerVersion),
			awswire.Executes(s.GetAccountSettings),
			awswire.Executes(s.GetAlias),
			awswire.Executes(s.GetEventSourceMapping),
			awswire.Executes(s.GetFunction),
			awswire.Executes(s.GetFunctionCodeSigningConfig),
			awswire.Executes(s.GetFunctionConcurrency),
			awswire.Executes(s.GetFunctionConfiguration),
			awswire.Executes(s.GetFunctionEventInvokeConfig),
			awswire.Executes(s.GetFunctionUrlConfig),
			awswire.Executes(s.GetLayerVersion),
			awswire.Executes(s.GetLayerVersionByArn),
			awswire.Executes(s.GetPolicy),
			awswire.Executes(s.Invoke),
			awswire.Executes(s.InvokeAsync),
			awswire.Executes(s.ListAliases),
			awswire.Executes(s.ListEventSourceMappings),
			awswire.Executes(s.ListFunctionEventInvokeConfigs),
			awswire.Executes(s.ListFunctionUrlConfigs),
			awswire.Executes(s.ListFunctions),
			awswire.Executes(s.ListLayerVersions),
			awswire.Executes(s.ListLayers),
			awswire.Executes(s.ListTags),
			awswire.Executes(s.ListVersionsByFunction),
			awswire.Executes(s.PublishLayerVersion),
			awswire.Executes(s.PublishVersion),
			awswire.Executes(s.PutFunctionConcurrency),
			awswire.Executes(s.PutFunctionEventInvokeConfig),
			awswire.Executes(s.RemovePermission),
			awswire.Executes(s.TagResource),
			awswire.Executes(s.UntagResource),
			awswire.Executes(s.UpdateAlias),
			awswire.Executes(s.UpdateEventSourceMapping),
			awswire.Executes(s.UpdateFunctionCode),
			awswire.Executes(s.UpdateFunctionConfiguration),
			awswire.Executes(s.UpdateFunctionEventInvokeConfig),
			awswire.Executes(s.UpdateFunctionUrlConfig),
			awswire.Streams(s.InvokeWithResponseStream),
			awswire.Stores(s.DeleteProvisionedConcurrencyConfig),
			awswire.Stores(s.GetFunctionRecursionConfig),
			awswire.Stores(s.GetProvisionedConcurrencyConfig),
			awswire.Stores(s.GetRuntimeManagementConfig),
			awswire.Stores(s.ListProvisionedConcurrencyConfigs),
			awswire.Stores(s.PutFunctionRecursionConfig),
			awswire.Stores(s.PutProvisionedConcurrencyConfig),
			awswire.Stores(s.PutRuntimeManagementConfig),
		},
	}
}

// Endpoints are those of the node's own that the service contributes.
func (s *Service) Endpoints() []awswire.Endpoint {
	return []awswire.Endpoint{
		{Method: "GET", Path: "functions", Serve: s.serveList},
		{Method: "GET", Path: "functions/code/{digest}", Serve: s.serveDownload},
		{Method: "GET", Path: "functions/{name}/logs", Serve: s.serveLogs},
		{Method: "POST", Path: "functions/{name}/attach", Serve: s.serveAttach},
	}
}
