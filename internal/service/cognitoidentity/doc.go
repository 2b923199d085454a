// Package cognitoidentity is Amazon Cognito identity pools: it gives pages and applications, signed in
// or not, an identity and temporary credentials of a role.
//
// # Documents
//
//	cognito.pool      pool id           the pool, its account and region, its roles
//	cognito.identity  identity id       whose pool it is of, its logins
//	cognito.login     pool, provider, subject  the identity that a login is of
//
// Ids begin with the region, as on AWS, by which clients find the endpoint. Calls of identities are not
// signed: the pool says the account.
//
// # Credentials
//
// An identity's token is signed by the node's own issuer as https://cognito-identity.amazonaws.com, with
// the pool as its audience, and "authenticated" or "unauthenticated" among amr. The enhanced flow
// hands it to STS for the role of the pool; in the basic flow the client does. So in both the role's trust
// policy decides.
//
// # What is left out
//
// Logins are verified by the keys of their issuer: tokens that are no JSON Web Tokens (Facebook, Twitter)
// and SAML assertions are refused. Developer identities are made and found again by their token; they
// are not looked up, merged or unlinked.
package cognitoidentity
