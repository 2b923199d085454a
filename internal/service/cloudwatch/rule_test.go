package cloudwatch

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

var states = map[string]types.StateValue{"a": "ALARM", "b": "OK", "my alarm (1)": "ALARM", "c": "INSUFFICIENT_DATA"}

func TestRules(t *testing.T) {
	sc := scope.Scope{Account: "000000000000", Region: "us-east-1"}
	for text, want := range map[string]bool{
		"ALARM(a)":                        true,
		"ALARM(b)":                        false,
		`ALARM("a") AND OK("b")`:          true,
		"ALARM(b) OR ALARM(a) AND FALSE":  false,
		"(ALARM(b) OR ALARM(a)) AND TRUE": true,
		"NOT ALARM(b) AND NOT (OK(a))":    true,
		`ALARM("my alarm (1)")`:           true,
		"INSUFFICIENT_DATA(c)":            true,
		"ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)": true,
		"ALARM(arn:aws:cloudwatch:us-east-1:111111111111:alarm:a)": false,
		"AT_LEAST(2, ALARM, (a, b, c))":                            false,
		"AT_LEAST(1, ALARM, (a, b, c))":                            true,
		"AT_LEAST(2, NOT ALARM, (a, b, c))":                        true,
	} {
		r, err := parseRule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := r.holds(sc, func(name string) types.StateValue { return states[name] }); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, bad := range []string{"", "ALARM", "ALARM(", "ALARM()", "ALARM(a) b", "FOO(a)", "ALARM(a) AND", "(ALARM(a)", `ALARM("a)`, "NOT", "AT_LEAST(3, ALARM, (a))", "AT_LEAST(x)", strings.Repeat("(", 200), strings.Repeat("NOT ", 200)} {
		if _, err := parseRule(bad); err == nil {
			t.Errorf("%q is a rule", bad)
		}
	}
}

func FuzzRule(f *testing.F) {
	f.Add(`ALARM("a") AND (NOT OK(b) OR AT_LEAST(2, ALARM, (a, b)))`)
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := parseRule(s); err == nil {
			r.holds(scope.Scope{}, func(string) types.StateValue { return "OK" })
		}
	})
}
