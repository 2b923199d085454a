package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// How long credentials are good for that do not ask for a time.
const (
	defaultRoleSeconds    = 3600
	defaultSessionSeconds = 12 * 3600
)

// AssumeRole hands out credentials of the role's account. The role need not exist.
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	user, credentials, err := s.assume(ctx, *in.RoleArn, *in.RoleSessionName, in.Policy, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: user,
		Credentials:     credentials,
		SourceIdentity:  in.SourceIdentity,
	}, nil
}

// AssumeRoleWithWebIdentity is AssumeRole for one who has an identity provider's token
// instead of credentials. It takes the token's word.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, _ ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	if !s.config.AnyAccount {
		return nil, awswire.Errorf("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	identity, err := parseIdentity(*in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	if identity.Expires != 0 && !s.config.Clock.Now().Before(time.Unix(int64(identity.Expires), 0)) {
		return nil, &types.ExpiredTokenException{Message: aws.String("Token expired: current date/time must be before the expiration date/time")}
	}
	user, credentials, err := s.assume(ctx, *in.RoleArn, *in.RoleSessionName, in.Policy, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleWithWebIdentityOutput{
		AssumedRoleUser:             user,
		Credentials:                 credentials,
		SubjectFromWebIdentityToken: aws.String(identity.Subject),
		Provider:                    aws.String(identity.Issuer),
	}
	var audience string
	if json.Unmarshal(identity.Audience, &audience) == nil && audience != "" {
		out.Audience = &audience
	}
	return out, nil
}

// GetSessionToken hands out credentials of the caller's own account.
func (s *Service) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenInput, _ ...func(*sts.Options)) (*sts.GetSessionTokenOutput, error) {
	c := awswire.CallerFrom(ctx)
	if c.Principal != "" {
		return nil, awswire.Errorf("AccessDenied", "Cannot call GetSessionToken with session credentials")
	}
	return &sts.GetSessionTokenOutput{
		Credentials: s.credentials(c.Account, "", in.DurationSeconds, defaultSessionSeconds),
	}, nil
}

// GetFederationToken hands out credentials of the caller's account under another name.
func (s *Service) GetFederationToken(ctx context.Context, in *sts.GetFederationTokenInput, _ ...func(*sts.Options)) (*sts.GetFederationTokenOutput, error) {
	c := awswire.CallerFrom(ctx)
	if c.Principal != "" {
		return nil, awswire.Errorf("AccessDenied", "Cannot call GetFederationToken with session credentials")
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	principal := arn(c, "sts", "federated-user/"+*in.Name)
	return &sts.GetFederationTokenOutput{
		Credentials: s.credentials(c.Account, principal, in.DurationSeconds, defaultSessionSeconds),
		FederatedUser: &types.FederatedUser{
			Arn:             aws.String(principal),
			FederatedUserId: aws.String(principalID(c.Account, principal)),
		},
	}, nil
}

var roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):role/((?:[\x21-\x7e]+/)?)([\w+=,.@-]{1,64})$`)

func (s *Service) assume(ctx context.Context, role, session string, policy *string, seconds *int32) (*types.AssumedRoleUser, *types.Credentials, error) {
	m := roleARN.FindStringSubmatch(role)
	if m == nil {
		return nil, nil, awswire.Errorf("ValidationError", "%s is invalid", role)
	}
	if err := checkPolicy(policy); err != nil {
		return nil, nil, err
	}
	c := awswire.CallerFrom(ctx)
	partition, account, name := m[1], m[2], m[4]
	if account != c.Account && !s.config.AnyAccount {
		who := c.Principal
		if who == "" {
			who = arn(c, "iam", "root")
		}
		return nil, nil, awswire.Errorf("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", who, role)
	}
	principal := "arn:" + partition + ":sts::" + account + ":assumed-role/" + name + "/" + session
	return &types.AssumedRoleUser{
		Arn:           aws.String(principal),
		AssumedRoleId: aws.String(principalID(account, principal)),
	}, s.credentials(account, principal, seconds, defaultRoleSeconds), nil
}

func (s *Service) credentials(account, principal string, seconds *int32, otherwise int32) *types.Credentials {
	if seconds == nil {
		seconds = &otherwise
	}
	expires := s.config.Clock.Now().Add(time.Duration(*seconds) * time.Second).UTC().Truncate(time.Second)
	key, secret, token := s.config.Issuer.issue(account, principal, expires)
	return &types.Credentials{AccessKeyId: &key, SecretAccessKey: &secret, SessionToken: &token, Expiration: &expires}
}

func checkPolicy(policy *string) error {
	if policy != nil && !json.Valid([]byte(*policy)) {
		return &types.MalformedPolicyDocumentException{Message: aws.String("The policy is not in the valid JSON format.")}
	}
	return nil
}

// identity is what the payload of a web identity token says.
type identity struct {
	Subject  string          `json:"sub"`
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	Expires  float64         `json:"exp"`
}

func parseIdentity(token string) (identity, error) {
	var id identity
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
		if err == nil && json.Unmarshal(payload, &id) == nil {
			return id, nil
		}
	}
	return identity{}, &types.InvalidIdentityTokenException{
		Message: aws.String("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"),
	}
}
