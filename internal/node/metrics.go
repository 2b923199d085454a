package node

import (
	"github.com/brookmere/brookmere/internal/service/cloudwatch"
	"github.com/brookmere/brookmere/internal/service/logs"
)

func makeCloudWatch(s *services, p parts) (_ service, err error) {
	s.cloudwatch, err = cloudwatch.New(cloudwatch.Config{State: p.state, Metrics: p.samples, Owner: p.here, Clock: p.clock, Logger: p.logger})
	return s.cloudwatch, err
}

func bindCloudWatch(s *services) {
	s.logs.Bind(func(c *logs.Config) { c.Metrics = s.cloudwatch })
}
