package cloudwatch

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// What the points of a metric say of an alarm.
//
// An alarm looks at its evaluation range: its periods, and two more, so that a point that is missing or late can be made up
// for by one before. If the range has as many points as the alarm has periods, the latest of them decide, and nothing is
// said of those that are missing. If it has fewer, those that are missing count as the alarm treats missing data:
//
//	breaching, notBreaching   as a point that breaches, or does not
//	ignore                    the state stays, unless the points that are there decide
//	missing                   without any point there is not enough data; else as ignore, but that points that breach,
//	                          of which the oldest is as old as the points that are wanted, and none since that does
//	                          not, are an alarm: later points could not change that
//
// Facts: "Configuring how CloudWatch alarms treat missing data", whose tables are in the tests.

// slot is a period of an evaluation range.
type slot struct {
	at            time.Time
	value         float64
	has, breaches bool
}

// judgement is what a range says.
type judgement struct {
	state types.StateValue // empty: the state stays
	used  []slot           // that decided, by growing time; without those that are missing
}

// judge looks at a range, by growing time, of which wanted of so many periods breach in an alarm.
func judge(slots []slot, periods, wanted int, missing string) judgement {
	var real []slot
	for _, s := range slots {
		if s.has {
			real = append(real, s)
		}
	}
	if len(real) >= periods {
		used := real[len(real)-periods:]
		if breaching(used) >= wanted {
			return judgement{types.StateValueAlarm, used}
		}
		return judgement{types.StateValueOk, used}
	}
	n, gaps := breaching(real), periods-len(real)
	switch {
	case n >= wanted:
		return judgement{types.StateValueAlarm, real}
	case missing == "breaching":
		if n+gaps >= wanted {
			return judgement{types.StateValueAlarm, real}
		}
		return judgement{types.StateValueOk, real}
	case missing == "notBreaching":
		return judgement{types.StateValueOk, real}
	case len(real) == 0 && missing == "ignore":
		return judgement{}
	case len(real) == 0:
		return judgement{types.StateValueInsufficientData, nil}
	case n < len(real):
		return judgement{types.StateValueOk, real}
	case missing == "ignore":
		return judgement{}
	}
	for i := range slots { // all that is there breaches
		if slots[i].has {
			if len(slots)-i >= wanted {
				return judgement{types.StateValueAlarm, real}
			}
			break
		}
	}
	return judgement{}
}

func breaching(slots []slot) (n int) {
	for _, s := range slots {
		if s.breaches {
			n++
		}
	}
	return n
}

// words of comparisons, in reasons.
var comparisons = map[types.ComparisonOperator]string{
	types.ComparisonOperatorGreaterThanThreshold:                     "greater than the threshold",
	types.ComparisonOperatorGreaterThanOrEqualToThreshold:            "greater than or equal to the threshold",
	types.ComparisonOperatorLessThanThreshold:                        "less than the threshold",
	types.ComparisonOperatorLessThanOrEqualToThreshold:               "less than or equal to the threshold",
	types.ComparisonOperatorLessThanLowerOrGreaterThanUpperThreshold: "less than the lower thresholds or greater than the upper thresholds",
	types.ComparisonOperatorLessThanLowerThreshold:                   "less than the lower thresholds",
	types.ComparisonOperatorGreaterThanUpperThreshold:                "greater than the upper thresholds",
}

// reason words a judgement.
func (j judgement) reason(w *watchDoc, wanted int) string {
	plural := func(n int, what string) string {
		if n == 1 {
			return fmt.Sprintf("%d %s", n, what)
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	if j.state == types.StateValueInsufficientData {
		if n := int(w.Periods); n > 1 {
			return fmt.Sprintf("Insufficient Data: %d datapoints were unknown.", n)
		}
		return "Insufficient Data: 1 datapoint was unknown."
	}
	periods := int(w.Periods)
	if len(j.used) == 0 {
		verb, treated := "were", "[Breaching]"
		if periods == 1 {
			verb = "was"
		}
		if j.state == types.StateValueOk {
			treated = "[NonBreaching]"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s %s treated as %s.", plural(periods, "period"), plural(periods, "missing datapoint"), verb, treated)
	}
	var points []string
	n := 0
	for i := len(j.used) - 1; i >= 0; i-- {
		s := j.used[i]
		if s.breaches == (j.state == types.StateValueAlarm) {
			n++
			if len(points) < 5 {
				points = append(points, fmt.Sprintf("%v (%s)", text(s.value), s.at.UTC().Format("02/01/06 15:04:05")))
			}
		}
	}
	verb, not := "were", ""
	if n == 1 {
		verb = "was"
	}
	need, to := wanted, "OK -> ALARM"
	if j.state == types.StateValueOk {
		not, need, to = "not ", periods-wanted+1, "ALARM -> OK"
	}
	threshold := ""
	if w.Threshold != nil {
		threshold = " (" + text(*w.Threshold) + ")"
	}
	if w.Datapoints == nil { // all of them count
		return fmt.Sprintf("Threshold Crossed: %s [%s] %s %s%s%s.", plural(n, "datapoint"), strings.Join(points, ", "), verb, not, comparisons[w.Compare], threshold)
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s%s%s (minimum %s for %s transition).",
		n, max(periods, len(j.used)), strings.Join(points, ", "), verb, not, comparisons[w.Compare], threshold, plural(need, "datapoint"), to)
}

// text is a number as reasons have it: with a point.
func text(v float64) string {
	s := fmt.Sprint(v)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}
