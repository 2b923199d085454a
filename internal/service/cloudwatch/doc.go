// Package cloudwatch is Amazon CloudWatch: metrics, metric math, alarms and dashboards.
//
// # What is kept where
//
// Samples are in the metric store (engine/metricstore), and nothing of them in documents. Documents are, by account and
// region: alarms ("cloudwatch.alarm"), anomaly detectors ("cloudwatch.detector"), and by account alone, as
// dashboards have no region on AWS, dashboards ("cloudwatch.dashboard"); their tags are beside them.
//
// # The way of a request
//
// PutMetricData checks all of its data, then writes them in one batch: they are on disk when it returns. GetMetricData and
// alarms evaluate the same thing, a querySet: queries by id, of which one names a metric and a statistic, or has an
// expression of others (engine/metricmath).
//
// # Left out
//
// Metric streams, insight rules, Metrics Insights (SELECT), images of widgets, mute rules, log alarms and PromQL are
// refused by name. Entities of metric data are not kept.
package cloudwatch
