package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

// The history of the alarms of a scope is one subject of events in the metric store. It is kept for 30 days, also of alarms
// that have been deleted.

// entry is an item of the history.
type entry struct {
	Alarm     string                `json:"alarm"`
	Composite bool                  `json:"composite,omitempty"`
	Type      types.HistoryItemType `json:"type"`
	Summary   string                `json:"summary"`
	Data      string                `json:"data"`
}

func historyOf(sc scope.Scope) string { return "alarm/" + scopeOf(sc) }

// record adds an item to the history of an alarm.
func (s *Service) record(d *alarmDoc, kind types.HistoryItemType, summary string, data map[string]any) error {
	text, err := plain(data)
	if err != nil {
		return err
	}
	b, err := json.Marshal(entry{d.Name, d.composite(), kind, clip(summary, 255), clip(string(text), 4095)})
	if err != nil {
		return err
	}
	return told(s.metrics.Append(historyOf(d.scope()), s.now(), b))
}

func (s *Service) recordTransition(d *alarmDoc) error {
	raw := func(text string) any {
		if json.Valid([]byte(text)) && text != "" {
			return json.RawMessage(text)
		}
		return nil
	}
	stateOf := func(v types.StateValue, reason, data string) map[string]any {
		m := map[string]any{"stateValue": v, "stateReason": reason}
		if r := raw(data); r != nil {
			m["stateReasonData"] = r
		}
		return m
	}
	now := stateOf(d.State, d.Reason, d.ReasonData)
	by := d.Due.Suppressed
	if by != "" {
		now["actionsSuppressedBy"], now["actionsSuppressedReason"] = by, suppressedBy(by)
	}
	err := s.record(d, types.HistoryItemTypeStateUpdate, fmt.Sprintf("Alarm updated from %s to %s", d.Due.Old, d.State),
		map[string]any{"version": "1.0", "oldState": stateOf(d.Due.Old, d.Due.OldReason, d.Due.OldData), "newState": now})
	if err != nil || by == "" || len(d.actions(d.State)) == 0 {
		return err
	}
	return s.record(d, types.HistoryItemTypeAction, suppressedBy(by), map[string]any{
		"actionState": "Suppressed", "stateUpdateTimestamp": d.Transitioned.UnixMilli(), "actionsSuppressedBy": by, "actionsSuppressor": d.Suppressor.alarm(),
	})
}

func (s *Service) recordAction(d *alarmDoc, action string, failed error) error {
	summary, data := "Successfully executed action "+action, map[string]any{"actionState": "Succeeded", "stateUpdateTimestamp": d.Transitioned.UnixMilli(), "notificationResource": action}
	if failed != nil {
		summary = "Failed to execute action " + action
		data["actionState"], data["error"] = "Failed", failed.Error()
		s.log.Warn("an action of an alarm failed", "alarm", d.arn(), "action", action, "error", failed)
	}
	return s.record(d, types.HistoryItemTypeAction, summary, data)
}

// DescribeAlarmHistory lists what alarms have done, the latest first unless asked otherwise.
func (s *Service) DescribeAlarmHistory(ctx context.Context, in *cloudwatch.DescribeAlarmHistoryInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmHistoryOutput, error) {
	if in.AlarmContributorId != nil {
		return nil, unsupported("contributors of alarms")
	}
	from, to := time.Unix(0, 0), s.now()
	if in.StartDate != nil {
		from = *in.StartDate
	}
	if in.EndDate != nil {
		to = *in.EndDate
	}
	after := ""
	if token := aws.ToString(in.NextToken); token != "" {
		var err error
		if after, err = page.Open(token); err != nil || len(after) != 16 {
			return nil, badToken()
		}
	}
	most := 100
	if in.MaxRecords != nil {
		most = int(*in.MaxRecords)
	}
	types1 := typesOf(in.AlarmTypes)
	out := &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: []types.AlarmHistoryItem{}}
	last := ""
	var bad error
	err := s.metrics.Events(historyOf(scope.Of(ctx)), from, to, after, in.ScanBy == types.ScanByTimestampAscending, func(e metricstore.Event) bool {
		var x entry
		if bad = json.Unmarshal(e.Data, &x); bad != nil {
			return false
		}
		kind := types.AlarmTypeMetricAlarm
		if x.Composite {
			kind = types.AlarmTypeCompositeAlarm
		}
		if in.AlarmName != nil && *in.AlarmName != x.Alarm || in.HistoryItemType != "" && in.HistoryItemType != x.Type || !types1[kind] {
			return true
		}
		if len(out.AlarmHistoryItems) == most {
			out.NextToken = aws.String(page.Seal(last))
			return false
		}
		last = e.ID
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, types.AlarmHistoryItem{
			AlarmName: &x.Alarm, AlarmType: kind, Timestamp: aws.Time(e.At), HistoryItemType: x.Type, HistorySummary: &x.Summary, HistoryData: &x.Data,
		})
		return true
	})
	if err == nil {
		err = bad
	}
	return out, told(err)
}

// typesOf are the types of alarms that are asked for: without any, metric alarms.
func typesOf(in []types.AlarmType) map[types.AlarmType]bool {
	out := map[types.AlarmType]bool{}
	for _, t := range in {
		out[t] = true
	}
	if len(in) == 0 {
		out[types.AlarmTypeMetricAlarm] = true
	}
	return out
}

// matchesAction reports whether an alarm has an action that begins so.
func matchesAction(d *alarmDoc, prefix string) bool {
	for _, list := range [][]string{d.OKActions, d.AlarmActions, d.NoData} {
		for _, a := range list {
			if strings.HasPrefix(a, prefix) {
				return true
			}
		}
	}
	return false
}
