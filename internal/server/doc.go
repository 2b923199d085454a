// Package server is the one listener of a node. It finds the service that a request is
// for, says on whose behalf it runs (the caller's account and region), refuses what is
// not allowed in, and hands it on; besides it answers health, metrics and the node's own
// endpoints below /_brookmere/.
//
// # Who may come in
//
// A node that listens on loopback and has no credentials configured takes any request:
// the signature is not checked, the credential scope says the region, and an access key
// of twelve digits is taken as the account. In every other case credentials must be
// configured, and each request's Signature Version 4 is verified before a byte of it
// reaches a service.
//
// A browser sends requests to loopback for any page that asks it to. So a request with
// an Origin header is answered only when that origin is on loopback too, or allowed by
// configuration.
package server
