// Package kms serves AWS Key Management Service over engine/keyring.
//
// A key is a document, kms.key/<account>/<region>/<id>: its metadata, policy, tags, and its material, sealed with the
// node's key. Aliases and grants are documents of their own. What a key encrypts says which key and which of its
// materials did, so that rotation leaves everything readable; it can be read in the key's own region and account alone.
//
// A key whose waiting period is over is not there any more: whoever comes upon it first deletes it, with its material
// and aliases.
//
// Keys that AWS has for a service ("alias/aws/s3") are made when somebody first names them. Their ids follow from
// account, region and service, as S3 tells them.
//
// # Left out
//
// Imported material, custom key stores, replicas of multi-Region keys, key agreement, keys on secp256k1, SM2 and
// ML-DSA, encryption to a Nitro enclave. They are refused by name. A key of another account is reached by its ARN
// where its policy and the caller's allow it; what a key has encrypted names it for its own account alone.
package kms
