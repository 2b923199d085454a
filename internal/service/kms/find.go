package kms

import (
	"context"
	"crypto/sha256"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/keyring"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// A key is named by its id, its ARN, an alias, or an alias's ARN.

var keyID = regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

const managedPrefix = "alias/aws/"

// managedServices have keys of their own in each account and region.
var managedServices = []string{
	"acm", "backup", "cloudwatch", "dynamodb", "ebs", "elasticfilesystem", "es", "fsx", "glue", "kinesis", "kinesisvideo", "lambda", "lightsail",
	"rds", "redshift", "s3", "secretsmanager", "sns", "sqs", "ssm", "workspaces", "xray",
}

func parseKeyARN(text string) (a arn.ARN, id string, ok bool) {
	if a, ok = arn.Parse(text); !ok || a.Service != "kms" {
		return a, "", false
	}
	id, ok = strings.CutPrefix(a.Resource, "key/")
	return a, id, ok
}

func aliasARN(c awswire.Caller, name *string) string {
	return arn.New("kms", c.Region, c.Account, aws.ToString(name))
}

// on is the ARN of what a call works on, for policies.
func (s *Service) on(c awswire.Caller, name *string) []string {
	text := aws.ToString(name)
	if _, _, ok := parseKeyARN(text); ok {
		return []string{text}
	}
	id := text
	if a, ok := arn.Parse(text); ok {
		if a.Account != c.Account || a.Region != c.Region {
			return []string{text}
		}
		id = a.Resource
	}
	if strings.HasPrefix(id, "alias/") && s.aliases != nil {
		if a, err := s.aliases.Get(c.Account, c.Region, id); err == nil {
			id = a.Key
		} else if service, ok := strings.CutPrefix(id, managedPrefix); ok {
			id = managedID(c.Account, c.Region, service)
		} else {
			return []string{arn.New("kms", c.Region, c.Account, id)}
		}
	}
	return []string{arn.New("kms", c.Region, c.Account, "key/"+id)}
}

// onSealed is on for what a key has encrypted, which names the key itself.
func (s *Service) onSealed(c awswire.Caller, name *string, sealed []byte) []string {
	if aws.ToString(name) != "" {
		return s.on(c, name)
	}
	n, err := keyring.Named(sealed)
	if err != nil {
		return nil
	}
	ids := idsOf(n)
	if s.keys == nil { // the zero value, of which the operations are listed
		return []string{arn.New("kms", c.Region, c.Account, "key/"+ids[0])}
	}
	for _, id := range ids {
		if _, err := s.keys.Get(c.Account, c.Region, id); err == nil {
			return []string{arn.New("kms", c.Region, c.Account, "key/"+id)}
		}
	}
	for key := range s.keys.Keys() { // of another account, whose policy decides
		if key[1] == c.Region && slices.Contains(ids, key[2]) {
			return []string{arn.New("kms", c.Region, key[0], "key/"+key[2])}
		}
	}
	return []string{arn.New("kms", c.Region, c.Account, "key/"+ids[1])}
}

// find returns the key of a name.
func (s *Service) find(ctx context.Context, name *string) (*keyDoc, error) {
	c := awswire.CallerFrom(ctx)
	text := aws.ToString(name)
	id := text
	if strings.HasPrefix(text, "arn:") {
		a, ok := arn.Parse(text)
		kind, _, _ := strings.Cut(a.Resource, "/")
		if !ok || a.Service != "kms" || kind != "key" && kind != "alias" {
			return nil, notFound("Invalid arn %s", text)
		}
		if a.Region != c.Region {
			return nil, notFound("Invalid arn %s", a.Region)
		}
		if a.Account != c.Account {
			return nil, accessDenied("The caller is not authorized to use %s because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access", text)
		}
		if id, ok = strings.CutPrefix(a.Resource, "key/"); ok && !keyID.MatchString(id) {
			return nil, noKey(text) // "key/alias/name" too, whose policy nobody would have asked
		}
	}
	if strings.HasPrefix(id, "alias/") {
		return s.behindAlias(ctx, id)
	}
	if !keyID.MatchString(id) {
		if strings.HasPrefix(text, "arn:") {
			return nil, noKey(text)
		}
		return nil, notFound("Invalid keyId '%s'", text)
	}
	return s.get(ctx, id)
}

func (s *Service) behindAlias(ctx context.Context, name string) (*keyDoc, error) {
	c := awswire.CallerFrom(ctx)
	a, err := s.aliases.Get(c.Account, c.Region, name)
	if errors.Is(err, state.ErrNotFound) {
		if service, ok := strings.CutPrefix(name, managedPrefix); ok && slices.Contains(managedServices, service) {
			return s.managed(ctx, service)
		}
		return nil, notFound("Alias %s is not found.", arn.New("kms", c.Region, c.Account, name))
	}
	if err != nil {
		return nil, err
	}
	return s.get(ctx, a.Key)
}

// get returns a key of the caller's account and region by its id.
func (s *Service) get(ctx context.Context, id string) (*keyDoc, error) {
	c := awswire.CallerFrom(ctx)
	k, err := s.keys.Get(c.Account, c.Region, id)
	if err == nil && s.isOver(k) {
		if err := s.remove(ctx, k); err != nil {
			return nil, err
		}
		err = state.ErrNotFound
	}
	if errors.Is(err, state.ErrNotFound) {
		for _, service := range managedServices {
			if id == managedID(c.Account, c.Region, service) {
				return s.managed(ctx, service) // a service has told of it before anybody named it
			}
		}
		return nil, noKey(arn.New("kms", c.Region, c.Account, "key/"+id))
	}
	return k, err
}

func (s *Service) isOver(k *keyDoc) bool {
	return k.Deletion != nil && !s.clock.Now().Before(*k.Deletion)
}

// remove deletes a key whose time is over, the aliases first: they are found by it.
func (s *Service) remove(ctx context.Context, k *keyDoc) error {
	for a, err := range s.aliases.List(k.Account, k.Region) {
		if err != nil {
			return err
		}
		if a.Value.Key == k.ID {
			if err := s.aliases.Delete(ctx, k.Account, k.Region, a.Value.Name); err != nil && !errors.Is(err, state.ErrNotFound) {
				return err
			}
		}
	}
	if err := s.grants.DeleteAll(ctx, k.Account, k.Region, k.ID); err != nil {
		return err
	}
	if err := s.keys.Delete(ctx, k.Account, k.Region, k.ID); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}

// modify changes the key of a name.
func (s *Service) modify(ctx context.Context, name *string, f func(*keyDoc) error) (*keyDoc, error) {
	k, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	changed, err := s.keys.Modify(ctx, f, k.Account, k.Region, k.ID)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noKey(k.arn())
	}
	return changed, err
}

// managedID is the id of the key that AWS has for a service.
func managedID(account, region, service string) string {
	sum := sha256.Sum256([]byte("aws/" + service + "/" + account + "/" + region))
	return idsOf(keyring.Name{ID: [16]byte(sum[:16])})[0]
}

// managed returns the key that AWS has for a service, which is made when it is first named.
func (s *Service) managed(ctx context.Context, service string) (*keyDoc, error) {
	c := awswire.CallerFrom(ctx)
	id := managedID(c.Account, c.Region, service)
	k, err := s.keys.Get(c.Account, c.Region, id)
	if errors.Is(err, state.ErrNotFound) {
		k = &keyDoc{
			ID: id, Account: c.Account, Region: c.Region, Created: s.now(), Spec: keyring.Symmetric, Usage: "ENCRYPT_DECRYPT", Manager: "AWS",
			Description: "Default key that protects my " + protects(service) + " when no other key is defined", RotationDays: defaultRotation,
			Policy: defaultPolicy(c.Region, c.Account),
		}
		k.RotationFrom = &k.Created
		if err := s.addMaterial(k, ""); err != nil {
			return nil, err
		}
		if err = s.keys.Create(ctx, k, k.Account, k.Region, k.ID); errors.Is(err, state.ErrExists) {
			k, err = s.keys.Get(c.Account, c.Region, id)
		}
	}
	if err != nil {
		return nil, err
	}
	a := &aliasDoc{Name: managedPrefix + service, Account: c.Account, Region: c.Region, Key: id, Created: k.Created, Updated: k.Created}
	if err := s.aliases.Create(ctx, a, a.Account, a.Region, a.Name); err != nil && !errors.Is(err, state.ErrExists) {
		return nil, err
	}
	return k, nil
}

// protects names what the key that AWS has for a service protects.
func protects(service string) string {
	if service == "s3" {
		return "S3 objects"
	}
	return strings.ToUpper(service) + " data"
}

// usable refuses a key that cannot be used now.
func usable(k *keyDoc) error {
	switch {
	case k.Deletion != nil:
		return wrongState("%s is pending deletion.", k.arn())
	case k.Disabled:
		return disabled(k)
	}
	return nil
}
