// Package sts is the AWS Security Token Service: it tells callers who they are.
//
// Temporary credentials are not handed out: nothing in the node could honour them with
// the permissions that they are asked for, so the operations that make them are refused.
package sts

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Config is what the service depends on. The zero value works.
type Config struct {
	// UserName names the user to whom an access key belongs; empty means the account
	// itself. Nil takes every key for the account's.
	UserName func(ctx context.Context, accessKey string) string
}

// Service is STS.
type Service struct{ config Config }

// New returns the service.
func New(c Config) (*Service, error) { return &Service{config: c}, nil }

// Operations lists what the service serves.
func (s *Service) Operations() []awswire.Operation {
	return []awswire.Operation{awswire.Executes(s.GetCallerIdentity)}
}

// GetCallerIdentity tells the account of the caller, and the user if its access key is
// one's.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	c := awswire.CallerFrom(ctx)
	partition := partitionOf(c.Region)
	out := &sts.GetCallerIdentityOutput{
		Account: aws.String(c.Account),
		Arn:     aws.String("arn:" + partition + ":iam::" + c.Account + ":root"),
		UserId:  aws.String(c.Account),
	}
	if s.config.UserName != nil {
		if name := s.config.UserName(ctx, c.AccessKey); name != "" {
			out.Arn = aws.String("arn:" + partition + ":iam::" + c.Account + ":user/" + name)
			out.UserId = aws.String(c.AccessKey)
		}
	}
	return out, nil
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
