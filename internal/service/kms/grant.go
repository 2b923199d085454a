package kms

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Grants as documents; granted.go says what they allow. A grant counts at once, so that its token, which AWS has for the
// time until it does, is not looked at where a key is used.

type grantDoc struct {
	ID         string                  `json:"id"`
	Key        string                  `json:"key"` // id
	Account    string                  `json:"account"`
	Region     string                  `json:"region"`
	Name       string                  `json:"name,omitempty"`
	Grantee    string                  `json:"grantee"`
	Retiring   string                  `json:"retiring,omitempty"`
	Operations []types.GrantOperation  `json:"operations"`
	Limits     *types.GrantConstraints `json:"constraints,omitempty"`
	Token      string                  `json:"token"`
	Created    time.Time               `json:"created"`
}

func (g *grantDoc) entry() types.GrantListEntry {
	e := types.GrantListEntry{
		KeyId: aws.String(arn.New("kms", g.Region, g.Account, "key/"+g.Key)), GrantId: &g.ID, CreationDate: &g.Created, GranteePrincipal: &g.Grantee,
		IssuingAccount: aws.String(arn.Global("iam", g.Region, g.Account, "root")), Operations: g.Operations, Constraints: g.Limits, Name: &g.Name,
	}
	if g.Retiring != "" {
		e.RetiringPrincipal = &g.Retiring
	}
	return e
}

// CreateGrant adds a grant. One of the same name and content is returned as it is.
func (s *Service) CreateGrant(ctx context.Context, in *kms.CreateGrantInput, _ ...func(*kms.Options)) (*kms.CreateGrantOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := usable(k); err != nil {
		return nil, err
	}
	if len(in.Operations) == 0 {
		return nil, invalid("The list of operations of a grant is empty")
	}
	g := &grantDoc{
		Key: k.ID, Account: k.Account, Region: k.Region, Name: aws.ToString(in.Name), Grantee: *in.GranteePrincipal, Retiring: aws.ToString(in.RetiringPrincipal),
		Operations: in.Operations, Limits: in.Constraints, Created: s.now(),
	}
	if err := checkGrant(k, g); err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	raw := make([]byte, 64)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	if g.Name != "" { // its id follows from what it is, so that doing it again does it once
		text, err := json.Marshal([]any{g.Name, g.Grantee, g.Retiring, g.Operations, g.Limits})
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		copy(raw, sum[:])
	}
	g.ID, g.Token = hex.EncodeToString(raw[:32]), base64.StdEncoding.EncodeToString(raw[32:])
	err = s.grants.Create(ctx, g, g.Account, g.Region, g.Key, g.ID)
	if errors.Is(err, state.ErrExists) {
		if g, err = s.grants.Get(g.Account, g.Region, g.Key, g.ID); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return &kms.CreateGrantOutput{GrantId: &g.ID, GrantToken: &g.Token}, nil
}

// ListGrants lists the grants of a key.
func (s *Service) ListGrants(ctx context.Context, in *kms.ListGrantsInput, _ ...func(*kms.Options)) (*kms.ListGrantsOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	all, err := s.grants.All(k.Account, k.Region, k.ID)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(g *grantDoc) bool {
		return in.GrantId != nil && g.ID != *in.GrantId || in.GranteePrincipal != nil && g.Grantee != *in.GranteePrincipal
	})
	if in.GrantId != nil && len(all) == 0 {
		return nil, notFound("Grant ID %s not found", *in.GrantId)
	}
	list, next, err := paged(all, func(g *grantDoc) string { return g.ID }, in.Marker, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &kms.ListGrantsOutput{Truncated: next != nil, NextMarker: next, Grants: []types.GrantListEntry{}}
	for _, g := range list {
		out.Grants = append(out.Grants, g.entry())
	}
	return out, nil
}

// ListRetirableGrants lists the grants that a principal may retire.
func (s *Service) ListRetirableGrants(ctx context.Context, in *kms.ListRetirableGrantsInput, _ ...func(*kms.Options)) (*kms.ListRetirableGrantsOutput, error) {
	c := awswire.CallerFrom(ctx)
	all, err := s.grants.All(c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(g *grantDoc) bool { return g.Retiring != *in.RetiringPrincipal })
	list, next, err := paged(all, func(g *grantDoc) string { return g.ID }, in.Marker, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &kms.ListRetirableGrantsOutput{Truncated: next != nil, NextMarker: next, Grants: []types.GrantListEntry{}}
	for _, g := range list {
		out.Grants = append(out.Grants, g.entry())
	}
	return out, nil
}

// RevokeGrant deletes a grant.
func (s *Service) RevokeGrant(ctx context.Context, in *kms.RevokeGrantInput, _ ...func(*kms.Options)) (*kms.RevokeGrantOutput, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	return &kms.RevokeGrantOutput{}, s.deleteGrant(ctx, k.Account, k.Region, k.ID, *in.GrantId)
}

func (s *Service) deleteGrant(ctx context.Context, account, region, key, id string) error {
	err := s.grants.Delete(ctx, account, region, key, id)
	if errors.Is(err, state.ErrNotFound) {
		return notFound("Grant ID %s not found", id)
	}
	return err
}

// RetireGrant deletes a grant, which its token names, or its id with the key.
func (s *Service) RetireGrant(ctx context.Context, in *kms.RetireGrantInput, _ ...func(*kms.Options)) (*kms.RetireGrantOutput, error) {
	c := awswire.CallerFrom(ctx)
	if in.GrantToken == nil {
		if in.KeyId == nil || in.GrantId == nil {
			return nil, invalid("Grant token OR (grant ID, key ID) is required")
		}
		k, err := s.find(ctx, in.KeyId)
		if err != nil {
			return nil, err
		}
		g, err := s.grants.Get(k.Account, k.Region, k.ID, *in.GrantId)
		if errors.Is(err, state.ErrNotFound) {
			err = notFound("Grant ID %s not found", *in.GrantId)
		}
		if err != nil {
			return nil, err
		}
		return s.retire(ctx, g, in.DryRun)
	}
	for item, err := range s.grants.List(c.Account, c.Region) {
		if err != nil {
			return nil, err
		}
		if g := item.Value; g.Token == *in.GrantToken {
			return s.retire(ctx, g, in.DryRun)
		}
	}
	return nil, &types.InvalidGrantTokenException{Message: message("Invalid grant token")}
}

func (s *Service) retire(ctx context.Context, g *grantDoc, dry *bool) (*kms.RetireGrantOutput, error) {
	if err := s.mayRetire(ctx, g); err != nil {
		return nil, err
	}
	if aws.ToBool(dry) {
		return nil, errDryRun
	}
	return &kms.RetireGrantOutput{}, s.deleteGrant(ctx, g.Account, g.Region, g.Key, g.ID)
}
