package streamsql

import (
	"os"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// evaluate computes an expression without columns at 2024-05-01 10:20:30.456.
func evaluate(text string) (result string, err error) {
	x, err := dialect.Options.ParseExpr(text)
	if err != nil {
		return "", err
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	c := (&compiler{scope: &scope{}}).compile(x)
	now, _ := parseTime("2024-05-01 10:20:30.456", Timestamp)
	f := &frame{b: &batch{n: 1, time: []int64{now}}, now: now}
	v := c.eval(f)
	switch {
	case f.err != nil:
		return "! " + f.err.name, nil
	case v.null:
		return "NULL", nil
	}
	return string(appendText(nil, c.t, v)), nil
}

func TestFunctions(t *testing.T) {
	b, err := os.ReadFile("testdata/functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, line := range strings.Split(string(b), "\n") {
		text, want, ok := strings.Cut(line, " =>")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		got, err := evaluate(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got != strings.TrimPrefix(want, " ") {
			t.Errorf("%s is %q, want %q", text, got, strings.TrimPrefix(want, " "))
		}
		for _, f := range Functions() {
			for _, n := range strings.Split(f.Name, "|") {
				if strings.Contains(text, n) || n == "STRPOS" && strings.Contains(text, "POSITION") || n == "LTRIM" || n == "RTRIM" || n == "TSDIFF" {
					used[f.Name] = true
				}
			}
		}
	}
	// Those of the SQL reference are all tried.
	for _, n := range []string{"ABS", "CEIL|CEILING", "CHAR_LENGTH|CHARACTER_LENGTH", "CHAR_TO_DATE", "CHAR_TO_TIME", "CHAR_TO_TIMESTAMP", "COALESCE|IFNULL|NVL", "CURRENT_DATE",
		"CURRENT_TIMESTAMP|LOCALTIMESTAMP|CURRENT_ROW_TIMESTAMP", "DATEADD|TIMESTAMPADD", "DATEDIFF", "DATEPART", "DATE_TO_CHAR", "EXP", "FLOOR", "INITCAP", "LN", "LOG10", "LOWER", "MOD", "NULLIF", "OVERLAY", "POWER|POW",
		"REGEX_REPLACE", "STRPOS", "SUBSTRING|SUBSTR", "TIMESTAMP_TO_CHAR", "TIME_TO_CHAR", "TO_TIMESTAMP", "TRIM", "TSDIFF", "UNIX_TIMESTAMP", "UPPER", "MONOTONIC"} {
		if !used[n] {
			t.Errorf("%s is not tried", n)
		}
	}
	for _, f := range Functions() {
		if f.Doc == "" || f.Syntax == "" {
			t.Errorf("%s has no description", f.Name)
		}
	}
}

func FuzzExpression(f *testing.F) {
	b, _ := os.ReadFile("testdata/functions.txt")
	for _, line := range strings.Split(string(b), "\n") {
		if text, _, ok := strings.Cut(line, " =>"); ok {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) { evaluate(text) })
}
