package metricmath

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// env has m1 = 1, 2, 3 and m2 = 10, 20 at the first and the last of three minutes, and errors in no point.
func env() *Env {
	at := func(label string, times []int64, values ...float64) Series {
		return Series{Label: label, Period: 60, Times: times, Values: values}
	}
	all := map[string]Series{
		"m1": at("m1", []int64{600, 660, 720}, 1, 2, 3), "m2": at("m2", []int64{600, 720}, 10, 20), "none": at("none", nil),
	}
	return &Env{
		Start: 600, End: 840, Period: 60, Budget: &Budget{2000},
		Lookup: func(id string) (Value, error) {
			s, ok := all[id]
			if !ok {
				return Value{}, fmt.Errorf("no %s", id)
			}
			return One(s), nil
		},
		Metrics: func(part string) (out []Series, err error) {
			for _, id := range []string{"m1", "m2", "none"} {
				if strings.Contains(id, part) {
					out = append(out, all[id])
				}
			}
			return out, nil
		},
		Search: func(query, statistic string, period int64) ([]Series, error) {
			return []Series{all["m1"], all["m2"]}, nil
		},
		Band: func(id string, width float64) (lower, upper Series, err error) {
			return all["m1"], all["m2"], nil
		},
	}
}

// show writes points as minute=value.
func show(v Value) string {
	if v.Scalar {
		return fmt.Sprint(v.Number)
	}
	var all []string
	for _, s := range v.Series {
		var b []string
		for i, at := range s.Times {
			b = append(b, fmt.Sprintf("%d=%v", at/60, math.Round(s.Values[i]*1000)/1000))
		}
		all = append(all, strings.Join(b, " "))
	}
	out := strings.Join(all, " | ")
	if v.Many {
		out = "[" + out + "]"
	}
	return out
}

func TestExpressions(t *testing.T) {
	for _, c := range [][2]string{
		{"1+2*3^2-4/2", "17"},
		{"-(1+2)*2", "-6"},
		{"2^3^2", "64"},
		{"m1*2", "10=2 11=4 12=6"},
		{"100-m1", "10=99 11=98 12=97"},
		{"m1+m2", "10=11 12=23"},
		{"m2/(m1-1)", "12=10"},
		{"m1 > 1 AND m1 < 3", "10=0 11=1 12=0"},
		{"m1 == 1 || m1 >= 3", "10=1 11=0 12=1"},
		{"[m1,m2]*2", "[10=2 11=4 12=6 | 10=20 12=40]"},
		{"SUM(m1)", "6"},
		{"SUM([m1,m2])", "10=11 11=2 12=23"},
		{"SUM(METRICS())", "10=11 11=2 12=23"},
		{"AVG(METRICS('m'))", "10=5.5 11=2 12=11.5"},
		{"MAX([m1,m2])-MIN([m1,m2])", "10=9 11=0 12=17"},
		{"STDDEV([m1,m2])", "10=4.5 11=0 12=8.5"},
		{"m1/MAX(m1)", "10=0.333 11=0.667 12=1"},
		{"METRIC_COUNT(METRICS())", "3"},
		{"METRIC_COUNT(REMOVE_EMPTY(METRICS()))", "2"},
		{"DATAPOINT_COUNT([m1,m2])", "10=2 11=1 12=2"},
		{"RATE(m1)", "11=0.017 12=0.017"},
		{"DIFF(m2)", "12=10"},
		{"DIFF_TIME(m2)", "12=120"},
		{"RUNNING_SUM(m1)", "10=1 11=3 12=6"},
		{"FILL(m2,0)", "10=10 11=0 12=20 13=0"},
		{"FILL(m2,REPEAT)", "10=10 11=10 12=20 13=20"},
		{"FILL(m2,LINEAR)", "10=10 11=15 12=20"},
		{"FILL(m2,m1)", "10=10 11=2 12=20"},
		{"FILL(none,7)", "10=7 11=7 12=7 13=7"},
		{"FILL(METRICS('2'),1)", "[10=10 11=1 12=20 13=1]"},
		{"IF(m1>1,m1,0)", "10=0 11=2 12=3"},
		{"IF(m1>1,m2)", "12=20"},
		{"IF(1,m1,m2)", "10=1 11=2 12=3"},
		{"TIME_SERIES(5)", "10=5 11=5 12=5 13=5"},
		{"m1/PERIOD(m1)", "10=0.017 11=0.033 12=0.05"},
		{"FIRST(METRICS())", "10=1 11=2 12=3"},
		{"LAST([m1,m2])", "10=10 12=20"},
		{"SLICE(METRICS(),1)", "10=10 12=20"},
		{"SLICE(METRICS(),0/0)", ""},
		{"SLICE(METRICS(),LOG(0-1))", ""},
		{"SLICE(METRICS(),-1)", ""},
		{"SLICE(METRICS(),0/0,2)", "[]"},
		{"SLICE(METRICS(),0,0/0)", "[]"},
		{"SLICE(METRICS(),0,2)", "[10=1 11=2 12=3 | 10=10 12=20]"},
		{"SORT([m1,m2],MAX,DESC,1)", "[10=10 12=20]"},
		{"SUM(SEARCH('{a} b', 'Sum', 60))", "10=11 11=2 12=23"},
		{"ABS(0-m1)", "10=1 11=2 12=3"},
		{"CEIL(m1/2)", "10=1 11=1 12=2"},
		{"MINUTE(m1)", "10=10 11=11 12=12"},
		{"DAY(m1)", "10=4 11=4 12=4"},
		{"LOG10(m2)", "10=1 12=1.301"},
		{"ANOMALY_DETECTION_BAND(m1, 3)", "[10=1 11=2 12=3 | 10=10 12=20]"},
	} {
		e, err := Parse(c[0])
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		v, err := e.Eval(env())
		if got := show(v); err != nil || got != c[1] {
			t.Errorf("%s: %s, %v, want %s", c[0], got, err, c[1])
		}
		is := OneSeries
		if v.Scalar {
			is = Scalar
		} else if v.Many {
			is = Array
		}
		if kind := e.Kind(func(string) Kind { return OneSeries }); kind != is {
			t.Errorf("%s: of kind %d without its data, and %d with them", c[0], kind, is)
		}
	}
}

func TestPointsAreBounded(t *testing.T) {
	for _, text := range []string{"FILL(m1,0)", "TIME_SERIES(1)", "SUM([FILL(m1,0),FILL(m2,0)])"} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		v := env()
		v.End, v.Budget = 1<<40, &Budget{1_000_000}
		if _, err := e.Eval(v); err == nil {
			t.Errorf("%s made a point for each minute of thousands of years", text)
		}
	}
}

// TestWorkIsBounded names a long series and many of them again and again: what that makes is taken from one budget.
func TestWorkIsBounded(t *testing.T) {
	long := Series{Label: "long", Period: 60}
	for i := range int64(10_000) {
		long.add(600+60*i, float64(i))
	}
	many := Value{Many: true, Series: make([]Series, 10_000)}
	again := func(what string) string { return strings.Repeat(what+",", 80) + what }
	for _, text := range []string{
		"[" + again("long") + "]", "[" + again("many") + "]", "SUM([" + again("long") + "])", "SORT([" + again("long") + "],SUM,ASC)",
		"SUM(" + again("long") + ")", "[" + again("-long") + "]", "FILL(FILL(" + strings.Repeat("FILL(", 20) + "long" + strings.Repeat(",0)", 22),
		"long" + strings.Repeat("+long", 200), "[" + again("ANOMALY_DETECTION_BAND(long)") + "]", "[" + again("SEARCH('a','Sum',60)") + "]",
		"[" + again("METRICS()") + "]",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		v := env()
		v.End, v.Budget = 600+60*10_000, &Budget{200_000}
		v.Lookup = func(id string) (Value, error) {
			if id == "many" {
				return many, nil
			}
			return One(long), nil
		}
		v.Band = func(string, float64) (Series, Series, error) { return long, long, nil }
		v.Search = func(string, string, int64) ([]Series, error) { return []Series{long}, nil }
		v.Metrics = func(string) ([]Series, error) { return []Series{long}, nil }
		if _, err := e.Eval(v); !errors.Is(err, errTooMany) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestBadExpressions(t *testing.T) {
	for _, text := range []string{
		"", "m1+", "(m1", "m1)", "FOO(m1)", "SUM()", "m1 m2", "'abc", "1..2", "@", "[m1", "SERVICE_QUOTA(m1)", "PERIOD(m1,m1)", "m1 && ", "SORT(m1)",
		strings.Repeat("(", 500) + "m1" + strings.Repeat(")", 500), strings.Repeat("-", 1000) + "1", strings.Repeat("m1+", 3000) + "m1",
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%.40q is an expression", text)
		}
	}
	for _, text := range []string{
		"m9", "'abc'", "REPEAT", "[1]", "[m1]+[m2]", "FILL(m1,MAYBE)", "SEARCH(m1,'Sum',60)", "PERIOD(METRICS())", "SUM(1)", "IF([m1],1,2)",
		"SEARCH('a','Sum',-5)", "SORT([m1],m1,m1)", "ANOMALY_DETECTION_BAND([m1])", "TIME_SERIES(m1)",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if v, err := e.Eval(env()); err == nil {
			t.Errorf("%s: %s", text, show(v))
		}
	}
}

func TestSearch(t *testing.T) {
	type m struct {
		namespace, name string
		dims            []string
	}
	cpu := m{"AWS/EC2", "CPUUtilization", []string{"InstanceId", "i-abc"}}
	put := m{"AWS/Kinesis", "PutRecords.Bytes", []string{"StreamName", "my-orders"}}
	shard := m{"AWS/Kinesis", "IncomingBytes", []string{"ShardId", "shardId-0", "StreamName", "my-orders"}}
	for _, c := range []struct {
		query string
		want  string
	}{
		{`{AWS/EC2,InstanceId} MetricName="CPUUtilization"`, "c"},
		{`{AWS/EC2,InstanceId} CPUUtilization`, "c"},
		{`{AWS/EC2,InstanceId} cpu`, "c"},
		{`{AWS/EC2} cpu`, ""},
		{`{AWS/Kinesis,StreamName}`, "p"},
		{`{AWS/Kinesis,StreamName,ShardId}`, "s"},
		{`Namespace="AWS/Kinesis"`, "ps"},
		{`Namespace="AWS/Kinesis" bytes`, "ps"},
		{`Namespace="AWS/Kinesis" NOT incoming`, "p"},
		{`StreamName=my-orders AND (MetricName:IncomingBytes OR cpu)`, "s"},
		{`MetricName=("CPUUtilization" OR "IncomingBytes")`, "cs"},
		{`orders`, "ps"},
		{`"orders"`, ""},
		{`"my-orders"`, "ps"},
		{`{"AWS/EC2", InstanceId} i-abc`, "c"},
		{`utilization OR shardId`, "cs"},
	} {
		s, err := ParseSearch(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		got := ""
		for i, x := range []m{cpu, put, shard} {
			if s.Takes(x.namespace, x.name, x.dims) {
				got += "cps"[i : i+1]
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	for _, bad := range []string{"{", "{}", "(a", "a)", `"a`, "a=", "NOT", strings.Repeat("(", 1000)} {
		if _, err := ParseSearch(bad); err == nil {
			t.Errorf("%.20q is a search", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"m1+m2", "SUM(METRICS('a'))", "IF(m1>1,m1,0)", "FILL(m2,REPEAT)^-2", "[m1,m2]", "SLICE(METRICS(),9,1e300)", "SORT([m1,m2],MAX,DESC,0-1)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := Parse(s); err == nil {
			_, _ = e.Eval(env())
		}
		if q, err := ParseSearch(s); err == nil {
			q.Takes("AWS/EC2", "CPUUtilization", []string{"InstanceId", "i"})
		}
	})
}
