package kms

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Aliases: names of keys in an account and region. Those with the prefix alias/aws/ are AWS's.

var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

func checkAlias(name string) error {
	switch {
	case !strings.HasPrefix(name, "alias/"):
		return invalid("Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case strings.HasPrefix(name, managedPrefix):
		return awswire.Errorf("NotAuthorizedException", "")
	case strings.Contains(name[len("alias/"):], ":"):
		return invalid("%s contains invalid characters for an alias", name)
	case !aliasName.MatchString(name):
		return &types.InvalidAliasNameException{Message: message("%s is not a valid alias name", name)}
	}
	return nil
}

func isAlias(name string) bool {
	a, _ := arn.Parse(name)
	return strings.HasPrefix(name, "alias/") || strings.HasPrefix(a.Resource, "alias/")
}

// CreateAlias names a key.
func (s *Service) CreateAlias(ctx context.Context, in *kms.CreateAliasInput, _ ...func(*kms.Options)) (*kms.CreateAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	if isAlias(*in.TargetKeyId) {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	k, err := s.find(ctx, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	if k.Deletion != nil {
		return nil, wrongState("%s is pending deletion.", k.arn())
	}
	now := s.now()
	a := &aliasDoc{Name: *in.AliasName, Account: k.Account, Region: k.Region, Key: k.ID, Created: now, Updated: now}
	err = s.aliases.Create(ctx, a, a.Account, a.Region, a.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, &types.AlreadyExistsException{Message: message("An alias with the name %s already exists", a.arn())}
	}
	return &kms.CreateAliasOutput{}, err
}

// UpdateAlias gives an alias another key, of the same kind and use.
func (s *Service) UpdateAlias(ctx context.Context, in *kms.UpdateAliasInput, _ ...func(*kms.Options)) (*kms.UpdateAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	if isAlias(*in.TargetKeyId) {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	c := awswire.CallerFrom(ctx)
	old, err := s.aliases.Get(c.Account, c.Region, *in.AliasName)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("Alias %s is not found.", aliasARN(c, in.AliasName))
	}
	if err != nil {
		return nil, err
	}
	k, err := s.find(ctx, in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	if k.Deletion != nil {
		return nil, wrongState("%s is pending deletion.", k.arn())
	}
	if was, err := s.get(ctx, old.Key); err == nil && (was.Usage != k.Usage || (was.Spec == "SYMMETRIC_DEFAULT") != (k.Spec == "SYMMETRIC_DEFAULT")) {
		return nil, invalid("Alias %s cannot be changed from a key with KeyUsage %s and KeySpec %s to one with KeyUsage %s and KeySpec %s", old.arn(), was.Usage, was.Spec, k.Usage, k.Spec)
	}
	_, err = s.aliases.Modify(ctx, func(a *aliasDoc) error { a.Key, a.Updated = k.ID, s.now(); return nil }, c.Account, c.Region, *in.AliasName)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("Alias %s is not found.", aliasARN(c, in.AliasName))
	}
	return &kms.UpdateAliasOutput{}, err
}

// DeleteAlias takes a name away; the key stays.
func (s *Service) DeleteAlias(ctx context.Context, in *kms.DeleteAliasInput, _ ...func(*kms.Options)) (*kms.DeleteAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	c := awswire.CallerFrom(ctx)
	err := s.aliases.Delete(ctx, c.Account, c.Region, *in.AliasName)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound("Alias %s is not found.", aliasARN(c, in.AliasName))
	}
	return &kms.DeleteAliasOutput{}, err
}

// ListAliases lists the aliases, of a key if one is named. Those of AWS are listed from when they were first used.
func (s *Service) ListAliases(ctx context.Context, in *kms.ListAliasesInput, _ ...func(*kms.Options)) (*kms.ListAliasesOutput, error) {
	c := awswire.CallerFrom(ctx)
	of := ""
	if in.KeyId != nil {
		k, err := s.find(ctx, in.KeyId)
		if err != nil {
			return nil, err
		}
		of = k.ID
	}
	var all []*aliasDoc
	for item, err := range s.aliases.List(c.Account, c.Region) {
		if err != nil {
			return nil, err
		}
		if of == "" || item.Value.Key == of {
			all = append(all, item.Value)
		}
	}
	list, next, err := paged(all, func(a *aliasDoc) string { return a.Name }, in.Marker, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &kms.ListAliasesOutput{Truncated: next != nil, NextMarker: next, Aliases: []types.AliasListEntry{}}
	for _, a := range list {
		out.Aliases = append(out.Aliases, types.AliasListEntry{AliasName: &a.Name, AliasArn: aws.String(a.arn()), TargetKeyId: &a.Key, CreationDate: &a.Created, LastUpdatedDate: &a.Updated})
	}
	return out, nil
}
