package node

import "context"

// deliveries tells how far every delivery stream is.
func (s *stack) deliveries(ctx context.Context) ([]DeliveryStatus, error) {
	lags, err := s.firehose.Lags(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]DeliveryStatus, len(lags))
	for i, l := range lags {
		list[i] = DeliveryStatus{
			Name:             l.Name,
			Account:          l.Account,
			Region:           l.Region,
			RecordsDelivered: l.Delivered,
			RecordsFailed:    l.Rejected,
			LagRecords:       int64(l.Records),
			LagBytes:         int64(l.Bytes),
			LagSeconds:       l.Age.Seconds(),
			LastObject:       l.LastObject,
			LastError:        l.Error,
		}
	}
	return list, nil
}
