package apigateway

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// stored are the operations that keep what nothing acts on.
func (s *Service) stored() []awswire.Operation {
	return []awswire.Operation{
		awswire.Stores(s.CreateDomainName, func(c awswire.Caller, in *apigateway.CreateDomainNameInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames")}
		}).Action("apigateway:POST"),
		awswire.Stores(s.GetDomainName, func(c awswire.Caller, in *apigateway.GetDomainNameInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName))}
		}).Action("apigateway:GET"),
		awswire.Stores(s.GetDomainNames, func(c awswire.Caller, in *apigateway.GetDomainNamesInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames")}
		}).Action("apigateway:GET"),
		awswire.Stores(s.UpdateDomainName, func(c awswire.Caller, in *apigateway.UpdateDomainNameInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName))}
		}).Action("apigateway:PATCH"),
		awswire.Stores(s.DeleteDomainName, func(c awswire.Caller, in *apigateway.DeleteDomainNameInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName))}
		}).Action("apigateway:DELETE"),
		awswire.Stores(s.CreateBasePathMapping, func(c awswire.Caller, in *apigateway.CreateBasePathMappingInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName)+"/basepathmappings")}
		}).Action("apigateway:POST"),
		awswire.Stores(s.GetBasePathMapping, func(c awswire.Caller, in *apigateway.GetBasePathMappingInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName)+"/basepathmappings/"+aws.ToString(in.BasePath))}
		}).Action("apigateway:GET"),
		awswire.Stores(s.GetBasePathMappings, func(c awswire.Caller, in *apigateway.GetBasePathMappingsInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName)+"/basepathmappings")}
		}).Action("apigateway:GET"),
		awswire.Stores(s.UpdateBasePathMapping, func(c awswire.Caller, in *apigateway.UpdateBasePathMappingInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName)+"/basepathmappings/"+aws.ToString(in.BasePath))}
		}).Action("apigateway:PATCH"),
		awswire.Stores(s.DeleteBasePathMapping, func(c awswire.Caller, in *apigateway.DeleteBasePathMappingInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/domainnames/"+aws.ToString(in.DomainName)+"/basepathmappings/"+aws.ToString(in.BasePath))}
		}).Action("apigateway:DELETE"),
		awswire.Stores(s.CreateDocumentationPart, func(c awswire.Caller, in *apigateway.CreateDocumentationPartInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/parts")}
		}).Action("apigateway:POST"),
		awswire.Stores(s.ImportDocumentationParts, func(c awswire.Caller, in *apigateway.ImportDocumentationPartsInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/parts")}
		}).Action("apigateway:PUT"),
		awswire.Stores(s.GetDocumentationPart, func(c awswire.Caller, in *apigateway.GetDocumentationPartInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/parts/"+aws.ToString(in.DocumentationPartId))}
		}).Action("apigateway:GET"),
		awswire.Stores(s.GetDocumentationParts, func(c awswire.Caller, in *apigateway.GetDocumentationPartsInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/parts")}
		}).Action("apigateway:GET"),
		awswire.Stores(s.UpdateDocumentationPart, func(c awswire.Caller, in *apigateway.UpdateDocumentationPartInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/parts/"+aws.ToString(in.DocumentationPartId))}
		}).Action("apigateway:PATCH"),
		awswire.Stores(s.DeleteDocumentationPart, func(c awswire.Caller, in *apigateway.DeleteDocumentationPartInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/parts/"+aws.ToString(in.DocumentationPartId))}
		}).Action("apigateway:DELETE"),
		awswire.Stores(s.CreateDocumentationVersion, func(c awswire.Caller, in *apigateway.CreateDocumentationVersionInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/versions")}
		}).Action("apigateway:POST"),
		awswire.Stores(s.GetDocumentationVersion, func(c awswire.Caller, in *apigateway.GetDocumentationVersionInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/versions/"+aws.ToString(in.DocumentationVersion))}
		}).Action("apigateway:GET"),
		awswire.Stores(s.GetDocumentationVersions, func(c awswire.Caller, in *apigateway.GetDocumentationVersionsInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/versions")}
		}).Action("apigateway:GET"),
		awswire.Stores(s.UpdateDocumentationVersion, func(c awswire.Caller, in *apigateway.UpdateDocumentationVersionInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/versions/"+aws.ToString(in.DocumentationVersion))}
		}).Action("apigateway:PATCH"),
		awswire.Stores(s.DeleteDocumentationVersion, func(c awswire.Caller, in *apigateway.DeleteDocumentationVersionInput) []string {
			return []string{apiARN(scope.Scope{Account: c.Account, Region: c.Region}, "/restapis/"+aws.ToString(in.RestApiId)+"/documentation/versions/"+aws.ToString(in.DocumentationVersion))}
		}).Action("apigateway:DELETE"),
	}
}
