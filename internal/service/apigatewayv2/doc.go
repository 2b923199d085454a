// Package apigatewayv2 is Amazon API Gateway's HTTP APIs (version 2): what is defined by the API, and the
// requests of its clients, which are routed, authorized, handed to an integration, and answered.
//
// # Documents
//
//	apigatewayv2.api         account, region, API: with its routes, integrations, authorizers and CORS
//	apigatewayv2.deployment  account, region, API, deployment: a copy of the API as it was deployed
//	apigatewayv2.stage       account, region, API, stage
//
// A change of an API is one compare-and-swap of its document, and gives it a new revision. A stage with
// automatic deployment serves the document itself, so that a change is deployed by the swap that makes
// it: its deployment's id is the revision. Any other stage serves the deployment that it names. A stage
// that stops deploying automatically gets a copy of what it serves.
//
// # The way of a request
//
// A request names its API by host or path (package executeapi); package apigateway hands it over. The first part
// of the path is the stage, where there is one of the name; else the stage is $default. The definition
// that the stage serves is compiled once: a tree of routes, parsed mappings. Then CORS preflight, throttle,
// authorization, the integration's call, the mapping of its answer, and the headers of CORS.
//
// # Left out
//
// WebSocket APIs, private integrations (VPC links), domain names, portals, client certificates and mutual
// TLS are refused by name; so are the integrations AppConfig-GetConfiguration and
// StepFunctions. The issuer of a JWT authorizer is asked for its keys when a token comes, not when
// the authorizer is made.
package apigatewayv2
