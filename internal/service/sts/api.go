package sts

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/brookmere/brookmere/internal/awswire"
)

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model:   "sts",
		Invalid: func(message string) error { return awswire.Errorf("ValidationError", "%s", message) },
		Operations: []awswire.Operation{
			awswire.Executes(s.GetCallerIdentity),
			awswire.Executes(s.GetAccessKeyInfo),
			awswire.Executes(s.GetSessionToken),
			awswire.Executes(s.GetFederationToken),
			awswire.Executes(s.AssumeRole, func(c awswire.Caller, in *sts.AssumeRoleInput) []string { return []string{aws.ToString(in.RoleArn)} }),
			awswire.Executes(s.AssumeRoleWithWebIdentity, func(c awswire.Caller, in *sts.AssumeRoleWithWebIdentityInput) []string {
				return []string{aws.ToString(in.RoleArn)}
			}),
		},
	}
}
