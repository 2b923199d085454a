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
		for name := range functionsByName {
			if strings.Contains(strings.ToUpper(text), name+"(") || strings.HasPrefix(text, name) {
				used[name] = true
			}
		}
		used["STRPOS"] = used["STRPOS"] || strings.Contains(text, "POSITION(")
		used["TSDIFF"] = used["TSDIFF"] || strings.Contains(text, "TIMESTAMPDIFF(")
	}
	// Those of the SQL reference are all tried.
	for _, n := range []string{"ABS", "CEIL", "CEILING", "CHAR_LENGTH", "CHARACTER_LENGTH", "CHAR_TO_DATE", "CHAR_TO_TIME", "CHAR_TO_TIMESTAMP", "COALESCE", "CURRENT_DATE",
		"CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "CURRENT_ROW_TIMESTAMP", "DATEADD", "DATEDIFF", "DATEPART", "DATE_TO_CHAR", "EXP", "FLOOR", "INITCAP", "LN", "LOG10", "LOWER", "MOD", "NULLIF", "OVERLAY", "POWER",
		"REGEX_REPLACE", "STRPOS", "SUBSTRING", "TIMESTAMP_TO_CHAR", "TIME_TO_CHAR", "TO_TIMESTAMP", "TRIM", "TSDIFF", "UNIX_TIMESTAMP", "UPPER", "MONOTONIC"} {
		if !used[n] {
			t.Errorf("%s is not tried", n)
		}
	}
}

// TestFunctionList: the table is sound, and docs/streaming-sql.md has it.
func TestFunctionList(t *testing.T) {
	for _, p := range Functions().Problems() {
		t.Error(p)
	}
	const file = "../../../docs/streaming-sql.md"
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(have), "\n## Text\n")
	if !ok {
		t.Fatal("the page has no functions")
	}
	var b strings.Builder
	if err := Functions().Markdown(&b); err != nil {
		t.Fatal(err)
	}
	want := head + b.String()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(have) {
		t.Error("docs/streaming-sql.md is not up to date: make docs")
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
