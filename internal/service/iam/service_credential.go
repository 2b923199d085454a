package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Credentials of users for one service each, at most two a service. The services that take them are none of this node's: what
// is stored is that there are some. A password is told once, and not kept. Those of Bedrock are left out.

const maxServiceCredentials = 2

var credentialServices = []string{"codecommit.amazonaws.com", "cassandra.amazonaws.com"}

type serviceSecret struct {
	ID       string    `json:"id"`
	Service  string    `json:"service"`
	UserName string    `json:"user_name"`
	Inactive bool      `json:"inactive,omitempty"`
	Created  time.Time `json:"created"`
}

func (c *serviceSecret) status() types.StatusType {
	if c.Inactive {
		return types.StatusTypeInactive
	}
	return types.StatusTypeActive
}

func (c *serviceSecret) out(user string) *types.ServiceSpecificCredential {
	return &types.ServiceSpecificCredential{
		CreateDate: aws.Time(c.Created), ServiceName: aws.String(c.Service), ServiceSpecificCredentialId: aws.String(c.ID), ServiceUserName: aws.String(c.UserName),
		ServicePassword: aws.String(newSecret() + newSecret()[:4]), Status: c.status(), UserName: &user,
	}
}

func (u *userDoc) service(id string) (*serviceSecret, error) {
	if i := slices.IndexFunc(u.Services, func(c serviceSecret) bool { return c.ID == id }); i >= 0 {
		return &u.Services[i], nil
	}
	return nil, noSuchEntity("No such credential %s exists", id)
}

// CreateServiceSpecificCredential makes one, and tells its password.
func (s *Service) CreateServiceSpecificCredential(ctx context.Context, in *iam.CreateServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.CreateServiceSpecificCredentialOutput, error) {
	var c serviceSecret
	u, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		if !slices.Contains(credentialServices, *in.ServiceName) {
			return noSuchEntity("No such service %s is supported for Service Specific Credentials", *in.ServiceName)
		}
		if in.CredentialAgeDays != nil {
			return invalidInput("The service %s does not support credentials that expire.", *in.ServiceName)
		}
		n := 0
		names := map[string]bool{}
		for _, have := range u.Services {
			names[have.UserName] = true
			if have.Service == *in.ServiceName {
				n++
			}
		}
		if n >= maxServiceCredentials {
			return limitExceeded("Cannot exceed quota for ServiceSpecificCredentialsPerUser: %d", maxServiceCredentials)
		}
		name := u.Name + "-at-" + scopeOf(ctx).account
		for i := 1; names[name]; i++ {
			name = u.Name + "+" + strconv.Itoa(i) + "-at-" + scopeOf(ctx).account
		}
		c = serviceSecret{ID: newID("ACCA"), Service: *in.ServiceName, UserName: name, Created: s.now()}
		u.Services = append(u.Services, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateServiceSpecificCredentialOutput{ServiceSpecificCredential: c.out(u.Name)}, nil
}

// ListServiceSpecificCredentials lists those of a user, or of all.
func (s *Service) ListServiceSpecificCredentials(ctx context.Context, in *iam.ListServiceSpecificCredentialsInput, _ ...func(*iam.Options)) (*iam.ListServiceSpecificCredentialsOutput, error) {
	sc := scopeOf(ctx)
	var users []*userDoc
	if aws.ToBool(in.AllUsers) {
		if in.UserName != nil {
			return nil, invalidInput("UserName cannot be given with AllUsers.")
		}
		all, err := s.users.All(sc.account)
		if err != nil {
			return nil, err
		}
		users = all
	} else {
		name, err := s.nameOr(ctx, in.UserName)
		if err != nil {
			return nil, err
		}
		u, err := s.user(sc, name)
		if err != nil {
			return nil, err
		}
		users = []*userDoc{u}
	}
	all := []types.ServiceSpecificCredentialMetadata{}
	for _, u := range users {
		for _, c := range u.Services {
			if in.ServiceName == nil || *in.ServiceName == c.Service {
				all = append(all, types.ServiceSpecificCredentialMetadata{
					CreateDate: aws.Time(c.Created), ServiceName: aws.String(c.Service), ServiceSpecificCredentialId: aws.String(c.ID), ServiceUserName: aws.String(c.UserName),
					Status: c.status(), UserName: aws.String(u.Name),
				})
			}
		}
	}
	id := func(c types.ServiceSpecificCredentialMetadata) string { return *c.ServiceSpecificCredentialId }
	slices.SortFunc(all, func(a, b types.ServiceSpecificCredentialMetadata) int { return strings.Compare(id(a), id(b)) })
	list, next, more, err := pageOf(all, id, in.Marker, in.MaxItems)
	if list == nil {
		list = []types.ServiceSpecificCredentialMetadata{}
	}
	return &iam.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: list, Marker: next, IsTruncated: more}, err
}

// modifyService changes a credential of a user, or of the user who calls.
func (s *Service) modifyService(ctx context.Context, user *string, id string, f func(*userDoc, *serviceSecret)) (*userDoc, error) {
	name, err := s.nameOr(ctx, user)
	if err != nil {
		return nil, err
	}
	return s.modifyUser(ctx, &name, func(u *userDoc) error {
		c, err := u.service(id)
		if err == nil {
			f(u, c)
		}
		return err
	})
}

// UpdateServiceSpecificCredential makes one active or inactive.
func (s *Service) UpdateServiceSpecificCredential(ctx context.Context, in *iam.UpdateServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.UpdateServiceSpecificCredentialOutput, error) {
	_, err := s.modifyService(ctx, in.UserName, *in.ServiceSpecificCredentialId, func(_ *userDoc, c *serviceSecret) { c.Inactive = in.Status != types.StatusTypeActive })
	return &iam.UpdateServiceSpecificCredentialOutput{}, err
}

// ResetServiceSpecificCredential gives one another password.
func (s *Service) ResetServiceSpecificCredential(ctx context.Context, in *iam.ResetServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.ResetServiceSpecificCredentialOutput, error) {
	var is serviceSecret
	u, err := s.modifyService(ctx, in.UserName, *in.ServiceSpecificCredentialId, func(_ *userDoc, c *serviceSecret) { is = *c })
	if err != nil {
		return nil, err
	}
	return &iam.ResetServiceSpecificCredentialOutput{ServiceSpecificCredential: is.out(u.Name)}, nil
}

// DeleteServiceSpecificCredential removes one.
func (s *Service) DeleteServiceSpecificCredential(ctx context.Context, in *iam.DeleteServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.DeleteServiceSpecificCredentialOutput, error) {
	_, err := s.modifyService(ctx, in.UserName, *in.ServiceSpecificCredentialId, func(u *userDoc, c *serviceSecret) {
		id := c.ID
		u.Services = slices.DeleteFunc(u.Services, func(c serviceSecret) bool { return c.ID == id })
	})
	return &iam.DeleteServiceSpecificCredentialOutput{}, err
}

// SetSecurityTokenServicePreferences keeps which session tokens the global endpoint of STS hands out. Those of a node are good in every region.
func (s *Service) SetSecurityTokenServicePreferences(ctx context.Context, in *iam.SetSecurityTokenServicePreferencesInput, _ ...func(*iam.Options)) (*iam.SetSecurityTokenServicePreferencesOutput, error) {
	return &iam.SetSecurityTokenServicePreferencesOutput{}, s.account(ctx, func(a *accountDoc) error {
		a.Tokens = 1
		if in.GlobalEndpointTokenVersion == types.GlobalEndpointTokenVersionV2Token {
			a.Tokens = 2
		}
		return nil
	})
}
