package iam

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Access keys of users, at most two each. The secret is told once, when the key is made; it is kept
// sealed with the node's key.

const maxKeys = 2

// lastUsedEvery is how often the use of a key or role is written down.
const lastUsedEvery = 15 * time.Minute

func newSecret() string {
	var b [30]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

func keyPurpose(id string) string { return "secret of access key " + id }

// CreateAccessKey makes a key of a user, or of the user who calls.
func (s *Service) CreateAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput, _ ...func(*iam.Options)) (*iam.CreateAccessKeyOutput, error) {
	sc := scopeOf(ctx)
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.user(sc, name)
	if err != nil {
		return nil, err
	}
	tooMany := limitExceeded("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
	if len(u.Keys) >= maxKeys {
		return nil, tooMany
	}
	id, secret := newID("AKIA")[:20], newSecret()
	k := &keyDoc{Account: sc.account, User: u.Name, Secret: s.sealer.Seal([]byte(secret), keyPurpose(id)), Created: s.now()}
	if err := s.keys.Create(ctx, k, id); err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, &u.Name, func(u *userDoc) error {
		if len(u.Keys) >= maxKeys {
			return tooMany
		}
		u.Keys = append(u.Keys, id)
		return nil
	})
	if err != nil {
		_ = s.keys.Delete(ctx, id) // a key without a user acts for nobody
		return nil, err
	}
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: &id, SecretAccessKey: &secret, Status: types.StatusTypeActive, UserName: aws.String(u.Name), CreateDate: aws.Time(k.Created),
	}}, nil
}

func (k *keyDoc) status() types.StatusType {
	if k.Inactive {
		return types.StatusTypeInactive
	}
	return types.StatusTypeActive
}

// keyOf returns a key of a user.
func (s *Service) keyOf(ctx context.Context, user *string, id string) (*userDoc, error) {
	name, err := s.nameOr(ctx, user)
	if err != nil {
		return nil, err
	}
	u, err := s.user(scopeOf(ctx), name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(u.Keys, id) {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", id)
	}
	return u, nil
}

// UpdateAccessKey makes a key active or inactive.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput, _ ...func(*iam.Options)) (*iam.UpdateAccessKeyOutput, error) {
	if _, err := s.keyOf(ctx, in.UserName, *in.AccessKeyId); err != nil {
		return nil, err
	}
	_, err := s.keys.Modify(ctx, func(k *keyDoc) error {
		k.Inactive = in.Status != types.StatusTypeActive
		return nil
	}, *in.AccessKeyId)
	return &iam.UpdateAccessKeyOutput{}, found(err, noSuchEntity("The Access Key with id %s cannot be found.", *in.AccessKeyId))
}

// DeleteAccessKey removes a key: requests that it signs are refused from then on.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput, _ ...func(*iam.Options)) (*iam.DeleteAccessKeyOutput, error) {
	u, err := s.keyOf(ctx, in.UserName, *in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	if err := s.keys.Delete(ctx, *in.AccessKeyId); found(err, nil) != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, &u.Name, func(u *userDoc) error {
		u.Keys = slices.DeleteFunc(u.Keys, func(id string) bool { return id == *in.AccessKeyId })
		return nil
	})
	return &iam.DeleteAccessKeyOutput{}, err
}

// ListAccessKeys lists the keys of a user, or of the user who calls.
func (s *Service) ListAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput, _ ...func(*iam.Options)) (*iam.ListAccessKeysOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.user(scopeOf(ctx), name)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccessKeysOutput{AccessKeyMetadata: []types.AccessKeyMetadata{}}
	for _, id := range u.Keys {
		k, err := s.keys.Get(id)
		if found(err, nil) != nil {
			return nil, err
		}
		if err == nil {
			out.AccessKeyMetadata = append(out.AccessKeyMetadata, types.AccessKeyMetadata{
				AccessKeyId: aws.String(id), CreateDate: aws.Time(k.Created), Status: k.status(), UserName: aws.String(u.Name),
			})
		}
	}
	return out, nil
}

// GetAccessKeyLastUsed reports when and where a key was used last, to a quarter of an hour.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, in *iam.GetAccessKeyLastUsedInput, _ ...func(*iam.Options)) (*iam.GetAccessKeyLastUsedOutput, error) {
	k, err := s.keys.Get(*in.AccessKeyId)
	if err != nil || k.Account != scopeOf(ctx).account {
		return nil, noSuchEntity("The Access Key with ID %s cannot be found", *in.AccessKeyId)
	}
	used := &types.AccessKeyLastUsed{Region: aws.String("N/A"), ServiceName: aws.String("N/A")}
	if !k.LastUsed.IsZero() {
		used = &types.AccessKeyLastUsed{LastUsedDate: aws.Time(k.LastUsed), Region: aws.String(k.LastRegion), ServiceName: aws.String(k.LastService)}
	}
	return &iam.GetAccessKeyLastUsedOutput{UserName: aws.String(k.User), AccessKeyLastUsed: used}, nil
}

// Key is a long-term access key and the user whose it is.
type Key struct {
	Secret  string
	Account string
	User    string // ARN
	UserID  string
}

// secretCache keeps opened secrets by their sealed form, so that a request does not decrypt.
type secretCache struct {
	mu     sync.RWMutex
	secret map[string]string
}

// maxSecrets bounds the cache; beyond it it starts again.
const maxSecrets = 4096

// Key returns an active access key of a user who is there; false for all others.
func (s *Service) Key(_ context.Context, id string) (Key, bool) {
	k, err := s.keys.Get(id)
	if err != nil || k.Inactive {
		return Key{}, false
	}
	u, err := s.users.Get(k.Account, lower(k.User))
	if err != nil || !slices.Contains(u.Keys, id) {
		return Key{}, false
	}
	secret, err := s.secret(id, k.Secret)
	if err != nil {
		return Key{}, false
	}
	sc := scope{account: k.Account, partition: "aws"}
	return Key{Secret: secret, Account: k.Account, User: u.arn(sc, "user"), UserID: u.ID}, true
}

func (s *Service) secret(id string, sealed []byte) (string, error) {
	s.secrets.mu.RLock()
	secret, ok := s.secrets.secret[string(sealed)]
	s.secrets.mu.RUnlock()
	if ok {
		return secret, nil
	}
	plain, err := s.sealer.Open(sealed, keyPurpose(id))
	if err != nil {
		return "", err
	}
	s.secrets.mu.Lock()
	defer s.secrets.mu.Unlock()
	if s.secrets.secret == nil || len(s.secrets.secret) >= maxSecrets {
		s.secrets.secret = map[string]string{}
	}
	s.secrets.secret[string(sealed)] = string(plain)
	return string(plain), nil
}

// AccountOfKey returns the account of a key that is there.
func (s *Service) AccountOfKey(_ context.Context, id string) (string, bool) {
	k, err := s.keys.Get(id)
	if err != nil {
		return "", false
	}
	return k.Account, true
}

// Used notes that a key was used, at most every quarter of an hour.
func (s *Service) Used(ctx context.Context, id, service, region string) {
	if !s.due(id) {
		return
	}
	_, _ = s.keys.Modify(ctx, func(k *keyDoc) error { // a note, that the next use writes again
		k.LastUsed, k.LastService, k.LastRegion = s.now(), service, region
		return nil
	}, id)
}

// due reports whether the use of what has the id is to be written again.
func (s *Service) due(id string) bool {
	now := s.clock.Now()
	s.usedMu.Lock()
	defer s.usedMu.Unlock()
	if now.Sub(s.used[id]) < lastUsedEvery {
		return false
	}
	if len(s.used) >= maxSecrets {
		clear(s.used)
	}
	s.used[id] = now
	return true
}
