package sts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// How long credentials are good for that do not ask for a time, and how long those of a role may be that
// a session of a role has assumed, in seconds.
const (
	defaultRoleSeconds    = 3600
	defaultSessionSeconds = 12 * 3600
	chainedSeconds        = 3600
)

// Limits of what a session carries.
const (
	maxSessionPolicy = 2048 // characters
	maxPolicyARNs    = 10
	maxTags          = 50
	maxPacked        = 16 << 10 // bytes of policies and tags together
)

var roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):role/((?:[\x21-\x7e]+/)?)([\w+=,.@-]{1,64})$`)

// assumption is a role that is being assumed, by whichever operation.
type assumption struct {
	action     string
	role       string // ARN as the client gave it
	session    string // name
	policy     *string
	policyARNs []types.PolicyDescriptorType
	seconds    *int32
	tags       map[string]string
	transitive []string
	source     string // SourceIdentity
	externalID *string

	mfa      time.Time           // when the caller showed a one-time code; zero: not
	who      *policy.Principal   // nil: the caller
	provider string              // of a web identity
	keys     map[string][]string // condition keys of the request, which the session has too if it is a web identity's
}

// AssumeRole hands out credentials of a role to a caller whom its trust policy names.
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	a := &assumption{
		action: "sts:AssumeRole", role: *in.RoleArn, session: *in.RoleSessionName, policy: in.Policy, policyARNs: in.PolicyArns, seconds: in.DurationSeconds,
		transitive: in.TransitiveTagKeys, source: aws.ToString(in.SourceIdentity), externalID: in.ExternalId,
	}
	var err error
	if a.tags, err = tagMap(in.Tags); err != nil {
		return nil, err
	}
	if a.mfa, err = s.oneTime(ctx, awswire.CallerFrom(ctx), in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	if !a.mfa.IsZero() {
		a.keys = map[string][]string{awswire.MFAPresent: {"true"}, awswire.MFAAge: {"0"}}
	}
	if c := awswire.CallerFrom(ctx); c.Session != nil && c.Session.Kind == awswire.RoleSession {
		if aws.ToInt32(a.seconds) > chainedSeconds {
			return nil, awswire.Errorf("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
		}
		if a.seconds == nil {
			a.seconds = aws.Int32(defaultRoleSeconds)
		}
		if err := a.inherit(c.Session); err != nil {
			return nil, err
		}
	}
	user, credentials, packed, err := s.assume(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleOutput{AssumedRoleUser: user, Credentials: credentials, SourceIdentity: optional(a.source)}
	//lint:ignore SA1019 clients read it
	out.PackedPolicySize = packed
	return out, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// inherit adds what a session hands on to the sessions that it makes: its transitive tags and its source
// identity, neither of which they may change.
func (a *assumption) inherit(s *awswire.Session) error {
	for _, key := range s.Transitive {
		if _, ok := keyOf(a.tags, key); ok {
			return awswire.Errorf("InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		if a.tags == nil {
			a.tags = map[string]string{}
		}
		a.tags[key] = s.Tags[key]
		a.transitive = append(a.transitive, key)
	}
	if s.SourceIdentity != "" {
		if a.source != "" && a.source != s.SourceIdentity {
			return awswire.Errorf("AccessDenied", "The source identity of the calling session cannot be changed.")
		}
		a.source = s.SourceIdentity
	}
	return nil
}

// keyOf is how tags spell a key, whose case does not count; false where they do not have it.
func keyOf(tags map[string]string, key string) (string, bool) {
	for have := range tags {
		if strings.EqualFold(have, key) {
			return have, true
		}
	}
	return "", false
}

func tagMap(list []types.Tag) (map[string]string, error) {
	if len(list) > maxTags {
		return nil, awswire.Errorf("ValidationError", "A session can have at most %d tags.", maxTags)
	}
	m := make(map[string]string, len(list))
	for _, t := range list {
		if _, ok := keyOf(m, aws.ToString(t.Key)); ok {
			return nil, awswire.Errorf("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m, nil
}

// assume decides, and makes the credentials.
func (s *Service) assume(ctx context.Context, a *assumption) (*types.AssumedRoleUser, *types.Credentials, *int32, error) {
	m := roleARN.FindStringSubmatch(a.role)
	if m == nil {
		return nil, nil, nil, awswire.Errorf("ValidationError", "%s is invalid", a.role)
	}
	partition, account, name := m[1], m[2], m[4]
	for i, key := range a.transitive {
		name, ok := keyOf(a.tags, key)
		if !ok {
			return nil, nil, nil, awswire.Errorf("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
		a.transitive[i] = name
	}
	role, err := s.trusted(ctx, a, account, name)
	if err != nil {
		return nil, nil, nil, err
	}
	session := &awswire.Session{
		Kind: awswire.RoleSession, Account: account, Principal: "arn:" + partition + ":sts::" + account + ":assumed-role/" + role.Name + "/" + a.session,
		Source: role.ARN, ID: role.ID + ":" + a.session, Tags: a.tags, Transitive: a.transitive, SourceIdentity: a.source, Provider: a.provider, MFA: a.mfa,
	}
	if a.provider != "" {
		session.Keys = a.keys
	}
	packed, err := s.limit(ctx, session, a.policy, a.policyARNs)
	if err != nil {
		return nil, nil, nil, err
	}
	if a.seconds != nil && time.Duration(*a.seconds)*time.Second > role.MaxSession {
		return nil, nil, nil, awswire.Errorf("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if s.config.Directory != nil {
		s.config.Directory.RoleUsed(ctx, account, name, awswire.CallerFrom(ctx).Region)
	}
	return &types.AssumedRoleUser{Arn: aws.String(session.Principal), AssumedRoleId: aws.String(session.ID)},
		s.credentials(session, a.seconds, defaultRoleSeconds), packed, nil
}

// trusted returns the role, if the one who asks may assume it.
func (s *Service) trusted(ctx context.Context, a *assumption, account, name string) (*policy.AssumableRole, error) {
	var role *policy.AssumableRole
	if s.config.Directory != nil {
		var err error
		if role, err = s.config.Directory.Role(ctx, account, name); err != nil {
			return nil, fmt.Errorf("role %s: %w", a.role, err)
		}
		if role != nil && role.ARN[strings.Index(role.ARN, ":role/"):] != a.role[strings.Index(a.role, ":role/"):] {
			role = nil // of another path
		}
	}
	c := awswire.CallerFrom(ctx)
	crossed := account != c.Account && !s.config.AnyAccount
	if role == nil {
		if s.enforces() || crossed || a.who != nil && !s.config.AnyAccount {
			return nil, a.denied(c)
		}
		// Without policies that count, a role is what it is called.
		return &policy.AssumableRole{ARN: a.role, ID: stableID("AROA", account+"/"+name), Name: name, MaxSession: 12 * time.Hour}, nil
	}
	if s.config.Decider == nil {
		if crossed || a.who != nil && !s.config.AnyAccount {
			return nil, a.denied(c)
		}
		return role, nil
	}
	if !s.enforces() && crossed && a.who == nil {
		return nil, a.denied(c)
	}
	actions := []string{a.action}
	if len(a.tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.source != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	// The trust policy is all that keeps strangers out who have a token of the role's provider.
	must := a.who != nil && !s.config.AnyAccount
	keys := a.conditionKeys()
	for _, action := range actions {
		if err := s.config.Decider.Trust(ctx, a.who, action, role.ARN, role.Trust, keys, must); err != nil {
			return nil, err
		}
	}
	return role, nil
}

func (a *assumption) denied(c awswire.Caller) error {
	if a.who != nil {
		return awswire.Errorf("AccessDenied", "Not authorized to perform %s", a.action)
	}
	return awswire.Errorf("AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", callerARN(c), a.action, a.role)
}

// conditionKeys are those by which a trust policy may decide.
func (a *assumption) conditionKeys() map[string][]string {
	keys := map[string][]string{"sts:RoleSessionName": {a.session}}
	if a.externalID != nil {
		keys["sts:ExternalId"] = []string{*a.externalID}
	}
	if a.source != "" {
		keys["sts:SourceIdentity"] = []string{a.source}
	}
	if len(a.transitive) > 0 {
		keys["sts:TransitiveTagKeys"] = a.transitive
	}
	for k, v := range a.tags {
		keys["aws:RequestTag/"+k] = []string{v}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], k)
	}
	slices.Sort(keys["aws:TagKeys"])
	for k, v := range a.keys {
		keys[k] = v
	}
	return keys
}

// limit gives a session its policies, and reports how much of the room for them and for tags they take, in
// percent; nil if there are none.
func (s *Service) limit(ctx context.Context, session *awswire.Session, document *string, arns []types.PolicyDescriptorType) (*int32, error) {
	size := 0
	for k, v := range session.Tags {
		size += len(k) + len(v)
	}
	if document != nil {
		d, err := policy.Parse(*document, policy.Identity)
		if err == nil && d.Legacy {
			err = policy.ErrLegacy
		}
		if err != nil {
			return nil, malformed(err)
		}
		if len(*document) > maxSessionPolicy*4 {
			return nil, &types.PackedPolicyTooLargeException{Message: aws.String("The session policy is too large.")}
		}
		session.Limited, session.Policies = true, []string{*document}
		size += len(*document)
	}
	if len(arns) > maxPolicyARNs {
		return nil, awswire.Errorf("ValidationError", "Too many managed session policies: at most %d can be passed.", maxPolicyARNs)
	}
	for _, d := range arns {
		name := aws.ToString(d.Arn)
		if s.config.Directory != nil {
			n, err := s.config.Directory.Managed(ctx, session.Account, name)
			if err != nil {
				return nil, err
			}
			if n == nil {
				return nil, awswire.Errorf("ValidationError", "Policy %s does not exist or is not attachable.", name)
			}
		}
		session.Limited, session.PolicyARNs = true, append(session.PolicyARNs, name)
		size += len(name)
	}
	if size == 0 {
		return nil, nil
	}
	percent := int32(max(1, size*100/maxPacked))
	if percent > 100 {
		return nil, &types.PackedPolicyTooLargeException{Message: aws.String(fmt.Sprintf("Packed size of session tags and policies consumes %d%% of allotted space.", percent))}
	}
	return &percent, nil
}

func malformed(err error) error {
	var wrong *policy.SyntaxError
	message := err.Error()
	if errors.As(err, &wrong) {
		message = wrong.Message
	}
	return &types.MalformedPolicyDocumentException{Message: &message}
}

// oneTime checks the one-time code of a call, and returns when it was shown; zero where the call has none.
func (s *Service) oneTime(ctx context.Context, c awswire.Caller, serial, code *string) (time.Time, error) {
	if serial == nil && code == nil {
		return time.Time{}, nil
	}
	directory, ok := s.config.Directory.(interface {
		// Authenticates reports whether a code of a device authenticates a user, and takes the code.
		Authenticates(ctx context.Context, user, serial, code string) (bool, error)
	})
	good := false
	if ok && c.Session == nil && c.Principal != "" && serial != nil && code != nil {
		var err error
		if good, err = directory.Authenticates(ctx, c.Principal, *serial, *code); err != nil {
			return time.Time{}, fmt.Errorf("one-time code of %s: %w", c.Principal, err)
		}
	}
	if !good {
		return time.Time{}, awswire.Errorf("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	return s.config.Clock.Now(), nil
}

// GetSessionToken hands out credentials of the caller: of the user, or of the account.
func (s *Service) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenInput, _ ...func(*sts.Options)) (*sts.GetSessionTokenOutput, error) {
	c := awswire.CallerFrom(ctx)
	if c.Session != nil {
		return nil, awswire.Errorf("AccessDenied", "Cannot call GetSessionToken with session credentials")
	}
	mfa, err := s.oneTime(ctx, c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	session := &awswire.Session{Kind: awswire.RootSession, Account: c.Account, ID: c.Account, MFA: mfa}
	if c.Principal != "" {
		session.Kind, session.Principal, session.Source, session.ID = awswire.UserSession, c.Principal, c.Principal, s.userID(ctx, c.Principal)
	}
	return &sts.GetSessionTokenOutput{Credentials: s.credentials(session, in.DurationSeconds, defaultSessionSeconds)}, nil
}

// GetFederationToken hands out credentials of the caller's account under another name. Without a policy
// they allow nothing but what policies of resources do.
func (s *Service) GetFederationToken(ctx context.Context, in *sts.GetFederationTokenInput, _ ...func(*sts.Options)) (*sts.GetFederationTokenOutput, error) {
	c := awswire.CallerFrom(ctx)
	if c.Session != nil {
		return nil, awswire.Errorf("AccessDenied", "Cannot call GetFederationToken with session credentials")
	}
	principal := arn(c, "sts", "federated-user/"+*in.Name)
	session := &awswire.Session{
		Kind: awswire.FederatedSession, Account: c.Account, Principal: principal, Source: c.Principal, ID: c.Account + ":" + *in.Name,
	}
	var err error
	if session.Tags, err = tagMap(in.Tags); err != nil {
		return nil, err
	}
	packed, err := s.limit(ctx, session, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	session.Limited = true
	if packed == nil {
		packed = aws.Int32(0)
	}
	out := &sts.GetFederationTokenOutput{
		Credentials:   s.credentials(session, in.DurationSeconds, defaultSessionSeconds),
		FederatedUser: &types.FederatedUser{Arn: aws.String(principal), FederatedUserId: aws.String(session.ID)},
	}
	//lint:ignore SA1019 clients read it
	out.PackedPolicySize = packed
	return out, nil
}

// credentials makes the credentials of a session.
func (s *Service) credentials(session *awswire.Session, seconds *int32, otherwise int32) *types.Credentials {
	if seconds == nil {
		seconds = &otherwise
	}
	now := s.config.Clock.Now().UTC().Truncate(time.Second)
	session.Issued, session.Expires = now, now.Add(time.Duration(*seconds)*time.Second)
	key, secret, token := s.config.Issuer.Issue(session)
	return &types.Credentials{AccessKeyId: &key, SecretAccessKey: &secret, SessionToken: &token, Expiration: &session.Expires}
}
