package iam

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Login profiles and the account's password policy. Nothing here signs in by password: they are stored. A password is
// asked for where its user changes it.

// defaultPassword is the policy of an account that has none.
var defaultPassword = types.PasswordPolicy{MinimumPasswordLength: aws.Int32(8)}

func (s *Service) passwordPolicy(sc scope) *types.PasswordPolicy {
	if a, err := s.accounts.Get(sc.account); err == nil && a.Password != nil {
		return a.Password
	}
	return &defaultPassword
}

func (s *Service) checkPassword(sc scope, password string) error {
	p := s.passwordPolicy(sc)
	var lowerCase, upper, digit, symbol bool
	for _, c := range password {
		switch {
		case 'a' <= c && c <= 'z':
			lowerCase = true
		case 'A' <= c && c <= 'Z':
			upper = true
		case '0' <= c && c <= '9':
			digit = true
		default:
			symbol = true
		}
	}
	message := ""
	switch {
	case len(password) < int(aws.ToInt32(p.MinimumPasswordLength)):
		message = "Password should have a minimum length of " + itoa(aws.ToInt32(p.MinimumPasswordLength))
	case p.RequireLowercaseCharacters && !lowerCase:
		message = "Password should have at least one lowercase letter"
	case p.RequireUppercaseCharacters && !upper:
		message = "Password should have at least one uppercase letter"
	case p.RequireNumbers && !digit:
		message = "Password should have at least one number"
	case p.RequireSymbols && !symbol:
		message = "Password should have at least one symbol"
	default:
		return nil
	}
	return &types.PasswordPolicyViolationException{Message: &message}
}

func loginOut(u *userDoc) *types.LoginProfile {
	return &types.LoginProfile{UserName: aws.String(u.Name), CreateDate: aws.Time(u.Login.Created), PasswordResetRequired: u.Login.Reset}
}

func noLogin(name string) error {
	return noSuchEntity("Login Profile for User %s cannot be found.", name)
}

// CreateLoginProfile gives a user a password.
func (s *Service) CreateLoginProfile(ctx context.Context, in *iam.CreateLoginProfileInput, _ ...func(*iam.Options)) (*iam.CreateLoginProfileOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.modifyUser(ctx, &name, func(u *userDoc) error {
		if u.Login != nil {
			return alreadyExists("Login Profile for user %s already exists.", u.Name)
		}
		if in.Password == nil {
			return validation("Password is required.")
		}
		if err := s.checkPassword(scopeOf(ctx), *in.Password); err != nil {
			return err
		}
		u.Login = &login{Created: s.now(), Reset: in.PasswordResetRequired, Password: s.sealer.Seal(sum(*in.Password), "password of "+u.ID)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateLoginProfileOutput{LoginProfile: loginOut(u)}, nil
}

// GetLoginProfile reports whether a user has a password.
func (s *Service) GetLoginProfile(ctx context.Context, in *iam.GetLoginProfileInput, _ ...func(*iam.Options)) (*iam.GetLoginProfileOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.user(scopeOf(ctx), name)
	if err != nil {
		return nil, err
	}
	if u.Login == nil {
		return nil, noLogin(name)
	}
	return &iam.GetLoginProfileOutput{LoginProfile: loginOut(u)}, nil
}

// UpdateLoginProfile changes a user's password.
func (s *Service) UpdateLoginProfile(ctx context.Context, in *iam.UpdateLoginProfileInput, _ ...func(*iam.Options)) (*iam.UpdateLoginProfileOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		if u.Login == nil {
			return noLogin(u.Name)
		}
		if in.Password != nil {
			if err := s.checkPassword(scopeOf(ctx), *in.Password); err != nil {
				return err
			}
			u.Login.Password = s.sealer.Seal(sum(*in.Password), "password of "+u.ID)
		}
		if in.PasswordResetRequired != nil {
			u.Login.Reset = *in.PasswordResetRequired
		}
		return nil
	})
	return &iam.UpdateLoginProfileOutput{}, err
}

// ChangePassword gives the calling user, who knows the password, another one. Of the passwords that a user had before,
// the last alone is known, so that PasswordReusePrevention refuses that one and no others.
func (s *Service) ChangePassword(ctx context.Context, in *iam.ChangePasswordInput, _ ...func(*iam.Options)) (*iam.ChangePasswordOutput, error) {
	name, ok := s.callerName(ctx)
	if !ok {
		return nil, &types.InvalidUserTypeException{Message: aws.String("Only IAM Users can change their own password")}
	}
	_, err := s.modifyUser(ctx, &name, func(u *userDoc) error {
		if u.Login == nil {
			return noLogin(u.Name)
		}
		old, err := s.sealer.Open(u.Login.Password, "password of "+u.ID)
		if err != nil {
			return fmt.Errorf("password of user %s: %w", u.Name, err)
		}
		if subtle.ConstantTimeCompare(old, sum(*in.OldPassword)) != 1 {
			return awswire.Errorf("AccessDenied", "The old password was incorrect.")
		}
		if err := s.checkPassword(scopeOf(ctx), *in.NewPassword); err != nil {
			return err
		}
		if p := s.passwordPolicy(scopeOf(ctx)); aws.ToInt32(p.PasswordReusePrevention) > 0 && subtle.ConstantTimeCompare(old, sum(*in.NewPassword)) == 1 {
			return &types.PasswordPolicyViolationException{Message: aws.String("Policy constraint violation with password reuse prevention during password change.")}
		}
		u.Login.Password, u.Login.Reset = s.sealer.Seal(sum(*in.NewPassword), "password of "+u.ID), false
		return nil
	})
	return &iam.ChangePasswordOutput{}, err
}

// ownPassword is what the account's password policy allows a user, by the user's ARN; ok is false where it does not.
func (s *Service) ownPassword(sc scope, user string) (n policy.Named, ok bool, err error) {
	if !s.passwordPolicy(sc).AllowUsersToChangePassword {
		return n, false, nil
	}
	resource, _ := json.Marshal(policy.Literal(user)) // paths have quotes and wildcards, too
	n, err = s.named("password policy of the account", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":`+string(resource)+`},`+
		`{"Effect":"Allow","Action":"iam:GetAccountPasswordPolicy","Resource":"*"}]}`)
	return n, err == nil, err
}

// DeleteLoginProfile takes a user's password away.
func (s *Service) DeleteLoginProfile(ctx context.Context, in *iam.DeleteLoginProfileInput, _ ...func(*iam.Options)) (*iam.DeleteLoginProfileOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, &name, func(u *userDoc) error {
		if u.Login == nil {
			return noLogin(u.Name)
		}
		u.Login = nil
		return nil
	})
	return &iam.DeleteLoginProfileOutput{}, err
}

// account changes the document of an account, which it makes if need be.
func (s *Service) account(ctx context.Context, f func(*accountDoc) error) error {
	account := scopeOf(ctx).account
	if _, err := s.accounts.Get(account); found(err, nil) == nil && err != nil {
		if err := s.accounts.Create(ctx, &accountDoc{}, account); created(err, nil) != nil {
			return err
		}
	}
	_, err := s.accounts.Modify(ctx, f, account)
	return err
}

// UpdateAccountPasswordPolicy sets the rules for passwords.
func (s *Service) UpdateAccountPasswordPolicy(ctx context.Context, in *iam.UpdateAccountPasswordPolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAccountPasswordPolicyOutput, error) {
	p := &types.PasswordPolicy{
		AllowUsersToChangePassword: in.AllowUsersToChangePassword, HardExpiry: in.HardExpiry, MaxPasswordAge: in.MaxPasswordAge,
		MinimumPasswordLength: in.MinimumPasswordLength, PasswordReusePrevention: in.PasswordReusePrevention, ExpirePasswords: aws.ToInt32(in.MaxPasswordAge) > 0,
		RequireLowercaseCharacters: in.RequireLowercaseCharacters, RequireNumbers: in.RequireNumbers, RequireSymbols: in.RequireSymbols,
		RequireUppercaseCharacters: in.RequireUppercaseCharacters,
	}
	if p.MinimumPasswordLength == nil {
		p.MinimumPasswordLength = aws.Int32(6)
	}
	return &iam.UpdateAccountPasswordPolicyOutput{}, s.account(ctx, func(a *accountDoc) error { a.Password = p; return nil })
}

// GetAccountPasswordPolicy returns them.
func (s *Service) GetAccountPasswordPolicy(ctx context.Context, _ *iam.GetAccountPasswordPolicyInput, _ ...func(*iam.Options)) (*iam.GetAccountPasswordPolicyOutput, error) {
	a, err := s.accounts.Get(scopeOf(ctx).account)
	if err != nil || a.Password == nil {
		return nil, noSuchEntity("The Password Policy with domain name %s cannot be found.", scopeOf(ctx).account)
	}
	return &iam.GetAccountPasswordPolicyOutput{PasswordPolicy: a.Password}, nil
}

// DeleteAccountPasswordPolicy takes them away.
func (s *Service) DeleteAccountPasswordPolicy(ctx context.Context, _ *iam.DeleteAccountPasswordPolicyInput, _ ...func(*iam.Options)) (*iam.DeleteAccountPasswordPolicyOutput, error) {
	err := s.account(ctx, func(a *accountDoc) error {
		if a.Password == nil {
			return noSuchEntity("The account policy with name PasswordPolicy cannot be found.")
		}
		a.Password = nil
		return nil
	})
	return &iam.DeleteAccountPasswordPolicyOutput{}, err
}
