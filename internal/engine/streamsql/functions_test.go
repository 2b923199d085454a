package streamsql

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	}
	// Each function is tried, here or by an application.
	tried := string(b)
	files, err := filepath.Glob("testdata/apps/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), "error_") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tried += string(b)
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToUpper(tried), func(r rune) bool {
		return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		words[w] = true
	}
	names := slices.Collect(maps.Keys(functionsByName))
	for _, f := range Functions() {
		names = append(names, strings.ToUpper(f.Name))
	}
	for _, n := range names {
		if !words[n] {
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
