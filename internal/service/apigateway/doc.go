// Package apigateway is Amazon API Gateway's REST APIs (version 1): what is defined by the API, and
// the requests of its clients, which it validates, maps, hands to an integration, and answers.
//
// # Documents
//
//	apigateway.api         account, region, API: its resources with methods and integrations,
//	                       models, validators, authorizers, gateway responses
//	apigateway.deployment  account, region, API, deployment: a copy of the API as it was deployed
//	apigateway.stage       account, region, API, stage
//	apigateway.key         account, region, key
//	apigateway.plan        account, region, usage plan, with the ids of its keys
//	apigateway.usage       account, region, usage plan, key, day: what the key used
//	apigateway.account     account, region
//	apigateway.domain      account, region, domain name, with its base path mappings
//
// A change of an API is one compare-and-swap of its document; clients see it when it is deployed to
// a stage.
//
// # The way of a request
//
// A request names API and stage by its host, {api}.execute-api.{region}..., or by its path,
// /restapis/{api}/{stage}/_user_request_/... or /_aws/execute-api/{api}/{stage}/.... The stage names
// a deployment, which is compiled once: a tree of paths, parsed templates, compiled models. Then
// method, authorization, API key and throttle, validation, the integration's request, the call, its
// answer, the method's answer. What fails on the way is answered by the gateway response of its kind.
//
// # Left out
//
// Caching, canary releases, client certificates, VPC links, domain names and documentation are
// stored or refused, as docs/operations.md says. Cognito authorizers are refused when they are made.
// Descriptions (OpenAPI) are imported and exported without their documentation.
package apigateway
