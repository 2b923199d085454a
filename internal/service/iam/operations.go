package iam

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/brookmere/brookmere/internal/awswire"
)

func onOIDC(c awswire.Caller, url *string) []string {
	_, rest, _ := strings.Cut(aws.ToString(url), "://")
	return on(c, "oidc-provider/"+strings.TrimSuffix(rest, "/"))
}

func onSAML(c awswire.Caller, name *string) []string {
	return on(c, "saml-provider/"+aws.ToString(name))
}

func onLinked(c awswire.Caller, service *string) []string {
	return on(c, "role/aws-service-role/"+aws.ToString(service)+"/*")
}

// operations lists what the service serves, with the ARNs that each works on.
func (s *Service) operations() []awswire.Operation {
	return append(s.credentialOperations(), []awswire.Operation{
		executes(s.AddClientIDToOpenIDConnectProvider, s.onPolicy, func(in *iam.AddClientIDToOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.AddRoleToInstanceProfile, s.entityOf("instance-profile"), func(in *iam.AddRoleToInstanceProfileInput) *string { return in.InstanceProfileName }),
		executes(s.AddUserToGroup, s.entityOf("group"), func(in *iam.AddUserToGroupInput) *string { return in.GroupName }),
		withPolicy(executes(s.AttachGroupPolicy, s.entityOf("group"), func(in *iam.AttachGroupPolicyInput) *string { return in.GroupName }), func(in *iam.AttachGroupPolicyInput) *string { return in.PolicyArn }),
		boundTo(s, withPolicy(executes(s.AttachRolePolicy, s.entityOf("role"), func(in *iam.AttachRolePolicyInput) *string { return in.RoleName }), func(in *iam.AttachRolePolicyInput) *string { return in.PolicyArn }), "role", func(in *iam.AttachRolePolicyInput) *string { return in.RoleName }),
		boundTo(s, withPolicy(executes(s.AttachUserPolicy, s.entityOf("user"), func(in *iam.AttachUserPolicyInput) *string { return in.UserName }), func(in *iam.AttachUserPolicyInput) *string { return in.PolicyArn }), "user", func(in *iam.AttachUserPolicyInput) *string { return in.UserName }),
		executes(s.ChangePassword, s.entityOf("user"), func(*iam.ChangePasswordInput) *string { return nil }),
		executes(s.CreateAccessKey, s.entityOf("user"), func(in *iam.CreateAccessKeyInput) *string { return in.UserName }),
		awswire.Stores(s.CreateAccountAlias),
		awswire.Executes(s.CreateGroup, func(c awswire.Caller, in *iam.CreateGroupInput) []string {
			return onNew(c, "group", in.Path, in.GroupName)
		}),
		awswire.Stores(s.CreateInstanceProfile, func(c awswire.Caller, in *iam.CreateInstanceProfileInput) []string {
			return onNew(c, "instance-profile", in.Path, in.InstanceProfileName)
		}),
		stores(s.CreateLoginProfile, s.entityOf("user"), func(in *iam.CreateLoginProfileInput) *string { return in.UserName }),
		executes(s.CreateOpenIDConnectProvider, onOIDC, func(in *iam.CreateOpenIDConnectProviderInput) *string { return in.Url }),
		awswire.Executes(s.CreatePolicy, func(c awswire.Caller, in *iam.CreatePolicyInput) []string {
			return onNew(c, "policy", in.Path, in.PolicyName)
		}),
		executes(s.CreatePolicyVersion, s.onPolicy, func(in *iam.CreatePolicyVersionInput) *string { return in.PolicyArn }),
		withBoundary(awswire.Executes(s.CreateRole, func(c awswire.Caller, in *iam.CreateRoleInput) []string {
			return onNew(c, "role", in.Path, in.RoleName)
		}), func(in *iam.CreateRoleInput) *string { return in.PermissionsBoundary }),
		stores(s.CreateSAMLProvider, onSAML, func(in *iam.CreateSAMLProviderInput) *string { return in.Name }),
		executes(s.CreateServiceLinkedRole, onLinked, func(in *iam.CreateServiceLinkedRoleInput) *string { return in.AWSServiceName }),
		withBoundary(awswire.Executes(s.CreateUser, func(c awswire.Caller, in *iam.CreateUserInput) []string {
			return onNew(c, "user", in.Path, in.UserName)
		}), func(in *iam.CreateUserInput) *string { return in.PermissionsBoundary }),
		executes(s.DeleteAccessKey, s.entityOf("user"), func(in *iam.DeleteAccessKeyInput) *string { return in.UserName }),
		awswire.Stores(s.DeleteAccountAlias),
		awswire.Stores(s.DeleteAccountPasswordPolicy),
		executes(s.DeleteGroup, s.entityOf("group"), func(in *iam.DeleteGroupInput) *string { return in.GroupName }),
		executes(s.DeleteGroupPolicy, s.entityOf("group"), func(in *iam.DeleteGroupPolicyInput) *string { return in.GroupName }),
		executes(s.DeleteInstanceProfile, s.entityOf("instance-profile"), func(in *iam.DeleteInstanceProfileInput) *string { return in.InstanceProfileName }),
		stores(s.DeleteLoginProfile, s.entityOf("user"), func(in *iam.DeleteLoginProfileInput) *string { return in.UserName }),
		executes(s.DeleteOpenIDConnectProvider, s.onPolicy, func(in *iam.DeleteOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.DeletePolicy, s.onPolicy, func(in *iam.DeletePolicyInput) *string { return in.PolicyArn }),
		executes(s.DeletePolicyVersion, s.onPolicy, func(in *iam.DeletePolicyVersionInput) *string { return in.PolicyArn }),
		executes(s.DeleteRole, s.entityOf("role"), func(in *iam.DeleteRoleInput) *string { return in.RoleName }),
		boundTo(s, executes(s.DeleteRolePermissionsBoundary, s.entityOf("role"), func(in *iam.DeleteRolePermissionsBoundaryInput) *string { return in.RoleName }), "role", func(in *iam.DeleteRolePermissionsBoundaryInput) *string { return in.RoleName }),
		boundTo(s, executes(s.DeleteRolePolicy, s.entityOf("role"), func(in *iam.DeleteRolePolicyInput) *string { return in.RoleName }), "role", func(in *iam.DeleteRolePolicyInput) *string { return in.RoleName }),
		executes(s.DeleteSAMLProvider, s.onPolicy, func(in *iam.DeleteSAMLProviderInput) *string { return in.SAMLProviderArn }),
		executes(s.DeleteServiceLinkedRole, s.entityOf("role"), func(in *iam.DeleteServiceLinkedRoleInput) *string { return in.RoleName }),
		executes(s.DeleteUser, s.entityOf("user"), func(in *iam.DeleteUserInput) *string { return in.UserName }),
		boundTo(s, executes(s.DeleteUserPermissionsBoundary, s.entityOf("user"), func(in *iam.DeleteUserPermissionsBoundaryInput) *string { return in.UserName }), "user", func(in *iam.DeleteUserPermissionsBoundaryInput) *string { return in.UserName }),
		boundTo(s, executes(s.DeleteUserPolicy, s.entityOf("user"), func(in *iam.DeleteUserPolicyInput) *string { return in.UserName }), "user", func(in *iam.DeleteUserPolicyInput) *string { return in.UserName }),
		withPolicy(executes(s.DetachGroupPolicy, s.entityOf("group"), func(in *iam.DetachGroupPolicyInput) *string { return in.GroupName }), func(in *iam.DetachGroupPolicyInput) *string { return in.PolicyArn }),
		boundTo(s, withPolicy(executes(s.DetachRolePolicy, s.entityOf("role"), func(in *iam.DetachRolePolicyInput) *string { return in.RoleName }), func(in *iam.DetachRolePolicyInput) *string { return in.PolicyArn }), "role", func(in *iam.DetachRolePolicyInput) *string { return in.RoleName }),
		boundTo(s, withPolicy(executes(s.DetachUserPolicy, s.entityOf("user"), func(in *iam.DetachUserPolicyInput) *string { return in.UserName }), func(in *iam.DetachUserPolicyInput) *string { return in.PolicyArn }), "user", func(in *iam.DetachUserPolicyInput) *string { return in.UserName }),
		awswire.Executes(s.GenerateCredentialReport),
		awswire.Executes(s.GetAccessKeyLastUsed),
		awswire.Executes(s.GetAccountAuthorizationDetails),
		awswire.Stores(s.GetAccountPasswordPolicy),
		awswire.Executes(s.GetAccountSummary),
		awswire.Executes(s.GetCredentialReport),
		executes(s.GetGroup, s.entityOf("group"), func(in *iam.GetGroupInput) *string { return in.GroupName }),
		executes(s.GetGroupPolicy, s.entityOf("group"), func(in *iam.GetGroupPolicyInput) *string { return in.GroupName }),
		executes(s.GetInstanceProfile, s.entityOf("instance-profile"), func(in *iam.GetInstanceProfileInput) *string { return in.InstanceProfileName }),
		stores(s.GetLoginProfile, s.entityOf("user"), func(in *iam.GetLoginProfileInput) *string { return in.UserName }),
		executes(s.GetOpenIDConnectProvider, s.onPolicy, func(in *iam.GetOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.GetPolicy, s.onPolicy, func(in *iam.GetPolicyInput) *string { return in.PolicyArn }),
		executes(s.GetPolicyVersion, s.onPolicy, func(in *iam.GetPolicyVersionInput) *string { return in.PolicyArn }),
		executes(s.GetRole, s.entityOf("role"), func(in *iam.GetRoleInput) *string { return in.RoleName }),
		executes(s.GetRolePolicy, s.entityOf("role"), func(in *iam.GetRolePolicyInput) *string { return in.RoleName }),
		executes(s.GetSAMLProvider, s.onPolicy, func(in *iam.GetSAMLProviderInput) *string { return in.SAMLProviderArn }),
		awswire.Executes(s.GetServiceLinkedRoleDeletionStatus),
		executes(s.GetUser, s.entityOf("user"), func(in *iam.GetUserInput) *string { return in.UserName }),
		executes(s.GetUserPolicy, s.entityOf("user"), func(in *iam.GetUserPolicyInput) *string { return in.UserName }),
		executes(s.ListAccessKeys, s.entityOf("user"), func(in *iam.ListAccessKeysInput) *string { return in.UserName }),
		awswire.Executes(s.ListAccountAliases),
		executes(s.ListAttachedGroupPolicies, s.entityOf("group"), func(in *iam.ListAttachedGroupPoliciesInput) *string { return in.GroupName }),
		executes(s.ListAttachedRolePolicies, s.entityOf("role"), func(in *iam.ListAttachedRolePoliciesInput) *string { return in.RoleName }),
		executes(s.ListAttachedUserPolicies, s.entityOf("user"), func(in *iam.ListAttachedUserPoliciesInput) *string { return in.UserName }),
		executes(s.ListEntitiesForPolicy, s.onPolicy, func(in *iam.ListEntitiesForPolicyInput) *string { return in.PolicyArn }),
		executes(s.ListGroupPolicies, s.entityOf("group"), func(in *iam.ListGroupPoliciesInput) *string { return in.GroupName }),
		awswire.Executes(s.ListGroups),
		executes(s.ListGroupsForUser, s.entityOf("user"), func(in *iam.ListGroupsForUserInput) *string { return in.UserName }),
		executes(s.ListInstanceProfileTags, s.entityOf("instance-profile"), func(in *iam.ListInstanceProfileTagsInput) *string { return in.InstanceProfileName }),
		awswire.Executes(s.ListInstanceProfiles),
		executes(s.ListInstanceProfilesForRole, s.entityOf("role"), func(in *iam.ListInstanceProfilesForRoleInput) *string { return in.RoleName }),
		executes(s.ListOpenIDConnectProviderTags, s.onPolicy, func(in *iam.ListOpenIDConnectProviderTagsInput) *string { return in.OpenIDConnectProviderArn }),
		awswire.Executes(s.ListOpenIDConnectProviders),
		awswire.Executes(s.ListPolicies),
		executes(s.ListPolicyTags, s.onPolicy, func(in *iam.ListPolicyTagsInput) *string { return in.PolicyArn }),
		executes(s.ListPolicyVersions, s.onPolicy, func(in *iam.ListPolicyVersionsInput) *string { return in.PolicyArn }),
		executes(s.ListRolePolicies, s.entityOf("role"), func(in *iam.ListRolePoliciesInput) *string { return in.RoleName }),
		executes(s.ListRoleTags, s.entityOf("role"), func(in *iam.ListRoleTagsInput) *string { return in.RoleName }),
		awswire.Executes(s.ListRoles),
		executes(s.ListSAMLProviderTags, s.onPolicy, func(in *iam.ListSAMLProviderTagsInput) *string { return in.SAMLProviderArn }),
		awswire.Executes(s.ListSAMLProviders),
		executes(s.ListUserPolicies, s.entityOf("user"), func(in *iam.ListUserPoliciesInput) *string { return in.UserName }),
		executes(s.ListUserTags, s.entityOf("user"), func(in *iam.ListUserTagsInput) *string { return in.UserName }),
		awswire.Executes(s.ListUsers),
		executes(s.PutGroupPolicy, s.entityOf("group"), func(in *iam.PutGroupPolicyInput) *string { return in.GroupName }),
		withBoundary(executes(s.PutRolePermissionsBoundary, s.entityOf("role"), func(in *iam.PutRolePermissionsBoundaryInput) *string { return in.RoleName }), func(in *iam.PutRolePermissionsBoundaryInput) *string { return in.PermissionsBoundary }),
		boundTo(s, executes(s.PutRolePolicy, s.entityOf("role"), func(in *iam.PutRolePolicyInput) *string { return in.RoleName }), "role", func(in *iam.PutRolePolicyInput) *string { return in.RoleName }),
		withBoundary(executes(s.PutUserPermissionsBoundary, s.entityOf("user"), func(in *iam.PutUserPermissionsBoundaryInput) *string { return in.UserName }), func(in *iam.PutUserPermissionsBoundaryInput) *string { return in.PermissionsBoundary }),
		boundTo(s, executes(s.PutUserPolicy, s.entityOf("user"), func(in *iam.PutUserPolicyInput) *string { return in.UserName }), "user", func(in *iam.PutUserPolicyInput) *string { return in.UserName }),
		executes(s.RemoveClientIDFromOpenIDConnectProvider, s.onPolicy, func(in *iam.RemoveClientIDFromOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.RemoveRoleFromInstanceProfile, s.entityOf("instance-profile"), func(in *iam.RemoveRoleFromInstanceProfileInput) *string { return in.InstanceProfileName }),
		executes(s.RemoveUserFromGroup, s.entityOf("group"), func(in *iam.RemoveUserFromGroupInput) *string { return in.GroupName }),
		executes(s.SetDefaultPolicyVersion, s.onPolicy, func(in *iam.SetDefaultPolicyVersionInput) *string { return in.PolicyArn }),
		awswire.Executes(s.SimulateCustomPolicy),
		awswire.Executes(s.GetContextKeysForCustomPolicy),
		executes(s.GetContextKeysForPrincipalPolicy, s.onPolicy, func(in *iam.GetContextKeysForPrincipalPolicyInput) *string { return in.PolicySourceArn }),
		executes(s.SimulatePrincipalPolicy, s.onPolicy, func(in *iam.SimulatePrincipalPolicyInput) *string { return in.PolicySourceArn }),
		executes(s.TagInstanceProfile, s.entityOf("instance-profile"), func(in *iam.TagInstanceProfileInput) *string { return in.InstanceProfileName }),
		executes(s.TagOpenIDConnectProvider, s.onPolicy, func(in *iam.TagOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.TagPolicy, s.onPolicy, func(in *iam.TagPolicyInput) *string { return in.PolicyArn }),
		executes(s.TagRole, s.entityOf("role"), func(in *iam.TagRoleInput) *string { return in.RoleName }),
		executes(s.TagSAMLProvider, s.onPolicy, func(in *iam.TagSAMLProviderInput) *string { return in.SAMLProviderArn }),
		executes(s.TagUser, s.entityOf("user"), func(in *iam.TagUserInput) *string { return in.UserName }),
		executes(s.UntagInstanceProfile, s.entityOf("instance-profile"), func(in *iam.UntagInstanceProfileInput) *string { return in.InstanceProfileName }),
		executes(s.UntagOpenIDConnectProvider, s.onPolicy, func(in *iam.UntagOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.UntagPolicy, s.onPolicy, func(in *iam.UntagPolicyInput) *string { return in.PolicyArn }),
		executes(s.UntagRole, s.entityOf("role"), func(in *iam.UntagRoleInput) *string { return in.RoleName }),
		executes(s.UntagSAMLProvider, s.onPolicy, func(in *iam.UntagSAMLProviderInput) *string { return in.SAMLProviderArn }),
		executes(s.UntagUser, s.entityOf("user"), func(in *iam.UntagUserInput) *string { return in.UserName }),
		executes(s.UpdateAccessKey, s.entityOf("user"), func(in *iam.UpdateAccessKeyInput) *string { return in.UserName }),
		awswire.Stores(s.UpdateAccountPasswordPolicy),
		executes(s.UpdateAssumeRolePolicy, s.entityOf("role"), func(in *iam.UpdateAssumeRolePolicyInput) *string { return in.RoleName }),
		awswire.Executes(s.UpdateGroup, func(c awswire.Caller, in *iam.UpdateGroupInput) []string {
			return s.onMoved(c, "group", in.GroupName, in.NewPath, in.NewGroupName)
		}),
		stores(s.UpdateLoginProfile, s.entityOf("user"), func(in *iam.UpdateLoginProfileInput) *string { return in.UserName }),
		executes(s.UpdateOpenIDConnectProviderThumbprint, s.onPolicy, func(in *iam.UpdateOpenIDConnectProviderThumbprintInput) *string { return in.OpenIDConnectProviderArn }),
		executes(s.UpdateRole, s.entityOf("role"), func(in *iam.UpdateRoleInput) *string { return in.RoleName }),
		executes(s.UpdateRoleDescription, s.entityOf("role"), func(in *iam.UpdateRoleDescriptionInput) *string { return in.RoleName }),
		stores(s.UpdateSAMLProvider, s.onPolicy, func(in *iam.UpdateSAMLProviderInput) *string { return in.SAMLProviderArn }),
		awswire.Executes(s.UpdateUser, func(c awswire.Caller, in *iam.UpdateUserInput) []string {
			return s.onMoved(c, "user", in.UserName, in.NewPath, in.NewUserName)
		}),
	}...)
}
