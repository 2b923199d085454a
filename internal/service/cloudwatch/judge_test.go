package cloudwatch

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// TestMissingData is the tables of AWS's guide, and what it says of alarms that would be premature: X breaches, 0 does
// not, - is missing.
func TestMissingData(t *testing.T) {
	stay := ""
	for _, c := range []struct {
		points            string
		periods, wanted   int
		missing, ignore   string
		breaching, notBre string
	}{
		{"0 - X - X", 3, 3, "OK", "OK", "OK", "OK"},
		{"- - - - 0", 3, 3, "OK", "OK", "OK", "OK"},
		{"- - - - -", 3, 3, "INSUFFICIENT_DATA", stay, "ALARM", "OK"},
		{"0 X X - X", 3, 3, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"- - X - -", 3, 3, "ALARM", stay, "ALARM", "OK"},
		{"- - - - X", 3, 3, stay, stay, "ALARM", "OK"},
		{"0 - X - X", 3, 2, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"0 0 X 0 X", 3, 2, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"0 - X - -", 3, 2, "OK", "OK", "ALARM", "OK"},
		{"- - - - 0", 3, 2, "OK", "OK", "ALARM", "OK"},
		{"- - - X -", 3, 2, "ALARM", stay, "ALARM", "OK"},
		{"- - X", 1, 1, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"X - -", 1, 1, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"X 0 -", 1, 1, "OK", "OK", "OK", "OK"},
	} {
		var slots []slot
		for i, p := range strings.Fields(c.points) {
			slots = append(slots, slot{at: time.Unix(int64(i)*60, 0), has: p != "-", breaches: p == "X"})
		}
		for missing, want := range map[string]string{"missing": c.missing, "": c.missing, "ignore": c.ignore, "breaching": c.breaching, "notBreaching": c.notBre} {
			if got := judge(slots, c.periods, c.wanted, missing).state; string(got) != want {
				t.Errorf("%s, %d of %d, %q: %q, want %q", c.points, c.wanted, c.periods, missing, got, want)
			}
		}
	}
}

func TestReasons(t *testing.T) {
	threshold := 50.0
	one := int32(1)
	w := &watchDoc{Periods: 1, Datapoints: &one, Threshold: &threshold, Compare: types.ComparisonOperatorGreaterThanThreshold}
	at := time.Date(2019, 10, 2, 16, 59, 0, 0, time.UTC)
	j := judgement{types.StateValueAlarm, []slot{{at, 99.50160229693434, true, true}}}
	if got, want := j.reason(w, 1), "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] was greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	j = judgement{types.StateValueOk, []slot{{at, 3, true, false}}}
	if got := j.reason(w, 1); !strings.Contains(got, "[3.0 (02/10/19 16:59:00)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition)") {
		t.Error(got)
	}
	w.Datapoints = nil // of all of them
	if got, want := j.reason(w, 1), "Threshold Crossed: 1 datapoint [3.0 (02/10/19 16:59:00)] was not greater than the threshold (50.0)."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	j = judgement{state: types.StateValueAlarm}
	if got, want := j.reason(&watchDoc{Periods: 2}, 2), "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (judgement{state: types.StateValueInsufficientData}).reason(w, 1); got != "Insufficient Data: 1 datapoint was unknown." {
		t.Error(got)
	}
}
