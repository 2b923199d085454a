package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

// PutMetricData: 1,000 data a call, of up to 150 values each, no older than two weeks and no later than in two hours.
// Entities are not kept with the data.

const (
	maxData   = 1000
	maxValues = 150
	oldest    = 14 * 24 * time.Hour
	latest    = 2 * time.Hour
)

// PutMetricData adds data to metrics.
func (s *Service) PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	namespace := aws.ToString(in.Namespace)
	if err := checkNamespace(namespace); err != nil {
		return nil, err
	}
	if strings.HasPrefix(namespace, "AWS/") {
		return nil, invalidValue("The value %s for parameter Namespace is invalid.", namespace)
	}
	if len(in.EntityMetricData) > 0 && aws.ToBool(in.StrictEntityValidation) {
		return nil, unsupported("entities of metric data")
	}
	var samples []metricstore.Sample
	add := func(data []types.MetricDatum, at string) error {
		for i := range data {
			sm, err := s.sample(&data[i], fmt.Sprintf("%s.member.%d", at, i+1))
			if err != nil {
				return err
			}
			sm.Metric.Scope, sm.Metric.Namespace = scopeOf(scope.Of(ctx)), namespace
			samples = append(samples, sm)
		}
		return nil
	}
	n := len(in.MetricData)
	for _, e := range in.EntityMetricData {
		n += len(e.MetricData)
	}
	switch {
	case n == 0:
		return nil, missing("The parameter MetricData is required.")
	case n > maxData:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", maxData)
	}
	if err := add(in.MetricData, "MetricData"); err != nil {
		return nil, err
	}
	for i, e := range in.EntityMetricData {
		if err := add(e.MetricData, fmt.Sprintf("EntityMetricData.member.%d.MetricData", i+1)); err != nil {
			return nil, err
		}
	}
	return &cloudwatch.PutMetricDataOutput{}, told(s.metrics.Write(samples))
}

// scopeOf is what the metric store has for an account and a region.
func scopeOf(sc scope.Scope) string { return sc.Account + "/" + sc.Region }

// sample checks a datum, which is called at in errors.
func (s *Service) sample(d *types.MetricDatum, at string) (sm metricstore.Sample, err error) {
	name := aws.ToString(d.MetricName)
	if err := checkText(name, at+".MetricName"); err != nil {
		return sm, err
	}
	sm.Metric.Name = name
	if sm.Metric.Dimensions, err = dimensions(d.Dimensions, at+".Dimensions"); err != nil {
		return sm, err
	}
	now := s.now()
	when := now
	if d.Timestamp != nil {
		when = *d.Timestamp
	}
	switch {
	case when.Before(now.Add(-oldest)):
		return sm, invalidValue("The parameter %s.Timestamp must specify a time no more than two weeks in the past.", at)
	case when.After(now.Add(latest)):
		return sm, invalidValue("The parameter %s.Timestamp must specify a time no more than two hours in the future.", at)
	}
	sm.Time = when.Unix()
	switch r := aws.ToInt32(d.StorageResolution); {
	case d.StorageResolution == nil || r == 60:
	case r == 1:
		sm.Second = true
	default:
		return sm, invalidValue("The parameter %s.StorageResolution must be 1 or 60.", at)
	}
	if d.Unit != "" {
		code, ok := unitCodes[d.Unit]
		if !ok {
			return sm, invalidValue("The parameter %s.Unit must be a value in the set [ Seconds, Microseconds, ... None ].", at)
		}
		sm.Unit = code
	}
	sm.Summary, err = summary(d, at)
	return sm, err
}

// summary is what the values of a datum are.
func summary(d *types.MetricDatum, at string) (sum metricstore.Summary, err error) {
	forms := 0
	for _, is := range []bool{d.Value != nil, d.StatisticValues != nil, len(d.Values) > 0} {
		if is {
			forms++
		}
	}
	switch {
	case forms == 0:
		return sum, missing("At least one of the parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues must be specified.", at)
	case forms > 1:
		return sum, invalidCombination("The parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues are mutually exclusive and you have specified more than one.", at)
	case len(d.Counts) > 0 && len(d.Values) != len(d.Counts):
		return sum, invalidValue("The parameters %[1]s.Values and %[1]s.Counts must be of the same size.", at)
	}
	switch {
	case d.Value != nil:
		if err := checkNumber(*d.Value, at+".Value"); err != nil {
			return sum, err
		}
		sum.Add(*d.Value, 1)
	case d.StatisticValues != nil:
		v := d.StatisticValues
		n, total, least, greatest := aws.ToFloat64(v.SampleCount), aws.ToFloat64(v.Sum), aws.ToFloat64(v.Minimum), aws.ToFloat64(v.Maximum)
		for name, f := range map[string]float64{"SampleCount": n, "Sum": total, "Minimum": least, "Maximum": greatest} {
			if err := checkNumber(f, at+".StatisticValues."+name); err != nil {
				return sum, err
			}
		}
		if n <= 0 {
			return sum, invalidValue("The parameter %s.StatisticValues.SampleCount must be greater than 0.", at)
		}
		if least > greatest {
			return sum, invalidValue("The parameter %[1]s.StatisticValues.Maximum must be greater than or equal to %[1]s.StatisticValues.Minimum.", at)
		}
		sum = metricstore.Set(n, total, least, greatest)
	default:
		if len(d.Values) > maxValues {
			return sum, invalidValue("The collection %s.Values must not have a size greater than %d.", at, maxValues)
		}
		for i, v := range d.Values {
			n := 1.0
			if len(d.Counts) > 0 {
				n = d.Counts[i]
			}
			if err := checkNumber(v, fmt.Sprintf("%s.Values.member.%d", at, i+1)); err != nil {
				return sum, err
			}
			if err := checkNumber(n, fmt.Sprintf("%s.Counts.member.%d", at, i+1)); err != nil {
				return sum, err
			}
			if n < 0 {
				return sum, invalidValue("The parameter %s.Counts.member.%d must be greater than or equal to 0.", at, i+1)
			}
			if n > 0 {
				sum.Add(v, n)
			}
		}
		if sum.Count == 0 {
			return sum, invalidValue("The parameter %s.Counts must have a value that is greater than 0.", at)
		}
	}
	return sum, nil
}

var greatest = math.Ldexp(1, 360)

func checkNumber(v float64, at string) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return invalidValue("The value %v for parameter %s is invalid.", v, at)
	}
	if math.Abs(v) > greatest {
		return invalidValue("The parameter %s must be in the range of -2^360 to 2^360.", at)
	}
	return nil
}

// checkText refuses what names of metrics cannot be: control characters, what is not ASCII, blanks alone.
func checkText(s, at string) error {
	blank := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return invalidValue("The value for parameter %s contains non-ASCII characters or control characters.", at)
		}
		blank = blank && s[i] == ' '
	}
	if blank {
		return invalidValue("The parameter %s must have at least one character that is not a blank.", at)
	}
	return nil
}

func checkNamespace(s string) error {
	if strings.HasPrefix(s, ":") {
		return invalidValue("The value %s for parameter Namespace is invalid.", s)
	}
	return checkText(s, "Namespace")
}

// dimensions puts dimensions in the order of their names.
func dimensions(in []types.Dimension, at string) ([]metricstore.Dimension, error) {
	var out []metricstore.Dimension
	for i, d := range in {
		x := metricstore.Dimension{Name: aws.ToString(d.Name), Value: aws.ToString(d.Value)}
		if err := checkText(x.Name, fmt.Sprintf("%s.member.%d.Name", at, i+1)); err != nil {
			return nil, err
		}
		if err := checkText(x.Value, fmt.Sprintf("%s.member.%d.Value", at, i+1)); err != nil {
			return nil, err
		}
		if strings.HasPrefix(x.Name, ":") {
			return nil, invalidValue("The value %s for parameter %s.member.%d.Name is invalid.", x.Name, at, i+1)
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b metricstore.Dimension) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(out); i++ {
		if out[i].Name == out[i-1].Name {
			return nil, invalidValue("The parameter %s has the dimension %s more than once.", at, out[i].Name)
		}
	}
	return out, nil
}
