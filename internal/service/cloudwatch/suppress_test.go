package cloudwatch

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// suppression is a composite alarm "main" of "a", whose suppressor is "quiet", with two actions.
type suppression struct {
	*bench
}

func newSuppression(t *testing.T, wait, extension int32) suppression {
	x := suppression{newBench(t)}
	silent := func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmActions = nil
		in.TreatMissingData = aws.String("ignore")
	}
	x.alarm("a", silent)
	x.alarm("quiet", silent)
	if _, err := x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{
		AlarmName: aws.String("main"), AlarmRule: aws.String("ALARM(a)"), AlarmActions: []string{"arn:aws:lambda:us-east-1:000000000000:function:f"}, OKActions: []string{"arn:aws:sns:us-east-1:000000000000:ops"},
		ActionsSuppressor: aws.String("quiet"), ActionsSuppressorWaitPeriod: &wait, ActionsSuppressorExtensionPeriod: &extension,
	}); err != nil {
		t.Fatal(err)
	}
	x.becomes("main", "OK")
	x.until("the first state is settled", func() bool {
		x.clock.Advance(time.Second)
		return x.suppressed() == ""
	})
	x.until("the action of OK", func() bool { return len(x.n.all()) == 1 })
	x.becomes("main", "OK")
	return x
}

func (x suppression) set(name string, st types.StateValue) {
	x.t.Helper()
	if _, err := x.s.SetAlarmState(x.t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: st, StateReason: aws.String("by hand")}); err != nil {
		x.t.Fatal(err)
	}
}

func (x suppression) main() types.CompositeAlarm {
	x.t.Helper()
	out, err := x.s.DescribeAlarms(x.t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"main"}, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}})
	if err != nil || len(out.CompositeAlarms) != 1 {
		x.t.Fatal(out, err)
	}
	return out.CompositeAlarms[0]
}

func (x suppression) suppressed() types.ActionsSuppressedBy { return x.main().ActionsSuppressedBy }

func (x suppression) becomesSuppressed(by types.ActionsSuppressedBy) {
	x.t.Helper()
	x.until("suppressed by "+string(by), func() bool { return x.suppressed() == by })
}

func (x suppression) acted(n int) {
	x.t.Helper()
	if done := x.n.all(); len(done) != n {
		x.t.Fatalf("%d actions, not %d: %q", len(done), n, done)
	}
}

func TestASuppressorInAlarmHoldsActions(t *testing.T) {
	x := newSuppression(t, 0, 60)
	x.set("quiet", "ALARM")
	x.becomesSuppressed("Alarm")
	x.set("a", "ALARM")
	x.becomes("main", "ALARM")
	m := x.main()
	if *m.ActionsSuppressedReason != "Actions suppressed by Alarm" || *m.ActionsSuppressor != "quiet" || *m.ActionsSuppressorWaitPeriod != 0 || *m.ActionsSuppressorExtensionPeriod != 60 {
		t.Errorf("%+v", m)
	}
	x.acted(1)
	// A restart changes nothing.
	x.close()
	x.open()
	x.becomesSuppressed("Alarm")
	x.acted(1)
	// The extension holds them, and then they are done.
	x.set("quiet", "OK")
	x.becomesSuppressed("ExtensionPeriod")
	x.acted(1)
	x.until("the end of the extension", func() bool {
		x.clock.Advance(time.Second)
		return x.suppressed() == "" && len(x.n.all()) == 2
	})
	if e := x.n.all()[1]; !strings.Contains(e, `"actionsSuppressedBy":"Alarm"`) && !strings.Contains(e, `"actionsSuppressedBy":"ExtensionPeriod"`) || !strings.Contains(e, `"actionsSuppressor":"quiet"`) {
		t.Error(e)
	}
	x.becomes("main", "ALARM")
	out, err := x.s.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("main"), AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}})
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for _, e := range out.AlarmHistoryItems {
		if e.HistoryItemType == types.HistoryItemTypeConfigurationUpdate {
			continue // it is as old as the first transition
		}
		items = append(items, string(e.HistoryItemType)+": "+*e.HistorySummary)
	}
	want := []string{
		"Action: Successfully executed action arn:aws:lambda:us-east-1:000000000000:function:f", "Action: Actions suppressed by Alarm", "StateUpdate: Alarm updated from OK to ALARM",
		"Action: Successfully executed action arn:aws:sns:us-east-1:000000000000:ops", "StateUpdate: Alarm updated from INSUFFICIENT_DATA to OK",
	}
	if strings.Join(items, "\n") != strings.Join(want, "\n") {
		t.Errorf("the history:\n%s", strings.Join(items, "\n"))
	}
}

func TestWaitingForASuppressor(t *testing.T) {
	x := newSuppression(t, 30, 30)
	// It does not come: the actions are late.
	x.set("a", "ALARM")
	x.becomes("main", "ALARM")
	x.becomesSuppressed("WaitPeriod")
	x.acted(1)
	x.until("the end of the wait", func() bool {
		x.clock.Advance(time.Second)
		return len(x.n.all()) == 2
	})
	x.becomes("main", "ALARM")
	if by := x.suppressed(); by != "" {
		t.Error("still suppressed by", by)
	}
	// It comes, and all is over before it goes: nothing is done.
	x.set("a", "OK")
	x.becomes("main", "OK")
	x.becomesSuppressed("WaitPeriod")
	x.set("quiet", "ALARM")
	x.becomesSuppressed("Alarm")
	x.set("a", "ALARM")
	x.becomes("main", "ALARM")
	x.set("quiet", "OK")
	x.becomesSuppressed("ExtensionPeriod")
	x.until("the end of the extension", func() bool {
		x.clock.Advance(time.Second)
		return x.suppressed() == ""
	})
	x.becomes("main", "ALARM")
	x.acted(2)
}

func TestASuppressorThatGoes(t *testing.T) {
	x := newSuppression(t, 0, 0)
	x.set("quiet", "ALARM")
	x.becomesSuppressed("Alarm")
	x.set("a", "ALARM")
	x.becomes("main", "ALARM")
	x.acted(1)
	if _, err := x.s.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"quiet"}}); err != nil {
		t.Fatal(err)
	}
	x.until("the action", func() bool { return len(x.n.all()) == 2 })
	if by := x.suppressed(); by != "" {
		t.Error("still suppressed by", by)
	}
}

func TestSuppressorsAreChecked(t *testing.T) {
	x := newBench(t)
	x.alarm("a", nil)
	for _, c := range []struct {
		name, suppressor string
		wait, extension  *int32
		want             string
	}{
		{"no suppressor", "", aws.Int32(1), nil, "only be specified with ActionsSuppressor"},
		{"no wait", "a", nil, aws.Int32(1), "ActionsSuppressorWaitPeriod is required"},
		{"no extension", "a", aws.Int32(1), nil, "ActionsSuppressorExtensionPeriod is required"},
		{"negative", "a", aws.Int32(-1), aws.Int32(1), "negative"},
		{"not there", "b", aws.Int32(1), aws.Int32(1), "does not exist"},
		{"itself", "main", aws.Int32(1), aws.Int32(1), "the alarm itself"},
		{"another account's", "arn:aws:cloudwatch:us-east-1:111111111111:alarm:a", aws.Int32(1), aws.Int32(1), "same account and region"},
		{"by ARN", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a", aws.Int32(1), aws.Int32(1), ""},
	} {
		in := &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("main"), AlarmRule: aws.String("ALARM(a)"), ActionsSuppressorWaitPeriod: c.wait, ActionsSuppressorExtensionPeriod: c.extension}
		if c.suppressor != "" {
			in.ActionsSuppressor = &c.suppressor
		}
		_, err := x.s.PutCompositeAlarm(t.Context(), in)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
