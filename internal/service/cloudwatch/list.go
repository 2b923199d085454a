package cloudwatch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

const (
	listPage = 500
	listed   = 14 * 24 * time.Hour // since the last sample
	recently = 3 * time.Hour
)

// ListMetrics lists the metrics that have had samples in the last two weeks.
func (s *Service) ListMetrics(ctx context.Context, in *cloudwatch.ListMetricsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListMetricsOutput, error) {
	f := metricstore.Filter{Namespace: aws.ToString(in.Namespace), Name: aws.ToString(in.MetricName), Since: s.now().Add(-listed).Unix()}
	if in.RecentlyActive != "" {
		f.Since = s.now().Add(-recently).Unix()
	}
	for _, d := range in.Dimensions {
		if d.Value == nil {
			f.AnyValue = append(f.AnyValue, aws.ToString(d.Name))
			continue
		}
		f.Dimensions = append(f.Dimensions, metricstore.Dimension{Name: aws.ToString(d.Name), Value: *d.Value})
	}
	out := &cloudwatch.ListMetricsOutput{Metrics: []types.Metric{}}
	account := scope.Of(ctx).Account
	if owner := aws.ToString(in.OwningAccount); owner != "" && owner != account {
		return out, nil // no accounts are linked
	}
	after := ""
	if token := aws.ToString(in.NextToken); token != "" {
		var err error
		if after, err = page.Open(token); err != nil {
			return nil, invalidValue("The value %s for parameter NextToken is invalid.", token)
		}
	}
	last := ""
	err := s.metrics.List(scopeOf(scope.Of(ctx)), f, after, func(m metricstore.Metric) bool {
		if len(out.Metrics) == listPage {
			out.NextToken = aws.String(page.Seal(last))
			return false
		}
		last = m.Key()
		out.Metrics = append(out.Metrics, metricOf(&m))
		return true
	})
	if aws.ToBool(in.IncludeLinkedAccounts) {
		for range out.Metrics {
			out.OwningAccounts = append(out.OwningAccounts, account)
		}
	}
	return out, told(err)
}

// metricOf is a metric as it is shown.
func metricOf(m *metricstore.Metric) types.Metric {
	out := types.Metric{Namespace: aws.String(m.Namespace), MetricName: aws.String(m.Name), Dimensions: []types.Dimension{}}
	for _, d := range m.Dimensions {
		out.Dimensions = append(out.Dimensions, types.Dimension{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	return out
}
