package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// A source and a function have one mapping. Two requests at once, of two nodes too, may both find that there is none:
// so a mapping claims its source and function before it is written, and looks again, when it is written, whether the
// claim is still its own. A claim whose mapping is not there was left by a crash, or is of a request that is under way:
// it is taken over. Whoever has a claim looks for other mappings again before it writes its own. Of two, one at least sees
// the other, and gives way.

// claimDoc says which mapping has a source and a function.
type claimDoc struct {
	ID string `json:"id"`
}

func (d *mappingDoc) claimKey() []string {
	h := sha256.Sum256([]byte(d.Source + "\n" + d.Name + "\n" + d.Qualifier))
	return d.scope().Key(hex.EncodeToString(h[:]))
}

// samePair reports whether two mappings have the same source and function.
func (d *mappingDoc) samePair(o *mappingDoc) bool {
	return o.Source == d.Source && o.Name == d.Name && o.Qualifier == d.Qualifier
}

func twice(d *mappingDoc, other string) error {
	return conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please update or delete the existing mapping with UUID %s", d.Source, d.Name, other)
}

// claim takes the source and function of a mapping, which is not written yet, for it.
func (s *Service) claim(ctx context.Context, d *mappingDoc) error {
	if err := s.alone(d); err != nil {
		return err
	}
	before := ""
	err := s.claims.Create(ctx, &claimDoc{d.ID}, d.claimKey()...)
	if errors.Is(err, state.ErrExists) {
		_, err = s.claims.Modify(ctx, func(c *claimDoc) error {
			if before = c.ID; s.has(d, before) {
				return twice(d, before)
			}
			c.ID = d.ID
			return nil
		}, d.claimKey()...)
		if errors.Is(err, state.ErrNotFound) { // it was released meanwhile
			return s.claim(ctx, d)
		}
	}
	if err != nil {
		return err
	}
	// Who was written before the claim was taken may have seen that it was its own. It need not be the one before:
	// that may have taken it over as well.
	taken := s.alone(d)
	if taken == nil {
		return nil
	}
	if before == "" || before == d.ID {
		return errors.Join(taken, s.release(ctx, d))
	}
	_, err = s.claims.Modify(ctx, func(c *claimDoc) error {
		if c.ID == d.ID {
			c.ID = before
		}
		return nil
	}, d.claimKey()...)
	if errors.Is(err, state.ErrNotFound) {
		err = nil
	}
	return errors.Join(taken, err)
}

// alone refuses a mapping whose source and function another has, also one of a version that claimed nothing.
func (s *Service) alone(d *mappingDoc) error {
	docs, err := s.mappings.All(d.Account, d.Region)
	if err != nil {
		return err
	}
	for _, o := range docs {
		if o.ID != d.ID && o.samePair(d) {
			return twice(d, o.ID)
		}
	}
	return nil
}

// has reports whether a mapping of an id is there that has the source and function of d.
func (s *Service) has(d *mappingDoc, id string) bool {
	o, err := s.mappings.Get(d.scope().Key(id)...)
	return err == nil && id != d.ID && o.samePair(d)
}

// claimed reports whether a mapping that is written has its source and function for itself.
func (s *Service) claimed(d *mappingDoc) error {
	c, err := s.claims.Get(d.claimKey()...)
	switch {
	case errors.Is(err, state.ErrNotFound):
		return conflict("The event source mapping was changed by another request at the same time. Try again.")
	case err != nil:
		return err
	case c.ID != d.ID:
		return twice(d, c.ID)
	}
	return nil
}

// release gives the claim of a mapping back, if it has it.
func (s *Service) release(ctx context.Context, d *mappingDoc) error {
	c, err := s.claims.Get(d.claimKey()...)
	if err == nil && c.ID == d.ID {
		err = s.claims.Delete(ctx, d.claimKey()...)
	}
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

// createMapping writes a new mapping, unless its source and function have one.
func (s *Service) createMapping(ctx context.Context, d *mappingDoc) error {
	if err := s.claim(ctx, d); err != nil {
		return err
	}
	if err := s.mappings.Create(ctx, d, d.key()...); err != nil {
		return errors.Join(err, s.release(ctx, d))
	}
	if err := s.claimed(d); err != nil {
		return errors.Join(err, s.mappings.Delete(ctx, d.key()...))
	}
	return nil
}

// changeMapping changes a mapping by modify, which writes into was what it was before. claimed is the mapping with
// the function that it is to have; nil: it keeps the one that it has.
func (s *Service) changeMapping(ctx context.Context, key []string, claimed, was *mappingDoc, modify func(*mappingDoc) error) (*mappingDoc, error) {
	if claimed == nil {
		return s.mappings.Modify(ctx, modify, key...)
	}
	if err := s.claim(ctx, claimed); err != nil {
		return nil, err
	}
	d, err := s.mappings.Modify(ctx, modify, key...)
	if err != nil {
		return nil, errors.Join(err, s.release(ctx, claimed))
	}
	if err := s.claimed(d); err != nil {
		before := *was
		_, undo := s.mappings.Modify(ctx, func(d *mappingDoc) error { *d = before; return nil }, key...)
		return nil, errors.Join(err, undo)
	}
	if was.samePair(d) {
		return d, nil
	}
	return d, s.release(ctx, was)
}
