package sns

import "github.com/brookmere/brookmere/internal/engine/metering"

// What CloudWatch is told of topics. A notification failed when it is given up; of an HTTP endpoint each attempt counts.
var (
	messagesPublished = &metering.Measure{Name: "NumberOfMessagesPublished", Unit: "Count"}
	publishSize       = &metering.Measure{Name: "PublishSize", Unit: "Bytes"}
	delivered         = &metering.Measure{Name: "NumberOfNotificationsDelivered", Unit: "Count"}
	failedDeliveries  = &metering.Measure{Name: "NumberOfNotificationsFailed", Unit: "Count"}
	filteredOut       = &metering.Measure{Name: "NumberOfNotificationsFilteredOut", Unit: "Count"}
	redriven          = &metering.Measure{Name: "NumberOfNotificationsRedrivenToDlq", Unit: "Count"}
	notRedriven       = &metering.Measure{Name: "NumberOfNotificationsFailedToRedriveToDlq", Unit: "Count"}
)

func (s *Service) meter(account, region, topic string) *metering.Resource {
	return s.cfg.Meter.Resource(account+"/"+region, "AWS/SNS", "TopicName", topic)
}

// measurePublish tells of messages of these sizes that were taken.
func (s *Service) measurePublish(t *topicDoc, sizes ...int) {
	m := s.meter(t.Account, t.Region, t.Name)
	for _, n := range sizes {
		m.Add(messagesPublished.Of(1), publishSize.Of(float64(n)))
	}
}

// measureFiltered tells of messages that the policies of subscriptions held back.
func (s *Service) measureFiltered(t *topicDoc, n int) {
	if n > 0 {
		s.meter(t.Account, t.Region, t.Name).Add(filteredOut.Of(float64(n)))
	}
}

// measureDelivery tells of an attempt to deliver a message, after which it may have been given up.
func (s *Service) measureDelivery(d *subscriptionDoc, o *outgoing, givenUp bool) {
	if o.p.Type != "" {
		return // it is no message of the topic's
	}
	m := s.meter(d.Account, d.Region, d.Topic)
	switch {
	case o.err == nil:
		m.Add(delivered.Of(1))
	case givenUp || d.Protocol == "http" || d.Protocol == "https":
		m.Add(failedDeliveries.Of(1))
	}
}
