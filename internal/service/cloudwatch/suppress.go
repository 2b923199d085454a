package cloudwatch

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Suppressors of composite alarms.
//
// A composite alarm whose suppressor is in ALARM changes its state and does not act. What it would do waits (heldDoc):
//
//	Alarm            while the suppressor is in ALARM
//	ExtensionPeriod  for so long after it left ALARM
//	WaitPeriod       for so long after a change of state, so that the suppressor can follow
//
// When nothing holds it any more, the alarm does the actions of the state that it is in, if that is another one than when
// it was held. What is held is in the alarm's document, so that a restart changes nothing.

// suppressorDoc is the alarm that keeps another from acting.
type suppressorDoc struct {
	Alarm     string `json:"alarm"` // name or ARN, as it was given
	Wait      int32  `json:"wait"`  // seconds
	Extension int32  `json:"extension"`
}

// heldDoc says why an alarm does not act.
type heldDoc struct {
	By    types.ActionsSuppressedBy `json:"by"`
	From  types.StateValue          `json:"from"`           // the state in which it was not held yet
	Until time.Time                 `json:"until,omitzero"` // of a period
}

func (h *heldDoc) reason() string { return suppressedBy(h.By) }

func suppressedBy(by types.ActionsSuppressedBy) string { return "Actions suppressed by " + string(by) }

// alarm is the suppressor as it was given; empty for none.
func (p *suppressorDoc) alarm() string {
	if p == nil {
		return ""
	}
	return p.Alarm
}

// name is the name of the suppressor of an alarm of a scope; empty for one that is elsewhere.
func (p *suppressorDoc) name(sc scope.Scope) string {
	if strings.HasPrefix(p.Alarm, "arn:") {
		name, _ := strings.CutPrefix(p.Alarm, alarmARN(sc, ""))
		if name == p.Alarm {
			return ""
		}
		return name
	}
	return p.Alarm
}

// suppressorOf checks the suppressor of a composite alarm; nil if it has none.
func (s *Service) suppressorOf(sc scope.Scope, in *cloudwatch.PutCompositeAlarmInput) (*suppressorDoc, error) {
	given := aws.ToString(in.ActionsSuppressor)
	switch {
	case given == "" && (in.ActionsSuppressorWaitPeriod != nil || in.ActionsSuppressorExtensionPeriod != nil):
		return nil, invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod can only be specified with ActionsSuppressor.")
	case given == "":
		return nil, nil
	case in.ActionsSuppressorWaitPeriod == nil:
		return nil, invalid("ActionsSuppressorWaitPeriod is required when ActionsSuppressor is specified.")
	case in.ActionsSuppressorExtensionPeriod == nil:
		return nil, invalid("ActionsSuppressorExtensionPeriod is required when ActionsSuppressor is specified.")
	case *in.ActionsSuppressorWaitPeriod < 0 || *in.ActionsSuppressorExtensionPeriod < 0:
		return nil, invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must not be negative.")
	}
	p := &suppressorDoc{Alarm: given, Wait: *in.ActionsSuppressorWaitPeriod, Extension: *in.ActionsSuppressorExtensionPeriod}
	switch name := p.name(sc); name {
	case "":
		return nil, invalid("ActionsSuppressor must be an alarm of the same account and region: %s", given)
	case aws.ToString(in.AlarmName):
		return nil, invalid("ActionsSuppressor must not be the alarm itself: %s", name)
	default:
		err := s.alarmExists(sc.Account, sc.Region, name)
		if errors.Is(err, state.ErrNotFound) {
			err = invalid("Could not save the composite alarm as the ActionsSuppressor alarm %s does not exist", given)
		}
		return p, err
	}
}

// suppress brings up to date what holds an alarm, and returns how long until it is to be looked at again; zero: until
// something changes.
func (s *Service) suppress(ctx context.Context, d *alarmDoc) (time.Duration, error) {
	if d.Suppressor == nil && d.Held == nil {
		return 0, nil
	}
	var by *alarmDoc
	if d.Suppressor != nil {
		var err error
		if by, err = s.alarms.Get(d.scope().Key(d.Suppressor.name(d.scope()))...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return 0, err
		}
	}
	at := s.now()
	if trial := *d; trial.hold(by, at) {
		now, err := s.alarms.Modify(ctx, func(now *alarmDoc) error {
			if now.Due != nil || now.Suppressor == nil != (d.Suppressor == nil) || now.Suppressor != nil && *now.Suppressor != *d.Suppressor || !now.hold(by, at) {
				return errChanged
			}
			now.Updated = at
			return nil
		}, d.key()...)
		switch {
		case errors.Is(err, state.ErrNotFound):
			return 0, nil
		case errors.Is(err, errChanged):
			return time.Second, nil // it is looked at as it is then
		case err != nil:
			return 0, err
		}
		d = now
	}
	if d.Held == nil || d.Held.Until.IsZero() {
		return 0, nil
	}
	return max(d.Held.Until.Sub(s.clock.Now()), time.Millisecond), nil
}

// hold notes what a suppressor says at a time, nil for none, and whether that is news.
func (d *alarmDoc) hold(by *alarmDoc, now time.Time) bool {
	h := d.Held
	alarm := by != nil && by.State == types.StateValueAlarm
	switch {
	case alarm && h == nil:
		d.Held = &heldDoc{By: types.ActionsSuppressedByAlarm, From: d.State}
	case alarm && h.By != types.ActionsSuppressedByAlarm:
		d.Held = &heldDoc{By: types.ActionsSuppressedByAlarm, From: h.From}
	case alarm || h == nil:
		return false
	case d.Suppressor == nil:
		d.release()
	case h.By == types.ActionsSuppressedByAlarm:
		left := now
		if by != nil {
			left = by.Transitioned
		}
		until := left.Add(time.Duration(d.Suppressor.Extension) * time.Second)
		if until.After(now) {
			d.Held = &heldDoc{By: types.ActionsSuppressedByExtensionPeriod, From: h.From, Until: until}
		} else {
			d.release()
		}
	case !h.Until.After(now):
		d.release()
	default:
		return false
	}
	return true
}

// release lets an alarm do what was held.
func (d *alarmDoc) release() {
	h := d.Held
	d.Held = nil
	if d.State != h.From && len(d.actions(d.State)) > 0 {
		d.Due = &dueDoc{Old: h.From, OldReason: d.Reason, OldData: d.ReasonData, OldUpdated: d.Updated, Recorded: true, Released: h.By, Actions: d.actions(d.State)}
	}
}

// holds notes that an alarm that changes its state does not act, if that is so, and why.
func (d *alarmDoc) holds(now time.Time) types.ActionsSuppressedBy {
	if d.Held == nil && d.Suppressor != nil && d.Suppressor.Wait > 0 {
		d.Held = &heldDoc{By: types.ActionsSuppressedByWaitPeriod, From: d.State, Until: now.Add(time.Duration(d.Suppressor.Wait) * time.Second)}
	}
	if d.Held == nil {
		return ""
	}
	return d.Held.By
}
