package state

import (
	"errors"
	"fmt"
)

// Check decodes every document of the kinds that collections were made for and returns an
// error for each that cannot be decoded, and for each entry of the bucket whose key no
// version of this package writes: what a service would find wrong later, a node is told
// before it serves.
func (s *Store) Check() error {
	s.mu.RLock()
	errs := make([]error, 0, len(s.strange))
	for _, name := range s.strange {
		errs = append(errs, fmt.Errorf("%w: the bucket has an entry with the key %q", ErrUndecodable, name))
	}
	s.mu.RUnlock()
	for e := range s.entries(nil) {
		s.mu.RLock()
		k := s.kinds[e.doc.Key[0]]
		s.mu.RUnlock()
		if k == nil {
			continue
		}
		if err := k.decode(k, e); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
