package cloudwatch

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// alarmARNs are those of alarms of the caller's.
func alarmARNs(c awswire.Caller, names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = alarmARN(scope.Scope{Account: c.Account, Region: c.Region}, name)
	}
	return out
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	namespaced := func(op awswire.Operation) awswire.Operation {
		return awswire.WithKeys(op, func(_ awswire.Caller, in *cloudwatch.PutMetricDataInput) map[string][]string {
			return map[string][]string{"cloudwatch:namespace": {aws.ToString(in.Namespace)}}
		})
	}
	return awswire.API{
		Model: "cloudwatch", ActionPrefix: "cloudwatch", MaxBody: 1 << 20,
		Invalid: func(message string) error { return invalid("%s", message) },
		ErrorType: func(code string, _ bool) string {
			if name := errorShapes[code]; name != "" {
				code = name
			}
			return "com.amazonaws.cloudwatch#" + code
		},
		EnumOrder: map[string][]string{"StateValue": {"INSUFFICIENT_DATA", "ALARM", "OK"}},
		Operations: []awswire.Operation{
			awswire.Executes(s.DeleteAlarms, func(c awswire.Caller, in *cloudwatch.DeleteAlarmsInput) []string {
				return alarmARNs(c, in.AlarmNames...)
			}),
			awswire.Executes(s.DeleteAnomalyDetector),
			awswire.Executes(s.DeleteDashboards, func(c awswire.Caller, in *cloudwatch.DeleteDashboardsInput) (arns []string) {
				for _, name := range in.DashboardNames {
					arns = append(arns, dashboardARN(c, name))
				}
				return arns
			}),
			awswire.Executes(s.DescribeAlarmHistory, func(c awswire.Caller, in *cloudwatch.DescribeAlarmHistoryInput) []string {
				if in.AlarmName == nil {
					return alarmARNs(c, "*")
				}
				return alarmARNs(c, *in.AlarmName)
			}),
			awswire.Executes(s.DescribeAlarms, func(c awswire.Caller, in *cloudwatch.DescribeAlarmsInput) []string {
				if len(in.AlarmNames) == 0 {
					return alarmARNs(c, "*")
				}
				return alarmARNs(c, in.AlarmNames...)
			}),
			awswire.Executes(s.DescribeAlarmsForMetric, func(c awswire.Caller, in *cloudwatch.DescribeAlarmsForMetricInput) []string { return alarmARNs(c, "*") }),
			awswire.Executes(s.DescribeAnomalyDetectors),
			awswire.Executes(s.DisableAlarmActions, func(c awswire.Caller, in *cloudwatch.DisableAlarmActionsInput) []string {
				return alarmARNs(c, in.AlarmNames...)
			}),
			awswire.Executes(s.EnableAlarmActions, func(c awswire.Caller, in *cloudwatch.EnableAlarmActionsInput) []string {
				return alarmARNs(c, in.AlarmNames...)
			}),
			awswire.Executes(s.GetDashboard, func(c awswire.Caller, in *cloudwatch.GetDashboardInput) []string {
				return []string{dashboardARN(c, aws.ToString(in.DashboardName))}
			}),
			awswire.Executes(s.GetMetricData),
			awswire.Executes(s.GetMetricStatistics),
			awswire.Executes(s.ListDashboards),
			awswire.Executes(s.ListMetrics),
			awswire.Executes(s.ListTagsForResource, func(_ awswire.Caller, in *cloudwatch.ListTagsForResourceInput) []string {
				return []string{aws.ToString(in.ResourceARN)}
			}),
			awswire.Executes(s.PutAnomalyDetector),
			awswire.Executes(s.PutCompositeAlarm, func(c awswire.Caller, in *cloudwatch.PutCompositeAlarmInput) []string {
				return alarmARNs(c, aws.ToString(in.AlarmName))
			}),
			awswire.Stores(s.PutDashboard, func(c awswire.Caller, in *cloudwatch.PutDashboardInput) []string {
				return []string{dashboardARN(c, aws.ToString(in.DashboardName))}
			}),
			awswire.Executes(s.PutMetricAlarm, func(c awswire.Caller, in *cloudwatch.PutMetricAlarmInput) []string {
				return alarmARNs(c, aws.ToString(in.AlarmName))
			}),
			namespaced(awswire.Executes(s.PutMetricData)),
			awswire.Executes(s.SetAlarmState, func(c awswire.Caller, in *cloudwatch.SetAlarmStateInput) []string {
				return alarmARNs(c, aws.ToString(in.AlarmName))
			}),
			awswire.Executes(s.TagResource, func(_ awswire.Caller, in *cloudwatch.TagResourceInput) []string {
				return []string{aws.ToString(in.ResourceARN)}
			}),
			awswire.Executes(s.UntagResource, func(_ awswire.Caller, in *cloudwatch.UntagResourceInput) []string {
				return []string{aws.ToString(in.ResourceARN)}
			}),
		},
	}
}
