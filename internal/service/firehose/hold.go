package firehose

import "context"

// Hold stops the caller's delivery stream from delivering what is put from now on, until
// Release or a restart. Puts are taken as before: the log keeps them.
func (s *Service) Hold(ctx context.Context, name string) error {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return err
	}
	st.hold(true)
	return nil
}

// Release ends a Hold.
func (s *Service) Release(ctx context.Context, name string) error {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return err
	}
	st.hold(false)
	return nil
}

func (st *stream) hold(hold bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.held = hold
	for _, l := range st.lanes {
		if hold {
			l.pipeline.Hold()
		} else {
			l.pipeline.Release()
		}
	}
}
