package iam

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Roles. A trust policy has at most 2,048 characters; sessions last an hour to twelve. Roles that are
// linked to a service are at a path of their own, and only their service's calls change them.

const (
	maxTrust       = 2048
	defaultSession = 3600
)

func (s *Service) role(sc scope, name string) (*roleDoc, error) {
	r, err := s.roles.Get(sc.account, lower(name))
	return r, found(err, noSuchEntity("The role with name %s cannot be found.", name))
}

// modifyRole changes a role that is not linked to a service.
func (s *Service) modifyRole(ctx context.Context, name *string, f func(*roleDoc) error) (*roleDoc, error) {
	r, err := s.roles.Modify(ctx, func(r *roleDoc) error {
		if r.LinkedTo != "" {
			return &types.UnmodifiableEntityException{Message: aws.String("Cannot perform the operation on the protected role '" + r.Name + "' - this role is only modifiable by AWS")}
		}
		return f(r)
	}, scopeOf(ctx).account, lower(*name))
	return r, found(err, noSuchEntity("The role with name %s cannot be found.", *name))
}

func (s *Service) roleOut(sc scope, r *roleDoc, full bool) *types.Role {
	trust, err := s.trustOf(r)
	if err != nil {
		trust = r.Trust // what decides tells of it
	}
	out := &types.Role{
		Arn: aws.String(r.arn(sc, "role")), CreateDate: aws.Time(r.Created), Path: aws.String(r.Path), RoleId: aws.String(r.ID), RoleName: aws.String(r.Name),
		AssumeRolePolicyDocument: encode(trust), Description: optional(r.Description), MaxSessionDuration: aws.Int32(r.MaxSession),
	}
	if full {
		out.PermissionsBoundary, out.Tags = r.boundary(), tagsOut(r.Tags)
		out.RoleLastUsed = &types.RoleLastUsed{}
		if !r.LastUsed.IsZero() {
			out.RoleLastUsed = &types.RoleLastUsed{LastUsedDate: aws.Time(r.LastUsed), Region: optional(r.LastRegion)}
		}
	}
	return out
}

// changedRole is a role as the calls that make or change one return it: without what only a reader is told.
func (s *Service) changedRole(sc scope, r *roleDoc, asked *int32) *types.Role {
	out := s.roleOut(sc, r, true)
	out.RoleLastUsed, out.MaxSessionDuration = nil, asked
	return out
}

// checkTrust checks a trust policy, and returns the unique ids of whom it names.
func (s *Service) checkTrust(sc scope, document string) (bound map[string]string, err error) {
	if len(document) > maxTrust*4 || length(document) > maxTrust {
		return nil, limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	d, err := s.parse(document, policy.Trust)
	if err != nil {
		return nil, err
	}
	if d.HasNotPrincipal() {
		return nil, malformed("AssumeRole policy must not specify a NotPrincipal.")
	}
	for _, name := range d.Principals() {
		is, err := s.exists(sc, name)
		if err != nil {
			return nil, err
		}
		if !is {
			return nil, malformed(`Invalid principal in policy: "AWS":"` + name + `"`)
		}
		id, err := s.idOf(name)
		if err != nil {
			return nil, err
		}
		if id != "" {
			if bound == nil {
				bound = map[string]string{}
			}
			bound[name] = id
		}
	}
	return bound, nil
}

// idOf is the unique id of the user or role of an ARN; empty where it is not there, or is a session.
func (s *Service) idOf(principal string) (string, error) {
	a, ok := arn.Parse(principal)
	kind, rest, _ := strings.Cut(a.Resource, "/")
	name := lower(rest[strings.LastIndexByte(rest, '/')+1:])
	var e *entity
	switch {
	case !ok || a.Service != "iam":
		return "", nil
	case kind == "user":
		u, err := s.users.Get(a.Account, name)
		if err != nil {
			return "", found(err, nil)
		}
		e = &u.entity
	case kind == "role":
		r, err := s.roles.Get(a.Account, name)
		if err != nil {
			return "", found(err, nil)
		}
		e = &r.entity
	default:
		return "", nil
	}
	if kind+e.Path+e.Name != a.Resource {
		return "", nil
	}
	return e.ID, nil
}

// trustOf is a role's trust policy as it is now: whoever it named and is gone has its unique id there, so that another of the
// name, made later, is not trusted.
func (s *Service) trustOf(r *roleDoc) (string, error) {
	gone := map[string]string{}
	for name, id := range r.Bound {
		now, err := s.idOf(name)
		if err != nil {
			return "", err
		}
		if now != id {
			gone[name] = id
		}
	}
	if len(gone) == 0 {
		return r.Trust, nil
	}
	text, ok := withIDs(r.Trust, gone)
	if !ok { // a name is not found again: nobody is trusted
		text = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}`
	}
	return text, nil
}

// withIDs is a document that names principals by their ids in the place of their ARNs, however those are written, and is
// otherwise as it was; ok is false where it does not name all of them.
func withIDs(document string, ids map[string]string) (text string, ok bool) {
	type level struct {
		object, value     bool // value: of an object, whether that of a member is next
		principal, within bool // whether the member is Principal, or is below it
	}
	var b strings.Builder
	levels, written, seen := []level{{}}, 0, map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(document)); ; {
		from := int(d.InputOffset())
		token, err := d.Token()
		if err != nil {
			b.WriteString(document[written:])
			return b.String(), err == io.EOF && len(seen) == len(ids)
		}
		to := int(d.InputOffset())
		at := &levels[len(levels)-1]
		if token == json.Delim('}') || token == json.Delim(']') {
			levels = levels[:len(levels)-1]
			continue
		}
		name, isText := token.(string)
		if at.object && !at.value {
			at.value, at.principal = true, name == "Principal"
			continue
		}
		at.value = false
		within := at.within || at.principal
		if token == json.Delim('{') || token == json.Delim('[') {
			levels = append(levels, level{object: token == json.Delim('{'), within: within})
			continue
		}
		if id := ids[name]; isText && within && id != "" {
			b.WriteString(document[written : from+strings.IndexByte(document[from:to], '"')])
			b.WriteString(`"` + id + `"`)
			written, seen[name] = to, true
		}
	}
}

// exists reports whether the user or role of an ARN, or of that of its session, is there. Those of other accounts may be,
// where this node does not see them: unless it has the account's identities.
func (s *Service) exists(sc scope, principal string) (bool, error) {
	a, _ := arn.Parse(principal)
	if a.Account != sc.account {
		known, err := s.knows(a.Account)
		if err != nil || !known {
			return true, err
		}
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	if strings.HasPrefix(a.Resource, "role/aws-reserved/") || strings.HasPrefix(a.Resource, "role/aws-service-role/") {
		return true, nil // AWS makes these by itself, for services and sign-ons that may be no node's
	}
	var err error
	full := ""
	switch kind {
	case "user":
		var u *userDoc
		if u, err = s.users.Get(a.Account, lower(name)); err == nil {
			full = "user" + u.Path + u.Name
		}
	case "role":
		var r *roleDoc
		if r, err = s.roles.Get(a.Account, lower(name)); err == nil {
			full = "role" + r.Path + r.Name
		}
	case "assumed-role":
		name, _, _ = strings.Cut(rest, "/")
		if _, err = s.roles.Get(a.Account, lower(name)); err == nil {
			full = a.Resource
		}
	default: // federated users are made as they are asked for
		return true, nil
	}
	return full == a.Resource, found(err, nil)
}

// knows reports whether an account has users or roles here.
func (s *Service) knows(account string) (bool, error) {
	for range s.users.Keys(account) {
		return true, nil
	}
	for range s.roles.Keys(account) {
		return true, nil
	}
	return false, nil
}

// CreateRole makes a role.
func (s *Service) CreateRole(ctx context.Context, in *iam.CreateRoleInput, _ ...func(*iam.Options)) (*iam.CreateRoleOutput, error) {
	sc := scopeOf(ctx)
	e, err := s.newEntity(sc, *in.RoleName, in.Path, in.PermissionsBoundary, in.Tags, "AROA")
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(e.Path, "/aws-service-role/") {
		return nil, invalidInput("Role names beginning with '/aws-service-role/' are reserved for use by AWS services.")
	}
	if strings.HasPrefix(e.Path, "/aws-reserved/") || strings.HasPrefix(e.Name, "AWSReservedSSO_") {
		return nil, invalidInput("The path /aws-reserved/ and role names beginning with AWSReservedSSO_ are reserved for use by AWS services.")
	}
	bound, err := s.checkTrust(sc, *in.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	r := &roleDoc{entity: e, Trust: *in.AssumeRolePolicyDocument, Bound: bound, Description: aws.ToString(in.Description), MaxSession: defaultSession}
	if in.MaxSessionDuration != nil {
		r.MaxSession = *in.MaxSessionDuration
	}
	if err := s.roles.Create(ctx, r, sc.account, lower(r.Name)); err != nil {
		return nil, created(err, alreadyExists("Role with name %s already exists.", r.Name))
	}
	return &iam.CreateRoleOutput{Role: s.changedRole(sc, r, in.MaxSessionDuration)}, nil
}

// GetRole returns a role.
func (s *Service) GetRole(ctx context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	sc := scopeOf(ctx)
	r, err := s.role(sc, *in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: s.roleOut(sc, r, true)}, nil
}

// ListRoles lists roles by name.
func (s *Service) ListRoles(ctx context.Context, in *iam.ListRolesInput, _ ...func(*iam.Options)) (*iam.ListRolesOutput, error) {
	sc := scopeOf(ctx)
	var all []*roleDoc
	roles, err := s.roles.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		if strings.HasPrefix(r.Path, aws.ToString(in.PathPrefix)) {
			all = append(all, r)
		}
	}
	list, next, more, err := pageOf(all, func(r *roleDoc) string { return lower(r.Name) }, in.Marker, in.MaxItems)
	out := &iam.ListRolesOutput{Roles: []types.Role{}, Marker: next, IsTruncated: more}
	for _, r := range list {
		out.Roles = append(out.Roles, *s.roleOut(sc, r, false))
	}
	return out, err
}

// UpdateRole sets a role's description and the longest duration of its sessions.
func (s *Service) UpdateRole(ctx context.Context, in *iam.UpdateRoleInput, _ ...func(*iam.Options)) (*iam.UpdateRoleOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(r *roleDoc) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
	return &iam.UpdateRoleOutput{}, err
}

// UpdateRoleDescription sets a role's description.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput, _ ...func(*iam.Options)) (*iam.UpdateRoleDescriptionOutput, error) {
	r, err := s.modifyRole(ctx, in.RoleName, func(r *roleDoc) error { r.Description = *in.Description; return nil })
	if err != nil {
		return nil, err
	}
	return &iam.UpdateRoleDescriptionOutput{Role: s.changedRole(scopeOf(ctx), r, nil)}, nil
}

// UpdateAssumeRolePolicy replaces a role's trust policy.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error) {
	if _, err := s.role(scopeOf(ctx), *in.RoleName); err != nil {
		return nil, err
	}
	bound, err := s.checkTrust(scopeOf(ctx), *in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyRole(ctx, in.RoleName, func(r *roleDoc) error { r.Trust, r.Bound = *in.PolicyDocument, bound; return nil })
	return &iam.UpdateAssumeRolePolicyOutput{}, err
}

// DeleteRole removes a role that has no policies and is in no instance profile.
func (s *Service) DeleteRole(ctx context.Context, in *iam.DeleteRoleInput, _ ...func(*iam.Options)) (*iam.DeleteRoleOutput, error) {
	sc := scopeOf(ctx)
	r, err := s.role(sc, *in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.LinkedTo != "" {
		return nil, &types.UnmodifiableEntityException{Message: aws.String("Cannot perform the operation on the protected role '" + r.Name + "' - this role is only modifiable by AWS")}
	}
	profiles, err := s.profilesOf(sc, r.Name)
	if err != nil {
		return nil, err
	}
	if len(profiles) > 0 {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	if err := r.bare(); err != nil {
		return nil, err
	}
	err = s.roles.Delete(ctx, sc.account, lower(r.Name))
	return &iam.DeleteRoleOutput{}, found(err, noSuchEntity("The role with name %s cannot be found.", *in.RoleName))
}

// PutRolePermissionsBoundary limits what a role's policies allow.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iam.PutRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutRolePermissionsBoundaryOutput, error) {
	if err := s.limiting(scopeOf(ctx), *in.PermissionsBoundary); err != nil {
		return nil, err
	}
	_, err := s.modifyRole(ctx, in.RoleName, func(r *roleDoc) error { r.Boundary = *in.PermissionsBoundary; return nil })
	return &iam.PutRolePermissionsBoundaryOutput{}, err
}

// DeleteRolePermissionsBoundary takes the limit away.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iam.DeleteRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	_, err := s.modifyRole(ctx, in.RoleName, func(r *roleDoc) error { r.Boundary = ""; return nil })
	return &iam.DeleteRolePermissionsBoundaryOutput{}, err
}

// linkedNames are the names of linked roles that do not follow from their service's.
var linkedNames = map[string]string{
	"lambda.amazonaws.com": "Lambda", "kinesis.amazonaws.com": "Kinesis", "firehose.amazonaws.com": "Firehose", "athena.amazonaws.com": "Athena",
	"ops.apigateway.amazonaws.com": "APIGateway", "replication.dynamodb.amazonaws.com": "DynamoDBReplication", "logs.amazonaws.com": "LogsDelivery",
	"delivery.logs.amazonaws.com": "LogDelivery", "dynamodb.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_DynamoDBTable",
	"autoscaling.amazonaws.com": "AutoScaling", "elasticmapreduce.amazonaws.com": "EMRCleanup", "redshift.amazonaws.com": "Redshift",
	"elasticbeanstalk.amazonaws.com": "ElasticBeanstalk", "ecs.amazonaws.com": "ECS", "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing",
	"rds.amazonaws.com": "RDS", "es.amazonaws.com": "AmazonElasticsearchService", "opensearchservice.amazonaws.com": "AmazonOpenSearchService",
	"osis.amazonaws.com": "AmazonOpenSearchIngestionService", "elasticache.amazonaws.com": "ElastiCache", "dax.amazonaws.com": "DAX", "eks.amazonaws.com": "AmazonEKS",
	"spot.amazonaws.com": "EC2Spot", "spotfleet.amazonaws.com": "EC2SpotFleet", "replicator.lambda.amazonaws.com": "LambdaReplicator",
	"logger.cloudfront.amazonaws.com": "CloudFrontLogger", "lakeformation.amazonaws.com": "LakeFormationDataAccess", "cks.kms.amazonaws.com": "KeyManagementServiceCustomKeyStores",
	"email.cognito-idp.amazonaws.com": "AmazonCognitoIdpEmailService", "transitgateway.amazonaws.com": "VPCTransitGateway", "ssm.amazonaws.com": "AmazonSSM",
	"custom-resource.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_CustomResource", "ecs.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_ECSService",
	"lambda.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_LambdaConcurrency", "kafka.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_KafkaCluster",
	"kinesisanalytics.amazonaws.com": "KinesisAnalytics", "kafka.amazonaws.com": "Kafka", "kinesisreplication.amazonaws.com": "KinesisReplication",
}

// CreateServiceLinkedRole makes the role that a service uses in an account.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, in *iam.CreateServiceLinkedRoleInput, _ ...func(*iam.Options)) (*iam.CreateServiceLinkedRoleOutput, error) {
	sc := scopeOf(ctx)
	service := *in.AWSServiceName
	if !strings.HasSuffix(service, ".amazonaws.com") {
		return nil, invalidInput("Service role template is not valid for service name %s", service)
	}
	name := linkedNames[service]
	if name == "" {
		first, _, _ := strings.Cut(service, ".")
		name = strings.ToUpper(first[:1]) + first[1:]
	}
	name = "AWSServiceRoleFor" + name
	if in.CustomSuffix != nil {
		name += "_" + *in.CustomSuffix
	}
	trust, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Action": []string{"sts:AssumeRole"}, "Effect": "Allow", "Principal": map[string]any{"Service": []string{service}},
	}}})
	r := &roleDoc{
		entity: entity{Name: name, Path: "/aws-service-role/" + service + "/", ID: newID("AROA"), Created: s.now()},
		Trust:  string(trust), Description: aws.ToString(in.Description), MaxSession: defaultSession, LinkedTo: service,
	}
	if err := s.roles.Create(ctx, r, sc.account, lower(name)); err != nil {
		return nil, created(err, invalidInput("Service role name %s has been taken in this account, please try a different suffix.", name))
	}
	return &iam.CreateServiceLinkedRoleOutput{Role: s.changedRole(sc, r, nil)}, nil
}

// DeleteServiceLinkedRole removes one; it is gone when the call returns.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, in *iam.DeleteServiceLinkedRoleInput, _ ...func(*iam.Options)) (*iam.DeleteServiceLinkedRoleOutput, error) {
	sc := scopeOf(ctx)
	r, err := s.role(sc, *in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.LinkedTo == "" {
		return nil, invalidInput("Role %s is not a service-linked role.", r.Name)
	}
	if err := s.roles.Delete(ctx, sc.account, lower(r.Name)); err != nil {
		return nil, found(err, noSuchEntity("The role with name %s cannot be found.", r.Name))
	}
	return &iam.DeleteServiceLinkedRoleOutput{
		DeletionTaskId: aws.String("task/aws-service-role/" + r.LinkedTo + "/" + r.Name + "/" + awswire.NewRequestID()),
	}, nil
}

// GetServiceLinkedRoleDeletionStatus tells of a deletion, which has been done at once.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, in *iam.GetServiceLinkedRoleDeletionStatusInput, _ ...func(*iam.Options)) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	parts := strings.Split(*in.DeletionTaskId, "/")
	if len(parts) != 5 || parts[0] != "task" || parts[1] != "aws-service-role" {
		return nil, noSuchEntity("Deletion task %s cannot be found.", *in.DeletionTaskId)
	}
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}, nil
}
