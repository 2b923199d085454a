package sql

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestFiles parses the statements of testdata/*.txt and compares what they print as. A
// statement that was printed must give the same tree, and print the same.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || files == nil {
		t.Fatal("no test files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		if strings.HasPrefix(block, "#") {
			out = append(out, block)
			continue
		}
		text, want, _ := strings.Cut(block, "\n----\n")
		got := ""
		s, err := Parse(text)
		if err != nil {
			got = err.Error()
		} else {
			got = Print(s)
			again, err := Parse(got)
			if err != nil {
				t.Errorf("%s\nprints as\n%s\nwhich does not parse: %v", text, got, err)
			} else {
				if print := Print(again); print != got {
					t.Errorf("%s\nprints as\n%s\nand then as\n%s", text, got, print)
				}
				if !sameTree(s, again) {
					t.Errorf("%s\nprints as\n%s\nwhich is another tree", text, got)
				}
			}
		}
		if got != want && !*update {
			t.Errorf("%s\ngot:  %s\nwant: %s", text, got, want)
		}
		out = append(out, text+"\n----\n"+got)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// sameTree compares trees but for positions and quoting.
func sameTree(a, b Statement) bool {
	forget(reflect.ValueOf(a))
	forget(reflect.ValueOf(b))
	return reflect.DeepEqual(a, b)
}

func forget(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			forget(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	case reflect.Struct:
		switch v.Type() {
		case reflect.TypeFor[Position]():
			v.SetZero()
			return
		case reflect.TypeFor[Identifier]():
			v.FieldByName("Quoted").SetBool(false)
		}
		for i := range v.NumField() {
			forget(v.Field(i))
		}
	}
}

func TestDeepNesting(t *testing.T) {
	for _, text := range []string{
		"SELECT " + strings.Repeat("(", 100_000),
		"SELECT " + strings.Repeat("- ", 100_000) + "1",
		"SELECT " + strings.Repeat("NOT ", 100_000) + "a",
		"SELECT * FROM " + strings.Repeat("(", 100_000) + "SELECT 1",
		"SELECT CAST(a AS " + strings.Repeat("array(", 100_000),
		"CREATE EXTERNAL TABLE t (a " + strings.Repeat("array<", 100_000),
		"EXPLAIN " + strings.Repeat("EXPLAIN ", 100_000) + "SELECT 1",
		"SELECT " + strings.Repeat("CASE WHEN ", 100_000),
		"SELECT " + strings.Repeat("x -> ", 100_000),
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%.40s...: no error", text)
		}
	}
	if _, err := Parse("SELECT " + strings.Repeat("(", 30) + "1" + strings.Repeat(")", 30)); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			text, _, _ := strings.Cut(block, "\n----\n")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		printed := Print(s)
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		if twice := Print(again); twice != printed {
			t.Fatalf("%q prints as %q and then %q", text, printed, twice)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const text = `SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty,
		sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, count(*) AS count_order
		FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY
		GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
