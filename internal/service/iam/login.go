package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Login profiles and the account's password policy. Nothing here signs in by password: they are stored.

// defaultPassword is the policy of an account that has none.
var defaultPassword = types.PasswordPolicy{MinimumPasswordLength: aws.Int32(8)}

func (s *Service) checkPassword(sc scope, password string) error {
	p := &defaultPassword
	if a, err := s.accounts.Get(sc.account); err == nil && a.Password != nil {
		p = a.Password
	}
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
