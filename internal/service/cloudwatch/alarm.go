package cloudwatch

import "github.com/brookmere/brookmere/internal/engine/state"

func (s *Service) alarmExists(account, region, name string) error { return state.ErrNotFound }
