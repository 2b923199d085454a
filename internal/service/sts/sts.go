// Package sts is the AWS Security Token Service: it tells callers who they are, and hands
// out temporary credentials.
//
// Temporary credentials are an access key, a secret and a session token. The token says
// for whom they are and until when, and is authenticated with a key of the node's; the
// secret is derived from the token. So nothing is stored, and credentials outlive a
// restart. They act for an account as any others do: roles, their trust, and session
// policies are not enforced, as permissions are nowhere in the node.
//
// Where a node takes any credentials, a role of any account can be assumed, and a web
// identity token is read without being verified. Where it verifies them, only roles of
// the caller's account can, and callers without credentials are not served.
package sts

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Config is what the service depends on.
type Config struct {
	// Issuer makes temporary credentials. It is required.
	Issuer *Issuer

	// AnyAccount lets callers have credentials of accounts that are not theirs.
	AnyAccount bool

	Clock clockwork.Clock // nil: the real one
}

// Service is STS.
type Service struct{ config Config }

// New returns the service.
func New(c Config) (*Service, error) {
	if c.Clock == nil {
		c.Clock = clockwork.NewRealClock()
	}
	return &Service{config: c}, nil
}

// GetCallerIdentity tells the account of the caller, and the session, or the user if its
// access key is one's.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	c := awswire.CallerFrom(ctx)
	out := &sts.GetCallerIdentityOutput{
		Account: aws.String(c.Account),
		Arn:     aws.String(arn(c, "iam", "root")),
		UserId:  aws.String(c.Account),
	}
	if c.Principal != "" {
		out.Arn, out.UserId = aws.String(c.Principal), aws.String(principalID(c.Account, c.Principal))
		return out, nil
	}
	return out, nil
}

// GetAccessKeyInfo tells the account of an access key: of temporary ones, which say it
// themselves, and of those that are an account's id. Others belong to the caller's.
func (s *Service) GetAccessKeyInfo(ctx context.Context, in *sts.GetAccessKeyInfoInput, _ ...func(*sts.Options)) (*sts.GetAccessKeyInfoOutput, error) {
	account, ok := accountOfKey(*in.AccessKeyId)
	if !ok {
		account = awswire.CallerFrom(ctx).Account
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}

func arn(c awswire.Caller, service, resource string) string {
	return "arn:" + partitionOf(c.Region) + ":" + service + "::" + c.Account + ":" + resource
}

// principalID is the unique id of a role session, whose role's id is made of its name, or
// of a federated user.
func principalID(account, principal string) string {
	resource := principal[strings.LastIndexByte(principal, ':')+1:]
	kind, name, _ := strings.Cut(resource, "/")
	if kind != "assumed-role" {
		return account + ":" + name
	}
	role, session, _ := strings.Cut(name, "/")
	return roleID(account, role) + ":" + session
}

func roleID(account, role string) string {
	sum := sha256.Sum256([]byte(account + "/" + role))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// partitionOf is the partition that a region is in.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
