package loginsight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const base = 1_700_000_000_000 // 2023-11-14 22:13:20

var events = []Event{
	{Time: base + 9*60_000, Message: `{"level": "ERROR", "ms": 120, "user": {"id": 7, "tags": ["a", "b"]}, "ip": "10.0.1.2"}`, Stream: "s1", Pointer: "p0"},
	{Time: base + 6*60_000, Message: `{"level": "INFO", "ms": 20.5, "user": {"id": 8}, "ip": "10.1.1.2"}`, Stream: "s1", Pointer: "p1"},
	{Time: base + 3*60_000, Message: `{"level": "INFO", "ms": "30", "user": {"id": 7}}`, Stream: "s2", Pointer: "p2"},
	{Time: base + 60_000, Message: `plain text user=bob, method=GET done`, Stream: "s2", Pointer: "p3"},
	{Time: base, Message: "REPORT RequestId: abc-1\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 100.00 ms\t\n", Stream: "s2", Pointer: "p4"},
}

func ask(t *testing.T, query string) string {
	t.Helper()
	q, err := Parse(query, base)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return ""
	}
	r := q.Start(0)
	for i := range events {
		for _, c := range q.Contains() {
			if !strings.Contains(events[i].Message, c) {
				goto next
			}
		}
		if !r.Add(&events[i]) {
			break
		}
	next:
	}
	rows, err := r.Finish()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, row := range rows {
		for i, f := range row {
			if f.Name == "@ptr" {
				continue
			}
			if i > 0 {
				b.WriteString(" ")
			}
			fmt.Fprintf(&b, "%s=%s", f.Name, f.Value)
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestQueries(t *testing.T) {
	for query, want := range map[string]string{
		"fields @timestamp, level | limit 2": "@timestamp=2023-11-14 22:22:20.000 level=ERROR; @timestamp=2023-11-14 22:19:20.000 level=INFO",
		"limit 1":                            "@timestamp=2023-11-14 22:22:20.000 @message=" + events[0].Message,
		"# a comment\nfields ms as m, ms * 2 + 1 as n | filter level = 'ERROR'":                                                            "m=120 n=241",
		"fields user.id | filter user.tags.1 = 'b'":                                                                                        "user.id=7",
		"fields user.id | filter ispresent(level) | dedup user.id":                                                                         "user.id=7; user.id=8",
		"fields @logStream | filter @message like /user=\\w+/":                                                                             "@logStream=s2",
		"fields @logStream | filter @message like 'user=' and not (@message like 'x y')":                                                   "@logStream=s2",
		"fields ms | filter ms > 25 | sort ms asc":                                                                                         "ms=30; ms=120",
		"fields ms | filter level in ['INFO', \"WARN\"] | sort ms desc | limit 1":                                                          "ms=30",
		"fields ms | filter level not in ['INFO'] and ispresent(ms)":                                                                       "ms=120",
		"stats count(*) as n by level | sort n desc, level":                                                                                "n=2; level=INFO n=2; level=ERROR n=1",
		"filter ispresent(level) | stats count(*), avg(ms), max(ms) by level":                                                              "level=ERROR count(*)=1 avg(ms)=120 max(ms)=120; level=INFO count(*)=2 avg(ms)=25.25 max(ms)=30",
		"stats count() by bin(5m) as t":                                                                                                    "t=2023-11-14 22:10:00.000 count()=2; t=2023-11-14 22:15:00.000 count()=2; t=2023-11-14 22:20:00.000 count()=1",
		"stats sum(ms) / count(ms) as mean, pct(ms, 50) as p, stddev(ms) as d":                                                             "mean=56.833333333333336 p=30 d=44.8336431216063",
		"stats max(ms) as most, min(ms) as least, most - least as span, span * 2 by level | filter ispresent(level)":                       "level=ERROR most=120 least=120 span=0 span * 2=0; level=INFO most=30 least=20.5 span=9.5 span * 2=19",
		"stats count_distinct(user.id), earliest(@logStream), latest(@logStream)":                                                          "count_distinct(user.id)=2 earliest(@logStream)=s2 latest(@logStream)=s1",
		"filter level = 'NONE' | stats count(*) as n":                                                                                      "n=0",
		"filter level = 'NONE' | stats count(*) as n by level":                                                                             "",
		"parse 'user=*, method=* ' as u, m | filter ispresent(u) | display u, m":                                                           "u=bob m=GET",
		"parse @message /user=(?<u>\\w+)/ | filter u = 'bob' | display u":                                                                  "u=bob",
		"filter @type = 'REPORT' | stats max(@duration) as d, max(@memorySize / 1000 / 1000) as mb, max(@initDuration) as i by @requestId": "@requestId=abc-1 d=12.5 mb=128 i=100",
		"unnest user.tags into tag | filter ispresent(tag) | display tag, toupper(tag)":                                                    "tag=a toupper(tag)=A; tag=b toupper(tag)=B",
		"fields concat(level, '-', strlen(level)) as c | filter level = 'ERROR'":                                                           "c=ERROR-5",
		"fields coalesce(nothing, level) as c, substr(level, 1, 3) as s | filter user.id = 8":                                              "c=INFO s=NFO",
		"filter isIpv4InSubnet(ip, '10.0.0.0/16') | fields ip":                                                                             "ip=10.0.1.2",
		"stats count(*) as n by bin(5m) | stats max(n), sum(n)":                                                                            "max(n)=2 sum(n)=5",
		"stats count(*) by level | sort count(*) desc, level desc | limit 1":                                                               "level=INFO count(*)=2",
		"fields fromMillis(tomillis(@timestamp)) as t, datefloor(@timestamp, 1h) as h, 2 ^ 3 % 5 as x, -ms as y | limit 1":                 "t=2023-11-14 22:22:20.000 h=2023-11-14 22:00:00.000 x=3 y=-120",
		`fields jsonParse('{"a": {"b": [4, {"c": "x"}]}}') as j | fields j.a.b.0, j.a.b.1.c as c, jsonStringify(j.a) as s | limit 1`:       `j={"a":{"b":[4,{"c":"x"}]}} j.a.b.0=4 c=x s={"b":[4,{"c":"x"}]}`,
		"fields jsonParse(@message) as m | filter m.user.id = 8 | display m.level":                                                         "m.level=INFO",
		"fields jsonParse(@message) as m | unnest m.user.tags into tag | filter !ispresent(m.ip) or tag = 'b' | stats count(*)":            "count(*)=4",
		"fields jsonParse('[1') as bad, jsonParse('7') as number, jsonParse('{} x') as more, unmask(level) as l | limit 1":                 "l=ERROR",
		"stats count(*) by bin(1mo) as m, datefloor(@timestamp, 1q) as q, dateceil(@timestamp, 1y) as y":                                   "m=2023-11-01 00:00:00.000 q=2023-10-01 00:00:00.000 y=2024-01-01 00:00:00.000 count(*)=5",
		"SOURCE logGroups() | stats count(*)":                                                                                              "count(*)=5",
		"source loggroups(namePrefix: ['/a', 'b'], class: ['STANDARD'], accountIdentifiers: ['111122223333'],) | stats count(*)":           "count(*)=5",
	} {
		if got := ask(t, query); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
}

func TestSyntax(t *testing.T) {
	for _, s := range []string{
		"pattern @message", "diff", "filterIndex a = 1", "SOURCE", "SOURCE 'g'", "SOURCE logGroups(", "SOURCE logGroups() |", "SOURCE logGroups() limit 1", "limit 1 | SOURCE logGroups()",
		"SOURCE logGroups(namePrefix: 'a')", "SOURCE logGroups(namePrefix: [])", "SOURCE logGroups(name: ['a'])", "SOURCE logGroups(class: ['X'])", "SOURCE logGroups(namePrefix: ['a'], namePrefix: ['b'])",
		"SOURCE logGroups(namePrefix: ['1', '2', '3', '4', '5', '6'])", "!", "filter !", "filter " + strings.Repeat("!", 500) + "a",
		"fields", "fields a b", "filter", "filter a =", "limit x", "limit 0", "limit 20000", "stats a", "stats b + 1 as a, count(*) as b", "stats count(*) as a, a + c as b", "stats count(*) by", "sort", "fields f(a)",
		"parse @message 'a*' as x, y", "parse @message /a/", "parse @message /(/ as x", "fields a |", "| fields a", "fields 'a", "filter a like 3", "filter a in b",
		"fields count(*)", "stats avg(sum(a))", "stats pct(a)", "fields bin(x)", "filter " + strings.Repeat("(", 500) + "a" + strings.Repeat(")", 500),
		"filter " + strings.Repeat("not ", 500) + "a", "fields " + strings.Repeat("-", 500) + "a", strings.Repeat("a", MaxLength+1), "fields §",
	} {
		if _, err := Parse(s, base); !errors.Is(err, ErrSyntax) {
			t.Errorf("%.40q: %v", s, err)
		}
	}
}

// TestEqualTexts compares members with texts: as they are, escaped, structured, as numbers, and made by commands.
func TestEqualTexts(t *testing.T) {
	for _, c := range []struct {
		message, query string
		want           bool
	}{
		{`{"a": "xy"}`, "filter a = 'xy'", true},
		{`{"a": "\u0078y"}`, "filter a = 'xy'", true},
		{`{"\u0061": "xy"}`, "filter a == 'xy'", true},
		{`{"a": "x"}`, "filter a = 'xy'", false},
		{`{"a": "x"}`, "filter a != 'xy'", true},
		{`{"a": 1.0}`, "filter a = '1'", true},
		{`{"a": [1, 2]}`, "filter a = '[1,2]'", true},
		{`{"a": {"b": "c"}}`, `filter a = '{"b":"c"}'`, true},
		{`{"a": "x"}`, "fields concat(a, 'y') as b | filter b = 'xy'", true},
		{"one two", "parse @message '* *' as a, b | fields concat(b, a) as c | filter c = 'twoone'", true},
		{`{"a": "x"}`, "fields jsonParse(@message) as j | filter j.a = 'x'", true},
		{"REPORT RequestId: r-1\tDuration: 1 ms", "filter @requestId = 'r-1'", true},
		{`{"a": "x"} trailing xy`, "filter a = 'xy'", false},
		{`{"a": "xy"} trailing`, "filter a = 'xy'", true},
		{"{\"a\": \"\xff\"}", "filter a = '\ufffd'", true}, // as JSON is read
	} {
		q, err := Parse(c.query, base)
		if err != nil {
			t.Fatal(err)
		}
		r := q.Start(0)
		r.Add(&Event{Message: c.message})
		rows, err := r.Finish()
		if err != nil || (len(rows) == 1) != c.want {
			t.Errorf("%s of %s: %d rows, %v", c.query, c.message, len(rows), err)
		}
	}
}

// TestMemoryIsBounded asks for more than a query may keep, by ways that make much of little: texts that double, wide keys of
// groups, of sorts and of distinct values.
func TestMemoryIsBounded(t *testing.T) {
	line := strings.Repeat("x", 1<<20)
	wide := "fields concat(@message, @message, @message) as w, concat(w, @logStream) as k | "
	for query, want := range map[string]bool{
		wide + "sort k": false, wide + "sort @timestamp": false, wide + "stats count(*) by k": false, wide + "dedup k": false, wide + "stats count_distinct(k)": false,
		wide + "stats latest(k) by @logStream": false, wide + "stats max(k)": true,
		"fields concat(@message, @message, @message, @message, @message) as w | stats count(w) as n": true, // such a text is missing
	} {
		q, err := Parse(query, base)
		if err != nil {
			t.Fatal(err)
		}
		r := q.Start(0)
		for i := range 100 {
			if !r.Add(&Event{Time: base - int64(i), Message: line, Stream: fmt.Sprint(i)}) {
				break
			}
		}
		rows, err := r.Finish()
		if errors.Is(err, ErrTooLarge) == want || want && len(rows) != 1 {
			t.Errorf("%s: %d rows, %v", query, len(rows), err)
		}
	}
}

// TestEventsThatMultiplyEnd ends a query that makes more rows of one event than anybody waits for.
func TestEventsThatMultiplyEnd(t *testing.T) {
	list := "[" + strings.Repeat("1,", 5000) + "1]"
	q, err := Parse("unnest a into b | unnest a into c | unnest a into d | unnest a into e | stats count(*)", base)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := q.Start(0)
	r.Within(ctx)
	cancel()
	r.Add(&Event{Time: base, Message: `{"a": ` + list + `}`})
	if _, err := r.Finish(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("fields a.b as c | filter c like /x/ or d in [1, 'y'] | parse m 'k=*' as v | stats count(*), pct(v, 9) by bin(1h), c | sort c desc | limit 3")
	f.Add("unnest a into b | dedup b | display concat(b, `c d`)")
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s, base)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatal(err)
			}
			return
		}
		r := q.Start(10)
		for i := range events {
			r.Add(&events[i])
		}
		if _, err := r.Finish(); err != nil && !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
	})
}

// TestPreparedIsAdded takes events through Prepare and AddPrepared, as searches by several goroutines do.
func TestPreparedIsAdded(t *testing.T) {
	for _, text := range []string{
		"filter level = 'INFO' | stats count(*) as n, avg(ms) by level", "fields ms * 2 as x | sort x desc | limit 2", "dedup level | fields level", "fields @message | limit 1",
	} {
		q, err := Parse(text, base)
		if err != nil {
			t.Fatal(err)
		}
		one, other := q.Start(0), q.Start(0)
		for i := range events {
			one.Add(&events[i])
			if p, ok := other.Prepare(&events[i]); ok {
				other.AddPrepared(p)
			}
		}
		want, err1 := one.Finish()
		got, err2 := other.Finish()
		if err1 != nil || err2 != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v, want %v, %v", text, got, err2, want, err1)
		}
	}
}

// TestMembers compares what is found in place with what is found in the decoded object.
func TestMembers(t *testing.T) {
	for _, text := range []string{
		`{"a": 1, "b": {"c": [1, {"d": "x\u0041"}], "e": null}, "b.e": true, "a": 2.50, "s": "q\"uo", "n": null}`,
		`  {"a": -1e3} trailing`, `{"\u0061": 1}`, "{\"a\": \"\xff\"}", `{"a": `, `[1]`, `{}`, ``, `{"a": {"a": {"a": "deep"}}, "a.a": false}`,
	} {
		for _, name := range []string{"a", "b", "b.c", "b.c.0", "b.c.1.d", "b.e", "s", "n", "z", "a.a", "a.a.a", ""} {
			got := (&row{event: &Event{Message: text}}).member(name)
			want := path((&row{event: &Event{Message: text}}).object(), name)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%q of %q: %v, want %v", name, text, got, want)
			}
		}
	}
}

func BenchmarkStats(b *testing.B) {
	q, err := Parse("stats count(*), avg(ms) by level", base)
	if err != nil {
		b.Fatal(err)
	}
	run := q.Start(0)
	e := Event{Time: base, Message: `{"time": "2024-05-06T07:08:09Z", "level": "INFO", "ms": 20.5, "user": {"id": 8, "name": "somebody"}, "ip": "10.1.1.2", "message": "an order was taken from the queue and is on its way"}`}
	for b.Loop() {
		if p, ok := run.Prepare(&e); ok {
			run.AddPrepared(p)
		}
	}
}
