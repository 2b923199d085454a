package node

import (
	"crypto"

	"github.com/brookmere/brookmere/internal/service/sns"
)

func makeSNS(s *services, p parts) (_ service, err error) {
	n := p.node
	s.sns, err = sns.New(sns.Config{
		State: p.state, Outbox: p.outbox, Sealer: n.key,
		Queues: askedQueues{s.sqs, n.decide}, Functions: askedFunctions{s.lambda, n.decide}, Streams: subscribedDeliveries{s.firehose, n.decide},
		HTTP: n.outbound(sns.HTTPTimeout),
		Certificate: func(host string, public crypto.PublicKey) ([]byte, error) {
			a, err := n.authority()
			if err != nil {
				return nil, err
			}
			return a.Certify(host, public)
		},
		Endpoint: n.URL, Owner: p.owner, Clock: p.clock, Logger: p.logger,
	})
	return s.sns, err
}
