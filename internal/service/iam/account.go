package iam

import (
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// What tells of a whole account: its alias, summary, authorization details and credential report.

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// CreateAccountAlias names the account.
func (s *Service) CreateAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput, _ ...func(*iam.Options)) (*iam.CreateAccountAliasOutput, error) {
	sc := scopeOf(ctx)
	for it, err := range s.accounts.List() {
		if err == nil && it.Value.Alias == *in.AccountAlias && it.Key[0] != sc.account {
			return nil, alreadyExists("The account alias %s already exists.", *in.AccountAlias)
		}
	}
	return &iam.CreateAccountAliasOutput{}, s.account(ctx, func(a *accountDoc) error { a.Alias = *in.AccountAlias; return nil })
}

// DeleteAccountAlias takes the name away.
func (s *Service) DeleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput, _ ...func(*iam.Options)) (*iam.DeleteAccountAliasOutput, error) {
	err := s.account(ctx, func(a *accountDoc) error {
		if a.Alias != *in.AccountAlias {
			return noSuchEntity("The account alias %s cannot be found.", *in.AccountAlias)
		}
		a.Alias = ""
		return nil
	})
	return &iam.DeleteAccountAliasOutput{}, err
}

// ListAccountAliases lists the name, if there is one.
func (s *Service) ListAccountAliases(ctx context.Context, _ *iam.ListAccountAliasesInput, _ ...func(*iam.Options)) (*iam.ListAccountAliasesOutput, error) {
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}}
	if a, err := s.accounts.Get(scopeOf(ctx).account); err == nil && a.Alias != "" {
		out.AccountAliases = append(out.AccountAliases, a.Alias)
	}
	return out, nil
}

// GetAccountSummary counts what the account has, beside its quotas.
func (s *Service) GetAccountSummary(ctx context.Context, _ *iam.GetAccountSummaryInput, _ ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error) {
	sc := scopeOf(ctx)
	m := map[string]int32{
		"UsersQuota": 5000, "GroupsQuota": 300, "RolesQuota": 1000, "PoliciesQuota": 1500, "InstanceProfilesQuota": 1000, "ServerCertificatesQuota": maxServerCertificates,
		"AccessKeysPerUserQuota": maxKeys, "GroupsPerUserQuota": maxGroupsOfUser, "AttachedPoliciesPerUserQuota": maxAttached, "AttachedPoliciesPerGroupQuota": maxAttached,
		"AttachedPoliciesPerRoleQuota": maxAttached, "UserPolicySizeQuota": maxInlineUser, "GroupPolicySizeQuota": maxInlineGroup, "RolePolicySizeQuota": maxInlineRole,
		"PolicySizeQuota": maxManaged, "VersionsPerPolicyQuota": maxVersions, "AssumeRolePolicySizeQuota": maxTrust, "SigningCertificatesPerUserQuota": maxSigning,
		"PolicyVersionsInUseQuota": 10000, "GlobalEndpointTokenVersion": 1, "AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0, "AccountSigningCertificatesPresent": 0,
		"AccountPasswordPresent": 0, "MFADevices": 0, "MFADevicesInUse": 0, "ServerCertificates": 0,
	}
	users, err := s.users.All(sc.account)
	if err != nil {
		return nil, err
	}
	m["Users"] = int32(len(users))
	devices, err := s.devices.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		m["MFADevices"]++
		if d.User != "" {
			m["MFADevicesInUse"]++
		}
	}
	servers, err := s.servers.All(sc.account)
	if err != nil {
		return nil, err
	}
	m["ServerCertificates"] = int32(len(servers))
	if a, err := s.accounts.Get(sc.account); err == nil && a.Tokens > 0 {
		m["GlobalEndpointTokenVersion"] = a.Tokens
	}
	groups, err := s.groups.All(sc.account)
	if err != nil {
		return nil, err
	}
	for range groups {
		m["Groups"]++
	}
	roles, err := s.roles.All(sc.account)
	if err != nil {
		return nil, err
	}
	for range roles {
		m["Roles"]++
	}
	policies, err := s.policies.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		m["Policies"]++
		m["PolicyVersionsInUse"] += int32(len(p.Versions))
	}
	profiles, err := s.profiles.All(sc.account)
	if err != nil {
		return nil, err
	}
	for range profiles {
		m["InstanceProfiles"]++
	}
	oidc, err := s.oidc.All(sc.account)
	if err != nil {
		return nil, err
	}
	for range oidc {
		m["Providers"]++
	}
	saml, err := s.saml.All(sc.account)
	if err != nil {
		return nil, err
	}
	for range saml {
		m["Providers"]++
	}
	for _, name := range []string{"Users", "Groups", "Roles", "Policies", "PolicyVersionsInUse", "InstanceProfiles", "Providers"} {
		m[name] += 0
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: m}, nil
}

func (e *entity) details() []types.PolicyDetail {
	out := []types.PolicyDetail{}
	for _, p := range e.Inline {
		out = append(out, types.PolicyDetail{PolicyName: aws.String(p.Name), PolicyDocument: encode(p.Document)})
	}
	return out
}

// GetAccountAuthorizationDetails tells all of an account's users, groups, roles and policies.
func (s *Service) GetAccountAuthorizationDetails(ctx context.Context, in *iam.GetAccountAuthorizationDetailsInput, _ ...func(*iam.Options)) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	sc := scopeOf(ctx)
	type item struct {
		key string
		add func(*iam.GetAccountAuthorizationDetailsOutput)
	}
	type details = iam.GetAccountAuthorizationDetailsOutput
	var all []item
	want := func(t types.EntityType) bool { return len(in.Filter) == 0 || slices.Contains(in.Filter, t) }
	if want(types.EntityTypeGroup) {
		groups, err := s.groups.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			all = append(all, item{"1" + lower(g.Name), func(out *details) {
				out.GroupDetailList = append(out.GroupDetailList, types.GroupDetail{
					Arn: aws.String(g.arn(sc, "group")), AttachedManagedPolicies: s.attachments(sc, &g.entity, ""), CreateDate: aws.Time(g.Created),
					GroupId: aws.String(g.ID), GroupName: aws.String(g.Name), GroupPolicyList: g.details(), Path: aws.String(g.Path),
				})
			}})
		}
	}
	if want(types.EntityTypeRole) {
		roles, err := s.roles.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			all = append(all, item{"2" + lower(r.Name), func(out *details) {
				profiles := []types.InstanceProfile{}
				list, _ := s.profilesOf(sc, r.Name) // of what can be read
				for _, p := range list {
					profiles = append(profiles, *s.profileOut(sc, p, false))
				}
				full := s.roleOut(sc, r, true)
				out.RoleDetailList = append(out.RoleDetailList, types.RoleDetail{
					Arn: full.Arn, AssumeRolePolicyDocument: full.AssumeRolePolicyDocument, AttachedManagedPolicies: s.attachments(sc, &r.entity, ""),
					CreateDate: full.CreateDate, InstanceProfileList: profiles, Path: full.Path, PermissionsBoundary: full.PermissionsBoundary,
					RoleId: full.RoleId, RoleLastUsed: full.RoleLastUsed, RoleName: full.RoleName, RolePolicyList: r.details(), Tags: full.Tags,
				})
			}})
		}
	}
	if want(types.EntityTypeUser) {
		users, err := s.users.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			all = append(all, item{"3" + lower(u.Name), func(out *details) {
				full := s.userOut(sc, u, true)
				out.UserDetailList = append(out.UserDetailList, types.UserDetail{
					Arn: full.Arn, AttachedManagedPolicies: s.attachments(sc, &u.entity, ""), CreateDate: full.CreateDate, GroupList: orEmpty(u.Groups),
					Path: full.Path, PermissionsBoundary: full.PermissionsBoundary, Tags: full.Tags, UserId: full.UserId, UserName: full.UserName, UserPolicyList: u.details(),
				})
			}})
		}
	}
	detail := func(arn string, p *policyDoc) item {
		return item{"4" + lower(p.Name) + arn, func(out *details) {
			o := s.policyOut(sc, arn, p, true)
			d := types.ManagedPolicyDetail{
				Arn: o.Arn, AttachmentCount: o.AttachmentCount, CreateDate: o.CreateDate, DefaultVersionId: o.DefaultVersionId, Description: o.Description,
				IsAttachable: true, Path: o.Path, PermissionsBoundaryUsageCount: o.PermissionsBoundaryUsageCount, PolicyId: o.PolicyId, PolicyName: o.PolicyName,
				UpdateDate: o.UpdateDate,
			}
			for i := len(p.Versions) - 1; i >= 0; i-- {
				d.PolicyVersionList = append(d.PolicyVersionList, *versionOut(p, &p.Versions[i], true))
			}
			out.Policies = append(out.Policies, d)
		}}
	}
	if want(types.EntityTypeLocalManagedPolicy) {
		policies, err := s.policies.All(sc.account)
		if err != nil {
			return nil, err
		}
		for _, p := range policies {
			all = append(all, detail(p.arn(sc), p))
		}
	}
	if want(types.EntityTypeAWSManagedPolicy) {
		for _, p := range awsManaged() {
			arn := "arn:" + sc.partition + ":iam::aws:policy" + p.Path + p.Name
			attached, boundaries, err := s.uses(sc, arn)
			if err != nil {
				return nil, err
			}
			if attached+boundaries > 0 {
				all = append(all, detail(arn, p))
			}
		}
	}
	slices.SortFunc(all, func(a, b item) int { return strings.Compare(a.key, b.key) })
	list, next, more, err := pageOf(all, func(i item) string { return i.key }, in.Marker, in.MaxItems)
	out := &details{
		GroupDetailList: []types.GroupDetail{}, RoleDetailList: []types.RoleDetail{}, UserDetailList: []types.UserDetail{}, Policies: []types.ManagedPolicyDetail{},
		Marker: next, IsTruncated: more,
	}
	for _, i := range list {
		i.add(out)
	}
	return out, err
}

// reportFor is how long a credential report is good.
const reportFor = 4 * time.Hour

// GenerateCredentialReport makes a report, which is ready at once.
func (s *Service) GenerateCredentialReport(ctx context.Context, _ *iam.GenerateCredentialReportInput, _ ...func(*iam.Options)) (*iam.GenerateCredentialReportOutput, error) {
	out := &iam.GenerateCredentialReportOutput{State: types.ReportStateTypeComplete}
	err := s.account(ctx, func(a *accountDoc) error {
		if a.Report.IsZero() || s.since(a.Report, reportFor) {
			out.Description = aws.String("No report exists. Starting a new report generation task")
			a.Report = s.now()
		}
		return nil
	})
	return out, err
}

// GetCredentialReport returns the report: a line for the root and for each user.
func (s *Service) GetCredentialReport(ctx context.Context, _ *iam.GetCredentialReportInput, _ ...func(*iam.Options)) (*iam.GetCredentialReportOutput, error) {
	sc := scopeOf(ctx)
	a, err := s.accounts.Get(sc.account)
	if err != nil || a.Report.IsZero() {
		return nil, &types.CredentialReportNotPresentException{Message: aws.String("No report was found. Please generate a report first.")}
	}
	if s.since(a.Report, reportFor) {
		return nil, &types.CredentialReportExpiredException{Message: aws.String("The report has expired. Please generate a new report.")}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	when := func(t time.Time) string {
		if t.IsZero() {
			return "N/A"
		}
		return t.UTC().Format("2006-01-02T15:04:05+00:00")
	}
	const na = "N/A"
	w.Write([]string{"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
		"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
		"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
		"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"})
	w.Write([]string{"<root_account>", sc.arn("root"), when(a.Report), "not_supported", "no_information", "not_supported", "not_supported", "false",
		"false", na, na, na, na, "false", na, na, na, na, "false", na, "false", na})
	users, err := s.users.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		line := []string{u.Name, u.arn(sc, "user"), when(u.Created), strconv.FormatBool(u.Login != nil), na, na, na, strconv.FormatBool(len(u.MFA) > 0)}
		if u.Login != nil {
			line[4], line[5] = "no_information", when(u.Login.Created)
		}
		for i := range maxKeys {
			cells := []string{"false", na, na, na, na}
			if i < len(u.Keys) {
				if k, err := s.keys.Get(u.Keys[i]); err == nil {
					cells = []string{strconv.FormatBool(!k.Inactive), when(k.Created), when(k.LastUsed), orNA(k.LastRegion), orNA(k.LastService)}
				}
			}
			line = append(line, cells...)
		}
		for i := range maxSigning {
			if i < len(u.Certificates) {
				line = append(line, strconv.FormatBool(!u.Certificates[i].Inactive), when(u.Certificates[i].Uploaded))
			} else {
				line = append(line, "false", na)
			}
		}
		w.Write(line)
	}
	w.Flush()
	return &iam.GetCredentialReportOutput{Content: []byte(strings.TrimSuffix(b.String(), "\n")), GeneratedTime: aws.Time(a.Report), ReportFormat: types.ReportFormatTypeTextCsv}, nil
}

func orNA(s string) string {
	if s == "" {
		return "N/A"
	}
	return s
}
