// Package iam is AWS Identity and Access Management: users, groups, roles, policies, access keys and
// identity providers of accounts. It also says, to whoever decides about requests, which policies apply
// to a principal, and which secret an access key has.
//
// # Documents
//
// IAM has no regions: keys begin with the account. Names are unique whatever their case, so that keys
// have them in lower case.
//
//	iam.user     account, user         with inline policies, attachments, groups, tags, login profile
//	iam.group    account, group
//	iam.role     account, role         with its trust policy
//	iam.policy   account, policy       a customer's managed policy, its versions
//	iam.profile  account, profile      an instance profile
//	iam.oidc     account, host/path    an OpenID Connect provider
//	iam.saml     account, name
//	iam.account  account               alias, password policy
//	iam.key      access key id         whose it is, its secret sealed with the node's key
//
// Policy documents are kept and read back to the byte. A policy is compiled when it is stored, so that
// what is stored compiles.
//
// # Rules between documents
//
// Another node may change any document at any time. What refers to a document that is gone (an
// attachment of a deleted policy, a group of a deleted user) grants nothing and is left out of listings;
// nothing relies on a check that another document's change may follow.
//
// # What is left out
//
// Certificates, SSH public keys, service specific credentials and MFA devices cannot be made, so that
// their lists are empty. Organizations' features and delegation requests are refused.
package iam
