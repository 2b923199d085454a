package kms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/engine/keyring"
)

// Rotation: a symmetric key gets new material, with which it encrypts from then on; the old ones still decrypt. What
// is due by time is done when the key is next used or looked at.

const (
	defaultRotation = 365 // days
	maxRotations    = 25  // on demand, a key
)

func (k *keyDoc) rotates() error {
	if k.Spec != keyring.Symmetric {
		return unsupported("")
	}
	return nil
}

// next is when the key is rotated by time; zero: never.
func (k *keyDoc) next() time.Time {
	if k.RotationDays == 0 || k.RotationFrom == nil {
		return time.Time{}
	}
	since := *k.RotationFrom
	if last := k.Material[len(k.Material)-1]; last.Type == string(types.RotationTypeAutomatic) && last.Since.After(since) {
		since = last.Since
	}
	return since.Add(time.Duration(k.RotationDays) * 24 * time.Hour)
}

// rotated is find, with the rotation done that is due.
func (s *Service) rotated(ctx context.Context, name *string) (*keyDoc, error) {
	k, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	due := func(k *keyDoc) bool {
		next := k.next()
		return !next.IsZero() && !s.clock.Now().Before(next) && k.state() == types.KeyStateEnabled
	}
	if !due(k) {
		return k, nil
	}
	return s.modify(ctx, aws.String(k.ID), func(k *keyDoc) error {
		if !due(k) {
			return nil
		}
		return s.addMaterial(k, string(types.RotationTypeAutomatic))
	})
}

// EnableKeyRotation rotates the key from now on, every year or as often as it is told.
func (s *Service) EnableKeyRotation(ctx context.Context, in *kms.EnableKeyRotationInput, _ ...func(*kms.Options)) (*kms.EnableKeyRotationOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error {
		if err := k.rotates(); err != nil {
			return err
		}
		if k.Disabled {
			return disabled(k)
		}
		days := k.RotationDays
		switch {
		case in.RotationPeriodInDays != nil:
			days = *in.RotationPeriodInDays
		case days == 0:
			days = defaultRotation
		}
		if k.RotationDays == 0 || k.RotationDays != days {
			now := s.now()
			k.RotationDays, k.RotationFrom = days, &now
		}
		return nil
	})
	return &kms.EnableKeyRotationOutput{}, err
}

// DisableKeyRotation ends the rotation by time.
func (s *Service) DisableKeyRotation(ctx context.Context, in *kms.DisableKeyRotationInput, _ ...func(*kms.Options)) (*kms.DisableKeyRotationOutput, error) {
	_, err := s.active(ctx, in.KeyId, func(k *keyDoc) error {
		if err := k.rotates(); err != nil {
			return err
		}
		if k.Disabled {
			return disabled(k)
		}
		k.RotationDays, k.RotationFrom = 0, nil
		return nil
	})
	return &kms.DisableKeyRotationOutput{}, err
}

// GetKeyRotationStatus reports whether and when the key is rotated by time: never, for all but symmetric keys.
func (s *Service) GetKeyRotationStatus(ctx context.Context, in *kms.GetKeyRotationStatusInput, _ ...func(*kms.Options)) (*kms.GetKeyRotationStatusOutput, error) {
	k, err := s.rotated(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &kms.GetKeyRotationStatusOutput{KeyId: aws.String(k.arn()), KeyRotationEnabled: k.RotationDays > 0 && k.Deletion == nil}
	if out.KeyRotationEnabled {
		next := k.next()
		out.RotationPeriodInDays, out.NextRotationDate = &k.RotationDays, &next
	}
	return out, nil
}

// RotateKeyOnDemand rotates the key now.
func (s *Service) RotateKeyOnDemand(ctx context.Context, in *kms.RotateKeyOnDemandInput, _ ...func(*kms.Options)) (*kms.RotateKeyOnDemandOutput, error) {
	k, err := s.active(ctx, in.KeyId, func(k *keyDoc) error {
		if err := k.rotates(); err != nil {
			return err
		}
		if k.Disabled {
			return disabled(k)
		}
		n := 0
		for _, m := range k.Material {
			if m.Type == string(types.RotationTypeOnDemand) {
				n++
			}
		}
		if n >= maxRotations {
			return &types.LimitExceededException{Message: message("The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: %s", k.arn())}
		}
		return s.addMaterial(k, string(types.RotationTypeOnDemand))
	})
	if err != nil {
		return nil, err
	}
	return &kms.RotateKeyOnDemandOutput{KeyId: aws.String(k.arn())}, nil
}

// ListKeyRotations lists the rotations that were made; with the first material if it is asked for.
func (s *Service) ListKeyRotations(ctx context.Context, in *kms.ListKeyRotationsInput, _ ...func(*kms.Options)) (*kms.ListKeyRotationsOutput, error) {
	k, err := s.rotated(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.Spec != keyring.Symmetric {
		return nil, unsupported("")
	}
	withFirst := in.IncludeKeyMaterial == types.IncludeKeyMaterialAllKeyMaterial
	type entry struct {
		at    string
		entry types.RotationsListEntry
	}
	var all []entry
	for i, m := range k.Material {
		if m.Type == "" && !withFirst {
			continue
		}
		e := types.RotationsListEntry{KeyId: aws.String(k.arn()), KeyMaterialId: aws.String(m.ID), RotationDate: aws.Time(m.Since), RotationType: types.RotationType(m.Type)}
		if withFirst {
			if e.KeyMaterialState = types.KeyMaterialStateNonCurrent; i == len(k.Material)-1 {
				e.KeyMaterialState = types.KeyMaterialStateCurrent
			}
		}
		if m.Type == "" {
			e.RotationDate = nil
		}
		all = append(all, entry{ordinal(i), e})
	}
	list, next, err := paged(all, func(e entry) string { return e.at }, in.Marker, in.Limit, 100)
	if err != nil {
		return nil, err
	}
	out := &kms.ListKeyRotationsOutput{Truncated: next != nil, NextMarker: next, Rotations: []types.RotationsListEntry{}}
	for _, e := range list {
		out.Rotations = append(out.Rotations, e.entry)
	}
	return out, nil
}

// ordinal writes a number so that texts have the order of numbers.
func ordinal(n int) string { return *message("%06d", n) }
